//! A run is many rounds; a round gives each contestant one slice, one after the other, so that all of
//! them see the same disk and the same neighbours.

use std::time::Duration;

pub const SLICE_S: f64 = 0.5;

/// Between two slices: what the one before left behind comes to rest.
pub async fn breathe() {
    let _ = tokio::time::timeout(Duration::from_millis(20), std::future::pending::<()>()).await;
}
