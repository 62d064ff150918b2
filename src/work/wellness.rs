//! Whether the service does what it is there for. What is wrong becomes an alert of the MSP's own, once an
//! hour while it lasts; whether all is well is what the heartbeat tells the outside.
//!
//! An alert helps while somebody can still be told; a worker that stands still may be the very one that
//! would tell them. That is why the outside listens for the heartbeat.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use tokio::sync::watch;

use super::{
    Context, msp,
    pulse::{Pulses, Worker},
};
use crate::{
    declare::Directory,
    escalation::{Policy, Target},
    model::{Instant, calendar::CoverageState, duration, id::PolicyId},
    oncall,
    sla::coverage,
    store::{StoreError, outbox},
};

/// A page that is due for longer is late.
const LATE: TimeDelta = TimeDelta::seconds(30);
/// Workers go round every half minute, also with nothing to do.
const STILL: TimeDelta = TimeDelta::seconds(90);
const TELL_AGAIN: TimeDelta = TimeDelta::hours(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wellness {
    /// When somebody looked.
    pub at: Instant,
    pub is_well: bool,
}

/// Something that the MSP has to hear about its own service.
struct Trouble {
    matter: String,
    title: String,
    text: String,
    hint: Option<PolicyId>,
}

pub(super) struct Watchman {
    pulses: Pulses,
    /// Silent at the last look: a clock that jumps makes all of them look so for a moment.
    suspected: Vec<Worker>,
    told: BTreeMap<String, Instant>,
    says: watch::Sender<Option<Wellness>>,
}

impl Watchman {
    pub fn new(pulses: Pulses) -> (Self, watch::Receiver<Option<Wellness>>) {
        let (says, heard) = watch::channel(None);
        (Self { pulses, suspected: Vec::new(), told: BTreeMap::new(), says }, heard)
    }

    pub async fn look(&mut self, context: &Context) -> Result<(), StoreError> {
        let now = context.clock.now();
        let oldest = outbox::oldest_due_page(&mut *context.store.read().await?).await?;
        let silent = self.pulses.silent_for(STILL, now);
        let is_well = silent.is_empty() && oldest.is_none_or(|due| now - due <= LATE);
        self.says.send_replace(Some(Wellness { at: now, is_well }));

        let still = silent.iter().filter(|worker| self.suspected.contains(worker)).map(|worker| stands_still(*worker));
        let mut troubles: Vec<Trouble> = still.collect();
        self.suspected = silent;
        troubles.extend(oldest.filter(|due| now - *due > LATE).map(|due| late(now - due)));
        troubles.extend(uncovered(&context.directory(), now).into_iter().map(nobody_on_call));
        self.told.retain(|matter, _| troubles.iter().any(|trouble| trouble.matter == *matter));
        for trouble in troubles {
            if self.told.get(&trouble.matter).is_some_and(|told| now - *told < TELL_AGAIN) {
                continue;
            }
            msp::report(context, &trouble.matter, &trouble.title, &trouble.text, trouble.hint.as_ref()).await?;
            self.told.insert(trouble.matter, now);
        }
        Ok(())
    }
}

fn late(by: TimeDelta) -> Trouble {
    Trouble {
        matter: "pages-late".to_owned(),
        title: "Pages leave late".to_owned(),
        text: format!(
            "A page has been due for {} and has not been sent. Is a provider or the database slow?",
            duration::write(TimeDelta::seconds(by.num_seconds()))
        ),
        hint: None,
    }
}

fn stands_still(worker: Worker) -> Trouble {
    Trouble {
        matter: format!("stands-still:{}", worker.work()),
        title: format!("Pikett stands still: {}", worker.work()),
        text: format!(
            "The worker for {} has not gone round for {}. Restart the service; nothing accepted is lost.",
            worker.work(),
            duration::write(STILL)
        ),
        hint: None,
    }
}

/// The same matter as when an alert finds nobody: it is one hole, however it was found.
fn nobody_on_call(policy: PolicyId) -> Trouble {
    Trouble {
        matter: format!("nobody-on-call:{policy}"),
        title: format!("Nobody is on call by policy {policy}"),
        text: format!("At no level of policy {policy} is anybody on call now, within the hours of a contract."),
        hint: Some(policy),
    }
}

/// Policies of contracts whose hours are open, which reach nobody at any level.
fn uncovered(directory: &Directory, now: Instant) -> Vec<PolicyId> {
    let is_open = |contract: &&crate::model::contract::Contract| {
        coverage::state(&contract.coverage, &directory.calendars, now) == CoverageState::Open
    };
    let named = directory.contracts.values().filter(is_open).flat_map(|contract| contract.priorities.values());
    let mut policies: Vec<&PolicyId> = named.map(|target| &target.policy).collect();
    policies.sort();
    policies.dedup();
    let reaches_nobody = |policy: &&Policy| {
        let mut targets = policy.levels.iter().flat_map(|level| &level.notify);
        !targets.any(|target| match target {
            Target::Person(_) => true,
            Target::Schedule(id) => {
                directory.schedules.get(id).is_some_and(|schedule| !oncall::who(schedule, now).people.is_empty())
            }
        })
    };
    let known = policies.into_iter().filter_map(|id| directory.policies.get(id));
    known.filter(reaches_nobody).map(|policy| policy.id.clone()).collect()
}
