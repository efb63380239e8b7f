//! A copy of the folder as it stands, while a process may be writing it.
//!
//! The copy is what a kill at that moment would leave, and a bit more: messages may be in it that were acknowledged while
//! it was made. Those come again, which everybody behind the bus expects. What was published before it began and is not
//! in it was acknowledged since: whoever acknowledges must be copied after the bus.

use std::fs::DirEntry;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context;

use super::acks;
use super::dead_letters;
use super::opening::make_private;
use super::segment::Segment;

/// Letters are taken before and after the journal. Before: a letter that is requeued meanwhile may stand behind the
/// part of the journal that was copied. After: a message that becomes a letter meanwhile may leave the journal.
pub fn copy(folder: &Path, to: &Path) -> anyhow::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    make_private(to).with_context(|| format!("cannot make {}", to.display()))?;
    letters(folder, to)?;
    for name in acks::NAMES {
        copy_if_there(&folder.join(name), &to.join(name))?;
    }
    for segment in Segment::list(folder, 1)? {
        let name = segment.path.file_name().unwrap_or_default();
        copy_if_there(&segment.path, &to.join(name))?;
    }
    letters(folder, to)
}

fn letters(folder: &Path, to: &Path) -> anyhow::Result<()> {
    let (from, to) = (folder.join(dead_letters::FOLDER), to.join(dead_letters::FOLDER));
    if !from.is_dir() {
        return Ok(());
    }
    make_private(&to)?;
    for entry in std::fs::read_dir(&from)? {
        let entry: DirEntry = entry?;
        let copied = to.join(entry.file_name());
        if dead_letters::is_whole(&entry.path()) && !copied.exists() {
            copy_if_there(&entry.path(), &copied)?;
        }
    }
    Ok(())
}

/// What is removed meanwhile was done with.
fn copy_if_there(from: &Path, to: &Path) -> anyhow::Result<()> {
    match std::fs::copy(from, to) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        copied => copied.map(drop).with_context(|| format!("cannot copy {}", from.display())),
    }
}
