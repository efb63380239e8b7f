//! The nouns of Watchfire: sites, hits, visitors, rooms, messages, rights, ids, clock and limits. Plain data.
//! Never does I/O, never reads a clock of its own, never names a backend.

pub mod alert;
pub mod chat;
pub mod clock;
pub mod hit;
pub mod ids;
pub mod limits;
pub mod notice;
pub mod outbox;
pub mod rights;
pub mod site;
pub mod source;
pub mod visitor;
pub mod watched;

pub use clock::{Clock, Millis, Minute, SystemClock, TestClock};
pub use hit::{Arrival, BadMessage, Hit, HitKind, Place, Screen};
pub use ids::{
    AccountId, AlertId, BatchId, BotId, BrowserId, FileId, GuestId, HitId, HookId, IncidentId, InvitationId,
    JobId, MessageId, PageId, RoomId, RuleId, SavedId, SegmentId, ShareId, SiteId, TokenId, UploadId,
    VisitorId,
};
pub use rights::{Action, Role};
pub use site::{ChatSettings, Hours, PageSide, Peak, Site};
pub use source::{Channel, Source};
pub use visitor::{Agent, BotReason, Device, OpenPage, Step, Visitor, VisitorKey};
pub use watched::WatchedPage;
