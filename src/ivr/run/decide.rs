//! The steps that decide without the caller: `hours`, `when`, `set`.

use std::collections::BTreeMap;

use super::walk::{Move, Walk};
use crate::{
    ivr::{
        flow::{Case, StepId, Text},
        speech::plain,
        texts::{Texts, clean},
    },
    model::{calendar::CoverageState, id::CalendarId, priority::Priority},
};

/// Vars of a call: enough for every flow, and a bound for the state's row.
const VARS_MAX: usize = 500;

pub fn hours(walk: &mut Walk, calendar: Option<&CalendarId>, open: StepId, closed: StepId, holiday: StepId) -> Move {
    let (state, whose) = coverage(walk, calendar);
    let (word, to) = match state {
        CoverageState::Open => ("open", open),
        CoverageState::Closed => ("closed", closed),
        CoverageState::Holiday => ("on holiday", holiday),
    };
    walk.reason(format!("{whose} {word}."));
    Move::Go(to)
}

/// A calendar that is not there counts as open: a caller is rather helped than sent away. As long as
/// nobody knows whose call it is, the most generous of the hotline's contracts counts.
fn coverage(walk: &Walk, calendar: Option<&CalendarId>) -> (CoverageState, String) {
    if let Some(id) = calendar {
        return match walk.facts.calendars.get(id) {
            Some(state) => (*state, format!("Calendar `{id}` is")),
            None => (CoverageState::Open, format!("Calendar `{id}` is not there, which counts as")),
        };
    }
    if let Some(contract) = walk.state.contract.as_ref().and_then(|id| walk.facts.contract(id)) {
        return (contract.coverage, format!("Contract `{}` is", contract.id));
    }
    let states: Vec<_> = walk.facts.contracts.iter().map(|contract| contract.coverage).collect();
    let all_on_holiday = !states.is_empty() && states.iter().all(|state| *state == CoverageState::Holiday);
    let state = match states.contains(&CoverageState::Open) || states.is_empty() {
        true => CoverageState::Open,
        false if all_on_holiday => CoverageState::Holiday,
        false => CoverageState::Closed,
    };
    (state, "Whose call it is, is not known; the hotline is".to_owned())
}

/// The first true condition wins. One that cannot be decided is false, and says so.
pub fn when(walk: &mut Walk, cases: &[Case], otherwise: StepId) -> Move {
    for case in cases {
        let language = &walk.state.language;
        let texts = Texts { flow: walk.flow, state: &walk.state, facts: walk.facts, language };
        match texts.holds(&case.condition) {
            Ok(true) => {
                walk.reason(format!("`{}` holds.", case.condition));
                return Move::Go(case.to);
            }
            Ok(false) => {}
            Err(error) => walk.reason(format!("`{}` counts as false: {}.", case.condition, error.kind())),
        }
    }
    walk.reason(format!("No condition of step `{}` holds.", walk.state.step));
    Move::Go(otherwise)
}

pub fn set(walk: &mut Walk, vars: &BTreeMap<String, String>, category: Option<&String>, priority: Option<Priority>) {
    let language = walk.state.language.clone();
    for (name, source) in vars {
        let value = plain(&walk.rendered(&Text::Same(source.clone()), &language));
        walk.set_var(name, &value);
    }
    if let Some(category) = category {
        walk.state.category = Some(category.clone());
    }
    walk.state.priority = priority.or(walk.state.priority);
}

impl Walk<'_> {
    /// Whatever comes from outside is data: cleaned of marks, and bounded.
    pub fn set_var(&mut self, name: &str, value: &str) {
        if self.state.vars.len() < VARS_MAX || self.state.vars.contains_key(name) {
            self.state.vars.insert(name.to_owned(), clean(value));
        }
    }
}
