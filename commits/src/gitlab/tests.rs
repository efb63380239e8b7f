//! Payloads with the fields of GitLab's documentation of webhook events.

use serde_json::{Value, json};

use super::*;
use crate::event::Change;

const NONE: &str = "0000000000000000000000000000000000000000";

fn push_payload() -> Value {
    json!({
        "object_kind": "push", "event_name": "push", "before": "95790bf8", "after": "da156088", "ref": "refs/heads/main",
        "checkout_sha": "da156088", "user_id": 4, "user_name": "John Smith", "user_username": "jsmith", "user_email": "john@example.com",
        "project_id": 15,
        "project": { "id": 15, "name": "Diaspora", "web_url": "https://gitlab.example/mike/diaspora", "path_with_namespace": "mike/diaspora" },
        "commits": [
            {
                "id": "b6568db1", "message": "Update translations.\n\nSee #3", "title": "Update translations.",
                "timestamp": "2026-03-04T10:30:00+01:00", "url": "https://gitlab.example/mike/diaspora/commit/b6568db1",
                "author": { "name": "Jordi", "email": "jordi@example.com" }, "added": [], "modified": [], "removed": []
            },
            { "id": "da156088", "message": "Fix", "timestamp": null, "author": null }
        ],
        "total_commits_count": 25
    })
}

fn push_of(payload: &Value) -> Push {
    match events(&payload.to_string()).unwrap().pop() {
        Some(Event::Push(push)) => push,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_push_is_read() {
    let push = push_of(&push_payload());
    assert_eq!((push.repository.name.as_str(), push.by.as_deref()), ("mike/diaspora", Some("John Smith")));
    assert_eq!((&push.place, push.change), (&Place::branch("main"), Change::Moved));
    assert_eq!(
        push.compare.as_deref(),
        Some("https://gitlab.example/mike/diaspora/-/compare/95790bf8...da156088")
    );
    assert_eq!((push.commits.len(), push.unlisted), (2, Some(23)));
    assert_eq!(
        (push.commits[0].author.as_str(), push.commits[0].when),
        ("Jordi", Some(model::Millis(1_772_616_600_000)))
    );
    assert_eq!((push.commits[1].author.as_str(), push.commits[1].when), ("", None));
}

#[test]
fn branches_and_tags_come_and_go() {
    let mut payload = push_payload();
    payload["before"] = NONE.into();
    let made = push_of(&payload);
    assert_eq!((made.change, made.compare), (Change::Made, None));
    payload = push_payload();
    payload["after"] = NONE.into();
    payload["checkout_sha"] = Value::Null;
    let gone = push_of(&payload);
    assert_eq!((gone.change, gone.head), (Change::Deleted, None));
    payload = push_payload();
    payload["object_kind"] = "tag_push".into();
    payload["ref"] = "refs/tags/v1".into();
    assert_eq!(push_of(&payload).place, Place::tag("v1"));
}

#[test]
fn the_whole_system_s_hooks_say_it_in_another_field() {
    let mut payload = push_payload();
    payload.as_object_mut().unwrap().remove("object_kind");
    assert_eq!(push_of(&payload).place, Place::branch("main"));
    assert_eq!(events(r#"{"event_name":"user_create"}"#), Ok(vec![]));
    assert_eq!(events(r#"{"object_kind":"merge_request"}"#), Ok(vec![]));
    assert_eq!(events("{}"), Ok(vec![]));
    assert!(events("[1]").is_err() && events("").is_err());
}

#[test]
fn a_release_is_told_when_it_is_made() {
    let payload = |action: &str, at: &str| {
        json!({
            "object_kind": "release", "action": action, "name": "Spring", "tag": "v1.1", "description": "All new", "released_at": at,
            "url": "https://gitlab.example/r", "project": push_payload()["project"]
        })
        .to_string()
    };
    for at in ["2026-03-04 09:30:00 UTC", "2026-03-04T09:30:00Z"] {
        let [Event::Release(release)] = &events(&payload("create", at)).unwrap()[..] else {
            panic!("no release")
        };
        assert_eq!((release.name.as_str(), release.tag.as_str()), ("Spring", "v1.1"));
        assert_eq!(release.when, Some(model::Millis(1_772_616_600_000)), "{at}");
    }
    assert_eq!(events(&payload("update", "")), Ok(vec![]));
}
