//! Profiles: whom a site named, what they did, who may see it, and that it can be erased.

use axum::http::Method;
use history::EnrichedHit;
use model::{BotReason, Site, SiteId};
use serde_json::{Value, json};

use super::past::{event, from_country, identify, view};
use super::{Browser, NOW, World};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// Ada in two browsers, in the first before she was named too; Bob; somebody who never was; and a bot.
fn hits() -> Vec<EnrichedHit> {
    let bot = EnrichedHit { bot: Some(BotReason::NamesItself), ..identify(9, NOW.0 - HOUR, "crawler", &[]) };
    vec![
        from_country("FR", view(1, NOW.0 - 2 * DAY, "/teas")),
        view(1, NOW.0 - DAY, "/"),
        identify(1, NOW.0 - DAY + 1_000, "ada@example.org", &[("plan", "small"), ("team", "x")]),
        from_country("DE", view(2, NOW.0 - HOUR, "/cart")),
        identify(2, NOW.0 - HOUR + 1_000, "ada@example.org", &[("plan", "large")]),
        event(2, NOW.0 - HOUR + 2_000, "order", &[("revenue", "3")]),
        view(3, NOW.0 - 3 * DAY, "/"),
        identify(3, NOW.0 - 3 * DAY + 1_000, "Bob", &[]),
        view(4, NOW.0 - 2 * HOUR, "/secret"),
        bot,
    ]
}

async fn shop() -> (World, Browser, String) {
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    world.happened(&site, &hits()).await;
    (world, owner, site)
}

fn api(site: &str, path: &str) -> String {
    format!("/api/watchfire/sites/{site}/{path}")
}

async fn get(browser: &mut Browser, path: &str) -> Value {
    let page = browser.get(path).await;
    assert_eq!(page.status, 200, "{path}: {}", page.text);
    page.json()
}

fn names(list: &Value) -> Vec<&str> {
    list["people"].as_array().unwrap().iter().map(|person| person["identity"].as_str().unwrap()).collect()
}

async fn post(browser: &mut Browser, path: &str, body: &Value) -> super::Page {
    browser.send(Method::POST, path, &[("content-type", "application/json")], body.to_string()).await
}

#[tokio::test]
async fn people_are_listed_searched_and_told_with_what_they_did_before() {
    let (_world, mut owner, site) = shop().await;
    let all = get(&mut owner, &api(&site, "profiles")).await;
    assert_eq!(
        (names(&all), &all["count"], &all["next"]),
        (vec!["ada@example.org", "Bob"], &json!(2), &Value::Null)
    );
    let ada = &all["people"][0];
    assert_eq!((&ada["visits"], &ada["pageviews"], &ada["events"]), (&json!(3), &json!(3), &json!(1)));
    assert_eq!(ada["properties"], json!({"plan": "large", "team": "x"}));
    assert_eq!((&ada["first"], &ada["last"]), (&json!(NOW.0 - 2 * DAY), &json!(NOW.0 - HOUR + 2_000)));
    assert_eq!((&ada["origin"]["country"], &ada["latest"]["country"]), (&json!("FR"), &json!("DE")));
    for (search, found) in [
        ("ADA", vec!["ada@example.org"]),
        ("plan:large", vec!["ada@example.org"]),
        ("plan:small", vec![]),
        ("bob", vec!["Bob"]),
    ] {
        let list = get(&mut owner, &api(&site, &format!("profiles?search={search}"))).await;
        assert_eq!(names(&list), found, "{search}");
    }
    let first = get(&mut owner, &api(&site, "profiles?limit=1")).await;
    assert_eq!(
        (names(&first), &first["count"], &first["next"]),
        (vec!["ada@example.org"], &json!(2), &json!(1))
    );
    assert_eq!(names(&get(&mut owner, &api(&site, "profiles?limit=1&offset=1")).await), ["Bob"]);
    assert_eq!(names(&get(&mut owner, &api(&site, "profiles?bots=only")).await), ["crawler"]);

    let ada = get(&mut owner, &api(&site, "profiles/person?identity=ada%40example.org&limit=2")).await;
    assert_eq!(ada["visitors"], json!(["0000000000000001", "0000000000000002"]));
    assert_eq!((&ada["trail"][0]["visitor"], &ada["next"]), (&json!("0000000000000002"), &json!(2)));
    let hits: Vec<&Value> =
        ada["trail"][0]["hits"].as_array().unwrap().iter().map(|hit| &hit["kind"]).collect();
    assert_eq!(hits, ["pageview", "identify", "event"]);
    assert_eq!(ada["trail"][0]["hits"][2]["properties"], json!({"revenue": "3"}));
    let before = get(&mut owner, &api(&site, "profiles/person?identity=ada%40example.org&offset=2")).await;
    assert_eq!(before["trail"][0]["hits"][0]["path"], "/teas");

    let nameless = get(&mut owner, &api(&site, "visitors/0000000000000004")).await;
    assert_eq!((&nameless["identities"], &nameless["visits"]), (&json!([]), &json!(1)));
    let bot = get(&mut owner, &api(&site, "visitors/0000000000000009")).await;
    assert_eq!((&bot["identities"], &bot["trail"][0]["bot"]), (&json!(["crawler"]), &json!(true)));
    for nowhere in
        ["profiles/person?identity=eve", "profiles/person", "visitors/00000000000000ff", "visitors/x"]
    {
        assert_eq!(owner.get(&api(&site, nowhere)).await.status, 404, "{nowhere}");
    }
    for bad in [
        "profiles?limit=1001",
        "profiles?who=ada",
        "profiles/person?identity=a&limit=101",
        "visitors/00?bots=with",
    ] {
        assert_eq!(owner.get(&api(&site, bad)).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn profiles_are_for_members_and_tokens_and_never_for_a_share_link() {
    let (world, mut owner, site) = shop().await;
    let link = owner.post(&format!("/sites/{site}/shares"), &[("name", "wall")]).await;
    let share = link.secret_behind("/share/");
    let minted =
        owner.post("/account/tokens", &[("name", "t"), ("scope_read", "on"), ("sites", &site)]).await;
    let token = minted.secret_behind("wft_");
    let mut viewer = owner.invites(&site, "viewer", "vic@example.org").await;
    let other = owner.add_site("Other").await;
    let mut elsewhere = owner.invites(&other, "owner", "eli@example.org").await;
    let mut stranger = world.browser();
    for path in ["profiles", "profiles/person?identity=Bob", "visitors/0000000000000004"] {
        let with = |credential: &str| {
            let mark = if path.contains('?') { '&' } else { '?' };
            format!("{}{mark}{credential}", api(&site, path))
        };
        assert_eq!(viewer.get(&api(&site, path)).await.status, 200, "{path}");
        assert_eq!(viewer.get(&format!("/sites/{site}/{path}")).await.status, 200, "{path}");
        assert_eq!(stranger.get(&with(&format!("token=wft_{token}"))).await.status, 200, "{path}");
        assert_eq!(stranger.get(&with(&format!("share={share}"))).await.status, 404, "{path}");
        assert_eq!(stranger.get(&api(&site, path)).await.status, 401, "{path}");
        assert_eq!(elsewhere.get(&api(&site, path)).await.status, 404, "{path}");
        assert_eq!(elsewhere.get(&format!("/sites/{site}/{path}")).await.status, 404, "{path}");
    }
    let ended = api(&site, "profiles/erase");
    let body = json!({"identity": "Bob"});
    assert_eq!(post(&mut viewer, &ended, &body).await.status, 404);
    let by_token = format!("{ended}?token=wft_{token}");
    assert_eq!(post(&mut stranger, &by_token, &body).await.status, 404);
    let form = [("identity", "Bob"), ("sure", "on")];
    assert_eq!(viewer.post(&format!("/sites/{site}/profiles/erase"), &form).await.status, 404);
    let form = format!("/sites/{site}/visitors/0000000000000004/erase");
    assert_eq!(viewer.post(&form, &[("sure", "on")]).await.status, 404);
    assert_eq!(names(&get(&mut owner, &api(&site, "profiles")).await).len(), 2, "nobody was erased");
}

#[tokio::test]
async fn an_erased_person_leaves_nothing_and_others_stay() {
    let (world, mut owner, site) = shop().await;
    let id: SiteId = site.parse().unwrap();
    let known: Site = world.store.sites.site(id).await.unwrap();
    archive::fold(&(&world.store).into(), &known, NOW, std::time::Duration::ZERO).await.unwrap();
    // And some that no fold took in yet.
    world.happened(&site, &[view(2, NOW.0 - 60_000, "/again")]).await;
    let path = api(&site, "profiles/erase");
    let erased = post(&mut owner, &path, &json!({"identity": "ada@example.org"})).await;
    assert_eq!((erased.status.as_u16(), erased.json()), (200, json!({"visits": 4, "hits": 7})));
    assert_eq!(names(&get(&mut owner, &api(&site, "profiles")).await), ["Bob"]);
    for gone in [
        "profiles/person?identity=ada%40example.org",
        "visitors/0000000000000001",
        "visitors/0000000000000002",
    ] {
        assert_eq!(owner.get(&api(&site, gone)).await.status, 404, "{gone}");
    }
    assert_eq!(get(&mut owner, &api(&site, "visitors/0000000000000004")).await["visits"], 1);
    assert!(world.store.history.tail_of(id, None, 1).await.unwrap().batches.is_empty());
    for entry in world.store.history.shelf(id).await.unwrap().segments {
        let body = world.store.history.read_segment(id, entry.id, 0, entry.bytes as usize).await.unwrap();
        let reader = history::segment::Reader::open(std::sync::Arc::new(body)).unwrap();
        let texts = reader.table().unwrap().words.texts().to_vec();
        assert!(!texts.iter().any(|text| text.contains("ada") || text.contains("/again")));
    }
    let again = post(&mut owner, &path, &json!({"identity": "ada@example.org"})).await;
    assert_eq!(again.json(), json!({"visits": 0, "hits": 0}));
    for bad in [
        json!({}),
        json!({"identity": ""}),
        json!({"identity": "x".repeat(129)}),
        json!({"identity": "a", "b": 1}),
    ] {
        assert_eq!(post(&mut owner, &path, &bad).await.status, 400, "{bad}");
    }
    assert_eq!(post(&mut owner, &path, &json!({"identity": "x".repeat(128)})).await.status, 200);
}

#[tokio::test]
async fn the_pages_show_people_and_erase_only_who_is_sure() {
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    let list = format!("/sites/{site}/profiles");
    owner.get(&list).await.says("Nobody said who they are yet");
    world.happened(&site, &hits()).await;
    let hostile = "\"'><script>alert(1)</script>/../{{7}}&offset=9";
    world.happened(&site, &[identify(7, NOW.0 - 5_000, hostile, &[(hostile, hostile)])]).await;
    let page = owner.get(&list).await;
    page.says("3 people");
    page.says(&format!("{list}/person?identity=ada%40example.org"));
    assert!(!page.text.contains("<script>alert") && !page.text.contains("crawler"), "{}", page.text);
    owner.get(&format!("{list}?search=nobody")).await.says("Nobody is called so");
    let encoded: String = url::form_urlencoded::byte_serialize(hostile.as_bytes()).collect();
    let person = owner.get(&format!("{list}/person?identity={encoded}")).await;
    assert_eq!(person.status, 200);
    assert!(!person.text.contains("<script>alert"), "{}", person.text);
    person.says("&#60;script&#62;alert(1)");

    let ada = owner.get(&format!("{list}/person?identity=ada%40example.org")).await;
    for said in ["/teas", "/cart", "order", "revenue", "large", "0000000000000002", "Erase this person"] {
        ada.says(said);
    }
    let visitor = owner.get(&format!("/sites/{site}/visitors/0000000000000001")).await;
    visitor.says("Known as");
    visitor.says("ada@example.org");
    let ended = format!("{list}/erase");
    owner.post(&ended, &[("identity", "Bob")]).await.says("Nothing was erased");
    let done = owner.post(&ended, &[("identity", "Bob"), ("sure", "on")]).await;
    assert_eq!(done.location(), format!("{list}?done=erased"));
    let left = owner.get(&done.location()).await;
    left.says("Erased: nothing of that history is left here.");
    left.says("2 people");
    let visitor = format!("/sites/{site}/visitors/0000000000000004");
    owner.post(&format!("{visitor}/erase"), &[]).await.says("Nothing was erased");
    owner.post(&format!("{visitor}/erase"), &[("sure", "on")]).await;
    assert_eq!(owner.get(&visitor).await.status, 404);
    let mut viewer = owner.invites(&site, "viewer", "vic@example.org").await;
    let seen = viewer.get(&format!("{list}/person?identity=ada%40example.org")).await;
    assert!(!seen.text.contains("Erase this person"));
}
