//! Databases of other versions, and URIs that name none.

use model::Millis;
use mongodb::bson::{Document, doc};

use super::super::database::Database;
use super::super::schema::V;
use super::super::{META, schema};
use super::fresh_uri;
use crate::MongoStore;
use crate::contract::conversations::{SITE, opening};

pub async fn at_version(version: i32) -> String {
    let uri = fresh_uri();
    MongoStore::open(&uri).await.unwrap().close().await;
    let database = Database::connect(&uri).await.unwrap();
    let meta = database.mongo.collection::<Document>(META);
    meta.update_one(doc! { "_id": "schema" }, doc! { "$set": { "v": version } }).await.unwrap();
    uri
}

async fn refusal(uri: &str) -> String {
    format!("{:#}", MongoStore::open(uri).await.err().expect("it is refused"))
}

#[tokio::test]
async fn a_newer_database_is_refused_with_a_sentence() {
    let uri = at_version(V + 1).await;
    let newer = format!("newer version of Watchfire (schema {}; this one knows {V})", V + 1);
    assert!(refusal(&uri).await.contains(&newer));
    assert!(format!("{:#}", MongoStore::migrate(&uri).await.unwrap_err()).contains(&newer));
}

#[tokio::test]
async fn an_older_database_is_refused_until_it_is_migrated() {
    let uri = at_version(0).await;
    assert!(refusal(&uri).await.contains("run `watchfire migrate` once"));
    assert_eq!(MongoStore::migrate(&uri).await.unwrap(), (0, V));
    assert_eq!(MongoStore::migrate(&uri).await.unwrap(), (V, V));
    MongoStore::open(&uri).await.unwrap();
}

#[tokio::test]
async fn conversations_of_before_there_were_figures_know_when_they_were_begun() {
    let uri = fresh_uri();
    let store = MongoStore::open(&uri).await.unwrap();
    for number in 1..=3 {
        store.conversations.open_conversation(opening(number)).await.unwrap();
    }
    let figured = async |store: &crate::Store| {
        store.conversations.figured(SITE, Millis(0), Millis(i64::MAX)).await.unwrap()
    };
    let expected = figured(&store).await;
    assert_eq!(expected.len(), 3);
    store.close().await;
    let database = Database::connect(&uri).await.unwrap();
    let conversations = database.mongo.collection::<Document>("conversations");
    conversations.update_many(doc! {}, doc! { "$unset": { "opened": "" } }).await.unwrap();
    let meta = database.mongo.collection::<Document>(META);
    meta.update_one(doc! { "_id": "schema" }, doc! { "$set": { "v": 13 } }).await.unwrap();
    assert_eq!(MongoStore::migrate(&uri).await.unwrap(), (13, V));
    assert_eq!(figured(&MongoStore::open(&uri).await.unwrap()).await, expected);
}

#[tokio::test]
async fn several_processes_prepare_an_empty_database_at_once() {
    let uri = fresh_uri();
    let opened = tokio::join!(MongoStore::open(&uri), MongoStore::open(&uri), MongoStore::open(&uri));
    opened.0.unwrap();
    opened.1.unwrap();
    opened.2.unwrap();
}

#[tokio::test]
async fn an_index_that_was_dropped_is_made_at_the_next_opening() {
    let uri = fresh_uri();
    MongoStore::open(&uri).await.unwrap().close().await;
    let database = Database::connect(&uri).await.unwrap();
    let tail = database.mongo.collection::<Document>("tail");
    let count = tail.list_index_names().await.unwrap().len();
    tail.drop_index("site_1_id_1").await.unwrap();
    schema::prepare(&database).await.unwrap();
    assert_eq!(tail.list_index_names().await.unwrap().len(), count);
}

#[tokio::test]
async fn a_uri_without_a_database_is_refused_with_a_sentence() {
    let refused = refusal("mongodb://127.0.0.1:1/").await;
    assert_eq!(refused, "the URI names no database: write mongodb://host/watchfire");
}
