//! Files of rooms: their rows, and their bytes beside them. A row says that a file is here after its bytes are on disk, and goes after they did.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use model::chat::{File, NewFile, Who};
use model::{FileId, Millis, RoomId, UploadId, limits};
use rusqlite::{Connection, OptionalExtension, params};

use super::{json, people, room, value};
use crate::Result;
use crate::chat::change::may_say;
use crate::chat::files::{
    NO_FILE, SWEEP_MAX, overdue, refuse_full_room, refuse_oversized, refuse_too_many_bytes, refuse_unposted,
};
use crate::chat::rooms::{NO_MEMBER, bounded};
use crate::chat::{Expected, Files};
use crate::embedded::blobs::{Blobs, unreadable};
use crate::embedded::columns::Column;
use crate::embedded::database::Database;
use crate::embedded::tail::blocking;

const COMING: i64 = 0;
const HERE: i64 = 1;
const GONE: i64 = 2;

pub struct RoomFiles {
    pub chat: Arc<Database>,
    pub blobs: Arc<Blobs>,
}

#[async_trait]
impl Files for RoomFiles {
    async fn expect(&self, new: NewFile) -> Result<Expected> {
        refuse_too_many_bytes(new.bytes)?;
        self.chat.write(move |db| expect(db, &new)).await
    }

    async fn part(&self, room: RoomId, id: FileId, start: u64, bytes: Bytes) -> Result<()> {
        bounded(bytes.len(), "bytes in a part of a file", limits::FILE_PART_BYTES)?;
        self.chat.read(move |db| refuse_unless_coming(db, room, id)).await?;
        let blobs = Arc::clone(&self.blobs);
        blocking(move || blobs.write(room, id, start, &bytes).map_err(unreadable)).await
    }

    async fn arrived(&self, room: RoomId, file: File) -> Result<()> {
        refuse_oversized(&file)?;
        let (blobs, id, bytes) = (Arc::clone(&self.blobs), file.id, file.kept());
        self.chat.read(move |db| refuse_unless_coming(db, room, id)).await?;
        blocking(move || blobs.sync(room, id, bytes).map_err(unreadable)).await?;
        self.chat.write(move |db| arrived(db, room, &file)).await
    }

    async fn give_up(&self, room: RoomId, id: FileId) -> Result<()> {
        let give_up = move |db: &Connection| {
            db.prepare_cached("UPDATE files SET state = ?3 WHERE room = ?1 AND id = ?2 AND state = ?4")?
                .execute(params![room.column(), bytes_of(id), GONE, COMING])?;
            Ok(())
        };
        self.chat.write(give_up).await
    }

    async fn file(&self, room: RoomId, id: FileId) -> Result<File> {
        self.chat.read(move |db| posted(db, room, id)).await
    }

    async fn read_file(&self, room: RoomId, id: FileId, start: u64, length: usize) -> Result<Bytes> {
        let blobs = Arc::clone(&self.blobs);
        // So that after closing nothing is read, as of everything else.
        self.chat.read(|_| Ok(())).await?;
        blocking(move || blobs.read(room, id, start, length)).await
    }

    async fn bytes_of_files(&self, room: RoomId) -> Result<u64> {
        self.chat.read(move |db| sum(db, room)).await
    }

    async fn sweep_files(&self, now: Millis) -> Result<usize> {
        let mut swept = 0;
        loop {
            let over = self.chat.write(move |db| begin_sweeping(db, now)).await?;
            let (count, blobs, rows) = (over.len(), Arc::clone(&self.blobs), over.clone());
            blocking(move || {
                over.iter().try_for_each(|(room, id)| blobs.remove(*room, *id)).map_err(unreadable)
            })
            .await?;
            self.chat.write(move |db| forget(db, &rows)).await?;
            swept += count;
            if count < SWEEP_MAX {
                return Ok(swept);
            }
        }
    }
}

pub fn bytes_of(id: FileId) -> [u8; 16] {
    id.0.to_be_bytes()
}

pub fn bytes_of_upload(id: UploadId) -> [u8; 16] {
    id.0.to_be_bytes()
}

fn expect(db: &Connection, new: &NewFile) -> Result<Expected> {
    let room = room(db, new.room)?;
    if !may_say(&room, new.who) && !people::is_member(db, new.room, new.who)? {
        return Err(NO_MEMBER);
    }
    let same = params![new.room.column(), new.who.number(), bytes_of_upload(new.upload)];
    let known = db
        .prepare_cached("SELECT value FROM files WHERE room = ?1 AND who = ?2 AND upload = ?3 AND state = 1")?
        .query_row(same, value)
        .optional()?;
    if let Some(file) = known {
        return Ok(Expected::Here(file));
    }
    db.prepare_cached(
        "UPDATE files SET state = 2 WHERE room = ?1 AND who = ?2 AND upload = ?3 AND state = 0",
    )?
    .execute(same)?;
    refuse_unposted(unposted(db, new.room, new.who)? + new.bytes)?;
    refuse_full_room(sum(db, new.room)? + new.bytes)?;
    db.prepare_cached(
        "INSERT INTO files (room, id, who, upload, state, since, bytes, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, '')",
    )?
    .execute(params![
        new.room.column(),
        bytes_of(new.id),
        new.who.number(),
        bytes_of_upload(new.upload),
        COMING,
        new.at.0,
        new.bytes as i64
    ])?;
    Ok(Expected::Coming)
}

fn sum(db: &Connection, room: RoomId) -> Result<u64> {
    let sum: i64 = db
        .prepare_cached(
            "SELECT COALESCE(SUM(bytes), 0) FROM files WHERE room = ?1 AND (state < 2 OR message IS NULL)",
        )?
        .query_row([room.column()], |row| row.get(0))?;
    Ok(sum as u64)
}

/// Bytes that somebody sent to a room and no message names.
fn unposted(db: &Connection, room: RoomId, who: Who) -> Result<u64> {
    let sum: i64 = db
        .prepare_cached(
            "SELECT COALESCE(SUM(bytes), 0) FROM files WHERE room = ?1 AND who = ?2 AND message IS NULL",
        )?
        .query_row([room.column(), who.number()], |row| row.get(0))?;
    Ok(sum as u64)
}

fn refuse_unless_coming(db: &Connection, room: RoomId, id: FileId) -> Result<()> {
    let is_coming = db
        .prepare_cached("SELECT 1 FROM files WHERE room = ?1 AND id = ?2 AND state = 0")?
        .exists(params![room.column(), bytes_of(id)])?;
    if is_coming { Ok(()) } else { Err(NO_FILE) }
}

fn arrived(db: &Connection, room: RoomId, file: &File) -> Result<()> {
    let changed = db
        .prepare_cached(
            "UPDATE files SET state = ?3, bytes = ?4, value = ?5 WHERE room = ?1 AND id = ?2 AND state = 0",
        )?
        .execute(params![room.column(), bytes_of(file.id), HERE, file.kept() as i64, json(file)])?;
    if changed == 0 {
        return Err(NO_FILE);
    }
    refuse_full_room(sum(db, room)?)
}

fn posted(db: &Connection, room: RoomId, id: FileId) -> Result<File> {
    db.prepare_cached(
        "SELECT value FROM files WHERE room = ?1 AND id = ?2 AND state = 1 AND message IS NOT NULL",
    )?
    .query_row(params![room.column(), bytes_of(id)], value)
    .optional()?
    .ok_or(NO_FILE)
}

/// Makes files a message's; in the order in which they are named.
pub fn attach(db: &Connection, room: RoomId, who: Who, number: u64, ids: &[FileId]) -> Result<Vec<File>> {
    bounded(ids.len(), "files of a message", limits::FILES_A_MESSAGE_MAX)?;
    let mut select = db.prepare_cached(
        "UPDATE files SET message = ?4 WHERE room = ?1 AND id = ?2 AND who = ?3 AND state = 1 AND message IS NULL
         RETURNING value",
    )?;
    let mut files = Vec::with_capacity(ids.len());
    for id in ids {
        let of = params![room.column(), bytes_of(*id), who.number(), number as i64];
        files.push(select.query_row(of, value).optional()?.ok_or(NO_FILE)?);
    }
    Ok(files)
}

/// Those of a removed message are gone.
pub fn release(db: &Connection, room: RoomId, number: u64) -> Result<()> {
    db.prepare_cached("UPDATE files SET state = 2 WHERE room = ?1 AND message = ?2")?
        .execute([room.column(), number as i64])?;
    Ok(())
}

/// Those of a room.
pub fn release_all(db: &Connection, room: RoomId) -> Result<()> {
    db.execute("UPDATE files SET state = 2 WHERE room = ?1", [room.column()])?;
    Ok(())
}

/// Some that are to be removed, and are gone from now on.
fn begin_sweeping(db: &Connection, now: Millis) -> Result<Vec<(RoomId, FileId)>> {
    let (unposted, may_come) = overdue(now);
    db.prepare_cached("UPDATE files SET state = 2 WHERE state < 2 AND message IS NULL AND since < ?1")?
        .execute([unposted.0])?;
    let mut select = db.prepare_cached(
        "SELECT room, id FROM files WHERE state = 2 AND (message IS NOT NULL OR since < ?1) LIMIT ?2",
    )?;
    let over = select.query_map(params![may_come.0, SWEEP_MAX], |row| {
        Ok((RoomId::read(row, 0)?, FileId(u128::from_be_bytes(row.get(1)?))))
    })?;
    Ok(over.collect::<rusqlite::Result<_>>()?)
}

fn forget(db: &Connection, rows: &[(RoomId, FileId)]) -> Result<()> {
    let mut delete = db.prepare_cached("DELETE FROM files WHERE room = ?1 AND id = ?2")?;
    for (room, id) in rows {
        delete.execute(params![room.column(), bytes_of(*id)])?;
    }
    Ok(())
}
