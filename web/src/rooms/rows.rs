//! Messages as pages show them, in the zone of their room.

use std::collections::HashMap;

use chat::told::{TellFile, TellFix, TellMessage, kind_word, named};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::chat::{Fix, Message, MessageKind, NamedCommit, Note, Room, Who};
use model::{Millis, RoomId};

use crate::Web;
use crate::error::Problem;

/// Messages of one person that are shown as one, at most so far apart.
const TOGETHER: i64 = 5 * 60_000;

pub struct MessageRow {
    pub room: RoomId,
    pub number: u64,
    /// Where it stands in the transcript.
    pub href: String,
    pub author: String,
    /// What its author is, who has no account.
    pub badge: Option<&'static str>,
    /// RFC 3339, and the hour and minute in the room's zone.
    pub iso: String,
    pub time: String,
    /// Where a day begins: its name.
    pub day: Option<String>,
    /// Said by the same person shortly before.
    pub follows: bool,
    /// Safe HTML.
    pub html: String,
    pub files: Vec<FileRow>,
    /// What the room tells of its author.
    pub note: Option<String>,
    pub removed: bool,
    pub edited: bool,
    pub sees_history: bool,
    /// Who decided it.
    pub decided: Option<String>,
    /// The conversation that begins here, where a commit fixes it or somebody closed it.
    pub closing: Option<ClosingRow>,
    pub reactions: Vec<(String, usize)>,
    pub replies: u32,
    /// The message that it answers, and where that is.
    pub thread: Option<(u64, String)>,
}

pub struct ClosingRow {
    /// Who closed it, and their note.
    pub closed: Option<(String, String)>,
    pub fix: Option<FixRow>,
}

pub struct FixRow {
    pub commit: CommitRow,
    /// The tag that it is in, and that release's page.
    pub release: Option<(String, String)>,
}

pub struct CommitRow {
    pub short: String,
    pub subject: String,
    pub author: String,
    pub link: Option<String>,
}

impl CommitRow {
    pub fn of(commit: &NamedCommit) -> CommitRow {
        CommitRow {
            short: chat::short(&commit.id).to_owned(),
            subject: commit.subject.clone(),
            author: commit.author.clone(),
            link: commit.link.clone(),
        }
    }
}

impl FixRow {
    /// Of a conversation with a customer: releases of all rooms that its agent may read.
    pub fn of_customer(fix: &Fix) -> FixRow {
        let href = |tag: &String| {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("repository", &fix.repository).append_pair("tag", tag);
            (tag.clone(), format!("/releases?{}", query.finish()))
        };
        FixRow { commit: CommitRow::of(&fix.commit), release: fix.release.as_ref().map(href) }
    }
}

impl ClosingRow {
    pub fn of(message: &Message, names: &HashMap<Who, String>) -> Option<ClosingRow> {
        if message.fix.is_none() && message.closed.is_none() {
            return None;
        }
        let closed = message.closed.as_ref();
        let fix = message.fix.as_ref().map(|fix| {
            let told = TellFix::of(message.room, fix);
            let release = fix.release.clone().zip(told.href);
            FixRow { commit: CommitRow::of(&fix.commit), release }
        });
        // What the line of the fix says is not said twice.
        let is_said =
            |note: &str| message.fix.as_ref().is_some_and(|fix| chat::fixed_by(&fix.commit) == note);
        let note = |note: &str| if is_said(note) { String::new() } else { note.to_owned() };
        let closed = closed.map(|closed| (named(closed.by, names).to_owned(), note(&closed.note)));
        Some(ClosingRow { closed, fix })
    }
}

pub struct FileRow {
    pub name: String,
    pub href: String,
    /// In words.
    pub size: String,
    pub picture: Option<PictureRow>,
}

pub struct PictureRow {
    pub thumbnail: String,
    pub width: u32,
    pub height: u32,
}

impl FileRow {
    fn of(told: TellFile<'_>) -> FileRow {
        let picture = told.picture.map(|picture| {
            let (width, height) = shown(picture.thumbnail_width, picture.thumbnail_height);
            PictureRow { thumbnail: picture.thumbnail, width, height }
        });
        FileRow { name: told.name.to_owned(), href: told.href, size: size_of(told.bytes), picture }
    }
}

/// The size that a picture is shown in: half of its thumbnail's box, for screens of two pixels to one.
fn shown(width: u32, height: u32) -> (u32, u32) {
    let (wide, high) = (f64::from(width), f64::from(height));
    let scale = (400.0 / wide).min(300.0 / high).min(1.0);
    ((wide * scale).round().max(1.0) as u32, (high * scale).round().max(1.0) as u32)
}

/// As `1.4 MB`; in thousands, as people count.
fn size_of(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// Messages of one room, in their order. `sees_history`: the reader may see what they were before they were edited.
pub async fn rows(
    web: &Web,
    room: &Room,
    sees_history: bool,
    messages: &[Message],
) -> Result<Vec<MessageRow>, Problem> {
    let names = web.chat.names_in(messages).await?;
    let zone = zone_of(&room.zone);
    let mut rows = Vec::with_capacity(messages.len());
    let mut before: Option<&Message> = None;
    for message in messages {
        rows.push(MessageRow { sees_history, ..row(message, before, &zone, &names) });
        before = Some(message);
    }
    Ok(rows)
}

fn row(
    message: &Message,
    before: Option<&Message>,
    zone: &TimeZone,
    names: &HashMap<Who, String>,
) -> MessageRow {
    let told = TellMessage::of(message, names);
    let day = day_of(message.at, zone);
    let is_new_day = before.is_none_or(|before| day_of(before.at, zone) != day);
    let is_said = |message: &Message| !matches!(message.kind, MessageKind::Note(_) | MessageKind::Sound);
    let follows = before.is_some_and(|before| {
        is_said(before)
            && is_said(message)
            && before.author == message.author
            && message.at.0 - before.at.0 <= TOGETHER
    });
    MessageRow {
        room: message.room,
        number: message.number,
        href: permalink(message.room, message.number, &day),
        author: told.name.to_owned(),
        badge: kind_word(message.author),
        iso: in_zone(message.at, zone).timestamp().to_string(),
        time: in_zone(message.at, zone).strftime("%H:%M").to_string(),
        day: is_new_day.then(|| in_zone(message.at, zone).strftime("%A, %-d %B %Y").to_string()),
        follows: follows && !is_new_day,
        html: told.html,
        files: told.files.into_iter().map(FileRow::of).collect(),
        note: said_of(message, names),
        removed: message.removed.is_some(),
        edited: message.edited.is_some(),
        sees_history: false,
        decided: message.decided.map(|decision| named(decision.by, names).to_owned()),
        closing: ClosingRow::of(message, names),
        reactions: message.reactions.iter().map(|of| (of.emoji.clone(), of.who.len())).collect(),
        replies: message.replies,
        thread: message.thread.map(|number| (number, format!("/rooms/{}/messages/{number}", message.room))),
    }
}

/// What its author did, in words that follow the name.
fn said_of(message: &Message, names: &HashMap<Who, String>) -> Option<String> {
    let body = &message.body;
    let whom = || body.parse().map_or(chat::told::GONE, |who| named(who, names));
    let words = match message.kind {
        MessageKind::Sound => format!("plays {body}"),
        MessageKind::Note(note) => match note {
            Note::Entered => "came in".to_owned(),
            Note::Left => "left".to_owned(),
            Note::Kicked => format!("sent {} out", whom()),
            Note::Banned => format!("sent {} out for a while", whom()),
            Note::Topic if body.is_empty() => "took the topic away".to_owned(),
            Note::Topic => format!("set the topic: {body}"),
            Note::Name => format!("named the room {body}"),
            Note::Locked => "locked the room".to_owned(),
            Note::Unlocked => "unlocked the room".to_owned(),
            Note::Published => "opened the room to be read by anybody".to_owned(),
            Note::Unpublished => "closed the room to outside readers".to_owned(),
            Note::Turn => "has this conversation: it was their turn".to_owned(),
        },
        MessageKind::Text | MessageKind::Paste => return None,
    };
    Some(words)
}

/// The room's zone is checked before it is stored; of one that this program does not know any more, UTC.
pub fn zone_of(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

pub fn in_zone(at: Millis, zone: &TimeZone) -> jiff::Zoned {
    Timestamp::from_millisecond(at.0).unwrap_or_default().to_zoned(zone.clone())
}

/// `2026-11-21`
pub fn day_of(moment: Millis, zone: &TimeZone) -> String {
    in_zone(moment, zone).date().to_string()
}

pub fn permalink(room: RoomId, number: u64, day: &str) -> String {
    format!("/rooms/{room}/days/{day}?from={number}#m{number}")
}
