//! What a demo plays on: the simulated carrier with its phones, mail box and push service, a folder with
//! configuration and declarations, and a database. Which service plays on it is the caller's choice.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use super::DemoError;
use crate::{
    cli::apply,
    clock::{Clock, Ids},
    config::Config,
    declare::Flows,
    model::phone::Phone,
    sim::{Hooks, Mailbox, Settings, Sim, Times},
    store::Store,
};

const MSP: &str = include_str!("msp.toml");
const FLOWS: [(&str, &str); 5] = [
    ("sla-hotline.toml", include_str!("../../ivr-flows/sla-hotline.toml")),
    ("after-hours-only.toml", include_str!("../../ivr-flows/after-hours-only.toml")),
    ("bilingual-triage.toml", include_str!("../../ivr-flows/bilingual-triage.toml")),
    ("major-outage.toml", include_str!("../../ivr-flows/major-outage.toml")),
    ("voicemail-only.toml", include_str!("../../ivr-flows/voicemail-only.toml")),
];

/// The sample MSP's own numbers.
pub const GOLD: &str = "+4930901820";
pub const SILVER: &str = "+442079460999";
/// Whose push subscriptions the sample declares.
const PUSHED: [&str; 3] = ["anna", "ben", "cem"];
/// The sample's `[[integrations]]` key.
pub const KEY: &str = "demo0000000000000000000000000000";

pub struct Stage {
    pub sim: Sim,
    pub mailbox: Mailbox,
    pub config: Config,
    pub config_file: PathBuf,
    pub folder: PathBuf,
    clock: Clock,
    ids: Ids,
}

/// How a stage is set.
pub struct Set<'a> {
    pub folder: &'a Path,
    /// Where the service will listen; port 0 chooses a free one.
    pub listen: SocketAddr,
    pub clock: Clock,
    pub seed: u64,
    pub times: Times,
    /// `None`: SQLite in the folder.
    pub database: Option<&'a str>,
}

impl Stage {
    pub async fn set(set: Set<'_>) -> Result<Self, DemoError> {
        let ids = Ids::seeded(set.seed);
        let settings = Settings { times: set.times, ..Settings::new(set.clock.clone(), ids.clone()) };
        let token = settings.accounts[0].token.expose().to_owned();
        let sim = Sim::start(settings).await.map_err(DemoError::Simulator)?;
        let mailbox = Mailbox::start((Ipv4Addr::LOCALHOST, 0).into(), &sim).await.map_err(DemoError::Simulator)?;
        let listen = free(set.listen)?;
        let database = match set.database {
            Some(url) => url.to_owned(),
            None => format!("sqlite://{}", set.folder.join("pikett.db").display()),
        };
        let config_file = set.folder.join("pikett.toml");
        write(&config_file, &configuration(set.folder, listen, &database, &sim, &token, &mailbox))?;
        write(&set.folder.join("msp.toml"), MSP)?;
        for person in PUSHED {
            write(&set.folder.join(format!("push-{person}.json")), &sim.push_subscription(person))?;
        }
        for (name, flow) in FLOWS {
            write(&set.folder.join(name), flow)?;
        }
        let config = Config::load(Some(&config_file)).map_err(DemoError::Faults)?;
        let hooks = format!("http://{listen}/carriers/twilio");
        for number in [GOLD, SILVER] {
            let number: Phone = number.parse().expect("the sample's numbers are numbers");
            sim.number(number, Hooks::at(sim.account_sid(), &hooks));
        }
        let folder = set.folder.to_owned();
        Ok(Self { sim, mailbox, config, config_file, folder, clock: set.clock, ids })
    }

    /// Brings the sample MSP into the database, as `pikett apply` does.
    pub async fn apply(&self) -> Result<(), DemoError> {
        let files = apply::files(std::slice::from_ref(&self.folder)).map_err(DemoError::Apply)?;
        let store = Store::open(self.config.database.url.expose()).await.map_err(DemoError::Store)?;
        let without_flow = self.config.numbers_without_flow();
        let applied =
            apply::apply(&store, &files, Flows::PutIntoForce, false, &self.clock, &self.ids, &without_flow).await;
        store.close().await;
        applied.map(|_| ()).map_err(DemoError::Apply)
    }

    pub fn url(&self) -> &str {
        &self.config.server.public_url
    }
}

/// The service's URLs must be known before it listens: a free port is taken and given back.
fn free(listen: SocketAddr) -> Result<SocketAddr, DemoError> {
    let listener = TcpListener::bind(listen).or_else(|_| TcpListener::bind((listen.ip(), 0)));
    listener
        .and_then(|listener| listener.local_addr())
        .map_err(|cause| DemoError::Folder { what: "a free port".to_owned(), cause })
}

fn write(path: &Path, text: &str) -> Result<(), DemoError> {
    fs::write(path, text).map_err(|cause| DemoError::Folder { what: path.display().to_string(), cause })
}

fn configuration(
    folder: &Path,
    listen: SocketAddr,
    database: &str,
    sim: &Sim,
    token: &str,
    mailbox: &Mailbox,
) -> String {
    let recordings = folder.join("recordings");
    let recordings = recordings.display();
    let spare = folder.join("pikett-spare.json");
    let spare = spare.display();
    let (sid, base_url, smtp) = (sim.account_sid(), sim.base_url(), mailbox.url());
    format!(
        r#"# Written by `pikett demo`: the carrier and the mail server are simulated.
[server]
listen = "{listen}"
public_url = "http://{listen}"
spare_file = "{spare}"
[database]
url = "{database}"
[[carriers]]
id = "twilio"
kind = "twilio"
account_sid = "{sid}"
auth_token = "{token}"
from = "{GOLD}"
base_url = "{base_url}"
calls_per_second = 20
messages_per_second = 100
[email]
smtp = "{smtp}"
from = "Pikett <pikett@nordlicht.example>"
[voicemail]
folder = "{recordings}"
[push]
subject = "mailto:ops@nordlicht.example"
[log]
level = "info"
"#
    )
}
