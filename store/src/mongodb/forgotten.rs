//! Sites that were forgotten, in the collection `forgotten`: `{_id: site, v, number: i64, finished: bool, conversations: bool?}`;
//! `conversations`: they are still to go.
//!
//! Nothing is taken for them again. Every append would have to look; instead it compares one number that it reads
//! anyway, with the turn that it takes, and looks only where that has risen.

use std::collections::HashSet;
use std::sync::Arc;

use model::SiteId;
use mongodb::bson::doc;
use parking_lot::Mutex;
use serde::Deserialize;

use super::schema::V;
use super::step::Step;
use super::{segments, turns};
use crate::Result;

pub const FORGOTTEN: &str = "forgotten";

/// What this process learned of them last.
#[derive(Default)]
pub struct Forgotten(Mutex<Arc<Known>>);

/// Those that a transaction sees. Sixteen bytes a site that was ever removed.
#[derive(Clone, Default)]
pub struct Known {
    /// How many had been forgotten then.
    number: i64,
    sites: HashSet<i64>,
}

#[derive(Deserialize)]
struct Row {
    _id: i64,
}

impl Forgotten {
    /// Those up to `number`, as the turn says, read from within its transaction.
    pub async fn known(&self, step: &mut Step, number: i64) -> Result<Arc<Known>> {
        let known = Arc::clone(&self.0.lock());
        if known.number == number {
            return Ok(known);
        }
        // Lower: an older snapshot, or servers that lost what a majority never had. Read from the beginning.
        let mut known = if known.number < number { Known::clone(&known) } else { Known::default() };
        let newer = doc! { "number": { "$gt": known.number } };
        let rows: Vec<Row> = step.all(FORGOTTEN, newer, doc! {}).await?;
        known.sites.extend(rows.iter().map(|row| row._id));
        known.number = number;
        let known = Arc::new(known);
        *self.0.lock() = Arc::clone(&known);
        Ok(known)
    }
}

impl Known {
    pub fn has(&self, site: SiteId) -> bool {
        self.sites.contains(&(site.value() as i64))
    }
}

/// From here on nothing is taken for the site. Takes the turns of tail, peaks and folds: who appends at the same moment
/// comes before, and is removed with the rest, or after, and takes nothing.
pub async fn begin(step: &mut Step, site: SiteId) -> Result<()> {
    let site = site.value() as i64;
    let turn = turns::take(step, turns::TAIL, doc! { "$inc": { "forgotten": 1_i64 } }).await?;
    let number = turn.forgotten;
    turns::take(step, turns::PEAKS, doc! { "$set": { "forgotten": number } }).await?;
    segments::begin_forgetting(step, SiteId::of(site as u64)).await?;
    let first = doc! { "v": V, "number": number };
    let row = doc! { "$setOnInsert": first, "$set": { "finished": false } };
    step.put(FORGOTTEN, doc! { "_id": site }, row).await
}

pub async fn finish(step: &mut Step, site: SiteId) -> Result<()> {
    let site = site.value() as i64;
    step.change(FORGOTTEN, doc! { "_id": site }, doc! { "$set": { "finished": true } }).await.map(drop)
}

/// Those that a process was killed with half way.
pub async fn unfinished(step: &mut Step) -> Result<Vec<SiteId>> {
    let rows: Vec<Row> = step.all(FORGOTTEN, doc! { "finished": false }, doc! {}).await?;
    Ok(rows.into_iter().map(|row| SiteId::of(row._id as u64)).collect())
}

/// The site is removed, and its conversations go after the transaction that removes it.
pub async fn begin_conversations(step: &mut Step, site: SiteId) -> Result<()> {
    let there = doc! { "$set": { "conversations": true } };
    step.change(FORGOTTEN, doc! { "_id": site.value() as i64 }, there).await.map(drop)
}

pub async fn end_conversations(step: &mut Step, site: SiteId) -> Result<()> {
    let gone = doc! { "$unset": { "conversations": "" } };
    step.change(FORGOTTEN, doc! { "_id": site.value() as i64 }, gone).await.map(drop)
}

/// Removed sites whose conversations are still to go.
pub async fn conversing(step: &mut Step) -> Result<Vec<SiteId>> {
    let rows: Vec<Row> = step.all(FORGOTTEN, doc! { "conversations": true }, doc! {}).await?;
    Ok(rows.into_iter().map(|row| SiteId::of(row._id as u64)).collect())
}
