//! What the service talks to outside, made of the configuration: carriers, chats and the mail server. For the
//! service, and for `pikett check`, which asks each whether it answers.

use std::sync::Arc;

use crate::{
    carrier::{
        carriers::{Carriers, Line},
        signature::Keys,
        twilio::{self, Twilio},
    },
    clock::Clock,
    config::{self, CarrierKind, Config},
    model::person::Channel,
    notify::channels::{
        Channels, Mailer, Provider,
        email::MailerError,
        ntfy::Ntfy,
        slack::Slack,
        teams::Teams,
        telegram::Telegram,
        webhook::{SigningKey, SigningKeyError, Webhook},
    },
};

/// `http` is `carrier::http_client`.
pub fn carriers(declared: &[config::Carrier], http: &reqwest::Client, clock: &Clock) -> Carriers {
    let line = |carrier: &config::Carrier| {
        let settings = twilio::Settings {
            id: carrier.id.clone(),
            account_sid: carrier.account_sid.clone(),
            auth_token: carrier.auth_token.clone(),
            from: carrier.from.clone(),
            base_url: carrier.base_url.clone(),
            calls_per_second: carrier.calls_per_second,
            messages_per_second: carrier.messages_per_second,
        };
        match carrier.kind {
            CarrierKind::Twilio => Line {
                carrier: Arc::new(Twilio::new(settings, http.clone(), clock.clone())),
                keys: Keys::token(carrier.auth_token.clone()),
                account_sid: carrier.account_sid.clone(),
            },
        }
    };
    Carriers::new(declared.iter().map(line).collect())
}

/// The channels with what the configuration says of chats and webhooks, and the Telegram bot, which is also
/// asked for what is pressed.
pub fn chats(
    channels: Channels,
    config: &Config,
    http: &reqwest::Client,
    clock: &Clock,
) -> Result<(Channels, Option<Arc<Telegram>>), SigningKeyError> {
    let teams = Teams::new(config.teams.allow_private, clock.clone());
    let ntfy = Ntfy::new(config.ntfy.url.clone(), config.ntfy.token.clone(), http.clone(), clock.clone());
    let mut channels = channels.with(Channel::Teams, Arc::new(teams)).with(Channel::Ntfy, Arc::new(ntfy));
    if let Some(slack) = &config.slack {
        let slack = Slack::new(slack.token.clone(), slack.base_url.clone(), http.clone(), clock.clone());
        channels = channels.with(Channel::Slack, Arc::new(slack));
    }
    if let Some(webhook) = &config.webhook {
        let webhook = Webhook::new(SigningKey::new(&webhook.secret)?, webhook.allow_private, clock.clone());
        channels = channels.with(Channel::Webhook, Arc::new(webhook));
    }
    let telegram = config.telegram.as_ref().map(|telegram| {
        Arc::new(Telegram::new(telegram.token.clone(), telegram.base_url.clone(), http.clone(), clock.clone()))
    });
    if let Some(telegram) = &telegram {
        channels = channels.with(Channel::Telegram, Arc::clone(telegram) as Arc<dyn Provider>);
    }
    Ok((channels, telegram))
}

pub fn mailer(email: &config::Email) -> Result<Mailer, MailerError> {
    Mailer::new(&email.smtp, email.password.as_ref(), &email.from)
}
