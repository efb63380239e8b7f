//! The whole program in this process, in a folder of its own, on a port of its own, with a clock to turn.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use model::{Millis, SiteId, TestClock};
use serde_json::{Value, json};
use tempfile::TempDir;
use watchfire::serve::Server;
use watchfire::settings::Settings;

use crate::{Person, Push, Tag, eventually};

/// 2026-03-04 10:30:00 UTC, a Wednesday, far from any midnight.
pub const A_MORNING: Millis = Millis(1_772_620_200_000);
pub const OWNER_EMAIL: &str = "owner@watchfire.example";
pub const OWNER_PASSWORD: &str = "correct horse battery";

pub struct World {
    pub clock: Arc<TestClock>,
    pub folder: TempDir,
    pub settings: Settings,
    server: Option<Server>,
    owner: Person,
}

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    settings: Settings,
}

impl World {
    /// Started on a morning, with an owner who is signed in.
    pub async fn start() -> World {
        World::at(A_MORNING).await
    }

    pub async fn at(now: Millis) -> World {
        World::with(now, &[]).await
    }

    /// With further flags of `watchfire serve`.
    pub async fn with(now: Millis, flags: &[&str]) -> World {
        let folder = tempfile::tempdir().expect("a folder of our own");
        let data = folder.path().to_str().expect("a plain path");
        let fixed = ["serve", "--listen", "127.0.0.1:0", "--trusted-proxies", "127.0.0.1", "--data", data];
        let arguments: Vec<&str> = fixed.iter().chain(flags).copied().collect();
        let settings = Arguments::parse_from(arguments).settings;
        let clock = Arc::new(TestClock::at(now));
        let server = Server::start(&settings, clock.clone()).await.expect("the server starts");
        let owner = Person::new(server.address);
        let set_up = server.set_up_path.clone().expect("a first run offers to set up");
        let fields = [("name", "Olive Owner"), ("email", OWNER_EMAIL), ("password", OWNER_PASSWORD)];
        let answer = owner.post(&set_up, &fields).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        World { clock, folder, settings, server: Some(server), owner }
    }

    pub fn server(&self) -> &Server {
        self.server.as_ref().expect("the server runs")
    }

    pub fn address(&self) -> SocketAddr {
        self.server().address
    }

    /// The operator, signed in.
    pub fn owner(&self) -> &Person {
        &self.owner
    }

    pub fn stranger(&self) -> Person {
        Person::new(self.address())
    }

    /// Time passes, after what was sent before has been processed.
    pub async fn pass(&self, duration: Duration) {
        self.settle().await;
        self.clock.advance(duration);
    }

    /// A site for `shop.example`, made on the owner's page.
    pub async fn site(&self) -> SiteId {
        self.site_with(&[]).await
    }

    /// A site, with further fields of the form.
    pub async fn site_with(&self, fields: &[(&str, &str)]) -> SiteId {
        let mut form = vec![("name", "The Shop"), ("hostnames", "shop.example"), ("time_zone", "UTC")];
        form.retain(|(name, _)| fields.iter().all(|(given, _)| given != name));
        form.extend_from_slice(fields);
        let answer = self.owner.post("/sites/new", &form).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        let location = answer.location();
        let id = location.split('/').nth(2).unwrap_or_default();
        id.parse().unwrap_or_else(|_| panic!("a site's page in {location}"))
    }

    /// Another browser, at an address of its own.
    pub fn visitor(&self, site: SiteId, address: &str) -> Tag {
        let browser = 1 + address.bytes().fold(7u64, |sum, byte| sum.wrapping_mul(31) + u64::from(byte));
        Tag::new(self.stranger(), self.clock.clone(), site, address, browser)
    }

    /// The owner's dashboard on a topic of a site.
    pub async fn dashboard(&self, site: SiteId, topic: &str) -> Push {
        self.dashboard_where(site, topic, json!({})).await
    }

    pub async fn dashboard_where(&self, site: SiteId, topic: &str, filter: Value) -> Push {
        let cookie = self.owner.cookie_header().expect("the owner is signed in");
        let headers = [("cookie", cookie), ("origin", format!("http://{}", self.address()))];
        let mut push = Push::connect(self.address(), "", &headers).await.expect("the owner may connect");
        push.subscribe(&format!("site/{site}/{topic}"), filter).await.expect("the owner may subscribe");
        push
    }

    /// Everything acknowledged is in the tail.
    pub async fn settle(&self) {
        let bus = self.server().backends.bus.clone();
        eventually("the bus is empty", || async { (bus.depth().await.messages == 0).then_some(()) }).await;
    }

    /// The exact recount of the tail, as `watchfire tail --json` prints it.
    pub async fn tail(&self, site: SiteId) -> Value {
        self.settle().await;
        let history = self.server().backends.store.history.clone();
        let totals = watchfire::tail::totals(history.as_ref(), site).await.expect("the tail can be read");
        serde_json::to_value(totals).expect("totals are JSON")
    }

    /// Stops in order and starts again on the same folder. The owner stays signed in.
    pub async fn restart(&mut self) {
        let server = self.server.take().expect("the server runs");
        server.stop().await.expect("the server stops");
        let server =
            Server::start(&self.settings, self.clock.clone()).await.expect("the server starts again");
        self.owner = self.owner.at(server.address);
        self.server = Some(server);
    }

    /// Stops; nothing may be left on the way, and every task has ended.
    pub async fn end(mut self) {
        self.settle().await;
        let server = self.server.take().expect("the server runs");
        let dead = server.backends.bus.dead_letters(10).await.expect("dead letters can be listed");
        assert!(dead.is_empty(), "dead letters: {dead:?}");
        server.stop().await.expect("every task ends");
    }
}
