//! The one task of a process that appends. All appends that wait share a transaction (group commit): it takes the
//! turn of the tail, which gives it the next cursors, inserts, and commits to a majority.
//!
//! Who has the turn keeps it until it commits. So cursors become visible in their order, without a hole behind which
//! something could still appear, however many processes append: a reader that has seen a cursor has seen all below.
//! (A counter raised on its own, an ObjectId or a clock are each given before they are committed, so that a reader
//! could pass one that is not there yet.) Processes wait for each other here: a turn is a few milliseconds long, and
//! what waits meanwhile goes in the next group, so that throughput grows with the group and not with the turns. A
//! process that dies with the turn has it for some seconds: `holder.rs`.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::anyhow;
use model::{BatchId, SiteId};
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, Document, RawBinaryRef, RawDocumentBuf, cstr, doc, rawdoc};
use mongodb::options::InsertManyOptions;
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::database::Database;
use super::forgotten::Forgotten;
use super::gate::{CALL_TIME_MAX, closed, run, within};
use super::schema::V;
use super::step::Step;
use super::tail::TAIL;
use super::transaction::{Tries, tried};
use super::turns;
use crate::history::TailBatch;
use crate::{Result, StoreError};

/// Bytes of one body: a document holds at most 16 MiB.
pub const BODY_BYTES_MAX: usize = 15 * 1024 * 1024;
/// Appends that wait for the task; further callers wait to join the queue.
const QUEUE_MAX: usize = 256;
/// A group ends with the append that brings it to one of these.
const GROUP_APPENDS_MAX: usize = 256;
const GROUP_BATCHES_MAX: usize = 4_096;
const GROUP_BYTES_MAX: usize = 8 * 1024 * 1024;

pub struct Appender {
    /// None once closed. The task ends when it has done what is queued.
    queue: Mutex<Option<mpsc::Sender<Order>>>,
    task: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

struct Order {
    batches: Vec<TailBatch>,
    reply: oneshot::Sender<Result<()>>,
}

impl Appender {
    pub fn start(database: Arc<Database>) -> Appender {
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
        let task = tokio::spawn(take_orders(database, queue));
        Appender { queue: Mutex::new(Some(sender)), task: tokio::sync::Mutex::new(Some(task)) }
    }

    pub async fn append(&self, batches: Vec<TailBatch>) -> Result<()> {
        if batches.iter().any(|batch| batch.body.len() > BODY_BYTES_MAX) {
            return Err(StoreError::Limit { what: "bytes in a batch's body", max: BODY_BYTES_MAX });
        }
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.lock().clone().ok_or_else(closed)?;
        queue.send(Order { batches, reply }).await.map_err(|_| closed())?;
        drop(queue);
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    pub async fn close(&self) {
        let mut task = self.task.lock().await;
        self.queue.lock().take();
        if let Some(task) = task.take()
            && task.await.is_err()
        {
            tracing::error!("the task that appends ended in a panic");
        }
    }
}

async fn take_orders(database: Arc<Database>, mut queue: mpsc::Receiver<Order>) {
    let forgotten = Arc::new(Forgotten::default());
    while let Some(first) = queue.recv().await {
        let (batches, replies) = gather(first, &mut queue);
        // On a task of its own: an answer that never comes holds up no group but its own.
        let appending = append_group(Arc::clone(&database), Arc::clone(&forgotten), batches);
        let outcome = within(CALL_TIME_MAX, run(appending)).await;
        if let Err(error) = &outcome {
            tracing::warn!(%error, appends = replies.len(), "appends failed");
        }
        for reply in replies {
            // Nobody listens any more: what is appended stays all the same.
            let _ = reply.send(copy(&outcome));
        }
    }
}

fn gather(
    first: Order,
    queue: &mut mpsc::Receiver<Order>,
) -> (Vec<TailBatch>, Vec<oneshot::Sender<Result<()>>>) {
    let mut batches = first.batches;
    let mut replies = vec![first.reply];
    let mut bytes = bytes_of(&batches);
    while replies.len() < GROUP_APPENDS_MAX && batches.len() < GROUP_BATCHES_MAX && bytes < GROUP_BYTES_MAX {
        let Ok(order) = queue.try_recv() else {
            break;
        };
        bytes += bytes_of(&order.batches);
        batches.extend(order.batches);
        replies.push(order.reply);
    }
    (batches, replies)
}

fn bytes_of(batches: &[TailBatch]) -> usize {
    batches.iter().map(|batch| batch.body.len()).sum()
}

/// The one error that an append can meet here is told to all who share it.
fn copy(outcome: &Result<()>) -> Result<()> {
    match outcome {
        Ok(()) => Ok(()),
        Err(error) => Err(StoreError::Unavailable(anyhow!("{error:#}"))),
    }
}

/// Appends without looking whether a batch is there already, as it rarely is; where one was, again, looking.
async fn append_group(
    database: Arc<Database>,
    forgotten: Arc<Forgotten>,
    batches: Vec<TailBatch>,
) -> Result<()> {
    let batches = each_once(batches);
    if batches.is_empty() {
        return Ok(());
    }
    let tries = || Tries::of(&database);
    match tried!(tries(), |step| append(step, &forgotten, &batches, false)) {
        Err(StoreError::Conflict(_)) => tried!(tries(), |step| append(step, &forgotten, &batches, true)),
        outcome => outcome,
    }
}

/// The first of each (site, id).
fn each_once(mut batches: Vec<TailBatch>) -> Vec<TailBatch> {
    let mut seen = HashSet::with_capacity(batches.len());
    batches.retain(|batch| seen.insert((batch.site, batch.id)));
    batches
}

async fn append(step: &mut Step, forgotten: &Forgotten, batches: &[TailBatch], look: bool) -> Result<()> {
    let count = batches.len() as i64;
    let turn = turns::take(step, turns::TAIL, doc! { "$inc": { "last": count } }).await?;
    let forgotten = forgotten.known(step, turn.forgotten).await?;
    let there = if look { there_already(step, batches).await? } else { HashSet::new() };
    let cursors = turn.last - count + 1..;
    let fresh = |batch: &TailBatch| !forgotten.has(batch.site) && !there.contains(&(batch.site, batch.id));
    let documents: Vec<_> = cursors
        .zip(batches)
        .filter(|(_, batch)| fresh(batch))
        .map(|(cursor, batch)| document(cursor, batch))
        .collect();
    if documents.is_empty() {
        return Ok(());
    }
    let collection = step.collection::<RawDocumentBuf>(TAIL);
    let insert =
        collection.insert_many(documents).with_options(InsertManyOptions::builder().ordered(true).build());
    match step.session() {
        Some(session) => insert.session(session).await?,
        None => insert.await?,
    };
    Ok(())
}

fn document(cursor: i64, batch: &TailBatch) -> RawDocumentBuf {
    let mut document = rawdoc! {
        "_id": cursor,
        "v": V,
        "site": batch.site.value() as i64,
        "id": id(batch.id),
        "received": batch.received.0,
        "hits": i64::from(batch.hits),
    };
    document.append(cstr!("body"), RawBinaryRef { subtype: BinarySubtype::Generic, bytes: &batch.body });
    document
}

fn id(id: BatchId) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: id.0.to_be_bytes().to_vec() }
}

#[derive(Deserialize)]
struct Row {
    site: i64,
    id: Binary,
}

/// Which of the batches stand in the tail, by one query a group that names the site of each.
async fn there_already(step: &mut Step, batches: &[TailBatch]) -> Result<HashSet<(SiteId, BatchId)>> {
    let mut ids: std::collections::HashMap<SiteId, Vec<Bson>> = Default::default();
    for batch in batches {
        ids.entry(batch.site).or_default().push(id(batch.id).into());
    }
    let sites = ids.into_iter();
    let one_of: Vec<Document> =
        sites.map(|(site, ids)| doc! { "site": site.value() as i64, "id": { "$in": ids } }).collect();
    let rows: Vec<Row> = step.all(TAIL, doc! { "$or": one_of }, doc! {}).await?;
    rows.into_iter()
        .map(|row| {
            let id: [u8; 16] = row.id.bytes.try_into().map_err(|_| corrupt())?;
            Ok((SiteId::of(row.site as u64), BatchId(u128::from_be_bytes(id))))
        })
        .collect()
}

fn corrupt() -> StoreError {
    StoreError::Unavailable(anyhow!("a batch of the tail has an id that is none"))
}
