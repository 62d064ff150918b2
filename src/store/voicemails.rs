//! Recordings that callers left. The carrier's name makes them one, however often it tells.

use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{
    codec::{self, instant, opt_parsed, parsed},
    error::StoreError,
    wake::{Topic, touch},
};
use crate::model::{
    Instant,
    call::Question,
    id::{AlertId, CallId, CarrierId, OrgId, VoicemailId},
};

#[derive(Debug, Clone, PartialEq)]
pub struct VoicemailRow {
    pub id: VoicemailId,
    pub call: CallId,
    pub alert: Option<AlertId>,
    pub carrier: CarrierId,
    /// The carrier's name for it.
    pub recording: String,
    pub url: String,
    pub seconds: u32,
    pub transcript: Option<String>,
    /// What it answers; `None`: a message of its own.
    pub question: Option<Question>,
    pub created_at: Instant,
}

/// `false`: it was told before.
pub async fn insert(db: &mut AnyConnection, org: &OrgId, voicemail: &VoicemailRow) -> Result<bool, StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO voicemails (org_id, id, call_id, alert_id, carrier, recording, url, seconds, transcript, state, \
         created_at, question) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'kept', $10, $11) \
         ON CONFLICT (org_id, call_id, recording) DO NOTHING",
    )
    .bind(org.as_str())
    .bind(voicemail.id.as_str())
    .bind(voicemail.call.as_str())
    .bind(voicemail.alert.as_ref().map(AlertId::as_str))
    .bind(voicemail.carrier.as_str())
    .bind(voicemail.recording.as_str())
    .bind(voicemail.url.as_str())
    .bind(i64::from(voicemail.seconds))
    .bind(voicemail.transcript.as_deref())
    .bind(codec::millis(voicemail.created_at))
    .bind(voicemail.question.map(Question::as_str))
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(inserted.rows_affected() == 1)
}

/// The oldest first.
pub async fn of_call(db: &mut AnyConnection, org: &OrgId, call: &CallId) -> Result<Vec<VoicemailRow>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, call_id, alert_id, carrier, recording, url, seconds, transcript, question, created_at FROM voicemails \
         WHERE org_id = $1 AND call_id = $2 ORDER BY id",
    )
    .bind(org.as_str())
    .bind(call.as_str())
    .fetch_all(db)
    .await?;
    rows.iter().map(read).collect()
}

/// What of a call belongs to no alert yet, belongs to this one. The oldest first.
pub async fn attach(
    db: &mut AnyConnection,
    org: &OrgId,
    call: &CallId,
    alert: &AlertId,
) -> Result<Vec<VoicemailRow>, StoreError> {
    let rows = sqlx::query(
        "UPDATE voicemails SET alert_id = $3 WHERE org_id = $1 AND call_id = $2 AND alert_id IS NULL \
         RETURNING id, call_id, alert_id, carrier, recording, url, seconds, transcript, question, created_at",
    )
    .bind(org.as_str())
    .bind(call.as_str())
    .bind(alert.as_str())
    .fetch_all(db)
    .await?;
    let mut rows: Vec<VoicemailRow> = rows.iter().map(read).collect::<Result<_, _>>()?;
    rows.sort_by(|one, other| one.id.as_str().cmp(other.id.as_str()));
    Ok(rows)
}

/// What it answers, if anything. `None`: no such recording, or it has its transcript.
pub async fn transcribe(
    db: &mut AnyConnection,
    org: &OrgId,
    call: &CallId,
    recording: &str,
    transcript: &str,
) -> Result<Option<Option<Question>>, StoreError> {
    let transcribed = sqlx::query(
        "UPDATE voicemails SET transcript = $4 \
         WHERE org_id = $1 AND call_id = $2 AND recording = $3 AND transcript IS NULL RETURNING question",
    )
    .bind(org.as_str())
    .bind(call.as_str())
    .bind(recording)
    .bind(transcript)
    .fetch_optional(db)
    .await?;
    touch(Topic::Events);
    transcribed.as_ref().map(question).transpose()
}

fn question(row: &AnyRow) -> Result<Option<Question>, StoreError> {
    let name: Option<String> = row.try_get("question")?;
    match name {
        None => Ok(None),
        Some(name) => {
            Ok(Some(Question::named(&name).ok_or_else(|| StoreError::corrupt("voicemails.question", &name))?))
        }
    }
}

fn read(row: &AnyRow) -> Result<VoicemailRow, StoreError> {
    Ok(VoicemailRow {
        id: parsed(row, "id")?,
        call: parsed(row, "call_id")?,
        alert: opt_parsed(row, "alert_id")?,
        carrier: parsed(row, "carrier")?,
        recording: row.try_get("recording")?,
        url: row.try_get("url")?,
        seconds: codec::small(row, "seconds")?,
        transcript: row.try_get("transcript")?,
        question: question(row)?,
        created_at: instant(row, "created_at")?,
    })
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;
    use crate::{
        clock::Ids,
        store::testing::{at, on_both, org},
    };

    on_both! {
        async fn a_recording_that_is_told_ten_times_is_one_voicemail(store: Store) {
            let ids = Ids::seeded(1);
            let call: CallId = ids.id(at(0));
            let inserts = (0..10).map(|_| {
                let voicemail = VoicemailRow {
                    id: ids.id(at(0)),
                    call: call.clone(),
                    alert: None,
                    carrier: "twilio".parse().unwrap(),
                    recording: "RE1".to_owned(),
                    url: "https://api.example/RE1".to_owned(),
                    seconds: 12,
                    transcript: None,
                    question: Some(Question::What),
                    created_at: at(0),
                };
                store.write(async move |db| insert(db, &org(), &voicemail).await)
            });
            assert_eq!(join_all(inserts).await.into_iter().filter(|new| *new.as_ref().unwrap()).count(), 1);
            let id = call.clone();
            let transcribed = store.write(async move |db| {
                let first = transcribe(db, &org(), &id, "RE1", "The server is down.").await?;
                let again = transcribe(db, &org(), &id, "RE1", "Something else.").await?;
                Ok((first, again, transcribe(db, &org(), &id, "RE2", "Nothing.").await?))
            });
            assert_eq!(transcribed.await.unwrap(), (Some(Some(Question::What)), None, None));
            let found = of_call(&mut store.read().await.unwrap(), &org(), &call).await.unwrap();
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].question, Some(Question::What));
            let alert: AlertId = ids.id(at(1));
            let (id, to) = (call.clone(), alert.clone());
            let attached = store.write(async move |db| {
                Ok((attach(db, &org(), &id, &to).await?.len(), attach(db, &org(), &id, &to).await?.len()))
            });
            assert_eq!(attached.await.unwrap(), (1, 0));
            assert_eq!((found[0].seconds, found[0].transcript.as_deref()), (12, Some("The server is down.")));
        }
    }
}
