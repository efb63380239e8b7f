//! Every limit of what is sent to a room, at its maximum and past it.

use axum::http::Method;
use model::limits::*;
use serde_json::{Value, json};

use super::{API, House};
use crate::reports::ROOM_BURST;
use crate::rooms::POST_BYTES_MAX;

#[tokio::test]
async fn a_message_fits_up_to_its_bytes() {
    let mut house = House::new().await;
    let path = format!("/{}/messages", house.room);
    for (kind, max) in [("text", MESSAGE_BYTES_MAX), ("paste", PASTE_BYTES_MAX)] {
        let said =
            |bytes: usize| json!({ "kind": kind, "body": "é".repeat(bytes / 2) + &"x".repeat(bytes % 2) });
        assert_eq!(house.ann.tell(&path, said(max)).await.status, 201, "{kind}");
        let refused = house.ann.tell(&path, said(max + 1)).await;
        assert_eq!(refused.status, 409, "{kind}");
        refused.says(&max.to_string());
    }
    let full = format!("{API}{path}");
    for (bytes, status) in [(POST_BYTES_MAX, 409), (POST_BYTES_MAX + 1, 413)] {
        let headers = [("content-type", "text/plain")];
        let page = house.ann.send(Method::POST, &full, &headers, "x".repeat(bytes)).await;
        assert_eq!(page.status, status);
    }
    for (bad, status) in [
        (json!({ "body": " " }), 400),
        (json!({ "kind": "note", "body": "x" }), 400),
        (json!({ "kind": "sound", "body": "loud" }), 400),
        (json!({ "body": "x", "id": "1" }), 400),
        (json!({ "body": "x", "more": 1 }), 400),
        (json!({ "body": "x", "thread": 999 }), 404),
    ] {
        assert_eq!(house.ann.tell(&path, bad.clone()).await.status, status, "{bad}");
    }
}

#[tokio::test]
async fn what_a_room_is_told_has_its_limits() {
    let mut house = House::new().await;
    let room = format!("/{}", house.room);
    let is = |count: usize| "x".repeat(count);
    let checks: Vec<(&str, Value, Value)> = vec![
        ("", json!({ "topic": is(TOPIC_BYTES_MAX) }), json!({ "topic": is(TOPIC_BYTES_MAX + 1) })),
        ("", json!({ "name": is(NAME_BYTES_MAX) }), json!({ "name": is(NAME_BYTES_MAX + 1) })),
        ("", json!({ "members_max": ROOM_MEMBERS_MAX }), json!({ "members_max": ROOM_MEMBERS_MAX + 1 })),
        ("", json!({ "zone": "Asia/Tokyo" }), json!({ "zone": "Mars/Base" })),
        ("", json!({ "public": false }), json!({ "public": 1 })),
        (
            "/link",
            json!({ "password": is(PASSWORD_BYTES_MAX) }),
            json!({ "password": is(PASSWORD_BYTES_MAX + 1) }),
        ),
    ];
    for (path, good, bad) in checks {
        let path = format!("{room}{path}");
        let page = house.ann.tell(&path, good.clone()).await;
        assert!(page.status.is_success(), "{good}: {}", page.text);
        let page = house.ann.tell(&path, bad.clone()).await;
        assert!(matches!(page.status.as_u16(), 400 | 409), "{bad}: {}", page.text);
    }
    for nothing in ["", " \n", "\u{202E}", "\0\u{200B} "] {
        let page = house.ann.tell(&format!("{room}/messages"), json!({ "body": nothing })).await;
        assert_eq!(page.status, 400, "{nothing:?}: {}", page.text);
    }
    let bob = house.bob.who_in(&house.room).await;
    let ban = format!("{room}/members/{bob}/ban");
    assert_eq!(house.ann.tell(&ban, json!({ "seconds": BAN_MAX.as_secs() + 1 })).await.status, 409);
    assert_eq!(house.ann.tell(&ban, json!({ "seconds": BAN_MAX.as_secs() })).await.status, 204);
    assert_eq!(
        house.bob.tell(&format!("{room}/enter"), json!({})).await.status,
        404,
        "who is kept out knows of none"
    );
    let bans = house.ann.ask(&format!("{room}/bans")).await.json();
    super::super::openapi::fits("Bans", &bans);
    assert_eq!(bans["bans"][0]["who"], bob);
}

#[tokio::test]
async fn what_is_asked_has_its_limits() {
    let mut house = House::new().await;
    let room = house.room.clone();
    let words = |count: usize| {
        vec!["tea"; count].iter().enumerate().fold(String::new(), |all, (n, w)| format!("{all}+{w}{n}"))
    };
    for (path, status) in [
        (format!("/{room}/messages?limit={MESSAGES_A_PAGE_MAX}"), 200),
        (format!("/{room}/messages?limit={}", MESSAGES_A_PAGE_MAX + 1), 400),
        (format!("/{room}/messages?limit=0"), 400),
        (format!("/{room}/messages?before=1&after=1"), 400),
        (format!("/{room}/messages?before=x"), 400),
        (format!("/{room}/changes?after=18446744073709551615"), 200),
        (format!("/{room}/days/2026-02-30"), 404),
        (format!("/search?q={}", words(SEARCH_WORDS_MAX)), 200),
        (format!("/search?q={}", words(SEARCH_WORDS_MAX + 1)), 409),
        (format!("/search?q=a&limit={}", MESSAGES_A_PAGE_MAX + 1), 400),
        ("/search?q=a&kind=note".into(), 400),
        ("/search?q=a&before=RM-00000000".into(), 400),
    ] {
        let page = house.ann.ask(&path).await;
        assert_eq!(page.status, status, "{path} {}", page.text);
    }
    let people = |count: usize| json!({ "with": vec!["AC-00000000"; count] });
    assert_eq!(house.ann.tell("/direct", people(DIRECT_PEOPLE_MAX)).await.status, 400);
    assert_eq!(house.ann.tell("/direct", people(DIRECT_PEOPLE_MAX - 1)).await.status, 404);
}

#[tokio::test]
async fn who_does_too_much_at_once_waits() {
    let mut house = House::new().await;
    let path = format!("/{}/messages?limit=1", house.room);
    // Bob came in before.
    for _ in 1..ROOM_BURST {
        assert_eq!(house.bob.ask(&path).await.status, 200);
    }
    let refused = house.bob.ask(&path).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after").as_str()), (429, "1"));
    assert_eq!(house.ann.ask(&path).await.status, 200, "others go on");
}
