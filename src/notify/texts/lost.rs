//! What people are told when one of their contact methods does not work any more. Pure.

use minijinja::context;

use super::{Mail, Push, fill, html, language_of, plain, words};
use crate::model::person::Channel;

pub fn lost_sms(language: &str, channel: Channel, address: &str) -> String {
    plain::sms("Pikett: ", &sentence(language, channel, address), "")
}

pub fn lost_mail(language: &str, channel: Channel, address: &str) -> Mail {
    let text = sentence(language, channel, address);
    let none: [&str; 0] = [];
    let html = html(
        context! { language => language_of(language), title => "Pikett", facts => none, buttons => none, intro => &text },
    );
    Mail { subject: format!("Pikett: {channel}"), text: format!("{text}\n"), html }
}

pub fn lost_chat(language: &str, channel: Channel, address: &str) -> String {
    format!("Pikett: {}", sentence(language, channel, address))
}

/// `url` opens when the message is clicked.
pub fn lost_push(language: &str, channel: Channel, address: &str, url: &str) -> Push {
    let (title, body) = ("Pikett".to_owned(), sentence(language, channel, address));
    let tag = format!("lost:{channel}");
    let payload = serde_json::json!({ "title": title, "body": body, "url": url, "tag": tag }).to_string();
    Push { title, body, payload }
}

fn sentence(language: &str, channel: Channel, address: &str) -> String {
    let words = words(language);
    fill(words.lost, &[("way", words.ways.of(channel)), ("address", &plain::one_line(address))])
}
