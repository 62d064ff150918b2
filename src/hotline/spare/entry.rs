//! What happened by spare documents, one line of JSON each, for the time when the database is back. Pure.

use serde_json::{Value, json};

use crate::{
    hotline::voice::Arrival,
    ivr::{Attestation, Input},
    model::{Instant, call::Question, id::CallId, phone::Phone},
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
    Message(Recorded),
    /// The carrier reports a recording, of whatever the caller was asked; most are known by then.
    Recording {
        recorded: Recorded,
        question: Option<Question>,
    },
    /// It reports that of a talk: of a technician's line, which tells nothing of the call.
    Talk {
        call: CallId,
        recorded: Recorded,
    },
    /// The carrier says that the call is over.
    Ended,
}

/// Where the carrier has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    pub url: String,
    pub sid: Option<String>,
    pub seconds: u32,
}

impl Recorded {
    /// `None`: nothing was recorded.
    pub fn of(input: Option<Input>) -> Option<Self> {
        let Some(Input::Recorded { url, sid, seconds, .. }) = input else { return None };
        Some(Self { url, sid, seconds })
    }

    /// As a flow hears of it; `spare`: it was left after a spare document.
    pub fn input(&self, spare: bool) -> Input {
        let Self { url, sid, seconds } = self.clone();
        Input::Recorded { url, sid, seconds, hung_up: false, spare }
    }

    /// By which the carrier knows it.
    pub fn name(&self) -> &str {
        self.sid.as_ref().unwrap_or(&self.url)
    }
}

impl What {
    /// What the carrier has of it, and is lost with this.
    pub fn recorded(&self) -> Option<&Recorded> {
        match self {
            Self::Message(recorded) | Self::Recording { recorded, .. } | Self::Talk { recorded, .. } => Some(recorded),
            Self::Used | Self::Dialled(_) | Self::Talked(_) | Self::Ended => None,
        }
    }

    /// As metrics call it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Dialled(_) => "dialled",
            Self::Talked(_) => "talked",
            Self::Message(_) => "message",
            Self::Recording { .. } => "recording",
            Self::Talk { .. } => "talk",
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
            What::Message(recorded) | What::Recording { recorded, .. } | What::Talk { recorded, .. } => {
                format!(":{}", recorded.name())
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
            What::Message(_) => {}
            What::Recording { question, .. } => entry["question"] = json!(question.map(Question::as_str)),
            What::Talk { call, .. } => entry["of"] = json!(call.as_str()),
        }
        if let Some(Recorded { url, sid, seconds }) = self.what.recorded() {
            entry["url"] = json!(url);
            entry["sid"] = json!(sid);
            entry["seconds"] = json!(seconds);
        }
        entry.to_string()
    }

    /// `None`: it is no entry, as when the machine lost its power in the middle of a line.
    pub fn from_json(line: &str) -> Option<Self> {
        let entry: Value = serde_json::from_str(line).ok()?;
        let text = |key: &str| entry[key].as_str().map(str::to_owned);
        let phone = |key: &str| text(key).and_then(|text| text.parse::<Phone>().ok());
        let recorded = || {
            let seconds = entry["seconds"].as_u64()?.try_into().ok()?;
            Some(Recorded { url: text("url")?, sid: text("sid"), seconds })
        };
        let what = match entry["what"].as_str()? {
            "used" => What::Used,
            "ended" => What::Ended,
            "dialled" => What::Dialled(phone("number")?),
            "talked" => What::Talked(phone("number")?),
            "message" => What::Message(recorded()?),
            "recording" => {
                let question = text("question").and_then(|name| Question::named(&name));
                What::Recording { recorded: recorded()?, question }
            }
            "talk" => What::Talk { call: text("of")?.parse().ok()?, recorded: recorded()? },
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
        let recorded = |name: &str, sid: Option<&str>| Recorded {
            url: format!("https://x.example/{name}"),
            sid: sid.map(str::to_owned),
            seconds: 7,
        };
        let message = What::Message(recorded("RE1", Some("RE1")));
        let report = |question| What::Recording { recorded: recorded("RE2", None), question };
        let call = crate::clock::Ids::seeded(1).id(Instant::from_timestamp_millis(1_772_000_000_000).unwrap());
        let talk = What::Talk { call, recorded: recorded("RE3", Some("RE3")) };
        let keys = [
            (What::Used, "spare:twilio:CA1:used"),
            (What::Dialled(human.clone()), "spare:twilio:CA1:dialled:+4915110000001:1772000000123"),
            (What::Talked(human), "spare:twilio:CA1:talked:+4915110000001"),
            (message, "spare:twilio:CA1:message:RE1"),
            (report(None), "spare:twilio:CA1:recording:https://x.example/RE2"),
            (report(Some(Question::Where)), "spare:twilio:CA1:recording:https://x.example/RE2"),
            (talk, "spare:twilio:CA1:talk:RE3"),
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
