//! Where a document runs decides which verbs the carrier takes there.

use super::{
    Response, Verb, Warning,
    attribute::SCHEMA,
    xml::{Element, Node},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The leg itself: the voice URL and every action.
    Call,
    /// `waitUrl` of Enqueue; loops.
    QueueWait,
    /// `waitUrl` of Conference; does not loop.
    ConferenceWait,
    /// `url` of a Number, Client or Sip: runs on the called leg, its end bridges.
    Whisper,
    /// The answer to an incoming message.
    Message,
}

/// The verbs that do not run there, each with Twilio's code.
pub fn refused_in(place: Place, response: &Response) -> Vec<Warning> {
    let code = match place {
        Place::Whisper => 13201,
        Place::ConferenceWait => 13238,
        Place::Call | Place::QueueWait | Place::Message => SCHEMA,
    };
    let refused = |verb: &&Verb| !runs_in(place, verb);
    let warning = |verb: &Verb| Warning {
        code,
        element: verb.name().to_owned(),
        what: "this verb does not run here, ignored".to_owned(),
    };
    response.verbs.iter().filter(refused).map(warning).collect()
}

fn runs_in(place: Place, verb: &Verb) -> bool {
    match verb {
        Verb::Say(_) | Verb::Play(_) | Verb::Pause(_) => place != Place::Message,
        Verb::Redirect(_) => true,
        Verb::PlayDigits(_) => matches!(place, Place::Call | Place::Whisper),
        Verb::Gather(_) | Verb::Hangup => matches!(place, Place::Call | Place::QueueWait | Place::Whisper),
        Verb::Leave => place == Place::QueueWait,
        Verb::Start(_) | Verb::Stop(_) => matches!(place, Place::Call | Place::Whisper),
        Verb::Dial(_)
        | Verb::Record(_)
        | Verb::Enqueue(_)
        | Verb::Reject(_)
        | Verb::Refer(_)
        | Verb::Connect(_)
        | Verb::Sms(_) => place == Place::Call,
        Verb::Message(_) => place == Place::Message,
    }
}

/// Attributes and elements whose value is a URL.
const URL_ATTRIBUTES: [&str; 11] = [
    "action",
    "url",
    "waitUrl",
    "referUrl",
    "statusCallback",
    "recordingStatusCallback",
    "transcribeCallback",
    "partialResultCallback",
    "amdStatusCallback",
    "eventCallbackUrl",
    "Media",
];

/// The first attribute or element with a URL that only makes sense beside its document.
pub(super) fn relative_url(element: &Element) -> Option<String> {
    let is_relative = |url: &str| !url.is_empty() && !url.contains("://");
    for (name, value) in &element.attributes {
        if URL_ATTRIBUTES.contains(&name.as_str()) && is_relative(value) {
            return Some(name.clone());
        }
    }
    let holds_url = matches!(element.name.as_str(), "Redirect" | "Play" | "Media");
    element.nodes.iter().find_map(|node| match node {
        Node::Text(text) if holds_url && is_relative(text) => Some(element.name.clone()),
        Node::Text(_) => None,
        Node::Element(child) => relative_url(child),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carrier::twiml::{Dial, Number, Play};

    #[test]
    fn a_whisper_takes_no_dial() {
        let document = Response::new().with(Play::url("/a")).with(Dial::parties([Number::new("+4930901820")]));
        let refused = refused_in(Place::Whisper, &document);
        assert_eq!(refused.len(), 1);
        assert_eq!((refused[0].code, refused[0].element.as_str()), (13201, "Dial"));
        assert!(refused_in(Place::Call, &document).is_empty());
    }

    #[test]
    fn leave_runs_in_a_queue_only() {
        let document = Response { verbs: vec![Verb::Leave] };
        assert!(refused_in(Place::QueueWait, &document).is_empty());
        assert_eq!(refused_in(Place::Call, &document).len(), 1);
    }
}
