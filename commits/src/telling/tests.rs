//! How pushes and releases read.

use super::*;
use crate::limits;

fn commits(count: usize) -> Vec<Commit> {
    (1..=count)
        .map(|number| Commit {
            id: format!("{number:07x}99"),
            author: "Ada".into(),
            message: format!("Fix {number}\n\nBecause."),
            when: None,
            link: Some(format!("https://forge.example/c/{number}")),
            distinct: true,
        })
        .collect()
}

fn push(change: Change, commits: Vec<Commit>) -> Push {
    Push {
        repository: Repository {
            name: "acme/shop".into(),
            link: Some("https://forge.example/acme/shop".into()),
        },
        place: Place::branch("main"),
        change,
        by: Some("Grace".into()),
        head: Some("abcdef0123".into()),
        compare: Some("https://forge.example/compare".into()),
        commits,
        unlisted: Some(0),
    }
}

const OF: &str = "of [acme/shop](https://forge.example/acme/shop)";
const COMPARE: &str = "[compare](https://forge.example/compare)";

fn check(push: &Push, expected: &[&str]) {
    let expected: Vec<String> =
        expected.iter().map(|line| line.replace("{of}", OF).replace("{compare}", COMPARE)).collect();
    assert_eq!(push.told().markdown(8_192).lines().collect::<Vec<_>>(), expected);
}

#[test]
fn each_commit_has_a_line() {
    check(
        &push(Change::Moved, commits(1)),
        &[
            "**Grace** pushed 1 commit to `main` {of}",
            "- [0000001](https://forge.example/c/1) `Fix 1` · **Ada**",
        ],
    );
    let two = push(Change::Made, commits(2));
    check(
        &two,
        &[
            "**Grace** pushed 2 commits to new branch `main` {of} · {compare}",
            "- [0000001](https://forge.example/c/1) `Fix 1` · **Ada**",
            "- [0000002](https://forge.example/c/2) `Fix 2` · **Ada**",
        ],
    );
    assert_eq!(push(Change::Moved, commits(COMMITS_TOLD_MAX)).told().lines.len(), COMMITS_TOLD_MAX);
}

#[test]
fn more_than_ten_fold_into_the_last() {
    let count = COMMITS_TOLD_MAX + 1;
    check(
        &push(Change::Forced, commits(count)),
        &[
            "**Grace** force-pushed 11 commits to branch `main` {of} · {compare}",
            "- [000000b](https://forge.example/c/11) `Fix 11` · **Ada**",
            "- [and 10 others](https://forge.example/compare)",
        ],
    );
    let unlisted = Push { unlisted: Some(30), compare: None, ..push(Change::Moved, commits(1)) };
    check(
        &unlisted,
        &[
            "**Grace** pushed 31 commits to `main` {of}",
            "- [0000001](https://forge.example/c/1) `Fix 1` · **Ada**",
            "- and 30 others",
        ],
    );
    let truncated = Push { unlisted: None, ..push(Change::Moved, commits(2)) };
    assert_eq!(truncated.told().lines.last(), Some(&vec![link("and more", "https://forge.example/compare")]));
}

#[test]
fn branches_and_tags_are_made_moved_and_deleted() {
    check(&push(Change::Made, vec![]), &["**Grace** made branch `main` at `abcdef0` {of}"]);
    check(&push(Change::Moved, vec![]), &["**Grace** moved branch `main` to `abcdef0` {of}"]);
    check(
        &push(Change::Forced, vec![]),
        &["**Grace** force-pushed branch `main` to `abcdef0` {of} · {compare}"],
    );
    let tag = |change, head| Push { place: Place::tag("v1"), by: None, head, ..push(change, vec![]) };
    check(&tag(Change::Made, Some("abcdef0123".into())), &["Somebody made tag `v1` at `abcdef0` {of}"]);
    check(&tag(Change::Deleted, None), &["Somebody deleted tag `v1` {of}"]);
}

#[test]
fn what_was_shown_before_is_not_shown_again() {
    let mut pushed = push(Change::Moved, commits(3));
    pushed.commits[0].distinct = false;
    let pushed = pushed.without(|id| id == "000000299");
    check(
        &pushed,
        &[
            "**Grace** pushed 1 commit to `main` {of}",
            "- [0000003](https://forge.example/c/3) `Fix 3` · **Ada**",
        ],
    );
    check(&pushed.without(|_| true), &["**Grace** moved branch `main` to `abcdef0` {of}"]);
}

#[test]
fn a_commit_is_told_to_a_conversation() {
    let push = push(Change::Moved, commits(1));
    let told = |closes| push.told_to(&push.commits[0], closes).markdown(8_192);
    let rest = format!("[0000001](https://forge.example/c/1) `Fix 1` · `main` {OF}");
    assert_eq!(told(true), format!("**Ada** fixes this: {rest}"));
    assert_eq!(told(false), format!("**Ada** refers to this: {rest}"));
    let nameless = Commit { author: String::new(), link: None, ..push.commits[0].clone() };
    assert_eq!(
        push.told_to(&nameless, true).markdown(8_192),
        format!("Somebody fixes this: `0000001` `Fix 1` · `main` {OF}")
    );
}

#[test]
fn a_release_has_one_line() {
    let release = Release {
        repository: Repository { name: "shop".into(), link: None },
        tag: "v2".into(),
        name: "Spring".into(),
        text: String::new(),
        link: Some("https://forge.example/r/(2)".into()),
        when: None,
        by: Some("Ada".into()),
        early: true,
    };
    assert_eq!(
        release.told().markdown(8_192),
        "**Ada** released early [Spring](https://forge.example/r/%282%29) as `v2` of `shop`"
    );
    let nameless = Release { name: "v2".into(), link: None, by: None, early: false, ..release };
    assert_eq!(nameless.told().markdown(8_192), "Somebody released `v2` of `shop`");
}

#[test]
fn no_text_of_a_forge_is_a_mark() {
    let hostile = "`**x** [a](javascript:1) @AC-00000000 <b>https://evil.example";
    let commit = Commit {
        id: "abcdef0".into(),
        author: hostile.into(),
        message: hostile.into(),
        when: None,
        link: None,
        distinct: true,
    };
    let mut pushed = push(Change::Moved, vec![commit]);
    pushed.place.name = hostile.into();
    pushed.by = Some(hostile.into());
    pushed.repository.name = hostile.into();
    let told = pushed.told().markdown(8_192);
    for outside in told.split('`').step_by(2) {
        let outside = outside.replace("](https://forge.example/acme/shop)", "");
        assert!(!outside.contains("](") && !outside.contains(['@', '<', '~']), "{outside}");
        assert!(!outside.contains("https:"), "{outside}");
    }
    assert_eq!(told.matches('`').count() % 2, 0);
}

#[test]
fn a_message_is_told_by_its_first_line_cut() {
    let mut long = commits(1);
    long[0].message = format!("{}\nmore", "x".repeat(limits::SUBJECT_BYTES_MAX + 1));
    assert!(long[0].subject().ends_with('…'));
    assert_eq!(long[0].subject().len(), limits::SUBJECT_BYTES_MAX);
    long[0].message.clear();
    long[0].author.clear();
    check(
        &push(Change::Moved, long),
        &["**Grace** pushed 1 commit to `main` {of}", "- [0000001](https://forge.example/c/1)"],
    );
}

#[test]
fn lines_past_the_maximum_are_left_out() {
    let told = push(Change::Moved, commits(3)).told();
    let whole = told.markdown(usize::MAX);
    assert_eq!(told.markdown(whole.len()), whole);
    let cut = told.markdown(whole.len() - 1);
    assert!(cut.ends_with("`Fix 2` · **Ada**\n- …") && cut.len() < whole.len(), "{cut}");
    // The longest heading that there is fits into a message.
    let longest = "*".repeat(limits::NAME_BYTES_MAX);
    let link = format!("https://a/{}", "(".repeat(limits::LINK_BYTES_MAX - 10));
    let heading = Push {
        by: Some(longest.clone()),
        place: Place::branch(&longest),
        repository: Repository { name: longest, link: Some(link.clone()) },
        compare: Some(link),
        ..push(Change::Forced, commits(1))
    };
    let told = heading.told().markdown(0);
    assert!(told.len() < 8_192 && told.matches("%28").count() > 900, "{}", told.len());
}

#[test]
fn commits_about_one_conversation_read_as_one() {
    let push = push(Change::Moved, commits(15));
    let about = |fixing: usize, count: usize| {
        let some: Vec<(&Commit, bool)> = push
            .commits
            .iter()
            .take(count)
            .enumerate()
            .map(|(index, commit)| (commit, index < fixing))
            .collect();
        push.told_together(&some).markdown(8_192)
    };
    let rest = format!("`main` {OF} · {COMPARE}");
    let expected = format!(
        "**Grace** pushed 15 commits that fix this: {rest}\n- [000000f](https://forge.example/c/15) `Fix 15` · **Ada**\n- [and 14 others](https://forge.example/compare)"
    );
    assert_eq!(about(15, 15), expected);
    for (fixing, words) in [
        (0, "that refer to this"),
        (1, "about this, of which 1 fixes it"),
        (2, "about this, of which 2 fix it"),
    ] {
        let told = about(fixing, 3);
        assert!(told.starts_with(&format!("**Grace** pushed 3 commits {words}: `main`")), "{told}");
    }
    assert!(about(2, 2).ends_with("- [and 1 other](https://forge.example/compare)"));
}
