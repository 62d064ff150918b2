//! A technician who talks with a caller wants another one: to bring in (three talk) or to hand over to.
//!
//! The two talk on while the next level is rung, so nobody waits for what may not come. Whoever accepts is
//! decided by compare-and-set on the stored wish; whatever breaks, the caller stays with a technician or is
//! back in the queue. The keys stand in `star`; start here with `ask`, then `drive` and `accepted`.

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::AnyConnection;

use super::{
    connect::{self, end_rings, place},
    effects::{Applying, CONNECT, note},
    numbers::Used,
    rings::{HANGUP, JOIN, LEAVE, detail, wake},
    talk,
    waiting::{Aside, Waiting, Wish},
};
use crate::{
    declare::{Directory, of_call::candidates},
    escalation::{
        Target,
        connect::{Connect, LegResult, Plan, Progress, decide},
    },
    model::{
        Instant,
        alert::Actor,
        call::LegState,
        id::{AlertId, PersonId},
    },
    store::{
        StoreError, alerts, attempts,
        calls::{self, CallRow, Phase},
        legs::{self, LegRow},
        timers,
    },
    work::{Acting, act, marks},
};

/// What became of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Rings,
    /// Another one is being rung already.
    Already,
    /// This technician's level is the last one.
    Nobody,
}

/// The wish is kept, and its people are rung by the `connect` timer.
pub async fn ask(
    db: &mut AnyConnection,
    acting: &Acting,
    call: &CallRow,
    leg: &LegRow,
    wish: Wish,
) -> Result<Asked, StoreError> {
    let Some(stored) = &call.connect else { return Ok(Asked::Nobody) };
    let mut waiting = Waiting::from_json(stored)?;
    if waiting.aside.is_some() || waiting.conference {
        return Ok(Asked::Already);
    }
    let main = &waiting.connect.plan;
    let beyond = usize::try_from(leg.level.saturating_sub(main.first_level)).unwrap_or(usize::MAX).saturating_add(1);
    let levels: Vec<Vec<Target>> = main.levels.iter().skip(beyond).cloned().collect();
    if levels.is_empty() {
        return Ok(Asked::Nobody);
    }
    let plan = Plan { levels, first_level: leg.level + 1, started_at: acting.now, ..main.clone() };
    let connect = Connect { plan, progress: Progress::default() };
    waiting.aside = Some(Aside { wish, by: leg.id.clone(), connect });
    if !calls::advance_connect(db, acting.org(), &call.id, Phase::Bridged, stored, &waiting.to_json()).await? {
        return Err(StoreError::Stale("the call went on meanwhile"));
    }
    let text = match wish {
        Wish::BringIn => format!("{} wants to bring in the next level.", leg.person),
        Wish::HandOver => format!("{} wants to hand the caller over to the next level.", leg.person),
    };
    note(db, acting, call, "asked", text, detail(leg)).await?;
    if wish == Wish::HandOver {
        escalate(db, acting, call, &leg.person, "by handing the caller over").await?;
    }
    wake(db, acting, &call.id).await?;
    Ok(Asked::Rings)
}

/// The alert is the next level's matter again, too. Its people are rung by the call itself.
async fn escalate(
    db: &mut AnyConnection,
    acting: &Acting,
    call: &CallRow,
    by: &PersonId,
    how: &str,
) -> Result<(), StoreError> {
    let Some(alert) = alert_of(call) else { return Ok(()) };
    act::escalate(db, acting, alert, &Actor::Person(by.clone()), how).await?;
    if alerts::hold(db, acting.org(), alert, &call.id).await? {
        attempts::hold_voice_pages(db, acting.org(), alert).await?;
    }
    Ok(())
}

/// The alert, where taking the caller takes it.
fn alert_of(call: &CallRow) -> Option<&AlertId> {
    let waiting = call.connect.as_deref().and_then(|stored| Waiting::from_json(stored).ok())?;
    call.alert.as_ref().filter(|_| waiting.acknowledge)
}

/// Part of the `connect` timer's work, while two talk and one of them wants another.
pub async fn drive(
    db: &mut AnyConnection,
    acting: &Acting,
    call: &CallRow,
    mut waiting: Waiting,
    numbers: Vec<i64>,
) -> Result<Used, StoreError> {
    let (Some(mut aside), Some(stored)) = (waiting.aside.take(), &call.connect) else { return Ok(Used::new()) };
    let org = acting.org();
    let (legs, earlier): (Vec<_>, Vec<_>) =
        legs::of_call(db, org, &call.id).await?.into_iter().partition(|leg| aside.is_of(leg));
    let mut busy = legs::busy_elsewhere(db, org, &call.id).await?;
    busy.extend(earlier.into_iter().filter(|leg| leg.state != LegState::Ended).map(|leg| leg.person));
    let directory = marks::directory(db, acting).await?;
    let decision = decided(&directory, call, &aside, &legs, &busy, acting.now);
    aside.connect.progress = decision.next.clone();
    let by = aside.by.clone();
    waiting.aside = decision.gave_up.is_none().then_some(aside);
    if !calls::advance_connect(db, org, &call.id, Phase::Bridged, stored, &waiting.to_json()).await? {
        return Err(StoreError::Stale("the call went on meanwhile"));
    }
    let mut applying = Applying::new(acting, call, numbers);
    let mut again = decision.ask_again_at;
    for ring in &decision.ring {
        if !place(db, &mut applying, ring).await? {
            again = Some(acting.now);
        }
    }
    end_rings(db, acting, &legs, &decision).await?;
    connect::tell_reasons(db, &mut applying, &decision).await?;
    if decision.gave_up.is_some() {
        stay(db, acting, call, &by).await?;
    }
    if let Some(again) = again {
        timers::set(db, org, CONNECT, call.id.as_str(), again, "").await?;
    }
    Ok(applying.used)
}

fn decided(
    directory: &Directory,
    call: &CallRow,
    aside: &Aside,
    legs: &[LegRow],
    busy: &BTreeSet<PersonId>,
    now: Instant,
) -> crate::escalation::connect::Decision {
    let views: Vec<_> = legs.iter().map(LegRow::view).collect();
    let ask = |target: &Target| candidates(directory, target, busy, call.language.as_ref(), now);
    decide(&aside.connect.plan, &aside.connect.progress, &views, &ask, now)
}

/// Nobody of the next level came: the two talk on, and the alert is this technician's again.
async fn stay(
    db: &mut AnyConnection,
    acting: &Acting,
    call: &CallRow,
    by: &crate::model::id::LegId,
) -> Result<(), StoreError> {
    let Some(leg) = legs::by_id(db, acting.org(), by).await? else { return Ok(()) };
    let text = format!("Nobody of the next level came: {} talks on with the caller.", leg.person);
    note(db, acting, call, "stayed", text, detail(&leg)).await?;
    if let Some(alert) = alert_of(call) {
        act::acknowledge(db, acting, alert, &Actor::Person(leg.person), "by talking on with the caller").await?;
    }
    connect::release(db, acting, call).await
}

/// Whoever was asked for presses 1. `None`: somebody was faster, or it is over.
pub async fn accepted(
    db: &mut AnyConnection,
    acting: &Acting,
    call: &CallRow,
    leg: &LegRow,
) -> Result<Option<Wish>, StoreError> {
    let Some(stored) = &call.connect else { return Ok(None) };
    let mut waiting = Waiting::from_json(stored)?;
    let Some(aside) = waiting.aside.take().filter(|aside| aside.is_of(leg)) else { return Ok(None) };
    let (org, now) = (acting.org(), acting.now);
    let wish = aside.wish;
    let gone_on = || StoreError::Stale("the call went on meanwhile");
    match wish {
        Wish::BringIn => {
            waiting.conference = true;
            if !calls::advance_connect(db, org, &call.id, Phase::Bridged, stored, &waiting.to_json()).await? {
                return Err(gone_on());
            }
            if !legs::accept(db, org, &leg.id, now).await? || !legs::bridge(db, org, &leg.id, now).await? {
                return Err(gone_on());
            }
            timers::set(db, org, JOIN, aside.by.as_str(), now, leg.id.as_str()).await?;
            let text = format!("{} joins the talk.", leg.person);
            note(db, acting, call, "brought-in", text, detail(leg)).await?;
            talk::tell_number(db, acting, call, &leg.person).await?;
        }
        Wish::HandOver => {
            waiting.connect = aside.connect;
            waiting.comes_from_talk = true;
            let next = (Phase::Accepted, Some(&leg.person), waiting.to_json());
            if !calls::hand_on(db, org, &call.id, stored, next).await? || !legs::accept(db, org, &leg.id, now).await? {
                return Err(gone_on());
            }
            legs::condemn(db, org, &aside.by, LegResult::HandedOver).await?;
            timers::set(db, org, HANGUP, aside.by.as_str(), now, "").await?;
            let text = format!("{} takes the caller over.", leg.person);
            note(db, acting, call, "handed-over", text, detail(leg)).await?;
        }
    }
    timers::clear(db, org, HANGUP, leg.id.as_str()).await?;
    wake(db, acting, &call.id).await?;
    Ok(Some(wish))
}

/// A leg that talked is over. When it had asked for another, the caller waits for that one; when it was the
/// last of three, the caller goes on.
pub async fn ended(db: &mut AnyConnection, acting: &Acting, call: &CallRow, leg: &LegRow) -> Result<(), StoreError> {
    let (Phase::Bridged, Some(stored)) = (call.phase, &call.connect) else { return Ok(()) };
    let mut waiting = Waiting::from_json(stored)?;
    let org = acting.org();
    if waiting.conference {
        let mut others = legs::of_call(db, org, &call.id).await?.into_iter();
        if !others.any(|other| other.state == LegState::Bridged) {
            timers::set(db, org, LEAVE, call.id.as_str(), acting.now, "").await?;
        }
        return Ok(());
    }
    let Some(aside) = waiting.aside.take_if(|aside| aside.by == leg.id) else { return Ok(()) };
    let wish = aside.wish;
    waiting.connect = aside.connect;
    waiting.comes_from_talk = true;
    let next = (Phase::Waiting, None, waiting.to_json());
    if !calls::hand_on(db, org, &call.id, stored, next).await? {
        return Err(StoreError::Stale("the call went on meanwhile"));
    }
    let text = format!("{} has hung up; the caller waits for the next level.", leg.person);
    note(db, acting, call, "handed-over", text, json!({ "leg": leg.id.as_str() })).await?;
    if wish == Wish::BringIn {
        escalate(db, acting, call, &leg.person, "by leaving the caller to the next level").await?;
    }
    wake(db, acting, &call.id).await
}

/// The carrier would not lead the two to the third: they talk on, and the third is sent away.
pub async fn not_joined(
    db: &mut AnyConnection,
    acting: &Acting,
    call: &CallRow,
    third: &str,
) -> Result<(), StoreError> {
    let org = acting.org();
    let Some(fresh) = calls::by_id(db, org, &call.id).await? else { return Ok(()) };
    let (Phase::Bridged, Some(stored)) = (fresh.phase, &fresh.connect) else { return Ok(()) };
    let waiting = Waiting { conference: false, ..Waiting::from_json(stored)? };
    if !calls::advance_connect(db, org, &call.id, Phase::Bridged, stored, &waiting.to_json()).await? {
        return Err(StoreError::Stale("the call went on meanwhile"));
    }
    if let Ok(third) = third.parse() {
        legs::condemn(db, org, &third, LegResult::Failed).await?;
        legs::unbridge(db, org, &third).await?;
        timers::set(db, org, HANGUP, third.as_str(), acting.now, "").await?;
    }
    note(db, acting, call, "stayed", "The carrier could not bring the three together.", json!({})).await
}
