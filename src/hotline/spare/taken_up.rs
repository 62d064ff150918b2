//! What happened by spare documents, brought from the journal into the database: at the start, and as soon as it is
//! there again. Each entry once, by its key, however often it is tried. Start at `State::take_up`.

use std::{collections::BTreeMap, panic::AssertUnwindSafe, time::Duration};

use chrono::TimeDelta;
use futures::FutureExt;
use serde_json::json;
use sqlx::AnyConnection;
use tokio_util::sync::CancellationToken;

use super::{Entry, Recorded, What, disk::BATCH};
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
        calls::{self, CallRow},
        raise::{Dedup, Raised},
        seen,
        spent::{self, ORG, Spending, destination, spender},
    },
    telemetry::metric,
    work::{Acting, act, msp, record},
};

/// After what could not be kept yet.
const AGAIN: TimeDelta = TimeDelta::seconds(5);
/// Another process may write to the journal: a real time, as its lines come in real time.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Databases have many words for being away; what still fails after so many tries is told as it is.
const ODD_TRIES: u32 = 12;
/// How many turns may be faster before this counts as odd.
const FASTER_MAX: u32 = 3;

/// What came of looking through disk and memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Looked {
    All,
    /// The disk does not say what it has.
    Unread,
    /// Something is left for later.
    Left,
}

/// All that was brought home, except these.
#[derive(Default)]
struct Brought {
    /// Can never be kept, and have been told.
    refused: Vec<Entry>,
    /// Cannot be kept yet.
    again: Vec<Entry>,
}

impl State {
    /// Runs until `stop`, and may be broken off anywhere.
    pub async fn take_up(self, stop: CancellationToken) {
        let work = async {
            let mut odd = BTreeMap::new();
            loop {
                match self.take_all(&mut odd).await {
                    Looked::All => {
                        let _ = tokio::time::timeout(LOOK_EVERY, self.desk().disk().news()).await;
                    }
                    Looked::Unread | Looked::Left => {
                        // A stop, or whoever kills us, must find as much as possible on the disk.
                        self.desk().disk().write_again().await;
                        self.context().clock.sleep(AGAIN).await;
                    }
                }
            }
        };
        stop.run_until_cancelled(work).await.unwrap_or(())
    }

    async fn take_all(&self, odd: &mut BTreeMap<String, u32>) -> Looked {
        let noted = self.desk().disk().noted();
        // What is on the disk happened first. A disk that fails must not keep back what is in memory.
        let (on_disk, in_memory) = (self.take_journal(odd).await, self.take_unkept(odd).await);
        let looked = on_disk.max(in_memory);
        if looked != Looked::Left {
            self.desk().disk().looked_through(noted);
        }
        looked
    }

    async fn take_journal(&self, odd: &mut BTreeMap<String, u32>) -> Looked {
        let disk = self.desk().disk();
        loop {
            let context = self.context();
            let mark = format!("{:015}-{}", context.clock.now().timestamp_millis(), context.ids.nonce());
            let taken = match disk.take(mark).await {
                Ok(Some(taken)) => taken,
                Ok(None) => return Looked::All,
                Err(error) => return unread(&error),
            };
            let Some(Brought { refused, again }) = self.bring_all(&taken.entries, odd).await else {
                return Looked::Left;
            };
            if !self.tell_of_unreadable(&taken.unreadable).await {
                return Looked::Left;
            }
            let is_left = !again.is_empty();
            if let Err(error) = disk.done(taken, refused, again).await {
                return unread(&error);
            }
            if is_left {
                return Looked::Left;
            }
        }
    }

    async fn take_unkept(&self, odd: &mut BTreeMap<String, u32>) -> Looked {
        let disk = self.desk().disk();
        let mut looked = Looked::All;
        for _ in 0..=disk.unkept_count() / BATCH {
            let unkept = disk.oldest_unkept();
            let Some(Brought { again, .. }) = self.bring_all(&unkept, odd).await else { return Looked::Left };
            if !again.is_empty() {
                looked = Looked::Left;
            }
            disk.worked_off(unkept.len(), again);
        }
        looked
    }

    /// Lines that are none of ours may have been somebody's message. `false`: that cannot be told yet.
    async fn tell_of_unreadable(&self, lines: &[String]) -> bool {
        if lines.is_empty() {
            return true;
        }
        let (count, file) = (lines.len(), self.desk().disk().unreadable().display().to_string());
        metrics::counter!(metric::SPARE, "what" => "unreadable").increment(count as u64);
        tracing::error!(count, file, "lines of the journal cannot be read, and are put aside");
        let title = "Lines of the journal cannot be read";
        let text = format!(
            "{count} of the lines in which the spare documents keep what happened to callers cannot be read, as after a \
             power cut. They are put aside in {file}: look whether somebody left a message."
        );
        match msp::report(self.context(), "spare-unreadable", title, &text, None).await {
            Ok(_) => true,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "that lines cannot be read is not told yet");
                !error.is_unavailable()
            }
        }
    }

    /// `None`: the database is away, and all is left for later.
    async fn bring_all(&self, entries: &[Entry], odd: &mut BTreeMap<String, u32>) -> Option<Brought> {
        let mut brought = Brought::default();
        for entry in entries {
            if brought.again.iter().any(|before| before.arrival.is_same_call(&entry.arrival)) {
                // That a call is over must not be known before what happened in it.
                brought.again.push(entry.clone());
                continue;
            }
            let error = match AssertUnwindSafe(self.bring(entry)).catch_unwind().await {
                Ok(Ok(())) => {
                    odd.remove(&entry.key());
                    continue;
                }
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
                brought.refused.push(entry.clone());
            } else {
                brought.again.push(entry.clone());
            }
        }
        Some(brought)
    }

    async fn bring(&self, entry: &Entry) -> Result<(), StoreError> {
        let (key, org) = (entry.key(), self.context().directory().org.clone());
        if seen::answer(&mut *self.context().store.read().await?, &org, &key).await?.is_some() {
            return Ok(());
        }
        let call = match &entry.what {
            What::Talk { call, .. } => self.scene(call, Attestation::NotSupplied).await?.map(|scene| scene.call),
            What::Used
            | What::Dialled(_)
            | What::Talked(_)
            | What::Message(_)
            | What::Recording { .. }
            | What::Ended => self.call_of_then(&entry.arrival, entry.at).await?,
        };
        if let Some(call) = &call {
            match &entry.what {
                What::Used | What::Dialled(_) => {}
                What::Talked(number) => self.talked_by_spare(&call.id, self.person(number)).await?,
                What::Message(recorded) => self.keep_message(&call.id, &recorded.input(true)).await?,
                What::Recording { recorded, question } => {
                    let scene = self.scene_of(call.clone(), Attestation::NotSupplied).await?;
                    self.keep_reported(scene, recorded.input(false), *question, false).await?;
                }
                What::Talk { call, recorded } => self.keep_talk(call, recorded).await?,
                What::Ended => self.finish(&call.id, "the carrier says so").await?,
            }
        } else if entry.what.recorded().is_some() {
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
            What::Message(_) | What::Recording { .. } => "A caller left a message",
            What::Talk { .. } => "A recorded talk could not be kept",
            What::Used | What::Dialled(_) | What::Talked(_) | What::Ended => "A call could not be put on record",
        };
        msp::report(self.context(), &entry.key(), title, &text, None).await.map(|_| ())
    }
}

fn unread(error: &(dyn std::error::Error + 'static)) -> Looked {
    tracing::error!(error, "the journal of the spare documents cannot be taken up yet");
    Looked::Unread
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
            What::Dialled(number) => {
                let (number, spender) = (destination(number), self.call.as_ref().map(|call| spender(&call.hotline)));
                for subject in [Some(ORG), Some(number.as_str()), spender.as_deref()].into_iter().flatten() {
                    spent::count(db, org, Spending::Call, subject, entry.at).await?;
                }
                None
            }
            What::Talked(_) | What::Message(_) | What::Recording { .. } | What::Talk { .. } | What::Ended => None,
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
            if let What::Talked(number) = &entry.what {
                self.settle_talk(db, &call.id, number).await?;
            }
        }
        Ok(raised)
    }

    /// The alert of a call is in the hands of whoever talked with its caller.
    async fn settle_talk(&self, db: &mut AnyConnection, call: &CallId, number: &Phone) -> Result<(), StoreError> {
        let acting = &self.acting;
        let Some(call) = calls::by_id(db, acting.org(), call).await? else { return Ok(()) };
        let person = acting.directory.person_with_phone(number).map(|person| Actor::Person(person.id.clone()));
        let has_counted_as_missed = ivr::State::from_json(&call.state).is_ok_and(|state| state.missed_told);
        match (&call.alert, person) {
            // It says that nobody spoke with them, and pages people for that.
            (Some(alert), person) if has_counted_as_missed => {
                act::acknowledge(db, acting, alert, &person.unwrap_or(Actor::System), "by taking the caller")
                    .await
                    .map(|_| ())
            }
            (_, Some(person)) => talk::acknowledge(db, acting, &call, &person).await,
            (_, None) => Ok(()),
        }
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
        What::Message(Recorded { url, seconds, .. })
        | What::Recording { recorded: Recorded { url, seconds, .. }, .. } => format!(
            "{caller} left a message of {seconds} seconds at {}, at {at}; the carrier has it at {url} (call {call}).",
            arrival.hotline()
        ),
        What::Talk { call, recorded: Recorded { url, seconds, .. } } => {
            format!("A talk of {seconds} seconds was recorded at {at}; the carrier has it at {url} (call {call}).")
        }
        What::Ended => format!("The call of {caller} was over at {at} (call {call})."),
    }
}
