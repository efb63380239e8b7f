//! The tail over what was folded: as if it had been folded in, at the cost of what the tail holds and not of its days.
//!
//! A hit can change its visitor's visits only, on its day and on days next to it. So those visitors' visits of those days are
//! folded anew with the hits, into parts of their own, and hidden where they stood.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use model::VisitorId;

use super::columns::{Column, Source, text_of};
use super::judged::judged;
use super::library::Library;
use super::packed::Packed;
use super::part::Part;
use crate::EnrichedHit;
use crate::amend::Correction;
use crate::fold::{Fold, needs};
use crate::segment::{BadSegment, Head};
use crate::table::{HIT_TEXTS, Hit, HitText, Kind, Table, VISIT_TEXTS, Visit, VisitText, short_id};
use crate::zone::Zone;

/// These parts, in order of their days, as they would stand had the hits been folded into them. Reports see parts of two kinds:
/// those given, without the visits that were folded anew, and beside them (for one day at most one) those of the new visits.
///
/// The parts given are as they were opened, hiding nothing. Hits of batches that a segment has folded may be given: they change
/// nothing. `corrections`: in the order that they were made.
pub fn overlay(
    library: &Arc<Library>,
    parts: &[Arc<Part>],
    zone: &Zone,
    hits: &[EnrichedHit],
    corrections: &[Correction],
) -> Result<Vec<Arc<Part>>, BadSegment> {
    let heads: Vec<Head> = parts.iter().map(|part| part.head().clone()).collect();
    let visitors: HashSet<VisitorId> = hits.iter().map(|hit| hit.visitor).collect();
    let ids: HashSet<u64> =
        hits.iter().filter(|hit| hit.kind.counts_once()).map(|hit| short_id(hit.id)).collect();
    let mut parts = parts.to_vec();
    let mut fold = Fold::new(zone.clone());
    for index in needs(&heads, hits) {
        let part = &parts[index];
        let visits = part.visits_of(&visitors)?;
        fold.add_seen(part.ids_among(&ids)?);
        fold.add_table(&heads[index].day(), &part.table_of(&visitors)?);
        parts[index] = Arc::new(part.without(visits));
    }
    fold.add_hits(hits);
    for folded in fold.finish().into_iter().filter(|folded| !folded.table.visits.is_empty()) {
        let table = judged(&folded.day, folded.table, corrections, zone)?;
        parts.push(Arc::new(library.hold(&folded.day, table)));
    }
    parts.sort_by_key(|part| part.head().day_start);
    Ok(parts)
}

impl Part {
    /// The visits of these visitors, hidden or not, by number, in order.
    fn visits_of(&self, visitors: &HashSet<VisitorId>) -> Result<Vec<u32>, BadSegment> {
        let column = self.column(Column::Visitor)?;
        let known = self.library().find_visitors(visitors.iter());
        let mut wanted = vec![false; self.library().visitors()];
        known.keys().for_each(|&number| wanted[number as usize] = true);
        let visits = column.wide_values().iter().zip(0..);
        Ok(visits.filter(|(number, _)| wanted[**number as usize]).map(|(_, visit)| visit).collect())
    }

    /// Those of these ids that hits have which count once.
    pub fn ids_among(&self, ids: &HashSet<u64>) -> Result<HashSet<u64>, BadSegment> {
        let (low, high) = (self.column(Column::IdLow)?, self.column(Column::IdHigh)?);
        let kinds = self.column(Column::Kind)?;
        // Most ids are told apart by a few of their bits.
        let mut few = vec![false; 1 << 16];
        ids.iter().for_each(|id| few[usize::from(*id as u16)] = true);
        let rows = low.wide_values().iter().zip(high.wide_values()).enumerate();
        let rows = rows.filter(|(_, (low, _))| few[usize::from(**low as u16)]);
        let rows = rows.filter(|(row, _)| kinds.get(*row) != Kind::Presence as u32);
        let found = rows.map(|(_, (&low, &high))| u64::from(high) << 32 | u64::from(low));
        Ok(found.filter(|id| ids.contains(id)).collect())
    }

    /// The visits of these visitors as rows, hidden or not.
    pub fn table_of(&self, visitors: &HashSet<VisitorId>) -> Result<Table, BadSegment> {
        let head = self.head();
        match self.source() {
            Source::Table(table) => return Ok(table.of_visitors(visitors)),
            // Moments so long after the day's begin are cut in columns.
            Source::Segment(reader) if head.last - head.day_start >= u32::MAX.into() => {
                return Ok(reader.table()?.of_visitors(visitors));
            }
            Source::Segment(_) => {}
        }
        let numbers = self.visits_of(visitors)?;
        let names = self.library().find_visitors(visitors.iter());
        let (visitor, starts) = (self.column(Column::Visitor)?, self.column(Column::Starts)?);
        let first = self.column(Column::First)?;
        let mut table = Table::default();
        let mut rows: Vec<u32> = Vec::new();
        for &number in &numbers {
            let visit = number as usize;
            let Some(&visitor) = names.get(&visitor.get(visit)) else { continue };
            let start = rows.len() as u32;
            rows.extend(starts.get(visit)..starts.get(visit + 1));
            table.visits.push(Visit {
                visitor,
                bot: number >= head.humans,
                first: head.day_start + i64::from(first.get(visit)),
                texts: [0; VISIT_TEXTS],
                hits: start..rows.len() as u32,
            });
        }
        self.add_hits(&rows, &mut table)?;
        self.add_texts(&numbers, &rows, &mut table)?;
        Ok(table)
    }

    fn add_hits(&self, rows: &[u32], table: &mut Table) -> Result<(), BadSegment> {
        let day_start = self.head().day_start;
        let (at, kinds) = (self.column(Column::At)?, self.column(Column::Kind)?);
        let (low, high) = (self.column(Column::IdLow)?, self.column(Column::IdHigh)?);
        let (engaged, before) = (self.column(Column::Engaged)?, self.column(Column::EngagedBefore)?);
        let (scroll, alive) = (self.column(Column::Scroll)?, self.column(Column::Alive)?);
        table.hits.extend(rows.iter().map(|&row| row as usize).map(|row| Hit {
            at: day_start + i64::from(at.get(row)),
            kind: Kind::ALL[kinds.get(row) as usize],
            id: u64::from(high.get(row)) << 32 | u64::from(low.get(row)),
            texts: [0; HIT_TEXTS],
            engaged_ms: engaged.get(row),
            engaged_before_ms: before.get(row),
            scroll: scroll.get(row) as u8,
            alive_ms: alive.get(row),
        }));
        Ok(())
    }

    fn add_texts(&self, visits: &[u32], rows: &[u32], table: &mut Table) -> Result<(), BadSegment> {
        for text in VisitText::ALL {
            let numbers = self.texts(Column::VisitText(text), visits, table)?;
            let visits = table.visits.iter_mut().zip(numbers);
            visits.for_each(|(visit, number)| visit.texts[text as usize] = number);
        }
        for text in HitText::ALL {
            let numbers = self.texts(Column::HitText(text), rows, table)?;
            let hits = table.hits.iter_mut().zip(numbers);
            hits.for_each(|(hit, number)| hit.texts[text as usize] = number);
        }
        Ok(())
    }

    /// The texts of some rows of a column, as numbers of a table's words.
    fn texts(&self, column: Column, rows: &[u32], table: &mut Table) -> Result<Vec<u32>, BadSegment> {
        let values: Arc<Packed> = self.column(column)?;
        let mut known: HashMap<u32, u32> = HashMap::new();
        let mut number = |&row: &u32| {
            let value = values.get(row as usize);
            *known.entry(value).or_insert_with(|| table.words.number_shared(&text_of(self, column, value)))
        };
        Ok(rows.iter().map(&mut number).collect())
    }
}
