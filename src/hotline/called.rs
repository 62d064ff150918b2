//! The flows that a call's own flow may call: in the versions that they had when it began, as its state
//! keeps them. A flow that calls none costs nothing here.

use super::State;
use crate::{
    declare::Directory,
    ivr::{self, Called, Flow},
    model::id::FlowId,
    store::{StoreError, calls::CallRow, flows},
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
            let version = match begun.as_ref().and_then(|state| state.versions.get(&id).copied()) {
                Some(version) => Some(version),
                None => self.version_beside(call, &id, &directory).await?,
            };
            // Gone, or never there: the engine leads its callers on.
            let Some(version) = version else { continue };
            let flow = self.flow(&id, version).await?;
            open.extend(flow.calls().cloned());
            called.insert(id, (version, flow));
        }
        Ok(called)
    }

    /// The version that belongs to the call's own flow: of the same directory, or, when something was applied
    /// meanwhile, the one that answered calls when this one came in.
    async fn version_beside(
        &self,
        call: &CallRow,
        id: &FlowId,
        directory: &Directory,
    ) -> Result<Option<i64>, StoreError> {
        let latest = directory.flows.get(id).map(|in_use| in_use.version);
        if directory.flows.get(&call.flow).is_none_or(|own| own.version == call.flow_version) {
            return Ok(latest);
        }
        let mut db = self.context().store.read().await?;
        Ok(flows::active_at(&mut db, &directory.org, id, call.started_at).await?.or(latest))
    }
}
