//! Several processes that append to one tail while others read it: each a client of its own.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use model::SiteId;
use tokio::task::JoinSet;

use super::{batch, fresh_uri, numbers};
use crate::{MongoStore, Store};

const APPENDERS: u128 = 3;
const APPENDS: u128 = 60;

/// However often the tail is read meanwhile, page by page: what a reader saw is how the tail begins in the end. So no
/// reader passed a batch that appeared later, and each saw appends whole and those of one process in their order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_pages_while_others_append_skips_nothing() {
    let uri = fresh_uri();
    let reader = MongoStore::open(&uri).await.unwrap();
    let left = Arc::new(AtomicUsize::new((APPENDERS * APPENDS) as usize));
    let mut appenders = JoinSet::new();
    for appender in 0..APPENDERS {
        let store = MongoStore::open(&uri).await.unwrap();
        appenders.spawn(append_all(store, appender, Arc::clone(&left)));
    }
    let mut walks = vec![];
    while left.load(Ordering::SeqCst) > 0 {
        walks.push(numbers(&*reader.history, 7).await);
    }
    appenders.join_all().await;
    let all = numbers(&*reader.history, 500).await;
    assert_eq!(all.len(), (APPENDERS * APPENDS * 2) as usize);
    assert!(walks.iter().filter(|walk| !walk.is_empty() && walk.len() < all.len()).count() > 3);
    for walk in &walks {
        assert_eq!(*walk, all[..walk.len()]);
        assert_eq!(walk.len() % 2, 0, "half an append: {walk:?}");
    }
    for appender in 0..APPENDERS {
        assert!(all.iter().filter(|number| *number / 1_000_000 == appender).is_sorted());
    }
}

/// Two batches an append, to two sites, one append after the other.
async fn append_all(store: Store, appender: u128, left: Arc<AtomicUsize>) {
    for number in 0..APPENDS {
        let number = appender * 1_000_000 + number * 2;
        store.history.append(vec![batch(number, 1), batch(number + 1, 2)]).await.unwrap();
        left.fetch_sub(1, Ordering::SeqCst);
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_append_the_same_batches_leave_each_once() {
    let uri = fresh_uri();
    let (first, second) = (MongoStore::open(&uri).await.unwrap(), MongoStore::open(&uri).await.unwrap());
    let mut appends = JoinSet::new();
    for number in 0..50 {
        for store in [&first, &second] {
            let history = Arc::clone(&store.history);
            appends.spawn(async move { history.append(vec![batch(number, 1), batch(number, 2)]).await });
        }
    }
    for appended in appends.join_all().await {
        appended.unwrap();
    }
    let all = numbers(&*first.history, 500).await;
    assert_eq!(all.len(), 100);
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), 50);
}

/// Whoever forgets and whoever appends: nothing of the site stays, whichever comes first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_process_appends_while_a_site_is_forgotten_is_gone() {
    let uri = fresh_uri();
    let (first, second) = (MongoStore::open(&uri).await.unwrap(), MongoStore::open(&uri).await.unwrap());
    second.history.append(vec![batch(1_000, 1), batch(1_000, 2)]).await.unwrap();
    let mut appends = JoinSet::new();
    for number in 0..40 {
        let history = Arc::clone(&second.history);
        appends.spawn(async move { history.append(vec![batch(number, 1), batch(number, 2)]).await });
    }
    first.history.forget(SiteId::of(1)).await.unwrap();
    for appended in appends.join_all().await {
        appended.unwrap();
    }
    assert_eq!(first.history.tail_of(SiteId::of(1), None, 1_000).await.unwrap().batches, []);
    assert_eq!(first.history.tail_of(SiteId::of(2), None, 1_000).await.unwrap().batches.len(), 41);
}
