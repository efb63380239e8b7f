//! The inbox as a page: who sees it, what it says before scripts arrive, and that what customers say stays text.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Browser, Page, World};

const HOSTILE: &str = "\"'><script>alert(1)</script>{{7}}";

/// A site that talks with its customers, and one who answers them.
struct Shop {
    world: World,
    owner: Browser,
    agent: Browser,
    site: String,
}

/// A customer's browser, and their conversation.
struct Customer {
    browser: Browser,
    room: String,
}

impl Shop {
    async fn new() -> Shop {
        let (world, mut owner) = World::with_owner().await;
        let site = owner.add_site("Shop").await;
        let id = site.parse().unwrap();
        let mut settings = world.store.sites.site(id).await.unwrap();
        settings.chat.on = true;
        world.store.sites.change(settings).await.unwrap();
        let agent = owner.invites(&site, "agent", "ann@example.org").await;
        Shop { world, owner, agent, site }
    }

    /// A customer who says this; `number` tells customers apart.
    async fn hears(&self, number: u8, stated: Value) -> Customer {
        let headers = vec![("authorization", format!("Bearer wfc_{number:043}"))];
        // Each from a network of their own.
        let address = IpAddr::V4(Ipv4Addr::new(10, number, 0, 1));
        let mut browser = Browser { headers, address, ..self.world.browser() };
        let mut said = json!({ "id": format!("{number:032x}"), "body": "Hello?" });
        said.as_object_mut().unwrap().extend(stated.as_object().unwrap().clone());
        let path = format!("/api/watchfire/chat/{}/conversations", self.site);
        let page = browser
            .send(Method::POST, &path, &[("content-type", "application/json")], said.to_string())
            .await;
        assert_eq!(page.status, StatusCode::CREATED, "{}", page.text);
        let room = page.json()["room"].as_str().unwrap().to_owned();
        Customer { browser, room }
    }

    fn inbox(&self, more: &str) -> String {
        format!("/sites/{}/inbox{more}", self.site)
    }

    /// The conversation as agents are told of it.
    async fn look_after(&mut self, room: &str, deed: Value) -> Value {
        let path = format!("/api/watchfire/sites/{}/conversations/{room}", self.site);
        let headers = [("content-type", "application/json")];
        let page = self.agent.send(Method::POST, &path, &headers, deed.to_string()).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        page.json()
    }

    async fn notes_of(&mut self, room: &str) -> String {
        let path = format!("/api/watchfire/sites/{}/conversations/{room}", self.site);
        self.agent.get(&path).await.json()["conversation"]["notes"].as_str().unwrap().to_owned()
    }
}

#[track_caller]
fn lacks(page: &Page, words: &str) {
    assert!(!page.text.contains(words), "`{words}` in {}", page.text);
}

#[tokio::test]
async fn agents_see_the_inbox_and_viewers_learn_nothing_of_it() {
    let mut shop = Shop::new().await;
    let customer = shop.hears(1, json!({ "name": "Ada" })).await;
    let (list, one) = (shop.inbox(""), shop.inbox(&format!("/{}", customer.room)));
    let mut viewer = shop.owner.invites(&shop.site.clone(), "viewer", "vic@example.org").await;
    for path in [&list, &one] {
        assert_eq!(shop.agent.get(path).await.status, StatusCode::OK);
        assert_eq!(shop.owner.get(path).await.status, StatusCode::OK);
        let refused = viewer.get(path).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND);
        lacks(&refused, "Ada");
        assert!(shop.world.browser().get(path).await.location().starts_with("/sign-in?next="));
    }
    let live = format!("/sites/{}", shop.site);
    shop.agent.get(&live).await.says(&format!("href=\"{list}\""));
    lacks(&viewer.get(&live).await, &list);
}

#[tokio::test]
async fn it_reads_without_scripts() {
    let mut shop = Shop::new().await;
    let mut ada = shop
        .hears(1, json!({ "name": "Ada", "email": "ada@example.org", "body": "Is the assam fresh?" }))
        .await;
    shop.hears(2, json!({ "body": "And the pots?" })).await;
    let notes = shop.notes_of(&ada.room).await;
    shop.agent.says_in(&notes, "She asked last week, too").await;
    shop.agent.says_in(&ada.room, "It came **today**.").await;
    shop.look_after(&ada.room, json!({ "labels": ["tea"] })).await;
    let list = shop.agent.get(&shop.inbox("")).await;
    for words in ["Ada", "It came **today**.", "Visitor", "And the pots?", "Gus Guest", "tea"] {
        list.says(words);
    }
    let page = shop.agent.get(&shop.inbox(&format!("/{}", ada.room))).await;
    for words in [
        "Is the assam fresh?",
        "It came <strong>today</strong>.",
        "She asked last week, too",
        "Only your team sees this",
        "ada@example.org",
    ] {
        page.says(words);
    }
    page.says("aria-current=\"true\"");
    // The note is the team's own.
    let heard = ada.browser.get(&format!("/api/watchfire/rooms/{}/messages", ada.room)).await;
    heard.says("It came");
    lacks(&heard, "last week");
    assert_eq!(
        ada.browser.get(&format!("/api/watchfire/rooms/{notes}/messages")).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn what_customers_say_of_themselves_is_only_text() {
    let mut shop = Shop::new().await;
    let about = json!({
        "name": HOSTILE, "body": HOSTILE, "title": HOSTILE, "page": "https://shop.example/\"'><script>alert(1)</script>",
        "identity": { "id": HOSTILE, "name": HOSTILE },
    });
    let customer = shop.hears(1, about).await;
    shop.look_after(&customer.room, json!({ "labels": [HOSTILE] })).await;
    let query: String = url::form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect();
    for path in [
        shop.inbox(""),
        shop.inbox(&format!("/{}", customer.room)),
        shop.inbox(&format!("?label={query}")),
        shop.inbox(&format!("/{}?folder=all&q={query}", customer.room)),
    ] {
        let page = shop.agent.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        lacks(&page, "<script>alert");
        lacks(&page, "\"'>");
        page.says("&#60;script&#62;alert(1)");
    }
}

#[tokio::test]
async fn a_folder_that_is_none_and_a_conversation_of_another_site_are_refused() {
    let mut shop = Shop::new().await;
    let customer = shop.hears(1, json!({})).await;
    assert_eq!(shop.agent.get(&shop.inbox("?folder=kitchen")).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(shop.agent.get(&shop.inbox("/RM-00000001")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(shop.agent.get(&shop.inbox("/tea")).await.status, StatusCode::NOT_FOUND);
    let other = shop.owner.add_site("Other").await;
    let path = format!("/sites/{other}/inbox/{}", customer.room);
    assert_eq!(shop.owner.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_empty_inbox_says_what_to_do() {
    let (_world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    let mut agent = owner.invites(&site, "agent", "ann@example.org").await;
    let path = format!("/sites/{site}/inbox");
    owner.get(&path).await.says(&format!("href=\"/sites/{site}/chat\">Switch the chat on"));
    let page = agent.get(&path).await;
    page.says("An admin of the site switches it on.");
    lacks(&page, &format!("/sites/{site}/chat"));
}

#[tokio::test]
async fn a_long_list_goes_on_behind_its_end() {
    let mut shop = Shop::new().await;
    for number in 0..52 {
        shop.hears(number, json!({})).await;
        shop.world.clock.advance(Duration::from_secs(1));
    }
    let first = shop.agent.get(&shop.inbox("")).await;
    assert_eq!(first.text.matches("<li class=\"inbox-row").count(), 50);
    let mark = "inbox-older\" data-part=\"older\"><a class=\"button small\" href=\"";
    let at = first.text.find(mark).expect("a link to older ones") + mark.len();
    let older = first.text[at..].split('"').next().unwrap().replace("&#38;", "&");
    let second = shop.agent.get(&older).await;
    assert_eq!(second.text.matches("<li class=\"inbox-row").count(), 2);
    lacks(&second, mark);
}
