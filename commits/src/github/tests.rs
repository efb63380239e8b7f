//! Payloads of GitHub, Gitea and Forgejo, with the fields of their documentation.

use serde_json::{Value, json};

use super::*;
use crate::limits;

const NONE: &str = "0000000000000000000000000000000000000000";

fn commit_payload(id: &str) -> Value {
    json!({
        "id": id, "tree_id": "t", "distinct": true, "message": "Fix the till\n\nFixes #12", "timestamp": "2026-03-04T10:30:00+01:00",
        "url": format!("https://github.example/acme/shop/commit/{id}"),
        "author": { "name": "Ada", "email": "ada@example.com", "username": "ada" }, "added": [], "removed": [], "modified": ["till.rs"]
    })
}

fn push_payload() -> Value {
    json!({
        "ref": "refs/heads/main", "before": "a1", "after": "b2", "created": false, "deleted": false, "forced": false, "base_ref": null,
        "compare": "https://github.example/acme/shop/compare/a1...b2",
        "commits": [commit_payload("b1"), commit_payload("b2")],
        "repository": { "id": 1, "name": "shop", "full_name": "acme/shop", "html_url": "https://github.example/acme/shop" },
        "pusher": { "name": "grace", "email": "g@example.com" }, "sender": { "login": "grace" }
    })
}

fn told(forge: Forge, event: &str, payload: &Value) -> Vec<Event> {
    events(forge, event, &payload.to_string()).unwrap()
}

fn push_of(forge: Forge, payload: &Value) -> Push {
    match told(forge, "push", payload).pop() {
        Some(Event::Push(push)) => push,
        other => panic!("{other:?}"),
    }
}

fn with(mut payload: Value, changes: &[(&str, Value)]) -> Value {
    for (field, value) in changes {
        payload[field] = value.clone();
    }
    payload
}

#[test]
fn a_push_is_read() {
    let push = push_of(Forge::GitHub, &push_payload());
    assert_eq!(push.repository.name, "acme/shop");
    assert_eq!(push.repository.link.as_deref(), Some("https://github.example/acme/shop"));
    assert_eq!((push.place, push.change), (Place::branch("main"), Change::Moved));
    assert_eq!((push.by.as_deref(), push.head.as_deref()), (Some("grace"), Some("b2")));
    assert_eq!(push.compare.as_deref(), Some("https://github.example/acme/shop/compare/a1...b2"));
    assert_eq!(push.unlisted, Some(0));
    let [first, second] = &push.commits[..] else { panic!("{:?}", push.commits) };
    assert_eq!((first.id.as_str(), second.id.as_str()), ("b1", "b2"));
    assert_eq!((first.author.as_str(), first.message.as_str()), ("Ada", "Fix the till\n\nFixes #12"));
    assert_eq!(first.when, Some(model::Millis(1_772_616_600_000)));
    assert_eq!(first.link.as_deref(), Some("https://github.example/acme/shop/commit/b1"));
    assert!(first.distinct);
}

#[test]
fn branches_and_tags_come_and_go() {
    let check = |changes: &[(&str, Value)], place, change| {
        let push = push_of(Forge::GitHub, &with(push_payload(), changes));
        assert_eq!((push.place, push.change), (place, change));
    };
    check(&[("before", NONE.into())], Place::branch("main"), Change::Made);
    check(&[("forced", true.into())], Place::branch("main"), Change::Forced);
    let gone = [("after", NONE.into()), ("commits", json!([])), ("head_commit", Value::Null)];
    check(&gone, Place::branch("main"), Change::Deleted);
    let tag = [("ref", "refs/tags/v1/a".into()), ("before", NONE.into()), ("commits", Value::Null)];
    check(&tag, Place::tag("v1/a"), Change::Made);
    assert_eq!(told(Forge::GitHub, "push", &with(push_payload(), &[("ref", "refs/notes/x".into())])), []);
}

#[test]
fn gitea_and_forgejo_say_the_same_in_other_words() {
    let mut payload = with(
        push_payload(),
        &[("total_commits", 30.into()), ("pusher", json!({ "full_name": "", "login": "grace" }))],
    );
    payload["compare_url"] = payload["compare"].take();
    payload["commits"][0].as_object_mut().unwrap().remove("distinct");
    for forge in [Forge::Gitea, Forge::Forgejo] {
        let push = push_of(forge, &payload);
        assert_eq!(push.compare.as_deref(), Some("https://github.example/acme/shop/compare/a1...b2"));
        assert_eq!((push.by.as_deref(), push.unlisted), (Some("grace"), Some(28)));
        assert!(push.commits[0].distinct);
        let gone = with(payload.clone(), &[("after", NONE.into()), ("commits", Value::Null)]);
        assert_eq!(told(forge, "push", &gone), []);
        let deleted = json!({
            "ref": "wip", "ref_type": "branch", "pusher_type": "user", "repository": payload["repository"], "sender": payload["sender"]
        });
        let [Event::Push(push)] = &told(forge, "delete", &deleted)[..] else { panic!("no push") };
        assert_eq!(
            (&push.place, push.change, push.by.as_deref()),
            (&Place::branch("wip"), Change::Deleted, Some("grace"))
        );
        assert_eq!(told(forge, "delete", &with(deleted.clone(), &[("ref_type", "tag".into())])), []);
        assert_eq!(told(Forge::GitHub, "delete", &deleted), []);
    }
}

#[test]
fn a_release_is_told_when_it_is_published() {
    let release = |action: &str, name: Value| {
        json!({
            "action": action, "repository": push_payload()["repository"],
            "release": {
                "tag_name": "v2", "name": name, "body": "All new", "html_url": "https://github.example/r/2", "prerelease": true,
                "published_at": "2026-03-04T09:30:00Z", "author": { "login": "ada" }
            }
        })
    };
    let [Event::Release(told_of)] =
        &told(Forge::GitHub, "release", &release("published", "Spring".into()))[..]
    else {
        panic!("no release")
    };
    assert_eq!((told_of.name.as_str(), told_of.tag.as_str(), told_of.early), ("Spring", "v2", true));
    assert_eq!((told_of.by.as_deref(), told_of.when), (Some("ada"), Some(model::Millis(1_772_616_600_000))));
    for nameless in [Value::Null, "".into()] {
        let [Event::Release(told_of)] = &told(Forge::Forgejo, "release", &release("published", nameless))[..]
        else {
            panic!("no release")
        };
        assert_eq!(told_of.name, "v2");
    }
    assert_eq!(told(Forge::GitHub, "release", &release("edited", "Spring".into())), []);
}

#[test]
fn what_is_none_of_these_is_passed_over_unread() {
    for event in ["ping", "issues", "create", "workflow_run", ""] {
        assert_eq!(events(Forge::GitHub, event, "no JSON"), Ok(vec![]));
    }
    for bad in ["", "[]", "{}", r#"{"ref":1}"#, "null"] {
        assert!(matches!(events(Forge::GitHub, "push", bad), Err(Refused::Malformed(_))), "{bad}");
    }
}

#[test]
fn commits_are_kept_up_to_a_maximum_and_counted() {
    for more in [0, 1, 5_000] {
        let commits = vec![commit_payload("b1"); COMMITS_A_PUSH_MAX + more];
        let push = push_of(Forge::GitHub, &with(push_payload(), &[("commits", commits.into())]));
        assert_eq!((push.commits.len(), push.unlisted), (COMMITS_A_PUSH_MAX, Some(more as u64)));
    }
}

#[test]
fn texts_are_cut_and_links_lead_into_the_web() {
    let mut payload = push_payload();
    payload["commits"][0]["message"] = "x".repeat(limits::MESSAGE_BYTES_MAX + 1).into();
    payload["commits"][0]["url"] = "javascript:alert(1)".into();
    payload["commits"][0]["author"]["name"] = format!("A\n{}", "x".repeat(limits::NAME_BYTES_MAX)).into();
    payload["commits"][1]["id"] = "<script>".into();
    payload["compare"] = "data:text/html,x".into();
    payload["ref"] = format!("refs/heads/{}", "b".repeat(limits::NAME_BYTES_MAX + 1)).into();
    let push = push_of(Forge::GitHub, &payload);
    let [commit] = &push.commits[..] else { panic!("{:?}", push.commits) };
    assert_eq!(
        (commit.message.len(), commit.author.len()),
        (limits::MESSAGE_BYTES_MAX, limits::NAME_BYTES_MAX)
    );
    assert_eq!((commit.link.as_ref(), push.compare.as_ref()), (None, None));
    assert!(push.place.name.ends_with('…') && push.place.name.len() == limits::NAME_BYTES_MAX);
    assert!(commit.author.starts_with("A xx"));
}
