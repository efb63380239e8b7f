//! Sites, one row each.

use async_trait::async_trait;
use model::{AccountId, Millis, Role, Site, SiteId, limits};
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::columns::{Column, read_json, to_json};
use super::members;
use super::registry::Registry;
use crate::sites::Sites;
use crate::{Result, StoreError};

pub const COLUMNS: &str = "id, name, hostnames, time_zone, honour_opt_out, first_party_id, \
                       ignored_addresses, ignored_paths, created, keep_days, chat";

#[async_trait]
impl Sites for Registry {
    async fn all(&self) -> Result<Vec<Site>> {
        self.0.read(all).await
    }

    async fn site(&self, id: SiteId) -> Result<Site> {
        self.0.look_up(move |db| site(db, id)).await
    }

    async fn add(&self, site: Site, owner: AccountId) -> Result<()> {
        self.0.write(move |db| add(db, &site, owner)).await
    }

    async fn change(&self, site: Site) -> Result<()> {
        self.0.write(move |db| change(db, &site)).await
    }

    async fn remove(&self, id: SiteId) -> Result<()> {
        self.0.write(move |db| remove(db, id)).await
    }
}

fn all(db: &Connection) -> Result<Vec<Site>> {
    let mut select =
        db.prepare_cached(&format!("SELECT {COLUMNS} FROM sites ORDER BY name COLLATE NOCASE, id"))?;
    let sites = select.query_map([], read)?;
    Ok(sites.collect::<rusqlite::Result<_>>()?)
}

fn site(db: &Connection, id: SiteId) -> Result<Site> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM sites WHERE id = ?1"))?
        .query_row([id.column()], read)
        .optional()?
        .ok_or(StoreError::NotFound("site"))
}

pub fn read(row: &Row<'_>) -> rusqlite::Result<Site> {
    Ok(Site {
        id: SiteId::read(row, 0)?,
        name: row.get(1)?,
        hostnames: read_json(row, 2)?,
        time_zone: row.get(3)?,
        honour_opt_out: row.get(4)?,
        first_party_id: row.get(5)?,
        ignored_addresses: read_json(row, 6)?,
        ignored_paths: read_json(row, 7)?,
        created: Millis(row.get(8)?),
        keep_days: row.get(9)?,
        chat: read_json(row, 10)?,
    })
}

fn add(db: &Connection, site: &Site, owner: AccountId) -> Result<()> {
    let count: usize = db.query_row("SELECT COUNT(*) FROM sites", [], |row| row.get(0))?;
    if count >= limits::SITES_MAX {
        return Err(StoreError::Limit { what: "sites", max: limits::SITES_MAX });
    }
    if insert(db, site)? == 0 {
        return Err(StoreError::Conflict("a site with that id is there already"));
    }
    members::grant(db, site.id, owner, Role::Owner)
}

/// How many that made: none where the id is taken.
pub fn insert(db: &Connection, site: &Site) -> Result<usize> {
    let added = db.execute(
        "INSERT INTO sites (id, name, hostnames, time_zone, honour_opt_out, first_party_id,
                            ignored_addresses, ignored_paths, created, keep_days, chat)
         VALUES (:id, :name, :hostnames, :time_zone, :honour_opt_out, :first_party_id,
                 :ignored_addresses, :ignored_paths, :created, :keep_days, :chat)
         ON CONFLICT (id) DO NOTHING",
        named_params! {
            ":id": site.id.column(),
            ":name": site.name,
            ":hostnames": to_json(&site.hostnames),
            ":time_zone": site.time_zone,
            ":honour_opt_out": site.honour_opt_out,
            ":first_party_id": site.first_party_id,
            ":ignored_addresses": to_json(&site.ignored_addresses),
            ":ignored_paths": to_json(&site.ignored_paths),
            ":created": site.created.0,
            ":keep_days": site.keep_days,
            ":chat": to_json(&site.chat),
        },
    )?;
    Ok(added)
}

fn change(db: &Connection, site: &Site) -> Result<()> {
    let changed = db.execute(
        "UPDATE sites SET name = :name, hostnames = :hostnames, time_zone = :time_zone,
                honour_opt_out = :honour_opt_out, first_party_id = :first_party_id,
                ignored_addresses = :ignored_addresses, ignored_paths = :ignored_paths,
                keep_days = :keep_days, chat = :chat
         WHERE id = :id",
        named_params! {
            ":id": site.id.column(),
            ":name": site.name,
            ":hostnames": to_json(&site.hostnames),
            ":time_zone": site.time_zone,
            ":honour_opt_out": site.honour_opt_out,
            ":first_party_id": site.first_party_id,
            ":ignored_addresses": to_json(&site.ignored_addresses),
            ":ignored_paths": to_json(&site.ignored_paths),
            ":keep_days": site.keep_days,
            ":chat": to_json(&site.chat),
        },
    )?;
    found(changed, "site")
}

/// Memberships, invitations, share links and the site's own tokens go by `ON DELETE CASCADE`.
fn remove(db: &Connection, id: SiteId) -> Result<()> {
    found(db.execute("DELETE FROM sites WHERE id = ?1", [id.column()])?, "site")
}

/// Sites that were removed, whether or not their history was forgotten since.
pub fn removed(db: &Connection) -> Result<Vec<SiteId>> {
    let mut select = db.prepare("SELECT site FROM removed_sites")?;
    let sites = select.query_map([], |row| SiteId::read(row, 0))?;
    Ok(sites.collect::<rusqlite::Result<_>>()?)
}

fn found(rows: usize, what: &'static str) -> Result<()> {
    if rows == 0 { Err(StoreError::NotFound(what)) } else { Ok(()) }
}
