//! Menus, languages, words and digits.

use crate::{
    ivr::{
        run::{
            fixtures::{Call, facts, flow, heard, steps},
            in_place_of,
        },
        turn::{Effect, Input, Prompt, SpeechPart, Then},
    },
    model::priority::Priority,
};

const MENU: &str = "[steps.a]\ndo = 'menu'\nprompt = 'Choose.'\ninvalid = 'bye'\n[steps.a.options]\n\
    1 = { label = 'Outage', category = 'outage', priority = 'P1', speech = { en = ['outage', 'down'] }, to = 'hub' }\n\
    2 = { speech = ['outage report'], to = 'mail' }\n0 = { repeat = true, speech = ['once more'] }\n";

#[test]
fn a_key_chooses_and_is_remembered() {
    let mut call = Call::to(steps(MENU));
    call.hears("Choose.").press("1").at("hub");
    assert_eq!((call.state.category.as_deref(), call.state.priority), (Some("outage"), Some(Priority::P1)));
}

#[test]
fn a_spoken_word_chooses_whole_and_in_any_case() {
    for (said, step) in [
        ("Everything is DOWN!", "hub"),
        ("an outage report please", "mail"),
        ("2", "mail"),
        ("Number two", "a"),
        ("two", "mail"),
        ("downtown", "a"),
        ("hello", "a"),
    ] {
        Call::to(steps(MENU)).speak(said).at(step);
    }
}

#[test]
fn a_prompt_is_heard_to_its_end_where_the_flow_wants_it() {
    assert!(Call::to(steps(MENU)).gather().barge_in);
    let to_its_end = MENU.replace("invalid =", "barge_in = false\ninvalid =");
    assert!(!Call::to(steps(&to_its_end)).gather().barge_in);
}

#[test]
fn a_menu_listens_for_its_words_and_for_the_numbers_of_its_choices() {
    let call = Call::to(steps(MENU));
    let hints = &call.gather().speech.as_ref().unwrap().hints;
    assert_eq!(hints, &["once more", "outage", "down", "outage report", "zero", "oh", "o", "one", "two"]);
    assert_eq!((call.gather().max_digits, call.gather().timeout_s), (Some(1), 6));
}

#[test]
fn a_menu_without_words_takes_spoken_numbers_in_the_callers_language() {
    let text = "id = 'f'\nlanguages = ['de', 'en', 'fr']\nstart = 'a'\n[steps.a]\ndo = 'menu'\nprompt = 'x'\ninvalid = 'b'\n\
        options = { 2 = { to = 'c' }, '*' = { to = 'b' } }\n[steps.b]\ndo = 'hangup'\n[steps.c]\ndo = 'hangup'\n";
    for (language, hints, said) in [("de", &["zwei", "zwo"][..], "Zwei."), ("en", &["two"], "two"), ("fr", &[], "2")] {
        let mut facts = facts();
        facts.language = Some(language.parse().unwrap());
        let asked = text.replace("['de', 'en', 'fr']", &format!("['{language}']"));
        let mut call = Call::with(flow(&asked), facts);
        let listen = call.gather().speech.as_ref().unwrap();
        assert_eq!(
            (listen.language.as_str(), &listen.hints[..]),
            (language, &hints.iter().map(|hint| (*hint).to_owned()).collect::<Vec<_>>()[..])
        );
        call.speak(said).at("c");
    }
}

#[test]
fn a_wrong_key_is_told_and_the_third_leads_out() {
    let mut call = Call::to(steps(MENU));
    call.press("9").at("a").hears("That is not one of the choices.").hears("Choose.");
    call.silent().at("a").hears("We did not receive an answer.");
    call.press("12").at("bye").hears("Goodbye.").is_over();
    assert!(!call.reasons.concat().contains("12"), "a wrong key may be a PIN");
}

#[test]
fn to_repeat_counts_as_no_attempt() {
    let mut call = Call::to(steps(MENU));
    for _ in 0..5 {
        call.press("0").at("a").hears("Choose.");
        call.speak("Once more, please.").at("a").hears("Choose.");
    }
    assert_eq!(call.state.attempts, 0);
}

#[test]
fn a_key_that_is_an_option_does_not_end_the_input() {
    let text = "[steps.a]\ndo = 'menu'\nprompt = 'x'\ninvalid = 'hub'\noptions = { '#' = { to = 'mail' } }\n";
    let mut call = Call::to(steps(text));
    assert_eq!(call.gather().finish, None);
    call.press("#").at("mail");
}

const LANGUAGES: &str = "id = 'f'\nlanguages = ['de', 'en']\nstart = 'a'\n[voices]\nde = 'Polly.Vicki'\n\
    [steps.a]\ndo = 'language'\nprompt = { de = 'Deutsch: 1', en = 'English: 2' }\noptions = { 1 = 'de', 2 = 'en' }\n\
    next = 'b'\n[steps.b]\ndo = 'menu'\nprompt = { de = 'Wählen.', en = 'Choose.' }\noptions = { 1 = { to = 'a' } }\n\
    invalid = 'c'\n[steps.c]\ndo = 'hangup'\n";

#[test]
fn the_language_is_asked_in_each_with_its_own_voice() {
    let mut call = Call::to(flow(LANGUAGES));
    let said: Vec<_> = call
        .verbs
        .prompts
        .iter()
        .map(|prompt| match prompt {
            Prompt::Say(say) => (say.language.as_str(), say.voice.as_deref(), say.heard()),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [("de", Some("Polly.Vicki"), "Deutsch: 1".to_owned()), ("en", None, "English: 2".to_owned())];
    assert_eq!(said, expected);
    call.press("2").at("b").hears("Choose.");
    assert!(matches!(&call.effects[..], [Effect::RememberLanguage { language, .. }] if language.as_str() == "en"));
    call.press("5").hears("That is not one of the choices.");
}

#[test]
fn a_language_is_chosen_by_its_name_in_either_language() {
    for (said, step) in [("Englisch, bitte", "b"), ("English", "b"), ("Deutsch oder English", "a"), ("Guten Tag", "a")]
    {
        let mut call = Call::to(flow(LANGUAGES));
        let listen = call.gather().speech.clone().unwrap();
        assert_eq!(
            listen.hints,
            ["deutsch", "german", "english", "englisch", "eins", "ein", "zwei", "zwo", "one", "two"]
        );
        call.speak(said).at(step);
    }
    Call::to(flow(LANGUAGES)).speak("german please").at("b").hears("Wählen.");
    for (said, hears) in [("zwei", "Choose."), ("two", "Choose."), ("1", "Wählen.")] {
        Call::to(flow(LANGUAGES)).speak(said).at("b").hears(hears);
    }
}

#[test]
fn a_remembered_language_is_not_asked_until_the_caller_comes_back_to_it() {
    let mut facts = facts();
    facts.language = Some("en".parse().unwrap());
    let mut call = Call::with(flow(LANGUAGES), facts);
    call.at("b").hears("Choose.").press("1").at("a").hears("Deutsch: 1").press("1").at("b").hears("Wählen.");
}

#[test]
fn who_chooses_no_language_keeps_the_first() {
    let mut call = Call::to(flow(LANGUAGES));
    call.silent().press("7").silent().at("b").hears("Wählen.");
    assert!(call.effects.is_empty());
}

#[test]
fn names_are_spoken_as_they_are_whatever_they_contain() {
    let hostile = "{{ caller }} <Say>&\u{e000}1\u{e001}";
    let mut facts = facts();
    facts.vars.insert("company".to_owned(), hostile.to_owned());
    facts.contracts[0].customer_name = hostile.to_owned();
    let text = "[vars]\ncompany = { default = 'us' }\n[steps.a]\ndo = 'say'\nsay = '{{ company }}, {{ customer.name }}'\n\
        next = 'hub'\n";
    let call = Call::with(steps(text), facts);
    let Prompt::Say(say) = &call.verbs.prompts[0] else { panic!("no speech") };
    let spoken = "{{ caller }} <Say>&1, {{ caller }} <Say>&1";
    assert_eq!(say.parts, [SpeechPart::Text(spoken.to_owned())]);
}

#[test]
fn digits_times_and_targets_are_spoken_for_people() {
    let text = "[steps.a]\ndo = 'set'\npriority = 'P2'\nnext = 'b'\n[steps.b]\ndo = 'alert'\nnext = 'c'\n\
        [steps.c]\ndo = 'say'\nnext = 'hub'\nsay = 'No. {{ alert.number | digits }} at {{ now | time }}, \
        within {{ sla.response }}, from {{ caller | digits }}'\n";
    let mut call = Call::to(steps(text));
    call.hears("No. 17 at 2:30 a.m., within 15 minutes, from +4930555010");
    let Prompt::Say(say) = &call.verbs.prompts[0] else { panic!("no speech") };
    assert_eq!(say.parts[1], SpeechPart::Digits("17".to_owned()));
}

#[test]
fn a_long_text_is_spread_over_documents() {
    let long = "word ".repeat(1_100);
    let one = |name: &str, next: &str| format!("[steps.{name}]\ndo = 'say'\nsay = '{long}'\nnext = '{next}'\n");
    let mut call = Call::to(steps(&format!("{}{}{}", one("a", "b"), one("b", "c"), one("c", "hub"))));
    assert_eq!(call.verbs.then, Then::Continue);
    let mut words = call.heard().matches("word").count();
    while call.verbs.then == Then::Continue {
        call.input(Input::Continued);
        words += call.heard().matches("word").count();
    }
    assert_eq!(words, 3_300);
    call.at("hub").hears("Hub.");
}

#[test]
fn audio_is_played_and_its_text_spoken_when_the_carrier_cannot() {
    let text = "[steps.a]\ndo = 'menu'\nprompt = 'Spare.'\nplay = 'https://x.example/a.mp3'\ninvalid = 'mail'\n\
        options = { 1 = { to = 'hub' } }\n";
    let mut call = Call::to(steps(text));
    call.hears("[https://x.example/a.mp3]").input(Input::Failed).at("a").hears("Spare.").press("9").hears("Spare.");
}

#[test]
fn a_turn_keeps_the_words_beside_its_audio_and_the_next_one_forgets_them() {
    let text = "[steps.a]\ndo = 'say'\nplay = 'https://x.example/a.mp3'\nsay = 'Call from {{ caller }}.'\nnext = 'b'\n\
        [steps.b]\ndo = 'menu'\nplay = 'https://x.example/b.mp3'\ninvalid = 'mail'\noptions = { 1 = { to = 'hub' } }\n";
    let mut call = Call::to(steps(text));
    call.hears("[https://x.example/a.mp3]").hears("[https://x.example/b.mp3]");
    let heard = |call: &Call, url: &str| heard(&in_place_of(&call.state, url));
    assert_eq!(heard(&call, "https://x.example/a.mp3"), "Call from +4930555010.");
    assert_eq!(heard(&call, "https://x.example/b.mp3"), "", "it has no text");
    call.press("9");
    assert_eq!(heard(&call, "https://x.example/a.mp3"), "");
}
