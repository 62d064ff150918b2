//! The five questions.

use crate::{
    ivr::{
        run::fixtures::{Call, facts, flow, recorded, steps},
        state::State,
        turn::{Effect, Input, IntakeAnswer, MissedWhy, Then},
    },
    model::call::{Outcome, Question},
};

const INTAKE: &str = "[steps.a]\ndo = 'intake'\nprompt = 'Five questions.'\nnext = 'hub'\n";

#[track_caller]
fn kept(call: &Call) -> &IntakeAnswer {
    let found = call.effects.iter().find_map(|effect| match effect {
        Effect::Intake(answer) => Some(answer),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no answer in {:?}", call.effects))
}

#[test]
fn five_questions_are_asked_and_each_answer_is_kept_at_once() {
    let mut call = Call::to(steps(INTAKE));
    call.hears("Five questions. Who are you");
    for (question, next) in Question::ALL.into_iter().zip(["What", "Where", "Since when", "Why", "Hub."]) {
        let Then::Record(record) = &call.verbs.then else { panic!("{:?}", call.verbs) };
        assert_eq!((record.question, record.max_s, record.transcribe), (Some(question), 60, true));
        call.record(4).hears(next);
        assert_eq!((kept(&call).question, kept(&call).seconds), (question, 4));
        call.state = State::from_json(&call.state.to_json()).unwrap();
    }
    call.at("hub");
    assert_eq!(call.state.outcome(), Outcome::Missed, "nobody has heard of it yet");
}

#[test]
fn silence_asks_again_and_leads_to_the_next_question_in_the_end() {
    let mut call = Call::to(steps("[steps.a]\ndo = 'intake'\nquestions = ['what', 'who']\nnext = 'hub'\n"));
    for _ in 0..2 {
        call.input(Input::RecordedNothing).at("a").hears("We did not receive an answer. What has happened?");
    }
    call.input(Input::RecordedNothing).at("a").hears("Who are you").silent().hears("Who are you").silent().silent();
    assert!(call.at("hub").effects.is_empty());
    let text = "[steps.a]\ndo = 'intake'\nquestions = ['what', 'who']\nattempts = 2\ntimeout = '9s'\nfinish = '*'\n\
        no_input = 'Anybody there?'\nprompt = 'Two questions.'\nnext = 'hub'\n";
    let mut call = Call::to(steps(text));
    call.hears("Two questions. What has happened?").silent().hears("Anybody there? What has happened?");
    let Then::Record(record) = &call.verbs.then else { panic!("{:?}", call.verbs) };
    assert_eq!((record.silence_s, record.finish, record.question), (9, Some('*'), Some(Question::What)));
    // An answer after a silence counts, and the next question has all its attempts.
    call.record(3).hears("Who are you").silent().hears("Who are you").silent().at("hub");
}

#[test]
fn a_flow_may_ask_in_its_own_words() {
    let text = "[steps.a]\ndo = 'intake'\nquestions = { where = 'Which floor, {{ caller }}?', who = { en = 'Your name?' } }\n\
        next = 'hub'\n";
    Call::to(steps(text)).hears("Which floor, +4930555010?").record(2).hears("Your name?").record(2).at("hub");
}

#[test]
fn who_hangs_up_in_the_middle_is_missed_also_before_the_step_that_counts() {
    let text = "id = 'f'\nlanguages = ['en']\nstart = 'a'\nabandoned = { after = 'b' }\n[steps.a]\ndo = 'intake'\nnext = 'b'\n\
        [steps.b]\ndo = 'menu'\nprompt = 'x'\noptions = { 1 = { to = 'c' } }\ninvalid = 'c'\n[steps.c]\ndo = 'hangup'\n";
    let mut silent = Call::to(flow(text));
    silent.input(Input::HungUp);
    assert_eq!(silent.missed(), None);
    let mut gone = Call::to(flow(text));
    gone.record(3).input(Input::HungUp);
    assert_eq!(gone.missed().unwrap().why, MissedWhy::HungUp);
    let mut while_speaking = Call::to(flow(text));
    while_speaking.record(3).input(recorded(5, true)).is_over();
    assert_eq!(kept(&while_speaking).question, Question::What);
    assert!(while_speaking.missed().is_some());
    assert!(while_speaking.input(Input::HungUp).effects.is_empty(), "told once");
}

#[test]
fn an_answer_that_comes_after_the_hang_up_is_kept_and_no_message() {
    let mut call = Call::to(steps(INTAKE));
    call.record(3).input(Input::HungUp).input(recorded(5, true));
    assert_eq!(kept(&call).question, Question::What);
    assert_eq!((call.effects.len(), call.state.outcome()), (1, Outcome::Missed));
}

#[test]
fn what_is_said_after_the_spare_document_is_a_message_and_no_answer() {
    let mut call = Call::with(steps(INTAKE), facts());
    let message =
        Input::Recorded { url: "https://c/RE9".to_owned(), sid: None, seconds: 9, hung_up: false, spare: true };
    call.input(message).is_over();
    assert!(matches!(&call.effects[..], [Effect::Voicemail(message)] if message.raise.is_some()));
    assert_eq!(call.state.outcome(), Outcome::Voicemail);
}

#[test]
fn a_document_that_failed_asks_the_same_question_again() {
    let mut call = Call::to(steps(INTAKE));
    call.record(3).hears("What").input(Input::Failed).at("a").hears("What").record(2);
    assert_eq!(kept(&call).question, Question::What);
}
