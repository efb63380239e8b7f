//! Bytes that a well-behaved client would not send, over a raw socket.

use std::time::Duration;

use realtime::Options;
use realtime::options::{MESSAGE_BYTES_MAX, MESSAGES_BURST_MAX, SUBSCRIPTIONS_MAX, UNFINISHED_BYTES_MAX};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::house::*;

const TEXT: u8 = 0x1;
const CONTINUE: u8 = 0x0;
const BINARY: u8 = 0x2;
const PING: u8 = 0x9;
const FINAL: u8 = 0x80;
const MASK: [u8; 4] = [7, 1, 200, 33];

struct Raw {
    stream: TcpStream,
}

/// What the server sent: opcode and payload.
#[derive(Debug, PartialEq)]
struct Received(u8, Vec<u8>);

impl Raw {
    async fn open(house: &House) -> Raw {
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        let head = format!(
            "GET /api/watchfire/live?token={VIEWER_TOKEN} HTTP/1.1\r\nHost: {}\r\nConnection: keep-alive, Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: other, watchfire.1\r\n\r\n",
            house.address
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.unwrap());
        }
        let answer = String::from_utf8(answer).unwrap().to_lowercase();
        assert!(answer.starts_with("http/1.1 101"), "{answer}");
        // RFC 6455, 1.3: the accept value of this key.
        assert!(answer.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{answer}");
        assert!(answer.contains("sec-websocket-protocol: watchfire.1"), "{answer}");
        let mut raw = Raw { stream };
        let hello = raw.receive().await.unwrap();
        assert!(hello.1.starts_with(br#"{"hello":"#));
        raw
    }

    /// A frame with this first byte, masked as a client must.
    async fn send(&mut self, first: u8, payload: &[u8]) {
        self.send_bytes(&framed(first, payload)).await;
    }

    async fn send_bytes(&mut self, bytes: &[u8]) {
        // A server that closed already does not take it; what it said is to be read all the same.
        let _ = self.stream.write_all(bytes).await;
    }

    async fn receive(&mut self) -> Option<Received> {
        let read = async {
            let first = self.stream.read_u8().await.ok()?;
            let length = match self.stream.read_u8().await.ok()? {
                126 => self.stream.read_u16().await.ok()?.into(),
                127 => self.stream.read_u64().await.ok()?,
                length => length.into(),
            };
            let mut payload = vec![0; length as usize];
            self.stream.read_exact(&mut payload).await.ok()?;
            Some(Received(first & 0xF, payload))
        };
        timeout(PATIENCE, read).await.expect("a frame or the end")
    }

    /// The code of the close frame, and that the server then ends the stream.
    async fn closed(&mut self) -> Option<u16> {
        let mut code = None;
        while let Some(Received(opcode, payload)) = self.receive().await {
            if opcode == 0x8 {
                code = Some(u16::from_be_bytes([payload[0], payload[1]]));
            }
        }
        code
    }
}

fn framed(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

fn subscribe(bytes: usize) -> Vec<u8> {
    let mut message = format!(r#"{{"subscribe": "{}", "as": 1}}"#, topic(SITE, "now")).into_bytes();
    message.resize(bytes.max(message.len()), b' ');
    message
}

async fn answers_subscribe(raw: &mut Raw) {
    let answer = raw.receive().await.unwrap();
    assert!(answer.1.starts_with(br#"{"subscribed":"#), "{answer:?}");
}

#[tokio::test]
async fn a_message_in_fragments_is_one_message() {
    let house = House::open(Options::default()).await;
    let mut raw = Raw::open(&house).await;
    let message = subscribe(0);
    let (first, rest) = message.split_at(9);
    raw.send(TEXT, first).await;
    for byte in &rest[..rest.len() - 1] {
        raw.send(CONTINUE, &[*byte]).await;
        raw.send(FINAL | PING, b"between").await;
    }
    raw.send(FINAL | CONTINUE, &rest[rest.len() - 1..]).await;
    let mut answer = raw.receive().await.unwrap();
    while answer.0 == 0xA {
        assert_eq!(answer.1, b"between");
        answer = raw.receive().await.unwrap();
    }
    assert!(answer.1.starts_with(br#"{"subscribed":"#), "{answer:?}");
    house.close().await;
}

#[tokio::test]
async fn a_message_that_arrives_a_byte_at_a_time_is_read() {
    let house = House::open(Options::default()).await;
    let mut raw = Raw::open(&house).await;
    raw.stream.set_nodelay(true).unwrap();
    for byte in framed(FINAL | TEXT, &subscribe(0)) {
        raw.send_bytes(&[byte]).await;
        tokio::task::yield_now().await;
    }
    answers_subscribe(&mut raw).await;
    house.close().await;
}

#[tokio::test]
async fn a_message_has_a_largest_size() {
    let house = House::open(Options::default()).await;
    let mut raw = Raw::open(&house).await;
    raw.send(FINAL | TEXT, &subscribe(MESSAGE_BYTES_MAX)).await;
    answers_subscribe(&mut raw).await;
    raw.send(FINAL | TEXT, &subscribe(MESSAGE_BYTES_MAX + 1)).await;
    assert_eq!(raw.closed().await, Some(1009));

    let mut raw = Raw::open(&house).await;
    raw.send(TEXT, &subscribe(MESSAGE_BYTES_MAX)).await;
    raw.send(FINAL | CONTINUE, b" ").await;
    assert_eq!(raw.closed().await, Some(1009), "in fragments, too");

    let mut raw = Raw::open(&house).await;
    raw.send_bytes(&[FINAL | TEXT, 0x80 | 127, 0x7F, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0]).await;
    assert_eq!(raw.closed().await, Some(1009), "by its announcement alone");

    let mut raw = Raw::open(&house).await;
    raw.send(TEXT, b"").await;
    for _ in 0..UNFINISHED_BYTES_MAX / 6 + 200 {
        raw.send(CONTINUE, b"").await;
    }
    assert_eq!(raw.closed().await, Some(1009), "empty fragments without end");
    house.close().await;
}

#[tokio::test]
async fn frames_that_are_not_the_protocol_close() {
    let house = House::open(Options::default()).await;
    let check = async |bytes: &[u8], code: u16| {
        let mut raw = Raw::open(&house).await;
        raw.send_bytes(bytes).await;
        assert_eq!(raw.closed().await, Some(code), "{bytes:?}");
    };
    check(&[FINAL | TEXT, 2, b'{', b'}'], 1002).await;
    check(&framed(FINAL | CONTINUE, b"{}"), 1002).await;
    check(&framed(FINAL | 0x3, b"{}"), 1002).await;
    check(&framed(FINAL | 0xB, b"{}"), 1002).await;
    check(&framed(FINAL | 0x40 | TEXT, b"{}"), 1002).await;
    check(&framed(PING, b"in a fragment"), 1002).await;
    check(&framed(FINAL | PING, &[0; 126]), 1002).await;
    check(&framed(FINAL | TEXT, &[b'"', 0xFF, 0xFE, b'"']), 1007).await;
    check(&framed(FINAL | BINARY, b"{}"), 4400).await;
    check(&framed(FINAL | TEXT, b"{}"), 4400).await;
    check(&framed(FINAL | TEXT, b"not json"), 4400).await;
    house.close().await;
}

#[tokio::test]
async fn a_client_that_closes_is_answered() {
    let house = House::open(Options::default()).await;
    let mut raw = Raw::open(&house).await;
    raw.send(FINAL | 0x8, &[0x03, 0xE8]).await;
    assert_eq!(raw.closed().await, Some(1000));
    house.close().await;
}

#[tokio::test]
async fn too_many_messages_or_subscriptions_close() {
    let house = House::open(Options::default()).await;
    let mut raw = Raw::open(&house).await;
    let flood: Vec<u8> =
        (0..MESSAGES_BURST_MAX * 2).flat_map(|_| framed(FINAL | TEXT, br#"{"pong": 1}"#)).collect();
    raw.send_bytes(&flood).await;
    assert_eq!(raw.closed().await, Some(4429));

    let mut raw = Raw::open(&house).await;
    for number in 0..=SUBSCRIPTIONS_MAX {
        let message = format!(r#"{{"subscribe": "{}", "as": {number}}}"#, topic(SITE, "now"));
        raw.send(FINAL | TEXT, message.as_bytes()).await;
    }
    assert_eq!(raw.closed().await, Some(4429));
    house.close().await;
}

#[tokio::test]
async fn a_client_that_ignores_the_close_is_cut() {
    let options = Options { beat: Duration::from_millis(20), close_beats: 3, ..Options::default() };
    let house = House::open(options).await;
    let mut raw = Raw::open(&house).await;
    raw.send(FINAL | TEXT, b"{}").await;
    assert_eq!(raw.closed().await, Some(4400));
    // The sending side stays open here; that the hub let go shows when writing fails.
    until("the connection is cut", async || raw.stream.try_write(&framed(FINAL | TEXT, b"{}")).is_err())
        .await;
    house.close().await;
}

#[tokio::test]
async fn a_request_that_is_no_handshake_is_told_so() {
    let house = House::open(Options::default()).await;
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let head = format!(
        "GET /api/watchfire/live?token={VIEWER_TOKEN} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("not_a_websocket"), "{answer}");
    house.close().await;
}
