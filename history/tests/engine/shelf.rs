//! The engine's side: hits delivered in random parts, twice, late and out of order, folded into segments and a rest in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use fastrand::Rng;
use hashbrown::HashSet;
use history::EnrichedHit;
use history::fold::{Changed, Fold, Share, may_change, needs};
use history::report::{Library, Part, overlay};
use history::segment::{Reader, write_share};
use history::table::{HitText, Kind, Table, VisitText};
use history::zone::Day;

use crate::world::World;

pub struct Shelf {
    pub parts: Vec<Arc<Part>>,
    /// The same history: segments, and the last delivery laid over them.
    pub overlaid: Vec<Arc<Part>>,
    /// By the begin of their days.
    tables: Vec<(i64, Table)>,
}

type Segments = BTreeMap<(i64, Share), Bytes>;

/// Every visit with its hits as text, in order: what two folds are compared by.
pub type Rows = Vec<(String, Vec<String>)>;

impl Shelf {
    pub fn folded_in_parts(world: &World, rng: &mut Rng) -> Shelf {
        let mut deliveries = deliveries(world, rng);
        let rest = deliveries.pop().unwrap();
        // Days stand in segments of a few hits each, as very busy ones do.
        let hits_max = [1, 3, 10, 1_000][rng.usize(..4)];
        let mut segments: Segments = BTreeMap::new();
        for hits in deliveries {
            for (day, changed) in fold(world, &segments, &hits, hits_max) {
                segments.remove(&(day.start, changed.share));
                for (share, table) in changed.parts {
                    let bytes = write_share(&table, &day, share).unwrap().1;
                    segments.insert((day.start, share), bytes.into());
                }
            }
        }
        // The last delivery is the tail of today: days that it touches are in memory only.
        let library = Library::new(usize::MAX);
        let mut parts: BTreeMap<(i64, Share), Arc<Part>> = BTreeMap::new();
        let mut tables: BTreeMap<(i64, Share), Table> = BTreeMap::new();
        for (place, bytes) in &segments {
            parts.insert(*place, Arc::new(library.open(Arc::new(bytes.clone())).unwrap()));
            tables.insert(*place, Reader::open(Arc::new(bytes.clone())).unwrap().table().unwrap());
        }
        let folded: Vec<Arc<Part>> = parts.values().cloned().collect();
        let overlaid = overlay(&library, &folded, &world.zone, &rest, &[]).unwrap();
        for (day, changed) in fold(world, &segments, &rest, hits_max) {
            tables.remove(&(day.start, changed.share));
            parts.remove(&(day.start, changed.share));
            for (share, table) in changed.parts {
                tables.insert((day.start, share), table.clone());
                parts.insert((day.start, share), Arc::new(library.hold(&day, table)));
            }
        }
        let tables = tables.into_iter().map(|((start, _), table)| (start, table)).collect();
        Shelf { parts: parts.into_values().collect(), overlaid, tables }
    }

    pub fn folded_at_once(world: &World) -> Shelf {
        let mut fold = Fold::new(world.zone.clone());
        fold.add_hits(&world.hits);
        let tables = fold.finish().into_iter().map(|folded| (folded.day.start, folded.table)).collect();
        Shelf { parts: Vec::new(), overlaid: Vec::new(), tables }
    }

    /// In order of days, verdicts, visitors and times, whatever segment of the day they stand in.
    pub fn rows(&self) -> Rows {
        let mut rows = Vec::new();
        for (start, table) in &self.tables {
            let order = table.visits.iter().map(|visit| (*start, visit.bot, visit.visitor, visit.first));
            rows.extend(order.zip(rows_of(table)));
        }
        rows.sort_by_key(|(order, _)| *order);
        rows.into_iter().map(|(_, row)| row).collect()
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

/// The shares of days that folding these hits changes.
fn fold(world: &World, segments: &Segments, hits: &[EnrichedHit], hits_max: usize) -> Vec<(Day, Changed)> {
    let readers: Vec<Reader> =
        segments.values().map(|bytes| Reader::open(Arc::new(bytes.clone())).unwrap()).collect();
    let heads: Vec<_> = readers.iter().map(|reader| reader.head().clone()).collect();
    let mut fold = Fold::new(world.zone.clone());
    let needed = needs(&heads, hits);
    for (&index, may_change) in needed.iter().zip(may_change(&heads, &needed, hits)) {
        let table = readers[index].table().unwrap();
        match may_change {
            true => fold.add_table(&heads[index].day(), &table),
            false => {
                fold.add_seen(table.hits.iter().filter(|hit| hit.kind != Kind::Presence).map(|hit| hit.id))
            }
        }
    }
    fold.add_hits(hits);
    let mut all = Vec::new();
    for folded in fold.finish().into_iter().filter(|folded| folded.changed) {
        let held: Vec<Share> = segments
            .keys()
            .filter(|(start, _)| *start == folded.day.start)
            .map(|(_, share)| *share)
            .collect();
        all.extend(folded.shares(&held, hits_max).into_iter().map(|changed| (folded.day.clone(), changed)));
    }
    all
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
