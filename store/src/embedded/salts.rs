//! Salts that are gone when they are destroyed: `secure_delete` zeroes the row in the file, and emptying
//! the log removes the copies that were on their way there.

use anyhow::anyhow;
use async_trait::async_trait;
use model::Millis;
use rusqlite::{Connection, OptionalExtension, params};

use super::registry::Registry;
use crate::salts::{Salt, Salts};
use crate::{Result, StoreError};

#[async_trait]
impl Salts for Registry {
    async fn salt(&self, name: &str, expires: Millis) -> Result<Salt> {
        let wanted = name.to_owned();
        if let Some(salt) = self.0.read(move |db| kept(db, &wanted, expires)).await? {
            return Ok(salt);
        }
        let name = name.to_owned();
        let mut fresh = Salt::default();
        getrandom::fill(&mut fresh)
            .map_err(|error| StoreError::Unavailable(anyhow!("no randomness: {error}")))?;
        self.0.write(move |db| keep(db, &name, fresh, expires)).await
    }

    /// Empties the log even where nothing expired: an earlier call may have been cut short before that.
    async fn destroy_expired(&self, now: Millis) -> Result<()> {
        self.0.write(move |db| destroy(db, now)).await?;
        self.0.empty_log().await
    }
}

fn kept(db: &Connection, name: &str, expires: Millis) -> Result<Option<Salt>> {
    let salt = db
        .prepare_cached("SELECT salt FROM salts WHERE name = ?1 AND expires >= ?2")?
        .query_row(params![name, expires.0], |row| row.get(0))
        .optional()?;
    Ok(salt)
}

/// The salt that is there wins over the fresh one; the later expiry wins.
fn keep(db: &Connection, name: &str, fresh: Salt, expires: Millis) -> Result<Salt> {
    let salt = db
        .prepare_cached(
            "INSERT INTO salts (name, salt, expires) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET expires = max(expires, excluded.expires)
             RETURNING salt",
        )?
        .query_row(params![name, fresh, expires.0], |row| row.get(0))?;
    Ok(salt)
}

fn destroy(db: &Connection, now: Millis) -> Result<()> {
    db.execute("DELETE FROM salts WHERE expires < ?1", [now.0])?;
    Ok(())
}
