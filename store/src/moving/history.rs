//! The kinds that `History` has words for, the same for every backend; and what keys begin with.

use model::{Millis, Peak, SiteId};

use super::{Key, Page, Row};
use crate::Result;
use crate::history::{History, TailCursor};

/// One page of the tail, from behind a place in it.
pub async fn tail(history: &dyn History, after: Option<Key>, limit: usize) -> Result<Page> {
    let after = TailCursor(number(&after).unwrap_or(0) as u64);
    let page = history.tail_since(Millis(i64::MIN), Some(after), limit).await?;
    let next = page.next.map(|cursor| Key::Number(cursor.0 as i64));
    Ok(Page { rows: page.batches.into_iter().map(Row::Batch).collect(), next })
}

/// Takes rows that `History` has a word for, which changes nothing the second time.
pub async fn import_history(history: &dyn History, rows: Vec<Row>) -> Result<()> {
    let (mut batches, mut peaks): (Vec<_>, Vec<Peak>) = Default::default();
    for row in rows {
        match row {
            Row::Batch(batch) => batches.push(batch),
            Row::Peak(peak) => peaks.push(peak),
            Row::Forgotten(site) => history.forget(SiteId::of(site as u64)).await?,
            _ => {}
        }
    }
    if !batches.is_empty() {
        history.append(batches).await?;
    }
    if !peaks.is_empty() {
        history.raise_peaks(&peaks).await?;
    }
    Ok(())
}

pub fn number(key: &Option<Key>) -> Option<i64> {
    match key {
        Some(Key::Number(number)) => Some(*number),
        _ => None,
    }
}

pub fn triple(key: &Option<Key>) -> (i64, i64, i64) {
    match key {
        Some(Key::Triple(one, two, three)) => (*one, *two, *three),
        _ => (i64::MIN, i64::MIN, i64::MIN),
    }
}

pub fn mark(key: &Option<Key>) -> (i64, [u8; 32]) {
    match key {
        Some(Key::Mark(room, mark)) => (*room, *mark),
        _ => (i64::MIN, [0; 32]),
    }
}

pub fn pair(key: &Option<Key>) -> (i64, i64) {
    match key {
        Some(Key::Pair(one, two)) => (*one, *two),
        _ => (i64::MIN, i64::MIN),
    }
}
