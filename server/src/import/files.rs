//! Opens files of an import, packed ones too, and reads them line by line within a bound.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use flate2::read::MultiGzDecoder;

/// Bytes of a line; a longer one is passed over and counts as unreadable.
pub const LINE_BYTES_MAX: usize = 256 * 1024;

/// Bytes read of all files so far, as they stand on the disk.
#[derive(Clone, Debug, Default)]
pub struct BytesRead(Arc<AtomicU64>);

impl BytesRead {
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A file's content; gzip and zstd are recognised by what they begin with.
pub fn open(path: &Path, read: &BytesRead) -> anyhow::Result<Box<dyn BufRead + Send>> {
    let named = || format!("cannot open {}", path.display());
    let file = File::open(path).with_context(named)?;
    let mut reader = BufReader::new(Counted { file, read: read.clone() });
    let start = reader.fill_buf().with_context(named)?;
    if start.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(BufReader::new(MultiGzDecoder::new(reader))));
    }
    if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return Ok(Box::new(BufReader::new(zstd::Decoder::with_buffer(reader).with_context(named)?)));
    }
    Ok(Box::new(reader))
}

struct Counted {
    file: File,
    read: BytesRead,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.file.read(into)?;
        self.read.0.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(bytes)
    }
}

/// One line as it was read.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<'l> {
    /// Without its end; what is no UTF-8 stands as `U+FFFD`.
    Line(std::borrow::Cow<'l, str>),
    TooLong,
}

/// The lines of a reader.
pub struct Lines<R> {
    reader: R,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub fn new(reader: R) -> Lines<R> {
        Lines { reader, line: Vec::new() }
    }

    /// None: that was the last one.
    pub fn next(&mut self) -> io::Result<Option<Found<'_>>> {
        self.line.clear();
        let bytes = self.up_to(LINE_BYTES_MAX + 1)?;
        if bytes == 0 {
            return Ok(None);
        }
        if self.line.last() != Some(&b'\n') && bytes > LINE_BYTES_MAX {
            while self.line.last() != Some(&b'\n') {
                self.line.clear();
                if self.up_to(LINE_BYTES_MAX)? == 0 {
                    break;
                }
            }
            return Ok(Some(Found::TooLong));
        }
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Ok(Some(Found::Line(String::from_utf8_lossy(line))))
    }

    fn up_to(&mut self, bytes_max: usize) -> io::Result<usize> {
        (&mut self.reader).take(bytes_max as u64).read_until(b'\n', &mut self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Vec<Option<String>> {
        let mut lines = Lines::new(text);
        let mut all = Vec::new();
        while let Some(found) = lines.next().unwrap() {
            all.push(match found {
                Found::Line(line) => Some(line.into_owned()),
                Found::TooLong => None,
            });
        }
        all
    }

    #[test]
    fn lines_end_as_unix_and_windows_end_them() {
        assert_eq!(lines(b"a\r\n\nb"), [Some("a".into()), Some(String::new()), Some("b".into())]);
        assert_eq!(lines(b"\xff\n"), [Some("\u{fffd}".into())]);
    }

    #[test]
    fn a_line_at_the_maximum_is_read_and_a_longer_one_is_passed_over() {
        let at = "x".repeat(LINE_BYTES_MAX);
        let past = "y".repeat(3 * LINE_BYTES_MAX);
        let text = format!("{at}\n{at}y\n{past}\n{past}\nz\n{past}");
        assert_eq!(lines(text.as_bytes()), [Some(at), None, None, None, Some("z".into()), None]);
    }

    #[test]
    fn packed_files_are_recognised() {
        let folder = tempfile::tempdir().unwrap();
        let text = b"one\ntwo\n";
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        io::Write::write_all(&mut gz, text).unwrap();
        let packed = [gz.finish().unwrap(), zstd::encode_all(&text[..], 1).unwrap(), text.to_vec()];
        for bytes in packed {
            let (path, read) = (folder.path().join("log"), BytesRead::default());
            std::fs::write(&path, &bytes).unwrap();
            let mut content = Vec::new();
            open(&path, &read).unwrap().read_to_end(&mut content).unwrap();
            assert_eq!((content.as_slice(), read.get()), (&text[..], bytes.len() as u64));
        }
    }
}
