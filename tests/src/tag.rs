//! One open page of one browser, saying what its tag would say.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use hyper::Method;
use model::{BrowserId, Clock, HitId, Millis, SiteId};
use serde_json::{Value, json};

use crate::{Answer, Person};

/// Hits of one test run have ids that no other has.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// A hit id not used before in this process.
pub fn fresh_id() -> HitId {
    let process = u128::from(std::process::id()) << 64;
    HitId(process | u128::from(NEXT_ID.fetch_add(1, Ordering::Relaxed)))
}

pub struct Tag {
    pub site: SiteId,
    pub address: String,
    pub agent: String,
    pub browser: BrowserId,
    pub pageview: HitId,
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    person: Person,
    clock: Arc<dyn Clock>,
}

pub const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";
pub const SHOP: &str = "https://shop.example";

impl Tag {
    pub fn new(person: Person, clock: Arc<dyn Clock>, site: SiteId, address: &str, browser: u64) -> Tag {
        Tag {
            site,
            address: address.to_owned(),
            agent: FIREFOX.to_owned(),
            browser: BrowserId(browser),
            pageview: HitId(0),
            url: format!("{SHOP}/"),
            headers: Vec::new(),
            person,
            clock,
        }
    }

    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// A request body as the tag makes it.
    pub fn request(&self, hits: Vec<Value>) -> Value {
        let now = self.now().0;
        json!({ "site": self.site, "sent": now, "browser": self.browser, "screen": "1440x900", "hits": hits })
    }

    /// A hit now, on the current page.
    pub fn hit(&self, kind: &str, more: Value) -> Value {
        let mut hit = json!({ "id": fresh_id(), "kind": kind, "at": self.now().0, "url": self.url });
        let fields = hit.as_object_mut().expect("a hit is an object");
        fields.extend(more.as_object().expect("fields are an object").clone());
        hit
    }

    /// Sends hits; any answer.
    pub async fn send(&self, hits: Vec<Value>) -> Answer {
        self.send_body(self.request(hits).to_string().into()).await
    }

    pub async fn send_body(&self, body: Bytes) -> Answer {
        let mut headers = vec![
            ("content-type", "text/plain;charset=UTF-8"),
            ("x-forwarded-for", self.address.as_str()),
            ("user-agent", self.agent.as_str()),
            ("accept-language", "fr-FR,fr;q=0.9"),
        ];
        headers.extend(self.headers.iter().map(|(name, value)| (*name, value.as_str())));
        self.person.send(Method::POST, "/v1/hits", &headers, body).await
    }

    /// Sends hits that must all be taken.
    pub async fn deliver(&self, hits: Vec<Value>) {
        let count = hits.len();
        let answer = self.send(hits).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (202, json!({ "accepted": count })));
    }

    /// Shows a page of the shop; the page before, if any, stays open.
    pub async fn show(&mut self, path: &str) {
        let hit = self.pageview_of(path, 15_000);
        self.deliver(vec![hit]).await;
    }

    /// The hit that shows a page; the tag is on that page from now on.
    pub fn pageview_of(&mut self, path: &str, due: u64) -> Value {
        self.url = format!("{SHOP}{path}");
        self.pageview = fresh_id();
        self.hit("pageview", json!({ "id": self.pageview, "title": path, "due": due }))
    }

    pub async fn beat(&self, engaged: u64, active: bool, due: u64) {
        let more = json!({ "pageview": self.pageview, "engaged": engaged, "scroll": 50, "active": active, "due": due });
        self.deliver(vec![self.hit("heartbeat", more)]).await;
    }

    pub async fn leave(&self, engaged: u64) {
        let more = json!({ "pageview": self.pageview, "engaged": engaged, "scroll": 80 });
        self.deliver(vec![self.hit("leave", more)]).await;
    }

    /// Another page load of the same browser on the same site: `browser` 0 keeps the browser id.
    pub fn beside(&self, person: Person, browser: u64) -> Tag {
        let browser = if browser == 0 { self.browser.0 } else { browser };
        let mut tag = Tag::new(person, self.clock.clone(), self.site, &self.address, browser);
        tag.agent.clone_from(&self.agent);
        tag
    }
}
