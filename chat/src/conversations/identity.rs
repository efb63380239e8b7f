//! Who a customer is by the word of the site: an HMAC-SHA256, in hex, of their id under the site's secret.

use hmac::{Hmac, KeyInit, Mac};
use model::SiteId;
use model::chat::Customer;
use sha2::Sha256;
use store::Salts;
use store::salts::NEVER;

use crate::Result;

/// What a page says of its visitor. Without a proof it is a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    pub id: String,
    pub name: String,
    pub email: String,
    /// Empty: none.
    pub hash: String,
}

/// The site's secret, as its owner copies it: 64 hexadecimal digits. The same for ever.
pub async fn identify_secret(salts: &dyn Salts, site: SiteId) -> Result<String> {
    let salt = salts.salt(&format!("identify {site}"), NEVER).await?;
    Ok(salt.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Claim {
    /// The customer that it makes: proven where the hash is that of the id, and an id at all.
    pub fn judged(self, secret: &str) -> Customer {
        let proven = !self.id.is_empty() && proves(secret, &self.id, &self.hash);
        Customer { name: self.name, email: self.email, identity: self.id, proven }
    }
}

/// In constant time.
fn proves(secret: &str, id: &str, hash: &str) -> bool {
    let Some(hash) = bytes_of(hash) else {
        return false;
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key may have any length");
    mac.update(id.as_bytes());
    mac.verify_slice(&hash).is_ok()
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(secret: &str, id: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(id.as_bytes());
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn only_the_sites_secret_proves_an_id() {
        let claim = |id: &str, hash: &str| Claim { id: id.into(), hash: hash.into(), ..Claim::default() };
        let right = hash("key", "u-17");
        assert!(claim("u-17", &right).judged("key").proven);
        assert!(claim("u-17", &right.to_uppercase()).judged("key").proven);
        assert!(!claim("u-18", &right).judged("key").proven);
        assert!(!claim("u-17", &right).judged("another").proven);
        assert!(!claim("", &hash("key", "")).judged("key").proven);
        for wrong in ["", "00", &right[1..], &format!("{right}00"), &"é".repeat(32), &"+f".repeat(32)] {
            assert!(!claim("u-17", wrong).judged("key").proven, "{wrong}");
        }
    }
}
