//! What sipgate says, in the words that the rest of the house knows: Twilio's parameters and statuses.
//!
//! Pure. Events are those of sipgate.io's push API (github.com/sipgate/sipgate.io, README), the history is that of its
//! REST API (`lib/history/history.types.ts` of sipgateio-node). Start with `of_event`, `messages`.

use serde_json::Value;

use crate::{
    carrier::{MessageSeen, Sid, signature::Form, status::MessageStatus},
    model::{Instant, phone::Phone},
};

const ANONYMOUS: &str = "anonymous";

/// An event of a call, as the form that Twilio would send. Of what is none it is an empty one.
pub fn of_event(event: &Form) -> Form {
    let said = |name: &str| event.get(name).map(str::to_owned);
    let mut pairs = Vec::new();
    let mut say = |name: &str, value: Option<String>| pairs.extend(value.map(|value| (name.to_owned(), value)));
    say("CallSid", said("callId"));
    say("From", said("from").map(with_plus));
    say("To", said("to").map(with_plus));
    match event.get("event") {
        Some("newCall") => {
            say("Direction", said("direction").map(|way| if way == "out" { "outbound" } else { "inbound" }.to_owned()));
            say("CallStatus", Some("ringing".to_owned()));
        }
        Some("answer") => say("CallStatus", Some("in-progress".to_owned())),
        Some("hangup") => {
            let (status, bridged) = ended(event.get("cause").unwrap_or_default());
            say("CallStatus", Some(status.to_owned()));
            say("DialBridged", Some(bridged.to_string()));
        }
        Some("dtmf") => say("Digits", said("dtmf")),
        Some(_) | None => pairs.clear(),
    }
    Form::of(pairs)
}

/// Numbers come as `4930…`.
fn with_plus(number: String) -> String {
    if number == ANONYMOUS || number.starts_with('+') { number } else { format!("+{number}") }
}

/// Twilio's word for the end of a call, and whether two people talked, which is what is not said for sure only after
/// `normalClearing`.
fn ended(cause: &str) -> (&'static str, bool) {
    match cause {
        "normalClearing" => ("completed", true),
        "forwarded" => ("completed", false),
        // "The called party rejected the call", says sipgate of `noAnswer`.
        "busy" | "noAnswer" => ("busy", false),
        "cancel" => ("no-answer", false),
        // `congestion`, `notFound`, and what sipgate did not say when this was written.
        _ => ("failed", false),
    }
}

/// The messages with that text to that number since then, newest first, out of a page of the history.
pub(super) fn messages(page: &Value, to: &Phone, body: &str, since: Instant) -> Option<Vec<MessageSeen>> {
    let theirs = |entry: &&Value| {
        let content = entry["content"].as_str().or_else(|| entry["smsContent"].as_str());
        let target: Option<Phone> =
            entry["target"].as_str().and_then(|target| with_plus(target.to_owned()).parse().ok());
        entry["incoming"] != Value::Bool(true) && content == Some(body) && target.as_ref() == Some(to)
    };
    let seen = page["items"].as_array()?.iter().filter(theirs).filter_map(message);
    // Whole seconds: it may keep no finer ones.
    let since = since.timestamp();
    let mut seen: Vec<_> = seen.filter(|seen| seen.created_at.is_some_and(|at| at.timestamp() >= since)).collect();
    seen.sort_by_key(|seen| std::cmp::Reverse(seen.created_at));
    Some(seen)
}

/// What is in the history was handed to a network. Whether it arrived is not said there.
pub(super) fn message(entry: &Value) -> Option<MessageSeen> {
    let id = entry["id"].as_str().map(str::to_owned).or_else(|| entry["id"].as_u64().map(|id| id.to_string()));
    let sid = id.filter(|id| !id.is_empty()).map(Sid::new)?;
    let created_at = entry["created"].as_str().and_then(|at| at.parse().ok());
    Some(MessageSeen { sid, status: MessageStatus::Sent, created_at, error_code: None })
}

/// Whether the list of calls that are being talked in has this one; `None`: it is no list.
pub(super) fn is_among(calls: &Value, sid: &Sid) -> Option<bool> {
    let calls = calls["data"].as_array().or_else(|| calls["items"].as_array())?;
    Some(calls.iter().any(|call| call["callId"].as_str() == Some(sid.as_str())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(event: &str) -> Vec<(String, String)> {
        let event = Form::decoded(event);
        of_event(&event).iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
        of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_call_comes_in_or_goes_out() {
        let event = "event=newCall&from=492111234567&to=4930901820&direction=in&callId=12111955&user%5B%5D=Alice\
                     &user%5B%5D=Bob&userId%5B%5D=w0&fullUserId%5B%5D=1234567w0&xcid=x";
        let came = [
            ("CallSid", "12111955"),
            ("From", "+492111234567"),
            ("To", "+4930901820"),
            ("Direction", "inbound"),
            ("CallStatus", "ringing"),
        ];
        assert_eq!(read(event), pairs(&came));
        let hidden = read(&event.replace("from=492111234567", "from=anonymous"));
        assert!(hidden.contains(&("From".to_owned(), "anonymous".to_owned())), "{hidden:?}");
        let out = read(&event.replace("direction=in", "direction=out"));
        assert!(out.contains(&("Direction".to_owned(), "outbound".to_owned())), "{out:?}");
    }

    #[test]
    fn each_cause_of_an_end_says_whether_two_people_talked() {
        for (cause, status, bridged) in [
            ("normalClearing", "completed", "true"),
            ("forwarded", "completed", "false"),
            ("busy", "busy", "false"),
            ("noAnswer", "busy", "false"),
            ("cancel", "no-answer", "false"),
            ("congestion", "failed", "false"),
            ("notFound", "failed", "false"),
            ("somethingNew", "failed", "false"),
        ] {
            let form = of_event(&Form::decoded(&format!("event=hangup&cause={cause}&callId=1&from=49&to=49")));
            assert_eq!((form.get("CallStatus"), form.get("DialBridged")), (Some(status), Some(bridged)), "{cause}");
        }
    }

    #[test]
    fn keys_and_answers_are_told_and_what_is_no_event_says_nothing() {
        assert_eq!(read("event=dtmf&dtmf=012&callId=1"), pairs(&[("CallSid", "1"), ("Digits", "012")]));
        assert_eq!(read("event=dtmf&dtmf=&callId=1"), pairs(&[("CallSid", "1"), ("Digits", "")]));
        let answered = read("event=answer&callId=1&from=49301&to=49302&answeringNumber=49303");
        assert!(answered.contains(&("CallStatus".to_owned(), "in-progress".to_owned())), "{answered:?}");
        assert!(read("event=other&callId=1").is_empty() && read("").is_empty());
    }

    #[test]
    fn a_message_is_found_by_number_text_and_time() {
        let entry = |id: &str, target: &str, content: &str, created: &str, incoming: bool| json!({"id": id, "type": "SMS", "target": target, "content": content, "created": created, "incoming": incoming});
        let at = "2026-03-01T02:30:00Z";
        let page = json!({"items": [
            entry("older", "+4915110000001", "1 K7", "2026-03-01T02:29:59Z", false),
            entry("first", "+4915110000001", "1 K7", at, false),
            entry("second", "4915110000001", "1 K7", "2026-03-01T02:30:09.5Z", false),
            entry("other", "+4915110000002", "1 K7", at, false),
            entry("text", "+4915110000001", "1 K8", at, false),
            entry("theirs", "+4915110000001", "1 K7", at, true),
            {"id": "", "target": "+4915110000001", "content": "1 K7", "created": at},
        ], "totalCount": 7});
        let found = messages(&page, &"+4915110000001".parse().unwrap(), "1 K7", at.parse().unwrap()).unwrap();
        assert_eq!(found.iter().map(|seen| seen.sid.as_str()).collect::<Vec<_>>(), ["second", "first"]);
        assert!(found.iter().all(|seen| seen.status == MessageStatus::Sent));
        assert_eq!(messages(&json!({}), &"+4915110000001".parse().unwrap(), "1 K7", at.parse().unwrap()), None);
    }
}
