//! Rooms, who is in them, and who is kept out.

use async_trait::async_trait;
use model::chat::{Ban, Bot, Guest, GuestLink, Member, NewMessage, Notify, Room, RoomKind, RoomRole, Who};
use model::{BotId, GuestId, Millis, RoomId, SiteId, limits};

use crate::accounts::SecretHash;
use crate::{Result, StoreError};

/// The rooms of all sites. A note that comes with a call is posted in the same moment, or neither happens; it needs no
/// member, and one whose id is known is left out. Unknown rooms are NotFound.
#[async_trait]
pub trait Rooms: Send + Sync {
    /// Makes a room with its first members: those of conversations are made by `open_conversation`, and count for no maximum here. Conflict where the id is taken; Limit past `ROOMS_MAX`, `ROOMS_MADE_MAX` of who makes it, or `ROOMS_A_PERSON_MAX`
    /// of one of them. Of a direct room of the same people, the one there is.
    async fn open(&self, room: Room, members: Vec<Member>) -> Result<Room>;

    async fn room(&self, id: RoomId) -> Result<Room>;

    /// The rooms that somebody is in, by id; a customer's conversation is theirs.
    async fn rooms_of(&self, who: Who) -> Result<Vec<(Room, Member)>>;

    /// The rooms of a site, or of the installation, by id, but direct ones and those of conversations.
    async fn rooms(&self, site: Option<SiteId>) -> Result<Vec<Room>>;

    /// Changes the room, as a change that its followers are told of.
    async fn change(&self, id: RoomId, change: RoomChange, note: Option<NewMessage>) -> Result<Room> {
        self.change_all(id, vec![(change, note)]).await
    }

    /// Changes of a room, one after the other, each as [`Rooms::change`]; all of them or none.
    async fn change_all(&self, id: RoomId, changes: Vec<(RoomChange, Option<NewMessage>)>) -> Result<Room>;

    /// The room with everything in it; both rooms of a conversation.
    async fn demolish(&self, id: RoomId) -> Result<()>;

    /// Demolishes the rooms of a site.
    async fn forget_rooms(&self, site: SiteId) -> Result<()>;

    /// Makes somebody a member. Who is one already stays as they are, and the note is left out: `Entry::Present`. Conflict where the room is locked;
    /// Limit past its `members_max`, or past `ROOMS_A_PERSON_MAX`; `Entry::Barred` where one of the marks is barred at the moment of joining.
    async fn enter(&self, member: Member, marks: Vec<[u8; 32]>, note: Option<NewMessage>) -> Result<Entry>;

    /// Ends a membership; a guest's browser is no longer known. NotFound where there is none.
    async fn leave(&self, room: RoomId, who: Who, note: Option<NewMessage>) -> Result<()>;

    /// NotFound for no member. Conflict where the room would have no host left but has members.
    async fn set_role(&self, room: RoomId, who: Who, role: RoomRole) -> Result<()>;

    async fn member(&self, room: RoomId, who: Who) -> Result<Option<Member>>;

    /// By who.
    async fn members(&self, room: RoomId) -> Result<Vec<Member>>;

    /// Raises how far somebody read, never lowers it, nor past the room's last message; how far that is then. NotFound for no member.
    async fn read_to(&self, room: RoomId, who: Who, number: u64) -> Result<u64>;

    /// What they want to be told of: theirs alone, and no change of the room. NotFound for no member.
    async fn set_notify(&self, room: RoomId, who: Who, notify: Notify) -> Result<()>;

    /// Puts a link in the place of the one there was.
    async fn link(&self, link: GuestLink, secret: SecretHash) -> Result<()>;

    /// The link with that secret.
    async fn linked(&self, secret: SecretHash) -> Result<GuestLink>;

    /// None: the room has no link.
    async fn link_of(&self, room: RoomId) -> Result<Option<GuestLink>>;

    /// Nobody comes in by it any more; guests who did stay. Nothing where there is none.
    async fn unlink(&self, room: RoomId) -> Result<()>;

    /// Lets a guest in by a room's link: `enter` with a name to it. Limit past `GUESTS_MAX`, NotFound where the room has no
    /// link, else as `enter`, the guest's own marks looked at.
    async fn admit(&self, guest: Guest, secret: SecretHash, note: Option<NewMessage>) -> Result<Entry>;

    /// Whose browser has that secret.
    async fn admitted(&self, secret: SecretHash) -> Result<Guest>;

    /// Those of them that there are, gone ones too.
    async fn guests(&self, ids: Vec<GuestId>) -> Result<Vec<Guest>>;

    /// Bars the marks, and ends the membership of whom they are meant for, if any. Bans that are over by `now` go. Limit past `BANS_MAX`.
    /// A mark that is barred already is barred until the later moment.
    async fn ban(&self, bans: Vec<Ban>, now: Millis, note: Option<NewMessage>) -> Result<()>;

    /// Those that hold at `now`, by their end.
    async fn bans(&self, room: RoomId, now: Millis) -> Result<Vec<Ban>>;

    /// Whether one of the marks is barred at that moment.
    async fn is_barred(&self, room: RoomId, marks: Vec<[u8; 32]>, at: Millis) -> Result<bool>;

    /// Lifts all that were meant for them.
    async fn unban(&self, room: RoomId, who: Who) -> Result<()>;

    /// Conflict where the id is taken; Limit past `BOTS_MAX`.
    async fn add_bot(&self, bot: Bot, secret: SecretHash) -> Result<()>;

    async fn bot(&self, secret: SecretHash) -> Result<Bot>;

    /// By id.
    async fn bots(&self) -> Result<Vec<Bot>>;

    /// It leaves its rooms, and its token is no longer good.
    async fn remove_bot(&self, id: BotId) -> Result<()>;
}

/// What a ban of somebody who is known bars; of a browser and an address the mark is a keyed hash.
pub fn mark_of(who: Who) -> [u8; 32] {
    let mut mark = [0; 32];
    mark[24..].copy_from_slice(&who.number().to_be_bytes());
    mark
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    Entered,
    /// Was in it already.
    Present,
    /// Is kept out.
    Barred,
}

/// One thing about a room that becomes another.
#[derive(Clone, Debug, PartialEq)]
pub enum RoomChange {
    Name(String),
    Topic(String),
    Zone(String),
    Public(bool),
    MembersMax(u32),
    Lock,
    /// What was posted since it was locked is removed.
    Unlock,
}

impl RoomChange {
    pub(crate) fn apply(&self, room: &mut Room) -> Result<()> {
        match self {
            RoomChange::Name(name) => room.name.clone_from(name),
            RoomChange::Topic(topic) => room.topic.clone_from(topic),
            RoomChange::Zone(zone) => room.zone.clone_from(zone),
            RoomChange::Public(public) => room.public = *public,
            RoomChange::MembersMax(max) => room.members_max = *max,
            RoomChange::Lock => room.locked = true,
            RoomChange::Unlock => room.locked = false,
        }
        refuse_oversized(room)
    }
}

pub(crate) fn refuse_oversized(room: &Room) -> Result<()> {
    bounded(room.name.len(), "bytes in a name", limits::NAME_BYTES_MAX)?;
    bounded(room.topic.len(), "bytes in a topic", limits::TOPIC_BYTES_MAX)?;
    bounded(room.members_max as usize, "members of a room", limits::ROOM_MEMBERS_MAX as usize)
}

pub(crate) fn bounded(is: usize, what: &'static str, max: usize) -> Result<()> {
    if is > max { Err(StoreError::Limit { what, max }) } else { Ok(()) }
}

/// What tells direct rooms apart: the site and the people, in their order.
pub fn direct_key(room: &Room, members: &[Member]) -> Option<String> {
    if room.kind != RoomKind::Direct {
        return None;
    }
    let mut people: Vec<String> = members.iter().map(|member| member.who.to_string()).collect();
    people.sort();
    people.dedup();
    Some(format!("{}:{}", room.site.map(|site| site.to_string()).unwrap_or_default(), people.join(" ")))
}

pub(crate) const LOCKED: StoreError = StoreError::Conflict("the room is locked");
pub(crate) const LAST_HOST: StoreError = StoreError::Conflict("a room keeps at least one host");
pub(crate) const NO_ROOM: StoreError = StoreError::NotFound("room");
pub(crate) const NO_MEMBER: StoreError = StoreError::NotFound("member of the room");
pub(crate) const TOO_MANY_ROOMS: StoreError = StoreError::Limit { what: "rooms", max: limits::ROOMS_MAX };
pub(crate) const TOO_MANY_MADE: StoreError =
    StoreError::Limit { what: "rooms that one account made", max: limits::ROOMS_MADE_MAX };
pub(crate) const TOO_MANY_OF_ONE: StoreError =
    StoreError::Limit { what: "rooms that one person is in", max: limits::ROOMS_A_PERSON_MAX };
pub(crate) const TOO_MANY_GUESTS: StoreError =
    StoreError::Limit { what: "guests of a room", max: limits::GUESTS_MAX };
pub(crate) const TOO_MANY_BANS: StoreError =
    StoreError::Limit { what: "bans of a room", max: limits::BANS_MAX };
pub(crate) const TOO_MANY_BOTS: StoreError = StoreError::Limit { what: "bots", max: limits::BOTS_MAX };

pub(crate) fn full(room: &Room) -> StoreError {
    StoreError::Limit { what: "members of this room", max: room.members_max as usize }
}
