//! Funnels: how many visitors take steps in order within a window, across visits and days.

use std::sync::Arc;

use hashbrown::HashMap;
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
use super::sift::{Found, sift, sift_marked};
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
    control.needs(visitors * 8)?;
    let mut walk = Walk {
        from: funnel.from,
        first: vec![0; visitors],
        further: HashMap::new(),
        chains: Vec::new(),
        reached: vec![Reached::default(); steps.len()],
        window_ms: funnel.window_ms,
        mixed: if funnel.bots == Bots::With { Some(mixed(&parts, visitors)?) } else { None },
        waiting: Vec::new(),
    };
    let by_page = parts.first().and_then(|part| by_page(&steps, part));
    for part in &parts {
        control.check()?;
        let waiting = walk.waiting.len() * size_of::<Waiting>();
        let chains = walk.chains.len() * 8 + walk.further.capacity() * size_of::<(u32, usize)>();
        control.needs(visitors * 8 + chains + waiting)?;
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
    from: i64,
    /// When each visitor took the first step last: milliseconds from the range's begin, and one; zero: never.
    first: Vec<i64>,
    /// Where in `chains` those visitors are who went further.
    further: HashMap<u32, usize>,
    /// Of each of these: how many steps were taken, and of each between the first and the last when its latest chain began and when
    /// the step was taken.
    chains: Vec<i64>,
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
            self.step(steps, visitor, at);
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
            let is_step: Vec<bool> = masks.iter().map(|&steps| steps != 0).collect();
            let marked = Some(Bits::of_column(&path, &is_step));
            return with_packed!(&*path, |path| {
                let steps = |_: usize, row: usize| masks[path(row) as usize];
                let mut stepping = Stepping { walk: self, steps, marked, visitor: &visitor, moment, humans };
                view.walk(false, &buckets, control, &mut stepping)
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
        let mut stepping = Stepping { walk: self, steps, marked: None, visitor: &visitor, moment, humans };
        view.walk(false, &buckets, control, &mut stepping)
    }

    /// A hit of a visitor at a moment, a bot's or not, that is some steps.
    #[inline]
    fn hit(&mut self, steps: u16, order: (u32, i64, bool)) {
        if self.mixed.as_ref().is_some_and(|mixed| mixed.has(order.0 as usize)) {
            return self.waiting.push(Waiting { order, steps });
        }
        let (visitor, at, _) = order;
        self.step(steps, visitor, at);
    }

    #[inline]
    fn step(&mut self, steps: u16, visitor: u32, at: i64) {
        let at = at - self.from + 1;
        let first = self.first[visitor as usize];
        // The furthest first: one hit is at most one step.
        if steps > 1 && first > 0 {
            self.step_further(steps & !1, visitor, (first, at));
        }
        if steps & 1 == 1 {
            self.reached[0].visitors += u64::from(first == 0);
            self.first[visitor as usize] = at;
        }
    }

    /// A hit that is some steps, none of them the first, of a visitor who took that.
    fn step_further(&mut self, steps: u16, visitor: u32, (first, at): (i64, i64)) {
        let width = self.reached.len() * 2 - 3;
        let start = match self.further.get(&visitor) {
            Some(&start) => start,
            None if steps & 2 == 0 || at - first > self.window_ms => return,
            None => {
                let start = self.chains.len();
                self.chains.push(1);
                self.chains.resize(start + width, NEVER);
                self.further.insert(visitor, start);
                start
            }
        };
        let Some((depth, chains)) = self.chains[start..start + width].split_first_mut() else { return };
        let mut left = steps;
        while let Some(step) = left.checked_ilog2().map(|step| step as usize) {
            left ^= 1 << step;
            let (began, before) = match step {
                1 => (first, first),
                _ => (chains[step * 2 - 4], chains[step * 2 - 3]),
            };
            if began == NEVER || at - began > self.window_ms {
                continue;
            }
            // A chain that began as late already was taken further sooner; what follows the last step nobody asks.
            if let Some([known, taken]) = chains.get_mut(step * 2 - 2..step * 2)
                && began > *known
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
    /// The rows that are a step, where that is known.
    marked: Option<Bits>,
    visitor: &'w Packed,
    moment: M,
    /// Visits that are people's, from the first on.
    humans: usize,
}

impl<S: Fn(usize, usize) -> u16, M: Fn(usize) -> i64> Sink for Stepping<'_, S, M> {
    fn visit(&mut self, _: usize, _: usize) {}

    fn whole(&mut self, first: usize, starts: &[u32], _: usize) {
        let Stepping { walk, steps, marked, visitor, moment, humans } = self;
        let visitor = visitor.wide_values();
        let steps = |visit: usize, row: usize| u32::from(steps(visit, row));
        let take = |found: &[Found]| {
            // Asks for all the places at once that the steps would wait for one by one.
            let firsts = found.iter().map(|found| walk.first[visitor[found.visit as usize] as usize]);
            std::hint::black_box(firsts.fold(0, |all, first| all | first));
            for found in found {
                let (visit, at) = (found.visit as usize, moment(found.row as usize));
                walk.hit(found.value as u16, (visitor[visit], at, visit >= *humans));
            }
        };
        match marked {
            Some(marked) => sift_marked(first, starts, marked, steps, take),
            None => sift(first, starts, 0, steps, take),
        }
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
