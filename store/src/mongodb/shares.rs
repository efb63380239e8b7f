//! Share links of a site, in the collection `shares`: `{_id, v, secret, site, name, created, segment: i64?}`.

use model::{Millis, SavedId, ShareId, SiteId, limits};
use mongodb::bson::{Binary, doc};
use serde::{Deserialize, Serialize};

use super::columns::{Column, secret};
use super::schema::V;
use super::sites;
use super::step::Step;
use crate::accounts::{SecretHash, Share};
use crate::{Result, StoreError};

pub const SHARES: &str = "shares";

#[derive(Serialize, Deserialize)]
struct Row {
    _id: i64,
    v: i32,
    secret: Binary,
    site: i64,
    name: String,
    created: i64,
    #[serde(default)]
    segment: Option<i64>,
}

impl From<Row> for Share {
    fn from(row: Row) -> Share {
        Share {
            id: ShareId::of(row._id as u64),
            site: SiteId::of(row.site as u64),
            name: row.name,
            created: Millis(row.created),
            segment: row.segment.map(|id| SavedId::of(id as u64)),
        }
    }
}

pub async fn share(step: &mut Step, share: &Share, of: SecretHash) -> Result<()> {
    sites::take_turn(step, share.site).await?;
    let site = share.site.column();
    if step.count(SHARES, doc! { "site": site }).await? >= limits::SHARES_MAX {
        return Err(StoreError::Limit { what: "share links of a site", max: limits::SHARES_MAX });
    }
    let row = Row {
        _id: share.id.column(),
        v: V,
        secret: secret(of),
        site,
        name: share.name.clone(),
        created: share.created.0,
        segment: share.segment.map(Column::column),
    };
    step.insert(SHARES, &row).await
}

pub async fn shared(step: &mut Step, of: SecretHash) -> Result<Share> {
    let row: Option<Row> = step.one(SHARES, doc! { "secret": secret(of) }).await?;
    row.map(Share::from).ok_or(StoreError::NotFound("share link"))
}

pub async fn shares(step: &mut Step, site: SiteId) -> Result<Vec<Share>> {
    let sort = doc! { "created": -1, "_id": 1 };
    let rows: Vec<Row> = step.all(SHARES, doc! { "site": site.column() }, sort).await?;
    Ok(rows.into_iter().map(Share::from).collect())
}

pub async fn unshare(step: &mut Step, site: SiteId, id: ShareId) -> Result<()> {
    let ended = step.remove(SHARES, doc! { "_id": id.column(), "site": site.column() }).await?;
    if ended == 0 { Err(StoreError::NotFound("share link")) } else { Ok(()) }
}
