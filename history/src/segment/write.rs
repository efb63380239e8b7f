//! A table into the bytes of a segment.

use std::sync::Arc;

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};

use super::schema::{self, schema};
use super::{BadSegment, HEAD_KEY, Head, OVER_KEY, OVER_MAX, Over, VERSION};
use crate::fold::Share;
use crate::table::{HIT_TEXTS, Hit, HitText, Table, VISIT_TEXTS, Visit, VisitText};
use crate::words::Words;
use crate::zone::Day;

/// Slower than the default by little, smaller by a few percent.
const ZSTD_LEVEL: i32 = 9;
/// Of the columns that are largest after visitors and ids, and give way to more effort.
const ZSTD_LEVEL_LARGE: i32 = 15;
const LARGE: [usize; 4] = [
    schema::FIRST_S,
    schema::AFTER_S,
    schema::VISIT_TEXT + VisitText::Source as usize,
    schema::HIT_TEXT + HitText::Path as usize,
];
/// One page a column, nearly always: what repeats is then found by the compressor.
const PAGE_BYTES: usize = 8 << 20;
const DICTIONARY_BYTES_MAX: usize = 256 << 20;

/// Columns whose numbers are too many for a dictionary. What is small or spread out goes in bytes of one weight side by side: those
/// of most weight repeat, and are read back by nothing but an addition.
const ENCODINGS: [(usize, Encoding); 7] = [
    (schema::VISIT, Encoding::DELTA_BINARY_PACKED),
    (schema::VISITOR, Encoding::DELTA_BINARY_PACKED),
    (schema::FIRST_S, Encoding::BYTE_STREAM_SPLIT),
    (schema::AFTER_S, Encoding::BYTE_STREAM_SPLIT),
    (schema::ENGAGED_MS, Encoding::BYTE_STREAM_SPLIT),
    (schema::ALIVE_MS, Encoding::BYTE_STREAM_SPLIT),
    (schema::ID, Encoding::PLAIN),
];

type Group<'w> = SerializedRowGroupWriter<'w, Vec<u8>>;

/// The bytes of a segment that holds one day's table, and what it says of itself.
pub fn write(table: &Table, day: &Day) -> Result<(Head, Vec<u8>), BadSegment> {
    write_headed(table, day, Head::of(table, day))
}

/// As `write`, of a segment that holds these visitors' share of the day.
pub fn write_share(table: &Table, day: &Day, visitors: Share) -> Result<(Head, Vec<u8>), BadSegment> {
    write_headed(table, day, Head { visitors, ..Head::of(table, day) })
}

fn write_headed(table: &Table, day: &Day, head: Head) -> Result<(Head, Vec<u8>), BadSegment> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_data_page_size_limit(PAGE_BYTES)
        .set_data_page_row_count_limit(usize::MAX)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES_MAX)
        .set_max_row_group_row_count(None)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_created_by("watchfire".to_owned())
        .set_key_value_metadata(Some(told(table, day, &head)));
    let tree = schema()?;
    let names = parquet::schema::types::SchemaDescriptor::new(tree.clone());
    let path = |column: usize| names.column(column).path().clone();
    let mut properties = properties;
    for (column, encoding) in ENCODINGS {
        properties = properties
            .set_column_dictionary_enabled(path(column), false)
            .set_column_encoding(path(column), encoding);
    }
    let large = Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL_LARGE)?);
    for column in LARGE {
        properties = properties.set_column_compression(path(column), large);
    }
    properties = properties.set_column_compression(path(schema::ID), Compression::UNCOMPRESSED);
    let mut file = SerializedFileWriter::new(Vec::new(), tree, Arc::new(properties.build()))?;
    let mut group = file.next_row_group()?;
    write_visits(&mut Put { group: &mut group, rows: table.visits.len() }, table, day)?;
    group.close()?;
    let mut group = file.next_row_group()?;
    write_hits(&mut Put { group: &mut group, rows: table.hits.len() }, table)?;
    group.close()?;
    Ok((head, file.into_inner()?))
}

/// What stands beside the columns.
fn told(table: &Table, day: &Day, head: &Head) -> Vec<KeyValue> {
    let mut told = vec![KeyValue::new(HEAD_KEY.to_owned(), head.to_json())];
    let over = over(table, day);
    if over.len() <= OVER_MAX
        && let Ok(text) = serde_json::to_string(&over)
    {
        told.push(KeyValue::new(OVER_KEY.to_owned(), text));
    }
    told
}

fn over(table: &Table, day: &Day) -> Vec<Over> {
    let is_after = |row: &u32| table.hits[*row as usize].at >= day.end;
    let over = (0u32..).zip(&table.visits).filter_map(|(number, visit)| {
        let first_after = visit.hits.clone().find(is_after)?;
        Some([number, visit.hits.start, first_after, visit.hits.end])
    });
    over.take(OVER_MAX + 1).collect()
}

impl Head {
    /// What a segment of this table says of itself.
    pub fn of(table: &Table, day: &Day) -> Head {
        let ends = table.hits.iter().map(Hit::end);
        let firsts = || table.visits.iter().map(|visit| visit.first);
        Head {
            version: VERSION,
            day: day.name.clone(),
            day_start: day.start,
            day_end: day.end,
            first: firsts().min().unwrap_or(day.start),
            last: ends.chain(firsts().max()).max().unwrap_or(day.start),
            visits: table.visits.len() as u32,
            hits: table.hits.len() as u32,
            humans: table.visits.iter().filter(|visit| !visit.bot).count() as u32,
            visitors: Share::ALL,
        }
    }
}

/// One table under way, column by column.
struct Put<'g, 'w> {
    group: &'g mut Group<'w>,
    rows: usize,
}

impl Put<'_, '_> {
    fn values<T: DataType>(&mut self, values: &[T::T]) -> Result<(), BadSegment> {
        let Some(mut column) = self.group.next_column()? else {
            return Err(BadSegment::NoSegment("more columns than the schema has"));
        };
        let levels = vec![i16::from(!values.is_empty()); self.rows];
        column.typed::<T>().write_batch(values, Some(&levels), None)?;
        Ok(column.close()?)
    }

    fn each<T: DataType, R>(&mut self, rows: &[R], value: impl Fn(&R) -> T::T) -> Result<(), BadSegment> {
        let values: Vec<T::T> = rows.iter().map(value).collect();
        self.values::<T>(&values)
    }

    /// The columns from one to before another, which are the other table's.
    fn nothing(&mut self, columns: std::ops::Range<usize>) -> Result<(), BadSegment> {
        for column in columns {
            match column {
                schema::VISITOR | schema::ID => self.values::<Int64Type>(&[])?,
                schema::BOT => self.values::<BoolType>(&[])?,
                schema::FIRST_S | schema::FIRST_MS | schema::AFTER_S | schema::AFTER_MS => {
                    self.values::<Int32Type>(&[])?;
                }
                schema::ENGAGED_MS..schema::ID => self.values::<Int32Type>(&[])?,
                _ => self.values::<ByteArrayType>(&[])?,
            }
        }
        Ok(())
    }
}

fn write_visits(put: &mut Put<'_, '_>, table: &Table, day: &Day) -> Result<(), BadSegment> {
    let visits = &table.visits;
    let numbers: Vec<i32> = (0..visits.len() as i32).collect();
    put.values::<Int32Type>(&numbers)?;
    put.each::<Int64Type, _>(visits, |visit| visit.visitor.0 as i64)?;
    put.each::<BoolType, _>(visits, |visit| visit.bot)?;
    put.each::<Int32Type, _>(visits, |visit| ((visit.first - day.start) / 1_000) as i32)?;
    put.each::<Int32Type, _>(visits, |visit| ((visit.first - day.start) % 1_000) as i32)?;
    let texts = texts(&table.words);
    for text in 0..VISIT_TEXTS {
        put.each::<ByteArrayType, Visit>(visits, |visit| texts[visit.texts[text] as usize].clone())?;
    }
    put.nothing(schema::AFTER_S..schema::COLUMNS)
}

fn write_hits(put: &mut Put<'_, '_>, table: &Table) -> Result<(), BadSegment> {
    let hits = &table.hits;
    let visits = table.visits.iter().zip(0..);
    let numbers: Vec<i32> =
        visits.clone().flat_map(|(visit, number)| std::iter::repeat_n(number, visit.hits.len())).collect();
    put.values::<Int32Type>(&numbers)?;
    put.nothing(schema::VISITOR..schema::AFTER_S)?;
    let mut afters: Vec<i64> = Vec::with_capacity(hits.len());
    for visit in &table.visits {
        afters.extend(table.hits_of(visit).iter().map(|hit| hit.at - visit.first));
    }
    put.each::<Int32Type, _>(&afters, |after| (after / 1_000) as i32)?;
    put.each::<Int32Type, _>(&afters, |after| (after % 1_000) as i32)?;
    let kinds = ["pageview", "event", "identify", "presence"].map(ByteArray::from);
    put.each::<ByteArrayType, Hit>(hits, |hit| kinds[hit.kind as usize].clone())?;
    let texts = texts(&table.words);
    for text in 0..HIT_TEXTS {
        put.each::<ByteArrayType, Hit>(hits, |hit| texts[hit.texts[text] as usize].clone())?;
    }
    put.each::<Int32Type, Hit>(hits, |hit| hit.engaged_ms as i32)?;
    put.each::<Int32Type, Hit>(hits, |hit| hit.engaged_before_ms as i32)?;
    put.each::<Int32Type, Hit>(hits, |hit| hit.scroll.into())?;
    put.each::<Int32Type, Hit>(hits, |hit| hit.alive_ms as i32)?;
    put.each::<Int64Type, Hit>(hits, |hit| hit.id as i64)
}

fn texts(words: &Words) -> Vec<ByteArray> {
    words.texts().iter().map(|text| ByteArray::from(text.as_bytes().to_vec())).collect()
}
