//! `[[carriers]]`: what each kind of carrier must and may say.

use std::collections::BTreeSet;

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{Carrier, CarrierKind, Signing, layers::Layers, sections::web_address};
use crate::{
    declare::countries,
    model::{fault::did_you_mean, id::CarrierId, person::Channel, phone::Phone},
};

const TWILIO: &str = "https://api.twilio.com";
const TELNYX: &str = "https://api.telnyx.com/v2";
const SIPGATE: &str = "https://api.sipgate.com/v2";
const KINDS: [&str; 4] = ["twilio", "signalwire", "telnyx", "sipgate"];

pub fn read(layers: &mut Layers) -> Vec<Carrier> {
    if layers.is_table_instead_of_list("carriers") {
        layers.fault(
            "carriers",
            "`carriers` is a table, not a list of tables",
            "write [[carriers]], with two brackets",
        );
    }
    let mut seen: BTreeSet<CarrierId> = BTreeSet::new();
    let mut carriers = Vec::new();
    for index in layers.indices("carriers") {
        let Some(carrier) = carrier(layers, index) else { continue };
        if !seen.insert(carrier.id.clone()) {
            let what = format!("the carrier `{}` is there twice", carrier.id);
            layers.fault(&format!("carriers.{index}.id"), what, "give each carrier its own id");
        }
        carriers.push((index, carrier));
    }
    in_no_circle(layers, &carriers);
    carriers.into_iter().map(|(_, carrier)| carrier).collect()
}

/// A call that is led to where it came in would come in again, without end.
fn in_no_circle(layers: &mut Layers, carriers: &[(usize, Carrier)]) {
    let handed_on = |carrier: &Carrier| match &carrier.kind {
        CarrierKind::Sipgate { numbers, forward_to, .. } => Some((numbers.clone(), forward_to.clone())),
        CarrierKind::Twilio(_) | CarrierKind::SignalWire(_) | CarrierKind::Telnyx { .. } => None,
    };
    let handing: Vec<_> = carriers.iter().filter_map(|(index, carrier)| Some((index, handed_on(carrier)?))).collect();
    let numbers: Vec<&Phone> = handing.iter().flat_map(|(_, (numbers, _))| numbers).collect();
    for (index, (_, to)) in &handing {
        if let Some(to) = to.as_ref().filter(|to| numbers.contains(to)) {
            let what = format!("calls to {to} are forwarded themselves");
            let mend = "name a hotline's number at another carrier, or a phone that somebody answers";
            layers.fault(&format!("carriers.{index}.forward_to"), what, mend);
        }
    }
}

fn carrier(layers: &mut Layers, index: usize) -> Option<Carrier> {
    let key = |name: &str| format!("carriers.{index}.{name}");
    let id = layers.parsed(&key("id"));
    let named = layers.with(&key("kind"), |kind| match KINDS.into_iter().find(|known| *known == kind) {
        Some(known) => Ok(known),
        None => Err(format!(
            "`{kind}` is no kind of carrier: {}",
            did_you_mean(kind, KINDS).unwrap_or_else(|| "use `twilio`, `signalwire`, `telnyx` or `sipgate`".to_owned())
        )),
    });
    let account_sid = layers.with(&key("account_sid"), plain);
    let auth_token = layers.secret(&key("auth_token"));
    let from: Option<Phone> = layers.parsed(&key("from"));
    let base_url = layers.with(&key("base_url"), |given| web_address(given, &["https", "http"], TWILIO));
    let examples = [
        ("id", "\"twilio\""),
        ("kind", "\"twilio\""),
        ("account_sid", "\"AC…\""),
        ("auth_token", "\"env:TWILIO_AUTH_TOKEN\""),
        ("from", "\"+4930901820\""),
    ];
    for (name, example) in examples {
        if layers.is_silent(&key(name)) {
            layers.missing(&key(name), example);
        }
    }
    let kind = kind(layers, index, named, from.as_ref());
    let rate = 0.01..=1_000.0;
    let calls_per_second = layers.number(&key("calls_per_second"), rate.clone()).unwrap_or(1.0);
    // Carriers queue messages themselves; this only keeps below their limit of requests at once.
    let messages_per_second = layers.number(&key("messages_per_second"), rate).unwrap_or(10.0);
    let countries = layers.list(&key("countries"), countries::code).unwrap_or_default();
    let channels = layers.list(&key("channels"), carried).unwrap_or_default();
    if named == Some("sipgate") && channels.contains(&Channel::Voice) {
        let what = "sipgate places no calls in which Pikett could speak, so it carries no pages by voice";
        layers.fault(&key("channels"), what, "leave `channels` out, and give voice to another carrier");
    }
    let usual = match named {
        Some("telnyx") => TELNYX,
        Some("sipgate") => SIPGATE,
        Some(_) | None => TWILIO,
    };
    Some(Carrier {
        id: id?,
        kind: kind?,
        account_sid: account_sid?,
        auth_token: auth_token?,
        from: from?,
        base_url: base_url.unwrap_or_else(|| usual.to_owned()),
        calls_per_second,
        messages_per_second,
        countries,
        channels,
    })
}

/// What only carriers of that kind say. What they do not say is an unknown key.
fn kind(layers: &mut Layers, index: usize, named: Option<&str>, from: Option<&Phone>) -> Option<CarrierKind> {
    let key = |name: &str| format!("carriers.{index}.{name}");
    let needed = |layers: &mut Layers, name: &str, example: &str| {
        if layers.is_silent(&key(name)) {
            layers.missing(&key(name), example);
        }
    };
    match named? {
        "telnyx" => {
            let public_key = layers.with(&key("public_key"), |given| {
                let sound = BASE64_STANDARD.decode(given).is_ok_and(|bytes| bytes.len() == 32);
                if sound {
                    Ok(given.to_owned())
                } else {
                    Err("this is no public key: copy it from the portal's page of keys")
                }
            });
            let application_sid = layers.with(&key("application_sid"), plain);
            needed(layers, "public_key", "\"the public key that the portal shows, 44 characters\"");
            needed(layers, "application_sid", "\"1494404757140276705\"");
            Some(CarrierKind::Telnyx { public_key: public_key?, application_sid: application_sid? })
        }
        "sipgate" => {
            let sms_id = layers.with(&key("sms_id"), sms_extension);
            let public_key = layers.parsed(&key("public_key"));
            let numbers = layers.list(&key("numbers"), str::parse::<Phone>);
            let forward_to = layers.parsed(&key("forward_to"));
            needed(layers, "sms_id", "\"s0\"");
            let numbers = numbers.unwrap_or_else(|| from.into_iter().cloned().collect());
            Some(CarrierKind::Sipgate { sms_id: sms_id?, public_key, numbers, forward_to })
        }
        "signalwire" => {
            let signing = signing(layers, index);
            needed(layers, "signing_key", "\"env:SIGNALWIRE_SIGNING_KEY\"");
            needed(layers, "base_url", "\"https://SPACE.signalwire.com/api/laml\"");
            Some(CarrierKind::SignalWire(signing))
        }
        _ => Some(CarrierKind::Twilio(signing_by_token(layers, index))),
    }
}

fn signing(layers: &mut Layers, index: usize) -> Signing {
    let header = layers.with(&format!("carriers.{index}.signature_header"), |given| {
        let sound = !given.is_empty() && given.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if sound { Ok(given.to_owned()) } else { Err(format!("`{given}` is no header: write X-Twilio-Signature")) }
    });
    let key = layers.secret(&format!("carriers.{index}.signing_key"));
    let key_next = layers.secret(&format!("carriers.{index}.signing_key_next"));
    Signing { key, key_next, header }
}

/// Without a key of its own the account's token signs, and the one to come beside it.
fn signing_by_token(layers: &mut Layers, index: usize) -> Signing {
    let (token_next, key) = (format!("carriers.{index}.auth_token_next"), format!("carriers.{index}.signing_key"));
    let key_next = format!("{key}_next");
    let mut signing = signing(layers, index);
    let by_token = layers.is_silent(&key);
    let (wrong, mend) = if by_token {
        (&key_next, "without a `signing_key` the auth token signs: write `auth_token_next`")
    } else {
        (&token_next, "the `signing_key` signs: write `signing_key_next`")
    };
    if !layers.is_silent(wrong) {
        layers.fault(wrong, "webhooks are not signed with this", mend);
    }
    if by_token {
        signing.key_next = layers.secret(&token_next);
    }
    signing
}

/// sipgate's name for what sends messages.
fn sms_extension(given: &str) -> Result<String, &'static str> {
    let digits = given.strip_prefix('s').unwrap_or_default();
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        Ok(given.to_owned())
    } else {
        Err("an SMS extension is s and a number: copy it from the address of sipgate's page of SMS extensions")
    }
}

/// A carrier's own id of something.
fn plain(sid: &str) -> Result<String, &'static str> {
    let plain = !sid.is_empty() && sid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if plain {
        Ok(sid.to_owned())
    } else {
        Err("a sid is letters and digits: copy it as the carrier shows it, an account's begins with AC at Twilio")
    }
}

/// What carriers carry.
fn carried(given: &str) -> Result<Channel, String> {
    match Channel::named(given) {
        Some(channel @ (Channel::Sms | Channel::Voice)) => Ok(channel),
        Some(
            Channel::Email
            | Channel::Push
            | Channel::Slack
            | Channel::Teams
            | Channel::Telegram
            | Channel::Ntfy
            | Channel::Webhook,
        )
        | None => Err(format!("`{given}` is nothing that a carrier carries: use sms or voice")),
    }
}
