//! A processor that ends between history and live: what it appended and did not commit is live's after the next one took over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use live::{
    Applied, Commit, Counters, Live, LiveError, Loaded, MemoryLive, RedisLive, Snapshot, Subscription, Watch,
};
use model::{Arrival, Hit, HitId, Peak, SiteId, Visitor, VisitorKey};
use servers::redis::Redis;

use crate::world::*;

/// A live that can be out of reach for commits alone.
struct Faulty {
    live: Arc<dyn Live>,
    is_away: AtomicBool,
    /// Applies what it is sent while it is away: only the answers are lost.
    is_deaf: AtomicBool,
}

#[async_trait]
impl Live for Faulty {
    async fn commit(&self, commits: Vec<Commit>) -> Result<Vec<Applied>, LiveError> {
        let is_away = self.is_away.load(Ordering::SeqCst);
        if !is_away || self.is_deaf.load(Ordering::SeqCst) {
            let applied = self.live.commit(commits).await?;
            if !is_away {
                return Ok(applied);
            }
        }
        Err(LiveError::Unavailable(anyhow::anyhow!("told to be away")))
    }

    async fn load(&self, shard: u16) -> Result<Loaded, LiveError> {
        self.live.load(shard).await
    }

    async fn recovered(&self, shard: u16, term: u64) -> Result<(), LiveError> {
        self.live.recovered(shard, term).await
    }

    async fn watch(&self, site: SiteId) -> Result<Watch, LiveError> {
        self.live.watch(site).await
    }

    async fn visitor(&self, site: SiteId, key: VisitorKey) -> Result<Option<Arc<Visitor>>, LiveError> {
        self.live.visitor(site, key).await
    }

    async fn present(&self, sites: &[SiteId]) -> Result<Vec<u32>, LiveError> {
        self.live.present(sites).await
    }

    async fn restore_peaks(&self, peaks: &[Peak]) -> Result<(), LiveError> {
        self.live.restore_peaks(peaks).await
    }

    async fn forget(&self, site: SiteId) -> Result<(), LiveError> {
        self.live.forget(site).await
    }

    async fn publish(&self, topic: &str, message: Bytes) -> Result<(), LiveError> {
        self.live.publish(topic, message).await
    }

    async fn subscribe(&self, topic: &str) -> Result<Subscription, LiveError> {
        self.live.subscribe(topic).await
    }
}

/// One processor after the other, over a live that stays.
struct Relay {
    world: World,
    live: Arc<Faulty>,
    running: Option<Work>,
    hits: u128,
}

impl Relay {
    async fn over(live: Arc<dyn Live>) -> Relay {
        let mut world = World::new(1).await;
        world.stop().await.unwrap();
        let live = Arc::new(Faulty { live, is_away: false.into(), is_deaf: false.into() });
        let mut relay = Relay { world, live, running: None, hits: 1_000 };
        relay.take_over().await;
        relay
    }

    async fn take_over(&mut self) {
        self.running = Some(self.world.over(self.live.clone()).await);
    }

    async fn end(&mut self) {
        let (stop, work) = self.running.take().unwrap();
        stop.cancel();
        work.await.unwrap().unwrap();
    }

    /// By the browser of the same number.
    fn arrival(&self, visitor: u64, hit: Hit<'static>) -> Arrival<'static> {
        self.world.arrival(visitor, hit)
    }

    async fn view(&mut self, visitor: u64) -> u128 {
        self.hits += 1;
        let arrival = self.arrival(visitor, view(self.hits, "/a"));
        self.world.send(&[arrival]).await;
        self.hits
    }

    /// Appended, and not committed before the processor ends: the message comes again to the next.
    async fn in_between(&mut self, arrivals: &[Arrival<'static>]) {
        self.live.is_away.store(true, Ordering::SeqCst);
        let message = self.world.send(arrivals).await;
        self.end().await;
        self.live.is_away.store(false, Ordering::SeqCst);
        bus::Bus::publish(&*self.world.bus, 0, message).await.unwrap();
        self.take_over().await;
        self.world.settled().await;
    }

    async fn snapshot(&self) -> Snapshot {
        self.live.watch(SITE).await.unwrap().snapshot
    }

    /// The chart is a recount of the tail, the counters are one of the states.
    async fn is_whole(&self, present: usize) {
        let snapshot = self.snapshot().await;
        let charted: u32 = snapshot.series.0.iter().map(|minute| minute.pageviews).sum();
        let totals = self.world.totals().await;
        assert_eq!((u64::from(charted), totals.duplicates), (totals.human.pageviews, 0));
        assert_eq!(snapshot.counters, Counters::recount(snapshot.visitors.iter().map(|visitor| &**visitor)));
        assert_eq!(snapshot.visitors.len(), present);
    }
}

async fn what_was_appended_and_not_committed_is_committed_by_the_next(live: Arc<dyn Live>) {
    let mut relay = Relay::over(live).await;
    // A site that live has never heard of.
    relay.in_between(&[relay.arrival(1, view(1, "/a"))]).await;
    relay.is_whole(1).await;
    let page = relay.view(2).await;
    // One comes, one opens another page, one leaves, one comes and leaves.
    let hits = [
        relay.arrival(3, view(3, "/c")),
        relay.arrival(1, view(4, "/d")),
        relay.arrival(2, leave(5, page, "/a")),
        relay.arrival(4, view(6, "/e")),
        relay.arrival(4, leave(7, 6, "/e")),
    ];
    relay.in_between(&hits).await;
    until("who left is gone", async || {
        relay.world.advance(1);
        relay.snapshot().await.visitors.len() == 2
    })
    .await;
    relay.is_whole(2).await;
    let snapshot = relay.snapshot().await;
    let first = snapshot.visitors.iter().find(|visitor| visitor.key.visitor.0 == 1).unwrap();
    let pages: Vec<_> = first.pages.iter().map(|page| page.pageview).collect();
    assert_eq!(pages, [HitId(1), HitId(4)], "in the browser it came by");
    // And a processor that takes over where nothing is missing changes nothing.
    for _ in 0..3 {
        relay.end().await;
        relay.take_over().await;
        relay.is_whole(2).await;
    }
}

async fn of_many_messages_whichever_was_committed_last_each_counts_once(live: Arc<dyn Live>) {
    let mut relay = Relay::over(live).await;
    let mut rng = fastrand::Rng::with_seed(7);
    for _ in 0..25 {
        relay.live.is_deaf.store(rng.bool(), Ordering::SeqCst);
        relay.live.is_away.store(rng.bool(), Ordering::SeqCst);
        for _ in 0..rng.usize(0..4) {
            relay.view(rng.u64(1..6)).await;
            if rng.bool() {
                let beats = relay.arrival(rng.u64(1..6), beat(5_000 + relay.hits, relay.hits, "/a"));
                relay.world.send(&[beats]).await;
            }
        }
        relay.world.advance(rng.u64(0..20));
        relay.end().await;
        relay.live.is_away.store(false, Ordering::SeqCst);
        relay.take_over().await;
        let present = relay.snapshot().await.visitors.len();
        relay.is_whole(present).await;
    }
}

async fn a_site_that_everybody_left_is_not_charted_twice(live: Arc<dyn Live>) {
    let mut relay = Relay::over(live).await;
    let page = relay.view(1).await;
    let leaves = relay.arrival(1, leave(2, page, "/a"));
    relay.world.send(&[leaves]).await;
    until("it is gone", async || {
        relay.world.advance(1);
        relay.snapshot().await.visitors.is_empty()
    })
    .await;
    for _ in 0..3 {
        relay.end().await;
        relay.take_over().await;
        relay.is_whole(0).await;
    }
}

macro_rules! over {
    ($($test:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $test() {
                super::$test(super::Arc::new(super::MemoryLive::default())).await;
            })*
        }
        mod redis {
            $(#[tokio::test]
            async fn $test() {
                let server = super::Redis::start().unwrap();
                super::$test(super::Arc::new(super::RedisLive::open(&server.uri(), "wf").unwrap())).await;
            })*
        }
    };
}

over!(
    what_was_appended_and_not_committed_is_committed_by_the_next,
    of_many_messages_whichever_was_committed_last_each_counts_once,
    a_site_that_everybody_left_is_not_charted_twice,
);
