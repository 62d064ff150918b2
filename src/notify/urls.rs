//! The paths that paging answers, written once: what providers are told to call, and what links lead
//! to. The routes and the builders use the same constants. Pure.

use crate::model::id::{AttemptId, CarrierId};

/// The delivery reports of messages; `?attempt=` names ours.
pub const SMS_STATUS: &str = "/carriers/{carrier}/sms/status";
/// The name of the attempt in that query.
pub const ATTEMPT: &str = "attempt";
/// What a page by voice says when it is answered, and where its keys go.
pub const PAGE: &str = "/carriers/{carrier}/pages/{attempt}";
/// How that call goes on and ends.
pub const PAGE_STATUS: &str = "/carriers/{carrier}/pages/{attempt}/status";
/// What a signed link opens: a page that asks for confirmation, and its form.
pub const LINK: &str = "/a/{token}";
/// What the link opens by which somebody proves that a contact is theirs.
pub const CONTACT: &str = "/v/{token}";
/// Where Slack sends pressed buttons.
pub const SLACK: &str = "/slack/interactions";
/// Where Telegram delivers updates, if it is told to.
pub const TELEGRAM: &str = "/telegram/updates";
/// What a signed link to a recording plays.
pub const RECORDING: &str = "/r/{token}";

pub fn sms_status(public_url: &str, carrier: &CarrierId, attempt: &AttemptId) -> String {
    format!("{public_url}{}?{ATTEMPT}={attempt}", SMS_STATUS.replace("{carrier}", carrier.as_str()))
}

pub fn page(public_url: &str, carrier: &CarrierId, attempt: &AttemptId) -> String {
    format!("{public_url}{}", fill(PAGE, carrier, attempt))
}

pub fn page_status(public_url: &str, carrier: &CarrierId, attempt: &AttemptId) -> String {
    format!("{public_url}{}", fill(PAGE_STATUS, carrier, attempt))
}

pub fn link(public_url: &str, token: &str) -> String {
    format!("{public_url}{}", LINK.replace("{token}", token))
}

pub fn contact(public_url: &str, token: &str) -> String {
    format!("{public_url}{}", CONTACT.replace("{token}", token))
}

pub fn recording(public_url: &str, token: &str) -> String {
    format!("{public_url}{}", RECORDING.replace("{token}", token))
}

fn fill(path: &str, carrier: &CarrierId, attempt: &AttemptId) -> String {
    path.replace("{carrier}", carrier.as_str()).replace("{attempt}", attempt.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Ids, model::Instant};

    #[test]
    fn what_is_built_fits_the_routes() {
        let (carrier, attempt) = ("twilio".parse().unwrap(), Ids::seeded(1).id(Instant::UNIX_EPOCH));
        let base = "https://hotline.example";
        let page = page(base, &carrier, &attempt);
        assert_eq!(page, format!("https://hotline.example/carriers/twilio/pages/{attempt}"));
        assert_eq!(page_status(base, &carrier, &attempt), format!("{page}/status"));
        let sms = sms_status(base, &carrier, &attempt);
        assert_eq!(sms, format!("https://hotline.example/carriers/twilio/sms/status?attempt={attempt}"));
        assert_eq!(link(base, "abc"), "https://hotline.example/a/abc");
    }
}
