//! Sites, in the collection `sites`, a document each with the fields of `model::Site`, `v` and `turn`.

use async_trait::async_trait;
use model::{AccountId, Millis, Role, Site, SiteId, limits};
use mongodb::bson::{Document, doc};
use serde::{Deserialize, Serialize};

use super::columns::Column;
use super::registry::Registry;
use super::schema::V;
use super::step::Step;
use super::transaction::{read, write};
use super::{chat, forgotten, invitations, members, pages, saved, shares, tokens, totals, turns};
use crate::sites::Sites;
use crate::{Result, StoreError};

pub const SITES: &str = "sites";

#[derive(Serialize, Deserialize)]
struct Row {
    _id: i64,
    v: i32,
    name: String,
    hostnames: Vec<String>,
    time_zone: String,
    honour_opt_out: bool,
    first_party_id: bool,
    ignored_addresses: Vec<String>,
    ignored_paths: Vec<String>,
    #[serde(default)]
    keep_days: Option<i64>,
    /// JSON; missing in those of schema 10 and before.
    #[serde(default = "unsaid")]
    chat: String,
    created: i64,
    /// Taken by who counts what belongs to the site.
    turn: i64,
}

fn unsaid() -> String {
    "{}".into()
}

impl From<Row> for Site {
    fn from(row: Row) -> Site {
        Site {
            id: SiteId::of(row._id as u64),
            name: row.name,
            hostnames: row.hostnames,
            time_zone: row.time_zone,
            honour_opt_out: row.honour_opt_out,
            first_party_id: row.first_party_id,
            ignored_addresses: row.ignored_addresses,
            ignored_paths: row.ignored_paths,
            keep_days: row.keep_days.and_then(|days| u32::try_from(days).ok()),
            chat: serde_json::from_str(&row.chat).unwrap_or_default(),
            created: Millis(row.created),
        }
    }
}

#[async_trait]
impl Sites for Registry {
    async fn all(&self) -> Result<Vec<Site>> {
        read!(self, |step| all(step))
    }

    async fn site(&self, id: SiteId) -> Result<Site> {
        read!(self, |step| site(step, id))
    }

    async fn add(&self, site: Site, owner: AccountId) -> Result<()> {
        write!(self, |step| add(step, &site, owner))
    }

    async fn change(&self, site: Site) -> Result<()> {
        write!(self, |step| change(step, &site))
    }

    async fn remove(&self, id: SiteId) -> Result<()> {
        write!(self, |step| remove(step, id))
    }
}

/// NotFound for an unknown site.
pub async fn take_turn(step: &mut Step, id: SiteId) -> Result<()> {
    found(step.take_turn(SITES, one(id)).await?)
}

async fn all(step: &mut Step) -> Result<Vec<Site>> {
    let rows: Vec<Row> = step.all(SITES, doc! {}, doc! {}).await?;
    let mut sites: Vec<Site> = rows.into_iter().map(Site::from).collect();
    sites.sort_by_cached_key(|site| (site.name.to_ascii_lowercase(), site.id));
    Ok(sites)
}

async fn site(step: &mut Step, id: SiteId) -> Result<Site> {
    let row: Option<Row> = step.one(SITES, one(id)).await?;
    row.map(Site::from).ok_or(StoreError::NotFound("site"))
}

async fn add(step: &mut Step, site: &Site, owner: AccountId) -> Result<()> {
    turns::take(step, turns::SITES, doc! { "$inc": { "turn": 1_i64 } }).await?;
    if step.count(SITES, doc! {}).await? >= limits::SITES_MAX {
        return Err(StoreError::Limit { what: "sites", max: limits::SITES_MAX });
    }
    if step.exists(SITES, one(site.id)).await? {
        return Err(StoreError::Conflict("a site with that id is there already"));
    }
    let row = Row {
        _id: site.id.column(),
        v: V,
        name: site.name.clone(),
        hostnames: site.hostnames.clone(),
        time_zone: site.time_zone.clone(),
        honour_opt_out: site.honour_opt_out,
        first_party_id: site.first_party_id,
        ignored_addresses: site.ignored_addresses.clone(),
        ignored_paths: site.ignored_paths.clone(),
        keep_days: site.keep_days.map(i64::from),
        chat: chat::json(&site.chat),
        created: site.created.0,
        turn: 0,
    };
    step.insert(SITES, &row).await?;
    members::grant(step, site.id, owner, Role::Owner).await
}

async fn change(step: &mut Step, site: &Site) -> Result<()> {
    let change = doc! { "$set": {
        "name": &site.name,
        "hostnames": &site.hostnames,
        "time_zone": &site.time_zone,
        "honour_opt_out": site.honour_opt_out,
        "first_party_id": site.first_party_id,
        "ignored_addresses": &site.ignored_addresses,
        "ignored_paths": &site.ignored_paths,
        "keep_days": site.keep_days.map(i64::from),
        "chat": chat::json(&site.chat),
    } };
    found(step.change(SITES, one(site.id), change).await?)
}

/// Its history is forgotten from here on, too: who removes a site and is killed leaves the rest of that to the next
/// opening. Who adds something to the site at the same moment takes its turn, and finds no site.
async fn remove(step: &mut Step, id: SiteId) -> Result<()> {
    forgotten::begin(step, id).await?;
    found(step.remove(SITES, one(id)).await? > 0)?;
    chat::rooms::begin_forgetting(step, id).await?;
    forgotten::begin_conversations(step, id).await?;
    let of_sites = [
        members::MEMBERS,
        invitations::INVITATIONS,
        shares::SHARES,
        tokens::TOKENS,
        saved::SAVED,
        totals::DAY_TOTALS,
        pages::WATCHED_PAGES,
        pages::PAGE_DAYS,
    ];
    for of_site in of_sites {
        step.remove(of_site, doc! { "site": id.column() }).await?;
    }
    Ok(())
}

fn one(id: SiteId) -> Document {
    doc! { "_id": id.column() }
}

fn found(any: bool) -> Result<()> {
    if any { Ok(()) } else { Err(StoreError::NotFound("site")) }
}
