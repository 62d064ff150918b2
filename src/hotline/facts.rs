//! What a turn of the flow may know of the world, gathered before it runs.

use std::collections::BTreeSet;

use sqlx::AnyConnection;

use super::State;
use crate::{
    declare::{
        of_call::{self, Line},
        pins,
    },
    ivr::{Facts, Money, PinCheck, Want},
    model::{id::ContractId, language::Language, phone::Phone},
    store::{
        StoreError, languages,
        pin_locks::{self, Subject, Taken},
        spent::{self, ORG, Spending, destination, spender},
    },
    work::{
        Acting,
        money::{cap, number_cap},
        msp,
    },
};

pub async fn gather(db: &mut AnyConnection, acting: &Acting, line: &Line) -> Result<Facts, StoreError> {
    let language = remembered(db, acting, line).await?;
    let money = money(db, acting, line).await?;
    Ok(Facts { money, ..unspent(acting, line, language) })
}

/// The language that the caller's number chose on an earlier call.
pub async fn remembered(db: &mut AnyConnection, acting: &Acting, line: &Line) -> Result<Option<Language>, StoreError> {
    match &line.caller {
        Some(caller) => languages::of(db, acting.org(), caller).await,
        None => Ok(None),
    }
}

/// As if nothing had been spent in this hour.
pub fn unspent(acting: &Acting, line: &Line, language: Option<Language>) -> Facts {
    let directory = &acting.directory;
    let countries = of_call::countries(directory);
    let money = Money { calls_left: true, sms_left: true, countries, full: BTreeSet::new() };
    of_call::facts(directory, line, language, money, acting.now)
}

async fn money(db: &mut AnyConnection, acting: &Acting, line: &Line) -> Result<Money, StoreError> {
    let (org, now, limits) = (acting.org(), acting.now, &acting.directory.limits);
    let hotline = spender(&line.hotline.number);
    let caller = line.caller.as_ref().map(destination);
    let own = caller.as_deref().unwrap_or(ORG);
    let spent = spent::of(db, org, [ORG, &hotline, own], now).await?;
    let left = |what| [ORG, hotline.as_str()].iter().all(|whose| spent.leaves(what, whose, cap(limits, what)));
    let may_be_texted =
        caller.as_ref().is_none_or(|caller| spent.leaves(Spending::Sms, caller, number_cap(limits, Spending::Sms)));
    Ok(Money {
        calls_left: left(Spending::Call),
        sms_left: left(Spending::Sms) && may_be_texted,
        countries: of_call::countries(&acting.directory),
        full: BTreeSet::new(),
    })
}

/// The numbers to which no more calls may go: for a turn that has met one.
pub async fn full_numbers(db: &mut AnyConnection, acting: &Acting) -> Result<BTreeSet<Phone>, StoreError> {
    let cap = number_cap(&acting.directory.limits, Spending::Call);
    let full = spent::full_numbers(db, acting.org(), Spending::Call, cap, acting.now).await?;
    Ok(full.into_iter().collect())
}

/// Finds out what the turn wants. A try is counted before it is looked at, so that many calls at once
/// have no more tries than one.
pub async fn check_pin(
    state: &State,
    acting: &Acting,
    facts: &Facts,
    want: Want,
) -> Result<Option<PinCheck>, StoreError> {
    let Want::PinCheck { customer_number, pin } = want else { return Ok(None) };
    let contract = facts.contract_for(customer_number.as_deref()).map(|contract| contract.id.clone());
    let subjects = subjects(facts, contract.as_ref());
    let (unit, tried) = (acting.clone(), subjects.clone());
    let taken = state.context().change(async move |db| pin_locks::take(db, unit.org(), &tried, unit.now).await).await?;
    if let Taken::LockedUntil(until) = taken {
        if let Some(contract) = contract.filter(|_| pin_locks::is_hard_stop(until, acting.now)) {
            report_stop(state, &contract).await?;
        }
        return Ok(Some(PinCheck::Locked { until }));
    }
    let customer = contract.as_ref().and_then(|id| acting.directory.customer_of(id)).cloned();
    let Some(customer) = customer else { return Ok(Some(PinCheck::Wrong)) };
    // Tens of milliseconds on purpose: not on a thread that answers others.
    let found = tokio::task::spawn_blocking(move || pins::matches(&customer, &pin)).await;
    let Ok(Some(contact)) = found else { return Ok(Some(PinCheck::Wrong)) };
    let unit = acting.clone();
    state.context().change(async move |db| pin_locks::right(db, unit.org(), &subjects).await).await?;
    Ok(Some(PinCheck::Right(contact)))
}

/// Honest callers cannot prove who they are any more, and somebody was guessing.
async fn report_stop(state: &State, contract: &ContractId) -> Result<(), StoreError> {
    let title = format!("The PINs of contract {contract} are locked");
    let text = format!(
        "There were too many wrong PINs in a row, so none is checked any more. See who phoned, then open them with \
         `pikett pin unlock {contract}`."
    );
    msp::report(state.context(), &format!("pin-stop:{contract}"), &title, &text, None).await.map(|_| ())
}

fn subjects(facts: &Facts, contract: Option<&ContractId>) -> Vec<Subject> {
    let caller = facts.caller.clone().map(Subject::Caller);
    let contract = contract.cloned().map(Subject::Contract);
    caller.into_iter().chain(contract).chain([Subject::Hotline(facts.hotline.clone())]).collect()
}
