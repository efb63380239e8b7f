//! The one thread that writes a file. All that wait share a transaction and its sync (group commit);
//! within it each has a savepoint, so that one that fails undoes itself alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;

use anyhow::{anyhow, ensure};
use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::database::truncate_log;
use crate::meters::measured;
use crate::{Result, StoreError};

/// Writes that wait for the thread; further callers wait to join the queue.
const QUEUE_MAX: usize = 256;
/// Writes that share one transaction.
const GROUP_MAX: usize = 256;

pub struct Writer {
    /// None once closed. The thread ends when it has done what is queued.
    queue: Mutex<Option<mpsc::Sender<Order>>>,
    thread: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

enum Order {
    Write(Box<dyn Job>),
    EmptyLog(oneshot::Sender<Result<()>>),
}

impl Writer {
    pub fn start(db: Connection) -> std::io::Result<Writer> {
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
        let thread = std::thread::Builder::new().name("store-writer".into()).spawn(move || run(db, queue))?;
        Ok(Writer { queue: Mutex::new(Some(sender)), thread: tokio::sync::Mutex::new(Some(thread)) })
    }

    pub async fn write<T, W>(&self, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        self.order(|reply| Order::Write(Box::new(Write { work: Some(work), outcome: None, reply }))).await
    }

    pub async fn empty_log(&self) -> Result<()> {
        self.order(Order::EmptyLog).await
    }

    async fn order<T>(&self, order: impl FnOnce(oneshot::Sender<Result<T>>) -> Order) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.lock().clone().ok_or_else(closed)?;
        measured(async {
            queue.send(order(reply)).await.map_err(|_| closed())?;
            drop(queue);
            answer.await.unwrap_or_else(|_| Err(closed()))
        })
        .await
    }

    pub async fn close(&self) {
        let mut thread = self.thread.lock().await;
        self.queue.lock().take();
        let Some(thread) = thread.take() else {
            return;
        };
        let joined = tokio::task::spawn_blocking(move || thread.join()).await;
        if !matches!(joined, Ok(Ok(()))) {
            tracing::error!("the store's writer ended in a panic");
        }
    }
}

impl Drop for Writer {
    /// Waits for what is queued: a folder that was let go is not being written.
    fn drop(&mut self) {
        self.queue.get_mut().take();
        if let Some(thread) = self.thread.get_mut().take() {
            let _panicked = thread.join();
        }
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable(anyhow!("the store is closed"))
}

fn run(db: Connection, mut queue: mpsc::Receiver<Order>) {
    let mut group: Vec<Box<dyn Job>> = Vec::new();
    while let Some(order) = queue.blocking_recv() {
        let mut next = Some(order);
        let mut emptied = None;
        while let Some(order) = next.take() {
            match order {
                Order::Write(job) => group.push(job),
                Order::EmptyLog(reply) => emptied = Some(reply),
            }
            if emptied.is_none() && group.len() < GROUP_MAX {
                next = queue.try_recv().ok();
            }
        }
        write_group(&db, &mut group);
        if let Some(reply) = emptied {
            // Nobody listens any more: the log is empty all the same.
            let _ = reply.send(truncate_log(&db));
        }
    }
    if let Err(error) = truncate_log(&db) {
        tracing::warn!(%error, "the log stays and is read again at the next start");
    }
}

/// Commits and only then answers. What cannot be committed is `Unavailable` to all; the next group
/// begins afresh.
fn write_group(db: &Connection, group: &mut Vec<Box<dyn Job>>) {
    if group.is_empty() {
        return;
    }
    let outcome = commit_group(db, group);
    if let Err(error) = &outcome {
        tracing::error!(%error, writes = group.len(), "a transaction failed");
        if !db.is_autocommit() {
            let _ = db.execute_batch("ROLLBACK");
        }
    }
    for job in group.drain(..) {
        job.answer(outcome.as_ref().err());
    }
}

fn commit_group(db: &Connection, group: &mut [Box<dyn Job>]) -> anyhow::Result<()> {
    step(db, "BEGIN IMMEDIATE")?;
    for job in group {
        step(db, "SAVEPOINT job")?;
        if !job.run(db) {
            // Where the disk is full or fails, SQLite may end the whole transaction.
            ensure!(!db.is_autocommit(), "another write ended the transaction");
            step(db, "ROLLBACK TO job")?;
        }
        step(db, "RELEASE job")?;
    }
    step(db, "COMMIT")?;
    Ok(())
}

fn step(db: &Connection, sql: &str) -> rusqlite::Result<()> {
    db.prepare_cached(sql)?.execute([]).map(drop)
}

/// A write of any result, as the thread sees it.
trait Job: Send {
    /// Whether its changes are to stay.
    fn run(&mut self, db: &Connection) -> bool;
    fn answer(self: Box<Self>, failure: Option<&anyhow::Error>);
}

struct Write<T, W> {
    work: Option<W>,
    outcome: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, W> Job for Write<T, W>
where
    T: Send,
    W: FnOnce(&Connection) -> Result<T> + Send,
{
    fn run(&mut self, db: &Connection) -> bool {
        let work = self.work.take().expect("a job runs once");
        let outcome = catch_unwind(AssertUnwindSafe(|| work(db)))
            .unwrap_or_else(|_| Err(StoreError::Unavailable(anyhow!("a write panicked"))));
        self.outcome.insert(outcome).is_ok()
    }

    fn answer(self: Box<Self>, failure: Option<&anyhow::Error>) {
        let outcome = match (failure, self.outcome) {
            (None, Some(outcome)) => outcome,
            // Its own cause says more than the group's.
            (Some(_), Some(Err(own @ StoreError::Unavailable(_)))) => Err(own),
            (Some(failure), _) => Err(StoreError::Unavailable(anyhow!("{failure:#}"))),
            (None, None) => unreachable!("a committed group has run every job"),
        };
        // Nobody listens any more: the write stands all the same.
        let _ = self.reply.send(outcome);
    }
}
