//! What may stand in each section, with its defaults, and what contradicts what.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use url::Url;

use super::{
    Config, Database, Email, Heartbeat, Log, LogFormat, Lookup, Push, Server, Voicemail, carriers, chats,
    layers::Layers,
};
use crate::{
    declare::{
        self, countries,
        org::{Defaults, LimitsDocument, OrgDocument},
    },
    model::{duration, id::PolicyId, secret::Secret},
};

const RETENTION: TimeDelta = TimeDelta::days(90);
/// Speech takes as long to be understood as to be said, on a slow machine some times that.
const TRANSCRIBER_LIMIT: TimeDelta = TimeDelta::minutes(10);
const KEY_MIN: usize = 32;
const HEARTBEAT: TimeDelta = TimeDelta::minutes(1);
const HEARTBEAT_MIN: TimeDelta = TimeDelta::seconds(10);
const HEARTBEAT_MAX: TimeDelta = TimeDelta::hours(1);

/// `None` when something was missing or wrong; the faults stand with the layers.
pub fn read(layers: &mut Layers) -> Option<Config> {
    let carriers = carriers::read(layers);
    let database = database(layers);
    let server = server(layers, !carriers.is_empty(), database.as_ref());
    let email = email(layers);
    let push = push(layers, email.as_ref());
    let (slack, telegram, webhook) = (chats::slack(layers), chats::telegram(layers), chats::webhook(layers));
    let (teams, ntfy) = (chats::teams(layers), chats::ntfy(layers));
    let lookup = lookup(layers);
    let voicemail = voicemail(layers, database.as_ref());
    let heartbeat = heartbeat(layers);
    let log = log(layers);
    let defaults = Defaults { org: org(layers), limits: limits(layers) };
    Some(Config {
        server: server?,
        database: database?,
        carriers,
        email,
        push,
        slack,
        teams,
        telegram,
        ntfy,
        webhook,
        lookup,
        voicemail,
        heartbeat,
        log,
        defaults,
    })
}

fn server(layers: &mut Layers, has_carriers: bool, database: Option<&Database>) -> Option<Server> {
    let listen = layers.text("server.listen").unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let listen = match listen.replace("localhost:", "127.0.0.1:").parse::<SocketAddr>() {
        Ok(address) => Some(address),
        Err(_) => {
            let what = format!("`{listen}` is no address to listen on");
            layers.fault("server.listen", what, "write an IP address and a port, such as 127.0.0.1:8080");
            None
        }
    };
    let public_url =
        layers.with("server.public_url", |given| web_address(given, &["https", "http"], "https://hotline.example.com"));
    if public_url.is_none() && layers.is_silent("server.public_url") && has_carriers {
        layers.missing("server.public_url", "\"https://hotline.example.com\"");
    }
    let spare_file = layers.with("server.spare_file", |given| {
        let file = Path::new(given);
        if file.file_name().is_none() || given.ends_with('/') {
            Err(format!("`{given}` names no file: write pikett-spare.json"))
        } else if file.extension().is_some_and(|extension| extension == "journal") {
            Err(format!("`{given}` is the name of the journal beside the spare file: write pikett-spare.json"))
        } else {
            Ok(file.to_owned())
        }
    });
    let spare_file = spare_file.unwrap_or_else(|| beside(database, "pikett-spare.json"));
    let languages = layers.path("server.languages");
    let listen = listen?;
    Some(Server { spare_file, languages, listen, public_url: public_url.unwrap_or_else(|| format!("http://{listen}")) })
}

fn database(layers: &mut Layers) -> Option<Database> {
    if layers.is_silent("database.url") {
        return Some(Database { url: Secret::new("sqlite://pikett.db") });
    }
    let url = layers.secret("database.url")?;
    let schemes = ["sqlite:", "postgres://", "postgresql://"];
    if !schemes.iter().any(|scheme| url.expose().starts_with(scheme)) {
        let mend = "write sqlite://FILE, or postgres://USER:PASSWORD@HOST/DATABASE";
        layers.fault("database.url", "the database's address is of an unknown kind", mend);
        return None;
    }
    Some(Database { url })
}

fn email(layers: &mut Layers) -> Option<Email> {
    if !layers.has("email") {
        // Asked all the same, so that a near miss of the section's name is recognised.
        let _ = layers.text("email.smtp");
        return None;
    }
    let smtp = layers.secret("email.smtp").filter(|smtp| {
        let sound =
            Url::parse(smtp.expose()).is_ok_and(|url| ["smtp", "smtps"].contains(&url.scheme()) && url.has_host());
        if !sound {
            let mend = "write smtp://USER@HOST:587 (STARTTLS where offered) or smtps://USER@HOST:465";
            layers.fault("email.smtp", "this is no mail server's address", mend);
        }
        sound
    });
    let password = layers.secret("email.password");
    let from = layers.with("email.from", |given| {
        let sound = given.parse::<lettre::message::Mailbox>().is_ok();
        if sound { Ok(given.to_owned()) } else { Err(format!("`{given}` is no email address: write name@domain")) }
    });
    for (key, example) in [("email.smtp", "\"smtp://user@mail.example:587\""), ("email.from", "\"pikett@msp.example\"")]
    {
        if layers.is_silent(key) {
            layers.missing(key, example);
        }
    }
    Some(Email { smtp: smtp?, password, from: from? })
}

fn lookup(layers: &mut Layers) -> Lookup {
    let allow_private = layers.flag("lookup.allow_private").unwrap_or(false);
    Lookup { allow_private, token: layers.secret("lookup.token") }
}

fn heartbeat(layers: &mut Layers) -> Option<Heartbeat> {
    let every = layers.with("heartbeat.every", |given| match duration::parse(given) {
        Ok(every) if (HEARTBEAT_MIN..=HEARTBEAT_MAX).contains(&every) => Ok(every),
        Ok(_) => Err(format!("`{given}` is no time between heartbeats: use 10s to 1h")),
        Err(why) => Err(why.to_string()),
    });
    if !layers.has("heartbeat") {
        return None;
    }
    if layers.is_silent("heartbeat.url") {
        layers.missing("heartbeat.url", "\"https://hc-ping.com/…\"");
        return None;
    }
    let url = layers.secret("heartbeat.url")?;
    if !Url::parse(url.expose()).is_ok_and(|url| ["http", "https"].contains(&url.scheme()) && url.has_host()) {
        layers.fault("heartbeat.url", "this is no address to ask", "write https://… as your check has it, or env:NAME");
        return None;
    }
    Some(Heartbeat { url, every: every.unwrap_or(HEARTBEAT) })
}

fn push(layers: &mut Layers, email: Option<&Email>) -> Push {
    let vapid_private_key = layers.secret("push.vapid_private_key").filter(|key| {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(key.expose().trim_end_matches('='));
        let sound = bytes.is_ok_and(|bytes| bytes.len() == 32);
        if !sound {
            let mend = "give the 32 bytes of a P-256 private key in base64url, or leave it out: one is made and kept";
            layers.fault("push.vapid_private_key", "this is no VAPID private key", mend);
        }
        sound
    });
    let subject = layers.with("push.subject", |given| {
        let sound = given.starts_with("mailto:") || given.starts_with("https://");
        if sound {
            Ok(given.to_owned())
        } else {
            Err(format!("`{given}` is no subject: write mailto:ADDRESS or https://…"))
        }
    });
    let from_email = || {
        let from = email?.from.parse::<lettre::message::Mailbox>().ok()?;
        Some(format!("mailto:{}", from.email))
    };
    Push { vapid_private_key, subject: subject.or_else(from_email) }
}

fn voicemail(layers: &mut Layers, database: Option<&Database>) -> Voicemail {
    let folder = layers.text("voicemail.folder").map(PathBuf::from);
    let retention = layers.with("voicemail.retention", |given| match duration::parse(given) {
        Ok(retention) if retention < TimeDelta::hours(1) => {
            Err("nobody has the time to hear recordings that are kept so short: write at least \"1h\"".to_owned())
        }
        parsed => parsed,
    });
    let transcriber = layers.list("voicemail.transcriber", |word| Ok::<_, String>(word.to_owned()));
    let transcriber = transcriber.filter(|command| {
        let sound = command.first().is_some_and(|program| !program.is_empty())
            && command.iter().any(|word| word.contains("{file}"));
        if !sound {
            let mend = "name the program and its arguments, such as [\"whisper-cli\", \"-l\", \"{language}\", \"-f\", \"{file}\"]";
            layers.fault("voicemail.transcriber", "this command is not told which file to read", mend);
        }
        sound
    });
    let transcriber_limit = layers.with("voicemail.transcriber_limit", duration::parse);
    let key = layers.secret("voicemail.key").filter(|key| {
        let sound = key.expose().len() >= KEY_MIN;
        if !sound {
            let mend =
                "make a long random one, such as with `openssl rand -hex 32`, or leave it out: one is made and kept";
            layers.fault("voicemail.key", "this key is shorter than 32 characters", mend);
        }
        sound
    });
    Voicemail {
        folder: folder.unwrap_or_else(|| beside(database, "recordings")),
        retention: retention.unwrap_or(RETENTION),
        transcriber,
        transcriber_limit: transcriber_limit.unwrap_or(TRANSCRIBER_LIMIT),
        key,
    }
}

/// The folder of the database's file, if it has one.
fn beside(database: Option<&Database>, name: &str) -> PathBuf {
    let url = database.map(|database| database.url.expose()).unwrap_or_default();
    let file = url.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path));
    let file = file.map(|path| Path::new(path.split('?').next().unwrap_or(path)));
    file.and_then(Path::parent).unwrap_or_else(|| Path::new("")).join(name)
}

fn log(layers: &mut Layers) -> Log {
    let level = layers.with("log.level", |given| {
        tracing_subscriber::EnvFilter::try_new(given)
            .map(|_| given.to_owned())
            .map_err(|_| format!("`{given}` is no log level: use error, warn, info, debug or trace"))
    });
    let format = layers.with("log.format", |given| match given {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        other => Err(format!("`{other}` is no log format: use text or json")),
    });
    Log { level: level.unwrap_or_else(|| "info".to_owned()), format: format.unwrap_or(LogFormat::Text) }
}

fn org(layers: &mut Layers) -> OrgDocument {
    let policy = layers.parsed::<PolicyId>("org.policy").map(|policy| policy.to_string());
    let shift_notice = layers.with("org.shift_notice", declare::shift_notice).map(duration::write);
    OrgDocument { name: layers.text("org.name"), policy, shift_notice }
}

fn limits(layers: &mut Layers) -> LimitsDocument {
    let countries = layers.list("limits.countries", countries::code);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the range asked for")]
    let mut count = |key: &str| layers.number(key, 0.0..=1_000_000.0).map(|number| number as u32);
    LimitsDocument {
        countries,
        calls_per_hour: count("limits.calls_per_hour"),
        sms_per_hour: count("limits.sms_per_hour"),
        calls_per_day: count("limits.calls_per_day"),
        sms_per_day: count("limits.sms_per_day"),
        number_calls_per_hour: count("limits.number_calls_per_hour"),
        number_calls_per_day: count("limits.number_calls_per_day"),
        number_sms_per_hour: count("limits.number_sms_per_hour"),
        number_sms_per_day: count("limits.number_sms_per_day"),
        sudden_per_hour: count("limits.sudden_per_hour"),
        pages_per_minute: count("limits.pages_per_minute"),
        page_calls_per_minute: count("limits.page_calls_per_minute"),
    }
}

/// An absolute web address, without the slash at its end.
pub(super) fn web_address(given: &str, schemes: &[&str], example: &str) -> Result<String, String> {
    let sound = Url::parse(given).is_ok_and(|url| {
        schemes.contains(&url.scheme()) && url.has_host() && url.query().is_none() && url.fragment().is_none()
    });
    if sound {
        Ok(given.trim_end_matches('/').to_owned())
    } else {
        Err(format!("`{given}` is no web address: write one such as {example}"))
    }
}

pub fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    if config.carriers.is_empty() {
        warnings
            .push("there is no carrier: nobody can phone in, and nobody is phoned or texted; add [[carriers]]".into());
    }
    if is_bare(&config.server.public_url) && !config.carriers.is_empty() {
        warnings.push(format!(
            "server.public_url is {}: without TLS, names and numbers cross the net in the clear",
            config.server.public_url
        ));
    }
    for carrier in config.carriers.iter().filter(|carrier| is_bare(&carrier.base_url)) {
        warnings.push(format!(
            "carrier `{}` is asked at {}: without TLS, its auth token crosses the net in the clear",
            carrier.id, carrier.base_url
        ));
    }
    let telegram = config.telegram.as_ref().map(|telegram| telegram.base_url.as_str());
    let slack = config.slack.as_ref().map(|slack| slack.base_url.as_str());
    let ntfy = Some(config.ntfy.url.as_str());
    for (section, address) in [("slack", slack), ("telegram", telegram), ("ntfy", ntfy)] {
        if let Some(address) = address.filter(|address| is_bare(address)) {
            warnings.push(format!(
                "[{section}] is asked at {address}: without TLS, its token crosses the net in the clear"
            ));
        }
    }
    warnings.extend(chats::unlikely(config));
    if config.email.is_none() {
        warnings.push("there is no [email]: nobody is told by email".into());
    }
    warnings
}

/// Plain HTTP to somewhere else than this machine.
fn is_bare(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let here = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "http" && !here
}
