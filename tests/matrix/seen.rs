//! What became of an alert: what the providers were asked, how each try stands, and what the timeline says. A
//! check that fails shows all of it.

use std::fmt;

use chrono::TimeDelta;
use pikett::{
    model::{Instant, person::Channel},
    store::{
        alerts::AlertRow,
        attempts::{Attempt, AttemptKind, AttemptState},
        timeline::Entry,
    },
};

use super::{msp::Who, providers::Asked};

/// What whoever was paged is told later of an alert that is over.
const NEWS: &str = "resolved it at";

pub struct Seen {
    pub channel: Channel,
    pub asked: Vec<Asked>,
    pub row: AlertRow,
    pub attempts: Vec<Attempt>,
    pub entries: Vec<Entry>,
}

impl Seen {
    /// Pages about this alert that came to them, taken or not. A refused recipient's email was never written.
    pub fn pages(&self, who: Who) -> Vec<&Asked> {
        let (to, title) = (who.recipient(self.channel), &self.row.alert.title);
        let is_about = |asked: &Asked| asked.text.is_empty() || asked.text.contains(title) || self.is_call(asked);
        let is_page = |asked: &Asked| asked.is_page && !asked.is_change && !asked.text.contains(NEWS);
        self.asked.iter().filter(|asked| asked.to == to && is_page(asked) && is_about(asked)).collect()
    }

    /// A call has only the address of what will be said, which names the attempt.
    fn is_call(&self, asked: &Asked) -> bool {
        self.channel == Channel::Voice && self.attempts.iter().any(|attempt| asked.text.contains(attempt.id.as_str()))
    }

    /// How often they were asked to take a page, and how often they did.
    #[track_caller]
    pub fn came(&self, who: Who, asked: usize, taken: usize) {
        let pages = self.pages(who);
        let took = pages.iter().filter(|page| page.taken).count();
        assert_eq!((pages.len(), took), (asked, taken), "{who:?}: asked and taken\n{self}");
    }

    /// Whatever was sent more than once is the same message, and says so where its channel can.
    #[track_caller]
    pub fn is_one_message(&self, who: Who) {
        let pages = self.pages(who);
        let written: Vec<_> = pages.iter().filter(|page| !page.text.is_empty()).collect();
        let is_same = |page: &&&&Asked| page.text == written[0].text && page.identity == written[0].identity;
        assert_eq!(written.iter().filter(is_same).count(), written.len(), "{who:?} got several messages\n{self}");
        let can_say = matches!(self.channel, Channel::Email | Channel::Push | Channel::Webhook);
        if who == Who::Anna && can_say {
            assert!(written[0].identity.is_some(), "it has no identity\n{self}");
        }
    }

    /// When they were asked, in the order in which they were.
    pub fn when(&self, who: Who) -> Vec<Instant> {
        self.pages(who).iter().map(|page| page.at).collect()
    }

    /// Nothing was even planned over this method.
    #[track_caller]
    pub fn is_left_out(&self, method: &str) {
        let is_it = |attempt: &Attempt| attempt.method.as_ref().is_some_and(|id| id.as_str() == method);
        assert!(!self.attempts.iter().any(is_it), "{method} is tried\n{self}");
    }

    /// Anna's try over the method `first` or `second`.
    #[track_caller]
    pub fn attempt(&self, method: &str) -> &Attempt {
        let of_method = |attempt: &&Attempt| {
            let named = attempt.method.as_ref().is_some_and(|id| id.as_str() == method);
            attempt.kind == AttemptKind::Page && named
        };
        let mut found = self.attempts.iter().filter(of_method);
        let attempt = found.next().unwrap_or_else(|| panic!("no try over {method}\n{self}"));
        assert!(found.next().is_none(), "several tries over {method}\n{self}");
        attempt
    }

    #[track_caller]
    pub fn stands(&self, method: &str, state: AttemptState) {
        assert_eq!(self.attempt(method).state, state, "{method}\n{self}");
    }

    /// The timeline says this once, in these words among others.
    #[track_caller]
    pub fn says(&self, kind: &str, words: &[&str]) {
        let is_it = |entry: &&Entry| entry.kind == kind && words.iter().all(|word| entry.text.contains(word));
        let count = self.entries.iter().filter(is_it).count();
        assert_eq!(count, 1, "the timeline says {kind} with {words:?} {count} times\n{self}");
    }

    #[track_caller]
    pub fn never_says(&self, kind: &str) {
        assert!(self.entries.iter().all(|entry| entry.kind != kind), "the timeline says {kind}\n{self}");
    }

    /// Later than `from`, at most so many seconds after it.
    #[track_caller]
    pub fn is_within(&self, at: Instant, from: Instant, seconds: i64) {
        let (since, last) = (at - from, TimeDelta::seconds(seconds));
        assert!(since >= TimeDelta::seconds(1) && since <= last, "{since} is not within {seconds} s\n{self}");
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: alert {} is {:?}", self.channel, self.row.alert.number, self.row.alert.state)?;
        for asked in &self.asked {
            let (what, end) =
                (if asked.is_change { "changed" } else { "asked" }, if asked.taken { "taken" } else { "not taken" });
            let text: String = asked.text.chars().take(60).collect();
            writeln!(f, "  {} {what} {}, {end}: {text:?}", asked.at.format("%H:%M:%S%.3f"), asked.to)?;
        }
        for attempt in &self.attempts {
            let (method, address) = (attempt.method.as_ref().map_or("", |id| id.as_str()), attempt.address.masked());
            let (kind, state, tries) = (attempt.kind, attempt.state, attempt.tries);
            writeln!(f, "  {kind:?} {method} {address}: {state:?}, tries {tries}, due {}", attempt.due_at)?;
        }
        for entry in &self.entries {
            writeln!(f, "  {} {}: {}", entry.at.format("%H:%M:%S%.3f"), entry.kind, entry.text)?;
        }
        Ok(())
    }
}
