//! Moving house: everything that a store holds, as plain rows, out of one backend and into another.
//!
//! One `Kind` an idea, one row type a kind. Rows of a kind come in the order of their keys, the tail in the order it
//! was appended. A store that is moved to carries a mark from before its first row until the comparison at the end;
//! while the move has not ended, nothing but a move opens it.

mod carry;
pub(crate) mod chat;
mod content;
pub(crate) mod history;
pub(crate) mod parts;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use model::chat::{Ban, BotHook, Conversation, Member, Message, Revision};
use model::notice::Browser;
use model::outbox::Job;
use model::{BatchId, Millis, Peak, Site, SiteId};
use serde::Serialize;

use crate::alerts::AlertBook;
use crate::chat::duty::Duty;
use crate::chat::rules::Rulebook;
use crate::history::{SegmentEntry, TailBatch};
use crate::totals::TOTALS_AT_ONCE_MAX;
use crate::{Result, Store};

pub use carry::{Compared, Progress, carry, compare, insist};
pub use chat::{
    ArrivalRow, BotRow, FannedRow, FilePart, FileRow, GuestRow, HookRow, LinkRow, RoomRow, RuleMarkRow,
    ShownRow, StarRow,
};
pub use content::Content;

/// Rows of one page. One of segments, files or of the tail ends with the row that brings it to `history::PAGE_BYTES_MAX`, too.
pub const PAGE_ROWS_MAX: usize = 500;
/// The same of messages and of their revisions, which may be long.
pub const PAGE_MESSAGES_MAX: usize = 128;
/// Daily totals, days of watched pages or of services, or what filters learned, of one page, which are large.
pub const TOTALS_PAGE_MAX: usize = TOTALS_AT_ONCE_MAX;
/// Bytes of one part of a segment or of a file.
pub const PART_BYTES: usize = 1024 * 1024;

/// A store that is opened for a move, and for nothing else.
pub struct House {
    pub store: Store,
    pub moving: Arc<dyn Moving>,
}

/// Which end of a move a store is opened as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Must be there, and be no part of a move that has not ended.
    Source,
    /// Made where it is missing.
    Target,
}

/// What a store knows about the move that it was the target of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Where its rows come from, without a password.
    pub source: String,
    /// The source's cursor up to which the tail came along.
    pub tail: u64,
    /// The comparison found both ends the same.
    pub ended: bool,
}

#[async_trait]
pub trait Moving: Send + Sync {
    /// None: nothing was ever moved to this store.
    async fn mark(&self) -> Result<Option<Mark>>;

    /// Marks this store as the target of a move that begins. An offer to set up and what was seen of the services, which a web
    /// process left that was started on an empty store, go. Conflict where the store holds anything else.
    async fn begin(&self, source: &str) -> Result<Mark>;

    /// Keeps how far the tail came along, so that it is not sent from its beginning again.
    async fn reached(&self, tail: u64) -> Result<()>;

    /// The move has ended: the store may be served from.
    async fn end(&self) -> Result<()>;

    /// The last segment that came along whole, as what stands behind it is read from. None: none did.
    async fn last_segment(&self) -> Result<Option<Key>>;

    /// At most `limit` rows from behind `after`. What expired by `now` is left out: a backend may remove it at any time.
    async fn export(&self, kind: Kind, after: Option<Key>, now: Millis, limit: usize) -> Result<Page>;

    /// Takes rows of one kind, durably, all or none of a page. A row whose key is there already changes nothing, so
    /// that a page may be sent again. Kinds come in the order of `Kind::ALL`: rows name rows of kinds before theirs.
    /// Of an account's sign-ins of the same millisecond it is not kept which was the first.
    async fn import(&self, kind: Kind, rows: Vec<Row>) -> Result<()>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Accounts,
    SetUp,
    Sites,
    Members,
    SignIns,
    Tokens,
    Invitations,
    Shares,
    Saved,
    Totals,
    Pages,
    PageDays,
    ServiceDays,
    Bots,
    Rooms,
    RoomMembers,
    GuestLinks,
    Guests,
    Bans,
    Messages,
    Revisions,
    Stars,
    Files,
    Conversations,
    Learned,
    Duty,
    Rules,
    RuleMarks,
    Alerts,
    Hooks,
    Shown,
    BotHooks,
    Fanned,
    Jobs,
    Arrivals,
    Salts,
    Forgotten,
    Peaks,
    Segments,
    Tail,
    /// After the tail: they name batches of it.
    Folds,
}

impl Kind {
    /// In the order in which they are moved.
    pub const ALL: [Kind; 41] = [
        Kind::Accounts,
        Kind::SetUp,
        Kind::Sites,
        Kind::Members,
        Kind::SignIns,
        Kind::Tokens,
        Kind::Invitations,
        Kind::Shares,
        Kind::Saved,
        Kind::Bots,
        Kind::Rooms,
        Kind::RoomMembers,
        Kind::GuestLinks,
        Kind::Guests,
        Kind::Bans,
        Kind::Messages,
        Kind::Revisions,
        Kind::Stars,
        Kind::Files,
        Kind::Conversations,
        Kind::Learned,
        Kind::Duty,
        Kind::Rules,
        Kind::RuleMarks,
        Kind::Alerts,
        Kind::Hooks,
        Kind::Shown,
        Kind::BotHooks,
        Kind::Fanned,
        Kind::Jobs,
        Kind::Arrivals,
        Kind::Totals,
        Kind::Pages,
        Kind::PageDays,
        Kind::ServiceDays,
        Kind::Salts,
        Kind::Forgotten,
        Kind::Peaks,
        Kind::Segments,
        Kind::Tail,
        Kind::Folds,
    ];

    /// In words, at most 16 characters.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Accounts => "accounts",
            Kind::SetUp => "set-up offer",
            Kind::Sites => "sites",
            Kind::Members => "members",
            Kind::SignIns => "sign-ins",
            Kind::Tokens => "tokens",
            Kind::Invitations => "invitations",
            Kind::Shares => "share links",
            Kind::Saved => "saved items",
            Kind::Bots => "bots",
            Kind::Rooms => "rooms",
            Kind::RoomMembers => "room members",
            Kind::GuestLinks => "guest links",
            Kind::Guests => "guests",
            Kind::Bans => "bans",
            Kind::Messages => "messages",
            Kind::Revisions => "revisions",
            Kind::Stars => "stars",
            Kind::Files => "file parts",
            Kind::Conversations => "conversations",
            Kind::Learned => "filters of spam",
            Kind::Duty => "turns of agents",
            Kind::Rules => "rules",
            Kind::RuleMarks => "marks of rules",
            Kind::Alerts => "alerts",
            Kind::Hooks => "hooks",
            Kind::Shown => "shown commits",
            Kind::BotHooks => "bot hooks",
            Kind::Fanned => "rooms looked at",
            Kind::Jobs => "jobs",
            Kind::Arrivals => "known commits",
            Kind::Totals => "daily totals",
            Kind::Pages => "watched pages",
            Kind::PageDays => "days of pages",
            Kind::ServiceDays => "days of services",
            Kind::Salts => "salts",
            Kind::Forgotten => "removed sites",
            Kind::Peaks => "peaks",
            Kind::Segments => "segment parts",
            Kind::Tail => "tail batches",
            Kind::Folds => "folds",
        }
    }
}

/// What rows of a kind are told apart and ordered by; of the tail, a place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    Number(i64),
    Pair(i64, i64),
    Text(String),
    Bytes([u8; 32]),
    Id(u128),
    /// Site and segment, or room and file, and where in it a part begins; `u64::MAX`: behind all its parts.
    Part(i64, u128, u64),
    /// Room, and a mark that is barred from it, or of what it knows of a repository; site, and to whom a rule was said.
    Mark(i64, [u8; 32]),
    Triple(i64, i64, i64),
}

pub struct Page {
    pub rows: Vec<Row>,
    /// The `after` of the next page. None: this was the last.
    pub next: Option<Key>,
}

impl Page {
    /// Of rows that are all there are up to `limit`.
    pub fn of(rows: Vec<Row>, limit: usize) -> Page {
        let is_full = rows.len() >= limit;
        let next = rows.last().filter(|_| is_full).and_then(Row::key);
        Page { rows, next }
    }
}

/// Ids, roles and moments stand as the numbers that they are stored as.
#[derive(Clone, PartialEq)]
pub enum Row {
    Account(AccountRow),
    /// The hash of the set-up secret on offer.
    SetUp([u8; 32]),
    Site(Site),
    Member(MemberRow),
    SignIn(SignInRow),
    Token(TokenRow),
    Invitation(InvitationRow),
    Share(ShareRow),
    Saved(SavedRow),
    Bot(BotRow),
    Room(RoomRow),
    RoomMember(Member),
    GuestLink(LinkRow),
    Guest(GuestRow),
    Ban(Ban),
    Message(Box<Message>),
    Revision(Box<Revision>),
    Star(StarRow),
    File(FilePart),
    Conversation(Box<Conversation>),
    Learned(LearnedRow),
    Duty(DutyRow),
    Rules(RulesRow),
    RuleMark(RuleMarkRow),
    Alerts(AlertsRow),
    Hook(HookRow),
    Shown(ShownRow),
    BotHook(BotHook),
    Fanned(FannedRow),
    Job(Job),
    Arrival(ArrivalRow),
    Total(TotalRow),
    Page(PageRow),
    PageDay(PageDayRow),
    ServiceDay(ServiceDayRow),
    Salt(SaltRow),
    /// The id of a site that was removed.
    Forgotten(i64),
    Peak(Peak),
    Part(SegmentPart),
    Batch(TailBatch),
    Fold(FoldRow),
}

#[derive(Clone, PartialEq, Serialize)]
pub struct AccountRow {
    pub id: i64,
    pub name: String,
    pub email: String,
    pub password_phc: String,
    pub operator: bool,
    pub created: i64,
    pub digest: i64,
}

/// Whose turn it is of a site's agents.
#[derive(Clone, PartialEq, Serialize)]
pub struct DutyRow {
    pub site: i64,
    pub duty: Duty,
}

/// The rules of a site.
#[derive(Clone, PartialEq, Serialize)]
pub struct RulesRow {
    pub site: i64,
    pub book: Rulebook,
}

/// The alerts of a site, and what came of them.
#[derive(Clone, PartialEq, Serialize)]
pub struct AlertsRow {
    pub site: i64,
    pub book: AlertBook,
}

/// What a site's filter of spam learned.
#[derive(Clone, PartialEq, Serialize)]
pub struct LearnedRow {
    pub site: i64,
    pub version: i64,
    pub bytes: Vec<u8>,
}

#[derive(Clone, PartialEq, Serialize)]
pub struct MemberRow {
    pub site: i64,
    pub account: i64,
    pub role: i64,
}

#[derive(Clone, PartialEq, Serialize)]
pub struct SignInRow {
    pub secret: [u8; 32],
    pub account: i64,
    pub created: i64,
    pub expires: i64,
    pub agent: String,
    /// Where its browser is reached.
    pub browser: Option<Browser>,
    pub marks: Vec<u8>,
}

#[derive(Clone, PartialEq, Serialize)]
pub struct TokenRow {
    pub id: i64,
    pub secret: [u8; 32],
    pub account: i64,
    pub name: String,
    /// None: all sites of the account.
    pub site: Option<i64>,
    pub scopes: Vec<String>,
    pub created: i64,
}

#[derive(Clone, PartialEq, Serialize)]
pub struct InvitationRow {
    pub id: i64,
    pub secret: [u8; 32],
    pub site: i64,
    pub role: i64,
    pub by: i64,
    pub note: String,
    pub created: i64,
    pub expires: i64,
}

#[derive(Clone, PartialEq, Serialize)]
pub struct ShareRow {
    pub id: i64,
    pub secret: [u8; 32],
    pub site: i64,
    pub name: String,
    pub created: i64,
    pub segment: Option<i64>,
}

#[derive(Clone, PartialEq, Serialize)]
pub struct SavedRow {
    pub id: i64,
    pub site: i64,
    pub kind: i64,
    pub name: String,
    pub body: String,
    pub at: Option<i64>,
    pub created: i64,
}

#[derive(Clone, PartialEq, Serialize)]
pub struct TotalRow {
    pub site: i64,
    /// Day and table.
    pub slot: i64,
    pub body: String,
}

/// A page that is looked at.
#[derive(Clone, PartialEq, Serialize)]
pub struct PageRow {
    pub id: i64,
    pub site: i64,
    pub url: String,
    pub created: i64,
}

#[derive(Clone, PartialEq, Serialize)]
pub struct PageDayRow {
    pub site: i64,
    pub page: i64,
    pub day: i64,
    pub version: i64,
    pub body: String,
}

/// How the services were on a day.
#[derive(Clone, PartialEq, Serialize)]
pub struct ServiceDayRow {
    pub day: i64,
    pub version: i64,
    pub body: String,
}

/// `PART_BYTES` of a segment on the shelf, or what is left of it; an empty one has one part. The segment counts once its
/// last part is there.
#[derive(Clone, PartialEq)]
pub struct SegmentPart {
    pub site: SiteId,
    pub entry: SegmentEntry,
    pub start: u64,
    pub body: Bytes,
}

impl SegmentPart {
    pub fn is_last(&self) -> bool {
        self.start + self.body.len() as u64 >= self.entry.bytes
    }
}

#[derive(Clone, PartialEq, Serialize)]
pub struct FoldRow {
    pub site: i64,
    pub number: i64,
    /// The last batch of the tail that folds took in, which a cursor of another store would not name.
    /// None: all that they took in has left the tail.
    pub last: Option<BatchId>,
}

#[derive(Clone, PartialEq, Serialize)]
pub struct SaltRow {
    pub name: String,
    pub salt: [u8; 32],
    pub expires: i64,
}

impl Row {
    /// None where no row says it: there is one set-up offer, and a batch's place is its store's.
    fn key(&self) -> Option<Key> {
        Some(match self {
            Row::Account(row) => Key::Number(row.id),
            Row::Site(site) => Key::Number(site.id.value() as i64),
            Row::Member(row) => Key::Pair(row.site, row.account),
            Row::SignIn(row) => Key::Bytes(row.secret),
            Row::Token(row) => Key::Number(row.id),
            Row::Invitation(row) => Key::Number(row.id),
            Row::Share(row) => Key::Number(row.id),
            Row::Saved(row) => Key::Number(row.id),
            Row::Bot(row) => Key::Number(row.bot.id.value() as i64),
            Row::Room(row) => Key::Number(row.room.id.value() as i64),
            Row::RoomMember(row) => Key::Pair(row.room.value() as i64, row.who.number()),
            Row::GuestLink(row) => Key::Number(row.link.room.value() as i64),
            Row::Guest(row) => Key::Number(row.guest.id.value() as i64),
            Row::Ban(row) => Key::Mark(row.room.value() as i64, row.mark),
            Row::Message(row) => Key::Pair(row.room.value() as i64, row.number as i64),
            Row::Revision(row) => Key::Pair(row.room.value() as i64, row.change as i64),
            Row::Star(row) => Key::Triple(row.who, row.room, row.number),
            Row::File(part) => Key::Part(part.row.room.value() as i64, part.row.file.id.0, part.start),
            Row::Conversation(row) => Key::Number(row.room.value() as i64),
            Row::Learned(row) => Key::Number(row.site),
            Row::Duty(row) => Key::Number(row.site),
            Row::Rules(row) => Key::Number(row.site),
            Row::RuleMark(row) => Key::Mark(row.site, row.mark),
            Row::Alerts(row) => Key::Number(row.site),
            Row::Hook(row) => Key::Number(row.hook.id.value() as i64),
            Row::Shown(row) => Key::Mark(row.room, row.mark),
            Row::BotHook(hook) => Key::Number(hook.bot.value() as i64),
            Row::Fanned(row) => Key::Number(row.room),
            Row::Job(job) => Key::Id(job.id.0),
            Row::Arrival(row) => Key::Mark(row.room, row.mark),
            Row::Total(row) => Key::Pair(row.site, row.slot),
            Row::Page(row) => Key::Number(row.id),
            Row::PageDay(row) => Key::Triple(row.site, row.page, row.day),
            Row::ServiceDay(row) => Key::Number(row.day),
            Row::Part(part) => Key::Part(part.site.value() as i64, part.entry.id.0, part.start),
            Row::Fold(row) => Key::Number(row.site),
            Row::Salt(row) => Key::Text(row.name.clone()),
            Row::Forgotten(site) => Key::Number(*site),
            Row::Peak(peak) => Key::Pair(peak.hour.0, peak.site.value() as i64),
            Row::SetUp(_) | Row::Batch(_) => return None,
        })
    }
}

/// Without what it holds: secrets, salts and people's visits.
impl fmt::Debug for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Row {:?}", self.key())
    }
}

/// Why a store that holds a part of a move is not opened.
pub(crate) fn refuse_half_moved(mark: Option<Mark>) -> anyhow::Result<()> {
    match mark {
        Some(Mark { source, ended: false, .. }) => anyhow::bail!(
            "it holds a part of a move from {source} that has not ended: \
             run that `watchfire move` again until it says that both are the same"
        ),
        _ => Ok(()),
    }
}
