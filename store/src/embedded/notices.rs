//! Browsers stand with their sign-ins, how often somebody is mailed with their account.

use async_trait::async_trait;
use model::notice::{Browser, Digest};
use model::{AccountId, Millis, limits};
use rusqlite::types::FromSqlError;
use rusqlite::{Connection, OptionalExtension, params};

use super::columns::{Column, read_json, to_json};
use super::registry::Registry;
use crate::accounts::SecretHash;
use crate::notices::{NO_SIGN_IN, Notices, TOO_MANY_BROWSERS, refuse_oversized_browser};
use crate::{Result, StoreError};

#[async_trait]
impl Notices for Registry {
    async fn put_browser(&self, sign_in: SecretHash, browser: Browser, now: Millis) -> Result<()> {
        refuse_oversized_browser(&browser)?;
        self.0.write(move |db| put(db, sign_in, &browser, now)).await
    }

    async fn browser(&self, sign_in: SecretHash) -> Result<Option<Browser>> {
        self.0.read(move |db| one(db, sign_in)).await
    }

    async fn remove_browser(&self, sign_in: SecretHash) -> Result<()> {
        self.0.write(move |db| remove(db, sign_in)).await
    }

    async fn forget_browser(&self, endpoint: &str) -> Result<()> {
        let endpoint = endpoint.to_owned();
        self.0.write(move |db| forget(db, &endpoint)).await
    }

    async fn browsers(&self, of: Vec<AccountId>, now: Millis) -> Result<Vec<(AccountId, Browser)>> {
        self.0.read(move |db| all(db, &of, now)).await
    }

    async fn set_digest(&self, account: AccountId, digest: Digest) -> Result<()> {
        self.0.write(move |db| set_digest(db, account, digest)).await
    }

    async fn digests(&self, of: Vec<AccountId>) -> Result<Vec<(AccountId, Digest)>> {
        self.0.read(move |db| digests(db, &of)).await
    }
}

fn put(db: &Connection, sign_in: SecretHash, browser: &Browser, now: Millis) -> Result<()> {
    let mut select = db.prepare_cached("SELECT account FROM sign_ins WHERE secret = ?1 AND expires > ?2")?;
    let found = select.query_row(params![sign_in.0, now.0], |row| row.get(0)).optional()?;
    let account: i64 = found.ok_or(NO_SIGN_IN)?;
    forget(db, &browser.endpoint)?;
    let others: usize = db
        .prepare_cached(
            "SELECT COUNT(*) FROM sign_ins
             WHERE account = ?1 AND secret <> ?2 AND expires > ?3 AND browser IS NOT NULL",
        )?
        .query_row(params![account, sign_in.0, now.0], |row| row.get(0))?;
    if others >= limits::BROWSERS_MAX {
        return Err(TOO_MANY_BROWSERS);
    }
    db.prepare_cached("UPDATE sign_ins SET browser = ?2 WHERE secret = ?1")?
        .execute(params![sign_in.0, to_json(browser)])?;
    Ok(())
}

fn one(db: &Connection, sign_in: SecretHash) -> Result<Option<Browser>> {
    let mut select =
        db.prepare_cached("SELECT browser FROM sign_ins WHERE secret = ?1 AND browser IS NOT NULL")?;
    Ok(select.query_row([sign_in.0], |row| read_json(row, 0)).optional()?)
}

fn remove(db: &Connection, sign_in: SecretHash) -> Result<()> {
    db.prepare_cached("UPDATE sign_ins SET browser = NULL WHERE secret = ?1")?.execute([sign_in.0])?;
    Ok(())
}

fn forget(db: &Connection, endpoint: &str) -> Result<()> {
    db.prepare_cached("UPDATE sign_ins SET browser = NULL WHERE browser ->> '$.endpoint' = ?1")?
        .execute([endpoint])?;
    Ok(())
}

fn all(db: &Connection, of: &[AccountId], now: Millis) -> Result<Vec<(AccountId, Browser)>> {
    let mut select = db.prepare_cached(
        "SELECT account, browser FROM sign_ins WHERE account IN (SELECT value FROM json_each(?1))
         AND expires > ?2 AND browser IS NOT NULL ORDER BY account, created DESC, rowid DESC",
    )?;
    let found = select
        .query_map(params![columns(of), now.0], |row| Ok((AccountId::read(row, 0)?, read_json(row, 1)?)))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn set_digest(db: &Connection, account: AccountId, digest: Digest) -> Result<()> {
    let changed = db
        .prepare_cached("UPDATE accounts SET digest = ?2 WHERE id = ?1")?
        .execute([account.column(), digest.number()])?;
    if changed == 0 { Err(StoreError::NotFound("account")) } else { Ok(()) }
}

fn digests(db: &Connection, of: &[AccountId]) -> Result<Vec<(AccountId, Digest)>> {
    let mut select = db.prepare_cached(
        "SELECT id, digest FROM accounts WHERE id IN (SELECT value FROM json_each(?1)) AND digest <> 0 ORDER BY id",
    )?;
    let found = select.query_map([columns(of)], |row| {
        let number = row.get(1)?;
        Ok((AccountId::read(row, 0)?, Digest::of_number(number).ok_or(FromSqlError::OutOfRange(number))?))
    })?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn columns(of: &[AccountId]) -> String {
    to_json(&of.iter().map(|id| id.column()).collect::<Vec<i64>>())
}
