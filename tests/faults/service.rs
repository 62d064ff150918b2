//! The service as a process that is killed: the real binary on the stage's configuration, in the test's own
//! time. What it says goes to a file beside its database.

use std::{
    fs::File,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use pikett::{
    carrier::http_client,
    clock::{Clock, Stopwatch},
    demo::stage::Stage,
};

/// Real time: a start takes some hundredths of a second, on a busy machine some tenths.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const READY_WITHIN_S: f64 = 30.0;
const PATIENCE: Duration = Duration::from_secs(4);

pub struct Victim {
    child: Option<Child>,
    http: reqwest::Client,
    ready: String,
    config: PathBuf,
    clock: String,
    pub log: PathBuf,
}

impl Victim {
    pub fn new(stage: &Stage, clock: &Clock) -> Self {
        Self {
            child: None,
            http: http_client(&Clock::system()),
            ready: format!("{}/readyz", stage.url()),
            config: stage.config_file.clone(),
            clock: clock.to_argument().expect("the clock can be handed over"),
            log: stage.folder.join("service.log"),
        }
    }

    pub fn start(&mut self) {
        let log = File::options().create(true).append(true).open(&self.log).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_pikett"));
        command.args(["serve", "--clock", &self.clock, "-c"]).arg(&self.config);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(command.spawn().unwrap());
    }

    /// Waits until it says that it can do its work.
    pub async fn ready(&mut self) {
        let (mut pace, begun, mut last) = (tokio::time::interval(LOOK_EVERY), Stopwatch::start(), String::new());
        while begun.seconds() < READY_WITHIN_S {
            pace.tick().await;
            let ended = self.child.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some());
            assert!(!ended, "the service has ended by itself; see {}", self.log.display());
            last = match self.http.get(&self.ready).timeout(PATIENCE).send().await {
                Ok(answer) if answer.status().is_success() => return,
                Ok(answer) => answer.text().await.unwrap_or_default(),
                Err(error) => format!("{error:?}"),
            };
        }
        panic!("the service does not become ready; see {}; it said: {last}", self.log.display());
    }

    /// `kill -9`: nothing is finished, nothing is flushed.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may be dead already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        self.kill();
    }
}
