//! An enriched hit: all that history keeps of one. Strings are shared, so that a batch holds each once.

use std::sync::Arc;

use model::{Agent, BotReason, HitId, Millis, Place, Screen, Source, VisitorId};

/// A hit after the processor's steps. No address and no browser id: neither is ever kept.
#[derive(Clone, Debug, PartialEq)]
pub struct EnrichedHit {
    pub id: HitId,
    /// When it happened, by the server's clock; never after `received`.
    pub at: Millis,
    pub received: Millis,
    /// The visitor it counts for: across the salt's change, the id its open visit began with.
    pub visitor: VisitorId,
    pub page: Arc<Page>,
    /// What the hit itself names (UTM, click id, foreign referrer), else the source of its visit so far.
    pub source: Arc<Source>,
    pub agent: Arc<Agent>,
    pub place: Arc<Place>,
    /// As in `model::Arrival::language`.
    pub language: Arc<str>,
    pub screen: Option<Screen>,
    pub bot: Option<BotReason>,
    pub kind: EnrichedKind,
}

/// A page's address, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Page {
    /// Lower case, without port.
    pub hostname: Arc<str>,
    /// As counted: begins with `/`, no query, no fragment.
    pub path: Arc<str>,
    /// Without the question mark; empty without one.
    pub query: Arc<str>,
}

/// What happened. Fields as in `model::HitKind`.
#[derive(Clone, Debug, PartialEq)]
pub enum EnrichedKind {
    Pageview { title: Arc<str>, due_ms: Option<u32> },
    Heartbeat { pageview: HitId, engaged_ms: u32, scroll: u8, active: bool, due_ms: u32 },
    Leave { pageview: HitId, engaged_ms: u32, scroll: u8 },
    Event { name: Arc<str>, props: Props, pageview: Option<HitId> },
    Identify { identity: Arc<str>, props: Props },
}

/// Names and values that the site gave.
pub type Props = Vec<(Arc<str>, Arc<str>)>;

impl EnrichedKind {
    /// A pageview, event or identify: each counts. Of heartbeats and leaves only the largest totals do.
    pub const fn counts_once(&self) -> bool {
        !matches!(self, EnrichedKind::Heartbeat { .. } | EnrichedKind::Leave { .. })
    }

    /// The written form in JSON, metrics and lists.
    pub const fn name(&self) -> &'static str {
        match self {
            EnrichedKind::Pageview { .. } => "pageview",
            EnrichedKind::Heartbeat { .. } => "heartbeat",
            EnrichedKind::Leave { .. } => "leave",
            EnrichedKind::Event { .. } => "event",
            EnrichedKind::Identify { .. } => "identify",
        }
    }
}
