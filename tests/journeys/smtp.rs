//! A small SMTP server (RFC 5321): takes letters, puts them off, or takes them and never says so.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Does {
    Take,
    PutOff,
    TakeAndSayNothing,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    pub from: String,
    pub to: String,
    data: String,
}

#[derive(Clone)]
pub struct Server {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct State {
    does: Does,
    letters: Vec<Letter>,
    put_off: usize,
}

impl Letter {
    /// As it came.
    pub fn raw(&self) -> &str {
        &self.data
    }

    /// Of the letter itself, unfolded.
    pub fn header(&self, name: &str) -> String {
        header(&self.data, name).unwrap_or_else(|| panic!("no {name} in {}", self.data))
    }

    /// The part of that type, decoded.
    pub fn part(&self, content_type: &str) -> String {
        let boundary = self.header("Content-Type");
        let boundary =
            boundary.split("boundary=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("parts");
        let boundary = format!("--{boundary}");
        let mut parts = self.data.split(&boundary).skip(1);
        let part = parts
            .find(|part| {
                header(part.trim_start(), "Content-Type").is_some_and(|is| is.starts_with(content_type))
            })
            .unwrap_or_else(|| panic!("no {content_type} in {}", self.data));
        let (_, body) = part.trim_start().split_once("\r\n\r\n").expect("a body");
        match header(part.trim_start(), "Content-Transfer-Encoding").as_deref() {
            Some("base64") => {
                let bytes = STANDARD.decode(body.replace("\r\n", "")).expect("base64");
                String::from_utf8(bytes).expect("text")
            }
            Some("quoted-printable") => unquoted(body),
            _ => body.replace("\r\n", "\n"),
        }
    }
}

fn header(text: &str, name: &str) -> Option<String> {
    let (head, _) = text.split_once("\r\n\r\n")?;
    let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let start = format!("{}:", name.to_lowercase());
    let line = head.lines().find(|line| line.to_lowercase().starts_with(&start))?;
    Some(line[start.len()..].trim().to_owned())
}

fn unquoted(body: &str) -> String {
    let body = body.replace("=\r\n", "").replace("\r\n", "\n");
    let (mut bytes, mut rest) = (Vec::new(), body.as_str());
    while let Some((before, behind)) = rest.split_once('=') {
        bytes.extend_from_slice(before.as_bytes());
        bytes.push(u8::from_str_radix(&behind[..2], 16).expect("two hexadecimal digits"));
        rest = &behind[2..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).expect("text")
}

impl Server {
    pub async fn start() -> Server {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state = State { does: Does::Take, letters: Vec::new(), put_off: 0 };
        let server = Server { address, state: Arc::new(Mutex::new(state)) };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = serving.clone();
                tokio::spawn(async move {
                    // Who is killed breaks off.
                    let _ = server.talk(stream).await;
                });
            }
        });
        server
    }

    pub fn does(&self, does: Does) {
        self.state().does = does;
    }

    pub fn letters(&self) -> Vec<Letter> {
        self.state().letters.clone()
    }

    pub fn put_off(&self) -> usize {
        self.state().put_off
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no panic while held")
    }

    async fn talk(self, stream: TcpStream) -> std::io::Result<()> {
        let (reading, mut writing) = stream.into_split();
        let mut lines = BufReader::new(reading).lines();
        let (mut from, mut to) = (String::new(), String::new());
        writing.write_all(b"220 mail.example ESMTP\r\n").await?;
        while let Some(line) = lines.next_line().await? {
            let command = line.to_ascii_uppercase();
            let within = |line: &str| line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
            let answer = match command.split([' ', ':']).next().unwrap_or_default() {
                "EHLO" => "250-mail.example\r\n250-8BITMIME\r\n250 AUTH PLAIN",
                "AUTH" => "235 welcome",
                "MAIL" => {
                    from = within(&line);
                    "250 ok"
                }
                "RCPT" => {
                    to = within(&line);
                    "250 ok"
                }
                "DATA" => {
                    writing.write_all(b"354 go on\r\n").await?;
                    let mut data = String::new();
                    while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                        data.push_str(line.strip_prefix('.').unwrap_or(&line));
                        data.push_str("\r\n");
                    }
                    let letter = Letter { from: from.clone(), to: to.clone(), data };
                    match self.taken(letter) {
                        Some(answer) => answer,
                        None => continue,
                    }
                }
                "QUIT" => {
                    writing.write_all(b"221 bye\r\n").await?;
                    return Ok(());
                }
                _ => "250 ok",
            };
            writing.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
        Ok(())
    }

    /// None: nothing is said.
    fn taken(&self, letter: Letter) -> Option<&'static str> {
        let mut state = self.state();
        if state.does == Does::PutOff {
            state.put_off += 1;
            return Some("451 later");
        }
        state.letters.push(letter);
        (state.does == Does::Take).then_some("250 taken")
    }
}
