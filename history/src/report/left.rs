//! The visits that a filter leaves, where they are few: what is counted of them is read once, then stands side by side.

use super::buckets::Buckets;
use super::group::{Groups, NONE};
use super::mask::Mask;
use super::packed::with_packed;
use super::scan::{Sink, View};
use super::{Control, ReportError};

/// Visits that are read out at most; at eight bytes each they stay in the processor's caches.
const VISITS_MAX: usize = 1 << 19;

/// Group and visitor of each visit that counts.
pub(super) struct Left(Vec<[u32; 2]>);

impl Left {
    /// None: nothing is grouped by, there is no filter, it looks at hits, or it leaves many.
    pub fn of(
        views: &[View],
        groups: &[Groups],
        buckets: &Buckets,
        control: &Control<'_>,
    ) -> Result<Option<Left>, ReportError> {
        let visits = views.iter().map(|view| match &view.mask {
            Mask::Visits(visits) => Some(visits.count()),
            _ => None,
        });
        let visits = visits.sum::<Option<usize>>().filter(|&visits| visits <= VISITS_MAX);
        let Some(visits) = visits.filter(|visits| control.needs(visits * 8).is_ok()) else {
            return Ok(None);
        };
        let mut left = Vec::with_capacity(visits);
        for (view, groups) in views.iter().zip(groups) {
            let visitor = view.visitors()?;
            let visitor = visitor.wide_values();
            let Groups::Column(column) = groups else { return Ok(None) };
            with_packed!(&**column, |group| {
                let mut reading = Reading { left: &mut left, group, visitor };
                view.walk(true, buckets, control, &mut reading)?;
            });
        }
        Ok(Some(Left(left)))
    }

    /// How many visits each of so many groups has.
    pub fn rows(&self, groups: usize) -> Vec<u64> {
        let mut rows = vec![0; groups];
        for [group, _] in &self.0 {
            if let Some(rows) = rows.get_mut(*group as usize) {
                *rows += 1;
            }
        }
        rows
    }

    /// Slot and visitor of every visit whose group has a slot.
    pub fn of_slots(&self, slots: &[u32]) -> impl Iterator<Item = (u32, u32)> {
        let slot = |group: u32| if group == NONE { NONE } else { slots[group as usize] };
        self.0.iter().map(move |&[group, visitor]| (slot(group), visitor)).filter(|(slot, _)| *slot != NONE)
    }
}

struct Reading<'l, G> {
    left: &'l mut Vec<[u32; 2]>,
    group: G,
    visitor: &'l [u32],
}

impl<G: Fn(usize) -> u32> Sink for Reading<'_, G> {
    #[inline(always)]
    fn visit(&mut self, visit: usize, _: usize) {
        self.left.push([(self.group)(visit), self.visitor[visit]]);
    }

    fn some(&mut self, visits: &[u32], _: usize) {
        let Reading { group, visitor, .. } = self;
        self.left.extend(visits.iter().map(|&visit| [group(visit as usize), visitor[visit as usize]]));
    }

    #[inline(always)]
    fn begin(&mut self, _: usize, _: Option<usize>) {}

    /// A visit's hits come one after the other, and are one visit.
    #[inline(always)]
    fn hit(&mut self, visit: usize, _: usize, _: usize) {
        let of = [(self.group)(visit), self.visitor[visit]];
        if self.left.last() != Some(&of) {
            self.left.push(of);
        }
    }
}
