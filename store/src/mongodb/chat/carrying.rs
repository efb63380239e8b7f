//! Rooms that go out and come in. One that comes is `demolished`, and has the moment at which it began in `coming`.

use async_trait::async_trait;
use model::chat::{Conversation, Guest, Room, RoomKind, Who};
use model::{GuestId, Millis, RoomId, limits};
use mongodb::bson::{Document, doc};

use super::files::{id_of, one, put_chunks};
use super::rooms::finish_some;
use super::{
    CONVERSATIONS, Chat, FANNED, FILE_CHUNKS, FILES, GUESTS, MESSAGES, ROOMS, RoomDocument, STARS,
    conversations, json, parse, room as room_of, who,
};
use crate::chat::Carrying;
use crate::chat::carrying::{DIRECT_ALREADY, NOT_COMING, NOT_WHOLE, THERE_ALREADY};
use crate::chat::conversations::{refuse_full, refuse_oversized as refuse_oversized_conversation};
use crate::chat::rooms::{TOO_MANY_ROOMS, refuse_oversized};
use crate::mongodb::chunks::CHUNK_BYTES;
use crate::mongodb::columns::{Column, binary};
use crate::mongodb::moving::import as import_rows;
use crate::mongodb::schema::V;
use crate::mongodb::step::Step;
use crate::mongodb::transaction::{read, write};
use crate::mongodb::turns;
use crate::moving::{FilePart, PAGE_ROWS_MAX, Row};
use crate::{Result, StoreError};

#[async_trait]
impl Carrying for Chat {
    async fn every_room(&self, after: Option<RoomId>) -> Result<Vec<Room>> {
        read!(self, |step| every_room(step, after))
    }

    async fn every_conversation(&self, after: Option<RoomId>) -> Result<Vec<Conversation>> {
        read!(self, |step| every_conversation(step, after))
    }

    async fn every_guest(&self, room: RoomId, after: Option<GuestId>) -> Result<Vec<Guest>> {
        read!(self, |step| every_guest(step, room, after))
    }

    async fn every_star(&self, room: RoomId, after: (u64, i64)) -> Result<Vec<(u64, Who)>> {
        read!(self, |step| every_star(step, room, after))
    }

    async fn begin(&self, room: Room, direct: Option<String>, began: Millis) -> Result<()> {
        refuse_oversized(&room)?;
        let id = room.id;
        self.give_up(id).await?;
        write!(self, |step| begin(step, &room, direct.as_deref(), began))
    }

    async fn take(&self, room: RoomId, began: Millis, rows: Vec<Row>) -> Result<()> {
        let (parts, rows): (Vec<Row>, Vec<Row>) =
            rows.into_iter().partition(|row| matches!(row, Row::File(_)));
        for row in parts {
            if let Row::File(part) = row {
                read!(self, |step| take_part(step, room, began, &part))?;
            }
        }
        write!(self, |step| take_rows(step, room, began, &rows))
    }

    async fn end(&self, room: RoomId, began: Millis) -> Result<()> {
        write!(self, |step| end(step, room, began))
    }

    async fn end_conversation(&self, conversation: Conversation, began: Millis) -> Result<()> {
        refuse_oversized_conversation(&conversation)?;
        write!(self, |step| end_conversation(step, &conversation, began))
    }

    async fn give_up(&self, room: RoomId) -> Result<()> {
        let half = doc! { "_id": room.column(), "demolished": true };
        // From now on anybody may finish it.
        let given_up = doc! { "$unset": { "coming": "" } };
        if read!(self, |step| step.change(ROOMS, half, given_up))? {
            finish_some(self, vec![room.column()]).await?;
        }
        Ok(())
    }
}

async fn every_room(step: &mut Step, after: Option<RoomId>) -> Result<Vec<Room>> {
    let after = after.map_or(i64::MIN, Column::column);
    let behind = doc! { "inbox": false, "_id": { "$gt": after }, "demolished": false };
    let found = step.some(ROOMS, behind, doc! { "_id": 1 }, PAGE_ROWS_MAX).await?;
    found.into_iter().map(|document| read_as::<RoomDocument>(document)?.room()).collect()
}

async fn every_conversation(step: &mut Step, after: Option<RoomId>) -> Result<Vec<Conversation>> {
    let behind = doc! { "_id": { "$gt": after.map_or(i64::MIN, Column::column) } };
    let found = step.some(CONVERSATIONS, behind, doc! { "_id": 1 }, limits::CONVERSATIONS_A_PAGE_MAX).await?;
    found.iter().map(|document| parse(document.get_str("value").map_err(unreadable)?)).collect()
}

async fn every_guest(step: &mut Step, room: RoomId, after: Option<GuestId>) -> Result<Vec<Guest>> {
    let after = after.map_or(i64::MIN, Column::column);
    let behind = doc! { "room": room.column(), "_id": { "$gt": after } };
    let found = step.some(GUESTS, behind, doc! { "_id": 1 }, PAGE_ROWS_MAX).await?;
    found.iter().map(|document| parse(document.get_str("value").map_err(unreadable)?)).collect()
}

async fn every_star(step: &mut Step, room: RoomId, after: (u64, i64)) -> Result<Vec<(u64, Who)>> {
    let (number, person) = (after.0 as i64, after.1);
    let behind = doc! {
        "room": room.column(),
        "$or": [{ "number": { "$gt": number } }, { "number": number, "who": { "$gt": person } }],
    };
    let found = step.some(STARS, behind, doc! { "number": 1, "who": 1 }, PAGE_ROWS_MAX).await?;
    let star = |document: &Document| {
        let number = document.get_i64("number").map_err(unreadable)? as u64;
        Ok((number, who(document.get_i64("who").map_err(unreadable)?)?))
    };
    found.iter().map(star).collect()
}

fn read_as<T: serde::de::DeserializeOwned>(document: Document) -> Result<T> {
    mongodb::bson::deserialize_from_document(document).map_err(|error| StoreError::Unavailable(error.into()))
}

fn unreadable(error: impl Into<anyhow::Error>) -> StoreError {
    StoreError::Unavailable(error.into())
}

fn coming(room: RoomId, began: Millis) -> Document {
    doc! { "_id": room.column(), "demolished": true, "coming": began.0 }
}

async fn begin(step: &mut Step, room: &Room, direct: Option<&str>, began: Millis) -> Result<()> {
    turns::take(step, turns::ROOMS, doc! { "$inc": { "turn": 1_i64 } }).await?;
    if step.exists(ROOMS, doc! { "_id": room.id.column() }).await? {
        return Err(THERE_ALREADY);
    }
    if let Some(direct) = direct
        && step.exists(ROOMS, doc! { "direct": direct }).await?
    {
        return Err(DIRECT_ALREADY);
    }
    if !room.kind.is_of_inbox() && step.count(ROOMS, doc! { "inbox": false }).await? >= limits::ROOMS_MAX {
        return Err(TOO_MANY_ROOMS);
    }
    let mut document = RoomDocument::of(room, None);
    (document.demolished, document.coming) = (true, Some(began.0));
    // Should it never come, the same people may open theirs.
    document.direct_then = direct.map(str::to_owned);
    step.insert(ROOMS, &document).await
}

async fn refuse_unless_coming(step: &mut Step, room: RoomId, began: Millis) -> Result<()> {
    if step.exists(ROOMS, coming(room, began)).await? { Ok(()) } else { Err(NOT_COMING) }
}

async fn take_rows(step: &mut Step, room: RoomId, began: Millis, rows: &[Row]) -> Result<()> {
    refuse_unless_coming(step, room, began).await?;
    import_rows(step, rows).await
}

/// Of a message from its first byte on: what is left of it goes with the room.
async fn take_part(step: &mut Step, room: RoomId, began: Millis, part: &FilePart) -> Result<()> {
    refuse_unless_coming(step, room, began).await?;
    let row = &part.row;
    let key = one(room, row.file.id);
    if part.start == 0 {
        let document = doc! {
            "v": V,
            "who": row.who,
            "upload": binary(&row.upload.0.to_be_bytes()),
            "state": "coming",
            "since": row.since.0,
            "bytes": row.file.kept() as i64,
            "message": row.message,
            "value": "",
        };
        step.put(FILES, key.clone(), doc! { "$set": document }).await?;
    }
    put_chunks(step, room, row.file.id, part.start, &part.body).await?;
    if !part.is_last() {
        return Ok(());
    }
    let chunks = step.count(FILE_CHUNKS, doc! { "room": room.column(), "file": id_of(row.file.id) }).await?;
    if chunks as u64 != row.file.kept().div_ceil(CHUNK_BYTES as u64) {
        return Err(NOT_WHOLE);
    }
    let here = doc! { "$set": { "state": "here", "value": json(&row.file) } };
    if step.change(FILES, key, here).await? { Ok(()) } else { Err(NOT_COMING) }
}

async fn end(step: &mut Step, room: RoomId, began: Millis) -> Result<()> {
    let document: Option<RoomDocument> = step.one(ROOMS, coming(room, began)).await?;
    let RoomDocument { last, direct_then, .. } = document.ok_or(NOT_COMING)?;
    let mut there = doc! { "demolished": false };
    if let Some(direct) = direct_then {
        // Theirs was opened meanwhile.
        if step.exists(ROOMS, doc! { "direct": &direct }).await? {
            return Err(DIRECT_ALREADY);
        }
        there.insert("direct", direct);
    }
    let taken = doc! { "$set": there, "$unset": { "coming": "", "direct_then": "" } };
    if !step.change(ROOMS, coming(room, began), taken).await? {
        return Err(NOT_COMING);
    }
    let messages = step.count(MESSAGES, doc! { "room": room.column() }).await?;
    let has_half = step.exists(FILES, doc! { "room": room.column(), "state": "coming" }).await?;
    if messages as i64 != last || has_half {
        return Err(NOT_WHOLE);
    }
    step.put(FANNED, doc! { "_id": room.column() }, doc! { "$set": { "v": V, "number": last } }).await
}

async fn end_conversation(step: &mut Step, conversation: &Conversation, began: Millis) -> Result<()> {
    conversations::take_site(step, conversation.site).await?;
    if room_of(step, conversation.notes).await?.kind != RoomKind::Notes {
        return Err(NOT_COMING);
    }
    let site = conversation.site.column();
    refuse_full(step.count(CONVERSATIONS, doc! { "site": site }).await?)?;
    end(step, conversation.room, began).await?;
    let mut row = conversations::fields(conversation);
    row.insert("_id", conversation.room.column());
    step.insert(CONVERSATIONS, &row).await
}
