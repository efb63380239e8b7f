//! The kinds and rows of chat. Messages and revisions may be long: fewer of them make a page.

use async_trait::async_trait;
use bytes::Bytes;
use model::chat::{Arrival, Bot, File, Guest, GuestLink, Hook, Room};
use model::{FileId, Millis, RoomId, UploadId};
use serde::Serialize;

use super::{Key, Kind, PAGE_MESSAGES_MAX, PART_BYTES, Page, Row, TOTALS_PAGE_MAX};
use crate::Result;
use crate::chat::Files;
use crate::history::PAGE_BYTES_MAX;

impl Kind {
    pub(crate) fn is_chat(self) -> bool {
        use Kind::*;
        matches!(
            self,
            Bots | Rooms
                | RoomMembers
                | GuestLinks
                | Guests
                | Bans
                | Messages
                | Revisions
                | Stars
                | Conversations
                | Learned
                | Duty
                | Rules
                | RuleMarks
                | Alerts
                | Hooks
                | Shown
                | BotHooks
                | Fanned
                | Jobs
                | Arrivals
        )
    }

    /// Rows of one page, where `limit` are asked for.
    pub(crate) fn page_of(self, limit: usize) -> usize {
        match self {
            Kind::Messages | Kind::Revisions => limit.min(PAGE_MESSAGES_MAX),
            Kind::Totals | Kind::Learned | Kind::PageDays | Kind::ServiceDays => limit.min(TOTALS_PAGE_MAX),
            _ => limit,
        }
    }
}

#[derive(Clone, PartialEq, Serialize)]
pub struct BotRow {
    pub bot: Bot,
    pub secret: [u8; 32],
}

#[derive(Clone, PartialEq, Serialize)]
pub struct RoomRow {
    pub room: Room,
    /// What tells it from other direct rooms.
    pub direct: Option<String>,
}

#[derive(Clone, PartialEq, Serialize)]
pub struct LinkRow {
    pub link: GuestLink,
    pub secret: [u8; 32],
}

#[derive(Clone, PartialEq, Serialize)]
pub struct GuestRow {
    pub guest: Guest,
    /// None: gone.
    pub secret: Option<[u8; 32]>,
}

#[derive(Clone, PartialEq, Serialize)]
pub struct StarRow {
    pub who: i64,
    pub room: i64,
    pub number: i64,
}

#[derive(Clone, PartialEq, Serialize)]
pub struct HookRow {
    pub hook: Hook,
    /// Of the secret in its address.
    pub address: [u8; 32],
}

/// A commit that a message of a room showed.
#[derive(Clone, PartialEq, Serialize)]
pub struct ShownRow {
    pub room: i64,
    pub mark: [u8; 32],
    pub number: i64,
}

/// That a rule was said to a visitor.
#[derive(Clone, PartialEq, Serialize)]
pub struct RuleMarkRow {
    pub site: i64,
    pub mark: [u8; 32],
    pub until: i64,
}

/// How far a room was looked at for what goes out.
#[derive(Clone, PartialEq, Serialize)]
pub struct FannedRow {
    pub room: i64,
    pub number: i64,
}

/// What a room knows of a repository, in its place.
#[derive(Clone, PartialEq, Serialize)]
pub struct ArrivalRow {
    pub room: i64,
    pub mark: [u8; 32],
    pub place: i64,
    pub arrival: Arrival,
}

/// Of a file that a message names; others stay behind.
#[derive(Clone, PartialEq, Serialize)]
pub struct FileRow {
    pub room: RoomId,
    pub who: i64,
    pub upload: UploadId,
    pub since: Millis,
    pub message: i64,
    pub file: File,
}

/// `PART_BYTES` of a file, or what is left of it; an empty one has one part. The file counts once its last part is there.
#[derive(Clone, PartialEq)]
pub struct FilePart {
    pub row: FileRow,
    pub start: u64,
    pub body: Bytes,
}

impl FilePart {
    pub fn is_last(&self) -> bool {
        self.start + self.body.len() as u64 >= self.row.file.kept()
    }
}

/// The files of all rooms as one.
#[async_trait]
pub(crate) trait Filed: Send + Sync {
    /// The first of that room and id or behind, by (room, id), that a message names.
    async fn file_from(&self, room: i64, id: u128) -> Result<Option<FileRow>>;
}

/// One page of parts of files, from behind `after`.
pub(crate) async fn file_parts(
    files: &dyn Files,
    filed: &dyn Filed,
    after: Option<Key>,
    limit: usize,
) -> Result<Page> {
    let (mut room, mut id, mut start) = match after {
        Some(Key::Part(room, id, start)) => (room, id, start.saturating_add(PART_BYTES as u64)),
        _ => (i64::MIN, 0, 0),
    };
    let (mut rows, mut bytes) = (Vec::new(), 0);
    while rows.len() < limit && bytes < PAGE_BYTES_MAX {
        let Some(row) = filed.file_from(room, id).await? else {
            return Ok(Page { rows, next: None });
        };
        let of = (row.room.value() as i64, row.file.id.0);
        if of != (room, id) {
            (room, id, start) = (of.0, of.1, 0);
        }
        // An empty file has one part all the same.
        if start > 0 && start >= row.file.kept() {
            (room, id) = id.checked_add(1).map_or((room + 1, 0), |id| (room, id));
            start = 0;
            continue;
        }
        let length = (row.file.kept() - start).min(PART_BYTES as u64) as usize;
        let body = files.read_file(row.room, FileId(id), start, length).await?;
        bytes += body.len();
        rows.push(Row::File(FilePart { row, start, body }));
        start += PART_BYTES as u64;
    }
    let next = rows.last().and_then(Row::key);
    Ok(Page { rows, next })
}
