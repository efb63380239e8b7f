//! Accounts: each promise is one transaction, and stands in the file of its idea.

use async_trait::async_trait;
use model::{AccountId, InvitationId, Millis, Role, ShareId, SiteId, TokenId};

use super::registry::Registry;
use super::{invitations, members, people, shares, sign_ins, tokens};
use crate::Result;
use crate::accounts::{Account, Accounts, Invitation, NewAccount, SecretHash, Share, SignIn, Token};

#[async_trait]
impl Accounts for Registry {
    async fn is_empty(&self) -> Result<bool> {
        self.0.read(people::is_empty).await
    }

    async fn offer_set_up(&self, secret: SecretHash) -> Result<()> {
        self.0.write(move |db| people::offer_set_up(db, secret)).await
    }

    async fn set_up_offered(&self, secret: SecretHash) -> Result<bool> {
        self.0.read(move |db| people::set_up_offered(db, secret)).await
    }

    async fn set_up(&self, secret: SecretHash, account: NewAccount, now: Millis) -> Result<Account> {
        self.0.write(move |db| people::set_up(db, secret, account, now)).await
    }

    async fn account(&self, id: AccountId) -> Result<Account> {
        self.0.look_up(move |db| people::account(db, id)).await
    }

    async fn account_by_email(&self, email: &str) -> Result<Account> {
        let email = email.to_owned();
        self.0.read(move |db| people::account_by_email(db, &email)).await
    }

    async fn change_account(&self, id: AccountId, name: &str, email: &str) -> Result<()> {
        let name = name.to_owned();
        let email = email.to_owned();
        self.0.write(move |db| people::change(db, id, &name, &email)).await
    }

    async fn change_password(
        &self,
        id: AccountId,
        password_phc: &str,
        keep: Option<SecretHash>,
    ) -> Result<()> {
        let password_phc = password_phc.to_owned();
        self.0.write(move |db| people::change_password(db, id, &password_phc, keep)).await
    }

    async fn open_sign_in(&self, sign_in: SignIn) -> Result<()> {
        self.0.write(move |db| sign_ins::open(db, &sign_in)).await
    }

    async fn sign_in(&self, secret: SecretHash, now: Millis) -> Result<(SignIn, Account)> {
        self.0.look_up(move |db| sign_ins::sign_in(db, secret, now)).await
    }

    async fn close_sign_in(&self, secret: SecretHash) -> Result<()> {
        self.0.write(move |db| sign_ins::close(db, secret)).await
    }

    async fn close_sign_ins(&self, account: AccountId, keep: Option<SecretHash>) -> Result<usize> {
        self.0.write(move |db| sign_ins::close_all(db, account, keep)).await
    }

    async fn sign_ins(&self, account: AccountId, now: Millis) -> Result<Vec<SignIn>> {
        self.0.read(move |db| sign_ins::open_ones(db, account, now)).await
    }

    async fn role(&self, account: AccountId, site: SiteId) -> Result<Option<Role>> {
        self.0.look_up(move |db| members::role(db, account, site)).await
    }

    async fn memberships(&self, account: AccountId) -> Result<Vec<(SiteId, Role)>> {
        self.0.read(move |db| members::memberships(db, account)).await
    }

    async fn members(&self, site: SiteId) -> Result<Vec<(Account, Role)>> {
        self.0.read(move |db| members::members(db, site)).await
    }

    async fn grant(&self, site: SiteId, account: AccountId, role: Role) -> Result<()> {
        self.0.write(move |db| members::grant(db, site, account, role)).await
    }

    async fn revoke(&self, site: SiteId, account: AccountId) -> Result<()> {
        self.0.write(move |db| members::revoke(db, site, account)).await
    }

    async fn mint_token(&self, token: Token, secret: SecretHash) -> Result<()> {
        self.0.write(move |db| tokens::mint(db, &token, secret)).await
    }

    async fn token(&self, secret: SecretHash) -> Result<(Token, Account)> {
        self.0.look_up(move |db| tokens::token(db, secret)).await
    }

    async fn tokens(&self, account: AccountId) -> Result<Vec<Token>> {
        self.0.read(move |db| tokens::tokens(db, account)).await
    }

    async fn revoke_token(&self, account: AccountId, id: TokenId) -> Result<()> {
        self.0.write(move |db| tokens::revoke(db, account, id)).await
    }

    async fn invite(&self, invitation: Invitation, secret: SecretHash) -> Result<()> {
        self.0.write(move |db| invitations::invite(db, &invitation, secret)).await
    }

    async fn invitation(&self, secret: SecretHash, now: Millis) -> Result<Invitation> {
        self.0.read(move |db| invitations::invitation(db, secret, now)).await
    }

    async fn accept(&self, secret: SecretHash, account: AccountId, now: Millis) -> Result<Invitation> {
        self.0.write(move |db| invitations::accept(db, secret, account, now)).await
    }

    async fn accept_as_new(&self, secret: SecretHash, account: NewAccount, now: Millis) -> Result<Account> {
        self.0.write(move |db| invitations::accept_as_new(db, secret, account, now)).await
    }

    async fn invitations(&self, site: SiteId, now: Millis) -> Result<Vec<Invitation>> {
        self.0.read(move |db| invitations::invitations(db, site, now)).await
    }

    async fn withdraw(&self, site: SiteId, id: InvitationId) -> Result<()> {
        self.0.write(move |db| invitations::withdraw(db, site, id)).await
    }

    async fn share(&self, share: Share, secret: SecretHash) -> Result<()> {
        self.0.write(move |db| shares::share(db, &share, secret)).await
    }

    async fn shared(&self, secret: SecretHash) -> Result<Share> {
        self.0.look_up(move |db| shares::shared(db, secret)).await
    }

    async fn shares(&self, site: SiteId) -> Result<Vec<Share>> {
        self.0.read(move |db| shares::shares(db, site)).await
    }

    async fn unshare(&self, site: SiteId, id: ShareId) -> Result<()> {
        self.0.write(move |db| shares::unshare(db, site, id)).await
    }
}
