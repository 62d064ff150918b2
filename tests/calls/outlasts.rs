//! Nothing that a caller leaves is lost while the database or the disk fails, whoever takes it up, and however often
//! it is told; and nobody waits for a database.

use std::path::Path;

use pikett::{
    app::Service,
    clock::Ids,
    model::call::Outcome,
    sim::{Press, What},
};

use super::{
    outage::Outage,
    people::{ANNA, BEN, NOBODYS, PETRA, PRESS_1_EN, chooses, message, takes},
    spared::{recorded, spared, told_of},
    story::{Story, stories},
};

/// The carrier's word for a report that it could not deliver.
const ANSWER_LOST: u32 = 15003;
const VOICEMAILS: &str = "SELECT COUNT(*) FROM voicemails";

/// The folder of the spare file, and so of the journal, is not there.
fn spared_without_a_disk(folder: &Path) {
    spared(folder, "");
    let file = folder.join("pikett.toml");
    let configured = std::fs::read_to_string(&file).unwrap();
    let changed = configured.replacen("pikett-spare.json", "missing/pikett-spare.json", 1);
    assert_ne!(configured, changed);
    std::fs::write(&file, changed).unwrap();
}

/// Nobody waits for long.
fn impatient(folder: &Path) {
    spared(folder, "");
    let file = folder.join("msp.toml");
    let declared = std::fs::read_to_string(&file).unwrap();
    let vars = "vars = { company = \"Nordlicht IT\"";
    let changed = declared.replacen(vars, &format!("{vars}, max_wait = \"40s\""), 1);
    assert_ne!(declared, changed);
    std::fs::write(&file, changed).unwrap();
}

impl Story {
    /// The caller reaches nobody and leaves a message; only then is the database back.
    async fn message_while_away(&mut self) -> pikett::sim::Sid {
        let outage = Outage::begin(self).await;
        let caller = self.phones(PETRA, [message("Hier Petra Klein, alles steht")]);
        self.hears(&caller, "Wir haben Ihre Nachricht").await;
        self.line_dead(&caller).await;
        outage.end().await;
        caller
    }
}

stories! {
    async fn what_is_said_as_the_database_goes_away_is_kept(story: Story, |folder| spared(folder, "")) {
        let script = [chooses("1"), Press::on("Stern-Taste", "*"), message("Hier Petra Klein, alles steht")];
        let caller = story.phones(PETRA, script);
        story.until("the caller speaks", |what| matches!(what, What::Recording { leg } if *leg == caller)).await;
        let outage = Outage::begin(story).await;
        story.hears(&caller, "bei uns ist etwas schiefgegangen").await;
        story.sim().hang_up(&caller);
        story.line_dead(&caller).await;
        // The carrier reports the recording as well.
        story.pass(30).await;
        assert!(story.journals() > 0);
        outage.end().await;
        let call = recorded(story, &caller, Outcome::Voicemail).await;
        let alert = story.alert_of(&call).await;
        assert!(!story.paged(&alert).await.is_empty());
        assert_eq!(story.number(VOICEMAILS).await, 1);
    }

    async fn a_call_that_ends_while_the_database_is_away_is_not_left_open(story: Story) {
        let caller = story.phones(PETRA, []);
        story.hears(&caller, "Für einen Ausfall").await;
        let outage = Outage::begin(story).await;
        story.sim().hang_up(&caller);
        story.line_dead(&caller).await;
        story.pass(5).await;
        outage.end().await;
        let began = story.clock.now();
        recorded(story, &caller, Outcome::Missed).await;
        assert!(story.clock.now() - began < chrono::TimeDelta::minutes(1), "nobody needs to look for its end");
        assert!(story.told_to_msp().await.is_empty(), "the flow could have served them");
    }

    async fn without_a_disk_what_happened_is_kept_in_memory(story: Story, spared_without_a_disk) {
        let caller = story.message_while_away().await;
        let call = recorded(story, &caller, Outcome::Voicemail).await;
        assert!(!story.paged(&story.alert_of(&call).await).await.is_empty());
        let (count, told) = told_of(story).await;
        assert_eq!(count, 1);
        assert_eq!(told.iter().filter(|entry| entry.contains("left a message of")).count(), 1, "{told:#?}");
    }

    async fn two_that_take_up_the_same_journal_keep_everything_once(story: Story, |folder| spared(folder, "")) {
        let mut config = story.stage.config.clone();
        config.server.listen = "127.0.0.1:0".parse().unwrap();
        let second = Service::start(&config, story.clock.clone(), Ids::seeded(3)).await.unwrap();
        let caller = story.message_while_away().await;
        let call = recorded(story, &caller, Outcome::Voicemail).await;
        assert!(!story.paged(&story.alert_of(&call).await).await.is_empty());
        story.pass(60).await;
        assert_eq!(story.journals(), 0);
        assert_eq!(story.number(VOICEMAILS).await, 1);
        assert_eq!(story.number("SELECT count FROM spent WHERE kind = 'call' AND subject = 'org'").await, 2);
        let (count, told) = told_of(story).await;
        assert_eq!(count, 1);
        for words in ["left a message of", "heard the spare document", "was over at"] {
            let of_it = |entry: &&String| entry.starts_with("spare:") && entry.contains(words);
            assert_eq!(told.iter().filter(of_it).count(), 1, "{words}: {told:#?}");
        }
        second.stop().await;
    }

    async fn who_waits_when_the_database_goes_away_is_led_to_a_static_number(story: Story, impatient) {
        // Technicians' lines are asked for afterwards, so that their reports need not be kept.
        story.warnings.push(ANSWER_LOST);
        let caller = story.phones(PETRA, [chooses("1")]);
        story.rings(ANNA).await;
        let outage = Outage::begin(story).await;
        story.behaves(BEN, takes(4.0, PRESS_1_EN));
        story.talk(&caller).await;
        outage.end().await;
        story.line_dead(&caller).await;
        recorded(story, &caller, Outcome::Connected).await;
        let (_, told) = told_of(story).await;
        assert!(told.iter().any(|entry| entry.contains("Ben Carter talked")), "{told:#?}");
    }

    async fn at_the_fallback_the_signature_counts_and_every_number_is_answered(story: Story, |folder| spared(folder, "")) {
        let form = [("CallSid", "CA0001"), ("CallStatus", "in-progress"), ("From", PETRA), ("To", NOBODYS),
            ("ErrorCode", "11200")];
        let spoken = [&form[..], &[("RecordingUrl", "https://c/RE1"), ("RecordingSid", "RE1"), ("RecordingDuration", "7")]].concat();
        for path in ["voice/fallback", "voice/message", "spare/next?hotline=4930901820&language=de", "spare/whisper?language=de",
            "spare/key?language=de&n=1"] {
            let path = format!("/carriers/twilio/{path}");
            for signature in [None, Some("AAAAAAAAAAAAAAAAAAAAAAAAAAA=")] {
                assert_eq!(story.post(&path, &spoken, signature).await.status, 403, "{path}");
            }
        }
        assert_eq!(story.journals(), 0);
        story.pass(30).await;
        assert!(story.alerts().await.is_empty());
        let answer = story.signed("/carriers/twilio/voice/fallback", &form).await;
        assert!(answer.status == 200 && answer.body.contains("<Record"), "{}", answer.body);
        // What was recorded with the document that failed is not lost either.
        assert!(story.signed("/carriers/twilio/voice/fallback", &spoken).await.body.contains("<Record"));
        let waiting = [&form[..], &[("ErrorUrl", "https://h/carriers/twilio/calls/cll_1/wait?n=3")]].concat();
        assert!(story.signed("/carriers/twilio/voice/fallback", &waiting).await.body.contains("<Leave/>"));
        story.pass(30).await;
        let mut told = story.told_to_msp().await;
        told.sort_unstable();
        let by_spare = format!("Calls to {NOBODYS} were answered by the spare document");
        assert_eq!(told, ["A caller left a message".to_owned(), by_spare]);
    }
}
