//! What a push says, so that only the browser it is for can read it: RFC 8291 over the content coding of RFC 8188.

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes128Gcm, Nonce};
use hkdf::Hkdf;
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::{PublicKey, SecretKey};
use sha2::Sha256;

/// Bytes of a body that every push service takes, and so of one record.
pub const BODY_BYTES_MAX: usize = 4_096;
pub const PUBLIC_BYTES: usize = 65;
pub const AUTH_BYTES: usize = 16;
const SALT_BYTES: usize = 16;
const TAG_BYTES: usize = 16;
const HEADER_BYTES: usize = SALT_BYTES + 4 + 1 + PUBLIC_BYTES;
/// Bytes that fit into one push; behind them stands the byte that says that they end.
pub const PLAIN_BYTES_MAX: usize = BODY_BYTES_MAX - HEADER_BYTES - TAG_BYTES - 1;
const LAST_RECORD: u8 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    #[error("the browser's keys are none")]
    Keys,
    #[error("at most {PLAIN_BYTES_MAX} bytes of a push")]
    Limit,
}

/// Whether they are an uncompressed point of the curve and a secret of its length.
pub fn are_keys(p256dh: &[u8], auth: &[u8]) -> bool {
    p256dh.len() == PUBLIC_BYTES && PublicKey::from_sec1_bytes(p256dh).is_ok() && auth.len() == AUTH_BYTES
}

/// The body of a push, for a browser's public key and secret.
pub fn encrypt(p256dh: &[u8], auth: &[u8], plain: &[u8]) -> Result<Vec<u8>, Unsendable> {
    seal(p256dh, auth, plain, &fresh_key(), random())
}

fn seal(
    p256dh: &[u8],
    auth: &[u8],
    plain: &[u8],
    ours: &SecretKey,
    salt: [u8; SALT_BYTES],
) -> Result<Vec<u8>, Unsendable> {
    if plain.len() > PLAIN_BYTES_MAX {
        return Err(Unsendable::Limit);
    }
    if !are_keys(p256dh, auth) {
        return Err(Unsendable::Keys);
    }
    let theirs = PublicKey::from_sec1_bytes(p256dh).map_err(|_| Unsendable::Keys)?;
    let public = public_bytes(ours);
    let shared = ours.diffie_hellman(&theirs);
    let info = [b"WebPush: info\0", p256dh, public.as_slice()].concat();
    let input: [u8; 32] = expand(auth, shared.raw_secret_bytes(), &info);
    let key: [u8; 16] = expand(&salt, &input, b"Content-Encoding: aes128gcm\0");
    let nonce: [u8; 12] = expand(&salt, &input, b"Content-Encoding: nonce\0");
    let record = [plain, &[LAST_RECORD]].concat();
    let sealed = Aes128Gcm::new(&key.into())
        .encrypt(&Nonce::from(nonce), record.as_slice())
        .map_err(|_| Unsendable::Limit)?;
    let mut body = Vec::with_capacity(HEADER_BYTES + sealed.len());
    body.extend_from_slice(&salt);
    body.extend_from_slice(&(BODY_BYTES_MAX as u32).to_be_bytes());
    body.push(PUBLIC_BYTES as u8);
    body.extend_from_slice(&public);
    body.extend_from_slice(&sealed);
    Ok(body)
}

fn expand<const BYTES: usize>(salt: &[u8], input: &[u8], info: &[u8]) -> [u8; BYTES] {
    let mut out = [0; BYTES];
    Hkdf::<Sha256>::new(Some(salt), input).expand(info, &mut out).expect("a key is shorter than HKDF gives");
    out
}

/// As browsers are told of it: an uncompressed point.
pub fn public_bytes(key: &SecretKey) -> Vec<u8> {
    key.public_key().to_sec1_point(false).as_bytes().to_vec()
}

fn fresh_key() -> SecretKey {
    loop {
        // All but one in 2^32 are a key.
        if let Ok(key) = SecretKey::from_slice(&random::<32>()) {
            return key;
        }
    }
}

fn random<const BYTES: usize>() -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    bytes
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn of(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    const PUBLIC: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

    /// RFC 8291, section 5 and appendix A.
    #[test]
    fn the_example_of_the_standard_comes_out_to_the_byte() {
        let ours = SecretKey::from_slice(&of("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")).unwrap();
        let salt = of("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap();
        let plain = b"When I grow up, I want to be a watermelon";
        let body = seal(&of(PUBLIC), &of(AUTH), plain, &ours, salt).unwrap();
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(URL_SAFE_NO_PAD.encode(body), expected);
    }

    #[test]
    fn the_longest_push_fills_what_every_service_takes_and_one_more_byte_is_refused() {
        let (public, auth) = (of(PUBLIC), of(AUTH));
        let body = encrypt(&public, &auth, &[b'x'; PLAIN_BYTES_MAX]).unwrap();
        assert_eq!(body.len(), BODY_BYTES_MAX);
        assert_eq!(encrypt(&public, &auth, &[b'x'; PLAIN_BYTES_MAX + 1]), Err(Unsendable::Limit));
        assert_ne!(
            encrypt(&public, &auth, b"x"),
            encrypt(&public, &auth, b"x"),
            "each has its own key and salt"
        );
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let (public, auth) = (of(PUBLIC), of(AUTH));
        let mut off_the_curve = public.clone();
        off_the_curve[64] ^= 1;
        for (p256dh, auth) in [
            (&off_the_curve[..], &auth[..]),
            (&public[..64], &auth),
            (&[0; 65], &auth),
            (&[], &auth),
            (&public, &auth[..15]),
            (&public, &[0; 17]),
        ] {
            assert!(!are_keys(p256dh, auth));
            assert_eq!(encrypt(p256dh, auth, b"x"), Err(Unsendable::Keys));
        }
        assert!(are_keys(&public, &auth));
    }
}
