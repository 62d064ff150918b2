//! How single values are written, in files and documents alike. Each form has one reader, whose
//! error says `what: mend`, and one writer.

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use chrono::{NaiveDate, NaiveDateTime, TimeDelta, Timelike};
use chrono_tz::{TZ_VARIANTS, Tz};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::{Host, Url};

use crate::{
    model::{
        duration,
        fault::did_you_mean,
        person::{AbsenceReason, Address, Channel, PushSubscription},
        secret::Secret,
    },
    oncall::{self, Advance, Combine, Every, When},
};

/// Browsers leave the padding out, other senders do not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// An uncompressed point on P-256, and the shared secret of RFC 8291.
const P256DH_BYTES: usize = 65;
const AUTH_BYTES: usize = 16;
/// Longer rotations are a mistake, and would leave the calendar's range.
const EVERY_MAX: u32 = 10_000;

/// What a stranger's text may show of itself in a fault.
pub fn shortened(given: &str) -> String {
    given.chars().take(40).collect()
}

pub fn zone(given: &str) -> Result<Tz, String> {
    given.parse().map_err(|_| {
        let near = did_you_mean(given, TZ_VARIANTS.iter().map(|zone| zone.name()));
        let mend = near.unwrap_or_else(|| "use a name such as Europe/Berlin".to_owned());
        format!("`{}` is no time zone: {mend}", shortened(given))
    })
}

/// `2026-01-05T09:00`, with seconds where somebody needs them.
pub fn civil(given: &str) -> Result<NaiveDateTime, String> {
    ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
        .into_iter()
        .find_map(|form| NaiveDateTime::parse_from_str(given, form).ok())
        .filter(|time| time.nanosecond() < 1_000_000_000)
        .ok_or_else(|| {
            format!("`{}` is no civil time: write 2026-01-05T09:00, without a zone or an offset", shortened(given))
        })
}

pub fn write_civil(time: NaiveDateTime) -> String {
    let form = if time.second() == 0 { "%Y-%m-%dT%H:%M" } else { "%Y-%m-%dT%H:%M:%S" };
    time.format(form).to_string()
}

pub fn date(given: &str) -> Result<NaiveDate, String> {
    given.parse().map_err(|_| format!("`{}` is no date: write 2026-12-25", shortened(given)))
}

/// `1 week`, `12 hours`.
pub fn every(given: &str) -> Result<Every, String> {
    let error = || {
        format!(
            "`{}` is no rotation: write a number and hours, days, weeks or months, such as 1 week",
            shortened(given)
        )
    };
    let (count, unit) = given.split_once(' ').ok_or_else(error)?;
    let digits = count.bytes().all(|b| b.is_ascii_digit());
    let count =
        count.parse::<u32>().ok().filter(|count| digits && (1..=EVERY_MAX).contains(count)).ok_or_else(error)?;
    Ok(match unit {
        "hour" | "hours" => Every::Hours(count),
        "day" | "days" => Every::Days(count),
        "week" | "weeks" => Every::Weeks(count),
        "month" | "months" => Every::Months(count),
        _ => return Err(error()),
    })
}

pub fn write_every(every: Every) -> String {
    let (count, unit) = match every {
        Every::Hours(count) => (count, "hour"),
        Every::Days(count) => (count, "day"),
        Every::Weeks(count) => (count, "week"),
        Every::Months(count) => (count, "month"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// How an override changes who is on call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Replace,
    Add,
    Remove,
}

pub fn action(given: &str) -> Result<Action, String> {
    one_of(
        given,
        "action of an override",
        &[("replace", Action::Replace), ("add", Action::Add), ("remove", Action::Remove)],
    )
}

pub fn combine(given: &str) -> Result<Combine, String> {
    one_of(given, "way to combine layers", &[("stack", Combine::Stack), ("add", Combine::Add)])
}

pub fn advance(given: &str) -> Result<Advance, String> {
    one_of(given, "way for a rotation to advance", &[("always", Advance::Always), ("on-duty", Advance::OnDuty)])
}

pub fn when(given: &str) -> Result<When, String> {
    one_of(given, "state of a calendar", &When::ALL.map(|when| (when.as_str(), when)))
}

pub fn absence_reason(given: &str) -> Result<AbsenceReason, String> {
    one_of(given, "reason for an absence", &AbsenceReason::ALL.map(|reason| (reason.as_str(), reason)))
}

fn one_of<T: Copy>(given: &str, word: &str, known: &[(&str, T)]) -> Result<T, String> {
    let found = known.iter().find(|(name, _)| *name == given);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let mend = did_you_mean(given, names.iter().copied()).unwrap_or_else(|| format!("use {}", names.join(" or ")));
        format!("`{}` is no {word}: {mend}", shortened(given))
    })
}

pub fn channel(given: &str) -> Result<Channel, String> {
    Channel::named(given).ok_or_else(|| {
        let near = did_you_mean(given, Channel::ALL.map(Channel::as_str));
        let names = Channel::ALL.map(Channel::as_str).join(", ");
        let mend = near.unwrap_or_else(|| format!("use one of {names}"));
        format!("`{}` is no kind of contact: {mend}", shortened(given))
    })
}

/// What stands in `to`, by kind.
pub fn address(channel: Channel, to: &str) -> Result<Address, String> {
    match channel {
        Channel::Sms => to.parse().map(Address::Sms).map_err(|error| format!("{error}")),
        Channel::Voice => to.parse().map(Address::Voice).map_err(|error| format!("{error}")),
        Channel::Email => email(to).map(Address::Email),
        Channel::Push => push(to).map(Address::Push),
        Channel::Slack => slack(to).map(Address::Slack),
        Channel::Teams => web_address(to, "the workflow's").map(Address::Teams),
        Channel::Telegram => telegram(to).map(Address::Telegram),
        Channel::Ntfy => ntfy(to).map(Address::Ntfy),
        Channel::Webhook => web_address(to, "the webhook's").map(Address::Webhook),
    }
}

pub fn write_address(address: &Address) -> String {
    match address {
        Address::Sms(phone) | Address::Voice(phone) => phone.to_string(),
        Address::Email(address) => address.clone(),
        Address::Push(PushSubscription { endpoint, p256dh, auth }) => {
            json!({ "endpoint": endpoint, "keys": { "p256dh": p256dh, "auth": auth } }).to_string()
        }
        Address::Slack(id) => id.clone(),
        Address::Telegram(chat) => chat.to_string(),
        Address::Teams(secret) | Address::Ntfy(secret) | Address::Webhook(secret) => secret.expose().to_owned(),
    }
}

/// A member's or a channel's id: names change, and are no addresses.
fn slack(to: &str) -> Result<String, String> {
    let sound = to.starts_with(['U', 'W', 'C', 'G', 'D'])
        && (9..=24).contains(&to.len())
        && to.bytes().all(|sign| sign.is_ascii_uppercase() || sign.is_ascii_digit());
    if sound {
        Ok(to.to_owned())
    } else {
        Err(format!(
            "`{}` is no id of Slack: copy the member ID from the profile (U…), or the channel ID (C…)",
            shortened(to)
        ))
    }
}

fn telegram(to: &str) -> Result<i64, String> {
    to.parse().ok().filter(|chat| *chat != 0).ok_or_else(|| {
        format!(
            "`{}` is no chat of Telegram: write its number, such as \"160213506\", or \"-100…\" for a group",
            shortened(to)
        )
    })
}

/// What ntfy takes as a topic. The fault does not repeat it: whoever knows a topic may read it.
fn ntfy(to: &str) -> Result<Secret, String> {
    let sound = (1..=64).contains(&to.len())
        && to.bytes().all(|sign| sign.is_ascii_alphanumeric() || sign == b'-' || sign == b'_');
    if sound {
        Ok(Secret::new(to))
    } else {
        Err("this is no topic of ntfy: write its name alone, 1 to 64 letters, digits, `-` and `_`".to_owned())
    }
}

/// Whether it may be asked at all is the configuration's word, when something is sent. The fault does not
/// repeat it: such addresses hold secrets.
fn web_address(to: &str, whose: &str) -> Result<Secret, String> {
    let sound = to.len() <= 2_000
        && Url::parse(to).is_ok_and(|url| ["https", "http"].contains(&url.scheme()) && url.has_host());
    if sound { Ok(Secret::new(to)) } else { Err(format!("this is not {whose} address: copy it whole, https://…")) }
}

fn email(to: &str) -> Result<String, String> {
    let parts = to.rsplit_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty());
    let plain = to.len() <= 254 && !to.chars().any(|c| c.is_whitespace() || c.is_control() || "<>,;\"".contains(c));
    match parts {
        Some(_) if plain && to.matches('@').count() == 1 => Ok(to.to_owned()),
        _ => Err(format!("`{}` is no email address: write name@domain", shortened(to))),
    }
}

/// A `PushSubscription` as browsers give it (W3C Push API, `toJSON`).
fn push(to: &str) -> Result<PushSubscription, String> {
    const MEND: &str =
        "copy what the browser gives, {\"endpoint\": \"https://…\", \"keys\": {\"p256dh\": \"…\", \"auth\": \"…\"}}";
    let json: Value = serde_json::from_str(to).map_err(|_| format!("this push subscription is no JSON: {MEND}"))?;
    let text = |value: &Value, name: &str| {
        value.as_str().map(str::to_owned).ok_or_else(|| format!("this push subscription has no `{name}`: {MEND}"))
    };
    let subscription = PushSubscription {
        endpoint: text(&json["endpoint"], "endpoint")?,
        p256dh: text(&json["keys"]["p256dh"], "keys.p256dh")?,
        auth: text(&json["keys"]["auth"], "keys.auth")?,
    };
    if !is_push_service(&subscription.endpoint) {
        return Err(format!("the push subscription's endpoint is no https address: {MEND}"));
    }
    for (name, key, bytes) in [("p256dh", &subscription.p256dh, P256DH_BYTES), ("auth", &subscription.auth, AUTH_BYTES)]
    {
        if BASE64.decode(key).ok().is_none_or(|key| key.len() != bytes) {
            return Err(format!("the push subscription's `{name}` is not {bytes} bytes in base64url: {MEND}"));
        }
    }
    Ok(subscription)
}

/// Push services speak TLS; one on this machine is a simulator.
fn is_push_service(endpoint: &str) -> bool {
    let Ok(url) = Url::parse(endpoint) else { return false };
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.has_host() && (url.scheme() == "https" || url.scheme() == "http" && here)
}

/// How long before a shift its person is told: a duration, or `0s` for not at all.
pub fn shift_notice(given: &str) -> Result<TimeDelta, String> {
    if given == "0s" {
        return Ok(TimeDelta::zero());
    }
    let lead = duration::parse(given)?;
    if lead > oncall::LEAD_MAX {
        let most = duration::write(oncall::LEAD_MAX);
        return Err(format!("`{given}` is too long before a shift: write at most {most}, or 0s for no notice"));
    }
    Ok(lead)
}

/// How an integration's key is kept: it is long and random, so it needs no slow hash.
pub fn key_sha256(key: &str) -> String {
    hex::encode(Sha256::digest(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotations_and_civil_times_read_back() {
        for text in ["1 week", "12 hours", "2 days", "1 month"] {
            assert_eq!(write_every(every(text).unwrap()), text);
        }
        for bad in ["week", "0 days", "1 fortnight", "+1 day", "1  week", "99999 days"] {
            assert!(every(bad).is_err(), "{bad}");
        }
        for text in ["2026-01-05T09:00", "2026-01-05T09:00:30"] {
            assert_eq!(write_civil(civil(text).unwrap()), text);
        }
        for bad in ["2026-01-05", "2026-01-05T09:00Z", "2026-01-05T25:00", "2026-02-29T09:00", "2026-01-05T09:00:60"] {
            assert!(civil(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_push_subscription_is_checked_whole() {
        let keys = |p256dh: usize, auth: usize| {
            format!(
                r#""keys":{{"p256dh":"{}","auth":"{}"}}"#,
                BASE64.encode(vec![4; p256dh]),
                BASE64.encode(vec![7; auth])
            )
        };
        let read = |endpoint: &str, keys: &str| {
            address(Channel::Push, &format!(r#"{{"endpoint":"{endpoint}","expirationTime":null,{keys}}}"#))
        };
        let sound = read("https://push.example/x", &keys(65, 16)).unwrap();
        assert_eq!(address(Channel::Push, &write_address(&sound)), Ok(sound));
        assert!(read("http://127.0.0.1:9/x", &keys(65, 16)).is_ok());
        for (endpoint, keys) in [
            ("http://push.example/x", keys(65, 16)),
            ("nonsense", keys(65, 16)),
            ("https://push.example/x", keys(64, 16)),
            ("https://push.example/x", keys(65, 15)),
            ("https://push.example/x", r#""keys":{}"#.to_owned()),
        ] {
            assert!(read(endpoint, &keys).is_err(), "{endpoint} {keys}");
        }
    }

    #[test]
    fn chats_are_named_by_what_does_not_change() {
        for (channel, good) in [
            (Channel::Slack, "U2CERLKJA"),
            (Channel::Slack, "C024BE91LXX"),
            (Channel::Telegram, "-1002163056465"),
            (Channel::Ntfy, "anna-7f3a_9"),
            (Channel::Teams, "https://prod-07.westeurope.logic.azure.com/workflows/1/invoke?sig=s3cret"),
            (Channel::Webhook, "https://hooks.example/x"),
        ] {
            let sound = address(channel, good).unwrap();
            assert_eq!(write_address(&sound), good);
            assert!(!sound.masked().contains("s3cret") && !format!("{sound:?}").contains("s3cret"));
        }
        for (channel, bad) in [
            (Channel::Slack, "#noc"),
            (Channel::Slack, "@anna"),
            (Channel::Slack, "u2cerlkja"),
            (Channel::Telegram, "@anna"),
            (Channel::Telegram, "0"),
            (Channel::Telegram, "99999999999999999999"),
            (Channel::Ntfy, "https://ntfy.sh/anna"),
            (Channel::Ntfy, ""),
            (Channel::Teams, "s3cret"),
            (Channel::Webhook, "ftp://s3cret.example/x"),
        ] {
            let fault = address(channel, bad).unwrap_err();
            assert!(fault.contains(": ") && !fault.contains("s3cret"), "{fault}");
        }
        assert!(super::channel("telegramm").unwrap_err().ends_with("did you mean `telegram`?"));
    }

    #[test]
    fn email_addresses_are_plain() {
        assert!(address(Channel::Email, "anna@msp.example").is_ok());
        for bad in ["anna", "@msp.example", "anna@", "a b@c", "a@b@c", "Anna <a@b>", "a@b\n"] {
            assert!(address(Channel::Email, bad).is_err(), "{bad}");
        }
    }
}
