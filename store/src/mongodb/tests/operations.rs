//! What an append costs: commands to the server, counted as the driver sends them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use mongodb::event::EventHandler;
use mongodb::event::command::CommandEvent;
use servers::mongodb::Mongodb;
use tokio::task::JoinSet;

use super::super::database::{Database, options};
use super::batch;
use crate::MongoStore;

/// Messages of 200 hits, each of two sites, under way at once.
const UNDER_WAY: u128 = 16;
const MESSAGES: u128 = 320;
const HITS_A_MESSAGE: u64 = 200;
const OPERATIONS_A_THOUSAND_HITS_MAX: f64 = 10.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_hits_take_few_operations() {
    let commands = Arc::new(AtomicU64::new(0));
    let server = Mongodb::start().unwrap();
    let mut options = options(&server.uri("watchfire")).await.unwrap();
    let counted = Arc::clone(&commands);
    options.command_event_handler = Some(EventHandler::callback(move |event| {
        if matches!(event, CommandEvent::Started(_)) {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    }));
    let store = MongoStore::over(Database::with(options).await.unwrap()).await.unwrap();

    let alone = commands.load(Ordering::Relaxed);
    let began = Instant::now();
    store.history.append(vec![batch(1_000_000, 1), batch(1_000_000, 2)]).await.unwrap();
    eprintln!("one append: {:?}, {} commands", began.elapsed(), commands.load(Ordering::Relaxed) - alone);

    let before = commands.load(Ordering::Relaxed);
    let began = Instant::now();
    let mut lanes = JoinSet::new();
    for lane in 0..UNDER_WAY {
        let history = Arc::clone(&store.history);
        lanes.spawn(async move {
            for number in (lane..MESSAGES).step_by(UNDER_WAY as usize) {
                history.append(vec![batch(number, 1), batch(number, 2)]).await.unwrap();
            }
        });
    }
    lanes.join_all().await;
    let count = commands.load(Ordering::Relaxed) - before;
    let hits = MESSAGES as u64 * HITS_A_MESSAGE;
    let each = count as f64 * 1_000.0 / hits as f64;
    let mean = began.elapsed() * UNDER_WAY as u32 / MESSAGES as u32;
    eprintln!("{each:.2} operations per 1,000 hits, {mean:?} an append, {:?} in all", began.elapsed());
    assert!(each <= OPERATIONS_A_THOUSAND_HITS_MAX, "{each} operations per 1,000 hits");
}
