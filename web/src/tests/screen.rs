//! A customer's screen over the real router: who says what of it, and who hears that. Nobody else does, and nothing is kept.

use live::Subscription;
use model::limits;
use serde_json::{Value, json};

use super::Browser;
use super::conversations::{Shop, bodies};
use super::openapi::fits;

struct Showing {
    shop: Shop,
    ann: Browser,
    room: String,
    /// As `GU-…` and `AC-…`.
    customer: String,
    agent: String,
    /// What all who look at the conversation hear, the customer alone, and the agent alone.
    all: Subscription,
    theirs: Subscription,
    ours: Subscription,
}

impl Showing {
    async fn new() -> Showing {
        let mut shop = Shop::new().await;
        let mut ann = shop.customer(0);
        let room = shop.opened(&mut ann, "It looks odd here").await;
        let customer = who(&mut ann, &room).await;
        let agent = who(&mut shop.agent, &room).await;
        let all = shop.world.listen(&format!("room/{room}/people")).await;
        let theirs = shop.world.listen(&format!("person/{customer}")).await;
        let ours = shop.world.listen(&format!("person/{agent}")).await;
        Showing { shop, ann, room, customer, agent, all, theirs, ours }
    }

    async fn says(&mut self, is_customer: bool, signal: Value) -> u16 {
        let by = if is_customer { &mut self.ann } else { &mut self.shop.agent };
        says(by, &self.room, signal).await
    }

    /// What each of the three heard since.
    fn heard(&mut self) -> [Vec<Value>; 3] {
        [&mut self.all, &mut self.theirs, &mut self.ours].map(|topic| {
            let mut heard = Vec::new();
            while let Ok(bytes) = topic.0.try_recv() {
                let told: Value = serde_json::from_slice(&bytes).unwrap();
                heard.push(told["screen"].clone());
            }
            heard
        })
    }
}

async fn who(browser: &mut Browser, room: &str) -> String {
    let seen = browser.get(&format!("/api/watchfire/rooms/{room}")).await.json();
    seen["you"]["who"].as_str().unwrap().to_owned()
}

async fn says(by: &mut Browser, room: &str, signal: Value) -> u16 {
    let page = by.json(&format!("/api/watchfire/rooms/{room}/screen"), signal).await;
    if page.status == 200 {
        fits("IceServers", &page.json());
    }
    page.status.as_u16()
}

#[tokio::test]
async fn each_word_is_heard_by_whom_it_is_for() {
    let mut showing = Showing::new().await;
    let (room, customer, agent) = (showing.room.clone(), showing.customer.clone(), showing.agent.clone());
    let word = |who: &str, what: &str| json!({ "room": room, "who": who, "what": what, "showing": "5", "link": "7", "text": "v=0" });
    for (is_customer, what, hears) in [
        (false, "asks", 0),
        (true, "declines", 0),
        (true, "shows", 0),
        (false, "watches", 1),
        (true, "offer", 2),
        (false, "answer", 1),
        (true, "candidate", 2),
        (false, "candidate", 1),
        (true, "full", 2),
        (false, "leaves", 1),
        (true, "ends", 0),
        (false, "ends", 0),
    ] {
        let to = is_customer.then_some(&agent);
        let signal = json!({ "what": what, "showing": "5", "link": "7", "text": "v=0", "to": to });
        assert_eq!(showing.says(is_customer, signal).await, 200, "{what}");
        let mut expected = [vec![], vec![], vec![]];
        expected[hears].push(word(if is_customer { &customer } else { &agent }, what));
        assert_eq!(showing.heard(), expected, "{what}");
    }
    assert_eq!(bodies(&mut showing.ann, &room).await, ["It looks odd here"], "nothing is kept");
}

#[tokio::test]
async fn nobody_says_what_is_the_others_or_says_it_to_somebody_else() {
    let mut showing = Showing::new().await;
    for (is_customer, what) in [
        (true, "asks"),
        (true, "watches"),
        (true, "leaves"),
        (true, "answer"),
        (false, "shows"),
        (false, "declines"),
        (false, "offer"),
        (false, "full"),
    ] {
        assert_eq!(showing.says(is_customer, json!({ "what": what })).await, 403, "{what}");
    }
    let mut viewer = showing.shop.owner.invites(&showing.shop.site, "viewer", "vera@example.org").await;
    let mut others = vec![json!(null), json!(showing.customer), json!("AC-00000000"), json!("BT-00000001")];
    let notes = showing.shop.listed("").await["conversations"][0]["notes"].as_str().unwrap().to_owned();
    let open = showing
        .shop
        .owner
        .json("/api/watchfire/rooms", json!({ "name": "tea", "site": showing.shop.site }))
        .await;
    let open = open.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(viewer.get(&format!("/api/watchfire/rooms/{open}")).await.status, 200);
    others.push(json!(who(&mut viewer, &open).await));
    for to in others {
        let offer = json!({ "what": "offer", "link": "7", "to": to });
        assert_eq!(showing.says(true, offer).await, 404, "{to}");
    }
    let room = showing.room.clone();
    let mut ben = showing.shop.customer(1);
    showing.shop.opened(&mut ben, "Another").await;
    let mut stranger = showing.shop.world.browser();
    for what in ["asks", "shows", "watches", "offer", "candidate", "ends"] {
        let signal = json!({ "what": what, "to": showing.agent });
        assert_eq!(says(&mut ben, &room, signal.clone()).await, 404, "{what}");
        assert_eq!(says(&mut viewer, &room, signal.clone()).await, 404, "{what}");
        assert_eq!(says(&mut stranger, &room, signal.clone()).await, 401, "{what}");
        assert_eq!(says(&mut showing.shop.agent, &notes, signal).await, 400, "{what}");
    }
    assert_eq!(showing.heard(), [const { Vec::<Value>::new() }; 3]);
    assert_eq!(showing.says(false, json!({ "what": "asks" })).await, 200);
    assert_eq!(showing.heard()[0].len(), 1, "and who may is heard");
}

#[tokio::test]
async fn a_word_is_bounded() {
    let mut showing = Showing::new().await;
    for (field, max) in [
        ("text", limits::SCREEN_SIGNAL_BYTES_MAX),
        ("link", limits::SCREEN_ID_BYTES_MAX),
        ("showing", limits::SCREEN_ID_BYTES_MAX),
    ] {
        let signal = |bytes: usize| {
            let mut signal = json!({ "what": "answer" });
            signal[field] = "x".repeat(bytes).into();
            signal
        };
        assert_eq!(showing.says(false, signal(max)).await, 200, "{field}");
        assert_eq!(showing.says(false, signal(max + 1)).await, 409, "{field}");
    }
    for wrong in [json!({}), json!({ "what": "dances" }), json!({ "what": "asks", "more": 1 })] {
        assert_eq!(showing.says(false, wrong.clone()).await, 400, "{wrong}");
    }
}

#[tokio::test]
async fn it_ends_with_the_conversation_and_with_the_right_to_it() {
    let mut showing = Showing::new().await;
    let room = showing.room.clone();
    assert_eq!(showing.says(true, json!({ "what": "shows", "showing": "5" })).await, 200);
    showing.shop.changed(&room, json!({ "close": true })).await;
    for (is_customer, what, status) in [
        (true, "shows", 409),
        (false, "asks", 409),
        (false, "watches", 409),
        (true, "ends", 200),
        (false, "ends", 200),
    ] {
        assert_eq!(showing.says(is_customer, json!({ "what": what })).await, status, "{what}");
    }
    showing.shop.changed(&room, json!({ "reopen": true })).await;
    assert_eq!(showing.says(false, json!({ "what": "watches" })).await, 200);
    let agent = showing.agent.clone();
    let site = showing.shop.site.clone();
    let removed = showing.shop.owner.post(&format!("/sites/{site}/people/{agent}/remove"), &[]).await;
    assert_eq!(removed.status, 303, "{}", removed.text);
    assert_eq!(showing.says(false, json!({ "what": "watches" })).await, 404, "who is no agent any more");
    assert_eq!(
        showing.says(true, json!({ "what": "offer", "to": agent })).await,
        404,
        "nor is heard by them"
    );
    showing.shop.agent = showing.shop.owner.invites(&site, "agent", "bea@example.org").await;
    showing.shop.changed(&room, json!({ "revoke": true })).await;
    assert_eq!(showing.says(true, json!({ "what": "shows" })).await, 401);
}
