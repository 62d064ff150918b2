//! What each person heard, got and pressed, as lines that a person likes to read.

use std::collections::BTreeMap;

use chrono_tz::Europe::Berlin;

use crate::sim::{Event, Sid, Source, What};

/// Who has which number.
const NAMES: [(&str, &str); 9] = [
    ("+4930555010", "Petra"),
    ("+4930555011", "Olaf"),
    ("+4930999001", "a caller"),
    ("+4915110000001", "Anna"),
    ("+447700900002", "Ben"),
    ("+4915110000003", "Cem"),
    ("+4930901820", "the hotline"),
    ("+442079460999", "the silver hotline"),
    ("anonymous", "somebody unknown"),
];
const WIDTH: usize = 110;

#[derive(Default)]
pub struct Transcript {
    /// Whose phone a leg is.
    legs: BTreeMap<Sid, String>,
}

impl Transcript {
    /// The line of an event; `None`: nobody noticed it.
    pub fn line(&mut self, event: &Event) -> Option<String> {
        let text = self.text(&event.what)?;
        let clock = event.at.with_timezone(&Berlin).format("%H:%M:%S");
        Some(format!("  {clock}  {}", shortened(&text)))
    }

    fn text(&mut self, what: &What) -> Option<String> {
        Some(match what {
            What::CallStarted { leg, from, to, direction, .. } => {
                let inbound = direction.as_str() == "inbound";
                let owner = name(if inbound { from } else { to });
                self.legs.insert(leg.clone(), owner.clone());
                if inbound { format!("{owner} phones {}", name(to)) } else { return None }
            }
            What::Ringing { leg } => format!("{}: the phone rings", self.owner(leg)),
            What::Answered { leg, by } => match by {
                crate::sim::AnsweredBy::Carrier => return None,
                crate::sim::AnsweredBy::Person => format!("{} picks up", self.owner(leg)),
                crate::sim::AnsweredBy::Mailbox => format!("{}: a private mailbox picks up", self.owner(leg)),
            },
            What::Heard { leg, text, source, .. } => match source {
                Source::Beep => format!("{} hears a beep", self.owner(leg)),
                Source::Music | Source::Play => return None,
                Source::Say | Source::Error | Source::Person => format!("{} hears: {text}", self.owner(leg)),
            },
            What::Keys { leg, keys } if keys.len() > 2 => format!("{} presses {} keys", self.owner(leg), keys.len()),
            What::Keys { leg, keys } => format!("{} presses {keys}", self.owner(leg)),
            What::Spoke { leg, text } => format!("{} says: {text}", self.owner(leg)),
            What::Bridged { a, b } => format!("{} and {} talk", self.owner(a), self.owner(b)),
            What::Joined { leg, .. } => format!("{} joins the conference", self.owner(leg)),
            What::Left { leg, .. } => format!("{} leaves the conference", self.owner(leg)),
            What::Recorded { leg, duration_s, .. } => {
                format!("{}: a message of {duration_s} seconds is recorded", self.owner(leg))
            }
            What::Ended { leg, status, .. } => format!("{}: the call is over ({status})", self.owner(leg)),
            What::Sms { to, body, status, .. } if status == "delivered" => format!("{} gets an SMS: {body}", name(to)),
            What::SmsToUs { from, body, .. } => format!("{} texts back: {body}", name(from)),
            What::Mail { to, subject, .. } => format!("{} gets an email: {subject}", to.join(", ")),
            What::Push { subscription, json, .. } => {
                let title = json.get("title").and_then(|title| title.as_str()).unwrap_or("a notification");
                format!("{subscription}'s browser shows: {title}")
            }
            What::Rest { method, status: Some(500), .. } => format!("the carrier answers 500 to a {method}"),
            What::Listening { .. }
            | What::Waiting { .. }
            | What::Parted { .. }
            | What::Recording { .. }
            | What::Sms { .. }
            | What::Webhook { .. }
            | What::Rest { .. }
            | What::Warning { .. } => return None,
        })
    }

    fn owner(&self, leg: &Sid) -> String {
        self.legs.get(leg).cloned().unwrap_or_else(|| "somebody".to_owned())
    }
}

fn name(number: &str) -> String {
    NAMES.iter().find(|(known, _)| *known == number).map_or_else(|| number.to_owned(), |(_, name)| (*name).to_owned())
}

fn shortened(text: &str) -> String {
    let line = crate::web::text::line(text, WIDTH);
    if line.is_empty() { "…".to_owned() } else { line }
}
