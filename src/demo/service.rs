//! The service as a process of its own, so that it can be killed for real.

use std::{
    fs::File,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::{DemoError, stage::Stage};
use crate::clock::Clock;

/// Real time: a process starts as fast as the machine can.
const READY_WITHIN: u32 = 400;
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub struct Service {
    child: Child,
    log: PathBuf,
}

impl Service {
    pub async fn start(stage: &Stage, clock: &Clock) -> Result<Self, DemoError> {
        let log = stage.folder.join("service.log");
        let child =
            spawn(stage, clock, &log).map_err(|cause| DemoError::Folder { what: "the service".to_owned(), cause })?;
        let mut service = Self { child, log };
        let http = crate::carrier::http_client(&Clock::system());
        let ready = format!("{}/readyz", stage.url());
        let mut pace = tokio::time::interval(LOOK_EVERY);
        for _ in 0..READY_WITHIN {
            pace.tick().await;
            if http.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(service);
            }
            if service.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                break;
            }
        }
        Err(DemoError::NotReady { log: service.log.display().to_string() })
    }

    /// `kill -9`: nothing is finished, nothing is flushed.
    pub fn kill(&mut self) {
        // It may be dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(stage: &Stage, clock: &Clock, log: &PathBuf) -> std::io::Result<Child> {
    let log = File::options().create(true).append(true).open(log)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["serve", "-c"]).arg(&stage.config_file);
    if let Some(argument) = clock.to_argument() {
        command.args(["--clock", &argument]);
    }
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()
}
