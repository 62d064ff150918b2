//! What a carrier's refusal says, read leniently: Twilio's JSON, RFC 9457, a proxy's HTML, nothing.
//!
//! Pure, but for the time that comes in. Start with `read`.

use std::time::Duration;

use chrono::DateTime;
use serde_json::Value;

use super::super::{CarrierError, Class, error_codes};
use crate::model::Instant;

/// A stranger's sentence is kept short: it goes into timelines.
const MESSAGE_MAX: usize = 300;

pub(super) fn read(status: u16, body: &[u8], class_of: fn(Option<u32>, Option<u16>) -> Class) -> CarrierError {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let first = &answer["errors"][0];
    let code = [&answer["code"], &answer["error_code"], &first["code"]].into_iter().find_map(number);
    let message = ["message", "detail", "title", "error_message"]
        .iter()
        .map(|name| &answer[*name])
        .chain([&first["message"], &first["detail"]])
        .find_map(|given| given.as_str().map(plain).filter(|text| !text.is_empty()))
        .or_else(|| code.and_then(error_codes::words).map(str::to_owned));
    let class = match (code, status) {
        // We follow no redirects, so this address serves nobody until it is mended.
        (None, 300..=399) => Class::Account,
        _ => class_of(code, Some(status)),
    };
    let unsaid = match status {
        300..=399 => "the address points elsewhere: check `base_url`",
        _ => "it gave no reason",
    };
    let message = message.unwrap_or_else(|| unsaid.to_owned());
    CarrierError { class, code, status: Some(status), message, retry_after: None }
}

/// `Retry-After` in seconds or as a date (RFC 9110, 10.2.3).
pub(super) fn retry_after(given: &str, now: Instant) -> Option<Duration> {
    let given = given.trim();
    if let Ok(seconds) = given.parse::<u32>() {
        return Some(Duration::from_secs(u64::from(seconds)));
    }
    let at = DateTime::parse_from_rfc2822(given).ok()?;
    Some((at.to_utc() - now).to_std().unwrap_or_default())
}

fn number(given: &Value) -> Option<u32> {
    let number = given.as_u64().or_else(|| given.as_str()?.trim().parse().ok())?;
    u32::try_from(number).ok().filter(|code| *code > 0)
}

fn plain(text: &str) -> String {
    text.split(|c: char| c.is_control() || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(MESSAGE_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_error_is_understood() {
        for (status, body, class, code, message) in [
            (
                400,
                r#"{"code": 21211, "message": "The 'To' number is invalid", "more_info": "https://…", "status": 400}"#,
                Class::Destination,
                Some(21211),
                "The 'To' number is invalid",
            ),
            (
                429,
                r#"{"type": "https://…/20429", "title": "Too many requests", "status": 429, "code": 20429, "detail": "Slow down"}"#,
                Class::Retry,
                Some(20429),
                "Slow down",
            ),
            (
                401,
                r#"{"code": "20003", "message": "Authenticate", "httpStatusCode": 401, "userError": true}"#,
                Class::Account,
                Some(20003),
                "Authenticate",
            ),
            (400, r#"{"errors": [{"code": 21610, "message": "STOP"}]}"#, Class::Destination, Some(21610), "STOP"),
            (400, r#"{"code": 21610}"#, Class::Destination, Some(21610), "the recipient has sent STOP"),
            (500, "<html><body>Bad</body></html>", Class::Unsure, None, "it gave no reason"),
            (503, "", Class::Retry, None, "it gave no reason"),
            (404, "null", Class::State, None, "it gave no reason"),
            (400, r#"{"code": null, "message": {"a": 1}}"#, Class::Bug, None, "it gave no reason"),
            (301, "moved", Class::Account, None, "the address points elsewhere: check `base_url`"),
        ] {
            let error = read(status, body.as_bytes(), error_codes::class_of);
            assert_eq!((error.class, error.code, error.message.as_str()), (class, code, message), "{body}");
            assert_eq!(error.status, Some(status));
        }
    }

    #[test]
    fn a_long_sentence_is_cut_and_has_no_line_breaks() {
        let body = serde_json::json!({ "message": format!("a\r\n\tb {}", "ü".repeat(1_000)) }).to_string();
        let message = read(400, body.as_bytes(), error_codes::class_of).message;
        assert!(message.starts_with("a b ü") && message.chars().count() == MESSAGE_MAX);
    }

    #[test]
    fn retry_after_comes_in_seconds_or_as_a_date() {
        let now = "2026-03-01T02:30:00Z".parse().unwrap();
        for (given, seconds) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("Sun, 01 Mar 2026 02:30:30 GMT", Some(30)),
            ("Sun, 01 Mar 2026 02:29:00 GMT", Some(0)),
            ("soon", None),
            ("-3", None),
            ("", None),
        ] {
            assert_eq!(retry_after(given, now), seconds.map(Duration::from_secs), "{given}");
        }
    }
}
