//! `[slack]`, `[teams]`, `[telegram]`, `[ntfy]` and `[webhook]`: what the providers of people's contacts
//! ask of us. Where a chat stands is declared with its person.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{Config, layers::Layers, sections::web_address};
use crate::model::{fault::did_you_mean, secret::Secret};

const SLACK: &str = "https://slack.com/api";
const TELEGRAM: &str = "https://api.telegram.org";
const NTFY: &str = "https://ntfy.sh";
/// What Telegram takes as a secret word.
const SECRET_MAX: usize = 256;
/// What Standard Webhooks asks of a key.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

#[derive(Debug, Clone, PartialEq)]
pub struct Slack {
    /// A bot's, `xoxb-…`.
    pub token: Secret,
    /// What Slack signs pressed buttons with.
    pub signing_secret: Secret,
    /// Without a slash at the end.
    pub base_url: String,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Teams {
    /// Workflows may stand in the MSP's own network, and be asked without TLS.
    pub allow_private: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Telegram {
    pub token: Secret,
    pub updates: Updates,
    /// Without a slash at the end.
    pub base_url: String,
}

/// How pressed buttons come in.
#[derive(Debug, Clone, PartialEq)]
pub enum Updates {
    /// We ask: works behind NAT.
    Poll,
    /// Telegram tells us, with this word.
    Webhook { secret: Secret },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Ntfy {
    /// The server, without a slash at the end.
    pub url: String,
    pub token: Option<Secret>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Webhook {
    /// `whsec_…`
    pub secret: Secret,
    /// Receivers may stand in the MSP's own network, and be asked without TLS.
    pub allow_private: bool,
}

pub fn slack(layers: &mut Layers) -> Option<Slack> {
    let token = layers.secret("slack.token");
    let signing_secret = layers.secret("slack.signing_secret");
    let base_url = layers.with("slack.base_url", |given| web_address(given, &["https", "http"], SLACK));
    // Only then: what was asked for is known, also where it is left out.
    if !layers.has("slack") {
        return None;
    }
    for (key, example) in
        [("slack.token", "\"env:SLACK_BOT_TOKEN\""), ("slack.signing_secret", "\"env:SLACK_SIGNING_SECRET\"")]
    {
        if layers.is_silent(key) {
            layers.missing(key, example);
        }
    }
    Some(Slack {
        token: token?,
        signing_secret: signing_secret?,
        base_url: base_url.unwrap_or_else(|| SLACK.to_owned()),
    })
}

pub fn teams(layers: &mut Layers) -> Teams {
    Teams { allow_private: layers.flag("teams.allow_private").unwrap_or(false) }
}

pub fn telegram(layers: &mut Layers) -> Option<Telegram> {
    let token = layers.secret("telegram.token");
    let by_webhook = layers.with("telegram.updates", |given| match given {
        "poll" => Ok(false),
        "webhook" => Ok(true),
        other => Err(format!(
            "`{other}` is no way for updates to come: {}",
            did_you_mean(other, ["poll", "webhook"]).unwrap_or_else(|| "use poll or webhook".to_owned())
        )),
    });
    let secret = layers.secret("telegram.webhook_secret").filter(|secret| {
        let word = secret.expose();
        let sound = (16..=SECRET_MAX).contains(&word.len())
            && word.bytes().all(|sign| sign.is_ascii_alphanumeric() || sign == b'_' || sign == b'-');
        if !sound {
            let mend = "make a long random one, such as with `openssl rand -hex 32`";
            layers.fault("telegram.webhook_secret", "this is not 16 to 256 letters, digits, `_` and `-`", mend);
        }
        sound
    });
    let base_url = layers.with("telegram.base_url", |given| web_address(given, &["https", "http"], TELEGRAM));
    if !layers.has("telegram") {
        return None;
    }
    if layers.is_silent("telegram.token") {
        layers.missing("telegram.token", "\"env:TELEGRAM_BOT_TOKEN\"");
    }
    let updates = if by_webhook == Some(true) {
        if layers.is_silent("telegram.webhook_secret") {
            layers.missing("telegram.webhook_secret", "\"env:TELEGRAM_WEBHOOK_SECRET\"");
        }
        Updates::Webhook { secret: secret? }
    } else {
        Updates::Poll
    };
    Some(Telegram { token: token?, updates, base_url: base_url.unwrap_or_else(|| TELEGRAM.to_owned()) })
}

pub fn ntfy(layers: &mut Layers) -> Ntfy {
    let url = layers.with("ntfy.url", |given| web_address(given, &["https", "http"], NTFY));
    Ntfy { url: url.unwrap_or_else(|| NTFY.to_owned()), token: layers.secret("ntfy.token") }
}

pub fn webhook(layers: &mut Layers) -> Option<Webhook> {
    let allow_private = layers.flag("webhook.allow_private").unwrap_or(false);
    let secret = layers.secret("webhook.secret").filter(|secret| {
        let key = secret.expose().strip_prefix("whsec_").and_then(|key| BASE64_STANDARD.decode(key).ok());
        let sound = key.is_some_and(|key| KEY_BYTES.contains(&key.len()));
        if !sound {
            let mend = "write `whsec_` and 24 to 64 random bytes in base64, such as by `openssl rand -base64 32`";
            layers.fault("webhook.secret", "this is no signing secret", mend);
        }
        sound
    });
    if layers.has("webhook") && layers.is_silent("webhook.secret") {
        layers.missing("webhook.secret", "\"env:PIKETT_WEBHOOK_SECRET\"");
    }
    Some(Webhook { secret: secret?, allow_private })
}

/// Tokens that do not look as their provider writes them: whoever has mixed them up sees it before a page does.
pub fn unlikely(config: &Config) -> Vec<String> {
    let slack = config.slack.as_ref();
    let looks = [
        (
            slack.map(|slack| &slack.token),
            "slack.token",
            "a bot's begins with xoxb-",
            is_slack_token as fn(&str) -> bool,
        ),
        (slack.map(|slack| &slack.signing_secret), "slack.signing_secret", "it has 32 hex digits", is_signing_secret),
        (
            config.telegram.as_ref().map(|telegram| &telegram.token),
            "telegram.token",
            "a bot's is a number, a colon and 35 signs",
            is_telegram_token,
        ),
        (config.ntfy.token.as_ref(), "ntfy.token", "it begins with tk_", is_ntfy_token),
    ];
    looks
        .into_iter()
        .filter(|(secret, _, _, is_likely)| secret.is_some_and(|secret| !is_likely(secret.expose())))
        .map(|(_, key, form, _)| format!("{key} does not look like one: {form}"))
        .collect()
}

fn is_slack_token(token: &str) -> bool {
    token.starts_with("xoxb-") && token.bytes().all(|sign| sign.is_ascii_alphanumeric() || sign == b'-')
}

fn is_signing_secret(secret: &str) -> bool {
    secret.len() == 32 && secret.bytes().all(|sign| sign.is_ascii_hexdigit())
}

fn is_telegram_token(token: &str) -> bool {
    token.split_once(':').is_some_and(|(bot, rest)| {
        let is_number = !bot.is_empty() && bot.bytes().all(|sign| sign.is_ascii_digit());
        let is_word = rest.bytes().all(|sign| sign.is_ascii_alphanumeric() || sign == b'_' || sign == b'-');
        is_number && is_word && rest.len() >= 30
    })
}

fn is_ntfy_token(token: &str) -> bool {
    token.starts_with("tk_") && token.bytes().all(|sign| sign.is_ascii_alphanumeric() || sign == b'_')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::source::Source;

    fn read(text: &str) -> Result<Config, String> {
        let plain = |given: &str| Ok(given.to_owned());
        let read = Config::read(Some(Source::new("pikett.toml", text)), BTreeMap::new(), &plain);
        read.map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn each_section_says_what_its_provider_asks_for() {
        let config = read(
            "[slack]\ntoken = \"xoxb-1\"\nsigning_secret = \"s\"\n[telegram]\ntoken = \"1:a\"\n\
             [ntfy]\nurl = \"https://ntfy.msp.example/\"\n[webhook]\nsecret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\nallow_private = true\n",
        )
        .unwrap();
        assert_eq!(config.slack.unwrap().base_url, SLACK);
        let telegram = config.telegram.unwrap();
        assert_eq!((telegram.updates, telegram.base_url.as_str()), (Updates::Poll, TELEGRAM));
        assert_eq!(config.ntfy, Ntfy { url: "https://ntfy.msp.example".to_owned(), token: None });
        assert!(config.webhook.unwrap().allow_private && !config.teams.allow_private);
        let bare = read("").unwrap();
        assert!(bare.slack.is_none() && bare.telegram.is_none() && bare.webhook.is_none());
        assert_eq!(bare.ntfy.url, NTFY);
    }

    #[test]
    fn a_token_of_another_kind_is_noticed_before_a_page_needs_it() {
        let read = |slack: &str, signing: &str, telegram: &str, ntfy: &str| {
            let text = format!(
                "[slack]\ntoken = \"{slack}\"\nsigning_secret = \"{signing}\"\n[telegram]\ntoken = \"{telegram}\"\n\
                 [ntfy]\ntoken = \"{ntfy}\"\n"
            );
            unlikely(&read(&text).unwrap())
        };
        let signing = "8f742231b10e8888abcd99badc0ffee5";
        let telegram = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1";
        assert_eq!(
            read("xoxb-17653672481-19874698323", signing, telegram, "tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2"),
            [""; 0]
        );
        let wrong = read("xoxp-1", "xoxb-1", "bot110201543", "secret");
        assert_eq!(wrong.len(), 4, "{wrong:?}");
        assert!(wrong.iter().all(|told| !told.contains("110201543")), "no secret is shown: {wrong:?}");
    }

    #[test]
    fn what_is_missing_or_wrong_has_its_mend() {
        let text = "[slack]\ntokn = \"xoxb-1\"\n[telegram]\ntoken = \"1:a\"\nupdates = \"webhok\"\n\
                    webhook_secret = \"short\"\n[webhook]\nallow_private = true\n";
        insta::assert_snapshot!(read(text).unwrap_err(), @r#"
        pikett.toml:1:2: [slack] has no `token`; add `token = "env:SLACK_BOT_TOKEN"`, or set PIKETT_SLACK__TOKEN
        pikett.toml:1:2: [slack] has no `signing_secret`; add `signing_secret = "env:SLACK_SIGNING_SECRET"`, or set PIKETT_SLACK__SIGNING_SECRET
        pikett.toml:2:1: [slack] has an unknown key `tokn`; did you mean `token`?
        pikett.toml:5:11: `webhok` is no way for updates to come; did you mean `webhook`?
        pikett.toml:6:18: this is not 16 to 256 letters, digits, `_` and `-`; make a long random one, such as with `openssl rand -hex 32`
        pikett.toml:7:2: [webhook] has no `secret`; add `secret = "env:PIKETT_WEBHOOK_SECRET"`, or set PIKETT_WEBHOOK__SECRET
        "#);
    }
}
