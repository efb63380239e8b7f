//! Pages that are looked at by the whole program: one goes and comes again, and is told right, whatever is killed meanwhile.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use model::{Clock, SiteId};
use serde_json::{Value, json};
use world::receiver::{Heard, listener, serve};
use world::world::A_MORNING;
use world::{Person, Program, Size, World, within};

use crate::crash::set_up;
use crate::sizes::on_both_sizes;

on_both_sizes! {
    a_page_that_goes_and_comes_again_was_down_in_between_and_nobody_else_is_knocked_at,
}

pub const LOOK_EVERY: Duration = Duration::from_secs(30);
/// A lease ends, and a site's turn comes twice.
const LOOKED_MAX: Duration = Duration::from_secs(240);

/// A host that answers with a status that is turned by hand, and counts who asks.
#[derive(Clone)]
pub struct Host {
    address: SocketAddr,
    pub status: Arc<AtomicU16>,
    /// Milliseconds until it answers.
    pub late: Arc<AtomicU64>,
    asked: Arc<AtomicUsize>,
}

impl Host {
    pub async fn start() -> Host {
        let (listener, address) = listener().await;
        let host = Host {
            address,
            status: Arc::new(AtomicU16::new(200)),
            late: Arc::default(),
            asked: Arc::default(),
        };
        let here = host.clone();
        serve(listener, move |_| here.clone().answer());
        host
    }

    async fn answer(self) -> Heard {
        self.asked.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(self.late.load(Ordering::SeqCst))).await;
        let mut answer = Response::new(Full::new(Bytes::from_static(b"tea")));
        *answer.status_mut() =
            hyper::StatusCode::from_u16(self.status.load(Ordering::SeqCst)).expect("a status");
        Ok(answer)
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

/// Not more often than anybody may ask.
async fn told(owner: &Person, site: SiteId, query: &str) -> Value {
    tokio::time::sleep(Duration::from_millis(100)).await;
    let answer = owner.get(&format!("/api/watchfire/sites/{site}/availability{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["pages"][0].clone()
}

async fn a_page_that_goes_and_comes_again_was_down_in_between_and_nobody_else_is_knocked_at(size: Size) {
    let world = World::with(size, A_MORNING, &["--bot-hooks", "loopback"]).await;
    let (host, other) = (Host::start().await, Host::start().await);
    let site = world.site_with(&[("hostnames", "127.0.0.1"), ("time_zone", "Europe/Paris")]).await;
    let owner = world.owner();
    let path = format!("/api/watchfire/sites/{site}/availability");
    let foreign = format!("http://localhost:{}/", other.address.port());
    let refused = owner.post_json(&path, &json!({ "url": foreign })).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    let added = owner.post_json(&path, &json!({ "url": host.url() })).await;
    assert_eq!(added.status, 201, "{}", added.text());
    let looked = async |status: u16, now: &str| {
        host.status.store(status, Ordering::SeqCst);
        let before = host.asked();
        world.clock.advance(LOOK_EVERY);
        let at = world.clock.now().0;
        within(LOOKED_MAX, "the page is asked for", || async { (host.asked() > before).then_some(()) }).await;
        let kept = within(LOOKED_MAX, "what was seen is kept", || async {
            let of = told(owner, site, "?range=today").await;
            (of["looked"].as_i64() == Some(at)).then_some(of)
        });
        let of = kept.await;
        assert_eq!(of["now"], now, "{of}");
        at
    };
    looked(200, "up").await;
    looked(503, "up").await;
    looked(200, "up").await;
    let began = looked(503, "up").await;
    looked(500, "down").await;
    looked(503, "down").await;
    let ended = looked(200, "up").await;
    let of = told(owner, site, "?range=today").await;
    assert_eq!(of["outages"].as_array().map(Vec::len), Some(1), "{of}");
    assert_eq!((&of["outages"][0]["from"], &of["outages"][0]["to"]), (&json!(began), &json!(ended)));
    assert_eq!(of["down_ms"], ended - began);
    let page = owner.get(&format!("/sites/{site}/availability")).await;
    assert!(page.text().contains("it answered 503"), "{}", page.text());
    assert_eq!(other.asked(), 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_within_its_looks_the_program_goes_on_and_tells_of_no_outage() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = Program::start(folder.path(), &["--bot-hooks", "loopback"]).await;
    let owner = Person::new(program.address);
    set_up(program.set_up_path.as_deref(), &owner).await;
    let host = Host::start().await;
    let form = [("name", "Here"), ("hostnames", "127.0.0.1"), ("time_zone", "UTC")];
    let made = owner.post("/sites/new", &form).await.location();
    let site: SiteId = made.split('/').nth(2).and_then(|id| id.parse().ok()).expect("a site's page");
    let path = format!("/api/watchfire/sites/{site}/availability");
    assert_eq!(owner.post_json(&path, &json!({ "url": host.url() })).await.status, 201);
    for _ in 0..2 {
        let before = host.asked();
        within(LOOKED_MAX, "the page is asked for", || async { (host.asked() > before).then_some(()) }).await;
        // What was seen may be written by now, or not.
        program = program.replaced().await;
    }
    let known = within(LOOKED_MAX, "two looks in a row are kept", || async {
        let of = told(&owner, site, "").await;
        (of["known_ms"].as_i64() > Some(0)).then_some(of)
    })
    .await;
    assert_eq!((&known["now"], &known["down_ms"], &known["outages"]), (&json!("up"), &json!(0), &json!([])));
    assert!(program.terminate(Duration::from_secs(20)).await);
}
