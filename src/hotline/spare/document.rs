//! The spare documents: an apology, the numbers one after the other, then a message. Pure.
//!
//! Whoever is dialled presses 1 before the bridge: a private mailbox must not swallow the caller.

use super::{plan::Human, step::Step};
use crate::{
    carrier::twiml::{
        Dial, DialParty, DialTarget, Gather, GatherInput, Method, Number, Pause, Prompt, Record, Response, Verb,
    },
    hotline::{
        document::{self, SILENCE_S, say},
        urls::Urls,
        words::words,
    },
    ivr,
    model::language::Language,
};

/// So long a phone rings. With five numbers a caller waits two minutes at most.
const RING_S: u32 = 25;
const KEY_WAIT_S: u32 = 8;
/// Who has not pressed anything by then is a mailbox.
const ASKED_MAX: u32 = 2;

/// To a caller who has heard nothing of it yet.
pub fn first(step: &Step, rung: &Human, urls: &Urls) -> Response {
    let (words, language) = words(&step.language);
    Response { verbs: vec![say(&language, words.spare_connecting).into(), dial(step, rung, urls)] }
}

/// To a caller who has waited for somebody else.
pub fn next(step: &Step, rung: &Human, urls: &Urls) -> Response {
    Response::new().with(dial(step, rung, urls))
}

fn dial(step: &Step, rung: &Human, urls: &Urls) -> Verb {
    let number = Number {
        url: Some(urls.spare_whisper(&rung.language)),
        method: Some(Method::Post),
        ..Number::new(rung.number.as_str())
    };
    let dial = Dial {
        action: Some(urls.spare_next(&step.query())),
        method: Some(Method::Post),
        timeout_s: Some(RING_S),
        caller_id: Some(step.hotline.to_string()),
        to: DialTarget::Parties(vec![DialParty::Number(number)]),
        ..Dial::default()
    };
    dial.into()
}

/// To whoever has picked up. Its end without a key ends their call.
pub fn whisper(language: &Language, asked: u32, urls: &Urls) -> Response {
    let (words, spoken) = words(language);
    if asked >= ASKED_MAX {
        return Response::new().with(Verb::Hangup);
    }
    let sentence = format!("{} {}", words.spare_call, words.press);
    let gather = Gather {
        action: Some(urls.spare_key(language, asked + 1)),
        method: Some(Method::Post),
        input: Some(GatherInput::Dtmf),
        timeout_s: Some(KEY_WAIT_S),
        num_digits: Some(1),
        finish_on_key: Some(String::new()),
        action_on_empty_result: Some(true),
        prompts: vec![Prompt::Pause(Pause::seconds(1)), Prompt::Say(say(&spoken, &sentence))],
        ..Gather::default()
    };
    Response::new().with(gather).with(Verb::Hangup)
}

/// What the key of whoever was dialled leads to: an empty document bridges.
pub fn pressed(digits: &str, language: &Language, asked: u32, urls: &Urls) -> Response {
    let (words, spoken) = words(language);
    match digits {
        "1" => Response::new().with(say(&spoken, words.connecting)),
        "2" => Response::new().with(say(&spoken, words.declined)).with(Verb::Hangup),
        _ => whisper(language, asked, urls),
    }
}

/// Nobody has taken the call: a message. `query` leads to whoever speaks the same language.
pub fn nobody(step: &Step, urls: &Urls) -> Response {
    let (words, language) = words(&step.language);
    record(Response::new().with(say(&language, words.spare_nobody)), urls, &step.query())
}

/// The apology that leads to a message, when there is nobody to dial.
pub fn message(language: &Language, urls: &Urls) -> Response {
    document::spare(&ivr::spare(language), urls)
}

fn record(response: Response, urls: &Urls, query: &str) -> Response {
    let record = Record {
        action: Some(format!("{}?{query}", urls.message())),
        method: Some(Method::Post),
        timeout_s: Some(SILENCE_S),
        max_length_s: Some(180),
        finish_on_key: Some("#".to_owned()),
        play_beep: Some(true),
        ..Record::default()
    };
    response.with(record).with(Verb::Hangup)
}

#[cfg(test)]
mod tests {
    use super::{super::plan::tests::plan, *};
    use crate::carrier::twiml;

    fn urls() -> Urls {
        Urls::new("https://spare.example", &"twilio".parse().unwrap())
    }

    fn step() -> Step {
        Step::first(&plan().lines[&"+4940901820".parse().unwrap()]).next().unwrap()
    }

    #[test]
    fn the_first_document_apologises_and_dials_with_a_whisper() {
        let step = step();
        let document = first(&step, step.rung.as_ref().unwrap(), &urls());
        insta::assert_snapshot!(twiml::write(&document).unwrap(), @r##"<?xml version="1.0" encoding="UTF-8"?><Response><Say voice="Polly.Vicki-Neural">Es tut uns leid, bei uns ist etwas schiefgegangen. Bitte bleiben Sie am Apparat, wir verbinden Sie direkt mit jemandem.</Say><Dial action="https://spare.example/carriers/twilio/spare/next?hotline=4930901820&amp;language=de-AT&amp;rung=4915110000001_de&amp;rest=447700900002_en" method="POST" timeout="25" callerId="+4930901820"><Number url="https://spare.example/carriers/twilio/spare/whisper?language=de" method="POST">+4915110000001</Number></Dial></Response>"##);
    }

    #[test]
    fn whoever_picks_up_is_asked_for_a_key_twice_and_a_mailbox_gets_no_caller() {
        let language = "en".parse().unwrap();
        insta::assert_snapshot!(twiml::write(&whisper(&language, 0, &urls())).unwrap(), @r##"<?xml version="1.0" encoding="UTF-8"?><Response><Gather action="https://spare.example/carriers/twilio/spare/key?language=en&amp;n=1" method="POST" input="dtmf" timeout="8" numDigits="1" finishOnKey="" actionOnEmptyResult="true"><Pause length="1"/><Say voice="Polly.Joanna-Neural">Hotline call. The hotline's machine has failed, and somebody is waiting. To take the call, press 1. To decline, press 2.</Say></Gather><Hangup/></Response>"##);
        let written = |digits: &str, asked| twiml::write(&pressed(digits, &language, asked, &urls())).unwrap();
        assert!(!written("1", 1).contains("Hangup"));
        assert!(written("2", 1).ends_with("<Hangup/></Response>"));
        assert!(written("", 1).contains("<Gather"));
        assert_eq!(written("", 2), twiml::write(&Response::new().with(Verb::Hangup)).unwrap());
    }

    #[test]
    fn nobody_took_it_leads_to_a_beep() {
        insta::assert_snapshot!(twiml::write(&nobody(&step(), &urls())).unwrap(), @r##"<?xml version="1.0" encoding="UTF-8"?><Response><Say voice="Polly.Vicki-Neural">Wir haben leider niemanden erreicht. Bitte sprechen Sie nach dem Ton: wer Sie sind, worum es geht und unter welcher Nummer wir Sie erreichen. Wir melden uns.</Say><Record action="https://spare.example/carriers/twilio/voice/message?hotline=4930901820&amp;language=de-AT&amp;rung=4915110000001_de&amp;rest=447700900002_en" method="POST" timeout="10" finishOnKey="#" maxLength="180" playBeep="true"/><Hangup/></Response>"##);
    }
}
