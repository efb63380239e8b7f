//! What people of a site said of messages, as counts: in how many of each verdict a feature was. Counts add up, so that it does not
//! matter who learns what first, and what is taken back leaves nothing behind.

use std::ops::Neg;

use crate::feature::Feature;
use crate::limits::{BUCKETS, LEARNED_FEATURES_MAX, LEARNED_TEXTS_MAX};

const VERSION: u8 = 1;
/// A bucket that has counts, by how many empty ones are before it: ham and spam.
type Counted = (u16, i32, i32);
const COUNT_MAX: i32 = LEARNED_TEXTS_MAX as i32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Ham,
    Spam,
}

/// What one message adds. Kept beside the verdict, `-delta` takes it back exactly, whatever a later release reads out of the same text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    verdict: Verdict,
    /// 1, or -1 where it is taken back.
    times: i32,
    /// In order, each once; at most `LEARNED_FEATURES_MAX`.
    buckets: Vec<u16>,
}

/// What one site learned. A count may be below nothing for a while, where what takes back came before what it takes back; it counts as nothing then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learned {
    /// Messages learned as ham and as spam.
    texts: [i32; 2],
    counts: Vec<[i32; 2]>,
}

/// As many messages as are learned at most were learned: `LEARNED_TEXTS_MAX`. Nothing was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this site has learned as many messages as it can: {LEARNED_TEXTS_MAX}")]
pub struct Full;

/// Bytes that are not what was written, or of another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are nothing that was learned")]
pub struct Unreadable;

impl Default for Learned {
    fn default() -> Learned {
        Learned { texts: [0; 2], counts: vec![[0; 2]; BUCKETS] }
    }
}

impl Learned {
    pub fn new() -> Learned {
        Learned::default()
    }

    /// Learns one message, or takes it back.
    pub fn add(&mut self, delta: &Delta) -> Result<(), Full> {
        let (verdict, times) = (delta.verdict as usize, delta.times);
        let fits = |count: i32| (count + times).abs() <= COUNT_MAX;
        if !fits(self.texts[verdict])
            || !delta.buckets.iter().all(|&at| fits(self.counts[usize::from(at)][verdict]))
        {
            return Err(Full);
        }
        self.texts[verdict] += times;
        for &at in &delta.buckets {
            self.counts[usize::from(at)][verdict] += times;
        }
        Ok(())
    }

    /// Adds all that somebody else learned since.
    pub fn merge(&mut self, other: &Learned) -> Result<(), Full> {
        let fits =
            |one: &[i32; 2], other: &[i32; 2]| (0..2).all(|at| (one[at] + other[at]).abs() <= COUNT_MAX);
        let mut pairs = self.counts.iter().zip(&other.counts);
        if !fits(&self.texts, &other.texts) || !pairs.all(|(one, other)| fits(one, other)) {
            return Err(Full);
        }
        let sums = self.counts.iter_mut().zip(&other.counts);
        for (one, other) in sums.chain([(&mut self.texts, &other.texts)]) {
            one[0] += other[0];
            one[1] += other[1];
        }
        Ok(())
    }

    /// Messages learned of a verdict.
    pub fn texts(&self, verdict: Verdict) -> u32 {
        self.texts[verdict as usize].max(0) as u32
    }

    /// In how many messages of ham and of spam a feature was.
    pub(crate) fn counts(&self, bucket: u16) -> [f32; 2] {
        self.counts[usize::from(bucket)].map(|count| count.max(0) as f32)
    }

    /// At most `LEARNED_BYTES_MAX`; a new site has a few.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut next = 0;
        let mut counted: Vec<Counted> = Vec::new();
        for (at, &[ham, spam]) in self.counts.iter().enumerate().filter(|(_, counts)| **counts != [0; 2]) {
            counted.push(((at - next) as u16, ham, spam));
            next = at + 1;
        }
        postcard::to_allocvec(&(VERSION, self.texts, counted)).expect("numbers are written to memory")
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Learned, Unreadable> {
        let (version, texts, counted) = read::<(u8, [i32; 2], Vec<Counted>)>(bytes)?;
        let mut learned = Learned { texts, ..Learned::default() };
        let fits = |count: i32| count.unsigned_abs() <= LEARNED_TEXTS_MAX;
        let mut next = 0;
        for (gap, ham, spam) in counted {
            let at = next + usize::from(gap);
            let count = learned.counts.get_mut(at).ok_or(Unreadable)?;
            if [ham, spam] == [0; 2] || !fits(ham) || !fits(spam) {
                return Err(Unreadable);
            }
            (*count, next) = ([ham, spam], at + 1);
        }
        if version == VERSION && texts.into_iter().all(fits) { Ok(learned) } else { Err(Unreadable) }
    }
}

impl Delta {
    /// Each feature counts once, however often a message has it: no message weighs more than one. Of more features than are learned those with the
    /// lowest numbers are, which is the same choice wherever they occur.
    pub(crate) fn of<'a>(features: impl Iterator<Item = &'a Feature>, verdict: Verdict) -> Delta {
        let mut ids: Vec<(u64, u16)> = features.map(|feature| (feature.id, feature.bucket())).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.truncate(LEARNED_FEATURES_MAX);
        let mut buckets: Vec<u16> = ids.into_iter().map(|(_, bucket)| bucket).collect();
        buckets.sort_unstable();
        buckets.dedup();
        Delta { verdict, times: 1, buckets }
    }

    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// At most `DELTA_BYTES_MAX`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut next = 0;
        let gap = |&at: &u16| at - std::mem::replace(&mut next, at + 1);
        let gaps: Vec<u16> = self.buckets.iter().map(gap).collect();
        let written = (VERSION, self.verdict == Verdict::Spam, self.times < 0, gaps);
        postcard::to_allocvec(&written).expect("numbers are written to memory")
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Delta, Unreadable> {
        let (version, is_spam, is_taken_back, gaps) = read::<(u8, bool, bool, Vec<u16>)>(bytes)?;
        if version != VERSION || gaps.len() > LEARNED_FEATURES_MAX {
            return Err(Unreadable);
        }
        let mut next = 0;
        let mut buckets = Vec::with_capacity(gaps.len());
        for gap in gaps {
            let at = next + usize::from(gap);
            buckets.push(u16::try_from(at).ok().filter(|_| at < BUCKETS).ok_or(Unreadable)?);
            next = at + 1;
        }
        let verdict = if is_spam { Verdict::Spam } else { Verdict::Ham };
        Ok(Delta { verdict, times: if is_taken_back { -1 } else { 1 }, buckets })
    }
}

/// What takes a delta back.
impl Neg for Delta {
    type Output = Delta;

    fn neg(self) -> Delta {
        Delta { times: -self.times, ..self }
    }
}

fn read<'a, Written: serde::Deserialize<'a>>(bytes: &'a [u8]) -> Result<Written, Unreadable> {
    match postcard::take_from_bytes(bytes) {
        Ok((written, [])) => Ok(written),
        _ => Err(Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{DELTA_BYTES_MAX, LEARNED_BYTES_MAX};

    fn delta(verdict: Verdict, buckets: Vec<u16>) -> Delta {
        Delta { verdict, times: 1, buckets }
    }

    #[test]
    fn a_site_learns_so_many_messages() {
        let one = delta(Verdict::Spam, vec![7]);
        let mut learned = Learned { texts: [0, COUNT_MAX - 1], ..Learned::new() };
        learned.add(&one).expect("the last one");
        let full = learned.clone();
        assert_eq!(learned.add(&one), Err(Full));
        assert_eq!(learned, full);
        // Of the other verdict there is room, and what is taken back makes some.
        learned.add(&delta(Verdict::Ham, vec![7])).expect("of the other verdict");
        learned.add(&-one.clone()).expect("one less");
        learned.add(&one).expect("one more");
    }

    #[test]
    fn a_counter_that_is_full_refuses_the_whole_message() {
        let mut learned = Learned::new();
        learned.counts[9] = [COUNT_MAX, 0];
        let full = learned.clone();
        assert_eq!(learned.add(&delta(Verdict::Ham, vec![7, 9])), Err(Full));
        assert_eq!(learned.merge(&full), Err(Full));
        assert_eq!(learned, full);
        learned.counts[9] = [-COUNT_MAX, 0];
        assert_eq!(learned.add(&-delta(Verdict::Ham, vec![9])), Err(Full));
    }

    #[test]
    fn the_most_that_is_learned_has_its_bytes() {
        let mut learned =
            Learned { texts: [COUNT_MAX, -COUNT_MAX], counts: vec![[COUNT_MAX, -COUNT_MAX]; BUCKETS] };
        let bytes = learned.to_bytes();
        assert!(bytes.len() <= LEARNED_BYTES_MAX, "{} bytes", bytes.len());
        assert_eq!(Learned::from_bytes(&bytes), Ok(learned.clone()));
        learned.counts[BUCKETS - 1][0] += 1;
        assert_eq!(Learned::from_bytes(&learned.to_bytes()), Err(Unreadable));
    }

    #[test]
    fn the_longest_delta_has_its_bytes() {
        let buckets = |count: usize| (0..count).map(|at| (at * BUCKETS / count) as u16).collect();
        let longest = delta(Verdict::Spam, buckets(LEARNED_FEATURES_MAX));
        assert!(longest.to_bytes().len() <= DELTA_BYTES_MAX);
        assert_eq!(Delta::from_bytes(&longest.to_bytes()), Ok(longest));
        let longer = delta(Verdict::Spam, buckets(LEARNED_FEATURES_MAX + 1));
        assert_eq!(Delta::from_bytes(&longer.to_bytes()), Err(Unreadable));
        let beyond = |at: usize| delta(Verdict::Ham, vec![at as u16]).to_bytes();
        assert!(Delta::from_bytes(&beyond(BUCKETS - 1)).is_ok());
        assert_eq!(Delta::from_bytes(&beyond(BUCKETS)), Err(Unreadable));
        let mut other_version = beyond(1);
        other_version[0] += 1;
        assert_eq!(Delta::from_bytes(&other_version), Err(Unreadable));
    }

    #[test]
    fn so_many_features_of_a_message_are_learned() {
        let feature =
            |id| Feature { id, weight: 0.0, common: false, what: crate::feature::What::Words(0..0) };
        let learned = |count: usize| {
            let features: Vec<Feature> = (0..count as u64).rev().map(feature).collect();
            Delta::of(features.iter(), Verdict::Ham)
        };
        assert_eq!(learned(LEARNED_FEATURES_MAX).buckets.len(), LEARNED_FEATURES_MAX);
        assert_eq!(learned(LEARNED_FEATURES_MAX + 1), learned(LEARNED_FEATURES_MAX));
    }

    #[test]
    fn less_than_nothing_counts_as_nothing() {
        let mut learned = Learned::new();
        learned.add(&-delta(Verdict::Spam, vec![7])).expect("there is room");
        assert_eq!((learned.texts(Verdict::Spam), learned.counts(7)), (0, [0.0, 0.0]));
    }
}
