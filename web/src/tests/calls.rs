//! Agents who write first: to visitors who are on the site and to nobody else, once, and heard by that visitor alone.

use std::sync::Arc;
use std::time::Duration;

use live::{Change, Commit, Live};
use model::{Agent, Device, Millis, OpenPage, Place, SiteId, Source, Step, Visitor, VisitorKey, limits};
use serde_json::json;

use super::conversations::{Shop, bodies, id, say};
use super::openapi::fits;
use super::{Browser, NOW, Page};

pub const BROWSER: &str = "00000000000000aa";
const OTHER: &str = "00000000000000bb";

/// On the site now, on one page.
pub fn present(key: VisitorKey) -> Arc<Visitor> {
    let path: Arc<str> = "/teas".into();
    let page = OpenPage {
        pageview: model::HitId(1),
        path: path.clone(),
        active: true,
        engaged_ms: 0,
        scroll: 0,
        alive_until: NOW,
    };
    Arc::new(Visitor {
        key,
        since: NOW,
        alive_until: Millis(NOW.0 + 60_000),
        active: true,
        engaged_ms: 0,
        pages: vec![page],
        trail: vec![Step { at: NOW, path }],
        source: Arc::new(Source::direct()),
        place: Arc::new(Place::default()),
        agent: Arc::new(Agent {
            browser: "Firefox".into(),
            browser_version: "133".into(),
            os: "Linux".into(),
            os_version: "".into(),
            device: Device::Desktop,
        }),
        language: "fr".into(),
        bot: None,
        identity: None,
    })
}

impl Shop {
    /// As agents know whoever asks from where visitors do, by that browser.
    pub async fn key_of(&mut self, browser: &str) -> String {
        let mut known = self.customer(9);
        let first = json!({ "id": id(9), "body": "Hello", "browser": "00000000000000ff" });
        let page = known.json(&self.chat("/conversations"), first).await;
        assert!(page.status.is_success(), "{}", page.text);
        let told = self.listed("?folder=all&q=hello").await;
        let key = told["conversations"][0]["visitor"].as_str().unwrap().to_owned();
        format!("{}-{browser}", key.split_once('-').unwrap().0)
    }

    pub async fn comes(&self, key: &str) {
        let (site, key): (SiteId, VisitorKey) = (self.site.parse().unwrap(), key.parse().unwrap());
        let changes = vec![Change { key, before: None, after: Some(present(key)) }];
        self.commit(site, changes).await;
    }

    async fn goes(&self, key: &str) {
        let (site, key): (SiteId, VisitorKey) = (self.site.parse().unwrap(), key.parse().unwrap());
        self.commit(site, vec![Change { key, before: Some(present(key)), after: None }]).await;
    }

    pub async fn commit(&self, site: SiteId, changes: Vec<Change>) {
        let (origin, mark) = (live::Origin::default(), None);
        let commit =
            Commit { site, shard: 0, origin, mark, at: NOW, changes, pageviews: vec![], feed: vec![] };
        self.world.live.commit(vec![commit]).await.unwrap();
    }

    pub async fn call(&mut self, number: u128, key: &str, body: &str) -> Page {
        let call = json!({ "id": id(number), "visitor": key, "body": body });
        self.agent.json(&self.inbox(""), call).await
    }

    /// What the page of that visitor is told, without waiting for long.
    async fn asks(&self, browser: &str, after: u64) -> Page {
        let path = self.chat(&format!("/call?browser={browser}&after={after}"));
        self.world.browser().get(&path).await
    }
}

fn words(page: &Page) -> Vec<String> {
    fits("Call", &page.json());
    let messages = page.json()["told"]["messages"].as_array().unwrap().clone();
    messages.iter().map(|message| message["body"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_visitor_who_is_there_is_written_to_and_answers() {
    let mut shop = Shop::new().await;
    let key = shop.key_of(BROWSER).await;
    shop.comes(&key).await;
    let called = shop.call(1, &key, "Shall I help you choose?").await;
    assert_eq!(called.status, 201, "{}", called.text);
    fits("Conversation", &called.json());
    let room = called.json()["room"].as_str().unwrap().to_owned();
    assert_eq!((&called.json()["is_call"], &called.json()["visitor"]), (&json!(true), &json!(key)));
    let told = shop.asks(BROWSER, 0).await;
    assert_eq!((told.status.as_u16(), told.header("access-control-allow-origin")), (200, "*".into()));
    assert_eq!((words(&told), &told.json()["read"]), (vec!["Shall I help you choose?".into()], &json!(0)));
    let seen = json!({ "browser": BROWSER, "seen": 1 });
    let read = shop.world.browser().json(&shop.chat("/call"), seen).await;
    assert_eq!(read.status, 204, "{}", read.text);
    assert_eq!(shop.asks(BROWSER, 0).await.json()["read"], 1);
    let mut ann = shop.customer(1);
    let answer = json!({ "id": id(2), "body": "Yes!", "browser": BROWSER, "name": "Ann" });
    let answered = ann.json(&shop.chat("/conversations"), answer.clone()).await;
    assert_eq!(
        (answered.status.as_u16(), &answered.json()["room"]),
        (201, &json!(room)),
        "{}",
        answered.text
    );
    assert_eq!(ann.json(&shop.chat("/conversations"), answer).await.status, 200);
    assert_eq!(bodies(&mut ann, &room).await, ["Shall I help you choose?", "Yes!"]);
    let listed = shop.listed("?folder=waiting").await;
    let one = listed["conversations"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["room"] == json!(room))
        .unwrap()
        .clone();
    assert_eq!(
        (&one["name"], &one["is_call"], &one["first_answer_at"]),
        (&json!("Ann"), &json!(false), &json!(null))
    );
    assert_eq!(say(&mut shop.agent, &room, 3, "Green or black?").await.status, 201);
    assert_eq!(bodies(&mut ann, &room).await.len(), 3);
}

#[tokio::test]
async fn what_is_sent_twice_is_said_once_and_more_goes_to_the_same_conversation() {
    let mut shop = Shop::new().await;
    let key = shop.key_of(BROWSER).await;
    shop.comes(&key).await;
    let first = shop.call(1, &key, "Hello there").await;
    let again = shop.call(1, &key, "Hello there").await;
    let more = shop.call(2, &key, "Are you there?").await;
    let rooms = [&first, &again, &more].map(|page| page.json()["room"].clone());
    assert_eq!([first.status, again.status, more.status].map(|status| status.as_u16()), [201, 200, 200]);
    assert!(rooms.iter().all(|room| *room == rooms[0]));
    assert_eq!(words(&shop.asks(BROWSER, 0).await), ["Hello there", "Are you there?"]);
}

#[tokio::test]
async fn whoever_is_not_there_is_not_written_to() {
    let mut shop = Shop::new().await;
    let key = shop.key_of(BROWSER).await;
    let before = shop.listed("?folder=all").await;
    let gone = "This cannot be: this visitor is no longer on the site.";
    let check = |page: Page, status: u16, expected: &str| {
        assert_eq!(
            (page.status.as_u16(), page.json()["error"]["message"].as_str()),
            (status, Some(expected))
        );
    };
    check(shop.call(1, &key, "Hello").await, 409, gone);
    shop.comes(&key).await;
    shop.goes(&key).await;
    check(shop.call(1, &key, "Hello").await, 409, gone);
    let other = shop.owner.add_site("Other").await;
    let elsewhere: SiteId = other.parse().unwrap();
    let whose: VisitorKey = key.parse().unwrap();
    shop.commit(elsewhere, vec![Change { key: whose, before: None, after: Some(present(whose)) }]).await;
    check(shop.call(1, &key, "Hello").await, 409, gone);
    let path = format!("/api/watchfire/sites/{other}/conversations");
    let off = shop.owner.json(&path, json!({ "id": id(1), "visitor": key, "body": "Hello" })).await;
    check(off, 409, "This cannot be: the chat of the site is off.");
    shop.comes(&key).await;
    for body in ["", " \n "] {
        check(shop.call(1, &key, body).await, 400, "This cannot be understood: nothing is said.");
    }
    for visitor in ["", "x", "00-00", &key[1..]] {
        assert_eq!(shop.call(1, visitor, "Hello").await.status, 400, "{visitor}");
    }
    let mut viewer = shop.owner.invites(&shop.site, "viewer", "eve@example.org").await;
    let call = json!({ "id": id(1), "visitor": key, "body": "Hello" });
    assert_eq!(viewer.json(&shop.inbox(""), call).await.status, 404);
    assert_eq!(shop.listed("?folder=all").await, before, "nothing came of it");
    let longest = "x".repeat(limits::MESSAGE_BYTES_MAX);
    assert_eq!(shop.call(7, &key, &format!("{longest}x")).await.status, 409);
    assert_eq!(shop.call(7, &key, &longest).await.status, 201);
}

#[tokio::test]
async fn a_page_that_asks_hears_of_it_at_once_and_no_other_does() {
    let mut shop = Shop::new().await;
    let key = shop.key_of(BROWSER).await;
    shop.comes(&key).await;
    let chat = |browser: &str| shop.chat(&format!("/call?browser={browser}"));
    let (own, others) = (chat(BROWSER), chat(OTHER));
    let asks = |mut browser: Browser, path: String| tokio::spawn(async move { browser.get(&path).await });
    let waiting = asks(shop.world.browser(), own);
    let stranger = asks(shop.world.browser(), others);
    let mut far = Browser { address: "192.0.2.99".parse().unwrap(), ..shop.world.browser() };
    let elsewhere = {
        let path = shop.chat(&format!("/call?browser={BROWSER}"));
        tokio::spawn(async move { far.get(&path).await })
    };
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished(), "nobody wrote");
    assert_eq!(shop.call(1, &key, "Hello there").await.status, 201);
    let told = tokio::time::timeout(Duration::from_secs(1), waiting).await.unwrap().unwrap();
    assert_eq!(words(&told), ["Hello there"]);
    let change = told.json()["change"].as_u64().unwrap();
    let path = shop.chat(&format!("/call?browser={BROWSER}&after={change}"));
    let more = asks(shop.world.browser(), path);
    assert_eq!(shop.call(2, &key, "And this").await.status, 200);
    let told = tokio::time::timeout(Duration::from_secs(1), more).await.unwrap().unwrap();
    assert_eq!(words(&told), ["Hello there", "And this"]);
    assert!(!stranger.is_finished() && !elsewhere.is_finished(), "another browser, another address");
    shop.world.stop().await;
    for page in [stranger.await.unwrap(), elsewhere.await.unwrap()] {
        assert_eq!(page.status, 503, "nobody waits for a server that ends");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_named() {
    let shop = Shop::new().await;
    for query in ["", "?browser=", "?browser=x", &format!("?browser={BROWSER}&after=x")] {
        let page = shop.world.browser().get(&shop.chat(&format!("/call{query}"))).await;
        assert_eq!(page.status, 400, "{query}");
    }
    for body in [json!({ "seen": 1 }), json!({ "browser": BROWSER }), json!({ "browser": "x", "seen": 1 })] {
        assert_eq!(shop.world.browser().json(&shop.chat("/call"), body).await.status, 400);
    }
    let nothing = json!({ "browser": BROWSER, "seen": 1 });
    assert_eq!(shop.world.browser().json(&shop.chat("/call"), nothing).await.status, 404, "nobody wrote");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever() {
    let shop = Shop::new().await;
    assert_eq!(shop.asks(BROWSER, 0).await.status, 204);
}
