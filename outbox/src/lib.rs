//! What goes out: rules make jobs of what is said in rooms, and senders do them, now or later, whatever dies meanwhile.
//! Never decides a right (`chat` does, as whom it sends for), never keeps a job itself (`store::Outbox` does), never listens.
//!
//! | module | what |
//! |---|---|
//! | `looking` | rooms are looked at, each message once, and jobs are made of them |
//! | `sending` | jobs are taken, done, put off, given up |
//! | `address`, `dial` | which addresses are reached at all, and how |
//! | `webhook` | bots hear of their rooms |
//! | `missed` | who is told of what was said while they are away |
//! | `push` | in their browsers |
//! | `digest` | by mail, one letter an hour or a day |
//! | `answers` | customers, of what agents answered while they were away; all of a conversation, where somebody asks for it |
//! | `alerts` | programs, rooms and people, of alerts that are so, and are over |
//! | `lessons` | the filter of spam, of what agents answered |

pub mod address;
pub mod alerts;
pub mod answers;
pub mod dial;
pub mod digest;
pub mod lessons;
mod looking;
mod missed;
pub mod push;
mod sending;
pub mod webhook;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat::Chat;
use model::chat::{Message, Room};
use model::outbox::{Job, JobKind, NewJob};
use model::{Clock, JobId};
use store::Store;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// What one attempt may take in all, as a rule.
pub const ATTEMPT_MAX: Duration = Duration::from_secs(12);
/// How much longer a job is nobody else's: whoever takes it has done or put it off by then, or is no more.
pub const SPARE: Duration = Duration::from_secs(8);
/// Jobs of one kind under way in one process, as a rule.
const AT_ONCE_MAX: usize = 32;
/// How often what others left behind is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Makes jobs of what is said.
#[async_trait]
pub trait Rule: Send + Sync {
    /// What makes jobs of this room's messages, as things are now. None: nothing does; where no rule makes any, its messages are not read.
    async fn of(&self, room: &Room) -> anyhow::Result<Option<Making>>;
}

/// The jobs of these messages, in the room's order. It may be asked for the same ones again: what it makes of a message is the same then, by its ids.
pub type Making = Box<dyn Fn(&[Message]) -> Vec<NewJob> + Send + Sync>;

/// Does jobs of one kind.
#[async_trait]
pub trait Sender: Send + Sync {
    fn kind(&self) -> JobKind;

    /// How long is waited after each attempt that came to nothing; after the last one it is given up.
    fn waits(&self) -> &'static [Duration];

    /// What one attempt may take.
    fn attempt_max(&self) -> Duration {
        ATTEMPT_MAX
    }

    /// Jobs under way in one process.
    fn at_once_max(&self) -> usize {
        AT_ONCE_MAX
    }

    /// How often it is looked for jobs that came due.
    fn looks_every(&self) -> Duration {
        LOOK_EVERY
    }

    /// One attempt. It may be asked again for a job that it did: whoever asked died before it could be kept.
    async fn send(&self, job: &Job) -> Sent;
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Sent {
    /// It arrived, or has become pointless: nothing is kept of it.
    Gone,
    /// It arrived: kept to be seen.
    Done(String),
    /// Later again.
    Again(String),
    /// Never again.
    GivenUp(String),
}

/// What the worker stands on.
#[derive(Clone)]
pub struct Deps {
    pub store: Store,
    pub chat: Chat,
    pub clock: Arc<dyn Clock>,
}

/// Starts the worker of this process. It ends when told to, with what is under way done or left to others.
pub fn start(
    deps: Deps,
    rules: Vec<Arc<dyn Rule>>,
    senders: Vec<Arc<dyn Sender>>,
    shutdown: CancellationToken,
) -> JoinHandle<anyhow::Result<()>> {
    describe_metrics();
    let made = Arc::new(tokio::sync::Notify::new());
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(looking::look(deps.clone(), rules, Arc::clone(&made), shutdown.clone()));
    for sender in senders {
        tasks.spawn(sending::send(deps.clone(), sender, Arc::clone(&made), shutdown.clone()));
    }
    tokio::spawn(async move {
        while let Some(ended) = tasks.join_next().await {
            ended?;
        }
        Ok(())
    })
}

fn describe_metrics() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
    describe_counter!("watchfire_jobs_total", "Attempts of the outbox, by kind of job and outcome");
    describe_gauge!("watchfire_jobs_under_way", "Attempts under way, by kind");
    describe_histogram!("watchfire_job_seconds", Unit::Seconds, "How long an attempt took, by kind");
}

/// The id of a job, of what it is about: the same each time.
pub fn job_id(about: &[&str]) -> JobId {
    let mut hasher = blake3::Hasher::new();
    for part in about {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    JobId(first_half(&hasher))
}

pub(crate) fn first_half(hasher: &blake3::Hasher) -> u128 {
    let hash: [u8; 32] = *hasher.finalize().as_bytes();
    let (half, _) = hash.split_at(16);
    u128::from_be_bytes(half.try_into().expect("16 of 32 bytes"))
}
