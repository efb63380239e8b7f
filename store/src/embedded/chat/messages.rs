//! Messages: posted, changed, starred. What they are found by goes along in the same transaction.

use async_trait::async_trait;
use model::chat::{Change, File, Message, NewMessage, Revision, Room, Who};
use model::{MessageId, Millis, RoomId, SiteId, limits};
use rusqlite::{Connection, OptionalExtension, params};

use super::{Chat, conversations, files, json, people, put_ends, reading, room, value};
use crate::Result;
use crate::chat::change::{
    self, NO_MESSAGE, TAKEN_ID, TOO_MANY_STARS, TOO_MANY_UNRECORDED, is_unrecorded, may_say, posted,
    refuse_oversized,
};
use crate::chat::messages::PLACE_BITS;
use crate::chat::rooms::NO_MEMBER;
use crate::chat::{Messages, Place, Posted, Search, words};
use crate::embedded::columns::Column;

#[async_trait]
impl Messages for Chat {
    async fn post(&self, new: NewMessage) -> Result<Posted> {
        refuse_oversized(new.kind, &new.body, &new.mentions)?;
        self.0.write(move |db| post(db, &new)).await
    }

    async fn change(
        &self,
        room: RoomId,
        number: u64,
        by: Who,
        at: Millis,
        change: Change,
    ) -> Result<Message> {
        self.0.write(move |db| change_message(db, room, number, by, at, change)).await
    }

    async fn message(&self, room: RoomId, number: u64) -> Result<Message> {
        self.0.read(move |db| message(db, room, number)).await
    }

    async fn message_by_id(&self, room: RoomId, id: MessageId) -> Result<Message> {
        self.0.read(move |db| by_id(db, room, id)?.ok_or(NO_MESSAGE)).await
    }

    async fn page(&self, room: RoomId, at: Place, limit: usize) -> Result<Vec<Message>> {
        self.0.read(move |db| reading::page(db, room, at, limit)).await
    }

    async fn touched(&self, room: RoomId, after: u64, limit: usize) -> Result<Vec<Message>> {
        self.0.read(move |db| reading::touched(db, room, after, limit)).await
    }

    async fn thread(&self, room: RoomId, number: u64, after: u64, limit: usize) -> Result<Vec<Message>> {
        self.0.read(move |db| reading::thread(db, room, number, after, limit)).await
    }

    async fn decisions(&self, room: RoomId, before: Option<u64>, limit: usize) -> Result<Vec<Message>> {
        self.0.read(move |db| reading::decisions(db, room, before, limit)).await
    }

    async fn history(&self, room: RoomId, number: u64) -> Result<Vec<Revision>> {
        self.0.read(move |db| reading::history(db, room, number)).await
    }

    async fn star(&self, who: Who, room: RoomId, number: u64, starred: bool) -> Result<()> {
        self.0.write(move |db| star(db, who, room, number, starred)).await
    }

    async fn stars(&self, who: Who, rooms: Vec<RoomId>) -> Result<Vec<(RoomId, u64)>> {
        self.0.read(move |db| reading::stars(db, who, &rooms)).await
    }

    async fn search(&self, search: Search) -> Result<Vec<Message>> {
        let asked = words::asked(&search.text);
        search.refuse_oversized(&asked)?;
        if search.is_in_vain(&asked) {
            return Ok(Vec::new());
        }
        self.0.read(move |db| reading::search(db, &search, &asked)).await
    }
}

pub fn post(db: &Connection, new: &NewMessage) -> Result<Posted> {
    let mut room = room(db, new.room)?;
    if !may_say(&room, new.author) && !people::is_member(db, new.room, new.author)? {
        return Err(NO_MEMBER);
    }
    if let Some(message) = by_id(db, new.room, new.id)? {
        let is_theirs = message.author == new.author;
        return if is_theirs { Ok(Posted { message, fresh: false, room }) } else { Err(TAKEN_ID) };
    }
    if room.locked && unrecorded(db, new.room)? >= limits::UNRECORDED_MAX {
        return Err(TOO_MANY_UNRECORDED);
    }
    if let Some(number) = new.thread {
        count_reply(db, &mut room, number)?;
    }
    let attached = files::attach(db, new.room, new.author, room.last + 1, &new.files)?;
    let message = append(db, &mut room, new, attached)?;
    if room.kind.is_of_inbox() {
        conversations::said(db, &room, new)?;
    }
    Ok(Posted { message, fresh: true, room })
}

/// What is answered says so, by a change of its own.
fn count_reply(db: &Connection, room: &mut Room, number: u64) -> Result<()> {
    let mut answered = message(db, room.id, number)?;
    if answered.removed.is_some() || answered.thread.is_some() {
        return Err(NO_MESSAGE);
    }
    answered.replies += 1;
    room.changes += 1;
    answered.changed = room.changes;
    put(db, &answered)
}

/// The room's next message.
fn append(db: &Connection, room: &mut Room, new: &NewMessage, files: Vec<File>) -> Result<Message> {
    room.last += 1;
    room.changes += 1;
    room.last_at = room.last_at.max(new.at);
    let message = posted(new, room.last, room.changes, room.last_at, is_unrecorded(room, new), files);
    insert(db, &message)?;
    put_ends(db, room)?;
    Ok(message)
}

/// A note is a message that needs no member.
pub fn tell(db: &Connection, room: &mut Room, note: Option<NewMessage>) -> Result<()> {
    let Some(note) = note else {
        return Ok(());
    };
    refuse_oversized(note.kind, &note.body, &note.mentions)?;
    if by_id(db, room.id, note.id)?.is_none() {
        append(db, room, &note, Vec::new())?;
    }
    Ok(())
}

pub fn message(db: &Connection, room: RoomId, number: u64) -> Result<Message> {
    db.prepare_cached("SELECT value FROM messages WHERE room = ?1 AND number = ?2")?
        .query_row([room.column(), number as i64], value)
        .optional()?
        .ok_or(NO_MESSAGE)
}

fn by_id(db: &Connection, room: RoomId, id: MessageId) -> Result<Option<Message>> {
    let mut select = db.prepare_cached("SELECT value FROM messages WHERE room = ?1 AND id = ?2")?;
    Ok(select.query_row(params![room.column(), id.0.to_be_bytes()], value).optional()?)
}

fn unrecorded(db: &Connection, room: RoomId) -> Result<usize> {
    Ok(db
        .prepare_cached("SELECT COUNT(*) FROM messages WHERE room = ?1 AND unrecorded = 1")?
        .query_row([room.column()], |row| row.get(0))?)
}

/// At the first free place of its millisecond.
pub fn insert(db: &Connection, message: &Message) -> Result<()> {
    let first = message.at.0 << PLACE_BITS;
    let place: i64 = db
        .prepare_cached("SELECT COALESCE(MAX(place) + 1, ?1) FROM messages WHERE place >= ?1 AND place < ?2")?
        .query_row([first, first + (1 << PLACE_BITS)], |row| row.get(0))?;
    db.prepare_cached(
        "INSERT INTO messages (place, room, number, id, changed, thread, decided, unrecorded, value)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        place,
        message.room.column(),
        message.number as i64,
        message.id.0.to_be_bytes(),
        message.changed as i64,
        message.thread.map(|number| number as i64),
        message.decided.is_some(),
        message.unrecorded && message.removed.is_none(),
        json(message)
    ])?;
    put_words(db, place, message)
}

/// Changes what may change. Its words stay.
fn put(db: &Connection, message: &Message) -> Result<()> {
    db.prepare_cached(
        "UPDATE messages SET changed = ?3, decided = ?4, unrecorded = ?5, value = ?6 WHERE room = ?1 AND number = ?2",
    )?
    .execute(params![
        message.room.column(),
        message.number as i64,
        message.changed as i64,
        message.decided.is_some(),
        message.unrecorded && message.removed.is_none(),
        json(message)
    ])?;
    Ok(())
}

fn put_words(db: &Connection, place: i64, message: &Message) -> Result<()> {
    let Some(mut found_by) = words::of_message(message) else {
        return Ok(());
    };
    found_by.extend([
        words::in_room(message.room),
        words::by(message.author),
        words::of_kind(message.kind.number()),
    ]);
    found_by.extend(inbox(db, message.room)?.map(words::in_inbox));
    db.prepare_cached("INSERT INTO words (rowid, text) VALUES (?1, ?2)")?
        .execute(params![place, found_by.join(" ")])?;
    Ok(())
}

/// The site that the room is a conversation of.
fn inbox(db: &Connection, room: RoomId) -> Result<Option<SiteId>> {
    let mut select = db.prepare_cached("SELECT site FROM rooms WHERE id = ?1 AND inbox = 1")?;
    Ok(select.query_row([room.column()], |row| SiteId::read(row, 0)).optional()?)
}

pub fn forget_words(db: &Connection, place: i64) -> Result<()> {
    db.prepare_cached("DELETE FROM words WHERE rowid = ?1")?.execute([place])?;
    Ok(())
}

fn place(db: &Connection, room: RoomId, number: u64) -> Result<i64> {
    Ok(db
        .prepare_cached("SELECT place FROM messages WHERE room = ?1 AND number = ?2")?
        .query_row([room.column(), number as i64], |row| row.get(0))?)
}

fn change_message(
    db: &Connection,
    id: RoomId,
    number: u64,
    by: Who,
    at: Millis,
    change: Change,
) -> Result<Message> {
    let before = message(db, id, number)?;
    let mut room = room(db, id)?;
    let changed = change::change(&before, room.locked, by, at, change)?;
    let Some(change::Changed { mut message, revised }) = changed else {
        return Ok(before);
    };
    room.changes += 1;
    put_ends(db, &room)?;
    message.changed = room.changes;
    put(db, &message)?;
    if room.kind.is_of_inbox() {
        conversations::edited(db, &message)?;
    }
    if message.body != before.body || message.removed.is_some() {
        let place = place(db, id, number)?;
        forget_words(db, place)?;
        put_words(db, place, &message)?;
    }
    if let Some(what) = revised {
        insert_revision(db, &Revision { room: id, number, change: room.changes, at, by, what })?;
    }
    if message.removed.is_some() {
        forget_beside(db, id, number)?;
    }
    Ok(message)
}

pub fn insert_revision(db: &Connection, revision: &Revision) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO revisions (room, change, number, value) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
    )?
    .execute(params![
        revision.room.column(),
        revision.change as i64,
        revision.number as i64,
        json(revision)
    ])?;
    Ok(())
}

/// A removed message's history, stars and files.
fn forget_beside(db: &Connection, room: RoomId, number: u64) -> Result<()> {
    let one = [room.column(), number as i64];
    db.prepare_cached("DELETE FROM revisions WHERE room = ?1 AND number = ?2")?.execute(one)?;
    db.prepare_cached("DELETE FROM stars WHERE room = ?1 AND number = ?2")?.execute(one)?;
    files::release(db, room, number)
}

/// By the unlocking itself, whose note says who did it and when.
pub fn remove_unrecorded(db: &Connection, room: &mut Room, note: Option<&NewMessage>) -> Result<()> {
    let mut select = db.prepare_cached("SELECT value FROM messages WHERE room = ?1 AND unrecorded = 1")?;
    let found = select.query_map([room.id.column()], value)?;
    let messages = found.collect::<rusqlite::Result<Vec<Message>>>()?;
    for mut message in messages {
        let (by, at) = note.map_or((message.author, message.at), |note| (note.author, note.at));
        change::remove(&mut message, by, at);
        room.changes += 1;
        message.changed = room.changes;
        put(db, &message)?;
        forget_beside(db, room.id, message.number)?;
    }
    Ok(())
}

fn star(db: &Connection, who: Who, room: RoomId, number: u64, starred: bool) -> Result<()> {
    let one = [who.number(), room.column(), number as i64];
    if !starred {
        db.prepare_cached("DELETE FROM stars WHERE who = ?1 AND room = ?2 AND number = ?3")?.execute(one)?;
        return Ok(());
    }
    if message(db, room, number)?.removed.is_some() {
        return Err(NO_MESSAGE);
    }
    let added = db
        .prepare_cached("INSERT INTO stars (who, room, number) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?
        .execute(one)?;
    let count: usize = db
        .prepare_cached("SELECT COUNT(*) FROM stars WHERE who = ?1")?
        .query_row([who.number()], |row| row.get(0))?;
    if added > 0 && count > limits::STARS_MAX {
        return Err(TOO_MANY_STARS);
    }
    Ok(())
}
