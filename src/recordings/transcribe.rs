//! The timer `transcribe` of a voicemail: a local command turns speech into words.
//!
//! The command may take longer than a handler may, so its timer is moved behind its time limit first and
//! cleared when the words are there: a crash in between only repeats it. It is run without a shell, with a
//! bare environment (ours holds secrets), and is ended when it takes too long.

use std::process::Stdio;

use chrono::TimeDelta;
use futures::future::BoxFuture;
use sqlx::AnyConnection;
use thiserror::Error;
use tokio::{io::AsyncReadExt, process::Command, sync::OwnedSemaphorePermit};

use super::{Recordings, vault::VaultError};
use crate::{
    model::language::Language,
    store::{
        StoreError,
        timers::{self, DueTimer},
        voicemails::{self, VoicemailRow},
    },
    web::text,
    work::{Handler, WorkError, transcript},
};

pub const TRANSCRIBE: &str = "transcribe";

/// While others are being transcribed.
const BUSY_AGAIN: TimeDelta = TimeDelta::seconds(10);
/// Between the end of its time and the next try.
const SLACK: TimeDelta = TimeDelta::seconds(30);
const TRIES_MAX: u32 = 3;
/// What a command may print. Half an hour of speech is less.
const OUTPUT_MAX: u64 = 64 * 1_024;
const WORDS_MAX: usize = 4_000;
/// What a command may know of our environment.
const ENVIRONMENT: [&str; 4] = ["PATH", "HOME", "LANG", "TMPDIR"];

#[derive(Debug, Error)]
enum Trouble {
    #[error("the recording could not be opened")]
    Vault(#[source] VaultError),
    #[error("the transcriber could not be run")]
    Run(#[source] std::io::Error),
    #[error("the transcriber took longer than it may and was ended")]
    TooLong,
    #[error("the transcriber ended with {0}")]
    Failed(std::process::ExitStatus),
    #[error("the transcriber heard no words")]
    Nothing,
    #[error("the words could not be kept")]
    Store(#[source] StoreError),
}

pub(super) struct Transcribing(pub Recordings);

impl Handler for Transcribing {
    fn kinds(&self) -> &[&'static str] {
        &[TRANSCRIBE]
    }

    fn handle<'a>(&'a self, timer: &'a DueTimer) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(async move { self.begin(timer).await.map_err(WorkError::on(format!("transcript {}", timer.subject))) })
    }
}

impl Transcribing {
    async fn begin(&self, timer: &DueTimer) -> Result<(), StoreError> {
        let parts = &self.0.0;
        let row = self.0.row(timer).await?;
        let wanted = row.filter(|row| row.place.is_here() && row.transcribe && row.transcript.is_none());
        let tries: u32 = timer.payload.parse().unwrap_or(0);
        let (Some(row), Some(command)) = (wanted.filter(|_| tries < TRIES_MAX), &parts.settings.transcriber) else {
            if let Ok(id) = timer.subject.parse() {
                parts.vault.close(&id).await;
            }
            return self.0.complete(timer).await;
        };
        let Ok(place) = std::sync::Arc::clone(&parts.transcribers).try_acquire_owned() else {
            return self.0.again(timer, BUSY_AGAIN, &timer.payload).await;
        };
        self.0.again(timer, parts.settings.transcriber_limit + SLACK, &(tries + 1).to_string()).await?;
        let (recordings, command) = (self.0.clone(), command.clone());
        parts.workers.spawn(async move { recordings.transcribe(row, command, place).await });
        Ok(())
    }
}

impl Recordings {
    async fn transcribe(self, row: VoicemailRow, command: Vec<String>, place: OwnedSemaphorePermit) {
        let stopping = self.0.stopping.clone();
        // Stopped in between, the command is ended, and its timer comes back.
        let Some(outcome) = stopping.run_until_cancelled(self.words(&row, &command)).await else { return };
        let kept = match outcome {
            Ok(words) => self.keep(&row, words).await.map_err(Trouble::Store),
            Err(trouble) => Err(trouble),
        };
        if let Err(trouble) = kept {
            tracing::warn!(error = &trouble as &dyn std::error::Error, voicemail.id = %row.id, "no transcript yet");
        }
        drop(place);
    }

    async fn words(&self, row: &VoicemailRow, command: &[String]) -> Result<String, Trouble> {
        let open = self.0.vault.open(&row.id).await.map_err(Trouble::Vault)?;
        let Some(open) = open else { return Err(Trouble::Nothing) };
        let file = open.path.to_string_lossy().into_owned();
        let language = row.language.clone().unwrap_or_else(Language::english);
        let filled = |word: &String| word.replace("{file}", &file).replace("{language}", language.primary());
        let command: Vec<String> = command.iter().map(filled).collect();
        let limit = self.0.settings.transcriber_limit.to_std().unwrap_or_default();
        let limit = self.context().clock.real(limit).max(SHORTEST);
        let said = tokio::time::timeout(limit, run(&command)).await.map_err(|_| Trouble::TooLong)??;
        let words = text::line(&said, WORDS_MAX);
        if words.is_empty() { Err(Trouble::Nothing) } else { Ok(words) }
    }

    async fn keep(&self, row: &VoicemailRow, words: String) -> Result<(), StoreError> {
        let (acting, row) = (self.context().acting(), row.clone());
        let unit = async move |db: &mut AnyConnection| {
            timers::clear(db, acting.org(), TRANSCRIBE, row.id.as_str()).await?;
            if voicemails::transcribe(db, acting.org(), &row.call, &row.recording, &words).await? {
                transcript::arrived(db, &acting, &row, &words).await?;
            }
            Ok(())
        };
        self.context().change(unit).await
    }
}

/// However fast the clock goes, a program needs its time.
const SHORTEST: std::time::Duration = std::time::Duration::from_secs(5);

/// What the command prints, as far as it is read.
async fn run(command: &[String]) -> Result<String, Trouble> {
    let Some((program, arguments)) = command.split_first() else { return Err(Trouble::Nothing) };
    let known = ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(known)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(Trouble::Run)?;
    let mut said = Vec::new();
    if let Some(output) = child.stdout.take() {
        output.take(OUTPUT_MAX).read_to_end(&mut said).await.map_err(Trouble::Run)?;
    }
    let status = child.wait().await.map_err(Trouble::Run)?;
    if !status.success() && said.len() < usize::try_from(OUTPUT_MAX).unwrap_or(usize::MAX) {
        return Err(Trouble::Failed(status));
    }
    Ok(String::from_utf8_lossy(&said).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ran(command: &[&str]) -> Result<String, Trouble> {
        run(&command.iter().map(ToString::to_string).collect::<Vec<_>>()).await
    }

    #[tokio::test]
    async fn a_command_is_run_without_a_shell_and_without_our_secrets() {
        assert_eq!(ran(&["echo", "$HOME; rm -rf x"]).await.unwrap(), "$HOME; rm -rf x\n");
        let environment = ran(&["env"]).await.unwrap();
        let foreign = environment.lines().filter(|line| !ENVIRONMENT.iter().any(|name| line.starts_with(name)));
        assert_eq!(foreign.count(), 0, "{environment}");
    }

    #[tokio::test]
    async fn a_command_that_fails_says_no_words_and_one_that_never_stops_printing_is_cut() {
        assert!(matches!(ran(&["false"]).await, Err(Trouble::Failed(_))));
        assert!(matches!(ran(&["/no/such/program"]).await, Err(Trouble::Run(_))));
        assert!(matches!(ran(&[]).await, Err(Trouble::Nothing)));
        assert_eq!(ran(&["yes"]).await.unwrap().len(), 65_536);
    }
}
