//! Hooks, and the commits that rooms have shown, a document each. Whoever counts takes the room's turn.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use model::chat::{Arrival, Hook};
use model::{HookId, Millis, RoomId, limits};
use mongodb::bson::{Binary, doc};
use serde::{Deserialize, Serialize};

use super::{ARRIVALS, Chat, HOOKS, SHOWN, Valued, json, parse, room, take};
use crate::accounts::SecretHash;
use crate::chat::hooks::{NO_HOOK, TOO_MANY_HOOKS, arrival_mark, refuse_oversized_hook, refuse_too_many};
use crate::chat::{CommitMark, HookChange, Hooks, Shown};
use crate::mongodb::columns::{Column, binary, bytes32, secret as secret_column};
use crate::mongodb::schema::V;
use crate::mongodb::step::Step;
use crate::mongodb::transaction::{read, write};
use crate::{Result, StoreError};

#[derive(Serialize, Deserialize)]
pub struct ShownDocument {
    pub v: i32,
    pub room: i64,
    pub mark: Binary,
    pub number: i64,
}

impl ShownDocument {
    pub fn of(room: RoomId, shown: Shown) -> ShownDocument {
        ShownDocument {
            v: V,
            room: room.column(),
            mark: binary(&shown.commit.0),
            number: shown.number as i64,
        }
    }

    pub fn shown(self) -> Result<Shown> {
        Ok(Shown { commit: CommitMark(bytes32(self.mark)?), number: self.number as u64 })
    }
}

#[async_trait]
impl Hooks for Chat {
    async fn add_hook(&self, hook: Hook, address: SecretHash) -> Result<()> {
        refuse_oversized_hook(&hook)?;
        write!(self, |step| add(step, &hook, address))
    }

    async fn hooks(&self, room: RoomId) -> Result<Vec<Hook>> {
        read!(self, |step| hooks(step, room))
    }

    async fn hook(&self, address: SecretHash) -> Result<Hook> {
        read!(self, |step| hook(step, address))
    }

    async fn remove_hook(&self, room: RoomId, id: HookId) -> Result<()> {
        read!(self, |step| remove(step, room, id))
    }

    async fn change_hook(&self, room: RoomId, id: HookId, change: HookChange) -> Result<Hook> {
        write!(self, |step| change_hook(step, room, id, &change))
    }

    async fn arrive(&self, room: RoomId, arrivals: Vec<Arrival>) -> Result<()> {
        refuse_too_many(&arrivals)?;
        write!(self, |step| arrive(step, room, &arrivals))
    }

    async fn arrivals(&self, room: RoomId, repository: String) -> Result<Vec<Arrival>> {
        read!(self, |step| arrivals(step, room, &repository))
    }

    async fn arrived(&self, room: RoomId, since: Millis, limit: usize) -> Result<Vec<Arrival>> {
        read!(self, |step| arrived(step, room, since, limit))
    }

    async fn forget_arrivals(&self, room: RoomId, repository: String) -> Result<usize> {
        let of_one = doc! { "room": room.column(), "repository": repository };
        read!(self, |step| step.remove(ARRIVALS, of_one))
    }

    async fn repositories(&self, rooms: Vec<RoomId>) -> Result<Vec<(RoomId, String)>> {
        read!(self, |step| repositories(step, &rooms))
    }

    async fn shown(&self, room: RoomId, commits: Vec<CommitMark>) -> Result<Vec<Shown>> {
        refuse_too_many(&commits)?;
        read!(self, |step| shown(step, room, &commits))
    }

    async fn show(&self, room: RoomId, number: u64, commits: Vec<CommitMark>) -> Result<()> {
        refuse_too_many(&commits)?;
        write!(self, |step| show(step, room, number, &commits))
    }
}

async fn add(step: &mut Step, hook: &Hook, address: SecretHash) -> Result<()> {
    let room = take(step, hook.room).await?;
    if step.count(HOOKS, doc! { "room": room.id.column() }).await? >= limits::HOOKS_A_ROOM_MAX {
        return Err(TOO_MANY_HOOKS);
    }
    if step.exists(HOOKS, doc! { "_id": hook.id.column() }).await? {
        return Err(StoreError::Conflict("a hook with that id is there already"));
    }
    let row = doc! {
        "_id": hook.id.column(), "v": V, "room": hook.room.column(), "address": secret_column(address), "value": json(hook)
    };
    step.insert(HOOKS, &row).await
}

async fn hooks(step: &mut Step, room: RoomId) -> Result<Vec<Hook>> {
    Valued::all(step.all(HOOKS, doc! { "room": room.column() }, doc! { "_id": 1 }).await?)
}

async fn hook(step: &mut Step, address: SecretHash) -> Result<Hook> {
    let found: Option<Valued> = step.one(HOOKS, doc! { "address": secret_column(address) }).await?;
    let hook: Hook = found.ok_or(NO_HOOK)?.read()?;
    // Of a room that is being demolished there is none.
    room(step, hook.room).await.map_err(|error| match error {
        StoreError::NotFound(_) => NO_HOOK,
        other => other,
    })?;
    Ok(hook)
}

async fn remove(step: &mut Step, room: RoomId, id: HookId) -> Result<()> {
    match step.remove(HOOKS, doc! { "_id": id.column(), "room": room.column() }).await? {
        0 => Err(NO_HOOK),
        _ => Ok(()),
    }
}

async fn change_hook(step: &mut Step, room: RoomId, id: HookId, change: &HookChange) -> Result<Hook> {
    take(step, room).await.map_err(|error| match error {
        StoreError::NotFound(_) => NO_HOOK,
        other => other,
    })?;
    let one = doc! { "_id": id.column(), "room": room.column() };
    let found: Option<Valued> = step.one(HOOKS, one.clone()).await?;
    let (hook, address) = change.clone().apply(found.ok_or(NO_HOOK)?.read()?)?;
    let mut set = doc! { "value": json(&hook) };
    if let Some(address) = address {
        set.insert("address", secret_column(address));
    }
    step.change(HOOKS, one, doc! { "$set": set }).await?;
    Ok(hook)
}

#[derive(Serialize, Deserialize)]
pub struct ArrivalDocument {
    pub v: i32,
    pub room: i64,
    pub mark: Binary,
    pub place: i64,
    pub repository: String,
    pub value: String,
}

impl ArrivalDocument {
    pub fn of(room: i64, mark: &[u8; 32], place: i64, arrival: &Arrival) -> ArrivalDocument {
        let repository = arrival.repository.clone();
        ArrivalDocument { v: V, room, mark: binary(mark), place, repository, value: json(arrival) }
    }
}

async fn arrive(step: &mut Step, id: RoomId, arrivals: &[Arrival]) -> Result<()> {
    take(step, id).await?;
    let of_room = doc! { "room": id.column() };
    let mut known = known_arrivals(step, id, arrivals).await?;
    let mut last = last_place(step, id).await?;
    let mut fresh: Vec<ArrivalDocument> = Vec::new();
    for arrival in arrivals {
        let mark = arrival_mark(arrival);
        let Some((place, before)) = known.get(&mark).cloned() else {
            last += 1;
            fresh.push(ArrivalDocument::of(id.column(), &mark, last, arrival));
            known.insert(mark, (last, arrival.clone()));
            continue;
        };
        let after = before.clone().told_again(arrival);
        if after == before {
            continue;
        }
        match fresh.iter_mut().find(|document| document.place == place) {
            Some(document) => document.value = json(&after),
            None => {
                let one = doc! { "room": id.column(), "mark": binary(&mark) };
                step.change(ARRIVALS, one, doc! { "$set": { "value": json(&after) } }).await?;
            }
        }
        known.insert(mark, (place, after));
    }
    step.insert_all(ARRIVALS, &fresh).await?;
    let excess = step.count(ARRIVALS, of_room.clone()).await?.saturating_sub(limits::ARRIVALS_A_ROOM_MAX);
    if excess == 0 {
        return Ok(());
    }
    let oldest = step.some(ARRIVALS, of_room, doc! { "place": 1 }, excess).await?;
    let to = oldest.last().and_then(|document| document.get_i64("place").ok()).unwrap_or(0);
    step.remove(ARRIVALS, doc! { "room": id.column(), "place": { "$lte": to } }).await.map(drop)
}

async fn known_arrivals(
    step: &mut Step,
    room: RoomId,
    arrivals: &[Arrival],
) -> Result<HashMap<[u8; 32], (i64, Arrival)>> {
    let marks: Vec<Binary> = arrivals.iter().map(|arrival| binary(&arrival_mark(arrival))).collect();
    let among = doc! { "room": room.column(), "mark": { "$in": marks } };
    let found: Vec<ArrivalDocument> = step.all(ARRIVALS, among, doc! {}).await?;
    let known = found
        .into_iter()
        .map(|document| Ok((bytes32(document.mark)?, (document.place, parse(&document.value)?))));
    known.collect()
}

async fn last_place(step: &mut Step, room: RoomId) -> Result<i64> {
    let last = step.some(ARRIVALS, doc! { "room": room.column() }, doc! { "place": -1 }, 1).await?;
    Ok(last.first().and_then(|document| document.get_i64("place").ok()).unwrap_or(0))
}

async fn arrivals(step: &mut Step, room: RoomId, repository: &str) -> Result<Vec<Arrival>> {
    let of_one = doc! { "room": room.column(), "repository": repository };
    Valued::all(step.all(ARRIVALS, of_one, doc! { "place": 1 }).await?)
}

/// They came in the order of their moments, but for clocks of several processes: none is looked for behind an older one.
async fn arrived(step: &mut Step, room: RoomId, since: Millis, limit: usize) -> Result<Vec<Arrival>> {
    let found = step.some(ARRIVALS, doc! { "room": room.column() }, doc! { "place": -1 }, limit).await?;
    let mut arrivals = Vec::new();
    for document in found {
        let value = document.get_str("value").map_err(|error| StoreError::Unavailable(error.into()))?;
        let arrival: Arrival = parse(value)?;
        if arrival.at < since {
            break;
        }
        arrivals.push(arrival);
    }
    Ok(arrivals)
}

async fn repositories(step: &mut Step, rooms: &[RoomId]) -> Result<Vec<(RoomId, String)>> {
    let rooms: Vec<i64> = rooms.iter().map(|room| room.column()).collect();
    let aggregate = doc! {
        "aggregate": ARRIVALS,
        "pipeline": [
            { "$match": { "room": { "$in": rooms } } },
            { "$group": { "_id": { "room": "$room", "repository": "$repository" } } },
            { "$sort": { "_id": 1 } },
            { "$limit": limits::REPOSITORIES_LISTED_MAX as i64 },
        ],
        "cursor": { "batchSize": limits::REPOSITORIES_LISTED_MAX as i64 + 1 },
    };
    let answer: Named = mongodb::bson::deserialize_from_document(step.command(aggregate).await?)
        .map_err(|error| StoreError::Unavailable(error.into()))?;
    let named = answer.cursor.first_batch.into_iter();
    Ok(named.map(|found| (RoomId::of(found._id.room as u64), found._id.repository)).collect())
}

#[derive(Deserialize)]
struct Named {
    cursor: NamedBatch,
}

#[derive(Deserialize)]
struct NamedBatch {
    #[serde(rename = "firstBatch")]
    first_batch: Vec<NamedOne>,
}

#[derive(Deserialize)]
struct NamedOne {
    _id: NamedKey,
}

#[derive(Deserialize)]
struct NamedKey {
    room: i64,
    repository: String,
}

async fn shown(step: &mut Step, room: RoomId, commits: &[CommitMark]) -> Result<Vec<Shown>> {
    let marks: Vec<Binary> = commits.iter().map(|commit| binary(&commit.0)).collect();
    let among = doc! { "room": room.column(), "mark": { "$in": marks } };
    let found: Vec<ShownDocument> = step.all(SHOWN, among, doc! {}).await?;
    found.into_iter().map(ShownDocument::shown).collect()
}

async fn show(step: &mut Step, id: RoomId, number: u64, commits: &[CommitMark]) -> Result<()> {
    take(step, id).await?;
    let mut known: HashSet<CommitMark> =
        shown(step, id, commits).await?.into_iter().map(|shown| shown.commit).collect();
    let fresh = commits.iter().filter(|commit| known.insert(**commit));
    let fresh: Vec<ShownDocument> =
        fresh.map(|&commit| ShownDocument::of(id, Shown { commit, number })).collect();
    step.insert_all(SHOWN, &fresh).await?;
    let of_room = doc! { "room": id.column() };
    let excess = step.count(SHOWN, of_room.clone()).await?.saturating_sub(limits::SHOWN_A_ROOM_MAX);
    if excess == 0 {
        return Ok(());
    }
    let all: Vec<ShownDocument> = step.all(SHOWN, of_room, doc! { "number": 1, "mark": 1 }).await?;
    let oldest: Vec<Binary> = all.into_iter().take(excess).map(|shown| shown.mark).collect();
    step.remove(SHOWN, doc! { "room": id.column(), "mark": { "$in": oldest } }).await.map(drop)
}
