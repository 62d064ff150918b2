//! Counts what has begun and is not done, so that a story knows when it may move the clock.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

#[derive(Debug, Clone, Default)]
pub(super) struct UnderWay(Arc<AtomicUsize>);

impl UnderWay {
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Something begins; it is done when what this returns is dropped.
    pub fn one_more(&self) -> Undone {
        self.0.fetch_add(1, Ordering::SeqCst);
        Undone(self.clone())
    }
}

#[derive(Debug)]
pub(super) struct Undone(UnderWay);

impl Drop for Undone {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}
