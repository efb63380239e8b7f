//! Browsers stand with their sign-ins (`endpoint`, and `browser` as JSON), how often somebody is mailed with their account (`digest`).

use anyhow::anyhow;
use async_trait::async_trait;
use model::notice::{Browser, Digest};
use model::{AccountId, Millis, limits};
use mongodb::bson::{Document, doc};
use serde::Deserialize;

use super::columns::{Column, date, secret};
use super::people::{self, ACCOUNTS};
use super::registry::Registry;
use super::sign_ins::SIGN_INS;
use super::step::Step;
use super::transaction::{read, write};
use crate::accounts::SecretHash;
use crate::notices::{NO_SIGN_IN, Notices, TOO_MANY_BROWSERS, refuse_oversized_browser};
use crate::{Result, StoreError};

#[derive(Deserialize)]
struct Row {
    account: i64,
    browser: Option<String>,
}

#[derive(Deserialize)]
struct Wanted {
    _id: i64,
    digest: i64,
}

#[async_trait]
impl Notices for Registry {
    async fn put_browser(&self, sign_in: SecretHash, browser: Browser, now: Millis) -> Result<()> {
        refuse_oversized_browser(&browser)?;
        write!(self, |step| put(step, sign_in, &browser, now))
    }

    async fn browser(&self, sign_in: SecretHash) -> Result<Option<Browser>> {
        let row: Option<Row> = read!(self, |step| step.one(SIGN_INS, doc! { "_id": secret(sign_in) }))?;
        row.and_then(|row| row.browser).map(|text| parse(&text)).transpose()
    }

    async fn remove_browser(&self, sign_in: SecretHash) -> Result<()> {
        read!(self, |step| step.change(SIGN_INS, doc! { "_id": secret(sign_in) }, none())).map(drop)
    }

    async fn forget_browser(&self, endpoint: &str) -> Result<()> {
        let endpoint = endpoint.to_owned();
        read!(self, |step| step.change(SIGN_INS, doc! { "endpoint": &endpoint }, none())).map(drop)
    }

    async fn browsers(&self, of: Vec<AccountId>, now: Millis) -> Result<Vec<(AccountId, Browser)>> {
        let open = doc! { "account": { "$in": columns(&of) }, "expires": { "$gt": date(now) },
        "endpoint": { "$exists": true } };
        let sort = doc! { "account": 1, "created": -1, "number": -1 };
        let rows: Vec<Row> = read!(self, |step| step.all(SIGN_INS, open.clone(), sort.clone()))?;
        let each = rows.into_iter().filter_map(|row| Some((row.account, row.browser?)));
        each.map(|(account, text)| Ok((AccountId::of(account as u64), parse(&text)?))).collect()
    }

    async fn set_digest(&self, account: AccountId, digest: Digest) -> Result<()> {
        let change = doc! { "$set": { "digest": digest.number() } };
        let of = doc! { "_id": account.column() };
        let changed = read!(self, |step| step.change(ACCOUNTS, of.clone(), change.clone()))?;
        if changed { Ok(()) } else { Err(StoreError::NotFound("account")) }
    }

    async fn digests(&self, of: Vec<AccountId>) -> Result<Vec<(AccountId, Digest)>> {
        let wanting = doc! { "_id": { "$in": columns(&of) }, "digest": { "$gt": 0_i64 } };
        let rows: Vec<Wanted> = read!(self, |step| step.all(ACCOUNTS, wanting.clone(), doc! { "_id": 1 }))?;
        let each = rows.into_iter().map(|row| {
            let digest = Digest::of_number(row.digest);
            let digest =
                digest.ok_or_else(|| StoreError::Unavailable(anyhow!("a digest is of no known kind")))?;
            Ok((AccountId::of(row._id as u64), digest))
        });
        each.collect()
    }
}

/// Takes the account's turn, so that of browsers put at once no more than the maximum stay.
async fn put(step: &mut Step, sign_in: SecretHash, browser: &Browser, now: Millis) -> Result<()> {
    let open = doc! { "_id": secret(sign_in), "expires": { "$gt": date(now) } };
    let row: Row = step.one(SIGN_INS, open).await?.ok_or(NO_SIGN_IN)?;
    people::take_turn(step, AccountId::of(row.account as u64)).await?;
    step.change_all(SIGN_INS, doc! { "endpoint": &browser.endpoint }, none()).await?;
    let others = doc! { "account": row.account, "_id": { "$ne": secret(sign_in) }, "expires": { "$gt": date(now) },
    "endpoint": { "$exists": true } };
    if step.count(SIGN_INS, others).await? >= limits::BROWSERS_MAX {
        return Err(TOO_MANY_BROWSERS);
    }
    let text = serde_json::to_string(browser).expect("where a browser is encodes");
    let change = doc! { "$set": { "endpoint": &browser.endpoint, "browser": text } };
    let changed = step.change(SIGN_INS, doc! { "_id": secret(sign_in) }, change).await?;
    if changed { Ok(()) } else { Err(NO_SIGN_IN) }
}

fn none() -> Document {
    doc! { "$unset": { "endpoint": "", "browser": "" } }
}

/// Where a browser is, as it is kept.
pub fn parse(text: &str) -> Result<Browser> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Unavailable(anyhow!("where a browser is: {error}")))
}

fn columns(of: &[AccountId]) -> Vec<i64> {
    of.iter().map(|id| id.column()).collect()
}
