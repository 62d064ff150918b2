//! From step to step until one waits for the caller: the loop of a turn, its limits, and what happens
//! when it cannot go on. What a step means is in the file of its family.

use chrono::TimeDelta;

use super::{
    alert, asking, callback, caller, calling, choice, collect, connect, decide, intake, lookup, notice, outside, pin,
    spare, voicemail,
};
use crate::{
    ivr::{
        facts::Facts,
        flow::{Flow, Kind, Speech, StepId, Text},
        flows::Flows,
        speech::{plain, says},
        state::{Phase, SpareWords, State},
        texts::{Texts, without_expressions},
        turn::{ConnectEnd, Effect, Input, Matter, MissedWhy, Prompt, Then, Turn, Verbs},
        words::{Words, fill, words},
    },
    model::{call::Outcome, language::Language},
};

const TURNS_MAX: u32 = 100;
const MINUTES_MAX: i64 = 60;
/// Past this a document ends and asks for the next one: a carrier takes 64 kB, a sign has up to six bytes.
const DOCUMENT_CHARS_MAX: usize = 6_000;
const DOCUMENT_PROMPTS_MAX: usize = 60;
/// So often a flow may be called between two answers of the caller.
const CALLS_OF_ONE: usize = 8;

/// A turn under way.
pub struct Walk<'a> {
    pub flows: Flows<'a>,
    /// The one of them that the call is in.
    pub flow: &'a Flow,
    pub facts: &'a Facts,
    pub state: State,
    pub effects: Vec<Effect>,
    prompts: Vec<Prompt>,
    reasons: Vec<String>,
    chars: usize,
    failure_told: bool,
    path: Vec<StepId>,
}

/// What a step leads to.
pub enum Move {
    Go(StepId),
    /// The turn ends, the step waits for its answer.
    Wait(Phase, Then),
    /// The call ends.
    End(Then),
    /// The flow cannot go on, and why.
    Fail(String),
}

impl<'a> Walk<'a> {
    pub fn new(flows: Flows<'a>, state: State, facts: &'a Facts) -> Self {
        Self {
            flows,
            flow: flows.current(&state).unwrap_or(flows.main),
            facts,
            state,
            effects: Vec::new(),
            prompts: Vec::new(),
            reasons: Vec::new(),
            chars: 0,
            failure_told: false,
            path: Vec::new(),
        }
    }

    pub fn finish(self, then: Then) -> Turn {
        Turn {
            verbs: Verbs { prompts: self.prompts, then },
            effects: self.effects,
            reasons: self.reasons,
            last_step: self.state.step.clone(),
            path: self.path,
            state: self.state,
        }
    }

    pub fn turn(&mut self, input: Input) -> Then {
        self.state.turn = self.state.turn.saturating_add(1);
        self.state.spares.clear();
        if self.state.is_over() {
            return self.late(input);
        }
        if input == Input::HungUp {
            return self.hung_up();
        }
        let mut next = match self.state.phase {
            _ if matches!(input, Input::Connect(ConnectEnd::Bridged { .. })) && !self.is_connecting() => {
                self.talked_elsewhere()
            }
            Phase::Spare => voicemail::spare_answer(self, input),
            _ => self.first(input),
        };
        let mut walked = 0;
        loop {
            next = match self.within_limits(next) {
                Move::Wait(phase, then) => {
                    self.state.phase = phase;
                    return then;
                }
                Move::End(then) => {
                    self.state.phase = Phase::Over;
                    return then;
                }
                Move::Fail(why) => self.fail(why),
                Move::Go(_) if walked > self.steps_max() => {
                    Move::Fail("the flow goes round in circles without asking the caller".to_owned())
                }
                Move::Go(step) => {
                    walked += 1;
                    self.arrive(step);
                    if self.chars > DOCUMENT_CHARS_MAX || self.prompts.len() > DOCUMENT_PROMPTS_MAX {
                        return Then::Continue;
                    }
                    self.enter(step)
                }
            };
        }
    }

    /// A sound flow passes each step at most twice between two answers; one that others call, each time.
    fn steps_max(&self) -> usize {
        let called: usize = self.flows.called.values().map(|(_, flow)| flow.steps().count()).sum();
        2 * (self.flows.main.steps().count() + CALLS_OF_ONE * called)
    }

    fn is_connecting(&self) -> bool {
        let here = self.flow.find(self.state.local_step());
        self.state.phase == Phase::Asked
            && here.is_some_and(|step| matches!(self.flow.step(step).kind, Kind::Connect(_)))
    }

    /// By the spare document, of which the flow knows nothing.
    fn talked_elsewhere(&mut self) -> Move {
        self.reason("The caller talked with somebody whom the spare document had dialled.");
        self.reach(Outcome::Connected);
        self.say_built_in(|words| words.goodbye);
        Move::End(Then::Hangup)
    }

    /// Where the turn begins: with the answer to what the step asked, or with the step itself.
    fn first(&mut self, input: Input) -> Move {
        let here = self.flows.current(&self.state).and_then(|flow| flow.find(self.state.local_step()));
        let Some(step) = here else {
            return Move::Fail(format!("the flow has no step `{}`", self.state.step));
        };
        if input == Input::Failed {
            return self.document_failed(step);
        }
        let records = match &self.flow.step(step).kind {
            Kind::Voicemail(_) => true,
            Kind::Intake(_) => !matches!(input, Input::Recorded { spare: true, .. }),
            _ => false,
        };
        if let Input::Recorded { url, sid, seconds, .. } = &input
            && !records
        {
            // Spoken after the spare document, of which the flow knows nothing.
            voicemail::keep_late(self, url.clone(), sid.clone(), *seconds);
            self.say_built_in(|words| words.thanks);
            return Move::End(Then::Hangup);
        }
        match self.state.phase {
            Phase::Fresh => self.enter(step),
            Phase::Asked
            | Phase::CustomerNumber
            | Phase::Captcha
            | Phase::Consent
            | Phase::Confirm
            | Phase::Number
            | Phase::Spare
            | Phase::Over => self.answer(step, input),
        }
    }

    fn arrive(&mut self, step: StepId) {
        // A flow that is called has no say in this: the step that called it is left when it comes back.
        if self.state.calls.is_empty() {
            self.path.push(step);
            let left = self.flow.find(&self.state.step);
            if (left.is_some() && self.flow.abandoned.after == left) || self.flow.abandoned.past.contains(&step) {
                self.state.past = true;
            }
        }
        self.state.step = self.state.qualified(&self.flow.step(step).name);
        self.state.phase = Phase::Fresh;
        self.state.attempts = 0;
        self.state.heard = None;
        self.state.question = 0;
    }

    fn enter(&mut self, step: StepId) -> Move {
        let flow = self.flow;
        match &flow.step(step).kind {
            Kind::Say { speech, next } => {
                self.speak(speech);
                Move::Go(*next)
            }
            Kind::Pause { seconds, next } => {
                self.prompts.push(Prompt::Pause { seconds: *seconds });
                Move::Go(*next)
            }
            Kind::Language { asking, options, remember, next } => {
                choice::enter_language(self, asking, options, *remember, *next)
            }
            Kind::Hours { calendar, open, closed, holiday } => {
                decide::hours(self, calendar.as_ref(), *open, *closed, *holiday)
            }
            Kind::Caller(caller) => caller::enter(self, caller),
            Kind::Pin(pin) => pin::enter(self, pin),
            Kind::Menu { asking, options, .. } => choice::enter_menu(self, asking, options),
            Kind::Collect(collect) => collect::enter(self, collect),
            Kind::When { cases, otherwise } => decide::when(self, cases, *otherwise),
            Kind::Set { vars, category, priority, next } => {
                decide::set(self, vars, category.as_ref(), *priority);
                Move::Go(*next)
            }
            Kind::Alert { alert, ack_on_connect, next } => {
                alert::enter(self, alert, *ack_on_connect);
                Move::Go(*next)
            }
            Kind::Connect(connect) => connect::enter(self, connect),
            Kind::Voicemail(voicemail) => voicemail::enter(self, voicemail),
            Kind::Notice(notice) => notice::enter(self, notice),
            Kind::Callback(callback) => callback::enter(self, callback),
            Kind::Sms { text, next, failed } => outside::sms(self, text, *next, *failed),
            Kind::Forward(forward) => outside::enter_forward(self, forward),
            Kind::Lookup(_) => lookup::enter(self),
            Kind::Intake(intake) => intake::enter(self, intake),
            Kind::Flow { flow, vars, .. } => calling::enter(self, flow, vars),
            Kind::Return => calling::come_back(self),
            Kind::Hangup { say, reject } => outside::hangup(self, say.as_ref(), *reject),
        }
    }

    fn answer(&mut self, step: StepId, input: Input) -> Move {
        let flow = self.flow;
        match &flow.step(step).kind {
            Kind::Language { asking, options, remember, next } => {
                choice::answer_language(self, asking, options, *remember, *next, &input)
            }
            Kind::Caller(caller) => caller::answer(self, caller, &input),
            Kind::Pin(pin) => pin::answer(self, pin, &input),
            Kind::Menu { asking, options, invalid } => choice::answer_menu(self, asking, options, *invalid, &input),
            Kind::Collect(collect) => collect::answer(self, collect, &input),
            Kind::Intake(intake) => intake::answer(self, intake, input),
            Kind::Lookup(lookup) => lookup::answer(self, lookup, &input),
            Kind::Connect(connect) => connect::answer(self, connect, &input),
            Kind::Voicemail(voicemail) => voicemail::answer(self, voicemail, input),
            Kind::Notice(notice) => notice::answer(self, notice, &input),
            Kind::Callback(callback) => callback::answer(self, callback, &input),
            Kind::Forward(forward) => outside::answer_forward(self, forward, &input),
            // These never wait: the state is older than the flow.
            Kind::Say { .. }
            | Kind::Pause { .. }
            | Kind::Hours { .. }
            | Kind::When { .. }
            | Kind::Set { .. }
            | Kind::Alert { .. }
            | Kind::Sms { .. }
            | Kind::Flow { .. }
            | Kind::Return
            | Kind::Hangup { .. } => self.enter(step),
        }
    }

    /// The carrier could not run the last document. The step is tried once more without its audio;
    /// queues and dials that broke have an exit for it.
    fn document_failed(&mut self, step: StepId) -> Move {
        self.reason("The carrier could not run the last document.");
        match (&self.flow.step(step).kind, self.state.phase) {
            (Kind::Connect(_), Phase::Asked) => return self.answer(step, Input::Connect(ConnectEnd::Failed)),
            (Kind::Forward(_), Phase::Asked) => return self.answer(step, Input::Dialed { bridged: false }),
            _ => {}
        }
        if self.state.failed_steps.insert(self.state.step.clone()) {
            self.state.phase = Phase::Fresh;
            return self.enter(step);
        }
        Move::Fail("the carrier could not run the step's document twice".to_owned())
    }

    /// 100 turns and 60 minutes. A long talk is no failure: whoever had one is led on to the goodbye,
    /// and only not asked anything more.
    fn within_limits(&mut self, next: Move) -> Move {
        let goes_on = match &next {
            Move::Go(_) => !self.is_served(),
            Move::Wait(phase, _) => *phase != Phase::Spare,
            Move::End(_) | Move::Fail(_) => false,
        };
        let why = if self.state.turn > TURNS_MAX {
            "the call has taken more than 100 turns"
        } else if self.facts.now - self.state.started > TimeDelta::minutes(MINUTES_MAX) {
            "the call has taken more than 60 minutes"
        } else {
            return next;
        };
        if !goes_on {
            return next;
        }
        if self.is_served() {
            self.reason(format!("The call ends here: {why}."));
            self.say_built_in(|words| words.goodbye);
            return Move::End(Then::Hangup);
        }
        Move::Fail(why.to_owned())
    }

    fn is_served(&self) -> bool {
        matches!(
            self.state.reached,
            Some(Outcome::Connected | Outcome::Forwarded | Outcome::Voicemail | Outcome::Callback)
        )
    }

    /// Promise 1. Whoever has talked or left a message hears a goodbye, everybody else an apology and
    /// the spare voicemail.
    fn fail(&mut self, why: String) -> Move {
        self.flow_failed(why);
        if self.is_served() {
            self.say_built_in(|words| words.goodbye);
            return Move::End(Then::Hangup);
        }
        let verbs = spare(&self.state.language);
        self.prompts.extend(verbs.prompts);
        Move::Wait(Phase::Spare, verbs.then)
    }

    /// Noted, and told to the MSP once a turn.
    pub fn flow_failed(&mut self, why: String) {
        self.reason(format!("The flow failed: {why}."));
        if !self.failure_told {
            self.failure_told = true;
            self.tell_msp(Matter::FlowFailed, |words| words.flow_failed);
        }
    }

    fn hung_up(&mut self) -> Then {
        self.reason(format!("The caller hung up at step `{}`.", self.state.step));
        self.leave_missed();
        self.state.phase = Phase::Over;
        Then::Hangup
    }

    /// The call ends without the flow's choice: told by the rule `abandoned`.
    pub fn leave_missed(&mut self) {
        if let Some(missed) = alert::abandoned(self.flows.main, &self.state, self.facts) {
            self.missed(missed.why);
        }
    }

    /// The call is over, so this comes late or twice. A recording or a talk still counts.
    fn late(&mut self, input: Input) -> Then {
        let here = self.flow.find(self.state.local_step()).map(|id| &self.flow.step(id).kind);
        match input {
            Input::Recorded { url, sid, seconds, spare: false, .. } if matches!(here, Some(Kind::Intake(_))) => {
                if let Some(Kind::Intake(intake)) = here {
                    intake::keep(self, intake, url, sid, seconds);
                }
            }
            Input::Recorded { url, sid, seconds, .. } if self.state.reached != Some(Outcome::Voicemail) => {
                voicemail::keep_late(self, url, sid, seconds);
            }
            Input::Connect(ConnectEnd::Bridged { .. }) => self.reach(Outcome::Connected),
            Input::Dialed { bridged: true } => self.reach(Outcome::Forwarded),
            _ => {}
        }
        self.say_built_in(|words| words.goodbye);
        Then::Hangup
    }

    pub fn reach(&mut self, outcome: Outcome) {
        if self.state.reached.is_none_or(|reached| outcome.outranks(reached)) {
            self.state.reached = Some(outcome);
        }
    }

    pub fn missed(&mut self, why: MissedWhy) {
        let missed = alert::missed_call(self.flows.main, &self.state, self.facts, why);
        self.state.alert = self.state.alert.or(Some(self.facts.next_alert));
        self.state.missed_told = true;
        self.effects.push(Effect::Missed(missed));
        self.reach(if why == MissedWhy::Failed { Outcome::Failed } else { Outcome::Missed });
    }

    pub fn tell_msp(&mut self, matter: Matter, sentence: impl Fn(&Words) -> &'static str) {
        let text = alert::sentence(self.flows.main, &self.state, self.facts, sentence);
        self.effects.push(Effect::TellMsp { matter, text });
    }

    pub fn reason(&mut self, reason: impl Into<String>) {
        self.reasons.push(reason.into());
    }

    pub fn has_said_nothing(&self) -> bool {
        self.prompts.is_empty()
    }

    pub fn speak(&mut self, speech: &Speech) {
        let language = self.state.language.clone();
        self.speak_in(speech, &language);
    }

    /// Audio where there is some and the carrier could play it, else the text.
    pub fn speak_in(&mut self, speech: &Speech, language: &Language) {
        if let Some(play) = speech.play.as_ref().filter(|_| !self.state.failed_steps.contains(&self.state.step)) {
            let url = plain(&self.rendered(play, language));
            if asking::is_audio(&url) {
                if let Some(say) = &speech.say {
                    let text = self.rendered(say, language);
                    self.chars += text.chars().count();
                    let spare = SpareWords { text, language: language.clone(), voice: self.voice(language).cloned() };
                    self.state.spares.insert(url.clone(), spare);
                }
                self.prompts.push(Prompt::Play { url });
                return;
            }
            self.reason(format!("The audio of step `{}` has no web address.", self.state.step));
        }
        if let Some(say) = &speech.say {
            self.say(say, language);
        }
    }

    pub fn say(&mut self, text: &Text, language: &Language) {
        let rendered = self.rendered(text, language);
        self.push_said(&rendered, language);
    }

    pub fn say_built_in(&mut self, sentence: impl Fn(&Words) -> &'static str) {
        let (words, language) = words(&self.state.language, self.flow.default_language());
        self.push_said(sentence(words), &language);
    }

    /// A sentence of ours whose `{name}`s are filled in.
    pub fn say_filled(&mut self, sentence: impl Fn(&Words) -> &'static str, values: &[(&str, &str)]) {
        let (words, language) = words(&self.state.language, self.flow.default_language());
        self.push_said(&fill(sentence(words), values), &language);
    }

    /// Whether the document under way can hold so much more; an empty one takes anything.
    pub fn has_room_for(&self, chars: usize) -> bool {
        self.prompts.is_empty() || self.chars + chars <= DOCUMENT_CHARS_MAX
    }

    pub fn push_said(&mut self, rendered: &str, language: &Language) {
        self.chars += rendered.chars().count();
        self.prompts.extend(says(rendered, language, self.voice(language)));
    }

    fn voice(&self, language: &Language) -> Option<&'a String> {
        self.flow.voices.get(language).or_else(|| self.flows.main.voices.get(language))
    }

    /// A text that cannot be rendered loses its expressions, not its caller.
    pub fn rendered(&mut self, text: &Text, language: &Language) -> String {
        let source = text.in_language(language, self.flow.default_language());
        let texts = Texts { flow: self.flow, state: &self.state, facts: self.facts, language };
        match texts.render(source) {
            Ok(rendered) => rendered,
            Err(error) => {
                self.flow_failed(format!(
                    "a text of step `{}` could not be rendered ({})",
                    self.state.step,
                    error.kind()
                ));
                without_expressions(source)
            }
        }
    }
}
