//! The flows that a call's own flow may call: in the versions that they had when it began, as its state
//! keeps them. A flow that calls none costs nothing here.

use super::State;
use crate::{
    ivr::{self, Called, Flow},
    model::id::FlowId,
    store::{StoreError, calls::CallRow},
};

impl State {
    pub(super) async fn called(&self, call: &CallRow, flow: &Flow) -> Result<Called, StoreError> {
        let mut called = Called::new();
        let mut open: Vec<FlowId> = flow.calls().cloned().collect();
        if open.is_empty() {
            return Ok(called);
        }
        let begun = match call.state.is_empty() {
            true => None,
            false => ivr::State::from_json(&call.state).ok(),
        };
        let directory = self.context().directory();
        while let Some(id) = open.pop() {
            if called.contains_key(&id) {
                continue;
            }
            let begun_with = begun.as_ref().and_then(|state| state.versions.get(&id).copied());
            let latest = || directory.flows.get(&id).map(|in_use| in_use.version);
            // Gone, or never there: the engine leads its callers on.
            let Some(version) = begun_with.or_else(latest) else { continue };
            let flow = self.flow(&id, version).await?;
            open.extend(flow.calls().cloned());
            called.insert(id, (version, flow));
        }
        Ok(called)
    }
}
