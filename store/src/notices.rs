//! By which ways people are told of what is said while they are away: their browsers, and mail.

use async_trait::async_trait;
use model::notice::{Browser, Digest};
use model::{AccountId, Millis, limits};

use crate::accounts::SecretHash;
use crate::chat::rooms::bounded;
use crate::{Result, StoreError};

/// A browser is a sign-in's, and ends with it, however that ends.
#[async_trait]
pub trait Notices: Send + Sync {
    /// The sign-in's browser is reached there from now on, in the place of where it was, and no other sign-in's is. NotFound as `Accounts::sign_in`;
    /// Limit past `BROWSERS_MAX` of the account, and past `ENDPOINT_BYTES_MAX` or `BROWSER_KEY_BYTES_MAX`.
    async fn put_browser(&self, sign_in: SecretHash, browser: Browser, now: Millis) -> Result<()>;

    /// None: it is not reached, or there is no such sign-in.
    async fn browser(&self, sign_in: SecretHash) -> Result<Option<Browser>>;

    /// Nothing where it has none.
    async fn remove_browser(&self, sign_in: SecretHash) -> Result<()>;

    /// Whosever it is: its push service knows it no more.
    async fn forget_browser(&self, endpoint: &str) -> Result<()>;

    /// Those of the accounts whose sign-ins are open at `now`, by account, the last signed in first.
    async fn browsers(&self, of: Vec<AccountId>, now: Millis) -> Result<Vec<(AccountId, Browser)>>;

    /// NotFound for an unknown account.
    async fn set_digest(&self, account: AccountId, digest: Digest) -> Result<()>;

    /// Those of the accounts that want one, by account.
    async fn digests(&self, of: Vec<AccountId>) -> Result<Vec<(AccountId, Digest)>>;
}

pub(crate) const NO_SIGN_IN: StoreError = StoreError::NotFound("sign-in");
pub(crate) const TOO_MANY_BROWSERS: StoreError =
    StoreError::Limit { what: "browsers that one person is reached in", max: limits::BROWSERS_MAX };

pub(crate) fn refuse_oversized_browser(browser: &Browser) -> Result<()> {
    bounded(browser.endpoint.len(), "bytes of where a browser is reached", limits::ENDPOINT_BYTES_MAX)?;
    let longest = browser.p256dh.len().max(browser.auth.len());
    bounded(longest, "bytes of a browser's key", limits::BROWSER_KEY_BYTES_MAX)
}
