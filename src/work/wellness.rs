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
            Target::Schedule(id) => !directory.on_call(id, now).people.is_empty(),
        })
    };
    let known = policies.into_iter().filter_map(|id| directory.policies.get(id));
    known.filter(reaches_nobody).map(|policy| policy.id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{
            alert::Source,
            contract::{Contract, Coverage, Target as Within},
            priority::Priority,
        },
        store::testing::{at, on_both},
        work::testing::Night,
    };

    async fn told(night: &Night) -> Vec<(String, i64)> {
        let rows = night.open().await.into_iter().filter(|row| row.alert.source == Source::Pikett);
        rows.map(|row| (row.alert.title, row.alert.count)).collect()
    }

    fn watchman(night: &Night) -> (Watchman, watch::Receiver<Option<Wellness>>) {
        Watchman::new(Pulses::from(night.context.clock.now()))
    }

    fn is_well(heard: &watch::Receiver<Option<Wellness>>) -> bool {
        heard.borrow().unwrap().is_well
    }

    on_both! {
        async fn a_page_that_nobody_sends_is_told_once_an_hour(store: Store) {
            let night = Night::quiet(&store).await;
            night.raise("Disk full").await;
            night.escalates().await;
            let (mut watchman, heard) = watchman(&night);
            for (seconds, well) in [(0, true), (30, true), (1, false), (10, false)] {
                night.context.clock.advance(TimeDelta::seconds(seconds));
                watchman.look(&night.context).await.unwrap();
                assert_eq!(is_well(&heard), well, "after {seconds} s more");
            }
            assert_eq!(told(&night).await, [("Pages leave late".to_owned(), 1)]);
        }

        async fn a_worker_that_stands_still_is_told_unless_only_the_clock_has_jumped(store: Store) {
            let night = Night::quiet(&store).await;
            let (mut watchman, heard) = watchman(&night);
            let goes_round = |watchman: &Watchman, workers: &[Worker]| {
                for worker in workers {
                    watchman.pulses.beat(*worker, night.context.clock.now());
                }
            };
            night.context.clock.advance(TimeDelta::hours(8));
            watchman.look(&night.context).await.unwrap();
            assert!(!is_well(&heard), "whoever listens outside waits longer than one beat");
            goes_round(&watchman, &[Worker::Callers, Worker::Timers, Worker::Outbox]);
            night.context.clock.advance(TimeDelta::seconds(10));
            watchman.look(&night.context).await.unwrap();
            assert!(is_well(&heard) && told(&night).await.is_empty());

            for _ in 0..12 {
                night.context.clock.advance(TimeDelta::seconds(10));
                goes_round(&watchman, &[Worker::Callers, Worker::Timers]);
                watchman.look(&night.context).await.unwrap();
            }
            assert!(!is_well(&heard));
            assert_eq!(told(&night).await, [("Pikett stands still: pages and notices".to_owned(), 1)]);
        }

        async fn a_contract_whose_policy_reaches_nobody_now_is_told(store: Store) {
            let night = Night::quiet(&store).await;
            let contract = Contract {
                id: "acme-gold".parse().unwrap(),
                customer: "acme".parse().unwrap(),
                coverage: Coverage::Always,
                priorities: [(
                    Priority::P1,
                    Within { response: None, resolution: None, policy: "gold".parse().unwrap(), outside: None },
                )]
                .into(),
                recordings: None,
            };
            night.declare(|directory| {
                directory.contracts.insert(contract.id.clone(), contract);
            });
            let (mut watchman, _heard) = watchman(&night);
            watchman.look(&night.context).await.unwrap();
            assert_eq!(told(&night).await, []);
            night.declare(|directory| {
                directory.policies.values_mut().for_each(|policy| policy.levels.truncate(1));
                directory.schedules.values_mut().for_each(|schedule| schedule.roster.layers.clear());
            });
            watchman.look(&night.context).await.unwrap();
            watchman.look(&night.context).await.unwrap();
            assert_eq!(told(&night).await, [("Nobody is on call by policy gold".to_owned(), 1)]);
            assert_eq!(uncovered(&night.context.directory(), at(0)).len(), 1);
        }
    }
}
