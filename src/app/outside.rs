//! What the service talks to outside, made of the configuration: carriers and the mail server. For the
//! service, and for `pikett check`, which asks each whether it answers.

use std::sync::Arc;

use crate::{
    carrier::{
        carriers::{Carriers, Line},
        signature::Keys,
        twilio::{self, Twilio},
    },
    clock::Clock,
    config::{self, CarrierKind},
    notify::channels::{Mailer, email::MailerError},
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

pub fn mailer(email: &config::Email) -> Result<Mailer, MailerError> {
    Mailer::new(&email.smtp, email.password.as_ref(), &email.from)
}
