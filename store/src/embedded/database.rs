//! One SQLite file: a writer, a few readers, and the settings that make a commit durable.

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use super::folder::Folder;
use super::readers::Readers;
use super::schema::{Migrations, migrate};
use super::writer::Writer;
use crate::{Result, StoreError};

/// Memory for pages: of the writer, and of each reader. Bounds what an idle server holds.
const WRITER_CACHE_KIB: i64 = 2_048;
const READER_CACHE_KIB: i64 = 512;
/// Pages of 4 KiB in the log before they are copied into the file: 16 MiB, some 20 ms of work.
const LOG_PAGES_MAX: i64 = 4_096;
/// What the log is cut to once it was longer.
const LOG_BYTES_KEPT_MAX: i64 = 32 * 1024 * 1024;
/// Statements that a connection keeps prepared.
const STATEMENTS_MAX: usize = 64;

/// Declared in the order in which it must end: the folder is let go last.
pub struct Database {
    writer: Writer,
    readers: Arc<Readers>,
    _folder: Arc<Folder>,
}

impl Database {
    /// `finish` completes what an earlier process left half done.
    pub fn open(
        path: &Path,
        migrations: Migrations,
        finish: impl FnOnce(&Connection) -> Result<()>,
        folder: Arc<Folder>,
    ) -> anyhow::Result<Database> {
        make_private(path)?;
        let mut db = Connection::open(path)?;
        prepare(&db, WRITER_CACHE_KIB)?;
        migrate(&mut db, migrations)?;
        finish(&db)?;
        // A process that was killed may have left removed bytes in its log.
        truncate_log(&db)?;
        let readers = Readers::open(|| {
            let reader = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            prepare(&reader, READER_CACHE_KIB)?;
            Ok(reader)
        })?;
        Ok(Database { writer: Writer::start(db)?, readers: Arc::new(readers), _folder: folder })
    }

    /// Runs `work` in a transaction; returns once it is durable. An error undoes what `work` did.
    pub async fn write<T, W>(&self, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        self.writer.write(work).await
    }

    /// Runs `work` on a read-only connection, away from the async runtime.
    pub async fn read<T, W>(&self, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        Readers::read(&self.readers, work).await
    }

    /// As `read`, for a few rows by their key: mostly at once, on the thread that asks.
    pub async fn look_up<T, W>(&self, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        Readers::look_up(&self.readers, work).await
    }

    /// Moves the whole log into the file and leaves no byte in it.
    pub async fn empty_log(&self) -> Result<()> {
        self.writer.empty_log().await
    }

    /// Ends the readers, then the writer with what was asked of it; the log is empty after it.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Makes the file for its owner alone: salts and password hashes stand in it. SQLite gives its log the
/// same mode.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Unavailable where a reader holds on to the log for longer than the busy timeout (5 s).
pub fn truncate_log(db: &Connection) -> Result<()> {
    let busy: bool = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy {
        return Err(StoreError::Unavailable(anyhow::anyhow!("the log is being read")));
    }
    Ok(())
}

/// `synchronous=FULL`: in WAL mode each commit then syncs the log. `secure_delete`: what is removed is
/// overwritten with zeros, so that a destroyed salt or a forgotten visit is no longer in the file.
fn prepare(db: &Connection, cache_kib: i64) -> rusqlite::Result<()> {
    db.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    db.busy_timeout(std::time::Duration::from_secs(5))?;
    db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    db.pragma_update(None, "cache_size", -cache_kib)?;
    db.pragma_update_and_check(None, "wal_autocheckpoint", LOG_PAGES_MAX, |_| Ok(()))?;
    db.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES_KEPT_MAX, |_| Ok(()))?;
    Ok(())
}

/// Constraints stand for the two answers that they guard; anything else is the disk's or ours.
impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        match error.sqlite_error().map(|cause| (cause.code, cause.extended_code)) {
            Some((_, ffi::SQLITE_CONSTRAINT_FOREIGNKEY)) => StoreError::NotFound("site or account"),
            Some((_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY)) => {
                StoreError::Conflict("it is there already")
            }
            Some((ErrorCode::DiskFull, _)) => {
                StoreError::Unavailable(anyhow::Error::new(error).context("the disk is full"))
            }
            _ => StoreError::Unavailable(error.into()),
        }
    }
}
