//! The documents that writers of the whole installation take turns with, in the collection `turns`:
//!
//! - `tail`: `{_id, v, last: i64, forgotten: i64}`, the last cursor given and how many sites were forgotten;
//! - `peaks`: `{_id, v, turn: i64, forgotten: i64}`;
//! - `accounts`, `sites` and `rooms`: `{_id, v, turn: i64}`, for who counts all of them.

use mongodb::bson::{Document, doc};
use serde::Deserialize;

use super::schema::V;
use super::step::Step;
use crate::{Result, StoreError};

pub const TURNS: &str = "turns";
pub const TAIL: &str = "tail";
pub const PEAKS: &str = "peaks";
pub const ACCOUNTS: &str = "accounts";
pub const SITES: &str = "sites";
pub const ROOMS: &str = "rooms";

#[derive(Deserialize)]
pub struct Turn {
    /// Of `tail`: the last cursor given.
    #[serde(default)]
    pub last: i64,
    /// Of `tail` and `peaks`: how many sites were forgotten.
    #[serde(default)]
    pub forgotten: i64,
}

/// Makes those that are missing. Before any transaction: they never make one.
pub async fn prepare(step: &mut Step) -> Result<()> {
    for (id, first) in [
        (TAIL, doc! { "v": V, "last": 0_i64, "forgotten": 0_i64 }),
        (PEAKS, doc! { "v": V, "turn": 0_i64, "forgotten": 0_i64 }),
        (ACCOUNTS, doc! { "v": V, "turn": 0_i64 }),
        (SITES, doc! { "v": V, "turn": 0_i64 }),
        (ROOMS, doc! { "v": V, "turn": 0_i64 }),
    ] {
        step.put(TURNS, doc! { "_id": id }, doc! { "$setOnInsert": first }).await?;
    }
    Ok(())
}

/// Takes one, changing it; as it is then.
pub async fn take(step: &mut Step, id: &str, change: Document) -> Result<Turn> {
    let taken = step.changed(TURNS, doc! { "_id": id }, change).await?;
    taken.ok_or_else(|| StoreError::Unavailable(anyhow::anyhow!("the database lost its turn of {id}")))
}
