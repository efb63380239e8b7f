//! The same services as a cluster: several processes of each over real RabbitMQ, Redis and MongoDB, one process or server
//! killed after the other under load.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use hyper::Method;
use model::{HitId, SiteId, SystemClock};
use serde_json::{Value, json};
use servers::mongodb::Mongodb;
use servers::rabbitmq::RabbitMq;
use servers::redis::Redis;
use store::mongodb::MongoStore;
use tempfile::TempDir;
use tokio::sync::Mutex;
use world::tag::fresh_id;
use world::{Person, Program, Proxy, Push, Tag, Upstreams, within};

use crate::crash::set_up;

const SENDERS: u64 = 4;
/// After the last kill everything is right again within this, on a busy machine too.
const CALM_MAX: Duration = Duration::from_secs(60);
/// Of each, one after the other.
const ROUNDS: usize = 2;

/// The servers, and what processes are told of them.
struct Ground {
    rabbitmq: RabbitMq,
    redis: Redis,
    mongodb: Mongodb,
    folder: TempDir,
    flags: Vec<String>,
}

impl Ground {
    fn start() -> Ground {
        let rabbitmq = RabbitMq::start().expect("RabbitMQ starts");
        let redis = Redis::start().expect("Redis starts");
        let mongodb = Mongodb::start().expect("the MongoDB of tests starts");
        let named =
            [("--bus", rabbitmq.url()), ("--live", redis.uri()), ("--store", mongodb.uri("watchfire"))];
        let mut flags: Vec<String> =
            named.into_iter().flat_map(|(flag, uri)| [flag.to_owned(), uri]).collect();
        flags.extend(["--shards", "4", "--visitor-rate", "100000"].map(str::to_owned));
        let folder = tempfile::tempdir().expect("a folder of our own");
        Ground { rabbitmq, redis, mongodb, folder, flags }
    }

    /// One more process that runs one service. `name` is its folder.
    async fn program(&self, service: &str, name: &str) -> Program {
        let mut flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        flags.extend(["--services", service]);
        Program::start(&self.folder.path().join(name), &flags).await
    }
}

/// What the senders know.
#[derive(Default)]
struct Promised {
    acknowledged: HashSet<HitId>,
    addresses: HashSet<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_keeps_what_it_acknowledged_while_processes_and_servers_are_killed() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let mut ground = tokio::task::spawn_blocking(Ground::start).await.expect("the servers start");
    let web = [ground.program("web", "web-0").await, ground.program("web", "web-1").await];
    let realtime = [ground.program("realtime", "hub-0").await, ground.program("realtime", "hub-1").await];
    let mut collectors = vec![
        ground.program("collector", "collector-0").await,
        ground.program("collector", "collector-1").await,
    ];
    let mut processors = Vec::new();
    for number in 0..3 {
        processors.push(ground.program("processor", &format!("processor-{number}")).await);
    }
    let addresses = |programs: &[Program]| programs.iter().map(|program| program.address).collect::<Vec<_>>();
    let upstreams = Upstreams {
        collectors: addresses(&collectors),
        realtimes: addresses(&realtime),
        webs: addresses(&web),
    };
    let proxy = Proxy::start(upstreams.clone()).await;
    let owner = Person::new(proxy.address);
    // Each offers to set up; what the last one printed holds.
    let site = set_up(&web[1], &owner).await;

    let stop = Arc::new(AtomicBool::new(false));
    let promised = Arc::new(Mutex::new(Promised::default()));
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let (stop, promised, rng) = (stop.clone(), promised.clone(), Rng::with_seed(rng.u64(..)));
            tokio::spawn(send_until(stop, promised, upstreams.collectors.clone(), site, sender, rng))
        })
        .collect();
    let moment = async |rng: &mut Rng| tokio::time::sleep(Duration::from_millis(rng.u64(300..900))).await;
    for round in 0..ROUNDS {
        moment(&mut rng).await;
        let victim = rng.usize(0..processors.len());
        processors.remove(victim).kill().await;
        moment(&mut rng).await;
        processors.push(ground.program("processor", &format!("processor-again-{round}")).await);
        moment(&mut rng).await;
        ground.redis.kill();
        moment(&mut rng).await;
        ground.redis.restart().expect("Redis starts again");
        moment(&mut rng).await;
        ground.mongodb.kill();
        moment(&mut rng).await;
        ground.mongodb.restart().expect("the MongoDB of tests starts again");
        println!("round {round}: {} acknowledged", promised.lock().await.acknowledged.len());
    }
    // The broker goes while a collector takes hits: it spools, and is killed with what it spooled.
    ground.rabbitmq.kill();
    moment(&mut rng).await;
    collectors.remove(0).kill().await;
    ground = tokio::task::spawn_blocking(move || {
        ground.rabbitmq.restart().expect("RabbitMQ starts again");
        ground
    })
    .await
    .expect("RabbitMQ starts again");
    collectors.push(ground.program("collector", "collector-0").await);
    moment(&mut rng).await;
    stop.store(true, Ordering::SeqCst);
    for sender in senders {
        sender.await.expect("a sender ends well");
    }

    let promised = promised.lock().await;
    assert!(promised.acknowledged.len() > 100, "the load was no load: {}", promised.acknowledged.len());
    let store = MongoStore::open(&ground.mongodb.uri("watchfire")).await.expect("the store opens");
    within(CALM_MAX, "every acknowledged hit is in history", || async {
        let recount = watchfire::tail::recount(store.history.as_ref(), site).await.ok()?;
        let stored: HashSet<HitId> = recount.ids().collect();
        promised.acknowledged.is_subset(&stored).then_some(())
    })
    .await;
    every_dashboard_shows_the_same(&owner, &realtime, site, promised.addresses.len()).await;
    store.close().await;
    for program in web.into_iter().chain(realtime).chain(collectors).chain(processors) {
        assert!(program.terminate(Duration::from_secs(10)).await, "SIGTERM drains within 10 s");
    }
}

/// Sends as the tag does: the same body again, to any collector, until it is acknowledged.
async fn send_until(
    stop: Arc<AtomicBool>,
    promised: Arc<Mutex<Promised>>,
    collectors: Vec<std::net::SocketAddr>,
    site: SiteId,
    sender: u64,
    mut rng: Rng,
) {
    let clock = Arc::new(SystemClock);
    while !stop.load(Ordering::SeqCst) {
        let address = format!("198.51.{sender}.{}", rng.u8(1..250));
        let collector = Person::new(collectors[rng.usize(0..collectors.len())]);
        let tag = Tag::new(collector, clock.clone(), site, &address, rng.u64(1..20));
        let hits: Vec<Value> = (0..rng.usize(1..6))
            .map(|_| {
                let mut hit = tag.hit("pageview", json!({ "due": 60_000 }));
                hit["id"] = json!(fresh_id());
                hit
            })
            .collect();
        let ids = hits.iter().filter_map(|hit| hit["id"].as_str()?.parse().ok()).collect::<Vec<HitId>>();
        let body = Bytes::from(tag.request(hits).to_string());
        let headers = [("x-forwarded-for", address.as_str()), ("user-agent", tag.agent.as_str())];
        for _ in 0..100 {
            let person = Person::new(collectors[rng.usize(0..collectors.len())]);
            let answer = person.try_send(Method::POST, "/v1/hits", &headers, body.clone()).await;
            if answer.is_ok_and(|answer| answer.status == 202) {
                let mut promised = promised.lock().await;
                promised.acknowledged.extend(&ids);
                promised.addresses.insert(address);
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            if stop.load(Ordering::SeqCst) {
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The counters that each hub tells are a recount of the visitors it tells, and the same in all.
async fn every_dashboard_shows_the_same(owner: &Person, hubs: &[Program], site: SiteId, visitors_min: usize) {
    let cookie = owner.cookie_header().expect("signed in");
    within(CALM_MAX, "every dashboard shows the same visitors", || async {
        let mut shown = HashSet::new();
        for hub in hubs {
            let headers = [("cookie", cookie.clone()), ("origin", format!("http://{}", hub.address))];
            let mut live = Push::connect(hub.address, "", &headers).await.ok()?;
            let mut visitors = Push::connect(hub.address, "", &headers).await.ok()?;
            live.subscribe(&format!("site/{site}/live"), json!({})).await.ok()?;
            visitors.subscribe(&format!("site/{site}/visitors"), json!({})).await.ok()?;
            let listed = visitors.data["visitors"].as_array()?.len();
            (live.data["present"] == listed && listed >= visitors_min).then_some(())?;
            shown.insert(listed);
        }
        (shown.len() == 1).then_some(())
    })
    .await;
}
