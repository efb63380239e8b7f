//! Every limit of the door at its maximum and one past it; hostile bodies; slow and half-dead clients.

use std::time::{Duration, Instant};

use bytes::Bytes;
use fastrand::Rng;
use hyper::Method;
use model::{SiteId, limits};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use world::tag::fresh_id;
use world::{Program, Size, Tag, World, eventually};

use crate::sizes::on_both_sizes;

on_both_sizes! {
    every_limit_of_a_hit_holds_at_its_maximum_and_one_past_it,
    every_limit_of_a_request_holds_at_its_maximum_and_one_past_it,
    bad_hits_are_named_by_index_and_the_good_ones_are_kept,
    requests_that_cannot_be_read_get_the_right_status_and_code,
    a_slow_body_a_huge_head_and_a_half_sent_head_end_and_others_are_served_meanwhile,
    what_a_site_ignores_is_taken_and_dropped_and_said,
}

/// Requests of the mutation test.
const MUTATIONS: usize = 10_000;

async fn refused(tag: &Tag, hit: Value) -> String {
    let answer = tag.send(vec![hit]).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["refused"][0]["index"], 0, "{body}");
    body["refused"][0]["code"].as_str().unwrap_or_default().to_owned()
}

/// The hit is taken at the maximum, and refused with the code one past it.
async fn check(tag: &Tag, at_max: Value, past_max: Value, code: &str) {
    tag.deliver(vec![at_max]).await;
    assert_eq!(refused(tag, past_max).await, code);
}

async fn every_limit_of_a_hit_holds_at_its_maximum_and_one_past_it(size: Size) {
    let world = World::start(size).await;
    let site = world.site().await;
    let tag = world.visitor(site, "198.51.100.1");
    let now = tag.now().0;
    let of = |more: Value| tag.hit("pageview", more);
    let url = |bytes: usize| format!("https://shop.example/{}", "u".repeat(bytes - 21));
    let event =
        |name: usize, props: Value| tag.hit("event", json!({ "name": "n".repeat(name), "props": props }));
    let props = |count: usize| {
        (0..count).map(|index| (index.to_string(), json!(1))).collect::<serde_json::Map<_, _>>()
    };
    let long = "too_long";

    let at = |offset: i64| of(json!({ "at": now + offset }));
    let age = limits::HIT_AGE_MAX.as_millis() as i64;
    let ahead = limits::HIT_AHEAD_MAX.as_millis() as i64;
    check(&tag, at(-age), at(-age - 1), "clock").await;
    check(&tag, at(ahead), at(ahead + 1), "clock").await;

    let max = limits::URL_BYTES_MAX;
    check(&tag, of(json!({ "url": url(max) })), of(json!({ "url": url(max + 1) })), long).await;
    let max = limits::REFERRER_BYTES_MAX;
    let referrer = |bytes| of(json!({ "referrer": url(bytes) }));
    check(&tag, referrer(max), referrer(max + 1), long).await;
    let max = limits::EVENT_NAME_BYTES_MAX;
    check(&tag, event(max, json!({})), event(max + 1, json!({})), long).await;
    let max = limits::PROPS_MAX;
    check(&tag, event(1, props(max).into()), event(1, props(max + 1).into()), "too_many_props").await;
    let max = limits::PROP_KEY_BYTES_MAX;
    let key = |bytes: usize| event(1, json!({ "k".repeat(bytes): 1 }));
    check(&tag, key(max), key(max + 1), long).await;
    let max = limits::PROP_VALUE_BYTES_MAX;
    let value = |bytes: usize| event(1, json!({ "k": "v".repeat(bytes) }));
    check(&tag, value(max), value(max + 1), long).await;
    let max = limits::IDENTITY_BYTES_MAX;
    let identity = |bytes: usize| tag.hit("identify", json!({ "identity": "i".repeat(bytes) }));
    check(&tag, identity(max), identity(max + 1), long).await;
    let due = limits::DUE_MAX.as_millis() as u64;
    check(&tag, of(json!({ "due": due })), of(json!({ "due": due + 1 })), "field").await;
    let scroll =
        |percent: u32| tag.hit("leave", json!({ "pageview": fresh_id(), "engaged": 1, "scroll": percent }));
    check(&tag, scroll(100), scroll(101), "field").await;

    // A title is cut, not refused.
    tag.deliver(vec![of(json!({ "title": "t".repeat(limits::TITLE_BYTES_MAX + 1) }))]).await;
    world.end().await;
}

async fn every_limit_of_a_request_holds_at_its_maximum_and_one_past_it(size: Size) {
    let world = World::start(size).await;
    let site = world.site().await;
    let tag = world.visitor(site, "198.51.100.1");
    let hits = |count: usize| (0..count).map(|_| tag.hit("pageview", json!({}))).collect::<Vec<_>>();
    tag.deliver(hits(limits::HITS_A_REQUEST_MAX)).await;
    let answer = tag.send(hits(limits::HITS_A_REQUEST_MAX + 1)).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (413, "too_many_hits"));

    let padded = |bytes: usize| {
        let mut body = tag.request(hits(1)).to_string();
        let missing = bytes - body.len();
        body.push_str(&" ".repeat(missing));
        Bytes::from(body)
    };
    let answer = tag.send_body(padded(limits::HITS_BODY_BYTES_MAX)).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let answer = tag.send_body(padded(limits::HITS_BODY_BYTES_MAX + 1)).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (413, "body_too_large"));
    world.end().await;
}

async fn bad_hits_are_named_by_index_and_the_good_ones_are_kept(size: Size) {
    let world = World::start(size).await;
    let site = world.site().await;
    let tag = world.visitor(site, "198.51.100.1");
    let good = || tag.hit("pageview", json!({}));
    let bad = [
        (json!({ "id": "short" }), "hit_id"),
        (json!({ "kind": "dance" }), "kind"),
        (json!({ "url": "https://elsewhere.example/" }), "hostname"),
        (json!({ "url": "javascript:alert(1)" }), "url"),
        (json!({ "url": 7 }), "field"),
        (json!({ "at": "yesterday" }), "field"),
    ];
    for (fields, code) in bad {
        let answer = tag.send(vec![good(), tag.hit("pageview", fields), good()]).await;
        let body = answer.json();
        let named = (&body["accepted"], &body["refused"][0]["index"], &body["refused"][0]["code"]);
        assert_eq!((answer.status.as_u16(), named), (202, (&json!(2), &json!(1), &json!(code))), "{body}");
    }
    assert_eq!(world.tail(site).await["all"]["pageviews"], 12);
    world.end().await;
}

async fn requests_that_cannot_be_read_get_the_right_status_and_code(size: Size) {
    let world = World::start(size).await;
    let site = world.site().await;
    let tag = world.visitor(site, "198.51.100.1");
    let check = async |body: &str, status: u16, code: &str| {
        let answer = tag.send_body(Bytes::from(body.to_owned())).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (status, code),
            "{body}: {}",
            answer.text()
        );
    };
    check("", 400, "malformed").await;
    check("{", 400, "malformed").await;
    check("[]", 400, "malformed").await;
    check(&"[".repeat(60_000), 400, "malformed").await;
    check(&json!({ "site": site, "sent": 1 }).to_string(), 400, "no_hits").await;
    check(&json!({ "site": site, "sent": 1, "hits": [] }).to_string(), 400, "no_hits").await;
    let elsewhere = SiteId::of(site.value() ^ 1);
    let hits = vec![tag.hit("pageview", json!({}))];
    check(&json!({ "site": elsewhere, "sent": tag.now(), "hits": hits }).to_string(), 404, "unknown_site")
        .await;
    let stated = vec![tag.hit("pageview", json!({ "address": "192.0.2.1" }))];
    check(&json!({ "site": site, "sent": tag.now(), "hits": stated }).to_string(), 403, "token").await;
    world.end().await;
}

/// Of the journal alone: RabbitMQ's queues are filled in the contract suite of the bus.
#[tokio::test]
async fn a_full_bus_answers_503_with_retry_after() {
    let world = World::with(Size::Embedded, world::world::A_MORNING, &["--bus-bytes-max", "1"]).await;
    let site = world.site().await;
    let tag = world.visitor(site, "198.51.100.1");
    let answer = tag.send(vec![tag.hit("pageview", json!({}))]).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "bus_full"));
    assert!(answer.headers.contains_key("retry-after"));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_mutated_requests_never_yield_a_server_error_and_memory_stays_flat() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &["--visitor-rate", "1000000"]).await;
    let person = world::Person::new(program.address);
    let site = crate::crash::set_up(program.set_up_path.as_deref(), &person).await;
    let other = world::Person::new(program.address);
    let tag = Tag::new(other, std::sync::Arc::new(model::SystemClock), site, "198.51.100.1", 1);
    let mut taken = 0;
    let mut resident_early = 0;
    for round in 0..MUTATIONS {
        let body = mutated(&tag, &mut rng);
        let path = [
            "/v1/hits",
            "/v1/hits",
            "/v1/hits",
            "/sign-in",
            "/v1/p.gif?site=",
            "/api/watchfire/live/now?topic=",
        ];
        let path = path[rng.usize(0..path.len())];
        let method = if path.contains('?') { Method::GET } else { Method::POST };
        let path = if path.contains('?') { format!("{path}{}", query(&body)) } else { path.to_owned() };
        // The server may close a connection on a head that it will not read; it must not fail.
        if let Ok(answer) = person.try_send(method, &path, &[("x-forwarded-for", "198.51.100.9")], body).await
        {
            let status = answer.status.as_u16();
            taken += u32::from(status == 202);
            assert!(status < 500 || status == 503, "{status} on {path}, seed {seed}, round {round}");
        }
        if round == MUTATIONS / 5 {
            resident_early = resident_bytes(program.pid());
        }
    }
    assert!(taken > 500, "only {taken} requests came through: the rest of the pipeline met nothing");
    let grown = resident_bytes(program.pid()).saturating_sub(resident_early);
    assert!(grown < 16 << 20, "memory grew by {grown} bytes");
    assert_eq!(panics(&program).await, 0);
    assert!(program.terminate(Duration::from_secs(10)).await);
}

/// A request body with bits flipped, cut short, nested deep, or not in UTF-8; one in five is whole,
/// so that the rest of the pipeline has work between what is refused at the door.
fn mutated(tag: &Tag, rng: &mut Rng) -> Bytes {
    let hits =
        (0..rng.usize(1..4)).map(|_| tag.hit("pageview", json!({ "title": "Tea", "due": 15_000 }))).collect();
    let mut body = tag.request(hits).to_string().into_bytes();
    let mutations = if rng.u8(0..5) == 0 { 0 } else { rng.usize(1..8) };
    for _ in 0..mutations {
        let at = rng.usize(0..body.len());
        match rng.u8(0..6) {
            0 => body[at] ^= 1 << rng.u8(0..8),
            1 => body.truncate(at.max(1)),
            2 => body[at] = rng.u8(0x80..),
            3 => {
                let deep = b"[{\"a\":".repeat(rng.usize(1..500));
                body.splice(at..at, deep);
            }
            4 => body[at] = *b"{}[]\",:\\0e-"[rng.usize(0..11)..].first().unwrap_or(&0),
            _ => {
                let copy = body[at..].to_vec();
                body.extend(copy);
            }
        }
        body.truncate(limits::HITS_BODY_BYTES_MAX + 100);
    }
    Bytes::from(body)
}

fn query(body: &[u8]) -> String {
    body.iter().take(300).map(|byte| format!("%{byte:02x}")).collect()
}

fn resident_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the program runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a resident size");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") * 1024
}

async fn panics(program: &Program) -> u64 {
    let text = world::Person::new(program.metrics).get("/metrics").await.text();
    let line = text.lines().find(|line| line.starts_with("watchfire_panics_total"));
    line.and_then(|line| line.split_whitespace().last()?.parse().ok()).unwrap_or(0)
}

async fn a_slow_body_a_huge_head_and_a_half_sent_head_end_and_others_are_served_meanwhile(size: Size) {
    let world = World::start(size).await;
    let site = world.site().await;
    let began = Instant::now();
    let slow = slow_body(&world).await;
    let half = half_head(&world).await;
    let mut huge = TcpStream::connect(world.collector()).await.expect("the server listens");
    let head = format!("GET / HTTP/1.1\r\nhost: x\r\nx-big: {}\r\n\r\n", "x".repeat(64 * 1024));
    let _ = huge.write_all(head.as_bytes()).await;
    assert!(answer_of(huge).await.starts_with("HTTP/1.1 431"));
    world.visitor(site, "198.51.100.1").show("/").await;
    assert!(began.elapsed() < Duration::from_secs(8), "others waited");
    let slow = answer_of(slow).await;
    assert!(slow.starts_with("HTTP/1.1 408") && slow.contains("slow_body"), "{slow}");
    let half = answer_of(half).await;
    assert!(half.is_empty() || half.starts_with("HTTP/1.1 408"), "{half}");
    world.end().await;
}

async fn slow_body(world: &World) -> TcpStream {
    let mut socket = TcpStream::connect(world.collector()).await.expect("the server listens");
    socket
        .write_all(b"POST /v1/hits HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n{\"site\":")
        .await
        .expect("the server reads");
    socket
}

async fn half_head(world: &World) -> TcpStream {
    let mut socket = TcpStream::connect(world.collector()).await.expect("the server listens");
    socket.write_all(b"GET / HTTP/1.1\r\nhost:").await.expect("the server reads");
    socket
}

/// Everything the server says until it closes.
async fn answer_of(mut socket: TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(40), async {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = socket.read(&mut buffer).await {
            answer.extend_from_slice(&buffer[..count]);
        }
    });
    assert!(read.await.is_ok(), "the server never closed");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn what_a_site_ignores_is_taken_and_dropped_and_said(size: Size) {
    let world = World::start(size).await;
    let lists =
        [("ignored_addresses", "198.51.100.0/24"), ("ignored_paths", "/admin/*"), ("honour_opt_out", "on")];
    let site = world.site_with(&lists).await;
    let ignored = json!({ "accepted": 0, "ignored": 1 });
    let own = world.visitor(site, "198.51.100.7");
    assert_eq!(own.send(vec![own.hit("pageview", json!({}))]).await.json(), ignored);
    let mut guest = world.visitor(site, "203.0.113.9");
    let admin = guest.hit("pageview", json!({ "url": "https://shop.example/admin/users" }));
    assert_eq!(guest.send(vec![admin]).await.json(), ignored);
    guest.headers.push(("sec-gpc", "1".into()));
    assert_eq!(guest.send(vec![guest.hit("pageview", json!({}))]).await.json(), ignored);
    guest.headers.clear();
    guest.show("/").await;
    eventually("one pageview", || async { (world.tail(site).await["all"]["pageviews"] == 1).then_some(()) })
        .await;
    world.end().await;
}
