//! Files of rooms: a document each, and their bytes in chunks. A document says that a file is here after all its chunks are, and goes after they did.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use model::chat::{File, NewFile, Who};
use model::{FileId, Millis, RoomId, limits};
use mongodb::bson::{Binary, Document, deserialize_from_document, doc};
use serde::Deserialize;

use super::{Chat, FILE_CHUNKS, FILES, Valued, json, people, take};
use crate::chat::change::may_say;
use crate::chat::files::{
    NO_FILE, SWEEP_MAX, overdue, refuse_full_room, refuse_oversized, refuse_too_many_bytes, refuse_unposted,
};
use crate::chat::rooms::{NO_MEMBER, bounded};
use crate::chat::{Expected, Files};
use crate::mongodb::chunks::CHUNK_BYTES;
use crate::mongodb::columns::{Column, binary};
use crate::mongodb::gate::{CALL_TIME_MAX, within};
use crate::mongodb::schema::V;
use crate::mongodb::step::Step;
use crate::mongodb::transaction::{read, write};
use crate::{Result, StoreError};

const COMING: &str = "coming";
const HERE: &str = "here";
const GONE: &str = "gone";

#[async_trait]
impl Files for Chat {
    async fn expect(&self, new: NewFile) -> Result<Expected> {
        refuse_too_many_bytes(new.bytes)?;
        within(CALL_TIME_MAX, async {
            let _turn = self.lane(new.room).lock().await;
            write!(self, |step| expect(step, &new))
        })
        .await
    }

    async fn part(&self, room: RoomId, id: FileId, start: u64, bytes: Bytes) -> Result<()> {
        bounded(bytes.len(), "bytes in a part of a file", limits::FILE_PART_BYTES)?;
        read!(self, |step| put_part(step, room, id, start, &bytes))
    }

    async fn arrived(&self, room: RoomId, file: File) -> Result<()> {
        refuse_oversized(&file)?;
        within(CALL_TIME_MAX, async {
            let _turn = self.lane(room).lock().await;
            write!(self, |step| arrived(step, room, &file))
        })
        .await
    }

    async fn give_up(&self, room: RoomId, id: FileId) -> Result<()> {
        let gone = doc! { "$set": { "state": GONE } };
        read!(self, |step| step.change(FILES, coming(room, id), gone)).map(drop)
    }

    async fn file(&self, room: RoomId, id: FileId) -> Result<File> {
        read!(self, |step| posted(step, room, id))
    }

    async fn read_file(&self, room: RoomId, id: FileId, start: u64, length: usize) -> Result<Bytes> {
        read!(self, |step| read_bytes(step, room, id, start, length))
    }

    async fn bytes_of_files(&self, room: RoomId) -> Result<u64> {
        read!(self, |step| sum(step, room))
    }

    async fn sweep_files(&self, now: Millis) -> Result<usize> {
        let mut swept = 0;
        loop {
            let some = read!(self, |step| sweep_some(step, now))?;
            swept += some;
            if some < SWEEP_MAX {
                return Ok(swept);
            }
        }
    }
}

pub fn one(room: RoomId, id: FileId) -> Document {
    doc! { "room": room.column(), "id": id_of(id) }
}

fn coming(room: RoomId, id: FileId) -> Document {
    let mut filter = one(room, id);
    filter.insert("state", COMING);
    filter
}

pub fn id_of(id: FileId) -> Binary {
    binary(&id.0.to_be_bytes())
}

async fn expect(step: &mut Step, new: &NewFile) -> Result<Expected> {
    let room = take(step, new.room).await?;
    if !may_say(&room, new.who) && !people::is_member(step, new.room, new.who).await? {
        return Err(NO_MEMBER);
    }
    let upload = binary(&new.upload.0.to_be_bytes());
    let mut same = doc! {
        "room": new.room.column(), "who": new.who.number(), "upload": &upload, "state": HERE,
    };
    if let Some(known) = step.one::<Valued>(FILES, same.clone()).await? {
        return Ok(Expected::Here(known.read()?));
    }
    same.insert("state", COMING);
    step.change_all(FILES, same, doc! { "$set": { "state": GONE } }).await?;
    let unposted = doc! { "room": new.room.column(), "who": new.who.number(), "message": null };
    refuse_unposted(bytes_in(step, unposted).await? + new.bytes)?;
    refuse_full_room(sum(step, new.room).await? + new.bytes)?;
    let mut document = one(new.room, new.id);
    document.extend(doc! {
        "v": V,
        "who": new.who.number(),
        "upload": upload,
        "state": COMING,
        "since": new.at.0,
        "bytes": new.bytes as i64,
        "message": null,
        "value": "",
    });
    step.insert(FILES, &document).await?;
    Ok(Expected::Coming)
}

async fn sum(step: &mut Step, room: RoomId) -> Result<u64> {
    let counted = vec![doc! { "state": { "$in": [COMING, HERE] } }, doc! { "message": null }];
    bytes_in(step, doc! { "room": room.column(), "$or": counted }).await
}

/// In one command, so that a transaction may ask it.
async fn bytes_in(step: &mut Step, filter: Document) -> Result<u64> {
    let pipeline =
        vec![doc! { "$match": filter }, doc! { "$group": { "_id": null, "bytes": { "$sum": "$bytes" } } }];
    let answer = step.command(doc! { "aggregate": FILES, "pipeline": pipeline, "cursor": {} }).await?;
    #[derive(Deserialize)]
    struct Answer {
        cursor: Cursor,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Cursor {
        first_batch: Vec<Sum>,
    }
    #[derive(Deserialize)]
    struct Sum {
        bytes: i64,
    }
    let answer: Answer =
        deserialize_from_document(answer).map_err(|error| StoreError::Unavailable(error.into()))?;
    Ok(answer.cursor.first_batch.first().map_or(0, |sum| sum.bytes as u64))
}

async fn put_part(step: &mut Step, room: RoomId, id: FileId, start: u64, body: &[u8]) -> Result<()> {
    if !step.exists(FILES, coming(room, id)).await? {
        return Err(NO_FILE);
    }
    put_chunks(step, room, id, start, body).await
}

/// One that is there already changes nothing.
pub async fn put_chunks(step: &mut Step, room: RoomId, id: FileId, start: u64, body: &[u8]) -> Result<()> {
    let first = (start / CHUNK_BYTES as u64) as i32;
    for (n, bytes) in (first..).zip(body.chunks(CHUNK_BYTES)) {
        let chunk = doc! { "room": room.column(), "file": id_of(id), "n": n };
        step.put(FILE_CHUNKS, chunk, doc! { "$setOnInsert": { "v": V, "bytes": binary(bytes) } }).await?;
    }
    Ok(())
}

async fn arrived(step: &mut Step, room: RoomId, file: &File) -> Result<()> {
    take(step, room).await?;
    if !step.exists(FILES, coming(room, file.id)).await? {
        return Err(NO_FILE);
    }
    let chunks = step.count(FILE_CHUNKS, doc! { "room": room.column(), "file": id_of(file.id) }).await?;
    if chunks as u64 != file.kept().div_ceil(CHUNK_BYTES as u64) {
        return Err(StoreError::Unavailable(anyhow::anyhow!("a file lost a part of its bytes")));
    }
    let here = doc! { "$set": { "state": HERE, "bytes": file.kept() as i64, "value": json(file) } };
    step.change(FILES, coming(room, file.id), here).await?;
    refuse_full_room(sum(step, room).await?)
}

async fn posted(step: &mut Step, room: RoomId, id: FileId) -> Result<File> {
    let mut filter = one(room, id);
    filter.insert("state", HERE);
    filter.insert("message", doc! { "$ne": null });
    step.one::<Valued>(FILES, filter).await?.ok_or(NO_FILE)?.read()
}

async fn read_bytes(step: &mut Step, room: RoomId, id: FileId, start: u64, length: usize) -> Result<Bytes> {
    let mut bytes = BytesMut::with_capacity(length);
    if length == 0 {
        return Ok(bytes.freeze());
    }
    let chunk = CHUNK_BYTES as u64;
    let (first, last) = ((start / chunk) as i32, ((start + length as u64 - 1) / chunk) as i32);
    let wanted = doc! { "room": room.column(), "file": id_of(id), "n": { "$gte": first, "$lte": last } };
    #[derive(Deserialize)]
    struct Chunk {
        bytes: Binary,
    }
    for found in step.all::<Chunk>(FILE_CHUNKS, wanted, doc! { "n": 1 }).await? {
        bytes.extend_from_slice(&found.bytes.bytes);
    }
    let skipped = (start % chunk) as usize;
    if bytes.len() < skipped + length {
        return Err(NO_FILE);
    }
    Ok(bytes.freeze().slice(skipped..skipped + length))
}

/// Makes files a message's; in the order in which they are named.
pub async fn attach(
    step: &mut Step,
    room: RoomId,
    who: Who,
    number: u64,
    ids: &[FileId],
) -> Result<Vec<File>> {
    bounded(ids.len(), "files of a message", limits::FILES_A_MESSAGE_MAX)?;
    let mut files = Vec::with_capacity(ids.len());
    for id in ids {
        let mut filter = one(room, *id);
        filter.extend(doc! { "who": who.number(), "state": HERE, "message": null });
        let named = doc! { "$set": { "message": number as i64 } };
        let file = step.changed::<Valued>(FILES, filter, named).await?.ok_or(NO_FILE)?;
        files.push(file.read()?);
    }
    Ok(files)
}

/// Those of removed messages are gone.
pub async fn release(step: &mut Step, room: RoomId, numbers: &[i64]) -> Result<()> {
    let named = doc! { "room": room.column(), "message": { "$in": numbers } };
    step.change_all(FILES, named, doc! { "$set": { "state": GONE } }).await.map(drop)
}

/// Those of a room.
pub async fn release_all(step: &mut Step, rooms: &[i64]) -> Result<()> {
    step.change_all(FILES, doc! { "room": { "$in": rooms } }, doc! { "$set": { "state": GONE } })
        .await
        .map(drop)
}

/// They are gone before their chunks are: nobody posts what has none.
async fn sweep_some(step: &mut Step, now: Millis) -> Result<usize> {
    let (unposted, may_come) = overdue(now);
    let over = doc! { "message": null, "state": { "$in": [COMING, HERE] }, "since": { "$lt": unposted.0 } };
    step.change_all(FILES, over, doc! { "$set": { "state": GONE } }).await?;
    let removable = doc! {
        "state": GONE,
        "$or": [{ "message": { "$ne": null } }, { "since": { "$lt": may_come.0 } }],
    };
    let found = step.some(FILES, removable, doc! { "state": 1, "since": 1 }, SWEEP_MAX).await?;
    for row in &found {
        let (room, id) = (row.get("room"), row.get("id"));
        step.remove(FILE_CHUNKS, doc! { "room": room, "file": id }).await?;
        step.remove(FILES, doc! { "room": room, "id": id }).await?;
    }
    Ok(found.len())
}
