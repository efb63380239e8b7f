//! The names of things: each id a type of its own, with one written form that parses back.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The written form was not one of this kind of id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {0}")]
pub struct BadId(pub &'static str);

/// Crockford's base 32: no I, L, O, U, so an id can be read out loud.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

fn write_base32(out: &mut fmt::Formatter<'_>, value: u64, digits: u32) -> fmt::Result {
    for digit in (0..digits).rev() {
        let index = (value >> (digit * 5)) & 31;
        fmt::Write::write_char(out, ALPHABET[index as usize] as char)?;
    }
    Ok(())
}

fn read_base32(text: &str, digits: usize) -> Option<u64> {
    if text.len() != digits {
        return None;
    }
    text.bytes().try_fold(0u64, |value, byte| {
        let upper = byte.to_ascii_uppercase();
        let digit = ALPHABET.iter().position(|&known| known == upper)?;
        Some(value << 5 | digit as u64)
    })
}

macro_rules! short_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            /// Bits that an id holds.
            pub const BITS: u32 = 40;

            /// An id of the low 40 bits of `random`.
            pub const fn of(random: u64) -> Self {
                Self(random & ((1 << Self::BITS) - 1))
            }

            pub const fn value(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str($prefix)?;
                write_base32(out, self.0, 8)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, out)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                text.strip_prefix($prefix)
                    .and_then(|digits| read_base32(digits, 8))
                    .map(Self)
                    .ok_or(BadId($what))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                if to.is_human_readable() {
                    to.collect_str(self)
                } else {
                    to.serialize_u64(self.0)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                if from.is_human_readable() {
                    let text = std::borrow::Cow::<str>::deserialize(from)?;
                    text.parse().map_err(serde::de::Error::custom)
                } else {
                    u64::deserialize(from).map(Self::of)
                }
            }
        }
    };
}

short_id!(
    /// A site: `WF-` and eight base-32 characters. Public: it stands in the tag.
    SiteId, "WF-", "site id"
);
short_id!(
    /// A person who signs in.
    AccountId, "AC-", "account id"
);
short_id!(
    /// An API token's name in lists; never the secret.
    TokenId, "TK-", "token id"
);
short_id!(
    /// An invitation's name in lists; never the secret.
    InvitationId, "IN-", "invitation id"
);
short_id!(
    /// A share link's name in lists; never the secret.
    ShareId, "SH-", "share link id"
);

short_id!(
    /// A goal, segment, funnel or annotation that is saved of a site.
    SavedId, "SV-", "saved id"
);

short_id!(
    /// A page that is looked at, whether it is there.
    PageId, "PG-", "page id"
);

short_id!(
    /// A chat room.
    RoomId, "RM-", "room id"
);
short_id!(
    /// Somebody who came into one room by its guest link.
    GuestId, "GU-", "guest id"
);
short_id!(
    /// A program that takes part in rooms.
    BotId, "BT-", "bot id"
);
short_id!(
    /// A rule by which a site speaks to visitors first.
    RuleId, "RU-", "rule id"
);
short_id!(
    /// A rule by which people are told of what becomes of a site's numbers.
    AlertId, "AL-", "alert id"
);
short_id!(
    /// A time in which an alert was so.
    IncidentId, "IC-", "incident id"
);
short_id!(
    /// By which a room hears of repositories; never the secret in its address.
    HookId, "HK-", "hook id"
);

macro_rules! wide_id {
    ($(#[$doc:meta])* $name:ident, $inner:ty, $digits:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, concat!("{:0", $digits, "x}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, out)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            /// Exactly the written form: hexadecimal digits, either case, nothing else.
            fn from_str(text: &str) -> Result<Self, BadId> {
                let exact = text.len() == $digits && text.bytes().all(|b| b.is_ascii_hexdigit());
                if !exact {
                    return Err(BadId($what));
                }
                <$inner>::from_str_radix(text, 16).map(Self).map_err(|_| BadId($what))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                if to.is_human_readable() {
                    to.collect_str(self)
                } else {
                    to.serialize_bytes(&self.0.to_le_bytes())
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                if from.is_human_readable() {
                    let text = std::borrow::Cow::<str>::deserialize(from)?;
                    text.parse().map_err(serde::de::Error::custom)
                } else {
                    let bytes = <&[u8]>::deserialize(from)?;
                    let bytes = bytes.try_into().map_err(|_| serde::de::Error::custom(BadId($what)))?;
                    Ok(Self(<$inner>::from_le_bytes(bytes)))
                }
            }
        }
    };
}

wide_id!(
    /// A hit, named by whoever sent it: 32 hexadecimal digits. Counted once however often it comes.
    HitId, u128, 32, "hit id (32 hexadecimal digits)"
);
wide_id!(
    /// A bus message, named by the collector that gathered it.
    BatchId, u128, 32, "batch id"
);
wide_id!(
    /// A segment of a site's history, drawn anew by whoever folds.
    SegmentId, u128, 32, "segment id"
);
wide_id!(
    /// A message, named by whoever sent it: 32 hexadecimal digits. Posted once however often it comes.
    MessageId, u128, 32, "message id (32 hexadecimal digits)"
);
wide_id!(
    /// Something that goes out, made of what it is about: made twice, it is one.
    JobId, u128, 32, "job id (32 hexadecimal digits)"
);
wide_id!(
    /// A file in a room. Its address: nobody guesses it.
    FileId, u128, 32, "file id (32 hexadecimal digits)"
);
wide_id!(
    /// An upload, named by whoever sends it: 32 hexadecimal digits. One file however often it comes.
    UploadId, u128, 32, "upload id (32 hexadecimal digits)"
);
wide_id!(
    /// One browser on one site: a keyed hash that dies with its salt, or the site's own first-party id, hashed.
    VisitorId, u64, 16, "visitor id"
);
wide_id!(
    /// What the open tabs of one browser agree on, in memory only, so that people who share an address
    /// and an agent are told apart while they are here. Zero: the sender cannot tell. Never in history.
    BrowserId, u64, 16, "browser id (16 hexadecimal digits)"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_id_reads_back_what_it_writes() {
        for value in [0, 1, 31, 32, 0xAB_CDEF_0123, (1 << 40) - 1] {
            let id = SiteId::of(value);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert_eq!("wf-00000000".parse::<SiteId>(), Err(BadId("site id")));
        assert_eq!("WF-0000000".parse::<SiteId>(), Err(BadId("site id")));
        assert_eq!("WF-000000000".parse::<SiteId>(), Err(BadId("site id")));
        assert_eq!("WF-0000000I".parse::<SiteId>(), Err(BadId("site id")));
    }

    #[test]
    fn a_hit_id_is_exactly_32_hexadecimal_digits() {
        let text = "00112233445566778899aabbccddeeff";
        assert_eq!(text.parse::<HitId>().map(|id| id.to_string()), Ok(text.to_owned()));
        for bad in ["", "0", "+0112233445566778899aabbccddeeff", &text[1..], &format!("{text}0")] {
            assert!(bad.parse::<HitId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn ids_survive_the_binary_form() {
        let id = HitId(u128::MAX - 7);
        let bytes = postcard::to_allocvec(&id).expect("a hit id encodes");
        assert_eq!(postcard::from_bytes::<HitId>(&bytes), Ok(id));
    }
}
