//! A copy of the folder as it stands at one moment, while a process may have it.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use model::{FileId, Millis, RoomId, SegmentId, SiteId};
use rusqlite::{Connection, OpenFlags};

use super::columns::Column;
use super::{CHAT_FILE, REGISTRY_FILE, TAIL_FILE, blobs, shelves};
use crate::salts::NEVER;

/// How often the tail is copied again because a fold removed segments that the copy before counts. Each time only
/// those that are new are copied.
const ROUNDS_MAX: usize = 10;
/// Waits for a process that has the file to itself for a moment.
const BUSY_MAX: Duration = Duration::from_secs(60);

/// First the tail with its list of segments, at one moment; then those segments, which never change; then the
/// registry, without the salts that end: a copy would keep what is destroyed daily. A site that is removed in between is
/// forgotten when the copy is opened.
pub fn copy(folder: &Path, to: &Path) -> anyhow::Result<()> {
    let registry = folder.join(REGISTRY_FILE);
    ensure!(registry.is_file(), "there is no store in {}", folder.display());
    for round in 1.. {
        let db = snapshot(&folder.join(TAIL_FILE), &to.join(TAIL_FILE))?;
        if copy_listed(listed(&db)?, folder, to)? {
            break;
        }
        ensure!(round < ROUNDS_MAX, "{round} times a fold was faster than the copy: try at a quieter time");
        drop(db);
        std::fs::remove_file(to.join(TAIL_FILE))?;
    }
    // Before the registry, so that it has the site of every room. A folder of an older version has none.
    if folder.join(CHAT_FILE).is_file() {
        copy_chat(folder, to)?;
    }
    let db = snapshot(&registry, &to.join(REGISTRY_FILE))?;
    db.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    db.execute("DELETE FROM salts WHERE expires <> ?1", [NEVER.0])?;
    Ok(())
}

/// The files that its messages name never change; where one was removed since, the messages are copied again.
fn copy_chat(folder: &Path, to: &Path) -> anyhow::Result<()> {
    for round in 1.. {
        let db = snapshot(&folder.join(CHAT_FILE), &to.join(CHAT_FILE))?;
        if copy_listed(files(&db)?, folder, to)? {
            forget_others(&db)?;
            break;
        }
        ensure!(
            round < ROUNDS_MAX,
            "{round} times a file was removed while it was copied: try at a quieter time"
        );
        drop(db);
        std::fs::remove_file(to.join(CHAT_FILE))?;
    }
    Ok(())
}

/// What no message names stays behind.
fn forget_others(db: &Connection) -> anyhow::Result<()> {
    if has_files(db)? {
        db.execute("DELETE FROM files WHERE state <> 1 OR message IS NULL", [])?;
    }
    Ok(())
}

fn has_files(db: &Connection) -> anyhow::Result<bool> {
    Ok(db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'files'")?.exists([])?)
}

/// Within the folder, those that messages name. A folder of an older version has none.
fn files(db: &Connection) -> anyhow::Result<Vec<PathBuf>> {
    if !has_files(db)? {
        return Ok(Vec::new());
    }
    let mut select = db.prepare("SELECT room, id FROM files WHERE state = 1 AND message IS NOT NULL")?;
    let paths = select.query_map([], |row| {
        Ok(blobs::path(RoomId::read(row, 0)?, FileId(u128::from_be_bytes(row.get(1)?))))
    })?;
    Ok(paths.collect::<rusqlite::Result<_>>()?)
}

/// Copies a database as one read sees it; the copy is open for changes when this returns.
fn snapshot(from: &Path, to: &Path) -> anyhow::Result<Connection> {
    let copy = || -> anyhow::Result<Connection> {
        File::options().write(true).create_new(true).mode(0o600).open(to)?;
        let db = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        db.busy_timeout(BUSY_MAX)?;
        db.execute("VACUUM INTO ?1", [to.to_str().context("the name of the copy is no UTF-8")?])?;
        Ok(Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?)
    };
    copy().with_context(|| format!("cannot copy {}", from.display()))
}

/// False: one that the list names is gone.
fn copy_listed(listed: Vec<PathBuf>, folder: &Path, to: &Path) -> anyhow::Result<bool> {
    for path in listed {
        let copied = to.join(&path);
        if copied.exists() {
            continue;
        }
        let within = copied.parent().context("it lies in a folder of its own")?;
        std::fs::create_dir_all(within)?;
        match std::fs::copy(folder.join(&path), &copied) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => bail!("cannot copy {}: {error}", path.display()),
        }
    }
    Ok(true)
}

/// Within the folder, those on a shelf. A folder of an older version has none.
fn listed(db: &Connection) -> anyhow::Result<Vec<PathBuf>> {
    if !db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'segments'")?.exists([])? {
        return Ok(Vec::new());
    }
    let mut select = db.prepare("SELECT site, day_start, id FROM segments WHERE gone IS NULL")?;
    let paths = select.query_map([], |row| {
        let (site, id) = (SiteId::read(row, 0)?, SegmentId(u128::from_be_bytes(row.get(2)?)));
        Ok(shelves::path(site, &shelves::name(Millis(row.get(1)?), id)))
    })?;
    Ok(paths.collect::<rusqlite::Result<_>>()?)
}
