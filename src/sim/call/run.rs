//! The verbs of a document, one after the other.

use chrono::TimeDelta;
use futures::{FutureExt, future::BoxFuture};

use super::{End, Interrupt, Line, document::Document, perform::Input};
use crate::{
    carrier::twiml::{Place, Prompt, RejectReason, Verb},
    sim::signal::Origin,
};

/// Documents in a row in which no second passes: a circle of redirects.
const DOCUMENTS_MAX: u32 = 100;
/// "Too many redirects".
const CIRCLE: u32 = 11215;
/// A verb that the simulator does not play.
const NOT_PLAYED: u32 = 12200;

/// What follows a verb.
pub(super) enum Flow {
    Next,
    Goto(Origin),
    End(End),
}

/// What runs next.
enum Ahead {
    Document(Origin),
    /// In place of a document whose audio cannot be fetched.
    WithoutAudio(String),
}

impl Line {
    /// Runs a document and those that it leads to. Boxed, since a queue runs documents within one.
    pub(super) fn run(&mut self, first: Origin, place: Place) -> BoxFuture<'_, Result<End, Interrupt>> {
        async move {
            let mut next = Ahead::Document(first);
            // How many, and what their verbs took: a slow answer of the service is no part of it.
            let (mut documents, mut took) = (0, TimeDelta::zero());
            loop {
                if took >= TimeDelta::seconds(1) {
                    (documents, took) = (0, TimeDelta::zero());
                }
                documents += 1;
                if documents > DOCUMENTS_MAX {
                    self.sim.warn(&self.sid, CIRCLE, "the documents lead in a circle");
                    return Ok(End::Hangup);
                }
                let document = match next {
                    Ahead::Document(origin) => self.document(origin, place).await?,
                    Ahead::WithoutAudio(url) => self.without_audio(&url, place).await?,
                };
                let Some(document) = document else { return Ok(End::Hangup) };
                let began = self.now();
                let flow = self.verbs(&document).await;
                took += self.now() - began;
                match flow {
                    Ok(Flow::Next) => return Ok(End::Document),
                    Ok(Flow::Goto(origin)) => next = Ahead::Document(origin),
                    Ok(Flow::End(end)) => return Ok(end),
                    Err(Interrupt::Unplayable(url)) => next = Ahead::WithoutAudio(url),
                    Err(interrupt) => return Err(interrupt),
                }
            }
        }
        .boxed()
    }

    async fn verbs(&mut self, document: &Document) -> Result<Flow, Interrupt> {
        for verb in &document.verbs {
            match self.verb(verb, document).await? {
                Flow::Next => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    async fn verb(&mut self, verb: &Verb, document: &Document) -> Result<Flow, Interrupt> {
        match verb {
            Verb::Pause(pause) => {
                // A pause before anything else delays the pick-up: the caller hears ringing.
                let _: Option<Input> = self.perform(&Prompt::Pause(pause.clone()), None).await?;
            }
            Verb::Reject(reject) if !self.is_answered() => {
                return Ok(Flow::End(End::Rejected { busy: reject.reason == Some(RejectReason::Busy) }));
            }
            Verb::Dial(dial) => return self.dial(dial, document).await,
            _ => self.pick_up(),
        }
        match verb {
            Verb::Say(say) => {
                self.perform(&Prompt::Say(say.clone()), None).await?;
            }
            Verb::Play(play) => {
                self.perform(&Prompt::Play(play.clone()), None).await?;
            }
            Verb::Gather(gather) => return self.gather(gather, document).await,
            Verb::Record(record) => return self.record(record, document).await,
            Verb::Enqueue(enqueue) => return self.enqueue(enqueue, document).await,
            Verb::Leave => return Ok(Flow::End(End::Left)),
            Verb::Redirect(redirect) => {
                return Ok(self.goto(document.target(&redirect.url, redirect.method), Vec::new()));
            }
            Verb::Hangup | Verb::Reject(_) => return Ok(Flow::End(End::Hangup)),
            Verb::PlayDigits(_)
            | Verb::Refer(_)
            | Verb::Sms(_)
            | Verb::Message(_)
            | Verb::Start(_)
            | Verb::Stop(_)
            | Verb::Connect(_) => {
                self.sim.warn(&self.sid, NOT_PLAYED, format!("the simulator passes over {}", verb.name()));
            }
            Verb::Pause(_) | Verb::Dial(_) => {}
        }
        Ok(Flow::Next)
    }
}
