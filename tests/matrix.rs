//! Every channel through everything that may happen to a page: it is accepted, refused for good or for now, not
//! answered, asked for patience; its reports and answers come twice and late; the process dies between sending
//! and recording. Each cell is a test of its own on SQLite and on PostgreSQL, in virtual time, with the real
//! service and its providers over real sockets.
//!
//! What happens stands in `conditions`, how each provider says it in `dialects` and `mail`.

#![expect(clippy::unwrap_used, reason = "the whole crate is tests")]

#[path = "matrix/answers.rs"]
mod answers;
#[path = "matrix/conditions.rs"]
mod conditions;
#[path = "support/database.rs"]
mod database;
#[path = "matrix/dialects.rs"]
mod dialects;
#[path = "matrix/mail.rs"]
mod mail;
#[path = "matrix/msp.rs"]
mod msp;
#[path = "matrix/night.rs"]
mod night;
#[path = "matrix/providers.rs"]
mod providers;
#[path = "matrix/seen.rs"]
mod seen;

/// `channel::condition::sqlite` and `channel::condition::postgres` for each.
macro_rules! matrix {
    ($($module:ident $channel:ident,)*) => {$(
        mod $module {
            conditions!($channel: accepted permanent_failure passing_failure patience_asked time_out answer_lost
                duplicate_and_late_callbacks killed_before_recording killed_before_sending);
        }
    )*};
}

macro_rules! conditions {
    ($channel:ident: $($condition:ident)*) => {$(
        mod $condition {
            use pikett::model::person::Channel;

            use crate::{conditions, database::Scratch, night::Cell};

            #[tokio::test]
            async fn sqlite() {
                conditions::$condition(Cell { channel: Channel::$channel, scratch: Scratch::sqlite() }).await;
            }

            #[tokio::test]
            async fn postgres() {
                conditions::$condition(Cell { channel: Channel::$channel, scratch: Scratch::postgres().await }).await;
            }
        }
    )*};
}

matrix! {
    sms Sms,
    voice Voice,
    email Email,
    push Push,
    slack Slack,
    teams Teams,
    telegram Telegram,
    ntfy Ntfy,
    webhook Webhook,
}
