//! Telnyx's error codes, sorted by what to do about them.
//!
//! Numbers below 40000 mean other things than at Twilio, so they are sorted here, where it is known who speaks;
//! those of messages (40000 and up, Telnyx: "Messaging error codes") also come in reports. Start with `class_of`.

use crate::carrier::{Class, error_codes};

/// The recipient has sent STOP, which Telnyx keeps by itself.
const BLOCKED_BY_STOP: u32 = 40_300;

const REQUESTS: [(Class, &[u32]); 6] = [
    (Class::Retry, &[10_011]),
    (Class::Unsure, &[10_007, 10_008]),
    (Class::Destination, &[10_001, 10_002, 10_016]),
    (Class::Account, &[10_009, 10_010, 10_039]),
    (Class::State, &[10_005]),
    (Class::Bug, &[10_003, 10_004, 10_006, 10_014, 10_015, 10_023]),
];

const MESSAGES: [(Class, &[u32]); 7] = [
    (Class::Retry, &[40_006, 40_011, 40_018, 40_318, 40_320]),
    (Class::RetryLater, &[40_004, 40_005, 40_014, 40_016]),
    (Class::Unsure, &[40_007, 40_008]),
    (Class::Destination, &[40_001, 40_012, BLOCKED_BY_STOP, 40_301, 40_310, 40_319]),
    (
        Class::Account,
        &[
            40_003, 40_010, 40_013, 40_100, 40_150, 40_151, 40_305, 40_309, 40_311, 40_312, 40_313, 40_314, 40_315,
            40_321, 40_329,
        ],
    ),
    (Class::Content, &[40_002, 40_009, 40_015, 40_017, 40_302, 40_322, 40_328]),
    (Class::Bug, &[40_304, 40_316, 40_317]),
];

/// What to do about a refusal.
pub fn class_of(code: Option<u32>, status: Option<u16>) -> Class {
    let requests = code.and_then(|code| listed(&REQUESTS, code));
    requests.or_else(|| code.and_then(of_message)).unwrap_or_else(|| match status {
        // Telnyx's word for a request that it understood and will not take.
        Some(422) => Class::Bug,
        status => error_codes::class_of(None, status),
    })
}

/// What to do about a code that belongs to a message; `None`: it is none of those.
pub fn of_message(code: u32) -> Option<Class> {
    listed(&MESSAGES, code)
}

/// STOP counts for all carriers, so it has one code in the house.
pub(super) fn in_our_codes(code: u32) -> u32 {
    if code == BLOCKED_BY_STOP { error_codes::OPTED_OUT } else { code }
}

/// What a message's code means, for timelines.
pub fn words(code: u32) -> Option<&'static str> {
    Some(match code {
        40_001 => "a landline, or a number that takes no SMS",
        40_002 | 40_015 | 40_017 | 40_322 => "the message was filtered as unwanted",
        40_003 | 40_315 => "the networks block our number for its reputation",
        40_004 => "the recipient's network refuses the message",
        40_005 | 40_014 => "the message expired before it arrived",
        40_006 => "the recipient's network does not answer",
        40_008 => "no reason is known",
        40_012 | 40_310 => "the number is unknown to its network",
        40_010 | 40_150 | 40_329 => "the sender is not registered for that network",
        40_013 | 40_100 | 40_305 => "our number may not send messages: see its messaging profile",
        40_016 | 40_018 => "the limit of messages is reached",
        40_309 => "the messaging profile does not allow this country",
        40_312 | 40_314 => "messages are switched off for the account or its messaging profile",
        40_318 => "the queue of messages is full",
        _ => return None,
    })
}

fn listed(classes: &[(Class, &[u32])], code: u32) -> Option<Class> {
    classes.iter().find(|(_, codes)| codes.contains(&code)).map(|(class, _)| *class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_decides_and_then_the_status() {
        for (code, status, class) in [
            (Some(40_001), Some(400), Class::Destination),
            (Some(40_300), Some(409), Class::Destination),
            (Some(40_305), Some(400), Class::Account),
            (Some(40_318), Some(400), Class::Retry),
            (Some(10_009), Some(401), Class::Account),
            (Some(10_005), Some(404), Class::State),
            (Some(10_004), Some(422), Class::Bug),
            (Some(99_999), Some(422), Class::Bug),
            (Some(99_999), Some(402), Class::Account),
            (None, Some(429), Class::Retry),
            (None, Some(503), Class::Retry),
            (None, Some(500), Class::Unsure),
        ] {
            assert_eq!(class_of(code, status), class, "{code:?} {status:?}");
        }
    }

    #[test]
    fn what_the_same_number_means_at_twilio_does_not_count() {
        // "Too many calls at the same time" at Twilio, "missing required parameter" at Telnyx.
        assert_eq!(error_codes::class_of(Some(10_004), Some(400)), Class::Retry);
        assert_eq!(class_of(Some(10_004), Some(400)), Class::Bug);
    }

    #[test]
    fn a_report_brings_no_more_than_the_code() {
        for (class, codes) in MESSAGES {
            for code in codes {
                assert_eq!(error_codes::class_of(Some(*code), None), class, "{code}");
            }
        }
        assert_eq!(error_codes::words(40_001), words(40_001));
    }
}
