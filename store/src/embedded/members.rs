//! Members of a site and their roles. A site keeps an owner among them, also where an operator is one
//! of every site: operators change, and a list without an owner would say that nobody is in charge.

use model::{AccountId, Role, SiteId, limits};
use rusqlite::{Connection, OptionalExtension, params};

use super::columns::Column;
use super::{invitations, people};
use crate::accounts::Account;
use crate::{Result, StoreError};

pub fn role(db: &Connection, account: AccountId, site: SiteId) -> Result<Option<Role>> {
    let role = db
        .prepare_cached("SELECT role FROM members WHERE site = ?1 AND account = ?2")?
        .query_row([site.column(), account.column()], |row| Role::read(row, 0))
        .optional()?;
    Ok(role)
}

pub fn memberships(db: &Connection, account: AccountId) -> Result<Vec<(SiteId, Role)>> {
    let mut select = db.prepare_cached("SELECT site, role FROM members WHERE account = ?1 ORDER BY site")?;
    let held =
        select.query_map([account.column()], |row| Ok((SiteId::read(row, 0)?, Role::read(row, 1)?)))?;
    Ok(held.collect::<rusqlite::Result<_>>()?)
}

pub fn members(db: &Connection, site: SiteId) -> Result<Vec<(Account, Role)>> {
    let mut select = db.prepare_cached(&format!(
        "SELECT role, {account} FROM members JOIN accounts ON accounts.id = members.account
         WHERE site = ?1 ORDER BY role = ?2 DESC, accounts.name COLLATE NOCASE, accounts.id",
        account = people::COLUMNS
    ))?;
    let members = select.query_map([site.column(), Role::Owner.column()], |row| {
        Ok((people::read(row, 1)?, Role::read(row, 0)?))
    })?;
    Ok(members.collect::<rusqlite::Result<_>>()?)
}

pub fn grant(db: &Connection, site: SiteId, account: AccountId, granted: Role) -> Result<()> {
    match role(db, account, site)? {
        None => refuse_full(db, site)?,
        Some(Role::Owner) if granted != Role::Owner => refuse_last_owner(db, site)?,
        Some(_) => {}
    }
    db.execute(
        "INSERT INTO members (site, account, role) VALUES (?1, ?2, ?3)
         ON CONFLICT (site, account) DO UPDATE SET role = excluded.role",
        [site.column(), account.column(), granted.column()],
    )?;
    invitations::withdraw_beyond(db, site, account, Some(granted))
}

pub fn revoke(db: &Connection, site: SiteId, account: AccountId) -> Result<()> {
    match role(db, account, site)? {
        None => return Err(StoreError::NotFound("member")),
        Some(Role::Owner) => refuse_last_owner(db, site)?,
        Some(_) => {}
    }
    db.execute("DELETE FROM members WHERE site = ?1 AND account = ?2", [site.column(), account.column()])?;
    invitations::withdraw_beyond(db, site, account, None)
}

fn refuse_full(db: &Connection, site: SiteId) -> Result<()> {
    let count: usize =
        db.query_row("SELECT COUNT(*) FROM members WHERE site = ?1", [site.column()], |row| row.get(0))?;
    if count >= limits::MEMBERS_MAX {
        return Err(StoreError::Limit { what: "members of a site", max: limits::MEMBERS_MAX });
    }
    Ok(())
}

fn refuse_last_owner(db: &Connection, site: SiteId) -> Result<()> {
    let owners: usize = db.query_row(
        "SELECT COUNT(*) FROM members WHERE site = ?1 AND role = ?2",
        params![site.column(), Role::Owner.column()],
        |row| row.get(0),
    )?;
    if owners <= 1 {
        return Err(StoreError::Conflict("a site keeps at least one owner"));
    }
    Ok(())
}
