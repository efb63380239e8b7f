//! Rooms into an archive: of each room its files, then its lines; the manifest last.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::SeekFrom;

use anyhow::{Context, Result, ensure};
use model::chat::{Arrival, Conversation, Member, Notify, Replies, Room, Who};
use model::limits::FILE_PART_BYTES;
use model::{FileId, Millis, RoomId};
use sha2::{Digest, Sha256};
use store::moving::PAGE_ROWS_MAX;
use store::{Store, StoreError};
use tar::Header;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWrite, AsyncWriteExt, BufWriter};

use super::line::{FileLine, Line, Person, Star};
use super::merge::{Merged, merged, spool};
use super::{
    BLOCK, CONVERSATIONS_MAX, FILES_MAX, FORMAT, MANIFEST, Manifest, PackedRoom, VERSION,
    VERSION_WITH_CONVERSATIONS, file_name, hex, lines_name, padding, people,
};

/// Bytes that are handed on at once.
const PIECE_BYTES: usize = 64 * 1024;

/// What is each member's own and nobody else's: stars, how far they read, what they are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    Kept,
    LeftOut,
}

/// What went into an archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    pub rooms: u64,
    /// Of those rooms two are one's.
    pub conversations: u64,
    pub messages: u64,
    pub files: u64,
}

/// One room, or all, direct ones and those of conversations with customers too; of a conversation both. Of what is said meanwhile an archive has a room up to one moment. Asks for no right.
pub async fn pack(
    store: &Store,
    room: Option<RoomId>,
    own: Own,
    out: &mut (impl AsyncWrite + Unpin + Send),
) -> Result<Packed> {
    let (mut rooms, mut packed) = (Vec::new(), Packed::default());
    match room {
        Some(room) => match store.conversations.conversation(room).await {
            Ok(conversation) => {
                rooms.extend(pack_conversation(store, &conversation, own, &mut packed, out).await?);
            }
            Err(StoreError::NotFound(_)) => {
                rooms.push(pack_room(store, room, None, own, &mut packed, out).await?)
            }
            Err(error) => return Err(error.into()),
        },
        None => {
            let mut after = None;
            loop {
                let page = store.carrying.every_room(after).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.id);
                for room in page {
                    rooms.extend(unless_gone(pack_room(store, room.id, None, own, &mut packed, out).await)?);
                }
            }
            let mut after = None;
            loop {
                let page = store.carrying.every_conversation(after).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.room);
                for one in &page {
                    let both = pack_conversation(store, one, own, &mut packed, out).await;
                    rooms.extend(unless_gone(both)?.into_iter().flatten());
                }
            }
        }
    }
    packed.rooms = rooms.len() as u64;
    let version = if packed.conversations > 0 { VERSION_WITH_CONVERSATIONS } else { VERSION };
    let manifest = Manifest { format: FORMAT.into(), version, rooms };
    let text = serde_json::to_string_pretty(&manifest)?;
    begin(out, MANIFEST, text.len() as u64).await?;
    out.write_all(text.as_bytes()).await?;
    end(out, text.len() as u64).await?;
    out.write_all(&[0; 2 * BLOCK]).await?;
    out.flush().await?;
    Ok(packed)
}

/// One of all that was demolished before it was read is none of them.
fn unless_gone<T>(packed: Result<T>) -> Result<Option<T>> {
    match packed {
        Err(error) if matches!(error.downcast_ref(), Some(StoreError::NotFound("room"))) => Ok(None),
        packed => packed.map(Some),
    }
}

async fn begin(out: &mut (impl AsyncWrite + Unpin), name: &str, size: u64) -> Result<()> {
    let mut header = Header::new_ustar();
    header.set_path(name)?;
    header.set_size(size);
    header.set_mode(0o600);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    Ok(out.write_all(header.as_bytes()).await?)
}

async fn end(out: &mut (impl AsyncWrite + Unpin), size: u64) -> Result<()> {
    Ok(out.write_all(&[0; BLOCK][..padding(size) as usize]).await?)
}

/// The notes first: the conversation is there once both are.
async fn pack_conversation(
    store: &Store,
    conversation: &Conversation,
    own: Own,
    packed: &mut Packed,
    out: &mut (impl AsyncWrite + Unpin + Send),
) -> Result<[PackedRoom; 2]> {
    packed.conversations += 1;
    ensure!(
        packed.conversations <= CONVERSATIONS_MAX as u64,
        "more than {CONVERSATIONS_MAX} conversations: export rooms one by one"
    );
    let notes = pack_room(store, conversation.notes, None, own, packed, out).await?;
    let room = pack_room(store, conversation.room, Some(conversation.room), own, packed, out).await?;
    Ok([notes, room])
}

/// Neither what tells a browser, nor what letters are answered to.
fn without_marks(conversation: Conversation) -> Conversation {
    Conversation { visitor: None, replies: Replies::default(), retelling: None, ..conversation }
}

async fn pack_room(
    store: &Store,
    id: RoomId,
    of: Option<RoomId>,
    own: Own,
    packed: &mut Packed,
    out: &mut (impl AsyncWrite + Unpin + Send),
) -> Result<PackedRoom> {
    let guests = Guests::of(store, id).await?;
    let mut merged = merged(store, id, &guests.renamed).await?;
    let mut files = Vec::new();
    for (message, named) in &merged.files {
        for (file, bytes) in named {
            packed.files += 1;
            ensure!(packed.files <= FILES_MAX as u64, "more than {FILES_MAX} files: export rooms one by one");
            files.extend(pack_file(store, id, (*file, *bytes), *message, out).await?);
        }
    }
    let mut lines = Lines::new()?;
    let room = merged.room.clone();
    // As it is once the room was read: no message that the room does not have is in it.
    let conversation = match of {
        Some(of) => Some(said_until(store.conversations.conversation(of).await?, &room)),
        None => None,
    };
    write_lines(store, &mut merged, guests, conversation, own, &mut lines, &files).await?;
    let (mut spooled, size, count, sha256) = lines.finish().await?;
    begin(out, &lines_name(id), size).await?;
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = spooled.read(&mut piece).await?;
        if read == 0 {
            break;
        }
        out.write_all(&piece[..read]).await?;
    }
    end(out, size).await?;
    packed.messages += room.last;
    Ok(PackedRoom { room: id, lines: count, messages: room.last, files: files.len() as u64, sha256 })
}

/// What was said while the room was read is not in the archive.
fn said_until(conversation: Conversation, room: &Room) -> Conversation {
    Conversation {
        last: conversation.last.min(room.last),
        mailed: conversation.mailed.min(room.last),
        ..conversation
    }
}

/// None: its message was removed meanwhile.
async fn pack_file(
    store: &Store,
    room: RoomId,
    (id, bytes): (FileId, u64),
    message: u64,
    out: &mut (impl AsyncWrite + Unpin),
) -> Result<Option<FileLine>> {
    let (mut hash, mut start) = (Sha256::new(), 0);
    while start < bytes || start == 0 {
        let length = (bytes - start).min(FILE_PART_BYTES as u64) as usize;
        let part = match store.files.read_file(room, id, start, length).await {
            Err(StoreError::NotFound(_)) if start == 0 => return Ok(None),
            Err(StoreError::NotFound(_)) => {
                Err(anyhow::anyhow!("a file of {room} was removed while it was read: export it again"))
            }
            read => read.context("cannot read a file"),
        }?;
        if start == 0 {
            begin(out, &file_name(room, id), bytes).await?;
        }
        hash.update(&part);
        out.write_all(&part).await?;
        start += length as u64;
        if length == 0 {
            break;
        }
    }
    end(out, bytes).await?;
    Ok(Some(FileLine { id, message, bytes, sha256: hex(&hash.finalize()) }))
}

async fn write_lines(
    store: &Store,
    merged: &mut Merged,
    guests: Guests,
    conversation: Option<Conversation>,
    own: Own,
    lines: &mut Lines,
    files: &[FileLine],
) -> Result<()> {
    let room = merged.room.clone();
    lines.put(&Line::Room(Room { by: None, ..room.clone() })).await?;
    if let Some(conversation) = conversation {
        let mut conversation = without_marks(conversation);
        people::rename_conversation(&mut conversation, &guests.renamed);
        merged.people.extend(people::of_conversation(&conversation));
        lines.put(&Line::Conversation(Box::new(conversation))).await?;
    }
    while let Some(text) = merged.next().await? {
        lines.put_text(&text).await?;
    }
    let Guests { renamed, mut names, mut members } = guests;
    for member in store.rooms.members(room.id).await? {
        members.insert(member.who, Member { read: member.read.min(room.last), ..member });
    }
    let mut people: BTreeSet<Who> = std::mem::take(&mut merged.people);
    people.extend(members.keys());
    for mut member in members.into_values() {
        if own == Own::LeftOut {
            (member.read, member.notify) = (room.last, Notify::default());
        }
        lines.put(&Line::Member(member)).await?;
    }
    let mut after = (own == Own::Kept).then_some((0, i64::MIN));
    while let Some(from) = after {
        let (stars, next) = stars(store, &room, &renamed, from).await?;
        people.extend(stars.iter().map(|star| star.who));
        after = next;
    }
    name(store, &people, &mut names).await?;
    for (who, name) in names.into_iter().filter(|(_, name)| !name.is_empty()) {
        lines.put(&Line::Person(Person { who, name })).await?;
    }
    if own == Own::Kept {
        put_stars(store, &room, &renamed, lines).await?;
    }
    for arrival in arrivals(store, room.id).await? {
        lines.put(&Line::Arrival(Box::new(arrival))).await?;
    }
    for file in files {
        lines.put(&Line::File(file.clone())).await?;
    }
    Ok(())
}

/// What repositories told, in the order of time as far as that of each repository allows: whoever reads them from the end stops at a moment.
async fn arrivals(store: &Store, room: RoomId) -> Result<Vec<Arrival>> {
    let mut all = Vec::new();
    for (_, repository) in store.hooks.repositories(vec![room]).await? {
        let mut latest = Millis(i64::MIN);
        for arrival in store.hooks.arrivals(room, repository).await? {
            latest = latest.max(arrival.at);
            all.push((latest, arrival));
        }
    }
    all.sort_by_key(|(at, _)| *at);
    Ok(all.into_iter().map(|(_, arrival)| arrival).collect())
}

/// Of each message in the order of whoever they are called in the archive.
async fn put_stars(store: &Store, room: &Room, renamed: &HashMap<Who, Who>, lines: &mut Lines) -> Result<()> {
    let (mut after, mut of_one) = (Some((0, i64::MIN)), Vec::<Star>::new());
    while let Some(from) = after {
        let (stars, next) = stars(store, room, renamed, from).await?;
        for star in stars {
            if of_one.first().is_some_and(|first| first.number != star.number) {
                put_sorted(&mut of_one, lines).await?;
            }
            of_one.push(star);
        }
        after = next;
    }
    put_sorted(&mut of_one, lines).await
}

async fn put_sorted(stars: &mut Vec<Star>, lines: &mut Lines) -> Result<()> {
    stars.sort_by_key(|star| star.who);
    for star in stars.drain(..) {
        lines.put(&Line::Star(star)).await?;
    }
    Ok(())
}

/// A place among the stars of a room.
type StarPlace = (u64, i64);

/// A page of stars, and where the next one begins.
async fn stars(
    store: &Store,
    room: &Room,
    renamed: &HashMap<Who, Who>,
    after: StarPlace,
) -> Result<(Vec<Star>, Option<StarPlace>)> {
    let page = store.carrying.every_star(room.id, after).await?;
    let is_full = page.len() >= PAGE_ROWS_MAX;
    let next = page.last().filter(|_| is_full).map(|(number, who)| (*number, who.number()));
    let called = |who: Who| renamed.get(&who).copied().unwrap_or(who);
    let stars = page.into_iter().filter(|(number, _)| *number <= room.last);
    Ok((stars.map(|(number, who)| Star { number, who: called(who) }).collect(), next))
}

/// Accounts and bots as they are called now; guests are in the table already.
async fn name(store: &Store, people: &BTreeSet<Who>, names: &mut BTreeMap<Who, String>) -> Result<()> {
    let mut bots = None;
    for who in people {
        if names.contains_key(who) {
            continue;
        }
        let name = match who {
            Who::Account(id) => match store.accounts.account(*id).await {
                Ok(account) => Some(account.name),
                Err(StoreError::NotFound(_)) => None,
                Err(error) => return Err(error.into()),
            },
            Who::Bot(id) => {
                if bots.is_none() {
                    bots = Some(store.rooms.bots().await?);
                }
                bots.iter().flatten().find(|bot| bot.id == *id).map(|bot| bot.name.clone())
            }
            Who::Guest(_) => None,
        };
        names.extend(name.map(|name| (*who, name)));
    }
    Ok(())
}

/// The guests of a room, and those who came with an archive of it and are called here as they were there.
struct Guests {
    renamed: HashMap<Who, Who>,
    names: BTreeMap<Who, String>,
    members: BTreeMap<Who, Member>,
}

impl Guests {
    async fn of(store: &Store, room: RoomId) -> Result<Guests> {
        let mut guests = Guests { renamed: HashMap::new(), names: BTreeMap::new(), members: BTreeMap::new() };
        let mut after = None;
        loop {
            let page = store.carrying.every_guest(room, after).await?;
            let Some(last) = page.last() else { return Ok(guests) };
            after = Some(last.id);
            for guest in page {
                let mut who = Who::Guest(guest.id);
                if let Some(was) = guest.was {
                    if was.who != who {
                        guests.renamed.insert(who, was.who);
                        who = was.who;
                    }
                    guests.members.extend(was.member.map(|member| (who, member)));
                }
                guests.names.insert(who, guest.name);
            }
            ensure!(guests.names.len() <= super::PEOPLE_MAX, "a room of so many guests cannot be exported");
        }
    }
}

/// The lines of one room on their way.
struct Lines {
    spool: BufWriter<File>,
    bytes: u64,
    count: u64,
    hash: Sha256,
}

impl Lines {
    fn new() -> Result<Lines> {
        Ok(Lines { spool: BufWriter::new(spool()?), bytes: 0, count: 0, hash: Sha256::new() })
    }

    async fn put(&mut self, line: &Line) -> Result<()> {
        self.put_text(&line.text()).await
    }

    /// One or more.
    async fn put_text(&mut self, text: &str) -> Result<()> {
        self.bytes += text.len() as u64;
        self.count += text.bytes().filter(|byte| *byte == b'\n').count() as u64;
        self.hash.update(text.as_bytes());
        Ok(self.spool.write_all(text.as_bytes()).await?)
    }

    /// From its begin on; bytes, lines, and the hash of all.
    async fn finish(mut self) -> Result<(File, u64, u64, String)> {
        self.spool.flush().await?;
        let mut file = self.spool.into_inner();
        file.seek(SeekFrom::Start(0)).await?;
        Ok((file, self.bytes, self.count, hex(&self.hash.finalize())))
    }
}
