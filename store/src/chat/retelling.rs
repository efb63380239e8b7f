//! A conversation that is told again in a public room: what of it, and as whose words. The same in every backend. Pure.

use model::chat::{
    Consent, Conversation, Guest, Message, MessageKind, NewMessage, Retelling, Room, RoomKind, Who,
};
use model::{AccountId, GuestId, MessageId, Millis, RoomId, limits};

use super::change::posted;
use super::rooms::bounded;
use crate::{Result, StoreError};

/// The customer says yes.
#[derive(Clone, Debug, PartialEq)]
pub struct Telling {
    /// To what was asked then.
    pub asked: Millis,
    /// Who they are in the public room, and what they are called there; empty: nothing.
    pub guest: GuestId,
    pub name: String,
    /// Of what begins the thread; those of the others follow it.
    pub first: MessageId,
    pub at: Millis,
}

const NOT_ASKED: StoreError = StoreError::Conflict("the customer is not asked that any more");
const TOLD: StoreError = StoreError::Conflict("the conversation stands in a public room already");
const NO_ANSWER_YET: StoreError =
    StoreError::Conflict("nobody has said anything in it that others could read");
const NOT_PUBLIC: StoreError = StoreError::Conflict("the room is not open to everybody");

/// The conversation, with its customer being asked.
pub(crate) fn ask(
    before: &Conversation,
    room: RoomId,
    title: String,
    by: AccountId,
    at: Millis,
) -> Result<Conversation> {
    bounded(title.len(), "bytes of what it is called", limits::RETOLD_TITLE_BYTES_MAX)?;
    refuse_long(before.last)?;
    if is_told(before) {
        return Err(TOLD);
    }
    if before.is_call || !before.takes_letters() {
        return Err(NO_ANSWER_YET);
    }
    // What was asked before is another question, whatever the clock says.
    let earlier = before.retelling.as_ref().map_or(Millis(i64::MIN), |earlier| earlier.asked);
    let asked = at.max(Millis(earlier.0.saturating_add(1)));
    let retelling = Some(Retelling { room, title, by, asked, answer: Consent::Asked });
    Ok(Conversation { retelling, ..before.clone() })
}

/// What was asked is not to be answered, or was answered with no.
pub(crate) fn end(before: &Conversation, asked: Option<Millis>, answer: Consent) -> Result<Conversation> {
    let mut next = before.clone();
    match &mut next.retelling {
        Some(of) if asked.is_none_or(|asked| asked == of.asked) && of.answer == answer => {}
        Some(of) if asked.is_none_or(|asked| asked == of.asked) && of.answer == Consent::Asked => {
            of.answer = answer;
        }
        _ => return Err(NOT_ASKED),
    }
    Ok(next)
}

/// What the customer says yes to. None: they did, and it is told.
pub(crate) fn allowed(before: &Conversation, telling: &Telling) -> Result<Option<Retelling>> {
    bounded(telling.name.len(), "bytes in a name", limits::NAME_BYTES_MAX)?;
    let is_that = |of: &&Retelling| of.asked == telling.asked;
    if is_told(before) && before.retelling.as_ref().is_some_and(|of| is_that(&of)) {
        return Ok(None);
    }
    let asked = before.asks_to_retell(telling.at).filter(is_that).ok_or(NOT_ASKED)?;
    refuse_long(before.last)?;
    Ok(Some(asked.clone()))
}

/// Everybody may read there, and who asked may still write.
pub(crate) fn refuse_not_public(room: &Room, is_member: bool) -> Result<()> {
    let is_open_to_all =
        room.public && !room.locked && room.kind != RoomKind::Direct && !room.kind.is_of_inbox();
    if is_open_to_all && is_member { Ok(()) } else { Err(NOT_PUBLIC) }
}

/// The thread, as the next messages of the room, which counts them. The customer's words are the guest's, all others stay whose they were; notes, sounds, what was
/// removed and files are not told.
pub(crate) fn told(
    of: &Conversation,
    asked: &Retelling,
    said: &[Message],
    room: &mut Room,
    telling: &Telling,
) -> Vec<Message> {
    let said: Vec<&Message> = said.iter().filter(|message| is_told_again(message)).collect();
    let first = room.last + 1;
    let begins = new(room.id, Who::Account(asked.by), MessageKind::Text, asked.title.clone(), telling);
    let mut thread = vec![Message { replies: said.len() as u32, ..next(of, room, begins) }];
    for (place, message) in said.into_iter().enumerate() {
        let author = match message.author {
            Who::Guest(_) => Who::Guest(telling.guest),
            other => other,
        };
        let answer = NewMessage {
            id: MessageId(telling.first.0.wrapping_add(place as u128 + 1)),
            thread: Some(first),
            ..new(room.id, author, message.kind, message.body.clone(), telling)
        };
        thread.push(next(of, room, answer));
    }
    thread
}

fn is_told_again(message: &Message) -> bool {
    let is_said = matches!(message.kind, MessageKind::Text | MessageKind::Paste);
    is_said && message.removed.is_none() && !message.body.trim().is_empty()
}

/// Whom it mentioned is told nothing of it.
fn new(room: RoomId, author: Who, kind: MessageKind, body: String, telling: &Telling) -> NewMessage {
    let (id, at) = (telling.first, telling.at);
    NewMessage { room, id, author, kind, body, thread: None, mentions: Vec::new(), files: Vec::new(), at }
}

fn next(of: &Conversation, room: &mut Room, new: NewMessage) -> Message {
    room.last += 1;
    room.changes += 1;
    room.last_at = room.last_at.max(new.at);
    let message = posted(&new, room.last, room.changes, room.last_at, false, Vec::new());
    Message { retold: Some(of.room), ..message }
}

/// The customer in the public room, where nothing lets them in.
pub(crate) fn guest(asked: &Retelling, telling: &Telling) -> Guest {
    Guest {
        id: telling.guest,
        room: asked.room,
        name: telling.name.clone(),
        created: telling.at,
        marks: Vec::new(),
        was: None,
        is_revoked: false,
    }
}

/// The conversation says where it is.
pub(crate) fn given(before: &Conversation, asked: Retelling, number: u64) -> Conversation {
    let retelling = Some(Retelling { answer: Consent::Given(number), ..asked });
    Conversation { retelling, version: before.version + 1, ..before.clone() }
}

fn is_told(conversation: &Conversation) -> bool {
    matches!(conversation.retelling, Some(Retelling { answer: Consent::Given(_), .. }))
}

/// All that was ever said in it is read in one step.
fn refuse_long(last: u64) -> Result<()> {
    let (what, max) = ("messages of a conversation that is told again", limits::RETOLD_MESSAGES_MAX);
    bounded(usize::try_from(last).unwrap_or(usize::MAX), what, max)
}
