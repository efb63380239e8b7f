//! Invitations to a site. Those that expired go when the next one, to any site, is made.

use model::{AccountId, InvitationId, Millis, Role, SiteId, limits};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::columns::Column;
use super::{members, people};
use crate::accounts::{Account, Invitation, NewAccount, SecretHash};
use crate::{Result, StoreError};

const COLUMNS: &str = "id, site, role, invited_by, note, created, expires";

fn read(row: &Row<'_>) -> rusqlite::Result<Invitation> {
    Ok(Invitation {
        id: InvitationId::read(row, 0)?,
        site: SiteId::read(row, 1)?,
        role: Role::read(row, 2)?,
        by: AccountId::read(row, 3)?,
        note: row.get(4)?,
        created: Millis(row.get(5)?),
        expires: Millis(row.get(6)?),
    })
}

pub fn invite(db: &Connection, invitation: &Invitation, secret: SecretHash) -> Result<()> {
    db.execute("DELETE FROM invitations WHERE expires <= ?1", [invitation.created.0])?;
    let site = invitation.site.column();
    let count: usize =
        db.query_row("SELECT COUNT(*) FROM invitations WHERE site = ?1", [site], |row| row.get(0))?;
    if count >= limits::INVITATIONS_MAX {
        return Err(StoreError::Limit { what: "open invitations to a site", max: limits::INVITATIONS_MAX });
    }
    db.execute(
        "INSERT INTO invitations (id, secret, site, role, invited_by, note, created, expires)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            invitation.id.column(),
            secret.0,
            site,
            invitation.role.column(),
            invitation.by.column(),
            invitation.note,
            invitation.created.0,
            invitation.expires.0
        ],
    )?;
    Ok(())
}

pub fn invitation(db: &Connection, secret: SecretHash, now: Millis) -> Result<Invitation> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM invitations WHERE secret = ?1 AND expires > ?2"))?
        .query_row(params![secret.0, now.0], read)
        .optional()?
        .ok_or(StoreError::NotFound("invitation"))
}

pub fn accept(db: &Connection, secret: SecretHash, account: AccountId, now: Millis) -> Result<Invitation> {
    let invitation = invitation(db, secret, now)?;
    let held = members::role(db, account, invitation.site)?;
    let higher = held.map_or(invitation.role, |held| held.max(invitation.role));
    members::grant(db, invitation.site, account, higher)?;
    withdraw(db, invitation.site, invitation.id)?;
    Ok(invitation)
}

/// Looks at the invitation first: without one, nobody learns which e-mails have an account.
pub fn accept_as_new(
    db: &Connection,
    secret: SecretHash,
    account: NewAccount,
    now: Millis,
) -> Result<Account> {
    invitation(db, secret, now)?;
    let account = people::add(db, account, false, now)?;
    accept(db, secret, account.id, now)?;
    Ok(account)
}

pub fn invitations(db: &Connection, site: SiteId, now: Millis) -> Result<Vec<Invitation>> {
    let mut select = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM invitations WHERE site = ?1 AND expires > ?2 ORDER BY created DESC, id"
    ))?;
    let open = select.query_map([site.column(), now.0], read)?;
    Ok(open.collect::<rusqlite::Result<_>>()?)
}

/// Withdraws what an account has open on a site and, with the role it has left, could not make now. An operator is
/// one of every site.
pub fn withdraw_beyond(db: &Connection, site: SiteId, by: AccountId, left: Option<Role>) -> Result<()> {
    let open = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM invitations WHERE site = ?1 AND invited_by = ?2"))?
        .query_map([site.column(), by.column()], read)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let is_operator: bool = db
        .prepare_cached("SELECT operator FROM accounts WHERE id = ?1")?
        .query_row([by.column()], |row| row.get(0))?;
    let may_still = |role: Role| is_operator || left.is_some_and(|left| left >= Role::Admin && left >= role);
    for invitation in open.iter().filter(|invitation| !may_still(invitation.role)) {
        withdraw(db, site, invitation.id)?;
    }
    Ok(())
}

pub fn withdraw(db: &Connection, site: SiteId, id: InvitationId) -> Result<()> {
    let withdrawn =
        db.execute("DELETE FROM invitations WHERE id = ?1 AND site = ?2", [id.column(), site.column()])?;
    if withdrawn == 0 { Err(StoreError::NotFound("invitation")) } else { Ok(()) }
}
