//! Deliveries as a whole: nothing unsigned is read, nothing hostile ends in a panic.

use super::*;

const SECRET: &str = "secret of the hook";
const NOW: Millis = Millis(1_800_000_000_000);

/// GitHub's signature needs none but HMAC; the standard one is another writing of it.
fn signed(pairs: &[(&'static str, &str)], body: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.insert(*name, value.parse().unwrap());
    }
    let seconds = (NOW.0 / 1_000) as u32;
    headers.insert("webhook-timestamp", seconds.into());
    let id = headers.entry("webhook-id").or_insert("d1".parse().unwrap()).to_str().unwrap().to_owned();
    headers.insert(
        "webhook-signature",
        signature::standard(SECRET, &id, seconds, body).unwrap().parse().unwrap(),
    );
    headers
}

const PUSH: &[u8] = br#"{"object_kind":"push","ref":"refs/heads/main","before":"a1","after":"b2","project":{"path_with_namespace":"a/b"},"commits":[{"id":"b2","message":"Fix"}]}"#;

#[test]
fn a_delivery_is_verified_and_then_read() {
    let headers = signed(&[("x-gitlab-event", "Push Hook")], PUSH);
    let delivery = verified(&headers, PUSH, SECRET, NOW).unwrap();
    assert_eq!((delivery.forge, delivery.id.as_str()), (Forge::GitLab, "d1"));
    assert_eq!(delivery.events().unwrap().len(), 1);
}

#[test]
fn a_body_with_one_byte_changed_is_refused() {
    let headers = signed(&[("x-gitlab-event", "Push Hook")], PUSH);
    for at in 0..PUSH.len() {
        let mut changed = PUSH.to_vec();
        changed[at] ^= 1;
        assert_eq!(verified(&headers, &changed, SECRET, NOW).unwrap_err(), Refused::Signature);
    }
    assert_eq!(verified(&HeaderMap::new(), PUSH, SECRET, NOW).unwrap_err(), Refused::NoForge);
    assert_eq!(verified(&headers, PUSH, "another", NOW).unwrap_err(), Refused::Signature);
}

#[test]
fn a_body_has_a_maximum() {
    // A token, since a signature of so much takes seconds in a debug build.
    let mut headers = HeaderMap::new();
    for (name, value) in
        [("x-gitlab-event", "Push Hook"), ("x-gitlab-token", SECRET), ("idempotency-key", "d1")]
    {
        headers.insert(name, value.parse().unwrap());
    }
    let mut body = vec![b' '; limits::BODY_BYTES_MAX];
    body[..PUSH.len()].copy_from_slice(PUSH);
    assert_eq!(verified(&headers, &body, SECRET, NOW).unwrap().events().unwrap().len(), 1);
    body.push(b' ');
    let refused = verified(&headers, &body, SECRET, NOW).unwrap_err();
    assert_eq!(refused, Refused::TooBig { max: limits::BODY_BYTES_MAX });
}

#[test]
fn a_form_holds_the_same_as_a_body() {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", str::from_utf8(PUSH).unwrap())
        .finish();
    let kinds = [
        ("x-gitlab-event", "Push Hook"),
        ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
    ];
    let headers = signed(&kinds, form.as_bytes());
    let delivery = verified(&headers, form.as_bytes(), SECRET, NOW).unwrap();
    assert_eq!(delivery.events().unwrap().len(), 1);
}

#[test]
fn a_delivery_without_an_id_is_known_by_its_body() {
    let headers = |body: &[u8]| {
        let mut headers = HeaderMap::new();
        headers.insert("x-gitlab-event", "Push Hook".parse().unwrap());
        headers.insert("x-gitlab-token", SECRET.parse().unwrap());
        verified(&headers, body, SECRET, NOW).unwrap().id
    };
    assert_eq!(headers(PUSH), headers(PUSH));
    assert_ne!(headers(PUSH), headers(b"{}"));
    assert_eq!(headers(PUSH).len(), "body-".len() + 64);
}

/// How each forge opens: header, event, a body that it may send.
const OPENINGS: [(&str, &str, &[u8]); 8] = [
    ("x-github-event", "push", br#"{"ref":"refs/heads/main","before":"a1","after":"b2","commits":[{"id":"b2","message":"Fix","author":{"name":"A"}}],"repository":{"full_name":"a/b"}}"#),
    ("x-github-event", "release", br#"{"action":"published","release":{"tag_name":"v1","name":null},"repository":{"full_name":"a/b"}}"#),
    ("x-forgejo-event", "delete", br#"{"ref":"wip","ref_type":"branch","repository":{"full_name":"a/b"}}"#),
    ("x-gitlab-event", "Push Hook", PUSH),
    ("x-event-key", "repo:push", br#"{"repository":{"full_name":"a/b"},"push":{"changes":[{"old":null,"new":{"type":"branch","name":"x"},"commits":[{"hash":"a1"}]}]}}"#),
    ("x-event-key", "repo:refs_changed", br#"{"repository":{"slug":"b","project":{"key":"a"}},"changes":[{"ref":{"displayId":"x","type":"BRANCH"},"fromHash":"a","toHash":"b"}],"commits":[{"id":"b1"}]}"#),
    ("x-watchfire-hook", "git", b"repository a\nref refs/heads/x\nbefore a\nafter b\n\nb1\nAda\n1\nFix\n\0"),
    ("x-watchfire-hook", "svn", b"repository a\nrevision 1\nchanged A   branches/x/\n\nFix"),
];

/// Reads and tells a body as if it were signed.
fn read(header: &'static str, event: &'static str, body: &[u8]) -> Result<usize, Refused> {
    let mut headers = HeaderMap::new();
    headers.insert(header, event.parse().unwrap());
    let (forge, event) = Forge::told_by(&headers).unwrap();
    let events = Verified { forge, id: String::new(), event, is_form: false, body }.events()?;
    for event in &events {
        let told = event.told().markdown(8_192);
        assert!(!told.contains(['\0', '\u{202E}']), "{told:?}");
        if let Event::Push(push) = event {
            assert!(push.commits.len() <= limits::COMMITS_A_PUSH_MAX);
            for commit in &push.commits {
                assert!(commit.message.len() <= limits::MESSAGE_BYTES_MAX);
                crate::references(&commit.message, "https://watchfire.example");
            }
        }
    }
    Ok(events.len())
}

#[test]
fn nothing_hostile_ends_in_a_panic() {
    let pieces: [&[u8]; 22] = [
        b"{",
        b"}",
        b"[",
        b"]",
        b"\"",
        b"\\",
        b"\\u0000",
        b"\\ud800",
        b"null",
        b"-1",
        b"1e999",
        b":",
        b",",
        b"\0",
        b"\n\n",
        b"\xff",
        "\u{202E}".as_bytes(),
        "é".as_bytes(),
        b"refs/tags/",
        b"branches/",
        b"#12 fixes",
        b"https://x/(",
    ];
    for (header, event, body) in OPENINGS {
        assert_eq!(read(header, event, body), Ok(1), "{header} {event}");
        for seed in 0..1_500 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut changed = body.to_vec();
            for _ in 0..random.usize(1..6) {
                let at = random.usize(..=changed.len());
                let end = random.usize(at..=changed.len().min(at + 12));
                let piece = pieces[random.usize(..pieces.len())];
                changed.splice(at..end, piece.iter().copied());
            }
            // Either way is right; that it returns is what is asked.
            let _ = read(header, event, &changed);
        }
    }
}

#[test]
fn depth_costs_no_more_than_its_bytes() {
    for open in ["[", "{\"a\":"] {
        let deep = open.repeat(200_000);
        for (header, event, body) in &OPENINGS[..6] {
            let with_deep = [b"{\"deep\":", deep.as_bytes(), b",", &body[1..]].concat();
            assert!(read(header, event, &with_deep).is_err());
            assert!(read(header, event, deep.as_bytes()).is_err());
        }
    }
    let closed = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let (header, event, body) = OPENINGS[0];
    let with_closed = [b"{\"deep\":", closed.as_bytes(), b",", &body[1..]].concat();
    assert_eq!(read(header, event, &with_closed), Ok(1));
}
