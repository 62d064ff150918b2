//! Asks at fixed instants, whatever happens, and measures from these instants: whoever measures from
//! when they came to ask does not see that they came late.

use std::{collections::VecDeque, thread, time::Duration};

use futures::{StreamExt, stream::FuturesUnordered};
use pikett::clock::Stopwatch;
use tokio::sync::mpsc;

use crate::slice::SLICE_S;

/// The seconds from each scheduled instant to the answer. Whoever is due while all askers still wait for
/// theirs is late, and that counts.
pub async fn at<W>(per_second: u32, askers: &mut VecDeque<W>, ask: impl AsyncFn(&mut W)) -> Vec<f64> {
    during(SLICE_S, per_second, askers, async |asker, _| ask(asker).await).await
}

/// The same in a slice of so many seconds; whoever asks hears when in the slice that was due.
pub async fn during<W>(
    seconds: f64,
    per_second: u32,
    askers: &mut VecDeque<W>,
    ask: impl AsyncFn(&mut W, f64),
) -> Vec<f64> {
    let (ask, watch) = (&ask, Stopwatch::start());
    let (ticks, mut ticked) = mpsc::unbounded_channel();
    let pacer = thread::spawn(move || pace((seconds, per_second), watch, &ticks));
    let (mut asking, mut waits) = (FuturesUnordered::new(), Vec::new());
    loop {
        tokio::select! {
            due = ticked.recv(), if !askers.is_empty() => {
                let Some(due) = due else { break };
                let mut asker = askers.pop_front().expect("the condition of this arm");
                asking.push(async move {
                    ask(&mut asker, due).await;
                    (asker, watch.seconds() - due)
                });
            }
            Some((asker, wait)) = asking.next() => {
                askers.push_back(asker);
                waits.push(wait);
            }
        }
    }
    while let Some((asker, wait)) = asking.next().await {
        askers.push_back(asker);
        waits.push(wait);
    }
    pacer.join().expect("the pacer ends with the slice");
    waits
}

/// On a thread of its own: a runtime's timers are late by up to a millisecond.
fn pace((seconds, per_second): (f64, u32), watch: Stopwatch, ticks: &mpsc::UnboundedSender<f64>) {
    for n in 0_u32.. {
        let due = f64::from(n) / f64::from(per_second);
        // Also after the last one: slices of few a second last as long as they say.
        thread::sleep(Duration::from_secs_f64((due.min(seconds) - watch.seconds()).max(0.0)));
        if due >= seconds || ticks.send(due).is_err() {
            return;
        }
    }
}
