//! `[limits]` per person and channel: a phone stays usable in a storm. A page that finds no place waits as a
//! row, is told by a page for all that wait (`bundles`), and says so on its alert's timeline; a notice goes
//! out later, or is left out when that would be too late to help anybody.
//!
//! Part of the unit of work that claims. P1 pages have places of their own: no storm of others delays them.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::AnyConnection;

use super::{Acting, bundles, failure::describe, record};
use crate::{
    declare::Limits,
    model::{Instant, id::PersonId, person::Channel, priority::Priority},
    notify::pace::{Pace, Place},
    store::{
        StoreError, alerts,
        attempts::{Attempt, AttemptKind},
        bundles as rows,
        paces::{self, Lane, Whose},
    },
    telemetry::metric,
};

/// News that is older helps nobody.
const NOTICE_LATE: TimeDelta = TimeDelta::minutes(5);

/// What was held back: for the metrics, once it is committed.
#[derive(Debug, Default)]
pub(super) struct Held {
    waits: Vec<Channel>,
    later: Vec<Channel>,
    left_out: Vec<Channel>,
}

impl Held {
    pub fn count(&self) {
        for (what, channels) in [("waits", &self.waits), ("later", &self.later), ("left-out", &self.left_out)] {
            for channel in channels {
                metrics::counter!(metric::HELD_BACK, "channel" => channel.as_str(), "what" => what).increment(1);
            }
        }
    }
}

/// Takes out what has no place just now; the rest has one each.
pub(super) async fn sieve(db: &mut AnyConnection, acting: &Acting, due: &mut Vec<Attempt>) -> Result<Held, StoreError> {
    let (mut kept, mut held) = (Vec::new(), Held::default());
    for attempt in due.drain(..) {
        let goes = match (attempt.kind, &attempt.person) {
            // It has its place, or may be at its provider already.
            _ if attempt.paced || attempt.unsure => true,
            (AttemptKind::Page, Some(person)) => page(db, acting, &attempt, person, &mut held).await?,
            (AttemptKind::Notice, Some(person)) => notice(db, acting, &attempt, person, &mut held).await?,
            (AttemptKind::Page | AttemptKind::Notice | AttemptKind::Reply, _) => true,
        };
        if goes {
            kept.push(attempt);
        }
    }
    *due = kept;
    Ok(held)
}

/// The pace of a channel. `None`: without a limit.
pub(super) fn pace(limits: &Limits, channel: Channel) -> Option<Pace> {
    Pace::per_minute(match channel {
        Channel::Voice => limits.page_calls_per_minute,
        Channel::Sms | Channel::Email | Channel::Push => limits.pages_per_minute,
    })
}

/// The next place of this person; whoever uses it takes it by `paces::take` with what stands beside it.
pub(super) async fn place(
    db: &mut AnyConnection,
    pace: Pace,
    whose: Whose<'_>,
    now: Instant,
) -> Result<(Place, Option<Instant>), StoreError> {
    let before = paces::full_at(db, whose).await?;
    Ok((pace.place(before, now), before))
}

async fn page(
    db: &mut AnyConnection,
    acting: &Acting,
    attempt: &Attempt,
    person: &PersonId,
    held: &mut Held,
) -> Result<bool, StoreError> {
    let channel = attempt.address.channel();
    let Some(pace) = pace(&acting.directory.limits, channel) else { return Ok(true) };
    let Some(alert) = &attempt.alert else { return Ok(true) };
    let row = match alerts::by_id(db, acting.org(), alert).await {
        // Whatever it is about, it is told, by whoever finds what is wrong with it.
        Ok(None) | Err(StoreError::Corrupt { .. }) => return Ok(true),
        row => row?,
    };
    let lane = row.map_or(Lane::Other, |row| lane(row.alert.priority));
    let whose = Whose { org: acting.org(), person, channel, lane };
    let (place, before) = place(db, pace, whose, acting.now).await?;
    let queue = rows::is_queue(db, whose).await?;
    if place.at <= acting.now && !queue {
        paces::take(db, whose, before, place.full_at).await?;
        rows::placed(db, attempt, None).await?;
        return Ok(true);
    }
    if !rows::wait(db, attempt, lane).await? {
        // A report was faster, or somebody else has it: whoever sends sees that.
        return Ok(true);
    }
    held.waits.push(channel);
    bundles::expect(db, acting, whose, place.at).await?;
    let why = "waits, as the person has as many messages as `[limits]` allows in a minute; one page will say all";
    let text = format!("{} {why}.", describe(acting, attempt));
    let detail = json!({ "attempt": attempt.id.as_str(), "until": place.at });
    record(db, acting, alert, "held-back", text, detail).await?;
    Ok(false)
}

pub(super) fn lane(priority: Priority) -> Lane {
    match priority {
        Priority::P1 => Lane::Urgent,
        Priority::P2 | Priority::P3 | Priority::P4 => Lane::Other,
    }
}

async fn notice(
    db: &mut AnyConnection,
    acting: &Acting,
    attempt: &Attempt,
    person: &PersonId,
    held: &mut Held,
) -> Result<bool, StoreError> {
    let channel = attempt.address.channel();
    let Some(pace) = pace(&acting.directory.limits, channel) else { return Ok(true) };
    let whose = Whose { org: acting.org(), person, channel, lane: Lane::Notice };
    let (place, before) = place(db, pace, whose, acting.now).await?;
    if place.at > acting.now + NOTICE_LATE {
        held.left_out.push(channel);
        let why = "too many messages in a few minutes";
        rows::drop_one(db, attempt, why, acting.now).await?;
        if let Some(alert) = &attempt.alert {
            let text = format!("{} is left out: {why}.", describe(acting, attempt));
            record(db, acting, alert, "left-out", text, json!({ "attempt": attempt.id.as_str() })).await?;
        }
        return Ok(false);
    }
    paces::take(db, whose, before, place.full_at).await?;
    if place.at <= acting.now {
        rows::placed(db, attempt, None).await?;
        return Ok(true);
    }
    held.later.push(channel);
    rows::placed(db, attempt, Some(place.at)).await?;
    if let Some(alert) = &attempt.alert {
        let at = place.at.format("%H:%M:%S UTC");
        let text = format!("{} goes out at {at}: too many messages in a minute.", describe(acting, attempt));
        record(db, acting, alert, "held-back", text, json!({ "attempt": attempt.id.as_str() })).await?;
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    // Ten thousand alerts in a minute, fifty customers, twenty technicians.
    use std::collections::BTreeMap;

    use chrono::TimeDelta;
    use sqlx::Row;

    use crate::{
        escalation::{Level, Policy},
        model::person::{Address, ContactMethod, Person, Rule},
        model::priority::Priority,
        store::{
            Store,
            raise::{self, NewAlert, Snapshot},
            testing::{an_alert, on_postgres, on_sqlite, org},
        },
        work::testing::Night,
    };

    const CUSTOMERS: usize = 50;
    const TECHNICIANS: usize = 20;
    const SECONDS: usize = 60;
    const LIMIT: u32 = 10;

    fn technician(n: usize) -> Person {
        Person {
            id: format!("technician-{n}").parse().unwrap(),
            name: format!("Technician {n}"),
            zone: chrono_tz::Europe::Berlin,
            language: "en".parse().unwrap(),
            methods: vec![ContactMethod {
                id: "text".parse().unwrap(),
                address: Address::Sms(format!("+49151200000{n:02}").parse().unwrap()),
            }],
            rules_high: vec![Rule { via: "text".parse().unwrap(), after: TimeDelta::zero() }],
            rules_low: vec![Rule { via: "text".parse().unwrap(), after: TimeDelta::zero() }],
        }
    }

    fn policy(n: usize) -> Policy {
        let notify = vec![format!("person:technician-{n}").parse().unwrap()];
        Policy {
            id: format!("policy-{n}").parse().unwrap(),
            levels: vec![Level { notify: notify.clone(), ack_within: TimeDelta::hours(1) }],
            repeat: 0,
            fallback: notify,
        }
    }

    async fn house(store: &Store) -> Night {
        let night = Night::on(store).await;
        night.declare(|directory| {
            directory.people = (0..TECHNICIANS).map(technician).map(|person| (person.id.clone(), person)).collect();
            directory.policies = (0..TECHNICIANS).map(policy).map(|policy| (policy.id.clone(), policy)).collect();
            directory.limits.sms_per_hour = 1_000_000;
            directory.limits.pages_per_minute = LIMIT;
        });
        night
    }

    /// The `n`th alert of the storm. One of 201 is a P1, and each time another customer's.
    fn alert(night: &Night, n: usize, number: i64) -> NewAlert {
        let (customer, now) = (n % CUSTOMERS, night.context.clock.now());
        let policy = night
            .context
            .directory()
            .policies
            .get(&format!("policy-{}", customer % TECHNICIANS).parse().unwrap())
            .map(Snapshot::of);
        NewAlert {
            priority: if n.is_multiple_of(201) { Priority::P1 } else { Priority::P2 },
            customer: Some(format!("customer-{customer}").parse().unwrap()),
            contract: Some(format!("contract-{customer}").parse().unwrap()),
            policy,
            opened_at: now,
            escalate_at: Some(now),
            ..an_alert(&night.context.ids, number, None)
        }
    }

    async fn storm(store: Store, alerts: usize) {
        let night = house(&store).await;
        for second in 0..SECONDS {
            let these: Vec<usize> = (alerts * second / SECONDS..alerts * (second + 1) / SECONDS).collect();
            let numbers = store.alert_numbers(&org(), these.len()).await.unwrap();
            let crowd: Vec<NewAlert> = these.iter().zip(numbers).map(|(n, number)| alert(&night, *n, number)).collect();
            store.write(async move |db| raise::raise_all(db, &org(), crowd.clone()).await).await.unwrap();
            night.settle().await;
            night.pass(1).await;
        }
        night.pass(60).await;
        every_alert_is_covered(&store, alerts).await;
        p1_pages_are_fast(&store, alerts).await;
        phones_stay_usable(&store).await;
        night.end().await;
    }

    async fn every_alert_is_covered(store: &Store, alerts: usize) {
        let statement = "SELECT COUNT(DISTINCT alerts.id) AS count FROM alerts JOIN attempts \
                         ON attempts.org_id = alerts.org_id AND attempts.alert_id = alerts.id \
                         WHERE alerts.source <> 'bundle' AND attempts.kind = 'page' AND attempts.state = 'sent'";
        let row = sqlx::query(statement).fetch_one(&mut *store.read().await.unwrap()).await.unwrap();
        assert_eq!(row.get::<i64, _>("count"), i64::try_from(alerts).unwrap(), "some alert was told to nobody");
    }

    async fn p1_pages_are_fast(store: &Store, alerts: usize) {
        let statement = "SELECT COUNT(*) AS count, MAX(attempts.sent_at - alerts.opened_at) AS waited FROM alerts \
                         JOIN attempts ON attempts.org_id = alerts.org_id AND attempts.alert_id = alerts.id \
                         WHERE alerts.priority = 'P1' AND alerts.source <> 'bundle' AND attempts.bundle_id IS NULL";
        let row = sqlx::query(statement).fetch_one(&mut *store.read().await.unwrap()).await.unwrap();
        assert_eq!(row.get::<i64, _>("count"), i64::try_from(alerts.div_ceil(201)).unwrap(), "none of them is bundled");
        let waited = row.get::<i64, _>("waited");
        assert!(waited <= 2_000, "a P1 page waited {waited} ms");
    }

    async fn phones_stay_usable(store: &Store) {
        let statement = "SELECT attempts.person_id AS person, CASE WHEN alerts.priority = 'P1' THEN 'P1' ELSE 'other' END \
                         AS lane, attempts.sent_at AS at FROM attempts JOIN alerts ON alerts.org_id = attempts.org_id \
                         AND alerts.id = attempts.alert_id WHERE attempts.bundle_id IS NULL AND attempts.sent_at IS NOT NULL";
        let rows = sqlx::query(statement).fetch_all(&mut *store.read().await.unwrap()).await.unwrap();
        let mut told: BTreeMap<(String, String), Vec<i64>> = BTreeMap::new();
        for row in rows {
            told.entry((row.get("person"), row.get("lane"))).or_default().push(row.get("at"));
        }
        assert!(told.len() > TECHNICIANS, "everybody was told something");
        for (whose, instants) in told {
            for first in &instants {
                let minute = instants.iter().filter(|at| **at >= *first && **at < *first + 60_000).count();
                assert!(u32::try_from(minute).unwrap() <= LIMIT, "{whose:?} got {minute} pages in a minute");
            }
        }
    }

    #[tokio::test]
    async fn ten_thousand_alerts_in_a_minute_are_few_readable_pages_on_sqlite() {
        on_sqlite(async |store| storm(store, 10_000).await).await;
    }

    #[tokio::test]
    async fn two_thousand_alerts_in_a_minute_are_few_readable_pages_on_postgres() {
        on_postgres(async |store| storm(store, 2_000).await).await;
    }
}
