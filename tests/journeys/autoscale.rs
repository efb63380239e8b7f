//! The autoscaler over a real cluster: load rises, processors start and shards move; load falls, they drain and end; no hit is
//! lost, and none counts twice.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use model::{SiteId, SystemClock};
use serde_json::Value;
use store::mongodb::MongoStore;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use world::{Ground, Person, Program, Tag, within};

use crate::cluster::every_dashboard_shows_the_same;
use crate::crash::set_up;
use crate::load::Load;
use crate::sharing::each_is_in_history;

const SHARDS: u16 = 6;
/// What came counts for three minutes, so that it takes as long until a load is over; and debug builds are slow.
const CALM_MAX: Duration = Duration::from_secs(240);
const MOST: usize = 3;
/// Who reads one page from before the load until the end: the load's visitors are gone when it was over long enough.
const READERS: u8 = 24;
const BEAT_EVERY: Duration = Duration::from_secs(20);

/// Decisions hang on how busy the machine is, so it is run alone, by name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it watches how busy processors are"]
async fn load_rises_and_processors_start_load_falls_and_they_drain_and_no_hit_is_lost() {
    let ground = Ground::start(SHARDS).await;
    let cluster = ground.cluster(0).await;
    let owner = Person::new(cluster.proxy().address);
    let site = set_up(cluster.set_up_path(), &owner).await;
    let store = MongoStore::open(&ground.mongodb.uri("watchfire")).await.expect("the store opens");
    let folder = tempfile::tempdir().expect("a folder of our own");
    let watched: Vec<SocketAddr> = cluster.collectors.iter().map(|program| program.metrics).collect();
    let mut autoscaler = started(folder.path(), &watched, &ground);

    let fleet = until(folder.path(), "the least serves", |serving| serving.len() == 1).await;
    shards_are_even(&fleet).await;
    let (stop, stopped) = oneshot::channel();
    let readers = tokio::spawn(read_until(stopped, cluster.proxy().address, site));
    let load = Load::start(vec![cluster.proxy().address], site, &mut Rng::new());
    let fleet = until(folder.path(), "all that may be serve", |serving| serving.len() == MOST).await;
    shards_are_even(&fleet).await;
    let promised = load.stop().await;
    let fleet = until(folder.path(), "the least is left", |serving| serving.len() == 1).await;
    shards_are_even(&fleet).await;

    assert!(promised.refused.is_empty(), "{:?}", promised.refused);
    assert_eq!(each_is_in_history(&store, site, &promised).await, 0, "duplicates");
    every_dashboard_shows_the_same(&owner, &cluster.realtimes, site, READERS.into()).await;
    stop.send(()).expect("the readers read");
    readers.await.expect("each sign of life of a reader is taken");
    each_decision_has_its_reason(folder.path());
    ends_with_its_processors(&mut autoscaler, &fleet).await;
    store.close().await;
    cluster.terminate().await;
}

/// Readers of one page each, whose tags say every 20 seconds that they are there.
async fn read_until(mut stopped: oneshot::Receiver<()>, door: SocketAddr, site: SiteId) {
    let due = u64::try_from(model::limits::DUE_MAX.as_millis()).expect("a minute");
    let mut tags: Vec<Tag> = (1..=READERS)
        .map(|reader| {
            let address = format!("192.0.2.{reader}");
            Tag::new(Person::new(door), Arc::new(SystemClock), site, &address, reader.into())
        })
        .collect();
    for tag in &mut tags {
        let pageview = tag.pageview_of("/long", due);
        tag.deliver(vec![pageview]).await;
    }
    while tokio::time::timeout(BEAT_EVERY, &mut stopped).await.is_err() {
        for tag in &tags {
            tag.beat(1_000, true, due).await;
        }
    }
}

/// One of a kind of the load's; the machine is anybody's.
fn started(folder: &Path, watched: &[SocketAddr], ground: &Ground) -> Child {
    let watched: Vec<String> = watched.iter().map(SocketAddr::to_string).collect();
    let scale = "--least 1 --most 3 --capacity 20 --boot 2 --quiet 5 --every 1 --late 60";
    Command::new(Program::binary())
        .args(["autoscale", "--provider", "local", "--watch", &watched.join(","), "--data"])
        .arg(folder)
        .args(scale.split(' '))
        .arg("--")
        .args(ground.flags())
        .args(["--log", "warn"])
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the autoscaler starts")
}

/// What was decided so far.
fn decisions(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("autoscale.jsonl")).unwrap_or_default();
    // The last line may be under way.
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Waits until this is so of the processors that serve, no other being there; their metrics' doors.
async fn until(folder: &Path, what: &str, is_so: impl Fn(&[SocketAddr]) -> bool) -> Vec<SocketAddr> {
    within(CALM_MAX, what, || async {
        let last = decisions(folder).pop()?;
        let fleet = last["fleet"].as_array()?;
        let all_serve = fleet.iter().all(|one| one["stage"] == "serving");
        let doors: Vec<SocketAddr> = fleet.iter().filter_map(|one| door(one["id"].as_str()?)).collect();
        (all_serve && is_so(&doors)).then_some(doors)
    })
    .await
}

fn door(id: &str) -> Option<SocketAddr> {
    let port = id.strip_prefix("processor-")?.parse().ok()?;
    Some(SocketAddr::from(([127, 0, 0, 1], port)))
}

async fn shards_are_even(doors: &[SocketAddr]) {
    let part = usize::from(SHARDS) / doors.len();
    within(CALM_MAX, "shards are shared evenly", || async {
        for door in doors {
            let text = Person::new(*door).get("/metrics").await.text();
            text.lines().any(|line| line == format!("watchfire_processor_shards {part}")).then_some(())?;
        }
        Some(())
    })
    .await;
}

fn each_decision_has_its_reason(folder: &Path) {
    let decisions = decisions(folder);
    let of = |act: &str| {
        let told = decisions.iter().filter(|one| one["act"].get(act).is_some());
        told.map(|one| one["reason"].as_str().expect("a reason").to_owned()).collect::<Vec<_>>()
    };
    let (launched, drained) = (of("launch"), of("drain"));
    assert!(launched.first().is_some_and(|reason| reason == "least"), "{launched:?}");
    assert!(launched.len() > 1 && launched[1..].iter().all(|reason| reason != "least"), "{launched:?}");
    assert!(!drained.is_empty() && drained.iter().all(|reason| reason == "fewer"), "{drained:?}");
    let seen = |input: &str| {
        decisions.iter().any(|one| one["inputs"][input].as_f64().is_some_and(|value| value > 0.0))
    };
    for input in
        ["hits_rate", "processed_rate", "cpu_mean", "shards_held", "processing_seconds", "boot_seconds"]
    {
        assert!(seen(input), "{input} was never seen");
    }
}

/// SIGTERM, and nothing of it is left.
async fn ends_with_its_processors(autoscaler: &mut Child, fleet: &[SocketAddr]) {
    let pid = autoscaler.id().and_then(|pid| i32::try_from(pid).ok()).expect("the autoscaler runs");
    // SAFETY: signals a child of ours that has not been waited for, so the id is still its own.
    unsafe { libc::kill(pid, libc::SIGTERM) };
    let ended = tokio::time::timeout(Duration::from_secs(30), autoscaler.wait()).await;
    assert!(matches!(ended, Ok(Ok(status)) if status.success()), "{ended:?}");
    for door in fleet {
        assert!(tokio::net::TcpStream::connect(door).await.is_err(), "{door} still listens");
    }
}
