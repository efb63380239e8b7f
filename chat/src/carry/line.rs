//! The lines of a room in an archive, an object each: `{"kind": "message", "is": {…}}`.

use model::FileId;
use model::chat::{Arrival, Conversation, Member, Message, Revision, Room, Who};
use serde::{Deserialize, Serialize};

/// In this order: the room; of one that a customer heard the conversation; its messages by number, each with its history behind it; then the rest, a kind after the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "is", rename_all = "lowercase")]
pub enum Line {
    Room(Room),
    Conversation(Box<Conversation>),
    Message(Box<Message>),
    Revision(Box<Revision>),
    Member(Member),
    Person(Person),
    Star(Star),
    Arrival(Box<Arrival>),
    File(FileLine),
}

/// Somebody by name, whom other lines name by id. The nameless have no line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Person {
    pub who: Who,
    pub name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Star {
    pub number: u64,
    pub who: Who,
}

/// A file that the archive has. What else is known of it stands in its message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileLine {
    pub id: FileId,
    pub message: u64,
    /// With its thumbnail.
    pub bytes: u64,
    pub sha256: String,
}

impl Line {
    /// With its end.
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string(self).expect("a noun of chat encodes");
        text.push('\n');
        text
    }
}
