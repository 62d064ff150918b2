//! The timers `recording-fetch` (from the carrier, sealed, onto our disk), `recording-delete` (at the
//! carrier) and `recording-over` (here, when its time is over), each of a voicemail.
//!
//! Reads voicemails; writes them, their files and timelines, and the timers that follow.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use futures::future::BoxFuture;
use serde_json::json;
use sqlx::AnyConnection;

use super::{Recordings, transcribe::TRANSCRIBE, vault::VaultError};
use crate::{
    backoff::{RETRY_AFTER_MAX, Waits},
    carrier::{Carrier, CarrierError, Sid},
    model::{duration, id::VoicemailId},
    store::{
        StoreError, calls,
        timers::{self, DueTimer},
        voicemails::{self, DELETE, FETCH, Place, VoicemailRow},
    },
    work::{Acting, Handler, WorkError, msp, transcript},
};

/// The timer by which a recording is removed.
pub const OVER: &str = "recording-over";

/// Files are there some seconds after the call; a carrier that is away comes back.
const WAITS: Waits = Waits {
    first: Duration::from_secs(3),
    factor: 2.0,
    longest: Duration::from_secs(900),
    jitter: 0.2,
    retry_after_max: RETRY_AFTER_MAX,
};
/// Then somebody has to look.
const GIVE_UP_AFTER: TimeDelta = TimeDelta::days(2);
/// A carrier that knows nothing of a recording for so long will not: somebody has deleted it there.
const UNKNOWN_AFTER: TimeDelta = TimeDelta::hours(1);
/// Somebody hears that our folder takes nothing when that does not pass by itself.
const TELL_AFTER: TimeDelta = TimeDelta::minutes(10);
/// Some ten minutes: then what should be gone is still there, and somebody has to know.
const REMOVED_AFTER_TRIES: u32 = 8;
/// Ten minutes of sound are 10 MB: longer ones are fetched beside the timers.
const SHORT_S: u32 = 600;
/// Within the lease of a timer. A real time: sockets know no other.
const SHORT_WITHIN: Duration = Duration::from_secs(20);
/// What does not come within that may come as a long one does, whatever its length is said to be.
const SHORT_TRIES: u32 = 4;
const LONG_PATIENCE: Duration = Duration::from_secs(300);
/// Longer than a carrier is waited for.
const LONG_WITHIN: TimeDelta = TimeDelta::minutes(6);
/// While others are being fetched.
const BUSY_AGAIN: TimeDelta = TimeDelta::seconds(10);
/// Twilio's transcripts come within minutes. A recording that is gone cannot be put into words.
const CARRIERS_WORDS_WITHIN: TimeDelta = TimeDelta::minutes(15);
/// What Twilio transcribes.
const CARRIERS_WORDS_MAX_S: u32 = 120;

pub(super) struct Fetching(pub Recordings);

impl Handler for Fetching {
    fn kinds(&self) -> &[&'static str] {
        &[FETCH, DELETE, OVER]
    }

    fn handle<'a>(&'a self, timer: &'a DueTimer) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(async move {
            let done = match timer.kind.as_str() {
                FETCH => self.fetch(timer).await,
                DELETE => self.delete(timer).await,
                _ => self.over(timer).await,
            };
            done.map_err(WorkError::on(format!("{} {}", timer.kind, timer.subject)))
        })
    }
}

/// Why a recording is not here yet.
enum Trouble {
    Carrier(CarrierError),
    /// Ours: the carrier has it as long as we cannot take it.
    Vault(VaultError),
}

impl Fetching {
    async fn fetch(&self, timer: &DueTimer) -> Result<(), StoreError> {
        let Some(row) = self.0.row(timer).await?.filter(|row| row.place == Place::AtCarrier) else {
            return self.0.complete(timer).await;
        };
        let tries: u32 = timer.payload.parse().unwrap_or(0);
        if row.seconds <= SHORT_S && tries < SHORT_TRIES {
            return self.0.fetch_now(timer, &row, SHORT_WITHIN).await;
        }
        // As for a transcript: what takes longer than a handler may is begun anew only after its time limit.
        let Ok(place) = Arc::clone(&self.0.0.fetchers).try_acquire_owned() else {
            return self.0.again(timer, BUSY_AGAIN, &timer.payload).await;
        };
        self.0.again(timer, LONG_WITHIN, &timer.payload).await?;
        let (recordings, timer) = (self.0.clone(), timer.clone());
        self.0.0.workers.spawn(async move {
            let stopping = recordings.0.stopping.clone();
            if let Some(Err(error)) =
                stopping.run_until_cancelled(recordings.fetch_now(&timer, &row, LONG_PATIENCE)).await
            {
                tracing::warn!(error = &error as &dyn std::error::Error, voicemail.id = %row.id, "fetched later");
            }
            drop(place);
        });
        Ok(())
    }

    async fn delete(&self, timer: &DueTimer) -> Result<(), StoreError> {
        let Some(row) = self.0.row(timer).await? else { return self.0.complete(timer).await };
        // After the end of its time the carrier's copy has to go all the same.
        if !matches!(row.place, Place::Both | Place::Removed) {
            return self.0.complete(timer).await;
        }
        let deleted = match self.0.carrier(&row) {
            Some(carrier) => carrier.delete_recording(&sid(&row)).await,
            None => Err(gone(&row)),
        };
        if let Err(error) = deleted {
            if self.0.context().clock.now() - row.created_at < GIVE_UP_AFTER + CARRIERS_WORDS_WITHIN {
                return self.again(timer, &error).await;
            }
            let matter = format!("recording-undeleted:{}", row.id);
            let text = format!(
                "The recording {} of a {} (call {}) could not be deleted at the carrier `{}`: {error}. Delete it there by \
                 hand.",
                row.recording,
                row.said.in_words(),
                row.call,
                row.carrier
            );
            msp::report(self.0.context(), &matter, "A recording is still at the carrier", &text, None).await?;
            return self.0.complete(timer).await;
        }
        let (acting, due) = (self.0.context().acting(), timer.clone());
        let unit = async move |db: &mut AnyConnection| {
            timers::complete(db, &due).await?;
            if voicemails::go(db, acting.org(), &row.id, Place::Both, Place::Here).await? {
                let text = "The recording was deleted at the carrier.";
                transcript::note(db, &acting, &row, "recording", text, json!({ "place": "stored" })).await?;
            }
            Ok(())
        };
        self.0.context().change(unit).await
    }

    /// First the file, then the row: after a crash in between it is removed once more.
    async fn over(&self, timer: &DueTimer) -> Result<(), StoreError> {
        let Some(row) = self.0.row(timer).await?.filter(|row| row.place != Place::Removed) else {
            return self.0.complete(timer).await;
        };
        if let Err(error) = self.0.0.vault.remove(&row.id).await {
            if timer.payload.parse().is_ok_and(|tries: u32| tries >= REMOVED_AFTER_TRIES) {
                self.0.tell_of_folder(&error).await?;
            }
            return self.again(timer, &not_kept(&error)).await;
        }
        let (acting, due) = (self.0.context().acting(), timer.clone());
        let unit = async move |db: &mut AnyConnection| {
            timers::complete(db, &due).await?;
            timers::clear(db, acting.org(), TRANSCRIBE, row.id.as_str()).await?;
            if voicemails::remove(db, acting.org(), &row.id).await? {
                let text = "The time to keep the recording is over: it was removed, with its transcript.";
                transcript::note(db, &acting, &row, "recording", text, json!({ "place": "removed" })).await?;
            }
            Ok(())
        };
        self.0.context().change(unit).await
    }

    async fn again(&self, timer: &DueTimer, error: &CarrierError) -> Result<(), StoreError> {
        tracing::info!(voicemail.id = timer.subject, class = error.class.as_str(), "a recording comes later");
        let (wait, tries) = self.0.wait(timer, error.retry_after);
        self.0.again(timer, wait, &tries).await
    }
}

impl Recordings {
    async fn fetch_now(&self, timer: &DueTimer, row: &VoicemailRow, within: Duration) -> Result<(), StoreError> {
        let id = sid(row);
        let fetched = match self.carrier(row) {
            Some(carrier) => tokio::time::timeout(within, carrier.fetch_recording(&id)).await.unwrap_or_else(|_| {
                Err(CarrierError::of(crate::carrier::Class::Retry, "the recording takes longer than it is waited for"))
            }),
            None => Err(gone(row)),
        };
        let trouble = match fetched {
            Ok(audio) => match self.0.vault.keep(&row.id, audio, self.context().ids.nonce()).await {
                Ok(()) => return self.kept(timer, row).await,
                Err(error) => Trouble::Vault(error),
            },
            Err(error) => Trouble::Carrier(error),
        };
        let age = self.context().clock.now() - row.created_at;
        let (wait, tries) = self.wait(timer, trouble.retry_after());
        match &trouble {
            Trouble::Carrier(error) if age >= give_up_after(error) => return self.lost(timer, row, error).await,
            Trouble::Carrier(error) => {
                tracing::info!(voicemail.id = %row.id, class = error.class.as_str(), "a recording comes later");
            }
            Trouble::Vault(error) => {
                tracing::error!(error = error as &dyn std::error::Error, voicemail.id = %row.id, "a recording could not be kept");
                if age >= TELL_AFTER {
                    self.tell_of_folder(error).await?;
                }
            }
        }
        let (due, at) = (timer.clone(), self.context().clock.now() + wait);
        let unit = async move |db: &mut AnyConnection| timers::set(db, &due.org, FETCH, &due.subject, at, &tries).await;
        self.context().store.write(unit).await
    }

    /// The file is on our disk; now the row says so, and what follows is due.
    async fn kept(&self, timer: &DueTimer, row: &VoicemailRow) -> Result<(), StoreError> {
        let (acting, due, row) = (self.context().acting(), timer.clone(), row.clone());
        let settings = self.0.settings.clone();
        let unit = async move |db: &mut AnyConnection| {
            let (org, now, id) = (acting.org(), acting.now, row.id.as_str());
            // Of two who fetched it at once, the first one sees it at the carrier alone.
            timers::clear(db, &due.org, FETCH, id).await?;
            let Some(fresh) = voicemails::by_id(db, org, &row.id).await? else { return Ok(()) };
            let keeps = retention(db, &acting, &row).await?.unwrap_or(settings.retention);
            let remove_at = row.created_at + keeps;
            if !voicemails::fetched(db, org, &row.id, remove_at).await? {
                return Ok(());
            }
            let here = settings.transcriber.is_some();
            timers::set(db, org, OVER, id, remove_at, "").await?;
            let by_carrier = !here && awaits_carrier(&fresh);
            let delete_at = if by_carrier { fresh.created_at + CARRIERS_WORDS_WITHIN } else { now };
            timers::set(db, org, DELETE, id, delete_at.max(now), "").await?;
            if here && fresh.transcribe && fresh.transcript.is_none() {
                timers::set(db, org, TRANSCRIBE, id, now, "").await?;
            }
            let text = format!("The recording is kept sealed for {}.", duration::write(keeps));
            let detail = json!({ "place": "fetched", "remove_at": remove_at.to_rfc3339() });
            transcript::note(db, &acting, &row, "recording", text, detail).await
        };
        self.context().change(unit).await
    }

    /// Somebody has to look; its words, if the carrier has sent any, are kept as long as a recording.
    async fn lost(&self, timer: &DueTimer, row: &VoicemailRow, error: &CarrierError) -> Result<(), StoreError> {
        let matter = format!("recording-lost:{}", row.id);
        let text = format!(
            "The recording of a {} (call {}) could not be fetched from the carrier `{}`: {error}. It may still be there \
             as {}.",
            row.said.in_words(),
            row.call,
            row.carrier,
            row.recording
        );
        let title = format!("A {} could not be fetched", row.said.in_words());
        msp::report(self.context(), &matter, &title, &text, None).await?;
        let (acting, due, row) = (self.context().acting(), timer.clone(), row.clone());
        let otherwise = self.0.settings.retention;
        let unit = async move |db: &mut AnyConnection| {
            timers::clear(db, &due.org, FETCH, &due.subject).await?;
            if voicemails::go(db, acting.org(), &row.id, Place::AtCarrier, Place::Lost).await? {
                let remove_at = row.created_at + retention(db, &acting, &row).await?.unwrap_or(otherwise);
                timers::set(db, acting.org(), OVER, row.id.as_str(), remove_at, "").await?;
                let text = "The recording could not be fetched from the carrier.";
                transcript::note(db, &acting, &row, "recording", text, json!({ "place": "lost" })).await?;
            }
            Ok(())
        };
        self.context().change(unit).await
    }

    /// One matter, however many recordings wait for it.
    async fn tell_of_folder(&self, error: &VaultError) -> Result<(), StoreError> {
        let cause = std::error::Error::source(error).map_or_else(String::new, |cause| format!(": {cause}"));
        let text = format!(
            "Recordings of callers cannot be kept on this machine or removed from it: {error}{cause}. What is at the \
             carrier stays there, and is fetched when that is mended."
        );
        let (matter, title) = ("recordings-folder", "Recordings cannot be kept on this machine");
        msp::report(self.context(), matter, title, &text, None).await.map(|_| ())
    }

    /// Until the next try, and what that one is to know.
    fn wait(&self, timer: &DueTimer, retry_after: Option<Duration>) -> (TimeDelta, String) {
        let tries: u32 = timer.payload.parse().unwrap_or(0) + 1;
        let wait = WAITS.before(tries, self.context().ids.fraction(), retry_after);
        (TimeDelta::from_std(wait).unwrap_or(GIVE_UP_AFTER), tries.to_string())
    }

    fn carrier(&self, row: &VoicemailRow) -> Option<&dyn Carrier> {
        self.0.carriers.get(&row.carrier).map(|line| line.carrier.as_ref())
    }

    pub(super) async fn row(&self, timer: &DueTimer) -> Result<Option<VoicemailRow>, StoreError> {
        let Ok(id) = timer.subject.parse::<VoicemailId>() else { return Ok(None) };
        voicemails::by_id(&mut *self.context().store.read().await?, &timer.org, &id).await
    }

    pub(super) async fn complete(&self, timer: &DueTimer) -> Result<(), StoreError> {
        let due = timer.clone();
        self.context().store.write(async move |db| timers::complete(db, &due).await).await.map(|_| ())
    }

    /// `false`: the timer is somebody else's by now.
    pub(super) async fn again(&self, timer: &DueTimer, wait: TimeDelta, payload: &str) -> Result<(), StoreError> {
        let (due, at, payload) = (timer.clone(), self.context().clock.now() + wait, payload.to_owned());
        let again = async move |db: &mut AnyConnection| {
            if timers::complete(db, &due).await? {
                timers::set(db, &due.org, &due.kind, &due.subject, at, &payload).await?;
            }
            Ok(())
        };
        self.context().store.write(again).await
    }
}

/// What the contract of the call says.
async fn retention(
    db: &mut AnyConnection,
    acting: &Acting,
    row: &VoicemailRow,
) -> Result<Option<TimeDelta>, StoreError> {
    let call = calls::by_id(db, acting.org(), &row.call).await?;
    let contract = call.and_then(|call| call.contract);
    Ok(contract.and_then(|id| acting.directory.contracts.get(&id)?.recordings))
}

/// Whether the carrier's transcript may still come.
fn awaits_carrier(row: &VoicemailRow) -> bool {
    let english = row.language.as_ref().is_some_and(|language| language.primary() == "en");
    row.transcribe && row.transcript.is_none() && english && row.seconds <= CARRIERS_WORDS_MAX_S
}

/// The carrier's name for it; a spare document's recording is known by its address alone.
fn sid(row: &VoicemailRow) -> Sid {
    Sid::new(row.recording.rsplit('/').next().unwrap_or(&row.recording))
}

fn gone(row: &VoicemailRow) -> CarrierError {
    let message = format!("the carrier `{}` is not configured any more", row.carrier);
    CarrierError::of(crate::carrier::Class::Account, message)
}

impl Trouble {
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Carrier(error) => error.retry_after,
            Self::Vault(_) => None,
        }
    }
}

fn give_up_after(error: &CarrierError) -> TimeDelta {
    match error.status {
        Some(404 | 410) => UNKNOWN_AFTER,
        _ => GIVE_UP_AFTER,
    }
}

fn not_kept(error: &VaultError) -> CarrierError {
    tracing::error!(error = error as &dyn std::error::Error, "a recording could not be kept or removed");
    CarrierError::of(crate::carrier::Class::Retry, "the recording could not be kept on this machine")
}
