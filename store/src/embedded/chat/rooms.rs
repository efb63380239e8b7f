//! Rooms, one row each.

use async_trait::async_trait;
use model::chat::{Ban, Bot, Guest, GuestLink, Member, NewMessage, Notify, Room, RoomRole, Who};
use model::{AccountId, BotId, GuestId, Millis, RoomId, SiteId, limits};
use rusqlite::{Connection, OptionalExtension, params};

use super::messages::{self, forget_words};
use super::{
    Chat, MEMBER, ROOM, conversations, files, json, people, put_ends, read_room, room, rules, unsigned,
};
use crate::Result;
use crate::StoreError;
use crate::accounts::SecretHash;
use crate::chat::rooms::{TOO_MANY_MADE, TOO_MANY_ROOMS, direct_key, refuse_oversized};
use crate::chat::{Entry, RoomChange, Rooms};
use crate::embedded::columns::Column;

/// Messages, or rooms, that are removed in one transaction.
const REMOVE_MAX: usize = 1_000;

#[async_trait]
impl Rooms for Chat {
    async fn open(&self, room: Room, members: Vec<Member>) -> Result<Room> {
        refuse_oversized(&room)?;
        self.0.write(move |db| open(db, room, &members)).await
    }

    async fn room(&self, id: RoomId) -> Result<Room> {
        self.0.look_up(move |db| room(db, id)).await
    }

    async fn rooms_of(&self, who: Who) -> Result<Vec<(Room, Member)>> {
        self.0.read(move |db| people::rooms_of(db, who)).await
    }

    async fn rooms(&self, site: Option<SiteId>) -> Result<Vec<Room>> {
        self.0.read(move |db| rooms(db, site)).await
    }

    async fn change_all(&self, id: RoomId, changes: Vec<(RoomChange, Option<NewMessage>)>) -> Result<Room> {
        self.0.write(move |db| change_room(db, id, changes)).await
    }

    async fn demolish(&self, id: RoomId) -> Result<()> {
        for id in self.0.write(move |db| begin_demolishing(db, id)).await? {
            while self.0.write(move |db| demolish_some(db, id)).await? {}
        }
        Ok(())
    }

    async fn forget_rooms(&self, site: SiteId) -> Result<()> {
        while self.0.write(move |db| forget_some(db, site)).await? {}
        Ok(())
    }

    async fn enter(&self, member: Member, marks: Vec<[u8; 32]>, note: Option<NewMessage>) -> Result<Entry> {
        self.0.write(move |db| people::enter(db, &member, &marks, note)).await
    }

    async fn leave(&self, room: RoomId, who: Who, note: Option<NewMessage>) -> Result<()> {
        self.0.write(move |db| people::leave(db, room, who, note)).await
    }

    async fn set_role(&self, room: RoomId, who: Who, role: RoomRole) -> Result<()> {
        self.0.write(move |db| people::set_role(db, room, who, role)).await
    }

    async fn member(&self, room: RoomId, who: Who) -> Result<Option<Member>> {
        self.0.look_up(move |db| people::member(db, room, who)).await
    }

    async fn members(&self, room: RoomId) -> Result<Vec<Member>> {
        self.0.read(move |db| people::members(db, room)).await
    }

    async fn read_to(&self, room: RoomId, who: Who, number: u64) -> Result<u64> {
        self.0.write(move |db| people::read_to(db, room, who, number)).await
    }

    async fn set_notify(&self, room: RoomId, who: Who, notify: Notify) -> Result<()> {
        self.0.write(move |db| people::set_notify(db, room, who, notify)).await
    }

    async fn link(&self, link: GuestLink, secret: SecretHash) -> Result<()> {
        self.0.write(move |db| people::link(db, &link, secret)).await
    }

    async fn linked(&self, secret: SecretHash) -> Result<GuestLink> {
        self.0.read(move |db| people::linked(db, secret)).await
    }

    async fn link_of(&self, room: RoomId) -> Result<Option<GuestLink>> {
        self.0.read(move |db| people::link_of(db, room)).await
    }

    async fn unlink(&self, room: RoomId) -> Result<()> {
        self.0.write(move |db| people::unlink(db, room)).await
    }

    async fn admit(&self, guest: Guest, secret: SecretHash, note: Option<NewMessage>) -> Result<Entry> {
        self.0.write(move |db| people::admit(db, &guest, secret, note)).await
    }

    async fn admitted(&self, secret: SecretHash) -> Result<Guest> {
        self.0.look_up(move |db| people::admitted(db, secret)).await
    }

    async fn guests(&self, ids: Vec<GuestId>) -> Result<Vec<Guest>> {
        self.0.look_up(move |db| people::guests(db, &ids)).await
    }

    async fn ban(&self, bans: Vec<Ban>, now: Millis, note: Option<NewMessage>) -> Result<()> {
        self.0.write(move |db| people::ban(db, &bans, now, note)).await
    }

    async fn bans(&self, room: RoomId, now: Millis) -> Result<Vec<Ban>> {
        self.0.read(move |db| people::bans(db, room, now)).await
    }

    async fn is_barred(&self, room: RoomId, marks: Vec<[u8; 32]>, at: Millis) -> Result<bool> {
        self.0.read(move |db| people::is_barred(db, room, &marks, at)).await
    }

    async fn unban(&self, room: RoomId, who: Who) -> Result<()> {
        self.0.write(move |db| people::unban(db, room, who)).await
    }

    async fn add_bot(&self, bot: Bot, secret: SecretHash) -> Result<()> {
        self.0.write(move |db| people::add_bot(db, &bot, secret)).await
    }

    async fn bot(&self, secret: SecretHash) -> Result<Bot> {
        self.0.look_up(move |db| people::bot(db, secret)).await
    }

    async fn bots(&self) -> Result<Vec<Bot>> {
        self.0.read(people::bots).await
    }

    async fn remove_bot(&self, id: BotId) -> Result<()> {
        self.0.write(move |db| people::remove_bot(db, id)).await
    }
}

fn open(db: &Connection, room: Room, members: &[Member]) -> Result<Room> {
    let direct = direct_key(&room, members);
    if let Some(direct) = &direct {
        let sql = format!("SELECT {ROOM} FROM rooms WHERE direct = ?1 AND demolished = 0");
        if let Some(found) = db.prepare_cached(&sql)?.query_row([direct], read_room).optional()? {
            return Ok(found);
        }
    }
    let count: usize =
        db.prepare_cached("SELECT COUNT(*) FROM rooms WHERE inbox = 0")?.query_row([], |row| row.get(0))?;
    if count >= limits::ROOMS_MAX {
        return Err(TOO_MANY_ROOMS);
    }
    refuse_too_many_made(db, room.by)?;
    if insert(db, &room, direct.as_deref())? == 0 {
        return Err(StoreError::Conflict("a room with that id is there already"));
    }
    for member in members {
        people::refuse_too_many_rooms(db, member.who)?;
        people::insert(db, member)?;
    }
    Ok(room)
}

fn refuse_too_many_made(db: &Connection, by: Option<AccountId>) -> Result<()> {
    let Some(by) = by else { return Ok(()) };
    let sql =
        "SELECT COUNT(*) FROM rooms WHERE inbox = 0 AND demolished = 0 AND json_extract(value, '$.by') = ?1";
    let made: usize = db.prepare_cached(sql)?.query_row([by.to_string()], |row| row.get(0))?;
    if made >= limits::ROOMS_MADE_MAX { Err(TOO_MANY_MADE) } else { Ok(()) }
}

/// How many that made: none where the id is taken.
pub fn insert(db: &Connection, room: &Room, direct: Option<&str>) -> Result<usize> {
    let inserted = db
        .prepare_cached(
            "INSERT INTO rooms (id, site, direct, last, changes, last_at, value, inbox) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            room.id.column(),
            room.site.map(Column::column),
            direct,
            room.last as i64,
            room.changes as i64,
            room.last_at.0,
            json(room),
            room.kind.is_of_inbox()
        ])?;
    Ok(inserted)
}

fn rooms(db: &Connection, site: Option<SiteId>) -> Result<Vec<Room>> {
    let mut select = db.prepare_cached(&format!(
        "SELECT {ROOM} FROM rooms WHERE site IS ?1 AND inbox = 0 AND direct IS NULL AND demolished = 0 ORDER BY id"
    ))?;
    let found = select.query_map([site.map(Column::column)], read_room)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn change_room(db: &Connection, id: RoomId, changes: Vec<(RoomChange, Option<NewMessage>)>) -> Result<Room> {
    let mut room = room(db, id)?;
    for (change, note) in changes {
        change.apply(&mut room)?;
        if change == RoomChange::Unlock {
            messages::remove_unrecorded(db, &mut room, note.as_ref())?;
        }
        room.changes += 1;
        db.prepare_cached("UPDATE rooms SET value = ?2 WHERE id = ?1")?
            .execute(params![id.column(), json(&room)])?;
        put_ends(db, &room)?;
        messages::tell(db, &mut room, note)?;
    }
    Ok(room)
}

/// Those that it began to demolish.
fn begin_demolishing(db: &Connection, id: RoomId) -> Result<Vec<RoomId>> {
    room(db, id)?;
    let rooms = conversations::with_rooms(db, id)?;
    rooms.iter().try_for_each(|room| begin_removing(db, *room))?;
    Ok(rooms)
}

/// Also one that comes.
pub fn begin_removing(db: &Connection, id: RoomId) -> Result<()> {
    let id = id.column();
    db.prepare_cached("UPDATE rooms SET demolished = 1, direct = NULL WHERE id = ?1")?.execute([id])?;
    db.prepare_cached("DELETE FROM conversations WHERE room = ?1")?.execute([id])?;
    for of_room in
        ["members", "links", "guests", "bans", "stars", "hooks", "shown_commits", "arrivals", "fanned"]
    {
        db.prepare_cached(&format!("DELETE FROM {of_room} WHERE room = ?1"))?.execute([id])?;
    }
    files::release_all(db, RoomId::of(id as u64))
}

/// So many rooms of a site at once that others wait only shortly: one that is long is one of them. Whether there is more to do.
fn forget_some(db: &Connection, site: SiteId) -> Result<bool> {
    db.prepare_cached("DELETE FROM learned WHERE site = ?1")?.execute([site.column()])?;
    db.prepare_cached("DELETE FROM duty WHERE site = ?1")?.execute([site.column()])?;
    db.prepare_cached("DELETE FROM alerts WHERE site = ?1")?.execute([site.column()])?;
    if rules::forget_some(db, site, REMOVE_MAX)? {
        return Ok(true);
    }
    let mut select =
        db.prepare_cached("SELECT id, last FROM rooms WHERE site = ?1 AND demolished < 2 LIMIT ?2")?;
    let found = select
        .query_map(params![site.column(), REMOVE_MAX], |row| Ok((RoomId::read(row, 0)?, unsigned(row, 1)?)))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut taken = 0;
    for (id, messages) in &found {
        begin_removing(db, *id)?;
        demolish_some(db, *id)?;
        taken += 1 + messages;
        if taken >= REMOVE_MAX as u64 {
            break;
        }
    }
    Ok(!found.is_empty())
}

/// Whether there is more to do.
pub fn demolish_some(db: &Connection, id: RoomId) -> Result<bool> {
    let mut select = db.prepare_cached("SELECT place FROM messages WHERE room = ?1 LIMIT ?2")?;
    let places = select.query_map(params![id.column(), REMOVE_MAX], |row| row.get(0))?;
    let places = places.collect::<rusqlite::Result<Vec<i64>>>()?;
    for place in &places {
        forget_words(db, *place)?;
        db.prepare_cached("DELETE FROM messages WHERE place = ?1")?.execute([place])?;
    }
    let revisions = db
        .prepare_cached(
            "DELETE FROM revisions WHERE (room, change) IN (SELECT room, change FROM revisions WHERE room = ?1 LIMIT ?2)",
        )?
        .execute(params![id.column(), REMOVE_MAX])?;
    if places.len() == REMOVE_MAX || revisions == REMOVE_MAX {
        return Ok(true);
    }
    db.prepare_cached("DELETE FROM rooms WHERE id = ?1")?.execute([id.column()])?;
    Ok(false)
}

/// Finishes what an earlier process was killed while demolishing, removes what came half, and demolishes the rooms of `removed` sites.
pub fn finish_demolishing(db: &Connection, removed: &[SiteId]) -> Result<()> {
    for site in removed {
        while at_once(db, |db| forget_some(db, *site))? {}
    }
    let mut select = db.prepare("SELECT id FROM rooms WHERE demolished > 0")?;
    let ids = select.query_map([], |row| RoomId::read(row, 0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    for id in ids {
        begin_removing(db, id)?;
        while demolish_some(db, id)? {}
    }
    Ok(())
}

fn at_once<T>(db: &Connection, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    let transaction = db.unchecked_transaction()?;
    let done = work(&transaction)?;
    transaction.commit()?;
    Ok(done)
}

/// The members of a room, as the one query has them that others build on.
pub fn members_sql(filter: &str) -> String {
    format!("SELECT {MEMBER} FROM members WHERE {filter}")
}
