//! HTTP/1.1 on one kept connection. It costs far less than what it measures, and it is the same for
//! Pikett and for whatever stands beside it. Start with `Client::post`.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub struct Client {
    address: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
}

pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a socket can be told not to wait");
        Self { address, stream, buffer: Vec::with_capacity(8_192) }
    }

    /// `headers` are whole lines.
    pub async fn post(&mut self, path: &str, headers: &str, body: &str) -> Answer {
        let (address, length) = (self.address, body.len());
        let request =
            format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n{headers}\r\n{body}");
        self.stream.write_all(request.as_bytes()).await.expect("the connection stands");
        self.buffer.clear();
        let body_at = self.read_head().await;
        let head = std::str::from_utf8(&self.buffer[..body_at]).expect("heads are ASCII").to_ascii_lowercase();
        let status = head.get(9..12).and_then(|status| status.parse().ok()).expect("a status line comes first");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length = length.map_or(0, |length| length.trim().parse().expect("a length is a number"));
        while self.buffer.len() < body_at + length {
            self.read().await;
        }
        let body = String::from_utf8_lossy(&self.buffer[body_at..body_at + length]).into_owned();
        Answer { status, body }
    }

    /// Where the body begins.
    async fn read_head(&mut self) -> usize {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                return end + 4;
            }
            self.read().await;
        }
    }

    async fn read(&mut self) {
        let read = self.stream.read_buf(&mut self.buffer).await.expect("the connection stands");
        assert!(read > 0, "the server closed the connection");
    }
}
