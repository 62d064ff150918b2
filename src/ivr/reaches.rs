//! With which category and priority callers may come to each `connect`, through the flows that are called as
//! well: whom it rings hangs on that. From above: what cannot be known counts as possible.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    FLOWS_DEEP_MAX,
    flow::{Case, Choice, ConnectTo, Flow, Kind, StepId},
    flows::Given,
    texts::environment,
};
use crate::model::{id::FlowId, priority::Priority};

/// A `connect` that callers of a flow may come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The flow itself, or one that it calls.
    pub flow: FlowId,
    pub step: String,
    pub to: ConnectTo,
    /// A call without one counts as P3.
    pub priorities: BTreeSet<Priority>,
}

/// What a call is about, as far as the flow has said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Matter {
    category: Option<String>,
    priority: Option<Priority>,
}

type Matters = BTreeSet<Matter>;

/// Every `connect` that calls of this flow may come to, flow by flow.
pub fn connects<'a>(flow: &'a Flow, given: &'a Given<'a>) -> Vec<Reached> {
    let mut search = Search { given, found: BTreeMap::new(), passed: BTreeMap::new() };
    search.pass(flow, &Matters::from([Matter::default()]), 0);
    search.found.into_values().collect()
}

struct Search<'a> {
    given: &'a Given<'a>,
    found: BTreeMap<(FlowId, String), Reached>,
    /// What was called with the same before leads to the same.
    passed: BTreeMap<(FlowId, Matters), Matters>,
}

impl Search<'_> {
    /// With what callers leave a flow who came to it with one of these: behind its `return`.
    fn pass(&mut self, flow: &Flow, coming: &Matters, deep: usize) -> Matters {
        let mut at: BTreeMap<StepId, Matters> = BTreeMap::from([(flow.start, coming.clone())]);
        let mut due = BTreeSet::from([flow.start]);
        let mut leaving = Matters::new();
        while let Some(step) = due.pop_first() {
            let here = at.get(&step).cloned().unwrap_or_default();
            for (to, matters) in self.lead(flow, step, &here, deep) {
                let there = at.entry(to).or_default();
                let before = there.len();
                there.extend(matters);
                if there.len() > before {
                    due.insert(to);
                }
            }
            if matches!(flow.step(step).kind, Kind::Return) {
                leaving.extend(here);
            }
        }
        leaving
    }

    /// Where a step leads, and with what.
    fn lead(&mut self, flow: &Flow, step: StepId, here: &Matters, deep: usize) -> Vec<(StepId, Matters)> {
        let step = flow.step(step);
        let mut leaving = here.clone();
        match &step.kind {
            Kind::Menu { options, invalid, .. } => return chosen(options.values(), *invalid, here),
            Kind::When { cases, otherwise } => return branches(cases, *otherwise, here),
            Kind::Set { category, priority, .. } => leaving = told(here, category.as_ref(), *priority),
            Kind::Alert { alert, .. } => leaving = told(here, alert.category.as_ref(), alert.priority),
            Kind::Flow { flow: called, .. } => leaving = self.called(called, here, deep),
            Kind::Connect(connect) => {
                let place = (flow.id.clone(), step.name.clone());
                let reached = self.found.entry(place).or_insert_with(|| Reached {
                    flow: flow.id.clone(),
                    step: step.name.clone(),
                    to: connect.to.clone(),
                    priorities: BTreeSet::new(),
                });
                reached.priorities.extend(here.iter().map(|matter| matter.priority.unwrap_or(Priority::P3)));
            }
            Kind::Say { .. }
            | Kind::Pause { .. }
            | Kind::Language { .. }
            | Kind::Hours { .. }
            | Kind::Caller(_)
            | Kind::Pin(_)
            | Kind::Collect(_)
            | Kind::Voicemail(_)
            | Kind::Notice(_)
            | Kind::Callback(_)
            | Kind::Sms { .. }
            | Kind::Forward(_)
            | Kind::Lookup(_)
            | Kind::Intake(_)
            | Kind::Return
            | Kind::Hangup { .. } => {}
        }
        step.kind.exits().into_iter().map(|exit| (exit.to, leaving.clone())).collect()
    }

    /// A flow that is not given may say any priority, and so may a chain of calls without end.
    fn called(&mut self, id: &FlowId, here: &Matters, deep: usize) -> Matters {
        let key = (id.clone(), here.clone());
        if let Some(passed) = self.passed.get(&key) {
            return passed.clone();
        }
        match (self.given)(id).filter(|_| deep < FLOWS_DEEP_MAX) {
            Some(called) => {
                let leaving = self.pass(called, here, deep + 1);
                self.passed.insert(key, leaving.clone());
                leaving
            }
            None => {
                let any = Priority::ALL.map(|priority| told(here, None, Some(priority)));
                here.iter().cloned().chain(any.into_iter().flatten()).collect()
            }
        }
    }
}

fn chosen<'a>(options: impl Iterator<Item = &'a Choice>, invalid: StepId, here: &Matters) -> Vec<(StepId, Matters)> {
    let option = |choice: &Choice| match choice {
        Choice::Repeat { .. } => None,
        Choice::Go(option) => Some((option.to, told(here, option.category.as_ref(), option.priority))),
    };
    options.filter_map(option).chain([(invalid, here.clone())]).collect()
}

/// What a step says of the call counts from there on.
fn told(before: &Matters, category: Option<&String>, priority: Option<Priority>) -> Matters {
    let told = |matter: &Matter| Matter {
        category: category.or(matter.category.as_ref()).cloned(),
        priority: priority.or(matter.priority),
    };
    before.iter().map(told).collect()
}

/// The first case that is true: one that asks for more than this may be either.
fn branches(cases: &[Case], otherwise: StepId, here: &Matters) -> Vec<(StepId, Matters)> {
    let mut left = here.clone();
    let mut leads = Vec::new();
    for case in cases {
        let holds: BTreeMap<&Matter, Option<bool>> =
            left.iter().map(|matter| (matter, holds(&case.condition, matter))).collect();
        let those = |but: bool| {
            let fitting = holds.iter().filter(|(_, holds)| **holds != Some(but));
            fitting.map(|(matter, _)| (*matter).clone()).collect::<Matters>()
        };
        let (taken, passed) = (those(false), those(true));
        leads.push((case.to, taken));
        left = passed;
    }
    leads.push((otherwise, left));
    leads
}

/// `None`: that hangs on other facts.
fn holds(condition: &str, matter: &Matter) -> Option<bool> {
    let environment = environment();
    let expression = environment.compile_expression(condition).ok()?;
    if expression.undeclared_variables(false).iter().any(|name| name != "category" && name != "priority") {
        return None;
    }
    let facts = BTreeMap::from([
        ("category", matter.category.clone().unwrap_or_default()),
        ("priority", matter.priority.map(|priority| priority.as_str().to_owned()).unwrap_or_default()),
    ]);
    // What cannot be worked out counts as false in a call, too.
    Some(expression.eval(facts).is_ok_and(|value| value.is_true()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ivr::parse;

    const END: &str = "[steps.c]\ndo = 'connect'\nconnected = 'z'\nnobody = 'z'\n[steps.z]\ndo = 'hangup'\n";

    fn flow(id: &str, steps: &str) -> Flow {
        let text = format!("id = '{id}'\nlanguages = ['en']\nstart = 'a'\n{steps}");
        parse("test.toml", &text).unwrap_or_else(|faults| panic!("{faults:#?}"))
    }

    #[track_caller]
    fn check(main: &str, called: &[Flow], expect: &[&str]) {
        let main = flow("main", main);
        let given = |id: &FlowId| called.iter().find(|flow| flow.id == *id);
        let told = connects(&main, &given).into_iter().map(|reached| {
            let priorities: Vec<_> = reached.priorities.iter().map(|priority| priority.as_str()).collect();
            format!("{}/{} {}", reached.flow, reached.step, priorities.join(" "))
        });
        assert_eq!(told.collect::<Vec<_>>(), expect);
    }

    const MENU: &str = "[steps.a]\ndo = 'menu'\nprompt = 'x'\ninvalid = 'z'\noptions = { 1 = { priority = 'P1', to = 'b' }, \
        2 = { category = 'question', priority = 'P4', to = 'b' } }\n";

    #[test]
    fn a_call_of_which_nothing_was_said_is_a_p3() {
        check(&format!("[steps.a]\ndo = 'pause'\nfor = '1s'\nnext = 'c'\n{END}"), &[], &["main/c P3"]);
        let alert = "[steps.a]\ndo = 'alert'\ntitle = 'x'\npriority = 'P2'\nnext = 'c'\n";
        check(&format!("{alert}{END}"), &[], &["main/c P2"]);
    }

    #[test]
    fn what_was_chosen_and_what_it_was_branched_on_count() {
        let all = "[steps.b]\ndo = 'pause'\nfor = '1s'\nnext = 'c'\n";
        check(&format!("{MENU}{all}{END}"), &[], &["main/c P1 P4"]);
        for (condition, expect) in [
            ("priority == 'P1'", "main/c P1"),
            ("category == 'question'", "main/c P4"),
            ("verified", "main/c P1 P4"),
            ("verified and priority == 'P1'", "main/c P1 P4"),
        ] {
            let when =
                format!("[steps.b]\ndo = 'when'\ncases = [ {{ if = \"{condition}\", to = 'c' }} ]\nelse = 'z'\n");
            check(&format!("{MENU}{when}{END}"), &[], &[expect]);
        }
    }

    #[test]
    fn a_called_flow_is_come_to_with_what_was_said_and_left_with_what_it_says() {
        let call = "[steps.b]\ndo = 'flow'\nflow = 'sub'\nnext = 'c'\n";
        let sub = |step: &str| flow("sub", &format!("[steps.a]\n{step}\n"));
        let sets = sub("do = 'set'\npriority = 'P2'\nnext = 'return'");
        check(&format!("{MENU}{call}{END}"), &[sets], &["main/c P2"]);
        let rings = sub("do = 'connect'\nconnected = 'return'\nnobody = 'return'");
        check(&format!("{MENU}{call}{END}"), &[rings], &["main/c P1 P4", "sub/a P1 P4"]);
        check(&format!("{MENU}{call}{END}"), &[], &["main/c P1 P2 P3 P4"]);
    }
}
