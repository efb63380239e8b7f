//! A backup of a running server under load, restored: all that was acknowledged before it is there, each once. Half a
//! backup, and one that was changed, are refused.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fastrand::Rng;
use model::chat::{Member, MessageKind, NewMessage, Notify, RoomRole, Who};
use model::{AccountId, MessageId, Millis, RoomId};
use store::Embedded;
use store::chat::{Place, Search};
use tokio::process::Command;
use tokio::sync::Mutex;
use world::{Person, Program, within};

use crate::crash::{Promised, send_until, set_up, stored_ids};
use crate::rooms_archive;

const SENDERS: u64 = 4;
const BACKUPS: usize = 3;
const KILLS: usize = 6;
const STOP_MAX: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(60);

fn command(task: &str, from: (&str, &Path), to: (&str, &Path)) -> Command {
    let mut command = Command::new(Program::binary());
    command.args([task, from.0]).arg(from.1).arg(to.0).arg(to.1).kill_on_drop(true);
    command
}

fn backup(data: &Path, to: &Path) -> Command {
    command("backup", ("--data", data), ("--to", to))
}

fn restore(from: &Path, data: &Path) -> Command {
    command("restore", ("--from", from), ("--data", data))
}

/// Whether it succeeded, and all it said.
async fn done(mut command: Command) -> (bool, String) {
    let output = command.output().await.expect("the program runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_running_server_has_all_that_was_acknowledged_before_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let running = Program::start(&data, &[]).await;
    let owner = Person::new(running.address);
    let site = set_up(running.set_up_path.as_deref(), &owner).await;
    let (stop, promised) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Promised::default())));
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let person = Person::new(running.address);
            tokio::spawn(send_until(stop.clone(), promised.clone(), person, site, sender, Rng::new()))
        })
        .collect();
    let mut backups = Vec::new();
    for number in 0..BACKUPS {
        tokio::time::sleep(Duration::from_millis(400)).await;
        let before = promised.lock().await.acknowledged.clone();
        let to = folder.path().join(format!("backup-{number}"));
        let (succeeded, said) = done(backup(&data, &to)).await;
        assert!(succeeded, "{said}");
        backups.push((to, before));
    }
    stop.store(true, Ordering::SeqCst);
    for sender in senders {
        sender.await.expect("a sender ends well");
    }
    running.kill().await;
    for (number, (from, before)) in backups.into_iter().enumerate() {
        let restored = folder.path().join(format!("restored-{number}"));
        let (succeeded, said) = done(restore(&from, &restored)).await;
        assert!(succeeded, "{said}");
        let running = Program::start(&restored, &[]).await;
        let again = owner.at(running.address);
        assert_eq!(again.get(&format!("/sites/{site}/settings")).await.status, 200, "the same sign-in");
        within(PATIENCE, "what was on its way is processed", || async {
            (running.metric("watchfire_bus_depth_messages").await == Some(0.0)).then_some(())
        })
        .await;
        assert!(running.terminate(STOP_MAX).await);
        let stored = stored_ids(&restored, site).await;
        let lost = before.difference(&stored).count();
        assert_eq!(lost, 0, "acknowledged before the backup and lost, of {}", before.len());
        println!("backup {number}: {} acknowledged before, {} in it", before.len(), stored.len());
        assert!(!before.is_empty() && no_salts(&from), "{number}");
    }
    let (succeeded, said) =
        done(restore(&folder.path().join("backup-0"), &folder.path().join("restored-0"))).await;
    assert!(!succeeded && said.contains("not empty"), "{said}");
}

/// Salts are made as a name that begins with the zone.
fn no_salts(backup: &Path) -> bool {
    let bytes = std::fs::read(backup.join("watchfire.db")).expect("the registry");
    let today = jiff::Timestamp::now().to_string();
    let name = format!("UTC {}", &today[..10]);
    !bytes.windows(name.len()).any(|window| window == name.as_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_backup_and_a_changed_one_are_refused_and_a_killed_restore_leaves_nothing() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let (folder, sites) = crate::import::installation(1).await;
    let data = folder.path();
    let elsewhere = tempfile::tempdir().expect("a folder");
    let place = |name: &str| elsewhere.path().join(name);
    for number in 0..KILLS {
        let (to, restored) = (place(&format!("killed-{number}")), place(&format!("from-killed-{number}")));
        let mut killed =
            backup(data, &to).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
        tokio::time::sleep(Duration::from_millis(rng.u64(1..120))).await;
        killed.kill().await.expect("killed, or ended");
        let is_whole = to.join("manifest.json").is_file();
        let (succeeded, said) = done(restore(&to, &restored)).await;
        assert_eq!(succeeded, is_whole, "{said}");
        assert_eq!(restored.exists(), is_whole, "{said}");
    }
    let to = place("whole");
    let (succeeded, said) = done(backup(data, &to)).await;
    assert!(succeeded, "{said}");
    for number in 0..KILLS {
        let restored = place(&format!("half-restored-{number}"));
        let mut killed = restore(&to, &restored).stdout(Stdio::null()).spawn().expect("it runs");
        tokio::time::sleep(Duration::from_millis(rng.u64(1..60))).await;
        killed.kill().await.expect("killed, or ended");
        let was_whole = restored.exists();
        let (succeeded, said) = done(restore(&to, &restored)).await;
        assert_eq!(succeeded, !was_whole, "{said}");
        let before = stored_ids(data, sites[0]).await;
        assert_eq!(stored_ids(&restored, sites[0]).await, before);
    }
    let mut bytes = std::fs::read(to.join("tail.db")).expect("the tail");
    let at = rng.usize(..bytes.len());
    bytes[at] ^= 1;
    std::fs::write(to.join("tail.db"), bytes).expect("written");
    let (succeeded, said) = done(restore(&to, &place("changed"))).await;
    assert!(!succeeded && said.contains("SHA-256") && !place("changed").exists(), "{said}");
    let manifest = std::fs::read_to_string(to.join("manifest.json")).expect("the manifest");
    std::fs::write(to.join("manifest.json"), manifest.replace("\"tail.db\"", "\"../tail.db\""))
        .expect("written");
    let (succeeded, said) = done(restore(&to, &place("outside"))).await;
    assert!(!succeeded && said.contains("outside"), "{said}");
    let (succeeded, said) = done(backup(&place("nothing"), &place("of-nothing"))).await;
    assert!(!succeeded && said.contains("there is no store"), "{said}");
}

const ROOM: RoomId = RoomId::of(7);
const ADA: Who = Who::Account(AccountId::of(1));

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_backup_has_its_rooms_and_what_was_said_in_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name);
    let store = Embedded::open(&place("data")).expect("a store");
    let room = store.rooms.open(rooms_archive::room(ROOM), vec![host()]).await.expect("opened");
    for number in 1..=3 {
        store.messages.post(said(number)).await.expect("posted");
    }
    let sent = rooms_archive::send(&store, ROOM, 9).await;
    let with_file = NewMessage { files: vec![sent], ..said(10) };
    store.messages.post(with_file).await.expect("posted");
    let unposted = rooms_archive::send(&store, ROOM, 11).await;
    let (succeeded, told) = done(backup(&place("data"), &place("backup"))).await;
    assert!(succeeded, "{told}");
    store.messages.post(said(4)).await.expect("posted after the backup");
    let (succeeded, told) = done(restore(&place("backup"), &place("restored"))).await;
    assert!(succeeded, "{told}");
    let restored = Embedded::open(&place("restored")).expect("what was restored");
    let kept = restored.rooms.room(ROOM).await.expect("the room");
    assert_eq!((kept.name, kept.last), (room.name, 4));
    assert_eq!(
        rooms_archive::file_of(&restored, ROOM, sent).await,
        rooms_archive::file_of(&store, ROOM, sent).await
    );
    assert!(restored.files.file(ROOM, unposted).await.is_err(), "what no message names stays behind");
    assert_eq!(restored.rooms.members(ROOM).await.expect("members"), [host()]);
    let page = restored.messages.page(ROOM, Place::End, 10).await.expect("messages");
    assert_eq!(
        page.iter().map(|message| &*message.body).collect::<Vec<_>>(),
        ["word 1", "word 2", "word 3", "word 10"]
    );
    let search = Search { rooms: vec![ROOM], text: "word 2".into(), limit: 10, ..Search::default() };
    let found = restored.messages.search(search).await.expect("found");
    assert_eq!(found.iter().map(|message| message.number).collect::<Vec<_>>(), [2]);
}

fn host() -> Member {
    Member {
        room: ROOM,
        who: ADA,
        role: RoomRole::Host,
        joined: Millis(1),
        read: 0,
        notify: Notify::default(),
    }
}

fn said(number: u64) -> NewMessage {
    NewMessage {
        room: ROOM,
        id: MessageId(number.into()),
        author: ADA,
        kind: MessageKind::Text,
        body: format!("word {number}"),
        thread: None,
        mentions: Vec::new(),
        files: Vec::new(),
        at: Millis(number as i64),
    }
}
