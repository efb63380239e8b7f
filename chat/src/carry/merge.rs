//! The messages of a room as they were at one moment, while people go on talking: they are put on disk page by page, and what was
//! touched meanwhile is read again until nothing is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::SeekFrom;

use anyhow::{Result, bail, ensure};
use model::chat::{Message, MessageKind, Note, Removal, Revised, Room, Who};
use model::limits::MESSAGES_A_PAGE_MAX;
use model::{FileId, RoomId};
use store::Store;
use store::chat::Place;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufReader, BufWriter};

use super::line::Line;
use super::{LINE_BYTES_MAX, MESSAGES_MAX, people};

/// Bytes of lines that were touched while a room was read; and how often it is looked for more.
const LATER_BYTES_MAX: usize = 64 * 1024 * 1024;
const LOOKS_MAX: usize = 10_000;

/// On disk: a number, a length, and the lines of that message.
pub struct Merged {
    pub room: Room,
    /// By message, with the bytes of each.
    pub files: BTreeMap<u64, Vec<(FileId, u64)>>,
    /// Whoever is named in one.
    pub people: BTreeSet<Who>,
    spool: BufReader<File>,
    later: BTreeMap<u64, String>,
    last: u64,
}

pub async fn merged(store: &Store, id: RoomId, renamed: &HashMap<Who, Who>) -> Result<Merged> {
    let mut reading = Reading { store, id, renamed, files: BTreeMap::new(), people: BTreeSet::new() };
    let mut covered = store.rooms.room(id).await?.changes;
    let mut spool = BufWriter::new(spool()?);
    let mut last = 0;
    loop {
        let page = store.messages.page(id, Place::After(last), MESSAGES_A_PAGE_MAX).await?;
        let Some(end) = page.last() else { break };
        last = end.number;
        ensure!(last <= MESSAGES_MAX, "a room of more than {MESSAGES_MAX} messages cannot be exported");
        for message in page {
            let number = message.number;
            let text = reading.lines(message).await?;
            spool.write_u64(number).await?;
            spool.write_u64(text.len() as u64).await?;
            spool.write_all(text.as_bytes()).await?;
        }
    }
    let (mut later, mut bytes) = (BTreeMap::new(), 0);
    for _ in 0..LOOKS_MAX {
        let room = store.rooms.room(id).await?;
        let page = store.messages.touched(id, covered, MESSAGES_A_PAGE_MAX).await?;
        let Some(end) = page.last() else {
            spool.flush().await?;
            let mut spool = spool.into_inner();
            spool.seek(SeekFrom::Start(0)).await?;
            let Reading { files, people, .. } = reading;
            return Ok(Merged { room, files, people, spool: BufReader::new(spool), later, last });
        };
        covered = end.changed;
        for message in page {
            let number = message.number;
            let text = reading.lines(message).await?;
            bytes += text.len();
            later.insert(number, text);
        }
        ensure!(
            bytes <= LATER_BYTES_MAX,
            "{id} changes faster than it is read: export it once it is quieter"
        );
    }
    bail!("{id} changes faster than it is read: export it once it is quieter")
}

/// A file without a name: whatever is killed leaves nothing.
pub fn spool() -> Result<File> {
    Ok(File::from_std(tempfile::tempfile()?))
}

struct Reading<'s> {
    store: &'s Store,
    id: RoomId,
    renamed: &'s HashMap<Who, Who>,
    files: BTreeMap<u64, Vec<(FileId, u64)>>,
    people: BTreeSet<Who>,
}

impl Reading<'_> {
    /// A message and its history.
    async fn lines(&mut self, mut message: Message) -> Result<String> {
        if message.unrecorded && message.removed.is_none() {
            hide(&mut message);
        }
        // Of which conversation it was is nothing for whoever reads the room.
        message.retold = None;
        let number = message.number;
        let mut revisions = match message.revisions {
            0 => Vec::new(),
            _ => self.store.messages.history(self.id, number).await?,
        };
        self.files.remove(&number);
        if !message.files.is_empty() {
            let files = message.files.iter().map(|file| (file.id, file.kept()));
            self.files.insert(number, files.collect());
        }
        people::rename(&mut message, self.renamed);
        self.people.extend(people::of(&message));
        let mut text = bounded(Line::Message(Box::new(message)).text())?;
        for revision in &mut revisions {
            people::rename_revision(revision, self.renamed);
            self.people.insert(revision.by);
            text += &bounded(Line::Revision(Box::new(revision.clone())).text())?;
        }
        Ok(text)
    }
}

fn bounded(text: String) -> Result<String> {
    ensure!(text.len() <= LINE_BYTES_MAX, "a line has at most {LINE_BYTES_MAX} bytes");
    Ok(text)
}

/// What is said behind a lock goes with it; its place stays.
fn hide(message: &mut Message) {
    let removal = Removal { by: message.author, at: message.at };
    message.body.clear();
    message.mentions.clear();
    message.files.clear();
    message.reactions.clear();
    (message.decided, message.fix, message.closed, message.edited) = (None, None, None, None);
    message.revisions = 0;
    message.removed = Some(removal);
}

impl Merged {
    /// The lines of the next message; None: that was the last one.
    pub async fn next(&mut self) -> Result<Option<String>> {
        let number = match self.spool.read_u64().await {
            Ok(number) => number,
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                let behind = self.later.pop_first();
                return Ok(behind.map(|(_, text)| text));
            }
            Err(error) => return Err(error.into()),
        };
        let mut text = vec![0; usize::try_from(self.spool.read_u64().await?)?];
        self.spool.read_exact(&mut text).await?;
        debug_assert!(number <= self.last);
        match self.later.remove(&number) {
            Some(later) => Ok(Some(later)),
            None => Ok(Some(String::from_utf8(text)?)),
        }
    }
}

/// Whether a note names somebody in its words.
pub fn names_somebody(kind: MessageKind) -> bool {
    matches!(kind, MessageKind::Note(Note::Kicked | Note::Banned))
}

/// What of a revision may mention people.
pub fn words(revised: &mut Revised) -> Option<&mut String> {
    match revised {
        Revised::Edited(body) => Some(body),
        _ => None,
    }
}
