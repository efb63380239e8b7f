//! Files of rooms on their way: one grows part by part, and counts once it has a row.

use std::sync::Arc;

use async_trait::async_trait;
use model::{FileId, Millis, RoomId, UploadId};
use rusqlite::{Connection, OptionalExtension, params};

use super::EmbeddedMoving;
use crate::Result;
use crate::embedded::blobs::unreadable;
use crate::embedded::chat::files::{bytes_of, bytes_of_upload};
use crate::embedded::chat::{json, value};
use crate::embedded::columns::Column;
use crate::embedded::tail::blocking;
use crate::moving::chat::Filed;
use crate::moving::{FileRow, Row};

#[async_trait]
impl Filed for EmbeddedMoving {
    async fn file_from(&self, room: i64, id: u128) -> Result<Option<FileRow>> {
        self.chat.read(move |db| file_from(db, room, FileId(id))).await
    }
}

fn file_from(db: &Connection, room: i64, id: FileId) -> Result<Option<FileRow>> {
    let found = db
        .prepare_cached(
            "SELECT value, room, who, upload, since, message FROM files
             WHERE (room, id) >= (?1, ?2) AND state = 1 AND message IS NOT NULL ORDER BY room, id LIMIT 1",
        )?
        .query_row(params![room, bytes_of(id)], |row| {
            Ok(FileRow {
                file: value(row)?,
                room: RoomId::read(row, 1)?,
                who: row.get(2)?,
                upload: UploadId(u128::from_be_bytes(row.get(3)?)),
                since: Millis(row.get(4)?),
                message: row.get(5)?,
            })
        })
        .optional()?;
    Ok(found)
}

/// In the order in which they come. A file that is there already is left as it is.
pub async fn import(moving: &EmbeddedMoving, rows: Vec<Row>) -> Result<()> {
    for row in rows {
        let Row::File(part) = row else {
            continue;
        };
        let (room, id) = (part.row.room, part.row.file.id);
        let is_there = move |db: &Connection| {
            let mut known = db.prepare_cached("SELECT 1 FROM files WHERE room = ?1 AND id = ?2")?;
            Ok(known.exists(params![room.column(), bytes_of(id)])?)
        };
        if moving.chat.read(is_there).await? {
            continue;
        }
        let blobs = Arc::clone(&moving.files.blobs);
        let part = blocking(move || {
            blobs.write(room, id, part.start, &part.body).map_err(unreadable)?;
            if part.is_last() {
                blobs.sync(room, id, part.row.file.kept()).map_err(unreadable)?;
            }
            Ok(part)
        })
        .await?;
        if part.is_last() {
            moving.chat.write(move |db| insert(db, &part.row)).await?;
        }
    }
    Ok(())
}

fn insert(db: &Connection, row: &FileRow) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO files (room, id, who, upload, state, since, bytes, message, value)
         VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7, ?8) ON CONFLICT (room, id) DO NOTHING",
    )?
    .execute(params![
        row.room.column(),
        bytes_of(row.file.id),
        row.who,
        bytes_of_upload(row.upload),
        row.since.0,
        row.file.kept() as i64,
        row.message,
        json(&row.file)
    ])?;
    Ok(())
}
