//! Files of rooms: they come part by part and count once they are here as a whole; what no message names does not stay.

use async_trait::async_trait;
use bytes::Bytes;
use model::chat::{File, NewFile};
use model::{FileId, Millis, RoomId, limits};

use crate::{Result, StoreError};

/// The files of all rooms. One is read once a message names it, and is gone with that message or with the room.
#[async_trait]
pub trait Files: Send + Sync {
    /// Says that a file comes. Another of the same sender, room and upload that is here is the answer; one that is still coming is given up.
    /// NotFound for who may say nothing there; Limit past `FILE_BYTES_MAX`, where the room would pass `FILES_A_ROOM_BYTES_MAX`, or the sender
    /// `UNPOSTED_BYTES_MAX` in it.
    async fn expect(&self, new: NewFile) -> Result<Expected>;

    /// Takes bytes of a file that is coming, at most `FILE_PART_BYTES`, at a multiple of that. NotFound where it is not coming.
    async fn part(&self, room: RoomId, id: FileId, start: u64, bytes: Bytes) -> Result<()>;

    /// All of its parts were taken: `file.kept()` bytes. Durable when this returns. NotFound where it is not coming; Limit past
    /// `FILE_NAME_BYTES_MAX`, `FILE_BYTES_MAX` or, by what it turned out to be, `FILES_A_ROOM_BYTES_MAX`.
    async fn arrived(&self, room: RoomId, file: File) -> Result<()>;

    /// It will not come any more. Nothing where it is not coming.
    async fn give_up(&self, room: RoomId, id: FileId) -> Result<()>;

    /// A file that a message names.
    async fn file(&self, room: RoomId, id: FileId) -> Result<File>;

    /// Exactly `length` bytes of a file that was found, from `start` on. NotFound where it is gone meanwhile.
    async fn read_file(&self, room: RoomId, id: FileId, start: u64, length: usize) -> Result<Bytes>;

    /// Bytes of all files of a room, with those that are coming, and those that are gone and not swept yet.
    async fn bytes_of_files(&self, room: RoomId) -> Result<u64>;

    /// Removes the bytes of what is gone, and what no message named within `UPLOAD_KEPT_MAX`; how many files.
    async fn sweep_files(&self, now: Millis) -> Result<usize>;
}

#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    Coming,
    /// It came already.
    Here(File),
}

pub(crate) const NO_FILE: StoreError = StoreError::NotFound("file");

/// Files that one step of sweeping removes.
pub(crate) const SWEEP_MAX: usize = 64;

pub(crate) fn refuse_oversized(file: &File) -> Result<()> {
    use super::rooms::bounded;
    bounded(file.name.len(), "bytes in the name of a file", limits::FILE_NAME_BYTES_MAX)?;
    refuse_too_many_bytes(file.kept())
}

pub(crate) fn refuse_too_many_bytes(bytes: u64) -> Result<()> {
    super::rooms::bounded(bytes as usize, "bytes in a file", limits::FILE_BYTES_MAX)
}

/// `own` with the file: those of its sender that no message names.
pub(crate) fn refuse_unposted(own: u64) -> Result<()> {
    let max = limits::UNPOSTED_BYTES_MAX;
    super::rooms::bounded(own as usize, "bytes in files of one person that no message names", max)
}

/// `all` with the file.
pub(crate) fn refuse_full_room(all: u64) -> Result<()> {
    let max = limits::FILES_A_ROOM_BYTES_MAX;
    super::rooms::bounded(all as usize, "bytes in the files of a room", max as usize)
}

/// What was never posted goes if it came before the first; what is gone and may still be coming, before the second.
pub(crate) fn overdue(now: Millis) -> (Millis, Millis) {
    (now.minus(limits::UPLOAD_KEPT_MAX), now.minus(limits::UPLOAD_TIME_MAX))
}
