//! Days of which only totals are known: in the numbers where they tell what is asked, and said wherever they are not.

use serde_json::{Value, json};
use store::totals::{DayTotal, TotalsTable};

use super::past::{event, from_country, view};
use super::reports_api::post;
use super::{Browser, NOW, World};

const DAY: i64 = 86_400_000;
/// 2026-03-04, which NOW is of.
const TODAY: u32 = 20_516;

/// Three days of hits up to today, and before them, and on the first of them too, days of totals.
async fn shop() -> (World, Browser, String) {
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    let hits = [
        view(1, NOW.0 - 2 * DAY, "/"),
        from_country("FR", view(2, NOW.0 - DAY, "/teas")),
        event(2, NOW.0 - DAY + 1_000, "order", &[]),
        view(3, NOW.0 - 1_000, "/"),
    ];
    world.happened(&site, &hits).await;
    let mut totals = Vec::new();
    for day in TODAY - 4..=TODAY - 2 {
        let mut put = |table, rows: Value| totals.push(DayTotal { day, table, body: rows.to_string() });
        put(
            TotalsTable::All,
            json!([{"visitors": 10, "visits": 12, "pageviews": 30, "bounces": 6, "duration_s": 120}]),
        );
        let pages = json!([
            {"key": ["shop.example", "/"], "visitors": 8, "visits": 9, "pageviews": 20},
            {"key": ["www.example", "/"], "visitors": 1, "visits": 1, "pageviews": 2},
            {"key": ["shop.example", "/old"], "visitors": 3, "visits": 3, "pageviews": 8},
        ]);
        put(TotalsTable::Pages, pages);
        put(TotalsTable::Events, json!([{"key": ["order"], "visitors": 2, "events": 3}]));
    }
    world.store.totals.put(site.parse().unwrap(), totals).await.unwrap();
    (world, owner, site)
}

async fn told(owner: &mut Browser, site: &str, question: Value) -> Value {
    let page = post(owner, site, &question).await;
    assert_eq!(page.status, 200, "{question} {}", page.text);
    page.json()
}

fn breakdown(range: Value, more: Value) -> Value {
    let mut question = json!({"kind": "breakdown", "range": range});
    question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    question
}

fn week() -> Value {
    json!({"from": "2026-02-26", "to": "2026-03-04"})
}

#[tokio::test]
async fn a_day_counts_by_its_totals_where_no_hit_of_it_is_kept() {
    let (_world, mut owner, site) = shop().await;
    let metrics = json!([
        "visitors",
        "visits",
        "pageviews",
        "events",
        "bounce-rate",
        "visit-duration",
        "views-a-visit",
        "scroll-depth"
    ]);
    let answer =
        told(&mut owner, &site, breakdown(week(), json!({"bucket": "day", "metrics": metrics}))).await;
    // Two days of totals, as the third has a hit; and three visitors of hits, each on a day of their own.
    let expected = json!({
        "visitors": 23, "visits": 27, "pageviews": 63, "events": 7, "bounce-rate": 14.0 / 27.0,
        "visit-duration": (240_000.0 + 1_000.0) / 27.0, "views-a-visit": 63.0 / 27.0, "scroll-depth": 0.0,
    });
    assert_eq!(answer["totals"], expected);
    assert_eq!(answer["series"]["visitors"], json!([0, 0, 10, 10, 1, 1, 1]));
    assert_eq!(answer["series"]["events"], json!([0, 0, 3, 3, 0, 1, 0]));
    let imported = json!({"days": 2, "first": "2026-02-28", "last": "2026-03-01", "counted": true, "without": ["scroll-depth"]});
    assert_eq!(answer["imported"], imported);
    let flags: Vec<bool> =
        answer["buckets"].as_array().unwrap().iter().map(|bucket| bucket["imported"] == true).collect();
    assert_eq!(flags, [false, false, true, true, false, false, false]);
    let all = told(&mut owner, &site, breakdown(json!("all"), json!({"metrics": ["visitors"]}))).await;
    assert_eq!(
        all["range"]["begin"], "2026-02-28T00:00:00+01:00",
        "the first day of totals is the first of all"
    );
    assert_eq!(all["totals"], json!({"visitors": 23}));
    let later =
        told(&mut owner, &site, breakdown(json!({"from": "2026-03-02", "to": "2026-03-04"}), json!({})))
            .await;
    assert_eq!((&later["imported"], &later["totals"]["visitors"]), (&Value::Null, &json!(3)));
}

#[tokio::test]
async fn groups_are_of_hits_and_totals_together_in_order_and_by_pages() {
    let (_world, mut owner, site) = shop().await;
    let ask = |more: Value| breakdown(week(), more);
    let metrics = json!(["pageviews", "visitors", "bounce-rate"]);
    let first = told(&mut owner, &site, ask(json!({"by": ["page"], "metrics": metrics, "limit": 2}))).await;
    let rows = json!([
        {"key": ["/"], "values": {"pageviews": 46, "visitors": 21, "bounce-rate": 2.0 / 3.0}},
        {"key": ["/old"], "values": {"pageviews": 16, "visitors": 6, "bounce-rate": 0.0}},
    ]);
    assert_eq!((&first["rows"], &first["groups"], &first["next"]), (&rows, &json!(3), &json!(2)));
    assert_eq!(first["totals"]["visitors"], 23, "a breakdown's total is the headline");
    assert_eq!(first["imported"]["without"], json!(["bounce-rate"]));
    let second =
        told(&mut owner, &site, ask(json!({"by": ["page"], "metrics": metrics, "limit": 2, "offset": 2})))
            .await;
    assert_eq!((&second["rows"][0]["key"], &second["next"]), (&json!(["/teas"]), &Value::Null));
    let least =
        json!({"by": ["page"], "metrics": ["visitors"], "sort": {"by": "visitors", "ascending": true}});
    let least = told(&mut owner, &site, ask(least)).await;
    assert_eq!(least["rows"][0], json!({"key": ["/teas"], "values": {"visitors": 1}}));
    let events =
        told(&mut owner, &site, ask(json!({"by": ["event"], "metrics": ["events", "visitors"]}))).await;
    assert_eq!(events["rows"], json!([{"key": ["order"], "values": {"events": 7, "visitors": 5}}]));
    let lines = json!({"by": ["hostname"], "metrics": ["visitors"], "bucket": "day", "limit": 1});
    let lines = told(&mut owner, &site, ask(lines)).await;
    assert_eq!(lines["rows"][0]["series"]["visitors"], json!([0, 0, 11, 11, 1, 1, 1]));
    assert_eq!(lines["rows"][0]["values"]["visitors"], 25);
}

#[tokio::test]
async fn an_earlier_range_has_its_own_days_of_totals() {
    let (_world, mut owner, site) = shop().await;
    let range = json!({"from": "2026-03-02", "to": "2026-03-03"});
    let more = json!({"by": ["page"], "metrics": ["visitors"], "compare": "previous"});
    let answer = told(&mut owner, &site, breakdown(range.clone(), more)).await;
    assert_eq!((&answer["totals"]["visitors"], answer.get("imported")), (&json!(2), None));
    // The days of this range have hits alone, those before it totals: only the earlier ones are said to be such.
    assert_eq!(answer["before"]["totals"], json!({"visitors": 20}));
    assert_eq!(answer["before"]["imported"]["days"], 2);
    let rows = answer["rows"].as_array().unwrap();
    assert_eq!(rows[0], json!({"key": ["/"], "values": {"visitors": 2}, "before": {"visitors": 18}}));
}

#[tokio::test]
async fn what_totals_cannot_tell_is_told_of_hits_alone_and_says_so() {
    let (_world, mut owner, site) = shop().await;
    let filter = json!({"is": {"by": "page", "values": ["/"]}});
    let funnel = json!({"kind": "funnel", "range": week(), "steps": [filter], "window_ms": 1_000});
    let asked = [
        (breakdown(week(), json!({"filter": filter})), "cannot be filtered"),
        (breakdown(week(), json!({"goal": filter, "metrics": ["converted"]})), "cannot be filtered"),
        (breakdown(week(), json!({"bots": "only"})), "are of people"),
        (breakdown(week(), json!({"bucket": "hour"})), "do not tell its hours"),
        (breakdown(week(), json!({"by": ["title"]})), "do not tell this"),
        (breakdown(week(), json!({"by": ["page", "country"]})), "do not tell this"),
        (breakdown(week(), json!({"by": ["country"]})), "do not tell this"),
        (funnel, "hold no visits"),
        (json!({"kind": "retention", "range": week(), "unit": "day"}), "hold no visits"),
        (json!({"kind": "journeys", "range": week()}), "hold no visits"),
    ];
    for (question, because) in asked {
        let answer = told(&mut owner, &site, question.clone()).await;
        let imported = &answer["imported"];
        assert_eq!((&imported["days"], &imported["counted"]), (&json!(2), &json!(false)), "{question}");
        let said = imported["because"].as_str().unwrap();
        assert!(said.contains(because), "{question} {said}");
        assert!(answer["totals"]["visitors"].as_u64().unwrap_or(0) <= 3, "{question}");
    }
}

#[tokio::test]
async fn csv_says_which_days_are_totals() {
    let (_world, mut owner, site) = shop().await;
    let mut csv = async |question: Value| {
        let query: String = url::form_urlencoded::byte_serialize(question.to_string().as_bytes()).collect();
        owner.get(&format!("/api/watchfire/sites/{site}/reports/export?format=csv&q={query}")).await.text
    };
    let range = json!({"from": "2026-03-01", "to": "2026-03-02"});
    let lines = csv(breakdown(range.clone(), json!({"bucket": "day", "metrics": ["visitors"]}))).await;
    let expected =
        "begin,visitors,imported\r\n2026-03-01T00:00:00+01:00,10,1\r\n2026-03-02T00:00:00+01:00,1,0\r\n";
    assert_eq!(lines, expected);
    let rows = csv(breakdown(range.clone(), json!({"by": ["page"], "metrics": ["visitors"]}))).await;
    assert_eq!(rows, "page,visitors,imported_days\r\n/,10,1\r\n/old,3,1\r\n");
    assert_eq!(
        csv(breakdown(range, json!({"metrics": ["visitors"]}))).await,
        "visitors,imported_days\r\n11,1\r\n"
    );
    let hits = csv(breakdown(json!("today"), json!({"metrics": ["visitors"]}))).await;
    assert_eq!(hits, "visitors\r\n1\r\n");
}

#[tokio::test]
async fn whoever_has_a_link_to_a_part_gets_nothing_of_totals() {
    let (world, mut owner, site) = shop().await;
    let item = json!({"kind": "segment", "name": "French", "body": {"filter": {"is": {"by": "country", "values": ["FR"]}}}});
    let saved = format!("/api/watchfire/sites/{site}/saved");
    let headers = [("content-type", "application/json")];
    let item = owner.send(axum::http::Method::POST, &saved, &headers, item.to_string()).await.json();
    let fields = [("name", "press"), ("segment", item["id"].as_str().unwrap())];
    let page = owner.post(&format!("/sites/{site}/shares"), &fields).await;
    let secret = page.secret_behind("http://stats.example:8080/share/");
    let asked = format!("/api/watchfire/sites/{site}/reports?share={secret}");
    let question = breakdown(json!("all"), json!({"metrics": ["visitors"]}));
    let told =
        world.browser().send(axum::http::Method::POST, &asked, &headers, question.to_string()).await.json();
    assert_eq!((&told["totals"], told.get("imported")), (&json!({"visitors": 1}), None));
    assert_eq!(told["range"]["begin"], "2026-03-03T00:00:00+01:00");
}
