//! A step that happens as a whole or not at all: a transaction, tried again where it lost against another one.
//! It reads a snapshot and commits to a majority. Snapshots alone let two transactions each count what the other is
//! about to change; so whoever counts takes a turn first (`Step::take_turn`).

use std::time::{Duration, Instant};

use mongodb::error::{TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT};
use mongodb::options::{ReadConcern, TransactionOptions};

use super::database::{Database, majority};
use super::holder::Said;
use super::step::Step;
use crate::{Result, StoreError};

/// How long a transaction is tried for.
const TRIES_TIME_MAX: Duration = Duration::from_secs(10);
/// The pause before the next try is drawn at random below this; it doubles from try to try.
const PAUSE_MIN: Duration = Duration::from_millis(2);
const PAUSE_MAX: Duration = Duration::from_millis(64);
/// How often a commit is asked for whose outcome is unknown: a second commit changes nothing.
const COMMITS_MAX: usize = 4;
const COMMIT_TIME_MAX: Duration = Duration::from_secs(5);

pub struct Tries<'a> {
    database: &'a Database,
    /// When the session under way was said to be there.
    said: Option<Instant>,
    /// None while no try has lost.
    losing_since: Option<Instant>,
    began: Instant,
    pause_max: Duration,
}

impl<'a> Tries<'a> {
    pub fn of(database: &'a Database) -> Tries<'a> {
        Tries { database, said: None, losing_since: None, began: Instant::now(), pause_max: PAUSE_MIN }
    }

    pub async fn begin(&mut self) -> Result<Step> {
        let Said { mut session, at } =
            self.database.holder.take(self.database, self.losing_since.is_some()).await?;
        self.said = Some(at);
        let options = TransactionOptions::builder()
            .read_concern(ReadConcern::snapshot())
            .write_concern(majority())
            .max_commit_time(COMMIT_TIME_MAX)
            .build();
        session.start_transaction().with_options(options).await?;
        Ok(Step::within(self.database, session))
    }

    /// Commits what succeeded and undoes what failed. None: it lost against another one and is to be tried again.
    pub async fn end<T>(&mut self, mut step: Step, outcome: Result<T>) -> Option<Result<T>> {
        let outcome = match outcome {
            Ok(value) => commit(&mut step).await.map(|()| value),
            Err(error) => {
                abort(&mut step).await;
                Err(error)
            }
        };
        let has_lost =
            outcome.as_ref().err().is_some_and(|error| has_label(error, TRANSIENT_TRANSACTION_ERROR));
        if let Err(error) = self.release(step, outcome.is_ok(), has_lost).await {
            tracing::warn!(%error, "the transactions of others cannot be ended");
        }
        if has_lost && self.has_time() {
            self.pause().await;
            return None;
        }
        Some(outcome)
    }

    /// Gives the holder its session back, and tells it how the transaction went.
    async fn release(&mut self, step: Step, has_won: bool, has_lost: bool) -> Result<()> {
        let holder = &self.database.holder;
        if let (Some(session), Some(at)) = (step.into_session(), self.said.take()) {
            holder.put_back(Said { session, at });
        }
        match () {
            () if has_won => holder.won(),
            () if has_lost => {
                holder.lost(self.database, self.losing_since.get_or_insert_with(Instant::now)).await?;
            }
            () => {}
        }
        Ok(())
    }

    fn has_time(&self) -> bool {
        self.began.elapsed() < TRIES_TIME_MAX
    }

    async fn pause(&mut self) {
        tokio::time::sleep(self.pause_max.mul_f64(fastrand::f64())).await;
        self.pause_max = (self.pause_max * 2).min(PAUSE_MAX);
    }
}

async fn commit(step: &mut Step) -> Result<()> {
    let Some(session) = step.session() else {
        return Ok(());
    };
    let mut commits = 1;
    loop {
        match session.commit_transaction().await.map_err(StoreError::from) {
            Err(error) if commits < COMMITS_MAX && has_label(&error, UNKNOWN_TRANSACTION_COMMIT_RESULT) => {
                commits += 1;
            }
            outcome => return outcome,
        }
    }
}

/// The server undoes it by itself where this does not arrive.
async fn abort(step: &mut Step) {
    if let Some(session) = step.session() {
        let _ = session.abort_transaction().await;
    }
}

fn has_label(error: &StoreError, label: &str) -> bool {
    let StoreError::Unavailable(cause) = error else {
        return false;
    };
    cause.downcast_ref::<mongodb::error::Error>().is_some_and(|error| error.contains_label(label))
}

/// One call that reads, or that changes what no transaction does.
macro_rules! read {
    ($self:ident, |$step:ident| $work:expr) => {{
        let database = std::sync::Arc::clone(&$self.0);
        $self
            .0
            .gate
            .call(async move {
                let $step = &mut $crate::mongodb::step::Step::alone(&database);
                $work.await
            })
            .await
    }};
}
pub(super) use read;

/// One call that is a transaction; `$work` is run again for each try.
macro_rules! write {
    ($self:ident, |$step:ident| $work:expr) => {{
        let database = std::sync::Arc::clone(&$self.0);
        $self
            .0
            .gate
            // On the heap: what may be many steps deep is else moved from one caller's stack to the next.
            .call(Box::pin(async move {
                let tries = $crate::mongodb::transaction::Tries::of(&database);
                $crate::mongodb::transaction::tried!(tries, |$step| $work)
            }))
            .await
    }};
}
pub(super) use write;

macro_rules! tried {
    ($tries:expr, |$step:ident| $work:expr) => {{
        let mut tries = $tries;
        loop {
            let mut step = tries.begin().await?;
            let $step = &mut step;
            let outcome = $work.await;
            if let Some(outcome) = tries.end(step, outcome).await {
                break outcome;
            }
        }
    }};
}
pub(super) use tried;
