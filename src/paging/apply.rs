//! One action of one person on one alert, and how it stands then.

use sqlx::AnyConnection;

use crate::{
    model::{
        Instant,
        alert::{Actor, AlertState},
        id::{AlertId, PersonId},
    },
    notify::{links::Action, texts::Done},
    store::{StoreError, alerts, alerts::AlertRow},
    work::{
        Acting,
        act::{self, Acted},
        passing,
    },
};

pub(super) enum Applied {
    Done(AlertRow),
    /// There is nothing to do any more.
    Already(AlertRow),
    Gone,
}

/// Who has taken or resolved an alert.
pub(super) struct Taken {
    pub what: Done,
    pub by: Actor,
    pub at: Instant,
}

pub(super) async fn apply(
    db: &mut AnyConnection,
    acting: &Acting,
    alert: &AlertId,
    person: &PersonId,
    action: Action,
    how: &str,
) -> Result<Applied, StoreError> {
    let by = Actor::Person(person.clone());
    let acted = match action {
        Action::Acknowledge => act::acknowledge(db, acting, alert, &by, how).await?,
        Action::Escalate => act::escalate(db, acting, alert, &by, how).await?,
        Action::Resolve => act::resolve(db, acting, alert, &by, how).await?,
        Action::Snooze => passing::snooze(db, acting, alert, &by, acting.now + passing::SNOOZE, how).await?,
        Action::TakeOver => passing::take_over(db, acting, alert, &by, how).await?,
    };
    Ok(acted.into())
}

impl From<Acted> for Applied {
    fn from(acted: Acted) -> Self {
        match acted {
            Acted::Done(row) => Self::Done(row),
            Acted::Already(row) => Self::Already(row),
            Acted::Missing => Self::Gone,
        }
    }
}

/// The same, unless somebody else has taken it meanwhile: whoever hears a call or looks at a page may
/// not know that yet.
pub(super) async fn apply_unless_taken(
    db: &mut AnyConnection,
    acting: &Acting,
    alert: &AlertId,
    person: &PersonId,
    action: Action,
    how: &str,
) -> Result<Applied, StoreError> {
    match alerts::by_id(db, acting.org(), alert).await? {
        // Links and calls outlive whoever has left.
        _ if !acting.directory.people.contains_key(person) => Ok(Applied::Gone),
        None => Ok(Applied::Gone),
        // Taking it over is meant to take it from somebody.
        Some(row) if action != Action::TakeOver && taken(&row).is_some_and(|taken| !is_by(&taken, person)) => {
            Ok(Applied::Already(row))
        }
        Some(_) => apply(db, acting, alert, person, action, how).await,
    }
}

pub(super) fn taken(row: &AlertRow) -> Option<Taken> {
    match &row.alert.state {
        AlertState::Triggered => None,
        AlertState::Acknowledged { by, at } => Some(Taken { what: Done::Acknowledged, by: by.clone(), at: *at }),
        AlertState::Resolved { by, at } => Some(Taken { what: Done::Resolved, by: by.clone(), at: *at }),
    }
}

pub(super) fn is_by(taken: &Taken, person: &PersonId) -> bool {
    matches!(&taken.by, Actor::Person(by) if by == person)
}
