//! Files that were sent to a room, and what is known of them.

use serde::{Deserialize, Serialize};

use super::Who;
use crate::{FileId, Millis, RoomId, UploadId};

/// What a file is, by what stands in it and never by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileType {
    /// Pictures that this program wrote itself, pixel by pixel: the only ones that a browser is let show.
    Jpeg,
    Png,
    /// Anything else: bytes to keep.
    Other,
}

impl FileType {
    pub const fn mime(self) -> &'static str {
        match self {
            FileType::Jpeg => "image/jpeg",
            FileType::Png => "image/png",
            FileType::Other => "application/octet-stream",
        }
    }
}

/// A file as its message has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    pub id: FileId,
    /// As whoever sent it calls it, at most `FILE_NAME_BYTES_MAX`.
    pub name: String,
    #[serde(rename = "type")]
    pub file_type: FileType,
    /// Without the thumbnail.
    pub bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<Picture>,
}

/// Of a file that is a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// In pixels.
    pub width: u32,
    pub height: u32,
    /// Bytes of its thumbnail; 0: it is small enough to be its own.
    pub thumbnail: u64,
}

impl File {
    /// Bytes that are kept of it: the thumbnail stands behind the file.
    pub fn kept(&self) -> u64 {
        self.bytes + self.picture.map_or(0, |picture| picture.thumbnail)
    }
}

/// A file that begins to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewFile {
    pub room: RoomId,
    /// Drawn by whoever takes it: nobody guesses it.
    pub id: FileId,
    pub who: Who,
    /// Made by the sender; sent again with the same one, it is the same file.
    pub upload: UploadId,
    /// That it says it has; the most there may be where it does not say.
    pub bytes: u64,
    pub at: Millis,
}
