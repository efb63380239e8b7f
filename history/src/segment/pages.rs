//! The pages of one column: levels skipped or read, values as they are packed. Faster than through values of their own,
//! because a text stays the number that the file gave it.

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};

use super::BadSegment;
use super::integers::{deltas, hybrid, split};

const SHORT: BadSegment = BadSegment::NoSegment("a page ends too early");

/// The data pages of one column of one table: it is null nowhere in it, and says so at each page's begin.
pub struct Pages {
    pub reader: Box<dyn PageReader>,
}

struct Data {
    values: Bytes,
    encoding: Encoding,
    count: usize,
}

enum Piece {
    Dictionary(Bytes, usize),
    Data(Data),
}

impl Pages {
    fn next(&mut self) -> Result<Option<Piece>, BadSegment> {
        let Some(page) = self.reader.get_next_page()? else { return Ok(None) };
        Ok(Some(match page {
            Page::DictionaryPage { buf, num_values, .. } => Piece::Dictionary(buf, num_values as usize),
            Page::DataPage { buf, num_values, encoding, .. } => {
                let count = num_values as usize;
                let values = after_levels(&buf)?;
                Piece::Data(Data { values, encoding, count })
            }
            Page::DataPageV2 { .. } => {
                return Err(BadSegment::NoSegment("a page of a form that Watchfire never wrote"));
            }
        }))
    }

    /// A column of texts of so many rows, of which each distinct one stands once.
    pub fn coded(mut self, rows: usize) -> Result<Coded, BadSegment> {
        let mut coded = Coded { texts: Bytes::new(), count: 0, data: Vec::new() };
        while let Some(piece) = self.next()? {
            match piece {
                Piece::Dictionary(texts, count) => (coded.texts, coded.count) = (texts, count),
                Piece::Data(data) => coded.data.push(data),
            }
        }
        if coded.len() != rows {
            return Err(BadSegment::OTHER_LENGTH);
        }
        Ok(coded)
    }

    /// A column of integers of `width` bytes and so many rows, each made into what the caller keeps.
    pub fn integers<T: Copy>(
        mut self,
        width: usize,
        rows: usize,
        to: impl Fn(i64) -> T,
    ) -> Result<Vec<T>, BadSegment> {
        let mut dictionary: Vec<T> = Vec::new();
        let mut values: Vec<T> = Vec::with_capacity(rows);
        while let Some(piece) = self.next()? {
            match piece {
                Piece::Dictionary(bytes, count) => {
                    plain(&bytes, width, count, |value| dictionary.push(to(value)))?
                }
                Piece::Data(data) if values.len() + data.count > rows => {
                    return Err(BadSegment::OTHER_LENGTH);
                }
                Piece::Data(data) => {
                    let mut out = |value| values.push(to(value));
                    match data.encoding {
                        Encoding::DELTA_BINARY_PACKED => deltas(&data.values, out)?,
                        Encoding::BYTE_STREAM_SPLIT => split(&data.values, width, data.count, out)?,
                        Encoding::PLAIN => plain(&data.values, width, data.count, &mut out)?,
                        _ => data.mapped(&dictionary, &mut values)?,
                    }
                }
            }
        }
        if values.len() == rows { Ok(values) } else { Err(BadSegment::OTHER_LENGTH) }
    }

    /// A column of yes and no.
    pub fn flags(mut self, mut out: impl FnMut(bool)) -> Result<(), BadSegment> {
        while let Some(piece) = self.next()? {
            let Piece::Data(data) = piece else { continue };
            if data.encoding != Encoding::PLAIN || data.values.len() * 8 < data.count {
                return Err(BadSegment::NoSegment("flags of an unknown form"));
            }
            (0..data.count).for_each(|i| out(data.values[i / 8] >> (i % 8) & 1 == 1));
        }
        Ok(())
    }
}

/// What follows the levels at a page's begin.
fn after_levels(page: &Bytes) -> Result<Bytes, BadSegment> {
    let length = page.first_chunk::<4>().map(|length| u32::from_le_bytes(*length) as usize).ok_or(SHORT)?;
    if page.len() - 4 < length {
        return Err(SHORT);
    }
    Ok(page.slice(4 + length..))
}

impl Data {
    /// Of each row's number what `values` has for it.
    fn mapped<T: Copy>(&self, values: &[T], out: &mut Vec<T>) -> Result<(), BadSegment> {
        if !matches!(self.encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY) {
            return Err(BadSegment::NoSegment("a page of a form that Watchfire never wrote"));
        }
        let (&bits, packed) = self.values.split_first().ok_or(SHORT)?;
        hybrid(packed, bits.into(), self.count, values, out)
    }
}

/// A column of texts as it stands in the file: its distinct texts, and of each row the number among them.
pub struct Coded {
    texts: Bytes,
    count: usize,
    data: Vec<Data>,
}

impl Coded {
    /// How many rows it has.
    #[allow(clippy::len_without_is_empty)] // Nobody asks.
    pub fn len(&self) -> usize {
        self.data.iter().map(|data| data.count).sum()
    }

    /// What a caller makes of each distinct text, in their order.
    pub fn texts<T>(&self, to: impl FnMut(&str) -> T) -> Result<Vec<T>, BadSegment> {
        Ok(self.distinct()?.into_iter().map(to).collect())
    }

    /// The distinct texts, in their order.
    pub fn distinct(&self) -> Result<Vec<&str>, BadSegment> {
        let mut rest = &self.texts[..];
        let mut texts = Vec::new();
        for _ in 0..self.count {
            let (length, after) = rest.split_first_chunk::<4>().ok_or(SHORT)?;
            let length = u32::from_le_bytes(*length) as usize;
            let text = after.get(..length).ok_or(SHORT)?;
            let text = std::str::from_utf8(text);
            texts.push(text.map_err(|_| BadSegment::NoSegment("a text that is not UTF-8"))?);
            rest = &after[length..];
        }
        Ok(texts)
    }

    /// Of each row what `values` has for its text; `values` as [`Coded::texts`] made them, or in their order.
    pub fn rows<T: Copy>(&self, values: &[T]) -> Result<Vec<T>, BadSegment> {
        let mut rows = Vec::with_capacity(self.len());
        self.data.iter().try_for_each(|data| data.mapped(values, &mut rows))?;
        Ok(rows)
    }
}

fn plain(bytes: &[u8], width: usize, count: usize, out: impl FnMut(i64)) -> Result<(), BadSegment> {
    if bytes.len() / width < count {
        return Err(SHORT);
    }
    let values = bytes.chunks_exact(width).take(count).map(|value| {
        let mut eight = [0; 8];
        eight[..width].copy_from_slice(value);
        i64::from_le_bytes(eight)
    });
    values.for_each(out);
    Ok(())
}
