//! Signed links: whoever was paged may acknowledge, escalate or resolve without signing in.
//!
//! A link says for which alert, which person, what and until when, and is signed; nothing is stored.
//! Opening one must change nothing (mail scanners open them all): the page asks, its form does. Pure.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use thiserror::Error;

use super::urls;
use crate::model::{
    Instant,
    id::{AlertId, PersonId},
    secret::Secret,
};

/// Longer than any alert should stay open, shorter than mail archives are kept.
const VALID: TimeDelta = TimeDelta::days(7);
/// A token of ours is about 200 signs long; more is not worth decoding.
const TOKEN_MAX: usize = 512;
/// The same key signs other things too (`listen`): what is signed says what it is.
const PURPOSE: &[u8] = b"pikett link v1\n";

#[derive(Debug, Clone)]
pub struct Links {
    public_url: String,
    key: Secret,
}

/// What a link asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    Acknowledge,
    /// Tell the next level.
    Escalate,
    Resolve,
    /// Take it, and be told anew later unless it is resolved by then.
    Snooze,
    /// Take it from whoever has it.
    TakeOver,
}

/// What a genuine link says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub alert: AlertId,
    pub person: PersonId,
    pub action: Action,
    pub expires_at: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LinkError {
    #[error("the link is none of ours, or was cut short on its way")]
    Forged,
    #[error("the link is too old")]
    Expired,
}

impl Links {
    /// `public_url` without a slash at its end.
    pub fn new(public_url: impl Into<String>, key: Secret) -> Self {
        Self { public_url: public_url.into(), key }
    }

    pub fn url(&self, alert: &AlertId, person: &PersonId, action: Action, now: Instant) -> String {
        urls::link(&self.public_url, &self.token(alert, person, action, now))
    }

    /// Where messages lead that ask for nothing.
    pub fn home(&self) -> &str {
        &self.public_url
    }

    pub fn read(&self, token: &str, now: Instant) -> Result<Link, LinkError> {
        let said = self.checked(PURPOSE, token)?;
        let link = Link::from_text(&said).ok_or(LinkError::Forged)?;
        if link.expires_at < now { Err(LinkError::Expired) } else { Ok(link) }
    }

    fn token(&self, alert: &AlertId, person: &PersonId, action: Action, now: Instant) -> String {
        let link = Link { alert: alert.clone(), person: person.clone(), action, expires_at: now + VALID };
        self.signed(PURPOSE, &link.to_text())
    }

    /// What is said and its signature, as one token.
    pub(super) fn signed(&self, purpose: &[u8], said: &str) -> String {
        let signature = self.mac(purpose, said.as_bytes()).finalize().into_bytes();
        format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(said), BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    /// What a genuine token of this purpose says.
    pub(super) fn checked(&self, purpose: &[u8], token: &str) -> Result<Vec<u8>, LinkError> {
        if token.len() > TOKEN_MAX {
            return Err(LinkError::Forged);
        }
        let (said, signature) = token.split_once('.').ok_or(LinkError::Forged)?;
        let said = BASE64_URL_SAFE_NO_PAD.decode(said).map_err(|_| LinkError::Forged)?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| LinkError::Forged)?;
        // Compares in constant time.
        self.mac(purpose, &said).verify_slice(&signature).map_err(|_| LinkError::Forged)?;
        Ok(said)
    }

    fn mac(&self, purpose: &[u8], said: &[u8]) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.key.expose().as_bytes()).expect("HMAC takes keys of any length");
        mac.update(purpose);
        mac.update(said);
        mac
    }
}

impl Link {
    fn to_text(&self) -> String {
        let Self { alert, person, action, expires_at } = self;
        format!("{} {} {alert} {person}", expires_at.timestamp(), action.as_str())
    }

    fn from_text(text: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(text).ok()?.split(' ');
        let expires_at = Instant::from_timestamp(words.next()?.parse().ok()?, 0)?;
        let action = Action::named(words.next()?)?;
        let (alert, person) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        words.next().is_none().then_some(Self { alert, person, action, expires_at })
    }
}

impl Action {
    pub const ALL: [Self; 5] = [Self::Acknowledge, Self::Escalate, Self::Resolve, Self::Snooze, Self::TakeOver];
    /// What a page asks for, in the order in which it is offered; who has room for three offers the first three.
    pub const OFFERED: [Self; 4] = [Self::Acknowledge, Self::Escalate, Self::Resolve, Self::Snooze];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Escalate => "escalate",
            Self::Resolve => "resolve",
            Self::Snooze => "snooze",
            Self::TakeOver => "take-over",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }

    /// The digit that asks for it, by key and by SMS.
    pub fn digit(self) -> char {
        match self {
            Self::Acknowledge => '1',
            Self::Escalate => '2',
            Self::Snooze => '4',
            Self::TakeOver => '5',
            Self::Resolve => '9',
        }
    }

    pub fn of_digit(digit: char) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.digit() == digit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Ids, model::Instant};

    fn at(days: i64) -> Instant {
        Instant::from_timestamp(1_772_330_400, 0).unwrap() + TimeDelta::days(days)
    }

    fn links(key: &str) -> Links {
        Links::new("https://hotline.example", Secret::new(key))
    }

    fn alert() -> AlertId {
        Ids::seeded(1).id(at(0))
    }

    fn token(key: &str) -> String {
        let url = links(key).url(&alert(), &"anna".parse().unwrap(), Action::Resolve, at(0));
        url.strip_prefix("https://hotline.example/a/").unwrap().to_owned()
    }

    #[test]
    fn a_link_says_what_was_put_into_it_until_it_expires() {
        let link = links("key").read(&token("key"), at(7)).unwrap();
        assert_eq!((link.alert, link.person.as_str(), link.action), (alert(), "anna", Action::Resolve));
        assert_eq!(link.expires_at, at(7));
        assert_eq!(links("key").read(&token("key"), at(8)), Err(LinkError::Expired));
    }

    #[test]
    fn a_token_needs_no_escaping() {
        assert!(token("key").bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)));
    }

    #[test]
    fn a_forged_link_is_refused() {
        let token = token("key");
        assert_eq!(links("another key").read(&token, at(0)), Err(LinkError::Forged));
        let other = Link { alert: Ids::seeded(2).id(at(0)), ..links("key").read(&token, at(0)).unwrap() };
        let signature = token.split_once('.').unwrap().1;
        let forged = format!("{}.{signature}", BASE64_URL_SAFE_NO_PAD.encode(other.to_text()));
        assert_eq!(links("key").read(&forged, at(0)), Err(LinkError::Forged));
    }

    #[test]
    fn every_change_of_a_sign_is_noticed() {
        let token = token("key");
        for place in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(links("key").read(&changed, at(0)), Err(LinkError::Forged), "{place}");
            assert_eq!(links("key").read(&token[..place], at(0)), Err(LinkError::Forged), "{place}");
        }
        for strange in ["", ".", "..", "ä.ö", &"A".repeat(100_000)] {
            assert_eq!(links("key").read(strange, at(0)), Err(LinkError::Forged));
        }
    }

    #[test]
    fn digits_name_actions() {
        for action in Action::ALL {
            assert_eq!(Action::of_digit(action.digit()), Some(action));
            assert_eq!(Action::named(action.as_str()), Some(action));
        }
        assert_eq!(Action::of_digit('3'), None);
    }
}
