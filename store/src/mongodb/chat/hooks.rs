//! Hooks, and the commits that rooms have shown, a document each. Whoever counts takes the room's turn.

use std::collections::HashSet;

use async_trait::async_trait;
use model::chat::Hook;
use model::{HookId, RoomId, limits};
use mongodb::bson::{Binary, doc};
use serde::{Deserialize, Serialize};

use super::{Chat, HOOKS, SHOWN, Valued, json, room, take};
use crate::accounts::SecretHash;
use crate::chat::hooks::{NO_HOOK, TOO_MANY_HOOKS, refuse_oversized_hook, refuse_too_many};
use crate::chat::{CommitMark, Hooks, Shown};
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
