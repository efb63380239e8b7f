//! How often somebody may ask: a burst, then a steady few. In memory only.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use model::rights::Principal;
use model::{AccountId, BotId, GuestId, Millis, ShareId, SiteId, TokenId};
use parking_lot::Mutex;

use crate::attempts::network;

/// Questions of reports: this many at once, then one more each `EACH`.
pub const BURST: u32 = 960;
const EACH: Duration = Duration::from_millis(50);
/// The same of requests about rooms.
pub const ROOM_BURST: u32 = 600;
const ROOM_EACH: Duration = Duration::from_millis(25);
/// The same of one address, or one network, where nobody is known: of public rooms, which anybody reads.
pub const STRANGER_BURST: u32 = 120;
const STRANGER_EACH: Duration = Duration::from_millis(500);
/// Conversations that are begun from one address, or one network: an office shares one.
pub const OPENING_BURST: u32 = 30;
const OPENING_EACH: Duration = Duration::from_secs(10);
/// Conversations that are begun on one site without work, and with it.
pub const CALM_BURST: u32 = 60;
const CALM_EACH: Duration = Duration::from_secs(1);
pub const FLOOD_BURST: u32 = 600;
const FLOOD_EACH: Duration = Duration::from_millis(100);
/// Askers remembered; past it those with the most left are forgotten first.
const REMEMBERED_MAX: usize = 10_000;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Who {
    Account(AccountId),
    Token(TokenId),
    /// Everybody who has the link.
    Share(ShareId),
    Guest(GuestId),
    Bot(BotId),
    Site(SiteId),
    /// In memory only, as all of this.
    Network(IpAddr),
}

pub struct Rate {
    burst: u32,
    each: Duration,
    /// When each has the whole burst back.
    full_at: Mutex<HashMap<Who, Millis>>,
}

impl Default for Rate {
    fn default() -> Rate {
        Rate { burst: BURST, each: EACH, full_at: Mutex::default() }
    }
}

impl Rate {
    pub fn of_strangers() -> Rate {
        Rate { burst: STRANGER_BURST, each: STRANGER_EACH, full_at: Mutex::default() }
    }

    pub fn of_openings() -> Rate {
        Rate { burst: OPENING_BURST, each: OPENING_EACH, full_at: Mutex::default() }
    }

    pub fn of_calm() -> Rate {
        Rate { burst: CALM_BURST, each: CALM_EACH, full_at: Mutex::default() }
    }

    pub fn of_flood() -> Rate {
        Rate { burst: FLOOD_BURST, each: FLOOD_EACH, full_at: Mutex::default() }
    }

    /// One conversation that is begun on a site.
    pub fn take_of(&self, site: SiteId, now: Millis) -> Result<(), Duration> {
        self.take_as(Who::Site(site), 1, now)
    }

    /// One request of whoever nobody knows, by where it comes from.
    pub fn take_from(&self, address: IpAddr, now: Millis) -> Result<(), Duration> {
        self.take_as(Who::Network(network(address)), 1, now)
    }

    /// Of requests about rooms.
    pub fn of_rooms() -> Rate {
        Rate { burst: ROOM_BURST, each: ROOM_EACH, full_at: Mutex::default() }
    }

    /// So many questions, counted where they are allowed. Err: how long until they are.
    pub fn take(&self, principal: &Principal, questions: usize, now: Millis) -> Result<(), Duration> {
        let who = match principal {
            Principal::Account { id, .. } => Who::Account(*id),
            Principal::Token { id, .. } => Who::Token(*id),
            Principal::Share { id, .. } => Who::Share(*id),
            Principal::Guest { id, .. } => Who::Guest(*id),
            Principal::Bot { id } => Who::Bot(*id),
            // Asks for nothing but what is public.
            Principal::Stranger => return Ok(()),
        };
        self.take_as(who, questions, now)
    }

    fn take_as(&self, who: Who, questions: usize, now: Millis) -> Result<(), Duration> {
        let questions = u32::try_from(questions).unwrap_or(u32::MAX).clamp(1, self.burst);
        let mut full_at = self.full_at.lock();
        let used = full_at.get(&who).map_or(Duration::ZERO, |full| full.since(now));
        let wait = used.saturating_sub(self.each * (self.burst - questions));
        if !wait.is_zero() {
            return Err(wait);
        }
        if full_at.len() >= REMEMBERED_MAX && !full_at.contains_key(&who) {
            forget_harmless(&mut full_at, now);
        }
        full_at.insert(who, now.plus(used + self.each * questions));
        Ok(())
    }
}

/// Makes room: everybody with the whole burst, or else the one nearest to it.
fn forget_harmless(full_at: &mut HashMap<Who, Millis>, now: Millis) {
    full_at.retain(|_, full| *full > now);
    if full_at.len() < REMEMBERED_MAX {
        return;
    }
    let harmless = full_at.iter().min_by_key(|(_, full)| **full).map(|(who, _)| *who);
    if let Some(who) = harmless {
        full_at.remove(&who);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_772_620_200_000);

    fn share(id: u64) -> Principal {
        Principal::Share { id: ShareId::of(id), site: SiteId::of(1), segment: None }
    }

    #[test]
    fn a_burst_and_then_a_steady_few() {
        let rate = Rate::default();
        assert_eq!(rate.take(&share(1), BURST as usize - 1, NOW), Ok(()));
        assert_eq!(rate.take(&share(1), 1, NOW), Ok(()));
        assert_eq!(rate.take(&share(1), 1, NOW), Err(EACH));
        assert_eq!(rate.take(&share(1), 16, NOW), Err(EACH * 16));
        assert_eq!(rate.take(&share(2), 1, NOW), Ok(()));
        assert_eq!(rate.take(&share(1), 1, NOW.plus(EACH)), Ok(()));
        assert_eq!(rate.take(&share(1), 1, NOW.plus(EACH)), Err(EACH));
    }

    #[test]
    fn so_many_conversations_are_begun_on_a_site_and_other_sites_do_not_matter() {
        for (rate, burst) in [(Rate::of_calm(), CALM_BURST), (Rate::of_flood(), FLOOD_BURST)] {
            assert!((0..burst).all(|_| rate.take_of(SiteId::of(1), NOW).is_ok()));
            assert!(rate.take_of(SiteId::of(1), NOW).is_err());
            assert!(rate.take_of(SiteId::of(2), NOW).is_ok());
        }
    }

    #[test]
    fn memory_is_bounded_and_who_was_refused_stays_refused() {
        let rate = Rate::default();
        assert_eq!(rate.take(&share(0), BURST as usize, NOW), Ok(()));
        for other in 1..=REMEMBERED_MAX as u64 {
            assert_eq!(rate.take(&share(other), 1, NOW), Ok(()));
        }
        assert_eq!(rate.full_at.lock().len(), REMEMBERED_MAX);
        assert!(rate.take(&share(0), 1, NOW).is_err());
    }
}
