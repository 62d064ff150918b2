//! The person at a phone, when nobody plays them: presses keys and speaks by a script.

use chrono::TimeDelta;

use super::{
    Press, Sid, Sim,
    event::{Source, What},
    phone::Then,
    times::seconds,
};

/// What a scripted phone does after it was picked up.
pub(super) async fn play(sim: Sim, leg: Sid, then: Then) {
    match then {
        Then::Answer { keys, hang_up_after_s } => act(sim, leg, keys, hang_up_after_s.map(seconds)).await,
        Then::Mailbox { greeting_s, records_s } => {
            act(sim, leg, Vec::new(), Some(seconds(greeting_s + records_s))).await
        }
        Then::Busy | Then::NoAnswer | Then::Decline | Then::Fail { .. } => {}
    }
}

/// Ends with the leg, and with hanging up when that was asked for.
pub(super) async fn act(sim: Sim, leg: Sid, script: Vec<Press>, hang_up_after: Option<TimeDelta>) {
    let until = hang_up_after.map(|after| sim.0.clock.now() + after);
    let over = ended(&sim, &leg);
    tokio::select! {
        () = over => {}
        () = presses(&sim, &leg, script, until) => {}
    }
}

async fn presses(sim: &Sim, leg: &Sid, script: Vec<Press>, until: Option<crate::model::Instant>) {
    let acting = async {
        let mut seq = sim.world().since(leg);
        for press in script {
            if let Some(words) = &press.heard {
                seq = heard(sim, leg, words, seq).await;
            }
            sim.0.clock.sleep(seconds(press.after_s)).await;
            if !press.keys.is_empty() {
                sim.press(leg, &press.keys);
            }
            if let Some(says) = &press.says {
                sim.speak(leg, says, 0.9);
            }
        }
    };
    match until {
        None => acting.await,
        Some(until) => {
            let rest = async {
                acting.await;
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = rest => {}
                () = sim.0.clock.sleep_until(until) => { sim.hang_up(leg); }
            }
        }
    }
}

/// Where in the journal this leg heard these words, waiting for them.
async fn heard(sim: &Sim, leg: &Sid, words: &str, mut seq: u64) -> u64 {
    let words = words.to_lowercase();
    loop {
        let event = sim.0.journal.after(seq).await;
        seq = event.seq;
        match event.what {
            What::Heard {
                leg: at, text, source: Source::Say | Source::Play | Source::Beep | Source::Person, ..
            } if at == *leg && text.to_lowercase().contains(&words) => {
                return seq;
            }
            _ => {}
        }
    }
}

async fn ended(sim: &Sim, leg: &Sid) {
    let mut seq = sim.world().since(leg);
    loop {
        let event = sim.0.journal.after(seq).await;
        seq = event.seq;
        if matches!(&event.what, What::Ended { leg: at, .. } if at == leg) {
            return;
        }
    }
}
