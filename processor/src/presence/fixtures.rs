//! Hits and visitors for tests of presence: what a test does not name does not matter to it.

use std::sync::Arc;

use history::{EnrichedHit, EnrichedKind, Page};
use model::{
    Agent, BotReason, BrowserId, Device, HitId, Millis, OpenPage, Place, SiteId, Source, Visitor, VisitorId,
    VisitorKey,
};

use super::Sighting;

pub const SITE: SiteId = SiteId::of(1);
/// 2025-11-21T08:00:00Z.
pub const EIGHT: Millis = Millis(1_763_712_000_000);

pub fn key(visitor: u64, browser: u64) -> VisitorKey {
    VisitorKey { visitor: VisitorId(visitor), browser: BrowserId(browser) }
}

pub fn page(number: u128, path: &str, alive_until: Millis) -> OpenPage {
    OpenPage {
        pageview: HitId(number),
        path: path.into(),
        active: true,
        engaged_ms: 0,
        scroll: 0,
        alive_until,
    }
}

pub fn visitor(key: VisitorKey) -> Visitor {
    Visitor {
        key,
        since: EIGHT,
        alive_until: EIGHT,
        active: false,
        engaged_ms: 0,
        pages: vec![],
        trail: vec![],
        source: Arc::new(Source::direct()),
        place: Arc::new(Place::default()),
        agent: agent(),
        language: "".into(),
        bot: None,
        identity: None,
    }
}

fn agent() -> Arc<Agent> {
    Arc::new(Agent {
        browser: "Firefox".into(),
        browser_version: "133".into(),
        os: "Linux".into(),
        os_version: "".into(),
        device: Device::Desktop,
    })
}

/// A hit of visitor 1, browser 1, on `/`, at `EIGHT`; change what matters.
pub fn sighting(id: u128, kind: EnrichedKind) -> Sighting {
    let none: Arc<str> = Arc::from("");
    Sighting {
        hit: EnrichedHit {
            id: HitId(id),
            at: EIGHT,
            received: EIGHT,
            visitor: VisitorId(1),
            page: Arc::new(Page { hostname: "shop.example".into(), path: "/".into(), query: none.clone() }),
            source: Arc::new(Source::direct()),
            agent: agent(),
            place: Arc::new(Place::default()),
            language: none,
            screen: None,
            bot: None,
            kind,
        },
        browser: BrowserId(1),
        from_path: None,
    }
}

impl Sighting {
    pub fn at(mut self, at: Millis) -> Sighting {
        (self.hit.at, self.hit.received) = (at, at);
        self
    }

    pub fn by(mut self, visitor: u64, browser: u64) -> Sighting {
        (self.hit.visitor, self.browser) = (VisitorId(visitor), BrowserId(browser));
        self
    }

    pub fn on(mut self, path: &str) -> Sighting {
        self.hit.page = Arc::new(Page { path: path.into(), ..Page::clone(&self.hit.page) });
        self
    }

    pub fn from(mut self, path: &str) -> Sighting {
        self.from_path = Some(path.into());
        self
    }

    pub fn named(mut self, source: &str) -> Sighting {
        self.hit.source = Arc::new(Source { name: source.into(), ..Source::direct() });
        self
    }

    pub fn bot(mut self) -> Sighting {
        self.hit.bot = Some(BotReason::NamesItself);
        self
    }
}

pub fn view(id: u128) -> Sighting {
    sighting(id, EnrichedKind::Pageview { title: "".into(), due_ms: Some(15_000) })
}

/// A pageview of a sender that never beats.
pub fn pixel(id: u128) -> Sighting {
    sighting(id, EnrichedKind::Pageview { title: "".into(), due_ms: None })
}

/// An active heartbeat, the next due in 15 s.
pub fn beat(pageview: u128, engaged_ms: u32) -> Sighting {
    heartbeat(pageview, engaged_ms, true, 15_000)
}

/// A heartbeat of a hidden tab, the next due in 60 s.
pub fn hidden(pageview: u128, engaged_ms: u32) -> Sighting {
    heartbeat(pageview, engaged_ms, false, 60_000)
}

fn heartbeat(pageview: u128, engaged_ms: u32, active: bool, due_ms: u32) -> Sighting {
    let pageview = HitId(pageview);
    sighting(0, EnrichedKind::Heartbeat { pageview, engaged_ms, scroll: 10, active, due_ms })
}

pub fn leave(pageview: u128, engaged_ms: u32) -> Sighting {
    sighting(0, EnrichedKind::Leave { pageview: HitId(pageview), engaged_ms, scroll: 20 })
}

pub fn event(id: u128, pageview: Option<u128>) -> Sighting {
    sighting(id, EnrichedKind::Event { name: "buy".into(), props: vec![], pageview: pageview.map(HitId) })
}

pub fn identify(id: u128, identity: &str) -> Sighting {
    sighting(id, EnrichedKind::Identify { identity: identity.into(), props: vec![] })
}

/// Memory never waits.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("memory waited"),
    }
}
