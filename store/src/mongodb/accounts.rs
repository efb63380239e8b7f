//! Accounts: each promise that changes something is one transaction, and stands in the file of its idea.

use async_trait::async_trait;
use model::{AccountId, InvitationId, Millis, Role, ShareId, SiteId, TokenId};

use super::registry::Registry;
use super::transaction::{read, write};
use super::{invitations, members, people, shares, sign_ins, tokens};
use crate::Result;
use crate::accounts::{Account, Accounts, Invitation, NewAccount, SecretHash, Share, SignIn, Token};

#[async_trait]
impl Accounts for Registry {
    async fn is_empty(&self) -> Result<bool> {
        read!(self, |step| people::is_empty(step))
    }

    async fn offer_set_up(&self, secret: SecretHash) -> Result<()> {
        write!(self, |step| people::offer_set_up(step, secret))
    }

    async fn set_up_offered(&self, secret: SecretHash) -> Result<bool> {
        read!(self, |step| people::set_up_offered(step, secret))
    }

    async fn set_up(&self, secret: SecretHash, account: NewAccount, now: Millis) -> Result<Account> {
        write!(self, |step| people::set_up(step, secret, &account, now))
    }

    async fn account(&self, id: AccountId) -> Result<Account> {
        read!(self, |step| people::account(step, id))
    }

    async fn account_by_email(&self, email: &str) -> Result<Account> {
        let email = email.to_owned();
        read!(self, |step| people::account_by_email(step, &email))
    }

    async fn change_account(&self, id: AccountId, name: &str, email: &str) -> Result<()> {
        let name = name.to_owned();
        let email = email.to_owned();
        write!(self, |step| people::change(step, id, &name, &email))
    }

    async fn change_password(
        &self,
        id: AccountId,
        password_phc: &str,
        keep: Option<SecretHash>,
    ) -> Result<()> {
        let password_phc = password_phc.to_owned();
        write!(self, |step| people::change_password(step, id, &password_phc, keep))
    }

    async fn open_sign_in(&self, sign_in: SignIn) -> Result<()> {
        write!(self, |step| sign_ins::open(step, &sign_in))
    }

    async fn sign_in(&self, secret: SecretHash, now: Millis) -> Result<(SignIn, Account)> {
        read!(self, |step| sign_ins::sign_in(step, secret, now))
    }

    async fn close_sign_in(&self, secret: SecretHash) -> Result<()> {
        write!(self, |step| sign_ins::close(step, secret))
    }

    async fn close_sign_ins(&self, account: AccountId, keep: Option<SecretHash>) -> Result<usize> {
        write!(self, |step| sign_ins::close_all(step, account, keep))
    }

    async fn sign_ins(&self, account: AccountId, now: Millis) -> Result<Vec<SignIn>> {
        read!(self, |step| sign_ins::open_ones(step, account, now))
    }

    async fn role(&self, account: AccountId, site: SiteId) -> Result<Option<Role>> {
        read!(self, |step| members::role(step, account, site))
    }

    async fn memberships(&self, account: AccountId) -> Result<Vec<(SiteId, Role)>> {
        read!(self, |step| members::memberships(step, account))
    }

    async fn members(&self, site: SiteId) -> Result<Vec<(Account, Role)>> {
        read!(self, |step| members::members(step, site))
    }

    async fn grant(&self, site: SiteId, account: AccountId, role: Role) -> Result<()> {
        write!(self, |step| members::grant(step, site, account, role))
    }

    async fn revoke(&self, site: SiteId, account: AccountId) -> Result<()> {
        write!(self, |step| members::revoke(step, site, account))
    }

    async fn mint_token(&self, token: Token, secret: SecretHash) -> Result<()> {
        write!(self, |step| tokens::mint(step, &token, secret))
    }

    async fn token(&self, secret: SecretHash) -> Result<(Token, Account)> {
        read!(self, |step| tokens::token(step, secret))
    }

    async fn tokens(&self, account: AccountId) -> Result<Vec<Token>> {
        read!(self, |step| tokens::tokens(step, account))
    }

    async fn revoke_token(&self, account: AccountId, id: TokenId) -> Result<()> {
        write!(self, |step| tokens::revoke(step, account, id))
    }

    async fn invite(&self, invitation: Invitation, secret: SecretHash) -> Result<()> {
        write!(self, |step| invitations::invite(step, &invitation, secret))
    }

    async fn invitation(&self, secret: SecretHash, now: Millis) -> Result<Invitation> {
        read!(self, |step| invitations::invitation(step, secret, now))
    }

    async fn accept(&self, secret: SecretHash, account: AccountId, now: Millis) -> Result<Invitation> {
        write!(self, |step| invitations::accept(step, secret, account, now))
    }

    async fn accept_as_new(&self, secret: SecretHash, account: NewAccount, now: Millis) -> Result<Account> {
        write!(self, |step| invitations::accept_as_new(step, secret, &account, now))
    }

    async fn invitations(&self, site: SiteId, now: Millis) -> Result<Vec<Invitation>> {
        read!(self, |step| invitations::invitations(step, site, now))
    }

    async fn withdraw(&self, site: SiteId, id: InvitationId) -> Result<()> {
        write!(self, |step| invitations::withdraw(step, site, id))
    }

    async fn share(&self, share: Share, secret: SecretHash) -> Result<()> {
        write!(self, |step| shares::share(step, &share, secret))
    }

    async fn shared(&self, secret: SecretHash) -> Result<Share> {
        read!(self, |step| shares::shared(step, secret))
    }

    async fn shares(&self, site: SiteId) -> Result<Vec<Share>> {
        read!(self, |step| shares::shares(step, site))
    }

    async fn unshare(&self, site: SiteId, id: ShareId) -> Result<()> {
        write!(self, |step| shares::unshare(step, site, id))
    }
}
