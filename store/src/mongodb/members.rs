//! Members of a site and their roles, in the collection `members`: `{_id, v, site, account, role}`.
//! A site keeps an owner among them; who grants or revokes takes the site's turn, so that the owners and members
//! that were counted are those there are when it commits.

use std::collections::HashMap;

use model::{AccountId, Role, SiteId, limits};
use mongodb::bson::{Document, doc};
use serde::Deserialize;

use super::columns::{self, Column};
use super::schema::V;
use super::step::Step;
use super::{invitations, people, sites};
use crate::accounts::Account;
use crate::{Result, StoreError};

pub const MEMBERS: &str = "members";

#[derive(Deserialize)]
struct Row {
    site: i64,
    account: i64,
    role: i64,
}

fn one(site: SiteId, account: AccountId) -> Document {
    doc! { "site": site.column(), "account": account.column() }
}

pub async fn role(step: &mut Step, account: AccountId, site: SiteId) -> Result<Option<Role>> {
    let row: Option<Row> = step.one(MEMBERS, one(site, account)).await?;
    row.map(|row| columns::role(row.role)).transpose()
}

pub async fn memberships(step: &mut Step, account: AccountId) -> Result<Vec<(SiteId, Role)>> {
    let rows: Vec<Row> = step.all(MEMBERS, doc! { "account": account.column() }, doc! { "site": 1 }).await?;
    rows.into_iter().map(|row| Ok((SiteId::of(row.site as u64), columns::role(row.role)?))).collect()
}

pub async fn members(step: &mut Step, site: SiteId) -> Result<Vec<(Account, Role)>> {
    let rows: Vec<Row> = step.all(MEMBERS, doc! { "site": site.column() }, doc! {}).await?;
    let roles: HashMap<i64, i64> = rows.iter().map(|row| (row.account, row.role)).collect();
    let accounts = people::accounts(step, roles.keys().copied().collect()).await?;
    let mut members = accounts
        .into_iter()
        .map(|account| {
            let role = roles.get(&account.id.column()).copied().unwrap_or_default();
            Ok((account, columns::role(role)?))
        })
        .collect::<Result<Vec<_>>>()?;
    members.sort_by_cached_key(|(account, role)| {
        (*role != Role::Owner, account.name.to_ascii_lowercase(), account.id)
    });
    Ok(members)
}

pub async fn grant(step: &mut Step, site: SiteId, account: AccountId, granted: Role) -> Result<()> {
    sites::take_turn(step, site).await?;
    people::refuse_unknown(step, account).await?;
    match role(step, account, site).await? {
        None => refuse_full(step, site).await?,
        Some(Role::Owner) if granted != Role::Owner => refuse_last_owner(step, site).await?,
        Some(_) => {}
    }
    let change = doc! { "$set": { "role": granted.column() }, "$setOnInsert": { "v": V } };
    step.put(MEMBERS, one(site, account), change).await?;
    invitations::withdraw_beyond(step, site, account, Some(granted)).await
}

pub async fn revoke(step: &mut Step, site: SiteId, account: AccountId) -> Result<()> {
    sites::take_turn(step, site).await?;
    match role(step, account, site).await? {
        None => return Err(StoreError::NotFound("member")),
        Some(Role::Owner) => refuse_last_owner(step, site).await?,
        Some(_) => {}
    }
    step.remove(MEMBERS, one(site, account)).await?;
    invitations::withdraw_beyond(step, site, account, None).await
}

async fn refuse_full(step: &mut Step, site: SiteId) -> Result<()> {
    let count = step.count(MEMBERS, doc! { "site": site.column() }).await?;
    if count >= limits::MEMBERS_MAX {
        return Err(StoreError::Limit { what: "members of a site", max: limits::MEMBERS_MAX });
    }
    Ok(())
}

async fn refuse_last_owner(step: &mut Step, site: SiteId) -> Result<()> {
    let owners = doc! { "site": site.column(), "role": Role::Owner.column() };
    if step.count(MEMBERS, owners).await? <= 1 {
        return Err(StoreError::Conflict("a site keeps at least one owner"));
    }
    Ok(())
}
