//! Who takes part in a room.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ids::BadId;
use crate::{AccountId, BotId, GuestId};

/// Written as the id is, whose letters say what it names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    Account(AccountId),
    Guest(GuestId),
    Bot(BotId),
}

/// Who tells of commits, in every room that hears of any: a bot whose token nobody has.
pub const TELLER: BotId = BotId::of(0x0063_6F6D_6D69);

const BITS: u32 = AccountId::BITS;

impl Who {
    /// As one number, which is different for everybody: how it is stored.
    pub const fn number(self) -> i64 {
        let (kind, value) = match self {
            Who::Account(id) => (0, id.value()),
            Who::Guest(id) => (1, id.value()),
            Who::Bot(id) => (2, id.value()),
        };
        (kind << BITS | value) as i64
    }

    pub const fn of_number(number: i64) -> Option<Who> {
        let value = number as u64;
        match number >> BITS {
            0 => Some(Who::Account(AccountId::of(value))),
            1 => Some(Who::Guest(GuestId::of(value))),
            2 => Some(Who::Bot(BotId::of(value))),
            _ => None,
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Account(id) => id.fmt(out),
            Who::Guest(id) => id.fmt(out),
            Who::Bot(id) => id.fmt(out),
        }
    }
}

impl fmt::Debug for Who {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl FromStr for Who {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Who, BadId> {
        let account = text.parse().map(Who::Account);
        account
            .or_else(|_| text.parse().map(Who::Guest))
            .or_else(|_| text.parse().map(Who::Bot))
            .map_err(|_: BadId| BadId("id of an account, guest or bot"))
    }
}

impl Serialize for Who {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Who {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Who, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_one_number_and_one_name_that_read_back() {
        let last = (1 << BITS) - 1;
        let mut numbers = std::collections::HashSet::new();
        for value in [0, 1, last] {
            for who in [
                Who::Account(AccountId::of(value)),
                Who::Guest(GuestId::of(value)),
                Who::Bot(BotId::of(value)),
            ] {
                assert_eq!(Who::of_number(who.number()), Some(who));
                assert_eq!(who.to_string().parse(), Ok(who));
                assert!(numbers.insert(who.number()));
            }
        }
        assert_eq!(Who::of_number(3 << BITS), None);
        assert_eq!(Who::of_number(-1), None);
        assert!("WF-00000000".parse::<Who>().is_err());
    }
}
