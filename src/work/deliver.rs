//! Works off the outbox: claims attempts for a lease, looks at the alert once more, sends, and records
//! what came of it together with what follows.
//!
//! Reads and writes `attempts`; is woken by `Topic::Outbox`. Never decides whom to tell, nor whether a
//! failed try is repeated: that is the plan's and the channels' part. Start with `Deliver::run`.

use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc};

use chrono::TimeDelta;
use futures::FutureExt;
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Context, aside,
    caps::{self, Refusal},
    carriers,
    lanes::Lanes,
    marks, msp,
    pulse::{Pulses, Worker},
    quiet,
    settle::{self, Settled},
    stopped, storm,
    timers::{LEASE, PAUSE, POLL},
};
use crate::{
    carrier::{Class, choose::Remembered},
    model::{
        Instant,
        alert::AlertState,
        id::AlertId,
        person::{Address, Channel},
        priority::Priority,
    },
    notify::{
        Channels,
        channels::{Looked, Sent},
    },
    store::{
        StoreError, Topic,
        alerts::{self, AlertRow},
        attempts::{Attempt, AttemptKind},
        carried, notifications,
        outbox::{self, Answer, Outcome},
        owners::{self, Seeker},
    },
    telemetry::metric,
};

const AT_ONCE: usize = 128;
/// Sooner than what is under way is done, so that a carrier is never left idle.
const LANE_AGAIN: TimeDelta = TimeDelta::milliseconds(200);
/// How soon to look again whether a call still holds the alert.
const HELD_AGAIN: TimeDelta = TimeDelta::seconds(5);

#[derive(Clone)]
pub(super) struct Deliver {
    context: Context,
    channels: Channels,
    places: Arc<Semaphore>,
    lanes: Arc<Lanes>,
    pulses: Pulses,
}

impl Deliver {
    pub fn new(context: Context, channels: Channels, pulses: &Pulses) -> Self {
        let lanes = Lanes::new(|channel| channels.per_second(channel));
        Self { context, channels, places: Arc::new(Semaphore::new(AT_ONCE)), lanes, pulses: pulses.clone() }
    }

    /// Until it is stopped; what it has begun it finishes.
    pub async fn run(self, stop: CancellationToken) {
        let begun = TaskTracker::new();
        let mut woken = self.context.store.wake().watch(Topic::Outbox);
        while !stop.is_cancelled() {
            self.pulses.beat(Worker::Outbox, self.context.clock.now());
            let wait_until = match self.turn(&begun).await {
                Ok(Some(at)) => at,
                Ok(None) => continue,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the outbox could not be read");
                    self.context.clock.now() + PAUSE
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = woken.notified() => {}
                () = self.context.clock.sleep_until(wait_until) => {}
            }
        }
        begun.close();
        begun.wait().await;
    }

    /// Begins what is due. `None`: there may be more; otherwise when to look again.
    async fn turn(&self, begun: &TaskTracker) -> Result<Option<Instant>, StoreError> {
        let now = self.context.clock.now();
        let next = outbox::next_due(&mut *self.context.store.read().await?).await?;
        if next.is_none_or(|next| next > now) {
            return Ok(Some(next.into_iter().chain([now + POLL]).min().unwrap_or(now)));
        }
        let Ok(first) = Arc::clone(&self.places).acquire_owned().await else { return Ok(Some(now + POLL)) };
        let mut places = vec![first];
        while let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            places.push(place);
        }
        for (attempt, place) in self.claim(places.len()).await?.into_iter().zip(places) {
            let this = self.clone();
            begun.spawn(async move {
                this.deliver(&attempt).await;
                drop(place);
            });
        }
        Ok(None)
    }

    /// The most urgent first: they are begun in this order, and the carrier's pace takes them in it.
    pub(super) async fn claim(&self, limit: usize) -> Result<Vec<Attempt>, StoreError> {
        let (lease, now) = (self.context.ids.nonce(), self.context.clock.now());
        let limit = i64::try_from(limit).unwrap_or(1);
        let acting = self.context.acting();
        let claim = async move |db: &mut sqlx::AnyConnection| {
            let mut claimed = outbox::claim(db, now, now + LEASE, &lease, limit).await?;
            // Before the caps: what is not sent costs nothing.
            let stopped = stopped::sieve(db, &mut claimed.due).await?;
            let lost = marks::sieve(db, &acting, &mut claimed.due).await?;
            let quiet = quiet::sieve(db, &acting, &mut claimed.due).await?;
            let held = storm::sieve(db, &acting, &mut claimed.due).await?;
            let refused = caps::sieve(db, &acting, &mut claimed.due).await?;
            let unsent = stopped.into_iter().map(|attempt| (attempt, stopped::outcome()));
            let unsent = unsent.chain(lost.into_iter().map(|(attempt, mark)| (attempt, marks::unsent(&mark))));
            Ok((claimed, unsent.collect::<Vec<_>>(), (quiet, held), refused))
        };
        let (claimed, unsent, (quiet, held), refused) = self.context.change(claim).await?;
        quiet::count(&quiet);
        held.count();
        for attempt in claimed.set_aside {
            aside::attempt(&self.context, &attempt).await;
        }
        // Each by itself: one that cannot be settled comes back after its lease, and blocks no other.
        for (attempt, outcome) in unsent {
            if let Err(error) = self.settle(&attempt, outcome).await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a page by a way that is not used could not be ended yet"
                );
            }
        }
        for (attempt, refusal) in refused {
            if let Err(error) = self.refused(&attempt, &refusal).await {
                tracing::error!(error = &error as &dyn std::error::Error, "a page over a cap could not be ended yet");
            }
        }
        let mut due = claimed.due;
        if due.len() > 1 {
            // They are ours now: without an order they go out as well.
            let priorities = self.priorities(&due).await.unwrap_or_else(|error| {
                tracing::warn!(error = &error as &dyn std::error::Error, "the most urgent pages could not be told");
                BTreeMap::new()
            });
            let urgency = |attempt: &Attempt| attempt.alert.as_ref().and_then(|alert| priorities.get(alert)).copied();
            due.sort_by_key(|attempt| (attempt.kind, urgency(attempt).unwrap_or(Priority::P4), attempt.due_at));
        }
        Ok(due)
    }

    async fn priorities(&self, due: &[Attempt]) -> Result<BTreeMap<AlertId, Priority>, StoreError> {
        let mut priorities = BTreeMap::new();
        let mut db = self.context.store.read().await?;
        for attempt in due {
            let Some(id) = attempt.alert.as_ref().filter(|id| !priorities.contains_key(*id)) else { continue };
            if let Some(row) = alerts::by_id(&mut db, &attempt.org, id).await? {
                priorities.insert(id.clone(), row.alert.priority);
            }
        }
        Ok(priorities)
    }

    /// Whatever goes wrong here, the lease runs out and the attempt comes back, unsure.
    pub(super) async fn deliver(&self, attempt: &Attempt) {
        if let Err(error) = self.try_to(attempt).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                attempt.id = %attempt.id,
                "an attempt could not be worked on; it comes back"
            );
        }
    }

    async fn try_to(&self, attempt: &Attempt) -> Result<(), StoreError> {
        let now = self.context.clock.now();
        let row = self.alert(attempt).await?;
        let urgent = row.as_ref().is_some_and(|row| row.alert.priority == Priority::P1);
        let customer = row.as_ref().and_then(|row| row.alert.customer.as_ref());
        let Some(_pass) = self.lanes.enter(attempt.address.channel(), urgent, customer) else {
            return self.stands(attempt, now).await;
        };
        if let Some(outcome) = self.reconsider(attempt, row.as_ref()).await? {
            return self.settle(attempt, without_sending(outcome)).await;
        }
        self.measure(attempt, row.as_ref());
        let sent = AssertUnwindSafe(self.send(attempt)).catch_unwind().await.unwrap_or_else(|_| Ok(panicked(now)))?;
        let account = sent.class == Some(Class::Account);
        let words = sent.answer.message.clone();
        self.settle(attempt, sent).await?;
        carriers::tell(&self.context, self.channels.carriers()).await;
        if account {
            self.account(attempt, words.as_deref().unwrap_or("it says no more")).await?;
        }
        Ok(())
    }

    /// Too many requests are under way: others go first, and it says so once it is sent.
    async fn stands(&self, attempt: &Attempt, now: Instant) -> Result<(), StoreError> {
        let standing = attempt.clone();
        if attempt.stood_since.is_none()
            && self.context.store.write(async move |db| outbox::stands(db, &standing, now).await).await?
        {
            metrics::counter!(
                metric::HELD_BACK, "channel" => attempt.address.channel().as_str(), "what" => "stands"
            )
            .increment(1);
        }
        self.settle(attempt, without_sending(Outcome::Postponed { at: now + LANE_AGAIN })).await
    }

    async fn alert(&self, attempt: &Attempt) -> Result<Option<AlertRow>, StoreError> {
        let Some(alert) = &attempt.alert else { return Ok(None) };
        alerts::by_id(&mut *self.context.store.read().await?, &attempt.org, alert).await
    }

    /// A page is sent only while its alert waits for somebody, now. `None`: send it.
    async fn reconsider(&self, attempt: &Attempt, row: Option<&AlertRow>) -> Result<Option<Outcome>, StoreError> {
        let (AttemptKind::Page, Some(row)) = (attempt.kind, row) else { return Ok(None) };
        if row.alert.state != AlertState::Triggered {
            return Ok(Some(Outcome::Dropped));
        }
        if row.held_by_call.is_some() && attempt.address.channel() == Channel::Voice {
            return Ok(Some(Outcome::Postponed { at: self.context.clock.now() + HELD_AGAIN }));
        }
        // Acknowledged and reopened meanwhile, or told anew: this page belongs to an earlier story.
        let Some(notification) = &attempt.notification else { return Ok(None) };
        let told = notifications::by_id(&mut *self.context.store.read().await?, &attempt.org, notification).await?;
        Ok(told.is_some_and(|told| told.done).then_some(Outcome::Dropped))
    }

    async fn send(&self, attempt: &Attempt) -> Result<Sent, StoreError> {
        let earlier = if attempt.unsure { self.earlier(attempt).await? } else { Looked::Missing };
        let known = self.known(attempt).await?;
        Ok(self.channels.send_after(attempt, earlier, &known).await)
    }

    /// Through whom the number was reached, where there is a choice.
    async fn known(&self, attempt: &Attempt) -> Result<Remembered, StoreError> {
        let (Address::Sms(phone) | Address::Voice(phone)) = &attempt.address else { return Ok(Remembered::default()) };
        if !self.channels.carriers().are_several() {
            return Ok(Remembered::default());
        }
        let mut db = self.context.store.read().await?;
        carried::of(&mut db, &attempt.org, (attempt.address.channel(), phone)).await.map(Remembered)
    }

    /// What became of a try whose answer got lost. What is found and belongs to another is not it.
    async fn earlier(&self, attempt: &Attempt) -> Result<Looked, StoreError> {
        let seeker = match &attempt.address {
            Address::Voice(number) => Seeker::Page(&attempt.id, number),
            Address::Sms(_)
            | Address::Email(_)
            | Address::Push(_)
            | Address::Slack(_)
            | Address::Teams(_)
            | Address::Telegram(_)
            | Address::Ntfy(_)
            | Address::Webhook(_) => Seeker::Message(&attempt.id),
        };
        for looked in self.channels.candidates(attempt).await {
            let Looked::Found { answer: Answer { carrier: Some(carrier), provider_id: Some(id), .. }, .. } = &looked
            else {
                return Ok(looked);
            };
            let mut db = self.context.store.read().await?;
            if attempt.provider_id.is_some()
                || !owners::is_of_another(&mut db, &attempt.org, carrier, id, seeker).await?
            {
                return Ok(looked);
            }
        }
        Ok(Looked::Missing)
    }

    async fn settle(&self, attempt: &Attempt, sent: Sent) -> Result<(), StoreError> {
        let (acting, settled) = (self.context.acting(), attempt.clone());
        let settled = self.context.change(async move |db| settle::sent(db, &acting, &settled, &sent).await).await?;
        match settled {
            Settled::Ended(state) => settle::count(attempt, state),
            Settled::Going => {}
            Settled::Stale => {
                tracing::warn!(attempt.id = %attempt.id, "an attempt's outcome came after its lease and was refused");
            }
        }
        Ok(())
    }

    /// From the alert's acceptance to the first request at a provider.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of some minutes")]
    fn measure(&self, attempt: &Attempt, row: Option<&AlertRow>) {
        let Some(row) = row.filter(|row| row.alert.level == Some(0) && row.round == 0) else { return };
        // What has waited for a contract's hours was not slow.
        if row.has_waited() {
            return;
        }
        if attempt.kind == AttemptKind::Page && attempt.tries == 1 && attempt.due_at == attempt.created_at {
            let waited = (self.context.clock.now() - row.alert.opened_at).num_milliseconds() as f64 / 1_000.0;
            let channel = attempt.address.channel().as_str();
            metrics::histogram!(metric::PAGE_SECONDS, "channel" => channel).record(waited);
        }
    }

    /// Nobody is reached this way until an operator changes the account: they hear of it by another.
    async fn account(&self, attempt: &Attempt, words: &str) -> Result<(), StoreError> {
        let channel = attempt.address.channel();
        let title = format!("Nobody can be reached by {channel}");
        let text = format!("The provider of {channel} refuses everything until its account is changed: {words}");
        msp::report(&self.context, &format!("account:{channel}"), &title, &text, None).await.map(|_| ())
    }

    /// It fails, and the MSP hears why. An alert about ourselves that is not sent for this reason says
    /// nothing new.
    async fn refused(&self, attempt: &Attempt, refusal: &Refusal) -> Result<(), StoreError> {
        self.settle(attempt, refusal.outcome()).await?;
        if aside::is_about_us(&self.context, &attempt.org, attempt.alert.as_ref()).await? {
            return Ok(());
        }
        let Some((matter, title)) = &refusal.told else { return Ok(()) };
        let text = format!("Such pages fail, and other ways are tried: {}.", refusal.why);
        msp::report(&self.context, matter, title, &text, None).await.map(|_| ())
    }
}

fn without_sending(outcome: Outcome) -> Sent {
    Sent { outcome, answer: Answer::default(), class: None, tried: Vec::new() }
}

/// Nobody knows how far it got.
fn panicked(now: Instant) -> Sent {
    let outcome = Outcome::Again { at: now + POLL, unsure: true };
    without_sending(outcome)
}
