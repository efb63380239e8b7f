//! Messages: posted, changed, starred. What they are found by stands in the document itself.

use async_trait::async_trait;
use model::chat::{Change, File, Message, NewMessage, Revision, Room, Who};
use model::{MessageId, Millis, RoomId, limits};
use mongodb::bson::{Binary, Document, doc};

use super::{
    Chat, MESSAGES, REVISIONS, STARS, Valued, conversations, files, json, people, put_ends, reading, take,
};
use crate::chat::change::{
    self, NO_MESSAGE, TAKEN_ID, TOO_MANY_STARS, TOO_MANY_UNRECORDED, is_unrecorded, may_say, posted,
    refuse_oversized,
};
use crate::chat::messages::PLACE_BITS;
use crate::chat::rooms::NO_MEMBER;
use crate::chat::{Messages, Place, Posted, Search, words};
use crate::mongodb::columns::{Column, binary};
use crate::mongodb::gate::{CALL_TIME_MAX, within};
use crate::mongodb::schema::V;
use crate::mongodb::step::Step;
use crate::mongodb::transaction::{read, write};
use crate::{Result, StoreError};

#[async_trait]
impl Messages for Chat {
    async fn post(&self, new: NewMessage) -> Result<Posted> {
        refuse_oversized(new.kind, &new.body, &new.mentions)?;
        within(CALL_TIME_MAX, async {
            let _turn = self.lane(new.room).lock().await;
            write!(self, |step| post(step, &new))
        })
        .await
    }

    async fn change(
        &self,
        room: RoomId,
        number: u64,
        by: Who,
        at: Millis,
        change: Change,
    ) -> Result<Message> {
        within(CALL_TIME_MAX, async {
            let _turn = self.lane(room).lock().await;
            write!(self, |step| change_message(step, room, number, by, at, &change))
        })
        .await
    }

    async fn message(&self, room: RoomId, number: u64) -> Result<Message> {
        read!(self, |step| message(step, room, number))
    }

    async fn message_by_id(&self, room: RoomId, id: MessageId) -> Result<Message> {
        read!(self, |step| by_id(step, room, id))?.ok_or(NO_MESSAGE)
    }

    async fn page(&self, room: RoomId, at: Place, limit: usize) -> Result<Vec<Message>> {
        read!(self, |step| reading::page(step, room, at, limit))
    }

    async fn touched(&self, room: RoomId, after: u64, limit: usize) -> Result<Vec<Message>> {
        read!(self, |step| reading::touched(step, room, after, limit))
    }

    async fn thread(&self, room: RoomId, number: u64, after: u64, limit: usize) -> Result<Vec<Message>> {
        read!(self, |step| reading::thread(step, room, number, after, limit))
    }

    async fn decisions(&self, room: RoomId, before: Option<u64>, limit: usize) -> Result<Vec<Message>> {
        read!(self, |step| reading::decisions(step, room, before, limit))
    }

    async fn history(&self, room: RoomId, number: u64) -> Result<Vec<Revision>> {
        read!(self, |step| reading::history(step, room, number))
    }

    async fn star(&self, who: Who, room: RoomId, number: u64, starred: bool) -> Result<()> {
        write!(self, |step| star(step, who, room, number, starred))
    }

    async fn stars(&self, who: Who, rooms: Vec<RoomId>) -> Result<Vec<(RoomId, u64)>> {
        read!(self, |step| reading::stars(step, who, &rooms))
    }

    async fn search(&self, search: Search) -> Result<Vec<Message>> {
        let asked = words::asked(&search.text);
        search.refuse_oversized(&asked)?;
        if search.is_in_vain(&asked) {
            return Ok(Vec::new());
        }
        read!(self, |step| reading::search(step, &search, asked))
    }
}

pub fn one(room: RoomId, number: u64) -> Document {
    doc! { "room": room.column(), "number": number as i64 }
}

pub async fn post(step: &mut Step, new: &NewMessage) -> Result<Posted> {
    let mut room = take(step, new.room).await?;
    if !may_say(&room, new.author) && !people::is_member(step, new.room, new.author).await? {
        return Err(NO_MEMBER);
    }
    if let Some(message) = by_id(step, new.room, new.id).await? {
        let is_theirs = message.author == new.author;
        return if is_theirs { Ok(Posted { message, fresh: false, room }) } else { Err(TAKEN_ID) };
    }
    if room.locked && unrecorded(step, new.room).await? >= limits::UNRECORDED_MAX {
        return Err(TOO_MANY_UNRECORDED);
    }
    if let Some(number) = new.thread {
        count_reply(step, &mut room, number).await?;
    }
    let attached = files::attach(step, new.room, new.author, room.last + 1, &new.files).await?;
    let message = append(step, &mut room, new, attached).await?;
    if room.kind.is_of_inbox() {
        conversations::said(step, &room, new).await?;
    }
    Ok(Posted { message, fresh: true, room })
}

/// What is answered says so, by a change of its own.
async fn count_reply(step: &mut Step, room: &mut Room, number: u64) -> Result<()> {
    let mut answered = message(step, room.id, number).await?;
    if answered.removed.is_some() || answered.thread.is_some() {
        return Err(NO_MESSAGE);
    }
    answered.replies += 1;
    room.changes += 1;
    answered.changed = room.changes;
    put(step, &answered).await
}

/// The room's next message.
async fn append(step: &mut Step, room: &mut Room, new: &NewMessage, files: Vec<File>) -> Result<Message> {
    room.last += 1;
    room.changes += 1;
    room.last_at = room.last_at.max(new.at);
    let message = posted(new, room.last, room.changes, room.last_at, is_unrecorded(room, new), files);
    step.insert(MESSAGES, &document(&message, inbox(room))).await?;
    put_ends(step, room).await?;
    Ok(message)
}

/// A note is a message that needs no member.
pub async fn tell(step: &mut Step, room: &mut Room, note: Option<&NewMessage>) -> Result<()> {
    let Some(note) = note else {
        return Ok(());
    };
    refuse_oversized(note.kind, &note.body, &note.mentions)?;
    if by_id(step, room.id, note.id).await?.is_none() {
        append(step, room, note, Vec::new()).await?;
    }
    Ok(())
}

pub async fn message(step: &mut Step, room: RoomId, number: u64) -> Result<Message> {
    let found: Option<Valued> = step.one(MESSAGES, one(room, number)).await?;
    found.ok_or(NO_MESSAGE)?.read()
}

async fn by_id(step: &mut Step, room: RoomId, id: MessageId) -> Result<Option<Message>> {
    let found: Option<Valued> = step.one(MESSAGES, doc! { "room": room.column(), "id": id_of(id) }).await?;
    found.map(Valued::read).transpose()
}

fn id_of(id: MessageId) -> Binary {
    binary(&id.0.to_be_bytes())
}

async fn unrecorded(step: &mut Step, room: RoomId) -> Result<usize> {
    step.count(MESSAGES, doc! { "room": room.column(), "unrecorded": true }).await
}

/// The site that the room is a conversation of.
fn inbox(room: &Room) -> Option<i64> {
    room.site.filter(|_| room.kind.is_of_inbox()).map(Column::column)
}

pub fn document(message: &Message, inbox: Option<i64>) -> Document {
    let mut document = one(message.room, message.number);
    document.insert("v", V);
    if let Some(site) = inbox {
        document.insert("inbox", site);
    }
    document.insert("id", id_of(message.id));
    document.insert("at", message.at.0);
    document.insert("thread", message.thread.map(|number| number as i64));
    document.insert("place", place(message));
    document.extend(changing(message));
    document
}

/// What may change of it.
fn changing(message: &Message) -> Document {
    doc! {
        "changed": message.changed as i64,
        "decided": message.decided.is_some(),
        "unrecorded": message.unrecorded && message.removed.is_none(),
        "words": found_by(message),
        "value": json(message),
    }
}

fn found_by(message: &Message) -> Vec<String> {
    let Some(mut found_by) = words::of_message(message) else {
        return Vec::new();
    };
    found_by.extend([words::by(message.author), words::of_kind(message.kind.number()), words::any()]);
    found_by
}

/// In the order of time; of the same millisecond, those of one room in theirs.
fn place(message: &Message) -> i64 {
    let mask = (1 << PLACE_BITS) - 1;
    let of_room = i64::from(crc(message.room)) + message.number as i64;
    message.at.0 << PLACE_BITS | (of_room & mask)
}

/// Rooms lie apart from each other.
fn crc(room: RoomId) -> u32 {
    let hash = blake3::hash(&room.value().to_be_bytes());
    let first: [u8; 4] = hash.as_bytes()[..4].try_into().expect("4 of 32 bytes");
    u32::from_be_bytes(first)
}

async fn put(step: &mut Step, message: &Message) -> Result<()> {
    step.change(MESSAGES, one(message.room, message.number), doc! { "$set": changing(message) })
        .await
        .map(drop)
}

async fn change_message(
    step: &mut Step,
    id: RoomId,
    number: u64,
    by: Who,
    at: Millis,
    change: &Change,
) -> Result<Message> {
    let room = take(step, id).await;
    let before = message(step, id, number).await?;
    let mut room = room?;
    let changed = change::change(&before, room.locked, by, at, change.clone())?;
    let Some(change::Changed { mut message, revised }) = changed else {
        return Ok(before);
    };
    room.changes += 1;
    put_ends(step, &room).await?;
    message.changed = room.changes;
    put(step, &message).await?;
    if room.kind.is_of_inbox() {
        conversations::edited(step, &message).await?;
    }
    if let Some(what) = revised {
        let revision = Revision { room: id, number, change: room.changes, at, by, what };
        step.insert(REVISIONS, &revision_document(&revision)).await?;
    }
    if message.removed.is_some() {
        forget_beside(step, id, number).await?;
    }
    Ok(message)
}

pub fn revision_document(revision: &Revision) -> Document {
    doc! {
        "v": V,
        "room": revision.room.column(),
        "change": revision.change as i64,
        "number": revision.number as i64,
        "value": json(revision),
    }
}

/// A removed message's history, stars and files.
async fn forget_beside(step: &mut Step, room: RoomId, number: u64) -> Result<()> {
    step.remove(REVISIONS, one(room, number)).await?;
    step.remove(STARS, one(room, number)).await?;
    files::release(step, room, &[number as i64]).await
}

/// By the unlocking itself, whose note says who did it and when.
pub async fn remove_unrecorded(step: &mut Step, room: &mut Room, note: Option<&NewMessage>) -> Result<()> {
    let of_room = doc! { "room": room.id.column(), "unrecorded": true };
    let found: Vec<Valued> = step.all(MESSAGES, of_room, doc! {}).await?;
    let mut messages: Vec<Message> = Valued::all(found)?;
    messages.sort_by_key(|message| message.number);
    let (mut updates, mut numbers) = (Vec::new(), Vec::new());
    for mut message in messages {
        let (by, at) = note.map_or((message.author, message.at), |note| (note.author, note.at));
        change::remove(&mut message, by, at);
        room.changes += 1;
        message.changed = room.changes;
        numbers.push(message.number as i64);
        updates.push(doc! { "q": one(room.id, message.number), "u": { "$set": changing(&message) } });
    }
    if updates.is_empty() {
        return Ok(());
    }
    // One command for all of them: a transaction has only so much time.
    let answer = step.command(doc! { "update": MESSAGES, "updates": updates, "ordered": true }).await?;
    if answer.contains_key("writeErrors") {
        return Err(StoreError::Conflict("the messages of a locked room are changed by somebody else"));
    }
    files::release(step, room.id, &numbers).await?;
    let beside = doc! { "room": room.id.column(), "number": { "$in": numbers } };
    step.remove(REVISIONS, beside.clone()).await?;
    step.remove(STARS, beside).await.map(drop)
}

/// Takes the room's turn: the message is not removed at the same moment.
async fn star(step: &mut Step, who: Who, room: RoomId, number: u64, starred: bool) -> Result<()> {
    let mut star = one(room, number);
    star.insert("who", who.number());
    if !starred {
        return step.remove(STARS, star).await.map(drop);
    }
    take(step, room).await.map_err(|_| NO_MESSAGE)?;
    if message(step, room, number).await?.removed.is_some() {
        return Err(NO_MESSAGE);
    }
    if step.exists(STARS, star.clone()).await? {
        return Ok(());
    }
    if step.count(STARS, doc! { "who": who.number() }).await? >= limits::STARS_MAX {
        return Err(TOO_MANY_STARS);
    }
    star.insert("v", V);
    step.insert(STARS, &star).await
}
