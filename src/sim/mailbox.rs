//! A mail server that takes everything: real SMTP on a real socket, each mail an event.
//!
//! Switches refuse mails for a while or for one recipient, as a mail provider would.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use mail_parser::{MessageParser, MimeHeaders};
use mailin::{Action, AuthMechanism, Handler, Response, Session, SessionBuilder, response};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::{Sim, SimError, event::What};

const MAIL_MAX: usize = 10 * 1024 * 1024;
const LINE_MAX: usize = 1024 * 1024;

/// A running mail server. Clones are the same one; it ends with the simulator.
#[derive(Clone)]
pub struct Mailbox {
    address: SocketAddr,
    switches: Arc<Mutex<Switches>>,
}

#[derive(Default)]
struct Switches {
    everybody: Option<u16>,
    recipients: BTreeMap<String, u16>,
}

impl Mailbox {
    /// Port 0 takes a free one. It wants a user name and a password, and takes any.
    pub async fn start(listen: SocketAddr, sim: &Sim) -> Result<Self, SimError> {
        let failed = |cause| SimError::Listen { address: listen, cause };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let mailbox = Self { address, switches: Arc::default() };
        let (own, switches) = (sim.clone(), mailbox.switches.clone());
        sim.spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                let receiver = Receiver { sim: own.clone(), switches: switches.clone(), mail: Incoming::default() };
                own.spawn(async move {
                    // A client that breaks off has told all it wanted.
                    let _ = converse(stream, peer.ip(), receiver).await;
                });
            }
        });
        Ok(mailbox)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the service's `smtp` is set to.
    pub fn url(&self) -> String {
        format!("smtp://pikett:simulated@{}", self.address)
    }

    /// Answers that code instead of taking mails (421, 451, 550, …); `None` takes them again.
    pub fn answers(&self, code: Option<u16>) {
        self.switches.lock().unwrap_or_else(PoisonError::into_inner).everybody = code;
    }

    /// The same for one recipient.
    pub fn answers_for(&self, recipient: &str, code: Option<u16>) {
        let mut switches = self.switches.lock().unwrap_or_else(PoisonError::into_inner);
        match code {
            Some(code) => switches.recipients.insert(recipient.to_lowercase(), code),
            None => switches.recipients.remove(&recipient.to_lowercase()),
        };
    }
}

async fn converse(stream: TcpStream, peer: IpAddr, receiver: Receiver) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut builder = SessionBuilder::new("mailbox.simulated");
    builder.enable_auth(AuthMechanism::Plain).enable_auth(AuthMechanism::Login).insecure_enable_plaintext_auth();
    let mut session: Session<Receiver> = builder.build(peer, receiver);
    let mut lines = BufReader::new(read);
    let mut line = Vec::new();
    write.write_all(&session.greeting().buffer()?).await?;
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).await? == 0 || line.len() > LINE_MAX {
            return Ok(());
        }
        let answer = session.process(&line);
        match answer.action {
            Action::NoReply => {}
            Action::Reply => write.write_all(&answer.buffer()?).await?,
            Action::Close | Action::UpgradeTls => return write.write_all(&answer.buffer()?).await,
        }
    }
}

/// One connection's mail so far.
struct Receiver {
    sim: Sim,
    switches: Arc<Mutex<Switches>>,
    mail: Incoming,
}

#[derive(Default)]
struct Incoming {
    from: String,
    to: Vec<String>,
    data: Vec<u8>,
}

impl Receiver {
    fn refusal(&self, recipient: &str) -> Option<Response> {
        let switches = self.switches.lock().unwrap_or_else(PoisonError::into_inner);
        let code = switches.recipients.get(&recipient.to_lowercase()).copied().or(switches.everybody)?;
        Some(Response::custom(code, "refused by a switch".to_owned()))
    }
}

impl Handler for Receiver {
    fn mail(&mut self, _: IpAddr, _: &str, from: &str) -> Response {
        self.mail = Incoming { from: from.to_owned(), ..Incoming::default() };
        response::OK
    }

    fn rcpt(&mut self, to: &str) -> Response {
        if let Some(refusal) = self.refusal(to) {
            return refusal;
        }
        self.mail.to.push(to.to_owned());
        response::OK
    }

    fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.mail.data.len() + bytes.len() > MAIL_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.mail.data.extend_from_slice(bytes);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let mail = std::mem::take(&mut self.mail);
        self.sim.note(read(mail));
        response::OK
    }

    fn auth_plain(&mut self, _: &str, _: &str, _: &str) -> Response {
        response::AUTH_OK
    }

    fn auth_login(&mut self, _: &str, _: &str) -> Response {
        response::AUTH_OK
    }
}

fn read(mail: Incoming) -> What {
    let Some(message) = MessageParser::default().parse(&mail.data) else {
        let text = String::from_utf8_lossy(&mail.data).into_owned();
        return What::Mail {
            from: mail.from,
            to: mail.to,
            subject: String::new(),
            text,
            html: None,
            headers: Vec::new(),
        };
    };
    let is_html = message.html_bodies().next().is_some_and(|part| {
        part.content_type()
            .is_some_and(|kind| kind.subtype().is_some_and(|subtype| subtype.eq_ignore_ascii_case("html")))
    });
    let headers = message.headers_raw().map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
    What::Mail {
        from: mail.from,
        to: mail.to,
        subject: message.subject().unwrap_or_default().to_owned(),
        text: message.body_text(0).unwrap_or_default().into_owned(),
        html: message.body_html(0).filter(|_| is_html).map(std::borrow::Cow::into_owned),
        headers,
    }
}
