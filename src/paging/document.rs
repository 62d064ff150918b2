//! TwiML and its HTTP answer. A carrier always gets a document that it can run.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    carrier::{
        twiml::{self, Message, Say, Verb},
        voices::voiced,
    },
    model::language::Language,
    telemetry::metric,
};

/// What every document of ours is, kept as text: a repeated request gets the same bytes.
pub(super) const SILENCE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>";

pub(super) fn answer(kind: &'static str, document: String) -> Response {
    metrics::counter!(metric::WEBHOOKS, "kind" => kind, "answer" => "document").increment(1);
    ([(header::CONTENT_TYPE, twiml::CONTENT_TYPE)], document).into_response()
}

/// A report was taken.
pub(super) fn taken(kind: &'static str) -> Response {
    metrics::counter!(metric::WEBHOOKS, "kind" => kind, "answer" => "taken").increment(1);
    StatusCode::NO_CONTENT.into_response()
}

/// Our own texts fit; should one not, the call ends instead of breaking.
pub(super) fn text(response: &twiml::Response) -> String {
    twiml::write(response).unwrap_or_else(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "a document could not be written");
        SILENCE.to_owned()
    })
}

/// In a voice of the language.
pub(super) fn say(language: &str, words: &str) -> Say {
    let language = language.parse().unwrap_or_else(|_| Language::english());
    Say { parts: Say::text(words).parts, ..voiced(&language, None) }
}

/// The SMS that a document holds.
pub(super) fn message_in(document: &str) -> Option<String> {
    let verbs = twiml::read(document).ok()?.response.verbs;
    verbs.into_iter().find_map(|verb| if let Verb::Message(message) = verb { Some(message.body) } else { None })
}

/// An SMS back to whoever wrote.
pub(super) fn message(words: &str) -> String {
    text(&twiml::Response::new().with(Message::text(words)))
}
