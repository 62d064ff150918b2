//! What whoever goes on call is told: from when until when, and what is still open. Pure.

use chrono_tz::Tz;
use minijinja::context;

use super::{About, Chat, MAIL_MAX, Mail, PUSH_MAX, Push, fill, html, language_of, plain, words};
use crate::model::Instant;

/// An SMS of two parts holds no more.
const SMS_LINES: usize = 3;
/// The titles in it.
const SMS_TITLE_MAX: usize = 40;
const TITLE_MAX: usize = 120;

#[derive(Debug, Clone, Copy)]
pub struct Shift<'a> {
    /// The schedule's id, which is its name.
    pub schedule: &'a str,
    pub from: Instant,
    /// `None`: nobody can say.
    pub until: Option<Instant>,
    /// The reader's.
    pub zone: Tz,
    /// The most urgent ones of those that are open.
    pub open: &'a [About<'a>],
    /// How many are open.
    pub count: usize,
    pub now: Instant,
}

pub fn shift_sms(language: &str, shift: &Shift<'_>) -> String {
    let lines = shift.open.iter().take(SMS_LINES).map(|about| shift.line(about, SMS_TITLE_MAX));
    let lines = shift.lines(language, lines.collect());
    plain::sms(&format!("{}\n", shift.sentence(language)), &lines.join("; "), "")
}

pub fn shift_mail(language: &str, shift: &Shift<'_>) -> Mail {
    let (sentence, lines) = (shift.sentence(language), shift.all(language));
    let facts: Vec<(String, String)> = shift
        .open
        .iter()
        .map(|about| (about.head().trim_end_matches([':', ' ']).to_owned(), about.title(TITLE_MAX)))
        .collect();
    let none: [&str; 0] = [];
    let intro = shift.standing(language);
    let html = html(context! {
        language => language_of(language), title => &sentence, facts, buttons => none, intro,
    });
    let text = format!("{sentence}\n\n{}\n", lines.join("\n"));
    Mail { subject: plain::cut(&format!("Pikett: {sentence}"), TITLE_MAX), text, html }
}

pub fn shift_chat(language: &str, shift: &Shift<'_>) -> Chat {
    let text = plain::cut(&shift.all(language).join("\n"), MAIL_MAX);
    Chat { title: shift.sentence(language), text }
}

/// `url` opens when it is clicked.
pub fn shift_push(language: &str, shift: &Shift<'_>, url: &str) -> Push {
    let (title, body) = (shift.sentence(language), plain::cut(&shift.all(language).join("\n"), PUSH_MAX));
    let tag = format!("shift:{}", shift.schedule);
    let payload = serde_json::json!({ "title": title, "body": body, "url": url, "tag": tag }).to_string();
    Push { title, body, payload }
}

impl Shift<'_> {
    /// `You go on call for primary at 09:00, until 2026-03-16 09:00.`
    fn sentence(&self, language: &str) -> String {
        let words = words(language);
        let until = self
            .until
            .map(|until| fill(words.shift_until, &[("until", &self.time(language, until))]))
            .unwrap_or_default();
        let sentence = if self.from > self.now { words.shift_ahead } else { words.shift_now };
        let from = self.time(language, self.from);
        fill(sentence, &[("schedule", self.schedule), ("from", &from), ("until", &until)])
    }

    /// A time of day; of another day, with its date.
    fn time(&self, language: &str, at: Instant) -> String {
        let (at, today) = (at.with_timezone(&self.zone), self.now.with_timezone(&self.zone).date_naive());
        let time = words(language).time.at(at.time());
        if at.date_naive() == today { time } else { format!("{} {time}", at.format("%Y-%m-%d")) }
    }

    fn all(&self, language: &str) -> Vec<String> {
        self.lines(language, self.open.iter().map(|about| self.line(about, TITLE_MAX)).collect())
    }

    /// How many are open, each, and how many more.
    fn lines(&self, language: &str, each: Vec<String>) -> Vec<String> {
        let more = self.count.saturating_sub(each.len());
        let more = (more > 0).then(|| fill(words(language).shift_more, &[("count", &more.to_string())]));
        std::iter::once(self.standing(language)).chain(each).chain(more).collect()
    }

    fn standing(&self, language: &str) -> String {
        let words = words(language);
        match self.count {
            0 => words.shift_nothing.to_owned(),
            count => fill(words.shift_open, &[("count", &count.to_string())]),
        }
    }

    fn line(&self, about: &About<'_>, title_max: usize) -> String {
        format!("{}{}", about.head(), about.title(title_max))
    }
}
