//! Filters made ready, and what they leave of a part: its distinct texts are judged, then its rows.

use std::sync::Arc;

use parking_lot::Mutex;

use super::bits::Bits;
use super::columns::{Column, text_of};
use super::firsts::{NEW, RETURNING};
use super::group::{Context, kind_of, prop};
use super::packed::Packed;
use super::part::Part;
use super::{Control, ReportError};
use crate::query::Judge;
use crate::query::{BadQuery, Dimension, Filter};
use crate::table::{HitText, Kind};

/// Which rows of a part count.
#[derive(Clone, Debug)]
pub(super) enum Mask {
    All,
    Visits(Bits),
    Hits(Bits),
}

impl Mask {
    /// What is in both.
    pub fn and(self, other: Mask, part: &Part) -> Result<Mask, ReportError> {
        match (self, other) {
            (Mask::All, mask) | (mask, Mask::All) => Ok(mask),
            (a, b) => combine(a, b, part, Bits::keep),
        }
    }
}

/// The hits of one kind.
pub(super) fn of_kind(part: &Part, kind: Kind) -> Result<Mask, ReportError> {
    let kinds = part.column(Column::Kind)?;
    if let Packed::Same(all, _) = &*kinds {
        let is_it = *all == kind as u32;
        return Ok(if is_it { Mask::All } else { Mask::Visits(Bits::new(visits(part))) });
    }
    let mut holds = [false; Kind::ALL.len()];
    holds[kind as usize] = true;
    Ok(Mask::Hits(Bits::of_column(&kinds, &holds)))
}

/// A filter made ready.
pub(super) enum Ready<'f> {
    And(Vec<Ready<'f>>),
    Or(Vec<Ready<'f>>),
    Not(Box<Ready<'f>>),
    Leaf(Leaf<'f>),
    Visit(Box<Ready<'f>>),
    /// The visitors for whom the filter inside holds, once they were looked for.
    Visitor(Box<Ready<'f>>, Option<Bits>),
}

pub(super) struct Leaf<'f> {
    by: &'f Dimension,
    judge: Judge<'f>,
    /// What was judged of each distinct text so far.
    verdicts: Mutex<Arc<Vec<bool>>>,
}

impl<'f> Ready<'f> {
    pub fn new(filter: &'f Filter) -> Result<Ready<'f>, BadQuery> {
        let all = |inner: &'f [Filter]| inner.iter().map(Ready::new).collect::<Result<Vec<_>, _>>();
        if let Some((by, judge)) = filter.judge()? {
            return Ok(Ready::Leaf(Leaf { by, judge, verdicts: Mutex::default() }));
        }
        Ok(match filter {
            Filter::And(inner) => Ready::And(all(inner)?),
            Filter::Or(inner) => Ready::Or(all(inner)?),
            Filter::Not(inner) => Ready::Not(Box::new(Ready::new(inner)?)),
            Filter::Visit(inner) => Ready::Visit(Box::new(Ready::new(inner)?)),
            Filter::Visitor(inner) => Ready::Visitor(Box::new(Ready::new(inner)?), None),
            _ => Ready::And(Vec::new()),
        })
    }

    /// Looks for the visitors that filters within ask for, innermost first. `find`: the visitors with a hit that counts.
    pub fn find_visitors(
        &mut self,
        find: &mut dyn FnMut(&Ready<'f>) -> Result<Bits, ReportError>,
    ) -> Result<(), ReportError> {
        match self {
            Ready::And(inner) | Ready::Or(inner) => {
                inner.iter_mut().try_for_each(|filter| filter.find_visitors(find))
            }
            Ready::Not(inner) | Ready::Visit(inner) => inner.find_visitors(find),
            Ready::Visitor(inner, found) => {
                inner.find_visitors(find)?;
                *found = Some(find(inner)?);
                Ok(())
            }
            Ready::Leaf(_) => Ok(()),
        }
    }

    /// What a filter of nothing but this dimension says of each of its texts; None for any other filter.
    pub fn verdicts_of(&self, by: &Dimension, part: &Part, column: Column) -> Option<Arc<Vec<bool>>> {
        match self {
            Ready::Leaf(leaf) if leaf.by == by => Some(leaf.verdicts(part, column)),
            _ => None,
        }
    }

    pub fn mask(&self, part: &Part, context: &Context, control: &Control<'_>) -> Result<Mask, ReportError> {
        control.check()?;
        let fold = |inner: &[Ready<'f>], join: fn(&mut Bits, &Bits), neutral: Mask| {
            let mut masks = inner.iter().map(|filter| filter.mask(part, context, control));
            let Some(first) = masks.next() else { return Ok(neutral) };
            masks.try_fold(first?, |mask, next| combine(mask, next?, part, join))
        };
        match self {
            Ready::And(inner) => {
                let mut masks = inner.iter();
                let Some(first) = masks.next() else { return Ok(Mask::All) };
                let mut mask = first.mask(part, context, control)?;
                for filter in masks {
                    mask = match (filter, mask) {
                        // Only what is left so far is looked at.
                        (Ready::Leaf(leaf), Mask::Visits(mut bits)) if leaf.is_visit_text() => {
                            leaf.keep(part, &mut bits)?;
                            Mask::Visits(bits)
                        }
                        (_, mask) => combine(mask, filter.mask(part, context, control)?, part, Bits::keep)?,
                    };
                }
                Ok(mask)
            }
            Ready::Or(inner) => fold(inner, Bits::add, Mask::Visits(Bits::new(visits(part)))),
            Ready::Not(inner) => Ok(match inner.mask(part, context, control)? {
                Mask::All => Mask::Visits(Bits::new(visits(part))),
                Mask::Visits(mut bits) => {
                    bits.invert();
                    Mask::Visits(bits)
                }
                Mask::Hits(mut bits) => {
                    bits.invert();
                    Mask::Hits(bits)
                }
            }),
            Ready::Leaf(leaf) => leaf.mask(part, context),
            Ready::Visit(inner) => Ok(match inner.mask(part, context, control)? {
                Mask::Hits(bits) => Mask::Visits(any_of_visit(part, &bits)?),
                mask => mask,
            }),
            Ready::Visitor(_, found) => {
                let visitor = part.column(Column::Visitor)?;
                let none = Bits::default();
                let found = found.as_ref().unwrap_or(&none);
                let has = |visit| {
                    let visitor = visitor.get(visit) as usize;
                    visitor < found.len() && found.has(visitor)
                };
                Ok(Mask::Visits(Bits::of(visits(part), has)))
            }
        }
    }
}

fn visits(part: &Part) -> usize {
    part.head().visits as usize
}

fn combine(a: Mask, b: Mask, part: &Part, join: fn(&mut Bits, &Bits)) -> Result<Mask, ReportError> {
    let all = |hits: bool| {
        let rows = if hits { part.head().hits } else { part.head().visits };
        Bits::of(rows as usize, |_| true)
    };
    Ok(match (a, b) {
        (Mask::All, Mask::All) => Mask::All,
        (Mask::Visits(mut a), Mask::Visits(b)) => {
            join(&mut a, &b);
            Mask::Visits(a)
        }
        (Mask::Hits(mut a), Mask::Hits(b)) => {
            join(&mut a, &b);
            Mask::Hits(a)
        }
        (Mask::Hits(mut a), Mask::Visits(b)) | (Mask::Visits(b), Mask::Hits(mut a)) => {
            join(&mut a, &hits_of(part, &b)?);
            Mask::Hits(a)
        }
        (Mask::All, Mask::Visits(mut a)) | (Mask::Visits(mut a), Mask::All) => {
            join(&mut a, &all(false));
            Mask::Visits(a)
        }
        (Mask::All, Mask::Hits(mut a)) | (Mask::Hits(mut a), Mask::All) => {
            join(&mut a, &all(true));
            Mask::Hits(a)
        }
    })
}

fn hits_of(part: &Part, visits: &Bits) -> Result<Bits, ReportError> {
    let starts = part.column(Column::Starts)?;
    let mut hits = Bits::new(part.head().hits as usize);
    visits.each_in(0..visits.len(), |visit| {
        (starts.get(visit)..starts.get(visit + 1)).for_each(|row| hits.set(row as usize));
    });
    Ok(hits)
}

fn any_of_visit(part: &Part, hits: &Bits) -> Result<Bits, ReportError> {
    let starts = part.column(Column::Starts)?;
    let has = |visit| (starts.get(visit)..starts.get(visit + 1)).any(|row| hits.has(row as usize));
    Ok(Bits::of(visits(part), has))
}

impl Leaf<'_> {
    fn is_visit_text(&self) -> bool {
        matches!(self.by, Dimension::Visit(_))
    }

    /// Takes out the visits for which this does not hold.
    fn keep(&self, part: &Part, visits: &mut Bits) -> Result<(), ReportError> {
        if let Dimension::Visit(text) = self.by {
            let column = Column::VisitText(*text);
            let values = part.column(column)?;
            visits.keep_column(&values, &self.verdicts(part, column));
        }
        Ok(())
    }

    fn mask(&self, part: &Part, context: &Context) -> Result<Mask, ReportError> {
        let hits = part.head().hits as usize;
        let column = match self.by {
            Dimension::Visit(text) => Column::VisitText(*text),
            Dimension::Hit(text) => Column::HitText(*text),
            Dimension::EntryPage => Column::EntryPage,
            Dimension::ExitPage => Column::ExitPage,
            Dimension::Event => Column::HitText(HitText::Name),
            Dimension::Prop(_) => Column::HitText(HitText::Props),
            Dimension::NewOrReturning => {
                let kinds = context.firsts.kinds(part)?;
                let verdicts = [NEW, RETURNING].map(|text| self.judge.holds(text));
                return Ok(Mask::Visits(Bits::of_column(&kinds, &verdicts)));
            }
            Dimension::Hour | Dimension::Weekday => {
                let labels = context.labels(self.by, part)?;
                let verdicts: Vec<bool> =
                    (0..100).map(|label| self.judge.holds(&Context::text(self.by, label))).collect();
                return Ok(Mask::Hits(Bits::of(hits, |row| verdicts[labels[row] as usize])));
            }
        };
        let values = part.column(column)?;
        let verdicts = self.verdicts(part, column);
        if self.by.is_of_visit() {
            return Ok(Mask::Visits(Bits::of_column(&values, &verdicts)));
        }
        if let Some(kind) = kind_of(self.by) {
            let kinds = part.column(Column::Kind)?;
            let has = |row| kinds.get(row) == kind as u32;
            return Ok(Mask::Hits(Bits::of(hits, |row| has(row) && verdicts[values.get(row) as usize])));
        }
        Ok(Mask::Hits(Bits::of_column(&values, &verdicts)))
    }

    /// What is judged of every number that the column may hold.
    fn verdicts(&self, part: &Part, column: Column) -> Arc<Vec<bool>> {
        let mut verdicts = self.verdicts.lock();
        let known = part.words_count(column);
        if verdicts.len() < known {
            let judged = (verdicts.len() as u32..known as u32).map(|number| {
                let text = text_of(part, column, number);
                match self.by {
                    Dimension::Prop(key) => prop(&text, key).is_some_and(|value| self.judge.holds(&value)),
                    _ => self.judge.holds(&text),
                }
            });
            let judged: Vec<bool> = judged.collect();
            Arc::make_mut(&mut *verdicts).extend(judged);
        }
        verdicts.clone()
    }
}
