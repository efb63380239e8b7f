//! Which pages are looked at: named, shown, told, and no others' doors.

use std::time::Duration;

use axum::http::Method;
use model::limits::WATCHED_PAGES_MAX;
use model::{PageId, SiteId, WatchedPage};
use serde_json::{Value, json};
use store::pages::PageDay;

use super::{Browser, NOW, Page, World};

const DAY_MS: i64 = 86_400_000;

fn api(site: &str, path: &str) -> String {
    format!("/api/watchfire/sites/{site}/availability{path}")
}

async fn add(browser: &mut Browser, site: &str, url: &str) -> Page {
    let body = json!({ "url": url }).to_string();
    browser.send(Method::POST, &api(site, ""), &[("content-type", "application/json")], body).await
}

/// As the patrol keeps what it saw: known and down, from and to in minutes before now.
async fn seen(world: &World, site: &str, page: &str, known: (i64, i64), down: &[(i64, i64)]) {
    let day = NOW.0 / DAY_MS;
    let of_day = |minutes: i64| NOW.0 - minutes * 60_000 - day * DAY_MS;
    let down: Vec<Value> =
        down.iter().map(|(from, to)| json!([of_day(*from), of_day(*to), "status-503"])).collect();
    let last = json!({ "at": NOW.0 - known.1 * 60_000 });
    let body = json!({ "known": [[of_day(known.0), of_day(known.1)]], "down": down, "last": last });
    let (site, page): (SiteId, PageId) = (site.parse().unwrap(), page.parse().unwrap());
    let kept = PageDay { page, day: day as u32, version: 0, body: body.to_string() };
    world.store.pages.put_seen(site, vec![kept]).await.unwrap();
}

/// A page at which nobody looks but the tests: no process was told of it.
async fn unlooked(world: &World, site: &str) -> String {
    let page = WatchedPage { id: PageId::of(7), url: "https://shop.example/".into(), created: NOW };
    world.store.pages.add_page(site.parse().unwrap(), page.clone()).await.unwrap();
    page.id.to_string()
}

async fn shop() -> (World, Browser, String) {
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    (world, owner, site)
}

#[tokio::test]
async fn pages_are_named_up_to_a_maximum_and_shown() {
    let (_world, mut owner, site) = shop().await;
    let path = format!("/sites/{site}/availability");
    owner.get(&path).await.says("No page is looked at yet.");
    owner.get(&format!("/sites/{site}/settings")).await.says(&path);
    for number in 1..=WATCHED_PAGES_MAX {
        let form = [("url", format!("https://shop.example/{number}?a=<b>#c"))];
        let added = owner.post(&path, &[(form[0].0, &form[0].1)]).await;
        assert_eq!(added.location(), format!("{path}?done=watched"), "{}", added.text);
    }
    let full = owner.get(&path).await;
    full.says("At most 10 pages of a site are looked at.");
    full.says("https://shop.example/10?a=%3Cb%3E<");
    let more = owner.post(&path, &[("url", "https://shop.example/11")]).await;
    assert_eq!(more.status, 422);
    more.says("At most 10 pages of a site that are looked at.");
    assert_eq!(add(&mut owner, &site, "https://shop.example/11").await.status, 409);
    let told = owner.get(&api(&site, "")).await.json();
    let pages = told["pages"].as_array().unwrap();
    assert_eq!(pages.len(), WATCHED_PAGES_MAX);
    let id = pages[0]["id"].as_str().unwrap();
    let removed = owner.post(&format!("{path}/{id}/remove"), &[]).await;
    assert_eq!(removed.location(), format!("{path}?done=unwatched"));
    assert_eq!(owner.post(&format!("{path}/{id}/remove"), &[]).await.status, 404);
    assert_eq!(add(&mut owner, &site, "https://shop.example/11").await.status, 201);
}

#[tokio::test]
async fn an_address_that_is_no_page_of_the_site_is_refused_with_a_reason_and_stays_in_the_form() {
    let (_world, mut owner, site) = shop().await;
    let path = format!("/sites/{site}/availability");
    for (url, says) in [
        ("", "Give the address of a page"),
        ("shop.example", "This is no address"),
        ("https://other.example/", "none of the site&#39;s hostnames"),
        ("http://127.0.0.1/", "not of the public internet"),
        ("ftp://shop.example/", "by https or http"),
        ("https://me:you@shop.example/", "a name or a password"),
    ] {
        let refused = owner.post(&path, &[("url", url)]).await;
        assert_eq!(refused.status, 422, "{url}");
        refused.says(says);
        if !url.is_empty() {
            refused.says(&format!("value=\"{url}\""));
        }
        let refused = add(&mut owner, &site, url).await;
        assert_eq!((refused.status.as_u16(), &refused.json()["field"]), (400, &json!("url")));
    }
    owner.post(&path, &[("url", "https://shop.example/")]).await;
    let twice = owner.post(&path, &[("url", "https://SHOP.example/#x")]).await;
    assert_eq!(twice.status, 422);
    twice.says("looked at already");
    assert_eq!(owner.get(&api(&site, "")).await.json()["pages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_site_that_takes_any_host_has_none_of_its_own() {
    let (_world, mut owner) = World::with_owner().await;
    let form = [("name", "Any"), ("hostnames", "*"), ("time_zone", "UTC")];
    let site = owner.post("/sites/new", &form).await.location().split('/').nth(2).unwrap().to_owned();
    assert_eq!(add(&mut owner, &site, "https://shop.example/").await.status, 400);
}

#[tokio::test]
async fn what_was_seen_is_told_of_any_range_and_shown() {
    let (world, mut owner, site) = shop().await;
    let id = unlooked(&world, &site).await;
    seen(&world, &site, &id, (200, 0), &[(100, 90), (30, 25)]).await;
    let told = owner.get(&api(&site, "?range=today")).await.json();
    let of = &told["pages"][0];
    assert_eq!((&of["known_ms"], &of["down_ms"]), (&json!(200 * 60_000), &json!(15 * 60_000)));
    assert_eq!((&of["now"], &of["uptime"]), (&json!("up"), &json!(185.0 / 200.0)));
    assert_eq!(of["outages"][0]["reason"], "status-503");
    assert_eq!(of["outages"][1]["to"], json!(NOW.0 - 25 * 60_000));
    let at = |minutes: i64| NOW.0 - minutes * 60_000;
    let part = format!("?from={}&to={}", at(95), at(28));
    let of = owner.get(&api(&site, &part)).await.json()["pages"][0].clone();
    assert_eq!((&of["known_ms"], &of["down_ms"]), (&json!(67 * 60_000), &json!(7 * 60_000)));
    assert_eq!(of["outages"][0]["began_before"], true);
    assert_eq!((&of["outages"][0]["from"], &of["outages"][1]["to"]), (&json!(at(95)), &json!(at(28))));
    let before = owner.get(&api(&site, "?from=2026-01-01&to=2026-01-31")).await.json();
    assert_eq!((&before["pages"][0]["uptime"], &before["pages"][0]["now"]), (&Value::Null, &json!("up")));
    let shown = owner.get(&format!("/sites/{site}/availability")).await;
    shown.says("92.50 %");
    shown.says("it answered 503");
    shown.says("10 min");
    world.clock.advance(Duration::from_secs(91));
    assert_eq!(owner.get(&api(&site, "")).await.json()["pages"][0]["now"], "unknown");
    for bad in ["?range=8d", "?from=1", "?from=5&to=1", "?from=x&to=y"] {
        assert_eq!(owner.get(&api(&site, bad)).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn viewers_see_it_and_change_nothing_and_who_has_a_link_is_told_nothing() {
    let (_world, mut owner, site) = shop().await;
    add(&mut owner, &site, "https://shop.example/").await;
    let mut viewer = owner.invites(&site, "viewer", "vi@example.org").await;
    let page = viewer.get(&format!("/sites/{site}/availability")).await;
    page.says("https://shop.example/");
    assert!(!page.text.contains("<form method=\"post\" action=\"/sites/"), "{}", page.text);
    assert_eq!(viewer.get(&api(&site, "")).await.status, 200);
    let shared = owner.post(&format!("/sites/{site}/shares"), &[("name", "All")]).await;
    let secret = shared.secret_behind("/share/");
    let mut stranger = Browser { cookie: None, ..owner.clone() };
    let reports = format!("/api/watchfire/sites/{site}/properties?share={secret}");
    assert_eq!(stranger.get(&reports).await.status, 200, "the link is good");
    assert_eq!(stranger.get(&format!("{}?share={secret}", api(&site, ""))).await.status, 404);
    assert!(!stranger.get(&format!("/share/{secret}/reports")).await.text.contains("availability"));
}

#[tokio::test]
async fn pages_go_with_their_site() {
    let (world, mut owner, site) = shop().await;
    add(&mut owner, &site, "https://shop.example/").await;
    owner.post(&format!("/sites/{site}/delete"), &[("confirm", "Shop")]).await;
    assert_eq!(world.store.pages.watched().await.unwrap(), []);
    assert_eq!(world.store.pages.pages(site.parse().unwrap()).await.unwrap(), []);
}
