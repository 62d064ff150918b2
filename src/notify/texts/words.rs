//! The sentences of one language. A new language is a file like `en.rs` and a line in `ALL`; a
//! sentence that is missing there does not compile.

use super::{de, en};
use crate::{model::person::Channel, notify::links::Action};

/// Sentences with `{{ … }}` are filled by the functions of `texts`; the others are said as they are.
pub struct Words {
    /// The primary subtag: `de`.
    pub language: &'static str,
    /// The name in a sentence: "priority".
    pub priority: &'static str,
    pub customer: &'static str,
    pub category: &'static str,
    /// `code`: what the SMS of a page ends with.
    pub sms_keys: &'static str,

    /// `count`, `first`: what a page says that tells several alerts together.
    pub bundle: &'static str,

    /// `priority` (a digit), `customer`, `category`, `title`; the middle two may be empty.
    pub voice_page: &'static str,
    pub voice_keys: &'static str,
    pub voice_done: Each,
    /// It was a callback: their phone rings again, with the customer behind it.
    pub voice_callback: &'static str,
    /// The key means nothing.
    pub voice_unknown_key: &'static str,
    /// No key came: the alert stays open.
    pub voice_no_key: &'static str,
    /// The alert or the call that it is about is not there (any more).
    pub voice_gone: &'static str,

    /// `by`: somebody was faster, in a call or on a page.
    pub already_acknowledged: &'static str,
    pub already_resolved: &'static str,

    /// `code`.
    pub answer_done: Each,
    /// `by`, `code`, `at` (a time of day).
    pub answer_acknowledged: &'static str,
    pub answer_resolved: &'static str,
    /// `code`, `at`: it was the reader.
    pub answer_yours_acknowledged: &'static str,
    pub answer_yours_resolved: &'static str,
    /// `code`: what was written names no alert.
    pub answer_unknown: &'static str,
    /// `code`: an example.
    pub answer_help: &'static str,
    pub answer_failed: &'static str,

    /// `by`, `at`: what those learn who were paged.
    pub notice_acknowledged: &'static str,
    pub notice_resolved: &'static str,

    /// Before what a caller said after the tone.
    pub transcript: &'static str,
    /// The name of the link to the recording.
    pub listen: &'static str,
    /// `caller`: a number.
    pub caller: &'static str,

    /// `address`, `way`: one of the reader's own contact methods does not work any more.
    pub lost: &'static str,
    pub ways: Ways,

    pub email_intro: &'static str,
    /// What a link or button does.
    pub action: Each,
    pub email_footer: &'static str,

    /// Above the button of the page that a link opens.
    pub confirm_question: Each,
    pub confirm_done: Each,
    pub link_expired: &'static str,
    pub link_forged: &'static str,
}

/// A sentence for each of what people may do.
pub struct Each {
    pub acknowledge: &'static str,
    pub escalate: &'static str,
    pub resolve: &'static str,
}

/// The name of each channel in a sentence: "by SMS".
pub struct Ways {
    pub sms: &'static str,
    pub voice: &'static str,
    pub email: &'static str,
    pub push: &'static str,
}

const ALL: [&Words; 2] = [&en::WORDS, &de::WORDS];

/// Those of the language, of its primary subtag (`de` for `de-CH`), or English.
pub fn words(language: &str) -> &'static Words {
    let primary = language.split('-').next().unwrap_or(language);
    ALL.into_iter().find(|words| words.language == primary).unwrap_or(&en::WORDS)
}

impl Ways {
    pub fn of(&self, channel: Channel) -> &'static str {
        match channel {
            Channel::Sms => self.sms,
            Channel::Voice => self.voice,
            Channel::Email => self.email,
            Channel::Push => self.push,
        }
    }
}

impl Each {
    pub fn of(&self, action: Action) -> &'static str {
        match action {
            Action::Acknowledge => self.acknowledge,
            Action::Escalate => self.escalate,
            Action::Resolve => self.resolve,
        }
    }
}

#[cfg(test)]
pub fn languages() -> impl Iterator<Item = &'static str> {
    ALL.into_iter().map(|words| words.language)
}
