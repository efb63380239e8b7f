//! A collector over the real store and the real journal in a folder that goes away, with a clock that stands still.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use bus::Bus;
use bus::embedded::EmbeddedBus;
use door::ClientAddress;
use http_body_util::BodyExt;
use live::{Live, MemoryLive};
use model::rights::{Scope, TokenSites};
use model::{AccountId, Arrival, Clock, Millis, Site, SiteId, TestClock, TokenId, hit};
use serde_json::{Value, json};
use store::accounts::{NewAccount, SecretHash, Token};
use store::{Access, Embedded, Sites, Store};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{Deps, Options};

pub const SITE: SiteId = SiteId::of(7);
pub const OPERATOR: AccountId = AccountId::of(1);
pub const TOKEN: &str = "states-senders";
pub const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";
/// 2026-03-04T10:30:00Z.
pub const NOW: Millis = Millis(1_772_620_200_000);

pub struct World {
    pub routes: Router,
    deps: Deps,
    pub clock: Arc<TestClock>,
    pub store: Store,
    pub bus: Arc<EmbeddedBus>,
    pub live: Arc<MemoryLive>,
    pub shutdown: CancellationToken,
    work: JoinHandle<anyhow::Result<()>>,
    _folder: TempDir,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// A request that is being put together: a good pageview from nowhere in particular.
pub struct Ask {
    pub address: IpAddr,
    pub method: &'static str,
    pub target: String,
    pub headers: Vec<(&'static str, Vec<u8>)>,
    pub body: Body,
}

impl World {
    pub async fn start() -> World {
        World::with(Options::default(), bus::embedded::Options::default(), |sites| sites).await
    }

    /// `look` stands between the collector and the sites.
    pub async fn with(
        options: Options,
        bus: bus::embedded::Options,
        look: impl FnOnce(Arc<dyn Sites>) -> Arc<dyn Sites>,
    ) -> World {
        let folder = tempfile::tempdir().unwrap();
        let store = founded(folder.path()).await;
        let clock = Arc::new(TestClock::at(NOW));
        let bus = Arc::new(EmbeddedBus::open(&folder.path().join("bus"), bus).unwrap());
        let live = Arc::new(MemoryLive::default());
        let deps = Deps {
            bus: bus.clone(),
            sites: look(store.sites.clone()),
            salts: store.salts.clone(),
            access: Access::new(&store, clock.clone()),
            live: live.clone(),
            clock: clock.clone(),
        };
        let shutdown = CancellationToken::new();
        let service = crate::start(options, deps.clone(), shutdown.clone()).await.unwrap();
        World {
            routes: service.routes,
            deps,
            clock,
            store,
            bus,
            live,
            shutdown,
            work: service.work,
            _folder: folder,
        }
    }

    /// For another collector over the same backends.
    pub fn deps(&self) -> Deps {
        self.deps.clone()
    }

    pub async fn ask(&self, ask: Ask) -> Answer {
        let mut request = Request::builder().method(ask.method).uri(ask.target);
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        let request = request.extension(ClientAddress(ask.address)).body(ask.body).unwrap();
        let response: Response<Body> = self.routes.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: head.status, headers: head.headers, body }
    }

    /// Sends hits of the site as its tag would.
    pub async fn send(&self, hits: Vec<Value>) -> Answer {
        self.ask(Ask::hits(self.request(hits))).await
    }

    pub fn request(&self, hits: Vec<Value>) -> Value {
        json!({ "site": SITE, "sent": self.clock.now(), "browser": "9f86d081884c7d65", "screen": "1440x900", "hits": hits })
    }

    /// Sends one good pageview, which must be taken.
    pub async fn deliver(&self, ask: Ask) {
        let answer = self.ask(ask).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (202, json!({ "accepted": 1 })));
    }

    pub async fn change_site(&self, change: impl FnOnce(&mut Site)) {
        let mut site = self.store.sites.site(SITE).await.unwrap();
        change(&mut site);
        self.store.sites.change(site).await.unwrap();
        self.tell(live::SITES_TOPIC, &SITE.to_string()).await;
    }

    /// Publishes on a topic that the collector follows.
    pub async fn tell(&self, topic: &str, message: &str) {
        self.live.publish(topic, message.to_owned().into()).await.unwrap();
    }

    /// Everything that reached the bus, in order.
    pub async fn arrivals(&self) -> Vec<Arrival<'static>> {
        if self.bus.depth().await.messages == 0 {
            return vec![];
        }
        let mut consumer = self.bus.consume(0).await.unwrap();
        let deliveries = consumer.next(10_000).await.unwrap();
        let bodies = deliveries.iter().map(|delivery| &*delivery.message.body.to_vec().leak());
        bodies.flat_map(|body| hit::read_message(body).unwrap()).collect()
    }

    pub async fn end(self) {
        self.shutdown.cancel();
        self.work.await.unwrap().unwrap();
        self.bus.close().await;
        self.store.close().await;
    }
}

/// Waits for what is to become true.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waits = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waits).await.unwrap_or_else(|_| panic!("never: {what}"));
}

pub fn site(id: SiteId) -> Site {
    Site { time_zone: "Europe/Paris".into(), ..Site::new(id, format!("Shop {id}"), &["shop.example"], NOW) }
}

/// A good pageview; `number` is its id.
pub fn pageview(number: u128, more: Value) -> Value {
    let id = format!("{number:032x}");
    let mut hit =
        json!({ "id": id, "kind": "pageview", "at": NOW, "url": "https://shop.example/tea", "due": 15_000 });
    hit.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    hit
}

impl Ask {
    pub fn hits(request: Value) -> Ask {
        Ask::body(request.to_string())
    }

    pub fn body(body: impl Into<Body>) -> Ask {
        Ask { method: "POST", target: "/v1/hits".into(), body: body.into(), ..Ask::get("/") }
    }

    pub fn get(target: &str) -> Ask {
        let ask = Ask {
            address: "8.8.8.8".parse().unwrap(),
            method: "GET",
            target: target.into(),
            headers: vec![],
            body: Body::empty(),
        };
        ask.with("host", "stats.example:8080")
            .with("user-agent", FIREFOX)
            .with("accept-language", "fr-FR,fr;q=0.9")
    }

    /// With a header, in place of one that is there.
    pub fn with(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Ask {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.as_ref().to_vec()));
        self
    }

    pub fn from(mut self, address: &str) -> Ask {
        self.address = address.parse().unwrap();
        self
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().expect("an error has a code").to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn is_json(&self) -> bool {
        self.header(header::CONTENT_TYPE.as_str()) == Some("application/json")
    }
}

async fn founded(folder: &Path) -> Store {
    let store = Embedded::open(&folder.join("store")).unwrap();
    let operator =
        NewAccount { id: OPERATOR, name: "O".into(), email: "o@e.example".into(), password_phc: "".into() };
    let set_up = SecretHash::of("set-up");
    store.accounts.offer_set_up(set_up).await.unwrap();
    store.accounts.set_up(set_up, operator, NOW).await.unwrap();
    store.sites.add(site(SITE), OPERATOR).await.unwrap();
    for (number, secret, scope) in [(1, TOKEN, Scope::StateSender), (2, "reads", Scope::Read)] {
        let token = Token {
            id: TokenId::of(number),
            account: OPERATOR,
            name: secret.into(),
            sites: TokenSites::One(SITE),
            scopes: vec![scope],
            created: NOW,
        };
        store.accounts.mint_token(token, SecretHash::of(secret)).await.unwrap();
    }
    store
}
