//! The API of reports: what is asked, what is answered, who may, and how often.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use super::past::{event, from_country, view};
use super::{Browser, NOW, Page, World};
use crate::reports::QUESTIONS_MAX;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

pub async fn post(browser: &mut Browser, site: &str, body: impl ToString) -> Page {
    let path = format!("/api/watchfire/sites/{site}/reports");
    browser.send(Method::POST, &path, &[("content-type", "application/json")], body.to_string()).await
}

async fn told(browser: &mut Browser, site: &str, question: Value) -> Value {
    let page = post(browser, site, question).await;
    assert_eq!(page.status, 200, "{}", page.text);
    page.json()
}

async fn export(browser: &mut Browser, site: &str, format: &str, question: &Value) -> Page {
    let query: String = url::form_urlencoded::byte_serialize(question.to_string().as_bytes()).collect();
    browser.get(&format!("/api/watchfire/sites/{site}/reports/export?format={format}&q={query}")).await
}

/// Yesterday three visitors, today two of them and the one second that has just begun.
async fn shop() -> (World, Browser, String) {
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    let yesterday = NOW.0 - DAY - 120_000;
    let hits = [
        view(1, yesterday, "/"),
        view(1, yesterday + 60_000, "/teas"),
        view(2, yesterday, "/"),
        from_country("FR", view(3, yesterday - HOUR, "/teas")),
        view(1, NOW.0 - HOUR, "/"),
        event(1, NOW.0 - HOUR + 30_000, "order", &[("revenue", "12.50"), ("item", "=1+2")]),
        from_country("FR", view(3, NOW.0 - HOUR, "/cart")),
        // Later on the earlier day than it is now.
        view(4, yesterday + HOUR, "/"),
    ];
    world.happened(&site, &hits).await;
    (world, owner, site)
}

#[tokio::test]
async fn a_breakdown_has_totals_rows_and_pages_of_them() {
    let (_world, mut owner, site) = shop().await;
    let question = json!({
        "kind": "breakdown", "range": {"from": "2026-03-03", "to": "2026-03-04"}, "by": ["page"],
        "metrics": ["visitors", "pageviews", "bounce-rate", "revenue"], "limit": 2, "filter": {"not": {"is": {"by": "page", "values": ["/x"]}}},
    });
    let expected = json!({
        "kind": "breakdown", "at": NOW.0, "time_zone": "Europe/Paris",
        "range": {"from": 1_772_492_400_000_i64, "to": 1_772_665_200_000_i64,
                  "begin": "2026-03-03T00:00:00+01:00", "end": "2026-03-05T00:00:00+01:00"},
        "by": ["page"], "metrics": ["visitors", "pageviews", "bounce-rate", "revenue"],
        "totals": {"visitors": 4, "pageviews": 7, "bounce-rate": 4.0 / 6.0, "revenue": 12.5},
        "rows": [
            {"key": ["/"], "values": {"visitors": 3, "pageviews": 4, "bounce-rate": 0.5, "revenue": 12.5}},
            {"key": ["/teas"], "values": {"visitors": 2, "pageviews": 2, "bounce-rate": 0.5, "revenue": 0.0}},
        ],
        "groups": 3, "offset": 0, "next": 2,
    });
    assert_eq!(told(&mut owner, &site, question.clone()).await, expected);
    let mut second = question;
    second["offset"] = json!(2);
    let answer = told(&mut owner, &site, second).await;
    assert_eq!((&answer["rows"][0]["key"], &answer["next"]), (&json!(["/cart"]), &Value::Null));
}

#[tokio::test]
async fn a_line_is_held_against_an_earlier_one_as_far_as_the_day_has_come() {
    let (_world, mut owner, site) = shop().await;
    let question = json!({
        "kind": "breakdown", "range": "today", "by": ["country"], "metrics": ["visitors"], "compare": "previous",
    });
    let answer = told(&mut owner, &site, question).await;
    assert_eq!(answer["totals"], json!({"visitors": 2}));
    // Who came later yesterday than it is now is left out.
    assert_eq!(answer["before"]["totals"], json!({"visitors": 3}));
    let range = &answer["before"]["range"];
    assert_eq!(
        (&range["begin"], &range["end"]),
        (&json!("2026-03-03T00:00:00+01:00"), &json!("2026-03-03T11:30:00+01:00"))
    );
    let rows = json!([
        {"key": [""], "values": {"visitors": 1}, "before": {"visitors": 2}},
        {"key": ["FR"], "values": {"visitors": 1}, "before": {"visitors": 1}},
    ]);
    assert_eq!(answer["rows"], rows);
    let line = json!({"kind": "breakdown", "range": "today", "bucket": "hour", "metrics": ["visitors"], "compare": "weekdays"});
    let answer = told(&mut owner, &site, line).await;
    assert_eq!(answer["buckets"].as_array().unwrap().len(), 24);
    assert_eq!(
        answer["buckets"][10],
        json!({"from": 1_772_614_800_000_i64, "begin": "2026-03-04T10:00:00+01:00"})
    );
    assert_eq!(answer["series"]["visitors"][10], 2);
    assert_eq!(answer["before"]["series"]["visitors"].as_array().unwrap().len(), 12);
    assert_eq!(answer["rows"], json!([]));
}

#[tokio::test]
async fn a_funnel_says_shares_losses_and_time() {
    let (_world, mut owner, site) = shop().await;
    let step = |page: &str| json!({"is": {"by": "page", "values": [page]}});
    let question = json!({
        "kind": "funnel", "range": {"from": "2026-03-03", "to": "2026-03-03"}, "steps": [step("/"), step("/teas")], "window_ms": DAY,
    });
    let answer = told(&mut owner, &site, question.clone()).await;
    let steps = json!([
        {"visitors": 3, "share": 1.0, "of_previous": 1.0, "lost": 2, "time_ms": 0.0},
        {"visitors": 1, "share": 1.0 / 3.0, "of_previous": 1.0 / 3.0, "lost": 0, "time_ms": 60_000.0},
    ]);
    assert_eq!(answer["steps"], steps);
    let mut french = question;
    french["filter"] = json!({"is": {"by": "country", "values": ["FR"]}});
    assert_eq!(told(&mut owner, &site, french).await["steps"][0]["visitors"], 0);
}

#[tokio::test]
async fn retention_follows_cohorts_as_far_as_time_has_come() {
    let (_world, mut owner, site) = shop().await;
    let days = json!({"from": "2026-03-03", "to": "2026-03-06"});
    let question = json!({"kind": "retention", "range": days, "unit": "day"});
    let answer = told(&mut owner, &site, question.clone()).await;
    let cohorts = json!([
        {"from": 1_772_492_400_000_i64, "begin": "2026-03-03T00:00:00+01:00", "visitors": 4, "returned": [4, 2]},
        {"from": 1_772_578_800_000_i64, "begin": "2026-03-04T00:00:00+01:00", "visitors": 0, "returned": [0]},
    ]);
    assert_eq!((&answer["unit"], &answer["cohorts"]), (&json!("day"), &cohorts));
    let csv = export(&mut owner, &site, "csv", &question).await.text;
    assert!(
        csv.starts_with("begin,visitors,after_0,after_1\r\n2026-03-03T00:00:00+01:00,4,4,2\r\n"),
        "{csv}"
    );
    for (change, field) in [
        (json!({"unit": "hour"}), "unit"),
        (json!({"periods": 0}), "periods"),
        (json!({"periods": 61}), "periods"),
    ] {
        let mut bad = question.clone();
        bad.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(post(&mut owner, &site, bad).await.json()["field"], field);
    }
}

#[tokio::test]
async fn journeys_are_a_tree_of_pages() {
    let (_world, mut owner, site) = shop().await;
    let question =
        json!({"kind": "journeys", "range": {"from": "2026-03-03", "to": "2026-03-03"}, "limit": 1});
    let answer = told(&mut owner, &site, question.clone()).await;
    let teas = json!({"page": "/teas", "visits": 1, "ended": 1, "rest": 0, "then": []});
    let tree = json!([{"page": "/", "visits": 3, "ended": 2, "rest": 0, "then": [teas]}]);
    assert_eq!((&answer["visits"], &answer["rest"], &answer["tree"]), (&json!(4), &json!(1), &tree));
    let csv = export(&mut owner, &site, "csv", &question).await.text;
    assert_eq!(csv, "way,visits,ended,rest\r\n/,3,2,0\r\n/ > /teas,1,1,0\r\n");
    let mut back = question.clone();
    back.as_object_mut()
        .unwrap()
        .extend(json!({"page": "/teas", "direction": "previous"}).as_object().unwrap().clone());
    let answer = told(&mut owner, &site, back).await;
    let tree = json!([{"page": "/", "visits": 1, "ended": 1, "rest": 0, "then": []}]);
    assert_eq!(
        (&answer["page"], &answer["visits"], &answer["ended"], &answer["tree"]),
        (&json!("/teas"), &json!(2), &json!(1), &tree)
    );
    for (change, field) in [
        (json!({"depth": 6}), "depth"),
        (json!({"limit": 21}), "limit"),
        (json!({"limit": 0}), "limit"),
        (json!({"page": "x".repeat(2_049)}), "page"),
    ] {
        let mut bad = question.clone();
        bad.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(post(&mut owner, &site, bad).await.json()["field"], field);
    }
}

#[tokio::test]
async fn several_are_answered_of_one_moment_each_by_itself() {
    let (_world, mut owner, site) = shop().await;
    let good = json!({"kind": "breakdown", "range": "all"});
    let questions = json!({"questions": [good, {"kind": "funnel", "range": "7d", "steps": [], "window_ms": 1}, {"kind": "x"}, good]});
    let answer = told(&mut owner, &site, questions).await;
    assert_eq!((&answer["at"], &answer["time_zone"]), (&json!(NOW.0), &json!("Europe/Paris")));
    let answers = answer["answers"].as_array().unwrap();
    assert_eq!(answers.len(), 4);
    assert_eq!(answers[0]["totals"], json!({"visitors": 4, "visits": 6, "pageviews": 7}));
    assert_eq!((answers[0].get("at"), &answers[0]), (None, &answers[3]));
    assert_eq!(answers[1]["error"]["message"], "`steps`: a funnel has at least one step.");
    assert_eq!((&answers[2]["error"]["code"], &answers[2]["field"]), (&json!("query"), &json!("kind")));
    let many = |count| json!({"questions": vec![json!({"kind": "x"}); count]});
    assert_eq!(post(&mut owner, &site, many(QUESTIONS_MAX)).await.status, 200);
    assert_eq!(post(&mut owner, &site, many(QUESTIONS_MAX + 1)).await.json()["error"]["code"], "malformed");
}

#[tokio::test]
async fn what_is_wrong_is_named_by_its_field_and_its_limit() {
    let (_world, mut owner, site) = shop().await;
    let check = async |owner: &mut Browser, change: Value, field: &str, says: &str| {
        let mut question = json!({"kind": "breakdown", "range": "7d"});
        question.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let page = post(owner, &site, &question).await;
        let told = page.json();
        assert_eq!(
            (page.status.as_u16(), &told["error"]["code"]),
            (400, &json!("query")),
            "{question} {told}"
        );
        assert_eq!(told["field"], field, "{told}");
        assert!(told["error"]["message"].as_str().unwrap().contains(says), "{told}");
    };
    let is = |by: &str, count: usize| json!({"is": {"by": by, "values": vec!["x"; count]}});
    let deep = |depth: usize| (1..depth).fold(is("page", 1), |inner, _| json!({"not": inner}));
    let wide = |count: usize| json!({"filter": {"or": vec![is("page", 1); count - 1]}});
    for (good, bad, field, says) in [
        (json!({"limit": 10_000}), json!({"limit": 10_001}), "limit", "at most 10000 rows"),
        (json!({"limit": 1}), json!({"limit": 0}), "limit", "at least one row"),
        (
            json!({"metrics": ["conversion-rate"], "goal": is("event", 1)}),
            json!({"metrics": ["conversion-rate"]}),
            "goal",
            "`conversion-rate` needs one",
        ),
        (
            json!({"compare": {"range": {"from": 0, "to": 1}}}),
            json!({"compare": {"range": {"from": 1, "to": 0}}}),
            "compare",
            "in order",
        ),
        (json!({"compare": "year"}), json!({"compare": "years"}), "compare", "unknown variant"),
        (json!({"offset": 4_000_000}), json!({"offset": 4_000_001}), "offset", "at most 4000000"),
        (
            json!({"by": ["page", "hour"]}),
            json!({"by": ["page", "hour", "os"]}),
            "by",
            "at most 2 dimensions",
        ),
        (json!({"by": ["prop:x"]}), json!({"by": ["pages"]}), "by[0]", "`pages` is not a dimension"),
        (json!({"metrics": ["visits"]}), json!({"metrics": []}), "metrics", "at least one"),
        (
            json!({"sort": {"by": "visits"}}),
            json!({"sort": {"by": "events"}}),
            "sort",
            "`events` is not among",
        ),
        (json!({}), json!({"metrics": ["visits", "visits"]}), "metrics", "`visits` stands twice"),
        (
            json!({"filter": is("page", 1_000)}),
            json!({"filter": is("page", 1_001)}),
            "filter",
            "at most 1000",
        ),
        (json!({"filter": deep(6)}), json!({"filter": deep(7)}), "filter", "at most 6 filters within"),
        (wide(36), wide(37), "filter", "at most 36 filters"),
        (
            json!({"filter": {"matches": {"by": "page", "pattern": "a+"}}}),
            json!({"filter": {"matches": {"by": "page", "pattern": "("}}}),
            "filter",
            "pattern",
        ),
        (
            json!({"range": "all"}),
            json!({"range": {"from": "2026-03-04", "to": "2026-03-02"}}),
            "range",
            "ends before it begins",
        ),
        (json!({"bucket": "hour"}), json!({"bucket": "fortnight"}), "bucket", "unknown variant"),
        (
            json!({"range": {"from": 0, "to": 20_000 * 60_000_i64}, "bucket": "minute"}),
            json!({"range": {"from": 0, "to": 20_000 * 60_000_i64 + 1}, "bucket": "minute"}),
            "bucket",
            "at most 20000",
        ),
        (
            json!({"by": ["page"], "limit": 9_999, "bucket": "day", "range": {"from": "2026-03-01", "to": "2026-03-24"}, "metrics": ["visits", "events"]}),
            json!({"by": ["page"], "limit": 10_000, "bucket": "day", "range": {"from": "2026-03-01", "to": "2026-03-24"}, "metrics": ["visits", "events"]}),
            "limit",
            "at most 500000 numbers",
        ),
    ] {
        let mut question = json!({"kind": "breakdown", "range": "7d"});
        question.as_object_mut().unwrap().extend(good.as_object().unwrap().clone());
        let page = post(&mut owner, &site, &question).await;
        assert_eq!(page.status, 200, "{question}: {}", page.text);
        check(&mut owner, bad, field, says).await;
    }
    let nested = json!({"filter": {"and": [is("page", 1), is("pgae", 1)]}});
    check(&mut owner, nested, "filter.and[1].is.by", "`pgae` is not a dimension").await;
    check(&mut owner, json!({"till": 3}), "till", "unknown field `till`").await;
}

#[tokio::test]
async fn who_sees_the_live_page_may_ask_and_nobody_else() {
    let (world, mut owner, site) = shop().await;
    let other = owner.add_site("Other").await;
    let question = json!({"kind": "breakdown", "range": "all"});
    let link = owner.post(&format!("/sites/{site}/shares"), &[("name", "wall")]).await;
    let share = link.secret_behind("/share/");
    let minted =
        owner.post("/account/tokens", &[("name", "t"), ("scope_read", "on"), ("sites", &site)]).await;
    let mut program = world.browser();
    program.headers.push(("authorization", format!("Bearer wft_{}", minted.secret_behind("wft_"))));
    let mut stranger = world.browser();
    let ask = async |browser: &mut Browser, site: &str, query: &str| {
        let path = format!("/api/watchfire/sites/{site}/reports{query}");
        browser.send(Method::POST, &path, &[], question.to_string()).await.status.as_u16()
    };
    assert_eq!(ask(&mut program, &site, "").await, 200);
    assert_eq!(ask(&mut program, &other, "").await, 404);
    assert_eq!(ask(&mut stranger, &site, "").await, 401);
    assert_eq!(ask(&mut stranger, &site, &format!("?share={share}")).await, 200);
    assert_eq!(ask(&mut stranger, &other, &format!("?share={share}")).await, 404);
    assert_eq!(ask(&mut stranger, &site, "?share=guess").await, 401);
    let evil = [("origin", "http://evil.example")];
    let path = format!("/api/watchfire/sites/{site}/reports");
    assert_eq!(owner.send(Method::POST, &path, &evil, question.to_string()).await.status, 403);
}

#[tokio::test]
async fn who_asks_too_much_is_told_when_to_go_on() {
    let (world, mut owner, site) = shop().await;
    let body = json!({"questions": vec![json!({"kind": "x"}); QUESTIONS_MAX]});
    for _ in 0..crate::reports::BURST as usize / QUESTIONS_MAX {
        assert_eq!(post(&mut owner, &site, &body).await.status, 200);
    }
    let refused = post(&mut owner, &site, &body).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after").as_str()), (429, "1"));
    assert_eq!(refused.json()["error"]["code"], "rate");
    assert_eq!(export(&mut owner, &site, "csv", &json!({"kind": "x"})).await.status, 429);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(post(&mut owner, &site, &body).await.status, 200);
    assert_eq!(post(&mut owner, &site, &body).await.status, 429);
}

#[tokio::test]
async fn the_latest_hit_is_in() {
    let (world, mut owner, site) = shop().await;
    let question = json!({"kind": "breakdown", "range": "today", "metrics": ["pageviews"]});
    for views in 2..6 {
        let answer = told(&mut owner, &site, question.clone()).await;
        assert_eq!(answer["totals"]["pageviews"], views);
        world.happened(&site, &[view(9, NOW.0, "/")]).await;
    }
}

#[tokio::test]
async fn a_panel_is_exported_as_a_file_that_harms_nobody() {
    let (_world, mut owner, site) = shop().await;
    let question = json!({"kind": "breakdown", "range": "all", "by": ["prop:item"], "metrics": ["events", "bounce-rate"]});
    let page = export(&mut owner, &site, "csv", &question).await;
    assert_eq!(page.text, "prop:item,events,bounce-rate\r\n'=1+2,1,0.0\r\n");
    assert_eq!(page.header("content-type"), "text/csv; charset=utf-8");
    let name = format!("attachment; filename=\"watchfire-{site}-report-2026-03-03.csv\"");
    assert_eq!(page.header("content-disposition"), name);
    let page = export(&mut owner, &site, "json", &question).await;
    assert_eq!(page.json()["rows"][0]["key"], json!(["=1+2"]));
    let long = json!({"kind": "breakdown", "range": "all", "by": ["page"], "filter": {"is": {"by": "page", "values": ["x".repeat(8_200)]}}});
    let refused = export(&mut owner, &site, "csv", &long).await;
    assert_eq!((refused.status.as_u16(), refused.json()["field"].as_str().unwrap()), (400, "q"));
    assert_eq!(export(&mut owner, &site, "xlsx", &question).await.json()["field"], "format");
    assert_eq!(owner.get(&format!("/api/watchfire/sites/{site}/reports/export")).await.status, 400);
}

#[tokio::test]
async fn without_scripts_the_page_has_the_headline_numbers_and_so_has_its_share_link() {
    let (_world, mut owner, site) = shop().await;
    let link = owner.post(&format!("/sites/{site}/shares"), &[("name", "wall")]).await;
    let share = link.secret_behind("/share/");
    for path in [format!("/sites/{site}/reports"), format!("/share/{share}/reports")] {
        let page = owner.get(&path).await;
        assert!(page.text.contains(r#"<a href="?plain">"#) && !page.text.contains("Last 28 days"));
        let page = owner.get(&format!("{path}?plain")).await;
        let plain = page.text.split("<noscript>").nth(1).unwrap().split("</noscript>").next().unwrap();
        for line in [
            r#"Visitors</th><td class="number">4</td><td class="number">0</td>"#,
            r#"Pageviews</th><td class="number">7</td>"#,
            r#"Views a visit</th><td class="number">1.17</td>"#,
            r#"Bounce rate</th><td class="number">66.7%</td>"#,
        ] {
            assert!(plain.contains(line), "{line} in {plain}");
        }
    }
}
