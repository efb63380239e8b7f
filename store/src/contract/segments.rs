//! Promises of `History` about segments.

use std::ops::Range;

use bytes::Bytes;
use model::{Millis, SegmentId, SiteId};

use super::fixtures::{NOW, batch, segment};
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::{Conflict, Limit, NotFound, Unavailable};
use crate::history::{
    HEAD_BYTES_MAX, History, NewFold, NewSegment, SEGMENT_BYTES_MAX, SegmentEntry, Shelf, TailCursor,
};

on_every_backend! {
    a_site_that_was_never_folded_has_an_empty_shelf,
    a_fold_puts_its_segments_on_the_shelf_by_day_and_id,
    a_fold_survives_the_process,
    any_part_of_a_segment_is_read_as_it_was_put,
    what_is_not_there_is_not_found_and_past_the_end_is_an_error,
    a_replaced_segment_leaves_the_shelf_and_is_read_within_its_grace,
    of_two_folds_upon_the_same_one_a_single_one_is_in,
    a_fold_that_is_refused_changes_nothing,
    a_taken_id_of_a_segment_is_a_conflict,
    how_far_folds_went_never_falls,
    old_batches_that_folds_took_in_leave_the_tail_and_no_others,
    a_batch_that_left_the_tail_may_come_again,
    a_page_says_where_its_last_batch_stands,
    sites_to_fold_are_those_with_something_new_or_something_old,
    sites_to_fold_come_by_id_and_are_bounded,
    a_head_and_a_segment_have_their_bytes_max,
    a_forgotten_site_has_no_shelf_and_takes_no_fold,
    sweeping_leaves_what_can_be_read,
}

const SITE: SiteId = SiteId::of(1);

fn fold(after: u64, segments: Vec<NewSegment>, gone: &[u128]) -> NewFold {
    let gone = gone.iter().map(|id| SegmentId(*id)).collect();
    NewFold { after, segments, gone, ..NewFold::default() }
}

async fn ids(history: &dyn History) -> Vec<u128> {
    history.shelf(SITE).await.unwrap().segments.iter().map(|entry| entry.id.0).collect()
}

async fn whole(history: &dyn History, segment: &NewSegment) -> crate::Result<Bytes> {
    history.read_segment(SITE, segment.id, 0, segment.body.len()).await
}

async fn a_site_that_was_never_folded_has_an_empty_shelf(world: World) {
    let history = &world.store.history;
    history.append(vec![batch(1, 1, NOW)]).await.unwrap();
    assert_eq!(history.shelf(SITE).await.unwrap(), Shelf::default());
}

async fn a_fold_puts_its_segments_on_the_shelf_by_day_and_id(world: World) {
    let history = &world.store.history;
    let same_day = NewSegment { day_start: segment(3, 0).day_start, ..segment(9, 70) };
    let segments = vec![same_day, segment(3, 50), segment(2, 60)];
    assert_eq!(history.put_fold(SITE, fold(0, segments.clone(), &[])).await.unwrap(), 1);
    history.put_fold(SiteId::of(2), fold(0, vec![segment(3, 10)], &[])).await.unwrap();
    let expected = [2, 1, 0].map(|index: usize| SegmentEntry::from(&segments[index]));
    let shelf = history.shelf(SITE).await.unwrap();
    assert_eq!((shelf.fold, shelf.folded_to), (1, None));
    assert_eq!(shelf.segments, expected);
    assert_eq!(history.put_fold(SITE, fold(1, vec![segment(1, 5)], &[])).await.unwrap(), 2);
    assert_eq!(ids(&**history).await, [1, 2, 3, 9]);
}

async fn a_fold_survives_the_process(world: World) {
    world.store.history.append(vec![batch(1, 1, NOW)]).await.unwrap();
    let last = world.store.history.tail_of(SITE, None, 1).await.unwrap().last;
    let new = NewFold { folded_to: last, ..fold(0, vec![segment(1, 1_000)], &[]) };
    world.store.history.put_fold(SITE, new).await.unwrap();
    let before = world.store.history.shelf(SITE).await.unwrap();
    assert_eq!(before.folded_to, last);
    let world = world.reopened().await;
    assert_eq!(world.store.history.shelf(SITE).await.unwrap(), before);
    assert_eq!(whole(&*world.store.history, &segment(1, 1_000)).await.unwrap(), segment(1, 1_000).body);
}

async fn any_part_of_a_segment_is_read_as_it_was_put(world: World) {
    let history = &world.store.history;
    let length = 2_500_003;
    let put = segment(1, length);
    history.put_fold(SITE, fold(0, vec![segment(2, 0), put.clone(), segment(3, 99)], &[])).await.unwrap();
    let mut rng = fastrand::Rng::with_seed(7);
    let near = [0, 1, 262_143, 262_144, 262_145, 524_288, 1_048_576, length - 1, length];
    let mut ranges: Vec<(usize, usize)> = near
        .iter()
        .flat_map(|from| near.iter().map(|to| (*from, *to)))
        .filter(|(from, to)| from <= to)
        .collect();
    ranges.extend((0..30).map(|_| {
        let from = rng.usize(..length);
        (from, rng.usize(from..=length))
    }));
    for (from, to) in ranges {
        let read = history.read_segment(SITE, put.id, from as u64, to - from).await.unwrap();
        assert!(read == put.body[from..to], "{from}..{to}");
    }
    assert_eq!(whole(&**history, &segment(2, 0)).await.unwrap().len(), 0);
    assert_eq!(whole(&**history, &segment(3, 99)).await.unwrap(), segment(3, 99).body);
}

async fn what_is_not_there_is_not_found_and_past_the_end_is_an_error(world: World) {
    let history = &world.store.history;
    history.put_fold(SITE, fold(0, vec![segment(1, 100)], &[])).await.unwrap();
    assert_refused!(history.read_segment(SITE, SegmentId(2), 0, 1), NotFound("segment"));
    assert_refused!(history.read_segment(SiteId::of(2), SegmentId(1), 0, 1), NotFound("segment"));
    assert_refused!(history.read_segment(SITE, SegmentId(1), 0, 101), Unavailable(_));
    assert_refused!(history.read_segment(SITE, SegmentId(1), 101, 0), Unavailable(_));
    assert_refused!(history.read_segment(SITE, SegmentId(1), u64::MAX, 2), Unavailable(_));
    // Whoever reads is told, not who only says that they will.
    for (id, start, end) in [(1, 0, 100), (1, 0, u64::MAX), (1, 90, 20), (2, 0, 1)] {
        history.expect_segment(SITE, SegmentId(id), vec![Range { start, end }]).await;
    }
}

async fn a_replaced_segment_leaves_the_shelf_and_is_read_within_its_grace(world: World) {
    let history = &world.store.history;
    history.put_fold(SITE, fold(0, vec![segment(1, 600_000), segment(2, 10)], &[])).await.unwrap();
    history.put_fold(SITE, fold(1, vec![segment(3, 20)], &[1, 77])).await.unwrap();
    assert_eq!(ids(&**history).await, [2, 3]);
    assert_eq!(whole(&**history, &segment(1, 600_000)).await.unwrap(), segment(1, 600_000).body);
}

async fn of_two_folds_upon_the_same_one_a_single_one_is_in(world: World) {
    for after in 0..3 {
        let mut folds = tokio::task::JoinSet::new();
        for lane in 0..6 {
            let history = world.store.history.clone();
            let new = fold(after, vec![segment(u128::from(after) * 10 + lane, 1_000)], &[]);
            folds.spawn(async move { (lane, history.put_fold(SITE, new).await) });
        }
        let (won, lost): (Vec<_>, Vec<_>) =
            folds.join_all().await.into_iter().partition(|(_, put)| put.is_ok());
        assert!(matches!(won[..], [(_, Ok(number))] if number == after + 1), "{won:?}");
        assert!(lost.iter().all(|(_, put)| matches!(put, Err(Conflict(_)))), "{lost:?}");
        assert_eq!(ids(&*world.store.history).await.len() as u64, after + 1);
        for (lane, _) in lost {
            let id = SegmentId(u128::from(after) * 10 + lane);
            assert_refused!(world.store.history.read_segment(SITE, id, 0, 1), NotFound(_));
        }
    }
}

async fn a_fold_that_is_refused_changes_nothing(world: World) {
    let history = &world.store.history;
    history.append(vec![batch(1, 1, Millis(10))]).await.unwrap();
    let last = history.tail_of(SITE, None, 1).await.unwrap().last;
    history.put_fold(SITE, fold(0, vec![segment(1, 100)], &[])).await.unwrap();
    let before = history.shelf(SITE).await.unwrap();
    for after in [0, 2] {
        let new = NewFold { folded_to: last, old: NOW, ..fold(after, vec![segment(2, 100)], &[1]) };
        assert_refused!(history.put_fold(SITE, new), Conflict(_));
    }
    assert_eq!(history.shelf(SITE).await.unwrap(), before);
    assert_eq!(history.tail_of(SITE, None, 9).await.unwrap().batches.len(), 1);
    assert_refused!(whole(&**history, &segment(2, 100)), NotFound(_));
    // Nothing that was refused stands in the way.
    history.put_fold(SITE, fold(1, vec![segment(2, 100)], &[1])).await.unwrap();
    assert_eq!(whole(&**history, &segment(2, 100)).await.unwrap(), segment(2, 100).body);
}

async fn a_taken_id_of_a_segment_is_a_conflict(world: World) {
    let history = &world.store.history;
    history.put_fold(SITE, fold(0, vec![segment(1, 100)], &[])).await.unwrap();
    let other = NewSegment { body: segment(5, 50).body, ..segment(1, 0) };
    assert_refused!(history.put_fold(SITE, fold(1, vec![segment(2, 9), other], &[])), Conflict(_));
    assert_eq!(whole(&**history, &segment(1, 100)).await.unwrap(), segment(1, 100).body);
    assert_eq!(ids(&**history).await, [1]);
}

async fn how_far_folds_went_never_falls(world: World) {
    let history = &world.store.history;
    for (after, to, expected) in [(0, Some(7), 7), (1, None, 7), (2, Some(3), 7), (3, Some(9), 9)] {
        let new = NewFold { folded_to: to.map(TailCursor), ..fold(after, vec![], &[]) };
        history.put_fold(SITE, new).await.unwrap();
        assert_eq!(history.shelf(SITE).await.unwrap().folded_to, Some(TailCursor(expected)));
    }
}

async fn old_batches_that_folds_took_in_leave_the_tail_and_no_others(world: World) {
    let history = &world.store.history;
    // More than one transaction removes.
    history.append((0..300).map(|number| batch(number, 1, Millis(10))).collect()).await.unwrap();
    history.append(vec![batch(300, 1, Millis(20)), batch(301, 1, Millis(9))]).await.unwrap();
    let folded_to = history.tail_of(SITE, None, 1_000).await.unwrap().last;
    history.append(vec![batch(302, 1, Millis(5)), batch(1, 2, Millis(5))]).await.unwrap();
    let new = NewFold { folded_to, old: Millis(20), ..fold(0, vec![segment(1, 10)], &[]) };
    history.put_fold(SITE, new).await.unwrap();
    let left = history.tail_of(SITE, None, 1_000).await.unwrap().batches;
    assert_eq!(left.iter().map(|batch| batch.id.0).collect::<Vec<_>>(), [300, 302]);
    assert_eq!(history.tail_of(SiteId::of(2), None, 10).await.unwrap().batches.len(), 1);
    let unfolded = history.tail_of(SITE, folded_to, 10).await.unwrap().batches;
    assert_eq!(unfolded, [batch(302, 1, Millis(5))]);
    // A later fold that takes nothing in removes what has grown old.
    history.put_fold(SITE, NewFold { old: NOW, ..fold(1, vec![], &[]) }).await.unwrap();
    assert_eq!(history.tail_of(SITE, None, 10).await.unwrap().batches, [batch(302, 1, Millis(5))]);
}

async fn a_batch_that_left_the_tail_may_come_again(world: World) {
    let history = &world.store.history;
    history.append(vec![batch(1, 1, Millis(10)), batch(2, 1, Millis(10))]).await.unwrap();
    let folded_to = history.tail_of(SITE, None, 10).await.unwrap().last;
    let taken_in = NewFold { folded_to, old: Millis(0), ..fold(0, vec![], &[]) };
    history.put_fold(SITE, taken_in).await.unwrap();
    history.append(vec![batch(1, 1, Millis(10))]).await.unwrap();
    assert_eq!(history.tail_of(SITE, folded_to, 10).await.unwrap().batches, [], "it is still in the tail");
    history.put_fold(SITE, NewFold { old: NOW, ..fold(1, vec![], &[]) }).await.unwrap();
    history.append(vec![batch(1, 1, Millis(10))]).await.unwrap();
    let again = history.tail_of(SITE, folded_to, 10).await.unwrap();
    assert_eq!(again.batches, [batch(1, 1, Millis(10))], "behind all that folds took in");
}

async fn a_page_says_where_its_last_batch_stands(world: World) {
    let history = &world.store.history;
    assert_eq!(history.tail_of(SITE, None, 5).await.unwrap().last, None);
    history.append((0..5).map(|number| batch(number, 1, NOW)).collect()).await.unwrap();
    let some = history.tail_of(SITE, None, 3).await.unwrap();
    assert!(some.last.is_some() && some.last == some.next);
    let all = history.tail_since(NOW, None, 5).await.unwrap();
    assert_eq!(all.next, None);
    history.append(vec![batch(9, 1, NOW)]).await.unwrap();
    assert_eq!(history.tail_of(SITE, all.last, 5).await.unwrap().batches, [batch(9, 1, NOW)]);
}

async fn sites_to_fold_are_those_with_something_new_or_something_old(world: World) {
    let history = &world.store.history;
    let received = [(1, 10), (2, 20), (3, 30), (4, 10), (5, 25)];
    for (site, at) in received {
        history.append(vec![batch(1, site, Millis(at))]).await.unwrap();
    }
    let sites = async |before, old| -> Vec<u64> {
        let sites = history.sites_to_fold(Millis(before), Millis(old), None, 100).await.unwrap();
        sites.into_iter().map(SiteId::value).collect()
    };
    assert_eq!(sites(20, 0).await, [1, 4]);
    assert_eq!(sites(31, 0).await, [1, 2, 3, 4, 5]);
    for site in [1, 3, 5] {
        let last = history.tail_of(SiteId::of(site), None, 1).await.unwrap().last;
        let new = NewFold { folded_to: last, ..fold(0, vec![], &[]) };
        history.put_fold(SiteId::of(site), new).await.unwrap();
    }
    assert_eq!(sites(31, 10).await, [2, 4], "folded, and not yet old");
    assert_eq!(sites(31, 26).await, [1, 2, 4, 5]);
    assert_eq!(sites(0, 11).await, [1], "what no fold took in waits, however old");
    history.append(vec![batch(2, 3, Millis(28))]).await.unwrap();
    assert_eq!(sites(29, 0).await, [2, 3, 4], "it was folded, and has something new");
    history.forget(SiteId::of(4)).await.unwrap();
    assert_eq!(sites(29, 0).await, [2, 3]);
}

async fn sites_to_fold_come_by_id_and_are_bounded(world: World) {
    let history = &world.store.history;
    let largest = (1 << SiteId::BITS) - 1;
    for site in [5, 0, largest, 3, 8] {
        history.append(vec![batch(1, site, Millis(1)), batch(2, site, Millis(1))]).await.unwrap();
    }
    let mut pages = vec![];
    let mut after = None;
    loop {
        let page = history.sites_to_fold(NOW, NOW, after, 2).await.unwrap();
        after = page.last().copied();
        if after.is_none() {
            break;
        }
        pages.push(page.into_iter().map(SiteId::value).collect::<Vec<_>>());
    }
    assert_eq!(pages, [vec![0, 3], vec![5, 8], vec![largest]]);
}

async fn a_head_and_a_segment_have_their_bytes_max(world: World) {
    let history = &world.store.history;
    let head = |bytes| NewSegment { head: Bytes::from(vec![7; bytes]), ..segment(1, 10) };
    assert_refused!(
        history.put_fold(SITE, fold(0, vec![head(HEAD_BYTES_MAX + 1)], &[])),
        Limit { max: HEAD_BYTES_MAX, .. }
    );
    history.put_fold(SITE, fold(0, vec![head(HEAD_BYTES_MAX)], &[])).await.unwrap();
    assert_eq!(history.shelf(SITE).await.unwrap().segments[0].head.len(), HEAD_BYTES_MAX);
    // Half a gigabyte of zeros that nobody looks at takes no memory. That the maximum itself is taken, `history` shows.
    let body = |bytes| NewSegment { body: Bytes::from(vec![0; bytes]), ..segment(2, 0) };
    assert_refused!(
        history.put_fold(SITE, fold(1, vec![body(SEGMENT_BYTES_MAX + 1)], &[])),
        Limit { max: SEGMENT_BYTES_MAX, .. }
    );
    assert_eq!(ids(&**history).await, [1]);
}

async fn a_forgotten_site_has_no_shelf_and_takes_no_fold(world: World) {
    let history = &world.store.history;
    history.put_fold(SITE, fold(0, vec![segment(1, 400_000), segment(2, 10)], &[])).await.unwrap();
    history.put_fold(SITE, fold(1, vec![segment(3, 10)], &[2])).await.unwrap();
    history.put_fold(SiteId::of(2), fold(0, vec![segment(1, 10)], &[])).await.unwrap();
    history.forget(SITE).await.unwrap();
    assert_eq!(history.shelf(SITE).await.unwrap(), Shelf::default());
    for (number, bytes) in [(1, 400_000), (2, 10), (3, 10)] {
        assert_refused!(whole(&**history, &segment(number, bytes)), NotFound(_));
    }
    for after in [0, 2] {
        assert_refused!(history.put_fold(SITE, fold(after, vec![segment(4, 10)], &[])), Conflict(_));
    }
    assert_eq!(history.shelf(SITE).await.unwrap(), Shelf::default());
    assert_eq!(history.shelf(SiteId::of(2)).await.unwrap().segments.len(), 1);
    let read = history.read_segment(SiteId::of(2), SegmentId(1), 0, 10).await.unwrap();
    assert_eq!(read, segment(1, 10).body);
}

async fn sweeping_leaves_what_can_be_read(world: World) {
    let history = &world.store.history;
    history.put_fold(SITE, fold(0, vec![segment(1, 1_000), segment(2, 1_000)], &[])).await.unwrap();
    history.put_fold(SITE, fold(1, vec![], &[1])).await.unwrap();
    history.sweep().await.unwrap();
    for number in [1, 2] {
        assert_eq!(whole(&**history, &segment(number, 1_000)).await.unwrap(), segment(number, 1_000).body);
    }
}
