//! Moving house, out of and into the collections. The mark stands in `meta`: `{_id: "move", v, source, tail, ended}`.
//! Tail, peaks and removed sites go by way of `History`.

mod chat;
mod files;
mod rows;
mod segments;

use std::sync::Arc;

use async_trait::async_trait;
use model::{Millis, Peak, SiteId};
use mongodb::bson::{Document, doc};
use serde::Deserialize;

use super::columns::{binary, date};
use super::database::Database;
use super::forgotten::FORGOTTEN;
use super::invitations::INVITATIONS;
use super::members::MEMBERS;
use super::pages::{PAGE_DAYS, WATCHED_PAGES};
use super::peaks::PEAKS;
use super::people::ACCOUNTS;
use super::salts::SALTS;
use super::saved::SAVED;
use super::schema::V;
use super::segments::{FOLDS, SEGMENTS};
use super::shares::SHARES;
use super::sign_ins::SIGN_INS;
use super::sites::SITES;
use super::step::Step;
use super::tail::TAIL;
use super::tokens::TOKENS;
use super::totals::DAY_TOTALS;
use super::transaction::{read, write};
use super::uptimes::SERVICE_DAYS;
use super::{META, turns};
use crate::chat::Files;
use crate::history::History;
use crate::moving::chat::file_parts;
use crate::moving::history::{import_history, number, pair, tail, triple};
use crate::moving::parts::parts;
use crate::moving::{Key, Kind, Mark, Moving, Page, Row};
use crate::{Result, StoreError};

/// The database, its history, and the files of its rooms.
pub struct MongoMoving(pub Arc<Database>, pub Arc<dyn History>, pub Arc<dyn Files>);

const ALL: [&str; 17] = [
    ACCOUNTS,
    SITES,
    MEMBERS,
    SIGN_INS,
    TOKENS,
    INVITATIONS,
    SHARES,
    SAVED,
    DAY_TOTALS,
    WATCHED_PAGES,
    PAGE_DAYS,
    SALTS,
    FORGOTTEN,
    PEAKS,
    TAIL,
    FOLDS,
    SEGMENTS,
];

#[derive(Deserialize)]
struct Marked {
    source: String,
    tail: i64,
    ended: bool,
}

#[async_trait]
impl Moving for MongoMoving {
    async fn mark(&self) -> Result<Option<Mark>> {
        read!(self, |step| mark(step))
    }

    async fn begin(&self, source: &str) -> Result<Mark> {
        let source = source.to_owned();
        write!(self, |step| begin(step, &source))
    }

    async fn reached(&self, tail: u64) -> Result<()> {
        read!(self, |step| remark(step, doc! { "$max": { "tail": tail as i64 } }))
    }

    async fn end(&self) -> Result<()> {
        read!(self, |step| remark(step, doc! { "$set": { "ended": true } }))
    }

    async fn last_segment(&self) -> Result<Option<Key>> {
        read!(self, |step| segments::last(step))
    }

    async fn export(&self, kind: Kind, after: Option<Key>, now: Millis, limit: usize) -> Result<Page> {
        if kind == Kind::Tail {
            return tail(self.1.as_ref(), after, limit).await;
        }
        if kind == Kind::Segments {
            return parts(self.1.as_ref(), self, after, limit).await;
        }
        if kind == Kind::Files {
            return file_parts(self.2.as_ref(), self, after, limit).await;
        }
        let limit = kind.page_of(limit);
        let rows = match kind {
            kind if kind.is_chat() => {
                let (from, filter, sort) = chat::behind(kind, &after);
                let found = read!(self, |step| step.some(from, filter, sort, limit))?;
                chat::read_all(kind, &found)?
            }
            Kind::Folds => {
                let behind = number(&after).unwrap_or(i64::MIN);
                read!(self, |step| segments::folds(step, behind, limit))?
            }
            _ => read!(self, |step| export(step, kind, after, now, limit))?,
        };
        Ok(Page::of(rows, limit))
    }

    async fn import(&self, kind: Kind, rows: Vec<Row>) -> Result<()> {
        match kind {
            Kind::Tail | Kind::Peaks | Kind::Forgotten => import_history(self.1.as_ref(), rows).await,
            Kind::Segments => segments::import(self, rows).await,
            Kind::Files => files::import(self, rows).await,
            Kind::Folds => read!(self, |step| segments::import_folds(step, &rows)),
            _ => write!(self, |step| import(step, &rows)),
        }
    }
}

pub async fn mark(step: &mut Step) -> Result<Option<Mark>> {
    let marked: Option<Marked> = step.one(META, doc! { "_id": "move" }).await?;
    Ok(marked.map(|Marked { source, tail, ended }| Mark { source, tail: tail as u64, ended }))
}

/// Takes the turn of the accounts: a set-up at the same moment comes before, and is found, or after, and finds no offer.
async fn begin(step: &mut Step, source: &str) -> Result<Mark> {
    turns::take(step, turns::ACCOUNTS, doc! { "$inc": { "turn": 1_i64 } }).await?;
    for collection in ALL.into_iter().chain(chat::ALL) {
        if step.exists(collection, doc! {}).await? {
            return Err(StoreError::Conflict("the target of a move must be empty, and it holds something"));
        }
    }
    step.remove(META, doc! { "_id": "set_up" }).await?;
    step.remove(SERVICE_DAYS, doc! {}).await?;
    let begun = doc! { "v": V, "source": source, "tail": 0_i64, "ended": false };
    step.put(META, doc! { "_id": "move" }, doc! { "$set": begun }).await?;
    Ok(Mark { source: source.to_owned(), tail: 0, ended: false })
}

async fn remark(step: &mut Step, update: Document) -> Result<()> {
    step.change(META, doc! { "_id": "move" }, update).await.map(drop)
}

async fn export(
    step: &mut Step,
    kind: Kind,
    after: Option<Key>,
    now: Millis,
    limit: usize,
) -> Result<Vec<Row>> {
    let by_id = doc! { "_id": 1 };
    let mut behind = match &after {
        None => doc! {},
        Some(Key::Bytes(secret)) => doc! { "_id": { "$gt": binary(secret) } },
        Some(Key::Text(name)) => doc! { "_id": { "$gt": name } },
        Some(_) => doc! { "_id": { "$gt": number(&after).unwrap_or_default() } },
    };
    let (from, filter, sort) = match kind {
        Kind::Accounts => (ACCOUNTS, behind, by_id),
        Kind::SetUp => (META, doc! { "_id": "set_up" }, by_id),
        Kind::Sites => (SITES, behind, by_id),
        Kind::Members => (MEMBERS, behind_pair("site", "account", &after), doc! { "site": 1, "account": 1 }),
        Kind::Tokens => (TOKENS, behind, by_id),
        Kind::Shares => (SHARES, behind, by_id),
        Kind::Saved => (SAVED, behind, by_id),
        Kind::Totals => (DAY_TOTALS, behind_pair("site", "slot", &after), doc! { "site": 1, "slot": 1 }),
        Kind::Pages => (WATCHED_PAGES, behind, by_id),
        Kind::PageDays => (PAGE_DAYS, behind_day(&after), doc! { "site": 1, "page": 1, "day": 1 }),
        Kind::ServiceDays => (SERVICE_DAYS, behind, by_id),
        Kind::Forgotten => (FORGOTTEN, behind, by_id),
        Kind::Peaks => (PEAKS, behind_pair("hour", "site", &after), doc! { "hour": 1, "site": 1 }),
        Kind::SignIns | Kind::Invitations | Kind::Salts => {
            behind.insert("expires", doc! { "$gt": date(now) });
            let from = match kind {
                Kind::SignIns => SIGN_INS,
                Kind::Invitations => INVITATIONS,
                _ => SALTS,
            };
            (from, behind, by_id)
        }
        _ => return Ok(Vec::new()),
    };
    let found = step.some(from, filter, sort, limit).await?;
    found.iter().map(|row| read_row(kind, row).map_err(StoreError::Unavailable)).collect()
}

/// As an index on both has them.
fn behind_pair(one: &str, two: &str, after: &Option<Key>) -> Document {
    if after.is_none() {
        return doc! {};
    }
    let (first, second) = pair(after);
    doc! { "$or": [{ one: first, two: { "$gt": second } }, { one: { "$gt": first } }] }
}

/// Days of pages from behind one.
fn behind_day(after: &Option<Key>) -> Document {
    if after.is_none() {
        return doc! {};
    }
    let (site, page, day) = triple(after);
    doc! { "$or": [
        { "site": site, "page": page, "day": { "$gt": day } },
        { "site": site, "page": { "$gt": page } },
        { "site": { "$gt": site } },
    ] }
}

fn read_row(kind: Kind, row: &Document) -> anyhow::Result<Row> {
    Ok(match kind {
        Kind::Accounts => Row::Account(rows::account(row)?),
        Kind::SetUp => Row::SetUp(rows::bytes32(row, "secret")?),
        Kind::Sites => Row::Site(rows::site(row)?),
        Kind::Members => Row::Member(rows::member(row)?),
        Kind::SignIns => Row::SignIn(rows::sign_in(row)?),
        Kind::Tokens => Row::Token(rows::token(row)?),
        Kind::Invitations => Row::Invitation(rows::invitation(row)?),
        Kind::Shares => Row::Share(rows::share(row)?),
        Kind::Saved => Row::Saved(rows::saved(row)?),
        Kind::Totals => Row::Total(rows::total(row)?),
        Kind::Pages => Row::Page(rows::page(row)?),
        Kind::PageDays => Row::PageDay(rows::page_day(row)?),
        Kind::ServiceDays => Row::ServiceDay(rows::service_day(row)?),
        Kind::Salts => Row::Salt(rows::salt(row)?),
        Kind::Forgotten => Row::Forgotten(row.get_i64("_id")?),
        Kind::Peaks => Row::Peak(Peak {
            site: SiteId::of(row.get_i64("site")? as u64),
            hour: Millis(row.get_i64("hour")?),
            count: u32::try_from(row.get_i64("count")?).unwrap_or(u32::MAX),
        }),
        _ => anyhow::bail!("no row of these is read alone"),
    })
}

/// One command a page: each row is made where its key is not there.
pub async fn import(step: &mut Step, rows: &[Row]) -> Result<()> {
    let mut into = META;
    let mut updates = Vec::new();
    let inboxes = chat::inboxes(step, rows).await?;
    for row in rows {
        let (collection, key, fields) = match row {
            Row::Account(row) => (ACCOUNTS, doc! { "_id": row.id }, rows::of_account(row)),
            Row::SetUp(secret) => (META, doc! { "_id": "set_up" }, doc! { "secret": binary(secret) }),
            Row::Site(site) => (SITES, doc! { "_id": site.id.value() as i64 }, rows::of_site(site)),
            Row::Member(row) => {
                (MEMBERS, doc! { "site": row.site, "account": row.account }, doc! { "role": row.role })
            }
            Row::SignIn(row) => (SIGN_INS, doc! { "_id": binary(&row.secret) }, rows::of_sign_in(row)),
            Row::Token(row) => (TOKENS, doc! { "_id": row.id }, rows::of_token(row)),
            Row::Invitation(row) => (INVITATIONS, doc! { "_id": row.id }, rows::of_invitation(row)),
            Row::Share(row) => (SHARES, doc! { "_id": row.id }, rows::of_share(row)),
            Row::Saved(row) => (SAVED, doc! { "_id": row.id }, rows::of_saved(row)),
            Row::Total(row) => {
                (DAY_TOTALS, doc! { "site": row.site, "slot": row.slot }, doc! { "body": &row.body })
            }
            Row::Page(row) => {
                let fields = doc! { "site": row.site, "url": &row.url, "created": row.created };
                (WATCHED_PAGES, doc! { "_id": row.id }, fields)
            }
            Row::PageDay(row) => {
                let key = doc! { "site": row.site, "page": row.page, "day": row.day };
                (PAGE_DAYS, key, doc! { "version": row.version, "body": &row.body })
            }
            Row::ServiceDay(row) => {
                let fields = doc! { "version": row.version, "body": &row.body };
                (SERVICE_DAYS, doc! { "_id": row.day }, fields)
            }
            Row::Salt(row) => (SALTS, doc! { "_id": &row.name }, rows::of_salt(row)),
            row => match chat::written(row, &inboxes) {
                Some(written) => written,
                None => continue,
            },
        };
        let mut fields = fields;
        fields.insert("v", V);
        into = collection;
        updates.push(doc! { "q": key, "u": { "$setOnInsert": fields }, "upsert": true });
    }
    if updates.is_empty() {
        return Ok(());
    }
    let answer = step.command(doc! { "update": into, "updates": updates, "ordered": true }).await?;
    match answer.contains_key("writeErrors") {
        true => Err(StoreError::Conflict("the target holds another row in the place of one that is moved")),
        false => Ok(()),
    }
}
