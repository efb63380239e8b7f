//! Rooms as a file, with all that was said in them, and back: a tar archive of a file of JSON lines a room, the files that were sent to it, and a
//! manifest. `docs/export.md` says what stands where. Secrets, tokens, hashes of browsers and addresses are in none.

mod line;
mod merge;
mod pack;
mod people;
mod read;
mod rules;
mod unpack;

use std::sync::Arc;

use model::RoomId;
use model::chat::rights::RoomAction;
use model::rights::Principal;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Chat, Refused, Result};

pub use line::Line;
pub use pack::{Own, Packed, pack};
pub use read::Archive;
pub use unpack::{Outcome, Target, unpack};

/// What an archive says it is, and the version that is written and read.
pub const FORMAT: &str = "watchfire-rooms";
pub const VERSION: u32 = 1;
/// Bytes of one line: a paste of characters that JSON writes as six, and as much again for who reacted to it.
pub const LINE_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of the manifest: rooms of one installation.
const MANIFEST_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Files of one archive, and messages and people of one of its rooms.
pub const FILES_MAX: usize = 500_000;
pub const MESSAGES_MAX: u64 = 2_000_000;
pub const PEOPLE_MAX: usize = 200_000;
/// Rooms that are taken out over HTTP at once, of one process.
pub const EXPORTS_AT_ONCE_MAX: usize = 2;

/// The last file of an archive: without it it is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Manifest {
    format: String,
    version: u32,
    rooms: Vec<PackedRoom>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct PackedRoom {
    room: RoomId,
    lines: u64,
    messages: u64,
    files: u64,
    /// Of its file of lines.
    sha256: String,
}

const MANIFEST: &str = "manifest.json";

/// What a tar archive is made of; two empty ones end it.
const BLOCK: usize = 512;

/// Bytes behind a file up to the next block.
fn padding(size: u64) -> u64 {
    size.next_multiple_of(BLOCK as u64) - size
}

fn lines_name(room: RoomId) -> String {
    format!("rooms/{room}.jsonl")
}

fn file_name(room: RoomId, file: model::FileId) -> String {
    format!("rooms/{room}/{file}")
}

fn hex(hash: &[u8]) -> String {
    use std::fmt::Write;
    hash.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The turn of one who takes a room out.
pub struct Leave {
    store: store::Store,
    room: RoomId,
    _turn: OwnedSemaphorePermit,
}

pub(crate) fn turns() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(EXPORTS_AT_ONCE_MAX))
}

impl Chat {
    /// A room for who may take it out: `Leave::pack` writes it, without what is each member's own.
    pub async fn export(&self, by: &Principal, room: RoomId) -> Result<Leave> {
        self.seen(by, room, RoomAction::Export).await?;
        let turn = Arc::clone(&self.exports).try_acquire_owned();
        let full = Refused::Limit { what: "exports under way at once", max: EXPORTS_AT_ONCE_MAX };
        Ok(Leave { store: self.store.clone(), room, _turn: turn.map_err(|_| full)? })
    }
}

impl Leave {
    pub async fn pack(self, out: &mut (impl tokio::io::AsyncWrite + Unpin + Send)) -> anyhow::Result<Packed> {
        pack(&self.store, Some(self.room), Own::LeftOut, out).await
    }
}
