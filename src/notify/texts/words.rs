//! The sentences of a reader's language, from the files of `languages`.

use crate::{
    languages::{Sentences, spoken},
    model::person::Channel,
    notify::links::Action,
};

pub use crate::languages::{Each, Messages as Words, Ways, fill};

/// Those of the language, of its primary subtag (`de` for `de-CH`), or English.
pub fn words(language: &str) -> &'static Words {
    &sentences(language).messages
}

/// The language that these words are in.
pub fn language_of(language: &str) -> &'static str {
    sentences(language).language.as_str()
}

fn sentences(language: &str) -> &'static Sentences {
    spoken().find_or_english(language)
}

impl Ways {
    pub fn of(&self, channel: Channel) -> &'static str {
        match channel {
            Channel::Sms => self.sms,
            Channel::Voice => self.voice,
            Channel::Email => self.email,
            Channel::Push => self.push,
            Channel::Slack => self.slack,
            Channel::Teams => self.teams,
            Channel::Telegram => self.telegram,
            Channel::Ntfy => self.ntfy,
            Channel::Webhook => self.webhook,
        }
    }
}

impl Each {
    pub fn of(&self, action: Action) -> &'static str {
        match action {
            Action::Acknowledge => self.acknowledge,
            Action::Escalate => self.escalate,
            Action::Resolve => self.resolve,
            Action::Snooze => self.snooze,
            Action::TakeOver => self.take_over,
        }
    }
}

#[cfg(test)]
pub fn languages() -> impl Iterator<Item = &'static str> {
    spoken().all().map(|sentences| sentences.language.as_str())
}
