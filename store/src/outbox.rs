//! What goes out, and how far rooms were looked at for it.

use async_trait::async_trait;
use model::chat::Who;
use model::outbox::{Job, JobKind, JobState, NewJob};
use model::{JobId, Millis, RoomId, limits};

use crate::chat::rooms::bounded;
use crate::{Result, StoreError};

/// Jobs, each done by one process at a time, and how far each room's messages were made jobs of.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Rooms with messages behind those that were looked at, and rooms that nobody looked at ever, by id from behind one;
    /// `ROOMS_BEHIND_MAX` at most.
    async fn behind(&self, after: Option<RoomId>) -> Result<Vec<RoomId>>;

    /// The number of the last message of the room that was looked at. None: nobody looked at the room ever.
    async fn fanned(&self, room: RoomId) -> Result<Option<u64>>;

    /// Adds the jobs, and keeps that the room was looked at from behind `from` up to `to`: both or neither. False, and nothing
    /// changed, where `from` is not how far it was looked at: somebody else did. NotFound for an unknown room; the rest as `add`.
    async fn fan(&self, room: RoomId, from: Option<u64>, to: u64, jobs: Vec<NewJob>) -> Result<bool>;

    /// Adds jobs, all or none. One whose id is kept already is left out. One past `JOBS_WAITING_MAX` of its kind and owner is
    /// given up at once and says so; those of several calls at the same moment may pass it by as many. Limit past `JOBS_A_CALL_MAX` or `JOB_BODY_BYTES_MAX`.
    async fn add(&self, jobs: Vec<NewJob>) -> Result<()>;

    /// Takes jobs of a kind that are due at `now`, the longest due first: they are due again at `until`, unless they are settled before.
    async fn take(&self, kind: JobKind, now: Millis, until: Millis, most: Most) -> Result<Vec<Taken>>;

    /// Says what came of a job that was taken. False, and nothing changed, where it was taken anew since, or is gone.
    async fn settle(&self, job: JobId, lease: u64, at: Millis, outcome: Outcome) -> Result<bool>;

    /// Those that are over and kept, and then those that wait, newest first in each; at most `limit` of each.
    async fn jobs_of(&self, kind: JobKind, owner: Who, limit: usize) -> Result<Vec<Job>>;

    /// Forgets all of a kind and owner.
    async fn forget_jobs(&self, kind: JobKind, owner: Who) -> Result<()>;
}

/// How many jobs one call takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Most {
    /// At most `JOBS_TAKEN_MAX`.
    pub jobs: usize,
    /// Of one owner.
    pub an_owner: usize,
    /// Of these none: enough of theirs are under way.
    pub but: Vec<Who>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    pub job: Job,
    /// Whose it is, until it is due again.
    pub lease: u64,
}

/// What came of an attempt. What is said is cut at `JOB_SAID_BYTES_MAX`.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It arrived, or has become pointless: it goes without a trace.
    Gone,
    /// It arrived. Kept for its owner to see; of those that are over the last `JOBS_KEPT_MAX` of a kind and owner are kept.
    Done(String),
    /// To be taken again, not before.
    Later { due: Millis, said: String },
    /// Never again. Kept as one that is done.
    GivenUp(String),
}

/// Rooms of one call.
pub const ROOMS_BEHIND_MAX: usize = 1_000;

pub(crate) const TOO_MANY_WAITING: &str = "too many were waiting already";

pub(crate) fn refuse_oversized(jobs: &[NewJob]) -> Result<()> {
    bounded(jobs.len(), "jobs of one call", limits::JOBS_A_CALL_MAX)?;
    let longest = jobs.iter().map(|job| job.body.len()).max().unwrap_or(0);
    bounded(longest, "bytes of a job", limits::JOB_BODY_BYTES_MAX)
}

/// The new ones as they are kept, where `waiting` says how many of an owner wait already and is told of each that waits from then on.
pub(crate) fn kept(new: NewJob, waiting: &mut usize) -> Job {
    let mut job = new.job();
    if *waiting < limits::JOBS_WAITING_MAX {
        *waiting += 1;
    } else {
        (job.state, job.due, job.said) = (JobState::GivenUp, job.created, TOO_MANY_WAITING.to_owned());
    }
    job
}

/// The job after that; None: it goes.
pub(crate) fn settled(mut job: Job, at: Millis, outcome: Outcome) -> Option<Job> {
    let (state, due, said) = match outcome {
        Outcome::Gone => return None,
        Outcome::Done(said) => (JobState::Done, at, said),
        Outcome::Later { due, said } => (JobState::Waiting, due, said),
        Outcome::GivenUp(said) => (JobState::GivenUp, at, said),
    };
    job.said = cut(said);
    (job.state, job.due) = (state, due);
    Some(job)
}

fn cut(mut said: String) -> String {
    said.truncate(said.floor_char_boundary(limits::JOB_SAID_BYTES_MAX));
    said
}

/// Of jobs that are due, longest first, those that may be taken.
pub(crate) struct Taking {
    most: Most,
    of_owners: std::collections::HashMap<i64, usize>,
    pub ids: Vec<JobId>,
}

impl Taking {
    pub fn of(mut most: Most) -> Taking {
        most.jobs = most.jobs.min(limits::JOBS_TAKEN_MAX);
        Taking { most, of_owners: std::collections::HashMap::new(), ids: Vec::new() }
    }

    pub fn is_full(&self) -> bool {
        self.ids.len() >= self.most.jobs
    }

    pub fn but(&self) -> Vec<i64> {
        self.most.but.iter().map(|who| who.number()).collect()
    }

    pub fn see(&mut self, id: JobId, owner: i64) {
        let taken = self.of_owners.entry(owner).or_default();
        if *taken < self.most.an_owner {
            *taken += 1;
            self.ids.push(id);
        }
    }
}

pub(crate) fn unreadable() -> StoreError {
    StoreError::Unavailable(anyhow::anyhow!("a job is of no known kind, owner or state"))
}
