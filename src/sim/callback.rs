//! Status callbacks: sent some time after what they tell, in order per call or message, unless a
//! fault has them dropped, doubled, late or out of order. Their answers count for nothing.

use chrono::TimeDelta;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{
    Sid, Sim,
    event::What,
    times::{seconds, within},
    webhook::Request,
};
use crate::model::Instant;

/// "HTTP error on the status callback".
const ANSWER_LOST: u32 = 15003;

pub(super) struct Callback {
    pub request: Request,
    pub due: Instant,
    /// What chance is asked about.
    pub name: String,
}

impl Sim {
    /// Sends a callback about something that has just happened.
    pub(super) fn report(&self, request: Request, after: TimeDelta) {
        let about = request.about.clone();
        let name = format!("{about} {}", self.0.chance.next(&format!("callback {about}")));
        let delay = within(self.0.times.callback_s, self.0.chance.fraction(&["callback", &name]));
        let callback = Callback { due: self.0.clock.now() + after + delay, request, name };
        let mut couriers = self.0.couriers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let courier = couriers.entry(about).or_insert_with(|| {
            let (sender, queue) = unbounded_channel();
            self.spawn(carry(self.clone(), queue));
            sender
        });
        // A courier lives as long as its sender stands in the map.
        let _ = courier.send(callback);
    }
}

async fn carry(sim: Sim, mut queue: UnboundedReceiver<Callback>) {
    while let Some(callback) = queue.recv().await {
        let faults = sim.faults().between(&callback.request.between.0, &callback.request.between.1).callbacks;
        let strikes = |share: f64, what: &str| sim.0.chance.happens(share, &[what, &callback.name]);
        if strikes(faults.drop, "drop") {
            continue;
        }
        let twice = strikes(faults.duplicate, "duplicate");
        let late = strikes(faults.late, "late");
        let overtaken = strikes(faults.reorder, "reorder");
        sim.0.clock.sleep_until(callback.due).await;
        if late {
            let (sim, other) = (sim.clone(), sim.clone());
            sim.spawn(async move {
                other.0.clock.sleep(seconds(faults.late_by_s)).await;
                deliver(&other, callback.request, twice).await;
            });
        } else if overtaken && let Some(next) = following(&sim, &mut queue).await {
            sim.0.clock.sleep_until(next.due).await;
            deliver(&sim, next.request, false).await;
            deliver(&sim, callback.request, twice).await;
        } else {
            deliver(&sim, callback.request, twice).await;
        }
    }
}

/// The next callback about the same thing, when there is one within a minute.
async fn following(sim: &Sim, queue: &mut UnboundedReceiver<Callback>) -> Option<Callback> {
    tokio::select! {
        biased;
        next = queue.recv() => next,
        () = sim.0.clock.sleep(TimeDelta::minutes(1)) => None,
    }
}

async fn deliver(sim: &Sim, request: Request, twice: bool) {
    let about = request.about.clone();
    let copy = twice.then(|| request.clone());
    for request in [Some(request), copy].into_iter().flatten() {
        if let Err(failure) = sim.request(request).await {
            sim.warn(&about, ANSWER_LOST, failure.text);
        }
    }
}

impl Sim {
    pub(super) fn warn(&self, about: &Sid, code: u32, text: impl Into<String>) {
        self.note(What::Warning { about: about.clone(), code, text: text.into() });
    }
}
