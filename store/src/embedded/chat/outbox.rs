//! Jobs, one row each, and how far rooms were looked at.

use std::collections::HashMap;

use async_trait::async_trait;
use model::chat::Who;
use model::outbox::{Job, JobKind, JobState, NewJob};
use model::{JobId, Millis, RoomId, limits};
use rusqlite::types::FromSqlError;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Chat, room, unsigned, who};
use crate::Result;
use crate::embedded::columns::Column;
use crate::outbox::{
    Most, Outbox, Outcome, ROOMS_BEHIND_MAX, Taken, Taking, kept, refuse_oversized, settled,
};

pub const JOB: &str = "id, kind, owner, state, due, attempts, created, said, body";

#[async_trait]
impl Outbox for Chat {
    async fn behind(&self, after: Option<RoomId>) -> Result<Vec<RoomId>> {
        self.0.read(move |db| behind(db, after)).await
    }

    async fn fanned(&self, room: RoomId) -> Result<Option<u64>> {
        self.0.read(move |db| fanned(db, room)).await
    }

    async fn fan(&self, room: RoomId, from: Option<u64>, to: u64, jobs: Vec<NewJob>) -> Result<bool> {
        refuse_oversized(&jobs)?;
        self.0.write(move |db| fan(db, room, from, to, jobs)).await
    }

    async fn add(&self, jobs: Vec<NewJob>) -> Result<()> {
        refuse_oversized(&jobs)?;
        self.0.write(move |db| add(db, jobs)).await
    }

    /// They are looked for away from the writer: posting does not wait for it.
    async fn take(&self, kind: JobKind, now: Millis, until: Millis, most: Most) -> Result<Vec<Taken>> {
        let due = self.0.read(move |db| due(db, kind, now, Taking::of(most))).await?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        self.0.write(move |db| take(db, &due, now, until)).await
    }

    async fn settle(&self, job: JobId, lease: u64, at: Millis, outcome: Outcome) -> Result<bool> {
        self.0.write(move |db| settle(db, job, lease, at, outcome)).await
    }

    async fn jobs_of(&self, kind: JobKind, owner: Who, limit: usize) -> Result<Vec<Job>> {
        self.0.read(move |db| jobs_of(db, kind, owner, limit)).await
    }

    async fn forget_jobs(&self, kind: JobKind, owner: Who) -> Result<()> {
        self.0.write(move |db| forget(db, kind, owner)).await
    }
}

pub fn id(id: JobId) -> [u8; 16] {
    id.0.to_be_bytes()
}

/// The columns of `JOB`.
pub fn read(row: &Row<'_>) -> rusqlite::Result<Job> {
    let (kind, state) = (row.get(1)?, row.get(3)?);
    Ok(Job {
        id: JobId(u128::from_be_bytes(row.get(0)?)),
        kind: JobKind::of_number(kind).ok_or(FromSqlError::OutOfRange(kind))?,
        owner: who(row, 2)?,
        state: JobState::of_number(state).ok_or(FromSqlError::OutOfRange(state))?,
        due: Millis(row.get(4)?),
        attempts: row.get(5)?,
        created: Millis(row.get(6)?),
        said: row.get(7)?,
        body: row.get(8)?,
    })
}

fn behind(db: &Connection, after: Option<RoomId>) -> Result<Vec<RoomId>> {
    let mut select = db.prepare_cached(
        "SELECT r.id FROM rooms r LEFT JOIN fanned f ON f.room = r.id
         WHERE r.id > ?1 AND r.demolished = 0 AND r.last > coalesce(f.number, -1) ORDER BY r.id LIMIT ?2",
    )?;
    let after = after.map_or(i64::MIN, Column::column);
    let found = select.query_map(params![after, ROOMS_BEHIND_MAX], |row| RoomId::read(row, 0))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn fanned(db: &Connection, room: RoomId) -> Result<Option<u64>> {
    let mut select = db.prepare_cached("SELECT number FROM fanned WHERE room = ?1")?;
    Ok(select.query_row([room.column()], |row| unsigned(row, 0)).optional()?)
}

fn fan(db: &Connection, id: RoomId, from: Option<u64>, to: u64, jobs: Vec<NewJob>) -> Result<bool> {
    room(db, id)?;
    if fanned(db, id)? != from {
        return Ok(false);
    }
    put_fanned(db, id.column(), to as i64)?;
    add(db, jobs)?;
    Ok(true)
}

pub fn put_fanned(db: &Connection, room: i64, number: i64) -> Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO fanned (room, number) VALUES (?1, ?2)")?
        .execute([room, number])?;
    Ok(())
}

pub fn add(db: &Connection, jobs: Vec<NewJob>) -> Result<()> {
    let mut waiting: HashMap<(i64, i64), usize> = HashMap::new();
    for new in jobs {
        if job(db, new.id)?.is_some() {
            continue;
        }
        let of = (new.kind.number(), new.owner.number());
        let waiting = match waiting.entry(of) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(open) => open.insert(count_waiting(db, of)?),
        };
        let job = kept(new, waiting);
        insert(db, &job)?;
        forget_oldest(db, &job)?;
    }
    Ok(())
}

fn count_waiting(db: &Connection, (kind, owner): (i64, i64)) -> Result<usize> {
    let mut select =
        db.prepare_cached("SELECT COUNT(*) FROM jobs WHERE kind = ?1 AND owner = ?2 AND state = 0")?;
    Ok(select.query_row([kind, owner], |row| row.get(0))?)
}

/// One whose id is there is left as it is.
pub fn insert(db: &Connection, job: &Job) -> Result<()> {
    db.prepare_cached(&format!(
        "INSERT INTO jobs ({JOB}, lease) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0) ON CONFLICT DO NOTHING"
    ))?
    .execute(params![
        id(job.id),
        job.kind.number(),
        job.owner.number(),
        job.state.number(),
        job.due.0,
        job.attempts,
        job.created.0,
        job.said,
        job.body
    ])?;
    Ok(())
}

fn job(db: &Connection, job: JobId) -> Result<Option<Job>> {
    let mut select = db.prepare_cached(&format!("SELECT {JOB} FROM jobs WHERE id = ?1"))?;
    Ok(select.query_row([id(job)], read).optional()?)
}

fn due(db: &Connection, kind: JobKind, now: Millis, mut taking: Taking) -> Result<Vec<JobId>> {
    let but = serde_json::to_string(&taking.but()).expect("a list of numbers encodes");
    let mut select = db.prepare_cached(
        "SELECT id, owner FROM jobs WHERE kind = ?1 AND state = 0 AND due <= ?2
         AND owner NOT IN (SELECT value FROM json_each(?3)) ORDER BY due, owner",
    )?;
    let mut found = select.query(params![kind.number(), now.0, but])?;
    while !taking.is_full() {
        let Some(row) = found.next()? else {
            break;
        };
        taking.see(JobId(u128::from_be_bytes(row.get(0)?)), row.get(1)?);
    }
    Ok(taking.ids)
}

fn take(db: &Connection, due: &[JobId], now: Millis, until: Millis) -> Result<Vec<Taken>> {
    let mut update = db.prepare_cached(&format!(
        "UPDATE jobs SET due = ?3, lease = ?4, attempts = attempts + 1 WHERE id = ?1 AND state = 0 AND due <= ?2
         RETURNING {JOB}"
    ))?;
    let mut taken = Vec::new();
    for job in due {
        let lease = fastrand::u64(..);
        let job = update.query_row(params![id(*job), now.0, until.0, lease as i64], read).optional()?;
        taken.extend(job.map(|job| Taken { job, lease }));
    }
    Ok(taken)
}

fn settle(db: &Connection, of: JobId, lease: u64, at: Millis, outcome: Outcome) -> Result<bool> {
    let mut select =
        db.prepare_cached(&format!("SELECT {JOB} FROM jobs WHERE id = ?1 AND lease = ?2 AND state = 0"))?;
    let Some(job) = select.query_row(params![id(of), lease as i64], read).optional()? else {
        return Ok(false);
    };
    match settled(job, at, outcome) {
        None => {
            db.prepare_cached("DELETE FROM jobs WHERE id = ?1")?.execute([id(of)])?;
        }
        Some(job) => {
            db.prepare_cached("UPDATE jobs SET state = ?2, due = ?3, said = ?4, lease = 0 WHERE id = ?1")?
                .execute(params![id(of), job.state.number(), job.due.0, job.said])?;
            forget_oldest(db, &job)?;
        }
    }
    Ok(true)
}

/// Of those of its kind and owner that are over, where it is one.
fn forget_oldest(db: &Connection, job: &Job) -> Result<()> {
    if job.state != JobState::Waiting {
        db.prepare_cached(
            "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE kind = ?1 AND owner = ?2 AND state IN (1, 2)
             ORDER BY due DESC, id DESC LIMIT -1 OFFSET ?3)",
        )?
        .execute(params![job.kind.number(), job.owner.number(), limits::JOBS_KEPT_MAX])?;
    }
    Ok(())
}

fn jobs_of(db: &Connection, kind: JobKind, owner: Who, limit: usize) -> Result<Vec<Job>> {
    let mut jobs = Vec::new();
    for states in ["1, 2", "0"] {
        let mut select = db.prepare_cached(&format!(
            "SELECT {JOB} FROM jobs WHERE kind = ?1 AND owner = ?2 AND state IN ({states})
             ORDER BY due DESC, id DESC LIMIT ?3"
        ))?;
        let found = select.query_map(params![kind.number(), owner.number(), limit], read)?;
        jobs.extend(found.collect::<rusqlite::Result<Vec<Job>>>()?);
    }
    Ok(jobs)
}

pub fn forget(db: &Connection, kind: JobKind, owner: Who) -> Result<()> {
    db.prepare_cached("DELETE FROM jobs WHERE kind = ?1 AND owner = ?2")?
        .execute([kind.number(), owner.number()])?;
    Ok(())
}
