//! Rooms exported with the real program and imported into another installation, the importer killed again and again: all of it is there, once.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use chat::carry::{Own, pack};
use fastrand::Rng;
use model::chat::{
    File, FileType, Member, MessageKind, NewFile, NewMessage, Notify, Room, RoomKind, RoomRole, Who,
};
use model::limits::FILE_PART_BYTES;
use model::{AccountId, FileId, MessageId, Millis, RoomId, UploadId};
use servers::mongodb::Mongodb;
use store::{Embedded, MongoStore, Store};
use tokio::process::Command;
use world::{Person, Program, within};

use crate::crash::set_up;

const ROOMS: u64 = 3;
const MESSAGES: u64 = 400;
const FILES: u64 = 4;
const FILE_BYTES: usize = 3 * FILE_PART_BYTES + 5;
const KILLS: usize = 6;
const ADA: Who = Who::Account(AccountId::of(1));

fn program(folder: &Path, store: Option<&str>, arguments: &[&str]) -> Command {
    let mut command = Command::new(Program::binary());
    command.args(arguments).arg("--data").arg(folder).kill_on_drop(true);
    if let Some(store) = store {
        command.args(["--store", store]);
    }
    command
}

/// Whether it succeeded, and all it said.
async fn done(mut command: Command) -> (bool, String) {
    let output = command.output().await.expect("it runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).expect("it speaks in text"))
}

pub fn room(id: RoomId) -> Room {
    Room {
        id,
        site: None,
        kind: RoomKind::Open,
        name: format!("room {id}"),
        topic: String::new(),
        zone: "UTC".into(),
        public: false,
        locked: false,
        members_max: 10,
        created: Millis(1),
        by: None,
        last: 0,
        changes: 0,
        last_at: Millis(0),
    }
}

async fn fill(store: &Store, room: &Room) {
    let notify = Notify::default();
    let host = Member { room: room.id, who: ADA, role: RoomRole::Host, joined: Millis(1), read: 0, notify };
    store.rooms.open(room.clone(), vec![host]).await.expect("opened");
    for number in 1..=MESSAGES {
        let files = if number <= FILES { vec![send(store, room.id, number).await] } else { Vec::new() };
        let new = NewMessage {
            room: room.id,
            id: MessageId(number.into()),
            author: ADA,
            kind: MessageKind::Paste,
            body: format!("word {number} {}", "x".repeat(2_000)),
            thread: None,
            mentions: Vec::new(),
            files,
            at: Millis(number as i64),
        };
        let new = if number <= FILES { NewMessage { kind: MessageKind::Text, ..new } } else { new };
        store.messages.post(new).await.expect("posted");
    }
}

/// A file that Ada sent, for a message to name.
pub async fn send(store: &Store, room: RoomId, number: u64) -> FileId {
    let id = FileId(number.into());
    let (bytes, upload) = (FILE_BYTES as u64, UploadId(number.into()));
    let new = NewFile { room, id, who: ADA, upload, bytes, at: Millis(1) };
    store.files.expect(new).await.expect("expected");
    for start in (0..FILE_BYTES).step_by(FILE_PART_BYTES) {
        let part = vec![number as u8; FILE_PART_BYTES.min(FILE_BYTES - start)];
        store.files.part(room, id, start as u64, part.into()).await.expect("taken");
    }
    let file = File { id, name: "a file".into(), file_type: FileType::Other, bytes, picture: None };
    store.files.arrived(room, file).await.expect("arrived");
    id
}

/// All of its bytes, which are not all the same as those of another.
pub async fn file_of(store: &Store, room: RoomId, id: FileId) -> Vec<u8> {
    let file = store.files.file(room, id).await.expect("the file");
    assert_eq!(file.bytes, FILE_BYTES as u64);
    store.files.read_file(room, id, 0, FILE_BYTES).await.expect("its bytes").to_vec()
}

async fn packed(store: &Store, own: Own) -> Bytes {
    let mut bytes = Vec::new();
    pack(store, None, own, &mut bytes).await.expect("packed");
    bytes.into()
}

/// Kills the importer at moments that are drawn, then lets it end, and once more.
async fn import_through_kills(folder: &Path, store: Option<&str>, archive: &str, rng: &mut Rng) {
    let importer = || program(folder, store, &["import", "rooms", archive]);
    for _ in 0..KILLS {
        let mut command = importer();
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
        tokio::time::sleep(Duration::from_millis(rng.u64(200..4_000))).await;
        child.kill().await.expect("killed");
    }
    // What a killed one had under way at MongoDB keeps the next from writing for a while.
    let said = within(Duration::from_secs(180), "the import ends", || async {
        let (succeeded, said) = done(importer()).await;
        println!("{said}");
        succeeded.then_some(said)
    })
    .await;
    assert!(said.contains("rooms were here already"), "{said}");
    let (succeeded, said) = done(importer()).await;
    let nothing = format!("0 rooms, 0 messages, 0 files; {ROOMS} rooms were here already");
    assert!(succeeded && said.contains(&nothing), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rooms_come_into_another_installation_whole_and_once_however_often_the_importer_is_killed() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let mongodb = tokio::task::spawn_blocking(|| Mongodb::start().expect("the MongoDB of tests starts"));
    let place = tempfile::tempdir().expect("a folder");
    let at = |name: &str| place.path().join(name);
    let source = Embedded::open(&at("source")).expect("a store");
    for number in 1..=ROOMS {
        fill(&source, &room(RoomId::of(number))).await;
    }
    let expected = packed(&source, Own::Kept).await;
    let archive = at("rooms.tar").display().to_string();
    let (succeeded, said) =
        done(program(&at("source"), None, &["export", "rooms", "--all", "--out", &archive])).await;
    assert!(!succeeded && said.contains("stop the server first"), "{said}");
    source.close().await;
    let (succeeded, said) =
        done(program(&at("source"), None, &["export", "rooms", "--all", "--out", &archive])).await;
    assert!(succeeded && said.contains("3 rooms, 1200 messages, 12 files"), "{said}");
    assert!(std::fs::read(&archive).expect("the archive") == expected);
    let (succeeded, said) =
        done(program(&at("source"), None, &["export", "rooms", "--all", "--out", &archive])).await;
    assert!(!succeeded && said.contains("is there already"), "{said}");
    let (succeeded, said) = done(program(&at("source"), None, &["export", "rooms"])).await;
    assert!(!succeeded && said.contains("--all"), "{said}");

    Embedded::open(&at("target")).expect("a store").close().await;
    import_through_kills(&at("target"), None, &archive, &mut rng).await;
    let target = Embedded::open(&at("target")).expect("the store");
    assert!(packed(&target, Own::Kept).await == expected, "what came in goes out the same");
    target.close().await;
    let files = std::fs::read_dir(at("target").join("files")).expect("its files").count();
    assert_eq!(files as u64, ROOMS);

    let mongodb = mongodb.await.expect("it starts");
    let uri = mongodb.uri("watchfire");
    MongoStore::open(&uri).await.expect("a store").close().await;
    import_through_kills(&at("target"), Some(&uri), &archive, &mut rng).await;
    let target = MongoStore::open(&uri).await.expect("the store");
    assert!(packed(&target, Own::Kept).await == expected, "and in a cluster");
    target.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_was_imported_is_read_by_who_may_and_taken_out_by_who_runs_it() {
    let place = tempfile::tempdir().expect("a folder");
    let at = |name: &str| place.path().join(name);
    let source = Embedded::open(&at("source")).expect("a store");
    fill(&source, &room(RoomId::of(1))).await;
    let all = packed(&source, Own::Kept).await;
    let expected = packed(&source, Own::LeftOut).await;
    source.close().await;
    std::fs::write(at("rooms.tar"), &all).expect("written");
    let running = Program::start(&at("target"), &[]).await;
    let owner = Person::new(running.address);
    set_up(running.set_up_path.as_deref(), &owner).await;
    let archive = at("rooms.tar").display().to_string();
    let (succeeded, said) = done(program(&at("target"), None, &["import", "rooms", &archive])).await;
    assert!(!succeeded && said.contains("stop the server first"), "{said}");
    assert!(running.terminate(Duration::from_secs(10)).await);
    let (succeeded, said) = done(program(&at("target"), None, &["import", "rooms", &archive])).await;
    assert!(succeeded && said.contains("1 rooms, 400 messages, 4 files"), "{said}");

    let running = Program::start(&at("target"), &[]).await;
    let owner = owner.at(running.address);
    let room = RoomId::of(1);
    let page = owner.get(&format!("/rooms/{room}")).await;
    assert!(page.status == 200 && page.text().contains("word 400"), "the operator reads it");
    let file = owner.get(&format!("/rooms/{room}/files/{}/a", FileId(2))).await;
    assert_eq!((file.status.as_u16(), file.body.len()), (200, FILE_BYTES));
    let stranger = Person::new(running.address);
    assert_eq!(stranger.get(&format!("/api/watchfire/rooms/{room}/export")).await.status, 401);
    let taken = owner.get(&format!("/api/watchfire/rooms/{room}/export")).await;
    assert_eq!(taken.status, 200);
    assert!(taken.body == expected, "taken out over HTTP it is the same, but for what is each member's own");
    assert!(running.terminate(Duration::from_secs(10)).await);
}
