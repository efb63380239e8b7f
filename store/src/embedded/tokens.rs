//! API tokens.

use model::rights::TokenSites;
use model::{AccountId, Millis, SiteId, TokenId, limits};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::columns::{Column, read_json, to_json};
use super::people;
use crate::accounts::{Account, SecretHash, Token};
use crate::{Result, StoreError};

const COLUMNS: &str = "tokens.id, tokens.account, tokens.name, tokens.site, tokens.scopes, tokens.created";
const COLUMNS_COUNT: usize = 6;

fn read(row: &Row<'_>) -> rusqlite::Result<Token> {
    let only: Option<i64> = row.get(3)?;
    Ok(Token {
        id: TokenId::read(row, 0)?,
        account: AccountId::read(row, 1)?,
        name: row.get(2)?,
        sites: match only {
            None => TokenSites::All,
            Some(_) => TokenSites::One(SiteId::read(row, 3)?),
        },
        scopes: read_json(row, 4)?,
        created: Millis(row.get(5)?),
    })
}

pub fn mint(db: &Connection, token: &Token, secret: SecretHash) -> Result<()> {
    let count: usize =
        db.query_row("SELECT COUNT(*) FROM tokens WHERE account = ?1", [token.account.column()], |row| {
            row.get(0)
        })?;
    if count >= limits::TOKENS_MAX {
        return Err(StoreError::Limit { what: "tokens of an account", max: limits::TOKENS_MAX });
    }
    let only = match token.sites {
        TokenSites::All => None,
        TokenSites::One(site) => Some(site.column()),
    };
    db.execute(
        "INSERT INTO tokens (id, secret, account, name, site, scopes, created)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            token.id.column(),
            secret.0,
            token.account.column(),
            token.name,
            only,
            to_json(&token.scopes),
            token.created.0
        ],
    )?;
    Ok(())
}

pub fn token(db: &Connection, secret: SecretHash) -> Result<(Token, Account)> {
    db.prepare_cached(&format!(
        "SELECT {COLUMNS}, {account} FROM tokens JOIN accounts ON accounts.id = tokens.account
         WHERE tokens.secret = ?1",
        account = people::COLUMNS
    ))?
    .query_row([secret.0], |row| Ok((read(row)?, people::read(row, COLUMNS_COUNT)?)))
    .optional()?
    .ok_or(StoreError::NotFound("token"))
}

pub fn tokens(db: &Connection, account: AccountId) -> Result<Vec<Token>> {
    let mut select = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM tokens WHERE account = ?1 ORDER BY created DESC, id"
    ))?;
    let tokens = select.query_map([account.column()], read)?;
    Ok(tokens.collect::<rusqlite::Result<_>>()?)
}

pub fn revoke(db: &Connection, account: AccountId, id: TokenId) -> Result<()> {
    let revoked =
        db.execute("DELETE FROM tokens WHERE id = ?1 AND account = ?2", [id.column(), account.column()])?;
    if revoked == 0 { Err(StoreError::NotFound("token")) } else { Ok(()) }
}
