//! The engine's side: hits delivered in random parts, twice, late and out of order, folded into segments and a rest in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use fastrand::Rng;
use hashbrown::HashSet;
use history::EnrichedHit;
use history::fold::{Fold, needs};
use history::report::{Library, Part, overlay};
use history::segment::{Reader, write};
use history::table::{HitText, Table, VisitText};
use history::zone::Day;

use crate::world::World;

pub struct Shelf {
    pub parts: Vec<Arc<Part>>,
    /// The same history: segments, and the last delivery laid over them.
    pub overlaid: Vec<Arc<Part>>,
    tables: Vec<Table>,
}

/// Every visit with its hits as text, in order: what two folds are compared by.
pub type Rows = Vec<(String, Vec<String>)>;

impl Shelf {
    pub fn folded_in_parts(world: &World, rng: &mut Rng) -> Shelf {
        let mut deliveries = deliveries(world, rng);
        let rest = deliveries.pop().unwrap();
        let mut segments: BTreeMap<i64, Bytes> = BTreeMap::new();
        for hits in deliveries {
            for (day, table) in fold(world, &segments, &hits) {
                segments.remove(&day.start);
                if !table.visits.is_empty() {
                    segments.insert(day.start, write(&table, &day, &[]).unwrap().1.into());
                }
            }
        }
        // The last delivery is the tail of today: days that it touches are in memory only.
        let library = Library::new(usize::MAX);
        let mut parts: BTreeMap<i64, Arc<Part>> = BTreeMap::new();
        let mut tables: BTreeMap<i64, Table> = BTreeMap::new();
        for (start, bytes) in &segments {
            parts.insert(*start, Arc::new(library.open(Arc::new(bytes.clone())).unwrap()));
            tables.insert(*start, Reader::open(Arc::new(bytes.clone())).unwrap().table().unwrap());
        }
        let folded: Vec<Arc<Part>> = parts.values().cloned().collect();
        let overlaid = overlay(&library, &folded, &world.zone, &rest, &[]).unwrap();
        for (day, table) in fold(world, &segments, &rest) {
            tables.insert(day.start, table.clone());
            parts.insert(day.start, Arc::new(library.hold(&day, table)));
        }
        Shelf { parts: parts.into_values().collect(), overlaid, tables: tables.into_values().collect() }
    }

    pub fn folded_at_once(world: &World) -> Shelf {
        let mut fold = Fold::new(world.zone.clone());
        fold.add_hits(&world.hits);
        let tables = fold.finish().into_iter().map(|folded| folded.table).collect();
        Shelf { parts: Vec::new(), overlaid: Vec::new(), tables }
    }

    pub fn rows(&self) -> Rows {
        self.tables.iter().flat_map(rows_of).collect()
    }
}

/// The visits of a part that reports see.
pub fn shown(world: &World, part: &Part) -> Rows {
    let visitors: HashSet<_> = world.hits.iter().map(|hit| hit.visitor).collect();
    let rows = rows_of(&part.table_of(&visitors).unwrap()).into_iter().zip(0..);
    rows.filter(|(_, visit)| !part.hidden().contains(visit)).map(|(row, _)| row).collect()
}

fn rows_of(table: &Table) -> Rows {
    let text = |number: u32| table.words.text(number).to_string();
    let visit = |visit: &history::table::Visit| {
        let texts: Vec<String> = VisitText::ALL.iter().map(|of| text(visit.texts[*of as usize])).collect();
        let hits = table.hits_of(visit).iter().map(|hit| {
            let texts: Vec<String> = HitText::ALL.iter().map(|of| text(hit.texts[*of as usize])).collect();
            format!("{:?}", (hit.at, hit.kind, hit.id, texts, hit.engaged_ms, hit.scroll, hit.alive_ms))
        });
        (format!("{:?}", (visit.visitor, visit.bot, visit.first, texts)), hits.collect())
    };
    table.visits.iter().map(visit).collect()
}

/// The days that folding these hits changes.
fn fold(world: &World, segments: &BTreeMap<i64, Bytes>, hits: &[EnrichedHit]) -> Vec<(Day, Table)> {
    let readers: Vec<Reader> =
        segments.values().map(|bytes| Reader::open(Arc::new(bytes.clone())).unwrap()).collect();
    let heads: Vec<_> = readers.iter().map(|reader| reader.head().clone()).collect();
    let mut fold = Fold::new(world.zone.clone());
    for index in needs(&heads, hits) {
        fold.add_table(&heads[index].day(), &readers[index].table().unwrap());
    }
    fold.add_hits(hits);
    let changed = fold.finish().into_iter().filter(|folded| folded.changed);
    changed.map(|folded| (folded.day, folded.table)).collect()
}

/// Each hit once at least; the last delivery is what is still in the tail.
fn deliveries(world: &World, rng: &mut Rng) -> Vec<Vec<EnrichedHit>> {
    let count = rng.usize(1..=5);
    let mut deliveries = vec![Vec::new(); count];
    for hit in &world.hits {
        deliveries[rng.usize(..count)].push(hit.clone());
        while rng.u8(..6) == 0 {
            deliveries[rng.usize(..count)].push(hit.clone());
        }
    }
    deliveries.iter_mut().for_each(|hits| rng.shuffle(hits));
    deliveries
}
