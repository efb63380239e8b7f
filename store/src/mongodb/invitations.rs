//! Invitations to a site, in the collection `invitations`:
//! `{_id, v, secret, site, role, by, note, created, expires}`.
//! A site's that expired go when its next one is made; the server removes the others.

use model::{AccountId, InvitationId, Millis, Role, SiteId, limits};
use mongodb::bson::{Binary, DateTime, doc};
use serde::{Deserialize, Serialize};

use super::columns::{self, Column, date, moment, secret};
use super::schema::V;
use super::step::Step;
use super::{members, people, sites};
use crate::accounts::{Account, Invitation, NewAccount, SecretHash};
use crate::{Result, StoreError};

pub const INVITATIONS: &str = "invitations";

#[derive(Serialize, Deserialize)]
struct Row {
    _id: i64,
    v: i32,
    secret: Binary,
    site: i64,
    role: i64,
    by: i64,
    note: String,
    created: i64,
    expires: DateTime,
}

fn invitation_of(row: Row) -> Result<Invitation> {
    Ok(Invitation {
        id: InvitationId::of(row._id as u64),
        site: SiteId::of(row.site as u64),
        role: columns::role(row.role)?,
        by: AccountId::of(row.by as u64),
        note: row.note,
        created: Millis(row.created),
        expires: moment(row.expires),
    })
}

pub async fn invite(step: &mut Step, invitation: &Invitation, of: SecretHash) -> Result<()> {
    sites::take_turn(step, invitation.site).await?;
    people::refuse_unknown(step, invitation.by).await?;
    let site = invitation.site.column();
    let expired = doc! { "site": site, "expires": { "$lte": date(invitation.created) } };
    step.remove(INVITATIONS, expired).await?;
    if step.count(INVITATIONS, doc! { "site": site }).await? >= limits::INVITATIONS_MAX {
        return Err(StoreError::Limit { what: "open invitations to a site", max: limits::INVITATIONS_MAX });
    }
    let row = Row {
        _id: invitation.id.column(),
        v: V,
        secret: secret(of),
        site,
        role: invitation.role.column(),
        by: invitation.by.column(),
        note: invitation.note.clone(),
        created: invitation.created.0,
        expires: date(invitation.expires),
    };
    step.insert(INVITATIONS, &row).await
}

/// Withdraws what an account has open on a site and, with the role it has left, could not make now. An operator is
/// one of every site.
pub async fn withdraw_beyond(step: &mut Step, site: SiteId, by: AccountId, left: Option<Role>) -> Result<()> {
    if people::account(step, by).await?.operator {
        return Ok(());
    }
    let own = doc! { "site": site.column(), "by": by.column() };
    let open: Vec<Row> = step.all(INVITATIONS, own, doc! {}).await?;
    for row in open {
        let role = columns::role(row.role)?;
        if !left.is_some_and(|left| left >= Role::Admin && left >= role) {
            step.remove(INVITATIONS, doc! { "_id": row._id }).await?;
        }
    }
    Ok(())
}

pub async fn invitation(step: &mut Step, of: SecretHash, now: Millis) -> Result<Invitation> {
    let open = doc! { "secret": secret(of), "expires": { "$gt": date(now) } };
    let row: Option<Row> = step.one(INVITATIONS, open).await?;
    invitation_of(row.ok_or(StoreError::NotFound("invitation"))?)
}

pub async fn accept(step: &mut Step, of: SecretHash, account: AccountId, now: Millis) -> Result<Invitation> {
    let invitation = invitation(step, of, now).await?;
    let held = members::role(step, account, invitation.site).await?;
    let higher = held.map_or(invitation.role, |held| held.max(invitation.role));
    members::grant(step, invitation.site, account, higher).await?;
    withdraw(step, invitation.site, invitation.id).await?;
    Ok(invitation)
}

/// Looks at the invitation first: without one, nobody learns which e-mails have an account.
pub async fn accept_as_new(
    step: &mut Step,
    of: SecretHash,
    account: &NewAccount,
    now: Millis,
) -> Result<Account> {
    invitation(step, of, now).await?;
    let account = people::add(step, account, false, now).await?;
    accept(step, of, account.id, now).await?;
    Ok(account)
}

pub async fn invitations(step: &mut Step, site: SiteId, now: Millis) -> Result<Vec<Invitation>> {
    let open = doc! { "site": site.column(), "expires": { "$gt": date(now) } };
    let rows: Vec<Row> = step.all(INVITATIONS, open, doc! { "created": -1, "_id": 1 }).await?;
    rows.into_iter().map(invitation_of).collect()
}

pub async fn withdraw(step: &mut Step, site: SiteId, id: InvitationId) -> Result<()> {
    let withdrawn = step.remove(INVITATIONS, doc! { "_id": id.column(), "site": site.column() }).await?;
    if withdrawn == 0 { Err(StoreError::NotFound("invitation")) } else { Ok(()) }
}
