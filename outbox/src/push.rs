//! People hear of what is said by Web Push, in browsers that they chose: RFC 8030, encrypted by RFC 8291, signed by RFC 8292.
//! A message makes one job a person. When it is sent, what they may not read by then, or did read, goes to nobody.

pub mod encrypt;
mod rule;
mod sender;
mod vapid;

pub use rule::Pushes;
pub use sender::Pushing;
pub(crate) use sender::{Parcel, Shown};
pub use vapid::Vapid;

use std::time::Duration;

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use model::RoomId;
use model::notice::Browser;
use serde::{Deserialize, Serialize};
use store::Store;
use store::salts::NEVER;

/// What is read at once where one looks is pushed nowhere.
pub const PUSHED_AFTER: Duration = Duration::from_secs(3);
/// How long a push is worth anything, to us and to push services.
const LASTS: Duration = Duration::from_secs(86_400);

/// What a job is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct About {
    room: RoomId,
    /// Of the message.
    number: u64,
    /// The one browser that it did not reach with the others. None: all of the person's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    browser: Option<String>,
}

/// Tells browsers apart: nobody who reads it can send there.
fn mark(browser: &Browser) -> String {
    blake3::hash(browser.endpoint.as_bytes()).to_hex()[..32].to_owned()
}

/// As browsers write them, with or without padding.
const KEYS: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The public key and the secret of a browser. None: they are none.
fn keys(browser: &Browser) -> Option<(Vec<u8>, Vec<u8>)> {
    let (p256dh, auth) = (KEYS.decode(&browser.p256dh).ok()?, KEYS.decode(&browser.auth).ok()?);
    encrypt::are_keys(&p256dh, &auth).then_some((p256dh, auth))
}

/// Whether a push can be encrypted for it.
pub fn is_able(browser: &Browser) -> bool {
    keys(browser).is_some()
}

/// The key that all browsers of this installation subscribe to: made once, and kept as long as the store is.
pub async fn vapid(store: &Store) -> anyhow::Result<Vapid> {
    // One in 2^32 secrets is no key.
    for name in ["push", "push again"] {
        if let Some(vapid) = Vapid::of(&store.salts.salt(name, NEVER).await?) {
            return Ok(vapid);
        }
    }
    anyhow::bail!("the secrets of this installation are no keys")
}
