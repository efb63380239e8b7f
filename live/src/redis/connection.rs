//! Calls to Redis, one server or a cluster: what comes of each within `ANSWER_MAX`, or thrice that in a cluster whose slots
//! are found first or have moved.

use std::time::Instant;

use redis::{Client, Value};

use super::address::Address;
use super::call::Call;
use super::cluster::Cluster;
use super::master::{Master, Patience};
use crate::LiveError;

pub enum Connection {
    One(Box<Master>),
    Cluster(Box<Cluster>),
}

/// What came of groups of calls.
pub struct Answers {
    /// Each group's; none where a call of it failed, or may have.
    pub of_groups: Vec<Option<Vec<Value>>>,
    /// Why not all: one reason of maybe several.
    pub problem: Option<anyhow::Error>,
}

impl Answers {
    pub fn none(groups: usize) -> Answers {
        Answers { of_groups: vec![None; groups], problem: None }
    }

    pub fn take(&mut self, group: usize, answers: Vec<Value>) {
        let refused = answers.iter().find_map(|answer| match answer {
            Value::ServerError(error) => Some(anyhow::anyhow!("{error:?}")),
            _ => None,
        });
        match refused {
            Some(refused) => self.problem = Some(refused),
            None => self.of_groups[group] = Some(answers),
        }
    }
}

impl Connection {
    pub fn one(client: Client) -> anyhow::Result<Connection> {
        Ok(Connection::One(Box::new(Master::open(client)?)))
    }

    pub fn cluster(address: Address) -> anyhow::Result<Connection> {
        Ok(Connection::Cluster(Box::new(Cluster::open(address)?)))
    }

    /// Runs the calls of each group in order, all in one round trip (in a cluster: one a master). The calls of
    /// a group go by keys of one slot.
    pub async fn run(&self, groups: &[Vec<Call>]) -> Result<Vec<Vec<Value>>, LiveError> {
        let answers = self.try_each(groups, Patience::Full).await;
        let all: Option<Vec<_>> = answers.of_groups.into_iter().collect();
        all.ok_or_else(|| {
            LiveError::Unavailable(answers.problem.unwrap_or_else(|| anyhow::anyhow!("no answer from Redis")))
        })
    }

    /// As `run`, but a group that fails leaves the others as they are, and who was silent before is not waited for as long.
    pub async fn run_each(&self, groups: &[Vec<Call>]) -> Answers {
        self.try_each(groups, Patience::Short).await
    }

    async fn try_each(&self, groups: &[Vec<Call>], patience: Patience) -> Answers {
        let began = Instant::now();
        let answers = self.answers(groups, patience).await;
        metrics::histogram!("watchfire_live_seconds").record(began.elapsed());
        if answers.problem.is_some() {
            metrics::counter!("watchfire_live_failures_total").increment(1);
        }
        answers
    }

    async fn answers(&self, groups: &[Vec<Call>], patience: Patience) -> Answers {
        let mut answers = Answers::none(groups.len());
        if groups.is_empty() {
            return answers;
        }
        let master = match self {
            Connection::One(master) => master,
            Connection::Cluster(cluster) => return cluster.run(groups, patience).await,
        };
        match master.ask(&groups.iter().collect::<Vec<_>>(), patience).await {
            Ok(told) => (0..).zip(told).for_each(|(group, told)| answers.take(group, told)),
            Err(error) => answers.problem = Some(error),
        }
        answers
    }
}
