//! Accounts, in the collection `accounts`: `{_id, v, name, email, email_key, password_phc, operator, created, turn, digest: i64?}`,
//! and the set-up secret that makes the first one, in `meta`: `{_id: "set_up", v, secret}`.

use model::{AccountId, Millis};
use mongodb::bson::doc;
use serde::{Deserialize, Serialize};

use super::columns::{Column, secret};
use super::schema::V;
use super::step::Step;
use super::{META, sign_ins, turns};
use crate::accounts::{Account, NewAccount, SecretHash};
use crate::{Result, StoreError};

pub const ACCOUNTS: &str = "accounts";

#[derive(Serialize, Deserialize)]
struct Row {
    _id: i64,
    v: i32,
    name: String,
    email: String,
    /// In lower case: what tells accounts apart.
    email_key: String,
    password_phc: String,
    operator: bool,
    created: i64,
    /// Taken by who counts what belongs to the account.
    turn: i64,
}

impl From<Row> for Account {
    fn from(row: Row) -> Account {
        Account {
            id: AccountId::of(row._id as u64),
            name: row.name,
            email: row.email,
            password_phc: row.password_phc,
            operator: row.operator,
            created: Millis(row.created),
        }
    }
}

pub async fn is_empty(step: &mut Step) -> Result<bool> {
    Ok(!step.exists(ACCOUNTS, doc! {}).await?)
}

pub async fn offer_set_up(step: &mut Step, offer: SecretHash) -> Result<()> {
    refuse_second_set_up(step).await?;
    let offered = doc! { "$set": { "v": V, "secret": secret(offer) } };
    step.put(META, doc! { "_id": "set_up" }, offered).await
}

pub async fn set_up_offered(step: &mut Step, offer: SecretHash) -> Result<bool> {
    step.exists(META, doc! { "_id": "set_up", "secret": secret(offer) }).await
}

pub async fn set_up(
    step: &mut Step,
    offer: SecretHash,
    account: &NewAccount,
    now: Millis,
) -> Result<Account> {
    refuse_second_set_up(step).await?;
    if step.remove(META, doc! { "_id": "set_up", "secret": secret(offer) }).await? == 0 {
        return Err(StoreError::NotFound("set-up secret"));
    }
    add(step, account, true, now).await
}

async fn refuse_second_set_up(step: &mut Step) -> Result<()> {
    turns::take(step, turns::ACCOUNTS, doc! { "$inc": { "turn": 1_i64 } }).await?;
    if is_empty(step).await? { Ok(()) } else { Err(StoreError::Conflict("an account exists already")) }
}

pub async fn add(step: &mut Step, account: &NewAccount, operator: bool, now: Millis) -> Result<Account> {
    refuse_taken_email(step, account.id, &account.email).await?;
    let row = Row {
        _id: account.id.column(),
        v: V,
        name: account.name.clone(),
        email: account.email.clone(),
        email_key: email_key(&account.email),
        password_phc: account.password_phc.clone(),
        operator,
        created: now.0,
        turn: 0,
    };
    step.insert(ACCOUNTS, &row).await?;
    Ok(row.into())
}

pub async fn account(step: &mut Step, id: AccountId) -> Result<Account> {
    let row: Option<Row> = step.one(ACCOUNTS, doc! { "_id": id.column() }).await?;
    row.map(Account::from).ok_or(StoreError::NotFound("account"))
}

pub async fn account_by_email(step: &mut Step, email: &str) -> Result<Account> {
    let row: Option<Row> = step.one(ACCOUNTS, doc! { "email_key": email_key(email) }).await?;
    row.map(Account::from).ok_or(StoreError::NotFound("account"))
}

pub async fn accounts(step: &mut Step, ids: Vec<i64>) -> Result<Vec<Account>> {
    let rows: Vec<Row> = step.all(ACCOUNTS, doc! { "_id": { "$in": ids } }, doc! {}).await?;
    Ok(rows.into_iter().map(Account::from).collect())
}

pub async fn refuse_unknown(step: &mut Step, id: AccountId) -> Result<()> {
    let known = step.exists(ACCOUNTS, doc! { "_id": id.column() }).await?;
    if known { Ok(()) } else { Err(StoreError::NotFound("account")) }
}

/// NotFound for an unknown account.
pub async fn take_turn(step: &mut Step, id: AccountId) -> Result<()> {
    let taken = step.take_turn(ACCOUNTS, doc! { "_id": id.column() }).await?;
    if taken { Ok(()) } else { Err(StoreError::NotFound("account")) }
}

pub async fn change(step: &mut Step, id: AccountId, name: &str, email: &str) -> Result<()> {
    refuse_taken_email(step, id, email).await?;
    let change = doc! { "$set": { "name": name, "email": email, "email_key": email_key(email) } };
    let changed = step.change(ACCOUNTS, doc! { "_id": id.column() }, change).await?;
    if changed { Ok(()) } else { Err(StoreError::NotFound("account")) }
}

/// Takes the account's turn, so that no sign-in is opened at the same moment with the old password.
pub async fn change_password(
    step: &mut Step,
    id: AccountId,
    password_phc: &str,
    keep: Option<SecretHash>,
) -> Result<()> {
    let change = doc! { "$set": { "password_phc": password_phc }, "$inc": { "turn": 1_i64 } };
    if !step.change(ACCOUNTS, doc! { "_id": id.column() }, change).await? {
        return Err(StoreError::NotFound("account"));
    }
    sign_ins::close_all(step, id, keep).await?;
    Ok(())
}

async fn refuse_taken_email(step: &mut Step, id: AccountId, email: &str) -> Result<()> {
    let by_another = doc! { "email_key": email_key(email), "_id": { "$ne": id.column() } };
    let taken = step.exists(ACCOUNTS, by_another).await?;
    if taken { Err(StoreError::Conflict("that e-mail has an account")) } else { Ok(()) }
}

pub fn email_key(email: &str) -> String {
    email.to_lowercase()
}
