//! A conversation is told again in a public room: who may ask, whose yes it takes, and what everybody reads then.

use serde_json::{Value, json};

use super::Browser;
use super::conversations::{Shop, bodies, say};
use super::openapi::fits;

/// As whoever is invited is called here.
const AGENT: &str = "Gus Guest";
const QUESTION: &str = "How do I change my <b>card</b>?";
const HOSTILE: &str = "<img src=x onerror=alert(1)> [x](javascript:alert(1)) @[AC-1] ann@example.org";

/// A shop in which somebody asked and the agent answered, and a public room that the agent is host of.
struct Told {
    shop: Shop,
    ann: Browser,
    room: String,
    public: String,
}

impl Told {
    async fn new() -> Told {
        let mut shop = Shop::new().await;
        let mut ann = shop.customer(0);
        let room = shop.opened(&mut ann, HOSTILE).await;
        assert_eq!(say(&mut shop.agent, &room, 2, "Under Cards.").await.status, 201);
        let public =
            public_room(&mut shop.agent, json!({ "site": shop.site, "kind": "open", "name": "Help" })).await;
        Told { shop, ann, room, public }
    }

    fn question(&self) -> Value {
        json!({ "retell": { "room": self.public, "title": QUESTION } })
    }

    /// The agent asks; the moment that names the question.
    async fn asked(&mut self) -> i64 {
        let (room, question) = (self.room.clone(), self.question());
        assert_eq!(self.shop.changed(&room, question).await["retelling"]["state"], "asked");
        self.mine().await["retelling"]["asked"].as_i64().unwrap()
    }

    async fn mine(&mut self) -> Value {
        let page = self.ann.get(&self.shop.chat("/conversations/mine")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        fits("MyConversation", &page.json());
        page.json()
    }

    async fn says(&mut self, retell: Value) -> super::Page {
        self.ann.json(&self.shop.chat("/conversations/mine"), json!({ "retell": retell })).await
    }
}

async fn public_room(who: &mut Browser, room: Value) -> String {
    let room = who.opens(room).await;
    let published = who.tell(&format!("/{room}"), json!({ "public": true })).await;
    assert_eq!(published.status, 200, "{}", published.text);
    room
}

#[tokio::test]
async fn with_the_customers_yes_everybody_reads_it_and_agents_are_led_back() {
    let mut told = Told::new().await;
    let (room, public) = (told.room.clone(), told.public.clone());
    told.ann
        .json(&told.shop.chat("/conversations/mine"), json!({ "name": "Ann", "email": "ann@example.org" }))
        .await;
    let seen = told.shop.agent.get(&told.shop.inbox(&format!("/{room}"))).await;
    fits("ConversationSeen", &seen.json());
    assert_eq!(seen.json()["public_rooms"], json!([{ "id": public, "name": "Help" }]));
    let person = told.mine().await["me"].as_str().unwrap().to_owned();
    let mut hears = told.shop.world.listen(&chat::announce::person_topic(person.parse().unwrap())).await;
    let asked = told.asked().await;
    assert!(hears.0.try_recv().is_ok(), "the customer's pages look again");
    let mine = told.mine().await;
    assert_eq!(mine["retelling"], json!({ "asked": asked, "room": "Help", "title": QUESTION, "by": AGENT }));
    let before = told.shop.world.browser().get(&format!("/api/watchfire/rooms/{public}/messages")).await;
    let count = before.json()["messages"].as_array().unwrap().len();
    let yes = told.says(json!({ "asked": asked, "yes": true })).await;
    assert_eq!(yes.status, 200, "{}", yes.text);
    assert_eq!(told.says(json!({ "asked": asked, "yes": true })).await.status, 200, "once more is once");
    let mine = told.mine().await;
    let number = count as u64 + 1;
    assert_eq!(mine["retelling"], Value::Null);
    assert_eq!(
        mine["retold"],
        json!({ "room": "Help", "href": format!("/rooms/{public}/messages/{number}") })
    );
    let seen = told.shop.agent.get(&told.shop.inbox(&format!("/{room}"))).await.json();
    let expected =
        json!({ "room": public, "name": "Help", "title": QUESTION, "state": "given", "number": number });
    assert_eq!(seen["conversation"]["retelling"], expected);
    // A stranger reads it, and learns nothing of whose it was, nor runs anything of it.
    let mut stranger = told.shop.world.browser();
    let page = stranger.get(&format!("/api/watchfire/rooms/{public}/messages")).await;
    fits("Messages", &page.json());
    let messages = page.json()["messages"].as_array().unwrap()[count..].to_vec();
    let said: Vec<_> =
        messages.iter().map(|one| (one["name"].as_str().unwrap(), one["body"].as_str().unwrap())).collect();
    assert_eq!(said, [(AGENT, QUESTION), ("Guest", HOSTILE), (AGENT, "Under Cards.")]);
    assert!(messages.iter().all(|one| one["retold"] == true));
    for leak in [room.as_str(), "\"Ann\"", person.as_str()] {
        assert!(!page.text.contains(leak), "{leak}");
    }
    for message in &messages {
        let html = message["html"].as_str().unwrap();
        assert!(
            !html.contains("<img") && !html.contains("<b>") && !html.contains("href=\"javascript"),
            "{html}"
        );
    }
    let whole = stranger.get(&format!("/rooms/{public}")).await;
    assert!(whole.text.contains("&lt;b&gt;card") && !whole.text.contains("<b>card"), "{}", whole.text);
    // The way back is the agents' alone.
    let back = format!("/rooms/{public}/messages/{number}/conversation");
    assert_eq!(
        told.shop.agent.get(&back).await.location(),
        format!("/sites/{}/inbox/{room}", told.shop.site)
    );
    assert_eq!(stranger.get(&back).await.status, 401, "nor is anybody led there who is not signed in");
    let mut viewer = told.shop.owner.invites(&told.shop.site, "viewer", "vic@example.org").await;
    assert_eq!(viewer.get(&back).await.status, 404);
    assert!(!viewer.get(&format!("/rooms/{public}")).await.text.contains("data-leads-back"));
    assert!(told.shop.agent.get(&format!("/rooms/{public}")).await.text.contains("data-leads-back"));
    let ours = told.shop.agent.says_in(&public, "Ours").await;
    assert_eq!(
        told.shop.agent.get(&format!("/rooms/{public}/messages/{ours}/conversation")).await.status,
        404
    );
}

#[tokio::test]
async fn nobody_is_called_there_like_somebody_of_the_room() {
    for name in [AGENT, "gus  guest", "Gus Gu\u{435}st"] {
        let mut told = Told::new().await;
        told.ann.json(&told.shop.chat("/conversations/mine"), json!({ "name": name })).await;
        let asked = told.asked().await;
        assert_eq!(told.says(json!({ "asked": asked, "yes": true, "named": true })).await.status, 200);
        let all = format!("/api/watchfire/rooms/{}/messages", told.public);
        let page = told.shop.world.browser().get(&all).await.json();
        let messages = page["messages"].as_array().unwrap();
        let question = messages.iter().find(|one| one["body"] == HOSTILE).unwrap();
        assert_eq!(question["name"], "Guest", "{name}");
    }
}

#[tokio::test]
async fn a_name_stands_there_where_they_want_it() {
    let mut told = Told::new().await;
    told.ann.json(&told.shop.chat("/conversations/mine"), json!({ "name": "Ann" })).await;
    let asked = told.asked().await;
    assert_eq!(told.says(json!({ "asked": asked, "yes": true, "named": true })).await.status, 200);
    let page = told.shop.world.browser().get(&format!("/api/watchfire/rooms/{}/messages", told.public)).await;
    let messages = page.json()["messages"].as_array().unwrap().clone();
    let named: Vec<_> =
        messages.iter().filter(|one| one["retold"] == true).map(|one| one["name"].clone()).collect();
    assert_eq!(named, [AGENT, "Ann", AGENT]);
}

#[tokio::test]
async fn notes_and_what_was_removed_are_never_told() {
    let mut told = Told::new().await;
    let notes = told.shop.listed("").await["conversations"][0]["notes"].as_str().unwrap().to_owned();
    assert_eq!(say(&mut told.shop.agent, &notes, 3, "a thief, I think").await.status, 201);
    assert_eq!(say(&mut told.ann, &told.room, 4, "my PIN is 1234").await.status, 201);
    let removed = told.ann.tell(&format!("/{}/messages/3/remove", told.room), json!({})).await;
    assert_eq!(removed.status, 200, "{}", removed.text);
    let asked = told.asked().await;
    assert_eq!(told.says(json!({ "asked": asked, "yes": true })).await.status, 200);
    let said = bodies(&mut told.shop.world.browser(), &told.public).await;
    assert_eq!(said[said.len() - 3..], [QUESTION, HOSTILE, "Under Cards."]);
}

#[tokio::test]
async fn only_agents_who_may_write_in_the_room_ask() {
    let mut told = Told::new().await;
    let conversation = told.shop.inbox(&format!("/{}", told.room));
    let elsewhere = told.shop.owner.add_site("Elsewhere").await;
    let mut stranger = told.shop.owner.invites(&elsewhere, "agent", "sam@example.org").await;
    let mut viewer = told.shop.owner.invites(&told.shop.site, "viewer", "vic@example.org").await;
    let question = told.question();
    for who in [&mut stranger, &mut viewer, &mut told.ann] {
        assert_eq!(who.json(&conversation, question.clone()).await.status, 404);
    }
    // An agent who is not in the room; the owner, who is not either.
    let mut bea = told.shop.owner.invites(&told.shop.site, "agent", "bea@example.org").await;
    for who in [&mut bea, &mut told.shop.owner] {
        let page = who.json(&conversation, question.clone()).await;
        assert_eq!(page.status, 403, "{}", page.text);
    }
    let closed =
        told.shop.agent.opens(json!({ "site": told.shop.site, "kind": "open", "name": "Ours" })).await;
    let theirs =
        public_room(&mut stranger, json!({ "site": elsewhere, "kind": "open", "name": "Theirs" })).await;
    for (room, status) in
        [(closed.as_str(), 400), (theirs.as_str(), 403), ("RO-00000000", 404), (told.room.as_str(), 400)]
    {
        let ask = json!({ "retell": { "room": room, "title": "Cards" } });
        let page = told.shop.agent.json(&conversation, ask).await;
        let is_refused = page.status == status || page.status == 400;
        assert!(is_refused, "{room}: {} {}", page.status, page.text);
    }
    for title in ["", " \u{200B} ", "a\u{0}b"] {
        let ask = json!({ "retell": { "room": told.public, "title": title } });
        assert_eq!(told.shop.agent.json(&conversation, ask).await.status, 400, "{title:?}");
    }
    assert_eq!(told.mine().await["retelling"], Value::Null);
    assert_eq!(bea.tell(&format!("/{}/enter", told.public), json!({})).await.status, 204);
    assert_eq!(bea.json(&conversation, question).await.status, 200);
}

#[tokio::test]
async fn only_the_customers_own_secret_allows_it_and_only_what_is_asked() {
    let mut told = Told::new().await;
    let asked = told.asked().await;
    let mut bob = told.shop.customer(1);
    told.shop.opened(&mut bob, "Hello").await;
    let path = told.shop.chat("/conversations/mine");
    let yes = json!({ "retell": { "asked": asked, "yes": true } });
    assert_eq!(bob.json(&path, yes.clone()).await.status, 409, "nobody asked Bob");
    assert_eq!(told.shop.customer(2).json(&path, yes.clone()).await.status, 401);
    assert_eq!(told.shop.agent.json(&path, yes.clone()).await.status, 401, "agents do not answer for them");
    assert_eq!(told.says(json!({ "asked": asked - 1, "yes": true })).await.status, 409);
    assert_eq!(told.says(json!({ "asked": asked, "yes": false })).await.status, 200);
    assert_eq!(
        told.says(json!({ "asked": asked, "yes": true })).await.status,
        409,
        "no is no, until somebody asks again"
    );
    let seen = told.shop.listed("").await;
    let of_ann = seen["conversations"].as_array().unwrap().iter().find(|one| one["room"] == json!(told.room));
    assert_eq!(of_ann.unwrap()["retelling"]["state"], "refused");
    let again = told.asked().await;
    let room = told.room.clone();
    assert!(told.shop.changed(&room, json!({ "retell": null })).await.get("retelling").is_none());
    assert_eq!(told.mine().await["retelling"], Value::Null);
    assert_eq!(told.says(json!({ "asked": again, "yes": true })).await.status, 409, "it was taken back");
    let messages = bodies(&mut told.shop.agent, &told.public).await;
    assert!(!messages.iter().any(|body| body == QUESTION), "{messages:?}");
}

#[tokio::test]
async fn nothing_is_told_where_who_asked_or_the_room_is_not_what_it_was() {
    let mut told = Told::new().await;
    let asked = told.asked().await;
    let yes = json!({ "asked": asked, "yes": true });
    let quiet = told.shop.agent.tell(&format!("/{}", told.public), json!({ "public": false })).await;
    assert_eq!(quiet.status, 200);
    assert_eq!(told.mine().await["retelling"], Value::Null);
    assert_eq!(told.says(yes.clone()).await.status, 409);
    told.shop.agent.tell(&format!("/{}", told.public), json!({ "public": true })).await;
    let members = told.shop.world.store.accounts.members(told.shop.site.parse().unwrap()).await.unwrap();
    let (agent, _) = members.iter().find(|(account, _)| account.email == "ada@example.org").unwrap();
    let role = format!("/sites/{}/people/{}/role", told.shop.site, agent.id);
    told.shop.owner.post(&role, &[("role", "viewer")]).await;
    assert_eq!(told.says(yes.clone()).await.status, 409);
    told.shop.owner.post(&role, &[("role", "agent")]).await;
    assert_eq!(told.says(yes).await.status, 200);
}
