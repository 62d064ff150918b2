//! Callers who come together are saved together, and what the process remembers of a call may be outdated:
//! each of them still has a call of their own, as it stands in the database.

use std::collections::BTreeSet;

use futures::future::join_all;
use pikett::{
    clock::Ids,
    declare::directory::default_org,
    model::{call::Outcome, id::CallId},
    store::{
        calls::{self, CallRow, Phase, Turn},
        timeline::{self, Entry},
        timers, turns,
    },
};
use serde_json::Value;

use super::{
    people::PETRA,
    requests::Answer,
    story::{Story, stories},
};

const CALLERS: usize = 24;
const VOICE: &str = "/carriers/twilio/voice";
const STATUS: &str = "/carriers/twilio/voice/status";

fn sid(caller: usize) -> String {
    format!("CA{caller:032}")
}

async fn phones(story: &Story, sid: &str) -> Answer {
    let form = [("CallSid", sid), ("CallStatus", "ringing"), ("From", PETRA), ("To", "+4930901820")];
    story.signed(VOICE, &form).await
}

async fn presses(story: &Story, call: &CallId, turn: u32, key: &str) -> Answer {
    let path = format!("/carriers/twilio/calls/{call}/turns/{turn}");
    story.signed(&path, &[("CallStatus", "in-progress"), ("From", PETRA), ("Digits", key)]).await
}

async fn hangs_up(story: &Story, sid: &str) {
    let form = [("CallSid", sid), ("CallStatus", "completed"), ("From", PETRA), ("To", "+4930901820")];
    assert_eq!(story.signed(STATUS, &form).await.status, 204);
}

async fn row(story: &Story, sid: &str) -> CallRow {
    let mut db = story.store.read().await.unwrap();
    let call = calls::by_carrier_call(&mut db, &default_org(), &"twilio".parse().unwrap(), sid).await;
    call.unwrap().expect("the call is on record")
}

/// As another node leaves the call, without telling this one.
fn elsewhere(call: &CallRow) -> Turn {
    Turn {
        state: call.state.clone(),
        last_step: call.last_step.clone(),
        phase: Phase::Ivr,
        contract: call.contract.clone(),
        customer: call.customer.clone(),
        contact: call.contact.clone(),
        verified: call.verified,
        language: "de".parse().unwrap(),
        category: None,
        priority: None,
    }
}

stories! {
    async fn callers_who_come_at_the_same_moment_each_have_their_own_call(story: Story) {
        // Each request comes twice at once: the carrier asks again when it has waited for too long.
        let sids: Vec<String> = (0..CALLERS).chain(0..CALLERS).map(sid).collect();
        let greetings = join_all(sids.iter().map(|sid| phones(story, sid))).await;
        let (first, again) = greetings.split_at(CALLERS);
        assert_eq!(first, again);
        let mut calls = Vec::new();
        for (greeting, sid) in first.iter().zip(&sids) {
            let call = row(story, sid).await;
            assert!(greeting.body.contains(&format!("/calls/{}/turns/1", call.id)), "{greeting:?}");
            calls.push(call.id);
        }
        assert_eq!(calls.iter().collect::<BTreeSet<_>>().len(), CALLERS);
        // An unknown key, the menu once more, then a message.
        for (turn, key, heard) in [(1, "9", "<Gather"), (2, "0", "<Gather"), (3, "3", "<Record")] {
            let twice = calls.iter().chain(&calls);
            let answers = join_all(twice.map(|call| presses(story, call, turn, key))).await;
            let (first, again) = answers.split_at(CALLERS);
            assert_eq!(first, again);
            for (answer, call) in first.iter().zip(&calls) {
                assert!(answer.body.contains(heard) && answer.body.contains(call.as_str()), "{answer:?}");
            }
        }
        for (sid, call) in sids.iter().zip(&calls) {
            let row = row(story, sid).await;
            assert_eq!((&row.id, row.turn, row.phase), (call, 4, Phase::Recording));
            let tale = story.tale(&row).await;
            assert!(tale.iter().all(|entry| entry.starts_with("turn: ")), "{tale:#?}");
            hangs_up(story, sid).await;
        }
    }

    async fn what_another_node_has_answered_is_answered_here(story: Story) {
        let sid = sid(1);
        phones(story, &sid).await;
        let call = row(story, &sid).await;
        let (id, turn, document) = (call.id.clone(), elsewhere(&call), "<Response><Pause length=\"1\"/></Response>");
        let unit = async move |db: &mut sqlx::AnyConnection| {
            assert!(calls::save_turn(db, &default_org(), &id, 1, &turn).await?);
            turns::put(db, &default_org(), &id, 1, document).await
        };
        story.store.write(unit).await.unwrap();
        assert_eq!(presses(story, &call.id, 1, "1").await.body, document);
        // And from there the call goes on, here as well.
        let menu = presses(story, &call.id, 2, "0").await;
        assert!(menu.body.contains("Für einen Ausfall") && menu.body.contains("/turns/3"), "{menu:?}");
        assert_eq!(row(story, &sid).await.turn, 3);
        assert!(story.alerts().await.is_empty(), "the key that came too late called nobody");
        hangs_up(story, &sid).await;
    }

    async fn a_call_that_another_node_has_ended_goes_on_nowhere(story: Story) {
        let sid = sid(1);
        phones(story, &sid).await;
        let call = row(story, &sid).await;
        let (id, now) = (call.id.clone(), story.clock.now());
        let ended = async move |db: &mut sqlx::AnyConnection| {
            let org = default_org();
            timers::clear(db, &org, "call-watch", id.as_str()).await?;
            let entry = Entry {
                id: Ids::seeded(9).id(now),
                alert: None,
                call: Some(id.clone()),
                at: now,
                kind: "ended".to_owned(),
                text: "The call has ended.".to_owned(),
                detail: Value::Null,
            };
            timeline::write(db, &org, &entry).await?;
            calls::end(db, &org, &id, (1, Phase::Ivr), Outcome::Goodbye, now).await
        };
        assert!(story.store.write(ended).await.unwrap());
        let answer = presses(story, &call.id, 1, "1").await;
        assert!(answer.status == 200 && answer.body.contains("<Hangup"), "{answer:?}");
        let after = row(story, &sid).await;
        assert_eq!((after.turn, after.outcome, after.phase), (1, Some(Outcome::Goodbye), Phase::Ended));
        assert!(story.alerts().await.is_empty());
    }
}
