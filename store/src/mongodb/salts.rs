//! Salts, in the collection `salts`: `{_id: name, v, salt: 32 bytes, expires}`.
//!
//! Destroyed ones are removed; MongoDB then keeps their bytes in blocks of its files until they are written over, and
//! in its oplog and journal until those roll on. Neither can be read through MongoDB's commands but for the oplog,
//! which takes rights on the database `local`: nobody needs those on a cluster of Watchfire but its operator.

use anyhow::anyhow;
use async_trait::async_trait;
use model::Millis;
use mongodb::bson::{Binary, DateTime, doc};
use serde::Deserialize;

use super::columns::{binary, bytes32, date};
use super::registry::Registry;
use super::schema::V;
use super::step::Step;
use super::transaction::read;
use crate::salts::{Salt, Salts};
use crate::{Result, StoreError};

pub const SALTS: &str = "salts";

/// How often a salt is asked for that another process makes at the same moment.
const TRIES_MAX: usize = 5;

#[derive(Deserialize)]
struct Row {
    salt: Binary,
    expires: DateTime,
}

#[async_trait]
impl Salts for Registry {
    async fn salt(&self, name: &str, expires: Millis) -> Result<Salt> {
        let name = name.to_owned();
        read!(self, |step| salt(step, &name, expires))
    }

    async fn destroy_expired(&self, now: Millis) -> Result<()> {
        read!(self, |step| destroy(step, now))
    }
}

async fn salt(step: &mut Step, name: &str, expires: Millis) -> Result<Salt> {
    if let Some(row) = step.one::<Row>(SALTS, doc! { "_id": name }).await?
        && row.expires >= date(expires)
    {
        return bytes32(row.salt);
    }
    let mut fresh = Salt::default();
    getrandom::fill(&mut fresh)
        .map_err(|error| StoreError::Unavailable(anyhow!("no randomness: {error}")))?;
    for _ in 0..TRIES_MAX {
        if let Some(kept) = keep(step, name, &fresh, expires).await? {
            return bytes32(kept.salt);
        }
    }
    Err(StoreError::Unavailable(anyhow!("the salt {name} was made {TRIES_MAX} times and found never")))
}

/// The salt that is there wins over the fresh one; the later expiry wins.
async fn keep(step: &mut Step, name: &str, fresh: &Salt, expires: Millis) -> Result<Option<Row>> {
    let keep = doc! {
        "$setOnInsert": { "v": V, "salt": binary(fresh) },
        "$max": { "expires": date(expires) },
    };
    step.kept(SALTS, doc! { "_id": name }, keep).await
}

async fn destroy(step: &mut Step, now: Millis) -> Result<()> {
    step.remove(SALTS, doc! { "expires": { "$lt": date(now) } }).await.map(drop)
}
