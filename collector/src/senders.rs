//! Programs that state other people's addresses and agents: whose token it is, remembered for a second.

use std::collections::HashMap;
use std::time::Instant;

use model::SiteId;
use model::rights::Principal;
use parking_lot::Mutex;
use store::accounts::SecretHash;
use store::{Access, Credential, Denied};

use crate::options::{SENDER_LASTS, SENDERS_MAX};

pub(crate) struct Senders {
    access: Access,
    known: Mutex<HashMap<SecretHash, (Principal, Instant)>>,
}

impl Senders {
    pub(crate) fn new(access: Access) -> Senders {
        Senders { access, known: Mutex::default() }
    }

    /// Whether the credential may state senders for this site.
    pub(crate) async fn may_state(&self, credential: &Credential, site: SiteId) -> Result<bool, Denied> {
        let Credential::Token(secret) = credential else {
            return Ok(false);
        };
        let hash = SecretHash::of(secret);
        let known = self.known.lock().get(&hash).cloned();
        if let Some((principal, since)) = known.filter(|(_, since)| since.elapsed() < SENDER_LASTS) {
            tracing::trace!(age = ?since.elapsed(), "sender remembered");
            return Ok(self.access.may_state_sender(&principal, site));
        }
        let principal = match self.access.principal(credential).await {
            Ok(principal) => principal,
            Err(Denied::Unknown) => return Ok(false),
            Err(denied) => return Err(denied),
        };
        let allowed = self.access.may_state_sender(&principal, site);
        let mut known = self.known.lock();
        if known.len() >= SENDERS_MAX {
            known.clear();
        }
        known.insert(hash, (principal, Instant::now()));
        Ok(allowed)
    }

    /// Rights changed somewhere: everybody is looked up again.
    pub(crate) fn forget(&self) {
        self.known.lock().clear();
    }
}
