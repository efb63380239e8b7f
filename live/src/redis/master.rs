//! One Redis server: the connection to it, and how long its answers are waited for.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Pipeline, RedisError, Value};
use tokio::time::timeout;

use super::call::Call;

/// The longest that a server's answer is waited for, reconnecting included.
pub const ANSWER_MAX: Duration = Duration::from_secs(2);
/// As long, of a server that did not answer the last time, by who can do without.
const SILENT_MAX: Duration = Duration::from_millis(300);
const CONNECT_MAX: Duration = Duration::from_secs(1);
/// Connecting in vain is silence: after so long without an answer it is asked what stands in the way.
const SILENCE: Duration = Duration::from_secs(1);
/// Between two tries to connect; jittered by the client.
const RETRY_MIN: Duration = Duration::from_millis(20);
const RETRY_MAX: Duration = Duration::from_millis(500);
/// More than fit into `ANSWER_MAX`: that is the bound.
const RETRIES_MAX: usize = 10;

#[derive(Clone, Copy)]
pub enum Patience {
    /// `ANSWER_MAX`.
    Full,
    /// `SILENT_MAX` where the last answer did not come either.
    Short,
}

pub struct Master {
    manager: ConnectionManager,
    /// To connect by hand.
    client: Client,
    is_silent: AtomicBool,
}

impl Master {
    /// Connects when first needed.
    pub fn open(client: Client) -> Result<Master, RedisError> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT_MAX))
            .set_response_timeout(Some(ANSWER_MAX))
            .set_min_delay(RETRY_MIN)
            .set_max_delay(RETRY_MAX)
            .set_number_of_retries(RETRIES_MAX);
        let manager = ConnectionManager::new_lazy_with_config(client.clone(), config)?;
        Ok(Master { manager, client, is_silent: AtomicBool::new(false) })
    }

    /// The answers to the calls of each group, which run in order, in one round trip; errors of single calls are answers.
    /// A script that the server does not know (any more) is sent in full.
    pub async fn ask(&self, groups: &[&Vec<Call>], patience: Patience) -> anyhow::Result<Vec<Vec<Value>>> {
        let max = match patience {
            Patience::Short if self.is_silent.load(Ordering::Relaxed) => SILENT_MAX,
            _ => ANSWER_MAX,
        };
        let answers = self.in_time(self.trips(groups), max).await.and_then(|told| Ok(told?));
        self.is_silent.store(answers.is_err(), Ordering::Relaxed);
        answers
    }

    async fn trips(&self, groups: &[&Vec<Call>]) -> Result<Vec<Vec<Value>>, RedisError> {
        let mut answers = self.trip(pipeline(groups.iter().copied().flatten(), true)).await?.into_iter();
        let mut told = Vec::with_capacity(groups.len());
        for group in groups {
            let mut of_group: Vec<_> = answers.by_ref().take(group.len()).collect();
            for (call, answer) in group.iter().zip(&mut of_group) {
                if matches!(answer, Value::ServerError(error) if error.code() == "NOSCRIPT") {
                    *answer = self.trip(pipeline([call], false)).await?.pop().unwrap_or(Value::Nil);
                }
            }
            told.push(of_group);
        }
        Ok(told)
    }

    async fn trip(&self, pipeline: Pipeline) -> Result<Vec<Value>, RedisError> {
        pipeline.query_async(&mut self.manager.clone()).await
    }

    /// What comes of it in time; where nothing does, what stands in the way, such as a certificate that nobody trusts.
    async fn in_time<T>(&self, asked: impl Future<Output = T>, max: Duration) -> anyhow::Result<T> {
        let mut asked = pin!(asked);
        if let Ok(answer) = timeout(SILENCE.min(max), &mut asked).await {
            return Ok(answer);
        }
        let mut hindrance = None;
        let late = timeout(max.saturating_sub(SILENCE), async {
            tokio::select! {
                answer = &mut asked => return answer,
                error = self.hindrance() => hindrance = Some(error),
            }
            asked.await
        })
        .await;
        late.map_err(|_| {
            let silent = anyhow::anyhow!("no answer from Redis within {max:?}");
            match hindrance {
                Some(error) => anyhow::Error::new(error).context(silent),
                None => silent,
            }
        })
    }

    /// Why no connection is made, where it is known; never ends otherwise.
    async fn hindrance(&self) -> RedisError {
        match self.client.get_multiplexed_async_connection().await {
            Err(error) => error,
            Ok(_) => std::future::pending().await,
        }
    }
}

fn pipeline<'c>(calls: impl IntoIterator<Item = &'c Call>, is_known: bool) -> Pipeline {
    let mut pipeline = Pipeline::new();
    pipeline.ignore_errors();
    calls.into_iter().for_each(|call| {
        pipeline.add_command(call.command(is_known));
    });
    pipeline
}
