//! The columns of a segment, in file order. Both tables have all of them; what is not theirs is null.

use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::errors::Result;
use parquet::schema::types::{Type, TypePtr};

use crate::table::{HIT_TEXTS, HitText, VISIT_TEXTS, VisitText};

/// The row groups: visits, then hits.
pub const VISITS: usize = 0;
pub const HITS: usize = 1;

/// A visit's number, from zero; in both tables.
pub const VISIT: usize = 0;
/// A visit's columns before its texts.
pub const VISITOR: usize = 1;
pub const BOT: usize = 2;
pub const FIRST_S: usize = 3;
pub const FIRST_MS: usize = 4;
pub const VISIT_TEXT: usize = 5;
/// A hit's columns before its texts.
pub const AFTER_S: usize = VISIT_TEXT + VISIT_TEXTS;
pub const AFTER_MS: usize = AFTER_S + 1;
pub const KIND: usize = AFTER_S + 2;
pub const HIT_TEXT: usize = AFTER_S + 3;
pub const ENGAGED_MS: usize = HIT_TEXT + HIT_TEXTS;
pub const ENGAGED_BEFORE_MS: usize = ENGAGED_MS + 1;
pub const SCROLL: usize = ENGAGED_MS + 2;
pub const ALIVE_MS: usize = ENGAGED_MS + 3;
pub const ID: usize = ENGAGED_MS + 4;
pub const COLUMNS: usize = ID + 1;

fn column(name: &str, physical: Physical, logical: Option<LogicalType>) -> Result<TypePtr> {
    let column = Type::primitive_type_builder(name, physical);
    let column = column.with_repetition(Repetition::OPTIONAL).with_logical_type(logical).build()?;
    Ok(Arc::new(column))
}

fn text(name: &str) -> Result<TypePtr> {
    column(name, Physical::BYTE_ARRAY, Some(LogicalType::String))
}

fn unsigned(name: &str, bits: i8) -> Result<TypePtr> {
    let physical = if bits == 64 { Physical::INT64 } else { Physical::INT32 };
    column(name, physical, Some(LogicalType::integer(bits, false)))
}

pub fn schema() -> Result<TypePtr> {
    let mut columns = vec![unsigned("visit", 32)?];
    columns.push(unsigned("visitor", 64)?);
    columns.push(column("is_bot", Physical::BOOLEAN, None)?);
    columns.push(unsigned("first_s", 32)?);
    columns.push(unsigned("first_ms", 16)?);
    for name in VisitText::ALL {
        columns.push(text(name.column())?);
    }
    columns.push(unsigned("after_s", 32)?);
    columns.push(unsigned("after_ms", 16)?);
    columns.push(text("kind")?);
    for name in HitText::ALL {
        columns.push(text(name.column())?);
    }
    columns.push(unsigned("engaged_ms", 32)?);
    columns.push(unsigned("engaged_before_ms", 32)?);
    columns.push(unsigned("scroll", 8)?);
    columns.push(unsigned("alive_ms", 32)?);
    columns.push(unsigned("id", 64)?);
    Ok(Arc::new(Type::group_type_builder("watchfire").with_fields(columns).build()?))
}
