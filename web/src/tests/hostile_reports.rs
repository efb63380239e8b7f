//! Questions that are no questions, and those that cost as much as one may.

use std::time::{Duration, Instant};

use archive::Limits;
use axum::http::Method;
use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::past::{event, view};
use super::reports_api::post;
use super::{Browser, NOW, Page, World};

const MALFORMED: usize = 5_000;

/// A question that is good.
fn good(rng: &mut Rng) -> Value {
    let filter = json!({"and": [{"is": {"by": "page", "values": ["/"]}}, {"not": {"visit": {"matches": {"by": "event", "pattern": "^a+"}}}}]});
    match rng.u8(..3) {
        0 => {
            json!({"kind": "breakdown", "range": "7d", "by": ["page"], "metrics": ["visits"], "filter": filter, "limit": 10, "offset": 0})
        }
        1 => {
            json!({"kind": "breakdown", "range": {"from": "2026-03-01", "to": "2026-03-04"}, "bucket": "day", "compare": "year"})
        }
        _ => json!({"kind": "funnel", "range": "28d", "steps": [filter], "window_ms": 1_000}),
    }
}

/// Makes it one that cannot be good.
fn spoilt(rng: &mut Rng) -> Vec<u8> {
    let mut question = good(rng);
    let fields = question.as_object_mut().unwrap();
    let (name, odd, filter) = (word(rng), nonsense(rng), bad_filter(rng));
    let kind = rng.u8(..14);
    match kind {
        0 => drop(fields.remove(rng.choice(["kind", "range"]).unwrap())),
        1 => drop(fields.insert(word(rng), nonsense(rng))),
        2 => drop(fields.insert(
            "range".into(),
            any_of(
                rng,
                &[
                    json!("8d"),
                    json!([]),
                    json!({"from": 5}),
                    json!({"from": 5, "to": 4}),
                    json!({"from": -1, "to": 4}),
                    json!({"from": "2026-02-30", "to": "2026-03-01"}),
                    json!({"from": 1e300, "to": 1e301}),
                    json!(null),
                    json!({"from": i64::MIN, "to": i64::MAX}),
                ],
            ),
        )),
        3 => drop(fields.insert("filter".into(), bad_filter(rng))),
        4 => drop(fields.insert("bots".into(), nonsense(rng))),
        5 => {
            *fields = with(
                json!({"kind": "breakdown", "range": "7d"}),
                "metrics",
                any_of(
                    rng,
                    &[
                        json!([]),
                        json!(["visits", "visits"]),
                        json!("visits"),
                        json!([name]),
                        json!(["converted"]),
                    ],
                ),
            )
        }
        6 => {
            *fields = with(
                json!({"kind": "breakdown", "range": "7d"}),
                "by",
                any_of(
                    rng,
                    &[
                        json!(["page", "page", "page"]),
                        json!([name]),
                        json!(["prop:"]),
                        json!({"page": 1}),
                        json!([odd, 7]),
                    ],
                ),
            )
        }
        7 => {
            *fields = with(
                json!({"kind": "breakdown", "range": "7d"}),
                rng.choice(["limit", "offset"]).unwrap(),
                any_of(
                    rng,
                    &[json!(-1), json!(4_000_001), json!(1.5), json!("1"), json!(u64::MAX), json!(1e99)],
                ),
            )
        }
        8 => {
            *fields = with(
                json!({"kind": "breakdown", "range": "7d"}),
                rng.choice(["bucket", "compare", "sort", "goal"]).unwrap(),
                any_of(rng, &[json!(name), json!(7), json!({"x": 1}), json!([1, 2])]),
            )
        }
        9 => {
            *fields = with(
                json!({"kind": "funnel", "range": "7d", "steps": [{"is": {"by": "page", "values": ["/"]}}]}),
                "window_ms",
                any_of(rng, &[json!(0), json!(-5), json!(34_560_000_001_i64), json!("1"), json!(null)]),
            )
        }
        10 => {
            *fields = with(
                json!({"kind": "funnel", "range": "7d", "window_ms": 5}),
                "steps",
                any_of(
                    rng,
                    &[
                        json!([]),
                        json!([1]),
                        json!({}),
                        json!(vec![json!({"is": {"by": "page", "values": []}}); 11]),
                        json!([filter]),
                    ],
                ),
            )
        }
        _ => return garbage(rng, &question),
    }
    question.to_string().into_bytes()
}

fn with(question: Value, name: &str, value: Value) -> Map<String, Value> {
    let mut fields = question.as_object().unwrap().clone();
    fields.insert(name.to_owned(), value);
    fields
}

fn any_of(rng: &mut Rng, values: &[Value]) -> Value {
    values[rng.usize(..values.len())].clone()
}

/// No name of anything.
fn word(rng: &mut Rng) -> String {
    let long = "x".repeat(3_000);
    let letters = ["q", "ж", "=", "'", "\u{202E}", "\u{0}", "%", "$where", "../", "{{7*7}}", long.as_str()];
    format!("q{}", (0..rng.usize(1..5)).map(|_| letters[rng.usize(..letters.len())]).collect::<String>())
}

fn nonsense(rng: &mut Rng) -> Value {
    let text = word(rng);
    any_of(rng, &[json!(7), json!(-1.5), json!(text), json!([[]]), json!({"a": {"b": []}}), json!(true)])
}

fn bad_filter(rng: &mut Rng) -> Value {
    let is = json!({"is": {"by": "page", "values": ["/"]}});
    let depth = rng.usize(7..60);
    let deep = (1..depth).fold(is.clone(), |inner, _| json!({"not": inner}));
    let text = word(rng);
    any_of(
        rng,
        &[
            deep,
            json!({"or": vec![is.clone(); 36]}),
            json!({"is": {"by": text, "values": ["/"]}}),
            json!({"is": {"by": "page", "values": "/"}}),
            json!({"is": {"by": "page", "values": vec!["x"; 1_001]}}),
            json!({"is": {"by": "page", "values": ["x".repeat(2_049)]}}),
            json!({"is": {"by": "page"}}),
            json!({"is": {"by": "page", "values": [], "also": 1}}),
            json!({"matches": {"by": "page", "pattern": "(a"}}),
            json!({"matches": {"by": "page", "pattern": "x".repeat(2_049)}}),
            json!({"matches": {"by": "page", "pattern": "((a{0,1000}){0,1000}){0,1000}"}}),
            json!({"matches": {"by": "page", "pattern": format!("{}a{}", "(".repeat(60), ")".repeat(60))}}),
            json!({"matches": {"by": "page", "pattern": "(?=a)"}}),
            json!({"not": [is.clone()]}),
            json!({"and": is}),
            json!([]),
            json!({}),
            json!({"is": 1, "not": 2}),
            json!("page is /"),
        ],
    )
}

/// No JSON, or none of the two shapes.
fn garbage(rng: &mut Rng, question: &Value) -> Vec<u8> {
    let text = question.to_string().into_bytes();
    match rng.u8(..8) {
        0 => text[..rng.usize(..text.len())].to_vec(),
        1 => (0..rng.usize(0..300)).map(|_| rng.u8(0x80..)).collect(),
        2 => "[".repeat(rng.usize(1..50_000)).into_bytes(),
        3 => "{\"filter\":{\"not\":".repeat(rng.usize(1..3_000)).into_bytes(),
        4 => json!([question]).to_string().into_bytes(),
        5 => json!({"questions": []}).to_string().into_bytes(),
        6 => json!({"questions": vec![question; 17]}).to_string().into_bytes(),
        _ => json!({"questions": [question], "range": "7d"}).to_string().into_bytes(),
    }
}

fn check_refused(page: &Page, asked: &[u8]) {
    let asked = String::from_utf8_lossy(&asked[..asked.len().min(400)]).into_owned();
    assert!(page.status.is_client_error(), "{} {asked} {}", page.status, page.text);
    let message = page.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
    let is_sentence = message.ends_with('.') && message.contains(' ') && message.len() < 2_000;
    assert!(is_sentence, "{asked}: {message}");
}

#[tokio::test]
async fn five_thousand_malformed_questions_are_each_refused_with_a_sentence() {
    let seed =
        std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    world.happened(&site, &[view(1, NOW.0, "/")]).await;
    let path = format!("/api/watchfire/sites/{site}/reports");
    for _ in 0..MALFORMED {
        world.clock.advance(Duration::from_secs(8));
        let asked = spoilt(&mut rng);
        let page = owner.send(Method::POST, &path, &[], asked.clone()).await;
        check_refused(&page, &asked);
    }
}

#[tokio::test]
async fn whatever_is_exported_or_too_large_is_refused_with_a_sentence() {
    let mut rng = Rng::with_seed(7);
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    for _ in 0..200 {
        world.clock.advance(Duration::from_secs(8));
        let asked = spoilt(&mut rng);
        let query: String = url::form_urlencoded::byte_serialize(&asked).take(6_000).collect();
        let page = owner.get(&format!("/api/watchfire/sites/{site}/reports/export?q={query}")).await;
        check_refused(&page, &asked);
    }
    let question = json!({"kind": "breakdown", "range": "7d"}).to_string();
    let fits = format!("{}{question}", " ".repeat(crate::fields::BODY_BYTES_MAX - question.len()));
    assert_eq!(post(&mut owner, &site, &fits).await.status, 200);
    let page = post(&mut owner, &site, format!(" {fits}")).await;
    assert_eq!((page.status.as_u16(), &page.json()["error"]["code"]), (413, &json!("body_too_large")));
}

/// Many pages, visitors and events.
async fn busy(limits: Limits) -> (World, Browser, String) {
    let (world, mut owner) = World::with_limits(limits).await;
    let site = owner.add_site("Shop").await;
    let mut rng = Rng::with_seed(3);
    let mut hits = Vec::new();
    for number in 0..20_000_u64 {
        let at = NOW.0 - rng.i64(0..28 * 86_400_000);
        let visitor = rng.u64(1..5_000);
        hits.push(view(visitor, at, &format!("/{}/{}", number % 7_000, "a".repeat(rng.usize(..60)))));
        if number % 5 == 0 {
            hits.push(event(visitor, at + 1, "order", &[("item", &number.to_string())]));
        }
    }
    world.happened(&site, &hits).await;
    (world, owner, site)
}

/// As dear as the language lets a question be.
fn dearest() -> Vec<Value> {
    let matches = |by: &str| json!({"matches": {"by": by, "pattern": "(a+|b+)*[^x]{1,60}.*a$"}});
    let wide = json!({"or": (0..35).map(|_| json!({"visitor": {"matches": {"by": "page", "pattern": "(a|aa)+$"}}})).take(17).collect::<Vec<_>>()});
    let all = [
        "visitors",
        "visits",
        "pageviews",
        "events",
        "views-a-visit",
        "bounce-rate",
        "visit-duration",
        "engaged-time",
        "scroll-depth",
        "revenue",
        "converted",
        "conversions",
        "conversion-rate",
        "goal-revenue",
    ];
    vec![
        json!({"kind": "breakdown", "range": "all", "by": ["page", "prop:item"], "metrics": all, "goal": matches("event"), "limit": 10_000, "compare": "year"}),
        json!({"kind": "breakdown", "range": "28d", "by": ["page", "hour"], "metrics": ["visitors"], "bucket": "day", "limit": 10_000}),
        json!({"kind": "breakdown", "range": {"from": 1_771_000_000_000_i64, "to": 1_772_190_000_000_i64}, "by": ["page"], "metrics": ["visitors"], "bucket": "minute", "limit": 20}),
        json!({"kind": "breakdown", "range": {"from": 0, "to": 7_258_118_400_000_i64}, "by": ["page"], "bucket": "quarter", "metrics": ["visitors"], "limit": 500, "filter": wide}),
        json!({"kind": "breakdown", "range": "12mo", "by": ["new-or-returning", "weekday"], "metrics": all, "goal": wide, "filter": matches("title")}),
        json!({"kind": "retention", "range": "all", "unit": "day", "periods": 60, "filter": wide}),
        json!({"kind": "journeys", "range": "all", "direction": "previous", "depth": 5, "limit": 20, "filter": wide}),
        json!({"kind": "funnel", "range": "all", "steps": vec![matches("page"); 10], "window_ms": 34_560_000_000_i64, "filter": wide}),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dearest_questions_are_answered_or_end_by_their_limits() {
    let (_world, mut owner, site) = busy(Limits::default()).await;
    for question in dearest() {
        let page = post(&mut owner, &site, &question).await;
        let code = page.json()["error"]["code"].as_str().unwrap_or("answered").to_owned();
        assert!(
            ["answered", "memory", "too_long", "limit"].contains(&code.as_str()),
            "{question} {}",
            page.text
        );
        assert!(page.text.len() < 64 << 20, "{}", page.text.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_without_time_ends_at_once_and_says_so() {
    let limits = Limits { report_time: Duration::ZERO, ..Limits::default() };
    let (_world, mut owner, site) = busy(limits).await;
    for question in dearest() {
        let began = Instant::now();
        let page = post(&mut owner, &site, &question).await;
        assert_eq!(
            (page.status.as_u16(), &page.json()["error"]["code"]),
            (503, &json!("too_long")),
            "{}",
            page.text
        );
        assert!(began.elapsed() < Duration::from_secs(60), "{question}");
    }
    let page = post(&mut owner, &site, json!({"questions": dearest()})).await;
    let answers = page.json()["answers"].as_array().unwrap().clone();
    assert!(answers.iter().all(|answer| answer["error"]["code"] == "too_long"), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_without_memory_is_refused_and_says_so() {
    let limits = Limits { report_bytes: 10_000, ..Limits::default() };
    let (_world, mut owner, site) = busy(limits).await;
    let page = post(&mut owner, &site, json!({"kind": "breakdown", "range": "all", "by": ["page"]})).await;
    let told = page.json();
    assert_eq!((page.status.as_u16(), &told["error"]["code"]), (400, &json!("memory")), "{told}");
    assert!(told["error"]["message"].as_str().unwrap().contains("10000 bytes"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_to_a_full_house_is_told_to_come_again() {
    let limits = Limits { at_once: 1, waiting: 0, ..Limits::default() };
    let (_world, mut owner, site) = busy(limits).await;
    let page = post(&mut owner, &site, json!({"kind": "breakdown", "range": "7d"})).await;
    assert_eq!((page.status.as_u16(), &page.json()["error"]["code"]), (503, &json!("busy")), "{}", page.text);
    assert_eq!(page.header("retry-after"), "2");
}
