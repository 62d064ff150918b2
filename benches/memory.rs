//! Promise: at rest the service needs less than 60 MB. Measured on the release binary as a process of its
//! own, with the sample MSP of the demo, some seconds after it is ready.

#[path = "support/asker.rs"]
mod asker;
#[path = "support/run.rs"]
mod run;
#[path = "support/service.rs"]
mod service;

use std::{
    fs,
    net::Ipv4Addr,
    process::{Command, ExitCode, Stdio},
    time::Duration,
};

use pikett::{
    carrier::http_client,
    clock::Clock,
    demo::stage::{Set, Stage},
    sim::Times,
};
use service::Service;

const REST: Duration = Duration::from_secs(5);
const MB: f64 = 1_024.0;

fn main() -> ExitCode {
    if run::rounds(1).is_none() {
        return ExitCode::SUCCESS;
    }
    run::verdict(&[asker::start().block_on(at_rest())])
}

async fn at_rest() -> bool {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let set = Set {
        folder: folder.path(),
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        clock: Clock::system(),
        seed: 1,
        times: Times::default(),
        database: None,
    };
    let stage = Stage::set(set).await.expect("the stage can be set");
    stage.apply().await.expect("the sample is sound");
    let mut command = Command::new(env!("CARGO_BIN_EXE_pikett"));
    command.args(["serve", "-c"]).arg(&stage.config_file).stdin(Stdio::null()).stderr(Stdio::null());
    let mut service = Service::start(&mut command);
    let http = http_client(&Clock::system());
    let ready = format!("{}/readyz", stage.url());
    let mut pace = tokio::time::interval(Duration::from_millis(50));
    while !http.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
        service.assert_runs();
        pace.tick().await;
    }
    let _ = tokio::time::timeout(REST, std::future::pending::<()>()).await;
    let (resident, peak) = (megabytes(service.0.id(), "VmRSS:"), megabytes(service.0.id(), "VmHWM:"));
    println!("memory at rest with the sample MSP: {resident:.1} MB resident, {peak:.1} MB at its peak");
    run::promise(resident < 60.0, "below 60 MB at rest")
}

/// Of the process's own account; Linux only.
fn megabytes(process: u32, name: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("this is Linux");
    let line = status.lines().find(|line| line.starts_with(name)).expect(name);
    line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse::<f64>().ok()).expect(line) / MB
}
