//! What is torn or hostile, and how it is made.

use chat::carry::{LINE_BYTES_MAX, Line};
use model::chat::{Arrived, MessageKind, RoomKind};
use model::{MessageId, Millis, RoomId, limits};
use sha2::{Digest, Sha256};

use super::{fresh, lines_of, lively, packed, taken};
use crate::world::World;

/// The archive of one room with its lines changed, and a manifest that says so.
pub fn rewritten(bytes: &[u8], room: RoomId, mut change: impl FnMut(&mut Line)) -> Vec<u8> {
    let lines = lines_of(bytes, room).into_iter().map(|text| {
        let mut line: Line = serde_json::from_str(&text).unwrap();
        change(&mut line);
        line.text()
    });
    with_lines(bytes, room, &lines.collect::<String>())
}

/// Entries of an archive, in their order.
fn entries(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let (mut at, mut found) = (0, Vec::new());
    while bytes[at] != 0 {
        let name = String::from_utf8(bytes[at..at + 100].to_vec()).unwrap();
        let size = std::str::from_utf8(&bytes[at + 124..at + 135]).unwrap();
        let size = usize::from_str_radix(size, 8).unwrap();
        found.push((name.trim_end_matches('\0').to_owned(), bytes[at + 512..at + 512 + size].to_vec()));
        at += 512 + size.div_ceil(512) * 512;
    }
    found
}

fn tar_of(entries: &[(String, Vec<u8>)], kind: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, body) in entries {
        let mut block = [0; 512];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[100..107].copy_from_slice(b"0000600");
        block[124..135].copy_from_slice(format!("{:011o}", body.len()).as_bytes());
        block[148..156].copy_from_slice(b"        ");
        block[156] = if name.starts_with("rooms") || name == "manifest.json" { b'0' } else { kind };
        block[257..262].copy_from_slice(b"ustar");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        bytes.extend(block);
        bytes.extend(body);
        bytes.resize(bytes.len().div_ceil(512) * 512, 0);
    }
    bytes.extend([0; 1024]);
    bytes
}

/// The archive of that room alone.
pub fn only(bytes: &[u8], room: RoomId) -> Vec<u8> {
    let mut all = entries(bytes);
    let of = |name: &str| name.starts_with(&format!("rooms/{room}"));
    all.retain(|(name, _)| of(name) || name == "manifest.json");
    let last = all.last_mut().unwrap();
    let mut manifest: serde_json::Value = serde_json::from_slice(&last.1).unwrap();
    manifest["rooms"].as_array_mut().unwrap().retain(|one| one["room"] == room.to_string());
    last.1 = serde_json::to_vec(&manifest).unwrap();
    tar_of(&all, b'0')
}

pub fn with_lines(bytes: &[u8], room: RoomId, lines: &str) -> Vec<u8> {
    let mut all = entries(bytes);
    for (name, body) in &mut all {
        if *name == format!("rooms/{room}.jsonl") {
            *body = lines.as_bytes().to_vec();
        }
        if name == "manifest.json" {
            let mut manifest: serde_json::Value = serde_json::from_slice(body).unwrap();
            let hash = Sha256::digest(lines);
            let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            let rooms = manifest["rooms"].as_array_mut().unwrap();
            let one = rooms.iter_mut().find(|one| one["room"] == room.to_string()).unwrap();
            one["sha256"] = hash.into();
            one["lines"] = lines.lines().count().into();
            *body = serde_json::to_vec(&manifest).unwrap();
        }
    }
    tar_of(&all, b'0')
}

/// Each is refused with a word of why, and nothing comes of it.
#[tokio::test]
async fn what_is_torn_or_hostile_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let room = lively(&world).await;
    let (whole, _) = packed(&world.store, Some(room)).await;
    let (_folder, store) = fresh().await;
    let mut cases: Vec<(&str, Vec<u8>)> = Vec::new();
    for part in [0, 1, 100, 512, 700, whole.len() / 2, whole.len() - 1_025] {
        cases.push(("torn", whole[..part].to_vec()));
    }
    let mut damaged = whole.clone();
    damaged[600] ^= 1;
    cases.push(("damaged", damaged));
    let all = entries(&whole);
    let with = |name: &str, body: &[u8]| [&all[..], &[(name.to_owned(), body.to_vec())]].concat();
    for name in ["../../etc/passwd", "/etc/passwd", "rooms/../a", "rooms/RM-00000001/../../a", "a"] {
        cases.push(("does not", tar_of(&with(name, b"x"), b'0')));
    }
    for kind in [b'1', b'2', b'3', b'x', b'L', b'S'] {
        cases.push(("neither a file nor a folder", tar_of(&with("a", b""), kind)));
    }
    cases.push(("twice", tar_of(&with(&all[0].0.clone(), b"x"), b'0')));
    cases.push(("no message names", tar_of(&with(&format!("rooms/{room}/{:032x}", 9), b"x"), b'0')));
    cases.push(("does not name", tar_of(&with("rooms/RM-00000009.jsonl", b"{}\n"), b'0')));
    cases.push(("no manifest", tar_of(&all[..all.len() - 1], b'0')));
    cases.push(("missing", tar_of(&all[1..], b'0')));
    let manifest = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut all = all.clone();
        let last = all.last_mut().unwrap();
        let mut value: serde_json::Value = serde_json::from_slice(&last.1).unwrap();
        change(&mut value);
        last.1 = serde_json::to_vec(&value).unwrap();
        tar_of(&all, b'0')
    };
    cases.push(("version 3", manifest(&|value| value["version"] = 3.into())));
    cases.push(("version 0", manifest(&|value| value["version"] = 0.into())));
    cases.push(("no archive of rooms", manifest(&|value| value["format"] = "other".into())));
    cases.push(("as many", manifest(&|value| value["rooms"][0]["messages"] = 1.into())));
    cases.push(("those that the manifest", manifest(&|value| value["rooms"][0]["sha256"] = "".into())));
    let mut large = all.clone();
    large.last_mut().unwrap().1 = vec![b' '; 32 * 1024 * 1024 + 1];
    cases.push(("bytes", tar_of(&large, b'0')));
    let lines = lines_of(&whole, room);
    let long = format!("{}{}\n", lines[0], "x".repeat(LINE_BYTES_MAX));
    cases.push(("a line has more than", with_lines(&whole, room, &long)));
    cases.push(("no line of a room", with_lines(&whole, room, "{\"kind\": \"spell\"}\n")));
    cases.push(("no line of a room", with_lines(&whole, room, &format!("{}\n", "[".repeat(9_000)))));
    cases.push(("torn", with_lines(&whole, room, lines[0].trim_end())));
    cases.push(("wrong order", with_lines(&whole, room, &lines[1..].concat())));
    cases.push(("is missing", with_lines(&whole, room, &[&lines[..2], &lines[3..]].concat().concat())));
    let changed = |change: &dyn Fn(&mut Line)| rewritten(&whole, room, change);
    cases.push((
        "another room",
        changed(&|line| {
            if let Line::Room(room) = line {
                room.id = RoomId::of(9);
            }
        }),
    ));
    cases.push((
        "another room",
        changed(&|line| {
            if let Line::Message(message) = line {
                message.room = RoomId::of(9);
            }
        }),
    ));
    cases.push((
        "at most 8192",
        changed(&|line| {
            if let Line::Message(message) = line
                && message.kind == MessageKind::Text
                && message.removed.is_none()
            {
                message.body = "x".repeat(limits::MESSAGE_BYTES_MAX + 1);
            }
        }),
    ));
    cases.push((
        "one id",
        changed(&|line| {
            if let Line::Message(message) = line {
                message.id = MessageId(1);
            }
        }),
    ));
    cases.push((
        "a moment lies nowhere",
        changed(&|line| {
            if let Line::Message(message) = line {
                message.at = Millis(i64::MAX);
            }
        }),
    ));
    cases.push((
        "picture",
        changed(&|line| {
            if let Line::Message(message) = line {
                message.files.iter_mut().for_each(|file| file.file_type = model::chat::FileType::Png);
            }
        }),
    ));
    cases.push((
        "not as long",
        changed(&|line| match line {
            Line::File(file) => file.bytes += 1,
            Line::Message(message) => message.files.iter_mut().for_each(|file| file.bytes += 1),
            _ => {}
        }),
    ));
    cases.push((
        "no such time zone",
        changed(&|line| {
            if let Line::Room(room) = line {
                room.zone = "../../etc/passwd".into();
            }
        }),
    ));
    for kind in [RoomKind::Conversation, RoomKind::Notes] {
        let of_inbox = |line: &mut Line| {
            if let Line::Room(room) = line {
                room.kind = kind;
            }
        };
        cases.push(("no room of a conversation", changed(&of_inbox)));
    }
    let link = |line: &mut Line| {
        if let Line::Arrival(arrival) = line
            && let Arrived::Commit(of) = &mut arrival.what
        {
            of.commit.link = Some("javascript:alert(1)".into());
        }
    };
    cases.push(("no page", changed(&link)));
    let name = |line: &mut Line| {
        if let Line::Message(message) = line {
            message.files.iter_mut().for_each(|file| file.name = "../../a\u{202E}b".into());
        }
    };
    cases.push(("other than it is", changed(&name)));
    let shown = |line: &mut Line| {
        if let Line::Person(person) = line {
            person.name = "a\u{1b}[2J".into();
        }
    };
    cases.push(("cannot be shown", changed(&shown)));
    for (number, (why, bytes)) in cases.into_iter().enumerate() {
        let refused = format!("{:#}", taken(&store, &bytes).await.expect_err(why));
        assert!(refused.contains(why), "case {number}, {why}: {refused}");
        assert!(store.carrying.every_room(None).await.unwrap().is_empty(), "{why}");
    }
    taken(&store, &whole).await.unwrap();
}
