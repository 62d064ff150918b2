//! What configurations say, and what is told of wrong ones.

use std::collections::BTreeSet;

use super::*;

const WHOLE: &str = r#"
[server]
listen = "127.0.0.1:8080"
public_url = "https://hotline.example.com/"
languages = "languages"
[database]
url = "sqlite://pikett.db"
[[carriers]]
id = "twilio"
kind = "twilio"
account_sid = "AC00000000000000000000000000000000"
auth_token = "env:TWILIO_AUTH_TOKEN"
from = "+4930901820"
base_url = "https://api.twilio.com"
calls_per_second = 1
[email]
smtp = "smtp://user@mail.example:587"
password = "file:mail-password"
from = "Pikett <pikett@msp.example>"
[push]
vapid_private_key = "env:PIKETT_VAPID_KEY"
subject = "mailto:ops@msp.example"
[lookup]
allow_private = true
token = "env:TWILIO_AUTH_TOKEN"
[voicemail]
folder = "/var/lib/pikett/recordings"
retention = "30d"
transcriber = ["whisper-cli", "-l", "{language}", "-f", "{file}"]
transcriber_limit = "10m"
key = "env:PIKETT_RECORDINGS_KEY"
[org]
policy = "gold"
shift_notice = "1h"
[limits]
countries = ["DE", "+41"]
calls_per_hour = 200
"#;

fn secret(reference: &str) -> Result<String, String> {
    match reference {
        "env:TWILIO_AUTH_TOKEN" => Ok("t0ken".to_owned()),
        "env:PIKETT_RECORDINGS_KEY" => Ok("k".repeat(32)),
        "env:PIKETT_VAPID_KEY" => Ok("A".repeat(43)),
        "file:etc/mail-password" => Ok("s3cret".to_owned()),
        other if other.contains(':') && !other.contains("://") => Err(format!("no {other} here: set it")),
        plain => Ok(plain.to_owned()),
    }
}

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Config, Vec<Fault>> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::read(Some(Source::new("etc/pikett.toml", text)), variables, &secret)
}

fn faults(text: &str, variables: &[(&str, &str)]) -> String {
    let faults = read(text, variables).expect_err("this is wrong");
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_designs_example_is_read() {
    let config = read(WHOLE, &[]).unwrap();
    assert_eq!(config.server.public_url, "https://hotline.example.com");
    assert_eq!(config.server.languages.as_deref(), Some(Path::new("etc/languages")));
    assert_eq!(config.carriers[0].auth_token.expose(), "t0ken");
    assert_eq!(config.carriers[0].from.as_str(), "+4930901820");
    assert_eq!(config.email.as_ref().unwrap().password, Some(Secret::new("s3cret")));
    assert_eq!(config.defaults.limits.countries, Some(vec!["49".to_owned(), "41".to_owned()]));
    assert_eq!(config.lookup, Lookup { allow_private: true, token: Some(Secret::new("t0ken")) });
    let voicemail = &config.voicemail;
    assert_eq!((voicemail.retention, voicemail.transcriber_limit), (TimeDelta::days(30), TimeDelta::minutes(10)));
    assert_eq!(voicemail.folder, Path::new("/var/lib/pikett/recordings"));
    assert_eq!(voicemail.transcriber.as_ref().map(Vec::len), Some(5));
    assert_eq!(config.defaults.org.policy.as_deref(), Some("gold"));
    assert_eq!(config.defaults.org.shift_notice.as_deref(), Some("1h"));
    assert!(!format!("{config:?}").contains("t0ken"), "a secret shows");
}

#[test]
fn a_carrier_may_serve_some_countries_and_channels_only() {
    let narrow = |countries: &str, channels: &str| {
        let keys = format!("calls_per_second = 1\ncountries = {countries}\nchannels = {channels}");
        read(&WHOLE.replace("calls_per_second = 1", &keys), &[])
    };
    let carrier = narrow("[\"DE\", \"+41\"]", "[\"sms\"]").unwrap().carriers.remove(0);
    assert_eq!((carrier.countries, carrier.channels), (vec!["49".to_owned(), "41".to_owned()], vec![Channel::Sms]));
    let all = read(WHOLE, &[]).unwrap().carriers.remove(0);
    assert!(all.countries.is_empty() && all.channels.is_empty());
    let faults = narrow("[\"Narnia\"]", "[\"email\"]").unwrap_err();
    insta::assert_snapshot!(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"), @r"
    etc/pikett.toml:16:14: `Narnia` is no country; write its telephone code such as +49, or its two letters such as DE
    etc/pikett.toml:17:13: `email` is nothing that a carrier carries; use sms or voice
    ");
}

#[test]
fn each_kind_of_carrier_says_what_it_needs() {
    let of = |kind: &str, more: &str| {
        let text = WHOLE.replace("kind = \"twilio\"", &format!("kind = \"{kind}\"\n{more}"));
        read(&text.replace("base_url = \"https://api.twilio.com\"\n", ""), &[])
    };
    let keys = "signing_key = \"PSK_1\"\nbase_url = \"https://msp.signalwire.com/api/laml/\"";
    let signalwire = of("signalwire", keys).unwrap().carriers.remove(0);
    assert_eq!(signalwire.base_url, "https://msp.signalwire.com/api/laml");
    let signing = Signing { key: Some(Secret::new("PSK_1")), ..Signing::default() };
    assert_eq!(signalwire.kind, CarrierKind::SignalWire(signing));

    let key = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
    let keys = format!("public_key = \"{key}\"\napplication_sid = \"1494404757140276705\"");
    let telnyx = of("telnyx", &keys).unwrap().carriers.remove(0);
    assert_eq!(telnyx.base_url, "https://api.telnyx.com/v2");
    let kind = CarrierKind::Telnyx { public_key: key.to_owned(), application_sid: "1494404757140276705".to_owned() };
    assert_eq!(telnyx.kind, kind);

    let sipgate = of("sipgate", "sms_id = \"s0\"").unwrap().carriers.remove(0);
    assert_eq!(sipgate.base_url, "https://api.sipgate.com/v2");
    let numbers = vec!["+4930901820".parse().unwrap()];
    let kind = CarrierKind::Sipgate { sms_id: "s0".to_owned(), public_key: None, numbers, forward_to: None };
    assert_eq!(sipgate.kind, kind);
    assert!(sipgate.carries(Channel::Sms) && !sipgate.carries(Channel::Voice));
    let pem = include_str!("../../tests/data/sipgate/test_key.pub.pem");
    let keys = format!(
        "sms_id = \"s0\"\nnumbers = [\"+492111234567\"]\nforward_to = \"+4930555010\"\npublic_key = \"\"\"\n{pem}\"\"\""
    );
    let config = of("sipgate", &keys).unwrap();
    assert_eq!(config.numbers_without_flow(), BTreeSet::from(["+492111234567".parse().unwrap()]));
    let kind = CarrierKind::Sipgate {
        sms_id: "s0".to_owned(),
        public_key: Some(pem.parse().unwrap()),
        numbers: vec!["+492111234567".parse().unwrap()],
        forward_to: Some("+4930555010".parse().unwrap()),
    };
    assert_eq!(config.carriers[0].kind, kind);

    let keys = "signing_key = \"k\"\nsigning_key_next = \"n\"\nbase_url = \"https://msp.signalwire.com/api/laml\"";
    let signing = Signing { key: Some(Secret::new("k")), key_next: Some(Secret::new("n")), header: None };
    assert_eq!(of("signalwire", keys).unwrap().carriers.remove(0).kind, CarrierKind::SignalWire(signing));

    let keys = "signing_key = \"k\"\nsignature_header = \"X-Clone-Signature\"";
    let clone = of("twilio", keys).unwrap().carriers.remove(0);
    let header = Some("X-Clone-Signature".to_owned());
    let signing = Signing { key: Some(Secret::new("k")), key_next: None, header };
    assert_eq!(clone.kind, CarrierKind::Twilio(signing));
    assert_eq!(clone.base_url, "https://api.twilio.com");

    for (wrong, fault) in [
        (of("signalwire", ""), "has no `signing_key`"),
        (of("signalwire", "signing_key = \"k\""), "has no `base_url`"),
        (of("signalwire", &format!("public_key = \"{key}\"")), "unknown key `public_key`"),
        (of("telnyx", "public_key = \"short\""), "this is no public key"),
        (of("telnyx", &format!("public_key = \"{key}\"")), "has no `application_sid`"),
        (of("telnyx", &format!("public_key = \"{key}\"\napplication_sid = \"a/b\"")), "a sid is letters and digits"),
        (of("twilio", "signature_header = \"X Y\""), "`X Y` is no header"),
        (of("twilio", "signing_key = \"k\"\nauth_token_next = \"t\""), "write `signing_key_next`"),
        (of("twilio", "signing_key_next = \"k\""), "write `auth_token_next`"),
        (of("signalwire", "auth_token_next = \"t\""), "unknown key `auth_token_next`"),
        (of("telnyx", "auth_token_next = \"t\""), "unknown key `auth_token_next`"),
        (of("sipgate", ""), "has no `sms_id`"),
        (of("sipgate", "sms_id = \"0\""), "an SMS extension is s and a number"),
        (of("sipgate", "sms_id = \"s0\"\npublic_key = \"short\""), "this is no RSA public key"),
        (of("sipgate", "sms_id = \"s0\"\nchannels = [\"sms\", \"voice\"]"), "it carries no pages by voice"),
        (of("sipgate", "sms_id = \"s0\"\nforward_to = \"+4930901820\""), "are forwarded themselves"),
        (of("sipgate", "sms_id = \"s0\"\nsigning_key = \"k\""), "unknown key `signing_key`"),
    ] {
        let faults: Vec<String> = wrong.unwrap_err().iter().map(ToString::to_string).collect();
        assert!(faults.iter().any(|told| told.contains(fault)), "{fault}: {faults:#?}");
    }
}

#[test]
fn nothing_at_all_is_a_configuration_too() {
    let config = Config::read(None, BTreeMap::new(), &secret).unwrap();
    assert_eq!(config.server.public_url, "http://127.0.0.1:8080");
    assert_eq!(config.server.languages, None);
    assert_eq!(config.database.url.expose(), "sqlite://pikett.db");
    assert!(config.carriers.is_empty() && config.email.is_none());
    let voicemail = &config.voicemail;
    assert_eq!((voicemail.folder.as_path(), voicemail.retention), (Path::new("recordings"), TimeDelta::days(90)));
    assert!(voicemail.transcriber.is_none() && voicemail.key.is_none());
}

#[test]
fn recordings_lie_beside_the_database() {
    for (url, folder) in [
        ("sqlite:///var/lib/pikett/pikett.db", "/var/lib/pikett/recordings"),
        ("sqlite://data/pikett.db?mode=rwc", "data/recordings"),
        ("postgres://pikett:secret@db/pikett", "recordings"),
    ] {
        let config = read("", &[("PIKETT_DATABASE__URL", url)]).unwrap();
        assert_eq!(config.voicemail.folder, Path::new(folder), "{url}");
    }
}

#[test]
fn a_transcriber_has_to_be_told_the_file() {
    let text = "[voicemail]\ntranscriber = [\"whisper-cli\"]\nkey = \"short\"\nretention = \"forever\"\n";
    insta::assert_snapshot!(faults(text, &[]), @r#"
    etc/pikett.toml:2:1: this command is not told which file to read; name the program and its arguments, such as ["whisper-cli", "-l", "{language}", "-f", "{file}"]
    etc/pikett.toml:3:7: this key is shorter than 32 characters; make a long random one, such as with `openssl rand -hex 32`, or leave it out: one is made and kept
    etc/pikett.toml:4:13: `forever` is no duration; write a whole number and s, m, h or d, from 1s to 366d, such as 30s or 5m
    "#);
}

#[test]
fn a_heartbeat_needs_somebody_who_listens() {
    let heartbeat = |text: &str| read(text, &[]).unwrap().heartbeat;
    assert_eq!(heartbeat(""), None);
    let found = heartbeat("[heartbeat]\nurl = \"https://hc-ping.com/1\"\n").unwrap();
    assert_eq!((found.url.expose(), found.every), ("https://hc-ping.com/1", TimeDelta::minutes(1)));
    let said = faults("[heartbeat]\nevery = \"2s\"\n", &[]);
    assert!(said.contains("[heartbeat] has no `url`; add `url = \"https://hc-ping.com/…\"`"), "{said}");
    assert!(said.contains("2:9: `2s` is no time between heartbeats; use 10s to 1h"), "{said}");
    let said = faults("[heartbeat]\nurl = \"hc-ping.com/1\"\n", &[]);
    assert!(said.contains("2:7: this is no address to ask; write https://…"), "{said}");
}

#[test]
fn a_variable_overrides_its_key_also_in_lists() {
    let variables = [
        ("PIKETT_SERVER__LISTEN", "0.0.0.0:9000"),
        ("PIKETT_CARRIERS__0__AUTH_TOKEN", "other"),
        ("PIKETT_CARRIERS__0__CALLS_PER_SECOND", "2.5"),
        ("PIKETT_LIMITS__COUNTRIES", "AT, +33"),
        ("PIKETT_EMAIL__FROM", ""),
        ("PIKETT_VAPID_KEY", "a secret, not a key of ours"),
    ];
    let config = read(WHOLE, &variables).unwrap();
    assert_eq!(config.server.listen.port(), 9000);
    assert_eq!(config.carriers[0].auth_token.expose(), "other");
    assert!((config.carriers[0].calls_per_second - 2.5).abs() < f64::EPSILON);
    assert_eq!(config.defaults.limits.countries, Some(vec!["43".to_owned(), "33".to_owned()]));
    assert_eq!(config.email.unwrap().from, "Pikett <pikett@msp.example>");
}

#[test]
fn a_carrier_may_come_from_variables_alone() {
    let variables = [
        ("PIKETT_SERVER__PUBLIC_URL", "https://hotline.example.com"),
        ("PIKETT_CARRIERS__0__ID", "twilio"),
        ("PIKETT_CARRIERS__0__KIND", "twilio"),
        ("PIKETT_CARRIERS__0__ACCOUNT_SID", "AC0"),
        ("PIKETT_CARRIERS__0__AUTH_TOKEN", "env:TWILIO_AUTH_TOKEN"),
        ("PIKETT_CARRIERS__0__FROM", "+4930901820"),
    ];
    let carrier = read("", &variables).unwrap().carriers.remove(0);
    assert_eq!((carrier.auth_token.expose(), carrier.kind), ("t0ken", CarrierKind::Twilio(Signing::default())));
    let next = ("PIKETT_CARRIERS__0__AUTH_TOKEN_NEXT", "t0morrow");
    let carrier = read("", &[&variables[..], &[next]].concat()).unwrap().carriers.remove(0);
    let signing = Signing { key_next: Some(Secret::new("t0morrow")), ..Signing::default() };
    assert_eq!(carrier.kind, CarrierKind::Twilio(signing));
}

#[test]
fn every_fault_has_its_place_and_its_mend() {
    let text = r#"
colour = "red"
[server]
listen = "8080"
publik_url = "https://x.example"
[databse]
url = "sqlite://a"
[[carriers]]
id = "twilio"
kind = "twillio"
account_sid = 3
auth_token = "env:NOT_SET"
form = "+4930901820"
calls_per_second = 0
[[carriers]]
id = "Two"
[email]
smtp = "mail.example"
from = "nobody"
[push]
subject = "ops"
vapid_private_key = "AAAA"
[limits]
countries = ["DE", "Narnia"]
"#;
    insta::assert_snapshot!(faults(text, &[("PIKETT_SERVER__LISTN", "x"), ("PIKETT_LOG__FORMAT", "xml")]), @r#"
    PIKETT_LOG__FORMAT: `xml` is no log format; use text or json
    PIKETT_SERVER__LISTN: [server] has an unknown key `listn`; did you mean `listen`?
    etc/pikett.toml:2:1: the configuration has an unknown key `colour`; the configuration takes `carriers`, `database`, `email`, `heartbeat`, `limits`, `log`, `lookup`, `ntfy`, `org`, `push`, `server`, `slack`, `teams`, `telegram`, `voicemail`, `webhook`
    etc/pikett.toml:4:10: `8080` is no address to listen on; write an IP address and a port, such as 127.0.0.1:8080
    etc/pikett.toml:5:1: [server] has an unknown key `publik_url`; did you mean `public_url`?
    etc/pikett.toml:6:2: the configuration has an unknown key `databse`; did you mean `database`?
    etc/pikett.toml:8:1: [[carriers]] has no `from`; add `from = "+4930901820"`, or set PIKETT_CARRIERS__0__FROM
    etc/pikett.toml:10:8: `twillio` is no kind of carrier; did you mean `twilio`?
    etc/pikett.toml:11:15: `account_sid` is a whole number, not a string in quotes; write a string in quotes
    etc/pikett.toml:12:14: no env:NOT_SET here; set it
    etc/pikett.toml:13:1: [[carriers]] has an unknown key `form`; did you mean `from`?
    etc/pikett.toml:14:20: `calls_per_second` is 0; use 0.01 to 1000
    etc/pikett.toml:15:1: [[carriers]] has no `kind`; add `kind = "twilio"`, or set PIKETT_CARRIERS__1__KIND
    etc/pikett.toml:15:1: [[carriers]] has no `account_sid`; add `account_sid = "AC…"`, or set PIKETT_CARRIERS__1__ACCOUNT_SID
    etc/pikett.toml:15:1: [[carriers]] has no `auth_token`; add `auth_token = "env:TWILIO_AUTH_TOKEN"`, or set PIKETT_CARRIERS__1__AUTH_TOKEN
    etc/pikett.toml:15:1: [[carriers]] has no `from`; add `from = "+4930901820"`, or set PIKETT_CARRIERS__1__FROM
    etc/pikett.toml:16:6: `Two` is no name for a carrier; use 1 to 64 of a-z, 0-9, `-`, `_` and `.`
    etc/pikett.toml:18:8: this is no mail server's address; write smtp://USER@HOST:587 (STARTTLS where offered) or smtps://USER@HOST:465
    etc/pikett.toml:19:8: `nobody` is no email address; write name@domain
    etc/pikett.toml:21:11: `ops` is no subject; write mailto:ADDRESS or https://…
    etc/pikett.toml:22:21: this is no VAPID private key; give the 32 bytes of a P-256 private key in base64url, or leave it out: one is made and kept
    etc/pikett.toml:24:20: `Narnia` is no country; write its telephone code such as +49, or its two letters such as DE
    "#);
}

#[test]
fn the_spare_file_is_not_the_journal_beside_it() {
    let refused = faults("[server]\nspare_file = \"spare.journal\"\n", &[]);
    assert!(refused.contains("`spare.journal` is the name of the journal beside the spare file"), "{refused}");
    let refused = faults("[server]\nspare_file = \"spare/\"\n", &[]);
    assert!(refused.contains("`spare/` names no file"), "{refused}");
}

#[test]
fn what_is_no_toml_is_said_once() {
    insta::assert_snapshot!(faults("[server\n", &[]), @"etc/pikett.toml:1:8: not TOML: unclosed table, expected `]`; mend the line, or see https://toml.io");
    insta::assert_snapshot!(faults("[carriers]\nid = \"twilio\"\n", &[]), @"etc/pikett.toml:1:2: `carriers` is a table, not a list of tables; write [[carriers]], with two brackets");
    insta::assert_snapshot!(faults("server = 3\n[database]\nurl = \"mysql://x\"\n", &[]), @r"
    etc/pikett.toml:1:1: `server` is no section here; write [server]
    etc/pikett.toml:3:7: the database's address is of an unknown kind; write sqlite://FILE, or postgres://USER:PASSWORD@HOST/DATABASE
    ");
}

#[test]
fn what_is_probably_not_meant_is_warned_of() {
    let variables = [
        ("PIKETT_SERVER__PUBLIC_URL", "http://hotline.example.com"),
        ("PIKETT_CARRIERS__0__BASE_URL", "http://api.example.com"),
    ];
    insta::assert_snapshot!(read(WHOLE, &variables).unwrap().warnings().join("\n"), @r"
    server.public_url is http://hotline.example.com: without TLS, names and numbers cross the net in the clear
    carrier `twilio` is asked at http://api.example.com: without TLS, its auth token crosses the net in the clear
    ");
    assert!(read(WHOLE, &[("PIKETT_CARRIERS__0__BASE_URL", "http://127.0.0.1:1")]).unwrap().warnings().is_empty());
}
