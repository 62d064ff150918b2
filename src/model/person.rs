//! On-call people, the ways to reach them, and the order in which those are tried.

use std::fmt;

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::{
    id::{MethodId, PersonId},
    language::Language,
    phone::Phone,
    priority::Urgency,
};

#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    pub id: PersonId,
    pub name: String,
    pub zone: Tz,
    pub language: Language,
    pub methods: Vec<ContactMethod>,
    /// In the order of their delays.
    pub rules_high: Vec<Rule>,
    pub rules_low: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactMethod {
    pub id: MethodId,
    pub address: Address,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Sms(Phone),
    Voice(Phone),
    Email(String),
    Push(PushSubscription),
}

/// A browser's `PushSubscription` (W3C Push API), keys in base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushSubscription {
    pub endpoint: String,
    pub p256dh: String,
    pub auth: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    Sms,
    Voice,
    Email,
    Push,
}

/// "By this method, so long after the notification began."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub via: MethodId,
    pub after: TimeDelta,
}

impl Person {
    pub fn method(&self, id: &MethodId) -> Option<&ContactMethod> {
        self.methods.iter().find(|method| method.id == *id)
    }

    pub fn rules(&self, urgency: Urgency) -> &[Rule] {
        match urgency {
            Urgency::High => &self.rules_high,
            Urgency::Low => &self.rules_low,
        }
    }

    /// The number a hotline call rings: the person's first voice method.
    pub fn voice(&self) -> Option<(&MethodId, &Phone)> {
        self.methods.iter().find_map(|method| match &method.address {
            Address::Voice(phone) => Some((&method.id, phone)),
            Address::Sms(_) | Address::Email(_) | Address::Push(_) => None,
        })
    }

    /// Whether this is one of the person's own phones (SMS or voice).
    pub fn has_phone(&self, phone: &Phone) -> bool {
        self.phones().any(|own| own == phone)
    }

    /// The numbers of all SMS and voice methods; one number may come twice.
    pub fn phones(&self) -> impl Iterator<Item = &Phone> {
        self.methods.iter().filter_map(|method| match &method.address {
            Address::Sms(phone) | Address::Voice(phone) => Some(phone),
            Address::Email(_) | Address::Push(_) => None,
        })
    }
}

impl Address {
    pub fn channel(&self) -> Channel {
        match self {
            Self::Sms(_) => Channel::Sms,
            Self::Voice(_) => Channel::Voice,
            Self::Email(_) => Channel::Email,
            Self::Push(_) => Channel::Push,
        }
    }

    /// For timelines and logs: numbers shortened, addresses and endpoints cut.
    pub fn masked(&self) -> String {
        match self {
            Self::Sms(phone) | Self::Voice(phone) => phone.masked(),
            Self::Email(address) => match address.split_once('@') {
                Some((local, domain)) => format!("{}…@{domain}", local.chars().next().unwrap_or('…')),
                None => "…".to_owned(),
            },
            Self::Push(subscription) => subscription.endpoint.split('/').nth(2).unwrap_or("push").to_owned(),
        }
    }
}

impl Channel {
    pub const ALL: [Self; 4] = [Self::Sms, Self::Voice, Self::Email, Self::Push];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Voice => "voice",
            Self::Email => "email",
            Self::Push => "push",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == name)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
