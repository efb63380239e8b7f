//! Hooks by which rooms hear of repositories, and which commits they have shown.

use async_trait::async_trait;
use model::chat::Hook;
use model::{HookId, RoomId, limits};

use super::rooms::bounded;
use crate::accounts::SecretHash;
use crate::{Result, StoreError};

/// Of all rooms. They go with their room.
#[async_trait]
pub trait Hooks: Send + Sync {
    /// NotFound for an unknown room; Conflict where the id or the address is taken; Limit past `HOOKS_A_ROOM_MAX`,
    /// `HOOK_FILTER_BYTES_MAX` or `HOOK_SECRET_BYTES_MAX`.
    async fn add_hook(&self, hook: Hook, address: SecretHash) -> Result<()>;

    /// Those of a room, by id.
    async fn hooks(&self, room: RoomId) -> Result<Vec<Hook>>;

    /// The hook with that secret in its address.
    async fn hook(&self, address: SecretHash) -> Result<Hook>;

    /// NotFound where it is not this room's.
    async fn remove_hook(&self, room: RoomId, id: HookId) -> Result<()>;

    /// Those of the commits, in any order, that the room has shown. Limit past `COMMITS_A_CALL_MAX`.
    async fn shown(&self, room: RoomId, commits: Vec<CommitMark>) -> Result<Vec<Shown>>;

    /// Keeps that a message of the room showed these commits; one that an earlier message showed stays that one's. Of a
    /// room's commits past `SHOWN_A_ROOM_MAX` those of its first messages go. NotFound for an unknown room, Limit past `COMMITS_A_CALL_MAX`.
    async fn show(&self, room: RoomId, number: u64, commits: Vec<CommitMark>) -> Result<()>;
}

/// A commit, by a hash of its id: ids are of any length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitMark(pub [u8; 32]);

impl CommitMark {
    pub fn of(id: &str) -> CommitMark {
        CommitMark(*blake3::hash(id.as_bytes()).as_bytes())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shown {
    pub commit: CommitMark,
    /// The message's.
    pub number: u64,
}

pub(crate) const TOO_MANY_HOOKS: StoreError =
    StoreError::Limit { what: "hooks of a room", max: limits::HOOKS_A_ROOM_MAX };
pub(crate) const NO_HOOK: StoreError = StoreError::NotFound("hook");

pub(crate) fn refuse_oversized_hook(hook: &Hook) -> Result<()> {
    bounded(hook.repositories.len(), "bytes of patterns", limits::HOOK_FILTER_BYTES_MAX)?;
    bounded(hook.branches.len(), "bytes of patterns", limits::HOOK_FILTER_BYTES_MAX)?;
    bounded(hook.secret.0.len(), "bytes in a secret", limits::HOOK_SECRET_BYTES_MAX)
}

pub(crate) fn refuse_too_many(commits: &[CommitMark]) -> Result<()> {
    bounded(commits.len(), "commits of one call", limits::COMMITS_A_CALL_MAX)
}
