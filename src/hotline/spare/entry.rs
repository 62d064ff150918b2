//! What happened by spare documents, one line of JSON each, for the time when the database is back. Pure.

use serde_json::{Value, json};

use crate::{
    hotline::voice::Arrival,
    ivr::{Attestation, Input},
    model::{Instant, phone::Phone},
};

#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub at: Instant,
    pub arrival: Arrival,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A caller was answered by the spare document.
    Used,
    Dialled(Phone),
    /// They pressed 1, and the talk is over.
    Talked(Phone),
    Message {
        url: String,
        sid: Option<String>,
        seconds: u32,
    },
    /// The carrier reports a recording, of whatever the caller was asked; most are known by then.
    Recording {
        url: String,
        sid: Option<String>,
        seconds: u32,
    },
    /// The carrier says that the call is over.
    Ended,
}

impl What {
    /// `None`: nothing was recorded.
    pub fn message(recorded: Option<Input>) -> Option<Self> {
        let Some(Input::Recorded { url, sid, seconds, .. }) = recorded else { return None };
        Some(Self::Message { url, sid, seconds })
    }

    /// `None`: nothing was recorded.
    pub fn recording(recorded: Option<Input>) -> Option<Self> {
        let Some(Input::Recorded { url, sid, seconds, .. }) = recorded else { return None };
        Some(Self::Recording { url, sid, seconds })
    }

    /// As metrics call it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Dialled(_) => "dialled",
            Self::Talked(_) => "talked",
            Self::Message { .. } => "message",
            Self::Recording { .. } => "recording",
            Self::Ended => "ended",
        }
    }
}

impl Entry {
    /// The same for the same happening, however often the carrier tells of it.
    pub fn key(&self) -> String {
        let of = match &self.what {
            What::Used | What::Ended => String::new(),
            // Whoever is dialled again costs again.
            What::Dialled(number) => format!(":{number}:{}", self.at.timestamp_millis()),
            What::Talked(number) => format!(":{number}"),
            What::Message { url, sid, .. } | What::Recording { url, sid, .. } => {
                format!(":{}", sid.as_ref().unwrap_or(url))
            }
        };
        format!("spare:{}:{}:{}{of}", self.arrival.carrier, self.arrival.carrier_call, self.what.word())
    }

    /// One line, without its end.
    pub fn to_json(&self) -> String {
        let Arrival { carrier, carrier_call, from, to, attestation: _ } = &self.arrival;
        let phone = |phone: &Option<Phone>| phone.as_ref().map(|phone| phone.as_str().to_owned());
        let mut entry = json!({
            "at": self.at.timestamp_millis(), "carrier": carrier.as_str(), "call": carrier_call, "from": phone(from),
            "to": phone(to), "what": self.what.word(),
        });
        match &self.what {
            What::Used | What::Ended => {}
            What::Dialled(number) | What::Talked(number) => entry["number"] = json!(number.as_str()),
            What::Message { url, sid, seconds } | What::Recording { url, sid, seconds } => {
                entry["url"] = json!(url);
                entry["sid"] = json!(sid);
                entry["seconds"] = json!(seconds);
            }
        }
        entry.to_string()
    }

    /// `None`: it is no entry, as when the machine lost its power in the middle of a line.
    pub fn from_json(line: &str) -> Option<Self> {
        let entry: Value = serde_json::from_str(line).ok()?;
        let text = |key: &str| entry[key].as_str().map(str::to_owned);
        let phone = |key: &str| text(key).and_then(|text| text.parse::<Phone>().ok());
        let seconds = || entry["seconds"].as_u64()?.try_into().ok();
        let what = match entry["what"].as_str()? {
            "used" => What::Used,
            "ended" => What::Ended,
            "dialled" => What::Dialled(phone("number")?),
            "talked" => What::Talked(phone("number")?),
            "message" => What::Message { url: text("url")?, sid: text("sid"), seconds: seconds()? },
            "recording" => What::Recording { url: text("url")?, sid: text("sid"), seconds: seconds()? },
            _ => return None,
        };
        let arrival = Arrival {
            carrier: text("carrier")?.parse().ok()?,
            carrier_call: text("call")?,
            from: phone("from"),
            to: phone("to"),
            attestation: Attestation::NotSupplied,
        };
        Some(Self { at: Instant::from_timestamp_millis(entry["at"].as_i64()?)?, arrival, what })
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn entry(call: &str, what: What) -> Entry {
        let arrival = Arrival {
            carrier: "twilio".parse().unwrap(),
            carrier_call: call.to_owned(),
            from: None,
            to: Some("+4930901820".parse().unwrap()),
            attestation: Attestation::NotSupplied,
        };
        Entry { at: Instant::from_timestamp_millis(1_772_000_000_123).unwrap(), arrival, what }
    }

    #[test]
    fn an_entry_is_read_as_it_was_written_and_known_by_what_happened() {
        let human: Phone = "+4915110000001".parse().unwrap();
        let message = What::Message { url: "https://x.example/RE1".into(), sid: Some("RE1".into()), seconds: 7 };
        let report = What::Recording { url: "https://x.example/RE2".into(), sid: None, seconds: 9 };
        let keys = [
            (What::Used, "spare:twilio:CA1:used"),
            (What::Dialled(human.clone()), "spare:twilio:CA1:dialled:+4915110000001:1772000000123"),
            (What::Talked(human), "spare:twilio:CA1:talked:+4915110000001"),
            (message, "spare:twilio:CA1:message:RE1"),
            (report, "spare:twilio:CA1:recording:https://x.example/RE2"),
            (What::Ended, "spare:twilio:CA1:ended"),
        ];
        for (what, key) in keys {
            let entry = entry("CA1", what);
            assert_eq!(entry.key(), key);
            let line = entry.to_json();
            assert!(!line.contains('\n'));
            assert_eq!(Entry::from_json(&line), Some(entry));
            assert_eq!(Entry::from_json(&line[..line.len() - 2]), None);
        }
    }
}
