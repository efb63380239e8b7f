//! Readers that are slow, or do not read at all.

use std::time::Duration;

use realtime::Options;
use serde_json::Value;

use crate::house::*;

const CROWD: u64 = 1_000;

fn hasty() -> Options {
    Options { delta_spacing: Duration::from_millis(1), ..Options::default() }
}

/// Deltas of about half a megabyte each, until no socket buffer could hold them all.
async fn flood(house: &House, fast: &mut Dashboard) -> u64 {
    let mut version = 0;
    for round in 0..16 {
        house.put(0..CROWD, &format!("/{round}")).await;
        version = fast.next_named("delta").await["version"].as_u64().unwrap();
    }
    version
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_fell_behind_gets_a_fresh_snapshot_and_ends_equal() {
    let house = House::open(hasty()).await;
    house.put(0..CROWD, "/").await;
    let mut fast = house.connect(&format!("share={SHARE}")).await;
    let mut slow = house.connect_narrowly(&format!("share={SHARE}")).await;
    for dashboard in [&mut fast, &mut slow] {
        dashboard.subscribe(1, &topic(SITE, "visitors")).await;
    }
    fast.next_named("snapshot").await;
    let last = flood(&house, &mut fast).await;

    let (mut snapshots, mut versions, mut crowd) = (0, Vec::new(), Vec::new());
    while versions.last() != Some(&last) {
        let message = slow.next().await;
        let (body, fresh) = match (message.get("snapshot"), message.get("delta")) {
            (Some(body), _) => (body, true),
            (_, Some(body)) => (body, false),
            _ => continue,
        };
        let version = body["version"].as_u64().unwrap();
        assert!(fresh || versions.last() == Some(&(version - 1)), "a delta follows the version before it");
        snapshots += usize::from(fresh);
        versions.push(version);
        let told = &body["data"][if fresh { "visitors" } else { "set" }];
        crowd = told.as_array().unwrap().clone();
    }
    assert!(snapshots > 1, "the backlog was not sent: {versions:?}");
    assert!(versions.len() < 16, "{versions:?}");
    let expected = format!("/{}", 15);
    let all_moved = |visitor: &Value| visitor["pages"][0]["path"] == expected.as_str();
    assert_eq!((crowd.len() as u64, crowd.iter().all(all_moved)), (CROWD, true));

    house.put(0..1, "/after").await;
    let (one, other) = (fast.next_named("delta").await, slow.next_named("delta").await);
    assert_eq!(one, other, "and is told like everybody from then on");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_takes_nothing_is_cut_off() {
    let beat = Duration::from_millis(50);
    let house = House::open(Options { beat, stall_beats: 10, ping_beats: 1_000, ..hasty() }).await;
    house.put(0..CROWD, "/").await;
    let mut fast = house.connect(&format!("share={SHARE}")).await;
    let mut stuck = house.connect_narrowly(&format!("share={SHARE}")).await;
    for dashboard in [&mut fast, &mut stuck] {
        dashboard.subscribe(1, &topic(SITE, "visitors")).await;
    }
    fast.next_named("snapshot").await;
    flood(&house, &mut fast).await;
    // Long enough for the hub to have cut it; what the kernel still holds is then followed by an end.
    tokio::time::sleep(beat * 20).await;
    assert_eq!(stuck.closed().await, None, "without a close frame: it would not be read");
    house.put(0..1, "/after").await;
    fast.next_named("delta").await;
    house.close().await;
}
