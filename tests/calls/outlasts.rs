//! Nothing that a caller leaves is lost while the database or the disk fails, whoever takes it up, and however often
//! it is told; and nobody waits for a database.

use std::path::Path;

use pikett::{
    app::Service,
    clock::{Clock, Ids},
    declare::directory::default_org,
    model::call::{Outcome, Question},
    sim::{Press, What},
    store::{
        calls,
        voicemails::{self, Said},
    },
};

use super::{
    outage::Outage,
    people::{ANNA, BEN, NOBODYS, PETRA, PRESS_1_DE, PRESS_1_EN, chooses, message, takes},
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
    /// As an operator brings a journal home from another machine; it is looked for in real time.
    async fn brings_home(&self, lines: &[String]) {
        let file = self.stage.folder.join("pikett-spare.journal.taken-b");
        std::fs::write(&file, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
        for _ in 0..2_000 {
            if !file.exists() {
                return;
            }
            Clock::system().sleep(chrono::TimeDelta::milliseconds(10)).await;
        }
        panic!("nobody takes it up");
    }

    /// A line of the journal.
    fn line(&self, call: &str, what: &str, more: &str) -> String {
        let at = self.clock.now().timestamp_millis();
        let who = format!("\"carrier\":\"twilio\",\"call\":\"{call}\",\"from\":\"{PETRA}\",\"to\":\"+4930901820\"");
        format!("{{\"at\":{at},{who},\"what\":\"{what}\"{more}}}")
    }

    async fn told_of_what_is_not_on_record(&self) -> usize {
        let told = self.told_to_msp().await;
        told.iter().filter(|title| *title == "A call could not be put on record").count()
    }

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

    async fn lines_that_nobody_can_read_are_told_and_put_aside(story: Story) {
        let torn = "{\"at\":17".to_owned();
        story.brings_home(&[torn.clone(), story.line("CA0001", "ended", ""), "nonsense".to_owned()]).await;
        story.pass(60).await;
        assert_eq!(story.journals(), 0);
        let told = story.told_to_msp().await;
        assert_eq!(told.iter().filter(|title| *title == "Lines of the journal cannot be read").count(), 1, "{told:?}");
        let own = story.alerts().await.into_iter().find(|row| row.alert.title.starts_with("Lines of")).unwrap();
        let tale = story.tale_of_alert(&own).await;
        assert!(tale.iter().any(|entry| entry.contains("2 of the lines")), "{tale:#?}");
        let aside = std::fs::read_to_string(story.stage.folder.join("pikett-spare.journal.unreadable")).unwrap();
        assert_eq!(aside, format!("{torn}\nnonsense\n"));
    }

    async fn an_odd_line_keeps_back_nobody_else_and_is_told_in_the_end(story: Story) {
        let odd = story.phones(PETRA, [chooses("1"), Press::on("Stern-Taste", "*"), message("Hier Petra")]);
        let call = story.over(&odd).await;
        // Whatever is the matter with its call, nobody can go on with it.
        let (id, state) = (call.id.clone(), call.state.clone());
        let keep = async |story: &Story, state: String| {
            let id = id.clone();
            let unit = async move |db: &mut sqlx::AnyConnection| calls::keep_state(db, &default_org(), &id, &state).await;
            story.store.write(unit).await.unwrap();
        };
        keep(story, "{".to_owned()).await;
        let talked = format!(",\"number\":\"{ANNA}\"");
        let recorded = ",\"url\":\"https://c/RE7\",\"sid\":\"RE7\",\"seconds\":7";
        story.brings_home(&[story.line(odd.as_str(), "talked", &talked), story.line("CA0007", "message", recorded)]).await;
        story.until_stored("the other's message is on record", async |db| {
            let call = calls::by_carrier_call(db, &default_org(), &"twilio".parse().unwrap(), "CA0007").await?;
            Ok(call.filter(|call| call.alert.is_some()))
        }).await;
        assert_eq!(story.told_of_what_is_not_on_record().await, 0);
        // Neither is what is written since.
        let written = story.line("CA0008", "message", &recorded.replace("RE7", "RE8"));
        let journal = story.stage.folder.join("pikett-spare.journal");
        let mut journal = std::fs::File::options().create(true).append(true).open(journal).unwrap();
        std::io::Write::write_all(&mut journal, format!("{written}\n").as_bytes()).unwrap();
        story.until_stored("what came since is on record", async |db| {
            calls::by_carrier_call(db, &default_org(), &"twilio".parse().unwrap(), "CA0008").await
        }).await;
        story.pass(180).await;
        assert_eq!((story.told_of_what_is_not_on_record().await, story.journals()), (1, 0));
        keep(story, state).await;
        story.signed("/carriers/twilio/voice/status", &[("CallSid", "CA0007"), ("CallStatus", "completed")]).await;
        story.signed("/carriers/twilio/voice/status", &[("CallSid", "CA0008"), ("CallStatus", "completed")]).await;
    }

    async fn a_talk_by_the_spare_document_outranks_the_message_before_it(story: Story, |folder| spared(folder, "")) {
        let caller = story.phones(PETRA, [chooses("1"), Press::on("Stern-Taste", "*"), message("Hier Petra")]);
        assert_eq!(story.over(&caller).await.outcome, Some(Outcome::Voicemail));
        story.brings_home(&[story.line(caller.as_str(), "talked", &format!(",\"number\":\"{ANNA}\""))]).await;
        let call = recorded(story, &caller, Outcome::Connected).await;
        assert_eq!(call.answered_by.map(|person| person.to_string()).as_deref(), Some("anna"));
        story.pass(120).await;
        assert_eq!((story.told_of_what_is_not_on_record().await, story.journals()), (0, 0));
    }

    async fn who_talked_during_a_long_outage_does_not_count_as_missed(story: Story, |folder| spared(folder, "")) {
        story.behaves(ANNA, takes(4.0, PRESS_1_DE));
        let caller = story.phones(PETRA, []);
        story.hears(&caller, "Für einen Ausfall").await;
        let outage = Outage::begin(story).await;
        story.sim().press(&caller, "1");
        story.talk(&caller).await;
        story.line_dead(&caller).await;
        // The end of the call is looked for as soon as the database is back.
        story.clock.advance(chrono::TimeDelta::minutes(7));
        outage.end().await;
        recorded(story, &caller, Outcome::Connected).await;
        story.pass(60).await;
        assert!(story.alerts().await.iter().all(|row| !row.alert.title.contains("Verpasster")), "nobody was missed");
    }

    async fn who_counts_as_missed_and_turns_out_to_have_talked_pages_nobody_for_long(story: Story, |folder| spared(folder, "")) {
        let caller = story.phones(PETRA, []);
        story.hears(&caller, "Für einen Ausfall").await;
        story.sim().hang_up(&caller);
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Missed));
        story.brings_home(&[story.line(caller.as_str(), "talked", &format!(",\"number\":\"{ANNA}\""))]).await;
        let call = recorded(story, &caller, Outcome::Connected).await;
        story.pass(60).await;
        let open = "SELECT COUNT(*) FROM alerts WHERE source <> 'pikett' AND state = 'triggered'";
        assert!(call.alert.is_none() || story.number(open).await == 0, "whoever talked has the alert");
    }

    async fn an_answer_that_is_reported_while_the_database_is_away_keeps_its_question(story: Story) {
        let caller = story.phones(PETRA, [chooses("1"), Press::on("Stern-Taste", "*"), message("Hier Petra")]);
        let call = story.over(&caller).await;
        let outage = Outage::begin(story).await;
        let report = [("CallSid", caller.as_str()), ("From", PETRA), ("To", "+4930901820"), ("RecordingSid", "RE9"),
            ("RecordingUrl", "https://c/RE9"), ("RecordingStatus", "completed"), ("RecordingDuration", "5")];
        let path = format!("/carriers/twilio/calls/{}/recording?turn=1&question=where", call.id);
        assert_eq!(story.signed(&path, &report).await.status, 204);
        assert!(story.journals() > 0);
        outage.end().await;
        let said = story.until_stored("the answer is kept", async |db| {
            let kept = voicemails::of_call(db, &default_org(), &call.id).await?;
            Ok(kept.into_iter().find(|row| row.recording == "RE9").map(|row| row.said))
        }).await;
        assert_eq!(said, Said::Answer(Question::Where));
    }

    async fn a_talk_that_is_reported_while_the_database_is_away_outlasts_a_restart(story: Story) {
        let caller = story.phones(PETRA, [chooses("1"), Press::on("Stern-Taste", "*"), message("Hier Petra")]);
        let call = story.over(&caller).await;
        let outage = Outage::begin(story).await;
        // Of the technician's line, as the carrier tells of it.
        let report = [("CallSid", "CA0009"), ("From", "+4930901820"), ("To", ANNA), ("RecordingSid", "RE9"),
            ("RecordingUrl", "https://c/RE9"), ("RecordingStatus", "completed"), ("RecordingDuration", "50"),
            ("RecordingSource", "DialVerb")];
        assert_eq!(story.signed(&format!("/carriers/twilio/calls/{}/recording", call.id), &report).await.status, 204);
        story.service.take().unwrap().stop().await;
        assert!(story.journals() > 0);
        outage.end().await;
        story.service = Some(Service::start(&story.stage.config, story.clock.clone(), Ids::seeded(3)).await.unwrap());
        let said = story.until_stored("the talk is kept", async |db| {
            let kept = voicemails::of_call(db, &default_org(), &call.id).await?;
            Ok(kept.into_iter().find(|row| row.recording == "RE9").map(|row| row.said))
        }).await;
        assert_eq!(said, Said::Talk);
        assert_eq!(story.number("SELECT COUNT(*) FROM calls").await, 1, "a technician's line is no caller's");
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
