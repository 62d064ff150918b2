//! ConversationRelay: the carrier listens and speaks, our side reads and writes over a WebSocket.

use super::{
    TwimlError,
    attribute::{Reading, SCHEMA, URL, any, content, element, label, language, words},
    stream::{parameters_fault, read_parameter, socket, write_parameters},
    xml::Element,
};

words! {
    /// What interrupts the speech.
    pub enum Interruptible {
        Any = "any" | "true",
        Speech = "speech",
        Dtmf = "dtmf",
        None = "none" | "false",
    }
    pub enum Sensitivity {
        High = "high",
        Medium = "medium",
        Low = "low",
    }
}

element! {
    pub struct ConversationRelay = "ConversationRelay" {
        /// Always needed: `wss://…` without a query.
        url: String = "url", URL, socket;
        welcome_greeting: String = "welcomeGreeting", SCHEMA, label(4_096);
        welcome_greeting_interruptible: Interruptible = "welcomeGreetingInterruptible", SCHEMA, any;
        language: String = "language", SCHEMA, language;
        tts_language: String = "ttsLanguage", SCHEMA, language;
        transcription_language: String = "transcriptionLanguage", SCHEMA, language;
        tts_provider: String = "ttsProvider", SCHEMA, label(64);
        voice: String = "voice", SCHEMA, label(200);
        transcription_provider: String = "transcriptionProvider", SCHEMA, label(64);
        speech_model: String = "speechModel", SCHEMA, label(64);
        interruptible: Interruptible = "interruptible", SCHEMA, any;
        interrupt_sensitivity: Sensitivity = "interruptSensitivity", SCHEMA, any;
        dtmf_detection: bool = "dtmfDetection", SCHEMA, any;
        report_input_during_speech: Interruptible = "reportInputDuringAgentSpeech", SCHEMA, any;
        preemptible: bool = "preemptible", SCHEMA, any;
        hints: String = "hints", SCHEMA, label(50_000);
        debug: String = "debug", SCHEMA, label(200);
        events: String = "events", SCHEMA, label(200);
        intelligence_service: String = "intelligenceService", SCHEMA, label(64);
    } {
        languages: Vec<RelayLanguage>,
        /// Handed to our side when the conversation begins.
        parameters: Vec<(String, String)>,
    }
}

element! {
    /// A language to which the conversation may change.
    pub struct RelayLanguage = "Language" {
        /// Always needed: `de-DE`.
        code: String = "code", SCHEMA, language;
        voice: String = "voice", SCHEMA, label(200);
        tts_provider: String = "ttsProvider", SCHEMA, label(64);
        transcription_provider: String = "transcriptionProvider", SCHEMA, label(64);
        speech_model: String = "speechModel", SCHEMA, label(64);
    } {}
}

impl ConversationRelay {
    pub fn to(url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..Self::default() }
    }

    pub(super) fn element(&self) -> Result<Element, TwimlError> {
        let mut element = self.start()?;
        content(&element, self.fault())?;
        for language in &self.languages {
            element.push(language.start()?);
        }
        write_parameters(&mut element, &self.parameters);
        Ok(element)
    }

    pub(super) fn read(mut element: Element, reading: &mut Reading) -> Self {
        let mut relay = Self::begin(&mut element, reading);
        for mut child in reading.children(element) {
            match child.name.as_str() {
                "Language" => {
                    relay.languages.push(RelayLanguage::begin(&mut child, reading));
                    let _ = reading.text(child);
                }
                "Parameter" => relay.parameters.push(read_parameter(child, reading)),
                _ => reading.unknown("ConversationRelay", &child),
            }
        }
        reading.content("ConversationRelay", relay.fault());
        relay
    }

    fn fault(&self) -> Option<(u32, &'static str)> {
        if self.url.is_none() {
            return Some((SCHEMA, "a conversation needs a `url`"));
        }
        if self.languages.iter().any(|language| language.code.is_none()) {
            return Some((SCHEMA, "a language needs a `code`"));
        }
        parameters_fault(&self.parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Connect, Partner, Response, write};
    use super::*;

    #[test]
    fn a_conversation_in_two_languages() {
        let german = RelayLanguage { code: Some("de-DE".into()), ..RelayLanguage::default() };
        let relay = ConversationRelay {
            welcome_greeting: Some("Guten Abend".into()),
            interruptible: Some(Interruptible::Dtmf),
            languages: vec![german],
            ..ConversationRelay::to("wss://h.example/talk")
        };
        let document = write(&Response::new().with(Connect::to(Partner::Relay(Box::new(relay))))).unwrap();
        insta::assert_snapshot!(document, @r#"<?xml version="1.0" encoding="UTF-8"?><Response><Connect><ConversationRelay url="wss://h.example/talk" welcomeGreeting="Guten Abend" interruptible="dtmf"><Language code="de-DE"/></ConversationRelay></Connect></Response>"#);
        let homeless = Connect::to(Partner::Relay(Box::default()));
        assert_eq!(write(&Response::new().with(homeless)).unwrap_err().code(), SCHEMA);
    }
}
