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
    starts: Arc<Packed>,
    /// Runs of visits whose hits all lie in one bucket, and runs where each hit is looked at.
    spans: Vec<(Range<usize>, Pace)>,
    /// Only there where some run is slow.
    slow: Option<Slow>,
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
        let starts = part.column(Column::Starts)?;
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
        Ok(View { part: part.clone(), mask, starts, spans, slow })
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
        for (visits, pace) in &self.spans {
            let mut start = visits.start;
            while start < visits.end {
                control.check()?;
                let run = start..visits.end.min(start + STRIDE);
                start = run.end;
                match *pace {
                    Pace::Whole(bucket) => self.walk_whole(run, bucket, by_visit, sink),
                    Pace::EachHit => self.walk_slow(run, buckets, sink),
                }
            }
        }
        Ok(())
    }

    fn walk_whole<S: Sink>(&self, visits: Range<usize>, bucket: usize, by_visit: bool, sink: &mut S) {
        let whole = |sink: &mut S, visit: usize, start: usize, end: usize| {
            sink.begin(visit, Some(bucket));
            (start..end).for_each(|row| sink.hit(visit, row, bucket));
        };
        match &self.mask {
            Mask::All if by_visit => {
                let hits = self.starts.get(visits.start) as usize..self.starts.get(visits.end) as usize;
                sink.visits(visits, hits, bucket);
            }
            Mask::Visits(bits) if by_visit => bits.each_in(visits, |visit| sink.visit(visit, bucket)),
            Mask::All => {
                let starts = &self.starts.wide_values()[visits.start..=visits.end];
                for (visit, hits) in visits.zip(starts.windows(2)) {
                    whole(sink, visit, hits[0] as usize, hits[1] as usize);
                }
            }
            Mask::Visits(bits) => bits.each_in(visits, |visit| {
                whole(sink, visit, self.starts.get(visit) as usize, self.starts.get(visit + 1) as usize);
            }),
            Mask::Hits(bits) => {
                for visit in visits {
                    sink.begin(visit, Some(bucket));
                    for row in self.starts.get(visit)..self.starts.get(visit + 1) {
                        if bits.has(row as usize) {
                            sink.hit(visit, row as usize, bucket);
                        }
                    }
                }
            }
        }
    }

    fn walk_slow<S: Sink>(&self, visits: Range<usize>, buckets: &Buckets, sink: &mut S) {
        let Some(slow) = &self.slow else { return };
        for visit in visits {
            if matches!(&self.mask, Mask::Visits(bits) if !bits.has(visit)) {
                continue;
            }
            let first = slow.day_start + i64::from(slow.first.get(visit));
            let begins = (slow.from..slow.to).contains(&first).then(|| buckets.of(first));
            sink.begin(visit, begins);
            for row in self.starts.get(visit) as usize..self.starts.get(visit + 1) as usize {
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
