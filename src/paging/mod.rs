//! How technicians answer pages: keys on the phone, SMS, links in emails and pushes, buttons in chats;
//! and how providers report what became of a page.
//!
//! Every carrier request is checked before a handler sees it (`Webhooks::receive`), everything is
//! idempotent, and only a human's key, reply or button acknowledges. Start with `routes`.

mod apply; // one action of one person on one alert
mod buttons; // one button in a chat, pressed once
mod choices; // what stands behind two keys of a call
mod command; // what an SMS asks for: pure
mod document; // TwiML and its HTTP answer
mod link; // the page behind a signed link
mod page; // a page call: what is said, and its keys
mod patience; // how often a person is helped
mod proof; // the page by which a contact is proved
mod slack; // Slack's pressed buttons
mod sms; // an SMS comes in
mod spoken; // a call about the contact itself
mod status; // reports of calls and messages
mod telegram; // Telegram's, told or asked for

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Router,
    extract::FromRef,
    routing::{any, get, post},
};

use crate::{model::secret::Secret, notify::urls, web::webhook::Webhooks, work::Context};
use patience::Patience;
pub use telegram::{ask_for_updates, have_updates_delivered};

/// The number's URL for incoming messages.
pub const SMS: &str = "/carriers/{carrier}/sms";
/// Where the keys of a page call go.
pub const PAGE_KEY: &str = "/carriers/{carrier}/pages/{attempt}/key";

/// What the handlers share. Cheap to clone.
#[derive(Clone)]
pub struct State {
    context: Context,
    webhooks: Webhooks,
    patience: Arc<Patience>,
    buttons: Buttons,
}

/// What proves that a pressed button comes from where it says.
#[derive(Clone, Default)]
pub struct Buttons {
    /// What Slack signs with.
    pub slack: Option<Secret>,
    /// What Telegram says when it delivers.
    pub telegram: Option<Secret>,
}

impl State {
    pub fn new(context: Context, webhooks: Webhooks, buttons: Buttons) -> Self {
        Self { context, webhooks, patience: Arc::default(), buttons }
    }
}

impl FromRef<State> for Webhooks {
    fn from_ref(state: &State) -> Self {
        state.webhooks.clone()
    }
}

/// Carriers' paths take any method: whoever is no carrier learns nothing, not even which ones exist.
pub fn routes(state: State) -> Router {
    Router::new()
        .route(urls::PAGE, any(page::answered))
        .route(PAGE_KEY, any(page::key))
        .route(urls::PAGE_STATUS, any(status::call))
        .route(SMS, any(sms::received))
        .route(urls::SMS_STATUS, any(status::message))
        .route(urls::SLACK, post(slack::pressed))
        .route(urls::TELEGRAM, post(telegram::delivered))
        .route(urls::LINK, get(link::ask).post(link::act))
        .route(urls::CONTACT, get(proof::ask).post(proof::prove))
        .with_state(state)
}
