//! Bytes of rooms' files on disk: `files/<room>/<id>`, of which the rows in `chat.db` say which count.

use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use model::{FileId, RoomId};

use crate::StoreError;
use crate::chat::files::NO_FILE;

const ROOT: &str = "files";

pub struct Blobs {
    data: PathBuf,
    root: PathBuf,
}

impl Blobs {
    pub fn within(data: &Path) -> Blobs {
        Blobs { data: data.to_owned(), root: data.join(ROOT) }
    }

    /// Not on disk before `sync`.
    pub fn write(&self, room: RoomId, id: FileId, start: u64, bytes: &[u8]) -> io::Result<()> {
        make_folder(&self.root)?;
        make_folder(&self.folder(room))?;
        let mut options = File::options();
        let file =
            options.write(true).create(true).truncate(false).mode(0o600).open(self.path_of(room, id))?;
        file.write_all_at(bytes, start)
    }

    /// It has exactly these bytes, and they, its name and its folders are on disk.
    pub fn sync(&self, room: RoomId, id: FileId, bytes: u64) -> io::Result<()> {
        if bytes == 0 {
            self.write(room, id, 0, &[])?;
        }
        let file = File::options().write(true).open(self.path_of(room, id))?;
        if file.metadata()?.len() != bytes {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "a file lost a part of its bytes"));
        }
        file.sync_all()?;
        let folder = self.folder(room);
        [&folder, &self.root, &self.data].into_iter().try_for_each(|folder| File::open(folder)?.sync_all())
    }

    pub fn read(&self, room: RoomId, id: FileId, start: u64, length: usize) -> crate::Result<Bytes> {
        let file = match File::open(self.path_of(room, id)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(NO_FILE),
            file => file.map_err(unreadable)?,
        };
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, start).map_err(unreadable)?;
        Ok(bytes.into())
    }

    /// One that is not there is as good as removed.
    pub fn remove(&self, room: RoomId, id: FileId) -> io::Result<()> {
        match std::fs::remove_file(self.path_of(room, id)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Stays where it holds another.
        let _ = std::fs::remove_dir(self.folder(room));
        Ok(())
    }

    fn folder(&self, room: RoomId) -> PathBuf {
        self.root.join(room.to_string())
    }

    fn path_of(&self, room: RoomId, id: FileId) -> PathBuf {
        self.folder(room).join(id.to_string())
    }
}

/// Where a file is within the data folder.
pub fn path(room: RoomId, id: FileId) -> PathBuf {
    Path::new(ROOT).join(room.to_string()).join(id.to_string())
}

fn make_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

pub fn unreadable(error: io::Error) -> StoreError {
    StoreError::Unavailable(anyhow::Error::new(error).context("the files of rooms"))
}
