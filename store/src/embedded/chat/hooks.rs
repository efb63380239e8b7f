//! Hooks, and the commits that rooms have shown, one row each.

use async_trait::async_trait;
use model::chat::{Arrival, Hook};
use model::{HookId, Millis, RoomId, limits};
use rusqlite::{Connection, OptionalExtension, params};

use super::{Chat, json, room, unsigned, value};
use crate::Result;
use crate::accounts::SecretHash;
use crate::chat::hooks::{NO_HOOK, TOO_MANY_HOOKS, arrival_mark, refuse_oversized_hook, refuse_too_many};
use crate::chat::{CommitMark, HookChange, Hooks, Shown};
use crate::embedded::columns::Column;

#[async_trait]
impl Hooks for Chat {
    async fn add_hook(&self, hook: Hook, address: SecretHash) -> Result<()> {
        refuse_oversized_hook(&hook)?;
        self.0.write(move |db| add(db, &hook, address)).await
    }

    async fn hooks(&self, room: RoomId) -> Result<Vec<Hook>> {
        self.0.read(move |db| hooks(db, room)).await
    }

    async fn hook(&self, address: SecretHash) -> Result<Hook> {
        self.0.read(move |db| hook(db, address)).await
    }

    async fn remove_hook(&self, room: RoomId, id: HookId) -> Result<()> {
        self.0.write(move |db| remove(db, room, id)).await
    }

    async fn change_hook(&self, room: RoomId, id: HookId, change: HookChange) -> Result<Hook> {
        self.0.write(move |db| change_hook(db, room, id, change)).await
    }

    async fn arrive(&self, room: RoomId, arrivals: Vec<Arrival>) -> Result<()> {
        refuse_too_many(&arrivals)?;
        self.0.write(move |db| arrive(db, room, &arrivals)).await
    }

    async fn arrivals(&self, room: RoomId, repository: String) -> Result<Vec<Arrival>> {
        self.0.read(move |db| arrivals(db, room, &repository)).await
    }

    async fn arrived(&self, room: RoomId, since: Millis, limit: usize) -> Result<Vec<Arrival>> {
        self.0.read(move |db| arrived(db, room, since, limit)).await
    }

    async fn forget_arrivals(&self, room: RoomId, repository: String) -> Result<usize> {
        self.0.write(move |db| forget_arrivals(db, room, &repository)).await
    }

    async fn repositories(&self, rooms: Vec<RoomId>) -> Result<Vec<(RoomId, String)>> {
        self.0.read(move |db| repositories(db, rooms)).await
    }

    async fn shown(&self, room: RoomId, commits: Vec<CommitMark>) -> Result<Vec<Shown>> {
        refuse_too_many(&commits)?;
        self.0.read(move |db| shown(db, room, &commits)).await
    }

    async fn show(&self, room: RoomId, number: u64, commits: Vec<CommitMark>) -> Result<()> {
        refuse_too_many(&commits)?;
        self.0.write(move |db| show(db, room, number, &commits)).await
    }
}

fn add(db: &Connection, hook: &Hook, address: SecretHash) -> Result<()> {
    room(db, hook.room)?;
    let count: usize = db
        .prepare_cached("SELECT COUNT(*) FROM hooks WHERE room = ?1")?
        .query_row([hook.room.column()], |row| row.get(0))?;
    if count >= limits::HOOKS_A_ROOM_MAX {
        return Err(TOO_MANY_HOOKS);
    }
    db.prepare_cached("INSERT INTO hooks (id, room, address, value) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![hook.id.column(), hook.room.column(), address.0, json(hook)])?;
    Ok(())
}

fn hooks(db: &Connection, room: RoomId) -> Result<Vec<Hook>> {
    let mut select = db.prepare_cached("SELECT value FROM hooks WHERE room = ?1 ORDER BY id")?;
    let found = select.query_map([room.column()], value)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn hook(db: &Connection, address: SecretHash) -> Result<Hook> {
    let mut select = db.prepare_cached(
        "SELECT h.value FROM hooks h JOIN rooms r ON r.id = h.room WHERE h.address = ?1 AND r.demolished = 0",
    )?;
    select.query_row([address.0], value).optional()?.ok_or(NO_HOOK)
}

fn remove(db: &Connection, room: RoomId, id: HookId) -> Result<()> {
    match db.execute("DELETE FROM hooks WHERE id = ?1 AND room = ?2", [id.column(), room.column()])? {
        0 => Err(NO_HOOK),
        _ => Ok(()),
    }
}

fn change_hook(db: &Connection, room: RoomId, id: HookId, change: HookChange) -> Result<Hook> {
    let mut select = db.prepare_cached("SELECT value FROM hooks WHERE id = ?1 AND room = ?2")?;
    let hook = select.query_row([id.column(), room.column()], value).optional()?.ok_or(NO_HOOK)?;
    let (hook, address) = change.apply(hook)?;
    db.prepare_cached("UPDATE hooks SET value = ?2, address = COALESCE(?3, address) WHERE id = ?1")?
        .execute(params![id.column(), json(&hook), address.map(|address| address.0)])?;
    Ok(hook)
}

fn arrive(db: &Connection, id: RoomId, arrivals: &[Arrival]) -> Result<()> {
    room(db, id)?;
    let id = id.column();
    let mut last: i64 = db
        .prepare_cached("SELECT COALESCE(MAX(place), 0) FROM arrivals WHERE room = ?1")?
        .query_row([id], |row| row.get(0))?;
    let mut select = db.prepare_cached("SELECT value FROM arrivals WHERE room = ?1 AND mark = ?2")?;
    for arrival in arrivals {
        let mark = arrival_mark(arrival);
        match select.query_row(params![id, mark], value::<Arrival>).optional()? {
            Some(known) => {
                db.prepare_cached("UPDATE arrivals SET value = ?3 WHERE room = ?1 AND mark = ?2")?
                    .execute(params![id, mark, json(&known.told_again(arrival))])?;
            }
            None => {
                last += 1;
                insert_arrival(db, id, &mark, last, arrival)?;
            }
        }
    }
    db.prepare_cached(
        "DELETE FROM arrivals WHERE room = ?1 AND place <=
         (SELECT place FROM arrivals WHERE room = ?1 ORDER BY place DESC LIMIT 1 OFFSET ?2)",
    )?
    .execute(params![id, limits::ARRIVALS_A_ROOM_MAX])?;
    Ok(())
}

/// One whose mark is there changes nothing.
pub fn insert_arrival(
    db: &Connection,
    room: i64,
    mark: &[u8; 32],
    place: i64,
    arrival: &Arrival,
) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO arrivals (room, mark, place, repository, value) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO NOTHING",
    )?
    .execute(params![room, mark, place, arrival.repository, json(arrival)])?;
    Ok(())
}

fn arrivals(db: &Connection, room: RoomId, repository: &str) -> Result<Vec<Arrival>> {
    let mut select =
        db.prepare_cached("SELECT value FROM arrivals WHERE room = ?1 AND repository = ?2 ORDER BY place")?;
    let found = select.query_map(params![room.column(), repository], value)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// They came in the order of their moments, but for clocks of several processes: none is looked for behind an older one.
fn arrived(db: &Connection, room: RoomId, since: Millis, limit: usize) -> Result<Vec<Arrival>> {
    let mut select =
        db.prepare_cached("SELECT value FROM arrivals WHERE room = ?1 ORDER BY place DESC LIMIT ?2")?;
    let mut found = Vec::new();
    for arrival in select.query_map(params![room.column(), limit], value::<Arrival>)? {
        let arrival = arrival?;
        if arrival.at < since {
            break;
        }
        found.push(arrival);
    }
    Ok(found)
}

fn forget_arrivals(db: &Connection, room: RoomId, repository: &str) -> Result<usize> {
    let mut delete = db.prepare_cached("DELETE FROM arrivals WHERE room = ?1 AND repository = ?2")?;
    Ok(delete.execute(params![room.column(), repository])?)
}

fn repositories(db: &Connection, mut rooms: Vec<RoomId>) -> Result<Vec<(RoomId, String)>> {
    rooms.sort();
    rooms.dedup();
    let mut select = db.prepare_cached(
        "SELECT DISTINCT repository FROM arrivals WHERE room = ?1 ORDER BY repository LIMIT ?2",
    )?;
    let mut found = Vec::new();
    for room in rooms {
        let left = limits::REPOSITORIES_LISTED_MAX - found.len();
        for name in select.query_map(params![room.column(), left], |row| row.get(0))? {
            found.push((room, name?));
        }
    }
    Ok(found)
}

fn shown(db: &Connection, room: RoomId, commits: &[CommitMark]) -> Result<Vec<Shown>> {
    let mut select = db.prepare_cached("SELECT number FROM shown_commits WHERE room = ?1 AND mark = ?2")?;
    let mut found = Vec::new();
    for &commit in commits {
        let number = select.query_row(params![room.column(), commit.0], |row| unsigned(row, 0)).optional()?;
        found.extend(number.map(|number| Shown { commit, number }));
    }
    Ok(found)
}

fn show(db: &Connection, id: RoomId, number: u64, commits: &[CommitMark]) -> Result<()> {
    room(db, id)?;
    for &commit in commits {
        insert_shown(db, id, Shown { commit, number })?;
    }
    db.prepare_cached(
        "DELETE FROM shown_commits WHERE room = ?1 AND mark IN
         (SELECT mark FROM shown_commits WHERE room = ?1 ORDER BY number DESC, mark DESC LIMIT -1 OFFSET ?2)",
    )?
    .execute(params![id.column(), limits::SHOWN_A_ROOM_MAX])?;
    Ok(())
}

fn insert_shown(db: &Connection, room: RoomId, shown: Shown) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO shown_commits (room, mark, number) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?
    .execute(params![room.column(), shown.commit.0, shown.number as i64])?;
    Ok(())
}
