//! Programs that state other people's addresses and agents: whose token it is, remembered for a moment, so that a replay
//! does not ask the store for each request.

use std::collections::HashMap;

use model::rights::Principal;
use model::{Millis, SiteId};
use parking_lot::Mutex;
use store::accounts::SecretHash;
use store::{Access, Credential, Denied};

use crate::options::{SENDER_LASTS, SENDERS_MAX};

pub(crate) struct Senders {
    access: Access,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    principals: HashMap<SecretHash, (Principal, Millis)>,
    /// How often all were forgotten: what was asked for before that is not remembered after it.
    forgotten: u64,
}

impl Senders {
    pub(crate) fn new(access: Access) -> Senders {
        Senders { access, known: Mutex::default() }
    }

    /// Whether the credential may state senders for this site.
    pub(crate) async fn may_state(
        &self,
        credential: &Credential,
        site: SiteId,
        now: Millis,
    ) -> Result<bool, Denied> {
        let Credential::Token(secret) = credential else {
            return Ok(false);
        };
        let hash = SecretHash::of(secret);
        let (known, forgotten) = self.recall(&hash, now);
        if let Some(principal) = known {
            return Ok(self.access.may_state_sender(&principal, site));
        }
        let principal = match self.access.principal(credential).await {
            Ok(principal) => principal,
            Err(Denied::Unknown) => return Ok(false),
            Err(denied) => return Err(denied),
        };
        let allowed = self.access.may_state_sender(&principal, site);
        self.remember(hash, principal, now, forgotten);
        Ok(allowed)
    }

    /// Rights changed somewhere: everybody is looked up again.
    pub(crate) fn forget(&self) {
        let mut known = self.known.lock();
        known.principals.clear();
        known.forgotten += 1;
    }

    fn recall(&self, hash: &SecretHash, now: Millis) -> (Option<Principal>, u64) {
        let known = self.known.lock();
        let fresh = known.principals.get(hash).filter(|(_, at)| *at <= now && now.since(*at) < SENDER_LASTS);
        (fresh.map(|(principal, _)| principal.clone()), known.forgotten)
    }

    fn remember(&self, hash: SecretHash, principal: Principal, now: Millis, forgotten: u64) {
        let mut known = self.known.lock();
        if known.forgotten != forgotten {
            return;
        }
        if known.principals.len() >= SENDERS_MAX {
            known.principals.clear();
        }
        known.principals.insert(hash, (principal, now));
    }
}
