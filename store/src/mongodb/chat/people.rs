//! Who is in a room, who may come, and who is kept out. Whoever counts takes the room's turn; how many rooms one person is
//! in is counted without one, so that entering several at the same moment may pass that maximum by as many.

use std::collections::HashMap;

use model::chat::{Ban, Bot, Guest, GuestLink, Member, NewMessage, Notify, Room, RoomRole, Who};
use model::{BotId, GuestId, Millis, RoomId, limits};
use mongodb::bson::{Binary, Document, doc};
use serde::{Deserialize, Serialize};

use super::{
    BANS, BOTS, GUESTS, LINKS, MEMBERS, MemberDocument, ROOMS, RoomDocument, Valued, bot_hooks, json,
    messages, put_ends, room, take, who,
};
use crate::accounts::SecretHash;
use crate::chat::Entry;
use crate::chat::rooms::{
    LAST_HOST, LOCKED, NO_MEMBER, TOO_MANY_BANS, TOO_MANY_BOTS, TOO_MANY_GUESTS, TOO_MANY_OF_ONE, full,
};
use crate::mongodb::columns::{Column, binary, bytes32, secret as secret_column};
use crate::mongodb::schema::V;
use crate::mongodb::step::Step;
use crate::mongodb::turns;
use crate::{Result, StoreError};

fn one(room: RoomId, who: Who) -> Document {
    doc! { "room": room.column(), "who": who.number() }
}

pub async fn rooms_of(step: &mut Step, who: Who) -> Result<Vec<(Room, Member)>> {
    let members: Vec<MemberDocument> =
        step.all(MEMBERS, doc! { "who": who.number() }, doc! { "who": 1, "room": 1 }).await?;
    let ids: Vec<i64> = members.iter().map(|member| member.room).collect();
    let rooms: Vec<RoomDocument> =
        step.all(ROOMS, doc! { "_id": { "$in": ids }, "demolished": false }, doc! {}).await?;
    let mut rooms: HashMap<i64, RoomDocument> = rooms.into_iter().map(|room| (room._id, room)).collect();
    let mut found = Vec::new();
    for member in members {
        if let Some(room) = rooms.remove(&member.room) {
            found.push((room.room()?, member.member()?));
        }
    }
    Ok(found)
}

pub async fn refuse_too_many_rooms(step: &mut Step, who: Who) -> Result<()> {
    let count = step.count(MEMBERS, doc! { "who": who.number() }).await?;
    if count >= limits::ROOMS_A_PERSON_MAX { Err(TOO_MANY_OF_ONE) } else { Ok(()) }
}

pub async fn insert(step: &mut Step, member: &Member) -> Result<()> {
    if is_member(step, member.room, member.who).await? {
        return Ok(());
    }
    step.insert(MEMBERS, &MemberDocument::of(member)).await
}

pub async fn enter(
    step: &mut Step,
    member: &Member,
    marks: &[[u8; 32]],
    note: Option<&NewMessage>,
) -> Result<Entry> {
    let mut room = take(step, member.room).await?;
    if is_member(step, room.id, member.who).await? {
        return Ok(Entry::Present);
    }
    if is_barred(step, room.id, marks, member.joined).await? {
        return Ok(Entry::Barred);
    }
    if room.locked {
        return Err(LOCKED);
    }
    let (count, max) =
        (step.count(MEMBERS, doc! { "room": room.id.column() }).await?, room.members_max as usize);
    if count - sweep_guests(step, room.id, member.joined, count >= max).await? >= max {
        return Err(full(&room));
    }
    refuse_too_many_rooms(step, member.who).await?;
    step.insert(MEMBERS, &MemberDocument::of(member)).await?;
    room.changes += 1;
    put_ends(step, &room).await?;
    messages::tell(step, &mut room, note).await?;
    Ok(Entry::Entered)
}

pub async fn is_barred(step: &mut Step, room: RoomId, marks: &[[u8; 32]], at: Millis) -> Result<bool> {
    let marks: Vec<Binary> = marks.iter().map(|mark| binary(mark)).collect();
    let barring = doc! { "room": room.column(), "mark": { "$in": marks }, "until": { "$gt": at.0 } };
    step.exists(BANS, barring).await
}

pub async fn leave(step: &mut Step, id: RoomId, who: Who, note: Option<&NewMessage>) -> Result<()> {
    let mut room = take(step, id).await?;
    if !end_membership(step, id, who).await? {
        return Err(NO_MEMBER);
    }
    room.changes += 1;
    put_ends(step, &room).await?;
    messages::tell(step, &mut room, note).await
}

fn let_in_to(room: RoomId) -> Document {
    doc! { "room": room.column(), "secret": { "$exists": true } }
}

/// Where there is no place left, guests whose browsers are let in no more give theirs up; how many those are.
async fn sweep_guests(step: &mut Step, room: RoomId, now: Millis, is_full: bool) -> Result<usize> {
    if !is_full {
        return Ok(0);
    }
    let found: Vec<Valued> = step.all(GUESTS, let_in_to(room), doc! { "_id": 1 }).await?;
    let guests = found.into_iter().map(Valued::read).collect::<Result<Vec<Guest>>>()?;
    let mut swept = 0;
    for guest in guests.iter().filter(|guest| now.since(guest.created) > limits::GUEST_LASTS) {
        swept += usize::from(end_membership(step, room, Who::Guest(guest.id)).await?);
    }
    Ok(swept)
}

/// Whether they were one.
async fn end_membership(step: &mut Step, room: RoomId, who: Who) -> Result<bool> {
    if let Who::Guest(guest) = who {
        step.change(GUESTS, doc! { "_id": guest.column() }, doc! { "$unset": { "secret": 1 } }).await?;
    }
    Ok(step.remove(MEMBERS, one(room, who)).await? > 0)
}

pub async fn set_role(step: &mut Step, id: RoomId, who: Who, role: RoomRole) -> Result<()> {
    let mut room = take(step, id).await?;
    let known = member(step, id, who).await?.ok_or(NO_MEMBER)?;
    if known.role == RoomRole::Host
        && role != RoomRole::Host
        && step.count(MEMBERS, doc! { "room": id.column(), "host": true }).await? <= 1
    {
        return Err(LAST_HOST);
    }
    step.change(MEMBERS, one(id, who), doc! { "$set": { "host": role == RoomRole::Host } }).await?;
    room.changes += 1;
    put_ends(step, &room).await
}

pub async fn is_member(step: &mut Step, room: RoomId, who: Who) -> Result<bool> {
    step.exists(MEMBERS, one(room, who)).await
}

pub async fn member(step: &mut Step, room: RoomId, who: Who) -> Result<Option<Member>> {
    let found: Option<MemberDocument> = step.one(MEMBERS, one(room, who)).await?;
    found.map(MemberDocument::member).transpose()
}

pub async fn members(step: &mut Step, room: RoomId) -> Result<Vec<Member>> {
    let of_room = doc! { "room": room.column() };
    let found: Vec<MemberDocument> = step.all(MEMBERS, of_room, doc! { "room": 1, "who": 1 }).await?;
    found.into_iter().map(MemberDocument::member).collect()
}

pub async fn read_to(step: &mut Step, id: RoomId, who: Who, number: u64) -> Result<u64> {
    let read = number.min(room(step, id).await?.last);
    let raised = doc! { "$max": { "read": read as i64 } };
    let member: Option<MemberDocument> = step.changed(MEMBERS, one(id, who), raised).await?;
    Ok(member.ok_or(NO_MEMBER)?.read as u64)
}

pub async fn set_notify(step: &mut Step, room: RoomId, who: Who, notify: Notify) -> Result<()> {
    let set = doc! { "$set": { "notify": notify.number() } };
    let changed: Option<MemberDocument> = step.changed(MEMBERS, one(room, who), set).await?;
    changed.map(drop).ok_or(NO_MEMBER)
}

pub async fn link(step: &mut Step, link: &GuestLink, secret: SecretHash) -> Result<()> {
    take(step, link.room).await?;
    let fields = doc! { "v": V, "secret": secret_column(secret), "value": json(link) };
    step.put(LINKS, doc! { "_id": link.room.column() }, doc! { "$set": fields }).await
}

pub async fn linked(step: &mut Step, secret: SecretHash) -> Result<GuestLink> {
    by_secret(step, LINKS, secret, "guest link").await
}

async fn by_secret<T: serde::de::DeserializeOwned>(
    step: &mut Step,
    from: &str,
    secret: SecretHash,
    what: &'static str,
) -> Result<T> {
    let found: Option<Valued> = step.one(from, doc! { "secret": secret_column(secret) }).await?;
    found.ok_or(StoreError::NotFound(what))?.read()
}

pub async fn link_of(step: &mut Step, room: RoomId) -> Result<Option<GuestLink>> {
    let found: Option<Valued> = step.one(LINKS, doc! { "_id": room.column() }).await?;
    found.map(Valued::read).transpose()
}

/// Takes the room's turn: who comes in by the link at the same moment comes before.
pub async fn unlink(step: &mut Step, room: RoomId) -> Result<()> {
    take(step, room).await?;
    step.remove(LINKS, doc! { "_id": room.column() }).await.map(drop)
}

pub async fn admit(
    step: &mut Step,
    guest: &Guest,
    secret: SecretHash,
    note: Option<&NewMessage>,
) -> Result<Entry> {
    let room = take(step, guest.room).await?;
    link_of(step, guest.room).await?.ok_or(StoreError::NotFound("guest link"))?;
    let count = step.count(GUESTS, let_in_to(guest.room)).await?;
    let swept = sweep_guests(step, guest.room, guest.created, count >= limits::GUESTS_MAX).await?;
    if count - swept >= limits::GUESTS_MAX {
        return Err(TOO_MANY_GUESTS);
    }
    refuse_taken(step, guest.id).await?;
    let (who, joined) = (Who::Guest(guest.id), guest.created);
    let (role, read, notify) = (RoomRole::Member, room.last, Notify::default());
    let member = Member { room: guest.room, who, role, joined, read, notify };
    let entry = enter(step, &member, &guest.marks, note).await?;
    if entry == Entry::Entered {
        put_guest(step, guest, Some(secret)).await?;
    }
    Ok(entry)
}

async fn refuse_taken(step: &mut Step, id: GuestId) -> Result<()> {
    if step.exists(GUESTS, doc! { "_id": id.column() }).await? {
        return Err(StoreError::Conflict("a guest with that id is there already"));
    }
    Ok(())
}

/// Conflict where the id or the secret is taken.
pub async fn insert_guest(step: &mut Step, guest: &Guest, secret: Option<SecretHash>) -> Result<()> {
    refuse_taken(step, guest.id).await?;
    put_guest(step, guest, secret).await
}

async fn put_guest(step: &mut Step, guest: &Guest, secret: Option<SecretHash>) -> Result<()> {
    let mut row = guest_document(guest, secret.map(|secret| secret.0));
    row.insert("_id", guest.id.column());
    row.insert("v", V);
    step.insert(GUESTS, &row).await
}

/// Somebody who was spoken of has a secret from now on; false: they had one.
pub async fn let_in(step: &mut Step, guest: &Guest, secret: SecretHash) -> Result<bool> {
    let without = doc! { "_id": guest.id.column(), "secret": { "$exists": false } };
    step.change(GUESTS, without, doc! { "$set": guest_document(guest, Some(secret.0)) }).await
}

/// Nothing lets that guest in any more.
pub async fn shut_out(step: &mut Step, id: GuestId) -> Result<()> {
    let Some(guest) = guests(step, &[id]).await?.pop() else {
        return Ok(());
    };
    // Written anew, and not `$unset`: a key of the unique index that some server leaves there would bar the secret.
    step.remove(GUESTS, doc! { "_id": id.column() }).await?;
    put_guest(step, &Guest { is_revoked: true, ..guest }, None).await
}

/// But its key.
pub fn guest_document(guest: &Guest, secret: Option<[u8; 32]>) -> Document {
    let mut document = doc! { "room": guest.room.column(), "value": json(guest) };
    if let Some(secret) = secret {
        document.insert("secret", binary(&secret));
    }
    document
}

pub async fn admitted(step: &mut Step, secret: SecretHash) -> Result<Guest> {
    by_secret(step, GUESTS, secret, "guest").await
}

pub async fn guests(step: &mut Step, ids: &[GuestId]) -> Result<Vec<Guest>> {
    let ids: Vec<i64> = ids.iter().map(|id| id.column()).collect();
    let found: Vec<Valued> = step.all(GUESTS, doc! { "_id": { "$in": ids } }, doc! {}).await?;
    Valued::all(found)
}

#[derive(Serialize, Deserialize)]
pub struct BanDocument {
    pub v: i32,
    pub room: i64,
    pub mark: Binary,
    pub who: i64,
    pub by: i64,
    pub until: i64,
}

impl BanDocument {
    pub fn ban(self) -> Result<Ban> {
        Ok(Ban {
            room: RoomId::of(self.room as u64),
            mark: bytes32(self.mark)?,
            who: who(self.who)?,
            by: who(self.by)?,
            until: Millis(self.until),
        })
    }
}

/// But its key.
pub fn ban_fields(ban: &Ban) -> Document {
    doc! { "v": V, "who": ban.who.number(), "by": ban.by.number(), "until": ban.until.0 }
}

pub fn ban_key(ban: &Ban) -> Document {
    doc! { "room": ban.room.column(), "mark": binary(&ban.mark) }
}

pub async fn ban(step: &mut Step, bans: &[Ban], now: Millis, note: Option<&NewMessage>) -> Result<()> {
    let Some(first) = bans.first() else {
        return Ok(());
    };
    let mut room = take(step, first.room).await?;
    let of_room = doc! { "room": room.id.column() };
    step.remove(BANS, doc! { "room": room.id.column(), "until": { "$lte": now.0 } }).await?;
    for ban in bans {
        let mut longer = ban_key(ban);
        longer.insert("until", doc! { "$gte": ban.until.0 });
        if !step.exists(BANS, longer).await? {
            step.put(BANS, ban_key(ban), doc! { "$set": ban_fields(ban) }).await?;
        }
    }
    if step.count(BANS, of_room).await? > limits::BANS_MAX {
        return Err(TOO_MANY_BANS);
    }
    end_membership(step, room.id, first.who).await?;
    room.changes += 1;
    put_ends(step, &room).await?;
    messages::tell(step, &mut room, note).await
}

pub async fn bans(step: &mut Step, room: RoomId, now: Millis) -> Result<Vec<Ban>> {
    let holding = doc! { "room": room.column(), "until": { "$gt": now.0 } };
    let found: Vec<BanDocument> = step.all(BANS, holding, doc! { "until": 1, "mark": 1 }).await?;
    found.into_iter().map(BanDocument::ban).collect()
}

pub async fn unban(step: &mut Step, room: RoomId, who: Who) -> Result<()> {
    step.remove(BANS, one(room, who)).await.map(drop)
}

pub async fn add_bot(step: &mut Step, bot: &Bot, secret: SecretHash) -> Result<()> {
    turns::take(step, turns::ROOMS, doc! { "$inc": { "turn": 1_i64 } }).await?;
    if step.count(BOTS, doc! {}).await? >= limits::BOTS_MAX {
        return Err(TOO_MANY_BOTS);
    }
    if step.exists(BOTS, doc! { "_id": bot.id.column() }).await? {
        return Err(StoreError::Conflict("a bot with that id is there already"));
    }
    let row = doc! { "_id": bot.id.column(), "v": V, "secret": secret_column(secret), "value": json(bot) };
    step.insert(BOTS, &row).await
}

pub async fn bot(step: &mut Step, secret: SecretHash) -> Result<Bot> {
    by_secret(step, BOTS, secret, "bot").await
}

pub async fn bots(step: &mut Step) -> Result<Vec<Bot>> {
    let found: Vec<Valued> = step.all(BOTS, doc! {}, doc! { "_id": 1 }).await?;
    Valued::all(found)
}

pub async fn remove_bot(step: &mut Step, id: BotId) -> Result<()> {
    if step.remove(BOTS, doc! { "_id": id.column() }).await? == 0 {
        return Err(StoreError::NotFound("bot"));
    }
    step.remove(MEMBERS, doc! { "who": Who::Bot(id).number() }).await?;
    bot_hooks::remove(step, id).await
}
