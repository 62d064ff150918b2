//! What the declarations mean for an alert before anybody is told of it: whether it waits for the hours of its
//! contract. Pure.

use chrono_tz::Tz;

use super::Directory;
use crate::{
    model::{
        Instant,
        alert::{Alert, Source},
        contract::{Contract, Coverage, Outside},
        priority::Urgency,
    },
    sla::coverage::{self, Opening},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hours {
    /// People are told now.
    Begin,
    /// Once the contract's hours begin, in the zone of its calendar.
    From(Instant, Tz),
    /// They never begin again: people are told now rather than never.
    Never,
}

/// High urgency never waits.
pub fn hours(directory: &Directory, alert: &Alert, now: Instant) -> Hours {
    let contract = alert.contract.as_ref().and_then(|id| directory.contracts.get(id));
    let Some(contract) = contract.filter(|contract| waits_outside(contract, alert)) else { return Hours::Begin };
    match coverage::opening(&contract.coverage, &directory.calendars, now) {
        Opening::Now => Hours::Begin,
        Opening::Never => Hours::Never,
        Opening::At(at) => Hours::From(at, zone(directory, contract)),
    }
}

fn waits_outside(contract: &Contract, alert: &Alert) -> bool {
    let declared = contract.target(alert.priority).and_then(|target| target.outside);
    let unsaid = match alert.source {
        Source::Integration(_) | Source::Operator => Outside::Wait,
        // The flow has asked for the hours, and a human waits for a human.
        Source::Call(_) => Outside::Page,
        Source::Pikett | Source::Bundle => return false,
    };
    alert.urgency() == Urgency::Low && declared.unwrap_or(unsaid) == Outside::Wait
}

fn zone(directory: &Directory, contract: &Contract) -> Tz {
    match &contract.coverage {
        Coverage::Calendar(id) => directory.calendars.get(id).map_or(Tz::UTC, |calendar| calendar.zone),
        Coverage::Always => Tz::UTC,
    }
}
