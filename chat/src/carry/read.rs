//! An archive as it is read: looked through from end to end before anything of it is taken, so that a torn or a hostile one changes nothing.
//! Its names lead to no path; what it holds is reached by where it stands.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use model::chat::RoomKind;
use model::{FileId, RoomId, SiteId};
use sha2::{Digest, Sha256};
use tar::EntryType;

use super::line::Line;
use super::rules::{Checked, Rules};
use super::{
    BLOCK, FILES_MAX, FORMAT, LINE_BYTES_MAX, MANIFEST, MANIFEST_BYTES_MAX, Manifest, PackedRoom, ROOMS_MAX,
    VERSION, VERSION_WITH_CONVERSATIONS, hex, padding,
};

/// Where something stands in the archive, and how long it is.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    start: u64,
    pub bytes: u64,
}

/// A whole archive that keeps all rules.
pub struct Archive {
    path: PathBuf,
    lines: HashMap<RoomId, Span>,
    files: HashMap<(RoomId, FileId), Span>,
    manifest: Manifest,
}

impl Archive {
    /// Reads all of it. Blocks.
    pub fn open(path: &Path) -> Result<Archive> {
        let named = || format!("cannot open {}", path.display());
        let file = File::open(path).with_context(named)?;
        let found = Found::all(&file)?;
        let Some(manifest) = found.manifest else {
            bail!("it has no manifest: it is no archive of rooms, or the export of it did not end")
        };
        let manifest: Manifest = manifest_of(&file, manifest)?;
        let archive = Archive { path: path.to_owned(), lines: found.lines, files: found.files, manifest };
        archive.check_rooms()?;
        Ok(archive)
    }

    fn check_rooms(&self) -> Result<()> {
        let mut known = std::collections::HashSet::new();
        // Notes that are no conversation's yet, and of which site they are.
        let mut notes: HashMap<RoomId, Option<SiteId>> = HashMap::new();
        for room in &self.manifest.rooms {
            ensure!(known.insert(room.room), "the manifest names {} twice", room.room);
            let checked = self.check_room(room).with_context(|| format!("{}", room.room))?;
            match checked {
                Checked { kind: RoomKind::Notes, site, .. } => drop(notes.insert(room.room, site)),
                Checked { notes: Some(of), site, .. } => {
                    let is_whole = notes.remove(&of) == Some(site);
                    ensure!(is_whole, "{}: the notes of the conversation do not stand before it", room.room);
                }
                Checked { .. } => {}
            }
        }
        ensure!(notes.is_empty(), "it holds notes of a conversation, and not the conversation");
        let is_all = self.lines.keys().all(|room| known.contains(room));
        ensure!(is_all, "it holds a room that its manifest does not name");
        let is_all = self.files.keys().all(|(room, _)| known.contains(room));
        ensure!(is_all, "it holds a file of a room that its manifest does not name");
        Ok(())
    }

    fn check_room(&self, packed: &PackedRoom) -> Result<Checked> {
        let (mut rules, mut hash, mut lines) = (Rules::of(packed.room), Sha256::new(), 0);
        let mut files = 0;
        self.each_line(packed.room, |text| {
            lines += 1;
            hash.update(text);
            let line = parse(text).with_context(|| format!("line {lines}"))?;
            if let Line::File(file) = &line {
                files += 1;
                self.check_file(packed.room, file.id, file.bytes, &file.sha256)?;
            }
            rules.take(line, |file| self.head(packed.room, file)).with_context(|| format!("line {lines}"))
        })?;
        let checked = rules.end()?;
        let is_same = (lines, checked.messages, files) == (packed.lines, packed.messages, packed.files);
        ensure!(is_same, "its lines are not as many as the manifest says");
        ensure!(hex(&hash.finalize()) == packed.sha256, "its lines are not those that the manifest is of");
        let beside = self.files.keys().filter(|(room, _)| *room == packed.room).count();
        ensure!(beside as u64 == files, "it holds a file that no message names");
        Ok(checked)
    }

    fn check_file(&self, room: RoomId, id: FileId, bytes: u64, sha256: &str) -> Result<()> {
        let span = self.files.get(&(room, id)).with_context(|| format!("the file {id} is missing"))?;
        ensure!(span.bytes == bytes, "the file {id} is not as long as it says");
        let (mut reader, mut hash) = (self.reader(*span)?, Sha256::new());
        loop {
            let piece = reader.fill_buf()?;
            if piece.is_empty() {
                break;
            }
            hash.update(piece);
            let read = piece.len();
            reader.consume(read);
        }
        ensure!(hex(&hash.finalize()) == sha256, "the file {id} is damaged");
        Ok(())
    }

    /// The first bytes of a file.
    fn head(&self, room: RoomId, id: FileId) -> Result<Vec<u8>> {
        let span = self.files.get(&(room, id)).context("a file is missing")?;
        let mut head = Vec::new();
        self.reader(*span)?.take(crate::pictures::HEAD_BYTES as u64).read_to_end(&mut head)?;
        Ok(head)
    }

    pub fn rooms(&self) -> impl Iterator<Item = RoomId> + '_ {
        self.manifest.rooms.iter().map(|room| room.room)
    }

    /// Hands on each line with its end; stops at the first error.
    pub fn each_line(&self, room: RoomId, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut lines = self.lines(room)?;
        while let Some(line) = lines.next()? {
            take(line)?;
        }
        Ok(())
    }

    pub fn lines(&self, room: RoomId) -> Result<Lines> {
        let span = self.lines.get(&room).context("the file of its lines is missing")?;
        Ok(Lines { reader: self.reader(*span)?, line: Vec::new() })
    }

    pub fn has(&self, room: RoomId, id: FileId) -> bool {
        self.files.contains_key(&(room, id))
    }

    /// Bytes of a file that `Line::File` named.
    pub fn part(&self, room: RoomId, id: FileId, start: u64, length: usize) -> Result<Vec<u8>> {
        let span = self.files.get(&(room, id)).context("a file is missing")?;
        ensure!(start + length as u64 <= span.bytes, "a file is shorter than it says");
        let mut part = vec![0; length];
        let mut reader = self.reader(Span { start: span.start + start, bytes: length as u64 })?;
        reader.read_exact(&mut part)?;
        Ok(part)
    }

    fn reader(&self, span: Span) -> Result<BufReader<std::io::Take<File>>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(span.start))?;
        Ok(BufReader::new(file.take(span.bytes)))
    }
}

/// The lines of a room, one after the other.
pub struct Lines {
    reader: BufReader<std::io::Take<File>>,
    line: Vec<u8>,
}

impl Lines {
    /// With its end. None: that was the last one.
    pub fn next(&mut self) -> Result<Option<&[u8]>> {
        self.line.clear();
        let read = (&mut self.reader).take(LINE_BYTES_MAX as u64 + 1).read_until(b'\n', &mut self.line)?;
        ensure!(read <= LINE_BYTES_MAX, "a line has more than {LINE_BYTES_MAX} bytes");
        ensure!(read == 0 || self.line.ends_with(b"\n"), "the last line is torn");
        Ok((read > 0).then_some(&self.line[..]))
    }
}

pub fn parse(text: &[u8]) -> Result<Line> {
    serde_json::from_slice(text).context("this is no line of a room")
}

#[derive(Default)]
struct Found {
    lines: HashMap<RoomId, Span>,
    files: HashMap<(RoomId, FileId), Span>,
    manifest: Option<Span>,
}

impl Found {
    fn all(file: &File) -> Result<Found> {
        let bytes = file.metadata()?.len();
        let (mut found, mut end) = (Found::default(), 0);
        let mut archive = tar::Archive::new(BufReader::new(file));
        // As they stand: what another tool writes in place of long names is neither a file nor a folder.
        for entry in archive.entries_with_seek()?.raw(true) {
            let entry = entry.context("it is torn or damaged, or no tar archive")?;
            let span = Span { start: entry.raw_file_position(), bytes: entry.size() };
            end = span.start.saturating_add(span.bytes).saturating_add(padding(span.bytes % BLOCK as u64));
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            ensure!(end <= bytes, "it is torn: {name:?} ends behind its end");
            match entry.header().entry_type() {
                EntryType::Regular => found.put(name.strip_prefix("./").unwrap_or(&name), span)?,
                EntryType::Directory => ensure!(span.bytes == 0, "a folder in the archive holds bytes"),
                other => {
                    bail!("it holds something that is neither a file nor a folder ({other:?}): {name:?}")
                }
            }
        }
        ensure!(end + 2 * BLOCK as u64 <= bytes, "it is torn: its end is missing");
        Ok(found)
    }

    fn put(&mut self, name: &str, span: Span) -> Result<()> {
        let before = match place(name) {
            Some(Place::Manifest) => self.manifest.replace(span),
            Some(Place::Lines(room)) => self.lines.insert(room, span),
            Some(Place::File(room, file)) => self.files.insert((room, file), span),
            None => bail!("it holds {name:?}, which an archive of rooms does not"),
        };
        ensure!(before.is_none(), "it holds {name:?} twice");
        ensure!(self.lines.len() <= ROOMS_MAX, "it holds too many rooms");
        ensure!(self.files.len() <= FILES_MAX, "it holds more than {FILES_MAX} files");
        Ok(())
    }
}

enum Place {
    Manifest,
    Lines(RoomId),
    File(RoomId, FileId),
}

/// Names are compared with the only ones that there are: of others nothing is made.
fn place(name: &str) -> Option<Place> {
    if name == MANIFEST {
        return Some(Place::Manifest);
    }
    let rest = name.strip_prefix("rooms/")?;
    match rest.split_once('/') {
        None => rest.strip_suffix(".jsonl")?.parse().ok().map(Place::Lines),
        Some((room, file)) => Some(Place::File(room.parse().ok()?, file.parse().ok()?)),
    }
}

fn manifest_of(mut file: &File, span: Span) -> Result<Manifest> {
    #[derive(serde::Deserialize)]
    struct Head {
        format: String,
        version: u32,
    }
    ensure!(span.bytes <= MANIFEST_BYTES_MAX, "its manifest has more than {MANIFEST_BYTES_MAX} bytes");
    file.seek(SeekFrom::Start(span.start))?;
    let mut text = vec![0; span.bytes as usize];
    file.read_exact(&mut text)?;
    let unread = "its manifest cannot be read";
    let head: Head = serde_json::from_slice(&text).context(unread)?;
    ensure!(head.format == FORMAT, "it is no archive of rooms, but of {:?}", head.format);
    ensure!(
        (VERSION..=VERSION_WITH_CONVERSATIONS).contains(&head.version),
        "it is of version {}, and this program reads versions {VERSION} and {VERSION_WITH_CONVERSATIONS}: a program of the version that wrote it does",
        head.version
    );
    serde_json::from_slice(&text).context(unread)
}
