//! Rooms and what is said in them:
//!
//! - `rooms`: `{_id, v, site: i64?, inbox: bool, direct: text?, by: i64?, last: i64, changes: i64, last_at: i64, demolished: bool, coming: i64?, direct_then: text?, turn: i64, value}`;
//! - `room_members`: `{_id, v, room, who: i64, host: bool, joined: i64, read: i64, notify: i64}`;
//! - `guest_links`: `{_id: room, v, secret, value}`; `guests`: `{_id, v, room, secret?, value}`; `bots`: `{_id, v, secret, value}`;
//! - `bans`: `{_id, v, room, mark: 32 bytes, who: i64, by: i64, until: i64}`;
//! - `messages`: `{_id, v, room, number: i64, id: 16 bytes, changed: i64, at: i64, thread: i64?, decided: bool, unrecorded: bool,
//!   place: i64, words: [text], inbox: i64?, value}`; `place` is what a search sorts by: its millisecond, and 20 bits to tell apart;
//!   `inbox` is the site that its room is a conversation of;
//! - `revisions`: `{_id, v, room, change: i64, number: i64, value}`; `stars`: `{_id, v, who: i64, room, number: i64}`;
//! - `files`: `{_id, v, room, id: 16 bytes, who: i64, upload: 16 bytes, state: coming, here or gone, since: i64, bytes: i64, message: i64?, value}`;
//! - `file_chunks`: `{_id, v, room, file: 16 bytes, n: i32, bytes}`, `chunks::CHUNK_BYTES` each but the last;
//! - `learned`: `{_id: site, v, version: i64, bytes}`;
//! - `duty`: `{_id: site, v, value}`; `rules`, `alerts`: the same; `rule_marks`: `{_id, v, site: i64, mark: 32 bytes, until: i64}`;
//! - `hooks`: `{_id, v, room, address: 32 bytes, value}`; `shown_commits`: `{_id, v, room, mark: 32 bytes, number: i64}`;
//! - `bot_hooks`: `{_id: bot, v, value}`; `fanned`: `{_id: room, v, number: i64}`;
//! - `jobs`: `{_id: 16 bytes, v, kind: i64, owner: i64, state: i64, due: i64, lease: i64, attempts: i64, created: i64, said: text, body}`;
//! - `arrivals`: `{_id, v, room, mark: 32 bytes, place: i64, repository: text, value}`;
//! - `conversations`: `{_id: room, v, notes: i64, site: i64, folder: i64, last_at: i64, assignee: i64?, waiting: i64?, due: i64?,
//!   customer: text?, who: text, labels: [text], visitor: text?, opened: i64, value}`; `folder` as `Folder::number`, `customer` tells those of one customer,
//!   `who` is what they are looked for by.
//!
//! `value` is the noun as JSON. Whoever changes a room takes its turn: its changes happen one after the other.

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

use anyhow::anyhow;
use model::chat::{Member, Notify, Room, RoomRole, Who};
use model::{Millis, RoomId};
use mongodb::bson::{Document, doc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::columns::Column;
use super::database::Database;
use super::schema::V;
use super::step::Step;
use crate::chat::rooms::NO_ROOM;
use crate::{Result, StoreError};

pub const ROOMS: &str = "rooms";
pub const MEMBERS: &str = "room_members";
pub const LINKS: &str = "guest_links";
pub const GUESTS: &str = "guests";
pub const BANS: &str = "bans";
pub const BOTS: &str = "bots";
pub const MESSAGES: &str = "messages";
pub const REVISIONS: &str = "revisions";
pub const STARS: &str = "stars";
pub const FILES: &str = "files";
pub const FILE_CHUNKS: &str = "file_chunks";
pub const HOOKS: &str = "hooks";
pub const SHOWN: &str = "shown_commits";
pub const BOT_HOOKS: &str = "bot_hooks";
pub const JOBS: &str = "jobs";
pub const FANNED: &str = "fanned";
pub const ARRIVALS: &str = "arrivals";
pub const CONVERSATIONS: &str = "conversations";
pub const LEARNED: &str = "learned";
pub const DUTY: &str = "duty";
pub const RULES: &str = "rules";
pub const RULE_MARKS: &str = "rule_marks";
pub const ALERTS: &str = "alerts";

/// Rooms that one process posts to at once; two that share a lane wait for each other.
const LANES: usize = 64;

pub struct Chat(pub Arc<Database>, Vec<Mutex<()>>);

impl Chat {
    pub fn of(database: &Arc<Database>) -> Chat {
        Chat(Arc::clone(database), std::iter::repeat_with(Mutex::default).take(LANES).collect())
    }

    /// One after the other, who changes the same room: so that they lose no tries against each other.
    pub fn lane(&self, room: RoomId) -> &Mutex<()> {
        self.lane_of(room.value())
    }

    /// The same for what belongs to a site.
    pub fn lane_of(&self, number: u64) -> &Mutex<()> {
        &self.1[number as usize % LANES]
    }
}

#[derive(Serialize, Deserialize)]
pub struct RoomDocument {
    pub _id: i64,
    pub v: i32,
    pub site: Option<i64>,
    /// Of a conversation: in no list of rooms.
    #[serde(default)]
    pub inbox: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direct: Option<String>,
    /// The account that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<i64>,
    pub last: i64,
    pub changes: i64,
    pub last_at: i64,
    pub demolished: bool,
    /// When it began to come out of an archive: it is not there yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coming: Option<i64>,
    /// What `direct` is to be, once it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direct_then: Option<String>,
    pub turn: i64,
    pub value: String,
}

impl RoomDocument {
    pub fn of(room: &Room, direct: Option<String>) -> RoomDocument {
        RoomDocument {
            _id: room.id.column(),
            v: V,
            site: room.site.map(Column::column),
            inbox: room.kind.is_of_inbox(),
            direct,
            by: room.by.map(Column::column),
            last: room.last as i64,
            changes: room.changes as i64,
            last_at: room.last_at.0,
            demolished: false,
            coming: None,
            direct_then: None,
            turn: 0,
            value: json(room),
        }
    }

    pub fn room(&self) -> Result<Room> {
        let mut room: Room = parse(&self.value)?;
        room.last = self.last as u64;
        room.changes = self.changes as u64;
        room.last_at = Millis(self.last_at);
        Ok(room)
    }
}

#[derive(Serialize, Deserialize)]
pub struct MemberDocument {
    pub v: i32,
    pub room: i64,
    pub who: i64,
    pub host: bool,
    pub joined: i64,
    pub read: i64,
    /// Missing in those of schema 8 and before.
    #[serde(default = "unsaid")]
    pub notify: i64,
}

fn unsaid() -> i64 {
    Notify::default().number()
}

impl MemberDocument {
    pub fn of(member: &Member) -> MemberDocument {
        MemberDocument {
            v: V,
            room: member.room.column(),
            who: member.who.number(),
            host: member.role == RoomRole::Host,
            joined: member.joined.0,
            read: member.read as i64,
            notify: member.notify.number(),
        }
    }

    pub fn member(self) -> Result<Member> {
        Ok(Member {
            room: RoomId::of(self.room as u64),
            who: who(self.who)?,
            role: if self.host { RoomRole::Host } else { RoomRole::Member },
            joined: Millis(self.joined),
            read: self.read as u64,
            notify: Notify::of_number(self.notify)
                .ok_or_else(|| StoreError::Unavailable(anyhow!("a member wants what is not known")))?,
        })
    }
}

/// What stands in documents as JSON.
#[derive(Deserialize)]
pub struct Valued {
    pub value: String,
}

impl Valued {
    pub fn read<T: DeserializeOwned>(self) -> Result<T> {
        parse(&self.value)
    }

    pub fn all<T: DeserializeOwned>(documents: Vec<Valued>) -> Result<Vec<T>> {
        documents.into_iter().map(Valued::read).collect()
    }
}

pub fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("a noun of chat encodes")
}

pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Unavailable(anyhow!("a document of chat: {error}")))
}

pub fn who(number: i64) -> Result<Who> {
    Who::of_number(number).ok_or_else(|| StoreError::Unavailable(anyhow!("a document names nobody")))
}

pub fn there(id: RoomId) -> Document {
    doc! { "_id": id.column(), "demolished": false }
}

pub async fn room(step: &mut Step, id: RoomId) -> Result<Room> {
    let found: Option<RoomDocument> = step.one(ROOMS, there(id)).await?;
    found.ok_or(NO_ROOM)?.room()
}

/// Takes the room's turn; as it is then.
pub async fn take(step: &mut Step, id: RoomId) -> Result<Room> {
    let taken = step.changed::<RoomDocument>(ROOMS, there(id), doc! { "$inc": { "turn": 1_i64 } }).await?;
    taken.ok_or(NO_ROOM)?.room()
}

/// Keeps its numbers.
pub async fn put_ends(step: &mut Step, room: &Room) -> Result<()> {
    let ends = doc! { "last": room.last as i64, "changes": room.changes as i64, "last_at": room.last_at.0 };
    step.change(ROOMS, doc! { "_id": room.id.column() }, doc! { "$set": ends }).await.map(drop)
}
