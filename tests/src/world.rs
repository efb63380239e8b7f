//! The whole program in this process, in either size, on ports of its own, with a clock to turn.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use model::{Clock, Millis, SiteId, TestClock};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::ledger::Ledger;
use crate::parts::{Parts, Size};
use crate::{Person, Push, Tag, eventually, within};

/// 2096-03-07 10:30:00 UTC, a Wednesday, far from any midnight. Years ahead: servers that remove by their own time what
/// has expired (MongoDB does) find nothing of this world to remove.
pub const A_MORNING: Millis = Millis(3_981_954_600_000);
pub const OWNER_EMAIL: &str = "owner@watchfire.example";
pub const OWNER_PASSWORD: &str = "correct horse battery";

pub struct World {
    pub clock: Arc<TestClock>,
    parts: Parts,
    ledger: Ledger,
    owner: Person,
    /// Of every process; removed last.
    _folder: TempDir,
}

impl World {
    /// Started on a morning, with an owner who is signed in.
    pub async fn start(size: Size) -> World {
        World::at(size, A_MORNING).await
    }

    pub async fn at(size: Size, now: Millis) -> World {
        World::with(size, now, &[]).await
    }

    /// With further flags of `watchfire serve`.
    pub async fn with(size: Size, now: Millis, flags: &[&str]) -> World {
        let folder = tempfile::tempdir().expect("a folder of our own");
        let (clock, ledger) = (Arc::new(TestClock::at(now)), Ledger::default());
        let time: Arc<dyn Clock> = clock.clone();
        let started = Parts::start(size, folder.path(), flags, &time, &ledger).await;
        let parts = started.expect("the servers start");
        let owner = Person::new(parts.address());
        let set_up = parts.set_up_path().expect("a first run offers to set up");
        let fields = [("name", "Olive Owner"), ("email", OWNER_EMAIL), ("password", OWNER_PASSWORD)];
        let answer = owner.post(&set_up, &fields).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        World { clock, parts, ledger, owner, _folder: folder }
    }

    /// Where people and tags reach it.
    pub fn address(&self) -> SocketAddr {
        self.parts.address()
    }

    /// Where a process listens that takes hits, whatever stands in front of it.
    pub fn collector(&self) -> SocketAddr {
        self.parts.collector()
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

    /// Time passes until it has happened, within `bound` of ours; not so fast that a lease ends while its job is done.
    pub async fn until(&self, bound: Duration, what: &str, happened: impl Fn() -> bool) {
        within(bound, what, || async {
            tokio::time::sleep(Duration::from_millis(240)).await;
            self.clock.advance(Duration::from_secs(1));
            happened().then_some(())
        })
        .await;
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

    /// Everything acknowledged is in the tail, and live was told.
    pub async fn settle(&self) {
        eventually("nothing is on its way", || async { self.ledger.is_settled().then_some(()) }).await;
    }

    /// The exact recount of the tail, as `watchfire tail --json` prints it.
    pub async fn tail(&self, site: SiteId) -> Value {
        self.settle().await;
        let server = self.parts.servers().next_back().expect("a server runs");
        let history = server.backends.store.history.clone();
        let totals = watchfire::tail::totals(history.as_ref(), site).await.expect("the tail can be read");
        serde_json::to_value(totals).expect("totals are JSON")
    }

    /// Each process is stopped in order and started again, one after the other. The owner stays signed in.
    pub async fn restart(&mut self) {
        let time: Arc<dyn Clock> = self.clock.clone();
        self.parts.restart(&time, &self.ledger).await.expect("every server stops and starts again");
    }

    /// Stops; nothing may be left on the way, and every task has ended.
    pub async fn end(self) {
        self.settle().await;
        let server = self.parts.servers().next_back().expect("a server runs");
        let dead = server.backends.bus.dead_letters(10).await.expect("dead letters can be listed");
        assert!(dead.is_empty(), "dead letters: {dead:?}");
        self.parts.stop().await.expect("every task ends");
    }
}
