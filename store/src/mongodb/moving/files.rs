//! Files of rooms on their way: chunks come part by part, and count once their file has a document.

use async_trait::async_trait;
use model::{FileId, Millis, RoomId, UploadId};
use mongodb::bson::{Binary, doc};
use serde::Deserialize;

use super::MongoMoving;
use crate::mongodb::chat::files::{id_of, one, put_chunks};
use crate::mongodb::chat::{FILES, json, parse};
use crate::mongodb::columns::binary;
use crate::mongodb::schema::V;
use crate::mongodb::step::Step;
use crate::mongodb::transaction::read;
use crate::moving::chat::Filed;
use crate::moving::{FilePart, FileRow, Row};
use crate::{Result, StoreError};

#[async_trait]
impl Filed for MongoMoving {
    async fn file_from(&self, room: i64, id: u128) -> Result<Option<FileRow>> {
        read!(self, |step| file_from(step, room, FileId(id)))
    }
}

#[derive(Deserialize)]
struct Found {
    room: i64,
    who: i64,
    upload: Binary,
    since: i64,
    message: i64,
    value: String,
}

async fn file_from(step: &mut Step, room: i64, id: FileId) -> Result<Option<FileRow>> {
    let behind = doc! {
        "state": "here",
        "message": { "$ne": null },
        "$or": [{ "room": room, "id": { "$gte": id_of(id) } }, { "room": { "$gt": room } }],
    };
    let found = step.some(FILES, behind, doc! { "room": 1, "id": 1 }, 1).await?;
    let Some(found) = found.into_iter().next() else {
        return Ok(None);
    };
    let found: Found = mongodb::bson::deserialize_from_document(found)
        .map_err(|error| StoreError::Unavailable(error.into()))?;
    let upload = found.upload.bytes.as_slice().try_into();
    let upload =
        upload.map_err(|_| StoreError::Unavailable(anyhow::anyhow!("an upload has an id that is none")))?;
    Ok(Some(FileRow {
        room: RoomId::of(found.room as u64),
        who: found.who,
        upload: UploadId(u128::from_be_bytes(upload)),
        since: Millis(found.since),
        message: found.message,
        file: parse(&found.value)?,
    }))
}

/// In the order in which they come. A file that is here already is left as it is.
pub async fn import(moving: &MongoMoving, rows: Vec<Row>) -> Result<()> {
    for row in rows {
        if let Row::File(part) = row {
            read!(moving, |step| import_part(step, &part))?;
        }
    }
    Ok(())
}

async fn import_part(step: &mut Step, part: &FilePart) -> Result<()> {
    let row = &part.row;
    let key = one(row.room, row.file.id);
    if step.exists(FILES, key.clone()).await? {
        return Ok(());
    }
    put_chunks(step, row.room, row.file.id, part.start, &part.body).await?;
    if !part.is_last() {
        return Ok(());
    }
    let document = doc! {
        "v": V,
        "who": row.who,
        "upload": binary(&row.upload.0.to_be_bytes()),
        "state": "here",
        "since": row.since.0,
        "bytes": row.file.kept() as i64,
        "message": row.message,
        "value": json(&row.file),
    };
    step.put(FILES, key, doc! { "$setOnInsert": document }).await
}
