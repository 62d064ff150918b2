//! Fetching a document: from the service, from its fallback URL when that fails, or not at all.

use tokio::sync::oneshot;
use url::Url;

use super::{Interrupt, Line, pair};
use crate::{
    carrier::twiml::{self, AnswerKind, Method, Place, Play, Response, Say, TwimlError, Verb},
    sim::{
        event::{Source, What},
        signal::Origin,
        webhook::{Answer, Failure},
        world::Target,
    },
};

/// What the carrier says when neither the document nor the fallback can be had.
const APPLICATION_ERROR: &str = "We are sorry. An application error has occurred. Goodbye.";
/// "Absolute URL needed".
const RELATIVE: u32 = 11100;
/// "HTTP retrieval failure", of audio too.
const AUDIO: u32 = 11200;

pub(super) struct Document {
    pub verbs: Vec<Verb>,
    /// What relative URLs stand beside; none for an inline document.
    base: Option<Url>,
    /// The document's own URL: where a Gather and a Record without action go.
    own: Option<Target>,
}

impl Document {
    /// Where an attribute points to.
    pub fn target(&self, url: &str, method: Option<Method>) -> Option<Target> {
        let url = match (&self.base, url.contains("://")) {
            (_, true) => url.to_owned(),
            (Some(base), false) => base.join(url).ok()?.to_string(),
            (None, false) => return None,
        };
        Some(Target { url, method: method.unwrap_or(Method::Post) })
    }

    /// The action, or the document's own URL.
    pub fn action_or_own(&self, action: Option<&String>, method: Option<Method>) -> Option<Target> {
        match action {
            Some(action) => self.target(action, method),
            None => self.own.clone(),
        }
    }
}

impl Line {
    /// The next document; `None` when there is none, which has been said to the caller.
    pub(super) async fn document(&mut self, origin: Origin, place: Place) -> Result<Option<Document>, Interrupt> {
        let (failure, url) = match origin {
            Origin::Inline(text) => match self.understand(&text, place) {
                Ok(verbs) => return Ok(Some(Document { verbs, base: None, own: None })),
                Err(error) => (failure(&error), String::new()),
            },
            Origin::Url { target, extra } => match self.fetch(target.clone(), &extra, place).await? {
                Ok(document) => return Ok(Some(document)),
                Err(failure) => (failure, target.url),
            },
        };
        self.instead(failure, &url, place).await
    }

    /// Audio that cannot be fetched ends a document as one that cannot be had: seen in TwilioDevEd's
    /// `anonymous-communications-rails`, pull request 180, where callers heard the application error.
    pub(super) async fn without_audio(&mut self, url: &str, place: Place) -> Result<Option<Document>, Interrupt> {
        let failure = Failure { code: AUDIO, text: "the audio could not be fetched".to_owned() };
        self.instead(failure, url, place).await
    }

    /// What the fallback URL answers, or the carrier's own sentence.
    async fn instead(&mut self, failure: Failure, url: &str, place: Place) -> Result<Option<Document>, Interrupt> {
        self.sim.warn(&self.sid, failure.code, format!("{} ({url})", failure.text));
        let fallback = self.sim.world().legs[&self.sid].fallback.clone();
        if let Some(fallback) = fallback {
            let extra = [pair("ErrorCode", failure.code), pair("ErrorUrl", url)];
            match self.fetch(fallback.clone(), &extra, place).await? {
                Ok(document) => return Ok(Some(document)),
                Err(failure) => self.sim.warn(&self.sid, failure.code, format!("{} ({})", failure.text, fallback.url)),
            }
        }
        self.pick_up();
        self.note(What::Heard {
            leg: self.sid.clone(),
            text: APPLICATION_ERROR.to_owned(),
            language: Some("en-US".to_owned()),
            voice: None,
            source: Source::Error,
        });
        self.wait_until(self.now() + self.sim.0.times.speech(APPLICATION_ERROR)).await?;
        Ok(None)
    }

    async fn fetch(
        &mut self,
        target: Target,
        extra: &[(String, String)],
        place: Place,
    ) -> Result<Result<Document, Failure>, Interrupt> {
        let request = self.request(target.clone(), extra);
        let (sender, answer) = oneshot::channel();
        let sim = self.sim.clone();
        // On a task of its own: a request goes on when its leg is interrupted; only its answer counts for nothing.
        self.sim.spawn(async move {
            let _ = sender.send(sim.request(request).await);
        });
        let answer = match self.during(answer).await? {
            Ok(Ok(answer)) => answer,
            Ok(Err(failure)) => return Ok(Err(failure)),
            Err(_) => return Err(Interrupt::Ended),
        };
        if let Some(held) = self.sim.world().legs.get_mut(&self.sid) {
            held.cookies.extend(answer.cookies.iter().cloned());
        }
        Ok(self.read(&answer, place).map(|verbs| Document { verbs, base: Some(answer.url), own: Some(target) }))
    }

    fn read(&self, answer: &Answer, place: Place) -> Result<Vec<Verb>, Failure> {
        let kind = twiml::answer_kind(answer.content_type.as_deref()).map_err(|error| failure(&error))?;
        match kind {
            AnswerKind::Document => self.understand(&answer.body, place).map_err(|error| failure(&error)),
            AnswerKind::Audio => Ok(vec![Play::url(answer.url.as_str()).into()]),
            AnswerKind::Text => {
                Ok(self.understand(&answer.body, place).unwrap_or_else(|_| vec![Say::text(answer.body.trim()).into()]))
            }
        }
    }

    /// The verbs that run in this place; the rest is noted.
    fn understand(&self, text: &str, place: Place) -> Result<Vec<Verb>, TwimlError> {
        let read = twiml::read(text)?;
        for warning in &read.warnings {
            self.sim.warn(&self.sid, warning.code, format!("{}: {}", warning.element, warning.what));
        }
        let runs = |verb: &Verb| {
            let refused = twiml::refused_in(place, &Response { verbs: vec![verb.clone()] });
            for warning in &refused {
                self.sim.warn(&self.sid, warning.code, format!("{}: {}", warning.element, warning.what));
            }
            refused.is_empty()
        };
        Ok(read.response.verbs.into_iter().filter(runs).collect())
    }

    /// Goes to an action, when it can be found out where that is.
    pub(super) fn goto(&self, target: Option<Target>, extra: Vec<(String, String)>) -> super::run::Flow {
        match target {
            Some(target) => super::run::Flow::Goto(Origin::Url { target, extra }),
            None => {
                self.sim.warn(&self.sid, RELATIVE, "an inline document has no URL to go on with");
                super::run::Flow::End(super::End::Hangup)
            }
        }
    }

    /// A request because the caller has gone: it may carry something worth keeping, its answer is not
    /// executed.
    pub(super) fn farewell(&self, target: Option<Target>, extra: &[(String, String)]) {
        let Some(target) = target else { return };
        let request = self.request(target, extra);
        let sim = self.sim.clone();
        self.sim.spawn(async move {
            let about = request.about.clone();
            if let Err(failure) = sim.request(request).await {
                sim.warn(&about, failure.code, failure.text);
            }
        });
    }
}

fn failure(error: &TwimlError) -> Failure {
    Failure { code: error.code(), text: error.to_string() }
}
