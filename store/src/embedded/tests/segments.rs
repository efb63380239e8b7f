//! Segments as files: what a crash leaves behind, what goes when, who may read them.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use model::{Millis, SegmentId, SiteId};

use super::as_killed;
use crate::contract::fixtures::segment;
use crate::embedded::shelves::name;
use crate::history::{History, NewFold, NewSegment, SEGMENTS_MAX};
use crate::{Embedded, StoreError};

const SITE: SiteId = SiteId::of(1);

fn fold(after: u64, segments: Vec<NewSegment>, gone: &[u128]) -> NewFold {
    let gone = gone.iter().map(|id| SegmentId(*id)).collect();
    NewFold { after, segments, gone, ..NewFold::default() }
}

fn path(folder: &Path, segment: &NewSegment) -> PathBuf {
    folder.join("history").join(SITE.to_string()).join(name(segment.day_start, segment.id))
}

/// All files of all sites.
fn files(folder: &Path) -> usize {
    let Ok(sites) = std::fs::read_dir(folder.join("history")) else {
        return 0;
    };
    sites.map(|site| std::fs::read_dir(site.unwrap().path()).unwrap().count()).sum()
}

async fn ids(history: &dyn History) -> Vec<u128> {
    history.shelf(SITE).await.unwrap().segments.iter().map(|entry| entry.id.0).collect()
}

fn edit(folder: &Path, sql: &str) {
    rusqlite::Connection::open(folder.join("tail.db")).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a_file_is_named_after_the_moment_that_its_day_begins() {
    let id = SegmentId(0xab);
    let hex = "000000000000000000000000000000ab";
    assert_eq!(name(Millis(1_795_215_600_000), id), format!("2026-11-20T2300Z-{hex}.parquet"));
    assert_eq!(name(Millis(i64::MAX), id), format!("{hex}.parquet"));
}

#[tokio::test]
async fn files_without_a_row_are_removed_at_the_next_opening_and_those_of_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    store.history.put_fold(SITE, fold(0, vec![segment(1, 100)], &[])).await.unwrap();
    let orphan = path(folder.path(), &segment(2, 0));
    let note = orphan.with_file_name("note.txt");
    let stray = folder.path().join("history").join(SiteId::of(9).to_string()).join("a.parquet");
    let foreign = folder.path().join("history/mine/a.parquet");
    for file in [&orphan, &note, &stray, &foreign] {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "half a segm").unwrap();
    }
    let killed = as_killed(folder.path());
    let store = Embedded::open(killed.path()).unwrap();
    let in_copy = |file: &Path| killed.path().join(file.strip_prefix(folder.path()).unwrap());
    assert!(!in_copy(&orphan).exists() && !in_copy(&stray).exists());
    assert!(in_copy(&note).exists() && in_copy(&foreign).exists());
    let read = store.history.read_segment(SITE, SegmentId(1), 0, 100).await.unwrap();
    assert_eq!(read, segment(1, 100).body);
}

#[tokio::test]
async fn a_replaced_segment_is_gone_once_its_grace_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    store.history.put_fold(SITE, fold(0, vec![segment(1, 100), segment(2, 100)], &[])).await.unwrap();
    store.history.put_fold(SITE, fold(1, vec![segment(3, 100)], &[1])).await.unwrap();
    store.history.sweep().await.unwrap();
    assert!(path(folder.path(), &segment(1, 0)).exists());
    edit(folder.path(), "UPDATE segments SET gone = gone - 119000 WHERE gone IS NOT NULL");
    store.history.read_segment(SITE, SegmentId(1), 0, 100).await.unwrap();
    edit(folder.path(), "UPDATE segments SET gone = gone - 2000 WHERE gone IS NOT NULL");
    let refused = store.history.read_segment(SITE, SegmentId(1), 0, 100).await;
    assert!(matches!(refused, Err(StoreError::NotFound(_))), "{refused:?}");
    // The next fold sweeps, of whichever site.
    store.history.put_fold(SiteId::of(2), fold(0, vec![], &[])).await.unwrap();
    assert!(!path(folder.path(), &segment(1, 0)).exists());
    assert_eq!(ids(&*store.history).await, [2, 3]);
}

#[tokio::test]
async fn what_was_replaced_goes_when_the_store_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    store.history.put_fold(SITE, fold(0, vec![segment(1, 100)], &[])).await.unwrap();
    store.history.put_fold(SITE, fold(1, vec![segment(2, 100)], &[1])).await.unwrap();
    assert_eq!(files(folder.path()), 2);
    drop(store);
    let store = Embedded::open(folder.path()).unwrap();
    assert_eq!(files(folder.path()), 1);
    assert_eq!(ids(&*store.history).await, [2]);
}

#[tokio::test]
async fn a_fold_that_is_refused_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    store.history.put_fold(SITE, fold(0, vec![segment(1, 100)], &[])).await.unwrap();
    for segments in [vec![segment(2, 100), segment(3, 100)], vec![segment(4, 100), segment(1, 7)]] {
        let refused = store.history.put_fold(SITE, fold(5, segments, &[])).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
        assert_eq!(files(folder.path()), 1);
    }
    assert_eq!(std::fs::read(path(folder.path(), &segment(1, 0))).unwrap(), segment(1, 100).body);
}

/// The files as they are at many moments, while one fold after the other replaces a segment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_a_fold_is_in_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    let folding = tokio::spawn({
        let history = store.history.clone();
        async move {
            for number in 0..40_u64 {
                let two =
                    vec![segment(u128::from(number) * 2 + 2, 3_000), segment(u128::from(number) * 2 + 3, 10)];
                let gone = [u128::from(number) * 2, u128::from(number) * 2 + 1];
                history.put_fold(SITE, fold(number, two, &gone)).await.unwrap();
            }
        }
    });
    let mut seen = std::collections::BTreeSet::new();
    while !folding.is_finished() {
        let killed = as_killed(folder.path());
        let next = Embedded::open(killed.path()).unwrap();
        let shelf = next.history.shelf(SITE).await.unwrap();
        let last = u128::from(shelf.fold) * 2;
        let expected = if last == 0 { vec![] } else { vec![last, last + 1] };
        assert_eq!(ids(&*next.history).await, expected);
        assert_eq!(files(killed.path()), expected.len());
        for entry in shelf.segments {
            let bytes = entry.bytes as usize;
            let read = next.history.read_segment(SITE, entry.id, 0, bytes).await.unwrap();
            assert_eq!(read, segment(entry.id.0, bytes).body);
        }
        seen.insert(shelf.fold);
    }
    folding.await.unwrap();
    assert!(seen.len() > 1, "{seen:?}");
}

#[tokio::test]
async fn a_forgotten_sites_files_are_gone_also_where_the_process_was_killed_on_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    store.history.put_fold(SITE, fold(0, vec![segment(1, 100), segment(2, 100)], &[])).await.unwrap();
    store.history.put_fold(SiteId::of(2), fold(0, vec![segment(1, 100)], &[])).await.unwrap();
    let killed = as_killed(folder.path());
    edit(
        killed.path(),
        "INSERT INTO forgotten VALUES (1); DELETE FROM folds WHERE site = 1; UPDATE segments SET gone = -9223372036854775808 WHERE site = 1",
    );
    drop(Embedded::open(killed.path()).unwrap());
    assert_eq!(files(killed.path()), 1);

    store.history.forget(SITE).await.unwrap();
    assert_eq!(files(folder.path()), 1);
    assert!(!folder.path().join("history").join(SITE.to_string()).exists());
}

/// Asking for the shelf again, as for one that is not found, would not bring it back.
#[tokio::test]
async fn a_file_that_somebody_else_removed_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    store.history.put_fold(SITE, fold(0, vec![segment(1, 100)], &[])).await.unwrap();
    std::fs::remove_file(path(folder.path(), &segment(1, 0))).unwrap();
    let refused = store.history.read_segment(SITE, SegmentId(1), 0, 1).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
}

#[tokio::test]
async fn nobody_else_on_the_machine_reads_segments() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    store.history.put_fold(SITE, fold(0, vec![segment(1, 100)], &[])).await.unwrap();
    let file = path(folder.path(), &segment(1, 0));
    let site = file.parent().unwrap();
    for (path, expected) in [(file.as_path(), 0o600), (site, 0o700), (site.parent().unwrap(), 0o700)] {
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, expected, "{path:?}");
    }
}

#[tokio::test]
async fn a_shelf_takes_segments_up_to_the_maximum() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    let filled = format!(
        "WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n LIMIT {})
         INSERT INTO segments SELECT 1, randomblob(16), n, 0, x'', NULL FROM n",
        SEGMENTS_MAX - 1
    );
    edit(folder.path(), &filled);
    let refused = store.history.put_fold(SITE, fold(0, vec![segment(1, 9), segment(2, 9)], &[])).await;
    assert!(matches!(refused, Err(StoreError::Limit { max: SEGMENTS_MAX, .. })), "{refused:?}");
    assert_eq!(refused.unwrap_err().to_string(), "at most 20000 segments of a site");
    store.history.put_fold(SITE, fold(0, vec![segment(1, 9)], &[])).await.unwrap();
    // One that goes makes room.
    store.history.put_fold(SITE, fold(1, vec![segment(2, 9)], &[1])).await.unwrap();
    assert_eq!(store.history.shelf(SITE).await.unwrap().segments.len(), SEGMENTS_MAX);
}
