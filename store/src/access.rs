//! Authorisation: a credential becomes a principal, and a principal is allowed an action on a site or not.
//! Every service asks here; the decision itself is `model::rights::may`.
//! A principal is good for the moment: whoever keeps a connection open asks for it again, from the
//! credential, each time it checks. Else a sign-out or a revoked token would not be noticed.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use model::rights::{Principal, Scope, may};
use model::{Action, Clock, SiteId};

use crate::accounts::{Accounts, SecretHash};
use crate::{Result, StoreError};

/// What a request carries to prove who asks. The secret itself, as received.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Credential {
    #[default]
    None,
    /// The session cookie of a browser.
    SignIn(String),
    /// `Authorization: Bearer …`, or `?token=` where a header cannot be set (WebSocket in a browser).
    Token(String),
    /// The secret of a share link.
    Share(String),
}

/// Not allowed. A stranger cannot tell "no such site" from "not yours".
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// No credential, or one that is unknown, expired or revoked.
    #[error("sign in, or send a valid token")]
    Unknown,
    /// Known, but without this right here.
    #[error("not found, or not yours")]
    Forbidden,
    #[error(transparent)]
    Store(StoreError),
}

/// The one door to rights. Cheap to clone.
#[derive(Clone)]
pub struct Access {
    accounts: Arc<dyn Accounts>,
    clock: Arc<dyn Clock>,
}

impl Access {
    pub fn new(accounts: Arc<dyn Accounts>, clock: Arc<dyn Clock>) -> Access {
        Access { accounts, clock }
    }

    /// Who this is; `Stranger` for no credential, `Denied::Unknown` for a bad one.
    pub async fn principal(&self, credential: &Credential) -> std::result::Result<Principal, Denied> {
        match credential {
            Credential::None => Ok(Principal::Stranger),
            Credential::SignIn(secret) => {
                let found = self.accounts.sign_in(SecretHash::of(secret), self.clock.now()).await;
                let (_, account) = known(found)?;
                Ok(Principal::Account { id: account.id, operator: account.operator })
            }
            Credential::Token(secret) => {
                let (token, account) = known(self.accounts.token(SecretHash::of(secret)).await)?;
                Ok(Principal::Token {
                    id: token.id,
                    account: account.id,
                    operator: account.operator,
                    sites: token.sites,
                    scopes: token.scopes,
                })
            }
            Credential::Share(secret) => {
                let share = known(self.accounts.shared(SecretHash::of(secret)).await)?;
                Ok(Principal::Share { id: share.id, site: share.site, segment: share.segment })
            }
        }
    }

    /// Whether the principal may do this on the site, as the roles stand now. Does not look whether the
    /// site exists: an operator may do anything to a site that is not there.
    pub async fn authorise(
        &self,
        principal: &Principal,
        site: SiteId,
        action: Action,
    ) -> std::result::Result<(), Denied> {
        let role = match principal {
            Principal::Account { id: account, .. } | Principal::Token { account, .. } => {
                self.accounts.role(*account, site).await.map_err(Denied::Store)?
            }
            Principal::Stranger | Principal::Share { .. } => None,
        };
        match (may(principal, role, site, action), principal) {
            (true, _) => Ok(()),
            (false, Principal::Stranger) => Err(Denied::Unknown),
            (false, _) => Err(Denied::Forbidden),
        }
    }

    /// Whether the principal may state other people's addresses and agents for this site: a token with
    /// that scope, for this site, of an operator.
    pub fn may_state_sender(&self, principal: &Principal, site: SiteId) -> bool {
        use model::rights::TokenSites;
        let Principal::Token { operator, sites, scopes, .. } = principal else {
            return false;
        };
        let within = *sites == TokenSites::All || *sites == TokenSites::One(site);
        *operator && within && scopes.contains(&Scope::StateSender)
    }
}

fn known<T>(found: Result<T>) -> std::result::Result<T, Denied> {
    found.map_err(|error| match error {
        StoreError::NotFound(_) => Denied::Unknown,
        other => Denied::Store(other),
    })
}
