//! Commands to Redis: one server or a cluster. Every answer comes within `ANSWER_MAX`, or an error does.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::try_join_all;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{Client, Cmd, Pipeline, RedisError, Value};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::scripts::Script;
use crate::LiveError;

/// The longest that a command waits for its answer, reconnecting included.
pub const ANSWER_MAX: Duration = Duration::from_secs(2);
pub const CONNECT_MAX: Duration = Duration::from_secs(1);
/// Connecting in vain is silence: after so long without an answer it is asked what stands in the way.
const SILENCE: Duration = Duration::from_secs(1);
/// Between two tries to connect; jittered by the client.
const RETRY_MIN: Duration = Duration::from_millis(20);
const RETRY_MAX: Duration = Duration::from_millis(500);
/// More than fit into `ANSWER_MAX`: that is the bound.
const RETRIES_MAX: usize = 10;

pub enum Connection {
    /// The client is to connect by hand.
    One(Box<ConnectionManager>, Client),
    Cluster(Box<ClusterClient>, Mutex<Option<ClusterConnection>>),
}

/// A script or command with the keys it goes by.
#[derive(Clone)]
pub struct Call {
    script: Option<Script>,
    head: Vec<Vec<u8>>,
}

impl Call {
    pub fn script(script: &Script, keys: &[String]) -> Call {
        let mut head = vec![keys.len().to_string().into_bytes()];
        head.extend(keys.iter().map(|key| key.clone().into_bytes()));
        Call { script: Some(script.clone()), head }
    }

    /// A plain command.
    pub fn plain(words: &[&str]) -> Call {
        Call { script: None, head: words.iter().map(|word| word.as_bytes().to_vec()).collect() }
    }

    pub fn arg(&mut self, arg: impl Into<Vec<u8>>) -> &mut Call {
        self.head.push(arg.into());
        self
    }

    fn command(&self, is_known: bool) -> Cmd {
        let mut cmd = Cmd::new();
        match &self.script {
            Some(script) if is_known => cmd.arg("EVALSHA").arg(&script.hash),
            Some(script) => cmd.arg("EVAL").arg(script.code),
            None => &mut cmd,
        };
        self.head.iter().for_each(|word| {
            cmd.arg(word.as_slice());
        });
        cmd
    }
}

impl Connection {
    pub fn one(client: Client) -> Result<Connection, RedisError> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT_MAX))
            .set_response_timeout(Some(ANSWER_MAX))
            .set_min_delay(RETRY_MIN)
            .set_max_delay(RETRY_MAX)
            .set_number_of_retries(RETRIES_MAX);
        let manager = ConnectionManager::new_lazy_with_config(client.clone(), config)?;
        Ok(Connection::One(Box::new(manager), client))
    }

    pub fn cluster(client: ClusterClient) -> Connection {
        Connection::Cluster(Box::new(client), Mutex::new(None))
    }

    /// Runs the calls of each group in order, all in one round trip (in a cluster: one a master). The calls of
    /// a group go by keys of one slot. A script that the server does not know (any more) is sent in full.
    pub async fn run(&self, groups: &[Vec<Call>]) -> Result<Vec<Vec<Value>>, LiveError> {
        if groups.is_empty() {
            return Ok(vec![]);
        }
        let asked = async {
            let mut answers = self.trip(groups, true).await?;
            let is_unknown = |value: &Value| matches!(value, Value::ServerError(e) if e.code() == "NOSCRIPT");
            for (group, answers) in groups.iter().zip(&mut answers) {
                for (call, answer) in group.iter().zip(answers) {
                    if is_unknown(answer) {
                        let again = [vec![call.clone()]];
                        let mut told = self.trip(&again, false).await?;
                        *answer = told.pop().and_then(|mut one| one.pop()).unwrap_or(Value::Nil);
                    }
                }
            }
            Ok::<_, RedisError>(answers)
        };
        let answers = self.in_time(asked).await?.map_err(|error| LiveError::Unavailable(error.into()))?;
        let refused = answers.iter().flatten().find_map(|answer| match answer {
            Value::ServerError(error) => Some(anyhow::anyhow!("{error:?}")),
            _ => None,
        });
        refused.map_or(Ok(answers), |refused| Err(LiveError::Unavailable(refused)))
    }

    /// What comes of it within `ANSWER_MAX`; where nothing does, what stands in the way, such as a certificate that
    /// nobody trusts.
    async fn in_time<T>(&self, asked: impl Future<Output = T>) -> Result<T, LiveError> {
        let mut asked = pin!(asked);
        if let Ok(answer) = timeout(SILENCE, &mut asked).await {
            return Ok(answer);
        }
        let mut hindrance = None;
        let late = timeout(ANSWER_MAX - SILENCE, async {
            tokio::select! {
                answer = &mut asked => return answer,
                error = self.hindrance() => hindrance = Some(error),
            }
            asked.await
        })
        .await;
        late.map_err(|_| {
            let silent = anyhow::anyhow!("no answer from Redis within {ANSWER_MAX:?}");
            LiveError::Unavailable(match hindrance {
                Some(error) => anyhow::Error::new(error).context(silent),
                None => silent,
            })
        })
    }

    /// Why no connection is made, where it is known; never ends otherwise.
    async fn hindrance(&self) -> RedisError {
        let refused = match self {
            Connection::One(_, client) => client.get_multiplexed_async_connection().await.err(),
            // It says so itself.
            Connection::Cluster(..) => None,
        };
        match refused {
            Some(error) => error,
            None => std::future::pending().await,
        }
    }

    async fn trip(&self, groups: &[Vec<Call>], is_known: bool) -> Result<Vec<Vec<Value>>, RedisError> {
        match self {
            Connection::One(manager, _) => {
                let mut answers = pipeline(groups.iter().flatten(), is_known)
                    .query_async::<Vec<Value>>(&mut (**manager).clone())
                    .await?
                    .into_iter();
                Ok(groups.iter().map(|group| answers.by_ref().take(group.len()).collect()).collect())
            }
            Connection::Cluster(client, held) => {
                let connection = cluster_connection(client, held).await?;
                let trips = groups.iter().map(|group| {
                    let (pipeline, mut connection) = (pipeline(group.iter(), is_known), connection.clone());
                    async move { pipeline.query_async::<Vec<Value>>(&mut connection).await }
                });
                try_join_all(trips).await
            }
        }
    }
}

fn pipeline<'c>(calls: impl Iterator<Item = &'c Call>, is_known: bool) -> Pipeline {
    let mut pipeline = Pipeline::new();
    pipeline.ignore_errors();
    calls.for_each(|call| {
        pipeline.add_command(call.command(is_known));
    });
    pipeline
}

async fn cluster_connection(
    client: &ClusterClient,
    held: &Mutex<Option<ClusterConnection>>,
) -> Result<ClusterConnection, RedisError> {
    let mut held = held.lock().await;
    if held.is_none() {
        *held = Some(client.get_async_connection().await?);
    }
    held.clone().ok_or_else(|| RedisError::from(std::io::Error::other("no connection to the cluster")))
}
