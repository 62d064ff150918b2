//! What must hold after a bad night, asked of the database, of the simulated phones and of the ledger: was
//! somebody told about every call and every alert? Each broken promise is a sentence.
//!
//! Start at `Promises::kept_within`. The rows are read with SQL of the test's own, not by the store that is
//! tested.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use pikett::{
    clock::Clock,
    model::{Instant, code},
    sim::{Direction, Purpose, Sid, What},
    store::Store,
};
use sqlx::{Row, any::AnyRow};

use super::town::{Town, codes};

/// What is due for longer than this is not being worked on.
const LATE: TimeDelta = TimeDelta::seconds(90);
/// A phone rings half a minute, and who has picked up is asked for some seconds.
const CALL_MAX: TimeDelta = TimeDelta::minutes(4);
/// Who declines, or comes too late, is told so first.
const FAREWELL: TimeDelta = TimeDelta::seconds(30);
const LOOK_EVERY: TimeDelta = TimeDelta::seconds(10);

pub struct Promises<'a> {
    pub town: &'a Town,
    pub store: &'a Store,
    pub clock: &'a Clock,
    /// When the process died; only then may somebody be told twice. `None`: the carrier had bad days, on
    /// which an answer gets lost.
    pub kills: Option<&'a [Instant]>,
}

/// How it went.
#[derive(Debug, Default)]
pub struct Kept {
    pub broken: Vec<String>,
    pub events: usize,
    pub calls: usize,
    /// The usual outcomes, and how many calls ended so.
    pub outcomes: BTreeMap<&'static str, usize>,
    pub summary: String,
}

/// An alert's row.
struct Alert {
    number: i64,
    title: String,
    state: String,
    /// Its escalation is set, and is not late.
    escalates: bool,
    /// A page about one of them is a page about this.
    bundles: Vec<i64>,
}

/// A call's row.
struct Call {
    carrier_call: String,
    outcome: Option<String>,
    last_step: String,
    has_alert: bool,
    answered: bool,
}

impl Promises<'_> {
    /// Waits until every promise is kept, at most so long.
    pub async fn kept_within(&self, limit: TimeDelta) -> Kept {
        let last = self.clock.now() + limit;
        loop {
            let mut broken = self.rows().await;
            if broken.is_empty() || self.clock.now() > last {
                broken.extend(self.phones().await);
            }
            if broken.is_empty() || self.clock.now() > last {
                return self.kept(broken).await;
            }
            self.clock.sleep(LOOK_EVERY).await;
        }
    }

    async fn kept(&self, broken: Vec<String>) -> Kept {
        let calls = self.calls().await;
        let ended = |outcome: &str| calls.iter().filter(|call| call.outcome.as_deref() == Some(outcome)).count();
        let outcomes: BTreeMap<_, _> = ["connected", "voicemail", "missed"].map(|name| (name, ended(name))).into();
        let (ledger, messages) = (self.town.ledger(), self.town.sim().messages().len());
        let (events, texts) = (ledger.triggered.len(), ledger.texts.len());
        let deaths = self.kills.map(|kills| format!(" and {} kills", kills.len())).unwrap_or_default();
        let twice = self.told_twice().len();
        let summary = format!(
            "{events} events, {} calls {outcomes:?}, {messages} messages ({texts} acknowledgements), {twice} told twice{deaths}",
            calls.len()
        );
        Kept { broken, events, calls: calls.len(), outcomes, summary }
    }

    // --- what the database says -------------------------------------------------------------------

    async fn rows(&self) -> Vec<String> {
        let mut broken = self.events().await;
        broken.extend(self.calls_ended().await);
        broken.extend(self.nothing_is_stuck().await);
        broken
    }

    /// Every event that was answered 202 is an alert; resolved, taken, or still escalating.
    async fn events(&self) -> Vec<String> {
        let alerts = self.alerts().await;
        let by_title: BTreeMap<&str, &Alert> = alerts.iter().map(|alert| (alert.title.as_str(), alert)).collect();
        let ledger = self.town.ledger();
        let mut broken = Vec::new();
        for key in &ledger.triggered {
            match by_title.get(key.as_str()) {
                None => broken.push(format!("the event {key} was accepted, and there is no alert")),
                Some(alert) if ledger.resolved.contains(key) && alert.state != "resolved" => {
                    broken.push(format!("the event {key} was resolved by its tool, and its alert is {}", alert.state));
                }
                Some(_) => {}
            }
        }
        let stands_still = |alert: &&Alert| alert.state == "triggered" && !alert.escalates;
        broken.extend(alerts.iter().filter(stands_still).map(|alert| {
            format!("alert {} ({}) is triggered, and nothing says when somebody is told", alert.number, alert.title)
        }));
        broken
    }

    async fn alerts(&self) -> Vec<Alert> {
        let rows = self.query(
            "SELECT number, title, state, (SELECT COUNT(*) FROM timers WHERE timers.org_id = alerts.org_id AND \
             kind = 'escalate' AND subject = alerts.id AND set_aside = 0 AND ready_at > $1) AS timers \
             FROM alerts WHERE source <> 'bundle'",
        );
        let bundles = self.bundles().await;
        let alert = |row: AnyRow| {
            let number = row.get("number");
            Alert {
                number,
                title: row.get("title"),
                state: row.get("state"),
                escalates: row.get::<i64, _>("timers") == 1,
                bundles: bundles.get(&number).cloned().unwrap_or_default(),
            }
        };
        rows.await.into_iter().map(alert).collect()
    }

    /// The numbers of the bundles that stand for each alert.
    async fn bundles(&self) -> BTreeMap<i64, Vec<i64>> {
        let rows = self.query(
            "SELECT alerts.number AS alert, bundles.number AS bundle FROM attempts \
             JOIN alerts ON alerts.id = attempts.alert_id JOIN alerts AS bundles ON bundles.id = attempts.bundle_id \
             WHERE $1 > 0",
        );
        let mut bundles: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for row in rows.await {
            bundles.entry(row.get("alert")).or_default().push(row.get("bundle"));
        }
        bundles
    }

    /// Every call that was answered has an outcome, and somebody who heard of it.
    async fn calls_ended(&self) -> Vec<String> {
        let calls = self.calls().await;
        let known: BTreeSet<&str> = calls.iter().map(|call| call.carrier_call.as_str()).collect();
        let answered = self.answered_calls();
        let lost = answered.iter().filter(|sid| !known.contains(sid.as_str()));
        let mut broken: Vec<String> = lost.map(|sid| format!("call {sid} was answered, and nobody knows it")).collect();
        for call in &calls {
            let Call { carrier_call, last_step, .. } = call;
            match call.outcome.as_deref() {
                None => broken.push(format!("call {carrier_call} has no outcome; it got to `{last_step}`")),
                Some("connected") if !call.answered => {
                    broken.push(format!("call {carrier_call} was connected, and nobody knows with whom"));
                }
                Some("voicemail") if !call.has_alert => {
                    broken.push(format!("call {carrier_call} left a message that nobody is told of"));
                }
                Some("missed" | "failed") if !call.has_alert && !is_before_the_pin(last_step) => {
                    broken.push(format!("call {carrier_call} was missed at `{last_step}`, and nobody is told"));
                }
                Some(_) => {}
            }
        }
        broken
    }

    async fn calls(&self) -> Vec<Call> {
        let rows = self.query("SELECT carrier_call, outcome, last_step, alert_id, answered_by FROM calls WHERE $1 > 0");
        let call = |row: AnyRow| Call {
            carrier_call: row.get("carrier_call"),
            outcome: row.get("outcome"),
            last_step: row.get("last_step"),
            has_alert: row.get::<Option<String>, _>("alert_id").is_some(),
            answered: row.get::<Option<String>, _>("answered_by").is_some(),
        };
        rows.await.into_iter().map(call).collect()
    }

    /// The carrier got a document for it.
    fn answered_calls(&self) -> BTreeSet<Sid> {
        let events = self.town.sim().log().into_iter();
        let inbound: BTreeSet<Sid> = self.inbound();
        let answered = events.filter_map(|event| match event.what {
            What::Webhook { about, call: Purpose::Document, status: Some(200), .. } => Some(about),
            _ => None,
        });
        answered.filter(|sid| inbound.contains(sid)).collect()
    }

    fn inbound(&self) -> BTreeSet<Sid> {
        let legs = self.town.sim().legs().into_iter();
        legs.filter(|leg| leg.direction == Direction::Inbound).map(|leg| leg.sid).collect()
    }

    /// Nothing waits for somebody who will never come.
    async fn nothing_is_stuck(&self) -> Vec<String> {
        let questions = [
            (
                "a timer is late",
                "SELECT kind || ' of ' || subject || ' due ' || due_at || ' tries ' || tries AS what FROM timers \
                 WHERE set_aside = 0 AND ready_at < $1",
            ),
            (
                "an attempt is late",
                "SELECT id || ' ' || channel || ' ' || state || ' tries ' || tries AS what FROM attempts \
                 WHERE set_aside = 0 AND state IN ('due', 'sending') AND ready_at < $1",
            ),
            // What was killed five times in a row while it was worked on looks as if it were the killer.
            (
                "a timer or attempt was set aside, and nobody was told",
                "SELECT id AS what FROM (SELECT id FROM attempts WHERE set_aside = 1 UNION ALL \
                 SELECT kind || ':' || subject AS id FROM timers WHERE set_aside = 1) AS aside WHERE $1 > 0 AND NOT EXISTS \
                 (SELECT 1 FROM alerts WHERE alerts.source = 'pikett' AND dedup_key = 'set-aside:' || aside.id)",
            ),
            (
                "a page was handed over, and nobody asks what became of it",
                "SELECT id || ' ' || channel || ' to ' || person_id AS what FROM attempts \
                 WHERE state = 'sent' AND ended_at IS NULL AND deadline_at < $1 AND NOT EXISTS \
                 (SELECT 1 FROM timers WHERE timers.org_id = attempts.org_id AND timers.kind = 'deadline' \
                 AND timers.subject = attempts.id)",
            ),
            (
                "a page waits for a call that is over",
                "SELECT attempts.id || ' of alert ' || alerts.number AS what FROM attempts \
                 JOIN alerts ON alerts.org_id = attempts.org_id AND alerts.id = attempts.alert_id \
                 WHERE attempts.state = 'held' AND alerts.state = 'triggered' AND $1 > 0 AND NOT EXISTS \
                 (SELECT 1 FROM calls WHERE calls.org_id = alerts.org_id AND calls.id = alerts.held_by_call \
                 AND calls.ended_at IS NULL)",
            ),
            (
                "a technician counts as busy with a call that is over",
                "SELECT legs.id || ' ' || legs.state || ' of ' || legs.person_id AS what FROM legs \
                 WHERE legs.state <> 'ended' AND legs.since < $1",
            ),
            (
                "one call or message counts as two pages",
                "SELECT provider_id AS what FROM attempts WHERE provider_id IS NOT NULL AND $1 > 0 \
                 GROUP BY provider_id HAVING COUNT(*) > 1",
            ),
            (
                "a page's call counts as a technician's leg too",
                "SELECT attempts.id || ' ' || legs.id AS what FROM attempts \
                 JOIN legs ON legs.org_id = attempts.org_id AND legs.carrier_call = attempts.provider_id WHERE $1 > 0",
            ),
        ];
        let mut broken = Vec::new();
        for (complaint, question) in questions {
            let found = self.query(question).await;
            broken.extend(found.into_iter().map(|row| format!("{complaint}: {}", row.get::<String, _>("what"))));
        }
        broken
    }

    /// `$1` is the instant before which what is due is late.
    async fn query(&self, statement: &'static str) -> Vec<AnyRow> {
        let late = (self.clock.now() - LATE).timestamp_millis();
        let mut db = self.store.read().await.unwrap();
        sqlx::query(statement).bind(late).fetch_all(&mut *db).await.unwrap()
    }

    // --- what the phones say ----------------------------------------------------------------------

    async fn phones(&self) -> Vec<String> {
        let mut broken = self.nobody_hangs();
        broken.extend(self.nobody_is_cut_off().await);
        broken.extend(self.acknowledged().await);
        broken.extend(self.somebody_was_told().await);
        if self.kills.is_some() {
            broken.extend(self.told_twice().into_iter().filter_map(|(id, at)| self.without_a_kill(&id, &at)));
        }
        broken
    }

    /// Nobody's phone rings for ever, and nobody waits for ever.
    fn nobody_hangs(&self) -> Vec<String> {
        let before = self.clock.now() - CALL_MAX;
        let hangs = self.town.sim().live_legs().into_iter().filter(|leg| leg.created_at < before);
        hangs
            .map(|leg| format!("{} calls {} since {} ({})", leg.from, leg.to, leg.created_at, leg.status.as_str()))
            .collect()
    }

    /// A technician's phone that rings or talks counts as such.
    async fn nobody_is_cut_off(&self) -> Vec<String> {
        let now = self.clock.now();
        let legs = self.town.sim().legs().into_iter();
        let over: BTreeMap<String, Instant> =
            legs.map(|leg| (leg.sid.to_string(), leg.ended_at.unwrap_or(now))).collect();
        let rows = self.query(
            "SELECT id, carrier_call, ended_at FROM legs WHERE ended_at IS NOT NULL AND carrier_call IS NOT NULL AND $1 > 0",
        );
        let cut_off = |row: AnyRow| {
            let ended_at = Instant::from_timestamp_millis(row.get("ended_at")).unwrap();
            let over_at = *over.get(row.get::<&str, _>("carrier_call"))?;
            let id: &str = row.get("id");
            (over_at > ended_at + FAREWELL)
                .then(|| format!("{id} counts as over since {ended_at}, and that phone was busy until {over_at}"))
        };
        rows.await.into_iter().filter_map(cut_off).collect()
    }

    /// Who was answered that they have it, has it.
    async fn acknowledged(&self) -> Vec<String> {
        let events = self.town.sim().log().into_iter();
        let taken: BTreeSet<Sid> = events
            .filter_map(|event| match event.what {
                What::Webhook { about, call: Purpose::Sms, status: Some(200), .. } => Some(about),
                _ => None,
            })
            .collect();
        let alerts = self.alerts().await;
        // Who takes a bundle takes all for which it stands.
        let open: BTreeSet<i64> = alerts
            .iter()
            .filter(|alert| alert.state == "triggered")
            .flat_map(|alert| alert.bundles.iter().copied().chain([alert.number]))
            .collect();
        let ledger = self.town.ledger();
        let lost = ledger.texts.iter().filter(|(sid, number)| taken.contains(sid) && open.contains(number));
        lost.map(|(sid, number)| format!("alert {number} was acknowledged by SMS {sid}, and is open")).collect()
    }

    /// A human has it, or somebody's phone or mail box has heard of it.
    async fn somebody_was_told(&self) -> Vec<String> {
        let told = self.told();
        let alerts = self.alerts().await.into_iter().filter(|alert| alert.state == "triggered");
        let is_told = |alert: &Alert| {
            let mut numbers = alert.bundles.iter().chain([&alert.number]);
            numbers.any(|number| told.contains(&code::of(*number)) || told.contains(&format!("#{number}")))
                || told.contains(&alert.title)
        };
        let untold = alerts.filter(|alert| !is_told(alert));
        untold.map(|alert| format!("nobody was told of alert {} ({})", alert.number, alert.title)).collect()
    }

    /// Codes (`K7`), numbers (`#7`) and the titles of events that reached somebody.
    fn told(&self) -> BTreeSet<String> {
        let inbound = self.inbound();
        let mut told = BTreeSet::new();
        for event in self.town.sim().log() {
            let text = match event.what {
                What::Sms { body, status, .. } if ["sent", "delivered"].contains(&status.as_str()) => body,
                What::Mail { subject, text, .. } => format!("{subject} {text}"),
                What::Push { json, refused: None, .. } => json.to_string(),
                What::Heard { leg, text, .. } if !inbound.contains(&leg) => text,
                _ => continue,
            };
            told.extend(codes(&text));
            let words = text.split(|sign: char| !sign.is_ascii_alphanumeric() && !['-', '#'].contains(&sign));
            told.extend(words.filter(|word| word.contains(['-', '#'])).map(str::to_owned));
        }
        told
    }

    /// Attempts and legs of ours that became more than one message or call, with when those were made.
    fn told_twice(&self) -> BTreeMap<String, Vec<Instant>> {
        let sim = self.town.sim();
        let mut made: BTreeMap<Sid, Instant> = sim.legs().into_iter().map(|leg| (leg.sid, leg.created_at)).collect();
        made.extend(sim.messages().into_iter().map(|message| (message.sid, message.created_at)));
        let mut sids: BTreeMap<String, BTreeSet<Sid>> = BTreeMap::new();
        for event in sim.log() {
            if let What::Webhook { about, call: Purpose::CallStatus | Purpose::SmsStatus, url, .. } = event.what
                && let Some(id) =
                    url.split(['/', '=']).find(|part| part.starts_with("att_") || part.starts_with("leg_"))
            {
                sids.entry(id.to_owned()).or_default().insert(about);
            }
        }
        sids.retain(|_, sids| sids.len() > 1);
        let instants = |sids: BTreeSet<Sid>| {
            let mut instants: Vec<Instant> = sids.iter().filter_map(|sid| made.get(sid).copied()).collect();
            instants.sort();
            instants
        };
        sids.into_iter().map(|(id, sids)| (id, instants(sids))).collect()
    }

    /// A duplicate is excused by the death of whoever made the first.
    fn without_a_kill(&self, id: &str, at: &[Instant]) -> Option<String> {
        let kills = self.kills.unwrap_or_default();
        // What is killed in the middle of a request dies a little before the carrier has made of it what it makes.
        let slack = TimeDelta::seconds(5);
        let excused =
            |pair: &[Instant]| kills.iter().any(|death| pair[0] - slack <= *death && *death <= pair[1] + slack);
        (!at.windows(2).all(excused))
            .then(|| format!("{id} was made more than once, at {at:?}, and nobody died between"))
    }
}

/// A caller who dialled wrong leaves nothing to be told.
fn is_before_the_pin(step: &str) -> bool {
    ["", "welcome", "known", "hello", "pin"].contains(&step)
}
