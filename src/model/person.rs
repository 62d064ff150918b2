//! On-call people, the ways to reach them, and the order in which those are tried.

use std::fmt;

use chrono::{NaiveDateTime, TimeDelta};
use chrono_tz::Tz;

use super::{
    Instant,
    calendar::WeeklyHours,
    id::{MethodId, PersonId},
    language::Language,
    phone::Phone,
    priority::Urgency,
    quiet,
    secret::Secret,
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
    /// In which what is of low urgency waits; not round the clock.
    pub quiet: Vec<WeeklyHours>,
    /// How long before a shift this person is told of it; zero: not at all; `None`: as the org has it.
    pub shift_notice: Option<TimeDelta>,
    /// Civil times in the person's zone. Of two at once the one declared last counts.
    pub absences: Vec<Absence>,
}

/// Not to be called upon for a while; `until` is not part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    pub from: NaiveDateTime,
    pub until: NaiveDateTime,
    pub reason: AbsenceReason,
    /// `None`: the next in the rotation.
    pub substitute: Option<PersonId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbsenceReason {
    Holiday,
    Sick,
    Other,
}

impl AbsenceReason {
    pub const ALL: [Self; 3] = [Self::Holiday, Self::Sick, Self::Other];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Holiday => "holiday",
            Self::Sick => "sick",
            Self::Other => "other",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
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
    /// A member (`U…`), who may then press buttons, or a channel.
    Slack(String),
    /// The address of a workflow, which is its secret.
    Teams(Secret),
    /// A chat: a person's is their own id, and they may press buttons; a group's is negative.
    Telegram(i64),
    /// A topic: whoever knows its name may read it.
    Ntfy(Secret),
    /// An address, which may hold a secret.
    Webhook(Secret),
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
    Slack,
    Teams,
    Telegram,
    Ntfy,
    Webhook,
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

    /// When the person's quiet hours end. `None`: it is not quiet.
    pub fn quiet_until(&self, at: Instant) -> Option<Instant> {
        quiet::until(self.zone, &self.quiet, at)
    }

    /// When so much time has passed outside the person's quiet hours.
    pub fn awake_after(&self, start: Instant, after: TimeDelta) -> Instant {
        quiet::awake_after(self.zone, &self.quiet, start, after)
    }

    /// The number a hotline call rings: the person's first voice method.
    pub fn voice(&self) -> Option<(&MethodId, &Phone)> {
        self.methods.iter().find_map(|method| match method.address.channel() {
            Channel::Voice => Some((&method.id, method.address.phone()?)),
            Channel::Sms
            | Channel::Email
            | Channel::Push
            | Channel::Slack
            | Channel::Teams
            | Channel::Telegram
            | Channel::Ntfy
            | Channel::Webhook => None,
        })
    }

    /// Whether this is one of the person's own phones (SMS or voice).
    pub fn has_phone(&self, phone: &Phone) -> bool {
        self.phones().any(|own| own == phone)
    }

    /// The numbers of all SMS and voice methods; one number may come twice.
    pub fn phones(&self) -> impl Iterator<Item = &Phone> {
        self.methods.iter().filter_map(|method| method.address.phone())
    }
}

impl Address {
    pub fn channel(&self) -> Channel {
        match self {
            Self::Sms(_) => Channel::Sms,
            Self::Voice(_) => Channel::Voice,
            Self::Email(_) => Channel::Email,
            Self::Push(_) => Channel::Push,
            Self::Slack(_) => Channel::Slack,
            Self::Teams(_) => Channel::Teams,
            Self::Telegram(_) => Channel::Telegram,
            Self::Ntfy(_) => Channel::Ntfy,
            Self::Webhook(_) => Channel::Webhook,
        }
    }

    /// The number that is texted or phoned.
    pub fn phone(&self) -> Option<&Phone> {
        match self {
            Self::Sms(phone) | Self::Voice(phone) => Some(phone),
            Self::Email(_)
            | Self::Push(_)
            | Self::Slack(_)
            | Self::Teams(_)
            | Self::Telegram(_)
            | Self::Ntfy(_)
            | Self::Webhook(_) => None,
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
            Self::Push(subscription) => host(&subscription.endpoint).unwrap_or("push").to_owned(),
            Self::Slack(id) => id.clone(),
            Self::Telegram(chat) => format!("…{}", chat.unsigned_abs() % 1_000),
            Self::Teams(url) | Self::Webhook(url) => host(url.expose()).unwrap_or("…").to_owned(),
            Self::Ntfy(topic) => format!("{}…", topic.expose().chars().take(3).collect::<String>()),
        }
    }
}

/// Without what stands before an `@`.
fn host(url: &str) -> Option<&str> {
    url.split('/').nth(2)?.rsplit('@').next()
}

impl Channel {
    pub const ALL: [Self; 9] = [
        Self::Sms,
        Self::Voice,
        Self::Email,
        Self::Push,
        Self::Slack,
        Self::Teams,
        Self::Telegram,
        Self::Ntfy,
        Self::Webhook,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Voice => "voice",
            Self::Email => "email",
            Self::Push => "push",
            Self::Slack => "slack",
            Self::Teams => "teams",
            Self::Telegram => "telegram",
            Self::Ntfy => "ntfy",
            Self::Webhook => "webhook",
        }
    }

    /// Whether its provider names messages, and changes them in place.
    pub fn changes_messages(self) -> bool {
        match self {
            Self::Slack | Self::Telegram => true,
            Self::Sms | Self::Voice | Self::Email | Self::Push | Self::Teams | Self::Ntfy | Self::Webhook => false,
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
