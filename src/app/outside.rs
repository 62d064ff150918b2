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
                keys: Keys::tokens(std::iter::once(&carrier.auth_token).chain(&carrier.auth_token_next).cloned()),
                account_sid: carrier.account_sid.clone(),
            },
        }
    };
    Carriers::new(declared.iter().map(line).collect())
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
    const PATH: &str = "/carriers/twilio/voice";

    fn faces(next: Option<&str>) -> Router {
        let declared = config::Carrier {
            id: "twilio".parse().unwrap(),
            kind: CarrierKind::Twilio,
            account_sid: "AC1".to_owned(),
            auth_token: Secret::new("of today"),
            auth_token_next: next.map(Secret::new),
            from: "+4930901820".parse().unwrap(),
            base_url: "http://127.0.0.1:1".to_owned(),
            calls_per_second: 1.0,
            messages_per_second: 1.0,
        };
        let carriers = carriers(&[declared], &http_client(&Clock::system()), &Clock::system());
        let answer = |webhook: Webhook| async move { webhook.form.get("CallSid").unwrap_or_default().to_owned() };
        Router::new().route("/carriers/{carrier}/voice", post(answer)).with_state(Webhooks::new(carriers, PUBLIC))
    }

    async fn status(faces: &Router, token: &str) -> u16 {
        let form = [("CallSid", "CA1")];
        let signature = signature::sign(&format!("{PUBLIC}{PATH}"), &form, &Secret::new(token));
        let request = Request::post(PATH)
            .header("content-type", "application/x-www-form-urlencoded")
            .header(signature::HEADER, signature)
            .body(Body::from("CallSid=CA1"));
        faces.clone().oneshot(request.unwrap()).await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn while_a_token_is_changed_both_sign() {
        let changing = faces(Some("of tomorrow"));
        assert_eq!(status(&changing, "of today").await, 200);
        assert_eq!(status(&changing, "of tomorrow").await, 200);
        assert_eq!(status(&changing, "of somebody").await, 403);
        let before = faces(None);
        assert_eq!(status(&before, "of today").await, 200);
        assert_eq!(status(&before, "of tomorrow").await, 403);
    }
}
