//! Distinct visitors, exactly: a set of bits a slot where that fits, else (slot, visitor) pairs sorted.

use std::sync::Arc;

use super::bits::Bits;
use super::buckets::Buckets;
use super::group::{Groups, NONE};
use super::packed::{Packed, with_packed};
use super::scan::{Sink, View};
use super::sift::sift;
use super::{Control, ReportError};

/// Sets of bits take this much at most; beyond it pairs are gathered.
pub(super) const SETS_BYTES_MAX: usize = 48 << 20;

/// Fewer rows than this are never worth clearing large sets for.
const PAIRS_AT_LEAST: u64 = 100_000;

/// Whether pairs of so many rows, at most, cost less than sets of so many bytes.
pub(super) fn are_few(rows: u64, bytes: usize) -> bool {
    rows < PAIRS_AT_LEAST && rows.saturating_mul(64) < bytes as u64
}

/// Visitors by slot.
pub(super) struct Distinct {
    slots: usize,
    visitors: usize,
    /// Buckets that each group's slot is multiplied by; 1: buckets do not matter.
    pub buckets: usize,
    held: Held,
}

enum Held {
    Sets(Vec<u64>, usize),
    Pairs(Vec<u64>, usize),
}

impl Distinct {
    /// `rows`: how many there may be at most; few are cheaper as pairs.
    pub fn new(
        slots: usize,
        visitors: usize,
        rows: u64,
        control: &Control<'_>,
    ) -> Result<Distinct, ReportError> {
        let words = visitors.div_ceil(64);
        let bytes = slots.saturating_mul(words).saturating_mul(8);
        let held = if bytes <= SETS_BYTES_MAX.min(control.memory_max) && !are_few(rows, bytes) {
            Held::Sets(vec![0; slots * words], words)
        } else {
            Held::Pairs(Vec::new(), control.memory_max / 8)
        };
        Ok(Distinct { slots, visitors, buckets: 1, held })
    }

    /// `slots`: of each group, or `NONE`. `of_visit`: the groups are of visits, else of hits.
    pub fn walk(
        &mut self,
        view: &View,
        of_visit: bool,
        groups: &Groups,
        slots: &[u32],
        buckets: &Buckets,
        control: &Control<'_>,
    ) -> Result<(), ReportError> {
        let visitor = view.visitors()?;
        let each = self.buckets;
        match groups {
            Groups::One => self.walk_by(view, of_visit, |_| 0, each, &visitor, buckets, control),
            Groups::Column(column) => with_packed!(&**column, |get| {
                let slot = |row: usize| match get(row) {
                    NONE => NONE,
                    group => slots[group as usize],
                };
                self.walk_by(view, of_visit, slot, each, &visitor, buckets, control)
            }),
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn walk_by(
        &mut self,
        view: &View,
        of_visit: bool,
        slot: impl Fn(usize) -> u32,
        each: usize,
        visitor: &Arc<Packed>,
        buckets: &Buckets,
        control: &Control<'_>,
    ) -> Result<(), ReportError> {
        match &mut self.held {
            Held::Sets(sets, words) => {
                let words = *words;
                let who = visitor.wide_values();
                let add = |slot: usize, visit: usize| {
                    let visitor = who[visit] as usize;
                    sets[slot * words + (visitor >> 6)] |= 1 << (visitor & 63);
                };
                view.walk(of_visit, buckets, control, &mut Marks { slot, each, of_visit, add })
            }
            Held::Pairs(pairs, max) => {
                let max = *max;
                let mut is_full = false;
                let add = |slot: usize, visit: usize| {
                    let pair = (slot as u64) << 32 | u64::from(visitor.get(visit));
                    if pairs.last() == Some(&pair) || is_full {
                        return;
                    }
                    if pairs.len() >= max {
                        pairs.sort_unstable();
                        pairs.dedup();
                        is_full = pairs.len() > max / 2;
                    }
                    pairs.push(pair);
                };
                view.walk(of_visit, buckets, control, &mut Marks { slot, each, of_visit, add })?;
                if is_full { Err(ReportError::Memory { max: control.memory_max }) } else { Ok(()) }
            }
        }
    }

    /// Takes in slots and visitors, in any order.
    pub fn mark(
        &mut self,
        of: impl Iterator<Item = (u32, u32)>,
        control: &Control<'_>,
    ) -> Result<(), ReportError> {
        match &mut self.held {
            Held::Sets(sets, words) => of.for_each(|(slot, visitor)| {
                let visitor = visitor as usize;
                sets[slot as usize * *words + (visitor >> 6)] |= 1 << (visitor & 63);
            }),
            Held::Pairs(pairs, _) => {
                pairs.extend(of.map(|(slot, visitor)| u64::from(slot) << 32 | u64::from(visitor)));
                control.needs(pairs.len() * 8)?;
            }
        }
        Ok(())
    }

    /// How many visitors each slot has.
    pub fn counts(self, control: &Control<'_>) -> Result<Vec<u64>, ReportError> {
        control.check()?;
        let mut counts = vec![0; self.slots];
        match self.held {
            Held::Sets(sets, words) if words > 0 => {
                for (count, set) in counts.iter_mut().zip(sets.chunks_exact(words)) {
                    *count = set.iter().map(|word| u64::from(word.count_ones())).sum();
                }
            }
            Held::Sets(..) => {}
            Held::Pairs(mut pairs, _) => {
                pairs.sort_unstable();
                pairs.dedup();
                pairs.iter().for_each(|pair| counts[(pair >> 32) as usize] += 1);
            }
        }
        Ok(counts)
    }

    /// The visitors of the only slot.
    pub fn into_set(self) -> Bits {
        let mut set = Bits::new(self.visitors);
        match self.held {
            Held::Sets(sets, _) => set = Bits::of(self.visitors, |i| sets[i >> 6] >> (i & 63) & 1 == 1),
            Held::Pairs(pairs, _) => pairs.iter().for_each(|pair| set.set(*pair as u32 as usize)),
        }
        set
    }
}

struct Marks<G, A> {
    slot: G,
    each: usize,
    of_visit: bool,
    add: A,
}

impl<G: Fn(usize) -> u32, A: FnMut(usize, usize)> Marks<G, A> {
    #[inline(always)]
    fn mark(&mut self, of: usize, visit: usize, bucket: usize) {
        let slot = (self.slot)(of);
        if slot != NONE {
            let slot = if self.each == 1 { slot as usize } else { slot as usize * self.each + bucket };
            (self.add)(slot, visit);
        }
    }
}

impl<G: Fn(usize) -> u32, A: FnMut(usize, usize)> Sink for Marks<G, A> {
    #[inline(always)]
    fn visit(&mut self, visit: usize, bucket: usize) {
        self.mark(visit, visit, bucket);
    }

    fn whole(&mut self, first: usize, starts: &[u32], bucket: usize) {
        let Marks { slot, each, of_visit, add } = self;
        let (each, of_visit) = (*each, *of_visit);
        let slot_of = |visit: usize, row: usize| slot(if of_visit { visit } else { row });
        sift(first, starts, NONE, slot_of, |found| {
            for found in found {
                let slot = found.value as usize;
                add(if each == 1 { slot } else { slot * each + bucket }, found.visit as usize);
            }
        });
    }

    #[inline(always)]
    fn begin(&mut self, _: usize, _: Option<usize>) {}

    #[inline(always)]
    fn hit(&mut self, visit: usize, row: usize, bucket: usize) {
        let of = if self.of_visit { visit } else { row };
        self.mark(of, visit, bucket);
    }
}
