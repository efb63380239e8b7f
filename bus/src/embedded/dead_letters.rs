//! Messages set aside with their reason: a file each in a folder of its own, named by position. Bounded by number
//! and bytes: past either the oldest go. A letter on disk is also the durable acknowledgement of its message; of one
//! that was requeued or dropped an empty file stays until the journal holds the message no more.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::record::{self, Record};
use super::segment::sync_folder;
use crate::{DeadLetter, REASON_BYTES_MAX};

/// Within the bus' folder.
pub const FOLDER: &str = "dead-letters";
const EXTENSION: &str = "letter";
/// What a letter's file is called once it was requeued or dropped.
const SPENT: &str = "spent";
const UNFINISHED: &str = "unfinished";

pub struct DeadLetters {
    folder: PathBuf,
    /// Bytes of each by position.
    known: BTreeMap<u64, u64>,
    bytes: u64,
    /// Positions of letters that were requeued or dropped.
    spent: BTreeSet<u64>,
    number_max: usize,
    bytes_max: u64,
}

/// Whether a file is a letter, or what is left of one; and not one that is being written.
pub fn is_whole(path: &Path) -> bool {
    position_of(path, EXTENSION).or_else(|| position_of(path, SPENT)).is_some()
}

impl DeadLetters {
    pub fn open(folder: PathBuf, number_max: usize, bytes_max: u64) -> anyhow::Result<DeadLetters> {
        std::fs::create_dir_all(&folder)?;
        let (known, spent) = Default::default();
        let mut letters = DeadLetters { folder, known, bytes: 0, spent, number_max, bytes_max };
        for entry in std::fs::read_dir(&letters.folder)? {
            let entry = entry?;
            if let Some(position) = position_of(&entry.path(), EXTENSION) {
                letters.note(position, entry.metadata()?.len());
            }
            letters.spent.extend(position_of(&entry.path(), SPENT));
        }
        Ok(letters)
    }

    pub fn count(&self) -> usize {
        self.known.len()
    }

    /// Positions of the messages set aside, whatever became of them since.
    pub fn positions(&self) -> impl Iterator<Item = u64> {
        self.known.keys().chain(&self.spent).copied()
    }

    /// Removes what is left of letters whose messages stand before `first`, where the journal begins now.
    pub fn tidy(&mut self, first: u64) {
        let kept = self.spent.split_off(&first);
        for position in std::mem::replace(&mut self.spent, kept) {
            if let Err(error) = std::fs::remove_file(self.path(position, SPENT)) {
                tracing::warn!(%error, "cannot remove what is left of a dead letter");
            }
        }
    }

    /// Durable when it returns.
    pub fn add(&mut self, record: &Record, reason: &str) -> anyhow::Result<()> {
        let bytes = encode(record, cut(reason));
        let position = record.position.0;
        let path = self.path(position, EXTENSION);
        write_durably(&self.folder, &path, &bytes)
            .with_context(|| format!("cannot write the dead letter {}", path.display()))?;
        self.note(position, bytes.len() as u64);
        self.forget_oldest(position);
        Ok(())
    }

    /// Gone when it returns, and never delivered again from where it stands in the journal.
    pub fn remove(&mut self, position: u64) -> anyhow::Result<()> {
        let Some(&bytes) = self.known.get(&position) else {
            return Ok(());
        };
        let (path, spent) = (self.path(position, EXTENSION), self.path(position, SPENT));
        let remove = || {
            std::fs::rename(&path, &spent)?;
            File::options().write(true).open(&spent)?.set_len(0)?;
            sync_folder(&self.folder)
        };
        remove().with_context(|| format!("cannot remove the dead letter {}", path.display()))?;
        self.known.remove(&position);
        self.spent.insert(position);
        self.bytes -= bytes;
        Ok(())
    }

    /// With their positions, oldest first. One that cannot be read is logged and left out.
    pub fn read(&self, limit: usize) -> Vec<(u64, DeadLetter)> {
        let mut letters = Vec::new();
        for &position in self.known.keys().take(limit) {
            let path = self.path(position, EXTENSION);
            match std::fs::read(&path).ok().and_then(|bytes| decode(&bytes)) {
                Some(letter) => letters.push((position, letter)),
                None => tracing::error!(file = %path.display(), "a dead letter is damaged"),
            }
        }
        letters
    }

    fn note(&mut self, position: u64, bytes: u64) {
        let before = self.known.insert(position, bytes).unwrap_or(0);
        self.bytes = self.bytes - before + bytes;
    }

    fn forget_oldest(&mut self, newest: u64) {
        while self.known.len() > self.number_max || self.bytes > self.bytes_max {
            let Some((&oldest, &bytes)) = self.known.iter().find(|&(&position, _)| position != newest) else {
                return;
            };
            tracing::warn!(position = oldest, "forgot the oldest dead letter, there are too many");
            match std::fs::remove_file(self.path(oldest, EXTENSION)) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    tracing::warn!(%error, "cannot remove a dead letter");
                    return;
                }
                _ => {}
            }
            self.known.remove(&oldest);
            self.bytes -= bytes;
        }
    }

    fn path(&self, position: u64, extension: &str) -> PathBuf {
        self.folder.join(format!("{position:020}.{extension}"))
    }
}

fn position_of(path: &Path, extension: &str) -> Option<u64> {
    (path.extension()? == extension).then_some(())?;
    path.file_stem()?.to_str()?.parse().ok()
}

fn write_durably(folder: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let unfinished = folder.join(UNFINISHED);
    let mut file = File::create(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)?;
    sync_folder(folder)
}

fn encode(record: &Record, reason: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(record.bytes() as usize + reason.len());
    record::append(&mut bytes, record.shard, record.position, &record.message);
    bytes.extend_from_slice(reason.as_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<DeadLetter> {
    let (record, reason) = bytes.split_at_checked(record::length(bytes)?)?;
    let Record { shard, message, .. } = record::read(record)?;
    Some(DeadLetter { shard, message, reason: String::from_utf8_lossy(reason).into_owned() })
}

/// At most `REASON_BYTES_MAX` of a reason, cut at a character.
fn cut(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(REASON_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use model::BatchId;

    use super::*;
    use crate::{Message, Position};

    fn record(position: u64) -> Record {
        let message = Message { id: BatchId(position.into()), body: Bytes::from_static(b"poison") };
        Record { shard: 1, position: Position(position), message }
    }

    fn ids(letters: &DeadLetters) -> Vec<u128> {
        letters.read(100).iter().map(|(_, letter)| letter.message.id.0).collect()
    }

    #[test]
    fn at_the_maximum_all_are_kept_and_one_more_pushes_the_oldest_out() {
        let folder = tempfile::tempdir().unwrap();
        let open = || DeadLetters::open(folder.path().to_owned(), 3, 1 << 20).unwrap();
        let mut letters = open();
        (1..=3).for_each(|position| letters.add(&record(position), "bad").unwrap());
        assert_eq!(ids(&letters), [1, 2, 3]);
        letters.add(&record(4), "bad").unwrap();
        assert_eq!(ids(&letters), [2, 3, 4]);
        assert_eq!(ids(&open()), [2, 3, 4]);
    }

    #[test]
    fn bytes_are_bounded_too_but_the_newest_always_stays() {
        let folder = tempfile::tempdir().unwrap();
        let each = record(1).bytes() + 3;
        let mut letters = DeadLetters::open(folder.path().to_owned(), 100, each * 2).unwrap();
        (1..=2).for_each(|position| letters.add(&record(position), "bad").unwrap());
        assert_eq!(ids(&letters), [1, 2]);
        letters.add(&record(3), "bad").unwrap();
        assert_eq!(ids(&letters), [2, 3]);
        let mut tiny = DeadLetters::open(folder.path().to_owned(), 100, 1).unwrap();
        tiny.add(&record(4), "bad").unwrap();
        assert_eq!(ids(&tiny), [4]);
    }

    #[test]
    fn the_same_message_set_aside_twice_is_one_letter() {
        let folder = tempfile::tempdir().unwrap();
        let mut letters = DeadLetters::open(folder.path().to_owned(), 3, 1 << 20).unwrap();
        letters.add(&record(1), "bad").unwrap();
        letters.add(&record(1), "worse").unwrap();
        let read = letters.read(10);
        assert_eq!((read.len(), &*read[0].1.reason), (1, "worse"));
    }

    #[test]
    fn what_is_left_of_a_letter_goes_once_the_journal_begins_behind_it() {
        let folder = tempfile::tempdir().unwrap();
        let open = || DeadLetters::open(folder.path().to_owned(), 3, 1 << 20).unwrap();
        let mut letters = open();
        (1..=3).for_each(|position| letters.add(&record(position), "bad").unwrap());
        (1..=2).for_each(|position| letters.remove(position).unwrap());
        assert_eq!((letters.bytes, ids(&letters)), (record(3).bytes() + 3, vec![3]));
        let positions = |letters: DeadLetters| {
            let mut positions: Vec<u64> = letters.positions().collect();
            positions.sort();
            positions
        };
        assert_eq!(positions(open()), [1, 2, 3]);
        open().tidy(2);
        assert_eq!(positions(open()), [2, 3], "the letter itself stays");
        open().tidy(4);
        assert_eq!(positions(open()), [3]);
    }

    #[test]
    fn a_reason_is_cut_at_a_character() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"x".repeat(501)).len(), 500);
        assert_eq!(cut(&"é".repeat(300)).len(), 500);
        assert_eq!(cut(&format!("x{}", "é".repeat(300))).len(), 499);
    }
}
