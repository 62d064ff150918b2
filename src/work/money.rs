//! `[limits]`: the money that calls and SMS may cost, per hour and day. Whoever places a call or sends an SMS
//! asks here first, in the unit of work that plans it.
//!
//! Callers and pages have purses of their own: nobody who phones can silence a page.

use std::fmt;

use sqlx::AnyConnection;

use super::Acting;
use crate::{
    declare::Limits,
    model::phone::Phone,
    store::{
        StoreError,
        spent::{self, Cap, ORG, PAGES, Span, Spending, destination, spender},
    },
    telemetry::metric,
};

#[derive(Debug, Clone, Copy)]
pub enum Purse<'a> {
    /// Of this hotline, and of all callers together.
    Callers(&'a Phone),
    Pages,
}

/// A cap that is reached. It reads: "the hour's cap of 200 calls".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full {
    what: Spending,
    span: Span,
    to_one_number: bool,
    cap: u32,
}

/// One call or SMS to this number. `Some`: there must be no more, and it is not counted.
pub async fn spend(
    db: &mut AnyConnection,
    acting: &Acting,
    what: Spending,
    purse: Purse<'_>,
    number: &Phone,
) -> Result<Option<Full>, StoreError> {
    let limits = &acting.directory.limits;
    let (cap, number) = (cap(limits, what), (destination(number), number_cap(limits, what)));
    let hotline = match purse {
        Purse::Callers(hotline) => Some(spender(hotline)),
        Purse::Pages => None,
    };
    let all = if hotline.is_some() { ORG } else { PAGES };
    let mut subjects = vec![(number.0.as_str(), number.1), (all, cap)];
    subjects.extend(hotline.as_deref().map(|hotline| (hotline, cap)));
    let Some((index, span)) = spent::take(db, acting.org(), what, &subjects, acting.now).await? else {
        return Ok(None);
    };
    let cap = subjects.get(index).map_or(cap, |(_, cap)| *cap);
    let cap = match span {
        Span::Hour => cap.hour,
        Span::Day => cap.day,
    };
    let full = Full { what, span, to_one_number: index == 0, cap };
    metrics::counter!(metric::CAPPED, "limit" => full.key()).increment(1);
    Ok(Some(full))
}

/// What each purse may spend.
pub fn cap(limits: &Limits, what: Spending) -> Cap {
    match what {
        Spending::Call => Cap { hour: limits.calls_per_hour, day: limits.calls_per_day },
        Spending::Sms => Cap { hour: limits.sms_per_hour, day: limits.sms_per_day },
    }
}

/// What may go to any one number.
pub fn number_cap(limits: &Limits, what: Spending) -> Cap {
    match what {
        Spending::Call => Cap { hour: limits.number_calls_per_hour, day: limits.number_calls_per_day },
        Spending::Sms => Cap { hour: limits.number_sms_per_hour, day: limits.number_sms_per_day },
    }
}

impl Full {
    /// Its key in `[limits]`.
    pub fn key(self) -> &'static str {
        match (self.what, self.span, self.to_one_number) {
            (Spending::Call, Span::Hour, false) => "calls_per_hour",
            (Spending::Call, Span::Day, false) => "calls_per_day",
            (Spending::Call, Span::Hour, true) => "number_calls_per_hour",
            (Spending::Call, Span::Day, true) => "number_calls_per_day",
            (Spending::Sms, Span::Hour, false) => "sms_per_hour",
            (Spending::Sms, Span::Day, false) => "sms_per_day",
            (Spending::Sms, Span::Hour, true) => "number_sms_per_hour",
            (Spending::Sms, Span::Day, true) => "number_sms_per_day",
        }
    }
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = match self.span {
            Span::Hour => "hour",
            Span::Day => "day",
        };
        let what = match self.what {
            Spending::Call => "calls",
            Spending::Sms => "SMS",
        };
        let to = if self.to_one_number { " to one number" } else { "" };
        write!(f, "the {span}'s cap of {} {what}{to}", self.cap)
    }
}
