//! Secrets that people carry in links, cookies and tokens: random, never stored, looked up by their hash.

use model::{AccountId, AlertId, InvitationId, PageId, RuleId, SavedId, ShareId, SiteId, TokenId};

/// Bytes of randomness in a secret: 160 bits.
const SECRET_BYTES: usize = 20;
/// RFC 4648, lower case.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Characters of a written secret at most that are looked at.
const WRITTEN_MAX: usize = 64;

/// A new secret: 32 letters and digits.
pub fn fresh() -> String {
    let mut random = [0; SECRET_BYTES];
    fill(&mut random);
    base32(&random)
}

/// A new API token; its beginning says what it is, for people and for scanners of leaked secrets.
pub fn fresh_token() -> String {
    format!("wft_{}", fresh())
}

/// Whether a text of the address may be a secret at all.
pub fn is_plausible(text: &str) -> bool {
    (1..=WRITTEN_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// 16 random bytes for a password's hash.
pub fn salt() -> [u8; 16] {
    let mut random = [0; 16];
    fill(&mut random);
    random
}

pub fn site_id() -> SiteId {
    SiteId::of(number())
}

pub fn account_id() -> AccountId {
    AccountId::of(number())
}

pub fn token_id() -> TokenId {
    TokenId::of(number())
}

pub fn invitation_id() -> InvitationId {
    InvitationId::of(number())
}

pub fn share_id() -> ShareId {
    ShareId::of(number())
}

pub fn saved_id() -> SavedId {
    SavedId::of(number())
}

pub fn alert_id() -> AlertId {
    AlertId::of(number())
}

pub fn page_id() -> PageId {
    PageId::of(number())
}

pub fn rule_id() -> RuleId {
    RuleId::of(number())
}

fn number() -> u64 {
    let mut random = [0; 8];
    fill(&mut random);
    u64::from_le_bytes(random)
}

fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system gives randomness");
}

fn base32(bytes: &[u8]) -> String {
    let digits = bytes.chunks(5).flat_map(|five| {
        let value = five.iter().fold(0u64, |value, &byte| value << 8 | u64::from(byte));
        (0..8).rev().map(move |digit| BASE32[(value >> (digit * 5) & 31) as usize] as char)
    });
    digits.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_plain_and_never_the_same() {
        let (one, other) = (fresh(), fresh());
        assert_eq!(one.len(), 32);
        assert!(is_plausible(&one) && is_plausible(&fresh_token()));
        assert_ne!(one, other);
        assert_eq!(base32(&[0xff; 5]), "77777777");
        assert_eq!(base32(&[0, 0, 0, 0, 1]), "aaaaaaab");
    }

    #[test]
    fn what_cannot_be_a_secret_is_not_looked_up() {
        for bad in ["", "a/b", "a b", "%00", "é", &"a".repeat(WRITTEN_MAX + 1)] {
            assert!(!is_plausible(bad), "{bad}");
        }
        assert!(is_plausible(&"a".repeat(WRITTEN_MAX)));
    }
}
