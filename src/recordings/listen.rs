//! `GET /r/{token}`: plays a recording to whoever has a genuine link that has not expired. Parts of it
//! (`Range`) may be asked for, as players do.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{Recordings, vault::VaultError};
use crate::{
    model::id::VoicemailId,
    notify::links::LinkError,
    store::{
        StoreError,
        voicemails::{self, Place},
    },
    web::{problem::Problem, refusals},
};

pub(super) async fn play(
    State(recordings): State<Recordings>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let context = recordings.context();
    let id = context.links.read_recording(&token, context.clock.now()).map_err(refused)?;
    match recordings.place(&id).await.map_err(|error| unavailable(&error))? {
        Some(Place::Both | Place::Here) => {}
        Some(Place::AtCarrier) => {
            let detail = "it is still at the carrier: come again in a minute";
            return Err(Problem::new(StatusCode::NOT_FOUND, "the recording is not here yet").detail(detail));
        }
        Some(Place::Lost | Place::Removed) | None => return Err(gone()),
    }
    let audio = recordings.0.vault.read(&id).await.map_err(|error| broken(&id, &error))?;
    let audio = audio.ok_or_else(|| {
        tracing::error!(voicemail.id = %id, "the file of a recording is not in the folder of this node");
        gone()
    })?;
    Ok(answer(audio, headers.get(header::RANGE)))
}

impl Recordings {
    async fn place(&self, id: &VoicemailId) -> Result<Option<Place>, StoreError> {
        let org = self.context().directory().org.clone();
        let row = voicemails::by_id(&mut *self.context().store.read().await?, &org, id).await?;
        Ok(row.map(|row| row.place))
    }
}

fn answer(audio: Vec<u8>, range: Option<&HeaderValue>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind(&audio))),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    let total = audio.len();
    let asked = range.and_then(|range| range.to_str().ok()).and_then(|range| range.strip_prefix("bytes="));
    match asked.map(|asked| part(asked, total)) {
        // Several parts at once, or words of another kind: the whole is a right answer too.
        None | Some(Part::Whole) => (headers, audio).into_response(),
        Some(Part::None) => {
            (StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, format!("bytes */{total}"))]).into_response()
        }
        Some(Part::Of(first, last)) => {
            let stretch = [(header::CONTENT_RANGE, format!("bytes {first}-{last}/{total}"))];
            (StatusCode::PARTIAL_CONTENT, headers, stretch, audio[first..=last].to_vec()).into_response()
        }
    }
}

/// Twilio gives WAV, Telnyx MP3.
fn kind(audio: &[u8]) -> &'static str {
    if audio.starts_with(b"ID3") || audio.starts_with(&[0xff, 0xfb]) { "audio/mpeg" } else { "audio/wav" }
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Whole,
    None,
    /// From there to there, both within.
    Of(usize, usize),
}

/// `0-99`, `100-`, `-100` (the last hundred).
fn part(asked: &str, total: usize) -> Part {
    let Some((first, last)) = asked.split_once('-').filter(|_| !asked.contains(',')) else { return Part::Whole };
    let number = |text: &str| text.trim().parse::<usize>();
    let end = total.saturating_sub(1);
    let (first, last) = match (number(first), number(last)) {
        (Ok(first), Ok(last)) => (first, last.min(end)),
        (Ok(first), Err(_)) if last.trim().is_empty() => (first, end),
        (Err(_), Ok(length)) if first.trim().is_empty() && length > 0 => (total.saturating_sub(length), end),
        (Err(_), Ok(0)) => return Part::None,
        _ => return Part::Whole,
    };
    if first < total && first <= last { Part::Of(first, last) } else { Part::None }
}

fn refused(error: LinkError) -> Problem {
    refusals::refused("recordings", "link");
    match error {
        LinkError::Forged => Problem::new(StatusCode::FORBIDDEN, "this link plays nothing")
            .detail("it is none of ours, or was cut short on its way"),
        LinkError::Expired => Problem::new(StatusCode::GONE, "this link is too old")
            .detail("the console and the API give a new one as long as the recording is kept"),
    }
}

fn gone() -> Problem {
    Problem::new(StatusCode::GONE, "the recording is gone").detail("the time to keep it is over, or it never came")
}

fn unavailable(error: &StoreError) -> Problem {
    tracing::error!(error = error as &dyn std::error::Error, "a recording could not be looked up");
    Problem::unavailable()
}

fn broken(id: &VoicemailId, error: &VaultError) -> Problem {
    tracing::error!(error = error as &dyn std::error::Error, voicemail.id = %id, "a recording could not be read");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the recording cannot be read").detail("the log says why")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_recording_is_shows_at_its_beginning() {
        assert_eq!(kind(b"RIFF\x24\x00\x00\x00WAVE"), "audio/wav");
        assert_eq!(kind(b"ID3\x04\x00"), "audio/mpeg");
        assert_eq!(kind(&[0xff, 0xfb, 0x90, 0x00]), "audio/mpeg");
    }

    #[test]
    fn players_ask_for_parts() {
        for (asked, expect) in [
            ("0-99", Part::Of(0, 99)),
            ("100-", Part::Of(100, 999)),
            ("-100", Part::Of(900, 999)),
            ("-5000", Part::Of(0, 999)),
            ("0-5000", Part::Of(0, 999)),
            ("1000-", Part::None),
            ("9-3", Part::None),
            ("-0", Part::None),
            ("0-1,5-6", Part::Whole),
            ("x-y", Part::Whole),
            ("-", Part::Whole),
        ] {
            assert_eq!(part(asked, 1_000), expect, "{asked}");
        }
        assert_eq!(part("0-", 0), Part::None);
    }
}
