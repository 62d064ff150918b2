//! Emails through a mail server that others have written, with TLS and a password.

#![expect(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use pikett::{
    carrier::{Class, carriers::Carriers, http_client},
    clock::{Clock, Ids},
    model::{Instant, person::Address, secret::Secret},
    notify::{
        Channels, Said,
        channels::{Mailer, Pusher, Sent},
    },
    store::{
        Store,
        attempts::{self, Attempt, AttemptKind, NewAttempt},
        outbox::{self, Outcome},
    },
};
use serde_json::Value;

#[expect(dead_code, reason = "SQLite is enough for emails")]
#[path = "support/database.rs"]
mod database;
#[path = "support/left_out.rs"]
mod left_out;

const FROM: &str = "Pikett <pikett@msp.example>";

struct Server {
    smtp: u16,
    smtps: u16,
    folder: PathBuf,
    child: Child,
}

impl Server {
    /// `None`: it cannot be had here, and the script has said why.
    fn start() -> Option<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/smtp.sh");
        let child = Command::new("bash").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let Ok(mut child) = child else {
            left_out::tell("emails through a mail server of others (tests/email.rs): there is no bash");
            return None;
        };
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let [smtp, smtps, folder] = words.as_slice() else {
            assert_eq!(child.wait().unwrap().code(), Some(3), "the mail server did not start");
            return None;
        };
        Some(Self { smtp: smtp.parse().unwrap(), smtps: smtps.parse().unwrap(), folder: folder.into(), child })
    }

    fn authority(&self) -> Vec<u8> {
        fs::read(self.folder.join("authority.pem")).unwrap()
    }

    fn emails(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.join("emails")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn night() -> Instant {
    "2026-03-01T02:30:00Z".parse().unwrap()
}

/// An email to Anna that is due.
async fn due(store: &Store, said: &Said) -> Attempt {
    let new = NewAttempt {
        id: Ids::seeded(1).id(night()),
        notification: None,
        alert: Some(Ids::seeded(2).id(night())),
        person: Some("anna".parse().unwrap()),
        method: None,
        address: Address::Email("anna@msp.example".to_owned()),
        kind: AttemptKind::Page,
        text: said.to_json(),
        held: false,
        due_at: night(),
        created_at: night(),
    };
    store
        .write(async move |db| {
            attempts::insert(db, &"default".parse().unwrap(), &new).await?;
            outbox::claim(db, night(), night() + chrono::TimeDelta::seconds(30), "lease", 1).await
        })
        .await
        .unwrap()
        .due
        .remove(0)
}

async fn send(mailer: Mailer, attempt: &Attempt) -> Sent {
    let clock = Clock::manual(night());
    let pusher = Pusher::new(&[7; 32], None, http_client(&clock)).unwrap();
    let url = "https://hotline.example".to_owned();
    Channels::new(Carriers::default(), Some(mailer), pusher, url, clock, Ids::seeded(3)).send(attempt).await
}

#[tokio::test]
async fn an_email_goes_out_encrypted_and_with_a_password_and_to_no_stranger() {
    let Some(server) = Server::start() else { return };
    let scratch = database::Scratch::sqlite();
    let store = Store::open(&scratch.url).await.unwrap();
    let said = Said {
        title: "[P1 #7] Größe".to_owned(),
        text: "Platte voll".to_owned(),
        html: "<p>Platte voll</p>".to_owned(),
        ..Said::default()
    };
    let attempt = due(&store, &said).await;
    let starttls = Secret::new(format!("smtp://pikett@127.0.0.1:{}", server.smtp));
    let direct = Secret::new(format!("smtps://pikett:secret@127.0.0.1:{}", server.smtps));
    let (password, authority) = (Secret::new("secret"), server.authority());

    let by_starttls = Mailer::trusting(&starttls, Some(&password), FROM, &authority).unwrap();
    assert_eq!(by_starttls.check().await, Ok(()));
    for mailer in [by_starttls, Mailer::trusting(&direct, None, FROM, &authority).unwrap()] {
        let sent = send(mailer, &attempt).await;
        assert_eq!(sent.outcome, Outcome::Sent { ended: true, deadline_at: None }, "{sent:?}");
    }
    let emails = server.emails();
    assert_eq!(emails.len(), 2);
    for email in &emails {
        assert_eq!((&email["tls"], &email["user"]), (&true.into(), &"pikett".into()), "{email}");
        assert_eq!((&email["from"], &email["to"][0]), (&"pikett@msp.example".into(), &"anna@msp.example".into()));
        let data = email["data"].as_str().unwrap();
        assert!(data.contains("Platte voll") && data.contains("<p>Platte voll</p>"), "{data}");
        assert!(data.contains(&format!("Message-ID: <{}@msp.example>", attempt.id)), "{data}");
    }

    let wrong = Mailer::trusting(&starttls, Some(&Secret::new("wrong")), FROM, &authority).unwrap();
    assert_eq!(send(wrong, &attempt).await.class, Some(Class::Account));
    let careful = Mailer::new(&starttls, Some(&password), FROM).unwrap();
    assert!(send(careful, &attempt).await.class.is_some());
    assert_eq!(server.emails().len(), 2, "a server with a strange certificate learns nothing");
    store.close().await;
    scratch.remove().await;
}
