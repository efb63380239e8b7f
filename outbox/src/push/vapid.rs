//! Who sends a push, so that a push service takes it from no other: RFC 8292.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::SecretKey;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::json;

use super::encrypt::public_bytes;

/// How long a signature is good; services take a day at most.
const LASTS_SECONDS: i64 = 12 * 3_600;

/// The key that browsers subscribed to.
pub struct Vapid(SecretKey);

impl Vapid {
    /// None: these bytes are no key, as one in 2^32 are not.
    pub fn of(secret: &[u8; 32]) -> Option<Vapid> {
        SecretKey::from_slice(secret).ok().map(Vapid)
    }

    /// As a browser subscribes to it.
    pub fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(public_bytes(&self.0))
    }

    /// What stands in `Authorization` of a push to `origin` (as `https://push.example`); `subject` is where the service
    /// finds whoever sends, as `mailto:` or `https:`.
    pub fn authorization(&self, origin: &str, subject: Option<&str>, now_seconds: i64) -> String {
        let mut claims = json!({ "aud": origin, "exp": now_seconds + LASTS_SECONDS });
        if let Some(subject) = subject {
            claims["sub"] = subject.into();
        }
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({ "typ": "JWT", "alg": "ES256" })), part(&claims));
        let signature: Signature = SigningKey::from(&self.0).sign(signed.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(signature.to_bytes());
        format!("vapid t={signed}.{signature}, k={}", self.public())
    }
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::VerifyingKey;
    use p256::ecdsa::signature::Verifier;

    use super::*;

    #[test]
    fn a_signature_says_for_whom_until_when_and_by_whom_and_holds_for_that_alone() {
        let vapid = Vapid::of(&[7; 32]).unwrap();
        let header = vapid.authorization("https://push.example", Some("mailto:a@example.org"), 1_000);
        let (token, public) = header.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert_eq!(public, vapid.public());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        let expected = json!({ "aud": "https://push.example", "exp": 44_200, "sub": "mailto:a@example.org" });
        assert_eq!(claims, expected);
        let signature = Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        let key = VerifyingKey::from_sec1_bytes(&URL_SAFE_NO_PAD.decode(public).unwrap()).unwrap();
        key.verify(signed.as_bytes(), &signature).unwrap();
        key.verify(format!("{signed}x").as_bytes(), &signature).unwrap_err();
        assert!(Vapid::of(&[0; 32]).is_none() && Vapid::of(&[0xff; 32]).is_none());
    }
}
