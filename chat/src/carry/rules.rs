//! What the lines of a room have to keep, whoever wrote them: the order, the bounds, and that numbers mean what they do in a room.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result, bail, ensure};
use model::chat::{
    Arrival, Arrived, Conversation, ConversationState, File, FileType, Member, Message, MessageKind, Revised,
    Revision, Room, RoomKind, Who,
};
use model::limits;
use model::{FileId, Millis, RoomId, SiteId};
use store::chat::hooks::arrival_mark;

use super::line::{FileLine, Line, Person, Star};
use super::{FILES_MAX, MESSAGES_MAX, PEOPLE_MAX};
use crate::files::named;
use crate::pictures;

/// Moments of a message, up to the year 3000.
const AT_MAX: Millis = Millis(32_503_680_000_000);

/// Bytes of what is known of a commit or a tag.
const ARRIVAL_BYTES_MAX: usize = 64 * 1024;

pub struct Rules {
    id: RoomId,
    room: Option<Room>,
    conversation: Option<Box<Conversation>>,
    /// The kind of the line before.
    stage: usize,
    last: u64,
    last_at: Millis,
    /// Of the message before: how many steps of its history are still to come.
    revisions: u32,
    changes: HashSet<u64>,
    steps: HashSet<u64>,
    ids: HashSet<u128>,
    /// Of files that messages name: the message, and what it says of it.
    files: HashMap<FileId, (u64, File)>,
    bytes: u64,
    members: HashSet<Who>,
    people: HashSet<Who>,
    stars: Option<(u64, Who)>,
    arrivals: HashSet<[u8; 32]>,
}

/// A room whose lines keep all rules.
pub struct Checked {
    pub messages: u64,
    pub kind: RoomKind,
    pub site: Option<SiteId>,
    /// Of a conversation: where its notes are.
    pub notes: Option<RoomId>,
}

impl Rules {
    pub fn of(id: RoomId) -> Rules {
        Rules {
            id,
            room: None,
            conversation: None,
            stage: 0,
            last: 0,
            last_at: Millis(0),
            revisions: 0,
            changes: HashSet::new(),
            steps: HashSet::new(),
            ids: HashSet::new(),
            files: HashMap::new(),
            bytes: 0,
            members: HashSet::new(),
            people: HashSet::new(),
            stars: None,
            arrivals: HashSet::new(),
        }
    }

    /// `head`: the first bytes of a file.
    pub fn take(&mut self, line: Line, head: impl Fn(FileId) -> Result<Vec<u8>>) -> Result<()> {
        let stage = stage(&line);
        ensure!(stage >= self.stage && (stage > 0) == self.room.is_some(), "lines are in the wrong order");
        self.stage = stage;
        if !matches!(line, Line::Revision(_)) {
            ensure!(self.revisions == 0, "the history of message {} is not whole", self.last);
        }
        match line {
            Line::Room(room) => self.room(room),
            Line::Conversation(conversation) => self.conversation(conversation),
            Line::Message(message) => self.message(&message),
            Line::Revision(revision) => self.revision(&revision),
            Line::Member(member) => self.member(&member),
            Line::Person(person) => self.person(&person),
            Line::Star(star) => self.star(star),
            Line::Arrival(arrival) => self.arrival(&arrival),
            Line::File(file) => self.file(&file, head),
        }
    }

    /// What it is, once all of it was taken.
    pub fn end(self) -> Result<Checked> {
        let room = self.room.context("there is no room in its lines")?;
        ensure!(self.revisions == 0, "the history of message {} is not whole", self.last);
        ensure!(room.last == self.last, "it has {} messages and says {}", self.last, room.last);
        ensure!(room.last_at == self.last_at, "its last message is of another moment");
        let is_customers = room.kind == RoomKind::Conversation;
        ensure!(is_customers == self.conversation.is_some(), "it is a conversation, and does not say so");
        if let Some(of) = &self.conversation {
            ensure!(of.last <= self.last && of.mailed <= self.last, "the conversation has more messages");
        }
        let notes = self.conversation.map(|conversation| conversation.notes);
        Ok(Checked { messages: self.last, kind: room.kind, site: room.site, notes })
    }

    /// A link leads to a page, and what is shown can be.
    fn conversation(&mut self, of: Box<Conversation>) -> Result<()> {
        ensure!(self.conversation.is_none(), "it is two conversations");
        ensure!(of.room == self.id && of.notes != self.id, "a conversation is of another room");
        ensure!(self.room.as_ref().is_some_and(|room| room.site == Some(of.site)), "it is of another site");
        let customer = &of.customer;
        for (text, max, what) in [
            (&customer.name, limits::NAME_BYTES_MAX, "bytes in a name"),
            (&customer.identity, limits::NAME_BYTES_MAX, "bytes in an identity"),
            (&customer.email, limits::EMAIL_BYTES_MAX, "bytes in an e-mail address"),
            (&of.title, limits::TITLE_BYTES_MAX, "bytes in a title"),
            (&of.preview, limits::PREVIEW_BYTES_MAX, "bytes of how it begins"),
        ] {
            at_most(text.len(), max, what)?;
            printable(text)?;
        }
        at_most(of.page.len(), limits::URL_BYTES_MAX, "bytes in an address")?;
        at_most(of.labels.len(), limits::LABELS_MAX, "labels")?;
        for label in &of.labels {
            at_most(label.len(), limits::NAME_BYTES_MAX, "bytes in a label")?;
            printable(label)?;
        }
        if let Some(rating) = &of.rating {
            at_most(rating.words.len(), limits::RATING_BYTES_MAX, "bytes in what a customer says of it")?;
            ensure!((1..=limits::SCORE_MAX).contains(&rating.score), "a score is 1 to 5");
        }
        let answer = of.fix.as_ref().map_or(0, |fix| fix.answer.len());
        at_most(answer, limits::CLOSING_NOTE_BYTES_MAX, "bytes in a closing note")?;
        linked(Some(of.page.as_str()).filter(|page| !page.is_empty()))?;
        linked(of.fix.as_ref().and_then(|fix| fix.commit.link.as_deref()))?;
        let moments = [of.waiting_since, of.first_answer_at, of.closed_at];
        let until = match of.state {
            ConversationState::Snoozed(until) => Some(until),
            ConversationState::Open | ConversationState::Closed(_) => None,
        };
        for at in [of.opened, of.last_at].into_iter().chain(moments.into_iter().flatten()).chain(until) {
            moment(at)?;
        }
        ensure!(i64::try_from(of.version).is_ok(), "a conversation has no so many changes");
        self.conversation = Some(of);
        Ok(())
    }

    fn room(&mut self, room: Room) -> Result<()> {
        ensure!(room.id == self.id, "it is another room");
        let is_sites = !room.kind.is_of_inbox() || room.site.is_some();
        ensure!(is_sites && !(room.kind.is_of_inbox() && room.public), "it is no room of a conversation");
        at_most(room.name.len(), limits::NAME_BYTES_MAX, "bytes in a name")?;
        at_most(room.topic.len(), limits::TOPIC_BYTES_MAX, "bytes in a topic")?;
        printable(&room.name)?;
        printable(&room.topic)?;
        at_most(room.members_max as usize, limits::ROOM_MEMBERS_MAX as usize, "members of a room")?;
        ensure!(jiff::tz::TimeZone::get(&room.zone).is_ok(), "there is no such time zone");
        ensure!(room.last <= MESSAGES_MAX, "a room has at most {MESSAGES_MAX} messages");
        ensure!(i64::try_from(room.changes).is_ok(), "a room has no so many changes");
        moment(room.created)?;
        self.room = Some(room);
        Ok(())
    }

    fn changed(&mut self, number: u64, of_message: bool) -> Result<()> {
        let most = self.room.as_ref().map_or(0, |room| room.changes);
        ensure!((1..=most).contains(&number), "a change has a number that the room does not have");
        let known = if of_message { &mut self.changes } else { &mut self.steps };
        ensure!(known.insert(number), "two changes have one number");
        Ok(())
    }

    fn message(&mut self, message: &Message) -> Result<()> {
        ensure!(message.room == self.id, "a message is of another room");
        ensure!(message.number == self.last + 1, "message {} is missing", self.last + 1);
        ensure!(self.ids.insert(message.id.0), "two messages have one id");
        self.changed(message.changed, true)?;
        moment(message.at)?;
        ensure!(message.at >= self.last_at, "a message is before the one before it");
        (self.last, self.last_at, self.revisions) = (message.number, message.at, message.revisions);
        let most = if message.kind == MessageKind::Paste {
            limits::PASTE_BYTES_MAX
        } else {
            limits::MESSAGE_BYTES_MAX
        };
        at_most(message.body.len(), most, "bytes in a message")?;
        at_most(message.mentions.len(), limits::MENTIONS_MAX, "people mentioned in a message")?;
        at_most(message.revisions as usize, 2 * limits::REVISIONS_MAX, "revisions of a message")?;
        at_most(message.reactions.len(), limits::EMOJI_A_MESSAGE_MAX, "emoji at a message")?;
        let reacted = message.reactions.iter().map(|reaction| reaction.who.len()).sum();
        at_most(reacted, limits::REACTIONS_A_MESSAGE_MAX, "reactions to a message")?;
        for reaction in &message.reactions {
            at_most(reaction.emoji.len(), limits::EMOJI_BYTES_MAX, "bytes of an emoji")?;
        }
        let note = message.closed.as_ref().map_or(0, |closed| closed.note.len());
        at_most(note, limits::CLOSING_NOTE_BYTES_MAX, "bytes in a closing note")?;
        ensure!(
            message.thread.is_none_or(|number| (1..self.last).contains(&number)),
            "it answers what is not there"
        );
        ensure!(!message.unrecorded || message.removed.is_some(), "it was said behind a lock");
        if message.removed.is_some() {
            let is_empty = message.body.is_empty() && message.files.is_empty() && message.revisions == 0;
            ensure!(is_empty, "a removed message says something");
        }
        linked(message.fix.as_ref().and_then(|fix| fix.commit.link.as_deref()))?;
        self.named_files(message)
    }

    fn named_files(&mut self, message: &Message) -> Result<()> {
        at_most(message.files.len(), limits::FILES_A_MESSAGE_MAX, "files of a message")?;
        for file in &message.files {
            at_most(file.name.len(), limits::FILE_NAME_BYTES_MAX, "bytes in the name of a file")?;
            let is_shown = named(&file.name).is_ok_and(|name| name == file.name);
            ensure!(is_shown, "a file has a name that shows it other than it is");
            let picture = file.picture.map_or(0, |picture| picture.thumbnail);
            let bytes = file.bytes.saturating_add(picture);
            at_most(usize::try_from(bytes)?, limits::FILE_BYTES_MAX, "bytes in a file")?;
            let said = (message.number, file.clone());
            ensure!(self.files.insert(file.id, said).is_none(), "two messages have one file");
            at_most(self.files.len(), FILES_MAX, "files of a room")?;
        }
        Ok(())
    }

    fn revision(&mut self, revision: &Revision) -> Result<()> {
        ensure!(revision.room == self.id && revision.number == self.last, "a revision is of another message");
        ensure!(self.revisions > 0, "a message has more history than it says");
        self.revisions -= 1;
        moment(revision.at)?;
        if let Revised::Edited(text) | Revised::Closed(text) = &revision.what {
            at_most(text.len(), limits::PASTE_BYTES_MAX, "bytes in a message")?;
        }
        self.changed(revision.change, false)
    }

    fn member(&mut self, member: &Member) -> Result<()> {
        ensure!(member.room == self.id, "a member is of another room");
        ensure!(member.read <= self.last, "a member has read what is not there");
        ensure!(self.members.insert(member.who), "somebody is a member twice");
        at_most(self.members.len(), PEOPLE_MAX, "people of a room")
    }

    fn person(&mut self, person: &Person) -> Result<()> {
        at_most(person.name.len(), limits::NAME_BYTES_MAX, "bytes in a name")?;
        printable(&person.name)?;
        ensure!(self.people.insert(person.who), "somebody has two names");
        at_most(self.people.len(), PEOPLE_MAX, "people of a room")
    }

    fn star(&mut self, star: Star) -> Result<()> {
        ensure!((1..=self.last).contains(&star.number), "a star stands at no message");
        let now = Some((star.number, star.who));
        ensure!(self.stars < now, "stars are in the wrong order");
        self.stars = now;
        Ok(())
    }

    fn arrival(&mut self, arrival: &Arrival) -> Result<()> {
        ensure!(self.arrivals.insert(arrival_mark(arrival)), "a commit or tag came twice");
        at_most(serde_json::to_string(arrival)?.len(), ARRIVAL_BYTES_MAX, "bytes about a commit or tag")?;
        linked(match &arrival.what {
            Arrived::Commit(of) => of.commit.link.as_deref(),
            Arrived::Tag(tag) => tag.link.as_deref(),
            Arrived::Branch(_) => None,
        })?;
        moment(arrival.at)?;
        at_most(self.arrivals.len(), limits::ARRIVALS_A_ROOM_MAX, "commits and tags of a room")
    }

    fn file(&mut self, line: &FileLine, head: impl Fn(FileId) -> Result<Vec<u8>>) -> Result<()> {
        let Some((message, file)) = self.files.remove(&line.id) else {
            bail!("the file {} is no message's, or there twice", line.id)
        };
        ensure!(message == line.message && file.kept() == line.bytes, "a file is not what its message says");
        self.bytes += line.bytes;
        ensure!(self.bytes <= limits::FILES_A_ROOM_BYTES_MAX, "a room holds no so many bytes of files");
        let expected = match file.file_type {
            FileType::Other => return Ok(()),
            FileType::Jpeg => image::ImageFormat::Jpeg,
            FileType::Png => image::ImageFormat::Png,
        };
        let is_so = pictures::format(&head(line.id)?) == Some(expected);
        ensure!(is_so, "the file {} says that it is a picture, and is none", line.id);
        Ok(())
    }
}

fn stage(line: &Line) -> usize {
    match line {
        Line::Room(_) => 0,
        Line::Conversation(_) => 1,
        Line::Message(_) | Line::Revision(_) => 2,
        Line::Member(_) => 3,
        Line::Person(_) => 4,
        Line::Star(_) => 5,
        Line::Arrival(_) => 6,
        Line::File(_) => 7,
    }
}

fn at_most(is: usize, max: usize, what: &str) -> Result<()> {
    ensure!(is <= max, "at most {max} {what}");
    Ok(())
}

fn printable(text: &str) -> Result<()> {
    ensure!(!text.chars().any(char::is_control), "a name cannot be shown");
    Ok(())
}

/// Links lead to pages and run nothing.
fn linked(link: Option<&str>) -> Result<()> {
    let is_page = link.is_none_or(|link| link.starts_with("https://") || link.starts_with("http://"));
    ensure!(is_page, "a link leads to no page");
    Ok(())
}

fn moment(at: Millis) -> Result<()> {
    ensure!((0..=AT_MAX.0).contains(&at.0), "a moment lies nowhere");
    Ok(())
}
