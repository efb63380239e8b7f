//! Funnels: how many visitors take steps in order within a window, across visits and days.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ahead;
use super::bits::Bits;
use super::breakdown::visitors_for;
use super::buckets::Buckets;
use super::columns::Column;
use super::group::Context;
use super::mask::{Mask, Ready};
use super::numbering::number_visitors;
use super::packed::{Packed, with_packed};
use super::part::Part;
use super::scan::{Sink, View};
use super::sift::{Found, sift};
use super::{Control, ReportError};
use crate::query::{BadQuery, Bots, Dimension, Filter, STEPS_MAX, asks_firsts, limit};
use crate::table::HitText;
use crate::zone::Zone;

/// Steps in order: a visitor reaches one when, after the step before it and within the window that began with the first, a hit
/// is what the step says. Of several beginnings the latest counts. One hit is at most one step. At the same millisecond hits judged
/// people's come before those judged bots'.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Funnel {
    pub from: i64,
    pub to: i64,
    /// One to [`STEPS_MAX`].
    pub steps: Vec<Filter>,
    pub window_ms: i64,
    #[serde(default)]
    pub bots: Bots,
}

impl Funnel {
    /// Holds the query against the limits that need no history.
    pub fn check(&self) -> Result<(), BadQuery> {
        if self.to < self.from {
            return Err(BadQuery::Range);
        }
        if self.steps.is_empty() {
            return Err(BadQuery::Least { what: "steps of a funnel", min: 1 });
        }
        limit("steps of a funnel", self.steps.len(), STEPS_MAX)?;
        self.steps.iter().try_for_each(Filter::check)
    }

    /// As [`crate::query::Query::needs_all_before`].
    pub fn needs_all_before(&self) -> bool {
        asks_firsts(self.steps.iter())
    }
}

/// One step of the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reached {
    /// Distinct.
    pub visitors: u64,
    /// From the step before to this one when each first reached it, summed.
    pub time_ms: u64,
}

/// How many visitors reach each step. `parts` as for [`super::answer`].
pub fn funnel(
    parts: &[Arc<Part>],
    zone: &Zone,
    funnel: &Funnel,
    control: &Control<'_>,
) -> Result<Vec<Reached>, ReportError> {
    funnel.check()?;
    let context = Context::new(zone, parts, funnel.needs_all_before(), control)?;
    let parts: Vec<Arc<Part>> =
        parts.iter().filter(|part| part.touches(funnel.from, funnel.to)).cloned().collect();
    ahead::expect_steps(&parts, &funnel.steps);
    let mut steps = Vec::new();
    for step in &funnel.steps {
        let mut ready = Ready::new(step)?;
        let range = (funnel.from, funnel.to);
        visitors_for(&mut ready, &parts, range, funnel.bots, &context, control)?;
        steps.push(ready);
    }
    number_visitors(&parts, control)?;
    for part in &parts {
        part.column(Column::HitText(HitText::Path))?;
    }
    let visitors = parts.first().map_or(0, |part| part.library().visitors());
    control.needs(visitors * 4)?;
    let mut walk = Walk {
        chains: Vec::new(),
        of_visitor: vec![0; visitors],
        reached: vec![Reached::default(); steps.len()],
        window_ms: funnel.window_ms,
        mixed: if funnel.bots == Bots::With { Some(mixed(&parts, visitors)?) } else { None },
        waiting: Vec::new(),
    };
    let by_page = parts.first().and_then(|part| by_page(&steps, part));
    for part in &parts {
        control.check()?;
        let waiting = walk.waiting.len() * size_of::<Waiting>();
        control.needs(visitors * 4 + walk.chains.len() * 8 + waiting)?;
        walk.part(part, funnel, (&steps, by_page.as_deref()), &context, control)?;
    }
    control.check()?;
    walk.take_waiting();
    Ok(walk.reached)
}

/// Visitors with visits of both verdicts: these may overlap, where those of one follow each other.
fn mixed(parts: &[Arc<Part>], visitors: usize) -> Result<Bits, ReportError> {
    let (mut people, mut bots) = (Bits::new(visitors), Bits::new(visitors));
    for part in parts {
        let visitor = part.column(Column::Visitor)?;
        for (visit, number) in visitor.wide_values().iter().enumerate() {
            let is_bot = visit >= part.head().humans as usize;
            if is_bot { bots.set(*number as usize) } else { people.set(*number as usize) }
        }
    }
    people.keep(&bots);
    Ok(people)
}

/// The steps that each row is, a bit each; None: each row is judged on its own.
fn by_page(steps: &[Ready<'_>], part: &Part) -> Option<Vec<u16>> {
    let column = Column::HitText(HitText::Path);
    let mut masks = vec![0; part.words_count(column)];
    for (step, ready) in steps.iter().enumerate() {
        let verdicts = ready.verdicts_of(&Dimension::Hit(HitText::Path), part, column)?;
        masks.iter_mut().zip(verdicts.iter()).for_each(|(mask, holds)| *mask |= u16::from(*holds) << step);
    }
    Some(masks)
}

struct Walk {
    /// Of each visitor who took the first step: how many were taken, and of each step but the last when its latest chain began and
    /// when the step was taken. Together, so that a step looks at one place.
    chains: Vec<i64>,
    /// The number of a visitor among those and one; zero: is not.
    of_visitor: Vec<u32>,
    reached: Vec<Reached>,
    window_ms: i64,
    /// Whose hits do not come in order of time.
    mixed: Option<Bits>,
    /// These hits.
    waiting: Vec<Waiting>,
}

/// A hit that is some steps, by visitor, moment and verdict.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    order: (u32, i64, bool),
    steps: u16,
}

impl Walk {
    /// In order of time; hits that are equal in all stay as they came.
    fn take_waiting(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_by_key(|hit| hit.order);
        for Waiting { order: (visitor, at, _), steps } in waiting {
            self.step(steps, visitor as usize, at);
        }
    }

    fn part(
        &mut self,
        part: &Arc<Part>,
        funnel: &Funnel,
        (steps, by_page): (&[Ready<'_>], Option<&[u16]>),
        context: &Context,
        control: &Control<'_>,
    ) -> Result<(), ReportError> {
        let path = part.column(Column::HitText(HitText::Path))?;
        let (visitor, at) = (part.column(Column::Visitor)?, part.column(Column::At)?);
        let buckets = Buckets::one(funnel.from, funnel.to);
        let range = (funnel.from, funnel.to);
        let view = View::new(part, Mask::All, range, funnel.bots, &buckets)?;
        let (day_start, humans) = (part.head().day_start, part.head().humans as usize);
        let moment = |row: usize| day_start + i64::from(at.get(row));
        if let Some(masks) = by_page {
            return with_packed!(&*path, |path| {
                let steps = |_: usize, row: usize| masks[path(row) as usize];
                view.walk(
                    false,
                    &buckets,
                    control,
                    &mut Stepping { walk: self, steps, visitor: &visitor, moment, humans },
                )
            });
        }
        let masks = steps.iter().map(|step| step.mask(part, context, control));
        let masks: Vec<Mask> = masks.collect::<Result<_, _>>()?;
        let has = |mask: &Mask, visit: usize, row: usize| match mask {
            Mask::All => true,
            Mask::Visits(bits) => bits.has(visit),
            Mask::Hits(bits) => bits.has(row),
        };
        let steps = |visit: usize, row: usize| {
            masks.iter().rev().fold(0, |all, mask| all << 1 | u16::from(has(mask, visit, row)))
        };
        view.walk(
            false,
            &buckets,
            control,
            &mut Stepping { walk: self, steps, visitor: &visitor, moment, humans },
        )
    }

    /// How many numbers `chains` has for each visitor.
    fn width(&self) -> usize {
        self.reached.len() * 2 - 1
    }

    /// A hit of a visitor at a moment, a bot's or not, that is some steps.
    #[inline]
    fn hit(&mut self, steps: u16, order: (u32, i64, bool)) {
        if self.mixed.as_ref().is_some_and(|mixed| mixed.has(order.0 as usize)) {
            self.waiting.push(Waiting { order, steps });
        } else {
            self.step(steps, order.0 as usize, order.1);
        }
    }

    #[inline]
    fn step(&mut self, steps: u16, visitor: usize, at: i64) {
        let (count, width) = (self.reached.len(), self.width());
        let number = match self.of_visitor[visitor] {
            0 if steps & 1 == 0 => return,
            0 => {
                self.chains.resize(self.chains.len() + width, NEVER);
                let number = self.chains.len() / width;
                self.of_visitor[visitor] = number as u32;
                self.chains[(number - 1) * width] = 0;
                number - 1
            }
            number => number as usize - 1,
        };
        let Some((depth, chains)) = self.chains[number * width..(number + 1) * width].split_first_mut()
        else {
            return;
        };
        for step in (0..count).rev().filter(|step| steps >> step & 1 == 1) {
            let (began, before) = match step {
                0 => (at, at),
                _ => (chains[step * 2 - 2], chains[step * 2 - 1]),
            };
            if step > 0 && (began == NEVER || at - began > self.window_ms) {
                continue;
            }
            // A chain that began as late already was taken further sooner; what follows the last step nobody asks.
            if let Some([known, taken]) = chains.get_mut(step * 2..step * 2 + 2)
                && (began > *known || step == 0)
            {
                (*known, *taken) = (began, at);
            }
            if *depth == step as i64 {
                *depth += 1;
                self.reached[step].time_ms += (at - before) as u64;
                self.reached[step].visitors += 1;
            }
        }
    }
}

/// No chain began.
const NEVER: i64 = i64::MIN;

struct Stepping<'w, S, M> {
    walk: &'w mut Walk,
    steps: S,
    visitor: &'w Packed,
    moment: M,
    /// Visits that are people's, from the first on.
    humans: usize,
}

impl<S: Fn(usize, usize) -> u16, M: Fn(usize) -> i64> Sink for Stepping<'_, S, M> {
    fn visit(&mut self, _: usize, _: usize) {}

    fn whole(&mut self, first: usize, starts: &[u32], _: usize) {
        let Stepping { walk, steps, visitor, moment, humans } = self;
        let (visitor, width) = (visitor.wide_values(), walk.width());
        let steps = |visit: usize, row: usize| u32::from(steps(visit, row));
        sift(first, starts, 0, steps, |found| {
            // Asks for all the places at once that the steps would wait for one by one.
            let number = |found: &Found| walk.of_visitor[visitor[found.visit as usize] as usize] as usize;
            let chain = |number: usize| walk.chains.get(number.wrapping_sub(1).wrapping_mul(width));
            std::hint::black_box(
                found.iter().map(number).filter_map(chain).fold(0, |all, depth| all | depth),
            );
            for found in found {
                let (visit, at) = (found.visit as usize, moment(found.row as usize));
                walk.hit(found.value as u16, (visitor[visit], at, visit >= *humans));
            }
        });
    }

    #[inline(always)]
    fn begin(&mut self, _: usize, _: Option<usize>) {}

    #[inline(always)]
    fn hit(&mut self, visit: usize, row: usize, _: usize) {
        let steps = (self.steps)(visit, row);
        if steps != 0 {
            let (visitor, at) = (self.visitor.wide_values()[visit], (self.moment)(row));
            self.walk.hit(steps, (visitor, at, visit >= self.humans));
        }
    }
}
