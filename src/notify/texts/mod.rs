//! Every sentence that people are told, in their language. Pure.
//!
//! Titles and names come from outside and are data: they are put into one line, cut, and escaped
//! where they go into HTML. Sentences stand in the files of `languages`; start with `page_sms`.

mod chat; // what chats are told
mod contact; // what a contact is told about itself
mod incident;
mod lost; // a way that does not work any more
mod plain; // one line, short enough
mod words;

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use chrono_tz::Tz;
use minijinja::{Environment, Value, context};

use super::links::Action;
use crate::model::{Instant, alert::Alert, details::Fact};

pub use chat::{Chat, answer_chat, caller_chat, notice_chat, page_chat, stranger, transcript_chat};
pub use contact::{code, code_mail, code_spoken, own_chat, own_push, test, test_mail, test_spoken};
pub use incident::of_incident;
pub use lost::{lost_chat, lost_mail, lost_push, lost_sms};
use words::fill;
pub use words::{Each, Words, language_of, words};

const CUSTOMER_MAX: usize = 40;
const CATEGORY_MAX: usize = 30;
/// As long as somebody listens to.
const SPOKEN_MAX: usize = 200;
const SUBJECT_MAX: usize = 120;
const MAIL_MAX: usize = 2_000;
/// A message of three minutes, in words.
const TRANSCRIPT_MAX: usize = 4_000;
/// Push services take 4,096 bytes, encryption included.
const PUSH_MAX: usize = 250;

/// What an alert's text says.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    pub alert: &'a Alert,
    /// The customer's name.
    pub customer: Option<&'a str>,
}

/// The links of one reader's email.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailLinks {
    pub acknowledge: String,
    pub escalate: String,
    pub resolve: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub subject: String,
    pub text: String,
    pub html: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    pub title: String,
    pub body: String,
    /// `{title, body, url, alert, number, tag}`, what the service worker is handed.
    pub payload: String,
}

/// Somebody has taken or resolved an alert.
#[derive(Debug, Clone, Copy)]
pub struct Happened<'a> {
    pub what: Done,
    /// The person's name, or the tool's.
    pub by: &'a str,
    pub at: Instant,
    /// The reader's.
    pub zone: Tz,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    Acknowledged,
    Resolved,
}

/// What an SMS is answered with.
#[derive(Debug, Clone, Copy)]
pub enum Answer<'a> {
    Done {
        action: Action,
        code: &'a str,
    },
    Already {
        code: &'a str,
        happened: Happened<'a>,
    },
    /// The reader has done it already.
    AlreadyYours {
        code: &'a str,
        happened: Happened<'a>,
    },
    Unknown {
        code: &'a str,
    },
    /// Anything else; the code of an open alert makes a good example.
    Help {
        code: Option<&'a str>,
    },
    /// It could not be worked on just now.
    Failed,
    /// It comes back at this time of the reader's.
    Snoozed {
        code: &'a str,
        until: Instant,
        zone: Tz,
    },
    /// Snoozed for how long?
    Duration {
        code: &'a str,
    },
    PassedOn {
        code: &'a str,
        /// A name.
        to: &'a str,
    },
    /// Nobody, or several, are called so.
    Nobody {
        code: &'a str,
        name: &'a str,
    },
    Noted {
        code: &'a str,
    },
}

/// At most 300 characters; always with `1 CODE`.
pub fn page_sms(language: &str, about: About<'_>) -> String {
    let code = about.alert.code();
    let keys = fill(words(language).sms_keys, &[("code", &code)]);
    plain::sms(&about.head(), &about.title(usize::MAX), &format!("\n{keys}"))
}

/// The title of a bundle: how many alerts it stands for, and the first of them.
pub fn bundle(language: &str, count: usize, first: &str) -> String {
    fill(words(language).bundle, &[("count", &count.to_string()), ("first", &plain::one_line(first))])
}

/// One key of a menu.
pub fn choice(language: &str, key: usize, what: &str) -> String {
    let what = plain::cut(&plain::one_line(what), CUSTOMER_MAX);
    fill(words(language).voice_choice, &[("key", &key.to_string()), ("what", &what)])
}

/// What a phone says once its alert went on to somebody.
pub fn passed_on(language: &str, to: &str) -> String {
    fill(words(language).voice_passed_on, &[("to", &plain::cut(&plain::one_line(to), CUSTOMER_MAX))])
}

/// What a phone says first; `words(…).voice_keys` follows.
pub fn page_voice(language: &str, about: About<'_>) -> String {
    let words = words(language);
    let title = about.title(SPOKEN_MAX);
    let customer = about.customer().map(|name| fill(words.voice_page_customer, &[("customer", &name)]));
    let category = about.category().map(|name| fill(words.voice_page_category, &[("category", &name)]));
    let values = [
        ("priority", about.alert.priority.as_str().trim_start_matches('P')),
        ("customer", &customer.unwrap_or_default()),
        ("category", &category.unwrap_or_default()),
        ("title", title.trim_end_matches(['.', '!', '?', ':', ' '])),
    ];
    fill(words.voice_page, &values)
}

/// Somebody was faster: for a call or a page on the screen.
pub fn already(language: &str, done: Done, by: &str) -> String {
    let words = words(language);
    let sentence = match done {
        Done::Acknowledged => words.already_acknowledged,
        Done::Resolved => words.already_resolved,
    };
    fill(sentence, &[("by", &plain::cut(&plain::one_line(by), CUSTOMER_MAX))])
}

/// `said` is what a monitoring tool tells beside the title.
pub fn page_mail(language: &str, about: About<'_>, said: &[Fact], links: &MailLinks) -> Mail {
    let words = words(language);
    let mut facts = about.facts(words);
    facts.extend(said.iter().map(|fact| (plain::one_line(&fact.name), plain::one_line(&fact.value))));
    let lines: Vec<String> = facts.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let actions = [
        (words.action.acknowledge, &links.acknowledge),
        (words.action.escalate, &links.escalate),
        (words.action.resolve, &links.resolve),
    ];
    let list: Vec<String> = actions.iter().map(|(name, url)| format!("{name}:\n{url}")).collect();
    let title = about.title(MAIL_MAX);
    let text = format!(
        "{title}\n\n{}\n\n{}\n\n{}\n\n{}\n",
        lines.join("\n"),
        words.email_intro,
        list.join("\n\n"),
        words.email_footer
    );
    let buttons: Vec<(&str, Value)> = actions.iter().map(|(name, url)| (*name, in_attribute(url))).collect();
    let html = html(context! {
        language => language_of(language), title, facts, buttons, intro => words.email_intro,
        footer => words.email_footer,
    });
    Mail { subject: about.subject(), text, html }
}

pub fn notice_mail(language: &str, about: About<'_>, happened: Happened<'_>) -> Mail {
    letter(language, about, &happened.sentence(words(language)), &[])
}

/// A sentence, what it is about, and where that leads.
fn letter(language: &str, about: About<'_>, sentence: &str, links: &[(&str, &str)]) -> Mail {
    let facts = about.facts(words(language));
    let mut lines: Vec<String> = facts.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    lines.extend(links.iter().map(|(name, url)| format!("\n{name}:\n{url}")));
    let title = about.title(MAIL_MAX);
    let text = format!("{sentence}\n\n{title}\n\n{}\n", lines.join("\n"));
    let buttons: Vec<(String, Value)> =
        links.iter().map(|(name, url)| ((*name).to_owned(), in_attribute(url))).collect();
    let html = html(context! { language => language_of(language), title, facts, buttons, intro => sentence });
    Mail { subject: about.subject(), text, html }
}

/// `url` opens when the message is clicked.
pub fn page_push(about: About<'_>, url: &str) -> Push {
    let title = about.head().trim_end_matches([':', ' ']).to_owned();
    push(about, title, about.title(PUSH_MAX), url)
}

pub fn notice_push(language: &str, about: About<'_>, happened: Happened<'_>, url: &str) -> Push {
    let body = format!("{}\n{}", happened.sentence(words(language)), about.title(PUSH_MAX));
    push(about, about.head().trim_end_matches([':', ' ']).to_owned(), body, url)
}

/// Without a code: there is nothing left to acknowledge.
pub fn notice_sms(language: &str, about: About<'_>, happened: Happened<'_>) -> String {
    plain::sms(&about.head(), &about.title(usize::MAX), &format!("\n{}", happened.sentence(words(language))))
}

/// What the caller said after the tone, in words; a long message is cut.
pub fn transcript_sms(language: &str, about: About<'_>, said: &str) -> String {
    plain::sms(&format!("{}{} ", about.head(), words(language).transcript), &plain::one_line(said), "")
}

/// `listen`: where it can be heard, for a short while.
pub fn transcript_mail(language: &str, about: About<'_>, said: &str, listen: Option<&str>) -> Mail {
    let words = words(language);
    let said = plain::cut(&plain::one_line(said), TRANSCRIPT_MAX);
    let buttons: Vec<(&str, &str)> = listen.into_iter().map(|url| (words.listen, url)).collect();
    letter(language, about, &format!("{} {said}", words.transcript), &buttons)
}

pub fn transcript_push(language: &str, about: About<'_>, said: &str, url: &str) -> Push {
    let body = plain::cut(&format!("{} {}", words(language).transcript, plain::one_line(said)), PUSH_MAX);
    push(about, about.head().trim_end_matches([':', ' ']).to_owned(), body, url)
}

/// The number of whom the reader talks with: it is not shown on their phone.
pub fn caller_sms(language: &str, about: About<'_>, caller: &str) -> String {
    let sentence = self::caller(language, caller);
    plain::sms(&about.head(), &about.title(usize::MAX), &format!("\n{sentence}"))
}

/// The bare sentence, where there is no alert.
pub fn caller(language: &str, caller: &str) -> String {
    fill(words(language).caller, &[("caller", caller)])
}

pub fn caller_mail(language: &str, about: About<'_>, caller: &str) -> Mail {
    letter(language, about, &self::caller(language, caller), &[])
}

pub fn caller_push(language: &str, about: About<'_>, caller: &str, url: &str) -> Push {
    let body = format!("{}\n{}", self::caller(language, caller), about.title(PUSH_MAX));
    push(about, about.head().trim_end_matches([':', ' ']).to_owned(), body, url)
}

pub fn answer(language: &str, answer: Answer<'_>) -> String {
    let words = words(language);
    match answer {
        Answer::Done { action, code } => fill(words.answer_done.of(action), &[("code", code)]),
        Answer::Already { code, happened } => {
            let sentence = match happened.what {
                Done::Acknowledged => words.answer_acknowledged,
                Done::Resolved => words.answer_resolved,
            };
            fill(sentence, &[("code", code), ("by", &happened.by()), ("at", &happened.time(words))])
        }
        Answer::AlreadyYours { code, happened } => {
            let sentence = match happened.what {
                Done::Acknowledged => words.answer_yours_acknowledged,
                Done::Resolved => words.answer_yours_resolved,
            };
            fill(sentence, &[("code", code), ("at", &happened.time(words))])
        }
        Answer::Unknown { code } => fill(words.answer_unknown, &[("code", &plain::cut(&plain::one_line(code), 20))]),
        Answer::Help { code } => fill(words.answer_help, &[("code", code.unwrap_or("CODE"))]),
        Answer::Failed => words.answer_failed.to_owned(),
        Answer::Snoozed { code, until, zone } => {
            let at = words.time.at(until.with_timezone(&zone).time());
            fill(words.answer_snoozed, &[("code", code), ("at", &at)])
        }
        Answer::Duration { code } => fill(words.answer_duration, &[("code", code)]),
        Answer::PassedOn { code, to } => {
            fill(words.answer_passed_on, &[("code", code), ("to", &plain::cut(&plain::one_line(to), CUSTOMER_MAX))])
        }
        Answer::Nobody { code, name } => {
            fill(words.answer_nobody, &[("code", code), ("name", &plain::cut(&plain::one_line(name), 20))])
        }
        Answer::Noted { code } => fill(words.answer_noted, &[("code", code)]),
    }
}

impl<'a> About<'a> {
    /// `P1 #7: ACME GmbH, server: `. The colon after the number keeps it apart from what follows: a
    /// reader must not take it for a code.
    fn head(&self) -> String {
        let mut head = format!("{} #{}: ", self.alert.priority, self.alert.number);
        let names: Vec<String> = [self.customer(), self.category()].into_iter().flatten().collect();
        if !names.is_empty() {
            head.push_str(&names.join(", "));
            head.push_str(": ");
        }
        head
    }

    fn subject(&self) -> String {
        let names = [self.customer(), self.category(), Some(self.title(SUBJECT_MAX))];
        let names: Vec<String> = names.into_iter().flatten().collect();
        format!("[{} #{}] {}", self.alert.priority, self.alert.number, names.join(": "))
    }

    fn facts(&self, words: &Words) -> Vec<(String, String)> {
        let mut facts = vec![(words.priority.to_owned(), format!("{} (#{})", self.alert.priority, self.alert.number))];
        facts.extend(self.customer().map(|name| (words.customer.to_owned(), name)));
        facts.extend(self.category().map(|name| (words.category.to_owned(), name)));
        facts
    }

    fn title(&self, chars_max: usize) -> String {
        plain::cut(&plain::one_line(&self.alert.title), chars_max)
    }

    fn customer(&self) -> Option<String> {
        self.customer.map(|name| plain::cut(&plain::one_line(name), CUSTOMER_MAX)).filter(|name| !name.is_empty())
    }

    fn category(&self) -> Option<String> {
        let category = self.alert.category.as_deref()?;
        Some(plain::cut(&plain::one_line(category), CATEGORY_MAX)).filter(|name| !name.is_empty())
    }
}

impl Happened<'_> {
    fn sentence(&self, words: &Words) -> String {
        let sentence = match self.what {
            Done::Acknowledged => words.notice_acknowledged,
            Done::Resolved => words.notice_resolved,
        };
        fill(sentence, &[("by", &self.by()), ("at", &self.time(words))])
    }

    fn by(&self) -> String {
        plain::cut(&plain::one_line(self.by), CUSTOMER_MAX)
    }

    fn time(&self, words: &Words) -> String {
        words.time.at(self.at.with_timezone(&self.zone).time())
    }
}

fn push(about: About<'_>, title: String, body: String, url: &str) -> Push {
    let alert = &about.alert.id;
    let payload = serde_json::json!({
        "title": title, "body": body, "url": url, "alert": alert.as_str(), "number": about.alert.number,
        "tag": alert.as_str(),
    });
    Push { title, body, payload: payload.to_string() }
}

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(Environment::new);

/// One of our own addresses, escaped no more than an attribute needs: whoever looks at the source finds it.
fn in_attribute(url: &str) -> Value {
    Value::from_safe_string(url.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;"))
}

/// The name's ending makes every value escaped. Nothing at all is better than half a page: readers
/// then see the plain text.
fn html(values: Value) -> String {
    ENVIRONMENT.render_named_str("mail.html", include_str!("mail.html"), values).unwrap_or_default()
}
