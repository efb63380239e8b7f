//! Opens the folder: takes its lock, reads what an earlier process left, and cuts what it left unfinished.

use std::collections::HashSet;
use std::fs::{DirBuilder, File, Permissions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use super::Options;
use super::acks::Acks;
use super::dead_letters::{self, DeadLetters};
use super::journal::Journal;
use super::segment::{self, Segment};
use super::shard::Shard;
use super::state::State;

/// A lock just let go may be held a moment longer, by a child that was forked meanwhile and is not yet its program.
const LOCK_WAIT: Duration = Duration::from_millis(200);

pub struct Opened {
    pub state: State,
    pub journal: Journal,
    pub acks: Acks,
    pub letters: DeadLetters,
    /// Held as long as the folder is written.
    pub lock: File,
}

/// For its owner alone: hits stand in it as they came. An older program made it for everybody to read.
pub fn make_private(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    std::fs::set_permissions(folder, Permissions::from_mode(0o700))
}

pub fn open(folder: &Path, options: &Options) -> anyhow::Result<Opened> {
    ensure!(options.shards > 0, "a bus has at least 1 shard");
    make_private(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let lock = lock(folder)?;
    let (acks, floors) = Acks::open(folder)?;
    let letters = folder.join(dead_letters::FOLDER);
    let mut letters = DeadLetters::open(letters, options.dead_letters_max, options.dead_letters_bytes_max)?;
    segment::sync_folder(folder)?;

    let floor_of = |shard: u16| floors.get(usize::from(shard)).copied().unwrap_or(0);
    let shards = (0..options.shards).map(|shard| Shard::since(floor_of(shard))).collect();
    let floors_beyond = floors.iter().skip(options.shards.into()).copied().collect();
    let segments = Segment::list(folder, options.shards)?;
    let mut state = State { shards, floors_beyond, segments, ..State::default() };
    let set_aside: HashSet<u64> = letters.positions().collect();
    let highest = floors.iter().copied().chain(letters.positions()).max().unwrap_or(0);
    let highest = recall(&mut state, &floors, &set_aside)?.max(highest);

    // Where everything before is removed, or nothing is left.
    letters.tidy(state.segments.first().map_or(highest + 1, |segment| segment.first));

    let newest = state.segments.last().filter(|segment| segment.bytes < options.segment_bytes);
    let journal =
        Journal::resume(folder.to_owned(), options.shards, options.segment_bytes, newest, highest + 1)?;
    Ok(Opened { state, journal, acks, letters, lock })
}

fn lock(folder: &Path) -> anyhow::Result<File> {
    let path = folder.join("lock");
    let lock = File::options().create(true).truncate(false).write(true).open(&path);
    let lock = lock.with_context(|| format!("cannot open {}", path.display()))?;
    let end = Instant::now() + LOCK_WAIT;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) if Instant::now() < end => sleep(LOCK_WAIT / 10),
            Err(TryLockError::WouldBlock) => {
                bail!("another process uses {}: stop it first", folder.display())
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).context(format!("cannot lock {}", path.display()));
            }
        }
    }
}

/// Reads every segment. Returns the highest position that may have been given.
fn recall(state: &mut State, floors: &[u64], set_aside: &HashSet<u64>) -> anyhow::Result<u64> {
    let State { shards, segments, .. } = state;
    let mut highest = 0;
    let newest = segments.len().saturating_sub(1);
    for (index, segment) in segments.iter_mut().enumerate() {
        let name = segment.path.display().to_string();
        highest = highest.max(segment.first.saturating_sub(1));
        let read = segment.scan(index == newest, |record| {
            highest = highest.max(record.position.0);
            let position = record.position;
            let Some(shard) = shards.get_mut(usize::from(record.shard)) else {
                let acknowledged =
                    floors.get(usize::from(record.shard)).is_some_and(|&floor| position.0 <= floor);
                let shards = u32::from(record.shard) + 1;
                ensure!(
                    acknowledged,
                    "it holds messages of {shards} shards: start once more with that number"
                );
                return Ok(());
            };
            shard.recall(position, record.bytes(), set_aside.contains(&position.0));
            Ok(())
        });
        read.with_context(|| format!("cannot read {name}"))?;
    }
    Ok(highest)
}
