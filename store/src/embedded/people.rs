//! Accounts, and the set-up secret that makes the first one.

use model::{AccountId, Millis};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::columns::Column;
use super::sign_ins;
use crate::accounts::{Account, NewAccount, SecretHash};
use crate::{Result, StoreError};

/// Of an account, as `read` takes them.
pub const COLUMNS: &str = "accounts.id, accounts.name, accounts.email, accounts.password_phc, \
                           accounts.operator, accounts.created";

/// Reads an account whose columns begin at `first`.
pub fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Account> {
    Ok(Account {
        id: AccountId::read(row, first)?,
        name: row.get(first + 1)?,
        email: row.get(first + 2)?,
        password_phc: row.get(first + 3)?,
        operator: row.get(first + 4)?,
        created: Millis(row.get(first + 5)?),
    })
}

pub fn is_empty(db: &Connection) -> Result<bool> {
    Ok(db.query_row("SELECT NOT EXISTS (SELECT 1 FROM accounts)", [], |row| row.get(0))?)
}

pub fn offer_set_up(db: &Connection, secret: SecretHash) -> Result<()> {
    refuse_second_set_up(db)?;
    db.execute("INSERT OR REPLACE INTO set_up (one, secret) VALUES (1, ?1)", [secret.0])?;
    Ok(())
}

pub fn set_up_offered(db: &Connection, secret: SecretHash) -> Result<bool> {
    let offered =
        db.query_row("SELECT EXISTS (SELECT 1 FROM set_up WHERE secret = ?1)", [secret.0], |row| row.get(0))?;
    Ok(offered)
}

pub fn set_up(db: &Connection, secret: SecretHash, account: NewAccount, now: Millis) -> Result<Account> {
    refuse_second_set_up(db)?;
    if db.execute("DELETE FROM set_up WHERE secret = ?1", [secret.0])? == 0 {
        return Err(StoreError::NotFound("set-up secret"));
    }
    add(db, account, true, now)
}

fn refuse_second_set_up(db: &Connection) -> Result<()> {
    if is_empty(db)? { Ok(()) } else { Err(StoreError::Conflict("an account exists already")) }
}

pub fn add(db: &Connection, account: NewAccount, operator: bool, now: Millis) -> Result<Account> {
    refuse_taken_email(db, account.id, &account.email)?;
    db.execute(
        "INSERT INTO accounts (id, name, email, email_key, password_phc, operator, created)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            account.id.column(),
            account.name,
            account.email,
            email_key(&account.email),
            account.password_phc,
            operator,
            now.0
        ],
    )?;
    let NewAccount { id, name, email, password_phc } = account;
    Ok(Account { id, name, email, password_phc, operator, created: now })
}

pub fn account(db: &Connection, id: AccountId) -> Result<Account> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM accounts WHERE id = ?1"))?
        .query_row([id.column()], |row| read(row, 0))
        .optional()?
        .ok_or(StoreError::NotFound("account"))
}

pub fn account_by_email(db: &Connection, email: &str) -> Result<Account> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM accounts WHERE email_key = ?1"))?
        .query_row([email_key(email)], |row| read(row, 0))
        .optional()?
        .ok_or(StoreError::NotFound("account"))
}

pub fn change(db: &Connection, id: AccountId, name: &str, email: &str) -> Result<()> {
    refuse_taken_email(db, id, email)?;
    let changed = db.execute(
        "UPDATE accounts SET name = ?2, email = ?3, email_key = ?4 WHERE id = ?1",
        params![id.column(), name, email, email_key(email)],
    )?;
    if changed == 0 { Err(StoreError::NotFound("account")) } else { Ok(()) }
}

pub fn change_password(
    db: &Connection,
    id: AccountId,
    password_phc: &str,
    keep: Option<SecretHash>,
) -> Result<()> {
    let changed = db
        .execute("UPDATE accounts SET password_phc = ?2 WHERE id = ?1", params![id.column(), password_phc])?;
    if changed == 0 {
        return Err(StoreError::NotFound("account"));
    }
    sign_ins::close_all(db, id, keep)?;
    Ok(())
}

fn refuse_taken_email(db: &Connection, id: AccountId, email: &str) -> Result<()> {
    let taken: bool = db.query_row(
        "SELECT EXISTS (SELECT 1 FROM accounts WHERE email_key = ?1 AND id <> ?2)",
        params![email_key(email), id.column()],
        |row| row.get(0),
    )?;
    if taken { Err(StoreError::Conflict("that e-mail has an account")) } else { Ok(()) }
}

/// SQLite's own folding knows ASCII only.
pub fn email_key(email: &str) -> String {
    email.to_lowercase()
}
