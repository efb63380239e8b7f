//! Segments as chunks: what a process that was killed leaves behind, what goes when.

use model::{Clock, SegmentId, SiteId, SystemClock};
use mongodb::bson::{Document, doc};

use super::fresh_uri;
use crate::contract::fixtures::segment;
use crate::history::{NewFold, NewSegment, SEGMENTS_MAX, SegmentEntry};
use crate::mongodb::chunks::CHUNKS;
use crate::mongodb::database::Database;
use crate::mongodb::segments::{self, SEGMENTS};
use crate::mongodb::step::Step;
use crate::{MongoStore, StoreError};

const SITE: SiteId = SiteId::of(1);
const COMING_MAX_MS: i64 = 1_800_000;

fn fold(after: u64, segments: Vec<NewSegment>, gone: &[u128]) -> NewFold {
    let gone = gone.iter().map(|id| SegmentId(*id)).collect();
    NewFold { after, segments, gone, ..NewFold::default() }
}

async fn count(database: &Database, of: &str) -> u64 {
    database.mongo.collection::<Document>(of).count_documents(doc! {}).await.unwrap()
}

async fn age(database: &Database, state: &str, by: i64) {
    let of_state = database.mongo.collection::<Document>(SEGMENTS);
    of_state.update_many(doc! { "state": state }, doc! { "$inc": { "since": -by } }).await.unwrap();
}

#[tokio::test]
async fn what_a_killed_fold_left_is_swept_once_it_can_no_longer_come() {
    let uri = fresh_uri();
    let store = MongoStore::open(&uri).await.unwrap();
    let database = Database::connect(&uri).await.unwrap();
    store.history.put_fold(SITE, fold(0, vec![segment(1, 300_000)], &[])).await.unwrap();
    // As one that was killed between its chunks and its transaction.
    let half = segment(2, 300_000);
    let step = &mut Step::alone(&database);
    segments::announce(step, SITE, &[SegmentEntry::from(&half)], SystemClock.now()).await.unwrap();
    let chunks = database.mongo.collection::<Document>(CHUNKS);
    let chunk = doc! { "site": 1_i64, "segment": segments::id_of(half.id), "n": 0 };
    chunks.insert_one(chunk).await.unwrap();
    store.history.sweep().await.unwrap();
    assert_eq!((count(&database, SEGMENTS).await, count(&database, CHUNKS).await), (2, 3));
    let refused = store.history.read_segment(SITE, half.id, 0, 1).await;
    assert!(matches!(refused, Err(StoreError::NotFound(_))), "{refused:?}");

    age(&database, "coming", COMING_MAX_MS + 1).await;
    store.history.sweep().await.unwrap();
    assert_eq!((count(&database, SEGMENTS).await, count(&database, CHUNKS).await), (1, 2));
    // Should it wake up after all, it is refused.
    let late = segments::put(step, SITE, &fold(1, vec![], &[]), &[half.id], SystemClock.now()).await;
    assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
    let read = store.history.read_segment(SITE, SegmentId(1), 0, 300_000).await.unwrap();
    assert_eq!(read, segment(1, 300_000).body);
}

#[tokio::test]
async fn a_replaced_segment_is_gone_once_its_grace_is_over() {
    let uri = fresh_uri();
    let store = MongoStore::open(&uri).await.unwrap();
    let database = Database::connect(&uri).await.unwrap();
    store.history.put_fold(SITE, fold(0, vec![segment(1, 600_000), segment(2, 9)], &[])).await.unwrap();
    store.history.put_fold(SITE, fold(1, vec![], &[1])).await.unwrap();
    age(&database, "gone", 115_000).await;
    store.history.read_segment(SITE, SegmentId(1), 0, 9).await.unwrap();
    age(&database, "gone", 6_000).await;
    let refused = store.history.read_segment(SITE, SegmentId(1), 0, 9).await;
    assert!(matches!(refused, Err(StoreError::NotFound(_))), "{refused:?}");
    store.history.put_fold(SiteId::of(2), fold(0, vec![], &[])).await.unwrap();
    assert_eq!((count(&database, SEGMENTS).await, count(&database, CHUNKS).await), (1, 1));
}

#[tokio::test]
async fn neither_a_refused_fold_nor_a_forgotten_site_leaves_a_chunk() {
    let uri = fresh_uri();
    let store = MongoStore::open(&uri).await.unwrap();
    let database = Database::connect(&uri).await.unwrap();
    let refused = store.history.put_fold(SITE, fold(7, vec![segment(1, 600_000)], &[])).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    assert_eq!((count(&database, SEGMENTS).await, count(&database, CHUNKS).await), (0, 0));
    store.history.put_fold(SITE, fold(0, vec![segment(1, 600_000), segment(2, 9)], &[])).await.unwrap();
    store.history.put_fold(SITE, fold(1, vec![], &[2])).await.unwrap();
    store.history.forget(SITE).await.unwrap();
    assert_eq!((count(&database, SEGMENTS).await, count(&database, CHUNKS).await), (0, 0));
}

#[tokio::test]
async fn a_shelf_takes_segments_up_to_the_maximum() {
    let uri = fresh_uri();
    let store = MongoStore::open(&uri).await.unwrap();
    let database = Database::connect(&uri).await.unwrap();
    let rows = (0..SEGMENTS_MAX as u128 - 1).map(|number| {
        doc! {
            "v": 2,
            "site": 1_i64,
            "id": segments::id_of(SegmentId(1_000 + number)),
            "day_start": 0_i64,
            "bytes": 0_i64,
            "head": segments::id_of(SegmentId(0)),
            "state": "here",
            "since": 0_i64,
        }
    });
    let rows: Vec<Document> = rows.collect();
    for some in rows.chunks(1_000) {
        database.mongo.collection::<Document>(SEGMENTS).insert_many(some).await.unwrap();
    }
    let refused = store.history.put_fold(SITE, fold(0, vec![segment(1, 9), segment(2, 9)], &[])).await;
    assert!(matches!(refused, Err(StoreError::Limit { max: SEGMENTS_MAX, .. })), "{refused:?}");
    store.history.put_fold(SITE, fold(0, vec![segment(1, 9)], &[])).await.unwrap();
    assert_eq!(store.history.shelf(SITE).await.unwrap().segments.len(), SEGMENTS_MAX);
}
