//! The database goes away in the middle of a call. The caller hears an apology and leaves a message, which
//! is kept until the database is back; then people are paged.

use pikett::{
    app::Service,
    clock::{Clock, Ids},
    declare::directory::default_org,
    model::call::Outcome,
    store::calls,
};
use sqlx::Connection;

use super::{
    database::Scratch,
    people::{PETRA, message},
    story::Story,
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

#[tokio::test]
async fn postgresql_is_not_reachable_and_the_callers_message_is_not_lost() {
    let mut story = Story::begin(Scratch::postgres().await, |_| {}).await;
    let caller = story.phones(PETRA, []);
    story.hears(&caller, "Für einen Ausfall").await;
    let url = story.scratch.url.clone();
    unreachable(&url, true).await;
    message_outlasts(&mut story, &caller, async || unreachable(&url, false).await).await;
    story.close().await;
}

#[tokio::test]
async fn a_service_that_stops_while_the_database_is_away_keeps_the_message_first() {
    let mut story = Story::begin(Scratch::sqlite(), |_| {}).await;
    let caller = story.phones(PETRA, []);
    story.hears(&caller, "Für einen Ausfall").await;
    let mut other = sqlx::SqliteConnection::connect(&story.scratch.url).await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    story.sim().follow(&caller, [message("Hier Petra Klein, alles steht")]);
    story.sim().press(&caller, "1");
    story.hears(&caller, "Wir haben Ihre Nachricht").await;
    // Nobody answers the carrier between the stop and the next start.
    story.warnings.push(15003);
    let stopping = tokio::spawn(story.service.take().unwrap().stop());
    let moment = async || Clock::system().sleep(chrono::TimeDelta::milliseconds(20)).await;
    moment().await;
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    while !stopping.is_finished() {
        story.clock.advance(chrono::TimeDelta::seconds(1));
        moment().await;
    }
    assert_eq!(story.number("SELECT COUNT(*) FROM voicemails").await, 1);
    story.service = Some(Service::start(&story.stage.config, story.clock.clone(), Ids::seeded(3)).await.unwrap());
    story.over(&caller).await;
    story.close().await;
}

#[tokio::test]
async fn sqlite_is_held_by_another_program_and_the_callers_message_is_not_lost() {
    let mut story = Story::begin(Scratch::sqlite(), |_| {}).await;
    let caller = story.phones(PETRA, []);
    story.hears(&caller, "Für einen Ausfall").await;
    let mut other = sqlx::SqliteConnection::connect(&story.scratch.url).await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    message_outlasts(&mut story, &caller, async || {
        sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    })
    .await;
    story.close().await;
}
