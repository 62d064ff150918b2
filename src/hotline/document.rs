//! From what the flow engine wants heard to the carrier's document. Pure.
//!
//! Prompts of a question stand inside its Gather, since keys pressed outside are lost; everything has
//! an explicit action, since the default is the document's own URL.

use super::urls::Urls;
use crate::{
    carrier::{
        twiml::{
            self, Dial, DialParty, DialTarget, Digits, Enqueue, Gather, GatherInput, Hints, InterpretAs, Method,
            Number, Pause, Play, Prompt, Record, RecordingEvent, Redirect, Reject, Response, Say, SayAs, SayPart, Verb,
        },
        voices::{recognised, voiced},
    },
    ivr::{self, SpeechPart, Then, Verbs},
    model::{id::CallId, language::Language},
};

/// Twilio transcribes English recordings of at most two minutes, and nothing else.
const TRANSCRIBED_MAX_S: u32 = 120;
/// So much silence ends a message after the apology: people think between two sentences.
pub const SILENCE_S: u32 = ivr::SPARE_SILENCE_S;
/// A queue holds one caller: the call names it.
const QUEUE_MAX: u32 = 1;

/// The document of a turn; its follow-ups carry the number of the next one.
pub fn of_turn(verbs: &Verbs, urls: &Urls, call: &CallId, next: u32) -> Response {
    let mut response = Response::new();
    let prompts = verbs.prompts.iter().map(prompt);
    let action = urls.turn(call, next);
    match &verbs.then {
        Then::Gather(gather) => {
            response = response.with(self::gather(gather, prompts.collect(), action));
            return response;
        }
        Then::Reject(reason) => return response.with(reject(*reason)),
        _ => response.verbs.extend(prompts.map(verb)),
    }
    match &verbs.then {
        Then::Enqueue => response.with(Enqueue {
            action: Some(urls.queue(call, next)),
            method: Some(Method::Post),
            wait_url: Some(urls.wait(call, 0)),
            wait_method: Some(Method::Post),
            max_size: Some(QUEUE_MAX),
            ..Enqueue::named(call.as_str())
        }),
        Then::Record(record) => record_to(response, record, urls, call, next),
        Then::Dial(dial) => response.with(Dial {
            action: Some(action),
            method: Some(Method::Post),
            timeout_s: Some(dial.ring_s.clamp(5, 600)),
            caller_id: Some(dial.caller_id.to_string()),
            to: DialTarget::Parties(vec![DialParty::Number(Number {
                send_digits: dial.send.clone().map(Digits),
                ..Number::new(dial.number.as_str())
            })]),
            ..Dial::default()
        }),
        Then::Continue => response.with(Redirect::to(format!("{action}?go=on"))),
        Then::Hangup | Then::Gather(_) | Then::Reject(_) => response.with(Verb::Hangup),
    }
}

/// The apology that records a message, for when no turn can be had (promise 1). Needs no database.
pub fn spare(verbs: &Verbs, urls: &Urls) -> Response {
    let mut response = Response::new();
    response.verbs.extend(verbs.prompts.iter().map(prompt).map(verb));
    let max = match &verbs.then {
        Then::Record(record) => record.max_s,
        _ => TRANSCRIBED_MAX_S,
    };
    response
        .with(Record {
            action: Some(urls.message()),
            method: Some(Method::Post),
            timeout_s: Some(SILENCE_S),
            max_length_s: Some(max),
            finish_on_key: Some("#".to_owned()),
            ..Record::default()
        })
        .with(Verb::Hangup)
}

fn gather(gather: &ivr::Gather, prompts: Vec<Prompt>, action: String) -> Gather {
    let speech = gather.speech.as_ref();
    Gather {
        action: Some(action),
        method: Some(Method::Post),
        input: Some(if speech.is_some() { GatherInput::DtmfSpeech } else { GatherInput::Dtmf }),
        timeout_s: Some(gather.timeout_s.clamp(1, 600)),
        num_digits: gather.max_digits,
        finish_on_key: Some(gather.finish.map(String::from).unwrap_or_default()),
        language: speech.map(|listen| recognised(&listen.language)),
        hints: speech.and_then(|listen| hints(&listen.hints)),
        barge_in: Some(gather.barge_in),
        action_on_empty_result: Some(true),
        prompts,
        ..Gather::default()
    }
}

/// A silent caller falls through to the verb behind the Record.
fn record_to(response: Response, record: &ivr::Record, urls: &Urls, call: &CallId, next: u32) -> Response {
    let action = urls.turn(call, next);
    let transcribed = record.transcribe && record.language.primary() == "en" && record.max_s <= TRANSCRIBED_MAX_S;
    response
        .with(Record {
            action: Some(action.clone()),
            method: Some(Method::Post),
            timeout_s: Some(record.silence_s.max(1)),
            finish_on_key: Some(record.finish.map(String::from).unwrap_or_default()),
            max_length_s: Some(record.max_s.max(1)),
            play_beep: Some(true),
            transcribe: transcribed.then_some(true),
            transcribe_callback: transcribed.then(|| urls.transcription(call)),
            recording_status_callback: Some(urls.recording_of_turn(call, next, record.question)),
            recording_status_callback_method: Some(Method::Post),
            recording_status_callback_events: Some(vec![RecordingEvent::Completed, RecordingEvent::Absent]),
            ..Record::default()
        })
        .with(Redirect::to(format!("{action}?recorded=nothing")))
}

fn reject(reason: ivr::RejectReason) -> Reject {
    Reject {
        reason: Some(match reason {
            ivr::RejectReason::Busy => twiml::RejectReason::Busy,
            ivr::RejectReason::Rejected => twiml::RejectReason::Rejected,
        }),
    }
}

/// What the wait document says, too.
pub fn prompt(prompt: &ivr::Prompt) -> Prompt {
    match prompt {
        ivr::Prompt::Say(say) => Prompt::Say(spoken(say)),
        ivr::Prompt::Play { url } => Prompt::Play(Play::url(url.as_str())),
        ivr::Prompt::Pause { seconds } => Prompt::Pause(Pause::seconds((*seconds).max(1))),
    }
}

pub fn verb(prompt: Prompt) -> Verb {
    match prompt {
        Prompt::Say(say) => say.into(),
        Prompt::Play(play) => play.into(),
        Prompt::Pause(pause) => pause.into(),
    }
}

fn spoken(say: &ivr::Say) -> Say {
    let mut spoken = voiced(&say.language, say.voice.as_deref());
    spoken.parts = say
        .parts
        .iter()
        .map(|part| match part {
            SpeechPart::Text(text) => SayPart::Text(text.clone()),
            SpeechPart::Digits(digits) => SayPart::SayAs(SayAs::new(InterpretAs::Digits, digits.as_str())),
        })
        .collect();
    spoken
}

/// Whether the document plays what is at that address.
pub fn plays(document: &Response, url: &str) -> bool {
    let (verbs, asked) = audio_of(document);
    verbs.iter().chain(&asked).flatten().any(|known| *known == url)
}

/// The rest of a document whose audio at that address could not be played: what stood before has been heard, and
/// words take its place. A carrier that was led elsewhere may name another address: then it is the first audio.
/// `None`: it plays nothing.
pub fn without_audio(document: Response, url: &str, words: &[ivr::Prompt]) -> Option<Response> {
    let (verbs, asked) = audio_of(&document);
    let place = |audio: &[Option<&str>]| {
        let named = audio.iter().position(|known| *known == Some(url));
        named.or_else(|| audio.iter().position(Option::is_some))
    };
    let (of_verbs, of_asked) = (place(&verbs), place(&asked));
    let instead = words.iter().map(prompt);
    let mut verbs = document.verbs;
    if let Some(place) = of_verbs {
        let rest = verbs.split_off(place + 1);
        return Some(Response { verbs: instead.map(verb).chain(rest).collect() });
    }
    let place = of_asked?;
    for verb in &mut verbs {
        if let Verb::Gather(gather) = verb {
            let rest = gather.prompts.split_off(place + 1);
            gather.prompts = instead.chain(rest).collect();
            break;
        }
    }
    Some(Response { verbs })
}

/// What is played, verb by verb, and prompt by prompt of the question in it: a turn asks one.
fn audio_of(document: &Response) -> (Vec<Option<&str>>, Vec<Option<&str>>) {
    fn of_verb(verb: &Verb) -> Option<&str> {
        if let Verb::Play(play) = verb { Some(play.url.as_str()) } else { None }
    }
    fn of_prompt(prompt: &Prompt) -> Option<&str> {
        if let Prompt::Play(play) = prompt { Some(play.url.as_str()) } else { None }
    }
    let question =
        document.verbs.iter().find_map(|verb| if let Verb::Gather(gather) = verb { Some(gather) } else { None });
    let asked = question.map(|gather| gather.prompts.iter().map(of_prompt).collect()).unwrap_or_default();
    (document.verbs.iter().map(of_verb).collect(), asked)
}

/// Words in a voice of the language.
pub fn say(language: &Language, words: &str) -> Say {
    Say { parts: vec![SayPart::Text(words.to_owned())], ..voiced(language, None) }
}

/// Hints that the carrier would refuse are left out: they only help.
fn hints(words: &[String]) -> Option<Hints> {
    let fits = |word: &&String| {
        !word.contains(',') && (1..=100).contains(&word.chars().count()) && word.trim().len() == word.len()
    };
    let hints: Vec<String> = words.iter().filter(fits).take(500).cloned().collect();
    (!hints.is_empty()).then_some(Hints(hints))
}

/// As text. What does not fit is our fault; then the caller still gets the spare.
pub fn text(response: &Response, urls: &Urls, language: &Language) -> String {
    twiml::write(response).unwrap_or_else(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "a document could not be written");
        twiml::write(&spare(&ivr::spare(language), urls)).expect("the built-in apology fits")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Ids, model::Instant};

    #[test]
    fn words_take_the_place_of_audio_and_what_was_heard_is_not_said_again() {
        let document = |text: &str| twiml::read(&format!("<Response>{text}</Response>")).unwrap().response;
        let words = [ivr::Prompt::Pause { seconds: 7 }];
        let rest = |text: &str, url: &str| {
            without_audio(document(text), url, &words).map(|response| {
                let written = twiml::write(&response).unwrap();
                written.split_once("<Response>").unwrap().1.trim_end_matches("</Response>").to_owned()
            })
        };
        let asked = "<Gather><Say>1</Say><Play>https://a.example/1</Play><Say>2</Say></Gather><Redirect>/r</Redirect>";
        let without = "<Gather><Pause length=\"7\"/><Say>2</Say></Gather><Redirect>/r</Redirect>";
        assert_eq!(rest(asked, "https://a.example/1").as_deref(), Some(without));
        let said = "<Play>https://a.example/1</Play><Say>1</Say><Play>https://a.example/2</Play><Hangup/>";
        assert_eq!(rest(said, "https://a.example/2").as_deref(), Some("<Pause length=\"7\"/><Hangup/>"));
        let elsewhere = "<Pause length=\"7\"/><Say>1</Say><Play>https://a.example/2</Play><Hangup/>";
        assert_eq!(rest(said, "https://cdn.example/x").as_deref(), Some(elsewhere));
        assert_eq!(rest("<Say>1</Say><Hangup/>", "https://a.example/1"), None);
        assert!(plays(&document(asked), "https://a.example/1") && !plays(&document(asked), "https://a.example/2"));
    }

    fn urls() -> Urls {
        Urls::new("https://hotline.example", &"twilio".parse().unwrap())
    }

    fn written(verbs: &Verbs) -> String {
        let call = Ids::seeded(1).id(Instant::UNIX_EPOCH);
        let response = of_turn(verbs, &urls(), &call, 3);
        twiml::write(&response).unwrap().replace(call.as_str(), "CALL")
    }

    fn hello(then: Then) -> Verbs {
        let say = ivr::Say {
            parts: vec![SpeechPart::Text("<Say> & ".into()), SpeechPart::Digits("17".into())],
            language: "de".parse().unwrap(),
            voice: None,
        };
        Verbs { prompts: vec![ivr::Prompt::Say(say)], then }
    }

    #[test]
    fn a_question_stands_with_its_prompt_inside_the_gather() {
        let gather = ivr::Gather {
            speech: Some(ivr::Listen {
                language: "de-CH".parse().unwrap(),
                hints: vec!["Ausfall".into(), "a,b".into()],
            }),
            max_digits: Some(1),
            timeout_s: 6,
            finish: None,
            barge_in: true,
        };
        let to_its_end = ivr::Gather { barge_in: false, ..gather.clone() };
        assert!(written(&hello(Then::Gather(to_its_end))).contains(r#" bargeIn="false" "#));
        insta::assert_snapshot!(written(&hello(Then::Gather(gather))), @r##"<?xml version="1.0" encoding="UTF-8"?><Response><Gather action="https://hotline.example/carriers/twilio/calls/CALL/turns/3" method="POST" input="dtmf speech" timeout="6" numDigits="1" finishOnKey="" hints="Ausfall" language="de-DE" bargeIn="true" actionOnEmptyResult="true"><Say voice="Polly.Vicki-Neural">&lt;Say&gt; &amp; <say-as interpret-as="digits">17</say-as></Say></Gather></Response>"##);
    }

    #[test]
    fn a_voicemail_goes_on_also_when_nothing_was_said() {
        let record = ivr::Record {
            max_s: 180,
            silence_s: 8,
            finish: Some('*'),
            transcribe: true,
            language: "de".parse().unwrap(),
            question: None,
        };
        insta::assert_snapshot!(written(&hello(Then::Record(record))), @r##"<?xml version="1.0" encoding="UTF-8"?><Response><Say voice="Polly.Vicki-Neural">&lt;Say&gt; &amp; <say-as interpret-as="digits">17</say-as></Say><Record action="https://hotline.example/carriers/twilio/calls/CALL/turns/3" method="POST" timeout="8" finishOnKey="*" maxLength="180" playBeep="true" recordingStatusCallback="https://hotline.example/carriers/twilio/calls/CALL/recording?turn=3" recordingStatusCallbackMethod="POST" recordingStatusCallbackEvent="completed absent"/><Redirect>https://hotline.example/carriers/twilio/calls/CALL/turns/3?recorded=nothing</Redirect></Response>"##);
    }

    #[test]
    fn a_waiting_caller_has_a_queue_of_their_own() {
        insta::assert_snapshot!(written(&hello(Then::Enqueue)), @r##"<?xml version="1.0" encoding="UTF-8"?><Response><Say voice="Polly.Vicki-Neural">&lt;Say&gt; &amp; <say-as interpret-as="digits">17</say-as></Say><Enqueue action="https://hotline.example/carriers/twilio/calls/CALL/queue/3" method="POST" waitUrl="https://hotline.example/carriers/twilio/calls/CALL/wait?n=0" waitUrlMethod="POST" maxQueueSize="1">CALL</Enqueue></Response>"##);
    }

    #[test]
    fn the_built_in_apology_always_fits() {
        for language in ["de", "en", "fr", "rm"] {
            let language: Language = language.parse().unwrap();
            let document = twiml::write(&spare(&ivr::spare(&language), &urls())).unwrap();
            assert!(document.contains("/carriers/twilio/voice/message") && document.contains("<Record"));
        }
    }
}
