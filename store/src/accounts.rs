//! Who may: accounts, sign-ins, roles, tokens, invitations, share links.
//! Secrets arrive here hashed (`SecretHash`); the secrets themselves are never stored.

use async_trait::async_trait;
use model::rights::{Scope, TokenSites};
use model::{AccountId, InvitationId, Millis, Role, SavedId, ShareId, SiteId, TokenId};

use crate::Result;

/// BLAKE3 of a random secret of at least 128 bits. (Passwords are argon2id, never this.)
///
/// A backend may find one by an ordinary index. How long a lookup takes can tell how far the *hash* of a
/// guess agrees with one that is stored; nobody can steer a hash towards that without trying secrets, and
/// 2^128 of those cannot be tried. For the same reason it needs neither a salt nor a slow hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash(pub [u8; 32]);

impl SecretHash {
    pub fn of(secret: &str) -> SecretHash {
        SecretHash(*blake3::hash(secret.as_bytes()).as_bytes())
    }
}

/// Each call is one step: it happens as a whole or not at all, also beside others at the same moment.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// No account exists yet.
    async fn is_empty(&self) -> Result<bool>;

    /// The one-time set-up secret: replaces an earlier one. Conflict once an account exists.
    async fn offer_set_up(&self, secret: SecretHash) -> Result<()>;

    /// Whether this is the set-up secret on offer.
    async fn set_up_offered(&self, secret: SecretHash) -> Result<bool>;

    /// Makes the first account, the operator, and ends the offer, in one step.
    /// NotFound where the secret is not on offer; Conflict where an account exists.
    async fn set_up(&self, secret: SecretHash, account: NewAccount, now: Millis) -> Result<Account>;

    /// NotFound where there is none.
    async fn account(&self, id: AccountId) -> Result<Account>;

    /// By e-mail, without regard to case. NotFound where there is none.
    async fn account_by_email(&self, email: &str) -> Result<Account>;

    /// Name and e-mail. NotFound where there is none; Conflict where another account has that e-mail.
    async fn change_account(&self, id: AccountId, name: &str, email: &str) -> Result<()>;

    /// Replaces the password (PHC string) and ends every sign-in but `keep`. NotFound where there is none.
    async fn change_password(
        &self,
        id: AccountId,
        password_phc: &str,
        keep: Option<SecretHash>,
    ) -> Result<()>;

    /// Opens a sign-in; past `SIGN_INS_MAX` of an account the oldest ends. Expired ones are cleaned up and
    /// do not count. NotFound for an unknown account.
    async fn open_sign_in(&self, sign_in: SignIn) -> Result<()>;

    /// The sign-in and its account. NotFound where unknown, or expired at `now`.
    async fn sign_in(&self, secret: SecretHash, now: Millis) -> Result<(SignIn, Account)>;

    /// Ends one; nothing where it is unknown.
    async fn close_sign_in(&self, secret: SecretHash) -> Result<()>;

    /// Ends all sign-ins of an account but `keep`; returns how many ended.
    async fn close_sign_ins(&self, account: AccountId, keep: Option<SecretHash>) -> Result<usize>;

    /// The open sign-ins of an account, newest first.
    async fn sign_ins(&self, account: AccountId, now: Millis) -> Result<Vec<SignIn>>;

    /// The role of an account on a site now. None: no member.
    async fn role(&self, account: AccountId, site: SiteId) -> Result<Option<Role>>;

    /// Sites of which an account is a member, with its role.
    async fn memberships(&self, account: AccountId) -> Result<Vec<(SiteId, Role)>>;

    /// Members of a site, owners first, then by name.
    async fn members(&self, site: SiteId) -> Result<Vec<(Account, Role)>>;

    /// Grants or changes a role. NotFound for an unknown site or account; Limit past `MEMBERS_MAX`;
    /// Conflict where it would leave no owner. (An operator who is no member does not count.) Open invitations of
    /// the account that it could not make with that role are withdrawn.
    async fn grant(&self, site: SiteId, account: AccountId, role: Role) -> Result<()>;

    /// Ends a membership, and withdraws the account's open invitations to the site, unless it is an operator's.
    /// NotFound for no member; Conflict where it would leave no owner.
    async fn revoke(&self, site: SiteId, account: AccountId) -> Result<()>;

    /// Limit past `TOKENS_MAX` of the account; NotFound for an unknown account or site.
    async fn mint_token(&self, token: Token, secret: SecretHash) -> Result<()>;

    /// The token of a secret, and its account. NotFound where there is none.
    async fn token(&self, secret: SecretHash) -> Result<(Token, Account)>;

    /// Tokens of an account, newest first.
    async fn tokens(&self, account: AccountId) -> Result<Vec<Token>>;

    /// NotFound unless the token is this account's.
    async fn revoke_token(&self, account: AccountId, id: TokenId) -> Result<()>;

    /// Limit past `INVITATIONS_MAX` of the site; NotFound for an unknown site or inviter. Expired ones are
    /// cleaned up and do not count.
    async fn invite(&self, invitation: Invitation, secret: SecretHash) -> Result<()>;

    /// NotFound where unknown, used, withdrawn, or expired at `now`.
    async fn invitation(&self, secret: SecretHash, now: Millis) -> Result<Invitation>;

    /// Uses an invitation up: grants its role, never lowering one held. Errors as `invitation` and `grant`.
    async fn accept(&self, secret: SecretHash, account: AccountId, now: Millis) -> Result<Invitation>;

    /// Makes an account and accepts with it, in one step. Errors as `accept`; Conflict where the e-mail
    /// has an account, which only who was invited learns.
    async fn accept_as_new(&self, secret: SecretHash, account: NewAccount, now: Millis) -> Result<Account>;

    /// Open invitations of a site, newest first.
    async fn invitations(&self, site: SiteId, now: Millis) -> Result<Vec<Invitation>>;

    /// NotFound unless it is this site's.
    async fn withdraw(&self, site: SiteId, id: InvitationId) -> Result<()>;

    /// Limit past `SHARES_MAX` of the site; NotFound for an unknown site.
    async fn share(&self, share: Share, secret: SecretHash) -> Result<()>;

    /// The share link of a secret. NotFound where there is none.
    async fn shared(&self, secret: SecretHash) -> Result<Share>;

    /// Share links of a site, newest first.
    async fn shares(&self, site: SiteId) -> Result<Vec<Share>>;

    /// NotFound unless it is this site's.
    async fn unshare(&self, site: SiteId, id: ShareId) -> Result<()>;
}

#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    pub id: AccountId,
    pub name: String,
    pub email: String,
    /// argon2id, PHC string.
    pub password_phc: String,
    /// The owner of the installation: owner of every site, may add sites and mint `StateSender` tokens.
    pub operator: bool,
    pub created: Millis,
}

#[derive(Clone, Debug)]
pub struct NewAccount {
    pub id: AccountId,
    pub name: String,
    pub email: String,
    pub password_phc: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SignIn {
    pub secret: SecretHash,
    pub account: AccountId,
    pub created: Millis,
    pub expires: Millis,
    /// Browser and system in words, for the list of sign-ins; no address.
    pub agent: String,
    /// Keyed hashes of its browser and its address, which a ban of the account bars too; none of those of before.
    pub marks: Vec<[u8; 32]>,
}

/// Marks as they are kept, one behind the other.
pub(crate) fn marks_of(bytes: &[u8]) -> Vec<[u8; 32]> {
    bytes.as_chunks().0.to_vec()
}

impl std::fmt::Debug for SecretHash {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("SecretHash(…)")
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub id: TokenId,
    pub account: AccountId,
    pub name: String,
    pub sites: TokenSites,
    pub scopes: Vec<Scope>,
    pub created: Millis,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Invitation {
    pub id: InvitationId,
    pub site: SiteId,
    pub role: Role,
    /// Who invited.
    pub by: AccountId,
    /// For whom, in the inviter's words; may be empty.
    pub note: String,
    pub created: Millis,
    pub expires: Millis,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    pub id: ShareId,
    pub site: SiteId,
    pub name: String,
    pub created: Millis,
    /// The saved segment that it is limited to. Where that was removed it shows nothing.
    pub segment: Option<SavedId>,
}
