//! The release binary as a process of its own. It ends with whoever started it, also when that panics.

use std::process::{Child, Command};

pub struct Service(pub Child);

impl Service {
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().expect("pikett runs"))
    }

    pub fn assert_runs(&mut self) {
        let ended = self.0.try_wait().expect("a child can be asked");
        assert!(ended.is_none(), "pikett ended: {ended:?}");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Failing means that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
