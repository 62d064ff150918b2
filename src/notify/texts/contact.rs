//! What is written to a way of reaching somebody about itself: a code, a link, a test. It belongs to no alert.

use minijinja::{Value, context};

use super::{Chat, Mail, Push, fill, html, in_attribute, language_of, words};

const TITLE: &str = "Pikett";

/// The code as it is written.
pub fn code(language: &str, code: &str) -> String {
    fill(words(language).contact_code, &[("code", code)])
}

/// The code as it is spoken: digit by digit.
pub fn code_spoken(language: &str, code: &str) -> String {
    let digits: Vec<String> = code.chars().map(String::from).collect();
    fill(words(language).contact_code_voice, &[("code", &digits.join(", "))])
}

/// A link instead of a code.
pub fn code_mail(language: &str, link: &str) -> Mail {
    let words = words(language);
    mail(language, words.contact_link, &[(words.contact_agree, link)])
}

pub fn test(language: &str) -> &'static str {
    words(language).test
}

/// With what makes sure that a human has heard it.
pub fn test_spoken(language: &str) -> String {
    let words = words(language);
    format!("{} {}", words.test, words.test_key)
}

pub fn test_mail(language: &str) -> Mail {
    mail(language, words(language).test, &[])
}

pub fn own_chat(text: impl Into<String>) -> Chat {
    Chat { title: TITLE.to_owned(), text: text.into() }
}

/// `url` opens when it is clicked. `tag`: a later one of the same name takes its place.
pub fn own_push(text: String, url: &str, tag: &str) -> Push {
    let payload = serde_json::json!({ "title": TITLE, "body": text, "url": url, "tag": tag });
    Push { title: TITLE.to_owned(), body: text, payload: payload.to_string() }
}

fn mail(language: &str, sentence: &str, links: &[(&str, &str)]) -> Mail {
    let list: String = links.iter().map(|(name, url)| format!("\n{name}:\n{url}\n")).collect();
    let buttons: Vec<(String, Value)> =
        links.iter().map(|(name, url)| ((*name).to_owned(), in_attribute(url))).collect();
    let facts: [(&str, &str); 0] = [];
    let html = html(context! { language => language_of(language), title => TITLE, facts, buttons, intro => sentence });
    Mail { subject: TITLE.to_owned(), text: format!("{sentence}\n{list}"), html }
}
