//! Recordings that callers left. The carrier's name makes them one, however often it tells.
//!
//! Here stands what is known of a recording and where it is; the file itself is `recordings`' matter.

use sqlx::{AnyConnection, AssertSqlSafe, Row, any::AnyRow};

use super::{
    codec::{self, instant, named, opt_instant, opt_parsed, parsed},
    error::StoreError,
    statements::Statements,
    wake::{Topic, touch},
};
use crate::model::{
    Instant,
    call::Question,
    id::{AlertId, CallId, CarrierId, OrgId, VoicemailId},
    language::Language,
};

/// The timer by which a recording is fetched from the carrier.
pub const FETCH: &str = "recording-fetch";
/// The timer by which it is deleted at the carrier.
pub const DELETE: &str = "recording-delete";

const ID_MAX: &str = "vml_ZZZZ";

/// Where a recording is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The carrier has it, and we do not yet.
    AtCarrier,
    /// Sealed with us, and still at the carrier.
    Both,
    /// With us alone.
    Here,
    /// The carrier never gave it.
    Lost,
    /// Its time is over.
    Removed,
}

/// What a recording is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// A message after the tone.
    Message,
    /// The answer to a question of an intake.
    Answer(Question),
    /// A talk with a technician, which the flow wanted recorded.
    Talk,
}

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
    pub said: Said,
    /// What the caller spoke; `None`: an older row.
    pub language: Option<Language>,
    /// Whether it is wanted in words.
    pub transcribe: bool,
    pub place: Place,
    /// When its time is over, once it was fetched.
    pub remove_at: Option<Instant>,
    pub created_at: Instant,
}

/// One list of columns for every statement that answers with whole rows.
macro_rules! with_columns {
    ($after:literal) => {
        concat!(
            "SELECT id, call_id, alert_id, carrier, recording, url, seconds, transcript, language, transcribe, state, ",
            "remove_at, question, talk, created_at FROM voicemails ",
            $after
        )
    };
}

/// `false`: it was told before.
pub async fn insert(db: &mut AnyConnection, org: &OrgId, voicemail: &VoicemailRow) -> Result<bool, StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO voicemails (org_id, id, call_id, alert_id, carrier, recording, url, seconds, transcript, state, \
         created_at, language, transcribe, question, talk) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'kept', $10, \
         $11, $12, $13, $14) \
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
    .bind(voicemail.language.as_ref().map(Language::as_str))
    .bind(i64::from(voicemail.transcribe))
    .bind(voicemail.said.question().map(Question::as_str))
    .bind(i64::from(voicemail.said == Said::Talk))
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(inserted.rows_affected() == 1)
}

/// The oldest first.
pub async fn of_call(db: &mut AnyConnection, org: &OrgId, call: &CallId) -> Result<Vec<VoicemailRow>, StoreError> {
    let rows = sqlx::query(with_columns!("WHERE org_id = $1 AND call_id = $2 ORDER BY id"))
        .bind(org.as_str())
        .bind(call.as_str())
        .fetch_all(db)
        .await?;
    rows.iter().map(read).collect()
}

pub async fn by_id(db: &mut AnyConnection, org: &OrgId, id: &VoicemailId) -> Result<Option<VoicemailRow>, StoreError> {
    let row = sqlx::query(with_columns!("WHERE org_id = $1 AND id = $2"))
        .bind(org.as_str())
        .bind(id.as_str())
        .fetch_optional(db)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The oldest first.
pub async fn of_alert(db: &mut AnyConnection, org: &OrgId, alert: &AlertId) -> Result<Vec<VoicemailRow>, StoreError> {
    let rows = sqlx::query(with_columns!("WHERE org_id = $1 AND alert_id = $2 ORDER BY id"))
        .bind(org.as_str())
        .bind(alert.as_str())
        .fetch_all(db)
        .await?;
    rows.iter().map(read).collect()
}

/// The answers to the questions of intakes that belong to these alerts, the oldest first of each.
pub async fn answers(
    db: &mut AnyConnection,
    org: &OrgId,
    alerts: &[&AlertId],
) -> Result<Vec<VoicemailRow>, StoreError> {
    static STATEMENTS: Statements = Statements::new(
        with_columns!("WHERE (org_id, alert_id) IN (VALUES "),
        "(?, ?)",
        ") AND question IS NOT NULL ORDER BY id",
    );
    let (mut rest, mut found) = (alerts, Vec::new());
    while let Some((statement, rows)) = STATEMENTS.for_rows(rest.len()) {
        let mut query = sqlx::query(AssertSqlSafe(statement));
        let (these, others) = rest.split_at(rows);
        for alert in these {
            query = query.bind(org.as_str()).bind(alert.as_str());
        }
        for row in query.fetch_all(&mut *db).await? {
            found.push(read(&row)?);
        }
        rest = others;
    }
    Ok(found)
}

/// The newest first, before that one.
pub async fn list(
    db: &mut AnyConnection,
    org: &OrgId,
    before: Option<&VoicemailId>,
    limit: i64,
) -> Result<Vec<VoicemailRow>, StoreError> {
    let rows = sqlx::query(with_columns!("WHERE org_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"))
        .bind(org.as_str())
        // Greater than every id, in whatever order the database sorts signs.
        .bind(before.map_or(ID_MAX, VoicemailId::as_str))
        .bind(limit)
        .fetch_all(db)
        .await?;
    rows.iter().map(read).collect()
}

/// It is sealed with us. `false`: it was, or is not wanted any more.
pub async fn fetched(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &VoicemailId,
    remove_at: Instant,
) -> Result<bool, StoreError> {
    let fetched = sqlx::query(
        "UPDATE voicemails SET state = 'fetched', remove_at = $3 WHERE org_id = $1 AND id = $2 AND state = 'kept'",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(codec::millis(remove_at))
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(fetched.rows_affected() == 1)
}

/// `false`: it does not go from there to there (any more).
pub async fn go(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &VoicemailId,
    from: Place,
    to: Place,
) -> Result<bool, StoreError> {
    let gone = sqlx::query("UPDATE voicemails SET state = $4 WHERE org_id = $1 AND id = $2 AND state = $3")
        .bind(org.as_str())
        .bind(id.as_str())
        .bind(from.as_str())
        .bind(to.as_str())
        .execute(db)
        .await?;
    touch(Topic::Events);
    Ok(gone.rows_affected() == 1)
}

/// Its time is over: neither sound nor words are left. `false`: that was so before.
pub async fn remove(db: &mut AnyConnection, org: &OrgId, id: &VoicemailId) -> Result<bool, StoreError> {
    let removed = sqlx::query(
        "UPDATE voicemails SET state = 'removed', transcript = NULL, url = '' \
         WHERE org_id = $1 AND id = $2 AND state <> 'removed'",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(removed.rows_affected() == 1)
}

/// What of a call belongs to no alert yet, belongs to this one. The oldest first.
pub async fn attach(
    db: &mut AnyConnection,
    org: &OrgId,
    call: &CallId,
    alert: &AlertId,
) -> Result<Vec<VoicemailRow>, StoreError> {
    let attached =
        sqlx::query("UPDATE voicemails SET alert_id = $3 WHERE org_id = $1 AND call_id = $2 AND alert_id IS NULL")
            .bind(org.as_str())
            .bind(call.as_str())
            .bind(alert.as_str())
            .execute(&mut *db)
            .await?;
    match attached.rows_affected() {
        0 => Ok(Vec::new()),
        _ => Ok(of_alert(db, org, alert).await?.into_iter().filter(|row| row.call == *call).collect()),
    }
}

/// `false`: no such recording, or it has its transcript.
pub async fn transcribe(
    db: &mut AnyConnection,
    org: &OrgId,
    call: &CallId,
    recording: &str,
    transcript: &str,
) -> Result<bool, StoreError> {
    let transcribed = sqlx::query(
        "UPDATE voicemails SET transcript = $4 \
         WHERE org_id = $1 AND call_id = $2 AND recording = $3 AND transcript IS NULL AND state <> 'removed'",
    )
    .bind(org.as_str())
    .bind(call.as_str())
    .bind(recording)
    .bind(transcript)
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(transcribed.rows_affected() == 1)
}

fn said(row: &AnyRow) -> Result<Said, StoreError> {
    let question: Option<String> = row.try_get("question")?;
    match question {
        None if codec::flag(row, "talk")? => Ok(Said::Talk),
        None => Ok(Said::Message),
        Some(name) => {
            let question = Question::named(&name).ok_or_else(|| StoreError::corrupt("voicemails.question", &name))?;
            Ok(Said::Answer(question))
        }
    }
}

impl Said {
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Message => "caller's message",
            Self::Answer(_) => "caller's answer",
            Self::Talk => "recorded talk",
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Answer(_) => "answer",
            Self::Talk => "talk",
        }
    }

    pub fn question(self) -> Option<Question> {
        match self {
            Self::Answer(question) => Some(question),
            Self::Message | Self::Talk => None,
        }
    }
}

impl Place {
    pub const ALL: [Self; 5] = [Self::AtCarrier, Self::Both, Self::Here, Self::Lost, Self::Removed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::AtCarrier => "kept",
            Self::Both => "fetched",
            Self::Here => "stored",
            Self::Lost => "lost",
            Self::Removed => "removed",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.as_str() == name)
    }

    /// Whether we have its file.
    pub fn is_here(self) -> bool {
        match self {
            Self::Both | Self::Here => true,
            Self::AtCarrier | Self::Lost | Self::Removed => false,
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
        said: said(row)?,
        language: opt_parsed(row, "language")?,
        transcribe: codec::flag(row, "transcribe")?,
        place: named(row, "state", Place::named)?,
        remove_at: opt_instant(row, "remove_at")?,
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
                    said: Said::Answer(Question::What),
                    language: Some("de".parse().unwrap()),
                    transcribe: true,
                    place: Place::AtCarrier,
                    remove_at: None,
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
            assert_eq!(transcribed.await.unwrap(), (true, false, false));
            let found = of_call(&mut store.read().await.unwrap(), &org(), &call).await.unwrap();
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].said, Said::Answer(Question::What));
            let alert: AlertId = ids.id(at(1));
            let (id, to) = (call.clone(), alert.clone());
            let attached = store.write(async move |db| {
                Ok((attach(db, &org(), &id, &to).await?.len(), attach(db, &org(), &id, &to).await?.len()))
            });
            assert_eq!(attached.await.unwrap(), (1, 0));
            let of_alerts = answers(&mut store.read().await.unwrap(), &org(), &[&alert]).await.unwrap();
            assert_eq!(of_alerts.iter().map(|row| row.said).collect::<Vec<_>>(), [Said::Answer(Question::What)]);
            assert_eq!((found[0].seconds, found[0].transcript.as_deref()), (12, Some("The server is down.")));
        }

        async fn a_recording_goes_its_way_once_and_leaves_nothing(store: Store) {
            let ids = Ids::seeded(1);
            let voicemail = VoicemailRow {
                id: ids.id(at(0)),
                call: ids.id(at(0)),
                alert: Some(ids.id(at(0))),
                carrier: "twilio".parse().unwrap(),
                recording: "RE1".to_owned(),
                url: "https://api.example/RE1".to_owned(),
                seconds: 12,
                transcript: None,
                language: Some("de".parse().unwrap()),
                transcribe: true,
                place: Place::AtCarrier,
                said: Said::Talk,
                remove_at: None,
                created_at: at(0),
            };
            let row = voicemail.clone();
            let went = store.write(async move |db| {
                insert(db, &org(), &row).await?;
                let went = vec![
                    go(db, &org(), &row.id, Place::Both, Place::Here).await?,
                    fetched(db, &org(), &row.id, at(90)).await?,
                    fetched(db, &org(), &row.id, at(91)).await?,
                    go(db, &org(), &row.id, Place::Both, Place::Here).await?,
                    go(db, &org(), &row.id, Place::AtCarrier, Place::Lost).await?,
                    transcribe(db, &org(), &row.call, "RE1", "The server is down.").await?,
                ];
                Ok(went)
            });
            assert_eq!(went.await.unwrap(), [false, true, false, true, false, true]);
            let found = by_id(&mut store.read().await.unwrap(), &org(), &voicemail.id).await.unwrap().unwrap();
            assert_eq!((found.place, found.remove_at), (Place::Here, Some(at(90))));
            let mut db = store.read().await.unwrap();
            assert_eq!(list(&mut db, &org(), None, 5).await.unwrap(), std::slice::from_ref(&found));
            assert_eq!(list(&mut db, &org(), Some(&voicemail.id), 5).await.unwrap(), []);
            let alert = voicemail.alert.as_ref().unwrap();
            assert_eq!(answers(&mut db, &org(), &[alert]).await.unwrap(), [], "a talk answers nothing");
            assert_eq!(of_alert(&mut db, &org(), alert).await.unwrap(), [found]);
            drop(db);
            let id = voicemail.id.clone();
            let removed = store.write(async move |db| {
                Ok((remove(db, &org(), &id).await?, remove(db, &org(), &id).await?))
            });
            assert_eq!(removed.await.unwrap(), (true, false));
            let gone = by_id(&mut store.read().await.unwrap(), &org(), &voicemail.id).await.unwrap().unwrap();
            assert_eq!((gone.place, gone.transcript, gone.url.as_str()), (Place::Removed, None, ""));
        }
    }
}
