//! What the service talks to outside, made of the configuration: carriers, chats and the mail server. For the
//! service, and for `pikett check`, which asks each whether it answers.

use std::{sync::Arc, time::Duration};

use crate::{
    carrier::{
        Carrier, HandsOn,
        carriers::{Carriers, Line},
        choose::Serves,
        signature::{self, Keys, Repeated, Signer, rsa},
        sipgate::{self, Sipgate},
        telnyx::{self, Telnyx},
        twilio::{self, Twilio},
    },
    clock::Clock,
    config::{self, CarrierKind, Config, Signing},
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

const SIGNALWIRE_HEADER: &str = "X-SignalWire-Signature";

/// `http` is `carrier::http_client`.
pub fn carriers(declared: &[config::Carrier], http: &reqwest::Client, clock: &Clock) -> Carriers {
    let patience = if declared.len() > 1 { twilio::PATIENCE_OF_SEVERAL } else { twilio::PATIENCE };
    let line = |declared: &config::Carrier| {
        let (carrier, signer) = carrier(declared, patience, http, clock);
        let channels =
            [Channel::Sms, Channel::Voice].into_iter().filter(|channel| declared.carries(*channel)).collect();
        let serves = Serves { countries: declared.countries.clone(), channels };
        Line { carrier, serves, signer, account_sid: declared.account_sid.clone() }
    };
    Carriers::new(declared.iter().map(line).collect())
}

fn carrier(
    declared: &config::Carrier,
    patience: Duration,
    http: &reqwest::Client,
    clock: &Clock,
) -> (Arc<dyn Carrier>, Signer) {
    match &declared.kind {
        CarrierKind::Twilio(signing) => {
            let keys = Keys { headers: signing.header.iter().cloned().collect(), ..keys(declared, signing) };
            (twilio(declared, patience, http, clock), keys.into())
        }
        CarrierKind::SignalWire(signing) => {
            let own = signing.header.clone().unwrap_or_else(|| SIGNALWIRE_HEADER.to_owned());
            // The older of its two headers.
            let headers = vec![own, signature::HEADER.to_owned()];
            let keys = Keys { headers, repeated: Repeated::AsTheyCame, ..keys(declared, signing) };
            (twilio(declared, patience, http, clock), keys.into())
        }
        CarrierKind::Telnyx { public_key, application_sid } => {
            let settings = telnyx::Settings {
                id: declared.id.clone(),
                account_sid: declared.account_sid.clone(),
                application_sid: application_sid.clone(),
                api_key: declared.auth_token.clone(),
                from: declared.from.clone(),
                base_url: declared.base_url.clone(),
                calls_per_second: declared.calls_per_second,
                messages_per_second: declared.messages_per_second,
                patience,
            };
            let key = public_key.parse().expect("the configuration has checked it");
            (Arc::new(Telnyx::new(settings, http.clone(), clock.clone())), Signer::Ed25519(key))
        }
        CarrierKind::Sipgate { sms_id, public_key, numbers, forward_to } => {
            let settings = sipgate::Settings {
                id: declared.id.clone(),
                token_id: declared.account_sid.clone(),
                token: declared.auth_token.clone(),
                sms_id: sms_id.clone(),
                hands_on: HandsOn { numbers: numbers.clone(), to: forward_to.clone() },
                from: declared.from.clone(),
                base_url: declared.base_url.clone(),
                calls_per_second: declared.calls_per_second,
                messages_per_second: declared.messages_per_second,
                patience,
            };
            let signer = Signer::Rsa(public_key.clone().unwrap_or_else(rsa::key_of_sipgate));
            (Arc::new(Sipgate::new(settings, http.clone(), clock.clone())), signer)
        }
    }
}

fn twilio(declared: &config::Carrier, patience: Duration, http: &reqwest::Client, clock: &Clock) -> Arc<dyn Carrier> {
    let settings = twilio::Settings {
        id: declared.id.clone(),
        account_sid: declared.account_sid.clone(),
        auth_token: declared.auth_token.clone(),
        from: declared.from.clone(),
        base_url: declared.base_url.clone(),
        calls_per_second: declared.calls_per_second,
        messages_per_second: declared.messages_per_second,
        patience,
    };
    Arc::new(Twilio::new(settings, http.clone(), clock.clone()))
}

fn keys(declared: &config::Carrier, signing: &Signing) -> Keys {
    let key = signing.key.as_ref().unwrap_or(&declared.auth_token);
    Keys::tokens(std::iter::once(key).chain(&signing.key_next).cloned())
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

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, http::Request, routing::post};
    use tower::ServiceExt;

    use super::*;
    use crate::{
        carrier::{http_client, signature},
        model::secret::Secret,
        web::webhook::{Webhook, Webhooks},
    };

    const PUBLIC: &str = "https://hotline.example";
    const PATH: &str = "/carriers/one/voice";

    fn faces(kind: CarrierKind) -> Router {
        let declared = config::Carrier {
            id: "one".parse().unwrap(),
            kind,
            account_sid: "AC1".to_owned(),
            auth_token: Secret::new("of today"),
            from: "+4930901820".parse().unwrap(),
            base_url: "http://127.0.0.1:1".to_owned(),
            calls_per_second: 1.0,
            messages_per_second: 1.0,
            countries: Vec::new(),
            channels: Vec::new(),
        };
        let carriers = carriers(&[declared], &http_client(&Clock::system()), &Clock::system());
        let answer = |webhook: Webhook| async move { webhook.form.get("CallSid").unwrap_or_default().to_owned() };
        Router::new().route("/carriers/{carrier}/voice", post(answer)).with_state(Webhooks::new(
            carriers,
            PUBLIC,
            Clock::system(),
        ))
    }

    fn signing(key: Option<&str>, next: Option<&str>) -> Signing {
        Signing { key: key.map(Secret::new), key_next: next.map(Secret::new), header: None }
    }

    async fn status(faces: &Router, header: &str, token: &str) -> u16 {
        let form = [("CallSid", "CA1")];
        let signature = signature::sign(&format!("{PUBLIC}{PATH}"), &form, &Secret::new(token));
        let request = Request::post(PATH)
            .header("content-type", "application/x-www-form-urlencoded")
            .header(header, signature)
            .body(Body::from("CallSid=CA1"));
        faces.clone().oneshot(request.unwrap()).await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn while_a_token_is_changed_both_sign() {
        let changing = faces(CarrierKind::Twilio(signing(None, Some("of tomorrow"))));
        for (token, expect) in [("of today", 200), ("of tomorrow", 200), ("of somebody", 403)] {
            assert_eq!(status(&changing, signature::HEADER, token).await, expect, "{token}");
        }
        let before = faces(CarrierKind::Twilio(Signing::default()));
        assert_eq!(status(&before, signature::HEADER, "of today").await, 200);
        assert_eq!(status(&before, signature::HEADER, "of tomorrow").await, 403);
    }

    #[tokio::test]
    async fn while_a_signing_key_is_changed_both_sign_and_the_token_does_not() {
        let of = signing(Some("key"), Some("key to come"));
        for (kind, header) in
            [(CarrierKind::SignalWire(of.clone()), SIGNALWIRE_HEADER), (CarrierKind::Twilio(of), signature::HEADER)]
        {
            let changing = faces(kind);
            for (key, expect) in [("key", 200), ("key to come", 200), ("of today", 403)] {
                assert_eq!(status(&changing, header, key).await, expect, "{header} {key}");
            }
        }
    }
}
