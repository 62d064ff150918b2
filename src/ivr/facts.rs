//! What a turn of a flow may know of the world, gathered by the shell before `run`: plain data, never
//! rendered as a template, never changed here.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use chrono_tz::Tz;

use crate::model::{
    Instant,
    calendar::CoverageState,
    id::{CalendarId, ContactId, ContractId, CustomerId},
    incident::Incident,
    language::Language,
    phone::Phone,
    priority::Priority,
};

#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    pub now: Instant,
    pub org_name: String,
    /// The number that was phoned.
    pub hotline: Phone,
    /// What the hotline declares for the flow's vars.
    pub vars: BTreeMap<String, String>,
    /// The hotline's contracts, in its order; never empty for a declared hotline.
    pub contracts: Vec<ContractFacts>,
    /// Every calendar that a flow may name.
    pub calendars: BTreeMap<CalendarId, CoverageState>,
    /// `None`: withheld, or no number at all.
    pub caller: Option<Phone>,
    pub attestation: Attestation,
    /// What this number chose on an earlier call.
    pub language: Option<Language>,
    /// The answer to `wants`; `None` when it wanted nothing.
    pub pin: Option<PinCheck>,
    pub lookup: Option<LookupAnswer>,
    /// Reserved for this call, in case the turn raises its alert.
    pub next_alert: i64,
    /// From 1, while the caller waits.
    pub queue_position: Option<u32>,
    pub money: Money,
    /// Open ones, the newest first; only looked for when the flow may tell of them.
    pub incidents: Vec<Incident>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ContractFacts {
    pub id: ContractId,
    pub customer: CustomerId,
    pub customer_name: String,
    pub customer_number: Option<String>,
    /// In which times are spoken.
    pub zone: Tz,
    pub coverage: CoverageState,
    pub priorities: BTreeMap<Priority, SlaFacts>,
    /// Names of the customer's contacts.
    pub contacts: BTreeMap<ContactId, String>,
    /// The contact whose number the caller phones from.
    pub known: Option<ContactId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SlaFacts {
    pub response: Option<TimeDelta>,
    pub resolution: Option<TimeDelta>,
}

/// What came of a keyed PIN. Which part was wrong is never told to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PinCheck {
    /// Nothing was checked, nothing may be counted.
    Locked {
        until: Instant,
    },
    Wrong,
    /// Exactly one contact of the contract has this PIN.
    Right(ContactId),
}

/// What came of a lookup.
#[derive(Debug, Clone, PartialEq)]
pub enum LookupAnswer {
    Answered(serde_json::Value),
    /// Why, in words: no address, no value.
    Failed(String),
}

/// What the carrier says about the caller's number (STIR/SHAKEN).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attestation {
    /// Absent, as mostly in Europe.
    NotSupplied,
    A,
    B,
    C,
    /// Marked as spoofed.
    Failed,
}

/// What calls and messages may still cost, as the caps of the hour stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Money {
    pub calls_left: bool,
    pub sms_left: bool,
    /// E.164 country codes that may be phoned and texted.
    pub countries: BTreeSet<String>,
    /// Numbers that were phoned as often as they may be, as far as that is known.
    pub full: BTreeSet<Phone>,
}

impl Facts {
    /// The contract that a PIN is checked against: the hotline's only one, or the one of the keyed
    /// customer number. Of a customer's several contracts the hotline's first; `None` when nobody or
    /// more than one customer has the number.
    pub fn contract_for(&self, customer_number: Option<&str>) -> Option<&ContractFacts> {
        let Some(number) = customer_number else {
            return if self.contracts.len() == 1 { self.contracts.first() } else { None };
        };
        let mut found = self.contracts.iter().filter(|contract| contract.customer_number.as_deref() == Some(number));
        let first = found.next()?;
        found.all(|other| other.customer == first.customer).then_some(first)
    }

    pub fn contract(&self, id: &ContractId) -> Option<&ContractFacts> {
        self.contracts.iter().find(|contract| contract.id == *id)
    }

    /// The contract and contact that the caller's number belongs to, when it is one customer's.
    pub(super) fn known(&self) -> Option<(&ContractFacts, &ContactId)> {
        let mut found = self.contracts.iter().filter_map(|contract| Some((contract, contract.known.as_ref()?)));
        let first = found.next()?;
        found.all(|other| other.0.customer == first.0.customer).then_some(first)
    }
}

impl Attestation {
    /// Twilio's `StirVerstat`: `TN-Validation-Passed-A`, also with `-Diverted` or `-Passthrough`.
    pub fn from_verstat(given: Option<&str>) -> Self {
        let given = given.unwrap_or_default();
        match given.strip_prefix("TN-Validation-Passed-").and_then(|level| level.chars().next()) {
            Some('A') => Self::A,
            Some('B') => Self::B,
            Some('C') => Self::C,
            _ if given.starts_with("TN-Validation-Failed") => Self::Failed,
            _ => Self::NotSupplied,
        }
    }
}

impl Money {
    pub fn may_phone(&self, number: &Phone) -> bool {
        self.calls_left && self.is_allowed(number) && !self.full.contains(number)
    }

    /// As far as its country goes.
    pub fn is_allowed(&self, number: &Phone) -> bool {
        self.countries.contains(number.country_code())
    }

    pub fn may_text(&self, number: &Phone) -> bool {
        self.sms_left && self.is_allowed(number)
    }
}
