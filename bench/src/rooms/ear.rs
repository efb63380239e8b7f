//! Somebody in a room who only listens: a WebSocket that is read as cheaply as can be, so that a thousand of them leave
//! the processors to the server. What is said is numbered: its text begins with `m` and a number.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const READ_BYTES: usize = 64 * 1024;
/// What the text of a numbered message begins with, on the wire.
const MARK: &[u8] = br#""body":"m"#;

/// When each message was sent, how many heard it, and when the last of them did.
pub struct Board {
    began: Instant,
    ears: u32,
    entries: Vec<Entry>,
    pub deliveries: AtomicU64,
}

#[derive(Default)]
struct Entry {
    sent: AtomicU64,
    heard: AtomicU32,
    whole: AtomicU64,
}

impl Board {
    pub fn new(ears: usize, messages_max: usize) -> Board {
        let entries = (0..messages_max).map(|_| Entry::default()).collect();
        Board { began: Instant::now(), ears: ears as u32, entries, deliveries: AtomicU64::new(0) }
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }

    pub fn sent(&self, number: usize) {
        self.entries[number].sent.store(self.now(), Ordering::Relaxed);
    }

    fn heard(&self, number: usize) {
        self.deliveries.fetch_add(1, Ordering::Relaxed);
        let Some(entry) = self.entries.get(number) else { return };
        if entry.heard.fetch_add(1, Ordering::Relaxed) + 1 == self.ears {
            entry.whole.store(self.now(), Ordering::Relaxed);
        }
    }

    /// How long each of these messages took until all had heard it, least first; those that somebody did not hear are missing.
    pub fn waits(&self, numbers: std::ops::Range<usize>) -> Vec<Duration> {
        let wait = |entry: &Entry| {
            let whole = entry.whole.load(Ordering::Relaxed);
            (whole > 0).then(|| Duration::from_nanos(whole - entry.sent.load(Ordering::Relaxed)))
        };
        let mut waits: Vec<Duration> = self.entries[numbers].iter().filter_map(wait).collect();
        waits.sort_unstable();
        waits
    }
}

pub struct Ear {
    stream: TcpStream,
    buffer: Vec<u8>,
    held: usize,
}

impl Ear {
    /// Connects at `path`; with a cookie as a browser of the server's own pages.
    pub async fn connect(address: SocketAddr, path: &str, cookie: &str) -> anyhow::Result<Ear> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {address}\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             origin: http://{address}\r\ncookie: {cookie}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut ear = Ear { stream, buffer: vec![0; 1_024], held: 0 };
        loop {
            ear.fill().await?;
            let Some(end) = ear.buffer[..ear.held].windows(4).position(|window| window == b"\r\n\r\n") else {
                continue;
            };
            let head = String::from_utf8_lossy(&ear.buffer[..end]).into_owned();
            ensure!(head.starts_with("HTTP/1.1 101"), "{head}");
            ear.drop_front(end + 4);
            return Ok(ear);
        }
    }

    pub async fn subscribe(&mut self, topic: &str) -> anyhow::Result<()> {
        self.say(&format!(r#"{{"subscribe":"{topic}","filter":{{}},"as":1}}"#)).await?;
        loop {
            let text = self.next().await?;
            if text.starts_with(b"{\"snapshot\"") {
                return Ok(());
            }
            ensure!(!text.starts_with(b"{\"refused\""), "{}", String::from_utf8_lossy(&text));
        }
    }

    /// Sends a text, masked by zeros.
    pub async fn say(&mut self, text: &str) -> anyhow::Result<()> {
        let length = text.len();
        let mut frame = vec![0x81];
        match length {
            0..=125 => frame.push(0x80 | length as u8),
            _ => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&(length as u16).to_be_bytes());
            }
        }
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(text.as_bytes());
        Ok(self.stream.write_all(&frame).await?)
    }

    /// Listens until the server closes or the listener is dropped; which numbered messages were heard, in order.
    pub async fn listen(mut self, board: &Board, until: &tokio_util::sync::CancellationToken) -> Vec<u32> {
        let mut heard = Vec::new();
        until.run_until_cancelled(self.hear(board, &mut heard)).await;
        heard
    }

    async fn hear(&mut self, board: &Board, heard: &mut Vec<u32>) {
        self.buffer.resize(READ_BYTES, 0);
        loop {
            let mut at = 0;
            while let Some((start, end)) = frame(&self.buffer[at..self.held]) {
                let text = &self.buffer[at + start..at + end];
                let pong = text
                    .strip_prefix(b"{\"ping\"")
                    .map(|rest| format!("{{\"pong\"{}", String::from_utf8_lossy(rest)));
                for number in numbers(text) {
                    board.heard(number as usize);
                    heard.push(number);
                }
                at += end;
                if let Some(pong) = pong
                    && self.say(&pong).await.is_err()
                {
                    return;
                }
            }
            self.drop_front(at);
            if self.fill().await.is_err() {
                return;
            }
        }
    }

    /// Listens until one message is heard, on behalf of who said it.
    pub async fn heard(&mut self, board: &Board, number: usize) -> bool {
        let Ok(text) = self.next().await else { return true };
        let mut is_heard = false;
        for heard in numbers(&text) {
            board.heard(heard as usize);
            is_heard |= heard as usize == number;
        }
        is_heard
    }

    async fn next(&mut self) -> anyhow::Result<Vec<u8>> {
        loop {
            if let Some((start, end)) = frame(&self.buffer[..self.held]) {
                let text = self.buffer[start..end].to_vec();
                self.drop_front(end);
                return Ok(text);
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> anyhow::Result<()> {
        if self.held == self.buffer.len() {
            self.buffer.resize(self.held * 2, 0);
        }
        match self.stream.read(&mut self.buffer[self.held..]).await.context("reading")? {
            0 => bail!("the server closed"),
            count => self.held += count,
        }
        Ok(())
    }

    fn drop_front(&mut self, bytes: usize) {
        self.buffer.copy_within(bytes..self.held, 0);
        self.held -= bytes;
    }
}

/// Where the text of the first whole frame begins and ends.
fn frame(held: &[u8]) -> Option<(usize, usize)> {
    let (start, length) = match *held.get(1)? & 0x7F {
        126 => (4, usize::from(u16::from_be_bytes(held.get(2..4)?.try_into().ok()?))),
        127 => (10, u64::from_be_bytes(held.get(2..10)?.try_into().ok()?) as usize),
        length => (2, usize::from(length)),
    };
    (held.len() >= start + length).then_some((start, start + length))
}

fn numbers(text: &[u8]) -> impl Iterator<Item = u32> {
    memchr::memmem::find_iter(text, MARK).filter_map(|at| {
        let digits = text[at + MARK.len()..].iter().take_while(|byte| byte.is_ascii_digit());
        digits.fold(None, |number: Option<u32>, digit| {
            Some(number.unwrap_or(0).wrapping_mul(10).wrapping_add(u32::from(digit - b'0')))
        })
    })
}
