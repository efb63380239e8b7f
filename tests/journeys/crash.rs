//! `kill -9` at random moments under load: what was acknowledged is in the tail, each once, and live agrees.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bus::embedded::EmbeddedBus;
use bytes::Bytes;
use fastrand::Rng;
use hyper::Method;
use model::{HitId, SiteId, SystemClock};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use world::tag::fresh_id;
use world::{Person, Program, Push, Tag, eventually};

const KILLS: usize = 20;
/// Runs that come behind the last, to work off what it left on the bus.
const DRAINS_MAX: usize = 5;
/// More than any run has.
const SHARDS_MAX: u16 = 64;
const SENDERS: u64 = 8;

/// What the senders know.
#[derive(Default)]
pub struct Promised {
    /// Hits that the server promised to keep.
    pub acknowledged: HashSet<HitId>,
    sent: HashSet<HitId>,
    /// Addresses (each one visitor) from which a page was opened that the server promised to keep, and when last.
    opened: HashMap<String, Instant>,
    /// Addresses from which anything was sent: what was not acknowledged may be kept all the same.
    tried: HashSet<String>,
    /// Hits whose request was sent again, as after a lost answer.
    sent_again: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_twenty_times_under_load_nothing_acknowledged_is_lost_or_doubled_and_live_equals_the_recount()
{
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &[]).await;
    let owner = Person::new(program.address);
    let site = set_up(program.set_up_path.as_deref(), &owner).await;
    let promised = Arc::new(Mutex::new(Promised::default()));

    let mut program = Some(program);
    let mut owner = owner;
    for round in 0..KILLS {
        let running = program.take().expect("the program runs");
        let stop = Arc::new(AtomicBool::new(false));
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let person = Person::new(running.address);
                let rng = Rng::with_seed(rng.u64(..));
                tokio::spawn(send_until(stop.clone(), promised.clone(), person, site, sender, rng))
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(rng.u64(30..600))).await;
        running.kill().await;
        stop.store(true, Ordering::SeqCst);
        for sender in senders {
            sender.await.expect("a sender ends well");
        }
        let again = Program::start(folder.path(), &[]).await;
        owner = owner.at(again.address);
        program = Some(again);
        println!("round {round}: {} acknowledged", promised.lock().await.acknowledged.len());
    }

    let running = program.expect("the program runs");
    live_equals_recount(&running, &owner, site, &*promised.lock().await).await;
    assert!(running.terminate(Duration::from_secs(10)).await, "SIGTERM drains within 10 s");
    // On a machine that is busy a message may take longer to come than a drain waits in silence. It stays on the bus, for the next run.
    for _ in 0..DRAINS_MAX {
        if left_on_bus(folder.path()) == 0 {
            break;
        }
        let again = Program::start(folder.path(), &[]).await;
        assert!(again.terminate(Duration::from_secs(10)).await, "SIGTERM drains within 10 s");
    }
    assert_eq!(left_on_bus(folder.path()), 0, "messages stay on the bus");

    let promised = promised.lock().await;
    let once = stored_ids(folder.path(), site).await;
    let duplicates = told_by_tail(folder.path(), site).await["duplicates"].as_u64();
    // A beat or a leave that came twice may stand in the tail twice; whoever counts, counts it once.
    let duplicates = duplicates.expect("the recount tells its duplicates");
    assert!(
        duplicates <= promised.sent_again as u64,
        "{duplicates} doubled, {} sent again",
        promised.sent_again
    );
    let lost: Vec<_> = promised.acknowledged.difference(&once).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {} of {}", lost.len(), promised.acknowledged.len());
    assert!(once.is_subset(&promised.sent), "stored and never sent");
    assert!(promised.acknowledged.len() > 100, "the load was no load: {}", promised.acknowledged.len());
}

fn left_on_bus(data: &Path) -> u64 {
    let left = EmbeddedBus::left(&data.join("bus"), SHARDS_MAX).expect("nobody has the bus");
    if left.waiting > 0 {
        println!("{} messages are left on the bus", left.waiting);
    }
    left.waiting
}

pub async fn set_up(path: Option<&str>, owner: &Person) -> SiteId {
    let path = path.expect("a first run prints its set-up address");
    let fields =
        [("name", "Olive"), ("email", "olive@watchfire.example"), ("password", "correct horse battery")];
    assert_eq!(owner.post(path, &fields).await.status, 303);
    let fields = [("name", "Shop"), ("hostnames", "shop.example"), ("time_zone", "UTC")];
    let location = owner.post("/sites/new", &fields).await.location();
    location.split('/').nth(2).unwrap_or_default().parse().expect("a site id in the address")
}

/// Sends as the tag does: the same body again until it is acknowledged, over kills too.
pub async fn send_until(
    stop: Arc<AtomicBool>,
    promised: Arc<Mutex<Promised>>,
    person: Person,
    site: SiteId,
    sender: u64,
    mut rng: Rng,
) {
    let clock = Arc::new(SystemClock);
    while !stop.load(Ordering::SeqCst) {
        let address = format!("198.51.{sender}.{}", rng.u8(1..250));
        let nowhere = Person::new("127.0.0.1:1".parse().expect("an address"));
        let tag = Tag::new(nowhere, clock.clone(), site, &address, rng.u64(1..50));
        let (ids, hits): (Vec<HitId>, Vec<Value>) =
            (0..rng.usize(1..6)).map(|_| some_hit(&tag, &mut rng)).unzip();
        let opens = hits.iter().any(|hit| hit["kind"] == "pageview");
        let body = Bytes::from(tag.request(hits).to_string());
        let mut trying = promised.lock().await;
        trying.sent.extend(&ids);
        trying.tried.insert(address.clone());
        drop(trying);
        // Twice at times, as a retry whose first answer was lost.
        for turn in 0..if rng.f64() < 0.1 { 2 } else { 1 } {
            promised.lock().await.sent_again += if turn > 0 { ids.len() } else { 0 };
            let headers = [("x-forwarded-for", address.as_str()), ("user-agent", tag.agent.as_str())];
            let Ok(answer) = person.try_send(Method::POST, "/v1/hits", &headers, body.clone()).await else {
                return;
            };
            assert!(matches!(answer.status.as_u16(), 202 | 429 | 503), "{}", answer.text());
            if answer.status == 202 {
                let mut promised = promised.lock().await;
                promised.acknowledged.extend(&ids);
                if opens {
                    promised.opened.insert(address.clone(), Instant::now());
                }
            }
        }
    }
}

fn some_hit(tag: &Tag, rng: &mut Rng) -> (HitId, Value) {
    let id = fresh_id();
    let page = format!("https://shop.example/{}", rng.u8(0..20));
    let (kind, more) = match rng.u8(0..4) {
        0 => ("event", json!({ "name": "click" })),
        1 => ("leave", json!({ "pageview": fresh_id(), "engaged": 5, "scroll": 3 })),
        _ => ("pageview", json!({ "due": 60_000 })),
    };
    let mut hit = tag.hit(kind, more);
    hit["id"] = json!(id);
    hit["url"] = json!(page);
    (id, hit)
}

/// The counters pushed to a dashboard equal a count of the visitors pushed to it, and those are who opened pages within
/// the two minutes that such a page lives, and perhaps others who sent something. (Presence that was rebuilt knows a
/// visitor's browsers as one until they beat, so it is visitors that are counted.)
async fn live_equals_recount(program: &Program, owner: &Person, site: SiteId, promised: &Promised) {
    let page_lives = Duration::from_secs(2 * 60);
    let surely = promised.opened.values().filter(|opened| opened.elapsed() < page_lives).count();
    let perhaps = promised.tried.len();
    assert!(surely > 100, "hardly anybody was here: {surely}");
    let headers = [
        ("cookie", owner.cookie_header().expect("signed in")),
        ("origin", format!("http://{}", program.address)),
    ];
    eventually("counters equal the recount of the visitors", || async {
        let mut live = Push::connect(program.address, "", &headers).await.ok()?;
        let mut visitors = Push::connect(program.address, "", &headers).await.ok()?;
        live.subscribe(&format!("site/{site}/live"), json!({})).await.ok()?;
        visitors.subscribe(&format!("site/{site}/visitors"), json!({})).await.ok()?;
        let list = visitors.data["visitors"].as_array().cloned().unwrap_or_default();
        let active = list.iter().filter(|visitor| visitor["active"] == true).count();
        let key = |visitor: &Value| Some(visitor["key"].as_str()?.split('-').next()?.to_owned());
        let people =
            list.iter().map(|visitor| key(visitor).expect("a visitor has a key")).collect::<HashSet<_>>();
        assert!(people.len() <= perhaps, "{} present of {perhaps} that sent anything", people.len());
        let by_source = list.iter().filter(|visitor| visitor["source"] == "Direct").count();
        (live.data["present"] == list.len()
            && live.data["active"] == active
            && live.data["rows"]["source"]["Direct"].as_u64().unwrap_or_default() == by_source as u64
            && visitors.data["total"] == list.len()
            && people.len() >= surely)
            .then_some(())
    })
    .await;
}

pub async fn stored_ids(data: &Path, site: SiteId) -> HashSet<HitId> {
    let text = tail(data, site, "--ids").await;
    text.lines().map(|line| line.parse().expect("a hit id a line")).collect()
}

async fn told_by_tail(data: &Path, site: SiteId) -> Value {
    serde_json::from_str(&tail(data, site, "--json").await).expect("totals are JSON")
}

async fn tail(data: &Path, site: SiteId, form: &str) -> String {
    let output = tokio::process::Command::new(Program::binary())
        .args(["tail", "--site", &site.to_string(), form, "--data"])
        .arg(data)
        .output()
        .await
        .expect("the program prints the tail");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("the tail is told in text")
}
