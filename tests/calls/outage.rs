//! The database goes away in the middle of a call: it is not reachable (PostgreSQL), or held by another program
//! (SQLite). The caller hears an apology and leaves a message, which is kept until the database is back; then
//! people are paged.

use pikett::{
    app::Service,
    clock::{Clock, Ids},
    declare::directory::default_org,
    model::call::Outcome,
    store::calls,
};
use sqlx::Connection;

use super::{
    people::{PETRA, message},
    story::{Story, stories},
};

/// Nobody may connect to the database, and whoever was connected is not any more.
async fn unreachable(url: &str, is_away: bool) {
    let mut server = url::Url::parse(url).unwrap();
    let name = server.path().trim_start_matches('/').to_owned();
    server.set_path("/postgres");
    let mut db = sqlx::PgConnection::connect(server.as_str()).await.unwrap();
    let allowed = format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS {}", !is_away);
    let thrown_out = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    sqlx::raw_sql(sqlx::AssertSqlSafe(allowed)).execute(&mut db).await.unwrap();
    if is_away {
        sqlx::raw_sql(sqlx::AssertSqlSafe(thrown_out)).execute(&mut db).await.unwrap();
    }
    db.close().await.unwrap();
}

/// A database that is away until `end`.
pub enum Outage {
    Postgres(String),
    Sqlite(sqlx::SqliteConnection),
}

impl Outage {
    pub async fn begin(story: &Story) -> Self {
        let url = story.scratch.url.clone();
        if url.starts_with("postgres") {
            unreachable(&url, true).await;
            return Self::Postgres(url);
        }
        let mut other = sqlx::SqliteConnection::connect(&url).await.unwrap();
        sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
        Self::Sqlite(other)
    }

    pub async fn end(self) {
        match self {
            Self::Postgres(url) => unreachable(&url, false).await,
            Self::Sqlite(mut other) => {
                sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
            }
        }
    }
}

/// The caller keys in something, hears the apology, and speaks; then the database is back.
async fn message_outlasts(story: &mut Story, caller: &pikett::sim::Sid, back: impl AsyncFnOnce()) {
    story.sim().follow(caller, [message("Hier Petra Klein, alles steht")]);
    story.sim().press(caller, "1");
    story.hears(caller, "bei uns ist etwas schiefgegangen").await;
    story.hears(caller, "Wir haben Ihre Nachricht").await;
    back().await;
    story.line_dead(caller).await;
    // The end of the call may be told before the message is tried again.
    let sid = caller.as_str().to_owned();
    let call = story
        .until_stored("the message is kept", async move |db| {
            let call = calls::by_carrier_call(db, &default_org(), &"twilio".parse().unwrap(), &sid).await?;
            Ok(call.filter(|call| call.outcome == Some(Outcome::Voicemail)))
        })
        .await;
    let alert = story.alert_of(&call).await;
    assert!(!story.paged(&alert).await.is_empty());
}

stories! {
    async fn the_database_goes_away_and_the_callers_message_is_not_lost(story: Story) {
        let caller = story.phones(PETRA, []);
        story.hears(&caller, "Für einen Ausfall").await;
        let outage = Outage::begin(story).await;
        message_outlasts(story, &caller, async || outage.end().await).await;
    }

    async fn a_message_outlasts_a_stop_while_the_database_is_away(story: Story) {
        let caller = story.phones(PETRA, []);
        story.hears(&caller, "Für einen Ausfall").await;
        let outage = Outage::begin(story).await;
        story.sim().follow(&caller, [message("Hier Petra Klein, alles steht")]);
        story.sim().press(&caller, "1");
        story.hears(&caller, "Wir haben Ihre Nachricht").await;
        story.line_dead(&caller).await;
        // Nobody answers the carrier between the stop and the next start.
        story.warnings.push(15003);
        let stopping = tokio::spawn(story.service.take().unwrap().stop());
        while !stopping.is_finished() {
            story.clock.advance(chrono::TimeDelta::seconds(1));
            Clock::system().sleep(chrono::TimeDelta::milliseconds(20)).await;
        }
        outage.end().await;
        story.service = Some(Service::start(&story.stage.config, story.clock.clone(), Ids::seeded(3)).await.unwrap());
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Voicemail));
        assert_eq!(story.number("SELECT COUNT(*) FROM voicemails").await, 1);
        assert!(!story.paged(&story.alert_of(&call).await).await.is_empty());
    }
}
