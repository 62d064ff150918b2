//! The star of a technician who talks: `**`, then 1 brings in the next level, 2 hands over. Anything else,
//! and nothing, leads back to the caller, who waits a moment in the queue.
//!
//! The carrier ends the bridge at the first star and at a caller's hang-up alike, and tells of the latter
//! by another way: two silent seconds lie before the question, in which the second star is heard.

use axum::{extract::State as Extract, response::Response};
use sqlx::AnyConnection;

use super::{
    State, answer,
    aside::{self, Asked},
    document::say,
    guard,
    legs::{Received, Ring, Seen, unavailable},
    rings::JOIN,
    urls::{self, Urls},
    waiting::Wish,
    words::Words,
};
use crate::{
    carrier::{
        signature::Form,
        twiml::{
            self, Conference, ConferenceBeep, Dial, DialTarget, Gather, GatherInput, Method, Pause, Prompt, Redirect,
            Response as Document, Verb,
        },
    },
    model::{call::LegState, id::CallId, language::Language},
    store::{StoreError, calls::Phase, timers},
    web::text,
};

/// Time for the second star, and for the word that the caller has gone.
const LISTEN_S: u32 = 2;
const MENU_WAIT_S: u32 = 6;
/// Silent, then asked twice.
const ASKED_MAX: u32 = 3;

/// A key after the star, or none.
pub(super) async fn key(Extract(state): Extract<State>, Received { ring, form }: Received) -> Response {
    let digits = pressed(&form);
    let (unit, urls) = (ring.clone(), ring.urls.clone());
    let work = async move { state.context().change(async move |db| unit.after_star(db, &digits).await).await };
    answer("leg-star", guard(work, || unavailable(&urls)).await)
}

/// Whoever has asked for another one goes where three can talk.
pub(super) async fn join(Extract(state): Extract<State>, Received { ring, .. }: Received) -> Response {
    let (unit, urls) = (ring.clone(), ring.urls.clone());
    let work = async move { state.context().change(async move |db| unit.joins(db).await).await };
    answer("leg-join", guard(work, || unavailable(&urls)).await)
}

fn pressed(form: &Form) -> String {
    text::key(form.get("Digits").unwrap_or_default()).chars().take(4).collect()
}

impl Ring {
    /// The bridge is over and the technician still there: a star, or the caller has gone.
    pub(super) fn listen(&self) -> String {
        self.ask_after_star(Vec::new(), LISTEN_S, 1)
    }

    fn ask_after_star(&self, prompts: Vec<Prompt>, wait_s: u32, n: u32) -> String {
        let action = format!("{}?n={n}", self.urls.leg(urls::LEG_STAR, &self.leg));
        let gather = Gather {
            action: Some(action.clone()),
            method: Some(Method::Post),
            input: Some(GatherInput::Dtmf),
            timeout_s: Some(wait_s),
            num_digits: Some(1),
            finish_on_key: Some(String::new()),
            action_on_empty_result: Some(true),
            prompts,
            ..Gather::default()
        };
        super::text(&Document::new().with(gather).with(Redirect::to(action)), &self.urls)
    }

    async fn after_star(&self, db: &mut AnyConnection, digits: &str) -> Result<String, StoreError> {
        let Some(seen) = self.seen(db).await? else { return Ok(self.stranger()) };
        let talks = seen.leg.state == LegState::Bridged && seen.call.phase == Phase::Bridged;
        let conference = seen.waiting.as_ref().is_some_and(|waiting| waiting.conference);
        // Whom they wanted has come while they pressed keys, and the carrier has not moved them yet.
        if talks && conference && timers::clear(db, self.acting.org(), JOIN, self.leg.as_str()).await? {
            return Ok(self.conference(&seen, None));
        }
        if seen.call.ended_at.is_some() || !talks || conference {
            return Ok(super::text(&Document::new().with(Verb::Hangup), &self.urls));
        }
        let (words, language) = self.words(&seen);
        match digits {
            "1" => self.wish(db, &seen, Wish::BringIn, (words, &language)).await,
            "2" => self.wish(db, &seen, Wish::HandOver, (words, &language)).await,
            "" | "*" if self.asked <= 1 => Ok(self.menu(words, &language)),
            "" | "*" => Ok(self.connect(&seen, None)),
            _ if self.asked < ASKED_MAX => Ok(self.menu(words, &language)),
            _ => Ok(self.connect(&seen, None)),
        }
    }

    fn menu(&self, words: &Words, language: &Language) -> String {
        let once = || Prompt::Say(say(language, words.star_menu));
        let prompts = vec![once(), Prompt::Pause(Pause::seconds(1)), once()];
        self.ask_after_star(prompts, MENU_WAIT_S, self.asked.max(1) + 1)
    }

    async fn wish(
        &self,
        db: &mut AnyConnection,
        seen: &Seen,
        wish: Wish,
        (words, language): (&'static Words, &Language),
    ) -> Result<String, StoreError> {
        // The same key again finds the wish there already.
        let asked = aside::ask(db, &self.acting, &seen.call, &seen.leg, wish).await?;
        let sentence = match asked {
            Asked::Rings => words.next_rung,
            Asked::Already => words.next_rung_already,
            Asked::Nobody => words.no_next,
        };
        let mut document = Document::new().with(say(language, sentence));
        document.verbs.extend(self.dial_caller(seen));
        Ok(super::text(&document, &self.urls))
    }

    async fn joins(&self, db: &mut AnyConnection) -> Result<String, StoreError> {
        let Some(seen) = self.seen(db).await? else { return Ok(self.stranger()) };
        let conference = seen.waiting.as_ref().is_some_and(|waiting| waiting.conference);
        if !conference || seen.call.ended_at.is_some() {
            return Ok(super::text(&Document::new().with(Verb::Hangup), &self.urls));
        }
        Ok(self.conference(&seen, None))
    }

    /// The room of the three, for a technician: whoever leaves it leaves the others talking.
    pub(super) fn conference(&self, seen: &Seen, told: Option<&str>) -> String {
        let action = self.urls.leg(urls::LEG_TALKED, &self.leg);
        let document = self.before_talking(seen, told).with(room(&seen.call.id, action, false));
        super::text(&document, &self.urls)
    }
}

/// The same for the caller: without them it is over for all.
pub(super) fn for_caller(urls: &Urls, call: &CallId, turn: u32, again: u32) -> String {
    let action = format!("{}?again={}", urls.queue(call, turn), again + 1);
    super::text(&Document::new().with(room(call, action, true)), urls)
}

fn room(call: &CallId, action: String, ends: bool) -> Dial {
    Dial {
        action: Some(action),
        method: Some(Method::Post),
        to: DialTarget::Conference(Box::new(Conference {
            beep: Some(ConferenceBeep::Never),
            start_on_enter: Some(true),
            end_on_exit: Some(ends),
            ..Conference::named(call.as_str())
        })),
        ..Dial::default()
    }
}

/// What a caller hears while their technician presses keys: fetched again and again.
pub(super) fn moment(urls: &Urls, call: &CallId, asked: u32, language: &Language) -> String {
    let (words, language) = super::words::words(language);
    let mut document = twiml::Response::new();
    // At first nobody knows whether the technician has hung up.
    if asked % SAID_EVERY == 1 {
        document = document.with(say(&language, words.moment));
    }
    let next = urls.wait(call, asked + 1);
    super::text(&document.with(Pause::seconds(LOOK_EVERY_S)).with(Redirect::to(next)), urls)
}

const LOOK_EVERY_S: u32 = 2;
const SAID_EVERY: u32 = 5;
