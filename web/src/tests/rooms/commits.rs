//! Commits in conversations: hooks by their page, what is fixed and closed, which release has it, and who sees that.

use axum::http::Method;
use serde_json::{Value, json};

use super::super::conversations::{Shop, bodies, id};
use super::super::openapi::fits;
use super::super::{Browser, HOST, Page, World};
use super::House;

const HOSTILE: &str = "\"'><script>alert(1)</script>{{7}}";

/// What the page of a fresh hook shows this once: the path of its address, and its secret.
fn fresh(page: &Page) -> (String, String) {
    assert_eq!(page.status, 200, "{}", page.text);
    let code = |id: &str| {
        let (_, rest) = page.text.split_once(&format!("id=\"{id}\"")).expect("it is shown");
        let (_, rest) = rest.split_once('>').unwrap();
        rest.split_once('<').unwrap().0.to_owned()
    };
    let url = code("fresh-url");
    (url[url.find("/hooks/").unwrap()..].to_owned(), code("fresh-secret"))
}

async fn makes_hook(host: &mut Browser, room: &str, fields: &[(&str, &str)]) -> (String, String) {
    let fields: Vec<(&str, &str)> =
        [("do", "add"), ("forge", "gitlab")].iter().chain(fields).copied().collect();
    fresh(&host.post(&format!("/rooms/{room}/hooks"), &fields).await)
}

async fn deliver(world: &World, hook: &(String, String), id: &str, body: Value) -> Page {
    let headers = [("x-gitlab-event", "Push Hook"), ("x-gitlab-token", &*hook.1), ("idempotency-key", id)];
    world.browser().send(Method::POST, &hook.0, &headers, body.to_string()).await
}

fn pushed(commits: &[(&str, String)]) -> Value {
    let listed: Vec<Value> = commits
        .iter()
        .map(|(id, message)| json!({ "id": id, "message": message, "author": { "name": "Ada" } }))
        .collect();
    json!({
        "object_kind": "push", "ref": "refs/heads/main", "before": "a0", "after": commits.last().unwrap().0,
        "user_name": "Grace", "project": { "path_with_namespace": "acme/shop" }, "commits": listed
    })
}

fn tagged(tag: &str, at: &str) -> Value {
    json!({
        "object_kind": "tag_push", "ref": format!("refs/tags/{tag}"), "before": "0".repeat(40), "after": "f00",
        "checkout_sha": at, "user_name": "Grace", "project": { "path_with_namespace": "acme/shop" }, "commits": []
    })
}

async fn message(person: &mut Browser, room: &str, number: u64) -> Value {
    let told = person.ask(&format!("/{room}/messages/{number}")).await.json();
    super::super::openapi::fits("Message", &told);
    told
}

#[tokio::test]
async fn a_hook_is_made_changed_renewed_and_removed_by_its_page() {
    let mut house = House::new().await;
    let page = format!("/rooms/{}/hooks", house.room);
    house.ann.get(&format!("/rooms/{}/settings", house.room)).await.says(&page);
    house.ann.get(&page).await.says("This room follows no repository yet");
    assert_eq!(house.bob.get(&page).await.status, 403);
    assert_eq!(house.bob.post(&page, &[("do", "add")]).await.status, 403);
    let refused =
        house.ann.post(&page, &[("do", "add"), ("branches", "a !"), ("repositories", HOSTILE)]).await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.text.contains("role=\"alert\"") && !refused.text.contains("<script>alert"),
        "{}",
        refused.text
    );
    let room = house.room.clone();
    let hook = makes_hook(&mut house.ann, &room, &[("repositories", "acme/*")]).await;
    assert_eq!(deliver(&house.world, &hook, "d1", pushed(&[("a1", "One".into())])).await.status, 202);
    let bad = (hook.0.clone(), "another secret".to_owned());
    assert_eq!(deliver(&house.world, &bad, "d2", pushed(&[("a2", "Two".into())])).await.status, 401);
    let seen = house.ann.get(&page).await;
    for words in ["acme/*", "GitLab, Push Hook", "told in 1 message", "signature"] {
        seen.says(words);
    }
    assert!(!seen.text.contains(&hook.1) && !seen.text.contains(&hook.0[7..]), "{}", seen.text);

    let (_, rest) = seen.text.split_once("name=\"hook\" value=\"").unwrap();
    let id = rest.split_once('"').unwrap().0;
    let changed = [("do", "change"), ("hook", id), ("repositories", "other/*"), ("closes", "on")];
    assert_eq!(house.ann.post(&page, &changed).await.status, 303);
    let other = deliver(&house.world, &hook, "d3", pushed(&[("a3", "Three".into())])).await;
    assert_eq!(other.json(), json!({ "told": 0 }));
    let renewed = fresh(&house.ann.post(&page, &[("do", "renew"), ("hook", id)]).await);
    assert_eq!(deliver(&house.world, &hook, "d4", pushed(&[("a4", "Four".into())])).await.status, 404);
    assert_eq!(deliver(&house.world, &renewed, "d4", pushed(&[("a4", "Four".into())])).await.status, 202);
    assert_eq!(house.bob.post(&page, &[("do", "remove"), ("hook", id)]).await.status, 403);
    assert_eq!(house.ann.post(&page, &[("do", "remove"), ("hook", id)]).await.status, 303);
    assert_eq!(deliver(&house.world, &renewed, "d5", pushed(&[("a5", "Five".into())])).await.status, 404);
}

#[tokio::test]
async fn a_fix_is_proposed_then_closed_by_people_and_released() {
    let mut house = House::new().await;
    let room = house.room.clone();
    let hook = makes_hook(&mut house.ann, &room, &[]).await;
    let releases = format!("/rooms/{room}/releases");
    house.ann.get(&releases).await.says("Let this room follow a repository");
    let slow = house.bob.says_in(&room, &format!("The till is slow {HOSTILE}\nand more")).await;
    let other = house.bob.says_in(&room, "Prices are wrong").await;
    let commits = [("c1", format!("Faster till, fixes #{slow} {HOSTILE}")), ("c2", format!("See #{other}"))];
    assert_eq!(deliver(&house.world, &hook, "d1", pushed(&commits)).await.status, 202);
    let told = message(&mut house.bob, &room, slow).await;
    assert_eq!((&told["fix"]["commit"]["id"], told.get("closed")), (&json!("c1"), None));
    assert_eq!(message(&mut house.bob, &room, other).await.get("fix"), None);
    let page = house.ann.get(&releases).await;
    for words in [
        "acme/shop",
        "Nothing is released yet",
        "Fixed and not yet released",
        "The till is slow",
        "Gus Guest",
    ] {
        page.says(words);
    }
    assert!(!page.text.contains("<script>alert") && !page.text.contains("Prices are wrong"), "{}", page.text);

    let path = format!("/{room}/messages/{slow}");
    let closed = house.bob.tell(&format!("{path}/close"), json!({ "note": "Out tonight." })).await;
    assert_eq!(closed.json()["closed"]["note"], "Out tonight.");
    let bettered = house.ann.tell(&format!("{path}/close"), json!({ "note": "Out this evening." })).await;
    assert_eq!(bettered.json()["closed"]["note"], "Out this evening.");
    let long = house.ann.tell(&format!("{path}/close"), json!({ "note": "x".repeat(1_001) })).await;
    assert_eq!((long.status.as_u16(), &long.json()["error"]["code"]), (409, &json!("limit")));

    assert_eq!(deliver(&house.world, &hook, "d2", tagged("v1", "c2")).await.status, 202);
    let told = message(&mut house.bob, &room, slow).await;
    assert_eq!(told["fix"]["release"], "v1");
    let href = told["fix"]["href"].as_str().unwrap();
    let release = house.bob.get(href).await;
    for words in [
        "Problems that it fixes",
        "The till is slow",
        "Gus Guest",
        "Faster till",
        "Prices are wrong",
        "mentioned",
        "closed",
    ] {
        release.says(words);
    }
    assert!(!release.text.contains("<script>alert"), "{}", release.text);
    house.ann.get(&releases).await.says("Nothing waits for a release");
    assert_eq!(house.ann.get(&format!("{releases}?repository=acme/none")).await.status, 404);
    assert_eq!(house.ann.get(&format!("{releases}?repository=acme/shop&tag=v9")).await.status, 404);

    let open = house.bob.tell(&format!("{path}/reopen"), json!({})).await.json();
    assert_eq!((open.get("closed"), open.get("fix")), (None, None));
    let history = house.bob.ask(&format!("{path}/history")).await.json();
    super::super::openapi::fits("History", &history);
    assert_eq!(history["history"].as_array().unwrap().len(), 3);
    let page = house.bob.get(&format!("/rooms{path}/history")).await;
    for words in ["Out tonight.", "Out this evening.", "reopened"] {
        page.says(words);
    }
}

#[tokio::test]
async fn a_hook_that_closes_does_so_once() {
    let mut house = House::new().await;
    let room = house.room.clone();
    let hook = makes_hook(&mut house.ann, &room, &[("closes", "on")]).await;
    let slow = house.bob.says_in(&room, "The till is slow").await;
    let push = || pushed(&[("c1", format!("Faster till, fixes #{slow}"))]);
    deliver(&house.world, &hook, "d1", push()).await;
    let told = message(&mut house.bob, &room, slow).await;
    assert!(told["closed"]["note"].as_str().unwrap().contains("Faster till"), "{told}");
    let page = house.bob.get(&format!("/rooms/{room}")).await;
    let (_, closing) = page.text.split_once("<div class=\"closing\">").unwrap();
    let (closing, _) = closing.split_once("</div>").unwrap();
    assert_eq!(closing.matches("Faster till").count(), 1, "said once: {closing}");
    house.bob.tell(&format!("/{room}/messages/{slow}/reopen"), json!({})).await;
    deliver(&house.world, &hook, "d1", push()).await;
    deliver(&house.world, &hook, "d2", push()).await;
    assert_eq!(
        message(&mut house.bob, &room, slow).await.get("closed"),
        None,
        "what was told is not told again"
    );
}

#[tokio::test]
async fn a_release_shows_nothing_of_rooms_that_one_may_not_read() {
    let mut house = House::new().await;
    let room = house.room.clone();
    let plans = house.ann.opens(json!({ "name": "Plans", "site": house.site, "kind": "closed" })).await;
    for (room, title) in [(&room, "The till is slow"), (&plans, "Between us")] {
        let hook = makes_hook(&mut house.ann, room, &[]).await;
        let number = house.ann.says_in(room, title).await;
        let push = pushed(&[(&*format!("c{number}{}", title.len()), format!("fixes #{number}"))]);
        deliver(&house.world, &hook, "d1", push).await;
        deliver(&house.world, &hook, "d2", tagged("v1", &format!("c{number}{}", title.len()))).await;
    }
    let address = "/releases?repository=acme/shop&tag=v1";
    let all = house.ann.get(address).await;
    all.says("The till is slow");
    all.says("Between us");
    let some = house.bob.get(address).await;
    some.says("The till is slow");
    for hidden in ["Between us", "Plans", &plans] {
        assert!(!some.text.contains(hidden), "{hidden}");
    }
    assert_eq!(some.text.matches("class=\"concerned-one\"").count(), 1);
    assert_eq!(house.bob.get(&format!("/rooms/{plans}/releases")).await.status, 404);
    house.bob.get("/releases").await.says("1 commit");
    assert_eq!(house.world.browser().get("/releases").await.status, 303);
}

#[tokio::test]
async fn strangers_read_so_much_at_once() {
    let mut house = House::new().await;
    let room = house.room.clone();
    house.ann.tell(&format!("/{room}"), json!({ "public": true })).await;
    let mut stranger = house.world.browser();
    for _ in 0..crate::reports::STRANGER_BURST {
        assert_eq!(stranger.get(&format!("/rooms/{room}")).await.status, 200);
    }
    let refused = stranger.get(&format!("/rooms/{room}")).await;
    assert_eq!(refused.status, 429);
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(house.bob.get(&format!("/rooms/{room}")).await.status, 200, "somebody who is known goes on");
}

#[tokio::test]
async fn releases_are_read_and_a_repository_is_forgotten_over_http_and_on_its_page() {
    let mut house = House::new().await;
    let room = house.room.clone();
    let hook = makes_hook(&mut house.ann, &room, &[]).await;
    deliver(&house.world, &hook, "d1", pushed(&[("a1", "One".into()), ("a2", "Two".into())])).await;
    deliver(&house.world, &hook, "d2", tagged("v1", "a2")).await;
    deliver(&house.world, &hook, "d3", pushed(&[("a3", HOSTILE.into())])).await;
    let path = format!("/{room}/releases");
    let all = house.bob.ask(&path).await.json();
    super::super::openapi::fits("Releases", &all);
    assert_eq!(all, json!({ "repositories": ["acme/shop"] }));
    let one = house.bob.ask(&format!("{path}?repository=acme/shop")).await.json();
    super::super::openapi::fits("Releases", &one);
    assert_eq!(one["releases"][0]["tag"], "v1");
    let ids: Vec<&str> = one["releases"][0]["commits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| of["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["a2", "a1"]);
    assert_eq!(one["unreleased"][0]["id"], "a3");
    assert_eq!(house.bob.ask(&format!("{path}?repository=acme/none")).await.status, 404);

    let page = format!("/rooms/{room}/hooks");
    house.ann.get(&page).await.says("Forget<span class=\"sr-only\"> acme/shop</span>");
    let forget = json!({ "repository": "acme/shop" });
    assert_eq!(house.bob.tell(&format!("{path}/forget"), forget.clone()).await.status, 403);
    assert_eq!(house.bob.post(&page, &[("do", "forget"), ("repository", "acme/shop")]).await.status, 403);
    assert_eq!(house.ann.post(&page, &[("do", "forget"), ("repository", "acme/shop")]).await.status, 303);
    assert_eq!(house.bob.ask(&path).await.json(), json!({ "repositories": [] }));
    deliver(&house.world, &hook, "d4", pushed(&[("a4", "Four".into())])).await;
    assert_eq!(house.ann.tell(&format!("{path}/forget"), forget).await.status, 204);
    assert_eq!(house.bob.ask(&path).await.json(), json!({ "repositories": [] }));
}

#[tokio::test]
async fn a_commit_that_two_rooms_know_is_in_one_release_and_once() {
    let mut house = House::new().await;
    let other = house.ann.opens(json!({ "name": "Other", "site": house.site })).await;
    let room = house.room.clone();
    for (room, tags) in [(&room, [("v1", "a2"), ("v2", "a3")]), (&other, [("v2", "a3"), ("v2", "a3")])] {
        let hook = makes_hook(&mut house.ann, room, &[]).await;
        for id in ["a1", "a2", "a3"] {
            deliver(&house.world, &hook, id, pushed(&[(id, format!("Commit {id}"))])).await;
        }
        for (number, (tag, at)) in tags.into_iter().enumerate() {
            house.world.clock.advance(std::time::Duration::from_secs(1));
            deliver(&house.world, &hook, &format!("t{number}"), tagged(tag, at)).await;
        }
    }
    let commits =
        |page: &Page| ["a1", "a2", "a3"].map(|id| page.text.matches(&format!("Commit {id}")).count());
    let first = house.ann.get("/releases?repository=acme/shop&tag=v1").await;
    let second = house.ann.get("/releases?repository=acme/shop&tag=v2").await;
    assert_eq!((commits(&first), commits(&second)), ([1, 1, 0], [0, 0, 1]));
}

#[tokio::test]
async fn charts_mark_commits_of_rooms_that_one_may_read_and_of_no_other() {
    let mut house = House::new().await;
    let room = house.room.clone();
    let plans = house.ann.opens(json!({ "name": "Plans", "site": house.site, "kind": "closed" })).await;
    let number = house.ann.says_in(&room, "The till is slow").await;
    for (room, id, message) in
        [(&room, "a1", format!("Faster till, fixes #{number}")), (&plans, "b1", "Between us".into())]
    {
        let hook = makes_hook(&mut house.ann, room, &[]).await;
        deliver(&house.world, &hook, id, pushed(&[(id, message)])).await;
        deliver(&house.world, &hook, "again", pushed(&[(id, "The same".into())])).await;
    }
    let path = format!("/api/watchfire/sites/{}/commits", house.site);
    let all = house.ann.get(&path).await.json();
    super::super::openapi::fits("ChartedCommits", &all);
    let subjects = |told: &Value| {
        let all = told["commits"].as_array().unwrap().iter();
        let mut all: Vec<String> =
            all.map(|of| of["commit"]["subject"].as_str().unwrap().to_owned()).collect();
        all.sort();
        all
    };
    assert_eq!(
        subjects(&all),
        ["Between us", "Faster till, fixes #1"].map(|text| text.replace("#1", &format!("#{number}")))
    );
    let some = house.bob.get(&path).await;
    let told = some.json();
    assert_eq!(told["commits"][0]["href"], format!("/rooms/{room}/messages/{number}"));
    assert_eq!((subjects(&told).len(), told["more"].as_bool()), (1, Some(false)));
    assert!(!some.text.contains("Between us") && !some.text.contains(&plans), "{}", some.text);
    let at = told["commits"][0]["at"].as_i64().unwrap();
    for (range, count) in [
        (format!("from={at}"), 1),
        (format!("from={}", at + 1), 0),
        (format!("to={at}"), 0),
        (format!("to={}", at + 1), 1),
    ] {
        assert_eq!(
            house.bob.get(&format!("{path}?{range}")).await.json()["commits"].as_array().unwrap().len(),
            count,
            "{range}"
        );
    }
    assert_eq!(house.bob.get(&format!("{path}?from=x")).await.status, 400);
    let page = house.operator.post(&format!("/sites/{}/shares", house.site), &[("name", "press")]).await;
    let share = page.secret_behind("http://stats.example:8080/share/");
    let mut reader = house.world.browser();
    assert_eq!(reader.get(&format!("{path}?share={share}")).await.status, 404, "a share link shows none");
    assert_eq!(house.world.browser().get(&path).await.status, 401);
}

/// A shop that talks with its customers, a room of it whose hook lets commits in, and what one customer asked.
struct Asked {
    shop: Shop,
    customer: Browser,
    room: String,
    told: String,
    hook: (String, String),
}

impl Asked {
    async fn new(closes: &[(&str, &str)]) -> Asked {
        let mut shop = Shop::new().await;
        let mut customer = shop.customer(1);
        let room = shop.opened(&mut customer, "The till does not add up").await;
        let new = json!({ "name": "Shop floor", "kind": "open", "site": shop.site, "zone": "UTC" });
        let made = shop.owner.json("/api/watchfire/rooms", new).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let told = made.json()["id"].as_str().unwrap().to_owned();
        let fields: Vec<(&str, &str)> = [("customers", "on")].iter().chain(closes).copied().collect();
        let hook = makes_hook(&mut shop.owner, &told, &fields).await;
        Asked { shop, customer, room, told, hook }
    }

    async fn deliver(&self, id: &str, body: Value) {
        assert_eq!(deliver(&self.shop.world, &self.hook, id, body).await.status, 202);
    }

    async fn seen(&mut self) -> Value {
        let path = self.shop.inbox(&format!("/{}", self.room));
        let page = self.shop.agent.get(&path).await;
        fits("ConversationSeen", &page.json());
        page.json()["conversation"].clone()
    }
}

#[tokio::test]
async fn an_agent_closes_with_words_what_a_commit_fixes() {
    let mut asked = Asked::new(&[]).await;
    let (room, site) = (asked.room.clone(), asked.shop.site.clone());
    let link = format!("http://{HOST}/sites/{site}/inbox/{room}");
    let commit = format!("Faster till {HOSTILE}\n\nFixes {link}\nAnswer: It adds up again.");
    asked.deliver("d1", pushed(&[("c1", commit)])).await;
    let seen = asked.seen().await;
    assert_eq!((&seen["fix"]["commit"]["id"], &seen["state"]), (&json!("c1"), &json!("open")));
    assert_eq!(seen["fix"]["answer"], "It adds up again.");
    let inbox = format!("/sites/{site}/inbox/{room}");
    let page = asked.shop.agent.get(&inbox).await;
    page.says("A commit says that it fixes this");
    assert!(!page.text.contains("<script>alert"), "{}", page.text);
    asked.deliver("d2", tagged("v1", "c1")).await;
    assert_eq!(asked.seen().await["fix"]["release"], "v1");
    asked.shop.agent.get(&inbox).await.says("/releases?repository=acme%2Fshop");
    // The release names it for whoever answers customers, and for nobody else.
    let release = format!("/rooms/{}/releases?repository=acme%2Fshop&tag=v1", asked.told);
    asked.shop.agent.get(&release).await.says(&inbox);
    let mut viewer = asked.shop.owner.invites(&site, "viewer", "vic@example.org").await;
    let page = viewer.get(&release).await;
    assert!(page.status == 200 && !page.text.contains(&room), "{}", page.text);
    // Words that are too long, or none, close nothing.
    let path = asked.shop.inbox(&format!("/{room}"));
    let saying = |words: &str| json!({ "close_saying": { "id": id(9), "words": words } });
    for bad in ["", " ", &"a".repeat(1_001)] {
        let refused = asked.shop.agent.json(&path, saying(bad)).await;
        assert!(matches!(refused.status.as_u16(), 400 | 409 | 413), "{}", refused.text);
    }
    assert_eq!(viewer.json(&path, saying("mine")).await.status, 404);
    assert_eq!(asked.seen().await["state"], "open");
    for _ in 0..2 {
        assert_eq!(asked.shop.changed(&room, saying(&"a".repeat(1_000))).await["state"], "closed");
    }
    let heard = bodies(&mut asked.customer, &room).await;
    assert_eq!(
        heard,
        ["The till does not add up".to_owned(), "a".repeat(1_000)],
        "once, and no word of the commit"
    );
    // Who opens it again says that it was not fixed.
    let open = asked.shop.changed(&room, json!({ "reopen": true })).await;
    assert_eq!((&open["state"], open.get("fix")), (&json!("open"), None));
}

#[tokio::test]
async fn a_hook_that_closes_tells_the_customer() {
    let mut asked = Asked::new(&[("closes", "on")]).await;
    let room = asked.room.clone();
    let commit = format!("Faster till\n\nFixes {room}\nAnswer: It adds up **again**.");
    for delivery in ["d1", "d2"] {
        asked.deliver(delivery, pushed(&[("c1", commit.clone())])).await;
    }
    assert_eq!(asked.seen().await["state"], "closed");
    let heard = bodies(&mut asked.customer, &room).await;
    assert_eq!(heard, ["The till does not add up", "It adds up **again**."]);
}
