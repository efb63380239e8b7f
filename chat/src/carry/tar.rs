//! As much of the tar format (POSIX ustar) as an archive of rooms has: plain files of short names. Nothing of it is ever a path on a disk.

use anyhow::{Result, bail, ensure};

pub const BLOCK: usize = 512;
/// Bytes of one file: eleven octal digits.
pub const SIZE_MAX: u64 = (1 << 33) - 1;
/// Bytes of a name.
const NAME_MAX: usize = 100;

pub struct Entry {
    pub name: String,
    pub size: u64,
    pub is_folder: bool,
}

/// The block before a file.
pub fn header(name: &str, size: u64) -> Result<[u8; BLOCK]> {
    ensure!(name.len() < NAME_MAX, "a name in an archive has at most {} bytes", NAME_MAX - 1);
    ensure!(size <= SIZE_MAX, "a file in an archive has at most {SIZE_MAX} bytes");
    let mut block = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, name.as_bytes());
    put(100, b"0000600\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum = checksum(&block);
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(block)
}

/// Bytes behind a file up to the next block.
pub fn padding(size: u64) -> u64 {
    (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64
}

/// Two empty blocks.
pub const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// None: the end.
pub fn entry(block: &[u8; BLOCK]) -> Result<Option<Entry>> {
    if block.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    ensure!(
        octal(&block[148..156])? == u64::from(checksum(block)),
        "this is no tar archive, or it is damaged"
    );
    ensure!(&block[257..262] == b"ustar", "this is no tar archive of the kind that `export rooms` writes");
    ensure!(block[345] == 0, "a name in the archive is too long");
    let name = text(&block[..NAME_MAX])?;
    let name = name.strip_prefix("./").unwrap_or(&name).to_owned();
    let is_folder = match block[156] {
        b'0' | 0 => false,
        b'5' => true,
        other => bail!(
            "the archive holds something that is neither a file nor a folder (type {:?}): {name:?}",
            char::from(other)
        ),
    };
    Ok(Some(Entry { name, size: octal(&block[124..136])?, is_folder }))
}

/// The sum of all bytes, its own taken as spaces.
fn checksum(block: &[u8; BLOCK]) -> u32 {
    let byte = |(at, byte): (usize, &u8)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) };
    block.iter().enumerate().map(byte).sum()
}

fn text(field: &[u8]) -> Result<String> {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    match std::str::from_utf8(&field[..end]) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => bail!("a name in the archive is no text"),
    }
}

fn octal(field: &[u8]) -> Result<u64> {
    let text = text(field)?;
    let digits = text.trim_matches(' ');
    let is_octal = !digits.is_empty() && digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    ensure!(is_octal, "a number in the archive is none");
    Ok(u64::from_str_radix(digits, 8)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back() {
        let block = header("rooms/RM-00000001.jsonl", SIZE_MAX).unwrap();
        let read = entry(&block).unwrap().unwrap();
        assert_eq!((&*read.name, read.size, read.is_folder), ("rooms/RM-00000001.jsonl", SIZE_MAX, false));
        assert!(entry(&[0; BLOCK]).unwrap().is_none());
        assert!(header("a", SIZE_MAX + 1).is_err());
        assert!(header(&"a".repeat(NAME_MAX - 1), 0).is_ok());
        assert!(header(&"a".repeat(NAME_MAX), 0).is_err());
        assert_eq!((padding(0), padding(1), padding(512)), (0, 511, 0));
    }

    #[test]
    fn other_tools_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = header("rooms/a", 3).unwrap().to_vec();
        bytes.extend(b"tea");
        bytes.extend(vec![0; padding(3) as usize]);
        bytes.extend(END);
        std::fs::write(folder.path().join("a.tar"), bytes).unwrap();
        let mut tar = std::process::Command::new("tar");
        let out = tar.args(["-xOf", "a.tar", "rooms/a"]).current_dir(folder.path()).output().unwrap();
        assert_eq!((out.status.success(), &*out.stdout), (true, &b"tea"[..]));
    }

    #[test]
    fn what_is_changed_in_a_header_is_seen() {
        let block = header("rooms/a", 5).unwrap();
        for at in 0..BLOCK {
            let mut changed = block;
            changed[at] ^= 1;
            assert!(entry(&changed).is_err(), "{at}");
        }
    }
}
