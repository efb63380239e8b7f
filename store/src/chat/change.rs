//! What a change makes of a message: the same in every backend. Pure.

use model::chat::{
    Change, Closed, Decision, File, Message, MessageKind, NewMessage, Reaction, Removal, Revised, Room,
    TELLER, Who,
};
use model::{Millis, limits};

use super::rooms::{LOCKED, bounded};
use crate::{Result, StoreError};

pub(crate) const NO_MESSAGE: StoreError = StoreError::NotFound("message");
pub(crate) const TAKEN_ID: StoreError = StoreError::Conflict("that message id is taken");
pub(crate) const TOO_MANY_UNRECORDED: StoreError =
    StoreError::Limit { what: "messages of a locked room", max: limits::UNRECORDED_MAX };
pub(crate) const TOO_MANY_STARS: StoreError =
    StoreError::Limit { what: "stars of one person", max: limits::STARS_MAX };

/// What became of the message by a change that made a difference, and the step of its history, if it is one.
pub(crate) struct Changed {
    pub message: Message,
    pub revised: Option<Revised>,
}

pub(crate) fn refuse_oversized(kind: MessageKind, body: &str, mentions: &[Who]) -> Result<()> {
    let (what, max) = match kind {
        MessageKind::Paste => ("bytes in a paste", limits::PASTE_BYTES_MAX),
        _ => ("bytes in a message", limits::MESSAGE_BYTES_MAX),
    };
    bounded(body.len(), what, max)?;
    bounded(mentions.len(), "people mentioned in a message", limits::MENTIONS_MAX)
}

/// The message that is posted as the room's `number`, by its change `changed`; `at` is not before the room's last.
pub(crate) fn posted(
    new: &NewMessage,
    number: u64,
    changed: u64,
    at: Millis,
    unrecorded: bool,
    files: Vec<File>,
) -> Message {
    Message {
        room: new.room,
        number,
        id: new.id,
        author: new.author,
        at,
        kind: new.kind,
        body: new.body.clone(),
        thread: new.thread,
        mentions: new.mentions.clone(),
        files,
        edited: None,
        removed: None,
        decided: None,
        fix: None,
        closed: None,
        reactions: Vec::new(),
        replies: 0,
        revisions: 0,
        unrecorded,
        retold: None,
        changed,
    }
}

/// Whether somebody says something there without being its member: in conversations the agents do, and who tells of commits.
pub(crate) fn may_say(room: &Room, author: Who) -> bool {
    room.kind.is_of_inbox() && matches!(author, Who::Account(_) | Who::Bot(TELLER))
}

/// What the room itself tells is recorded always, and what its repositories do: nobody tells that again.
pub(crate) fn is_unrecorded(room: &Room, new: &NewMessage) -> bool {
    room.locked && !matches!(new.kind, MessageKind::Note(_)) && new.author != Who::Bot(TELLER)
}

/// None: it makes no difference. While its room is locked, what was recorded before stays as it is; but it may be taken away.
pub(crate) fn change(
    message: &Message,
    in_locked: bool,
    by: Who,
    at: Millis,
    change: Change,
) -> Result<Option<Changed>> {
    let is_recorded = matches!(
        change,
        Change::Edit { .. } | Change::Decide | Change::Undecide | Change::Close { .. } | Change::Reopen
    );
    if in_locked && is_recorded && !message.unrecorded && by != Who::Bot(TELLER) {
        return Err(LOCKED);
    }
    if message.removed.is_some() {
        return if change == Change::Remove { Ok(None) } else { Err(NO_MESSAGE) };
    }
    let mut next = message.clone();
    // However often its author edited it, those who decide may still do so.
    let revisions_max = match change {
        Change::Edit { .. } => limits::REVISIONS_MAX,
        _ => 2 * limits::REVISIONS_MAX,
    };
    let revised = match change {
        Change::Edit { body, mentions } => edit(&mut next, by, at, body, mentions)?,
        Change::Remove => {
            remove(&mut next, by, at);
            None
        }
        Change::React { emoji } => {
            react(&mut next, by, emoji)?;
            None
        }
        Change::Unreact { emoji } => {
            unreact(&mut next, by, &emoji);
            None
        }
        Change::Decide => decide(&mut next, by, at)?,
        Change::Undecide => next.decided.take().map(|_| Revised::Undecided),
        Change::Fix(fix) => {
            refuse_no_conversation(&next)?;
            // Said again, it is what it was, and where.
            if next.fix.as_ref().is_none_or(|known| known.commit.id != fix.commit.id) {
                next.fix = Some(fix);
            }
            None
        }
        Change::Release { commit, tag } => {
            if let Some(fix) = next.fix.as_mut().filter(|fix| fix.commit.id == commit) {
                fix.release = Some(tag);
            }
            None
        }
        Change::Close { note } => close(&mut next, by, at, note)?,
        Change::Reopen => {
            next.fix = None;
            next.closed.take().map(|_| Revised::Reopened)
        }
    };
    if next == *message {
        return Ok(None);
    }
    if revised.is_some() {
        bounded(message.revisions as usize + 1, "revisions of a message", revisions_max)?;
        next.revisions += 1;
    }
    Ok(Some(Changed { message: next, revised }))
}

/// Leaves its place, and that it was there.
pub(crate) fn remove(message: &mut Message, by: Who, at: Millis) {
    message.body.clear();
    message.mentions.clear();
    message.files.clear();
    message.reactions.clear();
    message.decided = None;
    message.fix = None;
    message.closed = None;
    message.edited = None;
    message.revisions = 0;
    message.removed = Some(Removal { by, at });
}

fn edit(
    message: &mut Message,
    by: Who,
    at: Millis,
    body: String,
    mentions: Vec<Who>,
) -> Result<Option<Revised>> {
    refuse_oversized(message.kind, &body, &mentions)?;
    match message.kind {
        MessageKind::Text | MessageKind::Paste if by == message.author => {}
        MessageKind::Text | MessageKind::Paste => {
            return Err(StoreError::Conflict("a text is edited by who wrote it"));
        }
        MessageKind::Sound | MessageKind::Note(_) => return Err(NOT_SAID),
    }
    if body == message.body {
        return Ok(None);
    }
    message.mentions = mentions;
    message.edited = Some(at);
    Ok(Some(Revised::Edited(std::mem::replace(&mut message.body, body))))
}

const NOT_SAID: StoreError = StoreError::Conflict("this is nothing that somebody wrote");

fn decide(message: &mut Message, by: Who, at: Millis) -> Result<Option<Revised>> {
    if matches!(message.kind, MessageKind::Note(_) | MessageKind::Sound) {
        return Err(NOT_SAID);
    }
    if message.decided.is_some() {
        return Ok(None);
    }
    message.decided = Some(Decision { by, at });
    Ok(Some(Revised::Decided))
}

/// Who closed it stays who did, whoever finds better words for it.
fn close(message: &mut Message, by: Who, at: Millis, note: String) -> Result<Option<Revised>> {
    refuse_no_conversation(message)?;
    bounded(note.len(), "bytes in a closing note", limits::CLOSING_NOTE_BYTES_MAX)?;
    match &mut message.closed {
        Some(closed) if closed.note == note => return Ok(None),
        Some(closed) => closed.note.clone_from(&note),
        none => *none = Some(Closed { by, at, note: note.clone() }),
    }
    Ok(Some(Revised::Closed(note)))
}

fn refuse_no_conversation(message: &Message) -> Result<()> {
    match message.kind {
        MessageKind::Note(_) | MessageKind::Sound => Err(NOT_SAID),
        _ if message.thread.is_some() => {
            Err(StoreError::Conflict("an answer is part of a conversation: close that one"))
        }
        _ => Ok(()),
    }
}

fn react(message: &mut Message, by: Who, emoji: String) -> Result<()> {
    bounded(emoji.len(), "bytes of an emoji", limits::EMOJI_BYTES_MAX)?;
    let known = message.reactions.iter().position(|reaction| is_same_emoji(&reaction.emoji, &emoji));
    if known.is_some_and(|index| message.reactions[index].who.contains(&by)) {
        return Ok(());
    }
    let all: usize = message.reactions.iter().map(|reaction| reaction.who.len()).sum();
    bounded(all + 1, "reactions to a message", limits::REACTIONS_A_MESSAGE_MAX)?;
    match known {
        Some(index) => message.reactions[index].who.push(by),
        None => {
            bounded(message.reactions.len() + 1, "emoji at a message", limits::EMOJI_A_MESSAGE_MAX)?;
            message.reactions.push(Reaction { emoji, who: vec![by] });
        }
    }
    Ok(())
}

fn unreact(message: &mut Message, by: Who, emoji: &str) {
    for reaction in message.reactions.iter_mut().filter(|reaction| is_same_emoji(&reaction.emoji, emoji)) {
        reaction.who.retain(|who| *who != by);
    }
    message.reactions.retain(|reaction| !reaction.who.is_empty());
}

/// With the selector that asks for a picture (U+FE0F) or without it: keyboards differ.
fn is_same_emoji(one: &str, other: &str) -> bool {
    let plain = |letter: &char| *letter != '\u{FE0F}';
    one.chars().filter(plain).eq(other.chars().filter(plain))
}
