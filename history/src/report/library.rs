//! What one site's reports share: dense numbers of texts and visitors, and the bound on decoded columns.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use hashbrown::HashMap;
use model::VisitorId;
use parking_lot::{Mutex, RwLock};

use super::part::Part;
use super::visitors::Visitors;
use crate::segment::{BadSegment, Blob, Reader};
use crate::table::{HIT_TEXTS, HitText, Table, VISIT_TEXTS, VisitText};
use crate::words::Words;
use crate::zone::Day;

/// One site's shelf: open parts share it, and it counts what their columns take.
pub struct Library {
    pub(super) visit_words: [RwLock<Words>; VISIT_TEXTS],
    pub(super) hit_words: [RwLock<Words>; HIT_TEXTS],
    visitors: Mutex<Visitors>,
    /// Bytes of decoded columns, texts and visitors at most; past it the longest unused columns go.
    bytes_max: usize,
    pub(super) stock: Stock,
}

/// How much is decoded, over all parts of a library.
#[derive(Default)]
pub struct Stock {
    bytes: AtomicUsize,
    tick: AtomicU64,
}

impl Stock {
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn take(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn give_back(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// A number that grows with every use.
    pub(super) fn tick(&self) -> u64 {
        self.tick.fetch_add(1, Ordering::Relaxed)
    }
}

impl Library {
    /// Empty, with a bound on the bytes of decoded columns, texts and visitors.
    pub fn new(bytes_max: usize) -> Arc<Library> {
        Arc::new(Library {
            visit_words: std::array::from_fn(|_| RwLock::default()),
            hit_words: std::array::from_fn(|_| RwLock::default()),
            visitors: Mutex::default(),
            bytes_max,
            stock: Stock::default(),
        })
    }

    /// Opens a segment: its end is read, no column yet.
    pub fn open(self: &Arc<Library>, blob: Arc<dyn Blob>) -> Result<Part, BadSegment> {
        Ok(Part::of_segment(self.clone(), Reader::open(blob)?))
    }

    /// Takes in a table that was just folded.
    pub fn hold(self: &Arc<Library>, day: &Day, table: Table) -> Part {
        Part::of_table(self.clone(), day, table)
    }

    /// Distinct visitors of the columns that were decoded so far.
    pub fn visitors(&self) -> usize {
        self.visitors.lock().count()
    }

    /// Bytes of decoded columns, texts and visitors.
    pub fn bytes(&self) -> usize {
        self.stock.bytes() + self.names_bytes()
    }

    /// Bytes of texts and visitors, which stay as long as the library does.
    fn names_bytes(&self) -> usize {
        let words = self.visit_words.iter().chain(&self.hit_words).map(|words| words.read().bytes());
        words.sum::<usize>() + self.visitors.lock().bytes()
    }

    /// Lets the longest unused columns of these parts go until the bound is kept.
    pub fn trim(&self, parts: &[Arc<Part>]) {
        let columns_max = self.bytes_max.saturating_sub(self.names_bytes());
        if self.stock.bytes() <= columns_max {
            return;
        }
        let mut uses: Vec<(u64, usize)> = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            uses.extend(part.uses().map(|used| (used, index)));
        }
        uses.sort_unstable();
        for (used, index) in uses {
            if self.stock.bytes() <= columns_max {
                return;
            }
            parts[index].drop_unused(used);
        }
    }

    pub(super) fn number_visitors(&self, visitors: &[u64]) -> Vec<u32> {
        self.visitors.lock().number_all(visitors)
    }

    pub(super) fn number_lists(&self, lists: &[Vec<u64>]) -> Vec<Vec<u32>> {
        self.visitors.lock().number_lists(lists)
    }

    /// The numbers of those among these visitors that have one.
    pub(super) fn find_visitors<'v>(
        &self,
        visitors: impl Iterator<Item = &'v VisitorId>,
    ) -> HashMap<u32, VisitorId> {
        let numbers = self.visitors.lock();
        visitors.filter_map(|visitor| Some((numbers.find(visitor.0)?, *visitor))).collect()
    }

    /// The visitors of these numbers; it looks through all that are known.
    pub(super) fn visitors_of(&self, numbers: &[u32]) -> HashMap<u32, VisitorId> {
        let wanted: hashbrown::HashSet<u32> = numbers.iter().copied().collect();
        let known = self.visitors.lock();
        let found = known.all().filter(|(_, number)| wanted.contains(number));
        found.map(|(visitor, number)| (number, VisitorId(visitor))).collect()
    }

    pub(super) fn find_name(&self, name: &str) -> Option<u32> {
        self.hit_words[HitText::Name as usize].read().find(name)
    }

    pub(super) fn find_path(&self, path: &str) -> Option<u32> {
        self.hit_words[HitText::Path as usize].read().find(path)
    }

    pub(super) fn visit_text(&self, text: VisitText, number: u32) -> Arc<str> {
        self.visit_words[text as usize].read().text(number).clone()
    }

    pub(super) fn hit_text(&self, text: HitText, number: u32) -> Arc<str> {
        self.hit_words[text as usize].read().text(number).clone()
    }
}
