//! Calls and messages as the carrier's answers describe them, read leniently.
//!
//! Pure. Twilio writes numbers as strings and dates as RFC 2822; clones write ISO 8601. SIDs are
//! opaque. Start with `call` and `message`.

use chrono::{DateTime, NaiveDateTime};
use serde_json::Value;

use super::super::{
    CallSeen, MessageSeen, Sid,
    status::{CallStatus, MessageStatus},
};
use crate::model::Instant;

pub(in crate::carrier) fn sid(answer: &Value) -> Option<Sid> {
    answer["sid"].as_str().filter(|sid| !sid.is_empty()).map(Sid::new)
}

pub(in crate::carrier) fn call(answer: &Value) -> Option<CallSeen> {
    Some(CallSeen {
        sid: sid(answer)?,
        status: CallStatus::parse(answer["status"].as_str()?),
        created_at: date(&answer["date_created"]).or_else(|| date(&answer["start_time"])),
        duration_s: number(&answer["duration"]),
    })
}

pub(in crate::carrier) fn message(answer: &Value) -> Option<MessageSeen> {
    Some(MessageSeen {
        sid: sid(answer)?,
        status: MessageStatus::parse(answer["status"].as_str()?),
        created_at: date(&answer["date_created"]).or_else(|| date(&answer["date_sent"])),
        error_code: number(&answer["error_code"]).filter(|code| *code > 0),
    })
}

/// Whether we asked for it by REST: a Dial's leg to the same number, or what came from there, is
/// none of ours.
pub(in crate::carrier) fn is_ours(answer: &Value) -> bool {
    answer["parent_call_sid"].as_str().is_none_or(str::is_empty)
        && answer["direction"].as_str().is_none_or(|direction| ["outbound-api", "outbound"].contains(&direction))
}

/// A trial account writes a sentence before the text.
pub(in crate::carrier) fn has_text(answer: &Value, body: &str) -> bool {
    answer["body"].as_str().is_some_and(|sent| sent.trim().ends_with(body.trim()))
}

fn number(given: &Value) -> Option<u32> {
    given.as_u64().or_else(|| given.as_str()?.trim().parse().ok()).and_then(|number| u32::try_from(number).ok())
}

fn date(given: &Value) -> Option<Instant> {
    let given = given.as_str()?.trim();
    // Without the day of the week, which some get wrong.
    let without_day = given.split_once(", ").map_or(given, |(_, rest)| rest);
    DateTime::parse_from_rfc2822(without_day)
        .or_else(|_| DateTime::parse_from_rfc3339(given))
        .map(|at| at.to_utc())
        .or_else(|_| {
            NaiveDateTime::parse_from_str(&given.replace('T', " "), "%Y-%m-%d %H:%M:%S%.f").map(|at| at.and_utc())
        })
        .ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dates_are_read_in_every_form_that_was_seen() {
        let expected = "2026-09-22T20:36:28Z".parse::<Instant>().ok();
        for given in [
            "Tue, 22 Sep 2026 20:36:28 +0000",
            "Mon, 22 Sep 2026 20:36:28 +0000",
            "22 Sep 2026 22:36:28 +0200",
            "Tue, 22 Sep 2026 20:36:28 GMT",
            "2026-09-22T20:36:28Z",
            "2026-09-22T22:36:28+02:00",
            "2026-09-22 20:36:28",
            "2026-09-22T20:36:28.000",
        ] {
            assert_eq!(date(&json!(given)), expected, "{given}");
        }
        for given in [json!(null), json!(""), json!("yesterday"), json!(7)] {
            assert_eq!(date(&given), None, "{given}");
        }
    }

    #[test]
    fn numbers_come_as_strings_as_numbers_or_not_at_all() {
        let seen = |duration, error| {
            let call = call(&json!({"sid": "x", "status": "completed", "duration": duration})).unwrap();
            let message = message(&json!({"sid": "x", "status": "sent", "error_code": error})).unwrap();
            (call.duration_s, message.error_code)
        };
        assert_eq!(seen(json!("15"), json!(30007)), (Some(15), Some(30007)));
        assert_eq!(seen(json!(15), json!("30007")), (Some(15), Some(30007)));
        assert_eq!(seen(json!(null), json!(null)), (None, None));
        assert_eq!(seen(json!("?"), json!(0)), (None, None));
    }

    #[test]
    fn an_answer_without_sid_is_none() {
        assert_eq!(call(&json!({"status": "queued"})), None);
        assert_eq!(sid(&json!({"sid": ""})), None);
        assert_eq!(message(&json!([])), None);
    }
}
