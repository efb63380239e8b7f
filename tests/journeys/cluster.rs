//! The same services as a cluster: several processes of each over real RabbitMQ, Redis and MongoDB, one process or server
//! killed after the other under load.

use std::collections::HashSet;
use std::time::Duration;

use fastrand::Rng;
use model::{HitId, SiteId};
use serde_json::json;
use store::mongodb::MongoStore;
use world::{Ground, Person, Program, Push, within};

use crate::crash::set_up;
use crate::load::Load;

/// After the last kill everything is right again within this, on a busy machine too.
const CALM_MAX: Duration = Duration::from_secs(60);
/// Of each, one after the other.
const ROUNDS: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_keeps_what_it_acknowledged_while_processes_and_servers_are_killed() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let mut ground = Ground::start(4).await;
    let mut cluster = ground.cluster(3).await;
    let owner = Person::new(cluster.proxy().address);
    let site = set_up(cluster.set_up_path(), &owner).await;

    let load = Load::start(cluster.upstreams().collectors, site, &mut rng);
    let moment = async |rng: &mut Rng| tokio::time::sleep(Duration::from_millis(rng.u64(300..900))).await;
    for round in 0..ROUNDS {
        moment(&mut rng).await;
        let victim = rng.usize(0..cluster.processors.len());
        cluster.processors.remove(victim).kill().await;
        moment(&mut rng).await;
        cluster.processors.push(ground.program("processor", &format!("processor-again-{round}")).await);
        moment(&mut rng).await;
        ground.redis.kill();
        moment(&mut rng).await;
        ground.redis.restart().expect("Redis starts again");
        moment(&mut rng).await;
        ground.mongodb.kill();
        moment(&mut rng).await;
        ground.mongodb.restart().expect("the MongoDB of tests starts again");
        println!("round {round}: {} acknowledged", load.acknowledged().await);
    }
    // The broker goes while a collector takes hits: it spools, and is killed with what it spooled.
    ground.rabbitmq.kill();
    moment(&mut rng).await;
    let killed = cluster.collectors.remove(0);
    let (again, ground) = tokio::join!(killed.replaced(), ground.restart_rabbitmq());
    cluster.collectors.push(again);
    moment(&mut rng).await;
    let promised = load.stop().await;

    assert!(promised.acknowledged.len() > 100, "the load was no load: {}", promised.acknowledged.len());
    let store = MongoStore::open(&ground.mongodb.uri("watchfire")).await.expect("the store opens");
    within(CALM_MAX, "every acknowledged hit is in history", || async {
        let recount = watchfire::tail::recount(store.history.as_ref(), site).await.ok()?;
        let stored: HashSet<HitId> = recount.ids().collect();
        promised.acknowledged.is_subset(&stored).then_some(())
    })
    .await;
    every_dashboard_shows_the_same(&owner, &cluster.realtimes, site, promised.addresses.len()).await;
    store.close().await;
    cluster.terminate().await;
}

/// The counters that each hub tells are a recount of the visitors it tells, and the same in all.
pub async fn every_dashboard_shows_the_same(
    owner: &Person,
    hubs: &[Program],
    site: SiteId,
    visitors_min: usize,
) {
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
