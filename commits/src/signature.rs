//! Whether a delivery is from who it says: a signature over its raw bytes, or a token, compared in constant time.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use model::Millis;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::forge::{Forge, value};
use crate::limits;

/// What the secrets of Standard Webhooks begin with; the key behind it is base 64.
const STANDARD_SECRET: &str = "whsec_";

/// Whether headers and body hold together under this secret. An empty secret never does.
pub fn holds(forge: Forge, headers: &HeaderMap, body: &[u8], secret: &str, now: Millis) -> bool {
    if secret.is_empty() || secret.len() > limits::SECRET_BYTES_MAX {
        return false;
    }
    let hexadecimal = |name, prefix| {
        let signature = value(headers, name).and_then(|value| value.strip_prefix(prefix));
        signature.is_some_and(|signature| is_signed(secret.as_bytes(), &[body], &from_hex(signature)))
    };
    match forge {
        Forge::GitHub => hexadecimal("x-hub-signature-256", "sha256="),
        Forge::Gitea => hexadecimal("x-gitea-signature", ""),
        Forge::Forgejo => {
            hexadecimal("x-forgejo-signature", "")
                || (!headers.contains_key("x-forgejo-signature") && hexadecimal("x-gitea-signature", ""))
        }
        Forge::BitbucketCloud | Forge::BitbucketServer => hexadecimal("x-hub-signature", "sha256="),
        // Where there is a signature, the token beside it proves nothing more.
        Forge::GitLab if headers.contains_key("webhook-signature") => {
            holds_standard(headers, body, secret, now)
        }
        Forge::GitLab => value(headers, "x-gitlab-token")
            .is_some_and(|token| token.as_bytes().ct_eq(secret.as_bytes()).into()),
        Forge::Git | Forge::Subversion => holds_standard(headers, body, secret, now),
    }
}

/// Standard Webhooks 1.0: `v1,` and base 64 of HMAC-SHA256 over `id.seconds.body`, one or several by spaces.
fn holds_standard(headers: &HeaderMap, body: &[u8], secret: &str, now: Millis) -> bool {
    let (Some(id), Some(seconds), Some(signatures)) = (
        value(headers, "webhook-id"),
        value(headers, "webhook-timestamp"),
        value(headers, "webhook-signature"),
    ) else {
        return false;
    };
    let Ok(at) = seconds.parse::<u32>() else { return false };
    let at = Millis(i64::from(at) * 1_000);
    let apart: Duration = now.since(at).max(at.since(now));
    let Some(key) = standard_key(secret) else { return false };
    let signed: [&[u8]; 5] = [id.as_bytes(), b".", seconds.as_bytes(), b".", body];
    apart <= limits::SIGNATURE_AGE_MAX
        && signatures
            .split(' ')
            .filter_map(|one| one.strip_prefix("v1,"))
            .take(limits::SIGNATURES_MAX)
            .any(|one| is_signed(&key, &signed, &STANDARD.decode(one).unwrap_or_default()))
}

/// The value of `webhook-signature` for a delivery of ours.
pub fn standard(secret: &str, id: &str, seconds: u32, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&standard_key(secret)?).ok()?;
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

/// None: it says that it is base 64 and is not.
fn standard_key(secret: &str) -> Option<Vec<u8>> {
    match secret.strip_prefix(STANDARD_SECRET) {
        Some(encoded) => STANDARD.decode(encoded).ok().filter(|key| !key.is_empty()),
        None => Some(secret.as_bytes().to_vec()),
    }
}

fn is_signed(key: &[u8], parts: &[&[u8]], signature: &[u8]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return false };
    for part in parts {
        mac.update(part);
    }
    // Compares in constant time, and its length first.
    mac.verify_slice(signature).is_ok()
}

/// Empty, which is no signature, for what is not hexadecimal.
fn from_hex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes: Option<Vec<u8>> =
        pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    if rest.is_empty() { bytes.unwrap_or_default() } else { Vec::new() }
}

#[cfg(test)]
mod tests;
