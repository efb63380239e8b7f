//! A processor over three Redis masters: what one of them loses concerns its own sites, and those for no longer than it is away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use live::redis::ANSWER_MAX;
use live::{Counters, Live, RedisLive};
use model::{Arrival, Hit, SiteId};
use servers::Signal;
use servers::redis::Redis;

use crate::world::*;

/// Of a visitor who is active.
const HEARTBEAT: Duration = Duration::from_secs(15);

struct Masters {
    nodes: Vec<Redis>,
    live: Arc<RedisLive>,
    world: World,
    /// One on each.
    sites: Vec<SiteId>,
    work: Work,
    hits: u128,
}

impl Masters {
    async fn start() -> Masters {
        let nodes = Redis::cluster().unwrap();
        let uris: Vec<_> = nodes.iter().map(Redis::uri).collect();
        let live = Arc::new(RedisLive::open(&uris.join(","), "wf").unwrap());
        let mut world = World::new(1).await;
        world.stop().await.unwrap();
        let is_on = |index: usize, id: &SiteId| {
            let told = nodes[0].ask(&format!("CLUSTER KEYSLOT wf:{{{id}}}:site")).unwrap();
            let slot: usize = told.lines().next().unwrap()[1..].parse().unwrap();
            (index * 16_384 / 3..(index + 1) * 16_384 / 3).contains(&slot)
        };
        let ids = || (2..).map(SiteId::of);
        let sites: Vec<_> = (0..3).map(|index| ids().find(|id| is_on(index, id)).unwrap()).collect();
        for id in &sites {
            world.store.sites.add(site(*id), OWNER).await.unwrap();
        }
        let work = world.over(live.clone()).await;
        Masters { nodes, live, world, sites, work, hits: 0 }
    }

    fn arrival(&self, site: SiteId, visitor: u64, hit: Hit<'static>) -> Arrival<'static> {
        Arrival { site, ..self.world.arrival(visitor, hit) }
    }

    /// One more visitor at each of these sites; all of it goes into history.
    async fn visitor(&mut self, number: u64, sites: &[SiteId]) {
        for site in sites {
            self.hits += 1;
            let arrival = self.arrival(*site, number, view(self.hits, "/a"));
            self.world.send(&[arrival]).await;
        }
    }

    async fn count(&self, sites: &[SiteId], present: u32) {
        until(&format!("{present} are present at {sites:?}"), async || {
            self.live.present(sites).await.is_ok_and(|told| told.iter().all(|one| *one == present))
        })
        .await;
    }

    /// All masters see each other: one that sees fewer than half refuses every command.
    async fn calm(&self) {
        let is_calm = |node: &Redis| {
            let told = ["CLUSTER INFO", "CLUSTER NODES"].map(|asked| node.ask(asked).unwrap());
            told[0].contains("cluster_state:ok") && !told[1].contains("fail")
        };
        until("all masters see each other", async || self.nodes.iter().all(is_calm)).await;
    }

    /// Counters are a recount of the states.
    async fn is_whole(&self, present: usize) {
        for site in &self.sites {
            let snapshot = self.live.watch(*site).await.unwrap().snapshot;
            let states = snapshot.visitors.iter().map(|visitor| &**visitor);
            assert_eq!(snapshot.counters, Counters::recount(states));
            assert_eq!(snapshot.visitors.len(), present);
            let totals = self.world.totals_of(*site).await;
            assert_eq!((totals.all.hits, totals.duplicates), (present as u64, 0), "history went on");
        }
    }

    async fn end(self) {
        self.work.0.cancel();
        self.work.1.await.unwrap().unwrap();
    }
}

/// Each of them in turn: one has the shard's owner too, one the topic of changed sites, and one is listened to.
#[tokio::test]
async fn one_of_three_masters_is_killed_and_comes_back_empty() {
    let mut masters = Masters::start().await;
    let sites = masters.sites.clone();
    masters.visitor(1, &sites).await;
    masters.visitor(2, &sites).await;
    masters.count(&sites, 2).await;
    for lost in 0..3 {
        let others: Vec<_> = sites.iter().copied().filter(|site| *site != sites[lost]).collect();
        let present = 3 + lost as u32;
        masters.calm().await;
        masters.nodes[lost].kill();
        masters.visitor(present.into(), &sites).await;
        masters.count(&others, present).await;
        masters.nodes[lost].restart_empty().unwrap();
        let returned = Instant::now();
        masters.count(&sites, present).await;
        println!("right again {:?} after master {lost} returned", returned.elapsed());
        assert!(returned.elapsed() < HEARTBEAT);
        masters.is_whole(present as usize).await;
    }
    masters.end().await;
}

#[tokio::test]
async fn one_of_three_masters_is_frozen_and_sites_of_the_others_are_counted_in_time() {
    let mut masters = Masters::start().await;
    let sites = masters.sites.clone();
    masters.visitor(1, &sites).await;
    masters.count(&sites, 1).await;
    for frozen in 0..3 {
        let others: Vec<_> = sites.iter().copied().filter(|site| *site != sites[frozen]).collect();
        let present = 2 + 2 * frozen as u32;
        masters.calm().await;
        masters.nodes[frozen].signal(Signal::Stop);
        // The first flush finds out.
        masters.visitor(present.into(), &sites).await;
        masters.count(&others, present).await;
        let asked = Instant::now();
        masters.visitor(u64::from(present) + 1, &others).await;
        masters.count(&others, present + 1).await;
        println!("two hits counted within {:?} while master {frozen} is frozen", asked.elapsed());
        assert!(asked.elapsed() < 2 * ANSWER_MAX, "each would wait that long");
        masters.nodes[frozen].signal(Signal::Continue);
        masters.visitor(u64::from(present) + 1, &sites[frozen..=frozen]).await;
        masters.count(&sites, present + 1).await;
        masters.is_whole(present as usize + 1).await;
    }
    masters.end().await;
}
