//! Rooms, a document each.

use std::sync::Arc;

use async_trait::async_trait;
use model::chat::{Ban, Bot, Guest, GuestLink, Member, NewMessage, Notify, Room, RoomRole, Who};
use model::{BotId, GuestId, Millis, RoomId, SiteId, limits};
use mongodb::bson::{Document, doc};

use super::{
    ALERTS, ARRIVALS, BANS, CONVERSATIONS, Chat, DUTY, FANNED, GUESTS, HOOKS, LEARNED, LINKS, MEMBERS,
    MESSAGES, REVISIONS, ROOMS, RULES, RoomDocument, SHOWN, STARS, conversations, json, people, put_ends,
    room, rules, take, there,
};
use super::{files, messages};
use crate::accounts::SecretHash;
use crate::chat::rooms::{NO_ROOM, TOO_MANY_MADE, TOO_MANY_ROOMS, direct_key, refuse_oversized};
use crate::chat::{Entry, RoomChange, Rooms};
use crate::mongodb::columns::Column;
use crate::mongodb::forgotten;
use crate::mongodb::step::Step;
use crate::mongodb::transaction::{read, write};
use crate::mongodb::turns;
use crate::{Result, StoreError};

/// Messages or revisions that are removed in one call.
const REMOVE_MAX: i64 = 2_000;
/// Rooms that are removed at once.
const ROOMS_AT_ONCE: usize = 100;

#[async_trait]
impl Rooms for Chat {
    async fn open(&self, room: Room, members: Vec<Member>) -> Result<Room> {
        refuse_oversized(&room)?;
        write!(self, |step| open(step, &room, &members))
    }

    async fn room(&self, id: RoomId) -> Result<Room> {
        read!(self, |step| room(step, id))
    }

    async fn rooms_of(&self, who: Who) -> Result<Vec<(Room, Member)>> {
        read!(self, |step| people::rooms_of(step, who))
    }

    async fn rooms(&self, site: Option<SiteId>) -> Result<Vec<Room>> {
        read!(self, |step| rooms(step, site))
    }

    async fn change_all(&self, id: RoomId, changes: Vec<(RoomChange, Option<NewMessage>)>) -> Result<Room> {
        write!(self, |step| change_room(step, id, &changes))
    }

    async fn demolish(&self, id: RoomId) -> Result<()> {
        let rooms = write!(self, |step| begin_demolishing(step, id))?;
        finish_some(self, rooms).await
    }

    async fn forget_rooms(&self, site: SiteId) -> Result<()> {
        write!(self, |step| begin_forgetting(step, site))?;
        forget_conversations(self, site).await?;
        finish(self).await
    }

    async fn enter(&self, member: Member, marks: Vec<[u8; 32]>, note: Option<NewMessage>) -> Result<Entry> {
        write!(self, |step| people::enter(step, &member, &marks, note.as_ref()))
    }

    async fn leave(&self, room: RoomId, who: Who, note: Option<NewMessage>) -> Result<()> {
        write!(self, |step| people::leave(step, room, who, note.as_ref()))
    }

    async fn set_role(&self, room: RoomId, who: Who, role: RoomRole) -> Result<()> {
        write!(self, |step| people::set_role(step, room, who, role))
    }

    async fn member(&self, room: RoomId, who: Who) -> Result<Option<Member>> {
        read!(self, |step| people::member(step, room, who))
    }

    async fn members(&self, room: RoomId) -> Result<Vec<Member>> {
        read!(self, |step| people::members(step, room))
    }

    async fn read_to(&self, room: RoomId, who: Who, number: u64) -> Result<u64> {
        read!(self, |step| people::read_to(step, room, who, number))
    }

    async fn set_notify(&self, room: RoomId, who: Who, notify: Notify) -> Result<()> {
        read!(self, |step| people::set_notify(step, room, who, notify))
    }

    async fn link(&self, link: GuestLink, secret: SecretHash) -> Result<()> {
        write!(self, |step| people::link(step, &link, secret))
    }

    async fn linked(&self, secret: SecretHash) -> Result<GuestLink> {
        read!(self, |step| people::linked(step, secret))
    }

    async fn link_of(&self, room: RoomId) -> Result<Option<GuestLink>> {
        read!(self, |step| people::link_of(step, room))
    }

    async fn unlink(&self, room: RoomId) -> Result<()> {
        write!(self, |step| people::unlink(step, room))
    }

    async fn admit(&self, guest: Guest, secret: SecretHash, note: Option<NewMessage>) -> Result<Entry> {
        write!(self, |step| people::admit(step, &guest, secret, note.as_ref()))
    }

    async fn admitted(&self, secret: SecretHash) -> Result<Guest> {
        read!(self, |step| people::admitted(step, secret))
    }

    async fn guests(&self, ids: Vec<GuestId>) -> Result<Vec<Guest>> {
        read!(self, |step| people::guests(step, &ids))
    }

    async fn ban(&self, bans: Vec<Ban>, now: Millis, note: Option<NewMessage>) -> Result<()> {
        write!(self, |step| people::ban(step, &bans, now, note.as_ref()))
    }

    async fn bans(&self, room: RoomId, now: Millis) -> Result<Vec<Ban>> {
        read!(self, |step| people::bans(step, room, now))
    }

    async fn is_barred(&self, room: RoomId, marks: Vec<[u8; 32]>, at: Millis) -> Result<bool> {
        read!(self, |step| people::is_barred(step, room, &marks, at))
    }

    async fn unban(&self, room: RoomId, who: Who) -> Result<()> {
        read!(self, |step| people::unban(step, room, who))
    }

    async fn add_bot(&self, bot: Bot, secret: SecretHash) -> Result<()> {
        write!(self, |step| people::add_bot(step, &bot, secret))
    }

    async fn bot(&self, secret: SecretHash) -> Result<Bot> {
        read!(self, |step| people::bot(step, secret))
    }

    async fn bots(&self) -> Result<Vec<Bot>> {
        read!(self, |step| people::bots(step))
    }

    async fn remove_bot(&self, id: BotId) -> Result<()> {
        write!(self, |step| people::remove_bot(step, id))
    }
}

async fn open(step: &mut Step, room: &Room, members: &[Member]) -> Result<Room> {
    turns::take(step, turns::ROOMS, doc! { "$inc": { "turn": 1_i64 } }).await?;
    let direct = direct_key(room, members);
    if let Some(direct) = &direct {
        match step.one::<RoomDocument>(ROOMS, doc! { "direct": direct }).await? {
            Some(found) if found.demolished => {
                return Err(StoreError::Conflict("the room of these people is being demolished"));
            }
            Some(found) => return found.room(),
            None => {}
        }
    }
    if step.count(ROOMS, doc! { "inbox": false }).await? >= limits::ROOMS_MAX {
        return Err(TOO_MANY_ROOMS);
    }
    if let Some(by) = room.by
        && step.count(ROOMS, doc! { "by": by.column(), "demolished": false }).await? >= limits::ROOMS_MADE_MAX
    {
        return Err(TOO_MANY_MADE);
    }
    if step.exists(ROOMS, doc! { "_id": room.id.column() }).await? {
        return Err(StoreError::Conflict("a room with that id is there already"));
    }
    step.insert(ROOMS, &RoomDocument::of(room, direct)).await?;
    for member in members {
        people::refuse_too_many_rooms(step, member.who).await?;
        people::insert(step, member).await?;
    }
    Ok(room.clone())
}

async fn rooms(step: &mut Step, site: Option<SiteId>) -> Result<Vec<Room>> {
    let of_site = doc! { "inbox": false, "site": site.map(Column::column), "direct": { "$exists": false }, "demolished": false };
    let found: Vec<RoomDocument> = step.all(ROOMS, of_site, doc! { "_id": 1 }).await?;
    found.iter().map(RoomDocument::room).collect()
}

async fn change_room(
    step: &mut Step,
    id: RoomId,
    changes: &[(RoomChange, Option<NewMessage>)],
) -> Result<Room> {
    let mut room = take(step, id).await?;
    for (change, note) in changes {
        let note = note.as_ref();
        change.apply(&mut room)?;
        if *change == RoomChange::Unlock {
            messages::remove_unrecorded(step, &mut room, note).await?;
        }
        room.changes += 1;
        step.change(ROOMS, there(id), doc! { "$set": { "value": json(&room) } }).await?;
        put_ends(step, &room).await?;
        messages::tell(step, &mut room, note).await?;
    }
    Ok(room)
}

/// Those that it began to demolish.
async fn begin_demolishing(step: &mut Step, id: RoomId) -> Result<Vec<i64>> {
    if !step.exists(ROOMS, there(id)).await? {
        return Err(NO_ROOM);
    }
    let rooms = conversations::with_rooms(step, id).await?;
    let rooms: Vec<i64> = rooms.into_iter().map(Column::column).collect();
    begin_removing(step, &rooms).await?;
    Ok(rooms)
}

/// Also where the site is removed: within that transaction. Its conversations, which may be many, go afterwards.
pub async fn begin_forgetting(step: &mut Step, site: SiteId) -> Result<()> {
    let listed = doc! { "inbox": false, "site": site.column(), "demolished": false };
    step.change_all(ROOMS, listed, doc! { "$set": { "demolished": true } }).await?;
    step.remove(DUTY, doc! { "_id": site.column() }).await?;
    step.remove(RULES, doc! { "_id": site.column() }).await?;
    step.remove(ALERTS, doc! { "_id": site.column() }).await?;
    step.remove(LEARNED, doc! { "_id": site.column() }).await.map(drop)
}

async fn forget_conversations(chat: &Chat, site: SiteId) -> Result<()> {
    loop {
        let theirs = doc! { "inbox": true, "site": site.column(), "demolished": false };
        let rooms = read!(chat, |step| ids(step, theirs))?;
        if rooms.is_empty() {
            read!(chat, |step| rules::forget_marks(step, site))?;
            return read!(chat, |step| forgotten::end_conversations(step, site));
        }
        let these = rooms.clone();
        write!(chat, |step| begin_removing(step, &these))?;
        finish_some(chat, rooms).await?;
    }
}

async fn begin_removing(step: &mut Step, rooms: &[i64]) -> Result<()> {
    let these = doc! { "_id": { "$in": rooms } };
    step.change_all(ROOMS, these.clone(), doc! { "$set": { "demolished": true } }).await?;
    step.remove(CONVERSATIONS, these).await.map(drop)
}

/// Of the first `ROOMS_AT_ONCE`.
async fn ids(step: &mut Step, of: Document) -> Result<Vec<i64>> {
    let found = step.some(ROOMS, of, doc! {}, ROOMS_AT_ONCE).await?;
    Ok(found.iter().filter_map(|room| room.get_i64("_id").ok()).collect())
}

/// Before there were conversations every room was in the lists.
pub async fn list_all(step: &mut Step) -> Result<()> {
    let unsaid = doc! { "inbox": { "$exists": false } };
    step.change_all(ROOMS, unsaid, doc! { "$set": { "inbox": false } }).await.map(drop)
}

/// Finishes what is demolished half, by this process or by one that was killed. What comes is for who brings it.
pub async fn finish(chat: &Chat) -> Result<()> {
    for site in read!(chat, |step| forgotten::conversing(step))? {
        forget_conversations(chat, site).await?;
    }
    loop {
        let half = doc! { "demolished": true, "coming": null };
        let rooms = read!(chat, |step| ids(step, half))?;
        if rooms.is_empty() {
            return Ok(());
        }
        finish_some(chat, rooms).await?;
    }
}

pub async fn finish_some(chat: &Chat, rooms: Vec<i64>) -> Result<()> {
    let rooms: Arc<[i64]> = rooms.into();
    for (from, by) in [(MESSAGES, "number"), (REVISIONS, "change")] {
        let these = Arc::clone(&rooms);
        read!(chat, |step| remove_first(step, from, &these, by))?;
        let some = || {
            let these = Arc::clone(&rooms);
            async move { read!(chat, |step| remove_some(step, from, &these, by)) }
        };
        while some().await? {}
    }
    read!(chat, |step| remove_rest(step, &rooms))
}

/// All that most of them have.
async fn remove_first(step: &mut Step, from: &str, rooms: &[i64], by: &str) -> Result<()> {
    let first = REMOVE_MAX / rooms.len().max(1) as i64;
    step.remove(from, doc! { "room": { "$in": rooms }, by: { "$lte": first } }).await.map(drop)
}

/// Whether there may be more.
async fn remove_some(step: &mut Step, from: &str, rooms: &[i64], by: &str) -> Result<bool> {
    let first = step.some(from, doc! { "room": { "$in": rooms } }, doc! { "room": 1, by: 1 }, 1).await?;
    let Some((room, first)) =
        first.first().and_then(|row| Some((row.get_i64("room").ok()?, row.get_i64(by).ok()?)))
    else {
        return Ok(false);
    };
    step.remove(from, doc! { "room": room, by: { "$lt": first + REMOVE_MAX } }).await?;
    Ok(true)
}

async fn remove_rest(step: &mut Step, rooms: &[i64]) -> Result<()> {
    for of_room in [MEMBERS, GUESTS, BANS, STARS, HOOKS, SHOWN, ARRIVALS] {
        step.remove(of_room, doc! { "room": { "$in": rooms } }).await?;
    }
    files::release_all(step, rooms).await?;
    for of_room in [LINKS, FANNED, ROOMS] {
        step.remove(of_room, doc! { "_id": { "$in": rooms } }).await?;
    }
    Ok(())
}
