//! API tokens, in the collection `tokens`: `{_id, v, secret, account, name, site, scopes, created}`.

use model::rights::TokenSites;
use model::{AccountId, Millis, SiteId, TokenId, limits};
use mongodb::bson::{Binary, doc};
use serde::{Deserialize, Serialize};

use super::columns::{Column, scopes_of_names, scopes_to_names, secret};
use super::schema::V;
use super::step::Step;
use super::{people, sites};
use crate::accounts::{Account, SecretHash, Token};
use crate::{Result, StoreError};

pub const TOKENS: &str = "tokens";

#[derive(Serialize, Deserialize)]
struct Row {
    _id: i64,
    v: i32,
    secret: Binary,
    account: i64,
    name: String,
    /// None: all sites of the account.
    site: Option<i64>,
    scopes: Vec<String>,
    created: i64,
}

fn token_of(row: Row) -> Result<Token> {
    Ok(Token {
        id: TokenId::of(row._id as u64),
        account: AccountId::of(row.account as u64),
        name: row.name,
        sites: match row.site {
            None => TokenSites::All,
            Some(site) => TokenSites::One(SiteId::of(site as u64)),
        },
        scopes: scopes_of_names(row.scopes)?,
        created: Millis(row.created),
    })
}

pub async fn mint(step: &mut Step, token: &Token, of: SecretHash) -> Result<()> {
    people::take_turn(step, token.account).await?;
    let count = step.count(TOKENS, doc! { "account": token.account.column() }).await?;
    if count >= limits::TOKENS_MAX {
        return Err(StoreError::Limit { what: "tokens of an account", max: limits::TOKENS_MAX });
    }
    let site = match token.sites {
        TokenSites::All => None,
        TokenSites::One(site) => {
            sites::take_turn(step, site).await?;
            Some(site.column())
        }
    };
    let row = Row {
        _id: token.id.column(),
        v: V,
        secret: secret(of),
        account: token.account.column(),
        name: token.name.clone(),
        site,
        scopes: scopes_to_names(&token.scopes),
        created: token.created.0,
    };
    step.insert(TOKENS, &row).await
}

pub async fn token(step: &mut Step, of: SecretHash) -> Result<(Token, Account)> {
    let Some(row) = step.one::<Row>(TOKENS, doc! { "secret": secret(of) }).await? else {
        return Err(StoreError::NotFound("token"));
    };
    let token = token_of(row)?;
    let account = people::account(step, token.account).await?;
    Ok((token, account))
}

pub async fn tokens(step: &mut Step, account: AccountId) -> Result<Vec<Token>> {
    let sort = doc! { "created": -1, "_id": 1 };
    let rows: Vec<Row> = step.all(TOKENS, doc! { "account": account.column() }, sort).await?;
    rows.into_iter().map(token_of).collect()
}

pub async fn revoke(step: &mut Step, account: AccountId, id: TokenId) -> Result<()> {
    let revoked = step.remove(TOKENS, doc! { "_id": id.column(), "account": account.column() }).await?;
    if revoked == 0 { Err(StoreError::NotFound("token")) } else { Ok(()) }
}
