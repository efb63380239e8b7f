//! Sign-ins. Those that expired go when the next one, of anybody, is opened.

use model::{AccountId, Millis, limits};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::columns::Column;
use super::people;
use crate::accounts::{Account, SecretHash, SignIn, marks_of};
use crate::{Result, StoreError};

const COLUMNS: &str =
    "sign_ins.secret, sign_ins.account, sign_ins.created, sign_ins.expires, sign_ins.agent, sign_ins.marks";
const COLUMNS_COUNT: usize = 6;

fn read(row: &Row<'_>) -> rusqlite::Result<SignIn> {
    Ok(SignIn {
        secret: SecretHash(row.get(0)?),
        account: AccountId::read(row, 1)?,
        created: Millis(row.get(2)?),
        expires: Millis(row.get(3)?),
        agent: row.get(4)?,
        marks: marks_of(row.get_ref(5)?.as_blob()?),
    })
}

pub fn open(db: &Connection, sign_in: &SignIn) -> Result<()> {
    db.execute("DELETE FROM sign_ins WHERE expires <= ?1", [sign_in.created.0])?;
    db.execute(
        "DELETE FROM sign_ins WHERE rowid IN (
             SELECT rowid FROM sign_ins WHERE account = ?1
             ORDER BY created DESC, rowid DESC LIMIT -1 OFFSET ?2)",
        params![sign_in.account.column(), limits::SIGN_INS_MAX - 1],
    )?;
    db.execute(
        "INSERT INTO sign_ins (secret, account, created, expires, agent, marks) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            sign_in.secret.0,
            sign_in.account.column(),
            sign_in.created.0,
            sign_in.expires.0,
            sign_in.agent,
            sign_in.marks.as_flattened()
        ],
    )?;
    Ok(())
}

pub fn sign_in(db: &Connection, secret: SecretHash, now: Millis) -> Result<(SignIn, Account)> {
    db.prepare_cached(&format!(
        "SELECT {COLUMNS}, {account} FROM sign_ins JOIN accounts ON accounts.id = sign_ins.account
         WHERE sign_ins.secret = ?1 AND sign_ins.expires > ?2",
        account = people::COLUMNS
    ))?
    .query_row(params![secret.0, now.0], |row| Ok((read(row)?, people::read(row, COLUMNS_COUNT)?)))
    .optional()?
    .ok_or(StoreError::NotFound("sign-in"))
}

pub fn close(db: &Connection, secret: SecretHash) -> Result<()> {
    db.execute("DELETE FROM sign_ins WHERE secret = ?1", [secret.0])?;
    Ok(())
}

pub fn close_all(db: &Connection, account: AccountId, keep: Option<SecretHash>) -> Result<usize> {
    let ended = db.execute(
        "DELETE FROM sign_ins WHERE account = ?1 AND secret IS NOT ?2",
        params![account.column(), keep.map(|secret| secret.0)],
    )?;
    Ok(ended)
}

pub fn open_ones(db: &Connection, account: AccountId, now: Millis) -> Result<Vec<SignIn>> {
    let mut select = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM sign_ins WHERE account = ?1 AND expires > ?2
         ORDER BY created DESC, rowid DESC"
    ))?;
    let sign_ins = select.query_map(params![account.column(), now.0], read)?;
    Ok(sign_ins.collect::<rusqlite::Result<_>>()?)
}
