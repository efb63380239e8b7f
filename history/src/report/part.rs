//! One segment, or one table that was just folded, with the columns that reports asked for.

use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::Mutex;

use super::columns::{Column, Source, decode};
use super::library::Library;
use super::packed::Packed;
use crate::segment::{BadSegment, Head, Reader};
use crate::table::{HitText, Table};
use crate::zone::Day;

/// Columns are decoded when first asked for and kept until [`Library::trim`] lets them go.
pub struct Part {
    library: Arc<Library>,
    source: Source,
    head: Head,
    columns: Mutex<HashMap<Column, Kept>>,
}

struct Kept {
    values: Arc<Packed>,
    used: u64,
}

impl Part {
    pub(super) fn of_segment(library: Arc<Library>, reader: Reader) -> Part {
        let head = reader.head().clone();
        Part { library, source: Source::Segment(reader), head, columns: Mutex::default() }
    }

    pub(super) fn of_table(library: Arc<Library>, day: &Day, table: Table) -> Part {
        let head = Head::of(&table, day, &[]);
        Part { library, source: Source::Table(Box::new(table)), head, columns: Mutex::default() }
    }

    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Some hit of it may lie in the range.
    pub fn touches(&self, from: i64, to: i64) -> bool {
        self.head.visits > 0 && self.head.first < to && self.head.last >= from
    }

    pub(super) fn library(&self) -> &Library {
        &self.library
    }

    pub(super) fn column(&self, column: Column) -> Result<Arc<Packed>, BadSegment> {
        let used = self.library.stock.tick();
        if let Some(kept) = self.columns.lock().get_mut(&column) {
            kept.used = used;
            return Ok(kept.values.clone());
        }
        let values = Arc::new(decode(self, &self.source, column)?);
        let mut columns = self.columns.lock();
        let kept = columns.entry(column).or_insert_with(|| {
            self.library.stock.take(values.bytes());
            Kept { values, used }
        });
        Ok(kept.values.clone())
    }

    /// How many texts the library knows that a column of texts may hold.
    pub(super) fn words_count(&self, column: Column) -> usize {
        match column {
            Column::VisitText(text) => self.library.visit_words[text as usize].read().count(),
            Column::HitText(text) => self.library.hit_words[text as usize].read().count(),
            _ => self.library.hit_words[HitText::Path as usize].read().count(),
        }
    }

    pub(super) fn uses(&self) -> impl Iterator<Item = u64> {
        self.columns.lock().values().map(|kept| kept.used).collect::<Vec<_>>().into_iter()
    }

    /// Forgets the column that was last used then.
    pub(super) fn drop_unused(&self, used: u64) {
        self.columns.lock().retain(|_, kept| {
            if kept.used == used {
                self.library.stock.give_back(kept.values.bytes());
            }
            kept.used != used
        });
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let bytes = self.columns.get_mut().values().map(|kept| kept.values.bytes()).sum();
        self.library.stock.give_back(bytes);
    }
}
