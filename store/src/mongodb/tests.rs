//! What only this backend promises: several processes at once, a killed server, schemas, bounded waits, few operations.

mod appenders;
mod conversations;
mod crashes;
mod examined;
mod holders;
mod operations;
mod schema;
mod segments;
mod unreachable;

use bytes::Bytes;
use model::{BatchId, Millis, SiteId};
use servers::mongodb::shared_uri;

use crate::contract::fresh_database;
use crate::history::{History, TailBatch};

fn fresh_uri() -> String {
    shared_uri(&fresh_database())
}

fn batch(number: u128, site: u64) -> TailBatch {
    TailBatch {
        id: BatchId(number),
        site: SiteId::of(site),
        received: Millis(1),
        hits: 1,
        body: Bytes::from(vec![number as u8; 100]),
    }
}

/// The numbers of all batches in the tail, in order, read page by page.
async fn numbers(history: &dyn History, page_batches: usize) -> Vec<u128> {
    let mut numbers = vec![];
    let mut after = None;
    loop {
        let page = history.tail_since(Millis(0), after, page_batches).await.unwrap();
        numbers.extend(page.batches.iter().map(|batch| batch.id.0));
        after = page.next;
        if after.is_none() {
            return numbers;
        }
    }
}
