//! What Redis does to us: killed, stopped, emptied, its scripts forgotten; and what we cost it.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use live::redis::ANSWER_MAX;
use live::{Commit, Counters, Live, LiveError, RedisLive};
use model::{Millis, SiteId, Visitor};
use servers::Signal;
use servers::redis::Redis;
use tokio::sync::broadcast::error::RecvError;

use crate::fixtures::*;
use crate::servers_for_tests::INSTALLATION;

pub const CALM_MAX: Duration = Duration::from_secs(10);
pub const MARGIN: Duration = Duration::from_millis(500);

fn open() -> (Redis, RedisLive) {
    let server = Redis::start().unwrap();
    let live = RedisLive::open(&server.uri(), INSTALLATION).unwrap();
    (server, live)
}

pub async fn until_ok<T, E: std::fmt::Debug, F: Future<Output = Result<T, E>>>(again: impl Fn() -> F) -> T {
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
async fn whoever_wants_to_hear_while_the_server_is_away_hears_once_it_is_there() {
    let (mut server, live) = open();
    server.kill();
    {
        let mut hearing = std::pin::pin!(live::hear(&live, "tea"));
        let waited = tokio::time::timeout(2 * ANSWER_MAX, &mut hearing).await;
        assert!(waited.is_err(), "nobody is there to hear");
        server.restart().unwrap();
        let mut topic = tokio::time::timeout(CALM_MAX, hearing).await.expect("it is heard in time");
        until_ok(|| live.publish("tea", Bytes::from_static(b"one"))).await;
        assert_eq!(topic.0.recv().await.unwrap(), "one");
    }
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
    for key in ["owner", "sites"] {
        assert!(server.ask(&format!("TTL wf:{{shard-0}}:{key}")).unwrap().starts_with(":69"));
    }
}

#[tokio::test]
async fn a_flush_of_20_sites_is_one_round_trip() {
    let (server, live) = open();
    live.commit(vec![empty(EIGHT)]).await.unwrap();
    server.ask("CONFIG RESETSTAT").unwrap();
    let commits = (0..20).map(|site| Commit { site: SiteId::of(site), ..came(EIGHT, &visitor(site, "/")) });
    live.commit(commits.collect()).await.unwrap();
    let stats = server.ask("INFO commandstats").unwrap();
    let calls = |name: &str| {
        let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{name}:calls=")));
        line.map_or(0, |line| line.split(',').next().unwrap().parse::<u32>().unwrap())
    };
    println!("{stats}");
    let told = (calls("evalsha"), calls("eval"), calls("zadd"), calls("publish"));
    assert_eq!(told, (21, 0, 1, 20), "each site's commit, and once that the shard works on them");
}

#[tokio::test]
async fn in_between_a_flush_is_its_commits_only() {
    let (server, live) = open();
    let flush = |second: u64| {
        let at = EIGHT.plus(Duration::from_secs(second));
        (0..20).map(|site| Commit { site: SiteId::of(site), ..came(at, &visitor(second, "/")) }).collect()
    };
    // The first one says that these sites are the shard's, and so does the next, since Redis knew nothing of them.
    live.commit(flush(0)).await.unwrap();
    live.commit(flush(1)).await.unwrap();
    server.ask("CONFIG RESETSTAT").unwrap();
    for second in 2..=6 {
        live.commit(flush(second)).await.unwrap();
    }
    let stats = server.ask("INFO commandstats").unwrap();
    for (name, calls) in [("evalsha", "100"), ("publish", "100")] {
        assert!(stats.contains(&format!("cmdstat_{name}:calls={calls},")), "{stats}");
    }
    for name in ["zadd", "time", "eval", "expire"] {
        assert!(!stats.contains(&format!("cmdstat_{name}:")), "{name}: {stats}");
    }
}

/// Commits of 200 hits of one site, by new and known visitors, as a message of 200 hits makes them. Counted as
/// `total_commands_processed` does: with those inside scripts.
#[tokio::test]
async fn a_thousand_hits_cost_at_most_60_commands() {
    const MESSAGES: u64 = 100;
    let (server, live) = open();
    let processed = || {
        let stats = server.ask("INFO stats").unwrap();
        let told = stats.lines().find_map(|line| line.strip_prefix("total_commands_processed:"));
        told.unwrap().parse::<u64>().unwrap()
    };
    let before = processed();
    for message in 0..MESSAGES {
        let changes = (0..200).map(|id| arrival(message * 50 + id)).collect();
        let at = EIGHT.plus(Duration::from_secs(message));
        let pageviews = vec![(at.minute(), 200)];
        live.commit(vec![Commit { changes, pageviews, ..empty(at) }]).await.unwrap();
    }
    let commands = (processed() - before) as f64 / (MESSAGES * 200) as f64 * 1_000.0;
    println!("{commands:.1} commands a 1,000 hits");
    assert!(commands <= 60.0, "{commands}");
}

#[tokio::test]
async fn a_shard_of_ten_thousand_is_taken_over_within_a_second() {
    let (_server, live) = open();
    let old = live.load(0).await.unwrap();
    for site in 0..100u64 {
        let changes = (0..100).map(|id| arrival(site * 100 + id)).collect();
        let commit = Commit { site: SiteId::of(site), changes, ..empty(EIGHT) };
        live.commit(vec![of(&old, 1, commit)]).await.unwrap();
    }
    live.recovered(0, old.term).await.unwrap();
    let asked = Instant::now();
    let states = live.load(0).await.unwrap().states.unwrap();
    let took = asked.elapsed();
    println!("10,000 visitors of 100 sites loaded in {took:?}");
    assert_eq!(states.iter().map(|(_, visitors)| visitors.len()).sum::<usize>(), 10_000);
    assert!(took < Duration::from_secs(1) || cfg!(debug_assertions), "{took:?}");
}

#[tokio::test]
async fn whoever_takes_over_after_a_flushall_rebuilds_whatever_came_since() {
    let (server, live) = open();
    let (ada, bob) = (visitor(1, "/a"), visitor(2, "/b"));
    let old = live.load(0).await.unwrap();
    live.commit(vec![of(&old, 1, came(EIGHT, &ada))]).await.unwrap();
    live.recovered(0, old.term).await.unwrap();
    server.ask("FLUSHALL").unwrap();
    // Another shard, and this one at another site.
    live.commit(vec![Commit { shard: 1, ..came(EIGHT, &bob) }]).await.unwrap();
    live.commit(vec![Commit { site: OTHER, ..of(&old, 2, came(EIGHT, &bob)) }]).await.unwrap();
    let new = live.load(0).await.unwrap();
    assert!(new.states.is_none());
    assert!(new.term > old.term, "terms grow though Redis forgot them");
    assert_eq!(live.present(&[SITE, OTHER]).await.unwrap(), [1, 0]);
    let late = of(&old, 3, came(EIGHT, &ada));
    assert!(matches!(live.commit(vec![late]).await, Err(LiveError::Superseded)));
}

#[tokio::test]
async fn a_site_lost_alone_makes_the_shard_rebuilt() {
    let (server, live) = open();
    let old = live.load(0).await.unwrap();
    let other = Commit { site: OTHER, ..came(EIGHT, &visitor(2, "/b")) };
    live.commit(vec![of(&old, 1, came(EIGHT, &visitor(1, "/a"))), of(&old, 1, other)]).await.unwrap();
    live.recovered(0, old.term).await.unwrap();
    server.ask("DEL wf:{WF-00000001}:states wf:{WF-00000001}:site").unwrap();
    assert!(live.load(0).await.unwrap().states.is_none());
    assert_eq!(live.present(&[SITE, OTHER]).await.unwrap(), [0, 0]);
}

#[tokio::test]
async fn whom_a_shard_lost_to_a_late_commit_is_put_right_by_the_next() {
    let (server, live) = open();
    let (ada, bob) = (visitor(1, "/a"), visitor(2, "/b"));
    let old = live.load(0).await.unwrap();
    live.commit(vec![of(&old, 1, came(EIGHT, &ada))]).await.unwrap();
    let new = live.load(0).await.unwrap();
    server.ask("FLUSHALL").unwrap();
    live.commit(vec![of(&old, 2, changed(EIGHT, &ada, &ada))]).await.unwrap();
    let applied = live.commit(vec![of(&new, 1, came(EIGHT, &bob))]).await.unwrap();
    assert_eq!((applied[0].present, applied[0].is_first), (1, true));
    assert_eq!(live.watch(SITE).await.unwrap().snapshot.visitors, [bob]);
}

#[tokio::test]
async fn two_installations_on_one_server_see_nothing_of_each_other() {
    let (server, live) = open();
    let other = RedisLive::open(&server.uri(), "other").unwrap();
    let mut topic = other.subscribe("tea").await.unwrap();
    let mut watch = other.watch(SITE).await.unwrap();
    let old = other.load(0).await.unwrap();
    other.recovered(0, old.term).await.unwrap();
    let term = live.load(0).await.unwrap();
    live.commit(vec![of(&term, 1, came(EIGHT, &visitor(1, "/")))]).await.unwrap();
    live.publish("tea", Bytes::from_static(b"ours")).await.unwrap();
    other.publish("tea", Bytes::from_static(b"theirs")).await.unwrap();
    assert_eq!(topic.0.recv().await.unwrap(), "theirs");
    assert!(watch.changes.try_recv().is_err());
    assert_eq!(other.present(&[SITE]).await.unwrap(), [0]);
    assert_eq!(other.load(0).await.unwrap().states, Some(vec![]));
    let keys = server.ask("KEYS *").unwrap();
    let named = |key: &&str| key.starts_with("wf:") || key.starts_with("other:");
    assert_eq!(
        keys.lines().filter(|line| line.contains(':')).filter(|line| !named(line)).count(),
        0,
        "{keys}"
    );
}

#[tokio::test]
async fn a_shard_drops_sites_that_were_empty_for_long() {
    let (server, live) = open();
    let count = || server.ask("ZCARD wf:{shard-0}:sites").unwrap().lines().next().unwrap().to_owned();
    let ada = visitor(1, "/");
    let term = live.load(0).await.unwrap();
    live.recovered(0, term.term).await.unwrap();
    let other = Commit { site: OTHER, ..came(EIGHT, &ada) };
    live.commit(vec![of(&term, 1, came(EIGHT, &ada)), of(&term, 1, other)]).await.unwrap();
    assert_eq!(count(), ":2");
    live.commit(vec![of(&term, 2, went(EIGHT, &ada))]).await.unwrap();
    live.forget(OTHER).await.unwrap();
    assert_eq!(live.load(0).await.unwrap().states, Some(vec![]));
    assert_eq!(count(), ":2", "the tail may hold more of them");
    server.ask("EVAL \"local long_ago = redis.call('TIME')[1] - 4300 \
        for _, site in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do redis.call('ZADD', KEYS[1], long_ago, site) end\" \
        1 wf:{shard-0}:sites").unwrap();
    assert_eq!(live.load(0).await.unwrap().states, Some(vec![]));
    assert_eq!(count(), ":0");
}

/// One that wrote no marks: side by side with this one, while a cluster is upgraded.
#[tokio::test]
async fn behind_an_older_program_a_shard_is_rebuilt() {
    let (server, live) = open();
    let ada = visitor(1, "/");
    let old = live.load(0).await.unwrap();
    live.commit(vec![of(&old, 1, came(EIGHT, &ada))]).await.unwrap();
    live.recovered(0, old.term).await.unwrap();
    assert!(live.load(0).await.unwrap().states.is_some());
    let newer = server.ask("HGET wf:{WF-00000001}:site shard:0").unwrap();
    let term = newer.lines().last().and_then(|told| told.split(' ').next()).unwrap().to_owned();
    server.ask(&format!("HSET wf:{{WF-00000001}}:site shard:0 \"{term} 1 0\"")).unwrap();
    assert!(live.load(0).await.unwrap().states.is_none());
    assert_eq!(live.present(&[SITE]).await.unwrap(), [0]);
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
