//! The bytes of a segment back: its head, single columns, or the whole table.

use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use model::VisitorId;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;

use super::pages::{Coded, Pages};
use super::schema;
use super::{BadSegment, Blob, HEAD_KEY, Head, OVER_KEY, Over};
use crate::table::{HIT_TEXTS, Hit, HitText, Kind, Table, VISIT_TEXTS, Visit, VisitText};

/// An opened segment: nothing is read but its end until a column is asked for.
pub struct Reader {
    head: Head,
    blob: Arc<dyn Blob>,
    tables: [RowGroupMetaData; 2],
    over: Option<Vec<Over>>,
}

/// The columns that are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    Visitor = schema::VISITOR as isize,
    FirstSeconds = schema::FIRST_S as isize,
    FirstMillis = schema::FIRST_MS as isize,
    AfterSeconds = schema::AFTER_S as isize,
    AfterMillis = schema::AFTER_MS as isize,
    Engaged = schema::ENGAGED_MS as isize,
    EngagedBefore = schema::ENGAGED_BEFORE_MS as isize,
    Scroll = schema::SCROLL as isize,
    Alive = schema::ALIVE_MS as isize,
    Id = schema::ID as isize,
}

/// What stands in a segment by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    Starts,
    Kinds,
    Numbers(Columns),
    VisitText(VisitText),
    HitText(HitText),
}

impl Reader {
    pub fn open(blob: Arc<dyn Blob>) -> Result<Reader, BadSegment> {
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&Chunk::all(blob.clone()))?;
        let told = |key: &str| {
            let texts = metadata.file_metadata().key_value_metadata()?;
            texts.iter().find(|text| text.key == key)?.value.as_deref()
        };
        let head = Head::from_json(told(HEAD_KEY).unwrap_or(""))?;
        let over = told(OVER_KEY).map(|text| over(text, &head)).transpose()?;
        let columns = metadata.file_metadata().schema_descr().num_columns();
        match <[RowGroupMetaData; 2]>::try_from(metadata.row_groups().to_vec()) {
            Ok(tables) if columns == schema::COLUMNS => Ok(Reader { head, blob, tables, over }),
            _ => Err(BadSegment::NoSegment("its columns are others")),
        }
    }

    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The visits that go on after the day's end, in order; None where the file does not say.
    pub fn over(&self) -> Option<&[Over]> {
        self.over.as_deref()
    }

    /// These are read soon.
    pub fn expect(&self, stored: &[Stored]) {
        let place = |stored: &Stored| {
            let (table, column) = match *stored {
                Stored::Starts => (schema::HITS, schema::VISIT),
                Stored::Kinds => of_column(schema::KIND),
                Stored::Numbers(column) => of_column(column as usize),
                Stored::VisitText(text) => of_column(schema::VISIT_TEXT + text as usize),
                Stored::HitText(text) => of_column(schema::HIT_TEXT + text as usize),
            };
            self.place(table, column).ok()
        };
        let mut places: Vec<Range<u64>> = stored.iter().filter_map(place).collect();
        places.sort_by_key(|place| place.start);
        places.dedup();
        self.blob.expect(&places);
    }

    fn pages(&self, column: usize) -> Result<Pages, BadSegment> {
        let (table, column) = of_column(column);
        self.pages_of(table, column)
    }

    /// The bytes of a column.
    fn place(&self, table: usize, column: usize) -> Result<Range<u64>, BadSegment> {
        let column = self.tables[table].column(column);
        let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
        let (start, length) = (u64::try_from(start), u64::try_from(column.compressed_size()));
        let (Ok(start), Ok(length)) = (start, length) else { return Err(BadSegment::OTHER_LENGTH) };
        match start.checked_add(length) {
            Some(end) if end <= self.blob.len() => Ok(start..end),
            _ => Err(BadSegment::OTHER_LENGTH),
        }
    }

    /// Reads a column, all its pages in one piece: the library by itself would read the file's rest for each of them.
    fn pages_of(&self, table: usize, column: usize) -> Result<Pages, BadSegment> {
        let Range { start, end } = self.place(table, column)?;
        let (table, column) = (&self.tables[table], self.tables[table].column(column));
        let bytes = self.blob.read(start, (end - start) as usize).map_err(external)?;
        let chunk = Arc::new(Chunk { blob: Arc::new(bytes), start, end });
        let rows = usize::try_from(table.num_rows()).map_err(|_| BadSegment::OTHER_LENGTH)?;
        Ok(Pages { reader: Box::new(SerializedPageReader::new(chunk, column, rows, None)?) })
    }

    /// The first hit's row of each visit, in order, and at the end the number of hits. Each visit has a hit.
    pub fn starts(&self) -> Result<Vec<u32>, BadSegment> {
        let (visits, hits) = (self.head.visits as usize, self.head.hits as usize);
        let numbers = self.pages_of(schema::HITS, schema::VISIT)?.integers(4, hits, |visit| visit as u32)?;
        let mut starts = vec![0; visits + 1];
        let (mut next, mut is_ordered) = (0, true);
        for (&visit, end) in numbers.iter().zip(1..) {
            is_ordered &= visit == next || visit.wrapping_add(1) == next;
            // Nothing but the last hit of each visit counts: no need to ask which that is.
            match starts.get_mut(visit as usize + 1) {
                Some(known) => *known = end,
                None => is_ordered = false,
            }
            next = visit.wrapping_add(1);
        }
        match is_ordered && next as usize == visits {
            true => Ok(starts),
            false => Err(BadSegment::NoSegment("its hits are not of its visits, in order")),
        }
    }

    pub fn visit_text(&self, text: VisitText) -> Result<Coded, BadSegment> {
        self.pages(schema::VISIT_TEXT + text as usize)?.coded(self.head.visits as usize)
    }

    pub fn hit_text(&self, text: HitText) -> Result<Coded, BadSegment> {
        self.pages(schema::HIT_TEXT + text as usize)?.coded(self.head.hits as usize)
    }

    /// The kinds of the hits, and those that some hit is of.
    pub fn kinds(&self) -> Result<(Coded, Vec<Kind>), BadSegment> {
        let column = self.pages(schema::KIND)?.coded(self.head.hits as usize)?;
        let kinds = column.texts(|text| match text {
            "pageview" => Ok(Kind::Pageview),
            "event" => Ok(Kind::Event),
            "identify" => Ok(Kind::Identify),
            "presence" => Ok(Kind::Presence),
            _ => Err(BadSegment::NoSegment("a kind of hit that is none")),
        });
        let kinds = kinds?.into_iter().collect::<Result<_, _>>()?;
        Ok((column, kinds))
    }

    /// A column of numbers, each made into what the caller keeps.
    pub fn numbers<T: Copy>(&self, column: Columns, to: impl Fn(i64) -> T) -> Result<Vec<T>, BadSegment> {
        let index = column as usize;
        let rows = if index < schema::AFTER_S { self.head.visits } else { self.head.hits };
        let width = if matches!(column, Columns::Visitor | Columns::Id) { 8 } else { 4 };
        self.pages(index)?.integers(width, rows as usize, to)
    }

    /// The whole segment as rows.
    pub fn table(&self) -> Result<Table, BadSegment> {
        let mut table = Table::default();
        let visitors = self.numbers(Columns::Visitor, |visitor| VisitorId(visitor as u64))?;
        let firsts = self.numbers(Columns::FirstSeconds, |seconds| i64::from(seconds as u32) * 1_000)?;
        let millis = self.numbers(Columns::FirstMillis, |millis| millis)?;
        for (row, hits) in self.starts()?.windows(2).enumerate() {
            table.visits.push(Visit {
                visitor: visitors[row],
                bot: false,
                first: self.head.day_start + firsts[row] + millis[row],
                texts: [0; VISIT_TEXTS],
                hits: hits[0]..hits[1],
            });
        }
        let mut row = 0;
        self.pages(schema::BOT)?.flags(|bot| {
            if let Some(visit) = table.visits.get_mut(row) {
                visit.bot = bot;
            }
            row += 1;
        })?;
        check_rows(row, self.head.visits)?;
        self.read_hits(&mut table)?;
        self.read_texts(&mut table)?;
        Ok(table)
    }

    fn read_hits(&self, table: &mut Table) -> Result<(), BadSegment> {
        let after_s = self.numbers(Columns::AfterSeconds, |seconds| i64::from(seconds as u32) * 1_000)?;
        let after_ms = self.numbers(Columns::AfterMillis, |millis| millis)?;
        let (kinds, known) = self.kinds()?;
        let kinds = kinds.rows(&known)?;
        let ids = self.numbers(Columns::Id, |id| id as u64)?;
        let engaged = self.numbers(Columns::Engaged, |value| value as u32)?;
        let before = self.numbers(Columns::EngagedBefore, |value| value as u32)?;
        let scroll = self.numbers(Columns::Scroll, |value| value as u8)?;
        let alive = self.numbers(Columns::Alive, |value| value as u32)?;
        for visit in &table.visits {
            for row in visit.hits.start as usize..visit.hits.end as usize {
                table.hits.push(Hit {
                    at: visit.first + after_s[row] + after_ms[row],
                    kind: kinds[row],
                    id: ids[row],
                    texts: [0; HIT_TEXTS],
                    engaged_ms: engaged[row],
                    engaged_before_ms: before[row],
                    scroll: scroll[row],
                    alive_ms: alive[row],
                });
            }
        }
        Ok(())
    }

    fn read_texts(&self, table: &mut Table) -> Result<(), BadSegment> {
        for text in VisitText::ALL {
            let column = self.visit_text(text)?;
            let numbers = column.texts(|text| table.words.number(text))?;
            for (visit, number) in table.visits.iter_mut().zip(column.rows(&numbers)?) {
                visit.texts[text as usize] = number;
            }
        }
        for text in HitText::ALL {
            let column = self.hit_text(text)?;
            let numbers = column.texts(|text| table.words.number(text))?;
            for (hit, number) in table.hits.iter_mut().zip(column.rows(&numbers)?) {
                hit.texts[text as usize] = number;
            }
        }
        Ok(())
    }
}

/// The table that a column is of, and the column.
fn of_column(column: usize) -> (usize, usize) {
    let table = if column < schema::AFTER_S { schema::VISITS } else { schema::HITS };
    (table, column)
}

fn over(text: &str, head: &Head) -> Result<Vec<Over>, BadSegment> {
    const BAD: BadSegment = BadSegment::NoSegment("visits past the day's end that are none");
    let over: Vec<Over> = serde_json::from_str(text).map_err(|_| BAD)?;
    let (mut visits, mut rows) = (0, 0);
    for [visit, first, split, end] in &over {
        let is_next = (visits..head.visits).contains(visit) && (rows..=*split).contains(first);
        if !is_next || split >= end || *end > head.hits {
            return Err(BAD);
        }
        (visits, rows) = (visit + 1, *end);
    }
    Ok(over)
}

fn check_rows(rows: usize, wanted: u32) -> Result<(), BadSegment> {
    if rows == wanted as usize { Ok(()) } else { Err(BadSegment::OTHER_LENGTH) }
}

fn external(error: std::io::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

/// Bytes of a segment, at their place in it, as the Parquet library reads them.
struct Chunk {
    blob: Arc<dyn Blob>,
    start: u64,
    end: u64,
}

impl Chunk {
    fn all(blob: Arc<dyn Blob>) -> Chunk {
        Chunk { start: 0, end: blob.len(), blob }
    }
}

impl Length for Chunk {
    fn len(&self) -> u64 {
        self.end
    }
}

impl ChunkReader for Chunk {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> Result<Box<dyn Read>, ParquetError> {
        let length = usize::try_from(self.end.saturating_sub(start)).unwrap_or(usize::MAX);
        Ok(Box::new(self.get_bytes(start, length)?.reader()))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        match start.checked_sub(self.start) {
            Some(start) => self.blob.read(start, length).map_err(external),
            None => Err(external(std::io::ErrorKind::UnexpectedEof.into())),
        }
    }
}
