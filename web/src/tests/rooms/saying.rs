//! What is said: once, by everybody who may, found again, changed with its history.

use axum::http::Method;
use serde_json::json;

use super::super::openapi::fits;
use super::{API, House};

const ID: &str = "000102030405060708090a0b0c0d0e0f";

#[tokio::test]
async fn what_is_sent_twice_is_posted_once() {
    let mut house = House::new().await;
    let path = format!("/{}/messages", house.room);
    let said = json!({ "id": ID, "body": "**hello** <b>" });
    let first = house.ann.tell(&path, said.clone()).await;
    let again = house.ann.tell(&path, said.clone()).await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 200));
    assert_eq!(first.json(), again.json());
    fits("Message", &first.json());
    assert_eq!(first.json()["html"], "<p><strong>hello</strong> &lt;b&gt;</p>");
    assert_eq!(house.bob.tell(&path, said).await.status, 409, "the id is somebody else's");
    let page = house.bob.ask(&path).await.json();
    fits("Messages", &page);
    let said = page["messages"].as_array().unwrap().iter().filter(|message| message["id"] == ID).count();
    assert_eq!(said, 1);
}

#[tokio::test]
async fn a_bot_posts_plain_text_and_reads() {
    let mut house = House::new().await;
    let room = house.room.clone();
    house.operator.tell(&format!("/{room}/enter"), json!({})).await;
    let mut bot = house.operator.makes_bot(&room, "Deploys").await;
    let path = format!("{API}/{room}/messages?kind=paste&id={ID}");
    for expected in [201, 200] {
        let headers = [("content-type", "text/plain; charset=utf-8")];
        let page = bot.send(Method::POST, &path, &headers, "error: <none>\n").await;
        assert_eq!(page.status, expected, "{}", page.text);
        let told = page.json();
        assert_eq!((&told["body"], &told["kind"]), (&json!("error: <none>"), &json!("paste")));
        assert!(told["html"].as_str().unwrap().contains("&lt;none&gt;"));
        assert_eq!(told["name"], "Deploys");
    }
    assert_eq!(bot.ask(&format!("/{room}/messages")).await.status, 200);
    let list = bot.ask("").await.json();
    fits("Rooms", &list);
    assert_eq!(list["rooms"].as_array().unwrap().len(), 1);
    assert_eq!(bot.get("/api/watchfire/sites").await.status, 404, "a bot's token is for rooms alone");
    let bots = house.operator.ask("/bots").await.json();
    fits("BotList", &bots);
    let id = bots["bots"][0]["id"].as_str().unwrap();
    assert_eq!(house.operator.tell(&format!("/bots/{id}/remove"), json!({})).await.status, 204);
    assert_eq!(bot.ask(&format!("/{room}/messages")).await.status, 401);
    assert_eq!(
        house.ann.tell("/bots", json!({ "name": "Mine" })).await.status,
        404,
        "the operator makes bots"
    );
}

#[tokio::test]
async fn a_message_is_changed_answered_decided_and_kept() {
    let mut house = House::new().await;
    let room = house.room.clone();
    let number = house.ann.says_in(&room, "ship it").await;
    let at = |what: &str| format!("/{room}/messages/{number}/{what}");
    assert_eq!(house.bob.tell(&at("edit"), json!({ "body": "no" })).await.status, 403);
    assert_eq!(house.ann.tell(&at("edit"), json!({ "body": "ship it today" })).await.status, 200);
    for person in [&mut house.ann, &mut house.bob] {
        assert_eq!(person.tell(&at("react"), json!({ "emoji": "🎉" })).await.status, 200);
    }
    assert_eq!(house.bob.tell(&at("react"), json!({ "emoji": "<b>" })).await.status, 400);
    house.ann.tell(&at("unreact"), json!({ "emoji": "🎉" })).await;
    assert_eq!(house.bob.tell(&at("decide"), json!({})).await.status, 200);
    let path = format!("/{room}/messages");
    let answer = house.bob.tell(&path, json!({ "body": "today it is", "thread": number })).await;
    assert_eq!(answer.json()["thread"], number);
    let told = house.ann.ask(&format!("/{room}/messages/{number}")).await.json();
    fits("Message", &told);
    let bob = house.bob.who_in(&room).await;
    assert_eq!(told["reactions"], json!([{ "emoji": "🎉", "who": [bob] }]));
    assert_eq!((&told["replies"], &told["body"]), (&json!(1), &json!("ship it today")));
    let thread = house.ann.ask(&at("thread")).await.json();
    assert_eq!(thread["messages"][0]["body"], "today it is");
    let decided = house.ann.ask(&format!("/{room}/decisions")).await.json();
    assert_eq!(decided["messages"][0]["number"], number);
    let history = house.ann.ask(&at("history")).await.json();
    fits("History", &history);
    assert_eq!(history["history"][0]["body"], "ship it");
    assert_eq!(house.ann.tell(&at("star"), json!({})).await.status, 204);
    let stars = house.ann.ask("/stars").await.json();
    fits("Stars", &stars);
    assert_eq!(stars["stars"], json!([{ "room": room, "number": number }]));
    assert_eq!(house.bob.ask("/stars").await.json()["stars"], json!([]));
    assert_eq!(house.ann.tell(&at("remove"), json!({})).await.json()["removed"], true);
    assert_eq!(house.bob.ask("/search?q=ship").await.json()["messages"], json!([]));
}

#[tokio::test]
async fn what_one_did_oneself_is_not_unread_and_a_long_way_is_counted_roughly() {
    let mut house = House::new().await;
    let mine = house.ann.opens(json!({ "name": "Alone", "site": house.site })).await;
    let unread = async |person: &mut crate::tests::Browser, room: &str| {
        let all = person.ask("").await.json();
        let rooms = all["rooms"].as_array().unwrap().clone();
        rooms.iter().find(|one| one["room"]["id"] == room).unwrap()["unread"].as_u64().unwrap()
    };
    house.ann.says_in(&mine, "note to self").await;
    assert_eq!(unread(&mut house.ann, &mine).await, 0);
    house.bob.tell(&format!("/{mine}/enter"), json!({})).await;
    assert_eq!(unread(&mut house.bob, &mine).await, 0, "that one came in");
    assert_eq!(unread(&mut house.ann, &mine).await, 1, "that somebody came in");
    for _ in 0..98 {
        house.ann.says_in(&mine, "more").await;
    }
    // Of 100 since the beginning all were looked at; of 101 none.
    assert_eq!(unread(&mut house.ann, &mine).await, 1);
    house.ann.says_in(&mine, "one too many").await;
    assert_eq!(unread(&mut house.ann, &mine).await, 101);
}

#[tokio::test]
async fn whoever_was_away_catches_up_and_knows_what_is_unread() {
    let mut house = House::new().await;
    let room = house.room.clone();
    let seen = house.bob.ask(&format!("/{room}")).await.json();
    fits("RoomSeen", &seen);
    let (changes, read) = (seen["room"]["changes"].as_u64().unwrap(), seen["room"]["last"].as_u64().unwrap());
    house.bob.tell(&format!("/{room}/read"), json!({ "number": read })).await;
    let number = house.ann.says_in(&room, "while you slept").await;
    house.ann.tell(&format!("/{room}/messages/{number}/react"), json!({ "emoji": "👍" })).await;
    house.ann.says_in(&room, "and again").await;
    let mine = house.bob.ask("").await.json();
    fits("Rooms", &mine);
    assert_eq!(mine["rooms"][0]["unread"], 2);
    house.bob.says_in(&room, "good morning").await;
    assert_eq!(house.bob.ask("").await.json()["rooms"][0]["unread"], 2, "one's own is none");
    house.bob.get("/rooms").await.says("data-part=\"unread\">2<");
    let mut after = changes;
    let mut missed = Vec::new();
    loop {
        let page = house.bob.ask(&format!("/{room}/changes?after={after}&limit=1")).await.json();
        let Some(message) = page["messages"].get(0) else { break };
        after = message["changed"].as_u64().unwrap();
        missed.push(message["body"].as_str().unwrap().to_owned());
    }
    assert_eq!(missed, ["while you slept", "and again", "good morning"]);
    let told = house.bob.tell(&format!("/{room}/read"), json!({ "number": 1_000 })).await.json();
    fits("Read", &told);
    assert_eq!(house.bob.ask("").await.json()["rooms"][0]["unread"], 0);
    let day = house.bob.ask(&format!("/{room}/days/2026-03-04")).await.json();
    assert!(day.to_string().contains("and again"));
    assert_eq!(house.bob.ask(&format!("/{room}/days/2026-03-05")).await.json()["messages"], json!([]));
    let earlier = house.bob.ask(&format!("/{room}/messages?before={number}&limit=1")).await.json();
    assert_eq!(earlier["messages"][0]["number"], number - 1);
    let members = house.bob.ask(&format!("/{room}/members")).await.json();
    fits("Members", &members);
    assert_eq!(members["members"].as_array().unwrap().len(), 2);
}
