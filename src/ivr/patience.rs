//! How long callers listen, answer and wait before somebody is rung for them: the longest case on every path
//! from the start to the first step that reaches a human. An estimate from above: every prompt is heard to
//! its end, every time-out runs out, every attempt is used.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    flow::{Asking, Flow, Kind, Speech, StepId, Text, Wait},
    run::ANSWER_MAX_S,
    texts::without_expressions,
};

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
/// More paths than these are looked at no further: people read none of them.
const PATHS_MAX: usize = 10_000;
/// And no more steps: ways that turn back on themselves are without number.
const STEPS_MAX: usize = 50_000;

/// How to shorten a way.
pub const MEND: &str = "shorten the prompts, lower `attempts` or `timeout`, or allow more";

/// A way to the first human.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The last one reaches a human.
    pub steps: Vec<String>,
    pub seconds: u32,
}

/// Every way to a human, the longest first.
pub fn paths(flow: &Flow) -> Vec<Path> {
    let mut search = Search { flow, leading: leading(flow), found: Vec::new(), way: Vec::new(), steps_left: STEPS_MAX };
    search.walk(flow.start, 0);
    search.found.sort_by(|a, b| b.seconds.cmp(&a.seconds).then_with(|| a.steps.cmp(&b.steps)));
    search.found.dedup();
    search.found
}

/// The longest way to each step that reaches a human.
pub fn longest(flow: &Flow) -> BTreeMap<String, u32> {
    let mut longest = BTreeMap::new();
    for path in paths(flow) {
        if let Some(last) = path.steps.last() {
            let seconds = longest.entry(last.clone()).or_insert(0);
            *seconds = path.seconds.max(*seconds);
        }
    }
    longest
}

/// The steps from which a human can be reached: the others are no way to one.
fn leading(flow: &Flow) -> BTreeSet<StepId> {
    let mut leading = BTreeSet::new();
    let is_human = |kind: &Kind| matches!(kind, Kind::Connect(_) | Kind::Forward(_));
    loop {
        let before = leading.len();
        for (index, step) in flow.steps.iter().enumerate() {
            if is_human(&step.kind) || step.kind.exits().iter().any(|exit| leading.contains(&exit.to)) {
                leading.insert(StepId::nth(index));
            }
        }
        if leading.len() == before {
            return leading;
        }
    }
}

struct Search<'a> {
    flow: &'a Flow,
    leading: BTreeSet<StepId>,
    steps_left: usize,
    found: Vec<Path>,
    way: Vec<StepId>,
}

impl Search<'_> {
    /// A step that was passed is not passed again: its attempts are counted already.
    fn walk(&mut self, step: StepId, before_s: u32) {
        let enough = self.found.len() >= PATHS_MAX || self.steps_left == 0;
        if enough || self.way.contains(&step) || !self.leading.contains(&step) {
            return;
        }
        self.steps_left -= 1;
        let flow = self.flow;
        let kind = &flow.step(step).kind;
        self.way.push(step);
        if matches!(kind, Kind::Connect(_) | Kind::Forward(_)) {
            let steps = self.way.iter().map(|step| flow.step(*step).name.clone()).collect();
            let own = if let Kind::Connect(connect) = kind
                && connect.record
            {
                2 * (OWN_QUESTION_S + 6)
            } else {
                0
            };
            self.found.push(Path { steps, seconds: before_s + own });
        } else {
            let seconds = before_s.saturating_add(seconds(flow, kind));
            let mut seen = Vec::new();
            for exit in kind.exits() {
                if !seen.contains(&exit.to) {
                    seen.push(exit.to);
                    self.walk(exit.to, seconds);
                }
            }
        }
        self.way.pop();
    }
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
        // How long another flow takes is its own business.
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
    use super::*;
    use crate::ivr::parse;

    fn of(steps: &str) -> Vec<String> {
        let flow = parse("test.toml", &format!("id = 'f'\nlanguages = ['en']\nstart = 'a'\n{steps}")).unwrap();
        paths(&flow).iter().map(|path| format!("{} {} s", path.steps.join(" → "), path.seconds)).collect()
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
        assert!((1..=PATHS_MAX).contains(&paths(&flow).len()));
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

    #[test]
    fn the_shipped_hotline_says_what_it_asks_of_callers() {
        let flow = parse("sla", include_str!("../../ivr-flows/sla-hotline.toml")).unwrap();
        let longest = longest(&flow);
        assert_eq!(longest.keys().collect::<Vec<_>>(), ["connect"]);
        assert!((60..180).contains(&longest["connect"]), "{longest:?}");
    }
}
