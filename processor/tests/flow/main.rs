//! From the bus to history, live and acknowledgement: nothing lost, nothing twice, whatever fails on the way.

#![allow(clippy::unwrap_used)]

mod compaction;
mod masters;
mod seams;
mod superseded;
mod uncommitted;
mod world;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bus::Bus;
use bytes::Bytes;
use live::{Counters, Dimension, Live, RedisLive, SITES_TOPIC};
use model::{BrowserId, Hit, HitId, HitKind, Millis, VisitorId};
use servers::redis::Redis;
use world::*;

#[tokio::test]
async fn a_hit_is_in_history_and_in_live_and_acknowledged() {
    let mut world = World::new(1).await;
    let arrival = world.arrival(1, view(1, "/tea?utm_source=news"));
    world.send(&[arrival]).await;
    let totals = world.totals().await;
    assert_eq!((totals.all.pageviews, totals.human.pageviews, totals.all.visitors), (1, 1, 1));
    let snapshot = world.snapshot().await;
    assert_eq!(snapshot.counters.of(Dimension::Page).get("/tea"), Some(&1));
    assert_eq!(snapshot.counters.of(Dimension::Country).get("FR"), Some(&1));
    assert_eq!(world.charted().await, 1);
}

#[tokio::test]
async fn a_hit_sent_again_in_any_message_counts_once() {
    let mut world = World::new(1).await;
    let (twice, again) = (world.arrival(1, view(1, "/tea")), world.arrival(2, view(1, "/tea")));
    world.send(&[twice.clone(), twice.clone()]).await;
    world.send(&[twice]).await;
    world.send(&[again]).await;
    assert_eq!((world.totals().await.all.hits, world.charted().await, world.present().await), (1, 1, 1));
    world.restart().await;
    world.advance(31 * 86_400);
    let much_later = world.arrival(1, Hit { at: EVE, ..view(1, "/tea") });
    world.send(&[much_later]).await;
    let totals = world.totals().await;
    assert_eq!((totals.all.hits, totals.duplicates, world.present().await), (1, 1, 0));
}

#[tokio::test]
async fn while_history_fails_nothing_is_acknowledged_and_nothing_shown() {
    let mut world = World::new(1).await;
    world.history.failures_before.store(u32::MAX, Ordering::SeqCst);
    let arrival = world.arrival(1, view(1, "/tea"));
    world.publish(&[arrival]).await;
    until("an append was tried", async || world.history.failures_before.load(Ordering::SeqCst) < u32::MAX)
        .await;
    assert_eq!((world.bus.depth().await.messages, world.present().await), (1, 0));
    world.history.failures_before.store(0, Ordering::SeqCst);
    world.settled().await;
    assert_eq!((world.totals().await.all.hits, world.present().await, world.charted().await), (1, 1, 1));
}

#[tokio::test]
async fn an_append_that_took_effect_and_failed_counts_once() {
    let mut world = World::new(1).await;
    world.history.failures_after.store(3, Ordering::SeqCst);
    let arrival = world.arrival(1, view(1, "/tea"));
    world.send(&[arrival]).await;
    let totals = world.totals().await;
    assert_eq!((totals.all.hits, totals.duplicates, world.charted().await), (1, 0, 1));
}

#[tokio::test]
async fn what_history_does_not_take_before_shutdown_stays_on_the_bus_for_the_next_start() {
    let mut world = World::draining(1, Duration::from_millis(100)).await;
    world.history.failures_before.store(u32::MAX, Ordering::SeqCst);
    let arrival = world.arrival(1, view(1, "/tea"));
    world.publish(&[arrival]).await;
    let error = world.stop().await.unwrap_err().to_string();
    assert!(error.contains("stay on the bus"), "{error}");
    world.history.failures_before.store(0, Ordering::SeqCst);
    world.start().await;
    world.settled().await;
    assert_eq!((world.totals().await.all.hits, world.present().await), (1, 1));
}

#[tokio::test]
async fn a_message_appended_and_not_acknowledged_counts_once_after_a_restart() {
    let mut world = World::new(1).await;
    let hits = [world.arrival(1, view(1, "/tea")), world.arrival(2, view(2, "/tea"))];
    let message = world.send(&hits).await;
    world.stop().await.unwrap();
    world.live = Default::default();
    world.bus.publish(0, message).await.unwrap();
    world.start().await;
    world.settled().await;
    let totals = world.totals().await;
    assert_eq!((totals.all.hits, totals.duplicates), (2, 0));
    assert_eq!((world.present().await, world.charted().await), (2, 2));
}

#[tokio::test]
async fn a_restart_rebuilds_who_is_present_and_the_chart() {
    let mut world = World::new(2).await;
    for visitor in 1..=20 {
        world.advance(30);
        let arrival = world.arrival(visitor, view(visitor.into(), &format!("/{}", visitor % 3)));
        world.send_to((visitor % 2) as u16, &[arrival]).await;
    }
    let gone = world.arrival(20, leave(100, 20, "/2"));
    world.send(&[gone]).await;
    world.advance(2);
    until("19 is present alone", async || world.present().await == 1).await;
    let before = world.snapshot().await;
    world.restart().await;
    let after = world.snapshot().await;
    assert_eq!(after.counters, before.counters);
    // Two shards go through the past each at its own pace: how many were there together is only known of one.
    let pageviews = |snapshot: &live::Snapshot| -> Vec<_> {
        snapshot.series.0.iter().map(|minute| (minute.minute, minute.pageviews)).collect()
    };
    assert_eq!(pageviews(&after), pageviews(&before));
    assert_eq!(after.counters, Counters::recount(after.visitors.iter().map(|visitor| &**visitor)));
    assert_eq!(after.peak, before.peak);
}

#[tokio::test]
async fn a_rebuilt_chart_shows_each_minute_those_who_were_there_in_it() {
    let mut world = World::new(1).await;
    for visitor in 1..=4 {
        let arrival = world.arrival(visitor, view(visitor.into(), "/"));
        world.send(&[arrival]).await;
    }
    // All have gone within the minute; the next is silent, and in the one after it somebody comes.
    world.advance(50);
    until("nobody is present", async || world.present().await == 0).await;
    world.advance(90);
    let arrival = world.arrival(9, view(9, "/"));
    world.send(&[arrival]).await;
    let before = world.snapshot().await.series;
    world.restart().await;
    let told: Vec<_> = before.0.iter().map(|minute| (minute.pageviews, minute.visitors)).collect();
    assert_eq!(told, [(4, 4), (1, 1)]);
    assert_eq!(world.snapshot().await.series, before);
    world.advance(50);
    world.restart().await;
    assert_eq!(world.snapshot().await.series, before, "and again, when nobody is there any more");
}

#[tokio::test]
async fn what_a_collector_with_a_clock_ahead_took_ends_in_time_after_a_rebuild_too() {
    let mut world = World::new(1).await;
    let first = world.arrival(1, view(1, "/"));
    world.send(&[first]).await;
    let ahead = |arrival: model::Arrival<'static>| {
        let received = arrival.received.plus(Duration::from_secs(300));
        let hits = arrival.hits.iter().map(|hit| Hit { at: received, ..hit.clone() }).collect();
        model::Arrival { received, hits, ..arrival }
    };
    let (came, went) = (world.arrival(2, view(2, "/")), world.arrival(2, leave(3, 2, "/")));
    world.send(&[ahead(came)]).await;
    world.send(&[ahead(went)]).await;
    let last = world.arrival(4, view(4, "/"));
    world.send(&[last]).await;
    world.advance(5);
    world.restart().await;
    until("who left is gone", async || world.present().await == 2).await;
    world.advance(40);
    until("nobody is present", async || world.present().await == 0).await;
}

#[tokio::test]
async fn rebuilt_presence_ends_by_itself_and_goes_on_by_heartbeats() {
    let mut world = World::new(1).await;
    let arrivals = [world.arrival(1, view(1, "/a")), world.arrival(2, view(2, "/b"))];
    world.send(&arrivals).await;
    world.advance(10);
    world.restart().await;
    assert_eq!(world.present().await, 2);
    world.advance(5);
    let arrival = world.arrival(1, beat(3, 1, "/a"));
    world.send(&[arrival]).await;
    let visitors = world.snapshot().await.visitors;
    let back =
        visitors.iter().find(|visitor| visitor.key.browser == BrowserId(1)).expect("its own browser again");
    assert_eq!((back.since, back.engaged_ms), (EVE, 12_000));
    world.advance(21);
    until("the other is gone", async || world.present().await == 1).await;
}

#[tokio::test]
async fn a_processor_that_starts_again_beside_a_live_that_did_not_goes_on_from_its_states() {
    let mut world = World::new(1).await;
    let arrival = world.arrival(1, view(1, "/a"));
    world.send(&[arrival]).await;
    world.stop().await.unwrap();
    world.start().await;
    assert_eq!((world.present().await, world.charted().await), (1, 1));
    assert_eq!(world.snapshot().await.visitors[0].key.browser, BrowserId(1));
    world.advance(36);
    until("nobody is present", async || world.present().await == 0).await;
}

/// An event that was spooled, and comes after the leave and after another processor took the shard over.
#[tokio::test]
async fn what_comes_late_of_a_page_that_left_makes_nobody_present_after_a_takeover() {
    let mut world = World::new(1).await;
    let leave = HitKind::Leave { pageview: HitId(1), engaged_ms: 1, scroll: 0 };
    let leave = Hit { kind: leave, ..view(2, "/a") };
    world.send(&[world.arrival(1, view(1, "/a"))]).await;
    world.send(&[world.arrival(1, leave)]).await;
    world.advance(2);
    until("nobody is present", async || world.present().await == 0).await;
    world.stop().await.unwrap();
    world.start().await;
    let event = HitKind::Event { name: "click".into(), props: vec![], pageview: Some(HitId(1)) };
    world.send(&[world.arrival(1, Hit { kind: event, ..view(3, "/a") })]).await;
    assert_eq!((world.present().await, world.totals().await.all.hits), (0, 3));
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_set_aside_with_its_reason() {
    let mut world = World::new(1).await;
    let bad = bus::Message { id: model::BatchId(99), body: Bytes::from_static(&[9, 1, 2]) };
    world.bus.publish(0, bad).await.unwrap();
    let arrival = world.arrival(1, view(1, "/a"));
    world.send(&[arrival]).await;
    let dead = world.bus.dead_letters(10).await.unwrap();
    assert_eq!((dead.len(), dead[0].message.id), (1, model::BatchId(99)));
    assert!(dead[0].reason.contains("version 9"), "{}", dead[0].reason);
    assert_eq!(world.totals().await.all.hits, 1);
}

#[tokio::test]
async fn a_deleted_site_is_forgotten_and_its_late_hits_are_dropped() {
    let mut world = World::new(1).await;
    let arrival = world.arrival(1, view(1, "/a"));
    world.send(&[arrival]).await;
    world.live.publish(SITES_TOPIC, Bytes::from(SITE.to_string())).await.unwrap();
    world.advance(1);
    let arrival = world.arrival(1, beat(2, 1, "/a"));
    world.send(&[arrival]).await;
    assert_eq!(world.present().await, 1, "a change is no deletion");
    world.store.sites.remove(SITE).await.unwrap();
    world.store.history.forget(SITE).await.unwrap();
    world.live.publish(SITES_TOPIC, Bytes::from(SITE.to_string())).await.unwrap();
    until("live forgot it", async || world.present().await == 0).await;
    let arrival = world.arrival(2, view(3, "/a"));
    world.send(&[arrival]).await;
    assert_eq!((world.present().await, world.totals().await.all.hits), (0, 0));
}

#[tokio::test]
async fn shutdown_processes_what_waits_on_the_bus() {
    let mut world = World::new(1).await;
    for id in 1..=200 {
        let arrival = world.arrival(id, view(id.into(), "/a"));
        world.publish(&[arrival]).await;
    }
    world.stop().await.unwrap();
    assert_eq!((world.bus.depth().await.messages, world.totals().await.all.hits), (0, 200));
    assert_eq!(world.present().await, 200);
}

#[tokio::test]
async fn peaks_outlive_the_process() {
    let mut world = World::new(1).await;
    let arrivals: Vec<_> = (1..=7).map(|id| world.arrival(id, view(id.into(), "/a"))).collect();
    world.send(&arrivals).await;
    world.stop().await.unwrap();
    world.advance(3 * 86_400);
    world.live = Default::default();
    world.start().await;
    let hour = Millis(EVE.0 - EVE.0 % 3_600_000);
    assert_eq!(world.snapshot().await.peak, Some((hour, 7)));
}

#[tokio::test]
async fn case_1_over_midnight_and_the_salts_change_it_is_one_visit_and_one_visitor() {
    let mut world = World::new(1).await;
    let arrival = world.arrival(1, from(view(1, "/a"), "https://www.google.com/"));
    world.send(&[arrival]).await;
    world.advance(300);
    let changed = |world: &World, hit| {
        let mut arrival = world.arrival(2, hit);
        arrival.visitor_before = Some(VisitorId(1));
        arrival
    };
    let arrival = changed(&world, view(2, "/b"));
    world.send(&[arrival]).await;
    let totals = world.totals().await.all;
    assert_eq!((totals.visitors, totals.visits, totals.pageviews), (1, 1, 2));
    assert_eq!(world.snapshot().await.counters.of(Dimension::Source).get("Google"), Some(&1));
    world.restart().await;
    world.advance(600);
    let arrival = changed(&world, view(3, "/c"));
    world.send(&[arrival]).await;
    let totals = world.totals().await.all;
    assert_eq!((totals.visitors, totals.visits), (1, 1), "the visit is known after a restart");
    world.advance(31 * 60);
    let arrival = changed(&world, view(4, "/d"));
    world.send(&[arrival]).await;
    let totals = world.totals().await.all;
    assert_eq!((totals.visitors, totals.visits), (2, 2), "after 31 minutes the new id counts");
}

#[tokio::test]
async fn a_visitor_whose_new_id_falls_to_another_shard_is_present_once() {
    let mut world = World::new(2).await;
    let arrival = world.arrival(1, view(1, "/a"));
    world.send_to(0, &[arrival]).await;
    for id in 2..6 {
        world.advance(15);
        let mut arrival = world.arrival(1, beat(id, 1, "/a"));
        (arrival.visitor, arrival.visitor_before) = (VisitorId(2), Some(VisitorId(1)));
        world.send_to(1, &[arrival]).await;
        assert_eq!(world.present().await, 1);
    }
    world.advance(36);
    until("nobody is present", async || world.present().await == 0).await;
    let totals = world.totals().await.all;
    assert_eq!((totals.visitors, totals.visits), (1, 1));
}

async fn check_visits(gap: Duration, beats: bool, visits: u64) {
    let mut world = World::new(1).await;
    let arrival = world.arrival(1, view(1, "/a"));
    world.send(&[arrival]).await;
    if beats {
        for id in 0..gap.as_secs() / 15 {
            world.advance(15);
            let arrival = world.arrival(1, beat(100 + u128::from(id), 1, "/a"));
            world.send(&[arrival]).await;
            assert_eq!(world.present().await, 1, "present all along");
        }
    } else {
        world.advance(gap.as_secs());
    }
    let arrival = world.arrival(1, view(2, "/b"));
    world.send(&[arrival]).await;
    assert_eq!(world.totals().await.all.visits, visits, "{gap:?}");
}

#[tokio::test]
async fn cases_2_to_4_visits_are_parted_by_silence_only() {
    check_visits(Duration::from_secs(2 * 60), false, 1).await;
    check_visits(Duration::from_secs(31 * 60), false, 2).await;
    check_visits(Duration::from_secs(40 * 60), true, 1).await;
}

#[tokio::test]
async fn cases_9_and_10_a_late_hit_lands_in_its_own_minute_of_history_and_while_recent_of_the_chart() {
    let mut world = World::new(1).await;
    let late = |seconds: u64, id| Hit { at: EVE.minus(Duration::from_secs(seconds)), ..view(id, "/a") };
    let arrivals = [world.arrival(1, late(600, 1)), world.arrival(2, late(90 * 86_400, 2))];
    world.send(&arrivals).await;
    let minutes: Vec<_> = world.totals().await.all.pageviews_by_minute.into_keys().collect();
    let minute = |seconds| EVE.minus(Duration::from_secs(seconds)).minute();
    assert_eq!(minutes, [minute(90 * 86_400), minute(600)]);
    let series = world.snapshot().await.series.0;
    assert_eq!(series.iter().map(|row| (row.minute, row.pageviews)).collect::<Vec<_>>(), [(minute(600), 1)]);
    assert_eq!(world.present().await, 0);
}

#[tokio::test]
async fn shards_move_to_another_processor_and_back_without_a_gap() {
    const SHARDS: u16 = 4;
    let mut world = World::new(SHARDS).await;
    let mut sent = 0;
    let mut everywhere = async |world: &mut World| {
        for shard in 0..SHARDS {
            sent += 1;
            let arrival = world.arrival(sent, view(sent.into(), "/a"));
            world.send_to(shard, &[arrival]).await;
        }
        assert_eq!(u64::from(world.present().await), sent, "nobody is lost on the way");
    };
    everywhere(&mut world).await;
    let second = world.another().await;
    // The second is heard within a second, and takes its half while hits come.
    for _ in 0..20 {
        everywhere(&mut world).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    world.stop().await.unwrap();
    // It alone is left: within five seconds every shard is its own.
    everywhere(&mut world).await;
    world.start().await;
    for _ in 0..20 {
        everywhere(&mut world).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    second.0.cancel();
    second.1.await.unwrap().unwrap();
    everywhere(&mut world).await;
    let (totals, snapshot) = (world.totals().await, world.snapshot().await);
    assert_eq!((totals.all.hits, totals.duplicates, u64::from(world.charted().await)), (sent, 0, sent));
    assert_eq!(snapshot.counters, Counters::recount(snapshot.visitors.iter().map(|visitor| &**visitor)));
}

#[tokio::test]
async fn a_link_within_the_site_is_no_campaign_whatever_it_says() {
    let mut world = World::new(1).await;
    let source = |snapshot: live::Snapshot| snapshot.visitors[0].source.name.to_string();
    let arrivals = [
        world.arrival(1, from(view(1, "/tea?ref=menu"), "https://shop.example/")),
        world.arrival(1, beat(2, 1, "/tea?ref=menu")),
    ];
    world.send(&arrivals).await;
    assert_eq!(source(world.snapshot().await), "Direct");
    world.advance(3_600);
    let arrival = world.arrival(1, from(view(3, "/tea?ref=partner"), "https://partner.example/"));
    world.send(&[arrival]).await;
    assert_eq!(source(world.snapshot().await), "partner", "a link from elsewhere");
}

#[tokio::test]
async fn with_fewer_shards_than_before_nothing_is_forgotten() {
    let mut world = World::new(3).await;
    let (old, late) = (world.arrival(1, view(1, "/a")), world.arrival(2, view(2, "/a")));
    world.send_to(1, std::slice::from_ref(&old)).await;
    world.send_to(2, std::slice::from_ref(&late)).await;
    world.stop().await.unwrap();
    world.bus = std::sync::Arc::new(seams::Queues::new(1));
    world.live = Default::default();
    world.start().await;
    assert_eq!((world.present().await, world.charted().await), (2, 2));
    world.send(&[old, late]).await;
    assert_eq!((world.totals().await.all.hits, world.charted().await), (2, 2), "sent again, they count once");
}

#[tokio::test]
async fn what_live_forgot_is_committed_again_with_the_next_hit() {
    let mut world = World::new(1).await;
    let arrivals: Vec<_> = (1..=7).map(|id| world.arrival(id, view(id.into(), "/a"))).collect();
    world.send(&arrivals).await;
    assert_eq!(world.present().await, 7);
    world.live.forget(SITE).await.unwrap();
    assert_eq!(world.present().await, 0);
    world.advance(1);
    let arrival = world.arrival(1, beat(100, 1, "/a"));
    world.send(&[arrival]).await;
    until("all are back", async || world.present().await == 7).await;
    let snapshot = world.snapshot().await;
    assert_eq!(snapshot.counters, Counters::recount(snapshot.visitors.iter().map(|visitor| &**visitor)));
}

/// It takes a shard while Redis is away: it waits for it, and goes on.
#[tokio::test]
async fn a_processor_that_takes_a_shard_while_live_is_away_waits_for_it() {
    let mut redis = Redis::start().unwrap();
    redis.kill();
    let mut world = World::new(1).await;
    world.stop().await.unwrap();
    let live = Arc::new(RedisLive::open(&redis.uri(), "watchfire").unwrap());
    let (stop, work) = {
        let mut starting = std::pin::pin!(world.over(live.clone()));
        let waited = tokio::time::timeout(Duration::from_secs(3), &mut starting).await;
        assert!(waited.is_err(), "it is ready without live");
        redis.restart().unwrap();
        starting.await
    };
    world.send(&[world.arrival(1, view(1, "/a"))]).await;
    assert_eq!(live.present(&[SITE]).await.unwrap(), [1]);
    stop.cancel();
    work.await.unwrap().unwrap();
}
