//! Corrections of bot verdicts: made, followed by what comes later, told, taken back; and every number as it was.

use axum::http::Method;
use model::SavedId;
use model::limits::SAVED_MAX;
use serde_json::{Value, json};
use store::saved::SavedItem;

use super::past::{event, from_country, view};
use super::reports_api::post as ask;
use super::{Browser, NOW, Page, World};

const HOUR: i64 = 3_600_000;

async fn shop() -> (World, Browser, String) {
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    let hits = [
        view(1, NOW.0 - HOUR, "/"),
        view(1, NOW.0 - HOUR + 1_000, "/teas"),
        from_country("FR", view(2, NOW.0 - HOUR, "/")),
        from_country("FR", event(3, NOW.0 - 40 * HOUR, "order", &[("revenue", "3")])),
        from_country("FR", view(4, NOW.0 - 2_000 * HOUR, "/")),
    ];
    world.happened(&site, &hits).await;
    (world, owner, site)
}

fn api(site: &str, path: &str) -> String {
    format!("/api/watchfire/sites/{site}/corrections{path}")
}

async fn post(browser: &mut Browser, path: &str, body: &Value) -> Page {
    browser.send(Method::POST, path, &[("content-type", "application/json")], body.to_string()).await
}

fn french(range: &str) -> Value {
    let filter = json!({"is": {"by": "country", "values": ["FR"]}});
    json!({"name": "Scraper", "range": range, "filter": filter, "verdict": "bot"})
}

/// Every number of a few reports.
async fn numbers(owner: &mut Browser, site: &str) -> Value {
    let metrics = ["visitors", "visits", "pageviews", "events", "bounce-rate", "visit-duration", "revenue"];
    let question = |bots: &str, by: &[&str]| json!({"kind": "breakdown", "range": "12mo", "by": by, "bots": bots, "bucket": "month", "metrics": metrics});
    let mut questions = Vec::new();
    for bots in ["without", "only", "with"] {
        questions.extend([
            question(bots, &[]),
            question(bots, &["country"]),
            question(bots, &["page", "bot"]),
        ]);
    }
    let page = ask(owner, site, json!({ "questions": questions })).await;
    assert_eq!(page.status, 200, "{}", page.text);
    page.json()["answers"].clone()
}

async fn visits(owner: &mut Browser, site: &str, bots: &str) -> Value {
    let question = json!({"kind": "breakdown", "range": "12mo", "metrics": ["visits"], "bots": bots});
    ask(owner, site, question).await.json()["totals"]["visits"].clone()
}

#[tokio::test]
async fn a_correction_is_followed_told_and_taken_back() {
    let (world, mut owner, site) = shop().await;
    let before = numbers(&mut owner, &site).await;
    assert_eq!(visits(&mut owner, &site, "without").await, 4);
    let made = post(&mut owner, &api(&site, ""), &french("7d")).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    assert_eq!((&made["visits"], &made["hits"], &made["state"]), (&json!(2), &json!(2), &json!("in-force")));
    assert_eq!((&made["by"], &made["at"]), (&json!("Olive Owner"), &json!(NOW.0)));
    assert_eq!(owner.get(&api(&site, "")).await.json(), json!({ "corrections": [made] }));
    assert_eq!(visits(&mut owner, &site, "without").await, 2);
    assert_eq!(visits(&mut owner, &site, "only").await, 2);

    // What comes later follows: within the range and the filter, and no other.
    let late = [from_country("FR", view(5, NOW.0 - 5_000, "/")), view(6, NOW.0 - 5_000, "/")];
    world.happened(&site, &late).await;
    assert_eq!(visits(&mut owner, &site, "without").await, 3);
    assert_eq!(visits(&mut owner, &site, "only").await, 3);

    // The last one made decides.
    let mut human = french("all");
    human["verdict"] = json!("human");
    let second = post(&mut owner, &api(&site, ""), &human).await.json();
    assert_eq!((visits(&mut owner, &site, "without").await, &second["visits"]), (json!(6), &json!(4)));
    for corrected in [&second, &made] {
        let path = api(&site, &format!("/{}/undo", corrected["id"].as_str().unwrap()));
        assert_eq!(post(&mut owner, &path, &json!({})).await.status, 204);
        assert_eq!(post(&mut owner, &path, &json!({})).await.status, 404);
    }
    assert_eq!(visits(&mut owner, &site, "without").await, 6);
    for visitor in ["0000000000000005", "0000000000000006"] {
        let path = format!("/api/watchfire/sites/{site}/visitors/{visitor}/erase");
        assert_eq!(post(&mut owner, &path, &json!({})).await.json()["visits"], 1);
    }
    assert_eq!(numbers(&mut owner, &site).await, before, "each number is as it was");
}

#[tokio::test]
async fn what_cannot_be_followed_is_refused_and_saved_knows_nothing_of_corrections() {
    let (world, mut owner, site) = shop().await;
    let with = |field: &str, value: Value| {
        let mut stated = french("7d");
        stated[field] = value;
        stated
    };
    let is = json!({"is": {"by": "page", "values": ["/"]}});
    for (bad, field) in [
        (with("filter", json!({"visitor": is})), "filter"),
        (with("filter", json!({"is": {"by": "new-or-returning", "values": ["new"]}})), "filter"),
        (with("filter", json!({"or": vec![is.clone(); 24]})), "filter"),
        (with("filter", json!({"matches": {"by": "page", "pattern": "("}})), "filter"),
        (with("range", json!("8d")), "range"),
        (with("range", json!({"from": 5, "to": 1})), "range"),
        (with("verdict", json!("robot")), "verdict"),
        (with("name", json!(" ")), "name"),
        (with("more", json!(1)), "more"),
    ] {
        let page = post(&mut owner, &api(&site, ""), &bad).await;
        assert_eq!(
            (page.status.as_u16(), &page.json()["field"]),
            (400, &json!(field)),
            "{bad} {}",
            page.text
        );
    }
    let made = post(&mut owner, &api(&site, ""), &french("7d")).await.json();
    let id = made["id"].as_str().unwrap();
    let saved = format!("/api/watchfire/sites/{site}/saved");
    assert_eq!(owner.get(&saved).await.json(), json!({"saved": []}));
    assert_eq!(post(&mut owner, &format!("{saved}/{id}/remove"), &json!({})).await.status, 404);
    let stated = json!({"kind": "correction", "name": "c", "body": {}});
    assert_eq!(post(&mut owner, &saved, &stated).await.json()["field"], "kind");
    let mut viewer = owner.invites(&site, "viewer", "vic@example.org").await;
    assert_eq!(viewer.get(&api(&site, "")).await.status, 404);
    assert_eq!(post(&mut viewer, &api(&site, &format!("/{id}/undo")), &json!({})).await.status, 404);
    let known = world.store.saved.all(site.parse().unwrap()).await.unwrap();
    for number in 1..SAVED_MAX {
        let item = SavedItem { id: SavedId::of(number as u64), ..known[0].clone() };
        world.store.saved.add(site.parse().unwrap(), item).await.unwrap();
    }
    assert_eq!(post(&mut owner, &api(&site, ""), &french("7d")).await.status, 409);
}

#[tokio::test]
async fn the_page_says_what_is_meant_before_and_lists_it_after() {
    let (_world, mut owner, site) = shop().await;
    let list = format!("/sites/{site}/corrections");
    owner.get(&list).await.says("No verdict is corrected");
    let filter = r#"{"is":{"by":"country","values":["FR","<script>alert(1)"]}}"#;
    let encoded: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
    let (from, to) = ((NOW.0 - 100 * HOUR).to_string(), NOW.0.to_string());
    let form = owner.get(&format!("{list}?from={from}&to={to}&filter={encoded}")).await;
    form.says("country is “FR” or “&#60;script&#62;alert(1)”");
    form.says(">2</strong> visits");
    let fields = |name: &'static str| {
        [("from", from.as_str()), ("to", to.as_str()), ("filter", filter), ("verdict", "bot"), ("name", name)]
    };
    let again = owner.post(&list, &fields("")).await;
    assert_eq!(again.status, 422);
    again.says("Fill this in.");
    let done = owner.post(&list, &fields("Scraper")).await;
    assert_eq!(done.location(), format!("{list}?done=corrected"), "{}", done.text);
    let page = owner.get(&list).await;
    page.says("Scraper");
    page.says("Olive Owner");
    assert_eq!(visits(&mut owner, &site, "only").await, 2);
    let id = format!("SV-{}", page.secret_behind("/corrections/SV-"));
    let back = owner.post(&format!("{list}/{id}/undo"), &[]).await;
    assert_eq!(back.location(), format!("{list}?done=taken-back"));
    assert_eq!(visits(&mut owner, &site, "only").await, 0);
    for bad in ["?filter=x", "?from=1&to=2&filter=%7B%7D", "?from=x&to=2&filter=%7B%22and%22%3A%5B%5D%7D"] {
        assert_eq!(owner.get(&format!("{list}{bad}")).await.status, 400, "{bad}");
    }
}
