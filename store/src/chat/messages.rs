//! Messages: posted once, changed with their history, read by place, by change, by day, by words.

use async_trait::async_trait;
use model::chat::{Change, Message, NewMessage, Revision, Room, Who};
use model::{MessageId, Millis, RoomId, SiteId};

use crate::Result;

/// The messages of all rooms. Unknown rooms have none; unknown messages are NotFound. Lists have at most
/// `MESSAGES_A_PAGE_MAX` entries, whatever is asked for.
#[async_trait]
pub trait Messages: Send + Sync {
    /// Posts a message, as the room's next. NotFound where there is no such room, its author is no member, or what it answers is not there, or
    /// removed, or itself an answer. An id that the author has posted in the room already is answered by that message, as it is now; one that somebody
    /// else has is a Conflict. Its files are NotFound unless they are here, its author's, and of no other message; they are this one's from then on. Limit past the bytes of its kind, `FILES_A_MESSAGE_MAX`, past `MENTIONS_MAX`, and past `UNRECORDED_MAX` in a room that is locked.
    async fn post(&self, new: NewMessage) -> Result<Posted>;

    /// Changes a message, as the room's next change. One that would make no difference makes none. Only removing is
    /// Ok of a removed message; all else of it is NotFound. Conflict where a note is edited or decided, or somebody else's text is edited.
    /// Limit past the bytes of its kind, `EMOJI_A_MESSAGE_MAX`, `REACTIONS_A_MESSAGE_MAX`, `EMOJI_BYTES_MAX` or `REVISIONS_MAX`.
    /// A removed message keeps its place and loses its body, reactions, history and stars.
    async fn change(&self, room: RoomId, number: u64, by: Who, at: Millis, change: Change)
    -> Result<Message>;

    async fn message(&self, room: RoomId, number: u64) -> Result<Message>;

    async fn message_by_id(&self, room: RoomId, id: MessageId) -> Result<Message>;

    /// Messages at a place, in the room's order; answers in threads among them.
    async fn page(&self, room: RoomId, at: Place, limit: usize) -> Result<Vec<Message>>;

    /// Messages that were touched behind a change, as they are now, in the order in which they were touched last. Whoever
    /// asks again from the last one's `changed` until none comes has missed nothing.
    async fn touched(&self, room: RoomId, after: u64, limit: usize) -> Result<Vec<Message>>;

    /// Answers to a message, in order, from behind one.
    async fn thread(&self, room: RoomId, number: u64, after: u64, limit: usize) -> Result<Vec<Message>>;

    /// What is decided in a room, from before a message, newest first.
    async fn decisions(&self, room: RoomId, before: Option<u64>, limit: usize) -> Result<Vec<Message>>;

    /// A message's history, oldest first.
    async fn history(&self, room: RoomId, number: u64) -> Result<Vec<Revision>>;

    /// Puts a star at a message, or takes it away; either may be so already. Limit past `STARS_MAX`.
    async fn star(&self, who: Who, room: RoomId, number: u64, starred: bool) -> Result<()>;

    /// The messages that somebody has a star at, in these rooms, by room and number.
    async fn stars(&self, who: Who, rooms: Vec<RoomId>) -> Result<Vec<(RoomId, u64)>>;

    /// Messages with all of the words, newest first; of one millisecond in an order that stays. Notes, removed and
    /// unrecorded messages are not found. Limit past `SEARCH_WORDS_MAX` or `SEARCH_ROOMS_MAX`. No rooms: nothing.
    async fn search(&self, search: Search) -> Result<Vec<Message>>;
}

#[derive(Clone, Debug, PartialEq)]
pub struct Posted {
    pub message: Message,
    /// It was posted just now, and not before.
    pub fresh: bool,
    /// As it is in the same moment.
    pub room: Room,
}

/// Messages of all rooms have a place, in the order of time: its bits behind those of the millisecond.
pub(crate) const PLACE_BITS: u32 = 20;

/// The first place of a moment.
pub(crate) fn first_place(at: Millis) -> i64 {
    at.0.clamp(0, i64::MAX >> PLACE_BITS) << PLACE_BITS
}

/// Where a page lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The last ones.
    End,
    /// The last ones before a number.
    Before(u64),
    /// The first ones behind a number.
    After(u64),
    /// The first ones of that moment and later, before the second moment.
    Between(Millis, Millis),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Search {
    /// Those that the searcher may read.
    pub rooms: Vec<RoomId>,
    /// In their place: all of the conversations of that site.
    pub inbox: Option<SiteId>,
    /// As it was typed; empty: any text. One that has no word in it is found nowhere.
    pub text: String,
    pub author: Option<Who>,
    /// The number of a kind.
    pub kind: Option<i64>,
    /// From the first moment on, before the second.
    pub from: Option<Millis>,
    pub to: Option<Millis>,
    /// The last message of the page before.
    pub before: Option<(RoomId, u64)>,
    pub limit: usize,
}

impl Search {
    /// Something is looked for, and none of its words.
    pub(crate) fn is_in_vain(&self, words: &[String]) -> bool {
        words.is_empty() && !self.text.trim().is_empty()
    }

    pub(crate) fn refuse_oversized(&self, words: &[String]) -> Result<()> {
        use super::rooms::bounded;
        use model::limits;
        bounded(words.len(), "words of a search", limits::SEARCH_WORDS_MAX)?;
        bounded(self.rooms.len(), "rooms of a search", limits::SEARCH_ROOMS_MAX)
    }
}

pub(crate) fn page_of(limit: usize) -> usize {
    limit.clamp(1, model::limits::MESSAGES_A_PAGE_MAX)
}
