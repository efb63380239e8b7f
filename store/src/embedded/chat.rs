//! `chat.db`: rooms and what is said in them, in a file of its own, so that posting waits for no tail and no sign-in.

pub mod alerts;
pub mod bot_hooks;
pub mod carrying;
pub mod conversations;
pub mod files;
pub mod hooks;
pub mod messages;
pub mod outbox;
pub mod people;
pub mod reading;
pub mod rooms;
pub mod rules;

use std::sync::Arc;

use model::RoomId;
use model::chat::{Member, Notify, Room, RoomRole, Who};
use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::columns::{Column, read_json};
use super::database::Database;
use crate::Result;
use crate::chat::rooms::NO_ROOM;

pub struct Chat(pub Arc<Database>);

pub const ROOM: &str = "value, last, changes, last_at";
pub const MEMBER: &str = "room, who, role, joined, read, notify";

pub fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("a noun of chat encodes")
}

pub fn value<T: DeserializeOwned>(row: &Row<'_>) -> rusqlite::Result<T> {
    read_json(row, 0)
}

pub fn read_room(row: &Row<'_>) -> rusqlite::Result<Room> {
    let mut room: Room = value(row)?;
    (room.last, room.changes, room.last_at) =
        (unsigned(row, 1)?, unsigned(row, 2)?, model::Millis(row.get(3)?));
    Ok(room)
}

pub fn unsigned(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(index)? as u64)
}

pub fn who(row: &Row<'_>, index: usize) -> rusqlite::Result<Who> {
    let number = row.get(index)?;
    Who::of_number(number).ok_or_else(|| FromSqlError::OutOfRange(number).into())
}

/// The columns of `MEMBER`.
pub fn read_member(row: &Row<'_>) -> rusqlite::Result<Member> {
    Ok(Member {
        room: RoomId::read(row, 0)?,
        who: who(row, 1)?,
        role: if row.get(2)? { RoomRole::Host } else { RoomRole::Member },
        joined: model::Millis(row.get(3)?),
        read: unsigned(row, 4)?,
        notify: notify(row, 5)?,
    })
}

pub fn notify(row: &Row<'_>, index: usize) -> rusqlite::Result<Notify> {
    let number = row.get(index)?;
    Notify::of_number(number).ok_or_else(|| FromSqlError::OutOfRange(number).into())
}

pub fn bytes32(row: &Row<'_>, index: usize) -> rusqlite::Result<[u8; 32]> {
    let bytes = row.get_ref(index)?.as_blob()?;
    bytes
        .try_into()
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(index, Type::Blob, Box::new(error)))
}

pub fn room(db: &Connection, id: RoomId) -> Result<Room> {
    db.prepare_cached(&format!("SELECT {ROOM} FROM rooms WHERE id = ?1 AND demolished = 0"))?
        .query_row([id.column()], read_room)
        .optional()?
        .ok_or(NO_ROOM)
}

/// Keeps its numbers.
pub fn put_ends(db: &Connection, room: &Room) -> Result<()> {
    db.prepare_cached("UPDATE rooms SET last = ?2, changes = ?3, last_at = ?4 WHERE id = ?1")?
        .execute(params![room.id.column(), room.last as i64, room.changes as i64, room.last_at.0])?;
    Ok(())
}
