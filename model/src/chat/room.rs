//! Rooms, who is in them, and who is kept out.

use serde::{Deserialize, Serialize};

use super::Who;
use crate::{AccountId, BotId, GuestId, Millis, RoomId, SiteId};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RoomKind {
    /// Anybody of the site (or of the installation) may come in.
    Open,
    /// Who is in it brings others.
    Closed,
    /// Between the same people for ever; there is one of the same.
    Direct,
    /// Between a customer, its only member, and the agents of its site. In no list of rooms.
    Conversation,
    /// What the agents of a site say among themselves of a conversation; nobody is its member.
    Notes,
}

impl RoomKind {
    /// Of a conversation: in no list of rooms, and said in by the site's agents, who are no members.
    pub fn is_of_inbox(self) -> bool {
        matches!(self, RoomKind::Conversation | RoomKind::Notes)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Room {
    pub id: RoomId,
    /// None: of the whole installation.
    pub site: Option<SiteId>,
    pub kind: RoomKind,
    /// At most `NAME_BYTES_MAX`; empty of a direct room.
    pub name: String,
    /// At most `TOPIC_BYTES_MAX`.
    pub topic: String,
    /// The IANA time zone that its days are of.
    pub zone: String,
    /// Anybody may read it, signed in or not.
    pub public: bool,
    /// Nobody new comes in, and what is posted goes when it is unlocked.
    pub locked: bool,
    /// At most `ROOM_MEMBERS_MAX`.
    pub members_max: u32,
    pub created: Millis,
    /// Who made it. None: a customer, whoever imported it, or somebody of before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<AccountId>,
    /// The number of its last message, of its last change, and the moment of its last message.
    #[serde(default)]
    pub last: u64,
    #[serde(default)]
    pub changes: u64,
    #[serde(default)]
    pub last_at: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RoomRole {
    Member,
    /// Who looks after it: its maker, and whom a host made one.
    Host,
}

/// What of a room somebody wants to be told of while they look elsewhere. In a direct room all that is said is meant for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Notify {
    Everything,
    #[default]
    Mentions,
    Nothing,
}

impl Notify {
    pub const ALL: [Notify; 3] = [Notify::Everything, Notify::Mentions, Notify::Nothing];

    /// 0, 1, 2: as it is stored.
    pub fn number(self) -> i64 {
        self as i64
    }

    pub fn of_number(number: i64) -> Option<Notify> {
        Notify::ALL.into_iter().find(|notify| notify.number() == number)
    }

    /// Whether somebody who wants this is told of a message that is meant for them, or for all.
    pub fn wants(self, meant: bool) -> bool {
        match self {
            Notify::Everything => true,
            Notify::Mentions => meant,
            Notify::Nothing => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    pub room: RoomId,
    pub who: Who,
    pub role: RoomRole,
    pub joined: Millis,
    /// The number of the last message that was read: on any of one's devices.
    pub read: u64,
    pub notify: Notify,
}

/// How guests come into a room. There is one a room at most; its secret is the store's to keep, hashed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GuestLink {
    pub room: RoomId,
    /// Argon2; None: whoever has the link comes in.
    pub password_phc: Option<String>,
    pub created: Millis,
}

/// Somebody in one room and nowhere else. Stays known by name in what was said after leaving.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guest {
    pub id: GuestId,
    pub room: RoomId,
    /// Empty: nameless.
    pub name: String,
    pub created: Millis,
    /// What a ban of this guest bars: keyed hashes of browser and address.
    pub marks: Vec<[u8; 32]>,
    /// Who came with an archive of the room and is not known here: by name alone, and let in by nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<Was>,
    /// Nothing lets them in any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_revoked: bool,
}

/// What somebody was in the room that an archive is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Was {
    pub who: Who,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<Member>,
}

/// A program with a token of its own. Rooms take it in as a member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bot {
    pub id: BotId,
    pub name: String,
    pub created: Millis,
}

/// Whoever bears the mark stays out of the room until then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ban {
    pub room: RoomId,
    /// A keyed hash of a browser, of an address, or of an account.
    pub mark: [u8; 32],
    /// Whom it was meant for, and who did it.
    pub who: Who,
    pub by: Who,
    pub until: Millis,
}
