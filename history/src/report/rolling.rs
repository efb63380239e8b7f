//! Distinct visitors of every bucket and of all in one walk: a set of bits for each bucket that a later part may still touch. However
//! many buckets there are, few sets stay in the processor's cache.

use super::buckets::Buckets;
use super::distinct::SETS_BYTES_MAX;
use super::scan::{Sink, View};
use super::{Control, ReportError};

/// Of all, and of each bucket.
pub(super) struct Counts {
    pub all: u64,
    pub buckets: Vec<u64>,
}

/// Which views touch each bucket: the first and the last of them; None: none does.
type Touched = Vec<Option<(usize, usize)>>;

/// None where the sets would take too much at once. `visitors`: all numbers are below.
pub(super) fn count(
    views: &[View],
    buckets: &Buckets,
    visitors: usize,
    control: &Control<'_>,
) -> Result<Option<Counts>, ReportError> {
    let touched = touched(views, buckets);
    let words = visitors.div_ceil(64);
    let bytes = (most_at_once(&touched, views.len()) + 1).saturating_mul(words).saturating_mul(8);
    if bytes > SETS_BYTES_MAX.min(control.memory_max) {
        return Ok(None);
    }
    let mut sets = Sets { words, bits: Vec::new(), free: Vec::new(), places: vec![0; touched.len()] };
    let (mut all, mut counts) = (vec![0u64; words], vec![0; touched.len()]);
    let mut ends: Vec<Vec<usize>> = vec![Vec::new(); views.len()];
    let mut begins = ends.clone();
    for (bucket, reach) in touched.iter().enumerate() {
        if let Some((first, last)) = *reach {
            begins[first].push(bucket);
            ends[last].push(bucket);
        }
    }
    for (index, view) in views.iter().enumerate() {
        begins[index].iter().for_each(|&bucket| sets.open(bucket));
        let visitor = view.visitors()?;
        let mut marking = Marking { sets: &mut sets, who: visitor.wide_values() };
        view.walk(true, buckets, control, &mut marking)?;
        ends[index].iter().for_each(|&bucket| counts[bucket] = sets.close(bucket, &mut all));
    }
    let all = all.iter().map(|word| u64::from(word.count_ones())).sum();
    Ok(Some(Counts { all, buckets: counts }))
}

fn touched(views: &[View], buckets: &Buckets) -> Touched {
    let mut touched: Touched = vec![None; buckets.starts.len()];
    for (index, view) in views.iter().enumerate() {
        let head = view.part.head();
        let (first, last) = (head.first.min(head.day_start), head.last.max(head.day_start));
        for reach in &mut touched[buckets.of(first)..=buckets.of(last)] {
            *reach = Some((reach.map_or(index, |(first, _)| first), index));
        }
    }
    touched
}

/// How many sets there are at once, at most.
fn most_at_once(touched: &[Option<(usize, usize)>], views: usize) -> usize {
    let mut changes = vec![(0, 0); views];
    for &(first, last) in touched.iter().flatten() {
        changes[first].0 += 1;
        changes[last].1 += 1;
    }
    let (mut now, mut most) = (0, 0);
    for (begin, end) in changes {
        now += begin;
        most = most.max(now);
        now -= end;
    }
    most
}

struct Sets {
    words: usize,
    /// One set behind the other.
    bits: Vec<u64>,
    /// Places that are empty.
    free: Vec<usize>,
    /// Of each bucket that is open, its set's.
    places: Vec<usize>,
}

impl Sets {
    fn open(&mut self, bucket: usize) {
        self.places[bucket] = self.free.pop().unwrap_or_else(|| {
            self.bits.resize(self.bits.len() + self.words, 0);
            self.bits.len() - self.words
        });
    }

    /// How many the bucket's set has; it is emptied into `all`.
    fn close(&mut self, bucket: usize, all: &mut [u64]) -> u64 {
        let place = self.places[bucket];
        self.free.push(place);
        let set = self.bits[place..place + self.words].iter_mut().zip(all);
        set.map(|(word, all)| {
            *all |= *word;
            u64::from(std::mem::take(word).count_ones())
        })
        .sum()
    }

    #[inline(always)]
    fn set(&mut self, bucket: usize) -> &mut [u64] {
        let place = self.places[bucket];
        &mut self.bits[place..place + self.words]
    }
}

struct Marking<'m> {
    sets: &'m mut Sets,
    who: &'m [u32],
}

impl Sink for Marking<'_> {
    #[inline(always)]
    fn visit(&mut self, visit: usize, bucket: usize) {
        let visitor = self.who[visit] as usize;
        self.sets.set(bucket)[visitor >> 6] |= 1 << (visitor & 63);
    }

    fn visits(&mut self, visits: std::ops::Range<usize>, _: std::ops::Range<usize>, bucket: usize) {
        let set = self.sets.set(bucket);
        for &visitor in &self.who[visits] {
            set[visitor as usize >> 6] |= 1 << (visitor & 63);
        }
    }

    #[inline(always)]
    fn begin(&mut self, _: usize, _: Option<usize>) {}

    #[inline(always)]
    fn hit(&mut self, visit: usize, _: usize, bucket: usize) {
        self.visit(visit, bucket);
    }
}
