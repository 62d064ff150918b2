//! Gather: keys or words. No input at all leads to the next verb.

use chrono::TimeDelta;

use super::{Interrupt, Line, document::Document, pair, perform::Input, run::Flow};
use crate::{
    carrier::twiml::{Gather, GatherInput},
    sim::event::What,
};

/// Twilio's default: seconds of silence.
const TIMEOUT_S: u32 = 5;

/// What came in so far.
#[derive(Default)]
struct Collected {
    digits: String,
    finished_on: Option<char>,
    speech: Option<(String, f64)>,
}

impl Line {
    pub(super) async fn gather(&mut self, gather: &Gather, document: &Document) -> Result<Flow, Interrupt> {
        let listening = gather.input.unwrap_or(GatherInput::Dtmf);
        let speech = listening != GatherInput::Dtmf;
        self.note(What::Listening { leg: self.sid.clone(), num_digits: gather.num_digits, speech });
        let mut input = None;
        for prompt in &gather.prompts {
            input = self.perform(prompt, Some(listening)).await?;
            if input.is_some() {
                break;
            }
        }
        let collected = self.collect(gather, listening, input).await?;
        let is_empty = collected.digits.is_empty() && collected.speech.is_none();
        if is_empty && gather.action_on_empty_result != Some(true) {
            return Ok(Flow::Next);
        }
        let extra = match collected.speech {
            Some((text, confidence)) => vec![
                pair("SpeechResult", text),
                pair("Confidence", confidence),
                pair("Language", gather.language.as_deref().unwrap_or("en-US")),
            ],
            None => vec![
                pair("Digits", collected.digits),
                pair("FinishedOnKey", collected.finished_on.map(String::from).unwrap_or_default()),
            ],
        };
        Ok(self.goto(document.action_or_own(gather.action.as_ref(), gather.method), extra))
    }

    /// Until the last digit, the finishing key, words, or silence. Each key starts the silence anew.
    async fn collect(
        &mut self,
        gather: &Gather,
        listening: GatherInput,
        mut input: Option<Input>,
    ) -> Result<Collected, Interrupt> {
        let finish = match gather.finish_on_key.as_deref() {
            None => Some('#'),
            Some(key) => key.chars().next(),
        };
        let silence = TimeDelta::seconds(gather.timeout_s.unwrap_or(TIMEOUT_S).into());
        let mut collected = Collected::default();
        loop {
            if input.is_none() {
                let until = self.now() + silence;
                input = self.input(until, Some(listening)).await?;
            }
            match input.take() {
                Some(Input::Key(key)) if Some(key) == finish => {
                    collected.finished_on = Some(key);
                    return Ok(collected);
                }
                Some(Input::Key(key)) => {
                    collected.digits.push(key);
                    let wanted = gather.num_digits.and_then(|digits| usize::try_from(digits).ok());
                    if wanted == Some(collected.digits.len()) {
                        return Ok(collected);
                    }
                }
                // The first to come decides: words after keys count for nothing.
                Some(Input::Speech { .. }) if !collected.digits.is_empty() => {}
                Some(Input::Speech { text, confidence }) => {
                    collected.speech = Some((text, confidence));
                    return Ok(collected);
                }
                None => return Ok(collected),
            }
        }
    }
}
