//! Jobs, a document each, and how far rooms were looked at: apart from the rooms, so that posting loses no tries against it.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use futures_util::TryStreamExt;
use model::chat::Who;
use model::outbox::{Job, JobKind, JobState, NewJob};
use model::{JobId, Millis, RoomId, limits};
use mongodb::bson::{Binary, Document, doc};
use serde::{Deserialize, Serialize};

use super::{Chat, FANNED, JOBS, ROOMS, there, who};
use crate::chat::rooms::NO_ROOM;
use crate::mongodb::columns::{Column, binary};
use crate::mongodb::schema::V;
use crate::mongodb::step::Step;
use crate::mongodb::transaction::{read, write};
use crate::outbox::{
    Most, Outbox, Outcome, ROOMS_BEHIND_MAX, Taken, Taking, kept, refuse_oversized, settled, unreadable,
};
use crate::{Result, StoreError};

/// Somebody else looked at the room: undoes the transaction, and is the answer false.
const ELSEWHERE: &str = "the room was looked at by somebody else";

#[derive(Serialize, Deserialize)]
pub struct JobDocument {
    pub _id: Binary,
    pub v: i32,
    pub kind: i64,
    pub owner: i64,
    pub state: i64,
    pub due: i64,
    pub lease: i64,
    pub attempts: i64,
    pub created: i64,
    pub said: String,
    pub body: Binary,
}

impl JobDocument {
    pub fn of(job: &Job) -> JobDocument {
        JobDocument {
            _id: id(job.id),
            v: V,
            kind: job.kind.number(),
            owner: job.owner.number(),
            state: job.state.number(),
            due: job.due.0,
            lease: 0,
            attempts: i64::from(job.attempts),
            created: job.created.0,
            said: job.said.clone(),
            body: binary(&job.body),
        }
    }

    pub fn job(self) -> Result<Job> {
        Ok(Job {
            id: id_of(self._id)?,
            kind: JobKind::of_number(self.kind).ok_or_else(unreadable)?,
            owner: who(self.owner)?,
            body: self.body.bytes,
            created: Millis(self.created),
            due: Millis(self.due),
            attempts: u32::try_from(self.attempts).map_err(|_| unreadable())?,
            said: self.said,
            state: JobState::of_number(self.state).ok_or_else(unreadable)?,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub struct FannedDocument {
    pub _id: i64,
    pub v: i32,
    pub number: i64,
}

#[derive(Deserialize)]
struct End {
    _id: i64,
    last: i64,
}

#[derive(Deserialize)]
struct Due {
    _id: Binary,
    owner: i64,
}

#[derive(Deserialize)]
struct Known {
    _id: Binary,
}

#[async_trait]
impl Outbox for Chat {
    async fn behind(&self, after: Option<RoomId>) -> Result<Vec<RoomId>> {
        read!(self, |step| behind(step, after))
    }

    async fn fanned(&self, room: RoomId) -> Result<Option<u64>> {
        let found: Option<FannedDocument> =
            read!(self, |step| step.one(FANNED, doc! { "_id": room.column() }))?;
        Ok(found.map(|fanned| fanned.number as u64))
    }

    async fn fan(&self, room: RoomId, from: Option<u64>, to: u64, jobs: Vec<NewJob>) -> Result<bool> {
        refuse_oversized(&jobs)?;
        match write!(self, |step| fan(step, room, from, to, &jobs)) {
            Err(StoreError::Conflict(_)) => Ok(false),
            fanned => fanned.map(|()| true),
        }
    }

    async fn add(&self, jobs: Vec<NewJob>) -> Result<()> {
        refuse_oversized(&jobs)?;
        write!(self, |step| add(step, &jobs))
    }

    /// Each taken by itself: no transaction loses tries against that of another process.
    async fn take(&self, kind: JobKind, now: Millis, until: Millis, most: Most) -> Result<Vec<Taken>> {
        read!(self, |step| take(step, kind, now, until, most))
    }

    async fn settle(&self, job: JobId, lease: u64, at: Millis, outcome: Outcome) -> Result<bool> {
        write!(self, |step| settle(step, job, lease, at, &outcome))
    }

    async fn jobs_of(&self, kind: JobKind, owner: Who, limit: usize) -> Result<Vec<Job>> {
        read!(self, |step| jobs_of(step, kind, owner, limit))
    }

    async fn forget_jobs(&self, kind: JobKind, owner: Who) -> Result<()> {
        read!(self, |step| forget(step, kind, owner))
    }
}

pub fn id(id: JobId) -> Binary {
    binary(&id.0.to_be_bytes())
}

fn id_of(id: Binary) -> Result<JobId> {
    let bytes = id.bytes.try_into().map_err(|_| unreadable())?;
    Ok(JobId(u128::from_be_bytes(bytes)))
}

async fn behind(step: &mut Step, after: Option<RoomId>) -> Result<Vec<RoomId>> {
    let after = doc! { "$gt": after.map_or(i64::MIN, Column::column) };
    let fanned = step.collection::<FannedDocument>(FANNED).find(doc! { "_id": after.clone() }).await?;
    let fanned: Vec<FannedDocument> = fanned.try_collect().await?;
    let fanned: HashMap<i64, i64> = fanned.into_iter().map(|row| (row._id, row.number)).collect();
    let rooms = step.collection::<End>(ROOMS);
    let there = doc! { "_id": after, "demolished": false };
    let mut rooms = rooms.find(there).projection(doc! { "last": 1 }).sort(doc! { "_id": 1 }).await?;
    let mut found = Vec::new();
    while let Some(room) = rooms.try_next().await? {
        if found.len() < ROOMS_BEHIND_MAX && fanned.get(&room._id).is_none_or(|number| room.last > *number) {
            found.push(RoomId::of(room._id as u64));
        }
    }
    Ok(found)
}

async fn fan(step: &mut Step, room: RoomId, from: Option<u64>, to: u64, jobs: &[NewJob]) -> Result<()> {
    if !step.exists(ROOMS, there(room)).await? {
        return Err(NO_ROOM);
    }
    let number = to as i64;
    match from {
        None => {
            step.insert(FANNED, &FannedDocument { _id: room.column(), v: V, number }).await?;
        }
        Some(from) => {
            let here = doc! { "_id": room.column(), "number": from as i64 };
            if !step.change(FANNED, here, doc! { "$set": { "number": number } }).await? {
                return Err(StoreError::Conflict(ELSEWHERE));
            }
        }
    }
    add(step, jobs).await
}

pub async fn add(step: &mut Step, jobs: &[NewJob]) -> Result<()> {
    if jobs.is_empty() {
        return Ok(());
    }
    let ids: Vec<Binary> = jobs.iter().map(|job| id(job.id)).collect();
    let known: Vec<Known> = step.all(JOBS, doc! { "_id": { "$in": ids } }, doc! {}).await?;
    let mut known: HashSet<Vec<u8>> = known.into_iter().map(|job| job._id.bytes).collect();
    let (mut waiting, mut rows, mut over) = (HashMap::new(), Vec::new(), HashSet::new());
    for new in jobs {
        if !known.insert(id(new.id).bytes) {
            continue;
        }
        let of = (new.kind, new.owner);
        let theirs = match waiting.entry(of) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let theirs = doc! { "kind": of.0.number(), "owner": of.1.number(), "state": 0_i64 };
                unknown.insert(step.count(JOBS, theirs).await?)
            }
        };
        let job = kept(new.clone(), theirs);
        if job.state != JobState::Waiting {
            over.insert(of);
        }
        rows.push(JobDocument::of(&job));
    }
    step.insert_all(JOBS, &rows).await?;
    for (kind, owner) in over {
        forget_oldest(step, kind, owner).await?;
    }
    Ok(())
}

async fn take(step: &mut Step, kind: JobKind, now: Millis, until: Millis, most: Most) -> Result<Vec<Taken>> {
    let mut taking = Taking::of(most);
    let due = doc! {
        "kind": kind.number(), "state": 0_i64, "due": { "$lte": now.0 }, "owner": { "$nin": taking.but() },
    };
    let jobs = step.collection::<Due>(JOBS);
    let by_due = doc! { "due": 1, "owner": 1 };
    let mut found = jobs.find(due).projection(doc! { "owner": 1 }).sort(by_due).await?;
    while !taking.is_full() {
        let Some(row) = found.try_next().await? else {
            break;
        };
        taking.see(id_of(row._id)?, row.owner);
    }
    if taking.ids.is_empty() {
        return Ok(Vec::new());
    }
    // One lease for all of the call; whoever was faster has written another one.
    let lease = fastrand::u64(..);
    let ids: Vec<Binary> = taking.ids.into_iter().map(id).collect();
    let still = doc! { "_id": { "$in": ids.clone() }, "state": 0_i64, "due": { "$lte": now.0 } };
    let mine = doc! { "$set": { "due": until.0, "lease": lease as i64 }, "$inc": { "attempts": 1_i64 } };
    step.change_all(JOBS, still, mine).await?;
    let taken = doc! { "_id": { "$in": ids }, "lease": lease as i64, "state": 0_i64 };
    let jobs: Vec<JobDocument> = step.all(JOBS, taken, doc! { "created": 1, "_id": 1 }).await?;
    jobs.into_iter().map(|job| Ok(Taken { job: job.job()?, lease })).collect()
}

async fn settle(step: &mut Step, job: JobId, lease: u64, at: Millis, outcome: &Outcome) -> Result<bool> {
    let one = doc! { "_id": id(job), "lease": lease as i64, "state": 0_i64 };
    let Some(found): Option<JobDocument> = step.one(JOBS, one.clone()).await? else {
        return Ok(false);
    };
    let Some(job) = settled(found.job()?, at, outcome.clone()) else {
        return Ok(step.remove(JOBS, one).await? > 0);
    };
    let fields = doc! { "state": job.state.number(), "due": job.due.0, "said": &job.said, "lease": 0_i64 };
    step.change(JOBS, one, doc! { "$set": fields }).await?;
    if job.state != JobState::Waiting {
        forget_oldest(step, job.kind, job.owner).await?;
    }
    Ok(true)
}

fn over(kind: JobKind, owner: Who) -> Document {
    doc! { "kind": kind.number(), "owner": owner.number(), "state": { "$in": [1_i64, 2] } }
}

async fn forget_oldest(step: &mut Step, kind: JobKind, owner: Who) -> Result<()> {
    let excess = step.count(JOBS, over(kind, owner)).await?.saturating_sub(limits::JOBS_KEPT_MAX);
    if excess == 0 {
        return Ok(());
    }
    let all: Vec<Known> = step.all(JOBS, over(kind, owner), doc! { "due": 1, "_id": 1 }).await?;
    let oldest: Vec<Binary> = all.into_iter().take(excess).map(|job| job._id).collect();
    step.remove(JOBS, doc! { "_id": { "$in": oldest } }).await.map(drop)
}

async fn jobs_of(step: &mut Step, kind: JobKind, owner: Who, limit: usize) -> Result<Vec<Job>> {
    let waiting = doc! { "kind": kind.number(), "owner": owner.number(), "state": 0_i64 };
    let mut jobs = Vec::new();
    for filter in [over(kind, owner), waiting] {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = step.collection::<JobDocument>(JOBS);
        let newest = doc! { "due": -1, "_id": -1 };
        let found: Vec<JobDocument> =
            rows.find(filter).sort(newest).limit(limit).await?.try_collect().await?;
        for job in found {
            jobs.push(job.job()?);
        }
    }
    Ok(jobs)
}

pub async fn forget(step: &mut Step, kind: JobKind, owner: Who) -> Result<()> {
    step.remove(JOBS, doc! { "kind": kind.number(), "owner": owner.number() }).await.map(drop)
}

/// What was said before there were jobs goes nowhere: every room is looked at up to its end. Those that were are left as they are.
pub async fn look_past(step: &mut Step) -> Result<()> {
    let stages = vec![
        doc! { "$project": { "v": { "$literal": V }, "number": "$last" } },
        doc! { "$merge": { "into": FANNED, "on": "_id", "whenMatched": "keepExisting" } },
    ];
    step.command(doc! { "aggregate": ROOMS, "pipeline": stages, "cursor": {} }).await.map(drop)
}
