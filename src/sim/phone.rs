//! How somebody's phone behaves: when it is rung, and when it gets an SMS.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    pub voice: Voice,
    pub sms: SmsReception,
}

/// What happens when it is rung.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "snake_case", tag = "is", deny_unknown_fields)]
pub enum Voice {
    /// Rings until told (`Sim::answer`, `Sim::decline`) or until the carrier gives up.
    #[default]
    Interactive,
    /// Rings so long, then does that.
    Scripted { ring_s: f64, then: Then },
    /// Refused at creation with this code (21211: no valid number); fails when dialled by a document.
    Refused { code: u32 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "snake_case", tag = "do", deny_unknown_fields)]
pub enum Then {
    Answer {
        #[serde(default)]
        keys: Vec<Press>,
        /// Left out: stays on the line.
        #[serde(default)]
        hang_up_after_s: Option<f64>,
    },
    /// Answers, greets, records and hangs up; presses nothing.
    Mailbox {
        greeting_s: f64,
        records_s: f64,
    },
    Busy,
    /// Rings on until the carrier gives up.
    NoAnswer,
    /// The person presses "decline": the caller hears busy.
    Decline,
    /// Could not be reached, with the carrier's error code.
    Fail {
        code: u32,
    },
}

/// Keys that a person presses, or words that they speak.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Press {
    /// Waits until this was heard since the previous press; any part of a text, whatever its case.
    pub heard: Option<String>,
    /// Then waits so long.
    pub after_s: f64,
    pub keys: String,
    /// Spoken instead of pressed.
    pub says: Option<String>,
}

/// What becomes of an SMS to this phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is", deny_unknown_fields)]
pub enum SmsReception {
    #[default]
    Delivered,
    /// Sent, then reported as undelivered (3000x).
    Undelivered { code: u32 },
    /// Accepted, then failed before it was sent.
    Failed { code: u32 },
    /// Refused at creation (21610, 21614, …).
    Refused { code: u32 },
    /// Sent, and nothing is ever reported.
    Silent,
}

impl Press {
    /// As soon as that is heard.
    pub fn on(heard: &str, keys: &str) -> Self {
        Self { heard: Some(heard.to_owned()), keys: keys.to_owned(), ..Self::default() }
    }

    pub fn after(after_s: f64, keys: &str) -> Self {
        Self { after_s, keys: keys.to_owned(), ..Self::default() }
    }

    pub fn saying(heard: &str, says: &str) -> Self {
        Self { heard: Some(heard.to_owned()), says: Some(says.to_owned()), ..Self::default() }
    }
}

impl Behaviour {
    fn scripted(ring_s: f64, then: Then) -> Self {
        Self { voice: Voice::Scripted { ring_s, then }, sms: SmsReception::default() }
    }

    /// Answers after so many seconds, presses these keys and stays.
    pub fn answers(ring_s: f64, keys: impl IntoIterator<Item = Press>) -> Self {
        let keys = keys.into_iter().collect();
        Self::scripted(ring_s, Then::Answer { keys, hang_up_after_s: None })
    }

    #[must_use]
    pub fn hanging_up_after(mut self, seconds: f64) -> Self {
        if let Voice::Scripted { then: Then::Answer { hang_up_after_s, .. }, .. } = &mut self.voice {
            *hang_up_after_s = Some(seconds);
        }
        self
    }

    /// A private mailbox picks up, and presses nothing.
    pub fn mailbox(ring_s: f64) -> Self {
        Self::scripted(ring_s, Then::Mailbox { greeting_s: 8.0, records_s: 30.0 })
    }

    pub fn busy() -> Self {
        Self::scripted(0.0, Then::Busy)
    }

    pub fn declines(ring_s: f64) -> Self {
        Self::scripted(ring_s, Then::Decline)
    }

    pub fn never_answers() -> Self {
        Self::scripted(0.0, Then::NoAnswer)
    }

    pub fn fails(code: u32) -> Self {
        Self::scripted(0.0, Then::Fail { code })
    }

    /// No valid number: refused at creation with 21211.
    pub fn bad_number() -> Self {
        Self { voice: Voice::Refused { code: 21211 }, sms: SmsReception::Refused { code: 21211 } }
    }

    #[must_use]
    pub fn sms(mut self, sms: SmsReception) -> Self {
        self.sms = sms;
        self
    }
}
