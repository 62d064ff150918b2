//! Record: a voicemail. Ends by key, silence, length or hang-up; after it only its action continues.

use chrono::TimeDelta;

use super::{Heard, Interrupt, Line, document::Document, pair, run::Flow};
use crate::{
    carrier::twiml::Record,
    model::Instant,
    sim::{
        event::{Source, What},
        recording::Made,
        signal::Signal,
        times::seconds,
    },
};

/// Twilio's defaults.
const SILENCE_S: u32 = 5;
const LENGTH_MAX_S: u32 = 3_600;
const FINISH_KEYS: &str = "1234567890*#";

/// How the recording came to its end.
enum Stop {
    Key(char),
    Silence,
    Length,
    /// The caller has gone, or was led elsewhere.
    Gone(Interrupt),
}

#[derive(Default)]
struct Spoken {
    text: String,
    length: TimeDelta,
}

impl Line {
    pub(super) async fn record(&mut self, record: &Record, document: &Document) -> Result<Flow, Interrupt> {
        if record.play_beep != Some(false) {
            let (language, voice, source) = (None, None, Source::Beep);
            self.note(What::Heard { leg: self.sid.clone(), text: "beep".to_owned(), language, voice, source });
        }
        self.note(What::Recording { leg: self.sid.clone() });
        let started = self.now();
        let mut spoken = Spoken::default();
        let stop = self.hear_out(record, started, &mut spoken).await;
        let length = (self.now() - started).max(spoken.length);
        let silent = spoken.text.is_empty();
        let target = document.action_or_own(record.action.as_ref(), record.method);
        if silent && matches!(stop, Stop::Silence) {
            // Nothing but silence: the next verb.
            return Ok(Flow::Next);
        }
        if let Stop::Gone(Interrupt::HungUp | Interrupt::Ended) = stop {
            self.end();
        }
        let sid = self.sim.keep_recording(Made {
            leg: self.sid.clone(),
            source: "RecordVerb",
            length,
            text: spoken.text,
            status: record
                .recording_status_callback
                .as_ref()
                .and_then(|url| document.target(url, record.recording_status_callback_method)),
            events: record.recording_status_callback_events.clone(),
            transcribe: record.transcribe == Some(true) || record.transcribe_callback.is_some(),
            transcription: record.transcribe_callback.as_ref().and_then(|url| document.target(url, None)),
        });
        let mut extra = vec![
            pair("RecordingUrl", self.sim.recording_url(&sid)),
            pair("RecordingSid", &sid),
            pair("RecordingDuration", length.num_seconds()),
        ];
        match stop {
            Stop::Gone(interrupt) => {
                if matches!(interrupt, Interrupt::HungUp | Interrupt::Ended) {
                    extra.push(pair("Digits", "hangup"));
                    self.farewell(target, &extra);
                }
                Err(interrupt)
            }
            Stop::Key(key) => {
                extra.push(pair("Digits", key));
                Ok(self.goto(target, extra))
            }
            Stop::Silence | Stop::Length => {
                extra.push(pair("Digits", ""));
                Ok(self.goto(target, extra))
            }
        }
    }

    async fn hear_out(&mut self, record: &Record, started: Instant, spoken: &mut Spoken) -> Stop {
        let keys = record.finish_on_key.clone().unwrap_or_else(|| FINISH_KEYS.to_owned());
        let end = started + TimeDelta::seconds(record.max_length_s.unwrap_or(LENGTH_MAX_S).into());
        let silence_s = record.timeout_s.unwrap_or(SILENCE_S);
        let mut silent_at = (silence_s > 0).then(|| started + seconds(silence_s.into()));
        loop {
            let until = silent_at.map_or(end, |silent_at| silent_at.min(end));
            let clock = self.sim.0.clock.clone();
            let heard = self.listen(async move { clock.sleep_until(until).await }, |signal| match signal {
                Signal::Key(key) if keys.contains(*key) => Some((Some(*key), String::new())),
                Signal::Speech { text, .. } => Some((None, text.clone())),
                _ => None,
            });
            match heard.await {
                Err(interrupt) => return Stop::Gone(interrupt),
                Ok(Heard::Signal((Some(key), _))) => return Stop::Key(key),
                Ok(Heard::Signal((None, text))) => {
                    let length = natural_length(&text);
                    spoken.length += length;
                    spoken.text.push_str(if spoken.text.is_empty() { "" } else { " " });
                    spoken.text.push_str(&text);
                    let said = self.now() + self.sim.0.times.speech(&text);
                    silent_at = silent_at.map(|_| said + seconds(silence_s.into()));
                }
                Ok(Heard::Done(())) if until == end => return Stop::Length,
                Ok(Heard::Done(())) => return Stop::Silence,
            }
        }
    }
}

/// Words take their time on the tape, even in tests where speaking takes none.
fn natural_length(text: &str) -> TimeDelta {
    #[expect(clippy::cast_precision_loss, reason = "some hundred characters")]
    let length = text.chars().count() as f64 / 15.0;
    seconds(length.max(1.0))
}
