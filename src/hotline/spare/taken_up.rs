//! What happened by spare documents, brought from the journal into the database: at the start, and as soon as it is
//! there again. Each entry once, by its key, however often it is tried. Start at `State::take_up`.

use std::{collections::BTreeMap, panic::AssertUnwindSafe, time::Duration};

use chrono::TimeDelta;
use futures::FutureExt;
use serde_json::json;
use sqlx::AnyConnection;
use tokio_util::sync::CancellationToken;

use super::{Entry, What};
use crate::{
    hotline::{State, connect, effects::note, talk, voice::Arrival},
    ivr::{self, Attestation, ConnectEnd, Input},
    model::{
        alert::Actor,
        call::Outcome,
        id::{AlertId, CallId, PersonId},
        phone::Phone,
    },
    store::{
        StoreError, alerts,
        calls::CallRow,
        raise::{Dedup, Raised},
        seen,
        spent::{self, ORG, Spending, spender},
    },
    work::{Acting, msp, record},
};

/// After what could not be kept yet.
const AGAIN: TimeDelta = TimeDelta::seconds(5);
/// Another process may write to the journal: a real time, as its lines come in real time.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Databases have many words for being away; what still fails after so many tries is told as it is.
const ODD_TRIES: u32 = 12;
/// How many turns may be faster before this counts as odd.
const FASTER_MAX: u32 = 3;

impl State {
    /// Runs until `stop`, and may be broken off anywhere.
    pub async fn take_up(self, stop: CancellationToken) {
        let work = async {
            let mut odd = BTreeMap::new();
            loop {
                if self.take_all(&mut odd).await {
                    let _ = tokio::time::timeout(LOOK_EVERY, self.desk().news()).await;
                } else {
                    self.context().clock.sleep(AGAIN).await;
                }
            }
        };
        stop.run_until_cancelled(work).await.unwrap_or(())
    }

    /// `false`: something is left for later.
    async fn take_all(&self, odd: &mut BTreeMap<String, u32>) -> bool {
        // A disk that takes nothing and gives nothing must not keep back what is in memory.
        let (on_disk, in_memory) = (self.take_journal(odd).await, self.take_unkept(odd).await);
        on_disk && in_memory
    }

    async fn take_journal(&self, odd: &mut BTreeMap<String, u32>) -> bool {
        loop {
            let journal = self.desk().journal().clone();
            let context = self.context();
            let mark = format!("{:015}-{}", context.clock.now().timestamp_millis(), context.ids.nonce());
            let taken = tokio::task::spawn_blocking(move || journal.take(&mark)).await;
            let taken = match taken {
                Ok(Ok(Some(taken))) => taken,
                Ok(Ok(None)) => return true,
                Ok(Err(error)) => return unread(&error),
                Err(error) => return unread(&error),
            };
            let Some(refused) = self.bring_all(&taken.entries, odd).await else { return false };
            let journal = self.desk().journal().clone();
            let done = tokio::task::spawn_blocking(move || journal.done(&taken, &refused)).await;
            match done {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return unread(&error),
                Err(error) => return unread(&error),
            }
        }
    }

    async fn take_unkept(&self, odd: &mut BTreeMap<String, u32>) -> bool {
        let unkept = self.desk().unkept().clone();
        let Some(_) = self.bring_all(&unkept, odd).await else { return false };
        self.desk().unkept().retain(|entry| !unkept.contains(entry));
        true
    }

    /// Those that can never be kept, and have been told. `None`: some are left for later.
    async fn bring_all(&self, entries: &[Entry], odd: &mut BTreeMap<String, u32>) -> Option<Vec<Entry>> {
        let (mut left, mut refused) = (false, Vec::new());
        for entry in entries {
            let error = match AssertUnwindSafe(self.bring(entry)).catch_unwind().await {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error,
                Err(_) => StoreError::Panicked,
            };
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "what happened to a caller could not be kept yet"
            );
            if error.is_unavailable() {
                return None;
            }
            let tries = odd.entry(entry.key()).or_default();
            *tries += 1;
            if *tries > ODD_TRIES && self.tell_as_it_is(entry).await.is_ok() {
                odd.remove(&entry.key());
                refused.push(entry.clone());
            } else {
                left = true;
            }
        }
        (!left).then_some(refused)
    }

    async fn bring(&self, entry: &Entry) -> Result<(), StoreError> {
        let (key, org) = (entry.key(), self.context().directory().org.clone());
        if seen::answer(&mut *self.context().store.read().await?, &org, &key).await?.is_some() {
            return Ok(());
        }
        let arrival = &entry.arrival;
        let call = self.call_of_then(arrival, entry.at).await?;
        if let Some(call) = &call {
            match &entry.what {
                What::Used | What::Dialled(_) => {}
                What::Talked(number) => self.talked_by_spare(&call.id, self.person(number)).await?,
                What::Message { url, sid, seconds } => {
                    let (url, sid, seconds) = (url.clone(), sid.clone(), *seconds);
                    self.keep_message(&call.id, &Input::Recorded { url, sid, seconds, hung_up: false, spare: true })
                        .await?;
                }
                What::Recording { url, sid, seconds } => {
                    let (url, sid, seconds) = (url.clone(), sid.clone(), *seconds);
                    let recorded = Input::Recorded { url, sid, seconds, hung_up: false, spare: false };
                    let scene = self.scene_of(call.clone(), Attestation::NotSupplied).await?;
                    self.keep_reported(scene, recorded, None, false).await?;
                }
                What::Ended => self.finish(&call.id, "the carrier says so").await?,
            }
        } else if let What::Message { .. } | What::Recording { .. } = &entry.what {
            self.tell_as_it_is(entry).await?;
        }
        self.settle_entry(entry, call).await
    }

    /// The message pages people, whatever step the call had reached.
    async fn keep_message(&self, call: &CallId, recorded: &Input) -> Result<(), StoreError> {
        if self.tell_flow(call, recorded).await? {
            return Ok(());
        }
        // The flow has had its message: this one stands beside the call's alert.
        match self.scene(call, Attestation::NotSupplied).await? {
            Some(scene) => self.keep_beside(&scene, recorded, None).await,
            None => Ok(()),
        }
    }

    async fn talked_by_spare(&self, call: &CallId, person: Option<PersonId>) -> Result<(), StoreError> {
        if self.tell_flow(call, &Input::Connect(ConnectEnd::Bridged { person })).await? {
            Ok(())
        } else {
            Err(StoreError::Stale("the call went on meanwhile"))
        }
    }

    /// Until the call's flow has heard of it: another turn may be faster, such as the one that waited for the
    /// database when its caller was answered by the spare document.
    async fn tell_flow(&self, call: &CallId, input: &Input) -> Result<bool, StoreError> {
        for _ in 0..FASTER_MAX {
            let Some(scene) = self.scene(call, Attestation::NotSupplied).await? else { return Ok(false) };
            if self.has_heard(&scene.call, input).await? {
                return Ok(true);
            }
            let turn = scene.call.turn;
            match self.take(scene, turn, input.clone()).await {
                Ok(_) | Err(StoreError::Stale(_)) => {}
                Err(error) => return Err(error),
            }
        }
        match self.scene(call, Attestation::NotSupplied).await? {
            Some(scene) => self.has_heard(&scene.call, input).await,
            None => Ok(false),
        }
    }

    async fn has_heard(&self, call: &CallRow, input: &Input) -> Result<bool, StoreError> {
        if let Input::Recorded { .. } = input {
            return self.is_kept(&call.id, input).await;
        }
        let reached = ivr::State::from_json(&call.state).ok().and_then(|state| state.reached);
        Ok(call.outcome.or(reached) == Some(Outcome::Connected))
    }

    fn person(&self, number: &Phone) -> Option<PersonId> {
        self.context().directory().person_with_phone(number).map(|person| person.id.clone())
    }

    /// What follows from the entry and that it was brought, as one unit of work.
    async fn settle_entry(&self, entry: &Entry, call: Option<CallRow>) -> Result<(), StoreError> {
        let context = self.context();
        let (acting, org) = (context.acting(), context.directory().org.clone());
        let number = context.store.alert_number(&org).await?;
        let settling = Settling { acting, entry: entry.clone(), call, number };
        match context.change(async move |db| settling.apply(db).await).await? {
            Some(raised) => msp::settle(context, number, &raised),
            None => context.store.return_alert_number(&org, number),
        }
        Ok(())
    }

    /// What cannot be kept with its call is told in words.
    async fn tell_as_it_is(&self, entry: &Entry) -> Result<(), StoreError> {
        let acting = self.context().acting();
        let text = format!("{} It could not be kept with the call.", in_words(&acting, entry));
        let title = match &entry.what {
            What::Message { .. } | What::Recording { .. } => "A caller left a message",
            What::Used | What::Dialled(_) | What::Talked(_) | What::Ended => "A call could not be put on record",
        };
        msp::report(self.context(), &entry.key(), title, &text, None).await.map(|_| ())
    }
}

fn unread(error: &(dyn std::error::Error + 'static)) -> bool {
    tracing::error!(error, "the journal of the spare documents cannot be taken up yet");
    false
}

#[derive(Clone)]
struct Settling {
    acting: Acting,
    entry: Entry,
    call: Option<CallRow>,
    number: i64,
}

impl Settling {
    /// What became of the MSP's alert, if this was about one.
    async fn apply(&self, db: &mut AnyConnection) -> Result<Option<Raised>, StoreError> {
        let (acting, org, entry) = (&self.acting, self.acting.org(), &self.entry);
        if !seen::remember(db, org, &entry.key(), "", acting.now).await? {
            return Ok(None);
        }
        let hotline = hotline_of(acting, &entry.arrival);
        let raised = match &entry.what {
            What::Used => {
                if let Some(call) = &self.call {
                    connect::goes_elsewhere(db, acting, call).await?;
                }
                Some(self.tell(db, &hotline).await?)
            }
            What::Dialled(_) => {
                let spender = self.call.as_ref().map(|call| spender(&call.hotline));
                for subject in [Some(ORG), spender.as_deref()].into_iter().flatten() {
                    spent::count(db, org, Spending::Call, subject, entry.at).await?;
                }
                None
            }
            What::Talked(_) | What::Message { .. } | What::Recording { .. } | What::Ended => None,
        };
        let text = in_words(acting, entry);
        let alert = match &raised {
            Some(raised) => Some(raised.id.clone()),
            None => open_alert(db, acting, &hotline).await?,
        };
        if let Some(alert) = alert {
            record(db, acting, &alert, "spare", text.as_str(), json!({ "call": entry.arrival.carrier_call })).await?;
        }
        if let Some(call) = &self.call {
            note(db, acting, call, "spare", text, json!({ "what": entry.what.word() })).await?;
            if let What::Talked(number) = &entry.what
                && let Some(person) = acting.directory.person_with_phone(number)
            {
                talk::acknowledge(db, acting, call, &Actor::Person(person.id.clone())).await?;
            }
        }
        Ok(raised)
    }

    /// One alert per hotline and outage, which counts the calls.
    async fn tell(&self, db: &mut AnyConnection, hotline: &str) -> Result<Raised, StoreError> {
        let title = format!("Calls to {hotline} were answered by the spare document");
        let text = format!(
            "{} Its flow could not be served, so that callers get the static numbers of the hotline and can leave a \
             message. The timeline tells of each call; ring back whoever reached nobody.",
            in_words(&self.acting, &self.entry)
        );
        msp::tell(db, &self.acting, self.number, &matter(hotline), &title, &text, None).await
    }
}

async fn open_alert(db: &mut AnyConnection, acting: &Acting, hotline: &str) -> Result<Option<AlertId>, StoreError> {
    let dedup = Dedup { scope: msp::SCOPE.to_owned(), key: matter(hotline) };
    Ok(alerts::open_with_key(db, acting.org(), &dedup).await?.map(|row| row.alert.id))
}

fn matter(hotline: &str) -> String {
    format!("spare:{hotline}")
}

fn hotline_of(acting: &Acting, arrival: &Arrival) -> String {
    let Some(to) = &arrival.to else { return "an unreadable number".to_owned() };
    acting.directory.hotline(to).map_or(to, |hotline| &hotline.number).to_string()
}

/// A sentence for people.
fn in_words(acting: &Acting, entry: &Entry) -> String {
    let (arrival, at) = (&entry.arrival, entry.at.format("%H:%M UTC"));
    let name = |number: &Phone| {
        acting.directory.person_with_phone(number).map_or_else(|| number.to_string(), |person| person.name.clone())
    };
    let (caller, call) = (arrival.caller(), &arrival.carrier_call);
    match &entry.what {
        What::Used => {
            format!("{caller} phoned {} at {at} and heard the spare document (call {call}).", arrival.hotline())
        }
        What::Dialled(number) => format!("{} was dialled for {caller} at {at} (call {call}).", name(number)),
        What::Talked(number) => {
            format!("{} talked with {caller}; the talk was over at {at} (call {call}).", name(number))
        }
        What::Message { url, seconds, .. } | What::Recording { url, seconds, .. } => format!(
            "{caller} left a message of {seconds} seconds at {}, at {at}; the carrier has it at {url} (call {call}).",
            arrival.hotline()
        ),
        What::Ended => format!("The call of {caller} was over at {at} (call {call})."),
    }
}
