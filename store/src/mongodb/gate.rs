//! The gate that every call passes: how many are under way, how long one is waited for, and how all end.
//! The driver's futures are run to their end on tasks of their own: dropped half way, they leave a connection behind
//! that nobody can use. Who asked may stop waiting at any time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::meters::measured;
use crate::{Result, StoreError};

/// Calls under way at once; more wait their turn.
const CALLS_MAX: u32 = 512;
/// How long a call is waited for, its turn included.
pub const CALL_TIME_MAX: Duration = Duration::from_secs(15);
/// How long closing waits for the calls that are under way: a shutdown ends within 10 s.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(8);

pub struct Gate(Arc<Semaphore>);

impl Gate {
    pub fn open() -> Gate {
        Gate(Arc::new(Semaphore::new(CALLS_MAX as usize)))
    }

    /// Unavailable where the gate is closed or no answer comes in time; the work may still take effect then.
    pub async fn call<T, W>(&self, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        let turns = Arc::clone(&self.0);
        measured(within(CALL_TIME_MAX, async move {
            let turn = turns.acquire_owned().await.map_err(|_| closed())?;
            run(async move {
                let outcome = work.await;
                drop(turn);
                outcome
            })
            .await
        }))
        .await
    }

    /// Waits for calls under way; later ones are refused. False where some did not end in time.
    pub async fn close(&self) -> bool {
        let ended = timeout(CLOSE_TIME_MAX, self.0.acquire_many(CALLS_MAX)).await;
        self.0.close();
        // An error of the semaphore: it was closed before.
        ended.is_ok()
    }
}

/// Runs `work` on a task of its own.
pub async fn run<T, W>(work: W) -> Result<T>
where
    T: Send + 'static,
    W: Future<Output = Result<T>> + Send + 'static,
{
    tokio::spawn(work).await.unwrap_or_else(|error| {
        Err(StoreError::Unavailable(anyhow::Error::new(error).context("a call did not finish")))
    })
}

pub async fn within<T>(time_max: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    let late = |_| Err(StoreError::Unavailable(anyhow!("no answer from MongoDB within {time_max:?}")));
    timeout(time_max, work).await.unwrap_or_else(late)
}

pub fn closed() -> StoreError {
    StoreError::Unavailable(anyhow!("the store is closed"))
}
