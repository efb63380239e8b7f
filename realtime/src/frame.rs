//! What goes over the wire, encoded once and shared by reference count: the whole WebSocket frame (RFC 6455, 5.2;
//! a server's is not masked, so the same bytes serve every socket), with its JSON text inside.

use bytes::Bytes;
use model::Millis;
use serde::Serialize;

/// Bytes of the longest header of an unmasked frame.
const HEADER_BYTES_MAX: usize = 10;
const FINAL_TEXT: u8 = 0x81;
const FINAL_CLOSE: u8 = 0x88;
/// Bytes of a close frame's reason: a control frame's payload ends at 125, two are the code.
const REASON_BYTES_MAX: usize = 123;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    Snapshot,
    Delta,
    Ended,
    /// `hello`, `subscribed`, `refused`.
    Answer,
    Ping,
    Close,
}

/// One frame. Cheap to clone: the bytes are shared.
#[derive(Clone, Debug)]
pub struct Frame {
    pub kind: FrameKind,
    /// Of a snapshot or delta.
    pub version: u64,
    header: u8,
    bytes: Bytes,
}

impl Frame {
    /// The frame as it goes over a WebSocket.
    pub fn wire(&self) -> &Bytes {
        &self.bytes
    }

    pub fn into_wire(self) -> Bytes {
        self.bytes
    }

    pub fn text(&self) -> &[u8] {
        &self.bytes[usize::from(self.header)..]
    }

    /// What stands behind the message's name: `X` of `{"snapshot":X}`.
    pub fn body(&self) -> Bytes {
        let text = self.text();
        let colon = text.iter().position(|&byte| byte == b':').expect("a message has one member");
        self.bytes.slice(usize::from(self.header) + colon + 1..self.bytes.len() - 1)
    }
}

/// The data of a topic at a version.
#[derive(Serialize)]
struct Told<'t, D> {
    key: &'t str,
    version: u64,
    data: &'t D,
}

pub fn snapshot(key: &str, version: u64, data: &impl Serialize) -> Frame {
    #[derive(Serialize)]
    struct Message<'t, D> {
        snapshot: Told<'t, D>,
    }
    text(FrameKind::Snapshot, version, &Message { snapshot: Told { key, version, data } })
}

pub fn delta(key: &str, version: u64, data: &impl Serialize) -> Frame {
    #[derive(Serialize)]
    struct Message<'t, D> {
        delta: Told<'t, D>,
    }
    text(FrameKind::Delta, version, &Message { delta: Told { key, version, data } })
}

pub fn hello(ping_seconds: u64, now: Millis) -> Frame {
    let hello = serde_json::json!({ "hello": { "version": 1, "ping_seconds": ping_seconds, "now": now } });
    text(FrameKind::Answer, 0, &hello)
}

pub fn subscribed(number: u16, key: &str) -> Frame {
    text(FrameKind::Answer, 0, &serde_json::json!({ "subscribed": { "as": number, "key": key } }))
}

pub fn refused(number: u16, code: &str, message: &str) -> Frame {
    let refused = serde_json::json!({ "refused": { "as": number, "code": code, "message": message } });
    text(FrameKind::Answer, 0, &refused)
}

pub fn ended(key: &str, code: &str, message: &str) -> Frame {
    let ended = serde_json::json!({ "ended": { "key": key, "code": code, "message": message } });
    text(FrameKind::Ended, 0, &ended)
}

pub fn ping(number: u64) -> Frame {
    text(FrameKind::Ping, 0, &serde_json::json!({ "ping": number }))
}

/// A close frame (RFC 6455, 5.5.1).
pub fn close(code: u16, reason: &'static str) -> Frame {
    let reason = &reason.as_bytes()[..reason.len().min(REASON_BYTES_MAX)];
    let mut bytes = vec![FINAL_CLOSE, 2 + reason.len() as u8];
    bytes.extend_from_slice(&code.to_be_bytes());
    bytes.extend_from_slice(reason);
    Frame { kind: FrameKind::Close, version: 0, header: 2, bytes: bytes.into() }
}

/// Writes the text behind room for the longest header, then the header right before it.
fn text(kind: FrameKind, version: u64, message: &impl Serialize) -> Frame {
    let mut bytes = vec![0; HEADER_BYTES_MAX];
    serde_json::to_writer(&mut bytes, message).expect("messages have text keys and encode into memory");
    let length = bytes.len() - HEADER_BYTES_MAX;
    let mut header = [0; HEADER_BYTES_MAX];
    let header = write_header(&mut header, length);
    let start = HEADER_BYTES_MAX - header.len();
    bytes[start..HEADER_BYTES_MAX].copy_from_slice(header);
    bytes.shrink_to_fit();
    Frame { kind, version, header: header.len() as u8, bytes: Bytes::from(bytes).slice(start..) }
}

fn write_header(header: &mut [u8; HEADER_BYTES_MAX], length: usize) -> &[u8] {
    header[0] = FINAL_TEXT;
    match length {
        0..=125 => {
            header[1] = length as u8;
            &header[..2]
        }
        126..=0xFFFF => {
            header[1] = 126;
            header[2..4].copy_from_slice(&(length as u16).to_be_bytes());
            &header[..4]
        }
        _ => {
            header[1] = 127;
            header[2..10].copy_from_slice(&(length as u64).to_be_bytes());
            &header[..10]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;
    use tungstenite::Message;
    use tungstenite::protocol::{Role, WebSocket};

    fn read(frame: &Frame) -> Message {
        let mut client = WebSocket::from_raw_socket(Cursor::new(frame.wire().to_vec()), Role::Client, None);
        client.read().unwrap()
    }

    #[test]
    fn a_client_reads_every_length_of_frame() {
        for length in [0, 1, 80, 81, 82, 83, 84, 85, 126, 60_000, 65_480, 65_500, 65_536, 70_000, 1_000_000] {
            let data = "x".repeat(length);
            let frame = snapshot("key", 3, &data);
            let expected = format!(r#"{{"snapshot":{{"key":"key","version":3,"data":"{data}"}}}}"#);
            assert_eq!(frame.text(), expected.as_bytes());
            assert_eq!(read(&frame), Message::text(expected));
        }
    }

    #[test]
    fn the_body_is_what_stands_behind_the_name() {
        assert_eq!(delta("k", 2, &1).body(), r#"{"key":"k","version":2,"data":1}"#.as_bytes());
        assert_eq!(ping(17).body(), "17".as_bytes());
    }

    #[test]
    fn a_client_reads_why_it_is_closed() {
        let Message::Close(Some(close)) = read(&close(4401, "signed out")) else { panic!("no close") };
        assert_eq!((u16::from(close.code), close.reason.as_str()), (4401, "signed out"));
    }
}
