//! The demo's own server: an owner, a shop and a token, made in its own data folder.

use anyhow::Context;
use model::rights::{Scope, TokenSites};
use model::{Clock, Site, SiteId, SystemClock};
use store::accounts::{NewAccount, SecretHash, Token};
use store::{Store, StoreError};
use web::passwords::{Busy, Passwords};
use web::secret;

const EMAIL: &str = "demo@watchfire.example";
const SHOP_NAME: &str = "Hearth & Leaf";

/// What the demo prints, and sends with.
pub struct OwnShop {
    pub site: SiteId,
    pub email: &'static str,
    /// New at every start, so that it can be shown.
    pub password: String,
    pub token: String,
}

/// Finds or makes the owner and the shop; the password and the token are new each time.
pub async fn prepare(store: &Store, hostname: &str) -> anyhow::Result<OwnShop> {
    let (password, token) = (secret::fresh(), secret::fresh_token());
    let hashed = Passwords::default().hash(&password).await;
    let phc = hashed.map_err(|Busy| anyhow::anyhow!("the password could not be hashed"))?;
    let now = SystemClock.now();
    let owner = match store.accounts.account_by_email(EMAIL).await {
        Ok(account) => {
            store.accounts.change_password(account.id, &phc, None).await?;
            account.id
        }
        Err(StoreError::NotFound(_)) => {
            let set_up = SecretHash::of(&secret::fresh());
            store.accounts.offer_set_up(set_up).await.context("the folder holds another owner's data")?;
            let id = secret::account_id();
            let account = NewAccount { id, name: "Demo".into(), email: EMAIL.into(), password_phc: phc };
            store.accounts.set_up(set_up, account, now).await?.id
        }
        Err(error) => return Err(error.into()),
    };
    let site = match store.sites.all().await?.into_iter().find(|site| site.name == SHOP_NAME) {
        Some(site) => site.id,
        None => {
            let site = shop(secret::site_id(), hostname);
            let id = site.id;
            store.sites.add(site, owner).await?;
            id
        }
    };
    for old in store.accounts.tokens(owner).await? {
        store.accounts.revoke_token(owner, old.id).await?;
    }
    let minted = Token {
        id: secret::token_id(),
        account: owner,
        name: "demo traffic".into(),
        sites: TokenSites::One(site),
        scopes: vec![Scope::StateSender],
        created: now,
    };
    store.accounts.mint_token(minted, SecretHash::of(&token)).await?;
    Ok(OwnShop { site, email: EMAIL, password, token })
}

fn shop(id: SiteId, hostname: &str) -> Site {
    Site { time_zone: "Europe/Paris".into(), ..Site::new(id, SHOP_NAME, &[hostname], SystemClock.now()) }
}
