//! `kill -9` at random moments while a site's days are folded, rewritten and copied: every acknowledged hit is exported once, who was
//! erased stays erased, a backup holds what was acknowledged before it, and reports say what the export says.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use history::table::short_id;
use hyper::Method;
use model::{HitId, SiteId, SystemClock};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::Mutex;
use world::tag::fresh_id;
use world::{Person, Program, Push, Tag, within};

use crate::crash::set_up;

const ROUNDS: usize = 12;
const SENDERS: u64 = 4;
/// Visitors that are erased on the way.
const DOOMED: usize = 10;
/// Hits are up to so many days late, so that folds and erasing touch several segments.
const DAYS: u64 = 5;
const DAY_MS: u64 = 86_400_000;
/// Restored of the backups that were completed.
const RESTORED_MAX: usize = 2;
/// Folds follow each other without rest, and what they took in leaves the tail soon.
const FOLDING: [&str; 2] = ["--fold-after-ms", "15"];
const STOP_MAX: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(60);
/// How long one erasure or backup may take beside folds without a rest.
const SETTLE_MAX: Duration = Duration::from_secs(150);

/// What the senders know.
#[derive(Default)]
struct Promised {
    acknowledged: HashSet<HitId>,
    sent: HashSet<HitId>,
}

/// A site's history as `watchfire export` writes it.
#[derive(Default)]
struct Exported {
    /// How often each pageview and event stands in it, by its id in 64 bits.
    times: HashMap<u64, usize>,
    visitors: HashSet<String>,
    visits: HashSet<(String, u64)>,
    pageviews: u64,
    events: u64,
}

/// A backup that was completed, what was acknowledged when it began, and who was erased by then.
struct Backup {
    folder: PathBuf,
    before: HashSet<HitId>,
    erased: Vec<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_days_are_folded_erased_and_copied_every_acknowledged_hit_is_exported_once() {
    let seed =
        std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let running = Program::start(&data, &FOLDING).await;
    let mut owner = Person::new(running.address);
    let site = set_up(running.set_up_path.as_deref(), &owner).await;
    let mut doomed = send_doomed(&running, &owner, site).await;
    // From here on nothing of theirs is on its way any more.
    let mut running = running.restarted(STOP_MAX).await;

    let promised = Arc::new(Mutex::new(Promised::default()));
    let (mut erased, mut backups) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let (person, rng) = (Person::new(running.address), Rng::with_seed(rng.u64(..)));
                tokio::spawn(send_until_refused(promised.clone(), person, site, sender, rng))
            })
            .collect();
        let eraser = tokio::spawn(erase(owner.at(running.address), site, doomed.pop()));
        let before = promised.lock().await.acknowledged.clone();
        let to = folder.path().join(format!("backup-{round}"));
        let copying = backup(&data, &to).stdout(Stdio::null()).spawn().expect("it runs");
        let copying = Mutex::new(copying);
        tokio::time::sleep(Duration::from_millis(rng.u64(20..1_500))).await;
        if round % 4 == 3 {
            within(SETTLE_MAX, "somebody is erased", || async { eraser.is_finished().then_some(()) }).await;
            within(SETTLE_MAX, "a backup is complete", || async {
                copying.lock().await.try_wait().expect("a child of ours")
            })
            .await;
        }
        running.kill_now();
        let mut copying = copying.into_inner();
        let is_copied = copying.try_wait().expect("a child of ours").is_some_and(|ended| ended.success());
        copying.kill().await.expect("killed, or ended");
        running = running.replaced().await;
        for sender in senders {
            sender.await.expect("a sender ends well");
        }
        if is_copied {
            backups.push(Backup { folder: to, before, erased: erased.clone() });
        }
        erased.extend(eraser.await.expect("who erases ends well"));
        owner = owner.at(running.address);
        let acknowledged = promised.lock().await.acknowledged.len();
        println!(
            "round {round}: {acknowledged} acknowledged, {} erased, {} copied",
            erased.len(),
            backups.len()
        );
    }
    drained(&running).await;
    let reported = owner.post_json(&format!("/api/watchfire/sites/{site}/reports"), &question()).await;
    assert!(running.terminate(STOP_MAX).await, "SIGTERM drains");
    let exported = exported(&data, site).await;
    let promised = promised.lock().await;
    assert!(promised.acknowledged.len() > 100, "the load was no load: {}", promised.acknowledged.len());
    exported.has(&promised.acknowledged, &erased);
    let sent: HashSet<u64> = promised.sent.iter().map(|id| short_id(*id)).collect();
    let unknown = exported.times.keys().filter(|id| !sent.contains(id)).count();
    assert!(unknown <= (DOOMED - erased.len()) * DAYS as usize, "{unknown} rows that nobody sent");
    assert_eq!(reported.json()["totals"], exported.totals());
    assert_eq!(reported_by_command(&data, site).await["totals"], exported.totals());
    assert!(folds(&data, site).await > ROUNDS as u64, "folds were under way");
    assert!(!erased.is_empty() && !backups.is_empty(), "nobody was erased, or nothing copied");
    rng.shuffle(&mut backups);
    for (number, backup) in backups.iter().take(RESTORED_MAX).enumerate() {
        restored_holds(backup, &folder.path().join(format!("restored-{number}")), site).await;
    }
}

/// Visitors with a page on each of several days, and nothing else; their ids.
async fn send_doomed(running: &Program, owner: &Person, site: SiteId) -> Vec<String> {
    let clock = Arc::new(SystemClock);
    for number in 0..DOOMED {
        let address = format!("203.0.113.{}", number + 1);
        let mut tag =
            Tag::new(Person::new(running.address), clock.clone(), site, &address, 1_000 + number as u64);
        let pages = (0..DAYS).rev().map(|day| {
            let mut page = tag.pageview_of("/doomed", 60_000);
            page["at"] = json!(page["at"].as_i64().expect("a moment") - (day * DAY_MS) as i64);
            page
        });
        let pages = pages.collect();
        tag.deliver(pages).await;
    }
    let cookie = owner.cookie_header().expect("signed in");
    let headers = [("cookie", cookie), ("origin", format!("http://{}", running.address))];
    within(PATIENCE, "all who will be erased are present", || async {
        let mut push = Push::connect(running.address, "", &headers).await.ok()?;
        push.subscribe(&format!("site/{site}/visitors"), json!({})).await.ok()?;
        let visitors = push.data["visitors"].as_array()?;
        let id = |visitor: &Value| Some(visitor["key"].as_str()?.split('-').next()?.to_owned());
        let ids: HashSet<String> = visitors.iter().filter_map(id).collect();
        (ids.len() == DOOMED).then(|| ids.into_iter().collect())
    })
    .await
}

/// Until the server is gone.
async fn send_until_refused(
    promised: Arc<Mutex<Promised>>,
    person: Person,
    site: SiteId,
    sender: u64,
    mut rng: Rng,
) {
    let clock = Arc::new(SystemClock);
    loop {
        let address = format!("198.51.{sender}.{}", rng.u8(1..250));
        let nowhere = Person::new("127.0.0.1:1".parse().expect("an address"));
        let tag = Tag::new(nowhere, clock.clone(), site, &address, rng.u64(1..50));
        let (ids, hits): (Vec<HitId>, Vec<Value>) =
            (0..rng.usize(1..6)).map(|_| some_hit(&tag, &mut rng)).unzip();
        let body = Bytes::from(tag.request(hits).to_string());
        promised.lock().await.sent.extend(&ids);
        for _ in 0..if rng.f64() < 0.1 { 2 } else { 1 } {
            let headers = [("x-forwarded-for", address.as_str()), ("user-agent", tag.agent.as_str())];
            match person.try_send(Method::POST, "/v1/hits", &headers, body.clone()).await {
                Ok(answer) if answer.status == 202 => promised.lock().await.acknowledged.extend(&ids),
                Ok(answer) => assert!(matches!(answer.status.as_u16(), 429 | 503), "{}", answer.text()),
                Err(_) => return,
            }
        }
    }
}

fn some_hit(tag: &Tag, rng: &mut Rng) -> (HitId, Value) {
    let id = fresh_id();
    let mut hit = match rng.bool() {
        true => tag.hit("event", json!({ "name": "click" })),
        false => tag.hit("pageview", json!({ "due": 60_000 })),
    };
    if rng.u8(0..5) == 0 {
        hit["at"] = json!(hit["at"].as_i64().expect("a moment") - rng.i64(0..(DAYS * DAY_MS) as i64));
    }
    hit["id"] = json!(id);
    (id, hit)
}

/// The visitor, where the server said that nothing of it is left.
async fn erase(owner: Person, site: SiteId, visitor: Option<String>) -> Option<String> {
    let visitor = visitor?;
    let path = format!("/api/watchfire/sites/{site}/visitors/{visitor}/erase");
    let headers = [("content-type", "application/json")];
    loop {
        let answer = owner.try_send(Method::POST, &path, &headers, Bytes::from_static(b"{}")).await.ok()?;
        match answer.status.as_u16() {
            200 => return Some(visitor),
            // Folds came in between; it says so, and may be asked again.
            503 => tokio::time::sleep(Duration::from_millis(20)).await,
            _ => panic!("{}", answer.text()),
        }
    }
}

async fn drained(running: &Program) {
    within(PATIENCE, "what was on its way is processed", || async {
        (running.metric("watchfire_bus_depth_messages").await == Some(0.0)).then_some(())
    })
    .await;
}

fn backup(data: &Path, to: &Path) -> Command {
    let mut command = Command::new(Program::binary());
    command
        .arg("backup")
        .arg("--data")
        .arg(data)
        .arg("--to")
        .arg(to)
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

fn question() -> Value {
    let metrics = ["visitors", "visits", "pageviews", "events"];
    json!({ "kind": "breakdown", "range": "all", "metrics": metrics, "bots": "with" })
}

async fn said(command: &mut Command) -> String {
    let output = command.kill_on_drop(true).output().await.expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it speaks in text")
}

async fn reported_by_command(data: &Path, site: SiteId) -> Value {
    let mut command = Command::new(Program::binary());
    command.args([
        "report",
        "--site",
        &site.to_string(),
        "--range",
        "all",
        "--bots",
        "with",
        "--format",
        "json",
    ]);
    command.args(["--metrics", "visitors,visits,pageviews,events", "--store"]);
    command.arg(format!("embedded:{}", data.display()));
    serde_json::from_str(&said(&mut command).await).expect("it is JSON")
}

/// How many folds there were.
async fn folds(data: &Path, site: SiteId) -> u64 {
    let store = store::Embedded::open(data).expect("the store opens");
    let shelf = store.history.shelf(site).await.expect("the shelf");
    store.close().await;
    shelf.fold
}

async fn exported(data: &Path, site: SiteId) -> Exported {
    let mut command = Command::new(Program::binary());
    command.args(["export", "--site", &site.to_string(), "--format", "jsonl", "--data"]).arg(data);
    let mut exported = Exported::default();
    for line in said(&mut command).await.lines() {
        let row: Value = serde_json::from_str(line).expect("a line is JSON");
        let text = |name: &str| row[name].as_str().expect("a text").to_owned();
        exported.visitors.insert(text("visitor"));
        exported.visits.insert((text("day"), row["visit"].as_u64().expect("a number")));
        match row["kind"].as_str() {
            Some("pageview") => exported.pageviews += 1,
            Some("event") => exported.events += 1,
            kind => panic!("nobody sent a row of kind {kind:?}"),
        }
        let id = u64::from_str_radix(&text("id"), 16).expect("an id");
        *exported.times.entry(id).or_default() += 1;
    }
    exported
}

impl Exported {
    /// Every one of `acknowledged`, and nothing twice; nothing of who was erased.
    fn has(&self, acknowledged: &HashSet<HitId>, erased: &[String]) {
        let lost = acknowledged.iter().filter(|id| !self.times.contains_key(&short_id(**id))).count();
        assert_eq!(lost, 0, "acknowledged and lost, of {}", acknowledged.len());
        let twice = self.times.values().filter(|times| **times > 1).count();
        assert_eq!(twice, 0, "there twice, of {}", self.times.len());
        let back: Vec<_> = erased.iter().filter(|visitor| self.visitors.contains(*visitor)).collect();
        assert!(back.is_empty(), "erased and there again: {back:?}");
    }

    fn totals(&self) -> Value {
        let (visitors, visits) = (self.visitors.len(), self.visits.len());
        json!({ "visitors": visitors, "visits": visits, "pageviews": self.pageviews, "events": self.events })
    }
}

async fn restored_holds(backup: &Backup, data: &Path, site: SiteId) {
    let mut command = Command::new(Program::binary());
    said(command.arg("restore").arg("--from").arg(&backup.folder).arg("--data").arg(data)).await;
    let running = Program::start(data, &FOLDING).await;
    drained(&running).await;
    assert!(running.terminate(STOP_MAX).await, "SIGTERM drains");
    exported(data, site).await.has(&backup.before, &backup.erased);
}
