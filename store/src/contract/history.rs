//! Promises of `History`.

use bytes::Bytes;
use model::{Millis, Peak, SiteId};

use super::fixtures::{NOW, batch};
use super::{World, on_every_backend};
use crate::history::{History, PAGE_BYTES_MAX, TailBatch, TailCursor, TailPage};

on_every_backend! {
    an_appended_batch_is_read_back_as_it_was,
    an_appended_batch_survives_the_process,
    a_batch_is_there_once_however_often_it_is_appended,
    one_id_may_stand_for_several_sites,
    concurrent_appends_of_one_batch_leave_one,
    the_tail_since_a_moment_is_in_the_order_of_appending,
    the_tail_since_a_moment_leaves_out_what_was_received_before,
    the_tail_of_a_site_is_its_own,
    a_page_holds_at_most_its_limit,
    a_page_ends_once_its_bodies_reach_the_bytes_max,
    a_page_holds_at_least_one_batch,
    no_next_means_that_nothing_stands_behind_for_now,
    a_peak_only_rises,
    peaks_since_a_moment_leave_out_earlier_hours,
    a_forgotten_site_is_gone_and_the_others_stay,
    a_forgotten_site_stays_gone,
}

async fn an_appended_batch_is_read_back_as_it_was(world: World) {
    let history = &world.store.history;
    let mut odd = batch(u128::MAX, (1 << 40) - 1, Millis(-1));
    odd.hits = u32::MAX;
    odd.body = Bytes::from_static(&[0, 255, 128]);
    let empty = TailBatch { body: Bytes::new(), ..batch(0, 0, Millis(i64::MAX)) };
    history.append(vec![odd.clone(), empty.clone()]).await.unwrap();
    assert_eq!(everything(&**history).await, vec![odd, empty]);
}

async fn an_appended_batch_survives_the_process(world: World) {
    world.store.history.append(vec![batch(1, 1, NOW)]).await.unwrap();
    let world = world.reopened().await;
    assert_eq!(everything(&*world.store.history).await, vec![batch(1, 1, NOW)]);
}

async fn a_batch_is_there_once_however_often_it_is_appended(world: World) {
    let history = &world.store.history;
    history.append(vec![batch(1, 1, NOW), batch(1, 1, NOW)]).await.unwrap();
    let again = TailBatch { body: Bytes::from_static(b"another"), ..batch(1, 1, NOW) };
    history.append(vec![again, batch(2, 1, NOW)]).await.unwrap();
    assert_eq!(everything(&**history).await, vec![batch(1, 1, NOW), batch(2, 1, NOW)]);
}

async fn one_id_may_stand_for_several_sites(world: World) {
    let history = &world.store.history;
    history.append(vec![batch(1, 1, NOW), batch(1, 2, NOW)]).await.unwrap();
    assert_eq!(everything(&**history).await.len(), 2);
}

async fn concurrent_appends_of_one_batch_leave_one(world: World) {
    let mut appends = tokio::task::JoinSet::new();
    for turn in 0..100 {
        let history = world.store.history.clone();
        appends.spawn(async move { history.append(vec![batch(1, 1, NOW), batch(2 + turn, 1, NOW)]).await });
    }
    while let Some(appended) = appends.join_next().await {
        appended.unwrap().unwrap();
    }
    let all = everything(&*world.store.history).await;
    assert_eq!(all.iter().filter(|found| found.id.0 == 1).count(), 1);
    assert_eq!(all.len(), 101);
}

async fn the_tail_since_a_moment_is_in_the_order_of_appending(world: World) {
    let history = &world.store.history;
    let appended = [batch(9, 1, Millis(30)), batch(4, 2, Millis(10)), batch(7, 1, Millis(20))];
    for each in &appended {
        history.append(vec![each.clone()]).await.unwrap();
    }
    assert_eq!(everything(&**history).await, appended);
}

async fn the_tail_since_a_moment_leaves_out_what_was_received_before(world: World) {
    let history = &world.store.history;
    let received = [10, 19, 20, 21, 5, 30].map(Millis);
    let batches = received.iter().zip(1..).map(|(&at, number)| batch(number, 1, at)).collect();
    history.append(batches).await.unwrap();
    let numbers = |page: TailPage| page.batches.iter().map(|found| found.id.0).collect::<Vec<_>>();
    assert_eq!(numbers(history.tail_since(Millis(20), None, 10).await.unwrap()), [3, 4, 6]);
    assert_eq!(numbers(history.tail_since(Millis(31), None, 10).await.unwrap()), [0u128; 0]);
    let first = history.tail_since(Millis(20), None, 2).await.unwrap();
    assert_eq!(numbers(history.tail_since(Millis(20), first.next, 2).await.unwrap()), [6]);
}

async fn the_tail_of_a_site_is_its_own(world: World) {
    let history = &world.store.history;
    let (a, b, c) = (batch(1, 1, NOW), batch(2, 2, NOW), batch(3, 1, Millis(0)));
    history.append(vec![a.clone(), b.clone(), c.clone()]).await.unwrap();
    assert_eq!(of_site(&**history, 1).await, vec![a, c]);
    assert_eq!(of_site(&**history, 2).await, vec![b]);
    assert_eq!(of_site(&**history, 3).await, vec![]);
}

async fn a_page_holds_at_most_its_limit(world: World) {
    let history = &world.store.history;
    history.append((0..5).map(|number| batch(number, 1, NOW)).collect()).await.unwrap();
    let first = history.tail_of(SiteId::of(1), None, 3).await.unwrap();
    assert_eq!(first.batches.len(), 3);
    let second = history.tail_of(SiteId::of(1), first.next, 3).await.unwrap();
    assert_eq!(second.batches, vec![batch(3, 1, NOW), batch(4, 1, NOW)]);
    assert_eq!(second.next, None);
}

async fn a_page_ends_once_its_bodies_reach_the_bytes_max(world: World) {
    let history = &world.store.history;
    let heavy = |number, bytes| TailBatch { body: Bytes::from(vec![7; bytes]), ..batch(number, 1, NOW) };
    let batches = vec![heavy(0, PAGE_BYTES_MAX - 1), heavy(1, 1), heavy(2, PAGE_BYTES_MAX), heavy(3, 1)];
    history.append(batches.clone()).await.unwrap();
    let mut sizes = vec![];
    let mut after = None;
    loop {
        let page = history.tail_since(NOW, after, 100).await.unwrap();
        sizes.push(page.batches.len());
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [2, 1, 1]);
    assert_eq!(everything(&**history).await, batches);
}

async fn a_page_holds_at_least_one_batch(world: World) {
    let history = &world.store.history;
    history.append(vec![batch(1, 1, NOW), batch(2, 1, NOW)]).await.unwrap();
    assert_eq!(history.tail_since(NOW, None, 0).await.unwrap().batches, vec![batch(1, 1, NOW)]);
    let oversized = TailBatch { body: Bytes::from(vec![7; PAGE_BYTES_MAX + 1]), ..batch(3, 2, NOW) };
    history.append(vec![oversized.clone()]).await.unwrap();
    assert_eq!(history.tail_of(SiteId::of(2), None, 9).await.unwrap().batches, vec![oversized]);
}

async fn no_next_means_that_nothing_stands_behind_for_now(world: World) {
    let history = &world.store.history;
    assert_eq!(history.tail_since(NOW, None, 2).await.unwrap().next, None);
    history.append(vec![batch(1, 1, NOW), batch(2, 1, NOW)]).await.unwrap();
    assert_eq!(history.tail_since(NOW, None, 2).await.unwrap().next, None);
    let first = history.tail_since(NOW, None, 1).await.unwrap();
    assert!(first.next.is_some());
    history.append(vec![batch(3, 1, NOW)]).await.unwrap();
    let second = history.tail_since(NOW, first.next, 1).await.unwrap();
    assert_eq!(second.batches, vec![batch(2, 1, NOW)]);
    assert!(second.next.is_some());
}

async fn a_peak_only_rises(world: World) {
    let history = &world.store.history;
    let peak = |site, hour, count| Peak { site: SiteId::of(site), hour: Millis(hour), count };
    history.raise_peaks(&[peak(1, 0, 5), peak(1, 3_600_000, 2), peak(2, 0, 1)]).await.unwrap();
    history.raise_peaks(&[peak(1, 0, 4), peak(1, 3_600_000, 3), peak(2, 0, 1)]).await.unwrap();
    let expected = vec![peak(1, 0, 5), peak(2, 0, 1), peak(1, 3_600_000, 3)];
    assert_eq!(history.peaks_since(Millis(0)).await.unwrap(), expected);
}

async fn peaks_since_a_moment_leave_out_earlier_hours(world: World) {
    let history = &world.store.history;
    let peaks = [0, 10, 20].map(|hour| Peak { site: SiteId::of(1), hour: Millis(hour), count: 1 });
    history.raise_peaks(&peaks).await.unwrap();
    assert_eq!(history.peaks_since(Millis(10)).await.unwrap(), peaks[1..]);
}

async fn a_forgotten_site_is_gone_and_the_others_stay(world: World) {
    let history = &world.store.history;
    let peaks = [1, 2].map(|site| Peak { site: SiteId::of(site), hour: Millis(0), count: 1 });
    history.raise_peaks(&peaks).await.unwrap();
    // More than one transaction removes.
    history.append((0..300).map(|number| batch(number, 1, NOW)).collect()).await.unwrap();
    history.append(vec![batch(1, 2, NOW)]).await.unwrap();
    history.forget(SiteId::of(1)).await.unwrap();
    assert_eq!(everything(&**history).await, vec![batch(1, 2, NOW)]);
    assert_eq!(of_site(&**history, 1).await, vec![]);
    assert_eq!(history.peaks_since(Millis(0)).await.unwrap(), peaks[1..]);
}

async fn a_forgotten_site_stays_gone(world: World) {
    let history = &world.store.history;
    history.append(vec![batch(1, 1, NOW)]).await.unwrap();
    history.forget(SiteId::of(1)).await.unwrap();
    history.append(vec![batch(1, 1, NOW), batch(2, 1, NOW), batch(3, 2, NOW)]).await.unwrap();
    history.raise_peaks(&[Peak { site: SiteId::of(1), hour: NOW, count: 1 }]).await.unwrap();
    assert_eq!(everything(&**history).await, vec![batch(3, 2, NOW)]);
    assert_eq!(history.peaks_since(Millis(0)).await.unwrap(), vec![]);
}

async fn everything(history: &dyn History) -> Vec<TailBatch> {
    let mut all = vec![];
    let mut after: Option<TailCursor> = None;
    loop {
        let page = history.tail_since(Millis(i64::MIN), after, 64).await.unwrap();
        all.extend(page.batches);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

async fn of_site(history: &dyn History, site: u64) -> Vec<TailBatch> {
    let page = history.tail_of(SiteId::of(site), None, 1_000).await.unwrap();
    assert_eq!(page.next, None);
    page.batches
}
