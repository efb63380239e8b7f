//! What happened on a site, written straight into its tail.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use history::{EnrichedHit, EnrichedKind, Page, tail};
use model::{Agent, BatchId, Device, HitId, Millis, Place, SiteId, Source, VisitorId};
use store::history::TailBatch;

use super::World;

static NUMBER: AtomicU64 = AtomicU64::new(1);

/// A pageview from nowhere in particular.
pub fn view(visitor: u64, at: i64, path: &str) -> EnrichedHit {
    let text = |of: &str| -> Arc<str> { Arc::from(of) };
    let agent = Agent {
        browser: text("Firefox"),
        browser_version: text("140"),
        os: text("Linux"),
        os_version: text(""),
        device: Device::Desktop,
    };
    EnrichedHit {
        id: HitId(u128::from(NUMBER.fetch_add(1, Ordering::Relaxed)) << 64 | 7),
        at: Millis(at),
        received: Millis(at),
        visitor: VisitorId(visitor),
        page: Arc::new(Page { hostname: text("shop.example"), path: text(path), query: text("") }),
        source: Arc::new(Source::direct()),
        agent: Arc::new(agent),
        place: Arc::new(Place::default()),
        language: text("fr"),
        screen: None,
        bot: None,
        kind: EnrichedKind::Pageview { title: text(path), due_ms: None },
    }
}

/// The same moment and page, but an event.
pub fn event(visitor: u64, at: i64, name: &str, props: &[(&str, &str)]) -> EnrichedHit {
    let props = props.iter().map(|(key, value)| (Arc::from(*key), Arc::from(*value))).collect();
    let kind = EnrichedKind::Event { name: Arc::from(name), props, pageview: None };
    EnrichedHit { kind, ..view(visitor, at, "/") }
}

/// The same moment and page, but the visitor is named.
pub fn identify(visitor: u64, at: i64, identity: &str, props: &[(&str, &str)]) -> EnrichedHit {
    let props = props.iter().map(|(key, value)| (Arc::from(*key), Arc::from(*value))).collect();
    let kind = EnrichedKind::Identify { identity: Arc::from(identity), props };
    EnrichedHit { kind, ..view(visitor, at, "/") }
}

pub fn from_country(country: &str, hit: EnrichedHit) -> EnrichedHit {
    EnrichedHit { place: Arc::new(Place { country: country.to_owned(), ..Place::default() }), ..hit }
}

impl World {
    /// All of it is in the tail when this returns.
    pub async fn happened(&self, site: &str, hits: &[EnrichedHit]) {
        let site: SiteId = site.parse().unwrap();
        let batch = |hits: &[EnrichedHit]| TailBatch {
            id: BatchId(u128::from(NUMBER.fetch_add(1, Ordering::Relaxed))),
            site,
            received: hits.iter().map(|hit| hit.received).max().unwrap(),
            hits: hits.len() as u32,
            body: tail::encode(0, hits).into(),
        };
        self.store.history.append(hits.chunks(5_000).map(batch).collect()).await.unwrap();
    }
}
