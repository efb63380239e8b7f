//! Which shards this process consumes: one consumer each, and the next one not before the last one is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Mutex, OwnedMutexGuard};

pub struct Holds(Vec<Shard>);

struct Shard {
    held: Arc<Mutex<()>>,
    /// The holder is saying goodbye to the broker.
    leaving: Arc<AtomicBool>,
}

/// Held by the consumer of a shard, then by its goodbye.
pub struct Hold {
    _held: OwnedMutexGuard<()>,
    leaving: Arc<AtomicBool>,
}

pub enum Taking {
    Held(Hold),
    Taken,
    NoSuchShard,
}

impl Holds {
    pub fn of(shards: u16) -> Holds {
        let free = || Shard { held: Arc::default(), leaving: Arc::default() };
        Holds((0..shards).map(|_| free()).collect())
    }

    /// Waits only for a goodbye.
    pub async fn take(&self, shard: u16) -> Taking {
        let Some(Shard { held, leaving }) = self.0.get(usize::from(shard)) else {
            return Taking::NoSuchShard;
        };
        let taken = match Arc::clone(held).try_lock_owned() {
            Ok(taken) => taken,
            Err(_) if leaving.load(Ordering::Acquire) => Arc::clone(held).lock_owned().await,
            Err(_) => return Taking::Taken,
        };
        leaving.store(false, Ordering::Release);
        Taking::Held(Hold { _held: taken, leaving: Arc::clone(leaving) })
    }
}

impl Hold {
    /// The consumer is dropped; the hold itself follows once the broker knows.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::Release);
    }
}
