//! Who is in a room, who may come, and who is kept out.

use model::chat::{Ban, Bot, Guest, GuestLink, Member, NewMessage, Notify, Room, RoomRole, Who};
use model::{BotId, GuestId, Millis, RoomId, limits};
use rusqlite::{Connection, OptionalExtension, params};

use super::rooms::members_sql;
use super::{bot_hooks, bytes32, json, messages, put_ends, read_member, read_room, room, value, who};
use crate::accounts::SecretHash;
use crate::chat::Entry;
use crate::chat::rooms::{
    LAST_HOST, LOCKED, NO_MEMBER, TOO_MANY_BANS, TOO_MANY_BOTS, TOO_MANY_GUESTS, TOO_MANY_OF_ONE, full,
};
use crate::embedded::columns::Column;
use crate::{Result, StoreError};

pub fn rooms_of(db: &Connection, who: Who) -> Result<Vec<(Room, Member)>> {
    let mut select = db.prepare_cached(
        "SELECT r.value, r.last, r.changes, r.last_at, m.room, m.who, m.role, m.joined, m.read, m.notify
         FROM members m JOIN rooms r ON r.id = m.room WHERE m.who = ?1 AND r.demolished = 0 ORDER BY m.room",
    )?;
    let found = select.query_map([who.number()], |row| {
        let role = if row.get(6)? { RoomRole::Host } else { RoomRole::Member };
        let room = read_room(row)?;
        let (joined, read) = (Millis(row.get(7)?), super::unsigned(row, 8)?);
        let member = Member { room: room.id, who, role, joined, read, notify: super::notify(row, 9)? };
        Ok((room, member))
    })?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

pub fn refuse_too_many_rooms(db: &Connection, who: Who) -> Result<()> {
    let count: usize = db
        .prepare_cached("SELECT COUNT(*) FROM members WHERE who = ?1")?
        .query_row([who.number()], |row| row.get(0))?;
    if count >= limits::ROOMS_A_PERSON_MAX { Err(TOO_MANY_OF_ONE) } else { Ok(()) }
}

/// Nothing where they are a member.
pub fn insert(db: &Connection, member: &Member) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO members (room, who, role, joined, read, notify) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO NOTHING",
    )?
    .execute(params![
        member.room.column(),
        member.who.number(),
        member.role == RoomRole::Host,
        member.joined.0,
        member.read as i64,
        member.notify.number()
    ])?;
    Ok(())
}

pub fn enter(
    db: &Connection,
    member: &Member,
    marks: &[[u8; 32]],
    note: Option<NewMessage>,
) -> Result<Entry> {
    let mut room = room(db, member.room)?;
    if is_member(db, room.id, member.who)? {
        return Ok(Entry::Present);
    }
    if is_barred(db, room.id, marks, member.joined)? {
        return Ok(Entry::Barred);
    }
    if room.locked {
        return Err(LOCKED);
    }
    let count: u32 = db
        .prepare_cached("SELECT COUNT(*) FROM members WHERE room = ?1")?
        .query_row([room.id.column()], |row| row.get(0))?;
    if count - sweep_guests(db, room.id, member.joined, count >= room.members_max)? >= room.members_max {
        return Err(full(&room));
    }
    refuse_too_many_rooms(db, member.who)?;
    insert(db, member)?;
    room.changes += 1;
    put_ends(db, &room)?;
    messages::tell(db, &mut room, note)?;
    Ok(Entry::Entered)
}

pub fn is_barred(db: &Connection, room: RoomId, marks: &[[u8; 32]], now: Millis) -> Result<bool> {
    let mut select = db.prepare_cached("SELECT 1 FROM bans WHERE room = ?1 AND mark = ?2 AND until > ?3")?;
    for mark in marks {
        if select.exists(params![room.column(), mark, now.0])? {
            return Ok(true);
        }
    }
    Ok(false)
}

pub fn leave(db: &Connection, id: RoomId, who: Who, note: Option<NewMessage>) -> Result<()> {
    let mut room = room(db, id)?;
    if !end_membership(db, id, who)? {
        return Err(NO_MEMBER);
    }
    room.changes += 1;
    put_ends(db, &room)?;
    messages::tell(db, &mut room, note)
}

/// Where there is no place left, guests whose browsers are let in no more give theirs up; how many those are.
fn sweep_guests(db: &Connection, room: RoomId, now: Millis, is_full: bool) -> Result<u32> {
    if !is_full {
        return Ok(0);
    }
    let mut select = db.prepare_cached("SELECT value FROM guests WHERE room = ?1 AND secret IS NOT NULL")?;
    let guests = select.query_map([room.column()], value::<Guest>)?.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut swept = 0;
    for guest in guests.iter().filter(|guest| now.since(guest.created) > limits::GUEST_LASTS) {
        swept += u32::from(end_membership(db, room, Who::Guest(guest.id))?);
    }
    Ok(swept)
}

/// Whether they were one.
fn end_membership(db: &Connection, room: RoomId, who: Who) -> Result<bool> {
    if let Who::Guest(guest) = who {
        db.execute("UPDATE guests SET secret = NULL WHERE id = ?1", [guest.column()])?;
    }
    let ended = db
        .prepare_cached("DELETE FROM members WHERE room = ?1 AND who = ?2")?
        .execute([room.column(), who.number()])?;
    Ok(ended > 0)
}

pub fn set_role(db: &Connection, id: RoomId, who: Who, role: RoomRole) -> Result<()> {
    let mut room = room(db, id)?;
    let known = member(db, id, who)?.ok_or(NO_MEMBER)?;
    if known.role == RoomRole::Host && role != RoomRole::Host {
        let hosts: u32 = db
            .prepare_cached("SELECT COUNT(*) FROM members WHERE room = ?1 AND role = 1")?
            .query_row([id.column()], |row| row.get(0))?;
        if hosts <= 1 {
            return Err(LAST_HOST);
        }
    }
    db.prepare_cached("UPDATE members SET role = ?3 WHERE room = ?1 AND who = ?2")?.execute(params![
        id.column(),
        who.number(),
        role == RoomRole::Host
    ])?;
    room.changes += 1;
    put_ends(db, &room)
}

pub fn is_member(db: &Connection, room: RoomId, who: Who) -> Result<bool> {
    Ok(member(db, room, who)?.is_some())
}

pub fn member(db: &Connection, room: RoomId, who: Who) -> Result<Option<Member>> {
    let sql = members_sql("room = ?1 AND who = ?2");
    Ok(db.prepare_cached(&sql)?.query_row([room.column(), who.number()], read_member).optional()?)
}

pub fn members(db: &Connection, room: RoomId) -> Result<Vec<Member>> {
    let mut select = db.prepare_cached(&members_sql("room = ?1 ORDER BY who"))?;
    let found = select.query_map([room.column()], read_member)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

pub fn read_to(db: &Connection, id: RoomId, who: Who, number: u64) -> Result<u64> {
    let known = member(db, id, who)?.ok_or(NO_MEMBER)?;
    let read = known.read.max(number.min(room(db, id)?.last));
    if read > known.read {
        db.prepare_cached("UPDATE members SET read = ?3 WHERE room = ?1 AND who = ?2")?.execute([
            id.column(),
            who.number(),
            read as i64,
        ])?;
    }
    Ok(read)
}

pub fn set_notify(db: &Connection, room: RoomId, who: Who, notify: Notify) -> Result<()> {
    let changed = db
        .prepare_cached("UPDATE members SET notify = ?3 WHERE room = ?1 AND who = ?2")?
        .execute([room.column(), who.number(), notify.number()])?;
    if changed == 0 { Err(NO_MEMBER) } else { Ok(()) }
}

pub fn link(db: &Connection, link: &GuestLink, secret: SecretHash) -> Result<()> {
    room(db, link.room)?;
    db.execute(
        "INSERT OR REPLACE INTO links (room, secret, value) VALUES (?1, ?2, ?3)",
        params![link.room.column(), secret.0, json(link)],
    )?;
    Ok(())
}

pub fn linked(db: &Connection, secret: SecretHash) -> Result<GuestLink> {
    let found = db.prepare_cached("SELECT value FROM links WHERE secret = ?1")?;
    one(found, secret.0, "guest link")
}

pub fn link_of(db: &Connection, room: RoomId) -> Result<Option<GuestLink>> {
    let mut select = db.prepare_cached("SELECT value FROM links WHERE room = ?1")?;
    Ok(select.query_row([room.column()], value).optional()?)
}

pub fn unlink(db: &Connection, room: RoomId) -> Result<()> {
    db.execute("DELETE FROM links WHERE room = ?1", [room.column()])?;
    Ok(())
}

fn one<T: serde::de::DeserializeOwned>(
    mut select: rusqlite::CachedStatement<'_>,
    secret: [u8; 32],
    what: &'static str,
) -> Result<T> {
    select.query_row([secret], value).optional()?.ok_or(StoreError::NotFound(what))
}

pub fn admit(db: &Connection, guest: &Guest, secret: SecretHash, note: Option<NewMessage>) -> Result<Entry> {
    link_of(db, guest.room)?.ok_or(StoreError::NotFound("guest link"))?;
    let count: usize = db
        .prepare_cached("SELECT COUNT(*) FROM guests WHERE room = ?1 AND secret IS NOT NULL")?
        .query_row([guest.room.column()], |row| row.get(0))?;
    let swept = sweep_guests(db, guest.room, guest.created, count >= limits::GUESTS_MAX)?;
    if count - swept as usize >= limits::GUESTS_MAX {
        return Err(TOO_MANY_GUESTS);
    }
    let (who, joined) = (Who::Guest(guest.id), guest.created);
    let read = room(db, guest.room)?.last;
    let (role, notify) = (RoomRole::Member, Notify::default());
    let member = Member { room: guest.room, who, role, joined, read, notify };
    let entry = enter(db, &member, &guest.marks, note)?;
    if entry == Entry::Entered {
        let added = insert_guest(db, guest, Some(secret.0))?;
        if added == 0 {
            return Err(StoreError::Conflict("a guest with that id is there already"));
        }
    }
    Ok(entry)
}

pub fn insert_guest(db: &Connection, guest: &Guest, secret: Option<[u8; 32]>) -> Result<usize> {
    let added = db
        .prepare_cached(
            "INSERT INTO guests (id, room, secret, value) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![guest.id.column(), guest.room.column(), secret, json(guest)])?;
    Ok(added)
}

/// Somebody who was spoken of has a secret from now on; 0: they had one.
pub fn let_in(db: &Connection, guest: &Guest, secret: SecretHash) -> Result<usize> {
    let changed = db
        .prepare_cached("UPDATE guests SET secret = ?2, value = ?3 WHERE id = ?1 AND secret IS NULL")?
        .execute(params![guest.id.column(), secret.0, json(guest)])?;
    Ok(changed)
}

/// Nothing lets that guest in any more.
pub fn shut_out(db: &Connection, id: GuestId) -> Result<()> {
    let Some(guest) = guests(db, &[id])?.pop() else {
        return Ok(());
    };
    let guest = Guest { is_revoked: true, ..guest };
    db.prepare_cached("UPDATE guests SET secret = NULL, value = ?2 WHERE id = ?1")?
        .execute(params![id.column(), json(&guest)])?;
    Ok(())
}

pub fn admitted(db: &Connection, secret: SecretHash) -> Result<Guest> {
    one(db.prepare_cached("SELECT value FROM guests WHERE secret = ?1")?, secret.0, "guest")
}

pub fn guests(db: &Connection, ids: &[GuestId]) -> Result<Vec<Guest>> {
    let mut select = db.prepare_cached("SELECT value FROM guests WHERE id = ?1")?;
    let mut guests = Vec::new();
    for id in ids {
        guests.extend(select.query_row([id.column()], value).optional()?);
    }
    Ok(guests)
}

pub fn ban(db: &Connection, bans: &[Ban], now: Millis, note: Option<NewMessage>) -> Result<()> {
    let Some(first) = bans.first() else {
        return Ok(());
    };
    let mut room = room(db, first.room)?;
    let id = room.id.column();
    db.prepare_cached("DELETE FROM bans WHERE room = ?1 AND until <= ?2")?.execute([id, now.0])?;
    for ban in bans {
        insert_ban(db, ban)?;
    }
    let count: usize =
        db.prepare_cached("SELECT COUNT(*) FROM bans WHERE room = ?1")?.query_row([id], |row| row.get(0))?;
    if count > limits::BANS_MAX {
        return Err(TOO_MANY_BANS);
    }
    end_membership(db, room.id, first.who)?;
    room.changes += 1;
    put_ends(db, &room)?;
    messages::tell(db, &mut room, note)
}

pub fn insert_ban(db: &Connection, ban: &Ban) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO bans (room, mark, who, by, until) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (room, mark) DO UPDATE SET who = excluded.who, by = excluded.by, until = excluded.until
         WHERE excluded.until > until",
    )?
    .execute(params![ban.room.column(), ban.mark, ban.who.number(), ban.by.number(), ban.until.0])?;
    Ok(())
}

pub fn bans(db: &Connection, room: RoomId, now: Millis) -> Result<Vec<Ban>> {
    let mut select = db.prepare_cached(
        "SELECT room, mark, who, by, until FROM bans WHERE room = ?1 AND until > ?2 ORDER BY until, mark",
    )?;
    let found = select.query_map([room.column(), now.0], read_ban)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

pub fn read_ban(row: &rusqlite::Row<'_>) -> rusqlite::Result<Ban> {
    Ok(Ban {
        room: RoomId::read(row, 0)?,
        mark: bytes32(row, 1)?,
        who: who(row, 2)?,
        by: who(row, 3)?,
        until: Millis(row.get(4)?),
    })
}

pub fn unban(db: &Connection, room: RoomId, who: Who) -> Result<()> {
    db.execute("DELETE FROM bans WHERE room = ?1 AND who = ?2", [room.column(), who.number()])?;
    Ok(())
}

pub fn add_bot(db: &Connection, bot: &Bot, secret: SecretHash) -> Result<()> {
    let count: usize = db.query_row("SELECT COUNT(*) FROM bots", [], |row| row.get(0))?;
    if count >= limits::BOTS_MAX {
        return Err(TOO_MANY_BOTS);
    }
    db.execute(
        "INSERT INTO bots (id, secret, value) VALUES (?1, ?2, ?3)",
        params![bot.id.column(), secret.0, json(bot)],
    )?;
    Ok(())
}

pub fn bot(db: &Connection, secret: SecretHash) -> Result<Bot> {
    one(db.prepare_cached("SELECT value FROM bots WHERE secret = ?1")?, secret.0, "bot")
}

pub fn bots(db: &Connection) -> Result<Vec<Bot>> {
    let mut select = db.prepare_cached("SELECT value FROM bots ORDER BY id")?;
    let found = select.query_map([], value)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

pub fn remove_bot(db: &Connection, id: BotId) -> Result<()> {
    if db.execute("DELETE FROM bots WHERE id = ?1", [id.column()])? == 0 {
        return Err(StoreError::NotFound("bot"));
    }
    db.execute("DELETE FROM members WHERE who = ?1", [Who::Bot(id).number()])?;
    bot_hooks::remove(db, id)
}
