//! The backend in MongoDB, for the cluster size: any number of processes on one database.
//!
//! **Where things stand.** A collection an idea; its shape stands at the top of the file that owns it. Each document
//! carries `v`; `schema.rs` says what that is for, which indexes there are, and how the tail is sharded by site.
//!
//! **Durability.** Every write is acknowledged by a majority with its journal on disk, whatever the URI says; every
//! read is from the primary, of what a majority has.
//!
//! **The tail** is appended by transactions that come one after the other (`appender.rs` says why): an append is there
//! as a whole or not at all, and cursors have neither holes nor latecomers for a reader. A batch is named by
//! (site, id), which is unique.
//!
//! **Segments** are documents of chunks, which come first and count for nothing until one transaction puts the fold in.
//!
//! **The rest** is small and changes rarely: each call that changes something is a transaction, and each that depends
//! on a count takes the turn of the site or account that it counted for (`transaction.rs`). Who dies in the middle of
//! one holds up the others for some seconds (`holder.rs`).
//!
//! Waits are bounded: a server is looked for for `database::SERVER_SELECTION_MAX`, a call is answered within
//! `gate::CALL_TIME_MAX`. What fails for want of a server is `Unavailable` and may be asked again.

mod accounts;
mod appender;
mod chat;
mod chunks;
mod columns;
mod database;
mod examined;
mod forgotten;
mod gate;
mod holder;
mod invitations;
mod members;
mod moving;
mod notices;
mod pages;
mod peaks;
mod people;
mod registry;
mod salts;
mod saved;
mod schema;
mod segments;
mod shares;
mod sign_ins;
mod sites;
mod step;
mod tail;
#[cfg(test)]
mod tests;
mod tokens;
mod totals;
mod transaction;
mod turns;
mod uptimes;

use std::sync::Arc;

use anyhow::Context;
use async_trait::async_trait;

use crate::moving::{End, House, Mark, refuse_half_moved};
use crate::{Backend, Store};
use appender::Appender;
use chat::Chat;
use database::Database;
use moving::MongoMoving;
use registry::Registry;
use step::Step;
use tail::Tail;

/// Documents about the database itself: the schema's version, the set-up secret.
const META: &str = "meta";

/// The cluster backend.
pub struct MongoStore {
    database: Arc<Database>,
    appender: Arc<Appender>,
}

impl MongoStore {
    /// Opens the database of `mongodb://[user:password@]host[:port],…/database[?options]`. An empty one is prepared.
    /// Returns within some seconds; takes longer only where a site's history is still to be forgotten.
    ///
    /// An error where the URI names no database, the servers cannot be reached or are no replica set, or the database
    /// is of a newer version or of an older one that `migrate` has not brought up to date.
    pub async fn open(uri: &str) -> anyhow::Result<Store> {
        crate::meters::describe();
        MongoStore::over(Box::pin(Database::connect(uri)).await?).await
    }

    /// Opens the database as one end of a move; errors as of `open`, and as `End` says.
    pub async fn open_for_move(uri: &str, end: End) -> anyhow::Result<House> {
        let database = Database::connect(uri).await?;
        if end == End::Source {
            schema::refuse_missing(&database).await?;
        }
        let (house, mark) = MongoStore::house(database).await?;
        if end == End::Source {
            refuse_half_moved(mark)?;
        }
        Ok(house)
    }

    /// Brings the database up to date; the versions of its schema before and after. Killed on the way, it goes on
    /// from there when it is called again. Programs of the older version are to be stopped before.
    pub async fn migrate(uri: &str) -> anyhow::Result<(i32, i32)> {
        let database = Database::connect(uri).await?;
        let migrated = schema::migrate(&database).await;
        database.mongo.client().clone().shutdown().await;
        migrated
    }

    async fn over(database: Database) -> anyhow::Result<Store> {
        let (house, mark) = MongoStore::house(database).await?;
        refuse_half_moved(mark)?;
        Ok(house.store)
    }

    async fn house(database: Database) -> anyhow::Result<(House, Option<Mark>)> {
        // On the heap: what may be many steps deep is else part of whoever opens a store.
        Box::pin(schema::prepare(&database)).await?;
        let database = Arc::new(database);
        let appender = Arc::new(Appender::start(Arc::clone(&database)));
        let tail = Tail(Arc::clone(&database), Arc::clone(&appender), Arc::default());
        tail::finish(&tail).await.context("cannot finish what an earlier process was forgetting")?;
        let talk = Arc::new(Chat::of(&database));
        Box::pin(chat::rooms::finish(&talk))
            .await
            .context("cannot finish what an earlier process was demolishing")?;
        let rows = Arc::new(Registry(Arc::clone(&database)));
        let mark = moving::mark(&mut Step::alone(&database)).await?;
        let history = Arc::new(tail);
        let moving = Arc::new(MongoMoving(Arc::clone(&database), history.clone(), talk.clone()));
        let store = Store {
            history,
            sites: rows.clone(),
            accounts: rows.clone(),
            salts: rows.clone(),
            saved: rows.clone(),
            notices: rows.clone(),
            totals: rows.clone(),
            pages: rows.clone(),
            uptimes: rows,
            rooms: talk.clone(),
            messages: talk.clone(),
            files: talk.clone(),
            hooks: talk.clone(),
            bot_hooks: talk.clone(),
            carrying: talk.clone(),
            conversations: talk.clone(),
            rules: talk.clone(),
            outbox: talk.clone(),
            alerts: talk,
            backend: Arc::new(MongoStore { database, appender }),
        };
        Ok((House { store, moving }, mark))
    }
}

#[async_trait]
impl Backend for MongoStore {
    async fn close(&self) {
        if !self.database.gate.close().await {
            tracing::warn!("calls to MongoDB were under way when the store was closed");
        }
        self.appender.close().await;
        self.database.mongo.client().clone().shutdown().immediate(true).await;
    }
}
