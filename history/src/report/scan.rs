//! Walking over a part's rows that count: whole visits where that says all, else hit by hit.

use std::ops::Range;
use std::sync::Arc;

use super::buckets::Buckets;
use super::columns::{Column, OVER_WIDTH};
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
    spans: Vec<Span>,
    /// Only there where some run is slow.
    slow: Option<Slow>,
    /// The visitors of the visits that the mask leaves, where no others were asked for.
    pub visitor: Option<Arc<Packed>>,
}

/// A run of visits.
struct Span {
    visits: Range<usize>,
    /// Their hits, where that is known without looking where each visit's are.
    hits: Option<Range<usize>>,
    pace: Pace,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Pace {
    /// The bucket of all hits.
    Whole(usize),
    /// One visit, its hits known: the bucket of those before a row, and of that row and those after it.
    Split(usize, [usize; 2]),
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
    /// Whole visits, each.
    fn some(&mut self, visits: &[u32], bucket: usize) {
        visits.iter().for_each(|&visit| self.visit(visit as usize, bucket));
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
        let all = (visits == (0..head.visits as usize)).then_some(0..head.hits as usize);
        let mut spans = if is_inside && (is_one || buckets.of(head.last) == bucket) {
            vec![Span { visits, hits: all, pace: Pace::Whole(bucket) }]
        } else if is_inside && buckets.of(head.day_end - 1) == bucket {
            over_the_end(part, visits, bucket, buckets)?
        } else {
            vec![Span { visits, hits: all, pace: Pace::EachHit }]
        };
        if !part.hidden().is_empty() {
            spans = spans.into_iter().flat_map(|span| without(span, part.hidden())).collect();
        }
        let mut slow = None;
        if spans.iter().any(|span| span.pace == Pace::EachHit) {
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
        for span in &self.spans {
            let mut start = span.visits.start;
            while start < span.visits.end {
                control.check()?;
                let run = start..span.visits.end.min(start + STRIDE);
                start = run.end;
                let hits = span.hits.as_ref().filter(|_| run == span.visits);
                match span.pace {
                    Pace::Whole(bucket) => self.walk_whole((run, hits), bucket, by_visit, starts, sink),
                    Pace::Split(row, buckets) => self.walk_split((run.start, hits), row, buckets, sink),
                    Pace::EachHit => self.walk_slow(run, buckets, starts, sink),
                }
            }
        }
        Ok(())
    }

    /// Where each visit's hits are; None where nothing looks at single hits.
    fn starts(&self, by_visit: bool) -> Result<Option<Arc<Packed>>, ReportError> {
        let needs_none = |span: &Span| match span.pace {
            Pace::Whole(_) => {
                let is_known = span.hits.is_some() && span.visits.len() <= STRIDE;
                by_visit && (is_known || matches!(self.mask, Mask::Visits(_)))
            }
            Pace::Split(..) => true,
            Pace::EachHit => false,
        };
        match self.spans.iter().all(|span| span.visits.is_empty() || needs_none(span)) {
            true => Ok(None),
            false => Ok(Some(self.part.column(Column::Starts)?)),
        }
    }

    fn walk_whole<S: Sink>(
        &self,
        (visits, hits): (Range<usize>, Option<&Range<usize>>),
        bucket: usize,
        by_visit: bool,
        starts: &[u32],
        sink: &mut S,
    ) {
        let hits_of = |visits: Range<usize>| starts[visits.start] as usize..starts[visits.end] as usize;
        match &self.mask {
            Mask::All if by_visit => {
                let hits = hits.cloned().unwrap_or_else(|| hits_of(visits.clone()));
                sink.visits(visits, hits, bucket);
            }
            Mask::Visits(bits) if by_visit => bits.some_in(visits, |some| sink.some(some, bucket)),
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

    fn walk_split<S: Sink>(
        &self,
        (visit, hits): (usize, Option<&Range<usize>>),
        split: usize,
        buckets: [usize; 2],
        sink: &mut S,
    ) {
        if matches!(&self.mask, Mask::Visits(bits) if !bits.has(visit)) {
            return;
        }
        sink.begin(visit, Some(buckets[0]));
        for row in hits.cloned().unwrap_or_default() {
            if !matches!(&self.mask, Mask::Hits(bits) if !bits.has(row)) {
                sink.hit(visit, row, buckets[usize::from(row >= split)]);
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

/// The spans of a part whose day lies in one bucket, where some visits go on after its end.
fn over_the_end(
    part: &Part,
    visits: Range<usize>,
    bucket: usize,
    buckets: &Buckets,
) -> Result<Vec<Span>, ReportError> {
    let head = part.head();
    let after = buckets.of(head.day_end);
    let is_two = buckets.of(head.last) == after;
    let over = part.column(Column::Over)?;
    let (mut spans, mut start) = (Vec::new(), visits.start);
    let mut row = (start == 0).then_some(0);
    for over in over.wide_values().chunks_exact(OVER_WIDTH) {
        let over = [0, 1, 2, 3].map(|i| over[i] as usize);
        let [visit, first, split, end] = over;
        if !visits.contains(&visit) {
            continue;
        }
        let hits = row.map(|row| row..first);
        spans.push(Span { visits: start..visit, hits, pace: Pace::Whole(bucket) });
        let pace = if is_two { Pace::Split(split, [bucket, after]) } else { Pace::EachHit };
        spans.push(Span { visits: visit..visit + 1, hits: Some(first..end), pace });
        (start, row) = (visit + 1, Some(end));
    }
    let end = (visits.end == head.visits as usize).then_some(head.hits as usize);
    let hits = row.zip(end).map(|(row, end)| row..end);
    spans.push(Span { visits: start..visits.end, hits, pace: Pace::Whole(bucket) });
    Ok(spans)
}

/// What is left of a span without hidden visits.
fn without(span: Span, hidden: &[u32]) -> Vec<Span> {
    let within = |at: usize| hidden.partition_point(|&visit| (visit as usize) < at);
    let Span { visits, pace, .. } = &span;
    let hidden = &hidden[within(visits.start)..within(visits.end)];
    if hidden.is_empty() {
        return vec![span];
    }
    let mut left = Vec::new();
    let mut next = visits.start;
    for &visit in hidden {
        left.push(Span { visits: next..visit as usize, hits: None, pace: *pace });
        next = visit as usize + 1;
    }
    left.push(Span { visits: next..visits.end, hits: None, pace: *pace });
    left
}
