//! The salts that visitor ids are made with: one a time zone and local day, replaced daily and destroyed.

use async_trait::async_trait;
use model::Millis;

use crate::Result;

/// A salt: 32 random bytes.
pub type Salt = [u8; 32];

/// When a salt expires that is a key of this installation: never. Such are in a backup, too. The last second that RFC 3339 has.
pub const NEVER: Millis = Millis(253_402_300_799_000);

#[async_trait]
pub trait Salts: Send + Sync {
    /// The salt under this name (a time zone and a local day, as `Europe/Paris 2026-11-21`), made at
    /// random when first asked for; the same for every process until `expires`, the latest asked with.
    async fn salt(&self, name: &str, expires: Millis) -> Result<Salt>;

    /// Destroys salts that expired before `now`, so that their bytes cannot be read back from disk.
    async fn destroy_expired(&self, now: Millis) -> Result<()>;
}
