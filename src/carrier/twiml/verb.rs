//! The verbs that may stand in a `Response`.

use super::{
    Connect, Dial, Enqueue, Gather, Message, Pause, Play, Record, Redirect, Refer, Reject, Say, Sms, Start, Stop,
    TwimlError,
    attribute::{self, Digits, Reading},
    small,
    xml::Element,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb {
    Say(Say),
    Play(Play),
    /// `<Play digits>`: presses keys for whoever listens.
    PlayDigits(Digits),
    Pause(Pause),
    Gather(Gather),
    Dial(Dial),
    Record(Record),
    Enqueue(Enqueue),
    /// Takes the caller out of the queue in whose wait document it stands.
    Leave,
    Redirect(Redirect),
    Reject(Reject),
    Hangup,
    Refer(Refer),
    Start(Start),
    Stop(Stop),
    Connect(Connect),
    Sms(Sms),
    Message(Message),
}

macro_rules! from_parts {
    ($($part:ident)*) => {$(
        impl From<$part> for Verb {
            fn from(part: $part) -> Self {
                Self::$part(part)
            }
        }
    )*};
}
from_parts! { Say Play Pause Gather Dial Record Enqueue Redirect Reject Refer Start Stop Connect Sms Message }

impl Verb {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Say(_) => "Say",
            Self::Play(_) | Self::PlayDigits(_) => "Play",
            Self::Pause(_) => "Pause",
            Self::Gather(_) => "Gather",
            Self::Dial(_) => "Dial",
            Self::Record(_) => "Record",
            Self::Enqueue(_) => "Enqueue",
            Self::Leave => "Leave",
            Self::Redirect(_) => "Redirect",
            Self::Reject(_) => "Reject",
            Self::Hangup => "Hangup",
            Self::Refer(_) => "Refer",
            Self::Start(_) => "Start",
            Self::Stop(_) => "Stop",
            Self::Connect(_) => "Connect",
            Self::Sms(_) => "Sms",
            Self::Message(_) => "Message",
        }
    }

    pub(super) fn element(&self) -> Result<Element, TwimlError> {
        match self {
            Self::Say(say) => say.element(),
            Self::Play(play) => play.element(),
            Self::PlayDigits(digits) => {
                attribute::put(Element::new("Play"), "digits", Some(digits), small::DIGITS, attribute::are_keys)
            }
            Self::Pause(pause) => pause.element(),
            Self::Gather(gather) => gather.element(),
            Self::Dial(dial) => dial.element(),
            Self::Record(record) => record.element(),
            Self::Enqueue(enqueue) => enqueue.element(),
            Self::Leave | Self::Hangup => Ok(Element::new(self.name())),
            Self::Redirect(redirect) => redirect.element(),
            Self::Reject(reject) => reject.element(),
            Self::Refer(refer) => refer.element(),
            Self::Start(start) => start.element(),
            Self::Stop(stop) => stop.element(),
            Self::Connect(connect) => connect.element(),
            Self::Sms(sms) => sms.element(),
            Self::Message(message) => message.element(),
        }
    }

    /// `None` for a verb that is unknown, which has been noted.
    pub(super) fn read(element: Element, reading: &mut Reading) -> Option<Self> {
        Some(match element.name.as_str() {
            "Say" => Self::Say(Say::read(element, reading)),
            "Play" => return read_play(element, reading),
            "Pause" => Self::Pause(Pause::read(element, reading)),
            "Gather" => Self::Gather(Gather::read(element, reading)),
            "Dial" => Self::Dial(Dial::read(element, reading)),
            "Record" => Self::Record(Record::read(element, reading)),
            "Enqueue" => Self::Enqueue(Enqueue::read(element, reading)),
            "Leave" => {
                bare(element, reading);
                Self::Leave
            }
            "Hangup" => {
                bare(element, reading);
                Self::Hangup
            }
            "Redirect" => Self::Redirect(Redirect::read(element, reading)),
            "Reject" => Self::Reject(Reject::read(element, reading)),
            "Refer" => Self::Refer(Refer::read(element, reading)),
            "Start" => Self::Start(Start::read(element, reading)),
            "Stop" => Self::Stop(Stop::read(element, reading)),
            "Connect" => Self::Connect(Connect::read(element, reading)),
            "Sms" => Self::Sms(Sms::read(element, reading)),
            "Message" => Self::Message(Message::read(element, reading)),
            _ => {
                reading.unknown("Response", &element);
                return None;
            }
        })
    }
}

fn bare(element: Element, reading: &mut Reading) {
    reading.leftover(&element);
    let _ = reading.text(element);
}

/// `digits` stand instead of a URL.
fn read_play(mut element: Element, reading: &mut Reading) -> Option<Verb> {
    if !element.attributes.iter().any(|(name, _)| name == "digits") {
        return Some(Verb::Play(Play::read(element, reading)));
    }
    let digits = reading.take::<Digits>(&mut element, "digits", small::DIGITS, attribute::are_keys);
    bare(element, reading);
    digits.map(Verb::PlayDigits)
}
