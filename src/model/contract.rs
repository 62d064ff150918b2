//! Customers, their contacts, what they bought, and the hotlines that belong to it.

use std::{collections::BTreeMap, str::FromStr};

use chrono::TimeDelta;

use super::{
    id::{CalendarId, ContactId, ContractId, CustomerId, FlowId, IntegrationId, PolicyId},
    phone::Phone,
    pin::PinHash,
    priority::Priority,
};

#[derive(Debug, Clone, PartialEq)]
pub struct Customer {
    pub id: CustomerId,
    pub name: String,
    /// What a caller keys in on a hotline that several contracts share.
    pub number: Option<String>,
    pub contacts: Vec<Contact>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Contact {
    pub id: ContactId,
    pub name: String,
    pub phones: Vec<Phone>,
    pub pin: Option<PinHash>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Contract {
    pub id: ContractId,
    pub customer: CustomerId,
    pub coverage: Coverage,
    /// At least one.
    pub priorities: BTreeMap<Priority, Target>,
    /// How long what its callers said is kept; `None`: as the installation has it.
    pub recordings: Option<TimeDelta>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coverage {
    Always,
    Calendar(CalendarId),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub response: Option<TimeDelta>,
    pub resolution: Option<TimeDelta>,
    pub policy: PolicyId,
    /// `None`: nobody says it, see `Outside`.
    pub outside: Option<Outside>,
}

/// What becomes of an alert of low urgency that is raised outside the contract's hours. Where nobody says it, what tools
/// send waits, and what callers leave does not: the flow has asked for the hours, and they wait for a human.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// People are told as soon as the hours begin.
    Wait,
    /// People are told at once.
    Page,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Hotline {
    /// By which it is known, and which it shows when it phones somebody.
    pub number: Phone,
    /// Further numbers at which it answers.
    pub also: Vec<Phone>,
    /// One, or several that share the number.
    pub contracts: Vec<ContractId>,
    pub flow: FlowId,
    pub vars: BTreeMap<String, String>,
    /// Who is dialled, one after the other, when the flow cannot be served.
    pub spare: Vec<Phone>,
}

impl Hotline {
    pub fn answers(&self, number: &Phone) -> bool {
        self.number == *number || self.also.contains(number)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Integration {
    pub id: IntegrationId,
    /// SHA-256 of the routing key, in hex: the key itself is a secret.
    pub key_sha256: String,
    pub target: IntegrationTarget,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntegrationTarget {
    Contract(ContractId),
    Policy(PolicyId),
}

impl Outside {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Page => "page",
        }
    }
}

impl FromStr for Outside {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        match given {
            "wait" => Ok(Self::Wait),
            "page" => Ok(Self::Page),
            _ => Err(format!(
                "`{}` is nothing to do outside the hours: use wait or page",
                given.chars().take(20).collect::<String>()
            )),
        }
    }
}

impl Contract {
    /// A priority that the contract lacks takes the next more urgent one declared; when none is
    /// more urgent, the most urgent there is.
    pub fn target(&self, priority: Priority) -> Option<&Target> {
        self.priorities
            .range(..=priority)
            .next_back()
            .or_else(|| self.priorities.iter().next())
            .map(|(_, target)| target)
    }
}
