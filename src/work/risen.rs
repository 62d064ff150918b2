//! An event has made a triggered alert more urgent: its people are told anew, by the rules and the policy of the
//! new priority. `raise` has set the escalation's timer in the commit that accepted the event; here its decision
//! takes note.
//!
//! Paging begins anew when other rules hold (low became high) or the contract has another policy for the new
//! priority. Otherwise whoever was told stays told, and the escalation goes on where it is.

use serde_json::json;
use sqlx::AnyConnection;

use super::{Acting, record::entry};
use crate::{
    escalation::{Policy, Progress},
    model::{alert::Source, priority::Priority},
    store::{
        StoreError,
        alerts::{self, AlertRow},
        timeline,
    },
};

/// What follows from a rise, decided and not written.
pub(super) struct Risen {
    from: Priority,
    /// When it is not the one by which the alert escalates so far.
    pub policy: Option<Policy>,
    /// Somebody may have been told already, and all are told from the first level on.
    pub anew: bool,
}

impl Risen {
    /// `None`: it is as urgent as its escalation knows.
    pub fn of(acting: &Acting, row: &AlertRow) -> Option<Self> {
        let (alert, from) = (&row.alert, row.risen_from?);
        let policy = match (&alert.source, &alert.contract) {
            (Source::Integration(_), Some(contract)) => acting.directory.policy_of(contract, alert.priority),
            // What an integration without a contract sends has one policy, whatever its priority.
            (Source::Integration(_), None)
            | (Source::Call(_) | Source::Operator | Source::Pikett | Source::Bundle, _) => None,
        };
        let policy = policy.filter(|policy| alert.policy.as_ref() != Some(*policy));
        let policy = policy.and_then(|policy| acting.directory.policies.get(policy)).cloned();
        let other_rules = from.urgency() != alert.urgency() || policy.is_some();
        Some(Self { from, policy, anew: other_rules && row.alert.level.is_some() })
    }

    /// The row as it is now. Stale: it changed since it was read.
    pub async fn note(&self, db: &mut AnyConnection, acting: &Acting, row: &AlertRow) -> Result<AlertRow, StoreError> {
        let alert = &row.alert;
        let begin = alerts::Progress { level: None, round: 0, memory: Progress::default().to_json() };
        let begin = self.anew.then_some(&begin);
        let noted = alerts::note_rise(db, acting.org(), &alert.id, row.rev, begin, self.policy.as_ref()).await?;
        let row = noted.ok_or(StoreError::Stale("the alert changed while its rise was noted"))?;
        if self.anew {
            let by = match &row.alert.policy {
                Some(policy) => format!("by policy {policy}"),
                None => "by what is declared".to_owned(),
            };
            let urgency = alert.urgency();
            let text = format!(
                "Its people are told anew, {by} and their rules for {urgency} urgency: it is {} instead of {}.",
                alert.priority, self.from
            );
            let detail = json!({ "from": self.from.as_str(), "to": alert.priority.as_str() });
            let entry = entry(acting, &alert.id, "escalation", text, detail);
            timeline::write_all(db, acting.org(), &[entry]).await?;
        }
        Ok(row)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use crate::{
        model::{
            alert::{Actor, AlertState},
            contract::{Contract, Coverage, Target},
            id::AlertId,
            priority::Priority,
        },
        store::{
            Store,
            raise::{Raised, Snapshot, raise},
            testing::{an_alert, on_both, org},
        },
        work::{act, testing::*},
    };

    /// What is less urgent is Ben's by policy `silver`, or the whole is `gold`'s.
    async fn night(store: &Store, policies: [(Priority, &str); 3]) -> Night {
        let night = Night::on(store).await;
        night.declare(|directory| {
            let mut silver = directory.policies[&"gold".parse().unwrap()].clone();
            silver.id = "silver".parse().unwrap();
            silver.levels.remove(0);
            directory.policies.insert(silver.id.clone(), silver);
            let target = |policy: &str| Target {
                response: None,
                resolution: None,
                policy: policy.parse().unwrap(),
                outside: None,
            };
            let contract = Contract {
                id: "acme-gold".parse().unwrap(),
                customer: "acme".parse().unwrap(),
                coverage: Coverage::Always,
                recordings: None,
                priorities: policies.map(|(priority, policy)| (priority, target(policy))).into(),
            };
            directory.contracts.insert(contract.id.clone(), contract);
        });
        night
    }

    const GOLD: [(Priority, &str); 3] = [(Priority::P1, "gold"), (Priority::P2, "gold"), (Priority::P3, "gold")];

    /// What the integration sends about the same disk.
    async fn event(night: &Night, priority: Priority, title: &str) -> Raised {
        let number = night.context.store.alert_number(&org()).await.unwrap();
        let (directory, now) = (night.context.directory(), night.context.clock.now());
        let mut alert = an_alert(&night.context.ids, number, Some("disk"));
        let policy = directory.policy_of(alert.contract.as_ref().unwrap(), priority);
        alert.policy = policy.and_then(|policy| directory.policies.get(policy)).map(Snapshot::of);
        (alert.priority, alert.title, alert.opened_at) = (priority, title.to_owned(), now);
        alert.escalate_at = Some(now);
        let raised = night.context.store.write(async move |db| raise(db, &org(), alert.clone()).await).await.unwrap();
        night.settle().await;
        raised
    }

    async fn policy_of(night: &Night, id: &AlertId) -> String {
        night.alert(id).await.alert.policy.unwrap().to_string()
    }

    on_both! {
        async fn what_becomes_critical_wakes_those_whom_its_policy_names(store: Store) {
            let night = night(&store, [(Priority::P1, "gold"), (Priority::P2, "gold"), (Priority::P3, "silver")]).await;
            let open = event(&night, Priority::P3, "Disk is filling").await;
            assert_eq!(night.phones.news(), [format!("sms {BEN}")]);
            night.pass(90).await;
            assert_eq!(night.phones.news(), [""; 0], "low urgency phones nobody");
            event(&night, Priority::P1, "Disk is full").await;
            let page = night.phones.fresh();
            assert_eq!(page.iter().map(|rung| rung.to.as_str()).collect::<Vec<_>>(), [ANNA]);
            assert!(page[0].text.contains("P1") && page[0].text.contains("Disk is full"), "{page:?}");
            night.pass(60).await;
            assert_eq!(night.phones.news(), [format!("call {ANNA}")]);
            night.pass(240).await;
            assert_eq!(night.phones.news(), [format!("sms {BEN}")], "and the second level of gold");
            let row = night.alert(&open.id).await;
            assert_eq!((row.alert.priority, row.risen_from), (Priority::P1, None));
            assert_eq!(policy_of(&night, &open.id).await, "gold");
            let story = night.story(&open.id).await;
            for expect in [
                "Its people are told anew, by policy gold and their rules for high urgency: it is P1 instead of P3.",
                "Level 1 of policy gold is told (round 1 of 2)",
            ] {
                assert!(story.contains(expect), "{expect}\nis missing in\n{story}");
            }
            night.end().await;
        }

        async fn whoever_was_told_by_mild_rules_is_told_again_by_urgent_ones(store: Store) {
            let night = night(&store, GOLD).await;
            event(&night, Priority::P3, "Disk is filling").await;
            assert_eq!(night.phones.news(), [format!("sms {ANNA}")]);
            night.pass(30).await;
            event(&night, Priority::P2, "Disk is full").await;
            assert_eq!(night.phones.news(), [format!("sms {ANNA}")]);
            night.pass(60).await;
            assert_eq!(night.phones.news(), [format!("call {ANNA}")]);
            night.end().await;
        }

        async fn what_was_urgent_already_goes_on_where_it_is(store: Store) {
            let night = night(&store, GOLD).await;
            let open = event(&night, Priority::P2, "Disk is full").await;
            night.pass(100).await;
            assert_eq!(night.phones.news(), [format!("sms {ANNA}"), format!("call {ANNA}")]);
            event(&night, Priority::P1, "Database is down").await;
            event(&night, Priority::P1, "Database is down").await;
            assert_eq!(night.phones.news(), [""; 0]);
            night.pass(200).await;
            assert_eq!(night.phones.news(), [format!("sms {BEN}")], "the second level, at its time");
            assert_eq!(night.alert(&open.id).await.risen_from, None);
            assert!(!night.story(&open.id).await.contains("told anew, by policy"));
            night.end().await;
        }

        async fn whoever_has_taken_it_is_left_to_it(store: Store) {
            let night = night(&store, GOLD).await;
            let open = event(&night, Priority::P3, "Disk is filling").await;
            let (acting, id) = (night.acting(), open.id.clone());
            let by = Actor::Person("anna".parse().unwrap());
            let taken = async move |db: &mut sqlx::AnyConnection| act::acknowledge(db, &acting, &id, &by, "by test").await;
            night.context.change(taken).await.unwrap();
            night.settle().await;
            night.phones.news();
            event(&night, Priority::P1, "Disk is full").await;
            night.pass(3_600).await;
            assert_eq!(night.phones.news(), [""; 0]);
            let row = night.alert(&open.id).await;
            assert!(matches!(row.alert.state, AlertState::Acknowledged { .. }));
            assert_eq!(row.alert.priority, Priority::P1);
            night.pass(TimeDelta::hours(1).num_seconds()).await;
            night.end().await;
        }
    }
}
