//! By what a room hears of repositories, and by what a bot hears of its rooms.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{BotId, HookId, Millis, RoomId};

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
    /// Whether commits are told in the conversations with customers that they name, of the room's site. Only who answers customers turns it on.
    #[serde(default)]
    pub customers: bool,
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

/// Where a bot's events are sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BotHook {
    pub bot: BotId,
    /// At most `HOOK_URL_BYTES_MAX`. Never printed in a log: what it says may be a secret.
    pub url: String,
    pub events: Vec<BotEvent>,
    /// What deliveries are signed with.
    pub secret: HookSecret,
    /// The secret before it, by which they are signed, too, for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired: Option<Retired>,
    /// None: it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off: Option<TurnedOff>,
    pub created: Millis,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retired {
    pub secret: HookSecret,
    pub until: Millis,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TurnedOff {
    pub at: Millis,
    pub why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BotEvent {
    /// Somebody else says something in a room that the bot is in.
    Message,
    /// Somebody else names the bot.
    Mention,
    /// The bot is in a room that it was not in before.
    Room,
}

impl BotEvent {
    pub const ALL: [BotEvent; 3] = [BotEvent::Message, BotEvent::Mention, BotEvent::Room];
}
