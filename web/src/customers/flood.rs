//! A flood of conversations: a site has a few begun without ado. Once those are used up, whoever begins one works for it
//! first, which costs a customer's browser a second and who begins thousands a day; at so many nobody begins one.
//! By process and in memory only, but for the work, which any process of the installation checks.

use std::time::Duration;

use axum::http::StatusCode;
use door::Refusal;
use model::{Millis, SiteId};
use serde_json::json;
use sha2::{Digest, Sha256};
use store::salts::{NEVER, Salts};

use crate::Web;
use crate::error::Problem;

/// Zero bits that the hash begins with: one in 262,144.
pub const WORK_BITS: u32 = 18;
/// Characters of what is tried.
pub const NONCE_CHARS_MAX: usize = 16;
/// How long a challenge is good, at least; twice as long at most.
const WINDOW: Duration = Duration::from_secs(600);

/// Lets a conversation begin, or says what to do first.
pub async fn admit(web: &Web, site: SiteId, secret: &str, nonce: Option<&str>) -> Result<(), Problem> {
    let now = web.clock.now();
    let did_work = match nonce {
        Some(nonce) => did_work(web.store.salts.as_ref(), site, secret, nonce, now).await?,
        None => false,
    };
    if did_work {
        return Ok(web.flood_rate.take_of(site, now).map_err(|wait| {
            let message =
                "So many conversations are begun here that none can be just now; go on in a moment.";
            Refusal::new(StatusCode::TOO_MANY_REQUESTS, "flood", message).retry_after(wait)
        })?);
    }
    if web.calm_rate.take_of(site, now).is_ok() {
        return Ok(());
    }
    let challenge = challenge(web.store.salts.as_ref(), site, secret, window(now)).await?;
    let message = "Many conversations are begun here just now. Find a text of at most 16 characters with which SHA-256 of \
                   the challenge, a colon and that text begins with so many zero bits, and send it as `work`.";
    let refusal = Refusal::new(StatusCode::PRECONDITION_REQUIRED, "work", message);
    Err(refusal.with("work", json!({ "challenge": challenge, "bits": WORK_BITS })).into())
}

fn window(now: Millis) -> i64 {
    now.0.div_euclid(WINDOW.as_millis() as i64)
}

/// Of one browser and one time; nobody can work ahead.
async fn challenge(salts: &dyn Salts, site: SiteId, secret: &str, window: i64) -> store::Result<String> {
    let key = salts.salt("work before conversations", NEVER).await?;
    let mac = blake3::keyed_hash(&key, format!("{site} {window} {secret}").as_bytes());
    Ok(mac.to_hex()[..32].to_owned())
}

async fn did_work(
    salts: &dyn Salts,
    site: SiteId,
    secret: &str,
    nonce: &str,
    now: Millis,
) -> store::Result<bool> {
    if nonce.len() > NONCE_CHARS_MAX {
        return Ok(false);
    }
    for window in [window(now), window(now) - 1] {
        let challenge = challenge(salts, site, secret, window).await?;
        if zero_bits(&Sha256::digest(format!("{challenge}:{nonce}"))) >= WORK_BITS {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Zero bits that it begins with, up to 32.
fn zero_bits(hash: &[u8]) -> u32 {
    hash.first_chunk::<4>().map_or(0, |first| u32::from_be_bytes(*first).leading_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_bits_are_counted_from_the_first() {
        assert_eq!(zero_bits(&[0xFF, 0, 0, 0]), 0);
        assert_eq!(zero_bits(&[0, 0, 0x3F, 0xFF]), 18);
        assert_eq!(zero_bits(&[0, 0, 0x40, 0]), 17);
        assert_eq!(zero_bits(&[0; 32]), 32);
    }
}
