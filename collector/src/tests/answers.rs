//! Every answer of the protocol's table, and what reaches the bus.

use std::time::Duration;

use model::{HitId, HitKind, Millis, Screen, limits};
use serde_json::{Value, json};

use super::world::{Answer, Ask, FIREFOX, NOW, SITE, World, pageview};
use crate::Options;
use crate::options::VISITOR_BURST_MAX;

/// A refusal of the whole request: status and code, for every origin to see.
fn check(answer: &Answer, status: u16, code: &str) {
    let text = String::from_utf8_lossy(&answer.body);
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{text}");
    assert!(answer.is_json(), "{text}");
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{text}");
    assert!(
        answer.json()["error"]["message"].as_str().is_some_and(|sentence| sentence.ends_with('.')),
        "{text}"
    );
}

#[tokio::test]
async fn a_hit_is_on_the_bus_once_it_is_answered_and_its_address_is_not() {
    let world = World::start().await;
    let answer = world.send(vec![pageview(1, json!({ "at": NOW.0 - 400 }))]).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (202, json!({ "accepted": 1 })));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert!(answer.is_json());
    let arrivals = world.arrivals().await;
    let [arrival] = &arrivals[..] else { panic!("{arrivals:?}") };
    assert_eq!((arrival.site, arrival.received, arrival.place.country.as_str()), (SITE, NOW, "US"));
    assert_eq!((&*arrival.agent, &*arrival.language), (FIREFOX, "fr-fr"));
    assert_eq!(arrival.screen, Some(Screen { width: 1440, height: 900 }));
    assert_eq!(arrival.browser.to_string(), "9f86d081884c7d65");
    assert!(arrival.visitor_before.is_some_and(|before| before != arrival.visitor));
    assert_eq!((arrival.hits[0].id, arrival.hits[0].at), (HitId(1), Millis(NOW.0 - 400)));
    assert!(matches!(arrival.hits[0].kind, HitKind::Pageview { due_ms: Some(15_000), .. }));
    let mut message = Vec::new();
    model::hit::append_arrival(&mut message, arrival);
    assert!(!message.windows(4).any(|bytes| bytes == [8, 8, 8, 8]), "the address left the collector");
    world.end().await;
}

#[tokio::test]
async fn the_good_hits_of_a_request_are_kept_and_the_bad_ones_named() {
    let world = World::start().await;
    let bad = json!({ "url": "https://elsewhere.example/" });
    let answer =
        world.send(vec![pageview(1, json!({})), pageview(2, bad), json!(7), pageview(3, json!({}))]).await;
    let body = answer.json();
    assert_eq!((answer.status.as_u16(), &body["accepted"]), (202, &json!(2)));
    let refused: Vec<(Value, Value)> = body["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refused| (refused["index"].clone(), refused["code"].clone()))
        .collect();
    assert_eq!(refused, [(json!(1), json!("hostname")), (json!(2), json!("field"))]);
    let ids: Vec<_> = world.arrivals().await[0].hits.iter().map(|hit| hit.id.0).collect();
    assert_eq!(ids, [1, 3]);
    world.end().await;
}

#[tokio::test]
async fn requests_that_are_no_good_get_their_status_and_code() {
    let world = World::start().await;
    let text = async |body: &str| world.ask(Ask::body(body.to_owned())).await;
    check(&text("").await, 400, "malformed");
    check(&text("{").await, 400, "malformed");
    check(&text(&"[".repeat(60_000)).await, 400, "malformed");
    check(&world.ask(Ask::body(&b"{\"site\":\"\xff\"}"[..])).await, 400, "malformed");
    check(&world.send(vec![]).await, 400, "no_hits");
    let all_bad =
        world.send(vec![pageview(1, json!({ "kind": "dance" })), pageview(2, json!({ "id": "x" }))]).await;
    check(&all_bad, 400, "kind");
    assert_eq!(all_bad.json()["refused"].as_array().map(Vec::len), Some(2));
    let mut elsewhere = world.request(vec![pageview(1, json!({}))]);
    elsewhere["site"] = json!("WF-00000009");
    check(&world.ask(Ask::hits(elsewhere)).await, 404, "unknown_site");
    check(&world.send(vec![pageview(1, json!({ "agent": "x" }))]).await, 403, "token");
    assert_eq!(world.arrivals().await, []);
    world.end().await;
}

#[tokio::test]
async fn a_request_is_taken_at_its_maximum_and_refused_one_past_it() {
    let world = World::start().await;
    let hits = |count: usize| (0..count as u128).map(|id| pageview(id, json!({}))).collect::<Vec<_>>();
    let max = limits::HITS_A_REQUEST_MAX;
    assert_eq!(world.send(hits(max)).await.json(), json!({ "accepted": max }));
    check(&world.send(hits(max + 1)).await, 413, "too_many_hits");
    let padded = |bytes: usize| {
        let body = world.request(hits(1)).to_string();
        format!("{body}{}", " ".repeat(bytes - body.len()))
    };
    let max = limits::HITS_BODY_BYTES_MAX;
    world.deliver(Ask::body(padded(max))).await;
    check(&world.ask(Ask::body(padded(max + 1))).await, 413, "body_too_large");
    let stated = (max + 1).to_string();
    check(
        &world.ask(Ask::body(padded(max + 1)).with("content-length", &stated)).await,
        413,
        "body_too_large",
    );
    world.end().await;
}

#[tokio::test]
async fn a_visitor_and_a_site_that_send_too_much_are_told_when_to_come_again() {
    let options = Options { visitor_rate: 1, site_rate: 300, ..Options::default() };
    let world = World::with(options, bus::embedded::Options::default(), |sites| sites).await;
    let burst = u128::from(VISITOR_BURST_MAX) + 1;
    let mut taken = 0;
    let send = async |browser: &str, count: u128| {
        let mut request = world.request((0..count).map(|id| pageview(id, json!({}))).collect());
        request["browser"] = json!(browser);
        world.ask(Ask::hits(request)).await
    };
    let (one, other) = ("0000000000000001", "0000000000000002");
    while taken < burst {
        let count = (burst - taken).min(100);
        assert_eq!(send(one, count).await.status, 202);
        taken += count;
    }
    let refused = send(one, 1).await;
    check(&refused, 429, "visitor_rate");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(send(other, 99).await.status, 202, "another browser behind the same address");
    let refused = send(other, 1).await;
    check(&refused, 429, "site_rate");
    assert_eq!(refused.header("retry-after"), Some("1"));
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(send(one, 1).await.status, 202);
    world.end().await;
}

#[tokio::test]
async fn a_full_bus_and_a_closed_one_are_503_with_a_time_to_come_again() {
    let bus = bus::embedded::Options { bytes_max: 1, ..Default::default() };
    let world = World::with(Options::default(), bus, |sites| sites).await;
    let full = world.send(vec![pageview(1, json!({}))]).await;
    check(&full, 503, "bus_full");
    assert!(full.header("retry-after").is_some());
    world.end().await;

    let world = World::start().await;
    crate::tests::world::eventually("the shutdown takes hold", async || {
        world.shutdown.cancel();
        world.send(vec![pageview(1, json!({}))]).await.status == 503
    })
    .await;
    let stopped = world.send(vec![pageview(1, json!({}))]).await;
    check(&stopped, 503, "unavailable");
    assert!(stopped.header("retry-after").is_some());
    world.end().await;
}

#[tokio::test]
async fn what_the_site_ignores_is_taken_and_dropped() {
    let world = World::start().await;
    world
        .change_site(|site| {
            site.ignored_addresses = vec!["198.51.100.0/24".into()];
            site.ignored_paths = vec!["/admin/*".into()];
            site.honour_opt_out = true;
        })
        .await;
    let one = || Ask::hits(world.request(vec![pageview(1, json!({}))]));
    let ignored = json!({ "accepted": 0, "ignored": 1 });
    let check = async |ask: Ask, expected: &Value| {
        let answer = world.ask(ask).await;
        assert_eq!((answer.status.as_u16(), &answer.json()), (202, expected));
    };
    crate::tests::world::eventually("the change is known", async || {
        world.ask(one().with("dnt", "1")).await.json() == ignored
    })
    .await;
    check(one().from("198.51.100.9"), &ignored).await;
    check(one().from("::ffff:198.51.100.9"), &ignored).await;
    check(one().with("sec-gpc", "1"), &ignored).await;
    check(one().with("sec-gpc", "0").with("dnt", "0"), &json!({ "accepted": 1 })).await;
    let admin = pageview(2, json!({ "url": "https://shop.example/admin/users?x" }));
    let both = world.request(vec![admin, pageview(3, json!({}))]);
    check(Ask::hits(both), &json!({ "accepted": 1, "ignored": 1 })).await;
    world.end().await;
}

#[tokio::test]
async fn whoever_asks_before_it_sends_may_and_other_methods_are_named() {
    let world = World::start().await;
    let preflight = Ask { method: "OPTIONS", ..Ask::body("") }.with("access-control-request-method", "POST");
    let answer = world.ask(preflight).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-methods"), Some("POST"));
    assert_eq!(answer.header("access-control-allow-headers"), Some("content-type, authorization"));
    for (method, target, allowed) in [
        ("GET", "/v1/hits", "POST, OPTIONS"),
        ("HEAD", "/v1/hits", "POST, OPTIONS"),
        ("POST", "/v1/p.gif", "GET, HEAD"),
        ("DELETE", "/wf.js", "GET, HEAD"),
        ("PUT", "/v1/wf.js", "GET, HEAD"),
    ] {
        let answer = world.ask(Ask { method, ..Ask::get(target) }).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("allow")),
            (405, Some(allowed)),
            "{method} {target}"
        );
        if method != "HEAD" {
            check(&answer, 405, "method");
        }
    }
    world.end().await;
}

#[tokio::test]
async fn the_servers_own_demo_shop_may_report_to_its_site() {
    let world = World::start().await;
    let on = |url: &str| Ask::hits(world.request(vec![pageview(1, json!({ "url": url }))]));
    world.deliver(on(&format!("http://stats.example:8080/demo/{SITE}/cart"))).await;
    let refused = async |ask: Ask| check(&world.ask(ask).await, 400, "hostname");
    refused(on("http://stats.example/demo/WF-00000008/")).await;
    refused(on(&format!("http://stats.example/demo/{SITE}x/"))).await;
    refused(on(&format!("http://stats.example/other/{SITE}/"))).await;
    refused(on(&format!("http://stats.example/demo/{SITE}/")).with("host", "other.example")).await;
    world.end().await;
}
