//! Generated flows over HTTP: the same as in `generated`, with the real service, the database and the simulated
//! carrier between, which sends some requests twice and its reports twice, late and in another order.

use std::{fs, path::Path};

use chrono::TimeDelta;
use pikett::{
    declare::directory::default_org,
    model::{Instant, call::Outcome},
    sim::{Behaviour, CallbackFaults, Caller, Faults, Hooks, Press, Sid, WebhookFaults},
    store::calls,
};
use sqlx::Row;

use super::{
    generated::{Act, Deed, sample_of_acts, sound},
    people::{ANNA, BEN, DORA, OUTSIDE, PRESS_1_DE, phone, takes},
    story::{Story, stories},
};

const FLOWS: usize = 10;
const CALLERS: usize = 12;

fn number(flow: usize) -> String {
    format!("+49309019{flow:02}")
}

/// Each on a hotline of its own. Nobody answers a lookup: that has stories of its own.
fn declare(folder: &Path) {
    let mut declared = String::new();
    for (place, written) in sound(FLOWS).enumerate() {
        for (id, text) in written.files(&format!("generated-{place}")) {
            let text = text.replace("https://crm.msp.example/", "http://127.0.0.1:9/");
            fs::write(folder.join(format!("{id}.toml")), text).unwrap();
        }
        declared += &format!(
            "[[hotlines]]\nnumber = \"{}\"\ncontracts = [\"delta-everyone\", \"epsilon-everyone\"]\n\
             flow = \"generated-{place}-0\"\n",
            number(place)
        );
    }
    fs::write(folder.join("generated.toml"), declared).unwrap();
    let config = folder.join("pikett.toml");
    let text = fs::read_to_string(&config).unwrap() + "[lookup]\nallow_private = true\n";
    fs::write(config, text).unwrap();
}

/// What the simulated phone can do of it, and when it hangs up.
fn script(acts: &[Act]) -> (Vec<Press>, Option<i64>) {
    let (mut presses, mut pause, mut length, mut hangs_up) = (Vec::new(), 2, 0, None);
    for act in acts.iter().take(12) {
        pause += act.after_s.min(20);
        let after_s = f64::from(i32::try_from(pause).unwrap());
        match &act.what {
            Deed::Keys(keys) => presses.push(Press::after(after_s, keys)),
            Deed::Says(words) => {
                presses.push(Press { after_s, says: Some(words.clone()), ..Press::default() });
            }
            Deed::HangsUp => hangs_up = Some(length + pause),
            Deed::Silence | Deed::Ends(_) | Deed::Fails | Deed::Stray(_) => continue,
        }
        length += pause;
        pause = 2;
    }
    (presses, hangs_up)
}

impl Story {
    /// Everybody phones; those who hang up do so at their second.
    async fn strangers_phone(&mut self) -> Vec<Sid> {
        let hooks = Hooks::at(self.sim().account_sid(), &format!("{}/carriers/twilio", self.stage.url()));
        let mut callers = Vec::new();
        let mut ends: Vec<(Instant, Sid)> = Vec::new();
        for (place, acts) in sample_of_acts(CALLERS).enumerate() {
            let to = number(place % FLOWS);
            self.sim().number(phone(&to), hooks.clone());
            let from = match place % 5 {
                0 => Caller::Withheld,
                1 => Caller::Number(phone(DORA)),
                _ => Caller::Number(phone(&format!("+493099970{place:02}"))),
            };
            let leg = self.sim().call(from, phone(&to));
            let (presses, hangs_up) = script(&acts);
            self.sim().follow(&leg, presses);
            ends.extend(hangs_up.map(|seconds| (self.clock.now() + TimeDelta::seconds(seconds), leg.clone())));
            callers.push(leg);
        }
        ends.sort();
        for (at, leg) in ends {
            self.pass((at - self.clock.now()).num_seconds().max(0)).await;
            self.sim().hang_up(&leg);
        }
        callers
    }
}

stories! {
    async fn whatever_flow_they_phone_and_whatever_they_do_nobody_is_lost(story: Story, declare) {
        let callbacks = CallbackFaults { duplicate: 0.3, late: 0.2, late_by_s: 20.0, reorder: 0.3, ..CallbackFaults::default() };
        let webhooks = WebhookFaults { duplicate: 0.3, ..WebhookFaults::default() };
        story.sim().faults().set(Faults { callbacks, webhooks, ..Faults::default() });
        story.behaves(ANNA, takes(4.0, PRESS_1_DE));
        story.behaves(BEN, Behaviour::busy());
        story.behaves(OUTSIDE, Behaviour::answers(3.0, []).hanging_up_after(5.0));
        let callers = story.strangers_phone().await;
        let mut outcomes = std::collections::BTreeMap::new();
        for caller in &callers {
            let call = story.over(caller).await;
            *outcomes.entry(call.outcome.map(Outcome::as_str)).or_insert(0) += 1;
        }
        assert!(outcomes.len() >= 3, "too little happens: {outcomes:?}");
        let mut db = story.store.read().await.unwrap();
        let lost = sqlx::query(
            "SELECT id, last_step FROM calls WHERE outcome IN ('missed', 'failed') AND alert_id IS NULL \
             AND state LIKE '%\"past\":true%'",
        );
        let lost: Vec<String> = lost.fetch_all(&mut *db).await.unwrap().iter().map(|row| row.get(0)).collect();
        for id in &lost {
            println!("{:#?}", calls::by_id(&mut db, &default_org(), &id.parse().unwrap()).await.unwrap());
        }
        assert!(lost.is_empty(), "missed, and nobody is told: {lost:?}");
    }
}
