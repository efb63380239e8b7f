//! The backend in one folder: SQLite in WAL mode, nothing to install.
//! Two files, so that appending to the tail never waits for a sign-in: `tail.db` (tail and peaks) and
//! `watchfire.db` (sites, accounts, salts). `docs/decisions/0004-two-databases.md` says why.

mod accounts;
mod columns;
mod database;
mod folder;
mod invitations;
mod members;
mod people;
mod readers;
mod registry;
mod salts;
mod schema;
mod shares;
mod sign_ins;
mod sites;
mod tail;
#[cfg(test)]
mod tests;
mod tokens;
mod writer;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use async_trait::async_trait;
use rusqlite::Connection;

use crate::{Backend, Result, Store};
use database::Database;
use folder::Folder;
use registry::Registry;
use schema::Migrations;
use tail::Tail;

/// The embedded backend. Close it to be sure that nothing is under way; dropping the last handle waits
/// for what was asked for, too.
pub struct Embedded {
    tail: Arc<Database>,
    registry: Arc<Database>,
    folder: Arc<Folder>,
}

impl Embedded {
    /// Opens the store in `folder`, making what is missing and bringing an older schema up to date.
    /// Blocks for as long as that takes (some 10 ms as a rule). An error where another process has the
    /// folder, where the files are of a newer version, or where they cannot be written.
    pub fn open(folder: &Path) -> anyhow::Result<Store> {
        let folder = Arc::new(Folder::take(folder)?);
        let mut removed = Vec::new();
        let registry = open(&folder, "watchfire.db", schema::REGISTRY, |db| {
            removed = sites::removed(db)?;
            Ok(())
        })?;
        let tail = open(&folder, "tail.db", schema::TAIL, |db| tail::finish_forgetting(db, &removed))?;
        let rows = Arc::new(Registry(Arc::clone(&registry)));
        Ok(Store {
            history: Arc::new(Tail(Arc::clone(&tail))),
            sites: rows.clone(),
            accounts: rows.clone(),
            salts: rows,
            backend: Arc::new(Embedded { tail, registry, folder }),
        })
    }
}

fn open(
    folder: &Arc<Folder>,
    file: &str,
    migrations: Migrations,
    finish: impl FnOnce(&Connection) -> Result<()>,
) -> anyhow::Result<Arc<Database>> {
    let path = folder.path().join(file);
    let database = Database::open(&path, migrations, finish, Arc::clone(folder));
    database.map(Arc::new).with_context(|| format!("cannot open {}", path.display()))
}

#[async_trait]
impl Backend for Embedded {
    async fn close(&self) {
        self.tail.close().await;
        self.registry.close().await;
        self.folder.release();
    }
}
