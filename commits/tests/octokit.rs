//! Every example payload that GitHub's own package publishes (npm `@octokit/webhooks-examples`): signed, it is read; changed, refused.

use std::path::Path;

use commits::{Change, Event, Forge, PlaceKind, Refused, verified};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName};
use model::Millis;
use serde_json::Value;
use sha2::Sha256;

const SECRET: &str = "It's a Secret to Everybody";
const NOW: Millis = Millis(1_800_000_000_000);
/// Those of github.com; the others of the package are of its older servers.
const EXAMPLES: &str = "../node_modules/@octokit/webhooks-examples/api.github.com/index.json";

/// Event and body; nothing where the package is not installed.
fn examples() -> Vec<(String, Vec<u8>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(EXAMPLES);
    let Ok(text) = std::fs::read(&path) else {
        eprintln!("not tested: {} is not there; `npm ci` brings it", path.display());
        return Vec::new();
    };
    let events: Vec<Value> = serde_json::from_slice(&text).expect("the examples are JSON");
    let examples = events.iter().flat_map(|event| {
        let name = event["name"].as_str().expect("an event has a name");
        event["examples"]
            .as_array()
            .into_iter()
            .flatten()
            .map(move |example| (name.to_owned(), example.to_string()))
    });
    examples.map(|(name, example)| (name, example.into_bytes())).collect()
}

fn headers(event: &str, number: usize, body: &[u8]) -> HeaderMap {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key has any length");
    mac.update(body);
    let signature: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let delivery = format!("delivery-{number}");
    let signature = format!("sha256={signature}");
    let pairs = [
        ("x-github-event", event),
        ("x-github-delivery", &delivery),
        ("x-hub-signature-256", &signature),
        ("content-type", "application/json"),
    ];
    let value = |text: &str| text.parse().expect("a header's value");
    pairs.into_iter().map(|(name, text)| (HeaderName::from_static(name), value(text))).collect()
}

#[test]
fn every_example_is_read_and_pushes_are_told() {
    let examples = examples();
    let (mut pushes, mut releases, mut lines) = (0, 0, Vec::new());
    for (number, (name, body)) in examples.iter().enumerate() {
        let headers = headers(name, number, body);
        let delivery = verified(&headers, body, SECRET, NOW).unwrap();
        assert_eq!((delivery.forge, delivery.id.clone()), (Forge::GitHub, format!("delivery-{number}")));
        let events = delivery.events().unwrap_or_else(|refused| panic!("{name} {number}: {refused}"));
        for event in &events {
            assert!(event.repository().name.contains('/'), "{event:?}");
            lines.push(event.told().markdown(8_192));
        }
        match (name.as_str(), &events[..]) {
            ("push", [Event::Push(push)]) => {
                pushes += 1;
                let is_tag = push.place.kind == PlaceKind::Tag;
                assert!(is_tag || push.commits.len() == 1);
                assert!(matches!(push.change, Change::Made | Change::Deleted));
            }
            ("push", other) => panic!("{other:?}"),
            ("release", [Event::Release(_)]) => releases += 1,
            (_, other) => assert_eq!(other, [], "{name}"),
        }
    }
    if !examples.is_empty() {
        assert!(examples.len() >= 329, "{}", examples.len());
        assert_eq!(pushes, 7);
        assert!(releases > 0);
        let of = "of [Codertocat/Hello-World](https://github.com/Codertocat/Hello-World)";
        let commit =
            "https://github.com/Codertocat/Hello-World/commit/6113728f27ae82c7b1a177c8d03f9e96e0adf246";
        for expected in [
            format!("**Codertocat** made tag `simple-tag` at `6113728` {of}"),
            format!("**Codertocat** deleted tag `simple-tag` {of}"),
            format!(
                "**Codertocat** pushed 1 commit to new branch `master` {of}\n- [6113728]({commit}) `Initial commit` · **Codertocat**"
            ),
        ] {
            assert!(lines.contains(&expected), "{expected}\n{lines:#?}");
        }
    }
}

#[test]
fn an_example_with_one_byte_changed_is_refused() {
    for (number, (name, body)) in examples().into_iter().enumerate() {
        let headers = headers(&name, number, &body);
        let mut random = fastrand::Rng::with_seed(number as u64);
        let mut changed = body.clone();
        changed[random.usize(..body.len())] ^= 1 << random.u8(..8);
        assert_eq!(verified(&headers, &changed, SECRET, NOW).unwrap_err(), Refused::Signature, "{name}");
        assert_eq!(verified(&headers, &body[1..], SECRET, NOW).unwrap_err(), Refused::Signature, "{name}");
    }
}
