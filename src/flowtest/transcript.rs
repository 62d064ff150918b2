//! What was heard and done, line by line with the time of day, and up to where the script has heard it.

use chrono::FixedOffset;

use crate::{ivr::Prompt, model::Instant};

#[derive(Debug)]
pub struct Transcript {
    zone: FixedOffset,
    lines: Vec<String>,
    /// What the caller has heard and the script has not asked for yet.
    unheard: String,
}

impl Transcript {
    pub fn new(zone: FixedOffset) -> Self {
        Self { zone, lines: Vec::new(), unheard: String::new() }
    }

    pub fn hears(&mut self, now: Instant, prompts: &[Prompt]) {
        let text = prompts.iter().map(spoken).collect::<Vec<_>>().join(" ");
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !text.is_empty() {
            self.note(now, &format!("hears: {text}"));
            self.unheard.push(' ');
            self.unheard.push_str(&text.to_lowercase());
        }
    }

    pub fn note(&mut self, now: Instant, what: &str) {
        self.lines.push(format!("{}  {what}", now.with_timezone(&self.zone).format("%H:%M:%S")));
    }

    /// Whether the words were heard, in any case of letters; what was said before them is passed.
    pub fn find(&mut self, words: &str) -> bool {
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        match self.unheard.find(&words) {
            Some(at) => {
                self.unheard.drain(..at + words.len());
                true
            }
            None => false,
        }
    }

    /// Whether the words stand anywhere in what is still to be looked at.
    pub fn contains(&self, words: &str) -> bool {
        self.unheard.contains(&words.to_lowercase())
    }

    /// Somebody has acted: what was said before is over.
    pub fn pass(&mut self) {
        self.unheard.clear();
    }

    pub fn into_lines(self) -> Vec<String> {
        self.lines
    }
}

fn spoken(prompt: &Prompt) -> String {
    match prompt {
        Prompt::Say(say) => say.heard(),
        Prompt::Play { url } => format!("[{url}]"),
        Prompt::Pause { seconds } => format!("[{seconds} s]"),
    }
}
