//! What becomes of a message: the page goes out at once; the recording is fetched, sealed, deleted at the
//! carrier, put into words, played by a short-lived link, and removed when its time is over.

use std::path::Path;

use chrono::TimeDelta;
use pikett::{
    carrier::http_client,
    clock::Clock,
    declare::directory::default_org,
    model::{call::Outcome, secret::Secret},
    notify::links::Links,
    sim::{Event, Press, What},
    store::{
        secrets,
        voicemails::{self, Place, Said, VoicemailRow},
    },
};

use super::{
    outage::Outage,
    people::{ANNA, DORA, EVERYONE, PETRA, PRESS_1_DE, chooses, message, takes},
    story::{Story, stories},
};

const SAID: &str = "Bei uns steht alles, bitte rufen Sie zurück";

fn change(folder: &Path, file: &str, from: &str, to: &str) {
    let file = folder.join(file);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{from} is not in {}", file.display());
    std::fs::write(&file, text.replacen(from, to, 1)).unwrap();
}

/// Prints the first word of the open file and the language.
pub fn with_a_transcriber(folder: &Path) {
    let command = r#"["/bin/sh", "-c", "head -c 4 \"$1\"; echo \" auf $2\"", "sh", "{file}", "{language}"]"#;
    change(folder, "pikett.toml", "[voicemail]\n", &format!("[voicemail]\ntranscriber = {command}\n"));
    change(
        folder,
        "more.toml",
        "customer = \"delta\"\ncoverage",
        "customer = \"delta\"\nrecordings = \"6h\"\ncoverage",
    );
}

/// The gold hotline's talks.
fn recorded(folder: &Path) {
    change(folder, "sla-hotline.toml", "do = \"connect\"\n", "do = \"connect\"\nrecord = true\n");
}

fn in_english(folder: &Path) {
    change(folder, "straight-through.toml", "languages = [\"de\"]", "languages = [\"en\"]");
    change(folder, "straight-through.toml", "nach dem Ton.\"\n", "nach dem Ton.\"\nmax = \"2m\"\n");
}

impl Story {
    pub async fn message(&mut self, what: &str, fits: impl Fn(&VoicemailRow) -> bool) -> VoicemailRow {
        let look = async |db: &mut sqlx::AnyConnection| {
            let rows = voicemails::list(db, &default_org(), None, 5).await?;
            Ok(rows.into_iter().find(&fits))
        };
        self.until_stored(what, look).await
    }

    /// For what takes hours.
    async fn message_within(
        &mut self,
        within: TimeDelta,
        what: &str,
        fits: impl Fn(&VoicemailRow) -> bool,
    ) -> VoicemailRow {
        let last = self.clock.now() + within;
        while self.clock.now() < last {
            self.pass(600).await;
            let rows = voicemails::list(&mut self.store.read().await.unwrap(), &default_org(), None, 5).await.unwrap();
            if let Some(row) = rows.into_iter().find(&fits) {
                return row;
            }
        }
        panic!("it was not so within {within}: {what}");
    }

    async fn delete_at_the_carrier(&self, message: &VoicemailRow) -> bool {
        let carrier = &self.stage.config.carriers[0];
        let url = format!(
            "{}/2010-04-01/Accounts/{}/Recordings/{}.json",
            carrier.base_url, carrier.account_sid, message.recording
        );
        let request = http_client(&Clock::system()).delete(url);
        let answer = request.basic_auth(&carrier.account_sid, Some(carrier.auth_token.expose())).send();
        answer.await.unwrap().status() == 204
    }

    /// A link of the service's own.
    async fn link(&self, message: &VoicemailRow, valid: TimeDelta) -> String {
        let key = secrets::get(&mut self.store.read().await.unwrap(), &default_org(), "links").await.unwrap();
        let links = Links::new(self.stage.url(), Secret::new(key.unwrap()));
        links.recording(&message.id, self.clock.now() + valid)
    }

    async fn get(&self, url: &str, range: Option<&str>) -> (u16, Vec<u8>) {
        let mut request = http_client(&Clock::system()).get(url);
        if let Some(range) = range {
            request = request.header("Range", range);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
    }

    /// Whether the carrier still has it.
    async fn carrier_has(&self, message: &VoicemailRow) -> bool {
        let carrier = &self.stage.config.carriers[0];
        let url = format!(
            "{}/2010-04-01/Accounts/{}/Recordings/{}.json",
            carrier.base_url, carrier.account_sid, message.recording
        );
        let client = http_client(&Clock::system());
        let answer = client.get(url).basic_auth(&carrier.account_sid, Some(carrier.auth_token.expose())).send();
        answer.await.unwrap().status() == 200
    }

    fn sealed_files(&self) -> Vec<Vec<u8>> {
        let Ok(folder) = std::fs::read_dir(self.stage.folder.join("recordings")) else { return Vec::new() };
        let files = folder.map(Result::unwrap).filter(|entry| entry.file_type().unwrap().is_file());
        files.map(|entry| std::fs::read(entry.path()).unwrap()).collect()
    }
}

fn first(events: &[Event], matches: impl Fn(&What) -> bool) -> &Event {
    events.iter().find(|event| matches(&event.what)).unwrap()
}

stories! {
    async fn a_message_is_paged_at_once_and_its_recording_goes_its_way(story: Story, with_a_transcriber) {
        let caller = story.phones_at(DORA, EVERYONE, [message(SAID)]);
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Voicemail));
        let transcribed = story.message("there are words", |row| row.transcript.is_some()).await;
        assert_eq!(transcribed.transcript.as_deref(), Some("RIFF auf de"), "the command heard the open file");
        assert_eq!(transcribed.language.as_ref().map(|language| language.as_str()), Some("de"));
        story.until("the words follow", |what| matches!(what, What::Sms { to, body, .. } if to == ANNA && body.contains("Der Anrufer sagt: RIFF auf de"))).await;
        let log = story.sim().log();
        let page = first(&log, |what| matches!(what, What::Sms { to, .. } if to == ANNA));
        let fetched = first(&log, |what| matches!(what, What::Rest { path, .. } if path.contains("/Recordings/")));
        assert!(page.at <= fetched.at, "the page waits for nothing");

        let kept = story.message("it is with us alone", |row| row.place == Place::Here).await;
        assert!(!story.carrier_has(&kept).await);
        let files = story.sealed_files();
        assert_eq!(files.len(), 1);
        assert!(!files[0].windows(4).any(|four| four == b"RIFF"), "it lies open on the disk");
        assert_eq!(std::fs::read_dir(story.stage.folder.join("recordings/open")).unwrap().count(), 0);

        let url = story.link(&kept, TimeDelta::minutes(15)).await;
        let (status, audio) = story.get(&url, None).await;
        assert_eq!((status, &audio[..4]), (200, &b"RIFF"[..]));
        assert_eq!(story.get(&url, Some("bytes=0-3")).await, (206, b"RIFF".to_vec()));
        assert_eq!(story.get(&url, Some("bytes=99999999-")).await.0, 416);
        assert_eq!(story.get(&format!("{url}x"), None).await.0, 403);
        let signed = url.rsplit_once('.').unwrap().0;
        assert_eq!(story.get(&format!("{signed}.AAAA"), None).await.0, 403);

        story.clock.advance(TimeDelta::hours(1));
        assert_eq!(story.get(&url, None).await.0, 410, "its fifteen minutes are over");
        let fresh = story.link(&kept, TimeDelta::days(2)).await;
        assert_eq!(story.get(&fresh, None).await.0, 200);

        story.clock.advance(TimeDelta::hours(6));
        let removed = story.message("the contract's six hours are over", |row| row.place == Place::Removed).await;
        assert_eq!((removed.transcript, removed.url.as_str()), (None, ""));
        assert!(story.sealed_files().is_empty());
        assert_eq!(story.get(&fresh, None).await.0, 410);
        let tale = story.tale_of_alert(&story.alert_of(&call).await).await;
        for sentence in ["kept sealed for 6h", "was deleted at the carrier", "it was removed, with its transcript"] {
            assert_eq!(tale.iter().filter(|entry| entry.contains(sentence)).count(), 1, "{sentence}: {tale:#?}");
        }
    }

    async fn the_carriers_words_are_waited_for_before_its_copy_goes(story: Story, in_english) {
        let caller = story.phones_at(DORA, EVERYONE, [message("Everything is down")]);
        story.over(&caller).await;
        let fetched = story.message("it is fetched", |row| row.place == Place::Both).await;
        assert!(story.carrier_has(&fetched).await && fetched.transcript.is_none());
        let words = story.message("there are words", |row| row.transcript.is_some()).await;
        assert_eq!(words.transcript.as_deref(), Some("Everything is down"));
        let call = story.call_row(&caller).await;
        assert!(story.tale(&call).await.iter().any(|entry| entry.contains("says: Everything is down")));
        let kept = story.message("it is with us alone", |row| row.place == Place::Here).await;
        assert!(!story.carrier_has(&kept).await);
        let (status, audio) = story.get(&story.link(&kept, TimeDelta::minutes(15)).await, None).await;
        assert_eq!((status, &audio[..4]), (200, &b"RIFF"[..]));
    }

    async fn a_recording_that_was_deleted_at_the_carrier_before_it_came_is_told_within_hours(story: Story) {
        let caller = story.phones_at(DORA, EVERYONE, [message(SAID)]);
        story.until("it is recorded", |what| matches!(what, What::Recorded { .. })).await;
        let row = story.message("it is noted", |_| true).await;
        assert!(story.delete_at_the_carrier(&row).await);
        let lost = story.message_within(TimeDelta::hours(3), "it is given up", |row| row.place == Place::Lost).await;
        assert!(story.clock.now() - lost.created_at < TimeDelta::hours(2));
        let told = story.told_to_msp().await;
        assert!(told.iter().any(|title| title == "A caller's message could not be fetched"), "{told:?}");
        // Whoever phoned is not lost with it.
        let call = story.over(&caller).await;
        assert!(!story.paged(&story.alert_of(&call).await).await.is_empty());
        story.clock.advance(TimeDelta::days(91));
        story.message("its time is over all the same", |row| row.place == Place::Removed).await;
    }

    async fn a_folder_that_takes_nothing_is_told_once_and_no_recording_is_lost_by_it(story: Story) {
        let folder = story.stage.folder.join("recordings");
        std::fs::write(&folder, "not a folder").unwrap();
        let callers = [story.phones_at(DORA, EVERYONE, [message(SAID)]), story.phones_at(DORA, EVERYONE, [message(SAID)])];
        for caller in &callers {
            story.over(caller).await;
        }
        story.pass(3_600).await;
        let told = story.told_to_msp().await;
        let about = told.iter().filter(|title| *title == "Recordings cannot be kept on this machine").count();
        assert_eq!(about, 1, "{told:?}");
        std::fs::remove_file(&folder).unwrap();
        story.message("it is with us", |row| row.place == Place::Here).await;
        story.pass(1_800).await;
        assert_eq!(story.number("SELECT COUNT(*) FROM voicemails WHERE state = 'stored'").await, 2);
    }

    async fn a_talk_that_was_recorded_goes_the_way_of_a_message(story: Story, recorded) {
        story.behaves(ANNA, takes(4.0, PRESS_1_DE));
        let caller = story.phones(PETRA, [chooses("1"), Press::on("Gespräch aufzeichnen", "1")]);
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Connected));
        let kept = story.message("it is with us alone", |row| row.place == Place::Here).await;
        assert_eq!((kept.said, kept.alert.as_ref(), kept.transcript.as_deref()), (Said::Talk, call.alert.as_ref(), None));
        assert!(kept.seconds > 30, "{kept:?}");
        assert!(!story.carrier_has(&kept).await);
        let (status, audio) = story.get(&story.link(&kept, TimeDelta::minutes(15)).await, None).await;
        assert_eq!((status, &audio[..4]), (200, &b"RIFF"[..]));
        let one = story.api(reqwest::Method::GET, &format!("/voicemails/{}", kept.id), &serde_json::Value::Null).await;
        assert_eq!((one["kind"].as_str(), one["recording"]["url"].is_string()), (Some("talk"), true), "{one}");
        let tale = story.tale(&call).await;
        assert_eq!(tale.iter().filter(|entry| entry.starts_with("talk: The talk was recorded")).count(), 1, "{tale:#?}");
        // Told again, as by a carrier that got no answer, it is the same one.
        let path = format!("/carriers/twilio/calls/{}/recording", call.id);
        let again = [("RecordingSid", kept.recording.as_str()), ("RecordingUrl", "https://api.example/x"),
            ("RecordingStatus", "completed"), ("RecordingDuration", "50"), ("RecordingSource", "DialVerb")];
        assert_eq!(story.signed(&path, &again).await.status, 204);
        assert_eq!(story.number("SELECT COUNT(*) FROM voicemails").await, 1);
        story.clock.advance(TimeDelta::days(91));
        story.message("its time is over", |row| row.place == Place::Removed).await;
        assert!(story.sealed_files().is_empty());
        // Reports that come after that bring nothing back.
        let words = [("RecordingSid", kept.recording.as_str()), ("TranscriptionText", "Geheim"), ("TranscriptionStatus", "completed")];
        let late = format!("/carriers/twilio/calls/{}/transcription", call.id);
        for (path, form) in [(&path, &again[..]), (&late, &words[..])] {
            assert_eq!(story.signed(path, form).await.status, 204);
        }
        story.pass(60).await;
        let row = story.message("it is gone", |_| true).await;
        assert_eq!((row.place, row.transcript, row.url.as_str()), (Place::Removed, None, ""));
        assert_eq!(story.number("SELECT COUNT(*) FROM voicemails").await, 1);
    }

    async fn what_is_said_after_an_apology_is_put_into_words_too(story: Story, with_a_transcriber) {
        let caller = story.phones(PETRA, []);
        story.hears(&caller, "Für einen Ausfall").await;
        let outage = Outage::begin(story).await;
        story.sim().follow(&caller, [message(SAID)]);
        story.sim().press(&caller, "1");
        story.hears(&caller, "bei uns ist etwas schiefgegangen").await;
        story.hears(&caller, "Wir haben Ihre Nachricht").await;
        outage.end().await;
        story.line_dead(&caller).await;
        let row = story.message("there are words", |row| row.transcript.is_some()).await;
        assert_eq!((row.said, row.transcript.as_deref()), (Said::Message, Some("RIFF auf de")));
    }

    async fn without_anybody_to_transcribe_the_recording_is_kept_all_the_same(story: Story) {
        let caller = story.phones_at(DORA, EVERYONE, [message(SAID)]);
        story.over(&caller).await;
        let kept = story.message("it is with us alone", |row| row.place == Place::Here).await;
        assert!(kept.transcript.is_none() && !story.carrier_has(&kept).await);
        assert_eq!(kept.remove_at, Some(kept.created_at + TimeDelta::days(90)));
        let url = story.link(&kept, TimeDelta::minutes(15)).await;
        assert_eq!(story.get(&url, None).await.0, 200);
    }
}
