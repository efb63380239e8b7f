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
    pub created: Millis,
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
