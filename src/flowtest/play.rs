//! Plays one test call: the hotline's part of the rhythm in virtual time. Speaking takes no time; ringing,
//! waiting and silence do. Start at `play`.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use super::{
    Pins,
    alerts::Left,
    expect,
    phones::{Due, Phones},
    script::{Act, Entry, TestCall},
    transcript::Transcript,
};
use crate::{
    declare::{
        Directory,
        of_call::{self, Line},
    },
    escalation::connect::End,
    ivr::{
        self, Called, ConnectEnd, Dial, Effect, Facts, Flow, Flows, Gather, Input, Money, PinCheck, Record, State,
        Then, Want,
    },
    model::{
        Instant,
        contract::Hotline,
        fault::Fault,
        id::{FlowId, IncidentId, PersonId},
        incident::{Incident, IncidentState},
        language::Language,
    },
};

/// Between a document that broke and whatever else needs a moment.
const MOMENT: TimeDelta = TimeDelta::seconds(1);
/// More happens in no call: something goes round in circles.
const EVENTS_MAX: usize = 10_000;

/// How a test call went.
#[derive(Debug, Clone)]
pub struct Played {
    /// Empty: as expected.
    pub failures: Vec<Failure>,
    pub transcript: Vec<String>,
    /// The exits that were taken, by where they are written in the flow's file.
    pub taken: BTreeSet<usize>,
}

impl Played {
    /// What went otherwise than expected, with its place in the tests' file.
    pub fn faults(&self, file: &str, call: &TestCall) -> Vec<Fault> {
        let fault = |Failure { line, expected, got }: &Failure| Fault {
            file: file.to_owned(),
            line: *line,
            column: 1,
            what: format!("test call \"{}\": expected {expected}; {got}", call.name),
            mend: "mend the flow, or what the call expects".to_owned(),
        };
        self.failures.iter().map(fault).collect()
    }
}

/// What the test says, and what came instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Of the test's file.
    pub line: usize,
    pub expected: String,
    pub got: String,
}

/// What a call is at.
pub(super) enum Standing {
    Asked {
        gather: Gather,
        until: Instant,
    },
    Recording {
        record: Record,
        until: Instant,
    },
    Waiting(Box<Phones>),
    /// With a technician, until the script goes on.
    Talking(PersonId),
    Dialing {
        dial: Dial,
        until: Instant,
        named: bool,
    },
    /// At an outside number, until the script goes on.
    Outside,
    Over,
}

/// A call under way.
pub(super) struct Player<'a> {
    pub directory: &'a Directory,
    flow: &'a Flow,
    called: Called,
    pub call: &'a TestCall,
    pins: &'a mut Pins,
    line: Line,
    pub now: Instant,
    pub state: State,
    pub standing: Standing,
    pub transcript: Transcript,
    pub left: Left,
    taken: BTreeSet<usize>,
    /// Whoever rings in vain is no fault: the script only waits.
    pub patient: bool,
}

/// Plays the call on a hotline of `directory`. It ends where the script ends: whoever talks then says
/// goodbye, everybody else hangs up.
pub fn play(directory: &Directory, hotline: &Hotline, flow: &Flow, call: &TestCall, pins: &mut Pins) -> Played {
    let mut player = Player::new(directory, hotline, flow, call, pins);
    let mut failures = Vec::new();
    player.turn(Input::Started);
    for entry in &call.script {
        if let Err((expected, got)) = player.entry(entry) {
            failures.push(Failure { line: entry.line, expected, got });
            break;
        }
    }
    if failures.is_empty() {
        player.end();
        failures = expect::failures(&player);
    }
    Played { failures, transcript: player.transcript.into_lines(), taken: player.taken }
}

/// What was expected, and what came.
pub(super) type Otherwise = (String, String);

impl<'a> Player<'a> {
    fn new(
        directory: &'a Directory,
        hotline: &Hotline,
        flow: &'a Flow,
        call: &'a TestCall,
        pins: &'a mut Pins,
    ) -> Self {
        let now = call.at.to_utc();
        let line =
            Line { hotline: hotline.clone(), caller: call.from.clone(), attestation: call.attestation, next_alert: 1 };
        let facts = facts(directory, &line, call, now);
        let called = called(directory, flow);
        let state = ivr::begin(Flows { main: flow, called: &called }, &facts);
        Self {
            directory,
            flow,
            called,
            call,
            pins,
            line,
            now,
            state,
            standing: Standing::Over,
            transcript: Transcript::new(*call.at.offset()),
            left: Left::default(),
            taken: BTreeSet::new(),
            patient: false,
        }
    }

    fn flows(&self) -> Flows<'_> {
        Flows { main: self.flow, called: &self.called }
    }

    pub fn note(&mut self, what: &str) {
        self.transcript.note(self.now, what);
    }

    /// One turn, and those that follow at once.
    pub fn turn(&mut self, input: Input) {
        let mut input = input;
        loop {
            self.line.next_alert = self.left.next_number();
            let mut facts = facts(self.directory, &self.line, self.call, self.now);
            self.find_out(&mut facts, &input);
            let turn = ivr::run(self.flows(), self.state.clone(), input, &facts);
            self.taken.extend(turn.path.iter().filter_map(|step| step.written_at()));
            self.state = turn.state;
            self.transcript.hears(self.now, &turn.verbs.prompts);
            for effect in &turn.effects {
                if let Some(note) = self.left.take(effect) {
                    self.note(&note);
                }
            }
            match turn.verbs.then {
                Then::Continue => input = Input::Continued,
                then => return self.stand(then, &turn.effects),
            }
        }
    }

    fn stand(&mut self, then: Then, effects: &[Effect]) {
        let after = |seconds: u32| self.now + TimeDelta::seconds(seconds.into());
        self.standing = match then {
            Then::Gather(gather) => Standing::Asked { until: after(gather.timeout_s), gather },
            Then::Record(record) => Standing::Recording { until: after(record.max_s), record },
            Then::Dial(dial) => {
                self.transcript.note(self.now, &format!("{} rings", dial.number));
                Standing::Dialing { until: after(dial.ring_s), dial, named: false }
            }
            Then::Enqueue => return self.wait_in_queue(effects),
            Then::Hangup | Then::Reject(_) | Then::Continue => Standing::Over,
        };
        if matches!(self.standing, Standing::Over) {
            self.note("the call is over");
        }
    }

    fn wait_in_queue(&mut self, effects: &[Effect]) {
        let connect = effects.iter().find_map(|effect| match effect {
            Effect::Connect(connect) => Some(connect),
            _ => None,
        });
        let Some(connect) = connect else { return self.turn(Input::Connect(ConnectEnd::Failed)) };
        let language = self.state.language.clone();
        let phones = Phones::new(self.directory, connect, language, self.call.busy.clone(), self.now);
        self.standing = Standing::Waiting(Box::new(phones));
        self.announce(true);
    }

    fn announce(&mut self, first: bool) {
        let mut facts = facts(self.directory, &self.line, self.call, self.now);
        facts.queue_position = Some(1);
        let prompts = ivr::waiting(self.flows(), &self.state, &facts, first);
        self.transcript.hears(self.now, &prompts);
    }

    fn find_out(&mut self, facts: &mut Facts, input: &Input) {
        match ivr::wants(self.flows(), &self.state, input, facts) {
            Want::Nothing => {}
            Want::Lookup(lookup) => {
                self.note(&format!("{} is asked", lookup.url));
                facts.lookup = Some(self.call.lookup.clone());
            }
            Want::PinCheck { .. } if self.call.pins_locked => {
                facts.pin = Some(PinCheck::Locked { until: self.now + TimeDelta::minutes(15) });
            }
            Want::PinCheck { customer_number, pin } => {
                let contract = facts.contract_for(customer_number.as_deref());
                let customer = contract.and_then(|contract| self.directory.customer_of(&contract.id));
                let whose = customer.and_then(|customer| self.pins.whose(customer, &pin));
                facts.pin = Some(whose.map_or(PinCheck::Wrong, PinCheck::Right));
            }
        }
    }

    /// Whether these keys are compared with PINs, and so are not shown.
    pub fn is_pin(&self, input: &Input) -> bool {
        let facts = facts(self.directory, &self.line, self.call, self.now);
        matches!(ivr::wants(self.flows(), &self.state, input, &facts), Want::PinCheck { .. })
    }

    /// The soonest thing that happens by itself; `None`: only the script goes on.
    fn next_event(&self) -> Option<Instant> {
        match &self.standing {
            Standing::Asked { until, .. } | Standing::Recording { until, .. } | Standing::Dialing { until, .. } => {
                Some(*until)
            }
            Standing::Waiting(phones) => Some(phones.next().0),
            Standing::Talking(_) | Standing::Outside | Standing::Over => None,
        }
    }

    /// Lets the next thing happen.
    fn happen(&mut self) -> Result<(), Otherwise> {
        let Some(at) = self.next_event() else { return Ok(()) };
        self.now = self.now.max(at);
        match &mut self.standing {
            Standing::Asked { .. } => {
                self.note("no key and no word");
                self.turn(Input::Nothing);
            }
            Standing::Recording { record, .. } => {
                let seconds = record.max_s;
                self.turn(recorded(seconds, false));
            }
            Standing::Dialing { dial, named, .. } => {
                let (number, named) = (dial.number.clone(), *named);
                if !named && !self.patient {
                    return Err(not_mentioned(number.as_str()));
                }
                self.note(&format!("{number} does not answer"));
                self.turn(Input::Dialed { bridged: false });
            }
            Standing::Waiting(phones) => match phones.next().1 {
                Due::Decide => return self.decide(),
                Due::Announce => {
                    phones.announced();
                    self.announce(false);
                }
            },
            Standing::Talking(_) | Standing::Outside | Standing::Over => {}
        }
        Ok(())
    }

    /// Whom to ring now, and whether there is anybody left.
    pub fn decide(&mut self) -> Result<(), Otherwise> {
        let (directory, now) = (self.directory, self.now);
        let Standing::Waiting(phones) = &mut self.standing else { return Ok(()) };
        let decided = phones.decide(directory, now);
        let end = phones.end();
        if decided.nobody_on_call {
            self.left.told.insert(ivr::Matter::NobodyOnCall.as_str().to_owned());
        }
        for note in &decided.notes {
            self.note(note);
        }
        if let Some(person) = decided.overlooked.first().filter(|_| !self.patient) {
            return Err(not_mentioned(person.as_str()));
        }
        match end {
            Some(End::GaveUp(_)) => self.turn(Input::Connect(of_call::connect_end(end))),
            Some(End::Connected) | None => {}
        }
        Ok(())
    }

    /// Lets time pass.
    pub fn run_to(&mut self, until: Instant) -> Result<(), Otherwise> {
        for _ in 0..EVENTS_MAX {
            match self.next_event() {
                Some(at) if at <= until => self.happen()?,
                Some(_) | None => break,
            }
        }
        self.now = self.now.max(until);
        Ok(())
    }

    /// Lets time pass while somebody waits for a human, until `found`. `false`: they wait no longer.
    pub fn run_until(&mut self, mut found: impl FnMut(&mut Self) -> bool) -> Result<bool, Otherwise> {
        for _ in 0..EVENTS_MAX {
            if found(self) {
                return Ok(true);
            }
            if !matches!(self.standing, Standing::Waiting(_) | Standing::Dialing { .. }) {
                return Ok(false);
            }
            self.happen()?;
        }
        Ok(false)
    }

    fn entry(&mut self, entry: &Entry) -> Result<(), Otherwise> {
        let goes_on = !entry.hear.is_empty() || matches!(entry.act, Some(Act::Press(_) | Act::Say(_) | Act::Silence));
        if goes_on && entry.bridged.is_none() {
            self.end_talk();
        }
        for words in &entry.hear {
            if !self.run_until(|player| player.transcript.find(words))? {
                return Err((format!("to hear \"{words}\""), "it was not said".to_owned()));
            }
        }
        if let Some(words) = entry.not_hear.iter().find(|words| self.transcript.contains(words)) {
            return Err((format!("not to hear \"{words}\""), "it was said".to_owned()));
        }
        if let Some(person) = &entry.bridged {
            self.expect_talk(person)?;
        }
        entry.act.as_ref().map_or(Ok(()), |act| self.act(act))
    }

    /// Whoever talks has said all.
    fn end_talk(&mut self) {
        match std::mem::replace(&mut self.standing, Standing::Over) {
            Standing::Talking(person) => {
                self.note(&format!("the talk with {person} is over"));
                self.turn(Input::Connect(ConnectEnd::Bridged { person: Some(person) }));
            }
            Standing::Outside => {
                self.note("the talk at the other number is over");
                self.turn(Input::Dialed { bridged: true });
            }
            other @ (Standing::Asked { .. }
            | Standing::Recording { .. }
            | Standing::Waiting(_)
            | Standing::Dialing { .. }
            | Standing::Over) => self.standing = other,
        }
    }

    pub fn hang_up(&mut self) {
        if let Standing::Talking(_) | Standing::Outside = self.standing {
            self.end_talk();
        }
        if !matches!(self.standing, Standing::Over) {
            self.note("the caller hangs up");
            self.turn(Input::HungUp);
        }
        self.standing = Standing::Over;
    }

    /// A moment for what a carrier needs to find out.
    pub fn moment(&mut self) -> Result<(), Otherwise> {
        self.run_to(self.now + MOMENT)
    }

    fn end(&mut self) {
        self.end_talk();
        self.hang_up();
    }
}

fn not_mentioned(who: &str) -> Otherwise {
    (format!("the script to say what becomes of {who}, who is rung"), "it does not mention that phone".to_owned())
}

fn facts(directory: &Directory, line: &Line, call: &TestCall, now: Instant) -> Facts {
    let left = !call.over_cap;
    let countries = of_call::countries(directory);
    let money = Money { calls_left: left, sms_left: left, countries, full: BTreeSet::new() };
    let incidents = (1..).zip(&call.incidents).map(|(number, title)| incident(number, title, now)).collect();
    Facts { incidents, ..of_call::facts(directory, line, call.language.clone(), money, now) }
}

/// An open one that touches everybody and says its title.
fn incident(number: i64, title: &str, now: Instant) -> Incident {
    Incident {
        id: IncidentId::from_ulid(ulid::Ulid::from_parts(0, number.unsigned_abs().into())),
        number,
        title: title.to_owned(),
        language: Language::english(),
        texts: BTreeMap::new(),
        customers: BTreeSet::new(),
        contracts: BTreeSet::new(),
        state: IncidentState::Investigating,
        rev: 1,
        opened_at: now,
        updated_at: now,
        resolved_at: None,
    }
}

/// The flows that this one calls, and those that they call.
fn called(directory: &Directory, flow: &Flow) -> Called {
    let mut called = Called::new();
    let mut open: Vec<FlowId> = flow.calls().cloned().collect();
    while let Some(id) = open.pop() {
        let Some(in_use) = directory.flows.get(&id).filter(|_| !called.contains_key(&id)) else { continue };
        open.extend(in_use.flow.calls().cloned());
        called.insert(id, (in_use.version, in_use.flow.clone()));
    }
    called
}

pub(super) fn recorded(seconds: u32, hung_up: bool) -> Input {
    Input::Recorded { url: "https://carrier.example/recording".to_owned(), sid: None, seconds, hung_up, spare: false }
}
