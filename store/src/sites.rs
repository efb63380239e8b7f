//! The sites of the installation.

use async_trait::async_trait;
use model::{AccountId, Site, SiteId};

use crate::Result;

#[async_trait]
pub trait Sites: Send + Sync {
    /// All sites, by name without regard to case. At most `limits::SITES_MAX`.
    async fn all(&self) -> Result<Vec<Site>>;

    /// NotFound where there is none.
    async fn site(&self, id: SiteId) -> Result<Site>;

    /// Adds a site; `owner` becomes its owner. NotFound for an unknown account; Conflict where the
    /// id is taken; Limit past the maximum.
    async fn add(&self, site: Site, owner: AccountId) -> Result<()>;

    /// Replaces everything but id and created. NotFound where there is none.
    async fn change(&self, site: Site) -> Result<()>;

    /// Removes the site with its memberships, invitations, share links, and tokens that are for it alone.
    /// Its history is `History::forget`'s: a process killed between the two forgets it when the store is opened.
    /// NotFound where there is none.
    async fn remove(&self, id: SiteId) -> Result<()>;
}
