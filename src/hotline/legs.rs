//! What technicians' phones report and press while a caller waits: answered, 1 to accept, talked, ended.
//!
//! Who presses 1 first is decided in the database. Only a bridge counts as a talk; a mailbox answers
//! too, and presses nothing.

use axum::{
    extract::{FromRequest, Request, State as Extract},
    response::Response,
};
use chrono::TimeDelta;
use sqlx::AnyConnection;

use super::{
    State, answer, aside,
    document::say,
    effects::note,
    guard,
    leg_end::{Ended, leg_ended},
    rings::{HANGUP, detail, wake},
    taken, talk,
    urls::{self, Urls},
    waiting::{Waiting, Wish},
    words::{self, Words},
};
use crate::{
    carrier::{
        signature::{Form, Verified},
        status::CallStatus,
        twiml::{self, Dial, DialQueue, DialRecord, Gather, GatherInput, Method, Pause, Prompt, Redirect, Verb},
    },
    escalation::connect::LegResult,
    ivr::{Accept, Attestation, ConnectEnd, Input},
    languages::fill,
    model::{
        call::{LegState, Outcome},
        id::LegId,
        language::Language,
        phone::Phone,
        priority::Priority,
    },
    store::{
        StoreError,
        calls::{self, CallRow, Phase},
        legs::{self, LegRow},
        seen, timers,
    },
    web::{text, webhook::Webhook},
    work::Acting,
};

const KEY_WAIT_S: u32 = 8;
/// How often somebody is asked who presses wrong keys. Who presses nothing is ended by the connect before that.
const ASKED_MAX: u32 = 8;
/// Most callers are there already; who is not comes after what the flow says to them, or has gone.
const QUEUE_WAIT_S: u32 = 15;
/// A queue is there only once somebody waits in it: until then a technician looks for it again, for so long.
const COMES_WITHIN: TimeDelta = TimeDelta::minutes(1);
const LOOK_AGAIN_S: u32 = 2;

/// A technician's leg, as one webhook sees it.
#[derive(Clone)]
pub(super) struct Ring {
    pub acting: Acting,
    pub urls: Urls,
    pub leg: LegId,
    /// How often it was asked for a key before.
    pub asked: u32,
    /// The number of the carrier that asks.
    pub from: Option<Phone>,
}

/// What is known of a leg when it is asked about.
pub(super) struct Seen {
    pub leg: LegRow,
    pub call: CallRow,
    pub waiting: Option<Waiting>,
}

/// A signed request about a leg.
pub(super) struct Received {
    pub ring: Ring,
    pub form: Verified<Form>,
}

impl FromRequest<State> for Received {
    type Rejection = Response;

    async fn from_request(request: Request, state: &State) -> Result<Self, Response> {
        let webhook = Webhook::from_request(request, state).await?;
        let urls = Urls::new(state.webhooks().public_url(), &webhook.carrier);
        let Some(leg) = webhook.named("leg") else { return Err(answer("leg", unavailable(&urls))) };
        let asked = webhook.queried("n").unwrap_or(0).min(ASKED_MAX);
        let from = state.webhooks().carriers().get(&webhook.carrier).map(|line| line.carrier.from().clone());
        let ring = Ring { acting: state.context().acting(), urls, leg, asked, from };
        Ok(Self { ring, form: webhook.form })
    }
}

/// Somebody or something has picked up.
pub(super) async fn answered(Extract(state): Extract<State>, Received { ring, form }: Received) -> Response {
    let carrier_call = text::key(form.get("CallSid").unwrap_or_default());
    let (unit, urls) = (ring.clone(), ring.urls.clone());
    let work = async move { state.context().change(async move |db| unit.answered(db, &carrier_call).await).await };
    answer("leg", guard(work, || unavailable(&urls)).await)
}

/// A key, or none.
pub(super) async fn key(Extract(state): Extract<State>, Received { ring, form }: Received) -> Response {
    let digits: String = text::key(form.get("Digits").unwrap_or_default()).chars().take(4).collect();
    let (unit, urls) = (ring.clone(), ring.urls.clone());
    let work = async move { state.context().change(async move |db| unit.pressed(db, &digits).await).await };
    answer("leg-key", guard(work, || unavailable(&urls)).await)
}

/// The caller is taken out of the queue: the bridge follows.
pub(super) async fn whisper(Extract(state): Extract<State>, Received { ring, .. }: Received) -> Response {
    let (unit, urls) = (ring.clone(), ring.urls.clone());
    let work = async move { state.context().change(async move |db| unit.bridged(db).await).await };
    // Whatever the database says: they talk, and the end of the talk tells it once more.
    answer("leg-whisper", guard(work, || super::text(&twiml::Response::new(), &urls)).await)
}

/// The technician's side of the talk is over, or there was none.
pub(super) async fn talked(Extract(state): Extract<State>, Received { ring, form }: Received) -> Response {
    let bridged = form.bridged() == Some(true);
    let gone = form.get("CallStatus") == Some("completed");
    let (unit, urls) = (ring.clone(), ring.urls.clone());
    let work = async move {
        let document = state.context().change(async move |db| unit.talked(db, bridged, gone).await).await?;
        if bridged {
            state.talk_of_the_gone(&ring.leg).await?;
        }
        Ok(document)
    };
    answer("leg-talked", guard(work, || unavailable(&urls)).await)
}

/// Reports come in any order, twice, late or never.
pub(super) async fn status(Extract(state): Extract<State>, Received { ring, form }: Received) -> Response {
    let status = CallStatus::parse(form.get("CallStatus").unwrap_or_default());
    let code = form.get("ErrorCode").and_then(|code| code.parse().ok());
    let carrier_call = text::key(form.get("CallSid").unwrap_or_default());
    let unit = ring.clone();
    let outcome = state.context().change(async move |db| unit.reported(db, &status, code, &carrier_call).await).await;
    match outcome {
        Ok(()) => taken("leg-status"),
        Err(error) => super::come_again("leg-status", &error),
    }
}

impl State {
    /// The caller was gone so soon that the call counted as missed; the carrier knows that they talked.
    async fn talk_of_the_gone(&self, id: &LegId) -> Result<(), StoreError> {
        let leg = {
            let mut db = self.context().store.read().await?;
            legs::by_id(&mut db, self.context().acting().org(), id).await?
        };
        let Some(leg) = leg else { return Ok(()) };
        match self.scene(&leg.call, Attestation::NotSupplied).await? {
            Some(scene) if scene.call.outcome == Some(Outcome::Missed) => {
                self.late(scene, Input::Connect(ConnectEnd::Bridged { person: Some(leg.person) })).await.map(|_| ())
            }
            _ => Ok(()),
        }
    }
}

impl Ring {
    pub(super) async fn seen(&self, db: &mut AnyConnection) -> Result<Option<Seen>, StoreError> {
        let org = self.acting.org();
        let Some(leg) = legs::by_id(db, org, &self.leg).await? else { return Ok(None) };
        let Some(call) = calls::by_id(db, org, &leg.call).await? else { return Ok(None) };
        let waiting = call.connect.as_deref().map(Waiting::from_json).transpose()?;
        Ok(Some(Seen { leg, call, waiting }))
    }

    async fn answered(&self, db: &mut AnyConnection, carrier_call: &str) -> Result<String, StoreError> {
        let Some(seen) = self.seen(db).await? else { return Ok(self.stranger()) };
        let now = self.acting.now;
        legs::placed(db, self.acting.org(), &self.leg, carrier_call, now).await?;
        if legs::answer(db, self.acting.org(), &self.leg, now).await? {
            let text = format!("The phone of {} was answered.", seen.leg.person);
            note(db, &self.acting, &seen.call, "answered", text, detail(&seen.leg)).await?;
            wake(db, &self.acting, &seen.call.id).await?;
        }
        if seen.leg.callback.is_some() {
            return self.asks_back(db, &seen).await;
        }
        if !seen.is_wanted() || seen.leg.state == LegState::Ended {
            return Ok(self.too_late(&seen));
        }
        let by_key = seen.waiting.as_ref().is_none_or(|waiting| waiting.accept == Accept::Key);
        let remark = self.who_asks(db, &seen).await?;
        if by_key {
            return Ok(self.question(&seen, remark.as_deref()));
        }
        // They hear with whom they are about to talk; nothing is asked.
        let told = [remark, Some(self.facts(&seen))].into_iter().flatten().collect::<Vec<_>>().join(" ");
        self.accept(db, &seen, Some(&told)).await
    }

    /// The same key of the same question again gets the same document and does nothing more.
    async fn pressed(&self, db: &mut AnyConnection, digits: &str) -> Result<String, StoreError> {
        let key = format!("leg:{}:{}:{digits}", self.leg, self.asked);
        if let Some(document) = seen::answer(db, self.acting.org(), &key).await? {
            return Ok(document);
        }
        let document = self.heed(db, digits).await?;
        if !seen::remember(db, self.acting.org(), &key, &document, self.acting.now).await? {
            return Err(StoreError::Stale("the same key was faster"));
        }
        Ok(document)
    }

    async fn heed(&self, db: &mut AnyConnection, digits: &str) -> Result<String, StoreError> {
        let Some(seen) = self.seen(db).await? else { return Ok(self.stranger()) };
        if seen.leg.callback.is_some() {
            return self.heeds_callback(db, &seen, digits).await;
        }
        let (words, language) = self.words(&seen);
        match digits {
            "1" => self.accept(db, &seen, None).await,
            "2" => {
                let ended = Ended::of(LegResult::Declined, None);
                leg_ended(db, &self.acting, &seen.leg, &ended).await?;
                Ok(self.farewell(&language, words.declined))
            }
            _ if !seen.is_wanted() || seen.leg.result.is_some() => Ok(self.too_late(&seen)),
            "" if self.asked + 1 >= ASKED_MAX => {
                leg_ended(db, &self.acting, &seen.leg, &Ended::of(LegResult::HungUp, None)).await?;
                Ok(self.too_late(&seen))
            }
            "" => Ok(self.question(&seen, None)),
            _ => {
                // A human, who gets time anew; not for ever.
                if self.asked < ASKED_MAX {
                    legs::asked_anew(db, self.acting.org(), &self.leg, self.acting.now).await?;
                }
                Ok(self.question(&seen, Some(words.unknown_key)))
            }
        }
    }

    /// To whoever is asked for while two talk.
    async fn who_asks(&self, db: &mut AnyConnection, seen: &Seen) -> Result<Option<String>, StoreError> {
        let Some(aside) = seen.waiting.as_ref().and_then(|waiting| waiting.aside.as_ref()) else { return Ok(None) };
        let Some(leg) = legs::by_id(db, self.acting.org(), &aside.by).await? else { return Ok(None) };
        let name = self.acting.directory.people.get(&leg.person).map_or(leg.person.as_str(), |person| &person.name);
        let (words, _) = self.words(seen);
        let sentence = match aside.wish {
            Wish::BringIn => words.brings_in,
            Wish::HandOver => words.hands_over,
        };
        Ok(Some(fill(sentence, &[("name", name)])))
    }

    /// `told`: what they hear before they talk, who have taken the call by answering it.
    async fn accept(&self, db: &mut AnyConnection, seen: &Seen, told: Option<&str>) -> Result<String, StoreError> {
        let (org, now) = (self.acting.org(), self.acting.now);
        if seen.call.phase == Phase::Bridged && seen.is_wanted() && seen.leg.state != LegState::Ended {
            return Ok(match aside::accepted(db, &self.acting, &seen.call, &seen.leg).await? {
                Some(Wish::BringIn) => self.conference(seen, told),
                Some(Wish::HandOver) => self.connect(seen, told),
                None => self.too_late(seen),
            });
        }
        if seen.leg.state == LegState::Ended
            || !calls::accept(db, org, &seen.call.id, &seen.leg.person).await?
            || !legs::accept(db, org, &self.leg, now).await?
        {
            let fresh = calls::by_id(db, org, &seen.call.id).await?;
            let mine = fresh.as_ref().is_some_and(|call| {
                call.answered_by.as_ref() == Some(&seen.leg.person) && call.phase == Phase::Accepted
            });
            return Ok(if mine { self.connect(seen, told) } else { self.too_late(seen) });
        }
        timers::clear(db, org, HANGUP, self.leg.as_str()).await?;
        let how = if told.is_some() { "answering" } else { "key" };
        let text = format!("{} accepted the call by {how}.", seen.leg.person);
        note(db, &self.acting, &seen.call, "accepted", text, detail(&seen.leg)).await?;
        wake(db, &self.acting, &seen.call.id).await?;
        Ok(self.connect(seen, told))
    }

    /// The one who won dials the queue in which this caller waits alone.
    pub(super) fn connect(&self, seen: &Seen, told: Option<&str>) -> String {
        let mut document = self.before_talking(seen, told);
        document.verbs.extend(self.dial_caller(seen));
        super::text(&document, &self.urls)
    }

    /// Whoever has taken the call by answering hears twice whose it is, as others do before they press 1.
    pub(super) fn before_talking(&self, seen: &Seen, told: Option<&str>) -> twiml::Response {
        let (words, language) = self.words(seen);
        let Some(told) = told else { return twiml::Response::new().with(say(&language, words.connecting)) };
        let again = format!("{told} {}", words.connecting);
        twiml::Response::new().with(say(&language, told)).with(Pause::seconds(1)).with(say(&language, &again))
    }

    /// A star ends it and leads to `talked`: what follows stands in `star`.
    pub(super) fn dial_caller(&self, seen: &Seen) -> [Verb; 1] {
        let record = seen.waiting.as_ref().is_some_and(|waiting| waiting.record);
        let dial = Dial {
            action: Some(self.urls.leg(urls::LEG_TALKED, &self.leg)),
            method: Some(Method::Post),
            timeout_s: Some(QUEUE_WAIT_S),
            hangup_on_star: Some(true),
            record: record.then_some(DialRecord::FromAnswer),
            recording_status_callback: record.then(|| self.urls.recording(&seen.call.id)),
            ..Dial::queue(DialQueue {
                url: Some(self.urls.leg(urls::LEG_WHISPER, &self.leg)),
                method: Some(Method::Post),
                ..DialQueue::named(seen.call.id.as_str())
            })
        };
        [dial.into()]
    }

    async fn bridged(&self, db: &mut AnyConnection) -> Result<String, StoreError> {
        let Some(seen) = self.seen(db).await? else {
            return Ok(super::text(&twiml::Response::new(), &self.urls));
        };
        if seen.leg.callback.is_some() {
            return self.greets_customer(db, &seen).await;
        }
        talk::begins(db, &self.acting, &seen.leg).await?;
        let language = seen.call.language.clone().unwrap_or_else(Language::english);
        let (words, language) = words::words(&language);
        Ok(super::text(&twiml::Response::new().with(say(&language, words.bridging)), &self.urls))
    }

    /// `gone`: so is the technician.
    async fn talked(&self, db: &mut AnyConnection, bridged: bool, gone: bool) -> Result<String, StoreError> {
        let Some(seen) = self.seen(db).await? else { return Ok(self.stranger()) };
        if seen.leg.callback.is_some() {
            return self.talked_back(db, &seen, bridged).await;
        }
        // A conference's end says nothing of a bridge, and who was led back to a caller who had left meanwhile
        // has talked with them before.
        let talks = seen.call.phase == Phase::Bridged || seen.call.ended_at.is_some();
        let before = seen.leg.state == LegState::Bridged && talks && talk::is_one(&seen.leg, self.acting.now);
        if bridged || before {
            // Should the whisper have been lost.
            legs::bridge(db, self.acting.org(), &self.leg, self.acting.now).await?;
            if let Some(leg) = legs::by_id(db, self.acting.org(), &self.leg).await?
                && leg.state == LegState::Bridged
            {
                talk::confirm(db, &self.acting, &seen.call, &leg).await?;
                if gone || !bridged {
                    leg_ended(db, &self.acting, &leg, &Ended::default()).await?;
                } else if seen.call.ended_at.is_none() {
                    return Ok(self.listen());
                }
            }
            return Ok(super::text(&twiml::Response::new().with(Verb::Hangup), &self.urls));
        }
        if !gone && self.is_yet_to_come(&seen) {
            let mut document = twiml::Response::new().with(Pause::seconds(LOOK_AGAIN_S));
            document.verbs.extend(self.dial_caller(&seen));
            return Ok(super::text(&document, &self.urls));
        }
        leg_ended(db, &self.acting, &seen.leg, &Ended::of(LegResult::HungUp, None)).await?;
        legs::unbridge(db, self.acting.org(), &self.leg).await?;
        let (words, language) = self.words(&seen);
        Ok(self.farewell(&language, words.gone))
    }

    /// The technician was faster than what the flow says to the caller on the way into the queue.
    fn is_yet_to_come(&self, seen: &Seen) -> bool {
        seen.call.ended_at.is_none()
            && seen.call.phase == Phase::Accepted
            && seen.call.answered_by.as_ref() == Some(&seen.leg.person)
            && seen.leg.state == LegState::Accepted
            && self.acting.now < seen.leg.since + COMES_WITHIN
    }

    async fn reported(
        &self,
        db: &mut AnyConnection,
        status: &CallStatus,
        code: Option<u32>,
        carrier_call: &str,
    ) -> Result<(), StoreError> {
        let Some(seen) = self.seen(db).await? else { return Ok(()) };
        let (org, now) = (self.acting.org(), self.acting.now);
        if !carrier_call.is_empty() {
            legs::placed(db, org, &self.leg, carrier_call, now).await?;
        }
        match status {
            CallStatus::Initiated | CallStatus::Ringing => {
                if legs::rings(db, org, &self.leg, status.rank(), now).await? {
                    wake(db, &self.acting, &seen.call.id).await?;
                }
                Ok(())
            }
            CallStatus::InProgress => {
                if legs::answer(db, org, &self.leg, now).await? {
                    wake(db, &self.acting, &seen.call.id).await?;
                }
                Ok(())
            }
            over if over.is_final() => {
                leg_ended(db, &self.acting, &seen.leg, &Ended::by_status(over, &seen.leg, code)).await
            }
            _ => Ok(()),
        }
    }

    /// Who calls, and why.
    fn facts(&self, seen: &Seen) -> String {
        let directory = &self.acting.directory;
        let customer = seen.call.customer.as_ref().and_then(|id| directory.customers.get(id));
        self.words(seen).0.announce(&words::Caller {
            customer: customer.map(|customer| customer.name.as_str()),
            category: seen.call.category.as_deref(),
            priority: seen.call.priority.unwrap_or(Priority::P3),
            verified: seen.call.verified,
            waited: self.acting.now - seen.call.started_at,
        })
    }

    fn question(&self, seen: &Seen, remark: Option<&str>) -> String {
        let (words, language) = self.words(seen);
        let told = self.facts(seen);
        let message = [remark, Some(told.as_str()), Some(words.press)];
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

    pub fn words(&self, seen: &Seen) -> (&'static Words, Language) {
        let person = self.acting.directory.people.get(&seen.leg.person);
        words::words(&person.map_or_else(Language::english, |person| person.language.clone()))
    }

    pub fn farewell(&self, language: &Language, words: &str) -> String {
        super::text(&twiml::Response::new().with(say(language, words)).with(Verb::Hangup), &self.urls)
    }

    pub(super) fn stranger(&self) -> String {
        super::noticed("leg", "unknown");
        super::farewell(&Language::english(), |words| words.gone, &self.urls)
    }
}

pub(super) fn unavailable(urls: &Urls) -> String {
    super::farewell(&Language::english(), |words| words.gone, urls)
}

impl Seen {
    /// Whether somebody is still to be won for the caller by this leg.
    fn is_wanted(&self) -> bool {
        match self.call.phase {
            Phase::Waiting => true,
            Phase::Bridged => self.waiting.as_ref().is_some_and(|waiting| waiting.is_wanted(&self.leg)),
            Phase::Ivr | Phase::Recording | Phase::Leaving | Phase::Accepted | Phase::Away | Phase::Ended => false,
        }
    }
}
