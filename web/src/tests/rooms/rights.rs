//! Who gets what from every route about a room. A route that is new is in no row and fails.

use serde_json::{Value, json};

use super::super::{Browser, Page};
use super::{API, House};
use crate::router::{Needs, ROUTES};

/// Method, path behind the room, body; then host, member, guest, bot, reader, outsider, guest of another room,
/// guest who was kicked, stranger. `y`: done, or refused for another reason than a right; `f`: 403, `n`: 404, `s`: 401.
const TABLE: &[(&str, &str, &str, &str)] = &[
    ("GET", "", "{}", "yyyyynnss"),
    ("POST", "", r#"{"topic": "tea"}"#, "yyfffnnss"),
    ("POST", "/enter", "{}", "yyyyynnss"),
    ("POST", "/read", r#"{"number": 1}"#, "yyyyfnnss"),
    ("POST", "/notify", r#"{"notify": "nothing"}"#, "yyyyfnnss"),
    ("POST", "/doing", r#"{"what": "typing"}"#, "yyyyfnnss"),
    // In a room that is no conversation nobody shows a screen; `screen` has who says what in one.
    ("POST", "/screen", r#"{"what": "asks"}"#, "yyyyfnnss"),
    ("GET", "/members", "{}", "yyyyynnss"),
    ("POST", "/members", r#"{"who": "dan@example.org"}"#, "yyfffnnss"),
    ("POST", "/members/{who}/role", r#"{"role": "member"}"#, "yffffnnss"),
    ("POST", "/members/{who}/kick", "{}", "yffffnnss"),
    ("POST", "/members/{who}/ban", r#"{"seconds": 60}"#, "yffffnnss"),
    ("POST", "/members/{who}/unban", "{}", "yffffnnss"),
    ("GET", "/bans", "{}", "yffffnnss"),
    ("GET", "/link", "{}", "yffffnnss"),
    ("POST", "/link", "{}", "yffffnnss"),
    ("POST", "/link/remove", "{}", "yffffnnss"),
    ("POST", "/files", "{}", "yyyyfnnss"),
    // Of one that is not there; `files` has who gets what of one.
    ("GET", "/files/{file}/{name}", "{}", "nnnnnnnss"),
    ("GET", "/messages", "{}", "yyyyynnss"),
    ("POST", "/messages", r#"{"body": "hello"}"#, "yyyyfnnss"),
    ("GET", "/messages/{number}", "{}", "yyyyynnss"),
    ("POST", "/messages/{number}/edit", r#"{"body": "changed"}"#, "yyyyfnnss"),
    ("POST", "/messages/{number}/react", r#"{"emoji": "👍"}"#, "yyyyfnnss"),
    ("POST", "/messages/{number}/unreact", r#"{"emoji": "👍"}"#, "yyyyfnnss"),
    ("POST", "/messages/{number}/decide", "{}", "yyfffnnss"),
    ("POST", "/messages/{number}/undecide", "{}", "yyfffnnss"),
    ("POST", "/messages/{number}/close", r#"{"note": "Done."}"#, "yyfffnnss"),
    ("POST", "/messages/{number}/reopen", "{}", "yyfffnnss"),
    ("POST", "/messages/{number}/star", "{}", "yyyyfnnss"),
    ("POST", "/messages/{number}/unstar", "{}", "yyyyfnnss"),
    ("GET", "/messages/{number}/thread", "{}", "yyyyynnss"),
    ("GET", "/messages/{number}/history", "{}", "yyyyynnss"),
    ("POST", "/messages/{number}/remove", "{}", "yyyyfnnss"),
    ("GET", "/changes", "{}", "yyyyynnss"),
    ("GET", "/days/{day}", "{}", "yyyyynnss"),
    ("GET", "/decisions", "{}", "yyyyynnss"),
    ("GET", "/export", "{}", "yffffnnss"),
    ("GET", "/releases", "{}", "yyyyynnss"),
    ("POST", "/releases/forget", r#"{"repository": "acme/shop"}"#, "yffffnnss"),
    ("POST", "/demolish", "{}", "yffffnnss"),
    ("POST", "/leave", "{}", "yyyyfnnss"),
];

#[test]
fn every_route_about_a_room_is_in_the_table() {
    let of_rooms: Vec<_> = ROUTES
        .iter()
        .filter(|route| route.needs == Needs::Room && route.path.starts_with(API))
        .map(|route| (route.method, route.path.strip_prefix("/api/watchfire/rooms/{room}").unwrap()))
        .collect();
    for (method, path) in &of_rooms {
        let rows = TABLE.iter().filter(|row| (row.0, row.1) == (*method, *path)).count();
        assert_eq!(rows, 1, "{method} {path}");
    }
    assert_eq!(TABLE.len(), of_rooms.len());
}

async fn ask(
    person: &mut Browser,
    room: &str,
    row: (&str, &str),
    body: &str,
    who: &str,
    number: u64,
) -> Page {
    let path = row.1.replace("{who}", who).replace("{number}", &number.to_string());
    let path = format!("/{room}{}", path.replace("{day}", "2026-03-04").replace("{file}/{name}", "0/x"));
    match row.0 {
        "GET" => person.ask(&path).await,
        _ => person.tell(&path, serde_json::from_str(body).unwrap()).await,
    }
}

fn letter(page: &Page) -> char {
    match page.status.as_u16() {
        200..=299 | 400 | 409 => 'y',
        403 => 'f',
        404 => 'n',
        401 => 's',
        other => panic!("{other} {}", page.text),
    }
}

#[tokio::test]
async fn everybody_gets_what_is_theirs_and_nothing_else() {
    let mut house = House::new().await;
    let room = house.room.clone();
    let reader = house.operator.invites(&house.site, "viewer", "rea@example.org").await;
    let mut dan = house.operator.invites(&house.site, "viewer", "dan@example.org").await;
    let elsewhere = house.operator.add_site("Other").await;
    let outsider = house.operator.invites(&elsewhere, "owner", "eve@example.org").await;
    assert_eq!(house.operator.tell(&format!("/{room}/enter"), json!({})).await.status, 204);
    let bot = house.operator.makes_bot(&room, "Deploys").await;
    let link = house.ann.links(&room, "").await;
    let (guest, mut kicked) = (house.guest(&link, "Gus").await, house.guest(&link, "Kim").await);
    let other = house.ann.opens(json!({ "name": "Other", "site": house.site })).await;
    let other_link = house.ann.links(&other, "").await;
    let other_guest = house.guest(&other_link, "Oli").await;
    let kim = kicked.who_in(&room).await;
    assert_eq!(house.ann.tell(&format!("/{room}/members/{kim}/kick"), json!({})).await.status, 204);
    assert_eq!(dan.tell(&format!("/{room}/enter"), json!({})).await.status, 204);
    let dans = dan.who_in(&room).await;
    let (mut ann, bob, stranger) = (house.ann.clone(), house.bob.clone(), house.world.browser());
    let mut people = [ann.clone(), bob, guest, bot, reader, outsider, other_guest, kicked, stranger];
    let told = ann.says_in(&room, "the first word").await;
    for (method, path, body, expected) in TABLE {
        house.world.clock.advance(std::time::Duration::from_secs(60));
        // Last those who may, so that what they take away is missed by nobody.
        let mut order: Vec<usize> = (0..people.len()).collect();
        order.sort_by_key(|person| expected.as_bytes()[*person] == b'y');
        if *path == "/demolish" {
            // Whoever may does so at the end.
            order.retain(|person| expected.as_bytes()[*person] != b'y');
        }
        for person in order {
            // Whom somebody sent out is there again.
            ann.tell(&format!("/{room}/members/{dans}/unban"), json!({})).await;
            ann.tell(&format!("/{room}/members"), json!({ "who": dans })).await;
            let own = people[person].tell(&format!("/{room}/messages"), json!({ "body": "mine" })).await;
            let number = if own.status == 201 { own.json()["number"].as_u64().unwrap() } else { told };
            let page = ask(&mut people[person], &room, (method, path), body, &dans, number).await;
            let wanted = char::from(expected.as_bytes()[person]);
            assert_eq!(
                letter(&page),
                wanted,
                "{method} {path}, person {person}: {} {}",
                page.status,
                page.text
            );
            if *path == "/enter" && person == 4 {
                people[person].tell(&format!("/{room}/leave"), json!({})).await;
            }
        }
    }
    assert_eq!(house.operator.tell(&format!("/{room}/demolish"), json!({})).await.status, 204);
    assert_eq!(people[4].ask(&format!("/{room}")).await.status, 404);
}

#[tokio::test]
async fn a_room_that_is_not_yours_looks_like_none() {
    let mut house = House::new().await;
    let closed = house.ann.opens(json!({ "name": "Plans", "site": house.site, "kind": "closed" })).await;
    house.ann.says_in(&closed, "a secret").await;
    let direct =
        house.ann.tell("/direct", json!({ "with": ["olive@example.org"], "site": house.site })).await;
    assert_eq!(direct.status, 200, "{}", direct.text);
    let direct = direct.json()["id"].as_str().unwrap().to_owned();
    for (method, path, body, _) in TABLE {
        house.world.clock.advance(std::time::Duration::from_secs(60));
        for person in [&mut house.bob, &mut house.world.browser()] {
            let mut answers = Vec::new();
            for room in ["RM-00000000", &closed, &direct] {
                let page = ask(person, room, (method, path), body, "AC-00000000", 1).await;
                assert!(matches!(page.status.as_u16(), 401 | 404), "{method} {path} {}", page.text);
                answers.push((page.status, page.text));
            }
            assert!(answers.iter().all(|answer| *answer == answers[0]), "{method} {path} {answers:?}");
        }
    }
    let listed = house.bob.ask("").await.json();
    assert!(!listed.to_string().contains("Plans") && !listed.to_string().contains(&direct));
    let found = house.bob.ask("/search?q=secret").await.json();
    assert_eq!(found["messages"], json!([]));
    assert_eq!(house.bob.ask(&format!("/search?q=secret&room={closed}")).await.status, 404);
    assert_eq!(house.ann.ask("/search?q=secret").await.json()["messages"][0]["body"], "a secret");
}

#[tokio::test]
async fn who_lost_the_site_lost_its_rooms() {
    let mut house = House::new().await;
    let (room, site) = (house.room.clone(), house.site.clone());
    let number = house.bob.says_in(&room, "while I am here").await;
    house.bob.tell(&format!("/{room}/messages/{number}/star"), json!({})).await;
    let bob = house.bob.who_in(&room).await;
    let removed = house.operator.post(&format!("/sites/{site}/people/{bob}/remove"), &[]).await;
    assert_eq!(removed.status, 303, "{}", removed.text);
    for (method, path, body, _) in TABLE {
        let page = ask(&mut house.bob, &room, (method, path), body, "AC-00000000", number).await;
        assert_eq!(page.status, 404, "{method} {path} {}", page.text);
    }
    assert_eq!(house.bob.ask("").await.json()["rooms"], json!([]));
    assert_eq!(house.bob.ask("/search?q=while").await.json()["messages"], json!([]));
    assert_eq!(house.bob.ask("/stars").await.json()["stars"], json!([]));
}

#[tokio::test]
async fn a_public_room_is_read_by_anybody_until_it_is_locked() {
    let mut house = House::new().await;
    let room = house.room.clone();
    house.ann.says_in(&room, "in the open").await;
    let mut stranger = house.world.browser();
    let path = format!("/{room}/messages");
    assert_eq!(stranger.ask(&path).await.status, 401);
    let change = |what: Value| (format!("/{room}"), what);
    let (at, body) = change(json!({ "public": true }));
    assert_eq!(house.ann.tell(&at, body).await.status, 200);
    assert!(stranger.ask(&path).await.text.contains("in the open"));
    assert_eq!(stranger.ask(&format!("/{room}/members")).await.status, 403, "who is in it is not public");
    assert_eq!(stranger.tell(&path, json!({ "body": "me too" })).await.status, 401);
    let (at, body) = change(json!({ "locked": true }));
    house.ann.tell(&at, body).await;
    assert_eq!(stranger.ask(&path).await.status, 409);
    assert_eq!(house.bob.ask(&path).await.status, 200, "who is in it stays");
}
