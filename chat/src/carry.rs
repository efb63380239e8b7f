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
use model::chat::Who;
use model::chat::rights::RoomAction;
use model::rights::Principal;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::{Chat, Refused, Result};

pub use line::Line;
pub use pack::{Own, Packed, pack};
pub use read::Archive;
pub use unpack::{Outcome, Target, unpack};

/// What an archive says it is, and the versions that are written and read: the second has conversations with customers.
pub const FORMAT: &str = "watchfire-rooms";
pub const VERSION: u32 = 1;
pub const VERSION_WITH_CONVERSATIONS: u32 = 2;
/// Bytes of one line: a paste of characters that JSON writes as six, and as much again for who reacted to it.
pub const LINE_BYTES_MAX: usize = 1024 * 1024;
/// Conversations with customers of one archive.
pub const CONVERSATIONS_MAX: usize = 50_000;
/// Rooms of one archive: those of an installation, and two a conversation.
const ROOMS_MAX: usize = model::limits::ROOMS_MAX + 2 * CONVERSATIONS_MAX;
/// Bytes of the manifest: so many rooms.
const MANIFEST_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Files of one archive, and messages and people of one of its rooms.
pub const FILES_MAX: usize = 500_000;
pub const MESSAGES_MAX: u64 = 2_000_000;
pub const PEOPLE_MAX: usize = 200_000;
/// Rooms that are taken out over HTTP at once, of one process; one by one person.
pub const EXPORTS_AT_ONCE_MAX: usize = 4;

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

/// What one may take out.
pub struct Leave {
    store: store::Store,
    room: RoomId,
    _turn: Turn,
}

/// Who takes a room out just now.
pub(crate) type Exports = Arc<Mutex<Vec<Option<Who>>>>;

/// One of them, until it is dropped.
struct Turn {
    of: Exports,
    by: Option<Who>,
}

impl Turn {
    fn take(of: &Exports, by: Option<Who>) -> Result<Turn> {
        let mut under_way = of.lock();
        let (what, max) = match () {
            () if under_way.contains(&by) => ("exports under way by one person", 1),
            () if under_way.len() >= EXPORTS_AT_ONCE_MAX => {
                ("exports under way at once", EXPORTS_AT_ONCE_MAX)
            }
            () => {
                under_way.push(by);
                return Ok(Turn { of: Arc::clone(of), by });
            }
        };
        Err(Refused::Limit { what, max })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.of.lock().retain(|by| *by != self.by);
    }
}

impl Chat {
    /// A room for who may take it out: `Leave::pack` writes it, without what is each member's own.
    pub async fn export(&self, by: &Principal, room: RoomId) -> Result<Leave> {
        self.seen(by, room, RoomAction::Export).await?;
        let turn = Turn::take(&self.exports, by.who())?;
        Ok(Leave { store: self.store.clone(), room, _turn: turn })
    }
}

impl Leave {
    pub async fn pack(self, out: &mut (impl tokio::io::AsyncWrite + Unpin + Send)) -> anyhow::Result<Packed> {
        pack(&self.store, Some(self.room), Own::LeftOut, out).await
    }
}

#[cfg(test)]
mod tests {
    use model::AccountId;

    use super::*;

    #[test]
    fn one_takes_out_one_room_at_a_time_and_so_many_do_together() {
        let exports = Exports::default();
        let person = |number| Some(Who::Account(AccountId::of(number)));
        let mut turns: Vec<Turn> = (0..EXPORTS_AT_ONCE_MAX as u64)
            .map(|number| Turn::take(&exports, person(number)).expect("there is room"))
            .collect();
        assert!(matches!(
            Turn::take(&exports, person(99)),
            Err(Refused::Limit { max: EXPORTS_AT_ONCE_MAX, .. })
        ));
        assert!(matches!(Turn::take(&exports, person(0)), Err(Refused::Limit { max: 1, .. })));
        turns.remove(0);
        assert!(Turn::take(&exports, person(1)).is_err());
        turns.push(Turn::take(&exports, person(0)).expect("the first is done"));
    }
}
