//! Conversations over the real router: a customer speaks, agents answer, nobody else learns of it.

use axum::http::Method;
use chat::Chat;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::Access;

use super::openapi::fits;
use super::{Browser, Page, World};

pub const PLAIN: [(&str, &str); 1] = [("content-type", "application/json")];

/// A shop whose chat is on, its owner, and an agent.
pub struct Shop {
    pub world: World,
    pub owner: Browser,
    pub agent: Browser,
    pub site: String,
}

impl Browser {
    pub async fn json(&mut self, path: &str, body: Value) -> Page {
        self.send(Method::POST, path, &PLAIN, body.to_string()).await
    }
}

pub async fn switch_on(owner: &mut Browser, site: &str, more: &[(&str, &str)]) {
    let mut fields = vec![("on", "on"), ("colour", "#b8400e"), ("side", "right"), ("asks_email", "on")];
    fields.extend(more);
    let page = owner.post(&format!("/sites/{site}/chat"), &fields).await;
    assert_eq!(page.location(), format!("/sites/{site}/chat?done=saved"), "{}", page.text);
}

impl Shop {
    pub async fn new() -> Shop {
        let (world, mut owner) = World::with_owner().await;
        let site = owner.add_site("Shop").await;
        switch_on(&mut owner, &site, &[]).await;
        let agent = owner.invites(&site, "agent", "ada@example.org").await;
        Shop { world, owner, agent, site }
    }

    /// Somebody on the site's pages, with a secret of their own.
    pub fn customer(&self, number: u8) -> Browser {
        let secret = format!("wfc_{}", char::from(b'a' + number).to_string().repeat(43));
        Browser { headers: vec![("authorization", format!("Bearer {secret}"))], ..self.world.browser() }
    }

    pub fn chat(&self, path: &str) -> String {
        format!("/api/watchfire/chat/{}{path}", self.site)
    }

    pub fn inbox(&self, path: &str) -> String {
        format!("/api/watchfire/sites/{}/conversations{path}", self.site)
    }

    /// A customer who said something first; the room.
    pub async fn opened(&self, customer: &mut Browser, body: &str) -> String {
        let page = customer.json(&self.chat("/conversations"), json!({ "id": id(1), "body": body })).await;
        assert_eq!(page.status, 201, "{}", page.text);
        fits("MyConversation", &page.json());
        page.json()["room"].as_str().unwrap().to_owned()
    }

    pub async fn listed(&mut self, query: &str) -> Value {
        let page = self.agent.get(&self.inbox(query)).await;
        assert_eq!(page.status, 200, "{}", page.text);
        fits("Conversations", &page.json());
        page.json()
    }

    pub async fn changed(&mut self, room: &str, change: Value) -> Value {
        let page = self.agent.json(&self.inbox(&format!("/{room}")), change).await;
        assert_eq!(page.status, 200, "{}", page.text);
        fits("Conversation", &page.json());
        page.json()
    }
}

pub fn id(number: u128) -> String {
    format!("{number:032x}")
}

pub async fn say(who: &mut Browser, room: &str, number: u128, body: &str) -> Page {
    let said = json!({ "id": id(number), "body": body });
    who.json(&format!("/api/watchfire/rooms/{room}/messages"), said).await
}

pub async fn bodies(who: &mut Browser, room: &str) -> Vec<String> {
    let page = who.get(&format!("/api/watchfire/rooms/{room}/messages")).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let messages = page.json()["messages"].as_array().unwrap().clone();
    messages.iter().map(|message| message["body"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_page_is_told_how_the_site_talks_and_nothing_where_it_does_not() {
    let mut shop = Shop::new().await;
    let mut page = shop.world.browser();
    let told = page.get(&shop.chat("")).await;
    assert_eq!((told.status.as_u16(), told.header("access-control-allow-origin")), (200, "*".into()));
    fits("ChatOfSite", &told.json());
    assert_eq!(told.json()["open"], true);
    let quiet = shop.owner.add_site("Quiet").await;
    for site in [quiet.as_str(), "WF-00000000", "x"] {
        assert_eq!(page.get(&format!("/api/watchfire/chat/{site}")).await.status, 404, "{site}");
    }
}

#[tokio::test]
async fn a_conversation_is_begun_once_however_often_it_is_sent() {
    let shop = Shop::new().await;
    let mut ann = shop.customer(0);
    let first = json!({ "id": id(1), "body": "Where is my **tea**?", "page": "https://shop.example/tea#top", "title": " Tea \n shop " });
    let page = ann.json(&shop.chat("/conversations"), first.clone()).await;
    assert_eq!(page.status, 201, "{}", page.text);
    let again = ann.json(&shop.chat("/conversations"), first).await;
    assert_eq!((again.status.as_u16(), again.json()), (200, page.json()));
    let room = page.json()["room"].as_str().unwrap().to_owned();
    assert_eq!(bodies(&mut ann, &room).await, ["Where is my **tea**?"]);
    assert_eq!(ann.get(&shop.chat("/conversations/mine")).await.json()["last"], 1);
    let mut shop = shop;
    let seen = shop.listed("").await;
    assert_eq!(seen["conversations"][0]["page"], "https://shop.example/tea");
    assert_eq!(seen["conversations"][0]["title"], "Tea shop");
    assert_eq!(seen["counts"]["open"], 1);
}

#[tokio::test]
async fn what_is_no_secret_of_a_browser_begins_nothing() {
    let shop = Shop::new().await;
    let first = json!({ "id": id(1), "body": "Hello" });
    for secret in [
        "",
        "Bearer wfc_short",
        "Bearer x",
        &format!("Bearer wfc_{}", "é".repeat(43)),
        &format!("Bearer wfc_{}", "a".repeat(44)),
    ] {
        let mut customer = shop.world.browser();
        customer.headers = vec![("authorization", secret.to_owned())];
        if secret.is_ascii() {
            assert_eq!(
                customer.json(&shop.chat("/conversations"), first.clone()).await.status,
                401,
                "{secret}"
            );
        }
    }
    let mut customer = shop.customer(0);
    for (body, status) in [
        (json!({ "id": id(1), "body": " \n" }), 400),
        (json!({ "id": "x", "body": "Hello" }), 400),
        (json!({ "body": "Hello" }), 400),
        (json!({ "id": id(1), "body": "Hello", "email": "nobody" }), 400),
        (json!({ "id": id(1), "body": "Hello", "name": "a\u{202e}b" }), 400),
        (json!({ "id": id(1), "body": "x".repeat(8 * 1024 + 1) }), 409),
    ] {
        let page = customer.json(&shop.chat("/conversations"), body.clone()).await;
        assert_eq!(page.status, status, "{body} {}", page.text);
    }
    assert_eq!(customer.get(&shop.chat("/conversations/mine")).await.status, 401);
}

#[tokio::test]
async fn an_agent_answers_and_takes_it_closes_it_and_a_customer_who_speaks_opens_it_again() {
    let mut shop = Shop::new().await;
    let mut ann = shop.customer(0);
    let room = shop.opened(&mut ann, "Where is my tea?").await;
    let waiting = shop.listed("?folder=waiting").await;
    assert_eq!(waiting["conversations"][0]["room"], room.as_str());
    assert_eq!(say(&mut shop.agent, &room, 2, "On its way.").await.status, 201);
    assert_eq!(bodies(&mut ann, &room).await, ["Where is my tea?", "On its way."]);
    let mine = shop.listed("?folder=mine").await;
    assert_eq!(mine["conversations"][0]["assignee_name"], "Gus Guest");
    assert_eq!((&mine["counts"]["waiting"], &mine["counts"]["unassigned"]), (&json!(0), &json!(0)));
    assert_eq!(
        shop.changed(&room, json!({ "labels": [" tea ", "late", "tea", ""] })).await["labels"],
        json!(["late", "tea"])
    );
    assert_eq!(shop.listed("?label=tea").await["conversations"].as_array().unwrap().len(), 1);
    assert_eq!(shop.listed("?label=te").await["conversations"], json!([]));
    assert_eq!(shop.listed("?folder=all&q=way").await["conversations"].as_array().unwrap().len(), 1);
    assert_eq!(shop.changed(&room, json!({ "close": true })).await["state"], "closed");
    let closed = ann.get(&shop.chat("/conversations/mine")).await.json();
    assert_eq!((&closed["state"], &closed["asks_rating"]), (&json!("closed"), &json!(true)));
    let rated = ann.json(&shop.chat("/conversations/mine"), json!({ "rating": 5, "words": "Kind." })).await;
    assert_eq!(rated.json()["rating"], 5);
    for score in [0, 6] {
        let page = ann.json(&shop.chat("/conversations/mine"), json!({ "rating": score })).await;
        assert!(page.status.is_client_error(), "{score}");
    }
    assert_eq!(say(&mut ann, &room, 3, "And the cups?").await.status, 201);
    let open = shop.listed("").await;
    assert_eq!(open["conversations"][0]["state"], "open");
    assert_eq!(open["conversations"][0]["rating"], json!({ "score": 5, "words": "Kind." }));
    let later = 4_102_444_800_000_i64;
    let refused = shop.agent.json(&shop.inbox(&format!("/{room}")), json!({ "snooze_until": later })).await;
    assert_eq!(refused.status, 400, "past a year: {}", refused.text);
}

#[tokio::test]
async fn notes_are_for_agents_alone() {
    let mut shop = Shop::new().await;
    let mut ann = shop.customer(0);
    let room = shop.opened(&mut ann, "Hello").await;
    let notes = shop.listed("").await["conversations"][0]["notes"].as_str().unwrap().to_owned();
    assert_eq!(say(&mut shop.agent, &notes, 2, "A regular.").await.status, 201);
    assert_eq!(bodies(&mut shop.owner, &notes).await, ["A regular."]);
    assert_eq!(bodies(&mut ann, &room).await, ["Hello"]);
    for path in ["", "/messages", "/changes", "/members"] {
        let page = ann.get(&format!("/api/watchfire/rooms/{notes}{path}")).await;
        assert_eq!(page.status, 404, "{path}");
    }
    assert_eq!(say(&mut ann, &notes, 3, "I am here.").await.status, 404);
    let found = ann.get("/api/watchfire/rooms/search?q=regular").await;
    assert!(!found.text.contains("regular."), "{}", found.text);
}

#[tokio::test]
async fn nobody_reads_what_is_not_theirs() {
    let mut shop = Shop::new().await;
    let (mut ann, mut bob) = (shop.customer(0), shop.customer(1));
    let room = shop.opened(&mut ann, "My order is 17").await;
    let other = shop.opened(&mut bob, "Hello").await;
    assert_ne!(room, other);
    let elsewhere = shop.owner.add_site("Elsewhere").await;
    let mut stranger = shop.owner.invites(&elsewhere, "agent", "sam@example.org").await;
    let mut viewer = shop.owner.invites(&shop.site, "viewer", "vic@example.org").await;
    for who in [&mut bob, &mut stranger, &mut viewer] {
        for path in ["", "/messages", "/changes", "/members", "/export"] {
            let page = who.get(&format!("/api/watchfire/rooms/{room}{path}")).await;
            assert_eq!(page.status, 404, "{path}");
        }
        assert_eq!(say(who, &room, 9, "I am in").await.status, 404);
    }
    for who in [&mut stranger, &mut viewer, &mut bob] {
        assert_eq!(who.get(&shop.inbox("")).await.status, 404);
        assert_eq!(who.get(&shop.inbox(&format!("/{room}"))).await.status, 404);
        assert_eq!(who.json(&shop.inbox(&format!("/{room}")), json!({ "close": true })).await.status, 404);
    }
    // By the other site's inbox neither.
    let across = format!("/api/watchfire/sites/{elsewhere}/conversations/{room}");
    assert_eq!(stranger.get(&across).await.status, 404);
    assert_eq!(stranger.json(&across, json!({ "block": true })).await.status, 404);
    switch_on(&mut shop.owner, &elsewhere, &[]).await;
    let mine = ann.get(&format!("/api/watchfire/chat/{elsewhere}/conversations/mine")).await;
    assert_eq!(mine.status, 401);
    // Who is no agent any more is out of all of them.
    assert_eq!(bodies(&mut shop.agent, &room).await, ["My order is 17"]);
    let agent = shop.agent.get("/api/watchfire/rooms").await;
    assert_eq!(agent.json()["rooms"], json!([]), "conversations are in no list of rooms");
    let members = shop.world.store.accounts.members(shop.site.parse().unwrap()).await.unwrap();
    let (agent, _) = members.iter().find(|(account, _)| account.email == "ada@example.org").unwrap();
    let role = format!("/sites/{}/people/{}/role", shop.site, agent.id);
    assert_eq!(shop.owner.post(&role, &[("role", "viewer")]).await.status, 303);
    assert_eq!(shop.agent.get(&format!("/api/watchfire/rooms/{room}/messages")).await.status, 404);
    assert_eq!(shop.agent.get(&shop.inbox("")).await.status, 404);
}

#[tokio::test]
async fn an_identity_is_proven_by_the_sites_secret_and_by_nothing_else() {
    let mut shop = Shop::new().await;
    let page = shop.owner.get(&format!("/sites/{}/chat", shop.site)).await;
    let secret = page.secret_behind("<code id=\"secret\">");
    assert_eq!(secret.len(), 64);
    let hash = |secret: &str, id: &str| {
        use hmac::{Hmac, KeyInit, Mac};
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(id.as_bytes());
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let mut ann = shop.customer(0);
    shop.opened(&mut ann, "Hello").await;
    let mine = shop.chat("/conversations/mine");
    for (identity, proven) in [
        (json!({ "id": "u-17", "name": "Ann" }), false),
        (json!({ "id": "u-17", "hash": hash("other", "u-17") }), false),
        (json!({ "id": "u-17", "hash": hash(&secret, "u-18") }), false),
        (json!({ "id": "u-17", "hash": hash(&secret, "u-17") }), true),
        // A claim takes nothing from it.
        (json!({ "id": "u-99", "name": "Eve" }), true),
    ] {
        let page = ann.json(&mine, json!({ "identity": identity })).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let seen = shop.listed("").await["conversations"][0].clone();
        assert_eq!((&seen["identity"], &seen["proven"]), (&json!("u-17"), &json!(proven)), "{identity}");
    }
}

#[tokio::test]
async fn answers_are_kept_ready() {
    let mut shop = Shop::new().await;
    let canned = format!("/api/watchfire/sites/{}/canned", shop.site);
    let made = shop.agent.json(&canned, json!({ "name": "refund", "text": "Hello {name}," })).await;
    assert_eq!(made.status, 201, "{}", made.text);
    fits("CannedAnswer", &made.json());
    for body in
        [json!({ "name": "", "text": "x" }), json!({ "name": "x", "text": " " }), json!({ "name": "x" })]
    {
        assert_eq!(shop.agent.json(&canned, body.clone()).await.status, 400, "{body}");
    }
    let listed = shop.agent.get(&canned).await.json();
    fits("CannedAnswers", &listed);
    assert_eq!(listed["canned"], json!([made.json()]));
    let saved = shop.agent.get(&format!("/api/watchfire/sites/{}/saved", shop.site)).await.json();
    assert_eq!(saved["saved"], json!([]), "they are no goals");
    let remove = format!("{canned}/{}/remove", made.json()["id"].as_str().unwrap());
    assert_eq!(shop.agent.json(&remove, json!({})).await.status, 204);
    assert_eq!(shop.agent.json(&remove, json!({})).await.status, 404);
}

#[tokio::test]
async fn an_office_may_begin_many_conversations_and_a_flood_is_told_to_wait() {
    let shop = Shop::new().await;
    let mut answers = Vec::new();
    for number in 0..=crate::reports::OPENING_BURST {
        let mut customer = shop.customer(0);
        customer.headers[0].1 = format!("Bearer wfc_{number:043}");
        let page = customer.json(&shop.chat("/conversations"), json!({ "id": id(1), "body": "Hello" })).await;
        answers.push(page.status.as_u16());
        if page.status == 429 {
            assert!(!page.header("retry-after").is_empty());
        }
    }
    let (last, before) = answers.split_last().unwrap();
    assert!(before.iter().all(|status| *status == 201), "{answers:?}");
    assert_eq!(*last, 429);
}

/// What the panel finds, by the same hash.
fn work(challenge: &str, bits: u32) -> String {
    let is_found = |text: &String| {
        let hash = Sha256::digest(format!("{challenge}:{text}"));
        u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]).leading_zeros() >= bits
    };
    (0..).map(|number: u32| format!("{number:x}")).find(is_found).unwrap()
}

#[tokio::test]
async fn while_a_site_is_under_a_flood_who_begins_a_conversation_works_for_it() {
    let shop = Shop::new().await;
    let mut customers = (0..).map(|number: u32| {
        let mut customer = shop.customer(0);
        customer.headers[0].1 = format!("Bearer wfc_{number:043}");
        customer.address = std::net::Ipv4Addr::from(0xC612_0000 + number).into();
        customer
    });
    let path = shop.chat("/conversations");
    let said = json!({ "id": id(1), "body": "Hello" });
    for mut customer in customers.by_ref().take(crate::reports::CALM_BURST as usize) {
        assert_eq!(customer.json(&path, said.clone()).await.status, 201);
    }
    let (mut ann, mut bob) = (customers.next().unwrap(), customers.next().unwrap());
    let refused = ann.json(&path, said.clone()).await;
    assert_eq!((refused.status.as_u16(), refused.json()["error"]["code"].as_str()), (428, Some("work")));
    let (challenge, bits) =
        (refused.json()["work"]["challenge"].clone(), refused.json()["work"]["bits"].clone());
    let found = work(challenge.as_str().unwrap(), bits.as_u64().unwrap() as u32);
    let with = |work: &str| json!({ "id": id(1), "body": "Hello", "work": work });
    for wrong in ["", "0", &"0".repeat(17), "\u{1F525}"] {
        assert_eq!(ann.json(&path, with(wrong)).await.status, 428, "{wrong}");
    }
    assert_eq!(bob.json(&path, with(&found)).await.status, 428, "it is another's work");
    assert_eq!(ann.json(&path, with(&found)).await.status, 201);
    assert_eq!(ann.json(&path, with(&found)).await.status, 200, "sent again");
}

#[tokio::test]
async fn what_is_taken_for_spam_waits_to_be_looked_at_and_the_filter_learns() {
    const SPAM: &str = "CONGRATULATIONS!!! You have WON a FREE prize of $5000 cash! Click http://bit.ly/x1 http://win-cash.top now to claim, limited offer!!!";
    let mut shop = Shop::new().await;
    let mut eve = shop.customer(0);
    let room = shop.opened(&mut eve, SPAM).await;
    let held = shop.listed("?folder=held").await;
    assert_eq!((&held["conversations"][0]["verdict"], &held["counts"]["held"]), (&json!("held"), &json!(1)));
    assert_eq!(shop.listed("").await["conversations"], json!([]));
    assert_eq!(bodies(&mut eve, &room).await, [SPAM], "who sent it learns nothing of it");
    assert_eq!(shop.changed(&room, json!({ "verdict": "spam" })).await["verdict"], "spam");
    assert_eq!(shop.listed("?folder=spam").await["conversations"].as_array().unwrap().len(), 1);
    let (version, first) = shop.world.store.conversations.learned(shop.site.parse().unwrap()).await.unwrap();
    shop.changed(&room, json!({ "verdict": "spam" })).await;
    assert_eq!(
        shop.world.store.conversations.learned(shop.site.parse().unwrap()).await.unwrap(),
        (version, first.clone())
    );
    assert_eq!(shop.changed(&room, json!({ "verdict": "ham" })).await["verdict"], "ham");
    assert_eq!(shop.listed("").await["conversations"][0]["room"], room.as_str());
    let (later, other) = shop.world.store.conversations.learned(shop.site.parse().unwrap()).await.unwrap();
    assert!(later > version && other != first);
    let refused = shop.agent.json(&shop.inbox(&format!("/{room}")), json!({ "verdict": "held" })).await;
    assert_eq!(refused.status, 400);
    for genuine in [
        "Hello, my order has not arrived yet. Can you help?",
        "Hi",
        "How do I change my e-mail address?",
        "https://shop.example/tea is out of stock?",
    ] {
        let mut ann = shop.customer(5);
        ann.headers[0].1 = format!("Bearer wfc_{:0>43}", genuine.len());
        let page = ann.json(&shop.chat("/conversations"), json!({ "id": id(9), "body": genuine })).await;
        let seen = shop.agent.get(&shop.inbox(&format!("/{}", page.json()["room"].as_str().unwrap()))).await;
        assert_eq!(seen.json()["conversation"]["verdict"], "ham", "{genuine}");
    }
}

#[tokio::test]
async fn what_is_answered_is_learned_once_and_what_people_say_goes_before() {
    let mut shop = Shop::new().await;
    let site = shop.site.parse().unwrap();
    let mut ann = shop.customer(0);
    let room = shop.opened(&mut ann, "My order has not arrived yet").await;
    let conversations = shop.world.store.conversations.clone();
    let (store, clock) = (shop.world.store.clone(), shop.world.clock.clone());
    let chat = Chat::new(store.clone(), Access::new(&store, clock.clone()), shop.world.live.clone(), clock);
    let learned = async || conversations.learned(site).await.unwrap();
    let learn = async || chat.learn_answered(room.parse().unwrap()).await.unwrap();
    learn().await;
    assert_eq!(learned().await.0, 0, "nobody answered");
    assert_eq!(say(&mut shop.agent, &room, 2, "It comes on Monday").await.status, 201);
    tokio::join!(learn(), learn(), learn());
    let (version, once) = learned().await;
    assert_eq!(version, 1, "once");
    learn().await;
    assert_eq!(learned().await, (1, once.clone()));
    assert_eq!(shop.changed(&room, json!({ "verdict": "spam" })).await["verdict"], "spam");
    let (version, corrected) = learned().await;
    assert!(version == 2 && corrected != once);
    assert_eq!(say(&mut shop.agent, &room, 3, "Still").await.status, 201);
    chat.learn_answered(room.parse().unwrap()).await.unwrap();
    assert_eq!(conversations.learned(site).await.unwrap(), (2, corrected));
}

#[tokio::test]
async fn new_ones_are_given_to_agents_in_turn_where_the_site_says_so() {
    let mut shop = Shop::new().await;
    let mut first = shop.customer(0);
    let room = shop.opened(&mut first, "Hello?").await;
    let assignee = |told: &Value, room: &str| {
        let all = told["conversations"].as_array().unwrap().clone();
        all.iter().find(|one| one["room"] == room).unwrap()["assignee_name"].as_str().unwrap().to_owned()
    };
    let told = shop.listed("").await;
    assert_eq!(assignee(&told, &room), "", "nobody's until somebody takes it");
    switch_on(&mut shop.owner, &shop.site, &[("in_turn", "on")]).await;
    let mut given = Vec::new();
    for number in 1..=2 {
        let mut customer = shop.customer(number);
        let room = shop.opened(&mut customer, "Hello?").await;
        given.push(assignee(&shop.listed("").await, &room));
    }
    assert_eq!(given, ["Gus Guest", "Gus Guest"], "who is in the inbox");
    assert_eq!(shop.owner.get(&shop.inbox("")).await.status, 200);
    let mut rooms = Vec::new();
    for number in 3..=6 {
        let mut customer = shop.customer(number);
        rooms.push(shop.opened(&mut customer, "Hello?").await);
    }
    let told = shop.listed("").await;
    let mut given: Vec<String> = rooms.iter().map(|room| assignee(&told, room)).collect();
    given.sort();
    assert_eq!(given, ["Gus Guest", "Gus Guest", "Olive Owner", "Olive Owner"], "both are there");
    let one = shop.agent.get(&shop.inbox(&format!("/{}", rooms[0]))).await.json();
    let notes = one["conversation"]["notes"].as_str().unwrap().to_owned();
    let page = shop.agent.get(&format!("/api/watchfire/rooms/{notes}/messages")).await.json();
    assert_eq!(page["messages"][0]["kind"], json!({ "note": "turn" }));
    assert_eq!(page["messages"][0]["name"], one["conversation"]["assignee_name"]);
}

#[tokio::test]
async fn who_is_revoked_opens_it_no_more_and_begins_anew() {
    let mut shop = Shop::new().await;
    let mut ann = shop.customer(0);
    let room = shop.opened(&mut ann, "Hello?").await;
    let mut told = shop.world.listen(live::RIGHTS_TOPIC).await;
    let revoked = shop.changed(&room, json!({ "revoke": true })).await;
    assert_eq!(revoked["is_revoked"], true);
    assert!(told.0.try_recv().is_ok(), "open sockets ask again");
    assert_eq!(ann.get(&shop.chat("/conversations/mine")).await.status, 401);
    assert_eq!(ann.get(&format!("/api/watchfire/rooms/{room}/messages")).await.status, 401);
    assert_eq!(say(&mut ann, &room, 2, "Still here").await.status, 401);
    assert_eq!(bodies(&mut shop.agent, &room).await, ["Hello?"]);
    let back = shop.agent.json(&shop.inbox(&format!("/{room}")), json!({ "revoke": false })).await;
    assert_eq!(back.status, 400);
    let first = json!({ "id": id(3), "body": "Anew" });
    let anew = ann.json(&shop.chat("/conversations"), first).await;
    assert_eq!(anew.status, 201, "{}", anew.text);
    assert_ne!(anew.json()["room"], json!(room));
}

#[tokio::test]
async fn what_is_typed_is_seen_only_where_the_site_says_so() {
    let mut shop = Shop::new().await;
    let mut ann = shop.customer(0);
    let room = shop.opened(&mut ann, "Hello?").await;
    let mut heard = shop.world.listen(&format!("room/{room}/people")).await;
    let path = format!("/api/watchfire/rooms/{room}/doing");
    let types = async |who: &mut Browser, text: &str| {
        who.json(&path, json!({ "what": "typing", "text": text })).await.status.as_u16()
    };
    let mut typed = || -> Value { serde_json::from_slice(&heard.0.try_recv().unwrap()).unwrap() };
    assert_eq!(types(&mut ann, "My card is").await, 204);
    assert_eq!(typed()["typing"]["text"], Value::Null, "off");
    switch_on(&mut shop.owner, &shop.site, &[("previews", "on")]).await;
    assert_eq!(shop.world.browser().get(&shop.chat("")).await.json()["previews"], true);
    assert_eq!(types(&mut ann, "My card is").await, 204);
    assert_eq!(typed()["typing"]["text"], "My card is");
    assert_eq!(types(&mut shop.agent, "Nobody sees mine").await, 204);
    assert_eq!(typed()["typing"]["text"], Value::Null, "an agent's");
    let longest = "x".repeat(model::limits::TYPED_BYTES_MAX);
    assert_eq!(types(&mut ann, &longest).await, 204);
    assert_eq!(typed()["typing"]["text"], longest);
    assert_eq!(types(&mut ann, &format!("{longest}x")).await, 400);
}
