//! What of a message is weighed: signs, words, pairs of words, hosts. Each has a number of its own, the same wherever and whenever it is made.

use std::ops::Range;

use crate::limits::BUCKETS;
use crate::sign::Sign;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Feature {
    pub id: u64,
    /// What it is worth before anybody corrected anything: more than nothing speaks of spam.
    pub weight: f32,
    /// Whether it is a word that every text has, so that it takes many messages to say something.
    pub common: bool,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Sign(Sign),
    /// Where it stands in the plain text.
    Words(Range<u32>),
}

impl Feature {
    /// Which counter is its own, beside a few others'.
    pub(crate) fn bucket(&self) -> u16 {
        (self.id % BUCKETS as u64) as u16
    }
}

/// Kept for ever: counts that were learned are found by it.
pub(crate) fn id_of_sign(sign: Sign) -> u64 {
    mixed(hashed(b's', &format!("{sign:?}")))
}

pub(crate) fn id_of_word(word: &str) -> u64 {
    mixed(hashed(b'w', word))
}

pub(crate) fn id_of_pair(first: &str, second: &str) -> u64 {
    mixed(went_on(went_on(hashed(b'p', first), " "), second))
}

pub(crate) fn id_of_host(host: &str) -> u64 {
    mixed(hashed(b'h', host))
}

/// FNV-1a with 64 bits. Every digit counts as 0: `£1000` and `£2000` are the same word.
fn hashed(kind: u8, text: &str) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    went_on((OFFSET ^ u64::from(kind)).wrapping_mul(PRIME), text)
}

const PRIME: u64 = 0x0000_0100_0000_01b3;

fn went_on(hash: u64, text: &str) -> u64 {
    text.bytes().fold(hash, |hash, byte| {
        let byte = if byte.is_ascii_digit() { b'0' } else { byte };
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    })
}

/// So that the low bits, too, depend on all bytes.
fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}
