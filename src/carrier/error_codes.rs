//! Twilio's error codes, sorted by what to do about them.
//!
//! Codes in reports come without a word of whose they are: those of Telnyx's messages begin where Twilio's end.
//! Decided by the code first, by the HTTP status only for codes that are unknown (Twilio's error
//! dictionary has thousands; these are the ones that a hotline and its pages meet). Start with
//! `class_of`.

use super::{Class, telnyx};

/// The recipient has sent STOP: no message reaches this number until it sends START.
pub const OPTED_OUT: u32 = 21610;
/// "Call is not in-progress": the caller has gone.
pub const NOT_IN_PROGRESS: u32 = 21220;
pub const NOT_FOUND: u32 = 20404;
pub const TOO_MANY_REQUESTS: u32 = 20429;

const CLASSES: [(Class, &[u32]); 8] = [
    (
        Class::Retry,
        &[
            10004, 13340, 14107, 14207, 16020, 16021, 20409, 20429, 20503, 21611, 30001, 30017, 30022, 30410, 32011,
            32016, 63018,
        ],
    ),
    (Class::RetryLater, &[30003, 30023, 30027, 32009]),
    (Class::Unsure, &[20500, 21619, 30008, 30009, 32014, 32021]),
    (
        Class::Destination,
        &[
            13214, 13223, // 13224 also comes in a local outage of the network: one later try is allowed.
            13224, 13225, 13226, 13247, 21202, 21211, 21214, 21216, 21217, 21401, 21421, 21610, 21612, 21614, 30004,
            30005, 30006, 30450, 32203,
        ],
    ),
    (
        Class::Account,
        &[
            10001, 10002, 10003, 13227, 20003, 20005, 20006, 20008, 20403, 21203, 21210, 21212, 21215, 21218, 21219,
            21408, 21606, 21608, 21701, 21703, 21704, 30002, 30010, 30018, 30024, 30032, 30034, 32017, 32205, 32206,
            63038,
        ],
    ),
    (Class::Content, &[30007, 30019]),
    (Class::State, &[16022, 20009, 20404, 21220, 32015]),
    (Class::Bug, &[15002, 15003, 15004, 16023, 16025, 20001, 20004, 20422, 32018, 32019]),
];

/// Whole ranges that speak of our documents, our web server and our requests; the codes above come
/// first.
const BUG_RANGES: [(u32, u32); 5] =
    [(11_000, 12_999), (13_000, 14_299), (21_200, 21_299), (21_400, 21_699), (31_900, 31_999)];

/// What to do about an error code, from a REST answer (with its HTTP status) or from a status
/// callback (without).
pub fn class_of(code: Option<u32>, status: Option<u16>) -> Class {
    let listed =
        code.and_then(|code| {
            CLASSES.iter().find(|(_, codes)| codes.contains(&code)).map(|(class, _)| *class).or_else(|| {
                BUG_RANGES.iter().any(|(first, last)| (*first..=*last).contains(&code)).then_some(Class::Bug)
            })
        });
    listed.or_else(|| code.and_then(telnyx::errors::of_message)).unwrap_or(match status {
        Some(429 | 503) => Class::Retry,
        Some(401..=403) => Class::Account,
        Some(404 | 410) => Class::State,
        Some(409) => Class::Retry,
        // The request may have been carried out before a gateway gave up on its answer.
        Some(408 | 500..=599) => Class::Unsure,
        Some(400..=499) => Class::Bug,
        Some(_) | None => Class::Unsure,
    })
}

/// Whether a failure that speaks of the destination may be over by itself: no network delivers, which also
/// happens while the network is out, or our own caller id is refused. Such a number is not given up.
pub fn may_pass(code: u32) -> bool {
    matches!(code, 13214 | 13224 | 13247)
}

/// What a code means, for timelines; status callbacks bring a number only.
pub fn words(code: u32) -> Option<&'static str> {
    Some(match code {
        10003 => "the account is not active",
        10004 => "too many calls at the same time for the account",
        13223 => "the number is not written as a number",
        13224 => "no network delivers to this number",
        13225 => "the carrier blocks this number",
        13226 => "the number's country code does not exist",
        13214 | 13247 | 32206 => "the caller id is not accepted",
        13227 | 32205 => "the account may not call this country",
        14107 | 63018 => "too many messages at a time",
        21610 => "the recipient has sent STOP",
        21614 => "the number takes no SMS",
        30001 => "the queue of messages is full",
        30002 => "the account was suspended",
        30003 => "the phone is off or out of reach",
        30004 | 30450 => "the recipient or the network blocks the message",
        30005 => "the number is unknown to its network",
        30006 => "a landline, or a network without SMS",
        30007 => "the network filtered the message as unwanted",
        30008 => "no reason is known",
        30010 => "the message costs more than allowed",
        30017 | 30022 => "the network is congested",
        30018 | 30024 | 30032 | 30034 => "the sender is not registered for that network",
        30019 => "the message is too long for the network",
        30023 | 30027 | 63038 => "the day's limit of messages is reached",
        30410 => "the network did not answer in time",
        32009 => "the SIP phone is not registered just now",
        32011 => "the SIP side did not answer",
        32014 => "no sound came from the phone",
        32015 => "the call was longer than the account allows",
        32016 => "no network took the call in time",
        32017 => "the network blocks our number for its reputation",
        32203 => "the carrier blocked the call",
        _ => return telnyx::errors::words(code),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_code_has_the_class_of_the_list() {
        let file: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/data/twilio_error_codes.json")).unwrap();
        let codes = file["codes"].as_array().unwrap();
        assert_eq!(codes.len(), 171);
        for entry in codes {
            let code = u32::try_from(entry["code"].as_u64().unwrap()).unwrap();
            let status = entry["http"].as_u64().map(|status| u16::try_from(status).unwrap());
            assert_eq!(class_of(Some(code), status).as_str(), entry["class"].as_str().unwrap(), "{code}");
        }
        let listed: Vec<u64> = codes.iter().map(|entry| entry["code"].as_u64().unwrap()).collect();
        for (_, known) in CLASSES {
            assert!(known.iter().all(|code| listed.contains(&u64::from(*code))), "{known:?}");
        }
    }

    #[test]
    fn an_unknown_code_goes_by_the_status() {
        for (status, class) in [
            (400, Class::Bug),
            (401, Class::Account),
            (403, Class::Account),
            (404, Class::State),
            (408, Class::Unsure),
            (409, Class::Retry),
            (422, Class::Bug),
            (429, Class::Retry),
            (500, Class::Unsure),
            (502, Class::Unsure),
            (503, Class::Retry),
            (504, Class::Unsure),
        ] {
            assert_eq!(class_of(Some(99_999), Some(status)), class, "{status}");
            assert_eq!(class_of(None, Some(status)), class, "{status}");
        }
        assert_eq!(class_of(Some(30_999), None), Class::Unsure);
    }

    #[test]
    fn a_code_beats_the_status() {
        assert_eq!(class_of(Some(21211), Some(500)), Class::Destination);
        assert_eq!(class_of(Some(20429), Some(400)), Class::Retry);
    }

    #[test]
    fn whatever_marks_a_contact_method_has_words() {
        for code in [13223, 13224, 13225, 13226, 21610, 21614, 30004, 30005, 30006] {
            assert_eq!(class_of(Some(code), None), Class::Destination);
            assert!(words(code).is_some(), "{code}");
        }
    }
}
