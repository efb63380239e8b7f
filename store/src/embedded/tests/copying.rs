//! A copy is of one moment, while the store goes on: every segment that it counts is there, and no salt.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use model::{Millis, SegmentId, SiteId};

use super::{batch, numbers};
use crate::contract::fixtures::segment;
use crate::history::NewFold;
use crate::salts::NEVER;
use crate::{Embedded, Store};

const SITE: SiteId = SiteId::of(1);
const SEGMENT_BYTES: usize = 20_000;
const COPIES: usize = 10;

/// Each fold takes the place of the one before, and of what it folded.
async fn work(store: Store, stop: Arc<AtomicBool>) -> u128 {
    let mut number = 0;
    while !stop.load(Ordering::SeqCst) {
        number += 1;
        store.history.append(vec![batch(number, 3_000)]).await.unwrap();
        let gone = (number > 1).then(|| SegmentId(number - 1)).into_iter().collect();
        let segments = vec![segment(number, SEGMENT_BYTES)];
        let fold = NewFold { after: number as u64 - 1, segments, gone, ..NewFold::default() };
        store.history.put_fold(SITE, fold).await.unwrap();
    }
    number
}

async fn copy(folder: &Path, to: &Path) -> anyhow::Result<()> {
    let (folder, to) = (folder.to_owned(), to.to_owned());
    tokio::task::spawn_blocking(move || Embedded::copy(&folder, &to)).await?
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_a_store_at_work_is_of_one_moment_and_has_no_salts() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    let salt = store.salts.salt("UTC 2026-11-21", Millis(i64::MAX)).await.unwrap();
    let key = store.salts.salt("key", NEVER).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let working = tokio::spawn(work(store.clone(), stop.clone()));
    let mut last = 0;
    for _ in 0..COPIES {
        let before = numbers(&*store.history).await.len();
        let to = tempfile::tempdir().unwrap();
        copy(folder.path(), to.path()).await.unwrap();
        let copied = Embedded::open(to.path()).unwrap();
        let batches = numbers(&*copied.history).await;
        assert!(batches.len() >= before, "{} of {before}", batches.len());
        let shelf = copied.history.shelf(SITE).await.unwrap();
        assert!(shelf.fold >= last, "a copy is never older than the one before");
        for entry in &shelf.segments {
            assert_eq!(u128::from(shelf.fold), entry.id.0);
            let body = copied.history.read_segment(SITE, entry.id, 0, SEGMENT_BYTES).await.unwrap();
            assert_eq!(body, segment(entry.id.0, SEGMENT_BYTES).body);
        }
        assert_ne!(copied.salts.salt("UTC 2026-11-21", Millis(i64::MAX)).await.unwrap(), salt);
        assert_eq!(
            copied.salts.salt("key", NEVER).await.unwrap(),
            key,
            "what never ends is no salt of a day"
        );
        last = shelf.fold;
    }
    stop.store(true, Ordering::SeqCst);
    assert!(working.await.unwrap() > 1);
    assert!(last > 0, "nothing was folded");
}

#[tokio::test]
async fn a_folder_without_a_store_is_refused() {
    let (folder, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let refusal = copy(folder.path(), to.path()).await.unwrap_err().to_string();
    assert!(refusal.starts_with("there is no store in"), "{refusal}");
    assert_eq!(std::fs::read_dir(to.path()).unwrap().count(), 0);
}
