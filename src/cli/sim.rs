//! `pikett sim`: the carrier simulator on its own, for a service that runs elsewhere.

use std::net::SocketAddr;

use clap::Args;
use futures::StreamExt;

use super::{Common, Failure, Verdict, say};
use crate::{
    clock::Ids,
    config::secrets,
    model::{phone::Phone, secret::Secret},
    sim::{Account, Event, Hooks, Mailbox, Settings, Sim, Times, What},
};

/// Play a telephony carrier: Twilio's REST API, its webhooks and the phones behind them
#[derive(Debug, Args)]
#[command(after_help = "Example:
  pikett sim --listen 127.0.0.1:4010 --account AC00000000000000000000000000000000 \\
      --token env:TWILIO_AUTH_TOKEN --number +4930901820=http://127.0.0.1:8080/carriers/twilio

Then set the carrier's base_url to http://127.0.0.1:4010 and phone the hotline:
  curl -d '{\"from\":\"+4930555010\",\"to\":\"+4930901820\"}' -H 'content-type: application/json' \\
      http://127.0.0.1:4010/sim/calls")]
pub struct Arguments {
    /// Where the REST API and the control API (/sim/) are served
    #[arg(long, default_value = "127.0.0.1:4010", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Takes mails by SMTP there
    #[arg(long, value_name = "ADDRESS")]
    smtp: Option<SocketAddr>,
    /// The account's SID
    #[arg(long, default_value = "AC00000000000000000000000000000000", value_name = "SID")]
    account: String,
    /// Its auth token: the text itself, env:NAME or file:PATH
    #[arg(long, default_value = "env:TWILIO_AUTH_TOKEN", value_name = "SECRET")]
    token: String,
    /// A bought number and where its webhooks go, as +49…=URL; /voice, /voice/status, /voice/fallback
    /// and /sms are added to the URL
    #[arg(long = "number", value_name = "NUMBER=URL", value_parser = number)]
    numbers: Vec<(Phone, String)>,
    /// The same seed gives the same run
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Everything at once, without the waits of a real network
    #[arg(long)]
    quick: bool,
    /// Print events as JSON, one a line
    #[arg(long)]
    json: bool,
}

fn number(given: &str) -> Result<(Phone, String), String> {
    let (number, url) =
        given.split_once('=').ok_or("write NUMBER=URL, such as +4930901820=http://127.0.0.1:8080/carriers/twilio")?;
    let number = number.parse().map_err(|error| format!("{error}"))?;
    match url::Url::parse(url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") => Ok((number, url.to_owned())),
        Ok(_) | Err(_) => Err(format!("`{url}` is no URL: write http://… or https://…")),
    }
}

pub async fn run(common: &Common, arguments: &Arguments) -> Result<Verdict, Failure> {
    let token = secrets::resolve(&arguments.token).map_err(|why| Failure::Refused(format!("--token: {why}")))?;
    let settings = Settings {
        listen: arguments.listen,
        clock: common.clock(),
        ids: arguments.seed.map_or_else(Ids::random, Ids::seeded),
        accounts: vec![Account { sid: arguments.account.clone(), token: Secret::new(token) }],
        times: if arguments.quick { Times::none() } else { Times::default() },
    };
    let sim = Sim::start(settings).await.map_err(|error| Failure::of("start the simulator", error))?;
    for (number, url) in &arguments.numbers {
        sim.number(number.clone(), Hooks::at(&arguments.account, url));
    }
    tell_address(&sim);
    if let Some(listen) = arguments.smtp {
        let mailbox = Mailbox::start(listen, &sim).await.map_err(|error| Failure::of("start the mailbox", error))?;
        note(format_args!("mails by {}", mailbox.url()));
    }
    let mut events = std::pin::pin!(sim.events());
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(event) => say(line(&event, arguments.json)),
                None => break,
            },
            // Without a handler for Ctrl-C the default one ends the process as well.
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    sim.clone().stop().await;
    Ok(Verdict::Sound)
}

fn tell_address(sim: &Sim) {
    note(format_args!("carrier at {0}, control at {0}/sim/", sim.base_url()));
}

/// Standard output is for the events.
fn note(text: std::fmt::Arguments<'_>) {
    use std::io::Write;
    // Nobody may be left to read it.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// What a person watching wants to know of an event.
fn line(event: &Event, json: bool) -> String {
    if json {
        return serde_json::to_string(event).expect("an event is plain data");
    }
    let words = match &event.what {
        What::CallStarted { leg, from, to, direction, .. } => format!("{leg} {} {from} → {to}", direction.as_str()),
        What::Ringing { leg } => format!("{leg} rings"),
        What::Answered { leg, by } => format!("{leg} answered by {by:?}"),
        What::Heard { leg, text, source, .. } => format!("{leg} hears ({source:?}) {text}"),
        What::Listening { leg, .. } => format!("{leg} may press or speak"),
        What::Keys { leg, keys } => format!("{leg} presses {keys}"),
        What::Spoke { leg, text } => format!("{leg} says {text}"),
        What::Waiting { leg, queue, position } => format!("{leg} waits in {queue} at {position}"),
        What::Bridged { a, b } => format!("{a} talks with {b}"),
        What::Parted { a, b } => format!("{a} no longer talks with {b}"),
        What::Joined { leg, conference, others } => format!("{leg} joins {others} others in {conference}"),
        What::Left { leg, conference } => format!("{leg} leaves {conference}"),
        What::Recording { leg } => format!("{leg} is recorded"),
        What::Recorded { leg, recording, duration_s, .. } => format!("{leg} left {recording}, {duration_s} s"),
        What::Ended { leg, status, duration_s } => format!("{leg} ended: {status}, {duration_s} s"),
        What::Sms { from, to, body, status, .. } => format!("SMS {from} → {to} {status}: {body}"),
        What::SmsToUs { from, to, body, .. } => format!("SMS {from} → {to}: {body}"),
        What::Webhook { about, url, status, error, .. } => {
            let answer = status.map_or("no answer".to_owned(), |status| status.to_string());
            let error = error.map(|code| format!(", error {code}")).unwrap_or_default();
            format!("{about} asked {url}: {answer}{error}")
        }
        What::Rest { method, path, status } => {
            let answer = status.map_or("connection cut".to_owned(), |status| status.to_string());
            format!("REST {method} {path}: {answer}")
        }
        What::Warning { about, code, text } => format!("{about} warning {code}: {text}"),
        What::Mail { to, subject, .. } => format!("mail to {}: {subject}", to.join(", ")),
        What::Push { subscription, json, status, .. } => format!("push to {subscription} ({status}): {json}"),
    };
    format!("{} {words}", event.at.format("%H:%M:%S%.3f"))
}
