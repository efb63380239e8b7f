//! What happened at a forge, in our words: a branch or tag moved, a release came out.
//! All texts are cut to their maxima, all links lead into the web.

use model::Millis;

/// Before what a commit's message has for those who asked.
const ANSWER: &str = "Answer:";

#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Push(Push),
    Release(Release),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repository {
    /// As its forge writes it: `acme/shop`.
    pub name: String,
    pub link: Option<String>,
}

/// A branch or a tag, by its name without `refs/…/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub kind: PlaceKind,
    pub name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceKind {
    Branch,
    Tag,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Made,
    Deleted,
    /// Commits that it had are no longer in it. Only some forges say so.
    Forced,
    Moved,
}

/// A branch or tag was made, moved or deleted.
#[derive(Clone, Debug, PartialEq)]
pub struct Push {
    pub repository: Repository,
    pub place: Place,
    pub change: Change,
    /// Who did it, where the forge says so.
    pub by: Option<String>,
    /// The commit that the place is at now; None where it is gone or the forge is silent.
    pub head: Option<String>,
    /// A page that shows all of it.
    pub compare: Option<String>,
    /// The oldest first, at most `COMMITS_A_PUSH_MAX`.
    pub commits: Vec<Commit>,
    /// How many more there are than `commits` has; None: more, and nobody says how many.
    pub unlisted: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    pub id: String,
    pub author: String,
    pub message: String,
    pub when: Option<Millis>,
    pub link: Option<String>,
    /// False where the forge says that the repository had it before, on another branch.
    pub distinct: bool,
}

/// A release was made public.
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    pub repository: Repository,
    pub tag: String,
    /// As people call it; its tag where it has no name.
    pub name: String,
    pub text: String,
    pub link: Option<String>,
    pub when: Option<Millis>,
    pub by: Option<String>,
    /// Not yet for everybody.
    pub early: bool,
}

impl Event {
    pub fn repository(&self) -> &Repository {
        match self {
            Event::Push(push) => &push.repository,
            Event::Release(release) => &release.repository,
        }
    }
}

impl Place {
    pub fn branch(name: &str) -> Place {
        Place { kind: PlaceKind::Branch, name: crate::text::name(name) }
    }

    pub fn tag(name: &str) -> Place {
        Place { kind: PlaceKind::Tag, name: crate::text::name(name) }
    }

    /// Of `refs/heads/…` or `refs/tags/…`; None for what people do not look at, like notes.
    pub fn of_ref(name: &str) -> Option<Place> {
        match name.strip_prefix("refs/heads/") {
            Some(branch) => Some(Place::branch(branch)),
            None => name.strip_prefix("refs/tags/").map(Place::tag),
        }
    }
}

impl Commit {
    /// The first line of its message, within `SUBJECT_BYTES_MAX`.
    pub fn subject(&self) -> String {
        let first = self.message.lines().next().unwrap_or_default();
        crate::text::line(first, crate::limits::SUBJECT_BYTES_MAX)
    }

    /// What its message has for those who asked: the lines that begin with `Answer:`, within `CLOSING_NOTE_BYTES_MAX`.
    pub fn answer(&self) -> String {
        let words = |line: &str| {
            let begin = line.get(..ANSWER.len()).filter(|begin| begin.eq_ignore_ascii_case(ANSWER));
            begin.map(|begin| line[begin.len()..].trim().to_owned())
        };
        let lines: Vec<String> =
            self.message.lines().filter_map(words).filter(|words| !words.is_empty()).collect();
        let answer = lines.join("\n");
        answer[..answer.floor_char_boundary(model::limits::CLOSING_NOTE_BYTES_MAX)].trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::limits::CLOSING_NOTE_BYTES_MAX;

    fn check(message: &str, expected: &str) {
        let commit = Commit {
            id: "a1".into(),
            author: String::new(),
            message: message.into(),
            when: None,
            link: None,
            distinct: true,
        };
        assert_eq!(commit.answer(), expected, "{message}");
    }

    #[test]
    fn an_answer_is_what_a_line_has_for_those_who_asked() {
        check(
            "Till\n\nFixes #1\nAnswer: It adds up again.\nanswer:  Reload the page. \n",
            "It adds up again.\nReload the page.",
        );
        check("Till, Answer: no\n\nAnswer:\nAnswers: none\n Answer: indented", "");
        check("Answer:é", "é");
        check(
            &format!("Answer: {}", "a".repeat(CLOSING_NOTE_BYTES_MAX)),
            &"a".repeat(CLOSING_NOTE_BYTES_MAX),
        );
        check(
            &format!("Answer: {}é", "a".repeat(CLOSING_NOTE_BYTES_MAX - 1)),
            &"a".repeat(CLOSING_NOTE_BYTES_MAX - 1),
        );
    }
}
