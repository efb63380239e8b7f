//! The server killed while processes append to it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use servers::mongodb::Mongodb;
use tokio::task::JoinSet;

use super::{batch, numbers};
use crate::{MongoStore, Store};

const ACKNOWLEDGED_MIN: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_once_after_the_server_was_killed() {
    let mut server = Mongodb::start().unwrap();
    let uri = server.uri("watchfire");
    let stores = [MongoStore::open(&uri).await.unwrap(), MongoStore::open(&uri).await.unwrap()];
    let acknowledged = Arc::new(parking_lot::Mutex::new(HashSet::new()));
    let mut appenders = JoinSet::new();
    for (number, store) in (0..).zip(&stores) {
        for lane in 0..4 {
            appenders.spawn(append_until_refused(
                store.clone(),
                number * 10 + lane,
                Arc::clone(&acknowledged),
            ));
        }
    }
    while acknowledged.lock().len() < ACKNOWLEDGED_MIN {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.kill();
    server.restart().unwrap();
    // What each could not have acknowledged it appends again, as a message that is delivered again.
    let unsure: Vec<u128> = appenders.join_all().await;
    for number in unsure {
        stores[0].history.append(vec![batch(number, 1), batch(number, 2)]).await.unwrap();
        acknowledged.lock().insert(number);
    }
    let next = MongoStore::open(&uri).await.unwrap();
    let all = numbers(&*next.history, 500).await;
    let mut expected: Vec<_> = acknowledged.lock().iter().flat_map(|number| [*number, *number]).collect();
    let mut found = all.clone();
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
}

/// Until the server is gone for it; the number that was refused. A call that survived the restart goes on.
async fn append_until_refused(
    store: Store,
    lane: u128,
    acknowledged: Arc<parking_lot::Mutex<HashSet<u128>>>,
) -> u128 {
    for turn in 0..200 {
        let number = lane * 1_000 + turn;
        match store.history.append(vec![batch(number, 1), batch(number, 2)]).await {
            Ok(()) => acknowledged.lock().insert(number),
            Err(_) => return number,
        };
    }
    lane * 1_000 + 999
}
