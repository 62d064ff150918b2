//! `flow`: the call goes on in another flow, and comes back by `return`. What a flow sets is its own;
//! category, priority, contract and who the caller is are the call's.

use std::{collections::BTreeMap, mem};

use super::walk::{Move, Walk};
use crate::{
    ivr::{
        flow::{Kind, Text},
        speech::plain,
        state::Frame,
        texts::clean,
        turn::Then,
    },
    model::{call::Outcome, id::FlowId},
};

/// Flows that wait for one another. `apply` refuses more, and flows that call each other in a circle.
pub const DEPTH_MAX: usize = 5;

pub fn enter(walk: &mut Walk, id: &FlowId, vars: &BTreeMap<String, String>) -> Move {
    if walk.state.calls.len() >= DEPTH_MAX {
        return Move::Fail(format!("flows call each other more than {DEPTH_MAX} deep"));
    }
    let Some(called) = walk.flows.named(id) else { return Move::Fail(format!("there is no flow `{id}`")) };
    let language = walk.state.language.clone();
    let given: BTreeMap<String, String> = vars
        .iter()
        .map(|(name, source)| {
            let value = plain(&walk.rendered(&Text::Same(source.clone()), &language));
            (name.clone(), clean(&value))
        })
        .collect();
    walk.reason(format!("The call goes on in flow `{id}`."));
    let frame = Frame {
        step: walk.state.local_step().to_owned(),
        flow: id.clone(),
        vars: mem::replace(&mut walk.state.vars, given),
    };
    walk.state.calls.push(frame);
    walk.flow = called;
    walk.speak_its_language();
    Move::Go(called.start)
}

/// Back to the flow that called, behind its step; what was set goes along where that flow declares a
/// var of the name. A flow that nobody called has come to its end.
pub fn come_back(walk: &mut Walk) -> Move {
    let Some(frame) = walk.state.calls.pop() else {
        walk.say_built_in(|words| words.goodbye);
        walk.reach(Outcome::Goodbye);
        return Move::End(Then::Hangup);
    };
    let set = mem::replace(&mut walk.state.vars, frame.vars);
    let Some(flow) = walk.flows.current(&walk.state) else {
        return Move::Fail(format!("the flow that called `{}` is not there", frame.flow));
    };
    walk.flow = flow;
    walk.speak_its_language();
    walk.state.step = walk.state.qualified(&frame.step);
    let Some(Kind::Flow { vars, next, .. }) = flow.find(&frame.step).map(|id| &flow.step(id).kind) else {
        return Move::Fail(format!("step `{}` called no flow", walk.state.step));
    };
    walk.reason(format!("Flow `{}` comes back to step `{}`.", frame.flow, walk.state.step));
    for (name, value) in set.iter().filter(|(name, _)| flow.vars.contains_key(*name) && !vars.contains_key(*name)) {
        walk.set_var(name, value);
    }
    Move::Go(*next)
}

impl Walk<'_> {
    /// A flow may have other languages than the one before it: the nearest is spoken.
    fn speak_its_language(&mut self) {
        if self.flow.languages.contains(&self.state.language) {
            return;
        }
        let near = self.flow.languages.iter().find(|language| language.primary() == self.state.language.primary());
        self.state.language = near.unwrap_or(self.flow.default_language()).clone();
    }
}
