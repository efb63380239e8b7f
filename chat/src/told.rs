//! How a room, its people and its messages look to those outside, in JSON. Bodies come as safe HTML beside what was written.

use std::collections::{BTreeSet, HashMap};

use model::chat::{
    Closed, Decision, File, Fix, Member, Message, MessageKind, NamedCommit, Note, Picture, Reaction, Room,
    RoomKind, RoomRole, Who,
};
use model::{FileId, MessageId, Millis, RoomId, SiteId};
use serde::Serialize;

use crate::{Chat, Result, markdown, pictures};

/// A nameless guest, and somebody who is no more.
pub const NAMELESS: &str = "Guest";
pub const GONE: &str = "Somebody";
/// People who reacted with one emoji that are named.
const REACTED_NAMED_MAX: usize = 10;

#[derive(Serialize)]
pub struct TellRoom<'t> {
    pub id: RoomId,
    pub site: Option<SiteId>,
    pub kind: RoomKind,
    pub name: &'t str,
    pub topic: &'t str,
    pub zone: &'t str,
    pub public: bool,
    pub locked: bool,
    pub members_max: u32,
    /// Its last message and its last change.
    pub last: u64,
    pub changes: u64,
}

impl TellRoom<'_> {
    pub fn of(room: &Room) -> TellRoom<'_> {
        TellRoom {
            id: room.id,
            site: room.site,
            kind: room.kind,
            name: &room.name,
            topic: &room.topic,
            zone: &room.zone,
            public: room.public,
            locked: room.locked,
            members_max: room.members_max,
            last: room.last,
            changes: room.changes,
        }
    }
}

#[derive(Serialize)]
pub struct TellMember {
    pub who: Who,
    pub name: String,
    pub role: RoomRole,
    pub joined: Millis,
}

impl TellMember {
    pub fn of(member: &Member, names: &HashMap<Who, String>) -> TellMember {
        let name = named(member.who, names).to_owned();
        TellMember { who: member.who, name, role: member.role, joined: member.joined }
    }
}

#[derive(Serialize)]
pub struct TellMessage<'t> {
    pub room: RoomId,
    pub number: u64,
    pub id: MessageId,
    pub author: Who,
    pub name: &'t str,
    pub at: Millis,
    pub kind: MessageKind,
    /// As it was written.
    pub body: &'t str,
    pub html: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<u64>,
    #[serde(skip_serializing_if = "<[Who]>::is_empty")]
    pub mentions: &'t [Who],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<TellFile<'t>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited: Option<Millis>,
    pub removed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided: Option<Decision>,
    /// The commit that fixes the conversation that begins here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<TellFix<'t>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<&'t Closed>,
    #[serde(skip_serializing_if = "<[Reaction]>::is_empty")]
    pub reactions: &'t [Reaction],
    pub replies: u32,
    pub unrecorded: bool,
    /// It was said in a conversation with a customer first; in which is for that one's agents to ask.
    #[serde(skip_serializing_if = "is_not")]
    pub retold: bool,
    pub changed: u64,
}

fn is_not(fact: &bool) -> bool {
    !fact
}

impl TellMessage<'_> {
    pub fn of<'t>(message: &'t Message, names: &'t HashMap<Who, String>) -> TellMessage<'t> {
        TellMessage {
            room: message.room,
            number: message.number,
            id: message.id,
            author: message.author,
            name: named(message.author, names),
            at: message.at,
            kind: message.kind,
            body: &message.body,
            html: html(message, names),
            thread: message.thread,
            mentions: &message.mentions,
            files: message.files.iter().map(|file| TellFile::of(message.room, file)).collect(),
            edited: message.edited,
            removed: message.removed.is_some(),
            decided: message.decided,
            fix: message.fix.as_ref().map(|fix| TellFix::of(message.room, fix)),
            closed: message.closed.as_ref(),
            reactions: &message.reactions,
            replies: message.replies,
            unrecorded: message.unrecorded,
            retold: message.retold.is_some(),
            changed: message.changed,
        }
    }
}

#[derive(Serialize)]
pub struct TellFix<'t> {
    pub repository: &'t str,
    pub commit: &'t NamedCommit,
    /// The first tag that it is in, and the page of that release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
}

impl TellFix<'_> {
    pub fn of(room: RoomId, fix: &Fix) -> TellFix<'_> {
        let release = fix.release.as_deref();
        let href = release.map(|tag| {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("repository", &fix.repository).append_pair("tag", tag);
            format!("/rooms/{room}/releases?{}", query.finish())
        });
        TellFix { repository: &fix.repository, commit: &fix.commit, release, href }
    }
}

/// A file of a message, and where it is.
#[derive(Serialize)]
pub struct TellFile<'t> {
    pub id: FileId,
    pub name: &'t str,
    /// `image/jpeg`, `image/png`, or `application/octet-stream`: what is to be kept, not shown.
    #[serde(rename = "type")]
    pub mime: &'static str,
    pub bytes: u64,
    pub href: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<TellPicture>,
}

/// A picture's own size, and that of its thumbnail, in pixels.
#[derive(Serialize)]
pub struct TellPicture {
    pub width: u32,
    pub height: u32,
    pub thumbnail: String,
    pub thumbnail_width: u32,
    pub thumbnail_height: u32,
}

impl TellFile<'_> {
    pub fn of(room: RoomId, file: &File) -> TellFile<'_> {
        // Names are many things; an address has nothing of them that means something there.
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let name: String = file.name.chars().map(|letter| if plain(letter) { letter } else { '_' }).collect();
        let href = format!("/rooms/{room}/files/{}/{name}", file.id);
        let picture = file.picture.map(|picture| TellPicture::of(picture, &href));
        TellFile {
            id: file.id,
            name: &file.name,
            mime: file.file_type.mime(),
            bytes: file.bytes,
            href,
            picture,
        }
    }
}

impl TellPicture {
    fn of(picture: Picture, href: &str) -> TellPicture {
        let Picture { width, height, thumbnail } = picture;
        let (thumbnail_width, thumbnail_height) = pictures::fitted(width, height);
        let thumbnail = if thumbnail == 0 { href.to_owned() } else { format!("{href}?thumbnail") };
        TellPicture { width, height, thumbnail, thumbnail_width, thumbnail_height }
    }
}

/// Of a note and a sound the page makes its own words.
fn html(message: &Message, names: &HashMap<Who, String>) -> String {
    match message.kind {
        MessageKind::Text => markdown::html(&message.body, names),
        MessageKind::Paste => markdown::paste(&message.body),
        MessageKind::Sound | MessageKind::Note(_) => String::new(),
    }
}

/// Of each reaction the first few: more are counted, not named.
fn people_of(message: &Message) -> impl Iterator<Item = Who> {
    let reacted = message.reactions.iter().flat_map(|of| of.who.iter().take(REACTED_NAMED_MAX).copied());
    let decided = message.decided.map(|decision| decision.by);
    let closed = message.closed.as_ref().map(|closed| closed.by);
    let sent_out = match message.kind {
        MessageKind::Note(Note::Kicked | Note::Banned) => message.body.parse().ok(),
        _ => None,
    };
    let mentioned = message.mentions.iter().copied();
    std::iter::once(message.author)
        .chain(mentioned)
        .chain(reacted)
        .chain(decided)
        .chain(closed)
        .chain(sent_out)
}

pub fn named(who: Who, names: &HashMap<Who, String>) -> &str {
    names.get(&who).map_or(GONE, String::as_str)
}

/// What stands beside the name of whoever has no account: a name alone is what each of them chose.
pub fn kind_word(who: Who) -> Option<&'static str> {
    match who {
        Who::Account(_) => None,
        Who::Guest(_) => Some("guest"),
        Who::Bot(_) => Some("bot"),
    }
}

/// A name where there are no badges: `Gus (guest)`.
pub fn named_in_words(who: Who, names: &HashMap<Who, String>) -> String {
    let name = named(who, names);
    kind_word(who).map_or_else(|| name.to_owned(), |kind| format!("{name} ({kind})"))
}

impl Chat {
    /// The names of whoever wrote these, is mentioned in them, or did something to them.
    pub async fn names_in(
        &self,
        messages: impl IntoIterator<Item = &Message>,
    ) -> Result<HashMap<Who, String>> {
        self.names(messages.into_iter().flat_map(people_of).collect()).await
    }

    /// A room as it is called to somebody: one without a name by who else is in it.
    pub async fn called(&self, room: &Room, to: Option<Who>) -> Result<String> {
        if !room.name.is_empty() {
            return Ok(room.name.clone());
        }
        let members = self.store.rooms.members(room.id).await?;
        let others: BTreeSet<Who> =
            members.iter().map(|member| member.who).filter(|who| Some(*who) != to).collect();
        let names = self.names(others.clone()).await?;
        let mut called: Vec<&str> = others.iter().map(|who| named(*who, &names)).collect();
        called.sort_unstable();
        Ok(called.join(", "))
    }

    /// Those that are known.
    pub async fn names(&self, people: BTreeSet<Who>) -> Result<HashMap<Who, String>> {
        let mut names = HashMap::with_capacity(people.len());
        // A site that spoke by a rule did so as the bot of its number.
        let (mut guests, mut speaking) = (Vec::new(), Vec::new());
        for who in people {
            match who {
                Who::Account(id) => match self.store.accounts.account(id).await {
                    Ok(account) => drop(names.insert(who, account.name)),
                    Err(store::StoreError::NotFound(_)) => {}
                    Err(error) => return Err(error.into()),
                },
                Who::Guest(id) => guests.push(id),
                Who::Bot(id) => speaking.push(id),
            }
        }
        if !guests.is_empty() {
            for guest in self.store.rooms.guests(guests).await? {
                let name = if guest.name.is_empty() { NAMELESS.to_owned() } else { guest.name };
                names.insert(Who::Guest(guest.id), name);
            }
        }
        if !speaking.is_empty() {
            let bots = self.store.rooms.bots().await?;
            names.extend(bots.into_iter().map(|bot| (Who::Bot(bot.id), bot.name)));
            speaking.retain(|site| !names.contains_key(&Who::Bot(*site)));
            for site in speaking {
                match self.store.sites.site(SiteId::of(site.value())).await {
                    Ok(found) => drop(names.insert(Who::Bot(site), found.name)),
                    Err(store::StoreError::NotFound(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(names)
    }
}
