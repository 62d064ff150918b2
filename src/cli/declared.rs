//! What the database holds of declarations, for the commands that ask it.

use crate::{
    config::Config,
    declare::{Assembled, FlowSource, directory::default_org, directory_from},
    store::{
        Store, StoreError,
        declarations::{self, Declared, FlowVersion},
    },
};

pub async fn load(store: &Store) -> Result<Declared, StoreError> {
    let mut db = store.read().await?;
    declarations::load(&mut db, &default_org()).await
}

pub fn flow_sources(declared: &Declared) -> Vec<FlowSource<'_>> {
    let source = |flow| {
        let FlowVersion { flow: id, version, file, source, .. }: &FlowVersion = flow;
        FlowSource { id, version: *version, file, source }
    };
    declared.flows.iter().map(source).collect()
}

pub fn directory(declared: &Declared, config: &Config) -> Assembled {
    directory_from(&declared.documents, flow_sources(declared), &config.defaults, declared.revision)
}
