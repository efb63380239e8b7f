//! The columns of a segment, in file order.

use std::sync::Arc;

use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::errors::Result;
use parquet::schema::types::{Type, TypePtr};

use crate::table::{HitText, VisitText};

/// A visit's columns before its texts.
pub const VISITOR: usize = 0;
pub const BOT: usize = 1;
pub const FIRST_S: usize = 2;
pub const FIRST_MS: usize = 3;
pub const VISIT_TEXT: usize = 4;
/// A hit's columns before its texts.
pub const AFTER_S: usize = VISIT_TEXT + crate::table::VISIT_TEXTS;
pub const AFTER_MS: usize = AFTER_S + 1;
pub const KIND: usize = AFTER_S + 2;
pub const HIT_TEXT: usize = AFTER_S + 3;
pub const ENGAGED_MS: usize = HIT_TEXT + crate::table::HIT_TEXTS;
pub const ENGAGED_BEFORE_MS: usize = ENGAGED_MS + 1;
pub const SCROLL: usize = ENGAGED_MS + 2;
pub const ALIVE_MS: usize = ENGAGED_MS + 3;
pub const ID: usize = ENGAGED_MS + 4;
pub const COLUMNS: usize = ID + 1;

fn column(name: &str, physical: Physical, logical: Option<LogicalType>) -> Result<TypePtr> {
    let column = Type::primitive_type_builder(name, physical);
    let column = column.with_repetition(Repetition::REQUIRED).with_logical_type(logical).build()?;
    Ok(Arc::new(column))
}

fn text(name: &str) -> Result<TypePtr> {
    column(name, Physical::BYTE_ARRAY, Some(LogicalType::String))
}

fn unsigned(name: &str, bits: i8) -> Result<TypePtr> {
    let physical = if bits == 64 { Physical::INT64 } else { Physical::INT32 };
    column(name, physical, Some(LogicalType::integer(bits, false)))
}

fn group(name: &str, repetition: Repetition, fields: Vec<TypePtr>) -> Result<TypePtr> {
    let group = Type::group_type_builder(name).with_repetition(repetition).with_fields(fields).build()?;
    Ok(Arc::new(group))
}

pub fn schema() -> Result<TypePtr> {
    let mut visit = vec![unsigned("visitor", 64)?, column("bot", Physical::BOOLEAN, None)?];
    visit.push(unsigned("first_s", 32)?);
    visit.push(unsigned("first_ms", 16)?);
    for name in VisitText::ALL {
        visit.push(text(name.column())?);
    }
    let mut hit = vec![unsigned("after_s", 32)?, unsigned("after_ms", 16)?, text("kind")?];
    for name in HitText::ALL {
        hit.push(text(name.column())?);
    }
    for name in ["engaged_ms", "engaged_before_ms"] {
        hit.push(unsigned(name, 32)?);
    }
    hit.push(unsigned("scroll", 8)?);
    hit.push(unsigned("alive_ms", 32)?);
    hit.push(unsigned("id", 64)?);
    let element = group("element", Repetition::REQUIRED, hit)?;
    let list = group("list", Repetition::REPEATED, vec![element])?;
    let hits = Type::group_type_builder("hits")
        .with_repetition(Repetition::REQUIRED)
        .with_converted_type(ConvertedType::LIST)
        .with_logical_type(Some(LogicalType::List))
        .with_fields(vec![list])
        .build()?;
    visit.push(Arc::new(hits));
    Ok(Arc::new(Type::group_type_builder("watchfire").with_fields(visit).build()?))
}
