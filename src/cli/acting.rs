//! What commands act with that change something beside a running service: no workers, which are the
//! service's; the commit wakes them.

use std::sync::Arc;

use tokio::sync::watch;

use super::Common;
use crate::{
    app::{directory, keys},
    clock::Ids,
    config::Config,
    notify::links::Links,
    store::{Store, StoreError},
    work::Context,
};

pub async fn context(common: &Common, config: &Config, store: &Store) -> Result<Context, StoreError> {
    let ids = Ids::random();
    let declared = directory::load(store).await?;
    let declared = directory::assemble(&declared, &config.defaults).directory;
    let (_, directory) = watch::channel(Arc::new(declared));
    let key = keys::kept(store, &ids, keys::LINKS).await?;
    let links = Links::new(config.server.public_url.clone(), key);
    Ok(Context { store: store.clone(), clock: common.clock(), ids, directory, links })
}
