//! When a hotline cannot be served, its caller gets a human by static numbers, or leaves a message; the MSP hears
//! of it, once per hotline and outage.

use std::path::Path;

use pikett::{
    declare::directory::default_org,
    model::call::Outcome,
    sim::{Behaviour, Sid},
    store::calls::{self, CallRow},
};

use super::{
    outage::Outage,
    people::{ANNA, BEN, CEM, PETRA, PRESS_1_DE, PRESS_1_EN, STRANGER, chooses, message, takes},
    story::{Story, stories},
};

/// The gold hotline has static numbers.
pub fn spared(folder: &Path, limits: &str) {
    let file = folder.join("msp.toml");
    let declared = std::fs::read_to_string(&file).unwrap();
    let hotline = "number = \"+4930901820\"\n";
    let spare = format!("{hotline}spare = [\"{ANNA}\", \"{BEN}\"]\n");
    let changed = declared.replacen(hotline, &spare, 1).replacen("[limits]\n", &format!("[limits]\n{limits}\n"), 1);
    assert_ne!(declared, changed);
    std::fs::write(&file, changed).unwrap();
}

/// Until the call is on record with that outcome.
pub async fn recorded(story: &mut Story, caller: &Sid, outcome: Outcome) -> CallRow {
    let sid = caller.as_str().to_owned();
    story
        .until_stored("the call is on record", async move |db| {
            let call = calls::by_carrier_call(db, &default_org(), &"twilio".parse().unwrap(), &sid).await?;
            Ok(call.filter(|call| call.outcome == Some(outcome)))
        })
        .await
}

pub async fn told_of(story: &Story) -> (i64, Vec<String>) {
    let alerts = story.alerts().await;
    let own: Vec<_> =
        alerts.iter().filter(|row| row.alert.title.contains("were answered by the spare document")).collect();
    assert_eq!(own.len(), 1, "{:?}", story.told_to_msp().await);
    (own[0].alert.count, story.tale_of_alert(own[0]).await)
}

stories! {
    async fn the_second_static_number_takes_the_call_when_the_database_goes_away(story: Story, |folder| spared(folder, "")) {
        story.behaves(BEN, takes(4.0, PRESS_1_EN));
        let caller = story.phones(PETRA, []);
        story.hears(&caller, "Für einen Ausfall").await;
        let outage = Outage::begin(story).await;
        story.sim().press(&caller, "1");
        story.hears(&caller, "wir verbinden Sie direkt").await;
        story.talk(&caller).await;
        assert_eq!((story.legs_to(ANNA).len(), story.legs_to(BEN).len()), (1, 1));
        outage.end().await;
        let call = recorded(story, &caller, Outcome::Connected).await;
        let tale = story.tale(&call).await;
        assert!(tale.iter().any(|entry| entry.starts_with("spare: Ben Carter talked with +4930555010")), "{tale:#?}");
        let (count, told) = told_of(story).await;
        assert_eq!(count, 1);
        assert!(told.iter().any(|entry| entry.contains("Ben Carter talked")), "{told:#?}");
        // On SQLite the turn that took too long is committed when the database is free: its alert stands, and Ben has
        // it; its phones stay quiet.
        story.pass(300).await;
        assert!(story.rung(ANNA).await.is_empty() && story.rung(BEN).await.is_empty() && story.rung(CEM).await.is_empty());
        let open = "SELECT COUNT(*) FROM alerts WHERE source <> 'pikett' AND state = 'triggered'";
        assert_eq!(story.number(open).await, 0, "whoever talks has the alert");
        assert_eq!(story.number("SELECT count FROM spent WHERE kind = 'call' AND subject = 'org'").await, 2);
        assert_eq!(story.number("SELECT count FROM spent WHERE kind = 'call' AND subject = 'hotline:+4930901820'").await, 2);
    }

    async fn who_phones_while_the_database_is_away_is_put_through(story: Story, |folder| spared(folder, "")) {
        story.behaves(ANNA, takes(4.0, PRESS_1_DE));
        let outage = Outage::begin(story).await;
        let caller = story.phones(STRANGER, []);
        story.talk(&caller).await;
        story.line_dead(&caller).await;
        let second = story.phones(PETRA, []);
        story.talk(&second).await;
        outage.end().await;
        let call = recorded(story, &caller, Outcome::Connected).await;
        assert_eq!(call.from.map(|from| from.to_string()).as_deref(), Some(STRANGER));
        recorded(story, &second, Outcome::Connected).await;
        let (count, told) = told_of(story).await;
        assert_eq!(count, 2);
        assert_eq!(told.iter().filter(|entry| entry.contains("Anna Berger talked")).count(), 2, "{told:#?}");
        assert!(story.alerts().await.iter().all(|row| !row.alert.title.contains("Verpasster")), "nobody was missed");
    }

    async fn a_mailbox_gets_no_caller_and_the_message_pages_people(story: Story, |folder| spared(folder, "")) {
        // It picks up, listens, and presses nothing.
        story.behaves(ANNA, Behaviour::answers(4.0, []));
        let caller = story.phones(PETRA, []);
        story.hears(&caller, "Für einen Ausfall").await;
        let outage = Outage::begin(story).await;
        story.sim().follow(&caller, [message("Hier Petra Klein, alles steht")]);
        story.sim().press(&caller, "1");
        story.hears(&caller, "leider niemanden erreicht").await;
        story.hears(&caller, "Wir haben Ihre Nachricht").await;
        outage.end().await;
        story.line_dead(&caller).await;
        let call = recorded(story, &caller, Outcome::Voicemail).await;
        let alert = story.alert_of(&call).await;
        assert!(!story.paged(&alert).await.is_empty());
        let (_, told) = told_of(story).await;
        assert!(told.iter().any(|entry| entry.contains("left a message of")), "{told:#?}");
        assert_eq!(story.number("SELECT COUNT(*) FROM voicemails").await, 1);
    }

    async fn who_reaches_nobody_and_says_nothing_is_missed_and_the_msp_is_told(story: Story, |folder| spared(folder, "")) {
        let outage = Outage::begin(story).await;
        let caller = story.phones(PETRA, []);
        story.rings(ANNA).await;
        story.sim().hang_up(&caller);
        story.line_dead(&caller).await;
        outage.end().await;
        recorded(story, &caller, Outcome::Missed).await;
        let (count, told) = told_of(story).await;
        assert_eq!(count, 1);
        let is_named = |entry: &String| entry.contains("+4930555010 phoned +4930901820");
        assert!(told.iter().any(is_named), "{told:#?}");
        let own = story.alerts().await.into_iter().find(|row| row.alert.title.contains("spare document")).unwrap();
        assert!(!story.paged(&own).await.is_empty());
    }

    async fn a_document_that_the_carrier_cannot_use_leads_to_a_static_number(story: Story, |folder| spared(folder, "")) {
        let caller = story.phones(PETRA, []);
        story.hears(&caller, "Für einen Ausfall").await;
        let form = [("CallSid", caller.as_str()), ("CallStatus", "in-progress"), ("From", PETRA), ("To", "+4930901820"),
            ("ErrorCode", "11200")];
        let answer = story.signed("/carriers/twilio/voice/fallback", &form).await;
        assert!(answer.body.contains("<Dial") && answer.body.contains(ANNA), "{}", answer.body);
        // Anna talks, and the carrier tells it twice.
        let next = answer.body.split("action=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
        let next = next.strip_prefix(story.stage.url()).unwrap();
        let form = [("CallSid", caller.as_str()), ("CallStatus", "in-progress"), ("From", PETRA), ("To", "+4930901820"),
            ("DialCallStatus", "completed"), ("DialBridged", "true")];
        for _ in 0..2 {
            assert!(story.signed(next, &form).await.body.contains("<Hangup/>"));
        }
        story.sim().hang_up(&caller);
        let call = recorded(story, &caller, Outcome::Connected).await;
        let tale = story.tale(&call).await;
        assert_eq!(tale.iter().filter(|entry| entry.contains("Anna Berger talked")).count(), 1, "{tale:#?}");
        assert_eq!(told_of(story).await.0, 1);
    }

    async fn past_the_hours_cap_no_static_number_is_dialled(story: Story, |folder| spared(folder, "calls_per_hour = 1")) {
        let outage = Outage::begin(story).await;
        let caller = story.phones(PETRA, [message("Hier Petra")]);
        story.hears(&caller, "leider niemanden erreicht").await;
        assert_eq!((story.legs_to(ANNA).len(), story.legs_to(BEN).len()), (1, 0));
        let second = story.phones(STRANGER, [message("Hier auch")]);
        story.hears(&second, "Bitte sprechen Sie nach dem Ton").await;
        story.line_dead(&caller).await;
        story.line_dead(&second).await;
        assert_eq!(story.legs_to(ANNA).len(), 1);
        outage.end().await;
        for caller in [&caller, &second] {
            recorded(story, caller, Outcome::Voicemail).await;
        }
        let third = story.phones(PETRA, [chooses("1"), message("Noch einmal")]);
        let call = story.over(&third).await;
        assert_eq!(call.outcome, Some(Outcome::Voicemail), "the outage's calls count");
    }

    async fn what_happened_outlasts_the_service(story: Story, |folder| spared(folder, "")) {
        let outage = Outage::begin(story).await;
        let caller = story.phones(PETRA, []);
        story.rings(ANNA).await;
        story.rings(BEN).await;
        story.sim().follow(&caller, [message("Hier Petra Klein")]);
        story.hears(&caller, "Wir haben Ihre Nachricht").await;
        story.line_dead(&caller).await;
        // Whatever this process still had in memory is gone.
        let journal = story.stage.folder.join("pikett-spare.journal");
        let taken: Vec<_> = std::fs::read_dir(&story.stage.folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        let lines = |path: &Path| std::fs::read_to_string(path).unwrap_or_default().contains("\"message\"");
        assert!(lines(&journal) || taken.iter().any(|path| path.extension().is_some() && lines(path)), "{taken:?}");
        outage.end().await;
        recorded(story, &caller, Outcome::Voicemail).await;
        story.pass(30).await;
        let left: Vec<_> = std::fs::read_dir(&story.stage.folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().contains("journal.taken")), "{left:?}");
    }
}
