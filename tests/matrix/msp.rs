//! The MSP of the matrix: Anna is on call and told over the channel in question at once, over another one after
//! a minute; Ben stands behind her; the lead hears of what concerns the MSP itself.

use pikett::model::person::Channel;

use super::{
    dialects::{ACCOUNT, BOT, subscription},
    providers::Providers,
};

pub const PUBLIC_URL: &str = "https://hotline.example";
pub const TOKEN: &str = "a-secret-token";
pub const HOTLINE: &str = "+4930901820";
pub const KEY: &str = "e93facc04764012d7bfb002500d5d1a6";
pub const SLACK_SECRET: &str = "8f742231b10e8888abcd99badc0ffee5";
pub const SLACK_USER: &str = "U0000001A";
pub const TELEGRAM_SECRET: &str = "a-word-that-telegram-says";
pub const TELEGRAM_CHAT: i64 = 160_213_500;

/// Whom somebody is told by, as their provider calls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Anna over the channel in question.
    Anna,
    /// Anna over another one.
    AnnaElsewhere,
    Ben,
    Lead,
}

impl Who {
    pub const ALL: [Self; 4] = [Self::Anna, Self::AnnaElsewhere, Self::Ben, Self::Lead];

    pub fn recipient(self, channel: Channel) -> String {
        match (self, channel) {
            (Self::Anna, Channel::Sms | Channel::Voice) => "+4915110000001".to_owned(),
            (Self::Anna, Channel::Email) => "anna@msp.example".to_owned(),
            (Self::Anna, Channel::Push) => "/push/anna".to_owned(),
            (Self::Anna, Channel::Slack) => SLACK_USER.to_owned(),
            (Self::Anna, Channel::Teams) => "/teams/anna".to_owned(),
            (Self::Anna, Channel::Telegram) => TELEGRAM_CHAT.to_string(),
            (Self::Anna, Channel::Ntfy) => "anna-topic".to_owned(),
            (Self::Anna, Channel::Webhook) => "/hooks/anna".to_owned(),
            (Self::AnnaElsewhere, Channel::Webhook) => "anna-elsewhere".to_owned(),
            (Self::AnnaElsewhere, _) => "/hooks/anna-elsewhere".to_owned(),
            (Self::Ben, _) => "ben-topic".to_owned(),
            (Self::Lead, _) => "lead-topic".to_owned(),
        }
    }
}

fn contact(id: &str, channel: Channel, recipient: &str, url: &str) -> String {
    let to = match channel {
        Channel::Push => subscription(&format!("{url}{recipient}")),
        Channel::Teams | Channel::Webhook => format!("{url}{recipient}"),
        Channel::Sms | Channel::Voice | Channel::Email | Channel::Slack | Channel::Telegram | Channel::Ntfy => {
            recipient.to_owned()
        }
    };
    format!("{{ id = \"{id}\", kind = \"{channel}\", to = '{to}' }}")
}

pub fn declarations(channel: Channel, providers: &Providers) -> String {
    let elsewhere = if channel == Channel::Webhook { Channel::Ntfy } else { Channel::Webhook };
    let of = |id: &str, who: Who, by: Channel| contact(id, by, &who.recipient(channel), &providers.url);
    let person = |id: &str, contacts: &str, rules: &str| {
        format!(
            "[[people]]\nid = \"{id}\"\nname = \"{id}\"\nzone = \"Europe/Berlin\"\nlanguage = \"en\"\n\
             contact = [ {contacts} ]\nrules.high = [ {rules} ]\n"
        )
    };
    let anna = [of("first", Who::Anna, channel), of("second", Who::AnnaElsewhere, elsewhere)].join(", ");
    let people = [
        person("anna", &anna, "{ via = \"first\" }, { via = \"second\", after = \"1m\" }"),
        person("ben", &of("topic", Who::Ben, Channel::Ntfy), "{ via = \"topic\" }"),
        person("lead", &of("topic", Who::Lead, Channel::Ntfy), "{ via = \"topic\" }"),
    ];
    format!(
        r#"[org]
name = "MSP"
policy = "house"
[limits]
countries = ["DE"]
{}
[[policies]]
id = "gold"
levels = [ {{ notify = ["person:anna"], ack_within = "5m" }}, {{ notify = ["person:ben"], ack_within = "15m" }} ]
fallback = ["person:ben"]
[[policies]]
id = "house"
levels = [ {{ notify = ["person:lead"], ack_within = "1h" }} ]
fallback = ["person:lead"]
[[integrations]]
id = "monitoring"
key = "{KEY}"
policy = "gold"
"#,
        people.concat()
    )
}

pub fn configuration(folder: &std::path::Path, database: &str, providers: &Providers) -> String {
    let (url, mail) = (&providers.url, &providers.mail);
    let (spare, recordings) = (folder.join("pikett-spare.json"), folder.join("recordings"));
    let (spare, recordings) = (spare.display(), recordings.display());
    format!(
        r#"[server]
listen = "127.0.0.1:0"
public_url = "{PUBLIC_URL}"
spare_file = "{spare}"
[database]
url = "{database}"
[[carriers]]
id = "twilio"
kind = "twilio"
account_sid = "{ACCOUNT}"
auth_token = "{TOKEN}"
from = "{HOTLINE}"
base_url = "{url}"
calls_per_second = 50
messages_per_second = 50
[email]
smtp = "{mail}"
from = "pikett@msp.example"
[push]
subject = "mailto:ops@msp.example"
[slack]
token = "xoxb-1"
signing_secret = "{SLACK_SECRET}"
base_url = "{url}/slack"
[teams]
allow_private = true
[telegram]
token = "{BOT}"
updates = "webhook"
webhook_secret = "{TELEGRAM_SECRET}"
base_url = "{url}"
[ntfy]
url = "{url}/ntfy"
[webhook]
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
allow_private = true
[voicemail]
folder = "{recordings}"
"#
    )
}
