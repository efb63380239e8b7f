//! Collections, indexes, and the version of them all: `meta` holds `{_id: "schema", v: i32}`.
//!
//! Every document carries `v`, the version it was written in. A program refuses a database that is newer than itself
//! and one that is older (`watchfire migrate` brings it up to date); within one version old and new programs run side
//! by side: what they do not know in a document they leave alone.
//!
//! Sharded by site are `tail` and `segments` with `{site: 1, id: 1}`, `chunks` with `{site: 1, segment: 1, n: 1}` and
//! `peaks` with `{site: 1, hour: 1}`, all unique: every write to them names its site, but sweeping. Sharded by room, with
//! `{room: 1}`, are `messages` and `revisions`,
//! with `{room: 1, file: 1, n: 1}` `file_chunks`: a room stays on one shard, however long it is, since its messages are told
//! apart by two numbers and an id, each unique in the room. All else is small (accounts, sites and what belongs to them) and stays on one shard.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, bail};
use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongodb::options::IndexOptions;

use super::step::{Step, code};
use super::{turns, *};

/// The version that this program reads and writes.
pub const V: i32 = MIGRATIONS.len() as i32;

/// Migration n (from 1) is entry n - 1; it brings version n - 1 to n. Append only. Each may be run twice: a program
/// that is killed on the way begins it again.
const MIGRATIONS: &[&str] = &[
    "collections and indexes",
    "segments and saved items",
    "share links of a segment",
    "daily totals",
    "rooms and messages",
    "files of rooms",
    "what goes out",
    "what rooms know of repositories",
    "what people want to be told of",
    "browsers that are reached, and mail",
    "conversations",
    "conversations by visitor, agents in turn",
    "rules that speak first",
    "conversations by when they were begun",
    "alerts",
    "watched pages",
    "days of services",
];

/// How long after its end a document is removed by the server itself, where nobody asked before: longer than clocks
/// of servers are apart. Whoever reads looks at the time anyway.
const EXPIRED_KEPT: Duration = Duration::from_secs(3_600);

const NAMESPACE_EXISTS: i32 = 48;

struct Index {
    of: &'static str,
    keys: Document,
    unique: bool,
    expires: bool,
    /// Documents without the field are left out.
    sparse: bool,
    /// Only of documents that have this field.
    having: Option<&'static str>,
}

impl Index {
    fn model(self) -> IndexModel {
        let options = IndexOptions::builder()
            .unique(self.unique.then_some(true))
            .sparse(self.sparse.then_some(true))
            .expire_after(self.expires.then_some(EXPIRED_KEPT))
            .partial_filter_expression(self.having.map(|field| doc! { field: { "$exists": true } }))
            .build();
        IndexModel::builder().keys(self.keys).options(options).build()
    }
}

fn indexes() -> Vec<Index> {
    let plain = |of, keys| Index { of, keys, unique: false, expires: false, sparse: false, having: None };
    let unique = |of, keys| Index { unique: true, ..plain(of, keys) };
    let sparse = |of, keys, unique| Index { unique, sparse: true, ..plain(of, keys) };
    let expiring = |of| Index { expires: true, ..plain(of, doc! { "expires": 1 }) };
    let having = |field, of, keys| Index { having: Some(field), ..plain(of, keys) };
    vec![
        unique(tail::TAIL, doc! { "site": 1, "id": 1 }),
        plain(tail::TAIL, doc! { "site": 1, "_id": 1 }),
        plain(tail::TAIL, doc! { "received": 1, "_id": 1 }),
        plain(tail::TAIL, doc! { "site": 1, "received": 1, "_id": 1 }),
        unique(segments::SEGMENTS, doc! { "site": 1, "id": 1 }),
        plain(segments::SEGMENTS, doc! { "site": 1, "state": 1, "day_start": 1, "id": 1 }),
        plain(segments::SEGMENTS, doc! { "state": 1, "since": 1 }),
        unique(chunks::CHUNKS, doc! { "site": 1, "segment": 1, "n": 1 }),
        unique(peaks::PEAKS, doc! { "site": 1, "hour": 1 }),
        plain(peaks::PEAKS, doc! { "hour": 1, "site": 1 }),
        plain(forgotten::FORGOTTEN, doc! { "number": 1 }),
        plain(forgotten::FORGOTTEN, doc! { "finished": 1 }),
        sparse(forgotten::FORGOTTEN, doc! { "conversations": 1 }, false),
        unique(people::ACCOUNTS, doc! { "email_key": 1 }),
        plain(sign_ins::SIGN_INS, doc! { "account": 1, "created": -1 }),
        expiring(sign_ins::SIGN_INS),
        sparse(sign_ins::SIGN_INS, doc! { "endpoint": 1 }, true),
        unique(members::MEMBERS, doc! { "site": 1, "account": 1 }),
        plain(members::MEMBERS, doc! { "account": 1, "site": 1 }),
        unique(tokens::TOKENS, doc! { "secret": 1 }),
        plain(tokens::TOKENS, doc! { "account": 1, "created": -1 }),
        plain(tokens::TOKENS, doc! { "site": 1 }),
        unique(invitations::INVITATIONS, doc! { "secret": 1 }),
        plain(invitations::INVITATIONS, doc! { "site": 1, "created": -1 }),
        expiring(invitations::INVITATIONS),
        unique(shares::SHARES, doc! { "secret": 1 }),
        plain(shares::SHARES, doc! { "site": 1, "created": -1 }),
        plain(saved::SAVED, doc! { "site": 1, "kind": 1 }),
        sparse(chat::ROOMS, doc! { "direct": 1 }, true),
        plain(chat::ROOMS, doc! { "site": 1 }),
        plain(chat::ROOMS, doc! { "inbox": 1, "site": 1 }),
        plain(chat::ROOMS, doc! { "demolished": 1 }),
        unique(chat::MEMBERS, doc! { "room": 1, "who": 1 }),
        plain(chat::MEMBERS, doc! { "who": 1, "room": 1 }),
        unique(chat::LINKS, doc! { "secret": 1 }),
        sparse(chat::GUESTS, doc! { "secret": 1 }, true),
        plain(chat::GUESTS, doc! { "room": 1 }),
        unique(chat::BANS, doc! { "room": 1, "mark": 1 }),
        unique(chat::BOTS, doc! { "secret": 1 }),
        unique(chat::MESSAGES, doc! { "room": 1, "number": 1 }),
        unique(chat::MESSAGES, doc! { "room": 1, "id": 1 }),
        unique(chat::MESSAGES, doc! { "room": 1, "changed": 1 }),
        plain(chat::MESSAGES, doc! { "room": 1, "at": 1, "number": 1 }),
        plain(chat::MESSAGES, doc! { "room": 1, "thread": 1, "number": 1 }),
        plain(chat::MESSAGES, doc! { "room": 1, "decided": 1, "number": 1 }),
        plain(chat::MESSAGES, doc! { "room": 1, "unrecorded": 1 }),
        plain(chat::MESSAGES, doc! { "room": 1, "words": 1, "place": -1 }),
        having("inbox", chat::MESSAGES, doc! { "inbox": 1, "words": 1, "place": -1 }),
        unique(chat::CONVERSATIONS, doc! { "notes": 1 }),
        plain(chat::CONVERSATIONS, doc! { "site": 1, "folder": 1, "last_at": 1, "_id": 1 }),
        plain(chat::CONVERSATIONS, doc! { "site": 1, "last_at": 1, "_id": 1 }),
        plain(chat::CONVERSATIONS, doc! { "site": 1, "folder": 1, "assignee": 1, "last_at": 1, "_id": 1 }),
        plain(chat::CONVERSATIONS, doc! { "site": 1, "folder": 1, "waiting": 1, "_id": 1 }),
        plain(chat::CONVERSATIONS, doc! { "site": 1, "customer": 1, "last_at": 1, "_id": 1 }),
        plain(chat::CONVERSATIONS, doc! { "site": 1, "labels": 1, "last_at": 1, "_id": 1 }),
        plain(chat::CONVERSATIONS, doc! { "due": 1 }),
        plain(chat::CONVERSATIONS, doc! { "site": 1, "visitor": 1, "last_at": 1, "_id": 1 }),
        plain(chat::CONVERSATIONS, doc! { "site": 1, "opened": 1 }),
        unique(chat::RULE_MARKS, doc! { "site": 1, "mark": 1 }),
        plain(chat::RULE_MARKS, doc! { "site": 1, "until": 1 }),
        unique(chat::REVISIONS, doc! { "room": 1, "change": 1 }),
        plain(chat::REVISIONS, doc! { "room": 1, "number": 1, "change": 1 }),
        unique(chat::STARS, doc! { "who": 1, "room": 1, "number": 1 }),
        plain(chat::STARS, doc! { "room": 1, "number": 1 }),
        unique(chat::FILES, doc! { "room": 1, "id": 1 }),
        plain(chat::FILES, doc! { "room": 1, "who": 1, "upload": 1 }),
        plain(chat::FILES, doc! { "room": 1, "state": 1, "bytes": 1 }),
        plain(chat::FILES, doc! { "room": 1, "message": 1 }),
        plain(chat::FILES, doc! { "state": 1, "since": 1 }),
        unique(chat::FILE_CHUNKS, doc! { "room": 1, "file": 1, "n": 1 }),
        unique(chat::HOOKS, doc! { "address": 1 }),
        plain(chat::HOOKS, doc! { "room": 1 }),
        unique(chat::SHOWN, doc! { "room": 1, "mark": 1 }),
        plain(chat::SHOWN, doc! { "room": 1, "number": 1, "mark": 1 }),
        plain(chat::JOBS, doc! { "kind": 1, "state": 1, "due": 1, "owner": 1 }),
        plain(chat::JOBS, doc! { "kind": 1, "owner": 1, "state": 1, "due": 1 }),
        unique(chat::ARRIVALS, doc! { "room": 1, "mark": 1 }),
        plain(chat::ARRIVALS, doc! { "room": 1, "place": 1 }),
        plain(chat::ARRIVALS, doc! { "room": 1, "repository": 1, "place": 1 }),
        plain(pages::WATCHED_PAGES, doc! { "site": 1 }),
        unique(pages::PAGE_DAYS, doc! { "site": 1, "page": 1, "day": 1 }),
        plain(pages::PAGE_DAYS, doc! { "site": 1, "day": 1 }),
        unique(totals::DAY_TOTALS, doc! { "site": 1, "slot": 1 }),
        expiring(salts::SALTS),
        expiring(holder::HOLDERS),
    ]
}

/// Collections without an index of their own: made before a transaction writes to them.
const WITHOUT_INDEX: [&str; 11] = [
    META,
    turns::TURNS,
    sites::SITES,
    uptimes::SERVICE_DAYS,
    segments::FOLDS,
    chat::BOT_HOOKS,
    chat::FANNED,
    chat::LEARNED,
    chat::DUTY,
    chat::RULES,
    chat::ALERTS,
];

/// Refuses a database of another version, and makes what is missing in an empty one.
pub async fn prepare(database: &Database) -> anyhow::Result<()> {
    match version(database).await? {
        None => migrate(database).await.map(drop),
        Some(V) => ensure(database).await,
        Some(version) if version > V => bail!("{}", newer(version)),
        Some(version) => bail!(
            "the database is of an older version of Watchfire (schema {version}; this one writes {V}): \
             run `watchfire migrate` once"
        ),
    }
}

/// Refuses a database that was never prepared.
pub async fn refuse_missing(database: &Database) -> anyhow::Result<()> {
    match version(database).await? {
        Some(_) => Ok(()),
        None => bail!("there is no store in the database {}", database.mongo.name()),
    }
}

/// Brings the database up to date, one version after the other; the versions it came from and to.
pub async fn migrate(database: &Database) -> anyhow::Result<(i32, i32)> {
    let from = version(database).await?.unwrap_or(0);
    if from > V {
        bail!("{}", newer(from));
    }
    for (number, what) in (1..).zip(MIGRATIONS).skip(usize::try_from(from).unwrap_or(0)) {
        apply(database, number).await.with_context(|| format!("migration {number} ({what}) failed"))?;
        let step = &mut Step::alone(database);
        step.put(META, doc! { "_id": "schema" }, doc! { "$max": { "v": number } }).await?;
    }
    Ok((from, V))
}

async fn apply(database: &Database, number: i32) -> anyhow::Result<()> {
    ensure(database).await?;
    if number == 7 {
        chat::outbox::look_past(&mut Step::alone(database)).await?;
    }
    if number == 14 {
        Box::pin(chat::conversations::date_all(&mut Step::alone(database))).await?;
    }
    if number == 11 {
        chat::rooms::list_all(&mut Step::alone(database)).await?;
    }
    Ok(())
}

pub async fn version(database: &Database) -> anyhow::Result<Option<i32>> {
    let meta: Option<Document> = Step::alone(database).one(META, doc! { "_id": "schema" }).await?;
    meta.map(|meta| meta.get_i32("v").context("the database's schema has no version")).transpose()
}

fn newer(version: i32) -> String {
    format!(
        "the database was written by a newer version of Watchfire (schema {version}; this one knows {V}): \
         run that version or a later one"
    )
}

/// Makes collections, indexes and turns that are missing. An index of other options is an error.
async fn ensure(database: &Database) -> anyhow::Result<()> {
    for name in WITHOUT_INDEX {
        match database.mongo.create_collection(name).await {
            Err(error) if code(&error) != Some(NAMESPACE_EXISTS) => {
                return Err(error).with_context(|| format!("cannot make the collection {name}"));
            }
            _ => {}
        }
    }
    let mut wanted: BTreeMap<&str, Vec<IndexModel>> = BTreeMap::new();
    for index in indexes() {
        wanted.entry(index.of).or_default().push(index.model());
    }
    for (of, models) in wanted {
        let collection = database.mongo.collection::<Document>(of);
        collection
            .create_indexes(models)
            .await
            .with_context(|| format!("cannot make the indexes of {of}"))?;
    }
    turns::prepare(&mut Step::alone(database)).await?;
    Ok(())
}
