//! Who a hit is from, without knowing who: visitor ids, and the shard that a sender's hits go to.
//!
//! A visitor id is a keyed hash of site, address and agent. Its key, the salt, belongs to the site's time zone and
//! local day, so that a browser is one visitor from the site's midnight to its next, and is destroyed
//! when no open visit can need it any more. The address ends here. The collector's door and that of the customers' chat
//! know the same browser by the same id.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use model::{Clock, Millis, SiteId, VisitorId, limits};
use store::salts::Salt;
use store::{Salts, StoreError};
use tokio_util::sync::CancellationToken;

/// How often expired salts are destroyed.
const DESTROY_EVERY: Duration = Duration::from_secs(3_600);
/// Key of the hash of a site's own first-party ids.
const FIRST_PARTY_CONTEXT: &str = "watchfire 2026-11 first-party visitor id";
/// Key of the hash that picks a shard. No secret: only `hash % shards` leaves this file, a few bits.
const SHARD_CONTEXT: &str = "watchfire 2026-11 shard of a sender";

/// What a sender is known by behind the collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    pub visitor: VisitorId,
    /// Under the salt of the day before. None: the id does not change by day.
    pub before: Option<VisitorId>,
}

pub struct Identity {
    salts: Arc<dyn Salts>,
    /// By time zone.
    days: ArcSwap<HashMap<String, Arc<Day>>>,
    first_party_key: Salt,
    shard_key: Salt,
}

/// A local day of a time zone, with the salts that hold on it.
#[derive(Debug)]
pub struct Day {
    begins: Millis,
    ends: Millis,
    salt: Salt,
    salt_before: Salt,
}

impl Identity {
    pub fn new(salts: Arc<dyn Salts>) -> Identity {
        Identity {
            salts,
            days: ArcSwap::default(),
            first_party_key: blake3::derive_key(FIRST_PARTY_CONTEXT, b""),
            shard_key: blake3::derive_key(SHARD_CONTEXT, b""),
        }
    }

    /// The day that `now` lies on in this zone. Asks the store once a zone and day.
    pub async fn day(&self, zone: &str, now: Millis) -> Result<Arc<Day>, StoreError> {
        if let Some(day) = self.days.load().get(zone).filter(|day| day.begins <= now && now < day.ends) {
            return Ok(day.clone());
        }
        let day = Arc::new(self.begin_day(zone, now).await?);
        self.days.rcu(|known| {
            let mut days = HashMap::clone(known);
            days.insert(zone.to_owned(), day.clone());
            days
        });
        Ok(day)
    }

    async fn begin_day(&self, zone: &str, now: Millis) -> Result<Day, StoreError> {
        let local = local(zone, now);
        let (today, yesterday) = (local.date(), local.date().yesterday().unwrap_or(local.date()));
        let (begins, ends) = bounds(&local);
        let name = |date: jiff::civil::Date| format!("{zone} {date}");
        // Needed as the salt before until the next day ends, and for late arrivals of a visit over that end.
        let lasts = ends.plus(Duration::from_secs(25 * 3_600)).plus(limits::VISIT_GAP_MAX);
        let lasts_before = ends.plus(limits::VISIT_GAP_MAX);
        Ok(Day {
            begins,
            ends,
            salt: self.salts.salt(&name(today), lasts).await?,
            salt_before: self.salts.salt(&name(yesterday), lasts_before).await?,
        })
    }

    /// A sender without an identifier.
    pub fn by_salt(&self, day: &Day, site: SiteId, address: IpAddr, agent: &str) -> Known {
        let visitor = |salt| VisitorId(sender_hash(salt, site, address, agent));
        Known { visitor: visitor(&day.salt), before: Some(visitor(&day.salt_before)) }
    }

    /// A sender with the site's own id, kept by the browser.
    pub fn by_first_party(&self, site: SiteId, id: &str) -> Known {
        let mut hasher = blake3::Hasher::new_keyed(&self.first_party_key);
        hasher.update(&site.value().to_le_bytes()).update(id.as_bytes());
        Known { visitor: VisitorId(first_64_bits(&hasher)), before: None }
    }

    /// The shard of a sender: the same before and after a change of salts, so that one processor sees both.
    pub fn shard(&self, known: Known, site: SiteId, address: IpAddr, agent: &str, shards: u16) -> u16 {
        let shards = u64::from(shards.max(1));
        let hash = match (shards, known.before) {
            (1, _) => 0,
            (_, None) => known.visitor.0,
            (_, Some(_)) => sender_hash(&self.shard_key, site, address, agent),
        };
        (hash % shards) as u16
    }

    /// Destroys expired salts, at once and then hourly, until the shutdown.
    pub async fn destroy_expired(&self, clock: &dyn Clock, shutdown: &CancellationToken) {
        loop {
            let now = clock.now();
            if let Err(error) = self.salts.destroy_expired(now).await {
                tracing::warn!(%error, "expired salts not destroyed; tried again in an hour");
            }
            self.days.rcu(|known| {
                let current = known.iter().filter(|(_, day)| now < day.ends);
                current.map(|(zone, day)| (zone.clone(), day.clone())).collect::<HashMap<_, _>>()
            });
            tokio::select! {
                () = tokio::time::sleep(DESTROY_EVERY) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }
}

/// A site's zone was checked when it was saved; one that this program no longer knows counts as UTC.
fn local(zone: &str, now: Millis) -> Zoned {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    Timestamp::from_millisecond(now.0).unwrap_or_default().to_zoned(zone)
}

fn bounds(local: &Zoned) -> (Millis, Millis) {
    let start = local.start_of_day().unwrap_or_else(|_| local.clone());
    let next =
        start.checked_add(1.day()).and_then(|next| next.start_of_day()).unwrap_or_else(|_| start.clone());
    (Millis(start.timestamp().as_millisecond()), Millis(next.timestamp().as_millisecond()))
}

fn sender_hash(key: &Salt, site: SiteId, address: IpAddr, agent: &str) -> u64 {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(&site.value().to_le_bytes());
    match address.to_canonical() {
        IpAddr::V4(address) => hasher.update(&address.octets()),
        IpAddr::V6(address) => hasher.update(&address.octets()),
    };
    // The agent stands last: nothing behind it could be mistaken for a part of it.
    hasher.update(agent.as_bytes());
    first_64_bits(&hasher)
}

fn first_64_bits(hasher: &blake3::Hasher) -> u64 {
    let mut bits = [0; 8];
    bits.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use parking_lot::Mutex;

    const SITE: SiteId = SiteId::of(7);
    const HOUR: i64 = 3_600_000;

    /// Salts by name, and until when each is kept.
    #[derive(Default)]
    struct Kept(Mutex<HashMap<String, (Salt, Millis)>>);

    #[async_trait]
    impl Salts for Kept {
        async fn salt(&self, name: &str, expires: Millis) -> store::Result<Salt> {
            let mut kept = self.0.lock();
            let made = *blake3::hash(name.as_bytes()).as_bytes();
            let salt = kept.entry(name.to_owned()).or_insert((made, expires));
            salt.1 = salt.1.max(expires);
            Ok(salt.0)
        }

        async fn destroy_expired(&self, now: Millis) -> store::Result<()> {
            self.0.lock().retain(|_, (_, expires)| now < *expires);
            Ok(())
        }
    }

    async fn known(identity: &Identity, zone: &str, now: Millis) -> Known {
        let day = identity.day(zone, now).await.unwrap();
        identity.by_salt(&day, SITE, "198.51.100.1".parse().unwrap(), "agent")
    }

    #[tokio::test]
    async fn the_id_lasts_from_the_sites_midnight_to_its_next_and_yesterdays_is_tried() {
        let identity = Identity::new(Arc::new(Kept::default()));
        // Paris is UTC+1 in winter: its 2026-03-04 begins at 23:00 UTC the day before.
        let midnight = 1_772_578_800_000;
        let at = |hours: i64| Millis(midnight + hours * HOUR);
        let first = known(&identity, "Europe/Paris", at(0)).await;
        assert_eq!(known(&identity, "Europe/Paris", at(23)).await, first);
        let next = known(&identity, "Europe/Paris", at(24)).await;
        assert_ne!(next.visitor, first.visitor);
        assert_eq!(next.before, Some(first.visitor));
        let before = known(&identity, "Europe/Paris", Millis(midnight - 1)).await;
        assert_eq!(first.before, Some(before.visitor));
        assert_ne!(known(&identity, "Asia/Tokyo", at(0)).await.visitor, first.visitor);
    }

    #[tokio::test]
    async fn a_day_of_23_or_25_hours_is_one_day() {
        let identity = Identity::new(Arc::new(Kept::default()));
        let check = async |noon: i64, hours: i64| {
            let day = identity.day("Europe/Paris", Millis(noon)).await.unwrap();
            assert_eq!((day.ends.0 - day.begins.0) / HOUR, hours);
        };
        check(1_774_782_000_000, 23).await; // 2026-03-29
        check(1_792_926_000_000, 25).await; // 2026-10-25
        check(1_772_622_000_000, 24).await; // 2026-03-04
    }

    #[tokio::test]
    async fn a_salt_is_kept_while_a_visit_may_cross_from_it_and_is_gone_the_day_after() {
        let kept = Arc::new(Kept::default());
        let identity = Identity::new(kept.clone());
        let midnight = 1_772_582_400_000; // 2026-03-04 UTC
        let first = known(&identity, "UTC", Millis(midnight + HOUR)).await;
        let late_next_day = Millis(midnight + 48 * HOUR - 1);
        kept.destroy_expired(late_next_day).await.unwrap();
        assert_eq!(known(&identity, "UTC", late_next_day).await.before, Some(first.visitor));
        kept.destroy_expired(Millis(midnight + 50 * HOUR)).await.unwrap();
        assert!(!kept.0.lock().contains_key("UTC 2026-03-04"));
    }

    #[tokio::test]
    async fn site_address_and_agent_each_make_another_visitor() {
        let identity = Identity::new(Arc::new(Kept::default()));
        let day = identity.day("UTC", Millis(0)).await.unwrap();
        let of = |site: u64, address: &str, agent: &str| {
            identity.by_salt(&day, SiteId::of(site), address.parse().unwrap(), agent).visitor
        };
        let base = of(1, "198.51.100.1", "a");
        assert_eq!(of(1, "::ffff:198.51.100.1", "a"), base, "the same address in another coat");
        for other in [of(2, "198.51.100.1", "a"), of(1, "198.51.100.2", "a"), of(1, "198.51.100.1", "b")] {
            assert_ne!(other, base);
        }
    }

    #[tokio::test]
    async fn the_shard_outlives_the_salt_and_first_party_ids_do_not_change() {
        let identity = Identity::new(Arc::new(Kept::default()));
        let address: IpAddr = "198.51.100.1".parse().unwrap();
        let mut seen = std::collections::HashSet::new();
        for number in 0..200 {
            let agent = format!("agent {number}");
            let shard_on = async |now| {
                let day = identity.day("UTC", now).await.unwrap();
                let known = identity.by_salt(&day, SITE, address, &agent);
                identity.shard(known, SITE, address, &agent, 8)
            };
            let shard = shard_on(Millis(0)).await;
            assert_eq!(shard_on(Millis(30 * HOUR)).await, shard);
            seen.insert(shard);
        }
        assert_eq!(seen.len(), 8, "a busy site spreads");
        let own = identity.by_first_party(SITE, "id");
        assert_eq!((own, own.before), (identity.by_first_party(SITE, "id"), None));
        assert_ne!(own, identity.by_first_party(SiteId::of(8), "id"));
    }
}
