//! Keeping the promise to call back: the technician is rung from the hotline's number, hears who and why,
//! presses 1, and only then the customer's phone is dialled, which sees the hotline's number as well.
//!
//! The timer `callback-ring` makes a leg, as for a waiting caller; its webhooks come to `legs`, which hands
//! them over here. Only a bridge counts. Start at `CallingBack`.

use chrono::TimeDelta;
use futures::future::BoxFuture;
use serde_json::json;
use sqlx::AnyConnection;

use super::{
    State,
    document::say,
    effects::{Applying, note},
    leg_end::{Ended, leg_ended},
    legs::{Ring, Seen},
    rings::{self, detail},
    urls, words,
};
use crate::{
    carrier::{
        choose::Remembered,
        twiml::{
            self, Dial, DialParty, DialTarget, Gather, GatherInput, Method, Number, Pause, Prompt, Redirect, Verb,
        },
    },
    escalation::connect::LegResult,
    ivr,
    model::{
        Instant,
        alert::Actor,
        call::LegState,
        callback::{Callback, CallbackState},
        id::{CallbackId, CarrierId, PersonId},
        person::Channel,
        phone::Phone,
        priority::Priority,
    },
    store::{
        StoreError, callbacks,
        calls::{self, CallRow},
        legs::{self, LegRow, NewLeg},
        raise,
        spent::Spending,
        timers::{self, DueTimer},
    },
    work::{
        Acting, Handler, WorkError, act, callbacks as promises, marks,
        money::{self, Purse},
        record,
    },
};

const KEY_WAIT_S: u32 = 8;
/// Who has not pressed anything by then is a mailbox.
const ASKED_MAX: u32 = 4;
/// A customer who expects to be called.
const RING_S: u32 = 45;
/// Whoever took the promise is busy, or did not hear it: their phone rings again, so often.
const AGAIN: TimeDelta = TimeDelta::seconds(30);
const TRIES_MAX: u32 = 3;

impl Applying<'_> {
    /// The promise, its alert and its due instant are rows of the turn in which it was made.
    pub(super) async fn promise(&mut self, db: &mut AnyConnection, promised: &ivr::Callback) -> Result<(), StoreError> {
        let (acting, org) = (self.acting, self.acting.org());
        let number = self.spare_number()?;
        self.used.push((number, None));
        let row = self.row(&ivr::NewAlert { number, ..promised.alert.clone() });
        let raised = raise::raise(db, org, row).await?;
        if self.alert.is_none() {
            calls::set_alert(db, org, &self.call.id, &raised.id).await?;
            self.alert = Some(raised.id.clone());
        }
        self.opened += 1;
        let callback = Callback {
            id: acting.ids.id(acting.now),
            call: self.call.id.clone(),
            alert: raised.id,
            number: promised.number.clone(),
            hotline: self.call.hotline.clone(),
            language: promised.language.clone(),
            state: CallbackState::Promised,
            due_at: promised.due,
            overdue: 0,
            tries: 0,
            created_at: acting.now,
        };
        if !callbacks::insert(db, org, &callback).await? {
            return Err(StoreError::Stale("the call has a callback already"));
        }
        promises::watch(db, acting, &callback).await?;
        let text = format!(
            "A callback to {} was promised by {} (alert #{}).",
            callback.number.masked(),
            callback.due_at.format("%Y-%m-%d %H:%M UTC"),
            raised.number
        );
        let detail = json!({ "callback": callback.id.as_str(), "due": callback.due_at.to_rfc3339() });
        record(db, acting, &callback.alert, "callback", text.as_str(), detail.clone()).await?;
        self.note(db, "callback", text, detail).await
    }
}

pub struct CallingBack(pub State);

impl Handler for CallingBack {
    fn kinds(&self) -> &[&'static str] {
        &[promises::RING]
    }

    fn handle<'a>(&'a self, timer: &'a DueTimer) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(async move {
            let (acting, due, state) = (self.0.context().acting(), timer.clone(), self.0.clone());
            let rung = self.0.context().change(async move |db| ring(db, &state, &acting, &due).await).await;
            rung.map_err(WorkError::on(format!("the callback {}", timer.subject)))
        })
    }
}

/// A leg first; the carrier is asked by its worker.
async fn ring(db: &mut AnyConnection, state: &State, acting: &Acting, timer: &DueTimer) -> Result<(), StoreError> {
    if !timers::complete(db, timer).await? {
        return Ok(());
    }
    let (org, now) = (acting.org(), acting.now);
    let corrupt = |column| move |_| StoreError::corrupt(column, "callback-ring");
    let id: CallbackId = timer.subject.parse().map_err(corrupt("timers.subject"))?;
    let person: PersonId = timer.payload.parse().map_err(corrupt("timers.payload"))?;
    let Some(callback) = callbacks::by_id(db, org, &id).await?.filter(Callback::is_open) else { return Ok(()) };
    let Some(call) = calls::by_id(db, org, &callback.call).await? else { return Ok(()) };
    let directory = marks::directory(db, acting).await?;
    let voice = directory.people.get(&person).and_then(|person| person.voice());
    let countries = acting.directory.countries();
    let allowed = voice.filter(|(_, phone)| countries.contains(phone.country_code()));
    let Some((method, phone)) = allowed else {
        let text = format!("{person} cannot be rung for the callback: they have no phone that may be rung.");
        return tell(db, acting, &callback, "callback-failed", text).await;
    };
    let leg = NewLeg {
        id: acting.ids.id(now),
        call: callback.call.clone(),
        callback: Some(id.clone()),
        person: person.clone(),
        method: method.clone(),
        number: phone.clone(),
        carrier: carrier(state, &call, phone, now),
        level: 0,
        reason: "to call a customer back".to_owned(),
        created_at: now,
    };
    if !legs::insert(db, org, &leg).await? {
        // In another call: as soon as that is over.
        return timers::set(db, org, promises::RING, id.as_str(), now + AGAIN, person.as_str()).await;
    }
    // Two: theirs and the customer's.
    for number in [phone, &callback.number] {
        if let Some(full) = money::spend(db, acting, Spending::Call, Purse::Callers(&call.hotline), number).await? {
            legs::end(db, org, &leg.id, Some(LegResult::Failed), None, now).await?;
            let text = format!("Callers have reached {full}: nobody is rung for the callback now.");
            return tell(db, acting, &callback, "callback-failed", text).await;
        }
    }
    timers::set(db, org, rings::RING, leg.id.as_str(), now, "").await?;
    let text = format!("{person} is rung at {} to call the customer back.", phone.masked());
    tell(db, acting, &callback, "callback-ringing", text).await
}

/// The hotline's own carrier, whose number the phones show, unless it is out.
fn carrier(state: &State, call: &CallRow, phone: &Phone, now: Instant) -> CarrierId {
    let carriers = state.webhooks().carriers();
    if !carriers.is_out(&call.carrier, Channel::Voice, now) {
        return call.carrier.clone();
    }
    let order = carriers.order(Channel::Voice, phone, &Remembered::default(), None, now);
    order.into_iter().next().map_or_else(|| call.carrier.clone(), |(_, choice)| choice.carrier)
}

/// Its carrier could not place the call, and another one is asked.
pub async fn moved(db: &mut AnyConnection, acting: &Acting, leg: &LegRow, to: &CarrierId) -> Result<(), StoreError> {
    let Some(id) = &leg.callback else { return Ok(()) };
    let Some(callback) = callbacks::by_id(db, acting.org(), id).await? else { return Ok(()) };
    let text = format!("{} is rung through {to}, since {} did not place the call.", leg.person, leg.carrier);
    tell(db, acting, &callback, "callback-moved", text).await
}

async fn tell(
    db: &mut AnyConnection,
    acting: &Acting,
    callback: &Callback,
    kind: &str,
    text: String,
) -> Result<(), StoreError> {
    record(db, acting, &callback.alert, kind, text, json!({ "callback": callback.id.as_str() })).await
}

/// A technician's leg that keeps a promise is over. Who was busy or did not hear it is rung again, a few times;
/// then the promise waits for its due instant.
pub async fn over(db: &mut AnyConnection, acting: &Acting, call: &CallRow, leg: &LegRow) -> Result<(), StoreError> {
    let Some(id) = &leg.callback else { return Ok(()) };
    let Some(callback) = callbacks::by_id(db, acting.org(), id).await?.filter(Callback::is_open) else {
        return Ok(());
    };
    let fresh = legs::by_id(db, acting.org(), &leg.id).await?;
    let result = fresh.and_then(|leg| leg.result);
    let word = result.map_or("talked", LegResult::as_str);
    note(db, acting, call, "leg-ended", format!("The call to {} is over: {word}.", leg.person), detail(leg)).await?;
    let unheard = matches!(result, Some(LegResult::Busy | LegResult::NoAnswer | LegResult::Failed));
    if !unheard || callback.tries + 1 >= TRIES_MAX {
        let text = format!("The callback is not made yet: the call to {} ended ({word}).", leg.person);
        return tell(db, acting, &callback, "callback-failed", text).await;
    }
    callbacks::set_tries(db, acting.org(), id, callback.tries + 1).await?;
    timers::set(db, acting.org(), promises::RING, id.as_str(), acting.now + AGAIN, leg.person.as_str()).await
}

/// They talked.
async fn talked(db: &mut AnyConnection, acting: &Acting, leg: &LegRow) -> Result<(), StoreError> {
    match &leg.callback {
        Some(id) => promises::kept(db, acting, id, &Actor::Person(leg.person.clone())).await,
        None => Ok(()),
    }
}

impl Ring {
    /// Somebody or something has picked up.
    pub(super) async fn asks_back(&self, db: &mut AnyConnection, seen: &Seen) -> Result<String, StoreError> {
        match self.promise(db, seen).await? {
            Some(callback) => Ok(self.callback_question(seen, &callback, None)),
            None => Ok(self.callback_over(seen)),
        }
    }

    /// `None`: it is settled.
    async fn promise(&self, db: &mut AnyConnection, seen: &Seen) -> Result<Option<Callback>, StoreError> {
        let Some(id) = &seen.leg.callback else { return Ok(None) };
        let found = callbacks::by_id(db, self.acting.org(), id).await?;
        Ok(found.filter(|callback| callback.is_open() && seen.leg.state != LegState::Ended))
    }

    pub(super) async fn heeds_callback(
        &self,
        db: &mut AnyConnection,
        seen: &Seen,
        digits: &str,
    ) -> Result<String, StoreError> {
        let Some(id) = &seen.leg.callback else { return Ok(self.callback_over(seen)) };
        // Two who press 1 at once come one after the other: the second sees what the first one did.
        callbacks::hold(db, self.acting.org(), id).await?;
        let Some(callback) = self.promise(db, seen).await? else { return Ok(self.callback_over(seen)) };
        let (words, language) = self.words(seen);
        let in_hand = promises::in_hand(db, &self.acting, &callback.id).await?;
        if in_hand.is_some_and(|leg| leg.id != self.leg) {
            // Somebody else is calling the customer at this moment.
            return Ok(self.farewell(&language, words.taken));
        }
        match digits {
            "1" => self.dials_back(db, seen, &callback).await,
            "2" => {
                leg_ended(db, &self.acting, &seen.leg, &Ended::of(LegResult::Declined, None)).await?;
                Ok(self.farewell(&language, words.callback_declined))
            }
            "" if self.asked + 1 >= ASKED_MAX => {
                leg_ended(db, &self.acting, &seen.leg, &Ended::of(LegResult::HungUp, None)).await?;
                Ok(super::text(&twiml::Response::new().with(Verb::Hangup), &self.urls))
            }
            "" => Ok(self.callback_question(seen, &callback, None)),
            _ => Ok(self.callback_question(seen, &callback, Some(words.unknown_key))),
        }
    }

    /// Whoever presses 1 has the promise in hand.
    async fn dials_back(&self, db: &mut AnyConnection, seen: &Seen, callback: &Callback) -> Result<String, StoreError> {
        let by = Actor::Person(seen.leg.person.clone());
        legs::accept(db, self.acting.org(), &self.leg, self.acting.now).await?;
        act::acknowledge(db, &self.acting, &callback.alert, &by, "by calling back").await?;
        // Their acknowledgement would have them rung, and they are on the phone.
        timers::clear(db, self.acting.org(), promises::RING, callback.id.as_str()).await?;
        let text = format!("{} calls the customer back at {}.", seen.leg.person, callback.number.masked());
        tell(db, &self.acting, callback, "callback-dialling", text).await?;
        let (words, language) = self.words(seen);
        let dial = Dial {
            action: Some(self.urls.leg(urls::LEG_TALKED, &self.leg)),
            method: Some(Method::Post),
            timeout_s: Some(RING_S),
            // A number of the carrier that dials: the hotline's, where that is its own.
            caller_id: match &self.from {
                Some(own) if seen.leg.carrier != seen.call.carrier => Some(own.to_string()),
                Some(_) | None => Some(callback.hotline.to_string()),
            },
            to: DialTarget::Parties(vec![DialParty::Number(Number {
                url: Some(self.urls.leg(urls::LEG_WHISPER, &self.leg)),
                method: Some(Method::Post),
                ..Number::new(callback.number.as_str())
            })]),
            ..Dial::default()
        };
        Ok(super::text(&twiml::Response::new().with(say(&language, words.connecting)).with(dial), &self.urls))
    }

    /// The customer has picked up, and is told who it is.
    pub(super) async fn greets_customer(&self, db: &mut AnyConnection, seen: &Seen) -> Result<String, StoreError> {
        legs::bridge(db, self.acting.org(), &self.leg, self.acting.now).await?;
        let spoken = match self.promise(db, seen).await? {
            Some(callback) => callback.language,
            None => seen.call.language.clone().unwrap_or_else(crate::model::language::Language::english),
        };
        let (words, language) = words::words(&spoken);
        Ok(super::text(&twiml::Response::new().with(say(&language, words.callback_bridging)), &self.urls))
    }

    /// Only the carrier's `DialBridged` counts. A customer who did not pick up can be tried again at once.
    pub(super) async fn talked_back(
        &self,
        db: &mut AnyConnection,
        seen: &Seen,
        bridged: bool,
    ) -> Result<String, StoreError> {
        if bridged {
            // Should the greeting have been lost.
            legs::bridge(db, self.acting.org(), &self.leg, self.acting.now).await?;
            talked(db, &self.acting, &seen.leg).await?;
            return Ok(super::text(&twiml::Response::new().with(Verb::Hangup), &self.urls));
        }
        legs::unbridge(db, self.acting.org(), &self.leg).await?;
        let Some(callback) = self.promise(db, seen).await? else { return Ok(self.callback_over(seen)) };
        let text = format!("The customer did not answer at {}.", callback.number.masked());
        tell(db, &self.acting, &callback, "callback-unanswered", text).await?;
        let (words, _) = self.words(seen);
        Ok(self.callback_question(seen, &callback, Some(words.callback_unanswered)))
    }

    fn callback_question(&self, seen: &Seen, callback: &Callback, remark: Option<&str>) -> String {
        let (words, language) = self.words(seen);
        let directory = &self.acting.directory;
        let customer = seen.call.customer.as_ref().and_then(|id| directory.customers.get(id));
        let zone = directory.people.get(&seen.leg.person).map_or(chrono_tz::UTC, |person| person.zone);
        let due = callback.due_at.with_timezone(&zone).naive_local();
        let told = words.announce_callback(
            customer.map(|customer| customer.name.as_str()),
            seen.call.category.as_deref(),
            seen.call.priority.unwrap_or(Priority::P3),
            due,
        );
        let message = [remark, Some(told.as_str()), Some(words.callback_press)];
        let message = message.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let key = format!("{}?n={}", self.urls.leg(urls::LEG_KEY, &self.leg), self.asked + 1);
        let once = || Prompt::Say(say(&language, &message));
        let gather = Gather {
            action: Some(key.clone()),
            method: Some(Method::Post),
            input: Some(GatherInput::Dtmf),
            timeout_s: Some(KEY_WAIT_S),
            num_digits: Some(1),
            finish_on_key: Some(String::new()),
            action_on_empty_result: Some(true),
            prompts: vec![once(), Prompt::Pause(Pause::seconds(1)), once()],
            ..Gather::default()
        };
        super::text(&twiml::Response::new().with(gather).with(Redirect::to(key)), &self.urls)
    }

    fn callback_over(&self, seen: &Seen) -> String {
        let (words, language) = self.words(seen);
        self.farewell(&language, words.callback_over)
    }
}
