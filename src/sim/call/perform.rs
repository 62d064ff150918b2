//! What the person at a leg hears: speech, files, silence. It takes its time, and a key may stop it.

use std::future::Future;

use chrono::TimeDelta;

use super::{Heard, Interrupt, Line};
use crate::{
    carrier::twiml::{GatherInput, Prompt},
    model::Instant,
    sim::{
        event::{Source, What},
        signal::Signal,
        times::seconds,
    },
};

/// Twilio says and plays at most a thousand times.
const LOOPS_MAX: u32 = 1_000;

/// What a person does while a document listens.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Input {
    Key(char),
    Speech { text: String, confidence: f64 },
}

impl Line {
    /// Lets a prompt be heard; `listening` for what may interrupt it.
    pub(super) async fn perform(
        &mut self,
        prompt: &Prompt,
        listening: Option<GatherInput>,
    ) -> Result<Option<Input>, Interrupt> {
        let (heard, times, length) = match prompt {
            Prompt::Say(say) => {
                let text = say.heard();
                let length = self.sim.0.times.speech(&text);
                let (language, voice) = (say.language.clone(), say.voice.clone());
                (Some((text, language, voice, Source::Say)), say.times, length)
            }
            Prompt::Play(play) => {
                let known = {
                    let world = self.sim.world();
                    if world.missing.iter().any(|end| play.url.ends_with(end.as_str())) {
                        return Err(Interrupt::Unplayable(play.url.clone()));
                    }
                    world.audio.iter().find(|(end, _)| play.url.ends_with(end.as_str())).map(|(_, seconds)| *seconds)
                };
                let length = seconds(known.unwrap_or(self.sim.0.times.play_s));
                (Some((play.url.clone(), None, None, Source::Play)), play.times, length)
            }
            Prompt::Pause(pause) => (None, Some(1), TimeDelta::seconds(pause.length_s.unwrap_or(1).into())),
        };
        let endless = times == Some(0);
        // Even where speaking takes no time, a text that is repeated without end takes some.
        let length = if endless { length.max(TimeDelta::seconds(1)) } else { length };
        for _ in 0..if endless { LOOPS_MAX } else { times.unwrap_or(1) } {
            if let Some((text, language, voice, source)) = heard.clone() {
                self.note(What::Heard { leg: self.sid.clone(), text, language, voice, source });
            }
            let until = self.now() + length;
            if let Some(input) = self.input(until, listening).await? {
                return Ok(Some(input));
            }
        }
        Ok(None)
    }

    /// The next key or words, until then.
    pub(super) async fn input(
        &mut self,
        until: Instant,
        listening: Option<GatherInput>,
    ) -> Result<Option<Input>, Interrupt> {
        let Some(listening) = listening else {
            self.wait_until(until).await?;
            return Ok(None);
        };
        let clock = self.sim.0.clock.clone();
        self.input_during(async move { clock.sleep_until(until).await }, listening).await
    }

    async fn input_during(
        &mut self,
        until: impl Future<Output = ()>,
        listening: GatherInput,
    ) -> Result<Option<Input>, Interrupt> {
        let heard = self.listen(until, |signal| match signal {
            Signal::Key(key) if listening != GatherInput::Speech => Some(Input::Key(*key)),
            Signal::Speech { text, confidence } if listening != GatherInput::Dtmf => {
                Some(Input::Speech { text: text.clone(), confidence: *confidence })
            }
            _ => None,
        });
        Ok(match heard.await? {
            Heard::Signal(input) => Some(input),
            Heard::Done(()) => None,
        })
    }
}
