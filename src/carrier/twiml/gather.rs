//! Gather: keys or speech. A key stops the prompt; no input at all leads to the next verb.

use super::{
    Hints, Method, Pause, Play, Say, TwimlError,
    attribute::{
        Reading, SCHEMA, URL, Value, any, are_hints, content, element, finish_keys, label, language, range, url,
    },
    xml::Element,
};

/// "Gather: Invalid nested verb".
const NESTED: u32 = 13320;
/// "Gather: Invalid speechTimeout value for this speech model".
const SPEECH_TIMEOUT: u32 = 13335;

element! {
    pub struct Gather = "Gather" {
        /// Left out it is this document's own URL, which would ask again.
        action: String = "action", URL, url;
        method: Method = "method", 13312, any;
        input: GatherInput = "input", SCHEMA, any;
        /// Seconds of silence, counted from the end of the prompt and again from each key.
        timeout_s: u32 = "timeout", 13313, range(1..=600);
        /// `Auto` only together with a `speech_model`.
        speech_timeout: SpeechTimeout = "speechTimeout", SCHEMA, any;
        max_speech_s: u32 = "maxSpeechTime", SCHEMA, range(1..=600);
        /// The input ends at once when so many keys were pressed.
        num_digits: u32 = "numDigits", 13314, range(1..=1_000);
        /// One key, or empty for none.
        finish_on_key: String = "finishOnKey", 13310, finish_key;
        hints: Hints = "hints", SCHEMA, are_hints;
        /// The language that is listened for.
        language: String = "language", 13512, language;
        speech_model: String = "speechModel", SCHEMA, label(64);
        enhanced: bool = "enhanced", SCHEMA, any;
        profanity_filter: bool = "profanityFilter", SCHEMA, any;
        barge_in: bool = "bargeIn", SCHEMA, any;
        partial_result_callback: String = "partialResultCallback", URL, url;
        partial_result_callback_method: Method = "partialResultCallbackMethod", SCHEMA, any;
        /// The action is asked even when nothing was pressed or said.
        action_on_empty_result: bool = "actionOnEmptyResult", 13338, any;
        debug: bool = "debug", SCHEMA, any;
    } {
        prompts: Vec<Prompt>,
    }
}

/// What may stand within a Gather.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    Say(Say),
    Play(Play),
    Pause(Pause),
}

impl From<Say> for Prompt {
    fn from(say: Say) -> Self {
        Self::Say(say)
    }
}

impl From<Play> for Prompt {
    fn from(play: Play) -> Self {
        Self::Play(play)
    }
}

impl From<Pause> for Prompt {
    fn from(pause: Pause) -> Self {
        Self::Pause(pause)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GatherInput {
    Dtmf,
    Speech,
    /// The first to come decides.
    DtmfSpeech,
}

impl Value for GatherInput {
    fn to_text(&self) -> String {
        match self {
            Self::Dtmf => "dtmf",
            Self::Speech => "speech",
            Self::DtmfSpeech => "dtmf speech",
        }
        .to_owned()
    }

    fn from_text(text: &str) -> Option<Self> {
        match text.split_whitespace().collect::<Vec<_>>()[..] {
            ["dtmf"] => Some(Self::Dtmf),
            ["speech"] => Some(Self::Speech),
            ["dtmf", "speech"] | ["speech", "dtmf"] => Some(Self::DtmfSpeech),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpeechTimeout {
    Auto,
    Seconds(u32),
}

impl Value for SpeechTimeout {
    fn to_text(&self) -> String {
        match self {
            Self::Auto => "auto".to_owned(),
            Self::Seconds(seconds) => seconds.to_string(),
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        if text.trim() == "auto" { Some(Self::Auto) } else { u32::from_text(text).map(Self::Seconds) }
    }
}

fn finish_key(text: &String) -> bool {
    text.len() <= 1 && finish_keys(text)
}

impl Gather {
    pub(super) fn element(&self) -> Result<Element, TwimlError> {
        let mut element = self.start()?;
        content(&element, self.fault())?;
        for prompt in &self.prompts {
            element.push(match prompt {
                Prompt::Say(say) => say.element()?,
                Prompt::Play(play) => play.element()?,
                Prompt::Pause(pause) => pause.element()?,
            });
        }
        Ok(element)
    }

    pub(super) fn read(mut element: Element, reading: &mut Reading) -> Self {
        let mut gather = Self::begin(&mut element, reading);
        for child in reading.children(element) {
            match child.name.as_str() {
                "Say" => gather.prompts.push(Say::read(child, reading).into()),
                "Play" => gather.prompts.push(Play::read(child, reading).into()),
                "Pause" => gather.prompts.push(Pause::read(child, reading).into()),
                _ => reading.warn(NESTED, "Gather", format!("`{}` may not stand here, ignored", child.name)),
            }
        }
        reading.content("Gather", gather.fault());
        gather
    }

    fn fault(&self) -> Option<(u32, &'static str)> {
        let is_default_model = self.speech_model.as_deref().is_none_or(|model| model == "default");
        if self.speech_timeout == Some(SpeechTimeout::Auto) && is_default_model {
            return Some((SPEECH_TIMEOUT, "`auto` needs a speech model other than the default"));
        }
        None
    }
}
