//! How often somebody may try a password: by e-mail and address together, and by address; and come in as a guest. In memory only.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use model::{AccountId, Millis, RoomId};
use parking_lot::Mutex;

/// For one e-mail from one address: this many at once, then one more each `PAIR_EACH`.
pub const PAIR_BURST: u32 = 8;
const PAIR_EACH: Duration = Duration::from_secs(60);
/// For one address, whatever the e-mail; an office shares one.
pub const ADDRESS_BURST: u32 = 40;
const ADDRESS_EACH: Duration = Duration::from_secs(10);
/// Guests who come into one room from one address: an office, at once; then one each `GUEST_EACH`.
pub const GUEST_BURST: u32 = 40;
const GUEST_EACH: Duration = Duration::from_secs(60);
/// Senders remembered; past it those with the most left are forgotten first.
const REMEMBERED_MAX: usize = 10_000;

/// Bounded counters of tries that failed or are under way.
#[derive(Default)]
pub struct Attempts {
    hasher: RandomState,
    /// When each sender has all its tries back.
    full_at: Mutex<HashMap<Sender, Millis>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Sender {
    Address(IpAddr),
    Pair(IpAddr, u64),
    Account(AccountId),
    Guest(IpAddr, RoomId),
}

/// One try; give it back where the password was right.
pub struct Try(Vec<Sender>);

impl Attempts {
    /// A try to sign in. Err: how long until the next is allowed.
    pub fn sign_in(&self, address: IpAddr, email: &str, now: Millis) -> Result<Try, Duration> {
        let network = network(address);
        let pair = Sender::Pair(network, self.hasher.hash_one(email.to_lowercase()));
        self.take(vec![pair, Sender::Address(network)], now)
    }

    /// A try at the password of an account by somebody who is signed in.
    pub fn account(&self, account: AccountId, now: Millis) -> Result<Try, Duration> {
        self.take(vec![Sender::Account(account)], now)
    }

    /// A guest who comes in. Err: how long until the next may.
    pub fn guest(&self, address: IpAddr, room: RoomId, now: Millis) -> Result<(), Duration> {
        self.take(vec![Sender::Guest(network(address), room)], now).map(drop)
    }

    /// The password was right: the try does not count.
    pub fn give_back(&self, used: Try) {
        let mut full_at = self.full_at.lock();
        for sender in used.0 {
            if let Some(full) = full_at.get_mut(&sender) {
                *full = full.minus(each(sender));
            }
        }
    }

    fn take(&self, senders: Vec<Sender>, now: Millis) -> Result<Try, Duration> {
        let mut full_at = self.full_at.lock();
        let waits = senders.iter().map(|sender| wait(full_at.get(sender).copied(), *sender, now));
        let longest = waits.max().unwrap_or_default();
        if !longest.is_zero() {
            return Err(longest);
        }
        for sender in &senders {
            if full_at.len() >= REMEMBERED_MAX && !full_at.contains_key(sender) {
                forget_harmless(&mut full_at, now);
            }
            let full = full_at.entry(*sender).or_insert(now);
            *full = (*full).max(now).plus(each(*sender));
        }
        Ok(Try(senders))
    }
}

/// How long until one more is allowed.
fn wait(full_at: Option<Millis>, sender: Sender, now: Millis) -> Duration {
    let used = full_at.map_or(Duration::ZERO, |full| full.since(now));
    let allowed = each(sender) * (burst(sender) - 1);
    used.saturating_sub(allowed)
}

/// Makes room: everybody with all tries back, or else the one nearest to it.
fn forget_harmless(full_at: &mut HashMap<Sender, Millis>, now: Millis) {
    full_at.retain(|_, full| *full > now);
    if full_at.len() < REMEMBERED_MAX {
        return;
    }
    let harmless = full_at.iter().min_by_key(|(_, full)| **full).map(|(sender, _)| *sender);
    if let Some(sender) = harmless {
        full_at.remove(&sender);
    }
}

fn burst(sender: Sender) -> u32 {
    match sender {
        Sender::Address(_) => ADDRESS_BURST,
        Sender::Pair(..) | Sender::Account(_) => PAIR_BURST,
        Sender::Guest(..) => GUEST_BURST,
    }
}

fn each(sender: Sender) -> Duration {
    match sender {
        Sender::Address(_) => ADDRESS_EACH,
        Sender::Pair(..) | Sender::Account(_) => PAIR_EACH,
        Sender::Guest(..) => GUEST_EACH,
    }
}

/// One customer of a provider has a whole /64 of IPv6.
pub fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(long) => IpAddr::V6(Ipv6Addr::from(u128::from(long) >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_772_620_200_000);

    fn address(last: u16) -> IpAddr {
        IpAddr::from([192, 0, (last >> 8) as u8, last as u8])
    }

    #[test]
    fn a_pair_has_its_burst_and_then_one_a_minute() {
        let attempts = Attempts::default();
        for _ in 0..PAIR_BURST {
            assert!(attempts.sign_in(address(1), "ada@example.org", NOW).is_ok());
        }
        assert_eq!(attempts.sign_in(address(1), "ADA@example.org", NOW).err(), Some(PAIR_EACH));
        assert!(attempts.sign_in(address(1), "bob@example.org", NOW).is_ok());
        assert!(attempts.sign_in(address(2), "ada@example.org", NOW).is_ok());
        assert!(attempts.sign_in(address(1), "ada@example.org", NOW.plus(PAIR_EACH)).is_ok());
        assert!(attempts.sign_in(address(1), "ada@example.org", NOW.plus(PAIR_EACH)).is_err());
    }

    #[test]
    fn an_address_has_a_burst_over_all_emails() {
        let attempts = Attempts::default();
        for person in 0..ADDRESS_BURST {
            assert!(attempts.sign_in(address(1), &person.to_string(), NOW).is_ok());
        }
        assert_eq!(attempts.sign_in(address(1), "another", NOW).err(), Some(ADDRESS_EACH));
        assert!(attempts.sign_in(address(2), "another", NOW).is_ok());
    }

    #[test]
    fn a_right_password_costs_nothing() {
        let attempts = Attempts::default();
        for _ in 0..3 * ADDRESS_BURST {
            let used = attempts.sign_in(address(1), "ada", NOW).ok().unwrap();
            attempts.give_back(used);
        }
    }

    #[test]
    fn addresses_of_one_ipv6_network_share() {
        let long = |text: &str| network(text.parse().unwrap());
        assert_eq!(long("2001:db8::1"), long("2001:db8::ffff:2"));
        assert_ne!(long("2001:db8::1"), long("2001:db8:0:1::1"));
    }

    #[test]
    fn memory_is_bounded_and_who_was_refused_stays_refused() {
        let attempts = Attempts::default();
        for _ in 0..PAIR_BURST {
            attempts.sign_in(address(0), "ada", NOW).ok().unwrap();
        }
        for other in 1..=REMEMBERED_MAX as u16 {
            attempts.sign_in(address(other), "ada", NOW).ok().unwrap();
        }
        assert_eq!(attempts.full_at.lock().len(), REMEMBERED_MAX);
        assert!(attempts.sign_in(address(0), "ada", NOW).is_err());
    }
}
