//! One segment, or one table that was just folded, with the columns that reports asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hashbrown::HashMap;
use parking_lot::Mutex;

use super::columns::{Column, Source, decode, stored};
use super::library::Library;
use super::mask::Mask;
use super::packed::Packed;
use crate::segment::{BadSegment, Columns, Head, Reader};
use crate::table::{HitText, Table};
use crate::zone::Day;

/// Columns are decoded when first asked for and kept until [`Library::trim`] lets them go.
pub struct Part {
    held: Arc<Held>,
    /// Visits that no report sees, in order.
    hidden: Vec<u32>,
}

/// What a part and the same part seen without some visits share.
struct Held {
    library: Arc<Library>,
    source: Source,
    head: Head,
    columns: Mutex<HashMap<Column, Kept>>,
    /// The visitors of few visits were asked for once.
    asked_few: AtomicBool,
}

/// Fewer than one visit of so many are few.
const FEW: usize = 12;

struct Kept {
    values: Arc<Packed>,
    used: u64,
}

impl Part {
    pub(super) fn of_segment(library: Arc<Library>, reader: Reader) -> Part {
        let head = reader.head().clone();
        Part::new(library, Source::Segment(Box::new(reader)), head)
    }

    pub(super) fn of_table(library: Arc<Library>, day: &Day, table: Table) -> Part {
        let head = Head::of(&table, day);
        Part::new(library, Source::Table(Box::new(table)), head)
    }

    fn new(library: Arc<Library>, source: Source, head: Head) -> Part {
        let (columns, asked_few) = (Mutex::default(), AtomicBool::new(false));
        let held = Held { library, source, head, columns, asked_few };
        Part { held: Arc::new(held), hidden: Vec::new() }
    }

    /// The same part, columns shared, seen without these visits. Their numbers are in order.
    pub(super) fn without(&self, visits: Vec<u32>) -> Part {
        Part { held: self.held.clone(), hidden: visits }
    }

    /// The visits that no report sees, by their numbers, in order.
    pub fn hidden(&self) -> &[u32] {
        &self.hidden
    }

    /// What the part says of itself, visits that are hidden from reports counted.
    pub fn head(&self) -> &Head {
        &self.held.head
    }

    /// Some hit of it may lie in the range.
    pub fn touches(&self, from: i64, to: i64) -> bool {
        let head = self.head();
        head.visits as usize > self.hidden.len() && head.first < to && head.last >= from
    }

    pub(super) fn library(&self) -> &Arc<Library> {
        &self.held.library
    }

    pub(super) fn source(&self) -> &Source {
        &self.held.source
    }

    /// These columns are asked for soon.
    pub(super) fn expect(&self, columns: &[Column]) {
        let Source::Segment(reader) = &self.held.source else { return };
        let missing = columns.iter().copied().filter(|column| !self.has(*column));
        let stored: Vec<_> = missing.flat_map(stored).collect();
        if !stored.is_empty() {
            reader.expect(&stored);
        }
    }

    pub(super) fn column(&self, column: Column) -> Result<Arc<Packed>, BadSegment> {
        let held = &self.held;
        let used = held.library.stock.tick();
        if let Some(kept) = held.columns.lock().get_mut(&column) {
            kept.used = used;
            return Ok(kept.values.clone());
        }
        let values = decode(self, &held.source, column)?;
        Ok(self.keep(column, values))
    }

    pub(super) fn keep(&self, column: Column, values: Packed) -> Arc<Packed> {
        let held = &self.held;
        let (used, values) = (held.library.stock.tick(), Arc::new(values));
        let mut columns = held.columns.lock();
        let kept = columns.entry(column).or_insert_with(|| {
            held.library.stock.take(values.bytes());
            Kept { values, used }
        });
        kept.values.clone()
    }

    /// The column was asked for before, and is still here.
    pub(super) fn has(&self, column: Column) -> bool {
        self.held.columns.lock().contains_key(&column)
    }

    /// A report that sees what the mask leaves will ask for the numbers of all visitors.
    pub(super) fn asks_all_visitors(&self, mask: &Mask) -> bool {
        let (Mask::Visits(bits), Source::Segment(_)) = (mask, &self.held.source) else { return true };
        bits.count() >= bits.len() / FEW || self.held.asked_few.load(Ordering::Relaxed)
    }

    /// The visitors of all visits; where the mask leaves few and nobody asked before, right for these only: the first report of a few
    /// need not wait for the numbers of all, and a second one will be followed by more.
    pub(super) fn visitors(&self, mask: &Mask) -> Result<Arc<Packed>, BadSegment> {
        let held = &self.held;
        let (Mask::Visits(bits), Source::Segment(reader)) = (mask, &held.source) else {
            return self.column(Column::Visitor);
        };
        if self.has(Column::Visitor) || self.asks_all_visitors(mask) {
            return self.column(Column::Visitor);
        }
        held.asked_few.store(true, Ordering::Relaxed);
        let ids = reader.numbers(Columns::Visitor, |visitor| visitor as u64)?;
        let mut few = Vec::new();
        bits.each_in(0..bits.len(), |visit| few.push(ids[visit]));
        let mut numbers = held.library.number_visitors(&few).into_iter();
        let mut visitors = vec![0; ids.len()];
        bits.each_in(0..bits.len(), |visit| visitors[visit] = numbers.next().unwrap_or(0));
        Ok(Arc::new(Packed::wide(visitors)))
    }

    /// How many texts the library knows that a column of texts may hold.
    pub(super) fn words_count(&self, column: Column) -> usize {
        let library = &self.held.library;
        match column {
            Column::VisitText(text) => library.visit_words[text as usize].read().count(),
            Column::HitText(text) => library.hit_words[text as usize].read().count(),
            _ => library.hit_words[HitText::Path as usize].read().count(),
        }
    }

    pub(super) fn uses(&self) -> impl Iterator<Item = u64> {
        self.held.columns.lock().values().map(|kept| kept.used).collect::<Vec<_>>().into_iter()
    }

    /// Forgets the column that was last used then.
    pub(super) fn drop_unused(&self, used: u64) {
        self.held.columns.lock().retain(|_, kept| {
            if kept.used == used {
                self.held.library.stock.give_back(kept.values.bytes());
            }
            kept.used != used
        });
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let bytes = self.columns.get_mut().values().map(|kept| kept.values.bytes()).sum();
        self.library.stock.give_back(bytes);
    }
}
