//! What is saved of a site, in the collection `saved`: `{_id, v, site, kind: i64, name, body, at: i64?, created: i64}`.

use anyhow::anyhow;
use async_trait::async_trait;
use model::{Millis, SavedId, SiteId, limits};
use mongodb::bson::{Document, doc};
use serde::{Deserialize, Serialize};

use super::columns::Column;
use super::registry::Registry;
use super::schema::V;
use super::sites;
use super::step::Step;
use super::transaction::{read, write};
use crate::saved::{Saved, SavedItem, SavedKind, TOO_MANY};
use crate::{Result, StoreError};

pub const SAVED: &str = "saved";

#[derive(Serialize, Deserialize)]
struct Row {
    _id: i64,
    v: i32,
    site: i64,
    kind: i64,
    name: String,
    body: String,
    at: Option<i64>,
    created: i64,
}

#[async_trait]
impl Saved for Registry {
    async fn all(&self, site: SiteId) -> Result<Vec<SavedItem>> {
        read!(self, |step| all(step, site))
    }

    async fn add(&self, site: SiteId, item: SavedItem) -> Result<()> {
        item.refuse_oversized()?;
        write!(self, |step| add(step, site, &item))
    }

    async fn change(&self, site: SiteId, item: SavedItem) -> Result<()> {
        item.refuse_oversized()?;
        read!(self, |step| change(step, site, &item))
    }

    async fn remove(&self, site: SiteId, id: SavedId) -> Result<()> {
        read!(self, |step| remove(step, site, id))
    }
}

async fn all(step: &mut Step, site: SiteId) -> Result<Vec<SavedItem>> {
    let rows: Vec<Row> = step.all(SAVED, doc! { "site": site.column() }, doc! {}).await?;
    let mut items = rows.into_iter().map(item).collect::<Result<Vec<_>>>()?;
    items.sort_by_cached_key(SavedItem::order);
    Ok(items)
}

fn item(row: Row) -> Result<SavedItem> {
    let kind = SavedKind::of_number(row.kind)
        .ok_or_else(|| StoreError::Unavailable(anyhow!("a saved item is of a kind that is none")))?;
    Ok(SavedItem {
        id: SavedId::of(row._id as u64),
        kind,
        name: row.name,
        body: row.body,
        at: row.at.map(Millis),
        created: Millis(row.created),
    })
}

async fn add(step: &mut Step, site: SiteId, item: &SavedItem) -> Result<()> {
    sites::take_turn(step, site).await?;
    let (site, kind) = (site.column(), item.kind.number());
    if step.count(SAVED, doc! { "site": site, "kind": kind }).await? >= limits::SAVED_MAX {
        return Err(TOO_MANY);
    }
    let row = Row {
        _id: item.id.column(),
        v: V,
        site,
        kind,
        name: item.name.clone(),
        body: item.body.clone(),
        at: item.at.map(|at| at.0),
        created: item.created.0,
    };
    step.insert(SAVED, &row).await
}

async fn change(step: &mut Step, site: SiteId, item: &SavedItem) -> Result<()> {
    let mut one = one(site, item.id);
    one.insert("kind", item.kind.number());
    let change = doc! { "$set": { "name": &item.name, "body": &item.body, "at": item.at.map(|at| at.0) } };
    found(step.change(SAVED, one, change).await?)
}

async fn remove(step: &mut Step, site: SiteId, id: SavedId) -> Result<()> {
    found(step.remove(SAVED, one(site, id)).await? > 0)
}

fn one(site: SiteId, id: SavedId) -> Document {
    doc! { "_id": id.column(), "site": site.column() }
}

fn found(any: bool) -> Result<()> {
    if any { Ok(()) } else { Err(StoreError::NotFound("saved item")) }
}
