//! What a test, the demo or a person does with the simulator: buy numbers, phone, press, watch.

use std::net::SocketAddr;

use chrono::TimeDelta;
use futures::Stream;

use super::{
    Behaviour, Board, Caller, Direction, Event, Hooks, Leg, Message, Press, Sid, Sim, Watch, What, actor,
    leg::NewLeg,
    signal::{Origin, Signal},
    world::{Subscription, Target},
};
use crate::{
    carrier::{status::CallStatus, twiml::CallEvent},
    clock::Clock,
    model::{phone::Phone, secret::Secret},
};

/// "Dial: number has no voice URL": nobody set the number up.
const NO_VOICE_URL: u32 = 11100;

impl Sim {
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// What the service's `base_url` is set to.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// The first account.
    pub fn account_sid(&self) -> String {
        self.0.accounts[0].sid.clone()
    }

    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Buys a number, or sets it up anew.
    pub fn number(&self, number: Phone, hooks: Hooks) {
        self.world().numbers.insert(number, hooks);
    }

    /// How somebody's phone behaves from its next ringing or SMS on.
    pub fn phone(&self, number: Phone, behaviour: Behaviour) {
        self.world().phones.insert(number, behaviour);
    }

    /// Audio at addresses that end so plays for so many seconds, instead of `Times::play_s`.
    pub fn lasts(&self, url_end: &str, seconds: f64) {
        self.world().audio.insert(url_end.to_owned(), seconds);
    }

    /// From its next webhook on it signs as a carrier that only speaks Twilio's language.
    pub fn signs(&self, header: &str, key: Secret) {
        self.world().signature = Some((header.to_owned(), key));
    }

    /// Audio at addresses that end so cannot be fetched.
    pub fn is_missing(&self, url_end: &str) {
        self.world().missing.insert(url_end.to_owned());
    }

    /// Somebody phones a number. One that is not bought, or has no voice URL, ends as `failed`.
    pub fn call(&self, from: Caller, to: Phone) -> Sid {
        self.call_attested(from, to, None)
    }

    /// The same, where the network says something of the caller's number (STIR/SHAKEN), in Twilio's words:
    /// `TN-Validation-Passed-A`, `TN-Validation-Failed`.
    pub fn call_attested(&self, from: Caller, to: Phone, verstat: Option<&str>) -> Sid {
        let from = match from {
            Caller::Number(number) => number.to_string(),
            Caller::Withheld => "anonymous".to_owned(),
        };
        let hooks = self.world().numbers.get(&to).cloned().unwrap_or_default();
        let line = self.open_leg(NewLeg {
            account: if hooks.account.is_empty() { self.account_sid() } else { hooks.account },
            from,
            to: to.to_string(),
            direction: Direction::Inbound,
            parent: None,
            status: CallStatus::Ringing,
            subscription: hooks
                .voice_status
                .map(|url| Subscription { target: Target::post(url), events: vec![CallEvent::Completed] }),
            fallback: hooks.voice_fallback.map(Target::post),
            verstat: verstat.map(str::to_owned),
        });
        let sid = line.sid().clone();
        match hooks.voice_url {
            Some(url) => self.spawn(line.inbound(Origin::url(Target::post(url)))),
            None => {
                self.warn(&sid, NO_VOICE_URL, format!("{to} is not set up: buy it with a voice URL"));
                self.advance(&sid, CallStatus::Failed);
            }
        }
        sid
    }

    /// Presses keys, one after the other. They are lost when no document listens for them.
    pub fn press(&self, leg: &Sid, keys: &str) -> bool {
        self.note(What::Keys { leg: leg.clone(), keys: keys.to_owned() });
        let world = self.world();
        keys.chars().all(|key| world.signal(leg, Signal::Key(key)))
    }

    /// The person at this leg's phone says something: to whoever listens, records or is bridged.
    pub fn speak(&self, leg: &Sid, text: &str, confidence: f64) -> bool {
        self.note(What::Spoke { leg: leg.clone(), text: text.to_owned() });
        self.world().signal(leg, Signal::Speech { text: text.to_owned(), confidence })
    }

    pub fn hang_up(&self, leg: &Sid) -> bool {
        self.world().signal(leg, Signal::HangUp)
    }

    /// Picks up a ringing phone.
    pub fn answer(&self, leg: &Sid) -> bool {
        self.world().signal(leg, Signal::Answer)
    }

    pub fn decline(&self, leg: &Sid) -> bool {
        self.world().signal(leg, Signal::Decline)
    }

    /// Lets the person at this leg's phone press and say things on their own.
    pub fn follow(&self, leg: &Sid, script: impl IntoIterator<Item = Press>) {
        self.spawn(actor::act(self.clone(), leg.clone(), script.into_iter().collect(), None));
    }

    /// Everything from the first event on, as it comes; ends with the simulator.
    pub fn events(&self) -> impl Stream<Item = Event> + Send + use<> {
        self.events_after(0)
    }

    pub fn events_after(&self, seq: u64) -> impl Stream<Item = Event> + Send + use<> {
        let stopping = self.0.stopping.clone();
        let stream = Watch { sim: self.clone(), seq }.stream();
        futures::StreamExt::take_until(stream, stopping.cancelled_owned())
    }

    pub fn log(&self) -> Vec<Event> {
        self.log_after(0)
    }

    /// What has happened since the event of that number.
    pub fn log_after(&self, seq: u64) -> Vec<Event> {
        self.0.journal.since(seq)
    }

    /// A reader that begins here and now.
    pub fn watch(&self) -> Watch {
        Watch { sim: self.clone(), seq: self.0.journal.last() }
    }

    /// A reader that begins with the first event.
    pub fn watch_all(&self) -> Watch {
        Watch { sim: self.clone(), seq: 0 }
    }

    /// The first event ever that matches, waiting for it when it has not come. For stories, where the
    /// same thing happens twice, keep a `watch`.
    pub async fn wait_for(&self, matches: impl Fn(&What) -> bool, within: TimeDelta) -> Option<Event> {
        self.watch_all().next(matches, within).await
    }

    /// Every leg so far, in the order in which they began.
    pub fn legs(&self) -> Vec<Leg> {
        self.world().legs_in_order()
    }

    /// Legs that have not ended.
    pub fn live_legs(&self) -> Vec<Leg> {
        self.legs().into_iter().filter(|leg| leg.ended_at.is_none()).collect()
    }

    pub fn messages(&self) -> Vec<Message> {
        self.world().messages.clone()
    }

    pub fn faults(&self) -> &Board {
        &self.0.board
    }
}
