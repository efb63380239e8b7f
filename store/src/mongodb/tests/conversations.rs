//! Conversations that several processes open, and that a process or the server dies over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use model::chat::{NewMessage, Who};
use model::{AccountId, RoomId};
use mongodb::bson::{Document, doc};
use parking_lot::Mutex;
use servers::mongodb::Mongodb;
use tokio::task::JoinSet;

use super::fresh_uri;
use crate::chat::NewConversation;
use crate::contract::chat::{room, text};
use crate::contract::conversations::{is_whole, opening};
use crate::contract::fixtures::secret;
use crate::mongodb::chat::{ROOMS, conversations};
use crate::mongodb::database::Database;
use crate::mongodb::transaction::Tries;
use crate::mongodb::{META, schema};
use crate::{MongoStore, Result, Store};

/// For a server that does much else.
const HELD_UP_MAX: Duration = Duration::from_secs(8);
const ACKNOWLEDGED_MIN: usize = 20;
/// Nobody's opening has it.
const ANSWER: u128 = 1_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_two_processes_open_at_once_with_one_secret_is_one() {
    let uri = fresh_uri();
    let stores = [MongoStore::open(&uri).await.unwrap(), MongoStore::open(&uri).await.unwrap()];
    let mut opening_at_once = JoinSet::new();
    for (number, store) in (1..=8).zip(stores.iter().cycle()) {
        let store = store.clone();
        let new = NewConversation { secret: Some(secret(1_001)), ..opening(number) };
        opening_at_once.spawn(async move { store.conversations.open_conversation(new).await.unwrap() });
    }
    let opened = opening_at_once.join_all().await;
    assert_eq!(opened.iter().filter(|(_, fresh)| *fresh).count(), 1, "{opened:?}");
    assert!(opened.iter().all(|(each, _)| *each == opened[0].0), "{opened:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_opening_that_dies_half_way_leaves_nothing_and_holds_up_nobody_for_long() {
    let uri = fresh_uri();
    let store = MongoStore::open(&uri).await.unwrap();
    let dead = Database::connect(&uri).await.unwrap();
    let mut tries = Tries::of(&dead);
    let mut step = tries.begin().await.unwrap();
    conversations::open(&mut step, &opening(1)).await.unwrap();
    assert!(!is_whole(&store, 1).await);

    let began = Instant::now();
    let (_, fresh) = store.conversations.open_conversation(opening(1)).await.unwrap();
    assert!(fresh && began.elapsed() < HELD_UP_MAX, "{:?}", began.elapsed());
    assert!(is_whole(&store, 1).await);
    let outcome = conversations::open(&mut step, &opening(2)).await;
    assert!(!matches!(tries.end(step, outcome).await, Some(Ok(_))), "what was ended was committed");
    assert!(!is_whole(&store, 2).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_whole_after_the_server_was_killed() {
    let mut server = Mongodb::start().unwrap();
    let uri = server.uri("watchfire");
    let stores = [MongoStore::open(&uri).await.unwrap(), MongoStore::open(&uri).await.unwrap()];
    let (acknowledged, killed) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
    let mut callers = JoinSet::new();
    for (lane, store) in (0..4).zip(stores.iter().cycle()) {
        let (acknowledged, killed) = (Arc::clone(&acknowledged), Arc::clone(&killed));
        callers.spawn(converse_until_killed(store.clone(), lane * 1_000, acknowledged, killed));
    }
    while acknowledged.lock().len() < ACKNOWLEDGED_MIN {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    killed.store(true, Ordering::Relaxed);
    server.kill();
    server.restart().unwrap();
    let unsure = callers.join_all().await;
    let next = MongoStore::open(&uri).await.unwrap();
    let acknowledged = acknowledged.lock().clone();
    for number in acknowledged {
        assert!(is_whole(&next, number).await, "{number}");
    }
    for number in unsure {
        // There as a whole or not at all, and there once when it is sent again.
        is_whole(&next, number).await;
        converse(&next, number).await.unwrap();
        assert!(is_whole(&next, number).await, "{number}");
        assert_eq!(next.rooms.room(opening(number).room.id).await.unwrap().last, 2);
    }
}

/// Opened by its customer and answered by an agent.
async fn converse(store: &Store, number: u64) -> Result<()> {
    let new = opening(number);
    let agent = Who::Account(AccountId::of(1));
    let answer = NewMessage { room: new.room.id, ..text(ANSWER, agent, "an answer") };
    store.conversations.open_conversation(new).await?;
    store.messages.post(answer).await.map(drop)
}

/// Until the server was killed; the one that was under way then, or that it refused.
async fn converse_until_killed(
    store: Store,
    first: u64,
    acknowledged: Arc<Mutex<Vec<u64>>>,
    killed: Arc<AtomicBool>,
) -> u64 {
    let mut number = first + 1;
    while converse(&store, number).await.is_ok() && !killed.load(Ordering::Relaxed) {
        acknowledged.lock().push(number);
        number += 1;
    }
    number
}

#[tokio::test]
async fn rooms_of_schema_10_are_listed_once_they_are_migrated() {
    let uri = fresh_uri();
    let store = MongoStore::open(&uri).await.unwrap();
    for number in 1..=3 {
        store.rooms.open(room(number), vec![]).await.unwrap();
    }
    store.close().await;
    let database = Database::connect(&uri).await.unwrap();
    let rooms = database.mongo.collection::<Document>(ROOMS);
    rooms.update_many(doc! {}, doc! { "$unset": { "inbox": "" } }).await.unwrap();
    let meta = database.mongo.collection::<Document>(META);
    meta.update_one(doc! { "_id": "schema" }, doc! { "$set": { "v": 10 } }).await.unwrap();
    assert_eq!(MongoStore::migrate(&uri).await.unwrap(), (10, schema::V));
    let store = MongoStore::open(&uri).await.unwrap();
    let listed: Vec<RoomId> = store.rooms.rooms(None).await.unwrap().iter().map(|room| room.id).collect();
    assert_eq!(listed, [1, 2, 3].map(RoomId::of));
    assert_eq!(store.carrying.every_room(None).await.unwrap().len(), 3);
}
