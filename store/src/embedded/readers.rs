//! A few read-only connections, lent to one read at a time, on threads that may block where it may take its time.

use std::sync::Arc;

use anyhow::anyhow;
use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::meters::measured;
use crate::{Result, StoreError};

/// Reads under way at once on one file; more wait their turn.
const READERS_MAX: u32 = 2;

pub struct Readers {
    idle: Mutex<Vec<Connection>>,
    turns: Arc<Semaphore>,
}

impl Readers {
    pub fn open(connect: impl Fn() -> rusqlite::Result<Connection>) -> rusqlite::Result<Readers> {
        let idle = (0..READERS_MAX).map(|_| connect()).collect::<rusqlite::Result<Vec<_>>>()?;
        let turns = Arc::new(Semaphore::new(idle.len()));
        Ok(Readers { idle: Mutex::new(idle), turns })
    }

    pub async fn read<T, W>(readers: &Arc<Readers>, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let Ok(turn) = Arc::clone(&readers.turns).acquire_owned().await else {
            return Err(StoreError::Unavailable(anyhow!("the store is closed")));
        };
        let readers = Arc::clone(readers);
        let reading = tokio::task::spawn_blocking(move || {
            let lent = Lent::from(&readers);
            let outcome = work(lent.connection());
            drop(lent);
            drop(turn);
            outcome
        });
        measured(async {
            reading.await.unwrap_or_else(|error| {
                Err(StoreError::Unavailable(anyhow::Error::new(error).context("a read did not finish")))
            })
        })
        .await
    }

    /// A read of a few rows by their key takes microseconds, fewer than a change of threads: it is done where it is
    /// asked, if a connection is idle.
    pub async fn look_up<T, W>(readers: &Arc<Readers>, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let Ok(turn) = Arc::clone(&readers.turns).try_acquire_owned() else {
            return Readers::read(readers, work).await;
        };
        let lent = Lent::from(readers);
        let outcome = work(lent.connection());
        drop(lent);
        drop(turn);
        outcome
    }

    /// Waits for reads under way; later ones are refused.
    pub async fn close(&self) {
        let Ok(_all) = self.turns.acquire_many(READERS_MAX).await else {
            return;
        };
        self.turns.close();
        self.idle.lock().clear();
    }
}

/// Gives its connection back however the read ends, a panic included.
struct Lent<'a> {
    readers: &'a Readers,
    connection: Option<Connection>,
}

impl<'a> Lent<'a> {
    fn from(readers: &'a Readers) -> Lent<'a> {
        Lent { readers, connection: readers.idle.lock().pop() }
    }

    fn connection(&self) -> &Connection {
        self.connection.as_ref().expect("a turn is a connection")
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.readers.idle.lock().extend(self.connection.take());
    }
}
