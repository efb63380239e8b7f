//! The pages of one column: levels skipped or read, values as they are packed. Faster than through values of their own,
//! because a text stays the number that the file gave it.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};

use super::integers::{deltas, hybrid};
use super::{BadSegment, TextColumn};

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

    /// A column of texts: the distinct ones, and a number for each value.
    pub fn texts(mut self) -> Result<TextColumn, BadSegment> {
        let mut column = TextColumn { texts: Vec::new(), numbers: Vec::new() };
        while let Some(piece) = self.next()? {
            match piece {
                Piece::Dictionary(bytes, count) => read_texts(&bytes, count, &mut column.texts)?,
                Piece::Data(data) => {
                    column.numbers.reserve(data.count);
                    let known = column.texts.len() as u32;
                    let mut wrong = false;
                    let numbers = &mut column.numbers;
                    dictionary_numbers(&data, |number| {
                        wrong |= number >= known;
                        numbers.push(number);
                    })?;
                    if wrong {
                        return Err(BadSegment::NoSegment("a text that its dictionary does not have"));
                    }
                }
            }
        }
        Ok(column)
    }

    /// A column of integers of `width` bytes, handed out one by one.
    pub fn integers(mut self, width: usize, mut out: impl FnMut(i64)) -> Result<(), BadSegment> {
        let mut dictionary: Vec<i64> = Vec::new();
        while let Some(piece) = self.next()? {
            match piece {
                Piece::Dictionary(bytes, count) => {
                    dictionary = plain(&bytes, width, count)?;
                }
                Piece::Data(data) => match data.encoding {
                    Encoding::DELTA_BINARY_PACKED => deltas(&data.values, &mut out)?,
                    Encoding::PLAIN => plain(&data.values, width, data.count)?.into_iter().for_each(&mut out),
                    _ => {
                        let mut wrong = false;
                        dictionary_numbers(&data, |number| match dictionary.get(number as usize) {
                            Some(&value) => out(value),
                            None => wrong = true,
                        })?;
                        if wrong {
                            return Err(BadSegment::NoSegment("a number that its dictionary does not have"));
                        }
                    }
                },
            }
        }
        Ok(())
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

fn dictionary_numbers(data: &Data, out: impl FnMut(u32)) -> Result<(), BadSegment> {
    if !matches!(data.encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY) {
        return Err(BadSegment::NoSegment("a page of a form that Watchfire never wrote"));
    }
    let (&bits, packed) = data.values.split_first().ok_or(SHORT)?;
    hybrid(packed, bits.into(), data.count, out)
}

fn read_texts(bytes: &[u8], count: usize, texts: &mut Vec<Arc<str>>) -> Result<(), BadSegment> {
    let mut rest = bytes;
    for _ in 0..count {
        let (length, after) = rest.split_first_chunk::<4>().ok_or(SHORT)?;
        let length = u32::from_le_bytes(*length) as usize;
        let text = after.get(..length).ok_or(SHORT)?;
        let text =
            std::str::from_utf8(text).map_err(|_| BadSegment::NoSegment("a text that is not UTF-8"))?;
        texts.push(Arc::from(text));
        rest = &after[length..];
    }
    Ok(())
}

fn plain(bytes: &[u8], width: usize, count: usize) -> Result<Vec<i64>, BadSegment> {
    if bytes.len() / width < count {
        return Err(SHORT);
    }
    let values = bytes.chunks_exact(width).take(count).map(|value| {
        let mut eight = [0; 8];
        eight[..width].copy_from_slice(value);
        i64::from_le_bytes(eight)
    });
    Ok(values.collect())
}
