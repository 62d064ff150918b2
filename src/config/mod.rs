//! `pikett.toml` and `PIKETT_SECTION__KEY` → `Config`: plain values, checked as a whole. Read by
//! `app` and `cli` alone. Start at `Config::load`; what may stand where is in `sections`.

mod carriers;
mod chats; // what chats and webhooks ask for
mod layers;
pub mod secrets; // env:NAME and file:PATH
mod sections;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use chrono::TimeDelta;

use crate::{
    declare::org::Defaults,
    model::{
        fault::Fault, id::CarrierId, person::Channel, phone::Phone, public_key::RsaPublicKey, secret::Secret,
        source::Source,
    },
};

pub use chats::{Ntfy, Slack, Teams, Telegram, Updates, Webhook};

/// What is read when `-c` names no other file.
pub const FILE: &str = "pikett.toml";

#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub server: Server,
    pub database: Database,
    pub carriers: Vec<Carrier>,
    pub email: Option<Email>,
    pub push: Push,
    pub slack: Option<Slack>,
    pub teams: Teams,
    pub telegram: Option<Telegram>,
    pub ntfy: Ntfy,
    pub webhook: Option<Webhook>,
    pub lookup: Lookup,
    pub voicemail: Voicemail,
    pub heartbeat: Option<Heartbeat>,
    pub log: Log,
    /// `[org]` and `[limits]`, where no declaration says otherwise.
    pub defaults: Defaults,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    pub listen: SocketAddr,
    /// What carriers call, without a slash at the end. Signatures are computed on it.
    pub public_url: String,
    /// The folder of files that add languages; beside the configuration where it is relative.
    pub languages: Option<PathBuf>,
    /// What a place without a database answers by; beside the database when left out.
    pub spare_file: PathBuf,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Database {
    /// `sqlite://…` or `postgres://…`; it may hold a password.
    pub url: Secret,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Carrier {
    pub id: CarrierId,
    pub kind: CarrierKind,
    pub account_sid: String,
    pub auth_token: Secret,
    pub from: Phone,
    /// Where REST requests go, without a slash at the end.
    pub base_url: String,
    pub calls_per_second: f64,
    pub messages_per_second: f64,
    /// Country codes without `+`; empty: all.
    pub countries: Vec<String>,
    /// `sms`, `voice`; empty: both.
    pub channels: Vec<Channel>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum CarrierKind {
    /// Twilio, and whoever speaks its language word for word.
    Twilio(Signing),
    SignalWire(Signing),
    Telnyx {
        /// 32 bytes in base64.
        public_key: String,
        application_sid: String,
    },
    /// Its `account_sid` is the id of a personal access token, the token its `auth_token`.
    Sipgate {
        sms_id: String,
        /// sipgate's own when left out.
        public_key: Option<RsaPublicKey>,
        /// Those whose calls it tells us of.
        numbers: Vec<Phone>,
        /// Where those calls go.
        forward_to: Option<Phone>,
    },
}

impl Carrier {
    /// Whether it is used for this, and can.
    pub fn carries(&self, channel: Channel) -> bool {
        let can = match &self.kind {
            CarrierKind::Sipgate { .. } => channel == Channel::Sms,
            CarrierKind::Twilio(_) | CarrierKind::SignalWire(_) | CarrierKind::Telnyx { .. } => true,
        };
        can && (self.channels.is_empty() || self.channels.contains(&channel))
    }
}

/// What a carrier signs with, where that is not the auth token under Twilio's header.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Signing {
    pub key: Option<Secret>,
    /// Signs as well, while the key, or the auth token that signs instead, is being changed.
    pub key_next: Option<Secret>,
    pub header: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Email {
    /// `smtp://…` (STARTTLS where offered) or `smtps://…`; it may hold a password.
    pub smtp: Secret,
    pub password: Option<Secret>,
    pub from: String,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Push {
    /// 32 bytes in base64url; made and kept in the database when left out.
    pub vapid_private_key: Option<Secret>,
    /// `mailto:…` or `https:…`: whom a push service asks when something is odd.
    pub subject: Option<String>,
}

/// What flows may ask endpoints of the MSP.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lookup {
    /// Also in the MSP's own network.
    pub allow_private: bool,
    /// Sent as `Authorization: Bearer …`.
    pub token: Option<Secret>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Voicemail {
    /// Where sealed recordings lie; beside the database when left out.
    pub folder: PathBuf,
    /// How long, where a contract says nothing else.
    pub retention: TimeDelta,
    /// The program that turns speech into words, and its arguments with `{file}` and `{language}`.
    pub transcriber: Option<Vec<String>>,
    /// Then it is ended.
    pub transcriber_limit: TimeDelta,
    /// What recordings are sealed with; made and kept in the database when left out.
    pub key: Option<Secret>,
}

/// Whoever outside expects to hear that all is well.
#[derive(Debug, Clone, PartialEq)]
pub struct Heartbeat {
    /// Asked by GET.
    pub url: Secret,
    pub every: TimeDelta,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// As in `RUST_LOG`: `info`, or `info,pikett::work=debug`.
    pub level: String,
    pub format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

impl Config {
    /// Reads the named file, else `pikett.toml` where it exists, and the environment on top.
    pub fn load(named: Option<&Path>) -> Result<Self, Vec<Fault>> {
        Self::read(source(named)?, variables(), &secrets::resolve)
    }

    /// Numbers at carriers that run no flow, so that no hotline can have them.
    pub fn numbers_without_flow(&self) -> BTreeSet<Phone> {
        let numbers = self.carriers.iter().flat_map(|carrier| match &carrier.kind {
            CarrierKind::Sipgate { numbers, .. } => numbers.as_slice(),
            CarrierKind::Twilio(_) | CarrierKind::SignalWire(_) | CarrierKind::Telnyx { .. } => &[],
        });
        numbers.cloned().collect()
    }

    /// The folder of `[server] languages` alone, for commands that need nothing else and no secret.
    pub fn languages(named: Option<&Path>) -> Result<Option<PathBuf>, Vec<Fault>> {
        let mut layers = layers::Layers::new(source(named)?, variables(), &secrets::resolve);
        let folder = layers.path("server.languages");
        let faults = layers.so_far();
        if faults.is_empty() { Ok(folder) } else { Err(faults) }
    }

    /// From a text and variables that are at hand. `secret` turns `env:NAME` and `file:PATH` into
    /// their value.
    pub fn read(
        source: Option<Source>,
        variables: BTreeMap<String, String>,
        secret: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Self, Vec<Fault>> {
        let mut layers = layers::Layers::new(source, variables, secret);
        let config = sections::read(&mut layers);
        let faults = layers.finish();
        match config {
            Some(config) if faults.is_empty() => Ok(config),
            _ => Err(faults),
        }
    }

    /// What works, but is probably not meant.
    pub fn warnings(&self) -> Vec<String> {
        sections::warnings(self)
    }
}

fn source(named: Option<&Path>) -> Result<Option<Source>, Vec<Fault>> {
    let path = named.map_or_else(|| PathBuf::from(FILE), Path::to_path_buf);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(Source::new(path.display().to_string(), text))),
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let what = format!("the configuration could not be read: {error}");
            let mend = "name an existing file with -c".to_owned();
            Err(vec![Fault { file: path.display().to_string(), line: 1, column: 1, what, mend }])
        }
    }
}

fn variables() -> BTreeMap<String, String> {
    std::env::vars_os().filter_map(as_text).collect()
}

fn as_text((name, value): (std::ffi::OsString, std::ffi::OsString)) -> Option<(String, String)> {
    Some((name.into_string().ok()?, value.into_string().ok()?))
}

#[cfg(test)]
mod tests;
