//! Payloads with the fields of Bitbucket's documentation, of the Cloud and of the Server.

use serde_json::{Value, json};

use super::*;

fn cloud(changes: Value) -> Vec<Push> {
    let payload = json!({
        "actor": { "display_name": "Emma", "nickname": "emmap1" },
        "repository": { "full_name": "acme/shop", "links": { "html": { "href": "https://bitbucket.example/acme/shop" } } },
        "push": { "changes": changes }
    });
    pushes(cloud_events("repo:push", &payload.to_string()).unwrap())
}

fn pushes(events: Vec<Event>) -> Vec<Push> {
    let push = |event| match event {
        Event::Push(push) => push,
        other => panic!("{other:?}"),
    };
    events.into_iter().map(push).collect()
}

fn place(kind: &str, name: &str, hash: &str) -> Value {
    json!({ "type": kind, "name": name, "target": { "type": "commit", "hash": hash } })
}

fn commit(hash: &str) -> Value {
    json!({
        "hash": hash, "type": "commit", "message": "Fix\n", "date": "2026-03-04T09:30:00+00:00",
        "author": { "raw": "Ada L <ada@example.com>" }, "links": { "html": { "href": format!("https://bitbucket.example/c/{hash}") } }
    })
}

#[test]
fn a_push_to_the_cloud_has_a_change_a_place() {
    let pushes = cloud(json!([
        {
            "old": place("branch", "main", "a0"), "new": place("branch", "main", "a2"), "created": false, "closed": false, "forced": true,
            "commits": [commit("a2"), commit("a1")], "truncated": true, "links": { "html": { "href": "https://bitbucket.example/compare" } }
        },
        { "old": null, "new": place("tag", "v1", "a2") },
        { "old": place("named_branch", "wip", "a0"), "new": null, "commits": null },
        { "old": null, "new": null },
        { "old": null, "new": place("bookmark", "x", "a2") }
    ]));
    let [branch, tag, gone] = &pushes[..] else { panic!("{pushes:?}") };
    assert_eq!((&branch.place, branch.change), (&Place::branch("main"), Change::Forced));
    assert_eq!((branch.by.as_deref(), branch.head.as_deref()), (Some("Emma"), Some("a2")));
    assert_eq!(
        (branch.compare.as_deref(), branch.unlisted),
        (Some("https://bitbucket.example/compare"), None)
    );
    assert_eq!(branch.commits.iter().map(|commit| commit.id.as_str()).collect::<Vec<_>>(), ["a1", "a2"]);
    assert_eq!((branch.commits[0].author.as_str(), branch.commits[0].message.as_str()), ("Ada L", "Fix"));
    assert_eq!(branch.commits[0].link.as_deref(), Some("https://bitbucket.example/c/a1"));
    assert_eq!((&tag.place, tag.change, tag.unlisted), (&Place::tag("v1"), Change::Made, Some(0)));
    assert_eq!((&gone.place, gone.change, &gone.head), (&Place::branch("wip"), Change::Deleted, &None));
}

#[test]
fn a_push_is_about_so_many_places() {
    let change = json!({ "old": null, "new": place("tag", "v1", "a2") });
    for more in [0, 1] {
        assert_eq!(
            cloud(vec![change.clone(); PUSHES_A_DELIVERY_MAX + more].into()).len(),
            PUSHES_A_DELIVERY_MAX
        );
    }
}

#[test]
fn a_server_tells_of_refs() {
    let payload = |changes: Value| {
        json!({
            "eventKey": "repo:refs_changed", "date": "2026-03-04T10:30:00+0100",
            "actor": { "name": "admin", "emailAddress": "a@example.com", "displayName": "Administrator", "id": 1 },
            "repository": { "slug": "shop", "id": 84, "name": "shop", "project": { "key": "ACME", "id": 1, "name": "Acme" } },
            "changes": changes,
            "commits": [
                { "id": "b2", "message": "Second", "author": { "name": "Ada", "emailAddress": "a" }, "authorTimestamp": 1_772_616_600_000_i64 },
                { "id": "b1", "message": "First" }
            ]
        })
        .to_string()
    };
    let change = |kind: &str, name: &str, from: &str, to: &str| {
        json!({
            "ref": { "id": format!("refs/x/{name}"), "displayId": name, "type": kind }, "refId": "x", "fromHash": from, "toHash": to, "type": "UPDATE"
        })
    };
    let told = |changes| pushes(server_events("repo:refs_changed", &payload(changes)).unwrap());
    let one = told(json!([change("BRANCH", "main", "a1", "b2")]));
    assert_eq!((one[0].repository.name.as_str(), one[0].by.as_deref()), ("ACME/shop", Some("Administrator")));
    assert_eq!((&one[0].place, one[0].change), (&Place::branch("main"), Change::Moved));
    assert_eq!(
        one[0].commits.iter().map(|commit| commit.message.as_str()).collect::<Vec<_>>(),
        ["First", "Second"]
    );
    assert_eq!(one[0].commits[1].when, Some(model::Millis(1_772_616_600_000)));
    // Whose they are of several, nobody says.
    let two = told(json!([change("BRANCH", "wip", "a1", "0000"), change("TAG", "v1", "0000", "b2")]));
    assert_eq!((two[0].change, two[1].change), (Change::Deleted, Change::Made));
    assert_eq!((&two[1].place, two[1].commits.len()), (&Place::tag("v1"), 0));
}

#[test]
fn other_events_are_passed_over() {
    assert_eq!(cloud_events("pullrequest:created", "x"), Ok(vec![]));
    assert_eq!(server_events("diagnostics:ping", r#"{"test":true}"#), Ok(vec![]));
    for bad in ["", "{}", "[]", r#"{"push":{}}"#] {
        assert!(
            cloud_events("repo:push", bad).is_err() && server_events("repo:refs_changed", bad).is_err(),
            "{bad}"
        );
    }
}
