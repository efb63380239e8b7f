//! By what a room hears of repositories.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{HookId, Millis, RoomId};

/// A forge's way into one room: an address that only it knows, and what it signs with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hook {
    pub id: HookId,
    pub room: RoomId,
    /// Patterns of repositories and of branches, each at most `HOOK_FILTER_BYTES_MAX`; empty: all.
    pub repositories: String,
    pub branches: String,
    pub secret: HookSecret,
    /// Whether a commit that fixes a conversation closes it; else it says so, and people close it.
    #[serde(default)]
    pub closes: bool,
    pub created: Millis,
    /// What came by it last, at most `HOOK_DELIVERIES_MAX`, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deliveries: Vec<Delivery>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    pub at: Millis,
    /// Of which forge it is, or what it says that it is; and what became of it, in words; each at most `DELIVERY_WORDS_BYTES_MAX`.
    pub from: String,
    pub became: String,
    pub good: bool,
}

/// What deliveries are signed with, at most `HOOK_SECRET_BYTES_MAX`: it has to be known as it is. Never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HookSecret(pub String);

impl fmt::Debug for HookSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("…")
    }
}
