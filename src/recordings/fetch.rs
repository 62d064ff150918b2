//! The timers `recording-fetch` (from the carrier, sealed, onto our disk), `recording-delete` (at the
//! carrier) and `recording-over` (here, when its time is over), each of a voicemail.
//!
//! Reads voicemails; writes them, their files and timelines, and the timers that follow.

use std::time::Duration;

use chrono::TimeDelta;
use futures::future::BoxFuture;
use serde_json::json;
use sqlx::AnyConnection;

use super::{Recordings, transcribe::TRANSCRIBE, vault::VaultError};
use crate::{
    backoff::Waits,
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
    retry_after_max: Duration::from_secs(3_600),
};
/// Then somebody has to look.
const GIVE_UP_AFTER: TimeDelta = TimeDelta::days(2);
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

impl Fetching {
    async fn fetch(&self, timer: &DueTimer) -> Result<(), StoreError> {
        let Some(row) = self.0.row(timer).await?.filter(|row| row.place == Place::AtCarrier) else {
            return self.0.complete(timer).await;
        };
        let fetched = match self.carrier(&row) {
            Some(carrier) => carrier.fetch_recording(&sid(&row)).await,
            None => Err(gone(&row)),
        };
        let error = match fetched {
            Ok(audio) => match self.0.0.vault.keep(&row.id, audio, self.0.context().ids.nonce()).await {
                Ok(()) => return self.kept(timer, &row).await,
                Err(error) => not_kept(&error),
            },
            Err(error) => error,
        };
        if self.0.context().clock.now() - row.created_at < GIVE_UP_AFTER {
            return self.again(timer, &error).await;
        }
        let matter = format!("recording-lost:{}", row.id);
        let text = format!(
            "The recording of a caller's message (call {}) could not be fetched from the carrier `{}`: {error}. It may \
             still be there as {}.",
            row.call, row.carrier, row.recording
        );
        msp::report(self.0.context(), &matter, "A caller's message could not be fetched", &text, None).await?;
        let (acting, due) = (self.0.context().acting(), timer.clone());
        let unit = async move |db: &mut AnyConnection| {
            timers::complete(db, &due).await?;
            if voicemails::go(db, acting.org(), &row.id, Place::AtCarrier, Place::Lost).await? {
                let text = "The recording could not be fetched from the carrier.";
                transcript::note(db, &acting, &row, "recording", text, json!({ "place": "lost" })).await?;
            }
            Ok(())
        };
        self.0.context().change(unit).await
    }

    /// The file is on our disk; now the row says so, and what follows is due.
    async fn kept(&self, timer: &DueTimer, row: &VoicemailRow) -> Result<(), StoreError> {
        let (acting, due, row) = (self.0.context().acting(), timer.clone(), row.clone());
        let settings = self.0.0.settings.clone();
        let unit = async move |db: &mut AnyConnection| {
            if !timers::complete(db, &due).await? {
                return Ok(());
            }
            let (org, now) = (acting.org(), acting.now);
            let Some(fresh) = voicemails::by_id(db, org, &row.id).await? else { return Ok(()) };
            let keeps = retention(db, &acting, &row).await?.unwrap_or(settings.retention);
            let remove_at = row.created_at + keeps;
            if !voicemails::fetched(db, org, &row.id, remove_at).await? {
                return Ok(());
            }
            let here = settings.transcriber.is_some();
            let id = row.id.as_str();
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
        self.0.context().change(unit).await
    }

    async fn delete(&self, timer: &DueTimer) -> Result<(), StoreError> {
        let Some(row) = self.0.row(timer).await? else { return self.0.complete(timer).await };
        // After the end of its time the carrier's copy has to go all the same.
        if !matches!(row.place, Place::Both | Place::Removed) {
            return self.0.complete(timer).await;
        }
        let deleted = match self.carrier(&row) {
            Some(carrier) => carrier.delete_recording(&sid(&row)).await,
            None => Err(gone(&row)),
        };
        if let Err(error) = deleted {
            if self.0.context().clock.now() - row.created_at < GIVE_UP_AFTER + CARRIERS_WORDS_WITHIN {
                return self.again(timer, &error).await;
            }
            let matter = format!("recording-undeleted:{}", row.id);
            let text = format!(
                "The recording {} of a caller's message (call {}) could not be deleted at the carrier `{}`: {error}. \
                 Delete it there by hand.",
                row.recording, row.call, row.carrier
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

    fn carrier(&self, row: &VoicemailRow) -> Option<&dyn Carrier> {
        self.0.0.carriers.get(&row.carrier).map(|line| line.carrier.as_ref())
    }

    async fn again(&self, timer: &DueTimer, error: &CarrierError) -> Result<(), StoreError> {
        let context = self.0.context();
        let tries: u32 = timer.payload.parse().unwrap_or(0) + 1;
        let wait = WAITS.before(tries, context.ids.fraction(), error.retry_after);
        tracing::info!(voicemail.id = timer.subject, tries, class = error.class.as_str(), "a recording comes later");
        self.0.again(timer, TimeDelta::from_std(wait).unwrap_or(GIVE_UP_AFTER), &tries.to_string()).await
    }
}

impl Recordings {
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

fn not_kept(error: &VaultError) -> CarrierError {
    tracing::error!(error = error as &dyn std::error::Error, "a recording could not be kept or removed");
    CarrierError::of(crate::carrier::Class::Retry, "the recording could not be kept on this machine")
}
