//! Messages, and the changes that one may see after it was posted.

use serde::{Deserialize, Serialize};

use super::{File, NamedCommit, Who};
use crate::{FileId, MessageId, Millis, RoomId};

/// Everything in a room is somebody's doing, that of the program itself as well.
pub type Author = Who;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageKind {
    /// Written in our subset of Markdown, at most `MESSAGE_BYTES_MAX`.
    Text,
    /// Code or a log, shown as it is, at most `PASTE_BYTES_MAX`.
    Paste,
    /// The name of a sound.
    Sound,
    /// What the author did to the room, told by the room.
    Note(Note),
}

/// What a note says; its body is what it is about: a topic, a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Note {
    Entered,
    Left,
    Kicked,
    Banned,
    Topic,
    Name,
    Locked,
    Unlocked,
    Published,
    Unpublished,
    /// Of an agent: the conversation is theirs, since it was their turn.
    Turn,
}

impl MessageKind {
    /// As it is stored and searched.
    pub const fn number(self) -> i64 {
        match self {
            MessageKind::Text => 1,
            MessageKind::Paste => 2,
            MessageKind::Sound => 3,
            MessageKind::Note(_) => 4,
        }
    }
}

/// What somebody sends.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMessage {
    pub room: RoomId,
    /// Made by the sender; sent again with the same one, it is the same message.
    pub id: MessageId,
    pub author: Author,
    pub kind: MessageKind,
    pub body: String,
    /// The number of the message that it answers in a thread.
    pub thread: Option<u64>,
    pub mentions: Vec<Who>,
    /// Those that its author sent to the room before, at most `FILES_A_MESSAGE_MAX`.
    pub files: Vec<FileId>,
    pub at: Millis,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub room: RoomId,
    /// Its place in the room: 1, 2, 3 … without a gap.
    pub number: u64,
    pub id: MessageId,
    pub author: Author,
    /// Never before that of the message before it.
    pub at: Millis,
    pub kind: MessageKind,
    /// As it was written, or last edited; empty once removed.
    pub body: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Who>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<File>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<Millis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<Removal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Decision>,
    /// The last commit that says it fixes the conversation that begins here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
    /// The conversation that begins here is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closed>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reaction>,
    /// Answers in its thread.
    #[serde(default, skip_serializing_if = "is_default")]
    pub replies: u32,
    /// How often it was edited, decided, closed and taken back.
    #[serde(default, skip_serializing_if = "is_default")]
    pub revisions: u32,
    /// Posted while the room was locked: in no transcript, found by no search.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unrecorded: bool,
    /// The conversation with a customer that this was said in, or that begins a thread of it: for nobody but those who may read that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retold: Option<RoomId>,
    /// The last change of the room that touched it.
    pub changed: u64,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    pub by: Who,
    pub at: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub by: Who,
    pub at: Millis,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fix {
    pub repository: String,
    pub commit: NamedCommit,
    /// The first tag that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// What its message has for those who asked, at most `CLOSING_NOTE_BYTES_MAX`; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub answer: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    pub by: Who,
    pub at: Millis,
    /// What those who asked are told of it, at most `CLOSING_NOTE_BYTES_MAX`; may be empty.
    pub note: String,
}

/// One emoji and who answered with it, in that order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    pub emoji: String,
    pub who: Vec<Who>,
}

/// What somebody does to a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Edit {
        body: String,
        mentions: Vec<Who>,
    },
    Remove,
    React {
        emoji: String,
    },
    Unreact {
        emoji: String,
    },
    Decide,
    Undecide,
    /// A commit says that it fixes this.
    Fix(Fix),
    /// That commit, where it is the last one that fixes this, is in that release.
    Release {
        commit: String,
        tag: String,
    },
    /// Of what is closed already: its note becomes another.
    Close {
        note: String,
    },
    /// What was said to fix it did not.
    Reopen,
}

/// A step of a message's history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Revision {
    pub room: RoomId,
    pub number: u64,
    /// The change of the room that it was.
    pub change: u64,
    pub at: Millis,
    pub by: Who,
    pub what: Revised,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Revised {
    /// The body as it was before.
    Edited(String),
    Decided,
    Undecided,
    /// With that note; said again, the note became that.
    Closed(String),
    Reopened,
}
