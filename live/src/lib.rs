//! Seam 2: who is here now. The trait's doc comments are its specification.
//! Never decides presence: it keeps what the processor decided, counts it, and tells whoever watches.

pub mod counters;
mod hear;
pub mod memory;
pub mod redis;
pub mod series;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use model::{BatchId, Channel, Millis, Minute, Peak, SiteId, Visitor, VisitorKey};
use serde::{Deserialize, Serialize};

pub use self::redis::RedisLive;
pub use counters::{Counters, Dimension};
pub use hear::hear;
pub use memory::MemoryLive;

/// Presence, counters, the last 30 minutes, and topics.
///
/// A shard is worked on by one processor at a time, and each taking over (`load`) has a higher term than those before:
/// who was frozen meanwhile and wakes up is refused at every site, with `Superseded`.
#[async_trait]
pub trait Live: Send + Sync {
    /// Applies commits in order. A commit of an earlier minute than another before it raises neither series nor
    /// peak by who is present. Each is atomic a site: states, counters and series change together, so
    /// that counters always equal a recount of the states. Each raises the site's version by one.
    /// A commit sent again, by its origin, changes nothing more, and is answered by how the site stands: also beside newer ones of
    /// other sites. `Partly`: some sites cannot be reached, and theirs may be applied or not; those of the others are, as soon
    /// as they would have been.
    /// `Superseded`: the shard was taken over since; nothing of an older term than its sites' is applied.
    async fn commit(&self, commits: Vec<Commit>) -> Result<Vec<Applied>, LiveError>;

    /// Takes a shard over: its next term, and its states and marks as last committed, by site. States are None where anything may be
    /// missing, since nobody `recovered` the shard or some of it was lost: what was left of it is then gone here too,
    /// states and pageviews, to be rebuilt from the tail.
    async fn load(&self, shard: u16) -> Result<Loaded, LiveError>;

    /// Everything that is known of the shard was committed in this term: whoever loads it next finds it whole.
    async fn recovered(&self, shard: u16, term: u64) -> Result<(), LiveError>;

    /// A consistent picture of a site, and every commit after it, in order: `RecvError::Lagged` where the watcher fell behind (watch
    /// again), `RecvError::Closed` where the site was forgotten. An unknown site is empty.
    async fn watch(&self, site: SiteId) -> Result<Watch, LiveError>;

    /// The state of one visitor of a site, as last committed. None: not present.
    async fn visitor(&self, site: SiteId, key: VisitorKey) -> Result<Option<Arc<Visitor>>, LiveError>;

    /// Visitors present now (bots left out), in the order asked. Of no sites: whether live can be reached.
    async fn present(&self, sites: &[SiteId]) -> Result<Vec<u32>, LiveError>;

    /// Raises the most visitors a site had at once in an hour, as kept elsewhere, on start.
    async fn restore_peaks(&self, peaks: &[Peak]) -> Result<(), LiveError>;

    /// Everything about a site is gone, its watches are closed. But older terms of its shards are refused there as before.
    async fn forget(&self, site: SiteId) -> Result<(), LiveError>;

    /// Tells every present subscriber of a topic. Nobody listening is no error.
    async fn publish(&self, topic: &str, message: Bytes) -> Result<(), LiveError>;

    /// Messages of a topic from now on, in order. A subscriber that falls behind is told of the gap.
    async fn subscribe(&self, topic: &str) -> Result<Subscription, LiveError>;
}

/// Topic: a site was added, changed or deleted. Message: the site id's written form.
pub const SITES_TOPIC: &str = "sites";
/// Topic: somebody's rights changed: whoever holds an authorisation asks again. Message: empty.
pub const RIGHTS_TOPIC: &str = "rights";

/// Hits of one commit that the feed shows at most; the rest are only counted.
pub const FEED_HITS_MAX: usize = 50;

/// A shard as it was taken over.
#[derive(Debug)]
pub struct Loaded {
    /// Higher than that of every `load` of the shard before, also where Live lost everything between.
    pub term: u64,
    pub states: Option<Vec<(SiteId, Vec<Arc<Visitor>>)>>,
    /// How far of the tail these and the pageviews are, at each site that has a mark; none where the states are None.
    pub marks: Vec<(SiteId, Mark)>,
}

/// The newest batch of the tail that a shard's commits at a site hold: what stands behind it in the tail was appended
/// and not committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub batch: BatchId,
    /// As the tail has it.
    pub received: Millis,
}

/// Which commit of its shard it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// As `load` gave it; 0: of a shard that was never loaded.
    pub term: u64,
    /// Grows from commit to commit of one site; one that is sent again has its own. 0: sent once only.
    pub number: u64,
}

/// What one shard's processor decided about one site since its last commit.
#[derive(Clone, Debug)]
pub struct Commit {
    pub site: SiteId,
    pub shard: u16,
    /// Whoever watches a site is not told it.
    pub origin: Origin,
    /// Of this commit and those before it.
    pub mark: Option<Mark>,
    pub at: Millis,
    pub changes: Vec<Change>,
    /// Pageviews that became known, by the minute they happened in; bots left out.
    pub pageviews: Vec<(Minute, u32)>,
    /// The newest hits, oldest first, at most `FEED_HITS_MAX`; bots and heartbeats left out.
    pub feed: Vec<FeedHit>,
}

impl Origin {
    /// Whether a commit of this origin was applied before or with the one of `last`.
    pub fn repeats(self, last: Origin) -> bool {
        self.number > 0 && self.term == last.term && self.number <= last.number
    }
}

/// One visitor came (`before` is None), changed, or went (`after` is None).
#[derive(Clone, Debug)]
pub struct Change {
    pub key: VisitorKey,
    /// The state of the last commit.
    pub before: Option<Arc<Visitor>>,
    pub after: Option<Arc<Visitor>>,
}

/// One line of the live feed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeedHit {
    pub at: Millis,
    pub key: VisitorKey,
    pub kind: FeedKind,
    pub path: Arc<str>,
    pub country: Arc<str>,
    pub source: Arc<str>,
    pub channel: Channel,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FeedKind {
    Pageview,
    Leave,
    /// The event's name.
    Event(Arc<str>),
    /// The identity given.
    Identify(Arc<str>),
}

/// A commit as it was applied.
#[derive(Clone, Debug)]
pub struct Applied {
    pub site: SiteId,
    pub version: u64,
    /// Visitors present after it, bots left out.
    pub present: u32,
    /// The site's peak of the current hour after it.
    pub peak: Peak,
    /// Nothing of this shard's term was held for the site before: its first commit, or Live forgot. Whoever holds states
    /// of the shard that this commit did not carry, commits them again with `before` None.
    pub is_first: bool,
    pub commit: Arc<Commit>,
}

/// A site at one version.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub version: u64,
    pub counters: Counters,
    pub visitors: Vec<Arc<Visitor>>,
    pub series: Series,
    /// Most visitors present at once in the last 7 days, and the start of that hour.
    pub peak: Option<(Millis, u32)>,
}

/// The last 30 minutes, oldest first, gaps left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series(pub Vec<SeriesMinute>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesMinute {
    pub minute: Minute,
    /// Pageviews that happened in it.
    pub pageviews: u32,
    /// The most visitors present at once during it.
    pub visitors: u32,
}

/// A snapshot, then changes.
pub struct Watch {
    pub snapshot: Snapshot,
    pub changes: tokio::sync::broadcast::Receiver<Arc<Applied>>,
}

/// The messages of one topic. `RecvError::Lagged(n)`: n messages were missed.
pub struct Subscription(pub tokio::sync::broadcast::Receiver<Bytes>);

#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    #[error("live state cannot be reached: {0:#}")]
    Unavailable(anyhow::Error),
    #[error("live state of some sites cannot be reached: {error:#}")]
    Partly {
        /// All commits of the other sites, in order.
        applied: Vec<Applied>,
        error: anyhow::Error,
    },
    #[error("another processor has taken the shard over")]
    Superseded,
}
