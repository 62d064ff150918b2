//! Pikett as it is served: the release binary as a process of its own, with logs, on real HTTP and a
//! database of its own. It ends, and its database goes, when the house is torn down.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    process::{Command, Stdio},
    time::Duration,
};

use crate::{database::Scratch, service::Service};

pub const SID: &str = "AC00000000000000000000000000000001";
pub const TOKEN: &str = "a-token-for-measuring";
const FLOW: &str = include_str!("../../ivr-flows/sla-hotline.toml");
const READY_WITHIN: u32 = 400;

pub struct House {
    pub address: SocketAddr,
    pub database: Scratch,
    service: Service,
    _folder: tempfile::TempDir,
}

impl House {
    /// `msp` is declared; `carrier` is where Twilio's REST API is, which takes so many messages a second.
    pub async fn open(msp: &str, database: Scratch, carrier: SocketAddr, messages_per_second: u32) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let address = free();
        let url = &database.url;
        let config = format!(
            "[server]\nlisten = \"{address}\"\npublic_url = \"http://{address}\"\n[database]\nurl = \"{url}\"\n\
             [[carriers]]\nid = \"twilio\"\nkind = \"twilio\"\naccount_sid = \"{SID}\"\nauth_token = \"{TOKEN}\"\n\
             from = \"+4930901820\"\nbase_url = \"http://{carrier}\"\nmessages_per_second = {messages_per_second}\n"
        );
        for (name, text) in [("pikett.toml", config.as_str()), ("msp.toml", msp), ("sla-hotline.toml", FLOW)] {
            fs::write(folder.path().join(name), text).expect("a file can be written");
        }
        let pikett = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_pikett"));
            command.current_dir(folder.path()).args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
            command
        };
        let applied = pikett(&["apply", "msp.toml", "sla-hotline.toml"]).status().expect("pikett runs");
        assert!(applied.success(), "the declarations are sound");
        // The log is written, to where it costs no disk.
        let service = Service::start(pikett(&["serve"]).stderr(Stdio::null()));
        let mut house = Self { address, database, service, _folder: folder };
        house.ready().await;
        house
    }

    async fn ready(&mut self) {
        let http = pikett::carrier::http_client(&pikett::clock::Clock::system());
        let url = format!("http://{}/readyz", self.address);
        let mut pace = tokio::time::interval(Duration::from_millis(50));
        for _ in 0..READY_WITHIN {
            pace.tick().await;
            if http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            self.service.assert_runs();
        }
        panic!("pikett is not ready");
    }

    pub async fn close(self) {
        drop(self.service);
        self.database.remove().await;
    }
}

/// Where Pikett will listen must be known before it does, since its URLs are signed.
pub fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("there is a free port")
}
