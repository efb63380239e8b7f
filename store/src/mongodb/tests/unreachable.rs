//! Servers that are not there, or do not answer.

use std::time::{Duration, Instant};

use servers::{Signal, free_port, mongodb::Mongodb};

use super::super::gate::CALL_TIME_MAX;
use super::batch;
use crate::{MongoStore, StoreError};

#[tokio::test]
async fn opening_ends_where_there_is_no_server() {
    let began = Instant::now();
    let uri = format!("mongodb://127.0.0.1:{}/watchfire?serverSelectionTimeoutMS=500", free_port());
    let refused = MongoStore::open(&uri).await.err().expect("nobody is there");
    assert!(format!("{refused:#}").contains("MongoDB cannot be reached"), "{refused:#}");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_server_that_stands_still_is_unavailable_and_then_goes_on() {
    let server = Mongodb::start().unwrap();
    let store = MongoStore::open(&server.uri("watchfire")).await.unwrap();
    store.history.append(vec![batch(1, 1)]).await.unwrap();
    server.process().unwrap().signal(Signal::Stop);
    let began = Instant::now();
    let (appended, read) = tokio::join!(store.history.append(vec![batch(2, 1)]), store.sites.all());
    assert!(matches!(appended, Err(StoreError::Unavailable(_))), "{appended:?}");
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    assert!(began.elapsed() < CALL_TIME_MAX + Duration::from_secs(2));
    server.process().unwrap().signal(Signal::Continue);
    store.history.append(vec![batch(2, 1), batch(3, 1)]).await.unwrap();
    assert_eq!(super::numbers(&*store.history, 500).await, [1, 2, 3]);
}
