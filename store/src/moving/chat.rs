//! The kinds and rows of chat. Messages and revisions may be long: fewer of them make a page.

use model::chat::{Bot, Guest, GuestLink, Hook, Room};
use serde::Serialize;

use super::{Kind, PAGE_MESSAGES_MAX, TOTALS_PAGE_MAX};

impl Kind {
    pub(crate) fn is_chat(self) -> bool {
        use Kind::*;
        matches!(
            self,
            Bots | Rooms
                | RoomMembers
                | GuestLinks
                | Guests
                | Bans
                | Messages
                | Revisions
                | Stars
                | Hooks
                | Shown
        )
    }

    /// Rows of one page, where `limit` are asked for.
    pub(crate) fn page_of(self, limit: usize) -> usize {
        match self {
            Kind::Messages | Kind::Revisions => limit.min(PAGE_MESSAGES_MAX),
            Kind::Totals => limit.min(TOTALS_PAGE_MAX),
            _ => limit,
        }
    }
}

#[derive(Clone, PartialEq, Serialize)]
pub struct BotRow {
    pub bot: Bot,
    pub secret: [u8; 32],
}

#[derive(Clone, PartialEq, Serialize)]
pub struct RoomRow {
    pub room: Room,
    /// What tells it from other direct rooms.
    pub direct: Option<String>,
}

#[derive(Clone, PartialEq, Serialize)]
pub struct LinkRow {
    pub link: GuestLink,
    pub secret: [u8; 32],
}

#[derive(Clone, PartialEq, Serialize)]
pub struct GuestRow {
    pub guest: Guest,
    /// None: gone.
    pub secret: Option<[u8; 32]>,
}

#[derive(Clone, PartialEq, Serialize)]
pub struct StarRow {
    pub who: i64,
    pub room: i64,
    pub number: i64,
}

#[derive(Clone, PartialEq, Serialize)]
pub struct HookRow {
    pub hook: Hook,
    /// Of the secret in its address.
    pub address: [u8; 32],
}

/// A commit that a message of a room showed.
#[derive(Clone, PartialEq, Serialize)]
pub struct ShownRow {
    pub room: i64,
    pub mark: [u8; 32],
    pub number: i64,
}
