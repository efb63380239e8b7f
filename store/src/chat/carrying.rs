//! Rooms that go out into an archive, and rooms that come in out of one.

use async_trait::async_trait;
use model::chat::{Conversation, Guest, Room, Who};
use model::{GuestId, Millis, RoomId};

use crate::moving::Row;
use crate::{Result, StoreError};

/// A room that comes is nobody's until all of it is there: no call finds it, and what is left of one that was given up, or whose process was
/// killed, goes before it comes again; in the embedded size with the next opening, too.
#[async_trait]
pub trait Carrying: Send + Sync {
    /// All rooms by id, direct ones too, but none of conversations: the first behind `after`, at most `PAGE_ROWS_MAX`.
    async fn every_room(&self, after: Option<RoomId>) -> Result<Vec<Room>>;

    /// All conversations with customers by their rooms: the first behind `after`, at most `CONVERSATIONS_A_PAGE_MAX`.
    async fn every_conversation(&self, after: Option<RoomId>) -> Result<Vec<Conversation>>;

    /// All guests of a room by id, gone ones too: the first behind `after`, at most `PAGE_ROWS_MAX`.
    async fn every_guest(&self, room: RoomId, after: Option<GuestId>) -> Result<Vec<Guest>>;

    /// All stars at messages of a room, by message and who: the first behind `after`, at most `PAGE_ROWS_MAX`.
    async fn every_star(&self, room: RoomId, after: (u64, i64)) -> Result<Vec<(u64, Who)>>;

    /// A room begins to come, with its numbers; `direct` tells a direct one from others. Conflict where it is there, or a direct one of the
    /// same; Limit past `ROOMS_MAX`, which rooms of conversations do not count towards.
    async fn begin(&self, room: Room, direct: Option<String>, began: Millis) -> Result<()>;

    /// Rows of one kind of the room that began to come at that moment: all or none, but for parts of files, which come in their order. A row
    /// that is there changes nothing. NotFound where the room is not coming, or began at another moment.
    async fn take(&self, room: RoomId, began: Millis, rows: Vec<Row>) -> Result<()>;

    /// It is a room like others from now on, and what was said in it goes nowhere. Conflict where a message or a part of a file is missing;
    /// NotFound as for `take`.
    async fn end(&self, room: RoomId, began: Millis) -> Result<()>;

    /// As `end`, of the room that a customer heard, and the conversation is there with it: both or neither. NotFound also where its notes are not there;
    /// Limit past `CONVERSATIONS_MAX` of its site, and past the bytes of any text.
    async fn end_conversation(&self, conversation: Conversation, began: Millis) -> Result<()>;

    /// It will not come: what came of it goes. Nothing where it is not coming.
    async fn give_up(&self, room: RoomId) -> Result<()>;
}

pub(crate) const NOT_COMING: StoreError = StoreError::NotFound("room that comes");
pub(crate) const NOT_WHOLE: StoreError = StoreError::Conflict("the room did not come whole");
pub(crate) const THERE_ALREADY: StoreError = StoreError::Conflict("a room with that id is there already");
pub(crate) const DIRECT_ALREADY: StoreError =
    StoreError::Conflict("a direct room of the same people is there already");
