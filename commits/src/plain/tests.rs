//! What our own hooks write.

use super::*;

fn push_of(forge: Forge, body: &[u8]) -> Push {
    match events(forge, body) {
        Ok(Some(Event::Push(push))) => push,
        other => panic!("{other:?}"),
    }
}

const LINES: &str = "repository shop\nref refs/heads/main\nbefore a1\nafter b2\nby Grace\ntotal 3\ncommit-url https://git.example/c/{id}\n\n";

#[test]
fn a_push_is_read() {
    let body = format!("{LINES}b1\nAda\n1772616600\nFix\n\nFixes #1\n\0b2\nAda\nnone\n\0");
    let push = push_of(Forge::Git, body.as_bytes());
    assert_eq!((push.repository.name.as_str(), push.by.as_deref()), ("shop", Some("Grace")));
    assert_eq!((&push.place, push.change), (&Place::branch("main"), Change::Moved));
    assert_eq!((push.commits.len(), push.unlisted), (2, Some(1)));
    assert_eq!(push.commits[0].message, "Fix\n\nFixes #1");
    assert_eq!(push.commits[0].when, Some(Millis(1_772_616_600_000)));
    assert_eq!(push.commits[0].link.as_deref(), Some("https://git.example/c/b1"));
    assert_eq!((push.commits[1].message.as_str(), push.commits[1].when), ("", None));
    let forced = LINES.replace("by Grace", "forced yes");
    assert_eq!(push_of(Forge::Git, forced.as_bytes()).change, Change::Forced);
    let tag = LINES.replace("heads/main", "tags/v1").replace("after b2", "after b2\nhead c3");
    let tag = push_of(Forge::Git, tag.as_bytes());
    assert_eq!((tag.place, tag.head.as_deref()), (Place::tag("v1"), Some("c3")));
    assert_eq!(events(Forge::Git, LINES.replace("heads/", "notes/").as_bytes()), Ok(None));
}

#[test]
fn a_revision_is_a_commit_of_the_branch_that_its_path_lies_in() {
    let said = |changed: &str| {
        let body = format!(
            "repository shop\nrevision 7\nauthor ada\ndate 2026-03-04T09:30:00.123456Z\n{changed}\n\nFix\n\nResolves #2\n"
        );
        push_of(Forge::Subversion, body.as_bytes())
    };
    let push = said("changed U   trunk/src/till.c");
    assert_eq!((&push.place, push.change), (&Place::branch("trunk"), Change::Moved));
    assert_eq!((push.commits[0].id.as_str(), push.commits[0].author.as_str()), ("r7", "ada"));
    assert_eq!(
        (push.commits[0].message.as_str(), push.commits[0].when),
        ("Fix\n\nResolves #2", Some(Millis(1_772_616_600_123)))
    );
    let place = |changed: &str| {
        let push = said(changed);
        (push.place, push.change)
    };
    assert_eq!(place("changed A   branches/x/"), (Place::branch("x"), Change::Made));
    assert_eq!(place("changed A   branches/x/new.c"), (Place::branch("x"), Change::Moved));
    assert_eq!(place("changed D   shop/tags/v1/"), (Place::tag("v1"), Change::Deleted));
    assert_eq!(place("changed _U  trunk/"), (Place::branch("trunk"), Change::Moved));
    assert_eq!(place("changed U   a.c\nchanged U   trunk/b.c"), (Place::branch("trunk"), Change::Moved));
    assert_eq!(place("changed A   branches/"), (Place::branch("/"), Change::Moved));
    assert_eq!(place(""), (Place::branch("/"), Change::Moved));
    let tag = said("head 5\nchanged A   tags/v1/");
    assert_eq!((tag.place, tag.change, tag.head.as_deref()), (Place::tag("v1"), Change::Made, Some("r5")));
    assert!(tag.commits.is_empty(), "a tag is what was there before");
    let branch = said("head 5\nchanged A   branches/x/");
    assert_eq!((branch.head.as_deref(), branch.commits.len()), (Some("r7"), 1));
    let moved = said("head five\nchanged A   tags/v1/");
    assert_eq!((moved.head.as_deref(), moved.commits.len()), (Some("r7"), 1));
}

#[test]
fn what_our_hooks_do_not_write_is_refused() {
    for bad in [
        "",
        "\n\n",
        "repository shop",
        "repository shop\n\n",
        "repository \nref refs/heads/a\nbefore a\nafter b\n\n",
    ] {
        for forge in [Forge::Git, Forge::Subversion] {
            assert!(matches!(events(forge, bad.as_bytes()), Err(Refused::Malformed(_))), "{bad}");
        }
    }
    assert!(events(Forge::Subversion, b"repository shop\nrevision x\n\nFix").is_err());
    // Other encodings than UTF-8 stay readable.
    let body = [LINES.as_bytes(), b"b1\nAd\xe9\n1\nFix \xff\0"].concat();
    assert_eq!(push_of(Forge::Git, &body).commits[0].message, "Fix \u{FFFD}");
    let endless = format!("repository shop\n{}ref refs/heads/a\n\n", "x y\n".repeat(LINES_MAX));
    assert!(events(Forge::Git, endless.as_bytes()).is_err());
}
