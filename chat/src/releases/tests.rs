//! Which commits a release has, from lists of what arrived.

use super::*;

const ROOM: RoomId = RoomId::of(1);

/// Told as `main:a1` a commit of a branch, `main:a1!4` one that fixes conversation 4, `v1@a1` a tag at a commit, `v1@` one
/// that nobody says the commit of.
fn told(told: &str) -> Vec<Arrival> {
    let arrivals = told.split_whitespace().map(|told| {
        let what = match told.split_once('@') {
            Some((tag, head)) => Arrived::Tag(ArrivedTag {
                tag: tag.into(),
                head: Some(head.to_owned()).filter(|head| !head.is_empty()),
                ..ArrivedTag::default()
            }),
            None => {
                let (branch, commit) = told.split_once(':').unwrap();
                let (id, number) = commit.split_once('!').unwrap_or((commit, ""));
                let about = number.parse().map(|number| About { number, customers: None, fixes: true });
                Arrived::Commit(ArrivedCommit {
                    branch: branch.into(),
                    commit: NamedCommit {
                        id: id.into(),
                        subject: String::new(),
                        author: String::new(),
                        link: None,
                    },
                    about: about.into_iter().collect(),
                })
            }
        };
        Arrival { repository: "acme/shop".into(), at: Millis(0), what }
    });
    let mut arrivals: Vec<Arrival> = arrivals.collect();
    for (place, arrival) in arrivals.iter_mut().enumerate() {
        arrival.at = Millis(place as i64);
    }
    arrivals
}

fn ids(commits: &[NamedCommit]) -> String {
    commits.iter().map(|commit| commit.id.as_str()).collect::<Vec<_>>().join(" ")
}

/// As `v2: a3 a4; v1: a1 a2; : a5`, the newest first, and at the end what is in none.
fn check(rooms: &[&str], expected: &str) {
    let rooms: Vec<(RoomId, Vec<Arrival>)> =
        rooms.iter().zip(1..).map(|(list, room)| (RoomId::of(room), told(list))).collect();
    let known = Known::of(&rooms);
    let mut said: Vec<String> = known
        .releases
        .iter()
        .map(|release| {
            let mark = if release.known { "" } else { "?" };
            format!("{}{mark}: {}", release.tag.tag, ids(&release.commits))
        })
        .collect();
    said.push(format!(": {}", ids(&known.unreleased)));
    assert_eq!(said.join("; "), expected);
}

#[test]
fn a_tag_has_what_came_since_the_one_before() {
    check(&[""], ": ");
    check(&["main:a1 main:a2"], ": a1 a2");
    check(&["main:a1 main:a2 v1@a2 main:a3 main:a4 v2@a4 main:a5"], "v2: a3 a4; v1: a1 a2; : a5");
    check(&["main:a1 main:a2 main:a3 v1@a2"], "v1: a1 a2; : a3");
    check(&["v1@a1 main:a1"], "v1: a1; : ");
    check(&["main:a1 v1@ main:a2"], "v1: a1; : a2");
    check(&["main:a1 v1@a1 v2@a1"], "v2: ; v1: a1; : ");
}

#[test]
fn a_branch_that_is_not_in_it_is_not_released() {
    check(&["main:a1 next:b1 main:a2 v1@a2"], "v1: a1 a2; : b1");
    // Merged: they come again on the branch that takes them.
    check(&["main:a1 next:b1 main:b1 main:m1 v1@m1"], "v1: a1 b1 m1; : ");
    check(&["main:a1 old:c1 main:a2 v2@a2 v1.1@c1"], "v1.1: c1; v2: a1 a2; : ");
}

#[test]
fn a_tag_at_a_commit_that_nobody_told_brings_nothing_that_is_known() {
    check(&["main:a1 v1@f00"], "v1?: ; : a1");
}

#[test]
fn a_tag_that_is_gone_is_no_release() {
    let mut arrivals = told("main:a1 v1@a1 main:a2 v2@a2");
    if let Arrived::Tag(tag) = &mut arrivals[1].what {
        tag.gone = true;
    }
    let known = Known::of(&[(ROOM, arrivals)]);
    assert_eq!((known.releases.len(), ids(&known.releases[0].commits)), (1, "a1 a2".into()));
}

#[test]
fn what_two_rooms_know_is_put_together() {
    check(&["main:a1 main:a2 v1@a2", "main:a2 v1@a2 main:a3"], "v1: a1 a2; : a3");
    check(&["main:a1", "main:a1 v1@a1"], "v1: a1; : ");
}

#[test]
fn a_conversation_is_found_by_its_commits_on_whatever_branch_they_were_told() {
    let known = Known::of(&[(ROOM, told("next:b1!4 main:a1!5 main:b1 v1@b1 main:a2!4"))]);
    let found = known.conversations(&known.releases[0].commits);
    let places = |found: &Conversations| found.keys().map(|at| (at.told, at.number)).collect::<Vec<_>>();
    assert_eq!(places(&found), [(ROOM, 4), (ROOM, 5)]);
    let open = known.conversations(&known.unreleased);
    assert_eq!(places(&open), [(ROOM, 4)]);
}

#[test]
fn thousands_of_tags_and_commits_take_no_time() {
    let arrivals: String = (0..2_500).map(|number| format!("main:c{number} v{number}@c{number} ")).collect();
    let arrivals = told(&arrivals);
    let began = std::time::Instant::now();
    let (releases, rest) = released(&arrivals);
    assert!(releases.iter().all(|release| release.commits.len() == 1) && rest.is_empty());
    // Each tag looking through all commits it would be many.
    assert!(began.elapsed() < std::time::Duration::from_secs(2), "{:?}", began.elapsed());
}
