//! A mail server: the real SMTP dialogue on a real socket. It is in the mood that `Providers` give it for a
//! recipient; where it never answers, it does so after the whole mail, when nobody can tell whether it has it.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use mail_parser::MessageParser;
use mailin::{Action, Handler, Response, Session, SessionBuilder, response};
use pikett::model::person::Channel;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::providers::{Asked, Mood, Providers};

/// How long a dialogue in which nobody speaks stays open: minutes with real servers (RFC 5321, section 4.5.3.2),
/// and longer than anybody here waits for an answer.
const PATIENCE: Duration = Duration::from_secs(12);

/// Answers where it listens.
pub async fn start(providers: &Providers) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let providers = providers.clone();
    tokio::spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            // Whoever breaks off has told all they wanted.
            let providers = providers.clone();
            tokio::spawn(async move { converse(stream, peer.ip(), providers).await });
        }
    });
    format!("smtp://{address}")
}

async fn converse(stream: TcpStream, peer: IpAddr, providers: Providers) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let is_mute = Arc::new(AtomicBool::new(false));
    let receiver = Receiver {
        providers: providers.clone(),
        to: String::new(),
        mood: Mood::Well,
        data: Vec::new(),
        is_mute: is_mute.clone(),
    };
    let mut session: Session<Receiver> = SessionBuilder::new("mail.simulated").build(peer, receiver);
    let mut lines = BufReader::new(read);
    let mut line = Vec::new();
    write.write_all(&session.greeting().buffer()?).await?;
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        // From a line to its answer: between mails the connection rests in a pool.
        let mut under_way = providers.begin();
        let answer = session.process(&line);
        if is_mute.load(Ordering::SeqCst) {
            under_way.waits_in_vain();
            // Until the other side has had enough, or this one has.
            let _ = tokio::time::timeout(PATIENCE, lines.read_to_end(&mut Vec::new())).await;
            return Ok(());
        }
        match answer.action {
            Action::NoReply => {}
            Action::Reply => write.write_all(&answer.buffer()?).await?,
            Action::Close | Action::UpgradeTls => return write.write_all(&answer.buffer()?).await,
        }
    }
}

/// One connection's mail so far.
struct Receiver {
    providers: Providers,
    to: String,
    mood: Mood,
    data: Vec<u8>,
    /// No line gets an answer any more.
    is_mute: Arc<AtomicBool>,
}

impl Receiver {
    fn refuse(&self, code: u16, words: &str) -> Response {
        self.providers.keep(
            Asked { to: self.to.clone(), is_page: true, ..Asked::default() },
            Channel::Email,
            self.mood,
        );
        Response::custom(code, words.to_owned())
    }
}

impl Handler for Receiver {
    fn mail(&mut self, _: IpAddr, _: &str, _: &str) -> Response {
        self.data.clear();
        response::OK
    }

    fn rcpt(&mut self, to: &str) -> Response {
        self.to = to.to_owned();
        self.mood = self.providers.mood(to);
        match self.mood {
            Mood::Well | Mood::Silent | Mood::Mute => response::OK,
            Mood::Refuses => self.refuse(550, "5.1.1 no such mailbox"),
            Mood::Fails => self.refuse(451, "4.3.0 not just now"),
            // There is no word in SMTP for how long.
            Mood::Busy(seconds) => self.refuse(450, &format!("4.7.1 greylisted for {seconds} s")),
        }
    }

    fn data(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.data.extend_from_slice(bytes);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let data = std::mem::take(&mut self.data);
        let mail = MessageParser::default().parse(&data).unwrap();
        let text = mail.body_text(0).unwrap_or_default().into_owned();
        let said = format!("{}\n{text}", mail.subject().unwrap_or_default());
        let identity = mail.message_id().map(str::to_owned);
        let asked = Asked { to: self.to.clone(), text: said, identity, is_page: true, raw: text, ..Asked::default() };
        self.providers.keep(asked, Channel::Email, self.mood);
        self.is_mute.store(matches!(self.mood, Mood::Silent | Mood::Mute), Ordering::SeqCst);
        response::OK
    }
}
