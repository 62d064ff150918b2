//! What a story waits for and looks at: phones that ring, words that are heard, rows of the database.

use std::collections::BTreeSet;

use pikett::{
    declare::directory::default_org,
    model::alert::{AlertState, Source},
    sim::{Event, Leg, Sid, What},
    store::{
        alerts::{self, AlertRow, Which},
        calls::{self, CallRow},
        timeline,
    },
};
use sqlx::Row;

use super::story::{PATIENCE, Story};

impl Story {
    /// Until this leg has heard that, or somebody at it.
    pub async fn hears(&mut self, leg: &Sid, words: &str) {
        let heard =
            |what: &What| matches!(what, What::Heard { leg: at, text, .. } if at == leg && text.contains(words));
        self.until(&format!("{leg} hears \"{words}\""), heard).await;
    }

    /// Until that phone rings; answers its leg.
    pub async fn rings(&mut self, number: &str) -> Sid {
        self.next_leg(number, |what, leg| matches!(what, What::Ringing { leg: at } if at == leg)).await
    }

    async fn next_leg(&mut self, number: &str, matches: impl Fn(&What, &Sid) -> bool) -> Sid {
        let last = self.clock.now() + PATIENCE;
        loop {
            self.settle().await;
            let legs = self.legs_to(number);
            for event in self.sim().log_after(self.place) {
                if let Some(leg) = legs.iter().find(|leg| matches(&event.what, &leg.sid)) {
                    self.place = event.seq;
                    return leg.sid.clone();
                }
            }
            assert!(self.clock.now() < last, "{number} was not rung within {PATIENCE}");
            self.step(last);
        }
    }

    /// Until these two talk.
    pub async fn talk(&mut self, caller: &Sid) -> Event {
        let talk = |what: &What| matches!(what, What::Bridged { a, b } if a == caller || b == caller);
        self.until("the caller talks with somebody", talk).await
    }

    /// Until the caller's line is dead, and the call has its outcome.
    pub async fn over(&mut self, caller: &Sid) -> CallRow {
        self.line_dead(caller).await;
        self.outcome(caller).await
    }

    pub async fn line_dead(&mut self, leg: &Sid) {
        let sid = leg.clone();
        let last = self.clock.now() + PATIENCE;
        while self.sim().live_legs().iter().any(|live| live.sid == sid) {
            self.settle().await;
            assert!(self.clock.now() < last, "the line of {leg} is still open after {PATIENCE}");
            self.step(last);
        }
    }

    pub async fn outcome(&mut self, caller: &Sid) -> CallRow {
        let sid = caller.as_str().to_owned();
        self.until_stored("the call has an outcome", async move |db| {
            let call = calls::by_carrier_call(db, &default_org(), &"twilio".parse().unwrap(), &sid).await?;
            Ok(call.filter(|call| call.outcome.is_some()))
        })
        .await
    }

    pub async fn call_row(&self, caller: &Sid) -> CallRow {
        let mut db = self.store.read().await.unwrap();
        let carrier = "twilio".parse().unwrap();
        calls::by_carrier_call(&mut db, &default_org(), &carrier, caller.as_str()).await.unwrap().expect("a call")
    }

    pub async fn alert_of(&self, call: &CallRow) -> AlertRow {
        let id = call.alert.clone().expect("the call has an alert");
        let mut db = self.store.read().await.unwrap();
        alerts::by_id(&mut db, &default_org(), &id).await.unwrap().expect("the alert is there")
    }

    /// Whom a call's alert belongs to: `anna`, or nobody yet.
    pub async fn owner(&self, call: &CallRow) -> Option<String> {
        let alert = self.alert_of(call).await;
        match alert.alert.state {
            AlertState::Acknowledged { by, .. } => Some(by.name().to_owned()),
            _ => None,
        }
    }

    pub async fn alerts(&self) -> Vec<AlertRow> {
        let mut db = self.store.read().await.unwrap();
        alerts::list(&mut db, &default_org(), Which::All, None, 200).await.unwrap()
    }

    /// What concerns the MSP itself.
    pub async fn told_to_msp(&self) -> Vec<String> {
        let own = |row: &AlertRow| row.alert.source == Source::Pikett;
        self.alerts().await.into_iter().filter(own).map(|row| row.alert.title).collect()
    }

    /// The call's timeline: `kind: text`.
    pub async fn tale(&self, call: &CallRow) -> Vec<String> {
        let mut db = self.store.read().await.unwrap();
        let entries = timeline::of_call(&mut db, &default_org(), &call.id).await.unwrap();
        entries.into_iter().map(|entry| format!("{}: {}", entry.kind, entry.text)).collect()
    }

    /// These people, in this order, were told with whom they talk; each once.
    pub async fn each_is_told_the_number(&self, call: &CallRow, people: &[&str]) {
        let told: Vec<String> =
            self.tale(call).await.into_iter().filter(|entry| entry.contains("is told the caller's number")).collect();
        let all = told.iter().zip(people).all(|(entry, person)| entry.contains(&format!("{person} is told")));
        assert!(told.len() == people.len() && all, "{told:#?}");
    }

    pub async fn tale_of_alert(&self, alert: &AlertRow) -> Vec<String> {
        let mut db = self.store.read().await.unwrap();
        let entries = timeline::of_alert(&mut db, &default_org(), &alert.alert.id).await.unwrap();
        entries.into_iter().map(|entry| format!("{}: {}", entry.kind, entry.text)).collect()
    }

    /// Every leg to that number.
    pub fn legs_to(&self, number: &str) -> Vec<Leg> {
        self.sim().legs().into_iter().filter(|leg| leg.to == number).collect()
    }

    /// The hotline's legs to that number: without calls that page.
    pub async fn rung(&self, number: &str) -> Vec<String> {
        let mut db = self.store.read().await.unwrap();
        let rows = sqlx::query("SELECT result, state FROM legs WHERE number = $1 ORDER BY id")
            .bind(number)
            .fetch_all(&mut *db)
            .await
            .unwrap();
        let word = |row: &sqlx::any::AnyRow| row.get::<Option<String>, _>("result");
        rows.iter()
            .map(|row| word(row).unwrap_or_else(|| format!("{}, talked", row.get::<String, _>("state"))))
            .collect()
    }

    /// Everything that a leg has heard.
    pub fn heard(&self, leg: &Sid) -> String {
        let heard = self.sim().log().into_iter().filter_map(|event| match event.what {
            What::Heard { leg: at, text, .. } if at == *leg => Some(text),
            _ => None,
        });
        heard.collect::<Vec<_>>().join(" | ")
    }

    pub async fn number(&self, statement: &'static str) -> i64 {
        let mut db = self.store.read().await.unwrap();
        sqlx::query(statement).fetch_one(&mut *db).await.unwrap().get(0)
    }

    /// Until somebody has been paged about it; answers who.
    pub async fn paged(&mut self, alert: &AlertRow) -> BTreeSet<String> {
        let id = alert.alert.id.to_string();
        self.until_stored("somebody is paged", async move |db| {
            let rows = sqlx::query(
                "SELECT DISTINCT person_id FROM attempts WHERE alert_id = $1 AND kind = 'page' \
                 AND state IN ('sent', 'delivered')",
            )
            .bind(id.as_str())
            .fetch_all(db)
            .await?;
            let people: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
            Ok((!people.is_empty()).then_some(people))
        })
        .await
    }

    /// How long it took from one leg's beginning to another's.
    pub fn between(&self, first: &str, second: &str) -> i64 {
        let began = |number: &str| self.legs_to(number)[0].created_at;
        (began(second) - began(first)).num_seconds()
    }
}
