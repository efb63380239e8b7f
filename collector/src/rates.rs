//! How much one visitor and one site may send: token buckets in bounded memory.
//! Never by address alone, for an office shares one, nor by address and agent alone, for so do a thousand phones behind a
//! carrier's gateway: the browser's own id belongs to the key. Who makes up ids meets the site's rate.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::time::Duration;

use model::{BrowserId, Millis, SiteId, VisitorId};
use parking_lot::Mutex;

use crate::options::{Options, RATED_VISITORS_MAX, SITE_BURST_SECONDS, VISITOR_BURST_MAX};

/// Nobody is told to wait longer.
const WAIT_TOLD_MAX: Duration = Duration::from_secs(60);

/// Too fast: try again after so long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum TooFast {
    Visitor(Duration),
    Site(Duration),
}

/// A browser among those that share a visitor id.
pub(crate) type Sender = (VisitorId, BrowserId);

pub(crate) struct Rates {
    visitors: Mutex<Buckets<u64>>,
    sites: Mutex<Buckets<SiteId>>,
    /// Senders are known here by a hash of 64 bits that nobody outside can foresee: a third of the memory.
    hasher: RandomState,
}

impl Rates {
    pub(crate) fn new(options: &Options) -> Rates {
        let site_burst = options.site_rate.saturating_mul(SITE_BURST_SECONDS);
        let visitor_burst = options.visitor_rate.saturating_add(VISITOR_BURST_MAX);
        Rates {
            visitors: Mutex::new(Buckets::new(options.visitor_rate, visitor_burst, RATED_VISITORS_MAX)),
            sites: Mutex::new(Buckets::new(options.site_rate, site_burst, model::limits::SITES_MAX)),
            hasher: RandomState::new(),
        }
    }

    /// Takes so many hits of a site, and of a sender on it where one is given.
    pub(crate) fn take(
        &self,
        site: SiteId,
        sender: Option<Sender>,
        hits: usize,
        now: Millis,
    ) -> Result<(), TooFast> {
        let sender = sender.map(|sender| self.hasher.hash_one((site, sender)));
        if let Some(sender) = sender {
            self.visitors.lock().take(sender, hits, now).map_err(TooFast::Visitor)?;
        }
        let taken = self.sites.lock().take(site, hits, now).map_err(TooFast::Site);
        if let (Err(_), Some(sender)) = (taken, sender) {
            // Refused for what others sent: it may come again with all that it had.
            self.visitors.lock().give_back(sender, hits);
        }
        taken
    }
}

/// Token buckets by key, each kept as the moment at which it will be full again: a hit puts it off by one
/// interval, and where it would lie further ahead than a whole burst, the bucket is empty. Keys live in two
/// generations: where the younger is full the older is dropped, and with it whoever was not seen for longest. A
/// forgotten key starts with a full bucket.
struct Buckets<K> {
    /// Nanoseconds in which a bucket gains one hit.
    interval: f64,
    burst: usize,
    generation_max: usize,
    /// When the bucket is full, in nanoseconds since 1970.
    young: HashMap<K, i64>,
    old: HashMap<K, i64>,
}

impl<K: Hash + Eq + Copy> Buckets<K> {
    fn new(a_second: u32, burst: u32, keys_max: usize) -> Buckets<K> {
        Buckets {
            interval: 1e9 / f64::from(a_second.max(1)),
            burst: burst.max(1) as usize,
            generation_max: (keys_max / 2).max(1),
            young: HashMap::new(),
            old: HashMap::new(),
        }
    }

    fn take(&mut self, key: K, hits: usize, now: Millis) -> Result<(), Duration> {
        let now = now.0.saturating_mul(1_000_000);
        let (taken, whole) = (self.span(hits.min(self.burst)), self.span(self.burst));
        let full_at = match self.young.get_mut(&key) {
            Some(full_at) => full_at,
            None => {
                if self.young.len() >= self.generation_max {
                    self.old = std::mem::take(&mut self.young);
                }
                let known = self.old.remove(&key).unwrap_or(now);
                self.young.entry(key).or_insert(known)
            }
        };
        // None is further from full than empty: where it is, the clock was set back, and nothing is known of this key.
        if *full_at > now.saturating_add(whole) {
            *full_at = now;
        }
        // A request larger than the burst could never pass: it passes a full bucket.
        let after = now.max(*full_at).saturating_add(taken);
        let too_soon = after.saturating_sub(now.saturating_add(whole));
        if too_soon > 0 {
            return Err(Duration::from_nanos(too_soon as u64).min(WAIT_TOLD_MAX));
        }
        *full_at = after;
        Ok(())
    }

    /// Undoes a `take` of just now.
    fn give_back(&mut self, key: K, hits: usize) {
        let span = self.span(hits.min(self.burst));
        if let Some(full_at) = self.young.get_mut(&key) {
            *full_at -= span;
        }
    }

    fn span(&self, hits: usize) -> i64 {
        (hits as f64 * self.interval) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_back_makes_nobody_wait() {
        let mut buckets = Buckets::new(10, 100, 1_000);
        assert_eq!(buckets.take(1, 1, Millis(300_000)), Ok(()));
        assert_eq!(buckets.take(1, 100, Millis(0)), Ok(()), "a full bucket again");
        assert_eq!(buckets.take(1, 1, Millis(0)), Err(Duration::from_millis(100)));
    }

    #[test]
    fn a_burst_passes_and_one_more_waits_until_the_bucket_fills() {
        let mut buckets = Buckets::new(10, 100, 1_000);
        assert_eq!(buckets.take(1, 100, Millis(0)), Ok(()));
        assert_eq!(buckets.take(1, 1, Millis(0)), Err(Duration::from_millis(100)));
        assert_eq!(buckets.take(2, 100, Millis(0)), Ok(()), "another key has a bucket of its own");
        assert_eq!(buckets.take(1, 1, Millis(100)), Ok(()));
        assert!(buckets.take(1, 1, Millis(100)).is_err());
        assert_eq!(buckets.take(1, 100, Millis(1_000_000)), Ok(()), "it never holds more than the burst");
        assert!(buckets.take(1, 1, Millis(1_000_000)).is_err());
    }

    #[test]
    fn a_clock_that_steps_back_by_less_than_a_burst_takes_to_fill_gives_nothing_away() {
        let mut buckets = Buckets::new(10, 10, 1_000);
        assert_eq!(buckets.take(1, 5, Millis(10_000)), Ok(()));
        assert_eq!(buckets.take(1, 1, Millis(9_600)), Ok(()));
        assert!(buckets.take(1, 1, Millis(9_600)).is_err());
        assert_eq!(buckets.take(1, 4, Millis(10_000)), Ok(()));
        assert!(buckets.take(1, 1, Millis(10_000)).is_err(), "ten in all, as if the clock had stood still");
    }

    #[test]
    fn memory_stays_within_the_maximum_and_whoever_is_active_is_not_forgotten() {
        let mut buckets = Buckets::new(1, 5, 100);
        assert_eq!(buckets.take(0, 5, Millis(0)), Ok(()));
        for key in 1..10_000 {
            assert!(buckets.take(0, 5, Millis(0)).is_err(), "forgotten at {key}");
            assert_eq!(buckets.take(key, 1, Millis(0)), Ok(()));
            assert!(buckets.young.len() + buckets.old.len() <= 100);
        }
    }

    #[test]
    fn browsers_behind_one_address_have_rates_of_their_own_and_share_the_sites() {
        let options = Options { visitor_rate: 1, site_rate: 600, ..Options::default() };
        let rates = Rates::new(&options);
        let take = |site: u64, browser: u64, hits: usize| {
            rates.take(SiteId::of(site), Some((VisitorId(1), BrowserId(browser))), hits, Millis(0))
        };
        assert_eq!(take(1, 1, 501), Ok(()));
        assert!(matches!(take(1, 1, 1), Err(TooFast::Visitor(_))));
        assert_eq!(take(1, 2, 501), Ok(()));
        assert!(matches!(take(1, 3, 501), Err(TooFast::Site(_))));
        assert!(matches!(take(1, 3, 501), Err(TooFast::Site(_))), "its own rate was not spent on that");
        assert_eq!(take(2, 3, 501), Ok(()), "another site has a rate of its own");
        assert_eq!(
            rates.take(SiteId::of(2), None, 600, Millis(0)),
            Ok(()),
            "senders stated by token have no rate of their own"
        );
    }
}
