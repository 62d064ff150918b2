//! The ways from the start of a flow to a human, through the flows that it calls and back. Bounded: of ways
//! that are without number it takes so many.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::{CONSENT_S, Path, Ways, seconds};
use crate::{
    ivr::{
        flow::{Flow, Kind, StepId},
        flows::Given,
    },
    model::id::FlowId,
};

/// More paths than these are looked at no further: people read none of them.
pub(super) const PATHS_MAX: usize = 10_000;
/// And no more steps: ways that turn back on themselves are without number.
const STEPS_MAX: usize = 50_000;
/// Nor longer ways: flows that are called one after the other have each their own steps.
const WAY_MAX: usize = 1_000;

pub(super) struct Search<'a> {
    given: &'a Given<'a>,
    /// By flow, and by whether its `return` leads to a human.
    leading: BTreeMap<(FlowId, bool), Rc<BTreeSet<StepId>>>,
    unknown: BTreeSet<FlowId>,
    steps_left: usize,
    /// Flows that were entered on all ways.
    entered: usize,
    found: Vec<Path>,
    way: Vec<Passed>,
}

struct Passed {
    entered: usize,
    step: StepId,
    name: String,
}

/// A flow while a way leads through it.
struct Frame<'f, 'a> {
    flow: &'a Flow,
    leading: Rc<BTreeSet<StepId>>,
    /// Which of all that were entered: a flow that is called twice is passed twice.
    entered: usize,
    /// Who called it, and where that goes on.
    back: Option<(&'f Frame<'f, 'a>, StepId)>,
}

impl<'a> Search<'a> {
    pub fn ways(flow: &'a Flow, given: &'a Given<'a>) -> Ways {
        let mut search = Self {
            given,
            leading: BTreeMap::new(),
            unknown: BTreeSet::new(),
            steps_left: STEPS_MAX,
            entered: 0,
            found: Vec::new(),
            way: Vec::new(),
        };
        let leading = search.leading(flow, false);
        search.walk(&Frame { flow, leading, entered: 0, back: None }, flow.start, 0);
        let mut paths = search.found;
        paths.sort_by(|a, b| b.seconds.cmp(&a.seconds).then_with(|| a.steps.cmp(&b.steps)));
        paths.dedup();
        Ways { paths, unknown: search.unknown }
    }

    /// The steps from which a human can be reached: the others are no way to one.
    fn leading(&mut self, flow: &'a Flow, behind: bool) -> Rc<BTreeSet<StepId>> {
        let key = (flow.id.clone(), behind);
        if let Some(known) = self.leading.get(&key) {
            return known.clone();
        }
        // Flows that call each other in a circle end here; that is told elsewhere.
        self.leading.insert(key.clone(), Rc::default());
        let mut leading = BTreeSet::new();
        loop {
            let before = leading.len();
            for (id, step) in flow.steps() {
                if self.leads(&step.kind, &leading, behind) {
                    leading.insert(id);
                }
            }
            if leading.len() == before {
                break;
            }
        }
        let leading = Rc::new(leading);
        self.leading.insert(key, leading.clone());
        leading
    }

    fn leads(&mut self, kind: &'a Kind, leading: &BTreeSet<StepId>, behind: bool) -> bool {
        if let Kind::Flow { flow: id, next, .. } = kind {
            let is_next = leading.contains(next);
            return match (self.given)(id) {
                Some(called) => self.leading(called, is_next).contains(&called.start),
                None => {
                    self.unknown.insert(id.clone());
                    is_next
                }
            };
        }
        is_human(kind)
            || (behind && matches!(kind, Kind::Return))
            || kind.exits().iter().any(|exit| leading.contains(&exit.to))
    }

    /// A step that was passed is not passed again: its attempts are counted already.
    fn walk(&mut self, frame: &Frame<'_, 'a>, step: StepId, before_s: u32) {
        let enough = self.found.len() >= PATHS_MAX || self.steps_left == 0 || self.way.len() >= WAY_MAX;
        let is_passed = |passed: &Passed| passed.entered == frame.entered && passed.step == step;
        if enough || self.way.iter().any(is_passed) || !frame.leading.contains(&step) {
            return;
        }
        self.steps_left -= 1;
        let flow = frame.flow;
        let kind = &flow.step(step).kind;
        let name = match frame.back {
            None => flow.step(step).name.clone(),
            Some(_) => format!("{}/{}", flow.id, flow.step(step).name),
        };
        self.way.push(Passed { entered: frame.entered, step, name });
        if is_human(kind) {
            self.arrive(kind, before_s);
        } else if let Kind::Flow { flow: id, next, .. } = kind {
            self.call(frame, id, *next, before_s);
        } else if let (Kind::Return, Some((back, next))) = (kind, frame.back) {
            self.walk(back, next, before_s);
        } else {
            let seconds = before_s.saturating_add(seconds(flow, kind));
            let mut seen = Vec::new();
            for exit in kind.exits() {
                if !seen.contains(&exit.to) {
                    seen.push(exit.to);
                    self.walk(frame, exit.to, seconds);
                }
            }
        }
        self.way.pop();
    }

    fn call(&mut self, frame: &Frame<'_, 'a>, id: &FlowId, next: StepId, before_s: u32) {
        let Some(called) = (self.given)(id) else { return self.walk(frame, next, before_s) };
        self.entered += 1;
        let leading = self.leading(called, frame.leading.contains(&next));
        let inside = Frame { flow: called, leading, entered: self.entered, back: Some((frame, next)) };
        self.walk(&inside, called.start, before_s);
    }

    fn arrive(&mut self, kind: &Kind, before_s: u32) {
        let asks = matches!(kind, Kind::Connect(connect) if connect.record);
        let own = self.way.iter().rfind(|passed| passed.entered == 0);
        self.found.push(Path {
            steps: self.way.iter().map(|passed| passed.name.clone()).collect(),
            own: own.map(|passed| passed.name.clone()).unwrap_or_default(),
            seconds: before_s.saturating_add(if asks { CONSENT_S } else { 0 }),
        });
    }
}

fn is_human(kind: &Kind) -> bool {
    matches!(kind, Kind::Connect(_) | Kind::Forward(_))
}
