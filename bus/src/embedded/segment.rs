//! One file of the journal: its name is the lowest position it may hold, its end the last good byte.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::records::{Found, Records};
use crate::embedded::record::Record;

/// What a segment begins with; the last byte is the version of the format.
const HEADER: [u8; 8] = *b"WFJOURN\x01";
pub const HEADER_BYTES: u64 = HEADER.len() as u64;
const EXTENSION: &str = "journal";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Positions in it are no lower.
    pub first: u64,
    pub path: PathBuf,
    /// Up to the end of the last good record.
    pub bytes: u64,
    /// The last position of each shard in it; 0 where it holds none.
    pub last: Box<[u64]>,
}

impl Segment {
    /// A new one for records from `position` on, durable in its folder.
    pub fn create(folder: &Path, position: u64, shards: u16) -> anyhow::Result<(Segment, File)> {
        let path = folder.join(format!("{position:020}.{EXTENSION}"));
        let file = begin(&path).and_then(|file| sync_folder(folder).map(|()| file));
        let file = file.inspect_err(|_| drop(std::fs::remove_file(&path)));
        let file = file.with_context(|| format!("cannot begin the journal file {}", path.display()))?;
        Ok((
            Segment { first: position, path, bytes: HEADER_BYTES, last: vec![0; shards.into()].into() },
            file,
        ))
    }

    /// The segments of a folder in order, not yet read.
    pub fn list(folder: &Path, shards: u16) -> anyhow::Result<Vec<Segment>> {
        let mut segments = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let Some(first) = first_position(&path) else {
                continue;
            };
            segments.push(Segment { first, path, bytes: 0, last: vec![0; shards.into()].into() });
        }
        segments.sort_by_key(|segment| segment.first);
        Ok(segments)
    }

    /// Reads the whole file, tells each record, and learns where it ends. What is damaged is logged and passed
    /// over; a torn end of the newest segment is what a crash leaves behind, and is cut off.
    pub fn scan(
        &mut self,
        newest: bool,
        mut each: impl FnMut(&Record) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let bytes = std::fs::metadata(&self.path)?.len();
        let whole_header = bytes >= HEADER_BYTES;
        if whole_header {
            self.check_header()?;
        }
        self.bytes = HEADER_BYTES;
        let mut records = Records::open(&self.path, HEADER_BYTES, bytes)?;
        while let Some(found) = records.next()? {
            match found {
                Found::Record(record) => {
                    each(&record)?;
                    self.note(record.shard, record.position.0);
                    self.bytes = records.at();
                }
                Found::Damage { torn: true, .. } if newest => {}
                Found::Damage { at, bytes, .. } => self.tell_damage(at, bytes),
            }
        }
        if newest && self.bytes != bytes {
            tracing::info!(file = %self.path.display(), bytes, good = self.bytes, "cut the torn end of the journal");
            cut(&self.path, self.bytes)?;
        }
        Ok(())
    }

    /// Notes that a record of this shard stands in it.
    pub fn note(&mut self, shard: u16, position: u64) {
        if let Some(last) = self.last.get_mut(usize::from(shard)) {
            *last = position;
        }
    }

    pub fn tell_damage(&self, at: u64, bytes: u64) {
        tracing::error!(file = %self.path.display(), at, bytes, "the journal is damaged here; what follows is read");
        metrics::counter!("watchfire_bus_damaged_bytes_total").increment(bytes);
    }

    fn check_header(&self) -> anyhow::Result<()> {
        let mut header = [0; HEADER.len()];
        std::io::Read::read_exact(&mut File::open(&self.path)?, &mut header)?;
        if header[..7] == HEADER[..7] && header != HEADER {
            bail!("{} has format {}, which this program does not know", self.path.display(), header[7]);
        }
        if header != HEADER {
            self.tell_damage(0, HEADER_BYTES);
        }
        Ok(())
    }
}

fn first_position(path: &Path) -> Option<u64> {
    (path.extension()? == EXTENSION).then_some(())?;
    path.file_stem()?.to_str()?.parse().ok()
}

fn begin(path: &Path) -> std::io::Result<File> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(&HEADER)?;
    file.sync_data()?;
    Ok(file)
}

/// Cuts a segment behind its last good record; one without a whole header begins anew.
fn cut(path: &Path, bytes: u64) -> std::io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(bytes)?;
    if bytes == HEADER_BYTES {
        std::os::unix::fs::FileExt::write_all_at(&file, &HEADER, 0)?;
    }
    file.sync_all()
}

/// Makes created and removed names of a folder durable.
pub fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}
