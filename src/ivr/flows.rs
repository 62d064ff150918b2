//! The flows of a call: the one that its hotline runs and those that it may call, each in the version
//! that the call began with. Loads nothing; which flow a call is in stands in its `State`.

use std::{collections::BTreeMap, sync::Arc};

use super::{flow::Flow, state::State};
use crate::model::id::FlowId;

/// By id, with its version.
pub type Called = BTreeMap<FlowId, (i64, Arc<Flow>)>;

/// Where called flows are found when a flow is judged; `None`: one that is not given.
pub type Given<'a> = dyn Fn(&FlowId) -> Option<&'a Flow> + 'a;

static NONE: Called = Called::new();

/// What a turn walks on.
#[derive(Debug, Clone, Copy)]
pub struct Flows<'a> {
    pub main: &'a Flow,
    pub called: &'a Called,
}

impl<'a> Flows<'a> {
    /// A flow that calls no other; what it calls all the same is not there, and the call goes on without.
    pub fn only(main: &'a Flow) -> Self {
        Self { main, called: &NONE }
    }

    /// The flow that the call is in; `None`: one that is not here.
    pub fn current(self, state: &State) -> Option<&'a Flow> {
        self.at(state, state.calls.len())
    }

    /// The flow that is called so many deep: 0 is the hotline's own.
    pub fn at(self, state: &State, depth: usize) -> Option<&'a Flow> {
        match depth.checked_sub(1) {
            None => Some(self.main),
            Some(index) => self.named(&state.calls.get(index)?.flow),
        }
    }

    pub fn named(self, id: &FlowId) -> Option<&'a Flow> {
        self.called.get(id).map(|(_, flow)| flow.as_ref())
    }

    /// Whether callers may be told of incidents: whoever gathers facts need not look for them else.
    pub fn tell_of_incidents(self) -> bool {
        self.main.tells_of_incidents() || self.called.values().any(|(_, flow)| flow.tells_of_incidents())
    }

    pub fn versions(self) -> BTreeMap<FlowId, i64> {
        self.called.iter().map(|(id, (version, _))| (id.clone(), *version)).collect()
    }
}
