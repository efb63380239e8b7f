//! `watchfire backup` and `watchfire restore`: a whole data folder into another place, and back.
//!
//! The server may run meanwhile. What keeps the copy whole is its order:
//! 1. the bus' journal: a hit that had its 202 before is in it, unless it was acknowledged by then, and so is in the store;
//! 2. the tail with its list of segments, at one moment: whatever was acknowledged before that is in it. A hit in both is
//!    processed again after a restore, and counts once, by its batch and by its id;
//! 3. the segments that the list names, which never change: one that a fold removed meanwhile sends us back to 2;
//! 4. rooms and what was said in them, then accounts and sites: what was removed since 2 is forgotten when the store is opened;
//! 5. the manifest, with the SHA-256 of every file. Without it a folder is no backup.
//!
//! The other way about, store before journal, would lose what was processed in between: it would be in neither.

mod manifest;

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use bus::embedded::EmbeddedBus;
use clap::Args;
use model::{Clock, SystemClock};
use store::Embedded;

use crate::backends;
use manifest::Manifest;

/// The journal within a backup, as within a data folder.
const BUS: &str = "bus";

pub const BACKUP_ABOUT: &str = "\
Copy a whole data folder, also while the server runs: accounts, sites, history, rooms, hits on their way, dead letters.

  watchfire backup --to /backups/2026-11-21
  watchfire backup --data /var/lib/watchfire --to /backups/2026-11-21

All that was acknowledged before the command began is in the copy. Salts stay behind: they are destroyed daily, and a copy \
would keep them. A manifest with the SHA-256 of every file comes last; a folder without it is no backup.";

pub const RESTORE_ABOUT: &str = "\
Put a backup back as a data folder that is not there yet. Every file is checked against the manifest first.

  watchfire restore --from /backups/2026-11-21 --data ./data
  watchfire --data ./data

Whoever was on the site that day and comes back after it counts as a new visitor of that day: salts are in no backup.";

#[derive(Args, Debug)]
pub struct BackupOptions {
    /// Folder to make; it may be there if it is empty
    #[arg(long, value_name = "FOLDER")]
    pub to: PathBuf,

    /// Folder that holds everything
    #[arg(long, env = "WATCHFIRE_DATA", value_name = "FOLDER", default_value = "./data")]
    pub data: PathBuf,

    /// As of `watchfire serve`; a database has tools of its own
    #[arg(long, env = "WATCHFIRE_STORE", value_name = "URI", default_value = "embedded")]
    pub store: String,

    /// As of `watchfire serve`; what waits on a broker stays there
    #[arg(long, env = "WATCHFIRE_BUS", value_name = "URI", default_value = "embedded")]
    pub bus: String,
}

#[derive(Args, Debug)]
pub struct RestoreOptions {
    /// The backup
    #[arg(long, value_name = "FOLDER")]
    pub from: PathBuf,

    /// Data folder to make; it may be there if it is empty
    #[arg(long, env = "WATCHFIRE_DATA", value_name = "FOLDER", default_value = "./data")]
    pub data: PathBuf,
}

pub fn run(options: BackupOptions) -> anyhow::Result<()> {
    crate::logs::init("warn", "text")?;
    let store = backends::store_folder(&options.store, &options.data)?;
    let store = store.context("--store: a backup is of an embedded store; for MongoDB use mongodump")?;
    let journal = backends::journal_folder(&options.bus, &options.data)?;
    let manifest = backup(&store, journal.as_deref(), &options.to)?;
    if journal.is_none() {
        println!("What waits on the broker is not in it: that is the broker's to keep.");
    }
    println!("{} files, {} bytes in {}", manifest.files.len(), manifest.bytes(), options.to.display());
    Ok(())
}

/// `store` and `journal`: folders of an embedded store and bus.
pub fn backup(store: &Path, journal: Option<&Path>, to: &Path) -> anyhow::Result<Manifest> {
    make_empty(to)?;
    if let Some(journal) = journal {
        EmbeddedBus::copy(journal, &to.join(BUS)).context("cannot copy hits on their way")?;
    }
    Embedded::copy(store, to).context("cannot copy the store")?;
    let manifest = Manifest::of(to, SystemClock.now())?;
    manifest.write(to)?;
    Ok(manifest)
}

pub fn run_restore(options: RestoreOptions) -> anyhow::Result<()> {
    let manifest = restore(&options.from, &options.data)?;
    println!("{} files, {} bytes in {}", manifest.files.len(), manifest.bytes(), options.data.display());
    Ok(())
}

/// Copies into a folder beside the target, and renames it when all is there: no moment shows half of it.
pub fn restore(from: &Path, data: &Path) -> anyhow::Result<Manifest> {
    let manifest = Manifest::read(from)?;
    let is_empty = !data.exists() || data.is_dir() && std::fs::read_dir(data)?.next().is_none();
    ensure!(is_empty, "{} is there and not empty: restore into a new folder", data.display());
    let name = data.file_name().context("--data: name the folder")?.to_string_lossy();
    let unfinished = data.with_file_name(format!(".{name}.restoring"));
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished).with_context(|| {
            format!("cannot remove {}, left by a restore that was killed", unfinished.display())
        })?;
    }
    make_private(&unfinished)?;
    manifest.copy(from, &unfinished)?;
    std::fs::rename(&unfinished, data).with_context(|| {
        format!(
            "cannot rename {} to {}: restore into a folder that can be",
            unfinished.display(),
            data.display()
        )
    })?;
    let above = data.canonicalize()?;
    File::open(above.parent().unwrap_or(&above))?.sync_all()?;
    Ok(manifest)
}

fn make_empty(folder: &Path) -> anyhow::Result<()> {
    let is_empty = !folder.exists() || std::fs::read_dir(folder)?.next().is_none();
    ensure!(is_empty, "{} is not empty: name a new folder", folder.display());
    make_private(folder)
}

/// Password hashes and people's visits stand in it.
fn make_private(folder: &Path) -> anyhow::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot make {}", folder.display()))
}
