//! Share links that are limited to a segment: whatever is asked with one is answered as if the site had nothing else, or refused.

use axum::http::{Method, StatusCode};
use history::EnrichedHit;
use serde_json::{Value, json};

use super::past::{event, from_country, view};
use super::{Browser, NOW, Page, World};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// Everybody's hits. Of visitor 5 there are French visits and others, and the first of all is not French.
fn hits() -> Vec<EnrichedHit> {
    let before = NOW.0 - 40 * DAY;
    let french = |hit| from_country("FR", hit);
    vec![
        view(5, before, "/first"),
        french(view(5, before + 10 * DAY, "/blog/a")),
        french(view(5, before + 10 * DAY + 60_000, "/secret")),
        view(1, NOW.0 - DAY, "/"),
        view(1, NOW.0 - DAY + 1_000, "/secret"),
        french(view(2, NOW.0 - HOUR, "/blog/a")),
        french(event(2, NOW.0 - HOUR + 1_000, "order", &[("revenue", "12.50")])),
        french(view(2, NOW.0 - HOUR + 2_000, "/secret")),
        french(view(3, NOW.0 - HOUR, "/secret")),
        view(4, NOW.0 - HOUR, "/blog/a"),
        view(4, NOW.0 - HOUR + 1_000, "/blog/b"),
        view(5, NOW.0 - HOUR, "/secret"),
    ]
}

async fn api(browser: &mut Browser, path: &str, body: &Value) -> Page {
    browser.send(Method::POST, path, &[("content-type", "application/json")], body.to_string()).await
}

async fn segment(owner: &mut Browser, site: &str, filter: &Value) -> String {
    let item = json!({"kind": "segment", "name": "A <part>", "body": {"filter": filter}});
    let page = api(owner, &format!("/api/watchfire/sites/{site}/saved"), &item).await;
    assert_eq!(page.status, 201, "{}", page.text);
    page.json()["id"].as_str().unwrap().to_owned()
}

/// The secret of a new link.
async fn share(owner: &mut Browser, site: &str, segment: &str) -> String {
    let fields = [("name", "press"), ("segment", segment)];
    let page = owner.post(&format!("/sites/{site}/shares"), &fields).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    page.secret_behind("http://stats.example:8080/share/")
}

fn is(by: &str, value: &str) -> Value {
    json!({"is": {"by": by, "values": [value]}})
}

/// Questions with every way out that the language has.
fn questions() -> Vec<Value> {
    let ranges = [json!("all"), json!("today"), json!({"from": "2026-01-01", "to": "2026-03-04"})];
    let filters = [
        Value::Null,
        is("page", "/secret"),
        json!({"not": is("page", "/secret")}),
        json!({"or": [is("page", "/secret"), {"not": is("page", "/secret")}]}),
        json!({"visit": is("page", "/secret")}),
        json!({"visitor": is("page", "/secret")}),
        json!({"not": {"visitor": is("page", "/first")}}),
        json!({"visitor": {"visit": {"not": is("country", "FR")}}}),
        json!({"visitor": {"not": is("page", "/blog/a")}}),
        is("entry-page", "/secret"),
        json!({"not": is("exit-page", "/secret")}),
        is("new-or-returning", "returning"),
    ];
    let mut all = Vec::new();
    for range in &ranges {
        for filter in &filters {
            let ask = |more: Value| {
                let mut question = json!({"range": range, "filter": filter});
                question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                question
            };
            for by in ["page", "country", "entry-page", "exit-page", "new-or-returning", "event", "hour"] {
                let metrics = ["visitors", "visits", "pageviews", "events", "revenue"];
                all.push(ask(
                    json!({"kind": "breakdown", "by": [by], "metrics": metrics, "compare": "previous"}),
                ));
                for metric in
                    ["views-a-visit", "bounce-rate", "visit-duration", "engaged-time", "scroll-depth"]
                {
                    all.push(ask(json!({"kind": "breakdown", "by": [by], "metrics": [metric, "visits"]})));
                }
            }
            let metrics = ["visitors", "converted", "conversions"];
            for goal in &filters[1..] {
                all.push(ask(
                    json!({"kind": "breakdown", "goal": goal, "metrics": metrics, "bucket": "day"}),
                ));
                all.push(ask(
                    json!({"kind": "funnel", "window_ms": DAY, "steps": [is("page", "/blog/a"), goal]}),
                ));
            }
            all.push(ask(json!({"kind": "retention", "unit": "day", "bots": "with"})));
            all.push(ask(json!({"kind": "journeys"})));
            all.push(ask(json!({"kind": "journeys", "page": "/secret", "direction": "previous"})));
        }
    }
    all
}

/// Asked with the link of a segment, every question is answered as its owner is of a site that has only `kept`, or refused.
async fn check(filter: Value, kept: impl Fn(&EnrichedHit) -> bool, refused: &[&str]) {
    let (world, mut owner) = World::with_owner().await;
    let (site, part) = (owner.add_site("Whole").await, owner.add_site("Part").await);
    world.happened(&site, &hits()).await;
    world.happened(&part, &hits().into_iter().filter(kept).collect::<Vec<_>>()).await;
    let segment = segment(&mut owner, &site, &filter).await;
    let secret = share(&mut owner, &site, &segment).await;
    let mut visitor = world.browser();
    let (mut answered, mut denied) = (0, Vec::new());
    for question in questions() {
        let asked = format!("/api/watchfire/sites/{site}/reports?share={secret}");
        let page = api(&mut visitor, &asked, &question).await;
        let expected = api(&mut owner, &format!("/api/watchfire/sites/{part}/reports"), &question).await;
        assert_eq!(expected.status, 200, "{question} {}", expected.text);
        // So that there are never too many questions.
        world.clock.advance(std::time::Duration::from_secs(1));
        if page.status == 400 {
            page.says("this link shows a part of the site");
            denied.push(question.to_string());
            continue;
        }
        assert_eq!(page.status, 200, "{question} {}", page.text);
        assert_eq!(page.json(), expected.json(), "{question}");
        answered += 1;
    }
    assert!(answered > 100, "{answered}");
    for question in denied {
        assert!(refused.iter().any(|named| question.contains(named)), "{question}");
    }
}

#[tokio::test]
async fn of_a_segment_of_visits_nothing_else_is_told() {
    let kept = |hit: &EnrichedHit| hit.place.country == "FR";
    check(is("country", "FR"), kept, &["new-or-returning", "retention"]).await;
}

#[tokio::test]
async fn of_a_segment_of_hits_nothing_else_is_told() {
    let filter = json!({"starts": {"by": "page", "values": ["/blog/"]}});
    let kept = |hit: &EnrichedHit| hit.page.path.starts_with("/blog/");
    let refused = ["new-or-returning", "retention", "journeys", "entry-page", "exit-page"];
    check(filter, kept, &[&refused[..], &["bounce-rate", "visit-duration"]].concat()).await;
}

#[tokio::test]
async fn a_link_of_a_segment_opens_its_reports_and_nothing_live() {
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    world.happened(&site, &hits()).await;
    let french = segment(&mut owner, &site, &is("country", "FR")).await;
    let secret = share(&mut owner, &site, &french).await;
    let people = owner.get(&format!("/sites/{site}/people")).await;
    people.says("only: <bdi>A &#60;part&#62;</bdi>");
    let mut visitor = world.browser();
    let reports = format!("/share/{secret}/reports");
    assert_eq!(visitor.get(&format!("/share/{secret}")).await.location(), reports);
    let page = visitor.get(&reports).await;
    assert_eq!(page.status, 200);
    page.says("data-limited=\"visits\"");
    for hidden in ["data-live", "A &#60;part", &format!("href=\"/share/{secret}\"")] {
        assert!(!page.text.contains(hidden), "{hidden}");
    }
    let on_site = format!("/api/watchfire/sites/{site}");
    for path in ["", "/saved"] {
        assert_eq!(visitor.get(&format!("{on_site}{path}?share={secret}")).await.status, 404, "{path}");
    }
    let question = json!({"kind": "breakdown", "range": "all", "by": ["country"], "metrics": ["visitors"]});
    let asked: String = url::form_urlencoded::byte_serialize(question.to_string().as_bytes()).collect();
    let export = format!("{on_site}/reports/export?format=csv&q={asked}&share={secret}");
    assert_eq!(visitor.get(&export).await.text, "country,visitors\r\nFR,3\r\n");
    let several = json!({"questions": [question, {"kind": "retention", "range": "all", "unit": "day"}]});
    let told = api(&mut visitor, &format!("{on_site}/reports?share={secret}"), &several).await.json();
    assert_eq!(told["answers"][0]["totals"], json!({"visitors": 3}));
    assert_eq!(told["answers"][1]["error"]["code"], "query");

    let changed = json!({"kind": "segment", "name": "None", "body": {"filter": is("country", "XX")}});
    assert_eq!(api(&mut owner, &format!("{on_site}/saved/{french}"), &changed).await.status, 200);
    assert_eq!(visitor.get(&export).await.text, "country,visitors\r\n", "a link follows its segment");
    assert_eq!(api(&mut owner, &format!("{on_site}/saved/{french}/remove"), &json!({})).await.status, 204);
    for path in [&export, &reports, &format!("/share/{secret}")] {
        assert_eq!(visitor.get(path).await.status, 404, "{path}: without its segment a link shows nothing");
    }
    owner.get(&format!("/sites/{site}/people")).await.says("shows nothing: its segment was removed");
}

#[tokio::test]
async fn a_link_is_limited_to_a_segment_of_its_own_site_alone() {
    let (world, mut owner) = World::with_owner().await;
    let (site, other) = (owner.add_site("Shop").await, owner.add_site("Other").await);
    let elsewhere = segment(&mut owner, &other, &is("country", "FR")).await;
    let goal = json!({"kind": "goal", "name": "Orders", "body": {"filter": is("event", "order")}});
    let goal = api(&mut owner, &format!("/api/watchfire/sites/{site}/saved"), &goal).await.json();
    for segment in [&elsewhere, goal["id"].as_str().unwrap(), "SV-22222222", "everything", "1"] {
        let fields = [("name", "press"), ("segment", segment)];
        let page = owner.post(&format!("/sites/{site}/shares"), &fields).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{segment}");
    }
    assert!(world.store.accounts.shares(site.parse().unwrap()).await.unwrap().is_empty());
}
