//! Rooms over the hub: every change once, in order, to who may read and to nobody else.

use chat::announce::Doing;
use chat::{Coming, NewRoom, Post};
use live::Live;
use model::chat::{MessageKind, NewMessage, Who};
use model::rights::Principal;
use model::{MessageId, RoomId};
use realtime::Options;
use serde_json::{Value, json};
use store::Credential;
use store::accounts::SecretHash;

use crate::house::*;

const BOT_TOKEN: &str = "wfb_bot-token";

fn owner() -> Principal {
    Principal::Account { id: OWNER, operator: true }
}

fn viewer() -> Who {
    Who::Account(VIEWER)
}

fn text(body: &str) -> Post {
    Post {
        id: MessageId(fastrand::u128(..)),
        kind: MessageKind::Text,
        body: body.into(),
        thread: None,
        files: vec![],
    }
}

/// What the viewer says, to be stored and told to nobody.
fn unannounced(room: RoomId, number: u64) -> NewMessage {
    NewMessage {
        room,
        id: MessageId(u128::from(number)),
        author: viewer(),
        kind: MessageKind::Text,
        body: number.to_string(),
        thread: None,
        mentions: vec![],
        files: vec![],
        at: model::Millis(0),
    }
}

impl House {
    /// A closed room of the owner, that the viewer and a bot were brought into.
    async fn room(&self) -> RoomId {
        let new = NewRoom {
            site: Some(SITE),
            kind: model::chat::RoomKind::Closed,
            name: "Tea".into(),
            zone: "UTC".into(),
        };
        let room = self.chat.open_room(&owner(), new).await.unwrap().id;
        self.chat.bring(&owner(), room, viewer()).await.unwrap();
        assert!(BOT_TOKEN.starts_with(Credential::BOT_PREFIX));
        let bot = self.chat.add_bot(&owner(), "CI", SecretHash::of(BOT_TOKEN)).await.unwrap();
        self.chat.bring(&owner(), room, Who::Bot(bot.id)).await.unwrap();
        room
    }

    async fn signed_in(&self) -> Dashboard {
        let mut request = self.request("/api/watchfire/live");
        let headers = request.headers_mut();
        headers.insert("cookie", format!("watchfire={VIEWER_COOKIE}").parse().unwrap());
        headers.insert("origin", format!("http://{}", self.address).parse().unwrap());
        self.try_connect(request).await.unwrap()
    }

    async fn other_room(&self) -> RoomId {
        let kind = model::chat::RoomKind::Open;
        let new = NewRoom { site: Some(SITE), kind, name: "Other".into(), zone: "UTC".into() };
        self.chat.open_room(&owner(), new).await.unwrap().id
    }

    async fn guest(&self, origin: Option<&str>) -> Result<Dashboard, u16> {
        let mut request = self.request("/api/watchfire/live");
        let headers = request.headers_mut();
        headers.insert("cookie", "watchfire_guest=guest-secret".parse().unwrap());
        origin.map(|origin| headers.insert("origin", origin.parse().unwrap()));
        self.try_connect(request).await
    }

    async fn bot(&self) -> Dashboard {
        self.connect(&format!("token={BOT_TOKEN}")).await
    }
}

fn key(room: RoomId) -> String {
    format!("room/{room}")
}

async fn follow(dashboard: &mut Dashboard, number: u16, topic: &str) -> Value {
    dashboard.subscribe(number, topic).await;
    dashboard.next_named("snapshot").await
}

/// The version and the bodies of the next delta.
async fn told(dashboard: &mut Dashboard) -> (u64, Vec<String>) {
    let delta = dashboard.next_named("delta").await;
    let messages = delta["data"]["messages"].as_array().unwrap();
    let bodies = messages.iter().map(|message| message["body"].as_str().unwrap().to_owned());
    (delta["version"].as_u64().unwrap(), bodies.collect())
}

#[tokio::test]
async fn who_follows_a_room_is_told_every_change_in_order() {
    let house = House::open(Options::default()).await;
    let room = house.room().await;
    let (mut ann, mut bot) = (house.signed_in().await, house.bot().await);
    let known = house.store.rooms.room(room).await.unwrap().changes;
    for dashboard in [&mut ann, &mut bot] {
        let snapshot = follow(dashboard, 1, &key(room)).await;
        assert_eq!((&snapshot["version"], &snapshot["key"]), (&json!(known), &json!(key(room))));
        assert_eq!(snapshot["data"]["room"]["name"], "Tea");
    }
    for number in 1..=20 {
        house.chat.post(&owner(), room, text(&number.to_string())).await.unwrap();
    }
    for dashboard in [&mut ann, &mut bot] {
        // What is said in one moment may be told together, as far as its version says.
        let (mut version, mut heard) = (known, Vec::new());
        while version < known + 20 {
            let (next, bodies) = told(dashboard).await;
            assert_eq!(next, version + bodies.len() as u64);
            version = next;
            heard.extend(bodies);
        }
        assert_eq!(heard, (1..=20).map(|number| number.to_string()).collect::<Vec<_>>());
    }
    house.close().await;
}

#[tokio::test]
async fn what_was_never_announced_is_told_with_the_next_change() {
    let house = House::open(Options::default()).await;
    let room = house.room().await;
    let mut ann = house.signed_in().await;
    let known = follow(&mut ann, 1, &key(room)).await["version"].as_u64().unwrap();
    for number in 1..=30_u64 {
        house.store.messages.post(unannounced(room, number)).await.unwrap();
    }
    house.chat.post(&owner(), room, text("31")).await.unwrap();
    let (mut version, mut heard) = (known, Vec::new());
    while heard.len() < 31 {
        let (next, bodies) = told(&mut ann).await;
        assert!(next > version);
        version = next;
        heard.extend(bodies);
    }
    assert_eq!(heard, (1..=31).map(|number| number.to_string()).collect::<Vec<_>>());
    assert_eq!(version, known + 31);
    house.close().await;
}

#[tokio::test]
async fn what_is_announced_a_second_time_is_told_once() {
    let house = House::open(Options::default()).await;
    let room = house.room().await;
    let mut ann = house.signed_in().await;
    let known = follow(&mut ann, 1, &key(room)).await["version"].as_u64().unwrap();
    house.chat.post(&owner(), room, text("one")).await.unwrap();
    assert_eq!(told(&mut ann).await, (known + 1, vec!["one".to_owned()]));
    house.store.messages.post(unannounced(room, 2)).await.unwrap();
    let both = json!({ "messages": [{ "body": "one" }, { "body": "2" }], "names": {} });
    let announced = json!({ "changed": { "after": known, "change": known + 2, "data": both, "room": {} } });
    for _ in 0..2 {
        house.live.publish(&key(room), announced.to_string().into()).await.unwrap();
    }
    assert_eq!(told(&mut ann).await, (known + 2, vec!["2".to_owned()]));
    house.chat.post(&owner(), room, text("three")).await.unwrap();
    assert_eq!(told(&mut ann).await, (known + 3, vec!["three".to_owned()]));
    house.close().await;
}

#[tokio::test]
async fn nobody_follows_a_room_that_they_may_not_read() {
    let house = House::open(Options::default()).await;
    let room = house.room().await;
    let missing = RoomId::of(77);
    for query in [format!("token={VIEWER_TOKEN}"), format!("token={OWNER_TOKEN}"), format!("share={SHARE}")] {
        let mut dashboard = house.connect(&query).await;
        let mut answers = Vec::new();
        for topic in
            [key(room), key(missing), format!("{}/people", key(room)), format!("person/{}", viewer())]
        {
            dashboard.subscribe(1, &topic).await;
            answers.push(dashboard.next_named("refused").await);
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        assert_eq!(answers[0]["code"], "not_found");
    }
    let mut bot = house.bot().await;
    bot.subscribe(1, &format!("person/{}", viewer())).await;
    assert_eq!(bot.next_named("refused").await["code"], "not_found", "another's devices");
    house.close().await;
}

#[tokio::test]
async fn who_is_kicked_hears_no_more_at_once() {
    let house = House::open(Options::default()).await;
    let room = house.room().await;
    let (mut ann, mut bot) = (house.signed_in().await, house.bot().await);
    let people = format!("{}/people", key(room));
    for dashboard in [&mut ann, &mut bot] {
        follow(dashboard, 1, &key(room)).await;
        follow(dashboard, 2, &people).await;
    }
    house.chat.kick(&owner(), room, viewer()).await.unwrap();
    let mut ended = [ann.next_named("ended").await, ann.next_named("ended").await];
    ended.sort_by_key(|ended| ended["key"].as_str().unwrap().len());
    assert_eq!(
        ended.iter().map(|ended| &ended["key"]).collect::<Vec<_>>(),
        [&json!(key(room)), &json!(people)]
    );
    assert!(ended.iter().all(|ended| ended["code"] == "revoked"));
    house.chat.post(&owner(), room, text("between us")).await.unwrap();
    while told(&mut bot).await.1 != ["between us"] {}
    ann.subscribe(1, &key(room)).await;
    let answer = ann.next().await;
    assert_eq!(answer["refused"]["code"], "not_found", "nothing came before: {answer}");
    house.close().await;
}

#[tokio::test]
async fn a_removed_bot_is_disconnected() {
    let house = House::open(Options::default()).await;
    let room = house.room().await;
    let mut bot = house.bot().await;
    follow(&mut bot, 1, &key(room)).await;
    let id = house.chat.bots(&owner()).await.unwrap()[0].id;
    house.chat.remove_bot(&owner(), id).await.unwrap();
    assert_eq!(bot.closed().await, Some(4401));
    house.close().await;
}

#[tokio::test]
async fn a_guest_follows_one_room_from_our_own_pages_alone_until_sent_out() {
    let house = House::open(Options::default()).await;
    let (room, other) = (house.room().await, house.other_room().await);
    house.chat.set_link(&owner(), room, SecretHash::of("link"), None).await.unwrap();
    let coming = Coming {
        name: "Gus".into(),
        knows_password: false,
        marks: vec![],
        secret: SecretHash::of("guest-secret"),
    };
    let guest = house.chat.admit(SecretHash::of("link"), coming).await.unwrap();
    let own = format!("http://{}", house.address);
    for foreign in [Some("https://evil.example"), None] {
        assert_eq!(house.guest(foreign).await.err(), Some(403), "{foreign:?}");
    }
    let mut gus = house.guest(Some(&own)).await.unwrap();
    assert_eq!(gus.next().await["hello"]["version"], 1);
    follow(&mut gus, 1, &key(room)).await;
    for topic in [key(other), format!("{}/people", key(other)), "person/AC-00000001".into()] {
        gus.subscribe(2, &topic).await;
        assert_eq!(gus.next_named("refused").await["code"], "not_found", "{topic}");
    }
    house.chat.kick(&owner(), room, Who::Guest(guest.id)).await.unwrap();
    assert_eq!(gus.closed().await, Some(4401));
    house.close().await;
}

#[tokio::test]
async fn ones_own_devices_are_told_what_one_read_and_the_room_who_types() {
    let house = House::open(Options::default()).await;
    let room = house.room().await;
    let (mut one, mut two, mut bot) = (house.signed_in().await, house.signed_in().await, house.bot().await);
    let person = format!("person/{}", viewer());
    for dashboard in [&mut one, &mut two] {
        follow(dashboard, 1, &person).await;
    }
    follow(&mut bot, 1, &format!("{}/people", key(room))).await;
    let ann = Principal::Account { id: VIEWER, operator: false };
    house.chat.read_to(&ann, room, 1).await.unwrap();
    for dashboard in [&mut one, &mut two] {
        let delta = dashboard.next_named("delta").await;
        assert_eq!(delta["data"], json!({ "read": { "room": room, "number": 1 } }));
    }
    house.chat.is_doing(&ann, room, |who| Doing::Typing { who, text: None }).await.unwrap();
    assert_eq!(bot.next_named("delta").await["data"], json!({ "typing": { "who": viewer() } }));
    house.close().await;
}

#[tokio::test]
async fn a_room_that_nobody_follows_any_more_is_let_go_and_found_again() {
    let house =
        House::open(Options { linger: std::time::Duration::from_millis(20), ..Options::default() }).await;
    let room = house.room().await;
    let mut ann = house.signed_in().await;
    for round in 0..3 {
        let known = follow(&mut ann, 1, &key(room)).await["version"].as_u64().unwrap();
        house.chat.post(&owner(), room, text("tea")).await.unwrap();
        assert_eq!(told(&mut ann).await, (known + 1, vec!["tea".into()]));
        ann.send(json!({ "unsubscribe": 1 })).await;
        if round == 1 {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    }
    house.close().await;
}
