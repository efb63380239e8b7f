//! Sign-ins, in the collection `sign_ins`: `{_id: secret, v, account, created, expires, agent, number, marks: bytes?, endpoint: text?, browser:
//! text?}`.
//! An account's that expired go when its next one is opened; nobody's else: the server removes those.

use model::{AccountId, Millis, limits};
use mongodb::bson::{Binary, DateTime, Document, doc};
use serde::{Deserialize, Serialize};

use super::columns::{Column, binary, bytes32, date, moment, secret};
use super::people;
use super::schema::V;
use super::step::Step;
use crate::accounts::{Account, SecretHash, SignIn, marks_of};
use crate::{Result, StoreError};

pub const SIGN_INS: &str = "sign_ins";

#[derive(Serialize, Deserialize)]
struct Row {
    _id: Binary,
    v: i32,
    account: i64,
    created: i64,
    expires: DateTime,
    agent: String,
    /// The account's turn when it was opened: which of two of one moment is the newer.
    number: i64,
    /// None before marks were kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    marks: Option<Binary>,
}

#[derive(Deserialize)]
struct Turn {
    turn: i64,
}

fn newest_first() -> Document {
    doc! { "created": -1, "number": -1 }
}

fn sign_in_of(row: Row) -> Result<SignIn> {
    Ok(SignIn {
        secret: SecretHash(bytes32(row._id)?),
        account: AccountId::of(row.account as u64),
        created: Millis(row.created),
        expires: moment(row.expires),
        agent: row.agent,
        marks: row.marks.map_or_else(Vec::new, |marks| marks_of(&marks.bytes)),
    })
}

pub async fn open(step: &mut Step, sign_in: &SignIn) -> Result<()> {
    let account = sign_in.account.column();
    let turn = doc! { "$inc": { "turn": 1_i64 } };
    let Some(Turn { turn }) = step.changed(people::ACCOUNTS, doc! { "_id": account }, turn).await? else {
        return Err(StoreError::NotFound("account"));
    };
    let expired = doc! { "account": account, "expires": { "$lte": date(sign_in.created) } };
    step.remove(SIGN_INS, expired).await?;
    let open: Vec<Row> = step.all(SIGN_INS, doc! { "account": account }, newest_first()).await?;
    let ended: Vec<Binary> = open.into_iter().skip(limits::SIGN_INS_MAX - 1).map(|row| row._id).collect();
    if !ended.is_empty() {
        step.remove(SIGN_INS, doc! { "_id": { "$in": ended } }).await?;
    }
    let row = Row {
        _id: secret(sign_in.secret),
        v: V,
        account,
        created: sign_in.created.0,
        expires: date(sign_in.expires),
        agent: sign_in.agent.clone(),
        number: turn,
        marks: Some(binary(sign_in.marks.as_flattened())),
    };
    step.insert(SIGN_INS, &row).await
}

pub async fn sign_in(step: &mut Step, of: SecretHash, now: Millis) -> Result<(SignIn, Account)> {
    let open = doc! { "_id": secret(of), "expires": { "$gt": date(now) } };
    let Some(row) = step.one::<Row>(SIGN_INS, open).await? else {
        return Err(StoreError::NotFound("sign-in"));
    };
    let sign_in = sign_in_of(row)?;
    let account = people::account(step, sign_in.account).await?;
    Ok((sign_in, account))
}

pub async fn close(step: &mut Step, of: SecretHash) -> Result<()> {
    step.remove(SIGN_INS, doc! { "_id": secret(of) }).await.map(drop)
}

pub async fn close_all(step: &mut Step, account: AccountId, keep: Option<SecretHash>) -> Result<usize> {
    let mut others = doc! { "account": account.column() };
    if let Some(keep) = keep {
        others.insert("_id", doc! { "$ne": secret(keep) });
    }
    step.remove(SIGN_INS, others).await
}

pub async fn open_ones(step: &mut Step, account: AccountId, now: Millis) -> Result<Vec<SignIn>> {
    let open = doc! { "account": account.column(), "expires": { "$gt": date(now) } };
    let rows: Vec<Row> = step.all(SIGN_INS, open, newest_first()).await?;
    rows.into_iter().map(sign_in_of).collect()
}
