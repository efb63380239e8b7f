//! Rooms that go out and come in. `demolished` is 2 while a room comes.

use std::sync::Arc;

use async_trait::async_trait;
use model::chat::{Conversation, Guest, Room, RoomKind, Who};
use model::{GuestId, Millis, RoomId, limits};
use rusqlite::{Connection, OptionalExtension, params};

use super::files::{RoomFiles, bytes_of, bytes_of_upload};
use super::{ROOM, conversations, json, outbox, read_room, room, rooms, unsigned, value, who};
use crate::Result;
use crate::chat::Carrying;
use crate::chat::carrying::{DIRECT_ALREADY, NOT_COMING, NOT_WHOLE, THERE_ALREADY};
use crate::chat::conversations::{refuse_full, refuse_oversized as refuse_oversized_conversation};
use crate::chat::rooms::{TOO_MANY_ROOMS, refuse_oversized};
use crate::embedded::blobs::unreadable;
use crate::embedded::columns::Column;
use crate::embedded::moving::chat as moving;
use crate::embedded::tail::blocking;
use crate::moving::{FilePart, FileRow, PAGE_ROWS_MAX, Row};

const COMING: i64 = 2;

#[async_trait]
impl Carrying for RoomFiles {
    async fn every_room(&self, after: Option<RoomId>) -> Result<Vec<Room>> {
        self.chat.read(move |db| every_room(db, after)).await
    }

    async fn every_conversation(&self, after: Option<RoomId>) -> Result<Vec<Conversation>> {
        self.chat.read(move |db| every_conversation(db, after)).await
    }

    async fn every_guest(&self, room: RoomId, after: Option<GuestId>) -> Result<Vec<Guest>> {
        self.chat.read(move |db| every_guest(db, room, after)).await
    }

    async fn every_star(&self, room: RoomId, after: (u64, i64)) -> Result<Vec<(u64, Who)>> {
        self.chat.read(move |db| every_star(db, room, after)).await
    }

    async fn begin(&self, room: Room, direct: Option<String>, _began: Millis) -> Result<()> {
        refuse_oversized(&room)?;
        let id = room.id;
        let has_rest = move |db: &Connection| match demolished(db, id)? {
            None => Ok(false),
            Some(0) => Err(THERE_ALREADY),
            Some(_) => Ok(true),
        };
        if self.chat.read(has_rest).await? {
            self.give_up(id).await?;
        }
        self.chat.write(move |db| begin(db, &room, direct.as_deref())).await
    }

    async fn take(&self, room: RoomId, _began: Millis, rows: Vec<Row>) -> Result<()> {
        let (parts, rows): (Vec<Row>, Vec<Row>) =
            rows.into_iter().partition(|row| matches!(row, Row::File(_)));
        for row in parts {
            if let Row::File(part) = row {
                self.take_part(room, part).await?;
            }
        }
        let take = move |db: &Connection| {
            refuse_unless_coming(db, room)?;
            rows.iter().try_for_each(|row| moving::import(db, row))
        };
        self.chat.write(take).await
    }

    async fn end(&self, room: RoomId, _began: Millis) -> Result<()> {
        self.chat.write(move |db| end(db, room)).await
    }

    async fn end_conversation(&self, conversation: Conversation, _began: Millis) -> Result<()> {
        refuse_oversized_conversation(&conversation)?;
        self.chat.write(move |db| end_conversation(db, &conversation)).await
    }

    async fn give_up(&self, room: RoomId) -> Result<()> {
        let begin = move |db: &Connection| {
            let is_half = demolished(db, room)?.is_some_and(|demolished| demolished > 0);
            if is_half { rooms::begin_removing(db, room) } else { Ok(()) }.map(|()| is_half)
        };
        if self.chat.write(begin).await? {
            while self.chat.write(move |db| rooms::demolish_some(db, room)).await? {}
        }
        Ok(())
    }
}

impl RoomFiles {
    async fn take_part(&self, room: RoomId, part: FilePart) -> Result<()> {
        let (row, is_first) = (part.row.clone(), part.start == 0);
        let expect = move |db: &Connection| {
            refuse_unless_coming(db, room)?;
            if is_first { expect(db, &row) } else { Ok(()) }
        };
        self.chat.write(expect).await?;
        let blobs = Arc::clone(&self.blobs);
        let part = blocking(move || {
            let id = part.row.file.id;
            blobs.write(room, id, part.start, &part.body).map_err(unreadable)?;
            if part.is_last() {
                blobs.sync(room, id, part.row.file.kept()).map_err(unreadable)?;
            }
            Ok(part)
        })
        .await?;
        if !part.is_last() {
            return Ok(());
        }
        self.chat.write(move |db| arrived(db, &part.row)).await
    }
}

fn every_room(db: &Connection, after: Option<RoomId>) -> Result<Vec<Room>> {
    let sql = format!(
        "SELECT {ROOM} FROM rooms WHERE id > ?1 AND inbox = 0 AND demolished = 0 ORDER BY id LIMIT {PAGE_ROWS_MAX}"
    );
    let mut select = db.prepare_cached(&sql)?;
    let found = select.query_map([after.map_or(i64::MIN, Column::column)], read_room)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn every_conversation(db: &Connection, after: Option<RoomId>) -> Result<Vec<Conversation>> {
    let mut select =
        db.prepare_cached("SELECT value FROM conversations WHERE room > ?1 ORDER BY room LIMIT ?2")?;
    let after = after.map_or(i64::MIN, Column::column);
    let found = select.query_map(params![after, limits::CONVERSATIONS_A_PAGE_MAX], value)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn every_guest(db: &Connection, room: RoomId, after: Option<GuestId>) -> Result<Vec<Guest>> {
    let mut select =
        db.prepare_cached("SELECT value FROM guests WHERE room = ?1 AND id > ?2 ORDER BY id LIMIT ?3")?;
    let after = after.map_or(i64::MIN, Column::column);
    let found = select.query_map(params![room.column(), after, PAGE_ROWS_MAX], value)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn every_star(db: &Connection, room: RoomId, after: (u64, i64)) -> Result<Vec<(u64, Who)>> {
    let mut select = db.prepare_cached(
        "SELECT number, who FROM stars WHERE room = ?1 AND (number, who) > (?2, ?3) ORDER BY number, who LIMIT ?4",
    )?;
    let found = select.query_map(params![room.column(), after.0 as i64, after.1, PAGE_ROWS_MAX], |row| {
        Ok((unsigned(row, 0)?, who(row, 1)?))
    })?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn demolished(db: &Connection, room: RoomId) -> Result<Option<i64>> {
    let mut select = db.prepare_cached("SELECT demolished FROM rooms WHERE id = ?1")?;
    Ok(select.query_row([room.column()], |row| row.get(0)).optional()?)
}

fn refuse_unless_coming(db: &Connection, room: RoomId) -> Result<()> {
    if demolished(db, room)? == Some(COMING) { Ok(()) } else { Err(NOT_COMING) }
}

fn begin(db: &Connection, room: &Room, direct: Option<&str>) -> Result<()> {
    if db.prepare_cached("SELECT 1 FROM rooms WHERE direct = ?1")?.exists([direct])? {
        return Err(DIRECT_ALREADY);
    }
    let count: usize =
        db.prepare_cached("SELECT COUNT(*) FROM rooms WHERE inbox = 0")?.query_row([], |row| row.get(0))?;
    if count >= limits::ROOMS_MAX && !room.kind.is_of_inbox() {
        return Err(TOO_MANY_ROOMS);
    }
    if rooms::insert(db, room, direct)? == 0 {
        return Err(THERE_ALREADY);
    }
    db.prepare_cached("UPDATE rooms SET demolished = ?2 WHERE id = ?1")?
        .execute(params![room.id.column(), COMING])?;
    Ok(())
}

/// Of a message from its first byte on: what is left of it goes with the room.
fn expect(db: &Connection, row: &FileRow) -> Result<()> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO files (room, id, who, upload, state, since, bytes, message, value)
         VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, '')",
    )?
    .execute(params![
        row.room.column(),
        bytes_of(row.file.id),
        row.who,
        bytes_of_upload(row.upload),
        row.since.0,
        row.file.kept() as i64,
        row.message
    ])?;
    Ok(())
}

fn arrived(db: &Connection, row: &FileRow) -> Result<()> {
    let changed = db
        .prepare_cached("UPDATE files SET state = 1, value = ?3 WHERE room = ?1 AND id = ?2 AND state = 0")?
        .execute(params![row.room.column(), bytes_of(row.file.id), json(&row.file)])?;
    if changed == 0 { Err(NOT_COMING) } else { Ok(()) }
}

fn end(db: &Connection, id: RoomId) -> Result<()> {
    refuse_unless_coming(db, id)?;
    let id = id.column();
    let last: i64 = db.query_row("SELECT last FROM rooms WHERE id = ?1", [id], |row| row.get(0))?;
    let messages: i64 =
        db.query_row("SELECT COUNT(*) FROM messages WHERE room = ?1", [id], |row| row.get(0))?;
    let has_half = db.prepare_cached("SELECT 1 FROM files WHERE room = ?1 AND state = 0")?.exists([id])?;
    if messages != last || has_half {
        return Err(NOT_WHOLE);
    }
    outbox::put_fanned(db, id, last)?;
    db.execute("UPDATE rooms SET demolished = 0 WHERE id = ?1", [id])?;
    Ok(())
}

fn end_conversation(db: &Connection, conversation: &Conversation) -> Result<()> {
    let notes = room(db, conversation.notes)?;
    if notes.kind != RoomKind::Notes {
        return Err(NOT_COMING);
    }
    let count: usize = db
        .prepare_cached("SELECT COUNT(*) FROM conversations WHERE site = ?1")?
        .query_row([conversation.site.column()], |row| row.get(0))?;
    refuse_full(count)?;
    end(db, conversation.room)?;
    conversations::insert(db, conversation)
}
