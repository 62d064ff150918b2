//! Microsoft Teams: an Adaptive Card to a Workflows webhook. Its address is its secret. It names no message
//! that could be changed, and its buttons can only open links: to the page that asks.

use futures::future::BoxFuture;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{
    Provider, Taken, Trouble,
    chat::within,
    http::{self, TIMEOUT},
    webhook::outside,
};
use crate::{
    carrier::{Class, guard},
    clock::Clock,
    model::person::Address,
    notify::said::Said,
    store::attempts::Attempt,
};

const WHO: &str = "the Teams workflow";
/// A message takes 28 KB, its frame included; 21 KB were seen to be refused.
const TEXT_MAX: usize = 8_000;
const TITLE_MAX: usize = 500;

/// Posts cards.
pub struct Teams {
    allow_private: bool,
    http: reqwest::Client,
    clock: Clock,
}

impl Teams {
    pub fn new(allow_private: bool, clock: Clock) -> Self {
        Self { allow_private, http: guard::client(&clock, allow_private), clock }
    }
}

impl Provider for Teams {
    fn send<'a>(&'a self, attempt: &'a Attempt, said: &'a Said) -> BoxFuture<'a, Result<Taken, Trouble>> {
        Box::pin(async move {
            let Address::Teams(to) = &attempt.address else { return Err(super::misdirected()) };
            let url = outside(to, self.allow_private, WHO)?;
            let request = self.http.post(url).json(&card(said));
            let patience = super::socket_limit(&self.clock, TIMEOUT);
            let answered = http::exchange(request, WHO, patience, self.clock.now()).await?;
            match answered.trouble(WHO, class_of) {
                Some(trouble) => Err(trouble),
                None => Ok(Taken::for_good(None)),
            }
        })
    }

    fn name(&self) -> &'static str {
        "teams"
    }
}

fn card(said: &Said) -> Value {
    // A TextRun takes text as it is; a TextBlock would read Markdown into it, links included.
    let run = |text: String, weight: &str| json!({ "type": "RichTextBlock", "inlines": [{ "type": "TextRun", "text": text, "weight": weight }] });
    let body = [run(within(&said.title, TITLE_MAX), "Bolder"), run(within(&said.text, TEXT_MAX), "Default")];
    let body: Vec<Value> = body.into_iter().filter(|block| block["inlines"][0]["text"].as_str() != Some("")).collect();
    let open = |button: &super::Button| json!({ "type": "Action.OpenUrl", "title": button.label, "url": button.url });
    let actions: Vec<Value> = said.buttons.iter().map(open).collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
                "actions": actions,
                "msteams": { "width": "Full" },
            },
        }],
    })
}

fn class_of(status: StatusCode) -> Class {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => Class::Content,
        // The workflow is switched off, gone, or its signature was renewed.
        _ => Class::Destination,
    }
}

#[cfg(test)]
mod tests;
