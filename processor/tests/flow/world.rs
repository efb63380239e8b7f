//! A processor between a bus in memory, a store in a folder and a clock turned by hand.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use bus::{Bus, Message};
use bytes::Bytes;
use history::{Recount, Totals, tail};
use live::{Live, MemoryLive, Snapshot};
use model::hit::{append_arrival, begin_message};
use model::{
    AccountId, Arrival, BatchId, BrowserId, Hit, HitId, HitKind, Millis, Place, Site, SiteId, TestClock,
    VisitorId,
};
use processor::{Deps, Options};
use store::Store;
use store::accounts::{NewAccount, SecretHash};
use store::embedded::Embedded;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::seams::{Failing, Queues};

pub const SITE: SiteId = SiteId::of(1);
pub const OWNER: AccountId = AccountId::of(1);
/// 2025-11-21T23:58:00Z.
pub const EVE: Millis = Millis(1_763_769_480_000);

pub type Work = (CancellationToken, JoinHandle<anyhow::Result<()>>);

pub struct World {
    pub bus: Arc<Queues>,
    pub store: Store,
    pub history: Arc<Failing>,
    pub live: Arc<MemoryLive>,
    pub clock: Arc<TestClock>,
    work: Option<Work>,
    batches: u128,
    drain_max: Duration,
    /// Takes effect with the next start.
    pub fold_every: Duration,
    _folder: TempDir,
}

impl World {
    pub async fn new(shards: u16) -> World {
        World::draining(shards, Duration::from_secs(30)).await
    }

    pub async fn draining(shards: u16, drain_max: Duration) -> World {
        let folder = tempfile::tempdir().unwrap();
        let store = Embedded::open(folder.path()).unwrap();
        add_site(&store).await;
        let history = Failing {
            history: store.history.clone(),
            failures_before: AtomicU32::new(0),
            failures_after: AtomicU32::new(0),
        };
        let mut world = World {
            bus: Arc::new(Queues::new(shards)),
            history: Arc::new(history),
            live: Arc::default(),
            clock: Arc::new(TestClock::at(EVE)),
            work: None,
            batches: 0,
            drain_max,
            fold_every: Options::default().fold_every,
            store,
            _folder: folder,
        };
        world.start().await;
        world
    }

    pub async fn start(&mut self) {
        self.work = Some(self.another().await);
    }

    /// One more processor beside the world's own, and what stops it.
    pub async fn another(&self) -> Work {
        self.over(self.live.clone()).await
    }

    /// One more processor, over another live.
    pub async fn over(&self, live: Arc<dyn Live>) -> Work {
        let options = Options {
            flush_every: Duration::from_millis(1),
            tick_every: Duration::from_millis(5),
            retry_wait: Duration::from_millis(5),
            drain_max: self.drain_max,
            fold_every: self.fold_every,
            ..Options::default()
        };
        let deps = Deps {
            bus: self.bus.clone(),
            history: self.history.clone(),
            saved: self.store.saved.clone(),
            sites: self.store.sites.clone(),
            totals: self.store.totals.clone(),
            pages: self.store.pages.clone(),
            live,
            clock: self.clock.clone(),
        };
        let stop = CancellationToken::new();
        let work = processor::start(options, deps, stop.clone()).await.unwrap();
        (stop, work)
    }

    pub async fn stop(&mut self) -> anyhow::Result<()> {
        let (stop, work) = self.work.take().expect("a started processor");
        stop.cancel();
        work.await.unwrap()
    }

    /// Stops the processor and takes everything it and live knew away.
    pub async fn restart(&mut self) {
        self.stop().await.unwrap();
        self.live = Arc::default();
        self.start().await;
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub fn message(&mut self, arrivals: &[Arrival<'_>]) -> Message {
        let mut body = Vec::new();
        begin_message(&mut body);
        arrivals.iter().for_each(|arrival| append_arrival(&mut body, arrival));
        self.batches += 1;
        Message { id: BatchId(self.batches), body: Bytes::from(body) }
    }

    pub async fn publish(&mut self, arrivals: &[Arrival<'_>]) -> Message {
        let message = self.message(arrivals);
        self.bus.publish(0, message.clone()).await.unwrap();
        message
    }

    /// Publishes to a shard and waits until it is acknowledged.
    pub async fn send_to(&mut self, shard: u16, arrivals: &[Arrival<'_>]) {
        let message = self.message(arrivals);
        self.bus.publish(shard, message).await.unwrap();
        self.settled().await;
    }

    /// Publishes and waits until it is acknowledged.
    pub async fn send(&mut self, arrivals: &[Arrival<'_>]) -> Message {
        let message = self.publish(arrivals).await;
        self.settled().await;
        message
    }

    pub async fn settled(&self) {
        until("the bus is empty", async || self.bus.depth().await.messages == 0).await;
    }

    /// An arrival of one hit that happens and is received now.
    pub fn arrival(&self, visitor: u64, hit: Hit<'static>) -> Arrival<'static> {
        let received = model::Clock::now(&*self.clock);
        let at = if hit.at == Millis(0) { received } else { hit.at };
        Arrival {
            site: SITE,
            received,
            visitor: VisitorId(visitor),
            visitor_before: None,
            browser: BrowserId(visitor),
            agent: "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0".into(),
            language: "fr".into(),
            screen: None,
            place: Place { country: "FR".into(), ..Place::default() },
            hits: vec![Hit { at, ..hit }],
        }
    }

    pub async fn snapshot(&self) -> Snapshot {
        self.live.watch(SITE).await.unwrap().snapshot
    }

    pub async fn present(&self) -> u32 {
        self.live.present(&[SITE]).await.unwrap()[0]
    }

    pub async fn charted(&self) -> u32 {
        self.snapshot().await.series.0.iter().map(|minute| minute.pageviews).sum()
    }

    pub async fn totals(&self) -> Totals {
        self.totals_of(SITE).await
    }

    pub async fn totals_of(&self, site: SiteId) -> Totals {
        let page = self.store.history.tail_of(site, None, 10_000).await.unwrap();
        assert_eq!(page.next, None);
        let mut recount = Recount::default();
        page.batches.iter().for_each(|batch| recount.add(&tail::decode(&batch.body).unwrap().hits));
        recount.totals()
    }
}

async fn add_site(store: &Store) {
    let secret = SecretHash::of("set-up");
    let owner = OWNER;
    let account =
        NewAccount { id: owner, name: "Ada".into(), email: "ada@a.example".into(), password_phc: "x".into() };
    store.accounts.offer_set_up(secret).await.unwrap();
    store.accounts.set_up(secret, account, EVE).await.unwrap();
    store.sites.add(site(SITE), owner).await.unwrap();
}

pub fn site(id: SiteId) -> Site {
    Site::new(id, "Shop", &["shop.example"], EVE)
}

/// Waits until a condition holds, at most 10 s.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..5_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("not within 10 s: {what}");
}

/// A hit that happens when it is sent.
pub fn view(id: u128, path: &str) -> Hit<'static> {
    let kind = HitKind::Pageview { referrer: "".into(), title: "Tea".into(), due_ms: Some(15_000) };
    Hit { id: HitId(id), at: Millis(0), url: format!("https://shop.example{path}").into(), kind }
}

pub fn from(hit: Hit<'static>, address: &'static str) -> Hit<'static> {
    let kind = HitKind::Pageview { referrer: address.into(), title: "Tea".into(), due_ms: Some(15_000) };
    Hit { kind, ..hit }
}

pub fn beat(id: u128, pageview: u128, path: &str) -> Hit<'static> {
    let kind = HitKind::Heartbeat {
        pageview: HitId(pageview),
        engaged_ms: 12_000,
        scroll: 50,
        active: true,
        due_ms: 15_000,
    };
    Hit { kind, ..view(id, path) }
}

pub fn leave(id: u128, pageview: u128, path: &str) -> Hit<'static> {
    let kind = HitKind::Leave { pageview: HitId(pageview), engaged_ms: 13_000, scroll: 60 };
    Hit { kind, ..view(id, path) }
}
