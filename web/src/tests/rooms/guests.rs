//! Guests: in by a link and its password, in one room alone, out when they are sent out, and kept out when banned.

use std::net::{IpAddr, Ipv4Addr};

use model::limits::NAME_BYTES_MAX;
use serde_json::json;

use super::{API, House};

#[tokio::test]
async fn a_guest_comes_in_by_link_and_password() {
    let mut house = House::new().await;
    let room = house.room.clone();
    let link = house.ann.links(&room, "tea and biscuits").await;
    super::super::openapi::fits("Link", &house.ann.ask(&format!("/{room}/link")).await.json());
    let mut guest = house.world.browser();
    guest.get(&link).await.says("Support");
    for wrong in ["", "tea", "Tea and biscuits"] {
        let page = guest.post(&link, &[("name", "Gus"), ("password", wrong)]).await;
        assert_eq!(page.status, 403);
        page.says("not the room&#39;s password");
        assert_eq!(guest.cookie, None);
    }
    let long = "x".repeat(NAME_BYTES_MAX + 1);
    assert_eq!(guest.post(&link, &[("name", &long), ("password", "tea and biscuits")]).await.status, 400);
    let page = guest.post(&link, &[("name", "Gus <b>"), ("password", "tea and biscuits")]).await;
    assert_eq!((page.status.as_u16(), page.location()), (303, format!("/rooms/{room}")));
    let cookies: Vec<_> =
        page.headers.get_all("set-cookie").iter().map(|set| set.to_str().unwrap()).collect();
    assert!(cookies.iter().all(|set| set.contains("HttpOnly; SameSite=Lax")), "{cookies:?}");
    assert_eq!(guest.get(&link).await.location(), format!("/rooms/{room}"), "who is in is led there");
    guest.says_in(&room, "hello from outside").await;
    let told = house.ann.ask(&format!("/{room}/messages")).await.json();
    let last = told["messages"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["name"], &last["body"]), (&json!("Gus <b>"), &json!("hello from outside")));
    let rooms = guest.ask("").await.json();
    assert_eq!((rooms["rooms"].as_array().unwrap().len(), &rooms["offered"]), (1, &json!([])));
    for path in ["/api/watchfire/sites", "/account", "/"] {
        let page = guest.get(path).await;
        assert!(matches!(page.status.as_u16(), 303 | 404), "{path} {}", page.status);
    }
    assert_eq!(guest.tell("", json!({ "name": "Mine" })).await.status, 404, "guests open no rooms");
}

#[tokio::test]
async fn a_guest_is_told_from_a_member_and_takes_nobodys_name() {
    let mut house = House::new().await;
    let room = house.room.clone();
    let link = house.ann.links(&room, "").await;
    let ann = house.ann.ask(&format!("/{room}/members")).await.json();
    let ann = ann["members"][0]["name"].as_str().unwrap().to_owned();
    let mut guest = house.world.browser();
    for taken in [ann.as_str(), &ann.to_uppercase(), &format!(" {ann}\u{200b}."), "Commits", "соmmits"] {
        let page = guest.post(&link, &[("name", taken)]).await;
        assert_eq!(page.status, 409, "{taken}");
        page.says("somebody here has that name");
        assert_eq!(guest.cookie, None);
    }
    let mut guest = house.guest(&link, &format!("{ann} Lee")).await;
    guest.says_in(&room, "not Ann at all").await;
    for path in [format!("/{room}"), "/search?q=not+Ann+at+all".to_owned()] {
        let page = house.ann.get(&format!("/rooms{path}")).await;
        page.says(&format!("<bdi class=\"author\">{ann} Lee</bdi> <span class=\"badge\">guest</span>"));
    }
    house.ann.says_in(&room, "this is Ann").await;
    let page = house.ann.get("/rooms/search?q=this+is+ann").await;
    assert!(!page.text.contains("<span class=\"badge\">guest</span>"));
    // Who comes in again from where they were is called as before.
    let mut again = house.guest(&link, &format!("{ann} Lee")).await;
    again.says_in(&room, "me again").await;
}

#[tokio::test]
async fn a_guests_cookie_is_of_no_use_to_other_sites() {
    let mut house = House::new().await;
    let link = house.ann.links(&house.room, "").await;
    let mut guest = house.guest(&link, "Gus").await;
    let path = format!("{API}/{}/messages", house.room);
    let headers = [("content-type", "text/plain"), ("origin", "https://evil.example")];
    let page = guest.send(axum::http::Method::POST, &path, &headers, "I did not write this").await;
    assert_eq!(page.status, 403);
    page.says("cross_site");
}

#[tokio::test]
async fn a_link_that_was_replaced_lets_nobody_in() {
    let mut house = House::new().await;
    let room = house.room.clone();
    let old = house.ann.links(&room, "").await;
    let mut early = house.guest(&old, "Early").await;
    let new = house.ann.links(&room, "").await;
    let mut late = house.world.browser();
    assert_eq!(late.get(&old).await.status, 404);
    assert_eq!(late.post(&old, &[("name", "Late")]).await.status, 404);
    assert_eq!(early.ask(&format!("/{room}")).await.status, 200, "who came in stays");
    house.ann.tell(&format!("/{room}"), json!({ "locked": true })).await;
    late.get(&new).await.says("locked");
    assert_eq!(late.post(&new, &[("name", "Late")]).await.status, 409);
    house.ann.tell(&format!("/{room}"), json!({ "locked": false, "members_max": 3 })).await;
    let full = late.post(&new, &[("name", "Late")]).await;
    assert_eq!(full.status, 409);
    full.says("At most 3 members");
    assert_eq!(house.ann.tell(&format!("/{room}/link/remove"), json!({})).await.status, 204);
    assert_eq!(late.get(&new).await.status, 404);
}

#[tokio::test]
async fn so_many_guests_come_in_from_one_address_at_once() {
    let mut house = House::new().await;
    let room = house.room.clone();
    house.ann.tell(&format!("/{room}"), json!({ "members_max": 5_000 })).await;
    let link = house.ann.links(&room, "").await;
    for _ in 0..crate::attempts::GUEST_BURST {
        assert_eq!(house.world.browser().post(&link, &[("name", "Guest")]).await.status, 303);
    }
    let refused = house.world.browser().post(&link, &[("name", "Guest")]).await;
    assert_eq!(refused.status, 429);
    refused.says("Too many tries");
    let other = house.ann.opens(json!({ "name": "Other" })).await;
    let other = house.ann.links(&other, "").await;
    let mut guest = house.guest(&other, "Guest").await;
    guest.get(&link).await.says("you leave the other room");
    assert_eq!(guest.get(&other).await.status, 303, "opened again it leads to the room");
    assert_eq!(guest.post(&other, &[("name", "Guest")]).await.status, 303);
}

#[tokio::test]
async fn who_is_banned_stays_out_by_browser_and_by_address() {
    let mut house = House::new().await;
    let room = house.room.clone();
    let link = house.ann.links(&room, "").await;
    let mut guest = house.guest(&link, "Gus").await;
    let who = guest.who_in(&room).await;
    let kick = format!("/{room}/members/{who}/kick");
    assert_eq!(house.ann.tell(&kick, json!({})).await.status, 204);
    assert_eq!(guest.ask(&format!("/{room}")).await.status, 401, "out at once");
    assert_eq!(guest.post(&link, &[("name", "Gus")]).await.status, 303, "and in again");
    let who = guest.who_in(&room).await;
    let ban = format!("/{room}/members/{who}/ban");
    assert_eq!(house.ann.tell(&ban, json!({ "seconds": 3_600 })).await.status, 204);
    assert_eq!(guest.ask(&format!("/{room}")).await.status, 401);
    let elsewhere = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));
    let mut same_browser = guest.clone();
    same_browser.address = elsewhere;
    let mut same_address = house.world.browser();
    for person in [&mut same_browser, &mut same_address] {
        let page = person.post(&link, &[("name", "Somebody else")]).await;
        assert_eq!(page.status, 403);
        page.says("kept out");
    }
    let mut other = house.world.browser();
    other.address = elsewhere;
    assert_eq!(other.post(&link, &[("name", "Oli")]).await.status, 303);
    house.world.clock.advance(std::time::Duration::from_secs(3_601));
    assert_eq!(same_address.post(&link, &[("name", "Gus")]).await.status, 303, "a ban ends");
}

#[tokio::test]
async fn an_account_that_is_banned_comes_in_as_no_guest() {
    let mut house = House::new().await;
    let room = house.room.clone();
    let link = house.ann.links(&room, "").await;
    let elsewhere = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));
    house.bob.address = elsewhere;
    let out = house.bob.post("/sign-out", &[]).await;
    assert_eq!(out.status, 303);
    let (email, password) = ("bob@example.org", crate::tests::PASSWORD);
    assert_eq!(house.bob.post("/sign-in", &[("email", email), ("password", password)]).await.status, 303);
    let who = house.bob.who_in(&room).await;
    let ban = format!("/{room}/members/{who}/ban");
    assert_eq!(house.ann.tell(&ban, json!({ "seconds": 3_600 })).await.status, 204);
    let mut signed_out = house.bob.clone();
    let mut same_address = house.world.browser();
    same_address.address = elsewhere;
    let mut same_browser = house.bob.clone();
    same_browser.address = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 99));
    assert_eq!(signed_out.post("/sign-out", &[]).await.status, 303);
    same_browser.cookie.clone_from(&signed_out.cookie);
    let mut signed_in = house.bob.clone();
    signed_in.address = same_browser.address;
    for person in [&mut signed_in, &mut signed_out, &mut same_address, &mut same_browser] {
        let page = person.post(&link, &[("name", "Nice Person")]).await;
        assert_eq!(page.status, 403, "{}", page.text);
    }
    let mut other = house.world.browser();
    assert_eq!(other.post(&link, &[("name", "Oli")]).await.status, 303, "others are not kept out with them");
    assert_eq!(house.ann.tell(&format!("/{room}/members/{who}/unban"), json!({})).await.status, 204);
    assert_eq!(same_browser.post(&link, &[("name", "Nice Person")]).await.status, 303);
}
