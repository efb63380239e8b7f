//! Hooks by which rooms hear of repositories, and which commits they have shown.

use async_trait::async_trait;
use model::chat::{Arrival, Delivery, Hook, HookSecret};
use model::{HookId, Millis, RoomId, limits};

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

    /// Changes one thing about a hook; as it is then. NotFound where it is not this room's; Conflict where its new address is taken; Limit as
    /// for `add_hook`, and past `DELIVERY_WORDS_BYTES_MAX`.
    async fn change_hook(&self, room: RoomId, id: HookId, change: HookChange) -> Result<Hook>;

    /// Keeps what repositories told, behind all that the room knows; what it knows already stays in its place, as `Arrival::told_again`
    /// says. Past `ARRIVALS_A_ROOM_MAX` the first go. NotFound for an unknown room, Limit past `COMMITS_A_CALL_MAX`.
    async fn arrive(&self, room: RoomId, arrivals: Vec<Arrival>) -> Result<()>;

    /// What a room knows of one repository, in the order in which it came.
    async fn arrivals(&self, room: RoomId, repository: String) -> Result<Vec<Arrival>>;

    /// What came to a room last, the newest first, at that moment or later; at most `limit`.
    async fn arrived(&self, room: RoomId, since: Millis, limit: usize) -> Result<Vec<Arrival>>;

    /// The room knows nothing more of that repository; how much it knew.
    async fn forget_arrivals(&self, room: RoomId, repository: String) -> Result<usize>;

    /// The repositories that each of these rooms knows of, by room and name: the first `REPOSITORIES_LISTED_MAX`.
    async fn repositories(&self, rooms: Vec<RoomId>) -> Result<Vec<(RoomId, String)>>;

    /// Those of the commits, in any order, that the room has shown. Limit past `COMMITS_A_CALL_MAX`.
    async fn shown(&self, room: RoomId, commits: Vec<CommitMark>) -> Result<Vec<Shown>>;

    /// Keeps that a message of the room showed these commits; one that an earlier message showed stays that one's. Of a
    /// room's commits past `SHOWN_A_ROOM_MAX` those of its first messages go. NotFound for an unknown room, Limit past `COMMITS_A_CALL_MAX`.
    async fn show(&self, room: RoomId, number: u64, commits: Vec<CommitMark>) -> Result<()>;
}

/// One thing about a hook that becomes another.
#[derive(Clone, Debug, PartialEq)]
pub enum HookChange {
    Listen {
        repositories: String,
        branches: String,
        closes: bool,
        customers: bool,
    },
    /// The address and the secret that were good are no longer.
    Renew {
        address: SecretHash,
        secret: HookSecret,
    },
    Heard(Delivery),
}

impl HookChange {
    /// The hook as it is then, and its new address.
    pub(crate) fn apply(self, mut hook: Hook) -> Result<(Hook, Option<SecretHash>)> {
        let mut fresh = None;
        match self {
            HookChange::Listen { repositories, branches, closes, customers } => {
                (hook.repositories, hook.branches) = (repositories, branches);
                (hook.closes, hook.customers) = (closes, customers);
            }
            HookChange::Renew { address, secret } => {
                hook.secret = secret;
                fresh = Some(address);
            }
            HookChange::Heard(delivery) => {
                let words = delivery.from.len().max(delivery.became.len());
                bounded(words, "bytes of words about a delivery", limits::DELIVERY_WORDS_BYTES_MAX)?;
                hook.deliveries.insert(0, delivery);
                hook.deliveries.truncate(limits::HOOK_DELIVERIES_MAX);
            }
        }
        refuse_oversized_hook(&hook)?;
        Ok((hook, fresh))
    }
}

/// What an arrival is told apart by in its room.
pub fn arrival_mark(arrival: &Arrival) -> [u8; 32] {
    *blake3::hash(arrival.key().as_bytes()).as_bytes()
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

pub(crate) fn refuse_too_many<T>(commits: &[T]) -> Result<()> {
    bounded(commits.len(), "commits of one call", limits::COMMITS_A_CALL_MAX)
}
