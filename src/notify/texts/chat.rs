//! What chats, ntfy and webhooks are told: a title and a few lines, which each provider's own writer
//! escapes and cuts.

use super::{About, Answer, Happened, MAIL_MAX, TRANSCRIPT_MAX, answer, fill, plain, words};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chat {
    pub title: String,
    pub text: String,
}

pub fn page_chat(language: &str, about: About<'_>) -> Chat {
    chat(about, words(language).email_intro, true)
}

pub fn notice_chat(language: &str, about: About<'_>, happened: Happened<'_>) -> Chat {
    chat(about, &happened.sentence(words(language)), false)
}

pub fn transcript_chat(language: &str, about: About<'_>, said: &str, listen: Option<&str>) -> Chat {
    let words = words(language);
    let said = plain::cut(&plain::one_line(said), TRANSCRIPT_MAX);
    let listen = listen.map(|url| format!("\n{}: {url}", words.listen)).unwrap_or_default();
    chat(about, &format!("{} {said}{listen}", words.transcript), false)
}

pub fn caller_chat(language: &str, about: About<'_>, caller: &str) -> Chat {
    chat(about, &fill(words(language).caller, &[("caller", caller)]), false)
}

/// What whoever pressed a button is told.
pub fn answer_chat(language: &str, about: About<'_>, given: Answer<'_>) -> Chat {
    chat(about, &answer(language, given), false)
}

/// To somebody who pressed a button and is none of the people declared. `id` is what the provider calls
/// them.
pub fn stranger(language: &str, id: &str) -> String {
    fill(words(language).answer_stranger, &[("id", id)])
}

fn chat(about: About<'_>, sentence: &str, title_first: bool) -> Chat {
    let title = about.title(MAIL_MAX);
    let text = if title_first { format!("{title}\n\n{sentence}") } else { format!("{sentence}\n{title}") };
    Chat { title: about.head().trim_end_matches([':', ' ']).to_owned(), text }
}
