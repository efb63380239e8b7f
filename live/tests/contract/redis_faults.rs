//! What Redis does to us: killed, stopped, emptied, its scripts forgotten; and what we cost it.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use live::redis::ANSWER_MAX;
use live::{Commit, Counters, Live, RedisLive};
use model::{Millis, Visitor};
use servers::Signal;
use servers::redis::Redis;
use tokio::sync::broadcast::error::RecvError;

use crate::fixtures::*;

const CALM_MAX: Duration = Duration::from_secs(10);
const MARGIN: Duration = Duration::from_millis(500);

fn open() -> (Redis, RedisLive) {
    let server = Redis::start().unwrap();
    let live = RedisLive::open(&server.uri()).unwrap();
    (server, live)
}

async fn until_ok<T, E: std::fmt::Debug, F: Future<Output = Result<T, E>>>(again: impl Fn() -> F) -> T {
    let end = Instant::now() + CALM_MAX;
    loop {
        match again().await {
            Ok(done) => return done,
            Err(error) => assert!(Instant::now() < end, "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_killed_server_is_an_error_in_time_and_then_everything_goes_on() {
    let (mut server, live) = open();
    let ada = visitor(1, "/");
    live.commit(vec![came(EIGHT, &ada)]).await.unwrap();
    let mut watch = live.watch(SITE).await.unwrap();
    let mut topic = live.subscribe("tea").await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_500)).await; // appendfsync everysec: what was written is kept
    server.kill();
    let asked = Instant::now();
    assert!(live.commit(vec![empty(EIGHT)]).await.is_err());
    assert!(asked.elapsed() < ANSWER_MAX + MARGIN, "{:?}", asked.elapsed());
    let asked = Instant::now();
    assert!(live.watch(SITE).await.is_err());
    assert!(asked.elapsed() < 2 * ANSWER_MAX + MARGIN);
    server.restart().unwrap();
    let applied = until_ok(|| live.commit(vec![went(EIGHT, &ada)])).await;
    assert_eq!((applied[0].present, applied[0].is_first), (0, false));
    let told = tokio::time::timeout(CALM_MAX, watch.changes.recv()).await.unwrap();
    assert!(matches!(told, Err(RecvError::Lagged(_))), "{told:?}");
    let told = tokio::time::timeout(CALM_MAX, topic.0.recv()).await.unwrap();
    assert!(matches!(told, Err(RecvError::Lagged(_))), "{told:?}");
    let mut again = until_ok(|| live.subscribe("tea")).await;
    live.publish("tea", Bytes::from_static(b"one")).await.unwrap();
    assert_eq!(again.0.recv().await.unwrap(), "one");
}

#[tokio::test]
async fn a_stopped_server_is_an_error_in_time_and_then_everything_goes_on() {
    let (server, live) = open();
    live.commit(vec![came(EIGHT, &visitor(1, "/"))]).await.unwrap();
    server.signal(Signal::Stop);
    let asked = Instant::now();
    assert!(live.present(&[SITE]).await.is_err());
    assert!(asked.elapsed() < ANSWER_MAX + MARGIN, "{:?}", asked.elapsed());
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.signal(Signal::Continue);
    assert_eq!(until_ok(|| live.present(&[SITE])).await, [1]);
    assert_eq!(until_ok(|| live.watch(SITE)).await.snapshot.version, 1);
}

#[tokio::test]
async fn after_a_flushall_each_shard_is_told_and_watchers_watch_again() {
    let (server, live) = open();
    let (ada, bob) = (visitor(1, "/a"), visitor(2, "/b"));
    live.commit(vec![came(EIGHT, &ada), Commit { shard: 1, ..came(EIGHT, &bob) }]).await.unwrap();
    let mut watch = live.watch(SITE).await.unwrap();
    server.ask("FLUSHALL").unwrap();
    let beats = vec![changed(EIGHT, &ada, &ada), Commit { shard: 1, ..changed(EIGHT, &bob, &bob) }];
    let applied = live.commit(beats).await.unwrap();
    assert!(applied.iter().all(|applied| applied.is_first));
    assert!(matches!(watch.changes.recv().await, Err(RecvError::Lagged(_))));
    let snapshot = live.watch(SITE).await.unwrap().snapshot;
    assert_eq!((snapshot.version, snapshot.counters.present), (2, 2));
}

#[tokio::test]
async fn forgotten_scripts_are_sent_again_and_each_commit_counts_once() {
    let (server, live) = open();
    live.commit(vec![empty(EIGHT)]).await.unwrap();
    server.ask("SCRIPT FLUSH").unwrap();
    let applied = live.commit(vec![empty(EIGHT), empty(EIGHT)]).await.unwrap();
    assert_eq!([applied[0].version, applied[1].version], [2, 3]);
}

#[tokio::test]
async fn states_of_a_shard_nobody_works_on_go_in_time() {
    let (_server, live) = open();
    let later = |minutes: u64| EIGHT.plus(Duration::from_secs(minutes * 60));
    live.commit(vec![Commit { shard: 9, ..came(EIGHT, &visitor(1, "/")) }]).await.unwrap();
    assert_eq!(live.commit(vec![empty(later(10))]).await.unwrap()[0].present, 1);
    let mut watch = live.watch(SITE).await.unwrap();
    assert_eq!(live.commit(vec![empty(later(11))]).await.unwrap()[0].present, 0);
    assert!(watch.changes.recv().await.unwrap().commit.changes[0].after.is_none());
    assert_eq!(live.watch(SITE).await.unwrap().snapshot.counters, Counters::default());
}

#[tokio::test]
async fn every_key_goes_by_itself() {
    let (server, live) = open();
    let pageviews = vec![(EIGHT.minute(), 1)];
    live.commit(vec![Commit { pageviews, ..came(EIGHT, &visitor(1, "/")) }]).await.unwrap();
    for key in ["{WF-00000001}:states", "{WF-00000001}:site", "{WF-00000001}:minutes", "{WF-00000001}:hours"]
    {
        let life = server.ask(&format!("TTL wf:{key}")).unwrap();
        assert!(life.starts_with(":69"), "{key}: {life}");
    }
    assert!(server.ask("TTL wf:shard:0").unwrap().starts_with(":69"));
}

#[tokio::test]
async fn a_flush_of_20_sites_is_one_round_trip() {
    let (server, live) = open();
    live.commit(vec![empty(EIGHT)]).await.unwrap();
    server.ask("CONFIG RESETSTAT").unwrap();
    let commits =
        (0..20).map(|site| Commit { site: model::SiteId::of(site), ..came(EIGHT, &visitor(site, "/")) });
    live.commit(commits.collect()).await.unwrap();
    let stats = server.ask("INFO commandstats").unwrap();
    let calls = |name: &str| {
        let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{name}:calls=")));
        line.map_or(0, |line| line.split(',').next().unwrap().parse::<u32>().unwrap())
    };
    println!("{stats}");
    assert_eq!((calls("evalsha"), calls("eval"), calls("sadd"), calls("expire") > 0), (20, 0, 1, true));
}

#[tokio::test]
async fn a_hundred_thousand_visitors_fit_in_60_mb() {
    let (server, live) = open();
    for thousand in 0..100u64 {
        let changes = (0..1_000).map(|id| live::Change { before: None, ..arrival(thousand * 1_000 + id) });
        live.commit(vec![Commit { changes: changes.collect(), ..empty(EIGHT) }]).await.unwrap();
    }
    let memory = server.ask("INFO memory").unwrap();
    let used = memory.lines().find_map(|line| line.strip_prefix("used_memory_dataset:"));
    let all = memory.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
    println!("100,000 visitors: {all} bytes in all, {} of data", used.unwrap());
    assert!(all.parse::<u64>().unwrap() < 60_000_000, "{all}");
    let asked = Instant::now();
    assert_eq!(live.load(0).await.unwrap().unwrap()[0].1.len(), 100_000);
    println!("loaded in {:?}", asked.elapsed());
}

/// With names of usual lengths and three pages behind them.
fn arrival(id: u64) -> live::Change {
    let path: Arc<str> = Arc::from(format!("/guides/brewing/{}", id % 500));
    let mut state: Visitor = (*visitor(id.wrapping_mul(0x9E37_79B9_7F4A_7C15), &path)).clone();
    state.alive_until = Millis(EIGHT.0 + 20_000);
    let step = state.trail[0].clone();
    state.trail = vec![step; 3];
    live::Change { key: state.key, before: None, after: Some(Arc::new(state)) }
}
