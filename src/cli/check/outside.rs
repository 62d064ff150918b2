//! Whether the carriers and the mail server answer and take the credentials. Nobody is phoned, and
//! nothing is sent.

use super::{super::Verdict, say, wrong};
use crate::{
    app::outside,
    carrier::{Class, http_client},
    clock::Clock,
    config::Config,
};

pub(super) async fn ask(config: &Config, clock: &Clock) -> Verdict {
    let mut verdict = Verdict::Sound;
    for line in outside::carriers(&config.carriers, &http_client(clock), clock).iter() {
        let id = line.carrier.id();
        verdict = verdict.and(match line.carrier.check().await {
            Ok(()) => {
                say(format_args!("carrier        `{id}` answers and knows the account"));
                Verdict::Sound
            }
            Err(error) => wrong(format_args!("carrier `{id}`: {error}; {}", mend_carrier(error.class))),
        });
    }
    verdict.and(mail_server(config).await)
}

async fn mail_server(config: &Config) -> Verdict {
    let Some(email) = &config.email else { return Verdict::Sound };
    let mailer = match outside::mailer(email) {
        Ok(mailer) => mailer,
        Err(error) => return wrong(format_args!("[email]: {error}")),
    };
    match mailer.check().await {
        Ok(()) => {
            say("email          the mail server answers");
            Verdict::Sound
        }
        Err(trouble) => wrong(format_args!("[email]: {trouble}; {}", mend_mail(trouble.class))),
    }
}

fn mend_carrier(class: Class) -> &'static str {
    if class.may_be_repeated() {
        "check its `base_url` and that this machine reaches it, or try again in a minute"
    } else {
        "check its `account_sid`, `auth_token` and `base_url`, and the account in the carrier's console"
    }
}

fn mend_mail(class: Class) -> &'static str {
    if class.may_be_repeated() {
        "check `smtp` and that this machine reaches it, or try again in a minute"
    } else {
        "check the user in `smtp` and the `password`"
    }
}
