//! The bytes of a segment back: its head, single columns, or the whole table.

use std::io::Read;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use model::VisitorId;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, FileReader, Length, SerializedFileReader};

use super::pages::Pages;
use super::schema;
use super::{BadSegment, Blob, HEAD_KEY, Head};
use crate::table::{HIT_TEXTS, Hit, HitText, Kind, Table, VISIT_TEXTS, Visit, VisitText};

/// A column of texts: the distinct ones in no order, and the number among them of each row's.
pub struct TextColumn {
    pub texts: Vec<Arc<str>>,
    pub numbers: Vec<u32>,
}

/// An opened segment: nothing is read but its end until a column is asked for.
pub struct Reader {
    head: Head,
    file: SerializedFileReader<Chunks>,
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

impl Reader {
    pub fn open(blob: Arc<dyn Blob>) -> Result<Reader, BadSegment> {
        let file = SerializedFileReader::new(Chunks(blob))?;
        let metadata = file.metadata();
        let texts = metadata.file_metadata().key_value_metadata();
        let head = texts.and_then(|texts| texts.iter().find(|text| text.key == HEAD_KEY));
        let head = head.and_then(|head| head.value.as_ref());
        let head = Head::from_json(head.map_or("", String::as_str))?;
        let columns = metadata.file_metadata().schema_descr().num_columns();
        if metadata.num_row_groups() != 2 || columns != schema::COLUMNS {
            return Err(BadSegment::NoSegment("its columns are others"));
        }
        Ok(Reader { head, file })
    }

    pub fn head(&self) -> &Head {
        &self.head
    }

    fn pages(&self, column: usize) -> Result<Pages, BadSegment> {
        let table = if column < schema::AFTER_S { schema::VISITS } else { schema::HITS };
        self.pages_of(table, column)
    }

    fn pages_of(&self, table: usize, column: usize) -> Result<Pages, BadSegment> {
        let group = self.file.get_row_group(table)?;
        Ok(Pages { reader: group.get_column_page_reader(column)? })
    }

    /// How many hits each visit has, in order; none has none.
    pub fn lengths(&self) -> Result<Vec<u32>, BadSegment> {
        let mut lengths = vec![0; self.head.visits as usize];
        let (mut last, mut is_ordered, mut rows) = (0, true, 0);
        self.pages_of(schema::HITS, schema::VISIT)?.integers(4, |visit| {
            match usize::try_from(visit).ok().and_then(|visit| lengths.get_mut(visit)) {
                Some(length) => *length += 1,
                None => is_ordered = false,
            }
            is_ordered &= visit >= last;
            last = visit;
            rows += 1;
        })?;
        if !is_ordered || rows != self.head.hits as usize || lengths.contains(&0) {
            return Err(BadSegment::NoSegment("its hits are not of its visits, in order"));
        }
        Ok(lengths)
    }

    pub fn visit_text(&self, text: VisitText) -> Result<TextColumn, BadSegment> {
        self.text(schema::VISIT_TEXT + text as usize, self.head.visits)
    }

    pub fn hit_text(&self, text: HitText) -> Result<TextColumn, BadSegment> {
        self.text(schema::HIT_TEXT + text as usize, self.head.hits)
    }

    fn text(&self, column: usize, rows: u32) -> Result<TextColumn, BadSegment> {
        let column = self.pages(column)?.texts()?;
        check_rows(column.numbers.len(), rows)?;
        Ok(column)
    }

    pub fn kinds(&self) -> Result<Vec<Kind>, BadSegment> {
        let column = self.text(schema::KIND, self.head.hits)?;
        let kinds = column.texts.iter().map(|text| match &**text {
            "pageview" => Ok(Kind::Pageview),
            "event" => Ok(Kind::Event),
            "identify" => Ok(Kind::Identify),
            "presence" => Ok(Kind::Presence),
            _ => Err(BadSegment::NoSegment("a kind of hit that is none")),
        });
        let kinds: Vec<Kind> = kinds.collect::<Result<_, _>>()?;
        Ok(column.numbers.iter().map(|&number| kinds[number as usize]).collect())
    }

    /// A column of numbers, each made into what the caller keeps.
    pub fn numbers<T>(&self, column: Columns, to: impl Fn(i64) -> T) -> Result<Vec<T>, BadSegment> {
        let index = column as usize;
        let rows = if index < schema::AFTER_S { self.head.visits } else { self.head.hits };
        let width = if matches!(column, Columns::Visitor | Columns::Id) { 8 } else { 4 };
        let mut values = Vec::with_capacity(rows as usize);
        self.pages(index)?.integers(width, |value| values.push(to(value)))?;
        check_rows(values.len(), rows)?;
        Ok(values)
    }

    /// The whole segment as rows.
    pub fn table(&self) -> Result<Table, BadSegment> {
        let mut table = Table::default();
        let visitors = self.numbers(Columns::Visitor, |visitor| VisitorId(visitor as u64))?;
        let firsts = self.numbers(Columns::FirstSeconds, |seconds| i64::from(seconds as u32) * 1_000)?;
        let millis = self.numbers(Columns::FirstMillis, |millis| millis)?;
        let mut start = 0;
        for (row, length) in self.lengths()?.into_iter().enumerate() {
            table.visits.push(Visit {
                visitor: visitors[row],
                bot: false,
                first: self.head.day_start + firsts[row] + millis[row],
                texts: [0; VISIT_TEXTS],
                hits: start..start + length,
            });
            start += length;
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
        let kinds = self.kinds()?;
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
            let numbers: Vec<u32> = column.texts.iter().map(|text| table.words.number_shared(text)).collect();
            for (visit, number) in table.visits.iter_mut().zip(column.numbers) {
                visit.texts[text as usize] = numbers[number as usize];
            }
        }
        for text in HitText::ALL {
            let column = self.hit_text(text)?;
            let numbers: Vec<u32> = column.texts.iter().map(|text| table.words.number_shared(text)).collect();
            for (hit, number) in table.hits.iter_mut().zip(column.numbers) {
                hit.texts[text as usize] = numbers[number as usize];
            }
        }
        Ok(())
    }
}

fn check_rows(rows: usize, wanted: u32) -> Result<(), BadSegment> {
    if rows == wanted as usize { Ok(()) } else { Err(BadSegment::NoSegment("a column of other length")) }
}

/// A blob as the Parquet library reads it.
struct Chunks(Arc<dyn Blob>);

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl ChunkReader for Chunks {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> Result<Box<dyn Read>, ParquetError> {
        let length = usize::try_from(self.0.len().saturating_sub(start)).unwrap_or(usize::MAX);
        Ok(Box::new(self.get_bytes(start, length)?.reader()))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        self.0.read(start, length).map_err(|error| ParquetError::External(Box::new(error)))
    }
}
