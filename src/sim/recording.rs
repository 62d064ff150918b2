//! Recordings: made by Record and Dial, fetched by REST some seconds later, silent but as long as they say.

use chrono::TimeDelta;

use super::{
    Sid, Sim,
    event::{Purpose, What},
    times::within,
    webhook::Request,
    world::{Recording, Target},
};
use crate::carrier::twiml::RecordingEvent;

/// Shorter ones are `absent`.
const LENGTH_MIN: TimeDelta = TimeDelta::seconds(1);
const RATE: u32 = 8_000;
/// What Twilio transcribes, in seconds.
const TRANSCRIBED_S: std::ops::RangeInclusive<u32> = 2..=120;

pub(super) struct Made {
    pub leg: Sid,
    /// Twilio's `RecordingSource`.
    pub source: &'static str,
    pub length: TimeDelta,
    pub text: String,
    pub status: Option<Target>,
    pub events: Option<Vec<RecordingEvent>>,
    pub transcribe: bool,
    pub transcription: Option<Target>,
}

impl Sim {
    pub(super) fn recording_url(&self, sid: &Sid) -> String {
        let account = self.world().recordings.get(sid).map(|recording| recording.account.clone()).unwrap_or_default();
        format!("{}/2010-04-01/Accounts/{account}/Recordings/{sid}", self.base_url())
    }

    /// Keeps a recording and tells of it when its file is ready.
    pub(super) fn keep_recording(&self, made: Made) -> Sid {
        let sid = self.0.chance.sid("RE", made.leg.as_str());
        let now = self.0.clock.now();
        let wait = within(self.0.times.recording_s, self.0.chance.fraction(&["recording", sid.as_str()]));
        let duration_s = u32::try_from(made.length.num_seconds()).unwrap_or(0);
        let exists = made.length >= LENGTH_MIN;
        let Some((account, between)) =
            self.world().leg(&made.leg).map(|leg| (leg.account.clone(), (leg.from.clone(), leg.to.clone())))
        else {
            return sid;
        };
        let recording = Recording {
            account: account.clone(),
            call: made.leg.clone(),
            duration_s,
            created_at: now,
            ready_at: exists.then(|| now + wait),
            source: made.source,
        };
        self.world().recordings.insert(sid.clone(), recording);
        let (leg, recording, text) = (made.leg.clone(), sid.clone(), made.text.clone());
        self.note(What::Recorded { leg, recording, duration_s, text });
        let request = |purpose, target, pairs| Request {
            about: sid.clone(),
            purpose,
            target,
            pairs,
            account: account.clone(),
            between: between.clone(),
            cookies: std::collections::BTreeMap::new(),
        };
        let wanted = if exists { RecordingEvent::Completed } else { RecordingEvent::Absent };
        if let Some(target) = made.status.clone()
            && made.events.as_ref().map_or(exists, |events| events.contains(&wanted))
        {
            let pairs = self.recording_pairs(&sid, &made, wanted, now);
            self.report(request(Purpose::RecordingStatus, target, pairs), wait);
        }
        if let (true, true, Some(target)) = (made.transcribe, exists, made.transcription.clone()) {
            let wait = wait + within(self.0.times.transcription_s, self.0.chance.fraction(&["words", sid.as_str()]));
            let pairs = self.transcription_pairs(&sid, &made, duration_s);
            self.report(request(Purpose::Transcription, target, pairs), wait);
        }
        sid
    }

    fn recording_pairs(
        &self,
        sid: &Sid,
        made: &Made,
        status: RecordingEvent,
        started: crate::model::Instant,
    ) -> Vec<(String, String)> {
        let account = self.world().leg(&made.leg).map(|leg| leg.account.clone()).unwrap_or_default();
        owned([
            ("AccountSid", account),
            ("CallSid", made.leg.to_string()),
            ("RecordingSid", sid.to_string()),
            ("RecordingUrl", self.recording_url(sid)),
            ("RecordingStatus", status.as_str().to_owned()),
            ("RecordingDuration", made.length.num_seconds().to_string()),
            ("RecordingChannels", "1".to_owned()),
            ("RecordingStartTime", (started - made.length).to_rfc2822()),
            ("RecordingSource", made.source.to_owned()),
            ("ErrorCode", "0".to_owned()),
        ])
    }

    fn transcription_pairs(&self, sid: &Sid, made: &Made, duration_s: u32) -> Vec<(String, String)> {
        let worked = TRANSCRIBED_S.contains(&duration_s) && !made.text.is_empty();
        let mut pairs = self.parameters(&made.leg);
        pairs.extend(owned([
            ("TranscriptionSid", self.0.chance.sid("TR", sid.as_str()).to_string()),
            ("TranscriptionStatus", if worked { "completed" } else { "failed" }.to_owned()),
            ("TranscriptionText", if worked { made.text.clone() } else { String::new() }),
            ("RecordingSid", sid.to_string()),
            ("RecordingUrl", self.recording_url(sid)),
        ]));
        pairs
    }
}

fn owned<const N: usize>(pairs: [(&str, String); N]) -> Vec<(String, String)> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Mono, 16 bit, 8 kHz: a low tone of that length.
pub(super) fn wav(duration_s: u32) -> Vec<u8> {
    let samples = duration_s.min(600) * RATE;
    let bytes = samples * 2;
    let mut file = Vec::with_capacity(44 + bytes as usize);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + bytes).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    for number in [16_u32, 0x0001_0001, RATE, RATE * 2, 0x0010_0002] {
        file.extend_from_slice(&number.to_le_bytes());
    }
    file.extend_from_slice(b"data");
    file.extend_from_slice(&bytes.to_le_bytes());
    for at in 0..samples {
        let level: i16 = if at / 20 % 2 == 0 { 400 } else { -400 };
        file.extend_from_slice(&level.to_le_bytes());
    }
    file
}

/// MPEG-1 layer III, 32 kbit/s, 44.1 kHz, mono: silence of that length.
pub(super) fn mp3(duration_s: u32) -> Vec<u8> {
    let mut frame = vec![0xFF, 0xFB, 0x10, 0xC0];
    frame.resize(104, 0);
    frame.repeat((duration_s.min(600) as usize * 44_100).div_ceil(1_152))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_as_long_as_it_says() {
        let file = wav(3);
        assert_eq!(&file[..4], b"RIFF");
        assert_eq!(file.len(), 44 + 3 * 16_000);
        assert_eq!(u32::from_le_bytes(file[4..8].try_into().unwrap()) as usize, file.len() - 8);
        assert_eq!(u32::from_le_bytes(file[24..28].try_into().unwrap()), RATE);
        assert_eq!(mp3(1).len() % 104, 0);
    }
}
