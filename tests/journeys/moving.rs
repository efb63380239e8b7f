//! Moving house with the real program: from a folder to MongoDB and back, the mover killed on its way again and again.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::embedded::EmbeddedBus;
use bus::{Bus, Message};
use bytes::Bytes;
use fastrand::Rng;
use history::Totals;
use model::{BatchId, Millis, SiteId, SystemClock};
use servers::mongodb::Mongodb;
use store::history::TailBatch;
use store::{Embedded, MongoStore, Store};
use tokio::process::Command;
use world::{Person, Program, Tag, within};

use crate::crash::set_up;

const KILLS: usize = 6;
const VISITORS: u8 = 9;
/// Batches beside those of the visitors, so that a move takes long enough to be killed in.
const MORE_BATCHES: u128 = 600;
const MORE_BYTES: usize = 20_000;
const PATIENCE: Duration = Duration::from_secs(60);

fn mover(from: &str, to: &str) -> Command {
    let mut command = Command::new(Program::binary());
    command.args(["move", "--from", from, "--to", to]).kill_on_drop(true);
    command
}

/// Whether it succeeded, and all it said.
async fn moved(from: &str, to: &str) -> (bool, String) {
    let output = mover(from, to).output().await.expect("the mover runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).expect("it speaks in text"))
}

fn embedded(folder: &Path) -> String {
    format!("embedded:{}", folder.display())
}

/// Each of the visitors looks at a page.
async fn visit(program: &Program, site: SiteId) {
    for visitor in 0..VISITORS {
        let address = format!("198.51.100.{visitor}");
        let person = Person::new(program.address);
        let mut tag = Tag::new(person, Arc::new(SystemClock), site, &address, 0);
        tag.show("/").await;
    }
}

async fn totals(store: &Store, site: SiteId) -> Totals {
    watchfire::tail::totals(store.history.as_ref(), site).await.expect("the tail can be read")
}

fn between<'a>(page: &'a str, start: &str, end: char) -> &'a str {
    let at = page.find(start).unwrap_or_else(|| panic!("no `{start}` in {page}")) + start.len();
    page[at..].split(end).next().unwrap_or_default().trim()
}

/// What a person has that must go on working.
struct Keys {
    owner: Person,
    token: String,
    share: String,
}

impl Keys {
    async fn made(owner: Person, site: SiteId) -> Keys {
        let fields = [("name", "reader"), ("scope_read", "on"), ("sites", "all")];
        let page = owner.post("/account/tokens", &fields).await.text();
        let token = between(&page, "id=\"fresh-token\">", '<').to_owned();
        let page = owner.post(&format!("/sites/{site}/shares"), &[("name", "press")]).await.text();
        let share = between(&page, "/share/", '"');
        let share = share.chars().take_while(char::is_ascii_alphanumeric).collect();
        Keys { owner, token, share }
    }

    async fn open(&self, program: &Program, site: SiteId) {
        let settings = format!("/sites/{site}/settings");
        assert_eq!(self.owner.at(program.address).get(&settings).await.status, 200, "the same sign-in");
        let reader = Person::with_token(program.address, &self.token);
        let sites = reader.get("/api/watchfire/sites").await;
        assert!(
            sites.status == 200 && sites.text().contains(&site.to_string()),
            "the same token: {}",
            sites.text()
        );
        let watcher = Person::new(program.address);
        assert_eq!(watcher.get(&format!("/share/{}", self.share)).await.status, 200, "the same share link");
    }
}

async fn more_tail(history: &dyn store::History, rng: &mut Rng, batches: u128) {
    for id in 0..batches {
        let body = Bytes::from_iter(std::iter::repeat_with(|| rng.u8(..)).take(MORE_BYTES));
        let site = SiteId::of(1 + id as u64 % 3);
        let batch = TailBatch { id: BatchId(id), site, received: Millis(1), hits: 200, body };
        history.append(vec![batch]).await.expect("appended");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_house_moved_to_mongodb_by_a_mover_that_is_killed_again_and_again_is_the_same_there_and_back() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let mongodb = tokio::task::spawn_blocking(|| Mongodb::start().expect("the MongoDB of tests starts"));
    let mut mongodb = mongodb.await.expect("it starts");
    let (old, new) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (from, to) = (embedded(old.path()), mongodb.uri("watchfire"));

    let running = Program::start(old.path(), &[]).await;
    let owner = Person::new(running.address);
    let site = set_up(running.set_up_path.as_deref(), &owner).await;
    visit(&running, site).await;
    let keys = Keys::made(owner, site).await;
    keys.open(&running, site).await;
    let (succeeded, said) = moved(&from, &to).await;
    assert!(!succeeded && said.contains("another process is using the data folder"), "{said}");
    assert!(running.terminate(Duration::from_secs(10)).await);
    refuses_what_waits(old.path(), &from, &to).await;

    let store = Embedded::open(old.path()).expect("the store opens");
    more_tail(store.history.as_ref(), &mut rng, MORE_BATCHES).await;
    let before = totals(&store, site).await;
    assert_eq!(before.all.visitors, u64::from(VISITORS));
    store.close().await;

    let mut killed = 0;
    while killed < KILLS {
        let mut command = mover(&from, &to);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the mover runs");
        tokio::time::sleep(Duration::from_millis(rng.u64(20..600))).await;
        if child.try_wait().expect("it can be asked").is_some_and(|ended| ended.success()) {
            println!("ended after {killed} kills");
            break;
        }
        child.kill().await.expect("killed");
        killed += 1;
        if killed < KILLS {
            // What the killed one had under way keeps the next one from writing for a minute, but for the last's.
            mongodb.restart().expect("the MongoDB of tests starts again");
        }
        if is_half_moved(&to).await {
            println!("kill {killed}: half moved");
            let (served, said) = serve(new.path(), &to).await;
            assert!(!served && said.contains("a part of a move from embedded:"), "{said}");
        }
    }
    let (succeeded, said) = moved(&from, &to).await;
    assert!(succeeded && said.contains("Both are the same"), "{said}");
    assert_eq!(said.matches("  same").count(), store::moving::Kind::ALL.len(), "{said}");

    let running = Program::start(new.path(), &["--store", &to]).await;
    keys.open(&running, site).await;
    let store = MongoStore::open(&to).await.expect("the store opens");
    assert_eq!(totals(&store, site).await, before);
    visit(&running, site).await;
    let after = within(PATIENCE, "the visit is in the tail", || async {
        let after = totals(&store, site).await;
        (after.all.hits == before.all.hits + u64::from(VISITORS)).then_some(after)
    })
    .await;
    assert_eq!(after.all.visitors, u64::from(VISITORS), "whoever came back today is who they were");
    assert!(running.terminate(Duration::from_secs(10)).await);
    store.close().await;
    let (succeeded, said) = moved(&from, &to).await;
    assert!(!succeeded && said.contains("DIFFERENT") && said.contains("ended before"), "{said}");

    let back = tempfile::tempdir().expect("a folder");
    let (succeeded, said) = moved(&to, &embedded(back.path())).await;
    assert!(succeeded, "{said}");
    let running = Program::start(back.path(), &[]).await;
    keys.open(&running, site).await;
    assert!(running.terminate(Duration::from_secs(10)).await);
    for (folder, expected) in [(back.path(), after), (old.path(), before)] {
        let store = Embedded::open(folder).expect("the store opens");
        assert_eq!(totals(&store, site).await, expected);
        store.close().await;
    }
}

/// The move has begun and has not ended.
async fn is_half_moved(uri: &str) -> bool {
    let house = store::MongoStore::open_for_move(uri, store::moving::End::Target).await.expect("it opens");
    let mark = house.moving.mark().await.expect("the mark is read");
    house.store.close().await;
    mark.is_some_and(|mark| !mark.ended)
}

async fn serve(data: &Path, store: &str) -> (bool, String) {
    let output = Command::new(Program::binary())
        .args(["serve", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--store", store, "--data"])
        .arg(data)
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, output).await.expect("it does not serve").expect("it runs");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A hit that waits for its processor is in no store.
async fn refuses_what_waits(data: &Path, from: &str, to: &str) {
    let open = || EmbeddedBus::open(&data.join("bus"), Default::default()).expect("the bus opens");
    let bus = open();
    bus.publish(0, Message { id: BatchId(1), body: Bytes::new() }).await.expect("published");
    bus.close().await;
    let (succeeded, said) = moved(from, to).await;
    assert!(!succeeded && said.contains("1 messages with hits still wait in"), "{said}");
    let bus = open();
    let mut consumer = bus.consume(0).await.expect("nobody else consumes");
    let taken = consumer.next(1).await.expect("a message");
    consumer.ack(taken[0].position).await.expect("acknowledged");
    bus.close().await;
}

/// A million hits: 5,000 batches of 200. Prints the rate, and the most memory the mover had: run it by name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement of some minutes"]
async fn a_million_hits_are_moved_within_bounded_memory() {
    let mongodb = tokio::task::spawn_blocking(|| Mongodb::start().expect("the MongoDB of tests starts"));
    let mongodb = mongodb.await.expect("it starts");
    let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    let store = Embedded::open(folders[0].path()).expect("the store opens");
    more_tail(store.history.as_ref(), &mut Rng::new(), 5_000).await;
    store.close().await;
    let there = (embedded(folders[0].path()), mongodb.uri("watchfire"));
    let back = (mongodb.uri("watchfire"), embedded(folders[1].path()));
    for (from, to) in [there, back] {
        let began = Instant::now();
        let child = mover(&from, &to).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
        let pid = child.id().expect("it runs");
        let ending = child.wait_with_output();
        tokio::pin!(ending);
        let mut peak_kib = 0;
        let output = loop {
            tokio::select! {
                output = &mut ending => break output.expect("it ends"),
                () = tokio::time::sleep(Duration::from_millis(100)) => peak_kib = peak_kib.max(resident_kib(pid)),
            }
        };
        println!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
        println!("{:?}, at most {} MiB", began.elapsed(), peak_kib / 1_024);
        assert!(output.status.success());
        assert!(peak_kib < 300 * 1_024, "{peak_kib} KiB");
    }
}

fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse().ok()).unwrap_or_default()
}
