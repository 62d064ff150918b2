//! For whoever asks: one thread, so that the other core is the server's.

use tokio::runtime::{Builder, Runtime};

pub fn start() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime starts")
}
