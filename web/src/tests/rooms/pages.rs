//! The pages of rooms: what their forms do, and that names are shown as what they are.

use model::limits;
use serde_json::json;

use super::super::{Browser, Page};
use super::House;

const HOSTILE: &str = "\"'><script>alert(1)</script>{{7}}";

#[track_caller]
fn check(page: &Page) {
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(!page.text.contains("<script>alert") && !page.text.contains("\"'>"), "{}", page.text);
    assert!(!page.text.contains(" style=") && !page.text.contains("<script>"), "{}", page.text);
}

/// Sends a form of the settings; what the page then says was done.
async fn set(person: &mut Browser, room: &str, fields: &[(&str, &str)]) -> String {
    let page = person.post(&format!("/rooms/{room}/settings"), fields).await;
    assert_eq!(page.status, 303, "{fields:?} {}", page.text);
    let location = page.location();
    location.split_once("done=").map(|(_, done)| done.to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn hostile_names_in_rooms_are_only_text() {
    let mut house = House::new().await;
    let room = house.ann.opens(json!({ "name": HOSTILE, "site": house.site, "topic": HOSTILE })).await;
    house.ann.post("/account", &[("name", HOSTILE), ("email", "ann@example.org")]).await;
    let link = house.ann.links(&room, "").await;
    check(&house.world.browser().get(&link).await);
    let mut guest = house.guest(&link, &format!("{HOSTILE} Gus")).await;
    guest.says_in(&room, HOSTILE).await;
    guest.tell(&format!("/{room}/messages"), json!({ "kind": "paste", "body": HOSTILE })).await;
    let number = house.ann.says_in(&room, "[x](javascript:alert(1)) <img src=x onerror=alert(1)>").await;
    house.ann.tell(&format!("/{room}/messages/{number}/decide"), json!({})).await;
    house.ann.tell(&format!("/{room}/messages/{number}/star"), json!({})).await;
    let day = "2026-03-04";
    for path in [
        "/rooms".to_owned(),
        "/rooms/stars".into(),
        "/rooms/notifications".into(),
        "/rooms/search?q=alert".into(),
        format!("/rooms/search?q={}", "%22%3E%3Cscript%3Ealert(1)%3C/script%3E"),
        format!("/rooms/{room}"),
        format!("/rooms/{room}/settings"),
        format!("/rooms/{room}/decisions"),
        format!("/rooms/{room}/days/{day}"),
    ] {
        let page = house.ann.get(&path).await;
        check(&page);
        assert!(!page.text.contains("<img") && !page.text.contains("href=\"javascript"), "{path}");
    }
    check(&guest.get(&format!("/rooms/{room}")).await);
}

#[tokio::test]
async fn a_permalink_leads_whoever_takes_part_into_the_room_and_strangers_to_the_transcript() {
    let mut house = House::new().await;
    let room = house.room.clone();
    let first = house.ann.says_in(&room, "the very first").await;
    for number in 1..=100 {
        house.ann.says_in(&room, &format!("number {number}")).await;
    }
    let permalink = format!("/rooms/{room}/messages/{first}");
    let inside = house.bob.get(&permalink).await.location();
    assert_eq!(inside, format!("/rooms/{room}?at={first}#m{first}"));
    // Without scripts, too: what is around it, and where the rest is.
    let page = house.bob.get(&inside).await;
    for words in ["the very first", &format!("id=\"m{first}\""), "Later, in the transcript", "name=\"body\""]
    {
        page.says(words);
    }
    assert!(!page.text.contains("number 100"));
    let page = house.bob.get(&format!("/rooms/{room}")).await;
    page.says("number 100");
    assert!(!page.text.contains("the very first") && !page.text.contains("Later, in the transcript"));
    assert_eq!(house.bob.get(&format!("/rooms/{room}?at=x")).await.status, 400);
    house.bob.get(&format!("/rooms/{room}?at={}", u64::MAX)).await.says("number 100");
    house.ann.tell(&format!("/{room}"), json!({ "public": true })).await;
    let transcript = format!("/rooms/{room}/days/2026-03-04?from={first}#m{first}");
    assert_eq!(house.world.browser().get(&permalink).await.location(), transcript);
    let mut outsider = house.operator.invites(&house.site, "viewer", "carl@example.org").await;
    assert_eq!(outsider.get(&permalink).await.location(), transcript, "not in it");
}

#[tokio::test]
async fn what_somebody_said_is_found_by_who_they_are() {
    let mut house = House::new().await;
    let room = house.room.clone();
    house.ann.says_in(&room, "an apple of Ann").await;
    house.bob.says_in(&room, "a berry of Bob").await;
    let (ann, bob) = (house.ann.who_in(&room).await, house.bob.who_in(&room).await);
    let page = house.ann.get("/rooms/search").await;
    for who in [&ann, &bob] {
        page.says(&format!("<option value=\"{who}\">"));
    }
    let page = house.ann.get(&format!("/rooms/search?author={bob}")).await;
    page.says("a berry of Bob");
    page.says(&format!("<option value=\"{bob}\" selected>"));
    assert!(!page.text.contains("an apple of Ann"));
    // Nobody is offered whom one does not see anyway.
    let mut carl = house.operator.invites(&house.site, "viewer", "carl@example.org").await;
    let page = carl.get("/rooms/search").await;
    assert!(!page.text.contains(&ann) && !page.text.contains(&bob), "{}", page.text);
}

#[tokio::test]
async fn what_has_no_word_in_it_is_found_nowhere() {
    let mut house = House::new().await;
    let room = house.room.clone();
    house.ann.says_in(&room, "100 % 🎉 \"tea\"").await;
    for wordless in ["%F0%9F%8E%89", "%25", "%22", "%22%20%25"] {
        let found = house.ann.ask(&format!("/search?q={wordless}")).await.json();
        assert_eq!(found["messages"], json!([]), "{wordless}");
        let page = house.ann.get(&format!("/rooms/search?q={wordless}")).await;
        page.says("There is no word in what you look for");
        assert!(!page.text.contains("class=\"card found-one\""), "{wordless}");
        let page = house.ann.get(&format!("/rooms/search?q={wordless}&kind=text")).await;
        page.says("There is no word in what you look for");
    }
    house.ann.get("/rooms/search?q=tea+%F0%9F%8E%89").await.says("class=\"card found-one\"");
    house.ann.get("/rooms/search?q=&kind=text").await.says("class=\"card found-one\"");
    house.ann.get("/rooms/search?q=coffee").await.says("No message that you may read has all of these words");
}

#[tokio::test]
async fn a_secret_that_is_shown_once_is_made_once_however_often_its_form_comes() {
    let mut house = House::new().await;
    let (room, bots) = (house.room.clone(), "/rooms/bots".to_owned());
    let (hooks, settings) = (format!("/rooms/{room}/hooks"), format!("/rooms/{room}/settings"));
    for (path, fields, shown) in [
        (&hooks, &[("do", "add"), ("forge", "github")][..], "fresh-secret"),
        (&settings, &[("do", "link")], "fresh-link"),
        (&bots, &[("name", "Deployer")], "fresh-token"),
    ] {
        let host = if *path == bots { &mut house.operator } else { &mut house.ann };
        let mark = host.get(path).await.hidden("mark");
        let fields: Vec<(&str, &str)> = fields.iter().copied().chain([("mark", &*mark)]).collect();
        host.post(path, &fields).await.says(&format!("id=\"{shown}\""));
        let again = host.post(path, &fields).await;
        assert_eq!(again.location(), format!("{path}?done=made"), "{path}");
        host.get(&again.location()).await.says("That was made already");
    }
    let made = house.ann.ask(&format!("/{room}/hooks")).await.json();
    assert_eq!(made["hooks"].as_array().unwrap().len(), 1);
    assert_eq!(house.operator.ask("/bots").await.json()["bots"].as_array().unwrap().len(), 2, "and Commits");
    // What is renewed by one form is renewed once, too.
    let hook = made["hooks"][0]["id"].as_str().unwrap();
    let mark = house.ann.get(&hooks).await.hidden("mark");
    let renew = [("do", "renew"), ("hook", hook), ("mark", &*mark)];
    house.ann.post(&hooks, &renew).await.says("id=\"fresh-secret\"");
    assert_eq!(house.ann.post(&hooks, &renew).await.location(), format!("{hooks}?done=made"));
}

#[tokio::test]
async fn who_is_taken_from_a_site_is_in_its_rooms_no_more() {
    let mut house = House::new().await;
    let (room, site) = (house.room.clone(), house.site.clone());
    let bob = house.bob.who_in(&room).await;
    let removed = house.operator.post(&format!("/sites/{site}/people/{bob}/remove"), &[]).await;
    assert_eq!(removed.status, 303, "{}", removed.text);
    let members = house.ann.ask(&format!("/{room}/members")).await;
    assert!(!members.text.contains(&bob), "{}", members.text);
    assert_eq!(house.bob.ask(&format!("/{room}")).await.status, 404);
}

#[tokio::test]
async fn nobody_learns_by_a_room_who_has_an_account() {
    let mut house = House::new().await;
    let other = house.operator.add_site("Other").await;
    house.operator.invites(&other, "viewer", "eve@example.org").await;
    let room = house.ann.opens(json!({ "name": "All" })).await;
    let mut told = Vec::new();
    for address in ["eve@example.org", "nobody@example.org"] {
        let direct = house.ann.tell("/direct", json!({ "with": [address] })).await;
        let brought = house.ann.tell(&format!("/{room}/members"), json!({ "who": address })).await;
        let page = house.ann.post("/rooms", &[("do", "direct"), ("with", address)]).await;
        page.says("Nobody whom you may talk to there has this address");
        let form =
            house.ann.post(&format!("/rooms/{room}/settings"), &[("do", "bring"), ("who", address)]).await;
        form.says("Nobody who may come in is called that");
        let all = [direct, brought, page, form].map(|page| (page.status, page.text.replace(address, "")));
        assert!(all.iter().all(|(status, _)| *status == 404), "{all:?}");
        told.push(all[..2].to_vec());
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(house.ann.tell("/direct", json!({ "with": ["bob@example.org"] })).await.status, 200);
}

#[tokio::test]
async fn a_long_day_is_read_page_by_page_without_a_gap() {
    let mut house = House::new().await;
    let room = house.ann.opens(json!({ "name": "Busy" })).await;
    let mut last = 0;
    while last < 2 * limits::MESSAGES_A_PAGE_MAX as u64 + 2 {
        last = house.ann.says_in(&room, "and on").await;
    }
    let mut path = format!("/rooms/{room}/days/2026-03-04");
    let mut shown = Vec::new();
    loop {
        let page = house.ann.get(&path).await;
        let numbers =
            page.text.split("id=\"m").skip(1).filter_map(|rest| rest.split('"').next()?.parse::<u64>().ok());
        shown.extend(numbers);
        let Some((before, _)) = page.text.split_once("\">Later on this day") else { break };
        path = before.rsplit("href=\"").next().expect("a link").to_owned();
    }
    assert_eq!(shown, (1..=last).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_room_is_opened_entered_and_left_by_its_pages() {
    let mut house = House::new().await;
    house.ann.get("/rooms").await.says("Support");
    let page =
        house.ann.post("/rooms", &[("name", "Plans"), ("site", &house.site), ("kind", "closed")]).await;
    let room = page.location().strip_prefix("/rooms/").expect("a room").to_owned();
    house.ann.get(&page.location()).await.says("Nothing was said here yet");
    assert_eq!(house.bob.get(&page.location()).await.status, 404);
    let refused = house.ann.post("/rooms", &[("name", "  ")]).await;
    assert_eq!(refused.status, 400);
    refused.says("Fill this in.");
    let direct = [("do", "direct"), ("with", "bob@example.org, olive@example.org"), ("site", &*house.site)];
    let three = house.ann.post("/rooms", &direct).await;
    assert_eq!(three.location(), house.ann.post("/rooms", &direct).await.location(), "there is one of them");
    house.bob.get(&three.location()).await.says("Gus Guest, Olive Owner");
    let unknown = house.ann.post("/rooms", &[("do", "direct"), ("with", "nobody@example.org")]).await;
    assert_eq!(unknown.status, 404);
    assert_eq!(set(&mut house.ann, &room, &[("do", "bring"), ("who", "bob@example.org")]).await, "brought");
    let said = house.bob.post(&format!("/rooms/{room}"), &[("body", "without scripts")]).await;
    assert_eq!(said.status, 303);
    house.ann.get(&format!("/rooms/{room}")).await.says("without scripts");
    let left = house.bob.post(&format!("/rooms/{room}"), &[("do", "leave")]).await;
    assert_eq!(left.location(), "/rooms?done=left");
    assert_eq!(house.bob.get(&format!("/rooms/{room}")).await.status, 404);
    let open = format!("/rooms/{}", house.room);
    house.bob.post(&open, &[("do", "leave")]).await;
    house.bob.get(&open).await.says("Come in");
    assert_eq!(house.bob.post(&open, &[("do", "enter")]).await.location(), open);
}

#[tokio::test]
async fn every_form_of_the_settings_does_what_it_says() {
    let mut house = House::new().await;
    let room = house.room.clone();
    let bob = house.bob.who_in(&room).await;
    let ann = &mut house.ann;
    assert_eq!(set(ann, &room, &[("do", "topic"), ("topic", "Tea")]).await, "saved");
    let form = [
        ("do", "room"),
        ("name", "Help"),
        ("time_zone", "Asia/Tokyo"),
        ("members_max", "9"),
        ("public", "on"),
    ];
    assert_eq!(set(ann, &room, &form).await, "saved");
    let is = ann.ask(&format!("/{room}")).await.json()["room"].clone();
    assert_eq!(
        (&is["name"], &is["topic"], &is["zone"]),
        (&json!("Help"), &json!("Tea"), &json!("Asia/Tokyo"))
    );
    assert_eq!((&is["members_max"], &is["public"]), (&json!(9), &json!(true)));
    assert_eq!(set(ann, &room, &form[..4]).await, "saved");
    assert_eq!(ann.ask(&format!("/{room}")).await.json()["room"]["public"], false);
    for (what, locked) in [("lock", true), ("unlock", false)] {
        assert_eq!(set(ann, &room, &[("do", what)]).await, "saved");
        assert_eq!(ann.ask(&format!("/{room}")).await.json()["room"]["locked"], locked);
    }
    let page = ann.post(&format!("/rooms/{room}/settings"), &[("do", "link"), ("password", "tea")]).await;
    let link = format!("/join/{}", page.secret_behind("/join/"));
    page.says("Copy it now");
    assert_eq!(house.world.browser().get(&link).await.status, 200);
    assert_eq!(set(ann, &room, &[("do", "unlink")]).await, "unlinked");
    assert_eq!(house.world.browser().get(&link).await.status, 404);
    for what in ["host", "member"] {
        assert_eq!(set(ann, &room, &[("do", what), ("who", &bob)]).await, "role");
    }
    assert_eq!(set(ann, &room, &[("do", "kick"), ("who", &bob)]).await, "kicked");
    assert_eq!(set(ann, &room, &[("do", "bring"), ("who", &bob)]).await, "brought");
    assert_eq!(set(ann, &room, &[("do", "ban"), ("who", &bob), ("hours", "24")]).await, "banned");
    ann.get(&format!("/rooms/{room}/settings")).await.says("Kept out");
    assert_eq!(set(ann, &room, &[("do", "unban"), ("who", &bob)]).await, "unbanned");
    for bad in
        [&[("do", "ban"), ("who", &*bob), ("hours", "x")][..], &[("do", "anything")], &[("do", "kick")]]
    {
        assert_eq!(ann.post(&format!("/rooms/{room}/settings"), bad).await.status, 404);
    }
    let bad = [("do", "room"), ("name", "Help"), ("members_max", "0")];
    assert_eq!(ann.post(&format!("/rooms/{room}/settings"), &bad).await.status, 400);
    let page = ann.post(&format!("/rooms/{room}/settings"), &[("do", "demolish")]).await;
    assert_eq!(page.location(), "/rooms?done=demolished");
    assert_eq!(ann.get(&format!("/rooms/{room}")).await.status, 404);
}

#[tokio::test]
async fn what_somebody_is_told_of_is_chosen_room_by_room_and_theirs_alone() {
    let mut house = House::new().await;
    let room = house.room.clone();
    let told =
        async |person: &mut Browser| person.ask(&format!("/{room}")).await.json()["you"]["notify"].clone();
    assert_eq!(told(&mut house.ann).await, "mentions");
    let chosen = house.ann.post("/rooms/notifications", &[(&room, "nothing")]).await;
    assert_eq!(chosen.location(), "/rooms/notifications?done=saved");
    assert_eq!(told(&mut house.ann).await, "nothing");
    let rooms = house.ann.ask("").await.json();
    let listed = rooms["rooms"].as_array().unwrap().iter().find(|mine| mine["room"]["id"] == *room).unwrap();
    assert_eq!(listed["notify"], "nothing");
    assert!(house.ann.get("/rooms/notifications").await.text.contains("value=\"nothing\" selected"));
    assert_eq!(house.ann.post("/rooms/notifications", &[(&room, "loud")]).await.status, 400);
    house.ann.post("/rooms/notifications", &[("RM-00000000", "everything")]).await;
    assert_eq!(told(&mut house.ann).await, "nothing");
    let answer = house.ann.tell(&format!("/{room}/notify"), json!({ "notify": "everything" })).await;
    assert_eq!(answer.status, 204);
    assert_eq!(told(&mut house.ann).await, "everything");
    let answer = house.ann.tell(&format!("/{room}/notify"), json!({ "notify": "loud" })).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn the_operator_makes_and_removes_bots_by_their_page() {
    let mut house = House::new().await;
    assert_eq!(house.ann.get("/rooms/bots").await.status, 404);
    let page = house.operator.post("/rooms/bots", &[("name", "Deploys")]).await;
    page.says("wfb_");
    assert!(!house.operator.get("/rooms/bots").await.text.contains("wfb_"), "a token is shown once");
    assert_eq!(house.operator.post("/rooms/bots", &[("name", "")]).await.status, 400);
    let bots = house.operator.ask("/bots").await.json();
    let id = bots["bots"][0]["id"].as_str().unwrap();
    let removed = house.operator.post("/rooms/bots", &[("do", "remove"), ("bot", id)]).await;
    assert_eq!(removed.location(), "/rooms/bots?done=revoked");
    assert_eq!(house.operator.ask("/bots").await.json()["bots"], json!([]));
}

#[tokio::test]
async fn search_engines_find_what_is_public_and_nothing_else() {
    let mut house = House::new().await;
    let room = house.room.clone();
    house.ann.says_in(&room, "an answer for everybody").await;
    let mut crawler = house.world.browser();
    let paths = [format!("/rooms/{room}"), format!("/rooms/{room}/days/2026-03-04")];
    for path in &paths {
        assert_eq!(crawler.get(path).await.status, 303, "to the sign-in");
        assert_eq!(house.ann.get(path).await.header("x-robots-tag"), "noindex, nofollow");
    }
    house.ann.tell(&format!("/{room}"), json!({ "public": true })).await;
    for path in &paths {
        let page = crawler.get(path).await;
        page.says("an answer for everybody");
        assert_eq!(page.header("x-robots-tag"), "all", "{path}");
        assert!(!page.text.contains("noindex"), "{path}");
    }
    crawler.get("/robots.txt").await.says("Allow: /rooms/");
    assert!(!crawler.get(&paths[1]).await.text.contains("rel=\"prev\""), "nothing was said before");
    for (path, around) in [
        (format!("/rooms/{room}/days/2026-03-04?from=1"), None),
        (format!("/rooms/{room}/days/2020-01-01"), Some("next")),
        (format!("/rooms/{room}/days/2030-01-01"), Some("prev")),
    ] {
        let page = crawler.get(&path).await;
        assert_eq!(page.header("x-robots-tag"), "noindex, nofollow", "{path}");
        let links: Vec<&str> =
            page.text.split("rel=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let links: Vec<&str> = links.into_iter().filter(|rel| ["prev", "next"].contains(rel)).collect();
        assert_eq!(links, around.into_iter().collect::<Vec<_>>(), "{path}");
        if around.is_some() {
            page.says(&format!("/rooms/{room}/days/2026-03-04"));
        }
    }
    house.ann.tell(&format!("/{room}"), json!({ "locked": true })).await;
    let page = crawler.get(&paths[0]).await;
    assert!(!page.text.contains("an answer for everybody"));
    assert_eq!(page.header("x-robots-tag"), "noindex, nofollow");
}

#[tokio::test]
async fn earlier_words_are_linked_for_who_may_see_them() {
    let mut house = House::new().await;
    let room = house.room.clone();
    let number = house.ann.says_in(&room, "hello").await;
    house.ann.tell(&format!("/{room}/messages/{number}/edit"), json!({ "body": "goodbye" })).await;
    house.ann.tell(&format!("/{room}"), json!({ "public": true })).await;
    let link = format!("/rooms/{room}/messages/{number}/history");
    for path in [format!("/rooms/{room}"), format!("/rooms/{room}/days/2026-03-04")] {
        house.bob.get(&path).await.says(&link);
        let outside = house.world.browser().get(&path).await;
        outside.says(">edited</span>");
        assert!(!outside.text.contains(&link), "{path}");
    }
}

#[tokio::test]
async fn a_room_is_taken_out_by_who_runs_it() {
    let mut house = House::new().await;
    let room = house.room.clone();
    house.bob.says_in(&room, "to be kept").await;
    let link = format!("/api/watchfire/rooms/{room}/export");
    house.ann.get(&format!("/rooms/{room}/settings")).await.says(&link);
    assert!(!house.bob.get(&format!("/rooms/{room}/settings")).await.text.contains(&link));
    assert_eq!(house.bob.get(&link).await.status, 403);
    assert_eq!(house.world.browser().get(&link).await.status, 401);
    let page = house.ann.get(&link).await;
    assert_eq!(
        (page.status.as_u16(), &page.headers["content-type"]),
        (200, &"application/x-tar".parse().unwrap())
    );
    assert_eq!(page.headers["content-disposition"], format!("attachment; filename=\"watchfire-{room}.tar\""));
    for part in ["to be kept", "manifest.json", &format!("rooms/{room}.jsonl")] {
        page.says(part);
    }
}

#[tokio::test]
async fn a_change_of_a_room_is_made_whole_or_not_at_all() {
    let mut house = House::new().await;
    let room = house.room.clone();
    let closed = house.ann.opens(json!({ "name": "Closed", "kind": "closed", "site": house.site })).await;
    let before = house.ann.ask(&format!("/{closed}")).await.json()["room"].clone();
    for (change, status) in [
        (json!({ "public": true, "members_max": 6_000 }), 409),
        (json!({ "name": "Other", "topic": "t", "zone": "Mars/X" }), 400),
        (json!({ "public": true, "members_max": 0 }), 400),
    ] {
        let page = house.ann.tell(&format!("/{closed}"), change).await;
        assert_eq!(page.status, status, "{}", page.text);
        assert_eq!(house.ann.ask(&format!("/{closed}")).await.json()["room"], before);
    }
    let path = format!("/rooms/{room}/settings");
    let typed = [("do", "room"), ("name", "Typed <b>"), ("time_zone", "Europe/Paris"), ("members_max", "0")];
    let page = house.ann.post(&path, &typed).await;
    assert_eq!(page.status, 400);
    page.says("role=\"alert\"");
    page.says("Typed &#60;b&#62;");
    assert_eq!(house.ann.ask(&format!("/{room}")).await.json()["room"]["name"], "Support");
    let page = house.ann.post(&path, &[("do", "bring"), ("who", "nobody@example.org")]).await;
    assert_eq!(page.status, 404);
    page.says("Nobody who may come in is called that");
    page.says("nobody@example.org");
    let page = house.bob.post(&path, &typed).await;
    assert_eq!(page.status, 403, "nothing is told that the page itself would not tell");
    let alone = [("do", "direct"), ("with", "nobody@example.org"), ("site", "")];
    let page = house.ann.post("/rooms", &alone).await;
    assert_eq!(page.status, 404);
    page.says("nobody@example.org");
    page.says("Nobody whom you may talk to");
}
