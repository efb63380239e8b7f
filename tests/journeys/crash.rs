//! `kill -9` at random moments under load: what was acknowledged is in the tail, each once, and live agrees.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use hyper::Method;
use model::{HitId, SiteId, SystemClock};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use world::tag::fresh_id;
use world::{Person, Program, Push, Tag, eventually};

const KILLS: usize = 20;
const SENDERS: u64 = 8;

/// What the senders know: which hits the server promised to keep, and which visitors are still here.
#[derive(Default)]
struct Promised {
    acknowledged: HashSet<HitId>,
    sent: HashSet<HitId>,
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
    let site = set_up(&program, &owner).await;
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
    live_equals_recount(&running, &owner, site).await;
    assert!(running.terminate(Duration::from_secs(10)).await, "SIGTERM drains within 10 s");

    let stored = stored_ids(folder.path(), site).await;
    let promised = promised.lock().await;
    let once: HashSet<HitId> = stored.iter().copied().collect();
    assert_eq!(once.len(), stored.len(), "a hit stands in the recount twice");
    let lost: Vec<_> = promised.acknowledged.difference(&once).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {} of {}", lost.len(), promised.acknowledged.len());
    assert!(once.is_subset(&promised.sent), "stored and never sent");
    assert!(promised.acknowledged.len() > 100, "the load was no load: {}", promised.acknowledged.len());
}

async fn set_up(program: &Program, owner: &Person) -> SiteId {
    let path = program.set_up_path.clone().expect("a first run prints its set-up address");
    let fields =
        [("name", "Olive"), ("email", "olive@watchfire.example"), ("password", "correct horse battery")];
    assert_eq!(owner.post(&path, &fields).await.status, 303);
    let fields = [("name", "Shop"), ("hostnames", "shop.example"), ("time_zone", "UTC")];
    let location = owner.post("/sites/new", &fields).await.location();
    location.split('/').nth(2).unwrap_or_default().parse().expect("a site id in the address")
}

/// Sends as the tag does: the same body again until it is acknowledged, over kills too.
async fn send_until(
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
        let tag = Tag::new(
            Person::new("127.0.0.1:1".parse().expect("an address")),
            clock.clone(),
            site,
            &address,
            rng.u64(1..50),
        );
        let (ids, hits): (Vec<HitId>, Vec<Value>) =
            (0..rng.usize(1..6)).map(|_| some_hit(&tag, &mut rng)).unzip();
        let body = Bytes::from(tag.request(hits).to_string());
        promised.lock().await.sent.extend(&ids);
        // Twice at times, as a retry whose first answer was lost.
        for _ in 0..if rng.f64() < 0.1 { 2 } else { 1 } {
            let headers = [("x-forwarded-for", address.as_str()), ("user-agent", tag.agent.as_str())];
            let Ok(answer) = person.try_send(Method::POST, "/v1/hits", &headers, body.clone()).await else {
                return;
            };
            assert!(matches!(answer.status.as_u16(), 202 | 429 | 503), "{}", answer.text());
            if answer.status == 202 {
                promised.lock().await.acknowledged.extend(&ids);
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

/// The counters pushed to a dashboard equal a count of the visitors pushed to it.
async fn live_equals_recount(program: &Program, owner: &Person, site: SiteId) {
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
        let by_source = list.iter().filter(|visitor| visitor["source"] == "Direct").count();
        (live.data["present"] == list.len()
            && live.data["active"] == active
            && live.data["rows"]["source"]["Direct"].as_u64().unwrap_or_default() == by_source as u64
            && visitors.data["total"] == list.len())
        .then_some(())
    })
    .await;
}

async fn stored_ids(data: &std::path::Path, site: SiteId) -> Vec<HitId> {
    let output = tokio::process::Command::new(Program::binary())
        .args(["tail", "--site", &site.to_string(), "--ids", "--data"])
        .arg(data)
        .output()
        .await
        .expect("the program prints the tail");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("ids are text");
    text.lines().map(|line| line.parse().expect("a hit id a line")).collect()
}
