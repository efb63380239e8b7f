//! What a room knows of repositories: the commits, tags and branches that it was told of, in the order in which they came.

use serde::{Deserialize, Serialize};

use crate::{Millis, RoomId};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arrival {
    /// As its forge writes it: `acme/shop`.
    pub repository: String,
    pub at: Millis,
    pub what: Arrived,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arrived {
    Commit(ArrivedCommit),
    Tag(ArrivedTag),
    Branch(ArrivedBranch),
}

/// Where a branch was said to be last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArrivedBranch {
    pub branch: String,
    /// None: it was deleted.
    pub head: Option<String>,
}

/// A commit on a branch. On another branch it is another arrival.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArrivedCommit {
    pub branch: String,
    pub commit: NamedCommit,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub about: Vec<About>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NamedCommit {
    pub id: String,
    /// The first line of its message.
    pub subject: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub author: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// The conversation that a commit refers to, by the number of its first message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    pub number: u64,
    /// What the customer of it hears. None: it is no customer's, and stands in the room that was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customers: Option<RoomId>,
    pub fixes: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ArrivedTag {
    pub tag: String,
    /// The commit that it stands at; None: nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// Of the release that was made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// It was deleted.
    #[serde(default)]
    pub gone: bool,
}

impl Arrival {
    /// What it is told apart by in its room.
    pub fn key(&self) -> String {
        match &self.what {
            Arrived::Commit(of) => format!("commit\n{}\n{}\n{}", self.repository, of.branch, of.commit.id),
            Arrived::Tag(of) => format!("tag\n{}\n{}", self.repository, of.tag),
            Arrived::Branch(of) => format!("branch\n{}\n{}", self.repository, of.branch),
        }
    }

    /// What is known once the same came again: a tag stays where it came first and takes what is new of it, a branch is where it was said to be last,
    /// a commit stays as it is.
    pub fn told_again(self, later: &Arrival) -> Arrival {
        let what = match (self.what, &later.what) {
            (Arrived::Tag(tag), Arrived::Tag(new)) => Arrived::Tag(tag.told_again(new)),
            (Arrived::Branch(_), Arrived::Branch(new)) => Arrived::Branch(new.clone()),
            (what, _) => what,
        };
        Arrival { what, ..self }
    }
}

impl ArrivedTag {
    fn told_again(self, later: &ArrivedTag) -> ArrivedTag {
        ArrivedTag {
            head: later.head.clone().or(self.head),
            name: later.name.clone().or(self.name),
            link: later.link.clone().or(self.link),
            gone: later.gone,
            tag: self.tag,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_that_is_told_of_twice_is_both() {
        let tag = |head: Option<&str>, name: Option<&str>, gone| Arrival {
            repository: "acme/shop".into(),
            at: Millis(1),
            what: Arrived::Tag(ArrivedTag {
                tag: "v1".into(),
                head: head.map(str::to_owned),
                name: name.map(str::to_owned),
                link: None,
                gone,
            }),
        };
        let both = tag(Some("a1"), Some("First"), false);
        assert_eq!(tag(Some("a1"), None, false).told_again(&tag(None, Some("First"), false)), both);
        assert_eq!(tag(None, Some("First"), true).told_again(&tag(Some("a1"), None, false)), both);
        assert_eq!(tag(Some("a0"), Some("First"), false).told_again(&tag(Some("a1"), None, false)), both);
        assert_eq!(both.key(), tag(None, None, true).key());
    }
}
