//! Sites that come, change and go while the collector runs, and a store that cannot be asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use model::{AccountId, Site, SiteId};
use serde_json::json;
use store::{Result, Sites, StoreError};

use super::world::{Ask, OPERATOR, SITE, World, eventually, pageview, site};
use crate::Options;

/// Counts what the store is asked, and can be cut off from it.
struct Watched {
    sites: Arc<dyn Sites>,
    asked: Arc<AtomicUsize>,
    is_cut: Arc<AtomicBool>,
}

impl Watched {
    fn ask(&self) -> Result<()> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match self.is_cut.load(Ordering::SeqCst) {
            true => Err(StoreError::Unavailable(anyhow::anyhow!("cut"))),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Sites for Watched {
    async fn all(&self) -> Result<Vec<Site>> {
        self.ask()?;
        self.sites.all().await
    }

    async fn site(&self, id: SiteId) -> Result<Site> {
        self.ask()?;
        self.sites.site(id).await
    }

    async fn add(&self, site: Site, owner: AccountId) -> Result<()> {
        self.sites.add(site, owner).await
    }

    async fn change(&self, site: Site) -> Result<()> {
        self.sites.change(site).await
    }

    async fn remove(&self, id: SiteId) -> Result<()> {
        self.sites.remove(id).await
    }
}

struct Seen {
    asked: Arc<AtomicUsize>,
    is_cut: Arc<AtomicBool>,
}

async fn world(lookups_a_second_max: u32) -> (World, Seen) {
    let (asked, is_cut) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let seen = Seen { asked: asked.clone(), is_cut: is_cut.clone() };
    let options = Options { lookups_a_second_max, ..Options::default() };
    let look = |sites| Arc::new(Watched { sites, asked, is_cut }) as Arc<dyn Sites>;
    (World::with(options, bus::embedded::Options::default(), look).await, seen)
}

async fn status(world: &World, id: SiteId) -> u16 {
    let mut request = world.request(vec![pageview(1, json!({}))]);
    request["site"] = json!(id);
    world.ask(Ask::hits(request)).await.status.as_u16()
}

#[tokio::test]
async fn a_site_works_as_soon_as_it_is_made_and_no_more_once_it_is_deleted() {
    let (world, _) = world(50).await;
    let id = SiteId::of(8);
    world.store.sites.add(site(id), OPERATOR).await.unwrap();
    assert_eq!(status(&world, id).await, 202, "nobody told, but it is there");
    world.store.sites.remove(id).await.unwrap();
    world.tell(live::SITES_TOPIC, &id.to_string()).await;
    eventually("the site is gone", async || status(&world, id).await == 404).await;
    world.store.sites.add(site(id), OPERATOR).await.unwrap();
    world.tell(live::SITES_TOPIC, &id.to_string()).await;
    eventually("the site is back, though it was known to be gone", async || status(&world, id).await == 202)
        .await;
    world.end().await;
}

#[tokio::test]
async fn a_change_counts_once_it_is_told() {
    let (world, _) = world(50).await;
    let elsewhere = || vec![pageview(1, json!({ "url": "https://new.example/" }))];
    assert_eq!(world.send(elsewhere()).await.code(), "hostname");
    world.change_site(|site| site.hostnames.push("new.example".into())).await;
    eventually("the hostname is taken", async || world.send(elsewhere()).await.status == 202).await;
    world.end().await;
}

#[tokio::test]
async fn a_flood_of_unknown_sites_asks_the_store_so_often_a_second_and_no_more() {
    let (world, seen) = world(5).await;
    // At the start, and once changes are heard.
    eventually("sites were read twice", async || seen.asked.load(Ordering::SeqCst) == 2).await;
    seen.asked.store(0, Ordering::SeqCst);
    for id in 100..200 {
        assert_eq!(status(&world, SiteId::of(id)).await, 404);
    }
    assert_eq!(seen.asked.load(Ordering::SeqCst), 5);
    world.clock.advance(Duration::from_secs(1));
    for _ in 0..3 {
        assert_eq!(status(&world, SiteId::of(100)).await, 404, "known to be unknown");
    }
    assert_eq!(seen.asked.load(Ordering::SeqCst), 5);
    for id in 190..200 {
        status(&world, SiteId::of(id)).await;
    }
    assert_eq!(seen.asked.load(Ordering::SeqCst), 10);
    assert_eq!(status(&world, SITE).await, 202, "sites that are known never wait for it");
    world.end().await;
}

#[tokio::test]
async fn a_store_that_cannot_be_asked_costs_known_sites_nothing_and_is_asked_again() {
    let (world, seen) = world(50).await;
    seen.is_cut.store(true, Ordering::SeqCst);
    let id = SiteId::of(8);
    world.store.sites.add(site(id), OPERATOR).await.unwrap();
    assert_eq!(status(&world, id).await, 503);
    assert_eq!(status(&world, SITE).await, 202);
    world.change_site(|site| site.hostnames = vec!["new.example".into()]).await;
    eventually("it was asked in vain", async || seen.asked.load(Ordering::SeqCst) >= 3).await;
    seen.is_cut.store(false, Ordering::SeqCst);
    let moved = || vec![pageview(1, json!({ "url": "https://new.example/" }))];
    eventually("the change is known without being told again", async || {
        world.send(moved()).await.status == 202
    })
    .await;
    assert_eq!(status(&world, id).await, 202);
    world.end().await;
}
