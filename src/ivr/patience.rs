//! How long callers listen, answer and wait before somebody is rung for them: the longest case on every path
//! from the start to the first step that reaches a human. An estimate from above: every prompt is heard to
//! its end, every time-out runs out, every attempt is used.

mod search; // the ways to a human, through called flows

use std::collections::{BTreeMap, BTreeSet};

use self::search::Search;
use super::{
    flow::{Asking, Flow, Kind, Speech, Text, Wait},
    flows::Given,
    run::ANSWER_MAX_S,
    texts::without_expressions,
};
use crate::model::id::FlowId;

/// Letters that a voice speaks in a second.
const LETTERS_PER_SECOND: usize = 14;
/// What a value in a text comes to.
const VALUE_LETTERS: usize = 12;
/// Audio of which nobody knows how long it is.
const AUDIO_S: u32 = 10;
/// What the engine itself asks: any key, or whether a talk may be recorded.
const OWN_QUESTION_S: u32 = 6;
/// What open incidents take to be told.
const INCIDENTS_S: u32 = 30;
/// An endpoint has so long to answer.
const LOOKUP_S: u32 = 3;
/// Wrong PINs of a call, over all its steps.
const PIN_TRIES: u32 = 3;
/// Whether a talk may be recorded is asked twice at the most.
const CONSENT_S: u32 = 2 * (OWN_QUESTION_S + 6);

/// How to shorten a way.
pub const MEND: &str = "shorten the prompts, lower `attempts` or `timeout`, or allow more";

/// How long callers may listen and answer until somebody is rung, and where the file says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    pub seconds: u32,
    pub line: usize,
    pub column: usize,
}

/// All ways to a human.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ways {
    /// The longest first.
    pub paths: Vec<Path>,
    /// Flows that are called and not given: what they ask is not counted.
    pub unknown: BTreeSet<FlowId>,
}

/// A way to the first human.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The last one reaches a human. A step of a called flow is `topic/ask`.
    pub steps: Vec<String>,
    /// The last of the flow's own steps: the human is reached there, or in the flow that it calls.
    pub own: String,
    pub seconds: u32,
}

/// Every way to a human, also through the flows that are called.
pub fn ways<'a>(flow: &'a Flow, given: &'a Given<'a>) -> Ways {
    Search::ways(flow, given)
}

/// The longest way to each step that reaches a human, or calls a flow that does.
pub fn longest(ways: &Ways) -> BTreeMap<String, u32> {
    let mut longest = BTreeMap::new();
    for path in &ways.paths {
        let seconds = longest.entry(path.own.clone()).or_insert(0);
        *seconds = path.seconds.max(*seconds);
    }
    longest
}

/// What is to be said of a flow that may take longer than it allows itself.
pub fn too_long(flow: &Flow, ways: &Ways) -> Option<String> {
    let longest = ways.paths.first()?;
    (longest.seconds > flow.max_seconds_to_human.as_ref()?.seconds)
        .then(|| format!("it may take {} s to the first human: {}", longest.seconds, longest.steps.join(" → ")))
}

/// How long a caller may be at a step.
fn seconds(flow: &Flow, kind: &Kind) -> u32 {
    match kind {
        Kind::Say { speech, .. } => spoken(speech),
        Kind::Pause { seconds, .. } => *seconds,
        Kind::Language { asking, .. } => {
            let all: u32 = match &asking.prompt.say {
                Some(Text::Each(texts)) => texts.values().map(|text| letters(text)).sum(),
                Some(Text::Same(text)) => letters(text),
                None => AUDIO_S * u32::try_from(flow.languages.len()).unwrap_or(1),
            };
            asked(asking, all, asking.attempts)
        }
        Kind::Menu { asking, .. } => asked(asking, spoken(&asking.prompt), asking.attempts),
        Kind::Pin(step) => {
            let number = step.customer_number.as_ref().map_or(0, |text| text_s(text) + step.asking.timeout_s);
            let prompt = number + spoken(&step.asking.prompt);
            asked(&step.asking, prompt, step.asking.attempts.min(PIN_TRIES))
        }
        Kind::Caller(step) if step.captcha => {
            let prompt = spoken(&step.asking.prompt).max(OWN_QUESTION_S);
            asked(&step.asking, prompt, step.asking.attempts)
        }
        Kind::Collect(step) => {
            let repeated = if step.confirm { OWN_QUESTION_S + step.asking.timeout_s } else { 0 };
            asked(&step.asking, spoken(&step.asking.prompt) + repeated, step.asking.attempts)
        }
        Kind::Notice(step) => {
            INCIDENTS_S + asked(&step.asking, spoken(&step.asking.prompt).max(OWN_QUESTION_S), step.asking.attempts)
        }
        Kind::Callback(step) => asked(&step.asking, spoken(&step.asking.prompt) + OWN_QUESTION_S, step.asking.attempts),
        Kind::Intake(step) => {
            let question = |text: &Option<Text>| text.as_ref().map_or(OWN_QUESTION_S, text_s);
            let answered = |text| recorded(&step.asking, question(text), ANSWER_MAX_S);
            spoken(&step.asking.prompt) + step.questions.iter().map(|(_, text)| answered(text)).sum::<u32>()
        }
        Kind::Lookup(_) => LOOKUP_S,
        Kind::Voicemail(step) => recorded(&step.asking, spoken(&step.asking.prompt), step.max_s),
        Kind::Connect(step) => longest_of(&step.max_wait),
        Kind::Forward(step) => longest_of(&step.ring),
        Kind::Hangup { say, .. } => say.as_ref().map_or(0, spoken),
        // Its own steps are counted.
        Kind::Flow { .. } | Kind::Return => 0,
        Kind::Caller(_)
        | Kind::Hours { .. }
        | Kind::When { .. }
        | Kind::Set { .. }
        | Kind::Alert { .. }
        | Kind::Sms { .. } => 0,
    }
}

/// Asked as often as it may be, with silence each time.
fn asked(asking: &Asking, prompt_s: u32, attempts: u32) -> u32 {
    let remark = asking.no_input.as_ref().map_or(2, text_s);
    attempts * (prompt_s + asking.timeout_s) + attempts.saturating_sub(1) * remark
}

/// With silence each time but the last, which is then as long as it may be.
fn recorded(asking: &Asking, prompt_s: u32, longest_s: u32) -> u32 {
    asked(asking, prompt_s, asking.attempts).saturating_sub(asking.timeout_s) + longest_s
}

fn longest_of(wait: &Wait) -> u32 {
    match wait {
        Wait::Seconds(seconds) => *seconds,
        Wait::Var { otherwise_s, .. } => *otherwise_s,
    }
}

/// In the language that takes longest.
fn spoken(speech: &Speech) -> u32 {
    match (&speech.say, &speech.play) {
        (Some(text), _) => text_s(text),
        (None, Some(_)) => AUDIO_S,
        (None, None) => 0,
    }
}

fn text_s(text: &Text) -> u32 {
    text.sources().map(|text| letters(text)).max().unwrap_or(0)
}

fn letters(text: &str) -> u32 {
    let values = text.matches("{{").count() * VALUE_LETTERS;
    let letters = without_expressions(text).chars().count() + values;
    u32::try_from(letters.div_ceil(LETTERS_PER_SECOND)).unwrap_or(u32::MAX / 1_000)
}

#[cfg(test)]
mod tests {
    use super::{search::PATHS_MAX, *};
    use crate::ivr::parse;

    fn flow(id: &str, steps: &str) -> Flow {
        parse("test.toml", &format!("id = '{id}'\nlanguages = ['en']\nstart = 'a'\n{steps}")).unwrap()
    }

    fn told(ways: &Ways) -> Vec<String> {
        ways.paths.iter().map(|path| format!("{} {} s", path.steps.join(" → "), path.seconds)).collect()
    }

    fn of(steps: &str) -> Vec<String> {
        told(&ways(&flow("f", steps), &|_| None))
    }

    const END: &str = "[steps.c]\ndo = 'connect'\nconnected = 'z'\nnobody = 'z'\n[steps.z]\ndo = 'hangup'\n";

    #[test]
    fn words_take_their_time() {
        // 28 letters, and a value.
        let say = "[steps.a]\ndo = 'say'\nsay = 'Twenty-eight letters in all.{{ now }}'\nnext = 'p'\n";
        let pause = "[steps.p]\ndo = 'pause'\nfor = '4s'\nnext = 'c'\n";
        assert_eq!(of(&format!("{say}{pause}{END}")), ["a → p → c 7 s"]);
    }

    #[test]
    fn every_attempt_counts_with_its_silence() {
        let menu = "[steps.a]\ndo = 'menu'\nattempts = 2\ntimeout = '5s'\nprompt = 'One, or two?..'\nno_input = 'Once more, now'\n\
                    options = { 1 = { to = 'c' }, 2 = { to = 'b' } }\ninvalid = 'z'\n[steps.b]\ndo = 'say'\nsay = 'Well'\nnext = 'c'\n";
        assert_eq!(of(&format!("{menu}{END}")), ["a → b → c 14 s", "a → c 13 s"]);
    }

    /// Ways double with every step; whoever reads a file waits for none of it.
    #[test]
    fn a_flow_of_very_many_ways_is_looked_at_in_bounds() {
        let step = |n: usize| {
            let (next, after) = (n + 1, n + 2);
            format!(
                "[steps.s{n}]\ndo = 'menu'\nprompt = 'x'\noptions = {{ 1 = {{ to = 's{next}' }}, 2 = {{ to = 's{after}' }} }}\ninvalid = 'z'\n"
            )
        };
        let steps: String = (0..60).map(step).collect();
        let ends = "[steps.s60]\ndo = 'say'\nsay = 'x'\nnext = 'c'\n[steps.s61]\ndo = 'say'\nsay = 'x'\nnext = 'c'\n";
        let head = "id = 'f'\nlanguages = ['en']\nstart = 's0'\n";
        let flow = parse("test.toml", &format!("{head}{steps}{ends}{END}")).unwrap();
        assert!((1..=PATHS_MAX).contains(&ways(&flow, &|_| None).paths.len()));
    }

    #[test]
    fn whoever_is_silent_at_first_is_asked_again_and_speaks_at_length() {
        let intake = "[steps.a]\ndo = 'intake'\nattempts = 2\ntimeout = '5s'\nno_input = 'Once more, now'\n\
                      questions = { what = 'Well, what is it' }\nnext = 'b'\n";
        let mail = "[steps.b]\ndo = 'voicemail'\nattempts = 1\nmax = '30s'\nprompt = 'Well, and more'\nnext = 'c'\n";
        // 2 + 5 + 1, then 2 + 60; then 1 + 30.
        assert_eq!(of(&format!("{intake}{mail}{END}")), ["a → b → c 101 s"]);
    }

    #[test]
    fn a_way_that_comes_back_is_no_longer_way() {
        let back = "[steps.a]\ndo = 'menu'\nattempts = 1\ntimeout = '1s'\nprompt = 'x'\noptions = { 1 = { to = 'c' }, 2 = { to = 'a' } }\ninvalid = 'z'\n";
        assert_eq!(of(&format!("{back}{END}")), ["a → c 2 s"]);
    }

    #[test]
    fn a_maze_is_looked_at_no_longer_than_it_is_worth() {
        // Each of 40 menus leads to every other one, and only the last to a human.
        let options = |from: usize| {
            let others = (1..9).map(|key| format!("{key} = {{ to = 's{}' }}", (from * 7 + key * 5) % 40));
            others.collect::<Vec<_>>().join(", ")
        };
        let menu = |from: usize| {
            format!(
                "[steps.s{from}]\ndo = 'menu'\nprompt = 'x'\noptions = {{ {} }}\ninvalid = 's{}'\n",
                options(from),
                (from + 1) % 40
            )
        };
        let menus: String = (0..39).map(menu).collect();
        let last = "[steps.s39]\ndo = 'menu'\nprompt = 'x'\noptions = { 1 = { to = 'c' } }\ninvalid = 'z'\n";
        let steps = format!("[steps.a]\ndo = 'pause'\nfor = '1s'\nnext = 's0'\n{menus}{last}{END}");
        assert!(!of(&steps).is_empty());
    }

    /// Says for two seconds, and calls what is named; each behind the other.
    fn calling(id: &str, called: &[&str], end: &str) -> Flow {
        let mut steps = "[steps.a]\ndo = 'pause'\nfor = '2s'\nnext = 'f0'\n".to_owned();
        for (n, called) in called.iter().enumerate() {
            let next = n + 1;
            steps.push_str(&format!("[steps.f{n}]\ndo = 'flow'\nflow = '{called}'\nnext = 'f{next}'\n"));
        }
        let last = called.len();
        flow(id, &format!("{steps}[steps.f{last}]\ndo = 'pause'\nfor = '1s'\nnext = '{end}'\n"))
    }

    #[test]
    fn what_called_flows_ask_is_counted_on_the_way() {
        let asks = calling("asks", &[], "return");
        let rings = flow("rings", &format!("[steps.a]\ndo = 'pause'\nfor = '7s'\nnext = 'c'\n{END}"));
        let between = calling("between", &["asks", "rings"], "return");
        let flows = [asks, rings, between];
        let given = |id: &FlowId| flows.iter().find(|flow| flow.id == *id);
        // The only human is two flows deep.
        let main = calling("main", &["asks", "between"], "return");
        let found = ways(&main, &given);
        assert_eq!(
            told(&found),
            [
                "a → f0 → asks/a → asks/f0 → asks/return → f1 → between/a → between/f0 → asks/a → asks/f0 → asks/return → \
              between/f1 → rings/a → rings/c 17 s"
            ]
        );
        assert_eq!(longest(&found), BTreeMap::from([("f1".to_owned(), 17)]));
        assert!(found.unknown.is_empty());
    }

    #[test]
    fn a_called_flow_that_is_not_given_is_named() {
        let main = flow("main", &format!("[steps.a]\ndo = 'flow'\nflow = 'gone'\nnext = 'c'\n{END}"));
        let found = ways(&main, &|_| None);
        assert_eq!(told(&found), ["a → c 0 s"]);
        assert_eq!(found.unknown.iter().map(FlowId::as_str).collect::<Vec<_>>(), ["gone"]);
    }

    #[test]
    fn flows_in_a_circle_are_looked_at_in_bounds() {
        let flows = [calling("ping", &["pong"], "return"), calling("pong", &["ping"], "return")];
        let main = flow("main", &format!("[steps.a]\ndo = 'flow'\nflow = 'ping'\nnext = 'c'\n{END}"));
        let given = |id: &FlowId| flows.iter().find(|flow| flow.id == *id);
        assert!(ways(&main, &given).paths.len() <= PATHS_MAX);
    }

    #[test]
    fn the_shipped_hotline_says_what_it_asks_of_callers() {
        let flow = parse("sla", include_str!("../../ivr-flows/sla-hotline.toml")).unwrap();
        let longest = longest(&ways(&flow, &|_| None));
        assert_eq!(longest.keys().collect::<Vec<_>>(), ["connect"]);
        assert!((60..180).contains(&longest["connect"]), "{longest:?}");
    }
}
