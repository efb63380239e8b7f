//! Authorisation: a credential becomes a principal, and a principal is allowed an action on a site or not.
//! Every service asks here; the decision itself is `model::rights::may`, of rooms `model::chat::rights::may`.
//! A principal is good for the moment: whoever keeps a connection open asks for it again, from the
//! credential, each time it checks. Else a sign-out or a revoked token would not be noticed.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use model::chat::rights::Standing;
use model::chat::{Conversation, Room, RoomKind, RoomRole, Who};
use model::rights::{Principal, Scope, may};
use model::{Action, Clock, GuestId, Role, SiteId};

use crate::accounts::{Accounts, SecretHash};
use crate::chat::{Conversations, Rooms, mark_of};
use crate::salts::NEVER;
use crate::{Result, Salts, Store, StoreError};

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
    /// The cookie of a guest's browser.
    Guest(String),
}

impl Credential {
    /// A bot's token says that it is one, so that it is looked for in one place.
    pub const BOT_PREFIX: &str = "wfb_";
    /// So does what the browser of a customer keeps: it is the guest of a conversation.
    pub const CUSTOMER_PREFIX: &str = "wfc_";
    /// And what stands in a letter to a customer, by which they go on with the same conversation.
    pub const LETTER_PREFIX: &str = "wfl_";
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
    rooms: Arc<dyn Rooms>,
    conversations: Arc<dyn Conversations>,
    salts: Arc<dyn Salts>,
    clock: Arc<dyn Clock>,
}

impl Access {
    pub fn new(store: &Store, clock: Arc<dyn Clock>) -> Access {
        let (accounts, rooms, salts) = (store.accounts.clone(), store.rooms.clone(), store.salts.clone());
        Access { accounts, rooms, conversations: store.conversations.clone(), salts, clock }
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
            Credential::Token(secret) if secret.starts_with(Credential::BOT_PREFIX) => {
                let bot = known(self.rooms.bot(SecretHash::of(secret)).await)?;
                Ok(Principal::Bot { id: bot.id })
            }
            Credential::Token(secret) if secret.starts_with(Credential::CUSTOMER_PREFIX) => {
                let guest = known(self.rooms.admitted(SecretHash::of(secret)).await)?;
                Ok(Principal::Guest { id: guest.id, room: guest.room })
            }
            Credential::Token(secret) if secret.starts_with(Credential::LETTER_PREFIX) => {
                self.by_letter(secret).await
            }
            Credential::Guest(secret) => {
                let guest = known(self.rooms.admitted(SecretHash::of(secret)).await)?;
                Ok(Principal::Guest { id: guest.id, room: guest.room })
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

    /// Good as long as the customer is in the conversation, and neither they nor the link were revoked.
    async fn by_letter(&self, secret: &str) -> std::result::Result<Principal, Denied> {
        let id = letter_guest(secret).ok_or(Denied::Unknown)?;
        let guest = self.rooms.guests(vec![id]).await.map_err(Denied::Store)?.pop();
        let guest = guest.filter(|guest| !guest.is_revoked).ok_or(Denied::Unknown)?;
        let of = known(self.conversations.conversation(guest.room).await)?;
        let right = letter_secret(self.salts.as_ref(), id, of.replies.links).await.map_err(Denied::Store)?;
        let is_good = of.guest == id && same(&right, secret);
        is_good.then_some(Principal::Guest { id, room: guest.room }).ok_or(Denied::Unknown)
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
            _ => None,
        };
        match (may(principal, role, site, action), principal) {
            (true, _) => Ok(()),
            (false, Principal::Stranger) => Err(Denied::Unknown),
            (false, _) => Err(Denied::Forbidden),
        }
    }

    /// What the principal is to a room now. Who was barred is a stranger, but not who looks after the site; so is an account
    /// without a role on the room's site, though it was brought in once.
    pub async fn standing(
        &self,
        principal: &Principal,
        room: &Room,
    ) -> std::result::Result<Standing, Denied> {
        let Some(who) = principal.who() else {
            return Ok(Standing::Stranger);
        };
        if room.kind.is_of_inbox()
            && let Principal::Account { id, operator } = principal
        {
            return self.in_inbox(*id, *operator, room.site).await;
        }
        let member = self.rooms.member(room.id, who).await.map_err(Denied::Store)?;
        match (principal, member) {
            (Principal::Account { id, operator }, member) => {
                let is_direct = room.kind == RoomKind::Direct;
                let is_host = member.as_ref().is_some_and(|member| member.role == RoomRole::Host);
                match (member, self.outside(*id, *operator, room.site).await?) {
                    // Whoever lost the site lost its rooms with it.
                    (_, Standing::Stranger) => Ok(Standing::Stranger),
                    (Some(_), _) if is_host => Ok(Standing::Host),
                    (Some(_), Standing::Keeper) if !is_direct => Ok(Standing::Host),
                    (Some(_), _) => Ok(Standing::Member),
                    (None, _) if is_direct => Ok(Standing::Stranger),
                    (None, Standing::Reader) if self.is_barred(room, who).await? => Ok(Standing::Stranger),
                    (None, outside) => Ok(outside),
                }
            }
            (Principal::Guest { .. }, Some(_)) => Ok(Standing::Guest),
            (Principal::Bot { .. }, Some(_)) => Ok(Standing::Bot),
            _ => Ok(Standing::Stranger),
        }
    }

    /// What an account is to the conversations of a site.
    async fn in_inbox(
        &self,
        account: model::AccountId,
        operator: bool,
        site: Option<SiteId>,
    ) -> std::result::Result<Standing, Denied> {
        let role = match site {
            _ if operator => Some(Role::Owner),
            Some(site) => self.accounts.role(account, site).await.map_err(Denied::Store)?,
            None => None,
        };
        Ok(match role {
            Some(Role::Owner | Role::Admin) => Standing::Keeper,
            Some(Role::Agent) => Standing::Agent,
            Some(Role::Viewer) | None => Standing::Stranger,
        })
    }

    /// What an account is to rooms of a site, in them or not.
    async fn outside(
        &self,
        account: model::AccountId,
        operator: bool,
        site: Option<SiteId>,
    ) -> std::result::Result<Standing, Denied> {
        let role = match site {
            _ if operator => return Ok(Standing::Keeper),
            None => return Ok(Standing::Reader),
            Some(site) => self.accounts.role(account, site).await.map_err(Denied::Store)?,
        };
        Ok(match role {
            Some(Role::Owner | Role::Admin) => Standing::Keeper,
            Some(Role::Viewer | Role::Agent) => Standing::Reader,
            None => Standing::Stranger,
        })
    }

    async fn is_barred(&self, room: &Room, who: Who) -> std::result::Result<bool, Denied> {
        let barred = self.rooms.is_barred(room.id, vec![mark_of(who)], self.clock.now()).await;
        barred.map_err(Denied::Store)
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

/// What stands in letters to that customer: an HMAC of who they are, under a key of this installation. The same each time, so that an older
/// letter stays good until it is taken back once more.
pub async fn letter_secret(salts: &dyn Salts, guest: GuestId, revoked: u32) -> Result<String> {
    let key = salts.salt("letters to customers", NEVER).await?;
    let of = if revoked == 0 { guest.to_string() } else { format!("{guest} {revoked}") };
    let mac = blake3::keyed_hash(&key, of.as_bytes());
    Ok(format!("{}{guest}_{}", Credential::LETTER_PREFIX, mac.to_hex()))
}

/// What the customer's answers to letters are addressed to, behind the `+`: who they are, and an HMAC of it, both in hexadecimal, since mail servers
/// may make small letters of all. Good until it was taken back once more.
pub async fn reply_secret(salts: &dyn Salts, guest: GuestId, revoked: u32) -> Result<String> {
    let key = salts.salt("answers of customers", NEVER).await?;
    let mac = blake3::keyed_hash(&key, format!("{guest} {revoked}").as_bytes());
    Ok(format!("{:010x}{}", guest.value(), &mac.to_hex()[..REPLY_MAC_DIGITS]))
}

/// Whose conversation it is, where that is still good.
pub async fn replied_to(store: &Store, secret: &str) -> Result<Option<Conversation>> {
    let is_one = secret.len() == REPLY_SECRET_BYTES && secret.bytes().all(|byte| byte.is_ascii_hexdigit());
    let Some(guest) = secret.get(..GUEST_DIGITS).filter(|_| is_one) else {
        return Ok(None);
    };
    let guest = GuestId::of(u64::from_str_radix(guest, 16).expect("hexadecimal digits"));
    let Some(known) = store.rooms.guests(vec![guest]).await?.pop() else {
        return Ok(None);
    };
    let conversation = match store.conversations.conversation(known.room).await {
        Err(StoreError::NotFound(_)) => return Ok(None),
        found => found?,
    };
    let right = reply_secret(store.salts.as_ref(), guest, conversation.replies.revoked).await?;
    let is_good =
        conversation.guest == guest && !conversation.is_revoked && same(&right, &secret.to_ascii_lowercase());
    Ok(is_good.then_some(conversation))
}

/// The bits of a guest's id, and 128 bits.
const GUEST_DIGITS: usize = GuestId::BITS as usize / 4;
const REPLY_MAC_DIGITS: usize = 32;
/// Of the secret that answers to letters are addressed to.
pub const REPLY_SECRET_BYTES: usize = GUEST_DIGITS + REPLY_MAC_DIGITS;

fn letter_guest(secret: &str) -> Option<GuestId> {
    let (guest, _) = secret.strip_prefix(Credential::LETTER_PREFIX)?.split_once('_')?;
    guest.parse().ok()
}

/// In constant time, as far as their lengths are the same.
fn same(one: &str, other: &str) -> bool {
    blake3::hash(one.as_bytes()) == blake3::hash(other.as_bytes())
}

fn known<T>(found: Result<T>) -> std::result::Result<T, Denied> {
    found.map_err(|error| match error {
        StoreError::NotFound(_) => Denied::Unknown,
        other => Denied::Store(other),
    })
}
