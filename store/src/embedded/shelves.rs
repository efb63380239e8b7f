//! Segments on disk: `history/<site>/<begin of its day in UTC>-<id>.parquet`, each written once and never changed.
//! Which of them count, the table `segments` says.

use std::fs::{DirBuilder, File, ReadDir};
use std::io::{self, ErrorKind, Write};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use model::{Millis, SegmentId, SiteId};

use crate::StoreError;

const SUFFIX: &str = ".parquet";
const ROOT: &str = "history";

pub struct Shelves {
    data: PathBuf,
    root: PathBuf,
}

impl Shelves {
    pub fn within(data: &Path) -> Shelves {
        Shelves { data: data.to_owned(), root: data.join(ROOT) }
    }

    /// The file is on disk when this returns: its bytes, its name, and the folders it is in. Conflict where there is one.
    pub fn write(&self, site: SiteId, name: &str, body: &[u8]) -> crate::Result<()> {
        self.write_new(site, name, body).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => StoreError::Conflict("a segment with that id is there already"),
            _ => unreadable(error),
        })
    }

    fn write_new(&self, site: SiteId, name: &str, body: &[u8]) -> io::Result<()> {
        let folder = self.folder(site);
        make_folder(&self.root)?;
        make_folder(&folder)?;
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(folder.join(name))?;
        file.write_all(body)?;
        file.sync_all()?;
        self.sync_folders(&folder)
    }

    /// The same of a file that comes in parts.
    pub fn write_part(&self, site: SiteId, name: &str, start: u64, body: &[u8]) -> io::Result<()> {
        let folder = self.folder(site);
        make_folder(&self.root)?;
        make_folder(&folder)?;
        let mut options = File::options();
        let file = options.write(true).create(true).truncate(false).mode(0o600).open(folder.join(name))?;
        file.write_all_at(body, start)?;
        file.sync_all()?;
        self.sync_folders(&folder)
    }

    fn sync_folders(&self, folder: &Path) -> io::Result<()> {
        [folder, &self.root, &self.data].into_iter().try_for_each(|folder| File::open(folder)?.sync_all())
    }

    pub fn read(&self, site: SiteId, name: &str, start: u64, length: usize) -> io::Result<Bytes> {
        let file = File::open(self.folder(site).join(name))?;
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }

    /// The kernel begins to read these, and nobody waits for it.
    pub fn expect(&self, site: SiteId, name: &str, ranges: &[Range<u64>]) -> io::Result<()> {
        let file = File::open(self.folder(site).join(name))?;
        for Range { start, end } in ranges {
            let (start, length) = (*start as i64, end.saturating_sub(*start) as i64);
            // SAFETY: the descriptor is open for the call, which only gives advice.
            unsafe { libc::posix_fadvise(file.as_raw_fd(), start, length, libc::POSIX_FADV_WILLNEED) };
        }
        Ok(())
    }

    /// One that is not there is as good as removed.
    pub fn remove(&self, site: SiteId, name: &str) -> io::Result<()> {
        let folder = self.folder(site);
        match std::fs::remove_file(folder.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Stays where it holds another.
        let _ = std::fs::remove_dir(folder);
        Ok(())
    }

    /// Removes the files of segments that `named` does not name. Files of other names are somebody else's and stay.
    pub fn sweep(&self, mut named: impl FnMut(SiteId) -> crate::Result<Vec<String>>) -> crate::Result<()> {
        for site in entries(&self.root)?.into_iter().flatten() {
            let site = site.map_err(unreadable)?.file_name();
            let Some(site) = site.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            let named = named(site)?;
            for file in entries(&self.folder(site))?.into_iter().flatten() {
                let file = file.map_err(unreadable)?.file_name();
                if let Some(name) = file.to_str().filter(|name| name.ends_with(SUFFIX))
                    && !named.iter().any(|other| other == name)
                {
                    tracing::info!(%site, name, "a fold that never ended left a file behind: it is removed");
                    self.remove(site, name).map_err(unreadable)?;
                }
            }
        }
        Ok(())
    }

    fn folder(&self, site: SiteId) -> PathBuf {
        self.root.join(site.to_string())
    }
}

/// Where a segment's file is within the data folder.
pub fn path(site: SiteId, name: &str) -> PathBuf {
    Path::new(ROOT).join(site.to_string()).join(name)
}

/// As `2026-11-20T2300Z-….parquet`: the store knows no time zones, so it is the moment that tells the day.
pub fn name(day_start: Millis, id: SegmentId) -> String {
    match jiff::Timestamp::from_millisecond(day_start.0) {
        Ok(moment) => format!("{}-{id}{SUFFIX}", moment.strftime("%Y-%m-%dT%H%MZ")),
        Err(_) => format!("{id}{SUFFIX}"),
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn entries(folder: &Path) -> crate::Result<Option<ReadDir>> {
    match std::fs::read_dir(folder) {
        Ok(entries) => Ok(Some(entries)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(error)),
    }
}

pub fn unreadable(error: io::Error) -> StoreError {
    StoreError::Unavailable(anyhow::Error::new(error).context("the segments' files"))
}
