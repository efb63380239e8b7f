//! How far each shard is acknowledged, on disk: two files written in turn, so that a torn one leaves the other.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

pub const NAMES: [&str; 2] = ["acknowledged-0", "acknowledged-1"];
const MAGIC: [u8; 8] = *b"WFACKED\x01";
const CHECKSUM_BYTES: usize = 4;

/// Written by one thread only.
pub struct Acks {
    files: [File; 2],
    /// Grows with each write; its parity says which file is next.
    generation: u64,
}

impl Acks {
    /// Opens them; also the position of each shard up to which all is acknowledged. A shard beyond: 0.
    pub fn open(folder: &Path) -> anyhow::Result<(Acks, Vec<u64>)> {
        let open = |name| {
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(folder.join(name))
        };
        let files = [open(NAMES[0])?, open(NAMES[1])?];
        let mut newest = (0, Vec::new());
        for (index, file) in files.iter().enumerate() {
            let bytes = read_all(file)?;
            match decode(&bytes) {
                Some(read) if read.0 > newest.0 => newest = read,
                Some(_) => {}
                None if bytes.is_empty() => {}
                None => tracing::warn!(
                    file = NAMES[index],
                    "acknowledgements are torn; the ones before are taken"
                ),
            }
        }
        Ok((Acks { files, generation: newest.0 }, newest.1))
    }

    /// Durable when it returns.
    pub fn write(&mut self, floors: &[u64]) -> std::io::Result<()> {
        let generation = self.generation + 1;
        let bytes = encode(generation, floors);
        let file = &self.files[(generation % 2) as usize];
        file.write_all_at(&bytes, 0)?;
        file.set_len(bytes.len() as u64)?;
        file.sync_data()?;
        self.generation = generation;
        Ok(())
    }
}

fn read_all(file: &File) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; file.metadata()?.len() as usize];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

fn encode(generation: u64, floors: &[u64]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&generation.to_le_bytes());
    floors.iter().for_each(|floor| bytes.extend_from_slice(&floor.to_le_bytes()));
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<(u64, Vec<u64>)> {
    let (covered, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM_BYTES)?)?;
    if crc32fast::hash(covered).to_le_bytes() != checksum {
        return None;
    }
    let words = covered.strip_prefix(&MAGIC)?.chunks_exact(8);
    let mut words = words.map(|word| u64::from_le_bytes(word.try_into().expect("chunks of eight")));
    Some((words.next()?, words.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reopened(folder: &Path) -> Vec<u64> {
        Acks::open(folder).unwrap().1
    }

    #[test]
    fn what_was_written_last_is_read() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(reopened(folder.path()), [] as [u64; 0]);
        for round in 1..=5 {
            Acks::open(folder.path()).unwrap().0.write(&[round, 7]).unwrap();
            assert_eq!(reopened(folder.path()), [round, 7]);
        }
    }

    #[test]
    fn a_write_torn_anywhere_leaves_the_one_before_or_itself() {
        let folder = tempfile::tempdir().unwrap();
        let mut acks = Acks::open(folder.path()).unwrap().0;
        acks.write(&[1, 1]).unwrap();
        acks.write(&[2, 2]).unwrap();
        let path = folder.path().join(NAMES[0]);
        let whole = std::fs::read(&path).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(reopened(folder.path()), [1, 1], "{length} bytes");
        }
        std::fs::write(&path, &whole).unwrap();
        assert_eq!(reopened(folder.path()), [2, 2]);
    }
}
