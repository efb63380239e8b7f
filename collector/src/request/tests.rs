//! Tables: what is read, what is refused, and with which code.

use super::*;
use fastrand::Rng;
use serde_json::{Value, json};

const SENT: i64 = 1_772_620_200_000;
const ID: &str = "00112233445566778899aabbccddeeff";

fn site() -> Site {
    Site::new(SiteId::of(7), "Shop", &["shop.example", "xn--bcher-kva.example"], Millis(0))
}

/// For as long as the tests run, for hits borrow from their request.
fn body(hits: Vec<Value>) -> &'static [u8] {
    json!({ "site": SiteId::of(7), "sent": SENT, "hits": hits }).to_string().leak().as_bytes()
}

fn pageview(more: Value) -> Value {
    let mut hit = json!({ "id": ID, "kind": "pageview", "at": SENT, "url": "https://shop.example/tea" });
    hit.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    hit
}

/// Judged as if the request had arrived an hour after it was sent by the sender's clock.
fn judged(body: &[u8]) -> (Vec<Hit<'_>>, Vec<Refused>) {
    let site = site();
    let received = Millis(SENT + 3_600_000);
    let context = Context { site: &site, received, sent: Millis(SENT), own_hostname: Some("stats.example") };
    let request = Request::read(body).expect("the request can be read");
    let (good, bad) = request.judge(&context);
    (good.into_iter().map(|judged| judged.hit).collect(), bad)
}

fn check_refused(hit: Value, code: &str) {
    let (good, bad) = judged(body(vec![hit.clone()]));
    assert!(good.is_empty(), "{hit}");
    assert_eq!((bad[0].index, bad[0].code), (0, code), "{hit}: {}", bad[0].message);
}

fn check_taken(hit: Value) -> Hit<'static> {
    let (mut good, bad) = judged(body(vec![hit.clone()]));
    assert_eq!(bad, vec![], "{hit}");
    good.remove(0)
}

#[test]
fn every_kind_is_read_with_its_fields() {
    let taken =
        check_taken(pageview(json!({ "referrer": "https://news.example/", "title": "Tea", "due": 15_000 })));
    assert_eq!(taken.id.to_string(), ID);
    assert_eq!(
        taken.kind,
        HitKind::Pageview {
            referrer: "https://news.example/".into(),
            title: "Tea".into(),
            due_ms: Some(15_000)
        }
    );
    let beat = pageview(
        json!({ "kind": "heartbeat", "pageview": ID, "engaged": 9, "scroll": 40, "active": true, "due": 1 }),
    );
    let HitKind::Heartbeat { engaged_ms: 9, scroll: 40, active: true, due_ms: 1, .. } =
        check_taken(beat).kind
    else {
        panic!("a heartbeat")
    };
    let leave = pageview(json!({ "kind": "leave", "pageview": ID, "engaged": 0, "scroll": 0 }));
    assert!(matches!(check_taken(leave).kind, HitKind::Leave { .. }));
    let props = json!({ "s": "a\n\"b\"", "n": 8.5, "i": -3, "t": true });
    let event = pageview(json!({ "kind": "event", "name": "add", "props": props }));
    let HitKind::Event { name, props, pageview: None } = check_taken(event).kind else { panic!("an event") };
    let props: Vec<(&str, &str)> = props.iter().map(|(key, value)| (&**key, &**value)).collect();
    assert_eq!(name, "add");
    assert_eq!(props, [("i", "-3"), ("n", "8.5"), ("s", "a\n\"b\""), ("t", "true")]);
    let identify = pageview(json!({ "kind": "identify", "identity": "ada" }));
    assert!(matches!(check_taken(identify).kind, HitKind::Identify { identity, .. } if identity == "ada"));
}

#[test]
fn the_senders_clock_is_taken_out_and_nothing_happens_in_the_future() {
    let check =
        |at: i64, expected: i64| assert_eq!(check_taken(pageview(json!({ "at": at }))).at, Millis(expected));
    check(SENT, SENT + 3_600_000);
    check(SENT - 5_000, SENT + 3_600_000 - 5_000);
    check(SENT + 5_000, SENT + 3_600_000);
    check_refused(pageview(json!({ "at": i64::MIN })), "clock");
    check_refused(pageview(json!({ "at": i64::MAX })), "clock");
}

#[test]
fn every_limit_of_a_hit_holds_at_its_maximum_and_one_past_it() {
    let check = |field: &dyn Fn(usize) -> Value, max: usize, code: &str| {
        check_taken(pageview(field(max)));
        check_refused(pageview(field(max + 1)), code);
    };
    let age = limits::HIT_AGE_MAX.as_millis() as usize;
    check(&|age| json!({ "at": SENT - age as i64 }), age, "clock");
    let ahead = limits::HIT_AHEAD_MAX.as_millis() as usize;
    check(&|ahead| json!({ "at": SENT + ahead as i64 }), ahead, "clock");
    let url = |bytes: usize| format!("https://shop.example/{}", "u".repeat(bytes - 21));
    check(&|bytes| json!({ "url": url(bytes) }), limits::URL_BYTES_MAX, "too_long");
    check(&|bytes| json!({ "referrer": url(bytes) }), limits::REFERRER_BYTES_MAX, "too_long");
    check(&|due| json!({ "due": due }), limits::DUE_MAX.as_millis() as usize, "field");
    let leave = |engaged: usize, scroll: usize| json!({ "kind": "leave", "pageview": ID, "engaged": engaged, "scroll": scroll });
    check(&|engaged| leave(engaged, 0), u32::MAX as usize, "field");
    check(&|scroll| leave(0, scroll), 100, "field");
    let event =
        |name: usize, props: Value| json!({ "kind": "event", "name": "n".repeat(name), "props": props });
    check(&|bytes| event(bytes, json!({})), limits::EVENT_NAME_BYTES_MAX, "too_long");
    check(&|bytes| event(1, json!({ "k".repeat(bytes): 1 })), limits::PROP_KEY_BYTES_MAX, "too_long");
    check(&|bytes| event(1, json!({ "k": "v".repeat(bytes) })), limits::PROP_VALUE_BYTES_MAX, "too_long");
    let many = |count: usize| event(1, (0..count).map(|key| (key.to_string(), json!(key))).collect());
    check(&many, limits::PROPS_MAX, "too_many_props");
    let identity = |bytes: usize| json!({ "kind": "identify", "identity": "i".repeat(bytes) });
    check(&identity, limits::IDENTITY_BYTES_MAX, "too_long");
    check(&|bytes| json!({ "agent": "a", "language": "l".repeat(bytes) }), LANGUAGE_BYTES_MAX, "too_long");
}

#[test]
fn no_property_grows_on_its_way() {
    let taken = |value: &str| {
        let request = std::str::from_utf8(body(vec![pageview(
            json!({ "kind": "event", "name": "n", "props": { "k": 0 } }),
        )]));
        let request = request.unwrap().replace(r#"{"k":0}"#, &format!(r#"{{"k":{value}}}"#));
        let HitKind::Event { props, .. } = judged(request.as_bytes()).0.remove(0).kind else {
            panic!("an event")
        };
        props[0].1.clone()
    };
    for (sent, expected) in [
        ("8.50", "8.5"),
        ("1e300", "1e+300"),
        ("-0.001", "-0.001"),
        ("18446744073709551615", "18446744073709551615"),
    ] {
        assert_eq!(taken(sent), expected, "{sent}");
    }
}

#[test]
fn a_key_that_is_sent_twice_means_its_last_value() {
    let twice = pageview(json!({ "kind": "event", "name": "n", "props": { "a": 1, "b": 2 } }));
    let request = std::str::from_utf8(body(vec![twice])).unwrap().replace(r#""b":2"#, r#""a":2"#);
    let HitKind::Event { props, .. } = judged(request.as_bytes()).0.remove(0).kind else {
        panic!("an event")
    };
    assert_eq!(props, [("a".to_owned(), "2".to_owned())]);
}

#[test]
fn what_is_wrong_with_a_hit_is_named() {
    check_refused(pageview(json!({ "id": "no" })), "hit_id");
    check_refused(pageview(json!({ "id": null })), "hit_id");
    check_refused(pageview(json!({ "kind": "wave" })), "kind");
    check_refused(pageview(json!({ "kind": null })), "kind");
    check_refused(pageview(json!({ "at": null })), "field");
    check_refused(pageview(json!({ "at": "now" })), "field");
    check_refused(pageview(json!({ "url": null })), "field");
    check_refused(pageview(json!({ "due": 60_001 })), "field");
    check_refused(pageview(json!({ "due": -1 })), "field");
    check_refused(
        pageview(json!({ "kind": "heartbeat", "pageview": ID, "engaged": 1, "scroll": 1 })),
        "field",
    );
    check_refused(pageview(json!({ "kind": "leave", "pageview": "x", "engaged": 1, "scroll": 1 })), "hit_id");
    check_refused(pageview(json!({ "kind": "leave", "pageview": ID, "engaged": 1, "scroll": 101 })), "field");
    check_refused(
        pageview(json!({ "kind": "leave", "pageview": ID, "engaged": 4_294_967_296u64, "scroll": 1 })),
        "field",
    );
    check_refused(pageview(json!({ "kind": "event", "name": "" })), "field");
    check_refused(
        pageview(json!({ "kind": "event", "name": "e", "props": { "deep": { "er": 1 } } })),
        "field",
    );
    check_refused(pageview(json!({ "address": "nowhere" })), "field");
}

#[test]
fn addresses_of_pages_are_http_and_on_a_listed_hostname() {
    let taken = |url: &str| drop(check_taken(pageview(json!({ "url": url }))));
    taken("https://shop.example");
    taken("http://shop.example:8080/tea?x#y");
    taken("https://SHOP.example/");
    let named = check_taken(pageview(json!({ "url": "https://user:s@cret@shop.example/a@b?c#d" })));
    assert_eq!(named.url, "https://shop.example/a@b?c#d", "name and password go no further");
    taken("https://bücher.example/");
    taken("http://stats.example/demo/WF-00000007/cart");
    let refused = |url: &str, code: &str| check_refused(pageview(json!({ "url": url })), code);
    refused("", "url");
    refused("/tea", "url");
    refused("ftp://shop.example/", "url");
    refused("javascript:alert(1)", "url");
    refused("https://", "url");
    refused("https://shop.example.evil.example/", "hostname");
    refused("https://evil.example/shop.example", "hostname");
    refused("https://shop.example@evil.example/", "hostname");
    refused("http://stats.example/demo/WF-00000008/", "hostname");
    refused("http://stats.example/demo/WF-00000007x/", "hostname");
    refused("http://stats.example/demo/", "hostname");
    refused("http://stats.example/demos/WF-00000007/", "hostname");
    refused("http://[::1]/", "hostname");
}

#[test]
fn a_path_is_what_stands_between_host_and_query() {
    let check = |url: &str, expected: &str| assert_eq!(path_of(url), expected, "{url}");
    check("https://shop.example", "/");
    check("https://shop.example/", "/");
    check("https://shop.example/a/b?c=/d#e", "/a/b");
    check("https://shop.example?c", "/");
    check("https://shop.example#x", "/");
}

#[test]
fn a_title_is_cut_at_a_character() {
    let HitKind::Pageview { title, .. } = check_taken(pageview(json!({ "title": "é".repeat(200) }))).kind
    else {
        panic!("a pageview")
    };
    assert_eq!(title, "é".repeat(limits::TITLE_BYTES_MAX / 2));
}

#[test]
fn one_bad_hit_costs_no_other() {
    let broken = json!({ "id": 7, "kind": [] });
    let (good, bad) = judged(body(vec![pageview(json!({})), broken, pageview(json!({})), json!("text")]));
    assert_eq!(good.len(), 2);
    assert_eq!(
        bad.iter().map(|refused| (refused.index, refused.code)).collect::<Vec<_>>(),
        [(1, "field"), (3, "field")]
    );
}

#[test]
fn requests_that_cannot_be_read_say_why() {
    let check = |body: &[u8], expected: fn(&Unreadable) -> bool| {
        let unreadable = Request::read(body).err().expect("it cannot be read");
        assert!(expected(&unreadable), "{}: {unreadable:?}", String::from_utf8_lossy(body));
    };
    let malformed: fn(&Unreadable) -> bool = |unreadable| matches!(unreadable, Unreadable::Malformed(_));
    for bad in [&b""[..], b"{", b"[]", b"null", b"\xff\xfe", b"{\"site\":\"x\",\"sent\":1,\"hits\":[{}]}"] {
        check(bad, malformed);
    }
    check(&b"[".repeat(60_000), malformed);
    check(body(vec![]), |unreadable| *unreadable == Unreadable::NoHits);
    check(body(vec![json!({}); 101]), |unreadable| *unreadable == Unreadable::TooManyHits);
    assert!(Request::read(body(vec![json!({}); 100])).is_ok());
    for (field, value) in [("browser", "short"), ("visitor", "short"), ("screen", "0x9"), ("screen", "big")] {
        let mut request: Value = serde_json::from_slice(body(vec![json!({})])).unwrap();
        request[field] = json!(value);
        check(request.to_string().as_bytes(), malformed);
    }
}

#[test]
fn a_refusal_never_repeats_what_was_sent() {
    let (_, bad) = judged(body(vec![json!({ "id": { "secret-word": 1 } }), json!({ "at": "secret-word" })]));
    assert!(bad.iter().all(|refused| !refused.message.contains("secret-word")), "{bad:?}");
}

#[test]
fn mutated_bodies_never_panic() {
    let mut rng = Rng::with_seed(20_261_121);
    let whole =
        body(vec![
            pageview(json!({ "title": "Tea", "props": { "a": 1 }, "agent": "x", "address": "::1" }));
            3
        ]);
    for _ in 0..5_000 {
        let mut body = whole.to_vec();
        for _ in 0..rng.usize(1..6) {
            let at = rng.usize(0..body.len());
            match rng.u8(0..3) {
                0 => body[at] ^= 1 << rng.u8(0..8),
                1 => body.truncate(at.max(1)),
                _ => body[at] = rng.u8(..),
            }
        }
        if let Ok(request) = Request::read(&body) {
            let (site, received) = (site(), Millis(SENT));
            let context = Context { site: &site, received, sent: request.sent, own_hostname: None };
            request.judge(&context);
        }
    }
}
