//! What the loader says about broken files, and what it makes of sound ones.

use super::parse;
use crate::ivr::flow::{Asking, CallbackNumber, Choice, Flow, ForwardTo, Kind, Text, Wait};

fn said(text: &str) -> String {
    match parse("f.toml", text) {
        Ok(flow) => panic!("`{}` was taken", flow.id),
        Err(faults) => faults.iter().map(|fault| format!("{fault}\n")).collect(),
    }
}

const HEAD: &str = "id = 'f'\nlanguages = ['en']\nstart = 'a'\n[steps.z]\ndo = 'hangup'\n";

fn read(steps: &str) -> Flow {
    parse("f.toml", &format!("{HEAD}{steps}")).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

/// Each line: steps below `HEAD`, and what the loader must say of them.
#[track_caller]
fn refuses(cases: &[(&str, &str)]) {
    for (steps, words) in cases {
        let said = said(&format!("{HEAD}{steps}"));
        assert!(said.contains(words), "for {steps}\nthe loader said\n{said}not `{words}`");
    }
}

#[test]
fn a_thoroughly_broken_file_is_told_everything_at_once() {
    let text = r#"id = "Broken Flow"
titel = "A typo"
languages = ["de", "en", "english please"]
start = "welcom"
abandoned = { after = "pinn", priority = "P9" }

[voices]
fr = "Polly.Lea"

[vars]
caller = { default = "x" }
company = { default = "us" }
wait = { default = "soon", type = "duration" }

[steps.welcome]
do = "say"
say = { de = "Willkommen bei {{ compny }}." }
next = "menu"

[steps.menu]
do = "mennu"
prompt = "Choose"
options = { 1 = { to = "news" } }

[steps.news]
do = "notice"
announced = "choice"
none = "choice"

[steps.choice]
do = "menu"
prompt = { de = "Wählen Sie {{ contact.nmae | digit }}", en = "" }
atempts = 3
invalid = "vociemail"
[steps.choice.options]
12 = { to = "voicemail" }
3 = { label = "nowhere" }

[steps.voicemail]
do = "voicemail"
prompt = "Speak"
max = "3 minutes"

[steps.island]
do = "connect"
max_wait = "{{ patience }}"
to = "scheduel:primary"
connected = "island"
nobody = "voicemial"

[steps.round]
do = "hours"
open = "round"
closed = "island"
"#;
    insta::assert_snapshot!(said(text), @r##"
    f.toml:1:6: `Broken Flow` is no name for a flow; use 1 to 64 of a-z, 0-9, `-`, `_` and `.`
    f.toml:2:1: the flow has an unknown key `titel`; did you mean `title`?
    f.toml:3:26: `english please` is no language; use a tag such as de, en or de-CH
    f.toml:4:9: the flow starts at `welcom`, which is no step; did you mean `welcome`?
    f.toml:5:23: `abandoned` names `pinn`, which is no step; add [steps.pinn], or name a step that is there
    f.toml:5:42: `P9` is no priority; use P1, P2, P3 or P4
    f.toml:8:1: the flow does not speak `fr`; add it to `languages`, or take the voice out
    f.toml:11:1: `caller` is a fact of every call; choose another name for the var
    f.toml:13:20: the default of `wait`: `soon` is no duration; write a whole number and s, m, h or d, from 1s to 366d, such as 30s or 5m
    f.toml:17:7: `say` of step `welcome` has no `en`; add `en = "…"`
    f.toml:17:14: the text names an unknown fact `compny`; did you mean `company`?
    f.toml:21:6: there is no step `mennu`; did you mean `menu`?
    f.toml:32:17: `contact` has no `nmae`; did you mean `name`?
    f.toml:32:17: the text cannot be rendered: unknown filter: filter digit is unknown; mend the expression
    f.toml:32:63: the text is empty; write what the caller shall hear
    f.toml:33:1: step `choice` has an unknown key `atempts`; did you mean `attempts`?
    f.toml:34:11: exit `invalid` of step `choice` leads to `vociemail`, which is no step; did you mean `voicemail`?
    f.toml:36:1: `12` is no key of a telephone; use one of 0-9, "*" and "#"
    f.toml:37:5: option 3 of step `choice` has no `to`; add `to = "…"` with the step that comes next
    f.toml:39:1: step `voicemail` has no `next`; add `next = "…"` with the step that comes next
    f.toml:42:7: `3 minutes` is no duration; write a whole number and s, m, h or d, from 1s to 366d, such as 30s or 5m
    f.toml:44:8: the steps go round in a circle without asking the caller: island → island; lead one of them out, or put a step between that waits for the caller, such as menu
    f.toml:46:12: the var `patience` is not declared; add `patience = { type = "duration" }` below [vars]
    f.toml:47:6: `to` is `scheduel:primary`; did you mean `schedule`?
    f.toml:49:10: exit `nobody` of step `island` leads to `voicemial`, which is no step; did you mean `voicemail`?
    f.toml:51:8: the steps go round in a circle without asking the caller: round → round; lead one of them out, or put a step between that waits for the caller, such as menu
    "##);
}

#[test]
fn a_file_that_is_no_toml_or_no_flow_is_one_fault() {
    assert!(said("id = ").contains("f.toml:1:"));
    let twice = said("[steps.a]\ndo = 'menu'\n[steps.a.options]\n1 = { to = 'a' }\n1 = { to = 'b' }\n");
    assert!(
        twice.starts_with("f.toml:5:1: step `a` (line 1): a menu key stands twice: `1`; line 4 has it already: take"),
        "{twice}"
    );
    let twice = said("[steps.a]\ndo = 'menu'\n[steps.b]\n[steps.a]\n");
    assert!(twice.starts_with("f.toml:4:8: step `a` stands twice; line 1 has it already: take one"), "{twice}");
    assert!(said("").contains("f.toml:1:1: the file has no `steps`"));
    assert!(said("id = 'x'\nlanguages = []\nstart = 'a'\n[steps]\n").contains("no language"));
}

#[test]
fn a_voice_that_no_carrier_takes_is_refused() {
    for voice in ["", "two words", "x\\u0001"] {
        let text = HEAD.replace("[steps.z]", &format!("[voices]\nen = \"{voice}\"\n[steps.z]"));
        assert!(said(&text).contains("is no voice"), "{voice}");
    }
}

#[test]
fn circles_without_a_question_are_refused() {
    let two = "[steps.a]\ndo = 'say'\nsay = 'x'\nnext = 'b'\n[steps.b]\ndo = 'hours'\nopen = 'a'\nclosed = 'z'\n";
    refuses(&[(two, "in a circle without asking the caller: a → b → a")]);
    let itself = "[steps.a]\ndo = 'connect'\nconnected = 'z'\nnobody = 'a'\n";
    refuses(&[(itself, "a → a")]);
    read(
        "[steps.a]\ndo = 'say'\nsay = 'x'\nnext = 'b'\n[steps.b]\ndo = 'menu'\nprompt = 'x'\n\
        options = { 1 = { to = 'a' } }\ninvalid = 'z'\n",
    );
}

#[test]
fn a_caller_can_always_get_out() {
    let trap = "[steps.a]\ndo = 'menu'\nprompt = 'x'\noptions = { 1 = { to = 'b' }, 2 = { to = 'z' } }\ninvalid = 'z'\n\
        [steps.b]\ndo = 'menu'\nprompt = 'x'\noptions = { 1 = { to = 'b' } }\ninvalid = 'b'\n";
    refuses(&[(trap, "from step `b` nobody gets to a human, a voicemail or a goodbye")]);
}

#[test]
fn every_field_is_checked_where_it_stands() {
    let menu = "[steps.a]\ndo = 'menu'\nprompt = 'x'\ninvalid = 'z'\n";
    let connect = "[steps.a]\ndo = 'connect'\nconnected = 'z'\nnobody = 'z'\n";
    let collect = "[steps.a]\ndo = 'collect'\nprompt = 'x'\nnext = 'z'\nfailed = 'z'\n";
    let flow = "[steps.a]\ndo = 'flow'\nnext = 'z'\n";
    let lookup = "[steps.a]\ndo = 'lookup'\nnext = 'z'\nfailed = 'z'\n";
    let intake = "[steps.a]\ndo = 'intake'\nnext = 'z'\n";
    let with = |head: &str, more: &str| format!("{head}{more}\n");
    let cases = [
        ("[steps.a]\ndo = 'say'\nnext = 'z'\n".to_owned(), "step `a` has no `say`"),
        ("[steps.a]\ndo = 'say'\nsay = 'x'\n".to_owned(), "step `a` has no `next`"),
        ("[steps.a]\ndo = 'say'\nsay = 'x'\nnxet = 'z'\n".to_owned(), "unknown key `nxet`; did you mean `next`?"),
        ("[steps.a]\nsay = 'x'\nnext = 'z'\n".to_owned(), "step `a` has no `do`"),
        ("[steps.a]\ndo = 'say'\nplay = 'a.mp3'\nnext = 'z'\n".to_owned(), "no address of audio"),
        (
            "[steps.a]\ndo = 'say'\nplay = 'https://under_score.example/a.mp3'\nnext = 'z'\n".to_owned(),
            "no address of audio",
        ),
        ("[steps.a]\ndo = 'say'\nplay = 'https:///a.mp3'\nnext = 'z'\n".to_owned(), "no address of audio"),
        (
            "[steps.a]\ndo = 'forward'\nnumber = '+4930777001'\nsend = ''\nconnected = 'z'\nnobody = 'z'\n".to_owned(),
            "`send` is ``; use 0-9",
        ),
        ("[steps.a]\ndo = 'pause'\nfor = '1h'\nnext = 'z'\n".to_owned(), "`for` is 1h; use 1s to 5m"),
        (with(menu, ""), "step `a` has no `options`"),
        (with(menu, "options = { 0 = { repeat = true } }"), "no choice that leads on"),
        (with(menu, "options = { 1 = { to = 'z', repeat = true } }"), "a choice that repeats leads nowhere"),
        (with(menu, "options = { 1 = { to = 'z', priority = 'P7' } }"), "`P7` is no priority"),
        (with(menu, "options = { 0 = { repeat = true, priority = 'P1' } }"), "sets nothing: `priority`"),
        (
            with(menu, "options = { 1 = { to = 'z', speech = ['Help'] }, 2 = { to = 'z', speech = ['help!'] } }"),
            "\"help!\" (`en`) chooses 1 and 2 alike; give each choice words of its own",
        ),
        (with(connect, "ring = '0s'"), "`0s` is no duration"),
        (with(menu, "options = { 1 = { to = 'z', speech = { fr = ['x'] } } }"), "does not speak `fr`"),
        (with(menu, "attempts = 99\noptions = { 1 = { to = 'z' } }"), "use 1 to 10"),
        (with(menu, "finish = '##'\noptions = { 1 = { to = 'z' } }"), "`##` is no key"),
        (with(connect, "to = 'team:x'"), "`to` is `team:x`"),
        (with(connect, "accept = 'keys'"), "did you mean `key`?"),
        (with(connect, "ring = '{{ x }}'"), "the var `x` is not declared"),
        (with(connect, "max_wait = '2d'"), "use 1s to 1h"),
        (
            "[steps.a]\ndo = 'pin'\nprompt = 'x'\ndigits = '4-6'\nverified = 'z'\nfailed = 'z'\n".to_owned(),
            "`digits` is `4-6`",
        ),
        ("[steps.a]\ndo = 'caller'\nblock = ['0170*']\nknown = 'z'\nunknown = 'z'\n".to_owned(), "`0170*` is neither"),
        (
            "[steps.a]\ndo = 'when'\ncases = [ { if = 'priority ==', to = 'z' } ]\nelse = 'z'\n".to_owned(),
            "not readable",
        ),
        (
            "[steps.a]\ndo = 'when'\ncases = [ { if = 'prioriti', to = 'z' } ]\nelse = 'z'\n".to_owned(),
            "did you mean `priority`?",
        ),
        ("[steps.a]\ndo = 'set'\nvars = { caller = 'x' }\nnext = 'z'\n".to_owned(), "`caller` is a fact of every call"),
        ("[steps.a]\ndo = 'set'\nnext = 'z'\n".to_owned(), "step `a` has no `vars`"),
        (
            "[steps.a]\ndo = 'forward'\nnumber = '0900123'\nconnected = 'z'\nnobody = 'z'\n".to_owned(),
            "is no phone number",
        ),
        (
            with(lookup, "url = 'https://{{ caller }}.example/'\ninto = ['x']"),
            "`url` is `https://{{ caller }}.example/`",
        ),
        (with(lookup, "url = 'ftp://x.example'\ninto = ['x']"), "`url` is `ftp://x.example`"),
        (with(lookup, "url = 'https://me:pw@x.example'\ninto = ['x']"), "`url` is"),
        (with(lookup, "url = 'https://x.example/{{ cller }}'\ninto = ['x']"), "did you mean `caller`?"),
        (with(lookup, "url = 'https://x.example'"), "step `a` has no `into`"),
        (with(lookup, "url = 'https://x.example'\ninto = []"), "the answer becomes no var"),
        (with(lookup, "url = 'https://x.example'\ninto = { caller = 'a' }"), "`caller` is a fact of every call"),
        (with(lookup, "url = 'https://x.example'\ninto = { x = 'a..b' }"), "`a..b` is no place in an answer"),
        (with(lookup, "url = 'https://x.example'\ninto = ['x']\nsend = ['cller']"), "did you mean `caller`?"),
        (with(intake, "finish = ''"), "carriers know no recording without a key"),
        (with(intake, "attempts = 0"), "use 1 to 10"),
        (with(intake, "questions = ['who', 'whot']"), "did you mean `what`?"),
        (with(intake, "questions = ['who', 'who']"), "`who` is asked twice"),
        (with(intake, "questions = []"), "the intake asks nothing"),
        (with(intake, "questions = { who = { de = 'Wer?' } }"), "does not speak `de`"),
        ("[steps.a]\ndo = 'intake'\n".to_owned(), "step `a` has no `next`"),
        (with(flow, "flow = 'f'"), "flow `f` calls itself"),
        (with(flow, "flow = 'A b'"), "`A b` is no name for a flow"),
        (with(flow, ""), "step `a` has no `flow`"),
        (with(flow, "flow = 'g'\nvars = { caller_name = '{{ cller }}' }"), "did you mean `caller`?"),
        ("[steps.return]\ndo = 'hangup'\n".to_owned(), "leads back to the flow that called this one"),
        ("[steps.a]\ndo = 'say'\nsay = 'x'\nnext = 'retrun'\n".to_owned(), "did you mean `return`?"),
        (with(collect, "into = 'caller'"), "`caller` is a fact of every call"),
        (with(collect, ""), "step `a` has no `into`"),
        (with(collect, "into = 'x'\ndigits = '0-4'"), "`digits` is `0-4`"),
        (with(collect, "into = 'x'\ndigits = '40'"), "at most 32"),
        (with(collect, "into = 'x'\ninput = 'speach'"), "did you mean `speech`?"),
        (with(collect, "into = 'x'\ninput = 'speech'\ndigits = '4'"), "what is only spoken has no digits to count"),
        ("[steps.a]\ndo = 'collect'\ninto = 'x'\nnext = 'z'\n".to_owned(), "step `a` has no `failed`"),
        ("[steps.a]\ndo = 'say'\nsay = '{{ caller | digit }}'\nnext = 'z'\n".to_owned(), "unknown filter"),
        ("[steps.a]\ndo = 'say'\nsay = '{{ contact.mail }}'\nnext = 'z'\n".to_owned(), "`contact` has no `mail`"),
        ("[steps.a]\ndo = 'say'\nsay = '{% include \"x\" %}'\nnext = 'z'\n".to_owned(), "not readable"),
        ("[steps.a]\ndo = 'hangup'\nreject = 'never'\n".to_owned(), "`reject` is `never`"),
        ("[steps.a]\ndo = 'notice'\nnone = 'z'\n".to_owned(), "step `a` has no `announced`"),
        ("[steps.a]\ndo = 'notice'\nannounced = 'a'\nnone = 'z'\n".to_owned(), "in a circle without asking the caller"),
        (
            "[steps.a]\ndo = 'callback'\nnumber = 'mine'\nwithin = '9d'\naccepted = 'z'\ndeclined = 'z'\n".to_owned(),
            "`number` is `mine`",
        ),
        (
            "[steps.a]\ndo = 'callback'\nwithin = '9d'\naccepted = 'z'\ndeclined = 'z'\n".to_owned(),
            "`within` is 9d; use 1s to 7d",
        ),
    ];
    refuses(&cases.each_ref().map(|(text, words)| (text.as_str(), *words)));
}

#[test]
fn what_a_set_step_changes_is_never_dialled() {
    let text = "id = 'f'\nlanguages = ['en']\nstart = 'a'\n[vars]\noffice = { type = 'phone' }\n[steps.a]\ndo = 'set'\n\
        vars = { office = '{{ caller }}' }\nnext = 'b'\n[steps.b]\ndo = 'forward'\nnumber = '{{ office }}'\n\
        connected = 'z'\nnobody = 'z'\n[steps.z]\ndo = 'hangup'\n";
    assert!(said(text).contains("f.toml:12:10: the number to dial is `office`, which a step changes"));
    let declared = text.replace("vars = { office", "vars = { other");
    let flow = parse("f.toml", &declared).unwrap();
    let Kind::Forward(step) = &flow.step(flow.find("b").unwrap()).kind else { panic!() };
    assert_eq!(step.number, ForwardTo::Var("office".to_owned()));
}

#[test]
fn more_than_500_steps_are_refused() {
    let chain = |count: usize| {
        let steps = (1..count).map(|n| format!("[steps.s{n}]\ndo = 'say'\nsay = 'x'\nnext = 's{}'\n", n + 1));
        let head = "id = 'f'\nlanguages = ['en']\nstart = 's1'\n";
        format!("{head}{}[steps.s{count}]\ndo = 'hangup'\n", steps.collect::<String>())
    };
    assert!(said(&chain(501)).contains("the flow has 501 steps; a flow has at most 500 steps"));
    assert_eq!(parse("f.toml", &chain(500)).unwrap().steps().count(), 500);
}

#[test]
fn what_the_page_allows_is_taken_in_every_writing() {
    let flow = read(
        "[steps.a]\ndo = 'callback'\nnumber = \"caller's\"\nwithin = '1s'\naccepted = 'c'\ndeclined = 'z'\n\
        [steps.c]\ndo = 'connect'\nring = '1s'\nmax_wait = '1s'\nannounce_every = '1s'\nconnected = 'z'\nnobody = 'v'\n\
        [steps.v]\ndo = 'voicemail'\nprompt = 'x'\nbarge_in = false\nnext = 'i'\n\
        [steps.i]\ndo = 'intake'\nbarge_in = true\nnext = 'l'\n\
        [steps.l]\ndo = 'lookup'\nurl = 'https://x.example'\ninto = 'owner'\nnext = 'z'\nfailed = 'z'\n",
    );
    let kind = |name: &str| &flow.step(flow.find(name).unwrap()).kind;
    let Kind::Callback(callback) = kind("a") else { panic!() };
    assert_eq!((callback.number, &callback.within), (CallbackNumber::Caller, &Wait::Seconds(1)));
    let Kind::Connect(connect) = kind("c") else { panic!() };
    assert_eq!([&connect.ring, &connect.max_wait, &connect.announce_every], [&Wait::Seconds(1); 3]);
    let Kind::Lookup(lookup) = kind("l") else { panic!() };
    assert_eq!(lookup.into, [("owner".to_owned(), "owner".to_owned())].into());
}

#[test]
fn defaults_are_those_of_the_page() {
    let flow = read(
        "[steps.a]\ndo = 'menu'\nprompt = 'x'\ninvalid = 'c'\noptions = { 1 = { to = 'z' }, 0 = { repeat = true } }\n\
        [steps.c]\ndo = 'connect'\nconnected = 'z'\nnobody = 'v'\n[steps.v]\ndo = 'voicemail'\nprompt = 'x'\nnext = 'i'\n\
        [steps.i]\ndo = 'intake'\nnext = 'n'\n[steps.n]\ndo = 'notice'\nannounced = 'z'\nnone = 'z'\n",
    );
    let kind = |name: &str| &flow.step(flow.find(name).unwrap()).kind;
    let Kind::Menu { asking, options, .. } = kind("a") else { panic!() };
    assert_eq!((asking.attempts, asking.timeout_s, asking.finish, asking.barge_in), (3, 6, Some('#'), true));
    assert_eq!(options[&'0'], Choice::Repeat { speech: [].into() });
    let Kind::Connect(connect) = kind("c") else { panic!() };
    assert_eq!((&connect.ring, &connect.max_wait), (&Wait::Seconds(25), &Wait::Seconds(300)));
    assert_eq!(connect.announce_every, Wait::Seconds(30));
    assert!(connect.prefer_language && !connect.record && !connect.at_once);
    assert_eq!(connect.left, connect.nobody);
    let Kind::Voicemail(voicemail) = kind("v") else { panic!() };
    assert_eq!((voicemail.max_s, voicemail.transcribe, voicemail.empty), (180, true, None));
    assert_eq!(voicemail.asking.prompt.say, Some(Text::Same("x".to_owned())));
    let recorded = |asking: &Asking| (asking.attempts, asking.timeout_s, asking.finish, asking.no_input.is_none());
    assert_eq!(recorded(&voicemail.asking), (3, 6, Some('#'), true));
    let Kind::Intake(intake) = kind("i") else { panic!() };
    assert_eq!(recorded(&intake.asking), (3, 6, Some('#'), true));
    let Kind::Notice(notice) = kind("n") else { panic!() };
    assert_eq!((notice.asking.attempts, notice.asking.timeout_s, notice.asking.barge_in), (3, 6, true));
    assert_eq!((flow.title.as_str(), flow.step(flow.start).line), ("f", 6));
}
