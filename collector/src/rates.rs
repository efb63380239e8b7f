//! How much one visitor and one site may send: token buckets in bounded memory.
//! Never by address alone, for an office shares one, nor by address and agent alone, for so do a thousand phones behind a
//! carrier's gateway: the browser's own id belongs to the key. Who makes up ids meets the site's rate.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use model::{BrowserId, Millis, SiteId, VisitorId};
use parking_lot::Mutex;

use crate::options::{Options, RATED_VISITORS_MAX, SITE_BURST_SECONDS, VISITOR_BURST_MAX};

/// Too fast: try again after so long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum TooFast {
    Visitor(Duration),
    Site(Duration),
}

/// A browser among those that share a visitor id.
pub(crate) type Sender = (VisitorId, BrowserId);

pub(crate) struct Rates {
    visitors: Mutex<Buckets<(SiteId, Sender)>>,
    sites: Mutex<Buckets<SiteId>>,
}

impl Rates {
    pub(crate) fn new(options: &Options) -> Rates {
        let site_burst = options.site_rate.saturating_mul(SITE_BURST_SECONDS);
        let visitor_burst = options.visitor_rate.saturating_add(VISITOR_BURST_MAX);
        Rates {
            visitors: Mutex::new(Buckets::new(options.visitor_rate, visitor_burst, RATED_VISITORS_MAX)),
            sites: Mutex::new(Buckets::new(options.site_rate, site_burst, model::limits::SITES_MAX)),
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
        if let Some(sender) = sender {
            self.visitors.lock().take((site, sender), hits, now).map_err(TooFast::Visitor)?;
        }
        self.sites.lock().take(site, hits, now).map_err(TooFast::Site)
    }
}

/// Buckets by key in two generations: where the younger is full the older is dropped, and with it
/// whoever was not seen for longest. A forgotten key starts with a full bucket.
struct Buckets<K> {
    a_second: f64,
    burst: f64,
    generation_max: usize,
    young: HashMap<K, Bucket>,
    old: HashMap<K, Bucket>,
}

#[derive(Clone, Copy)]
struct Bucket {
    left: f64,
    at: Millis,
}

impl<K: Hash + Eq + Copy> Buckets<K> {
    fn new(a_second: u32, burst: u32, keys_max: usize) -> Buckets<K> {
        Buckets {
            a_second: f64::from(a_second).max(f64::MIN_POSITIVE),
            burst: f64::from(burst).max(1.0),
            generation_max: (keys_max / 2).max(1),
            young: HashMap::new(),
            old: HashMap::new(),
        }
    }

    fn take(&mut self, key: K, hits: usize, now: Millis) -> Result<(), Duration> {
        let full = Bucket { left: self.burst, at: now };
        let bucket = match self.young.get_mut(&key) {
            Some(bucket) => bucket,
            None => {
                if self.young.len() >= self.generation_max {
                    self.old = std::mem::take(&mut self.young);
                }
                let known = self.old.remove(&key).unwrap_or(full);
                self.young.entry(key).or_insert(known)
            }
        };
        let gained = now.since(bucket.at).as_secs_f64() * self.a_second;
        bucket.left = (bucket.left + gained).min(self.burst);
        bucket.at = bucket.at.max(now);
        // A request larger than the burst could never pass: it passes a full bucket.
        let needed = (hits as f64).min(self.burst);
        if bucket.left < needed {
            return Err(Duration::from_secs_f64(((needed - bucket.left) / self.a_second).min(60.0)));
        }
        bucket.left -= needed;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_clock_that_steps_back_gives_nothing_away() {
        let mut buckets = Buckets::new(10, 10, 1_000);
        assert_eq!(buckets.take(1, 10, Millis(10_000)), Ok(()));
        assert!(buckets.take(1, 1, Millis(0)).is_err());
        assert!(buckets.take(1, 1, Millis(10_000)).is_err());
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
        assert_eq!(take(2, 3, 501), Ok(()), "another site has a rate of its own");
        assert_eq!(
            rates.take(SiteId::of(2), None, 600, Millis(0)),
            Ok(()),
            "senders stated by token have no rate of their own"
        );
    }
}
