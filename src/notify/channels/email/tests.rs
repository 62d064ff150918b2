//! Emails sent to a mail server in this process (the SMTP dialogue is mailin's). With TLS and a
//! password, against a server of others: `tests/email.rs`.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Mutex,
};

use mailin::{Action, AuthMechanism, Handler, Response, SessionBuilder, response};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::{
    carrier::{carriers::Carriers, http_client},
    clock::{Clock, Ids},
    model::person::Address,
    notify::{
        channels::{Channels, Pusher, Sent},
        testing::{NIGHT, alert, claimed},
    },
    store::{outbox::Outcome, testing::on_sqlite},
};

/// What a mail server got.
#[derive(Debug, Clone, Default)]
struct Received {
    from: String,
    to: String,
    data: String,
    user: String,
}

#[derive(Clone, Default)]
struct Server {
    /// Takes nothing from strangers.
    wants_password: bool,
    /// Answered to `RCPT TO`.
    refusal: Option<u16>,
    now: Received,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Handler for Server {
    fn mail(&mut self, _ip: IpAddr, _domain: &str, from: &str) -> Response {
        self.now.from = from.to_owned();
        response::OK
    }

    fn rcpt(&mut self, to: &str) -> Response {
        self.now.to = to.to_owned();
        self.refusal.map_or(response::OK, |code| Response::custom(code, "not now".to_owned()))
    }

    fn data(&mut self, line: &[u8]) -> std::io::Result<()> {
        self.now.data.push_str(&String::from_utf8_lossy(line));
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        self.received.lock().unwrap().push(std::mem::take(&mut self.now));
        response::OK
    }

    fn auth_plain(&mut self, _authorization: &str, user: &str, password: &str) -> Response {
        self.now.user = user.to_owned();
        if password == "p@ss" { response::AUTH_OK } else { response::INVALID_CREDENTIALS }
    }
}

impl Server {
    /// `user@127.0.0.1:PORT` is to be put in front.
    async fn start(self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(self.clone().talk(stream));
            }
        });
        port
    }

    async fn talk(self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        let mut builder = SessionBuilder::new("mail.example");
        if self.wants_password {
            builder.enable_auth(AuthMechanism::Plain).insecure_enable_plaintext_auth();
        }
        let mut session = builder.build(IpAddr::V4(Ipv4Addr::LOCALHOST), self);
        let mut answer = session.greeting();
        loop {
            let mut bytes = Vec::new();
            if answer.action != Action::NoReply {
                answer.write_to(&mut bytes).unwrap();
            }
            stream.write_all(&bytes).await.unwrap();
            let mut line = Vec::new();
            if answer.action == Action::Close || stream.read_until(b'\n', &mut line).await.unwrap() == 0 {
                return;
            }
            answer = session.process(&line);
        }
    }
}

async fn send(smtp: &str, password: Option<&str>, to: &str) -> Sent {
    let clock = Clock::manual(NIGHT.parse().unwrap());
    let password = password.map(Secret::new);
    let mailer = Mailer::new(&Secret::new(smtp), password.as_ref(), "Pikett <pikett@msp.example>").unwrap();
    let pusher = Pusher::new(&[7; 32], None, http_client(&clock)).unwrap();
    let url = "https://h.example".to_owned();
    let channels = Channels::new(Carriers::default(), Some(mailer), pusher, url, clock, Ids::seeded(1));
    let said = Said {
        title: "[P1 #7] Größe".to_owned(),
        text: "Platte voll\n.\nhttps://h.example/a/x".to_owned(),
        html: "<p>Platte voll</p>".to_owned(),
        ..Said::default()
    };
    let mut sent = None;
    on_sqlite(async |store| {
        let attempt = claimed(&store, Address::Email(to.to_owned()), &said).await;
        sent = Some(channels.send(&attempt).await);
    })
    .await;
    sent.unwrap()
}

#[tokio::test]
async fn an_email_arrives_in_both_forms_and_in_its_alerts_thread() {
    let server = Server::default();
    let received = Arc::clone(&server.received);
    let port = server.start().await;
    let sent = send(&format!("smtp://127.0.0.1:{port}"), None, "anna@msp.example").await;
    assert_eq!(sent.outcome, Outcome::Sent { ended: true, deadline_at: None }, "{sent:?}");
    let mail = received.lock().unwrap().remove(0);
    assert_eq!((mail.from.as_str(), mail.to.as_str()), ("pikett@msp.example", "anna@msp.example"));
    let id = sent.answer.provider_id.unwrap();
    assert!(id.starts_with("<att_") && id.ends_with("@msp.example>"), "{id}");
    let thread = format!("<{}@msp.example>", alert("").id);
    for line in [
        format!("Message-ID: {id}"),
        format!("In-Reply-To: {thread}"),
        format!("References: {thread}"),
        "Auto-Submitted: auto-generated".to_owned(),
        "X-Auto-Response-Suppress: All".to_owned(),
        "From: Pikett <pikett@msp.example>".to_owned(),
    ] {
        assert!(mail.data.contains(&format!("{line}\r\n")), "{line} is missing in:\n{}", mail.data);
    }
    assert!(mail.data.contains("multipart/alternative") && mail.data.contains("<p>Platte voll</p>"));
    assert!(mail.data.contains("=?utf-8?b?"), "a subject beyond ASCII is encoded:\n{}", mail.data);
}

#[tokio::test]
async fn the_server_learns_user_and_password() {
    let server = Server { wants_password: true, ..Server::default() };
    let received = Arc::clone(&server.received);
    let port = server.start().await;
    let in_url = send(&format!("smtp://pik%40msp:p%40ss@127.0.0.1:{port}"), None, "anna@msp.example").await;
    let beside = send(&format!("smtp://ops@127.0.0.1:{port}"), Some("p@ss"), "anna@msp.example").await;
    assert_eq!((in_url.class, beside.class), (None, None));
    let users: Vec<String> = received.lock().unwrap().iter().map(|mail| mail.user.clone()).collect();
    assert_eq!(users, ["pik@msp", "ops"]);
    let wrong = send(&format!("smtp://ops@127.0.0.1:{port}"), Some("wrong"), "anna@msp.example").await;
    assert_eq!((wrong.class, wrong.outcome), (Some(Class::Account), Outcome::Failed));
}

#[tokio::test]
async fn a_server_that_says_later_is_asked_later_and_a_mailbox_that_is_none_never() {
    for (code, class) in [
        (421, Class::Retry),
        (450, Class::Retry),
        (451, Class::Retry),
        (550, Class::Destination),
        (553, Class::Destination),
        (552, Class::Content),
        (554, Class::Content),
    ] {
        let port = Server { refusal: Some(code), ..Server::default() }.start().await;
        let sent = send(&format!("smtp://127.0.0.1:{port}"), None, "anna@msp.example").await;
        assert_eq!((sent.class, sent.answer.code), (Some(class), Some(code.to_string())));
        assert_eq!(matches!(sent.outcome, Outcome::Again { unsure: false, .. }), class == Class::Retry, "{code}");
    }
    let sent = send("smtp://127.0.0.1:1", None, "anna@msp.example").await;
    assert_eq!(sent.class, Some(Class::Retry), "nobody listens there just now");
    let sent = send("smtp://127.0.0.1:1", None, "no address\r\nRCPT TO:<x@y>").await;
    assert_eq!(sent.class, Some(Class::Destination));
}

#[tokio::test]
async fn what_is_no_mail_server_is_refused_in_words() {
    let refused = |smtp: &str, from: &str| Mailer::new(&Secret::new(smtp), None, from).err();
    assert_eq!(refused("http://mail.example", "a@b.example"), Some(MailerError::Address));
    assert_eq!(refused("mail.example", "a@b.example"), Some(MailerError::Address));
    assert_eq!(refused("smtp://mail.example", "nobody"), Some(MailerError::From("nobody".to_owned())));
    assert_eq!(refused("smtps://user@[::1]:465", "a@b.example"), None);
}
