//! Several processes that append to one tail while others read it: each a client of its own.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use model::Millis;
use tokio::task::JoinSet;

use super::{batch, fresh_uri, numbers};
use crate::history::{History, TailCursor};
use crate::{MongoStore, Store};

const APPENDERS: u128 = 3;
const APPENDS: u128 = 60;

/// A reader that goes on from its last cursor has seen, when all is appended, each batch once and none out of order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_goes_on_while_others_append_skips_nothing() {
    let uri = fresh_uri();
    let reader = MongoStore::open(&uri).await.unwrap();
    let left = Arc::new(AtomicUsize::new((APPENDERS * APPENDS) as usize));
    let mut appenders = JoinSet::new();
    for appender in 0..APPENDERS {
        let store = MongoStore::open(&uri).await.unwrap();
        appenders.spawn(append_all(store, appender, Arc::clone(&left)));
    }
    let seen = follow(&*reader.history, &left).await;
    appenders.join_all().await;
    assert_eq!(seen.len(), (APPENDERS * APPENDS * 2) as usize);
    assert_eq!(seen.iter().collect::<HashSet<_>>().len(), seen.len());
    assert_eq!(numbers(&*reader.history).await, seen);
    for appender in 0..APPENDERS {
        let own: Vec<_> = seen.iter().filter(|number| *number / 1_000_000 == appender).copied().collect();
        assert!(own.is_sorted(), "appender {appender}: {own:?}");
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

/// Reads on from a cursor until all appends were acknowledged before it began a last time. An append is seen whole.
async fn follow(history: &dyn History, left: &AtomicUsize) -> Vec<u128> {
    let mut seen: Vec<u128> = vec![];
    let mut cursor = None;
    loop {
        let done = left.load(Ordering::SeqCst) == 0;
        let page = history.tail_since(Millis(0), cursor, 7).await.unwrap();
        seen.extend(page.batches.iter().map(|batch| batch.id.0));
        // No `next` is no cursor to go on from: the end is found by reading the last batch's place anew.
        cursor = page.next.or(cursor_behind(history, &seen).await);
        if page.next.is_none() {
            assert!(seen.last().is_none_or(|last| last % 2 == 1), "half an append: {seen:?}");
            if done {
                return seen;
            }
        }
    }
}

/// Cursors of this backend count batches where no site was forgotten and nothing was appended twice or in vain.
async fn cursor_behind(history: &dyn History, seen: &[u128]) -> Option<TailCursor> {
    let mut after = None;
    let mut count = 0;
    while count < seen.len() {
        let page = history.tail_since(Millis(0), after, 1).await.unwrap();
        count += page.batches.len();
        after = page.next;
        after?;
    }
    after
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
    let all = numbers(&*first.history).await;
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
    first.history.forget(model::SiteId::of(1)).await.unwrap();
    for appended in appends.join_all().await {
        appended.unwrap();
    }
    assert_eq!(first.history.tail_of(model::SiteId::of(1), None, 1_000).await.unwrap().batches, []);
    assert_eq!(first.history.tail_of(model::SiteId::of(2), None, 1_000).await.unwrap().batches.len(), 41);
}
