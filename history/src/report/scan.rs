//! Walking over a part's rows that count: whole visits where that says all, else hit by hit.

use std::ops::Range;
use std::sync::Arc;

use super::buckets::Buckets;
use super::columns::Column;
use super::mask::Mask;
use super::packed::Packed;
use super::part::Part;
use super::{Control, ReportError};
use crate::query::Bots;

/// Visits between two looks at whether to stop.
const STRIDE: usize = 1 << 16;

/// A part as one query sees it.
pub(super) struct View {
    pub part: Arc<Part>,
    pub mask: Mask,
    /// Runs of visits whose hits all lie in one bucket, and runs where each hit is looked at.
    spans: Vec<(Range<usize>, Pace)>,
    /// Only there where some run is slow.
    slow: Option<Slow>,
    /// The visitors of the visits that the mask leaves, where no others were asked for.
    pub visitor: Option<Arc<Packed>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Pace {
    /// The bucket of all hits.
    Whole(usize),
    EachHit,
}

struct Slow {
    at: Arc<Packed>,
    first: Arc<Packed>,
    day_start: i64,
    from: i64,
    to: i64,
}

/// What takes the rows in.
pub(super) trait Sink {
    /// A whole visit: all its hits count, in one bucket.
    fn visit(&mut self, visit: usize, bucket: usize);
    /// A run of whole visits, and of their hits.
    fn visits(&mut self, visits: Range<usize>, _hits: Range<usize>, bucket: usize) {
        visits.for_each(|visit| self.visit(visit, bucket));
    }
    /// A run of visits from `first` on, all of whose hits count, in one bucket. `starts`: the first row of each, and the end.
    fn whole(&mut self, first: usize, starts: &[u32], bucket: usize) {
        for (visit, hits) in (first..).zip(starts.windows(2)) {
            self.begin(visit, Some(bucket));
            (hits[0] as usize..hits[1] as usize).for_each(|row| self.hit(visit, row, bucket));
        }
    }
    /// Before the hits of a visit: the bucket that the visit counts in, None where it began outside the range.
    fn begin(&mut self, visit: usize, bucket: Option<usize>);
    fn hit(&mut self, visit: usize, row: usize, bucket: usize);
}

impl View {
    pub fn new(
        part: &Arc<Part>,
        mask: Mask,
        range: (i64, i64),
        bots: Bots,
        buckets: &Buckets,
    ) -> Result<View, ReportError> {
        let head = part.head();
        let (from, to) = range;
        let (humans, visits) = (head.humans as usize, head.visits as usize);
        let visits = match bots {
            Bots::Without => 0..humans,
            Bots::Only => humans..visits,
            Bots::With => 0..visits,
        };
        let bucket = buckets.of(head.first.min(head.day_start));
        let is_inside = head.first >= from && head.last < to;
        let is_one = buckets.starts.len() == 1;
        let mut spans = Vec::new();
        if is_inside && (is_one || buckets.of(head.last) == bucket) {
            spans.push((visits, Pace::Whole(bucket)));
        } else if is_inside && buckets.of(head.day_end - 1) == bucket {
            let over = part.column(Column::Over)?;
            let over = over_of(&over).into_iter().filter(|visit| visits.contains(visit));
            let mut next = visits.start;
            for visit in over {
                spans.push((next..visit, Pace::Whole(bucket)));
                spans.push((visit..visit + 1, Pace::EachHit));
                next = visit + 1;
            }
            spans.push((next..visits.end, Pace::Whole(bucket)));
        } else {
            spans.push((visits, Pace::EachHit));
        }
        if !part.hidden().is_empty() {
            spans = spans.into_iter().flat_map(|span| without(span, part.hidden())).collect();
        }
        let mut slow = None;
        if spans.iter().any(|(_, pace)| *pace == Pace::EachHit) {
            let (at, first) = (part.column(Column::At)?, part.column(Column::First)?);
            slow = Some(Slow { at, first, day_start: head.day_start, from, to });
        }
        Ok(View { part: part.clone(), mask, spans, slow, visitor: None })
    }

    pub fn visitors(&self) -> Result<Arc<Packed>, ReportError> {
        match &self.visitor {
            Some(visitor) => Ok(visitor.clone()),
            None => Ok(self.part.column(Column::Visitor)?),
        }
    }

    /// Whole visits say all where neither filter nor groups look at hits.
    pub fn is_by_visit(&self, of_visit: bool) -> bool {
        of_visit && !matches!(self.mask, Mask::Hits(_))
    }

    /// Hands every row that counts to the sink. `of_visit`: it asks for nothing that differs between a visit's hits.
    pub fn walk<S: Sink>(
        &self,
        of_visit: bool,
        buckets: &Buckets,
        control: &Control<'_>,
        sink: &mut S,
    ) -> Result<(), ReportError> {
        let by_visit = self.is_by_visit(of_visit);
        let starts = self.starts(by_visit)?;
        let starts = starts.as_ref().map_or(&[][..], |starts| starts.wide_values());
        for (visits, pace) in &self.spans {
            let mut start = visits.start;
            while start < visits.end {
                control.check()?;
                let run = start..visits.end.min(start + STRIDE);
                start = run.end;
                match *pace {
                    Pace::Whole(bucket) => self.walk_whole(run, bucket, by_visit, starts, sink),
                    Pace::EachHit => self.walk_slow(run, buckets, starts, sink),
                }
            }
        }
        Ok(())
    }

    /// Where each visit's hits are; None where nothing looks at single hits.
    fn starts(&self, by_visit: bool) -> Result<Option<Arc<Packed>>, ReportError> {
        let all = self.part.head().visits as usize;
        let is_whole = |(visits, pace): &(Range<usize>, Pace)| {
            let is_all = *visits == (0..all) && all <= STRIDE;
            *pace != Pace::EachHit && (is_all || matches!(self.mask, Mask::Visits(_)))
        };
        match by_visit && self.spans.iter().all(is_whole) {
            true => Ok(None),
            false => Ok(Some(self.part.column(Column::Starts)?)),
        }
    }

    fn walk_whole<S: Sink>(
        &self,
        visits: Range<usize>,
        bucket: usize,
        by_visit: bool,
        starts: &[u32],
        sink: &mut S,
    ) {
        let hits_of = |visits: Range<usize>| starts[visits.start] as usize..starts[visits.end] as usize;
        match &self.mask {
            Mask::All if by_visit => {
                let all = 0..self.part.head().hits as usize;
                let hits = if starts.is_empty() { all } else { hits_of(visits.clone()) };
                sink.visits(visits, hits, bucket);
            }
            Mask::Visits(bits) if by_visit => bits.each_in(visits, |visit| sink.visit(visit, bucket)),
            Mask::All => sink.whole(visits.start, &starts[visits.start..=visits.end], bucket),
            Mask::Visits(bits) => bits.each_in(visits, |visit| {
                sink.begin(visit, Some(bucket));
                hits_of(visit..visit + 1).for_each(|row| sink.hit(visit, row, bucket));
            }),
            Mask::Hits(bits) => {
                for visit in visits {
                    sink.begin(visit, Some(bucket));
                    for row in hits_of(visit..visit + 1) {
                        if bits.has(row) {
                            sink.hit(visit, row, bucket);
                        }
                    }
                }
            }
        }
    }

    fn walk_slow<S: Sink>(&self, visits: Range<usize>, buckets: &Buckets, starts: &[u32], sink: &mut S) {
        let Some(slow) = &self.slow else { return };
        for visit in visits {
            if matches!(&self.mask, Mask::Visits(bits) if !bits.has(visit)) {
                continue;
            }
            let first = slow.day_start + i64::from(slow.first.get(visit));
            let begins = (slow.from..slow.to).contains(&first).then(|| buckets.of(first));
            sink.begin(visit, begins);
            for row in starts[visit] as usize..starts[visit + 1] as usize {
                let at = slow.day_start + i64::from(slow.at.get(row));
                let is_out = !(slow.from..slow.to).contains(&at);
                if is_out || matches!(&self.mask, Mask::Hits(bits) if !bits.has(row)) {
                    continue;
                }
                sink.hit(visit, row, buckets.of(at));
            }
        }
    }
}

/// What is left of a run without hidden visits.
fn without((visits, pace): (Range<usize>, Pace), hidden: &[u32]) -> Vec<(Range<usize>, Pace)> {
    let within = |at: usize| hidden.partition_point(|&visit| (visit as usize) < at);
    let mut left = Vec::new();
    let mut next = visits.start;
    for &visit in &hidden[within(visits.start)..within(visits.end)] {
        left.push((next..visit as usize, pace));
        next = visit as usize + 1;
    }
    left.push((next..visits.end, pace));
    left
}

/// The visits with a hit after their day's end: a column of their numbers, ended by one that is no visit's.
fn over_of(over: &Packed) -> Vec<usize> {
    (0..over.len().saturating_sub(1)).map(|i| over.get(i) as usize).collect()
}
