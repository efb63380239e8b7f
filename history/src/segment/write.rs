//! A table into the bytes of a segment.

use std::sync::Arc;

use model::BatchId;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};

use super::schema::{self, schema};
use super::{BadSegment, HEAD_KEY, Head, VERSION};
use crate::table::{HIT_TEXTS, Hit, Table, VISIT_TEXTS, Visit};
use crate::words::Words;
use crate::zone::Day;

/// Slower than the default by little, smaller by a few percent.
const ZSTD_LEVEL: i32 = 9;
/// One page a column, nearly always: what repeats is then found by the compressor.
const PAGE_BYTES: usize = 8 << 20;
const DICTIONARY_BYTES_MAX: usize = 256 << 20;

type Group<'w> = SerializedRowGroupWriter<'w, Vec<u8>>;

/// The bytes of a segment that holds one day's table, and what it says of itself. `batches`: as in [`Head`].
pub fn write(table: &Table, day: &Day, batches: &[BatchId]) -> Result<(Head, Vec<u8>), BadSegment> {
    let head = Head::of(table, day, batches);
    let text = serde_json::to_string(&head).map_err(|_| BadSegment::NoSegment("a head that is no JSON"))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_data_page_size_limit(PAGE_BYTES)
        .set_data_page_row_count_limit(usize::MAX)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES_MAX)
        .set_max_row_group_row_count(None)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_created_by("watchfire".to_owned())
        .set_key_value_metadata(Some(vec![KeyValue::new(HEAD_KEY.to_owned(), text)]));
    let tree = schema()?;
    let names = parquet::schema::types::SchemaDescriptor::new(tree.clone());
    let path = |column: usize| names.column(column).path().clone();
    let mut properties = properties;
    for column in [schema::VISITOR, schema::FIRST_S, schema::ID] {
        let encoding = if column == schema::ID { Encoding::PLAIN } else { Encoding::DELTA_BINARY_PACKED };
        properties = properties
            .set_column_dictionary_enabled(path(column), false)
            .set_column_encoding(path(column), encoding);
    }
    properties = properties.set_column_compression(path(schema::ID), Compression::UNCOMPRESSED);
    let mut file = SerializedFileWriter::new(Vec::new(), tree, Arc::new(properties.build()))?;
    let mut group = file.next_row_group()?;
    write_visits(&mut group, table, day)?;
    write_hits(&mut group, table)?;
    group.close()?;
    Ok((head, file.into_inner()?))
}

impl Head {
    /// What a segment of this table says of itself.
    pub fn of(table: &Table, day: &Day, batches: &[BatchId]) -> Head {
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
            batches: batches.to_vec(),
        }
    }
}

fn put<T: DataType>(
    group: &mut Group<'_>,
    values: &[T::T],
    levels: Option<&Levels>,
) -> Result<(), BadSegment> {
    let Some(mut column) = group.next_column()? else {
        return Err(BadSegment::NoSegment("more columns than the schema has"));
    };
    let (definitions, repetitions) =
        (levels.map(|levels| &levels.definitions[..]), levels.map(|levels| &levels.repetitions[..]));
    column.typed::<T>().write_batch(values, definitions, repetitions)?;
    Ok(column.close()?)
}

fn put_visits<T: DataType>(
    group: &mut Group<'_>,
    table: &Table,
    value: impl Fn(&Visit) -> T::T,
) -> Result<(), BadSegment> {
    let values: Vec<T::T> = table.visits.iter().map(value).collect();
    put::<T>(group, &values, None)
}

fn write_visits(group: &mut Group<'_>, table: &Table, day: &Day) -> Result<(), BadSegment> {
    put_visits::<Int64Type>(group, table, |visit| visit.visitor.0 as i64)?;
    put_visits::<BoolType>(group, table, |visit| visit.bot)?;
    put_visits::<Int32Type>(group, table, |visit| ((visit.first - day.start) / 1_000) as i32)?;
    put_visits::<Int32Type>(group, table, |visit| ((visit.first - day.start) % 1_000) as i32)?;
    let texts = texts(&table.words);
    for text in 0..VISIT_TEXTS {
        put_visits::<ByteArrayType>(group, table, |visit| texts[visit.texts[text] as usize].clone())?;
    }
    Ok(())
}

/// The levels of the list of hits: which visit each is of.
struct Levels {
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
}

fn write_hits(group: &mut Group<'_>, table: &Table) -> Result<(), BadSegment> {
    let mut repetitions = vec![1; table.hits.len()];
    let mut firsts = vec![0; table.hits.len()];
    for visit in &table.visits {
        repetitions[visit.hits.start as usize] = 0;
        firsts[visit.hits.start as usize..visit.hits.end as usize].fill(visit.first);
    }
    let levels = Levels { definitions: vec![1; table.hits.len()], repetitions };
    let after = |(hit, first): (&Hit, &i64)| hit.at - first;
    let afters = || table.hits.iter().zip(&firsts).map(after);
    let seconds: Vec<i32> = afters().map(|after| (after / 1_000) as i32).collect();
    put::<Int32Type>(group, &seconds, Some(&levels))?;
    let millis: Vec<i32> = afters().map(|after| (after % 1_000) as i32).collect();
    put::<Int32Type>(group, &millis, Some(&levels))?;
    let kinds = ["pageview", "event", "identify", "presence"].map(|kind| ByteArray::from(kind));
    put_hits::<ByteArrayType>(group, table, &levels, |hit| kinds[hit.kind as usize].clone())?;
    let texts = texts(&table.words);
    for text in 0..HIT_TEXTS {
        put_hits::<ByteArrayType>(group, table, &levels, |hit| texts[hit.texts[text] as usize].clone())?;
    }
    put_hits::<Int32Type>(group, table, &levels, |hit| hit.engaged_ms as i32)?;
    put_hits::<Int32Type>(group, table, &levels, |hit| hit.engaged_before_ms as i32)?;
    put_hits::<Int32Type>(group, table, &levels, |hit| hit.scroll.into())?;
    put_hits::<Int32Type>(group, table, &levels, |hit| hit.alive_ms as i32)?;
    put_hits::<Int64Type>(group, table, &levels, |hit| hit.id as i64)
}

fn put_hits<T: DataType>(
    group: &mut Group<'_>,
    table: &Table,
    levels: &Levels,
    value: impl Fn(&Hit) -> T::T,
) -> Result<(), BadSegment> {
    let values: Vec<T::T> = table.hits.iter().map(value).collect();
    put::<T>(group, &values, Some(levels))
}

fn texts(words: &Words) -> Vec<ByteArray> {
    words.texts().iter().map(|text| ByteArray::from(text.as_bytes().to_vec())).collect()
}
