//! What every backend of Live promises, one named test a promise. A backend is one line at the end.

#![allow(clippy::unwrap_used)]

mod fixtures;
mod redis_faults;
mod redis_masters;
mod redis_rights;
mod redis_tls;
mod servers_for_tests;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fixtures::*;
use live::{Commit, Counters, Dimension, Live, LiveError, Loaded, Mark, Origin, Series, SeriesMinute};
use model::{BatchId, Channel, Millis, Minute, Peak};
use tokio::sync::broadcast::error::RecvError;

async fn an_unknown_site_is_empty(live: Arc<dyn Live>) {
    let watch = live.watch(SITE).await.unwrap();
    assert_eq!((watch.snapshot.version, watch.snapshot.visitors.len()), (0, 0));
    assert_eq!(watch.snapshot.counters, Counters::default());
    assert_eq!(watch.snapshot.peak, None);
    assert_eq!(live.present(&[SITE]).await.unwrap(), [0]);
    assert_eq!(live.present(&[]).await.unwrap(), []);
    assert_eq!(live.commit(vec![]).await.unwrap().len(), 0);
    live.restore_peaks(&[]).await.unwrap();
}

async fn a_commit_changes_states_counters_and_version_together(live: Arc<dyn Live>) {
    let ada = visitor(1, "/tea");
    let applied = live.commit(vec![came(EIGHT, &ada)]).await.unwrap();
    assert_eq!((applied[0].site, applied[0].version, applied[0].present), (SITE, 1, 1));
    let snapshot = live.watch(SITE).await.unwrap().snapshot;
    assert_eq!(snapshot.version, 1);
    assert_eq!(snapshot.visitors, [ada]);
    assert_eq!(snapshot.counters.of(Dimension::Page).get("/tea"), Some(&1));
    assert_eq!(live.present(&[OTHER, SITE]).await.unwrap(), [0, 1]);
}

async fn a_commit_of_a_past_minute_raises_neither_series_nor_peak(live: Arc<dyn Live>) {
    let later = EIGHT.plus(Duration::from_secs(3_600));
    live.commit(vec![came(later, &visitor(1, "/tea"))]).await.unwrap();
    let mut past = came(EIGHT.plus(Duration::from_secs(3_540)), &visitor(2, "/tea"));
    past.pageviews = vec![(past.at.minute(), 1)];
    let applied = live.commit(vec![past]).await.unwrap();
    assert_eq!((applied[0].present, applied[0].peak.count), (2, 0));
    let snapshot = live.watch(SITE).await.unwrap().snapshot;
    let told: Vec<_> = snapshot.series.0.iter().map(|minute| (minute.pageviews, minute.visitors)).collect();
    assert_eq!(told, [(1, 0), (0, 1)], "its pageview counts where it happened");
    assert_eq!(snapshot.peak.map(|(_, count)| count), Some(1));
}

async fn each_commit_raises_the_version_of_its_site_by_one(live: Arc<dyn Live>) {
    let mut other = empty(EIGHT);
    other.site = OTHER;
    let applied = live.commit(vec![empty(EIGHT), other, empty(EIGHT)]).await.unwrap();
    let versions: Vec<_> = applied.iter().map(|applied| (applied.site, applied.version)).collect();
    assert_eq!(versions, [(SITE, 1), (OTHER, 1), (SITE, 2)]);
}

async fn counters_equal_a_recount_of_the_states_whatever_is_committed(live: Arc<dyn Live>) {
    for seed in 0..20 {
        let mut rng = fastrand::Rng::with_seed(seed);
        for _ in 0..30 {
            let changes = (0..rng.usize(1..20)).map(|_| any_change(&mut rng)).collect();
            live.commit(vec![Commit { changes, ..empty(EIGHT) }]).await.unwrap();
            let snapshot = live.watch(SITE).await.unwrap().snapshot;
            let recount = Counters::recount(snapshot.visitors.iter().map(|visitor| &**visitor));
            assert_eq!(snapshot.counters, recount, "seed {seed}");
        }
    }
}

async fn a_commit_that_is_wrong_about_before_is_put_right(live: Arc<dyn Live>) {
    let (tea, coffee) = (visitor(1, "/tea"), visitor(1, "/coffee"));
    live.commit(vec![came(EIGHT, &tea)]).await.unwrap();
    let mut watch = live.watch(SITE).await.unwrap();
    live.commit(vec![changed(EIGHT, &visitor(1, "/never"), &coffee)]).await.unwrap();
    let told = watch.changes.recv().await.unwrap();
    assert_eq!(told.commit.changes[0].before, Some(tea));
    live.commit(vec![went(EIGHT, &coffee), went(EIGHT, &coffee)]).await.unwrap();
    assert_eq!(live.watch(SITE).await.unwrap().snapshot.counters, Counters::default());
}

async fn bots_are_kept_and_in_no_counter(live: Arc<dyn Live>) {
    let robot = bot(1, "/tea");
    let applied = live.commit(vec![came(EIGHT, &robot)]).await.unwrap();
    assert_eq!((applied[0].present, applied[0].peak.count), (0, 0));
    let snapshot = live.watch(SITE).await.unwrap().snapshot;
    assert_eq!(snapshot.visitors, [robot]);
    assert_eq!((snapshot.counters.present, snapshot.counters.bots), (0, 1));
    assert!(snapshot.counters.of(Dimension::Page).is_empty());
    assert_eq!(snapshot.series, Series::default());
}

async fn a_shard_is_told_of_its_first_commit_to_a_site(live: Arc<dyn Live>) {
    let commits = vec![empty(EIGHT), empty(EIGHT), Commit { shard: 1, ..empty(EIGHT) }];
    let applied = live.commit(commits).await.unwrap();
    assert_eq!(applied.iter().map(|applied| applied.is_first).collect::<Vec<_>>(), [true, false, true]);
    live.forget(SITE).await.unwrap();
    assert!(live.commit(vec![empty(EIGHT)]).await.unwrap()[0].is_first);
}

async fn a_commit_sent_again_changes_nothing_more(live: Arc<dyn Live>) {
    let mut watch = live.watch(SITE).await.unwrap();
    let numbered = |number, commit: Commit| Commit {
        origin: Origin { term: 1, number },
        pageviews: vec![(EIGHT.minute(), 1)],
        ..commit
    };
    let ada = numbered(1, came(EIGHT, &visitor(1, "/tea")));
    let bob = numbered(2, came(EIGHT, &visitor(2, "/tea")));
    for commit in [&ada, &ada] {
        let applied = live.commit(vec![commit.clone()]).await.unwrap();
        assert!(applied[0].is_first, "also the second time: the first answer may be lost");
        assert_eq!((applied[0].version, applied[0].present, applied[0].peak.count), (1, 1, 1));
    }
    let applied = live.commit(vec![bob.clone(), ada, bob.clone()]).await.unwrap();
    let told: Vec<_> = applied.iter().map(|one| (one.version, one.present, one.is_first)).collect();
    assert_eq!(told, [(2, 2, false); 3]);
    let other_shard = Commit { shard: 1, ..bob };
    assert_eq!(live.commit(vec![other_shard]).await.unwrap()[0].version, 3);
    let pageviews: u32 = series(&*live).await.0.iter().map(|minute| minute.pageviews).sum();
    assert_eq!(pageviews, 3);
    for version in 1..=3 {
        assert_eq!(watch.changes.recv().await.unwrap().version, version);
    }
    assert!(watch.changes.try_recv().is_err());
}

async fn what_is_sent_again_beside_newer_commits_of_other_sites_counts_once(live: Arc<dyn Live>) {
    let (ada, bob) = (visitor(1, "/tea"), visitor(2, "/tea"));
    let term = take(&*live).await;
    let first = viewed(of(&term, 1, came(EIGHT, &ada)));
    let other = |number, who| Commit { site: OTHER, ..of(&term, number, came(EIGHT, who)) };
    live.commit(vec![first.clone(), other(1, &ada)]).await.unwrap();
    let applied = live.commit(vec![first.clone(), other(2, &bob)]).await.unwrap();
    let told: Vec<_> = applied.iter().map(|one| (one.site, one.version, one.present)).collect();
    assert_eq!(told, [(SITE, 1, 1), (OTHER, 2, 2)]);
    let next = viewed(of(&term, 3, came(EIGHT, &bob)));
    let applied = live.commit(vec![first, next, other(2, &bob)]).await.unwrap();
    let told: Vec<_> = applied.iter().map(|one| (one.site, one.version, one.present)).collect();
    assert_eq!(told, [(SITE, 1, 1), (SITE, 2, 2), (OTHER, 2, 2)]);
    assert_eq!(series(&*live).await.0.iter().map(|minute| minute.pageviews).sum::<u32>(), 2);
}

async fn a_commit_of_an_older_term_is_refused(live: Arc<dyn Live>) {
    let (ada, bob) = (visitor(1, "/a"), visitor(2, "/b"));
    let old = take(&*live).await;
    live.commit(vec![of(&old, 1, came(EIGHT, &ada))]).await.unwrap();
    let new = take(&*live).await;
    assert!(new.term > old.term);
    assert_eq!(new.states, Some(vec![(SITE, vec![ada.clone()])]));
    let late = of(&old, 2, went(EIGHT, &ada));
    assert!(matches!(live.commit(vec![late]).await, Err(LiveError::Superseded)));
    let elsewhere = Commit { site: OTHER, ..of(&old, 3, came(EIGHT, &bob)) };
    assert!(
        matches!(live.commit(vec![elsewhere]).await, Err(LiveError::Superseded)),
        "a site unknown so far"
    );
    assert!(matches!(live.recovered(0, old.term).await, Err(LiveError::Superseded)));
    assert_eq!(live.present(&[SITE, OTHER]).await.unwrap(), [1, 0]);
    let applied = live.commit(vec![of(&new, 1, went(EIGHT, &ada))]).await.unwrap();
    assert_eq!((applied[0].present, applied[0].is_first), (0, false));
    live.commit(vec![Commit { shard: 1, ..came(EIGHT, &bob) }]).await.unwrap();
}

async fn a_shard_that_nobody_recovered_is_not_loaded_and_what_was_left_is_gone(live: Arc<dyn Live>) {
    let bob = visitor(2, "/b");
    assert!(live.load(7).await.unwrap().states.is_none());
    let old = live.load(0).await.unwrap();
    live.commit(vec![viewed(of(&old, 1, came(EIGHT, &visitor(1, "/a"))))]).await.unwrap();
    live.commit(vec![viewed(Commit { shard: 1, ..came(EIGHT, &bob) })]).await.unwrap();
    let mut watch = live.watch(SITE).await.unwrap();
    let new = live.load(0).await.unwrap();
    assert!(new.states.is_none());
    let left = live.watch(SITE).await.unwrap().snapshot;
    assert_eq!((left.counters.present, left.visitors), (1, vec![bob]));
    assert_eq!(left.series.0.iter().map(|minute| minute.pageviews).sum::<u32>(), 1);
    assert!(matches!(watch.changes.recv().await, Err(RecvError::Lagged(_))));
    live.recovered(0, new.term).await.unwrap();
    assert_eq!(live.load(0).await.unwrap().states, Some(vec![]));
}

async fn a_shard_loads_its_own_states(live: Arc<dyn Live>) {
    let (ada, bob) = (visitor(1, "/a"), visitor(2, "/b"));
    let of_shard = |shard, visitor| Commit { shard, ..came(EIGHT, visitor) };
    let term = take(&*live).await;
    live.commit(vec![of(&term, 1, came(EIGHT, &ada)), of_shard(1, &bob)]).await.unwrap();
    let next = take(&*live).await;
    assert_eq!(next.states, Some(vec![(SITE, vec![ada.clone()])]));
    live.commit(vec![of(&next, 1, went(EIGHT, &ada))]).await.unwrap();
    assert_eq!(take(&*live).await.states, Some(vec![]));
}

async fn a_shard_loads_its_marks_also_of_sites_where_nobody_is_present(live: Arc<dyn Live>) {
    let mark = |batch| Mark { batch: BatchId(batch), received: EIGHT };
    let marked = |batch, commit| Commit { mark: Some(mark(batch)), ..commit };
    let ada = visitor(1, "/a");
    let term = take(&*live).await;
    let foreign = Commit { shard: 1, ..marked(9, empty(EIGHT)) };
    live.commit(vec![marked(1, of(&term, 1, came(EIGHT, &ada))), foreign]).await.unwrap();
    live.commit(vec![marked(u128::MAX, of(&term, 2, went(EIGHT, &ada)))]).await.unwrap();
    live.commit(vec![of(&term, 2, Commit { site: OTHER, ..came(EIGHT, &ada) })]).await.unwrap();
    for _ in 0..2 {
        let next = take(&*live).await;
        assert_eq!(next.states, Some(vec![(OTHER, vec![ada.clone()])]));
        assert_eq!(next.marks, [(SITE, mark(u128::MAX))], "as they were, until the next commit");
    }
    let next = take(&*live).await;
    live.commit(vec![marked(3, of(&next, 1, empty(EIGHT)))]).await.unwrap();
    assert_eq!(take(&*live).await.marks, [(SITE, mark(3))]);
}

async fn what_is_rebuilt_has_no_marks(live: Arc<dyn Live>) {
    let mark = Some(Mark { batch: BatchId(1), received: EIGHT });
    let old = live.load(0).await.unwrap();
    live.commit(vec![Commit { mark, ..of(&old, 1, empty(EIGHT)) }]).await.unwrap();
    let new = live.load(0).await.unwrap();
    assert!(new.states.is_none() && new.marks.is_empty());
    live.commit(vec![of(&new, 1, empty(EIGHT))]).await.unwrap();
    live.recovered(0, new.term).await.unwrap();
    assert_eq!(take(&*live).await.marks, []);
}

async fn a_forgotten_site_refuses_older_terms_as_before(live: Arc<dyn Live>) {
    let (ada, bob) = (visitor(1, "/a"), visitor(2, "/b"));
    let old = take(&*live).await;
    live.commit(vec![
        of(&old, 1, came(EIGHT, &ada)),
        of(&old, 1, Commit { site: OTHER, ..came(EIGHT, &ada) }),
    ])
    .await
    .unwrap();
    live.forget(OTHER).await.unwrap();
    let new = take(&*live).await;
    live.forget(SITE).await.unwrap();
    live.forget(SITE).await.unwrap();
    for site in [SITE, OTHER] {
        let late = Commit { site, ..of(&old, 2, came(EIGHT, &bob)) };
        assert!(matches!(live.commit(vec![late]).await, Err(LiveError::Superseded)), "{site}");
    }
    assert_eq!(live.present(&[SITE, OTHER]).await.unwrap(), [0, 0]);
    assert_eq!(take(&*live).await.states, Some(vec![]), "nothing is missing");
    let newest = take(&*live).await;
    let late = of(&new, 1, came(EIGHT, &bob));
    assert!(matches!(live.commit(vec![late]).await, Err(LiveError::Superseded)));
    let applied = live.commit(vec![of(&newest, 1, came(EIGHT, &bob))]).await.unwrap();
    assert_eq!((applied[0].version, applied[0].present, applied[0].is_first), (1, 1, true));
}

async fn a_visitor_belongs_to_the_shard_that_last_said_it_came(live: Arc<dyn Live>) {
    let (before, after) = (visitor(1, "/before"), visitor(1, "/after"));
    let term = take(&*live).await;
    let second = Commit { shard: 1, ..came(EIGHT, &after) };
    live.commit(vec![of(&term, 1, came(EIGHT, &before)), second]).await.unwrap();
    live.commit(vec![of(&term, 2, went(EIGHT, &before))]).await.unwrap();
    let snapshot = live.watch(SITE).await.unwrap().snapshot;
    assert_eq!(snapshot.visitors, [after]);
    assert_eq!(snapshot.counters.present, 1);
    assert_eq!(take(&*live).await.states, Some(vec![]));
}

async fn a_visitor_is_found_as_committed_last(live: Arc<dyn Live>) {
    let (before, after) = (visitor(1, "/before"), visitor(1, "/after"));
    assert_eq!(live.visitor(SITE, key(1)).await.unwrap(), None);
    live.commit(vec![came(EIGHT, &before)]).await.unwrap();
    live.commit(vec![changed(EIGHT, &before, &after)]).await.unwrap();
    assert_eq!(live.visitor(SITE, key(1)).await.unwrap().as_ref(), Some(&after));
    assert_eq!(live.visitor(SITE, key(2)).await.unwrap(), None);
    assert_eq!(live.visitor(OTHER, key(1)).await.unwrap(), None, "of another site");
    live.commit(vec![went(EIGHT, &after)]).await.unwrap();
    assert_eq!(live.visitor(SITE, key(1)).await.unwrap(), None);
}

async fn a_watch_is_a_picture_and_then_exactly_the_commits_after_it(live: Arc<dyn Live>) {
    let committer = {
        let live = live.clone();
        tokio::spawn(async move {
            for id in 0..200 {
                live.commit(vec![came(EIGHT, &visitor(id, "/"))]).await.unwrap();
                tokio::task::yield_now().await;
            }
        })
    };
    for _ in 0..20 {
        let mut watch = live.watch(SITE).await.unwrap();
        let mut present = watch.snapshot.counters.present;
        assert_eq!(u64::from(present), watch.snapshot.version);
        for version in watch.snapshot.version + 1..=(watch.snapshot.version + 5).min(200) {
            let applied = watch.changes.recv().await.unwrap();
            present += 1;
            assert_eq!((applied.version, applied.present), (version, present));
        }
    }
    committer.await.unwrap();
}

async fn a_watcher_that_falls_behind_is_told(live: Arc<dyn Live>) {
    let mut watch = live.watch(SITE).await.unwrap();
    for _ in 0..2_000 {
        live.commit(vec![empty(EIGHT)]).await.unwrap();
    }
    assert!(matches!(watch.changes.recv().await, Err(RecvError::Lagged(_))));
}

async fn pageviews_land_in_their_own_minute(live: Arc<dyn Live>) {
    let now = EIGHT.minute();
    let minute = |back: i64| Minute(now.0 - back);
    let pageviews = vec![(minute(0), 3), (minute(10), 2), (minute(29), 1), (minute(30), 9)];
    live.commit(vec![Commit { pageviews, ..empty(EIGHT) }]).await.unwrap();
    live.commit(vec![Commit { pageviews: vec![(minute(10), 5)], ..empty(EIGHT) }]).await.unwrap();
    let row = |back, pageviews| SeriesMinute { minute: minute(back), pageviews, visitors: 0 };
    assert_eq!(series(&*live).await, Series(vec![row(29, 1), row(10, 7), row(0, 3)]));
}

async fn minutes_older_than_30_fall_away(live: Arc<dyn Live>) {
    let view = |at: Millis| Commit { pageviews: vec![(at.minute(), 1)], ..empty(at) };
    let later = EIGHT.plus(Duration::from_secs(29 * 60));
    live.commit(vec![view(EIGHT), view(later)]).await.unwrap();
    assert_eq!(series(&*live).await.0.len(), 2);
    live.commit(vec![empty(later.plus(Duration::from_secs(60)))]).await.unwrap();
    assert_eq!(series(&*live).await.0[0].minute, later.minute());
}

async fn a_minute_shows_the_most_visitors_present_during_it(live: Arc<dyn Live>) {
    let (ada, bob) = (visitor(1, "/"), visitor(2, "/"));
    let second = |seconds| EIGHT.plus(Duration::from_secs(seconds));
    live.commit(vec![came(second(0), &ada), came(second(1), &bob), went(second(2), &bob)]).await.unwrap();
    live.commit(vec![went(second(190), &ada), empty(second(250))]).await.unwrap();
    let visitors: Vec<_> = series(&*live).await.0.iter().map(|minute| minute.visitors).collect();
    assert_eq!(visitors, [2, 1, 1, 1]);
}

async fn the_peak_is_the_highest_hour_of_7_days(live: Arc<dyn Live>) {
    let hours = |hours: u64| EIGHT.plus(Duration::from_secs(hours * 3_600));
    let (ada, bob) = (visitor(1, "/"), visitor(2, "/"));
    let applied = live.commit(vec![came(hours(0), &ada), came(hours(0), &bob)]).await.unwrap();
    assert_eq!(applied[1].peak, Peak { site: SITE, hour: hours(0), count: 2 });
    live.commit(vec![went(hours(0), &bob), empty(hours(167))]).await.unwrap();
    assert_eq!(peak(&*live).await, Some((hours(0), 2)));
    live.commit(vec![empty(hours(168))]).await.unwrap();
    assert_eq!(peak(&*live).await, Some((hours(168), 1)));
}

async fn restored_peaks_only_raise(live: Arc<dyn Live>) {
    let at = |count| Peak { site: SITE, hour: EIGHT, count };
    live.restore_peaks(&[at(5)]).await.unwrap();
    live.restore_peaks(&[at(3)]).await.unwrap();
    assert_eq!(peak(&*live).await, Some((EIGHT, 5)));
    let applied = live.commit(vec![came(EIGHT, &visitor(1, "/"))]).await.unwrap();
    assert_eq!(applied[0].peak, at(5));
}

async fn a_forgotten_site_is_empty_and_its_watches_are_closed(live: Arc<dyn Live>) {
    live.commit(vec![came(EIGHT, &visitor(1, "/"))]).await.unwrap();
    let mut watch = live.watch(SITE).await.unwrap();
    live.forget(SITE).await.unwrap();
    assert!(matches!(watch.changes.recv().await, Err(RecvError::Closed)));
    assert_eq!(live.present(&[SITE]).await.unwrap(), [0]);
    assert_eq!(live.watch(SITE).await.unwrap().snapshot.version, 0);
}

async fn a_subscriber_hears_its_topic_in_order_from_then_on(live: Arc<dyn Live>) {
    live.publish("tea", Bytes::from_static(b"before")).await.unwrap();
    let mut subscription = live.subscribe("tea").await.unwrap();
    for message in ["one", "two"] {
        live.publish("coffee", Bytes::from_static(b"not this")).await.unwrap();
        live.publish("tea", Bytes::from(message)).await.unwrap();
    }
    assert_eq!(subscription.0.recv().await.unwrap(), "one");
    assert_eq!(subscription.0.recv().await.unwrap(), "two");
}

async fn a_subscriber_that_falls_behind_is_told_of_the_gap(live: Arc<dyn Live>) {
    let mut subscription = live.subscribe("tea").await.unwrap();
    for _ in 0..2_000 {
        live.publish("tea", Bytes::new()).await.unwrap();
    }
    assert!(matches!(subscription.0.recv().await, Err(RecvError::Lagged(missed)) if missed > 0));
}

async fn the_feed_is_told_as_committed(live: Arc<dyn Live>) {
    let mut watch = live.watch(SITE).await.unwrap();
    let line = live::FeedHit {
        at: EIGHT,
        key: key(1),
        kind: live::FeedKind::Event("buy".into()),
        path: "/tea".into(),
        country: "FR".into(),
        source: "Google".into(),
        channel: Channel::Search,
    };
    live.commit(vec![Commit { feed: vec![line.clone()], ..empty(EIGHT) }]).await.unwrap();
    assert_eq!(watch.changes.recv().await.unwrap().commit.feed, [line]);
}

/// Shard 0 as its next processor takes it over.
async fn take(live: &dyn Live) -> Loaded {
    let loaded = live.load(0).await.unwrap();
    live.recovered(0, loaded.term).await.unwrap();
    loaded
}

fn viewed(commit: Commit) -> Commit {
    Commit { pageviews: vec![(EIGHT.minute(), 1)], ..commit }
}

async fn series(live: &dyn Live) -> Series {
    live.watch(SITE).await.unwrap().snapshot.series
}

async fn peak(live: &dyn Live) -> Option<(Millis, u32)> {
    live.watch(SITE).await.unwrap().snapshot.peak
}

macro_rules! contract {
    ($backend:ident, $open:expr, [$($promise:ident),* $(,)?]) => {
        mod $backend {
            $(
                #[tokio::test]
                async fn $promise() {
                    let (live, _server) = $open;
                    super::$promise(live).await;
                }
            )*
        }
    };
    ($backend:ident, $open:expr) => {
        contract!($backend, $open, [
            an_unknown_site_is_empty,
            a_commit_changes_states_counters_and_version_together,
            a_commit_of_a_past_minute_raises_neither_series_nor_peak,
            each_commit_raises_the_version_of_its_site_by_one,
            counters_equal_a_recount_of_the_states_whatever_is_committed,
            a_commit_that_is_wrong_about_before_is_put_right,
            bots_are_kept_and_in_no_counter,
            a_shard_is_told_of_its_first_commit_to_a_site,
            a_commit_sent_again_changes_nothing_more,
            what_is_sent_again_beside_newer_commits_of_other_sites_counts_once,
            a_commit_of_an_older_term_is_refused,
            a_shard_that_nobody_recovered_is_not_loaded_and_what_was_left_is_gone,
            a_shard_loads_its_own_states,
            a_shard_loads_its_marks_also_of_sites_where_nobody_is_present,
            what_is_rebuilt_has_no_marks,
            a_visitor_belongs_to_the_shard_that_last_said_it_came,
            a_visitor_is_found_as_committed_last,
            a_watch_is_a_picture_and_then_exactly_the_commits_after_it,
            a_watcher_that_falls_behind_is_told,
            pageviews_land_in_their_own_minute,
            minutes_older_than_30_fall_away,
            a_minute_shows_the_most_visitors_present_during_it,
            the_peak_is_the_highest_hour_of_7_days,
            restored_peaks_only_raise,
            a_forgotten_site_is_empty_and_its_watches_are_closed,
            a_forgotten_site_refuses_older_terms_as_before,
            a_subscriber_hears_its_topic_in_order_from_then_on,
            a_subscriber_that_falls_behind_is_told_of_the_gap,
            the_feed_is_told_as_committed,
        ]);
    };
}

contract!(memory, (std::sync::Arc::new(live::MemoryLive::default()), ()));
contract!(redis, super::servers_for_tests::redis());
contract!(redis_cluster, super::servers_for_tests::cluster());
