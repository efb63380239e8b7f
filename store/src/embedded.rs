//! The backend in one folder: SQLite in WAL mode, nothing to install.
//! Three files, so that neither appending to the tail nor posting waits for a sign-in: `tail.db` (tail, peaks, and which
//! segments count), `chat.db` (rooms and messages) and `watchfire.db` (sites, accounts, salts).
//! `docs/decisions/0004-two-databases.md` says why. Segments are files in `history/`, and what is sent to rooms in `files/`.

mod accounts;
mod blobs;
mod chat;
mod columns;
mod copying;
mod database;
mod folder;
mod invitations;
mod members;
mod moving;
mod notices;
mod pages;
mod people;
mod readers;
mod registry;
mod salts;
mod saved;
mod schema;
mod segments;
mod shares;
mod shelves;
mod sign_ins;
mod sites;
mod tail;
#[cfg(test)]
mod tests;
mod tokens;
mod totals;
mod uptimes;
mod writer;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, ensure};
use async_trait::async_trait;
use rusqlite::Connection;

use crate::moving::{End, House, Mark, refuse_half_moved};
use crate::{Backend, Result, Store};
use blobs::Blobs;
use chat::Chat;
use chat::files::RoomFiles;
use database::Database;
use folder::Folder;
use moving::EmbeddedMoving;
use registry::Registry;
use schema::Migrations;
use shelves::Shelves;
use tail::Tail;

const REGISTRY_FILE: &str = "watchfire.db";
const CHAT_FILE: &str = "chat.db";
const TAIL_FILE: &str = "tail.db";

/// The embedded backend. Close it to be sure that nothing is under way; dropping the last handle waits
/// for what was asked for, too.
pub struct Embedded {
    history: Arc<Tail>,
    tail: Arc<Database>,
    chat: Arc<Database>,
    registry: Arc<Database>,
    folder: Arc<Folder>,
}

impl Embedded {
    /// Opens the store in `folder`, making what is missing and bringing an older schema up to date.
    /// Blocks for as long as that takes (some 10 ms as a rule). An error where another process has the
    /// folder, where the files are of a newer version, or where they cannot be written.
    pub fn open(folder: &Path) -> anyhow::Result<Store> {
        let (house, mark) = Embedded::open_house(folder)?;
        refuse_half_moved(mark)?;
        crate::meters::describe();
        Ok(house.store)
    }

    /// Opens the store in `folder` as one end of a move; errors as of `open`, and as `End` says.
    pub fn open_for_move(folder: &Path, end: End) -> anyhow::Result<House> {
        if end == End::Source {
            ensure!(folder.join(REGISTRY_FILE).is_file(), "there is no store in {}", folder.display());
        }
        let (house, mark) = Embedded::open_house(folder)?;
        if end == End::Source {
            refuse_half_moved(mark)?;
        }
        Ok(house)
    }

    /// Copies the store in `folder` into the folder `to`, which has none, whether or not a process has it open: all that
    /// was durable before the call is in the copy, but no salts that end. Blocks; reads along with the process, which goes on.
    pub fn copy(folder: &Path, to: &Path) -> anyhow::Result<()> {
        copying::copy(folder, to)
    }

    fn open_house(folder: &Path) -> anyhow::Result<(House, Option<Mark>)> {
        let folder = Arc::new(Folder::take(folder)?);
        let (mut removed, mut mark) = (Vec::new(), None);
        let registry = open(&folder, REGISTRY_FILE, schema::REGISTRY, |db| {
            removed = sites::removed(db)?;
            mark = moving::mark(db)?;
            Ok(())
        })?;
        let shelves = Arc::new(Shelves::within(folder.path()));
        let tail = open(&folder, TAIL_FILE, schema::TAIL, |db| {
            tail::finish_forgetting(db, &removed)?;
            segments::sweep_at_open(db, &shelves)
        })?;
        let chat =
            open(&folder, CHAT_FILE, schema::CHAT, |db| chat::rooms::finish_demolishing(db, &removed))?;
        let talk = Arc::new(Chat(Arc::clone(&chat)));
        let files =
            Arc::new(RoomFiles { chat: Arc::clone(&chat), blobs: Arc::new(Blobs::within(folder.path())) });
        let rows = Arc::new(Registry(Arc::clone(&registry)));
        let history = Arc::new(Tail::of(Arc::clone(&tail), Arc::clone(&shelves)));
        let moving = EmbeddedMoving {
            tail: Arc::clone(&tail),
            chat: Arc::clone(&chat),
            registry: Arc::clone(&registry),
            shelves,
            files: files.clone(),
            history: history.clone(),
        };
        let store = Store {
            history: history.clone(),
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
            hooks: talk.clone(),
            bot_hooks: talk.clone(),
            conversations: talk.clone(),
            rules: talk.clone(),
            outbox: talk.clone(),
            alerts: talk,
            files: files.clone(),
            carrying: files,
            backend: Arc::new(Embedded { history, tail, chat, registry, folder }),
        };
        Ok((House { store, moving: Arc::new(moving) }, mark))
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
        self.history.close().await;
        self.tail.close().await;
        self.chat.close().await;
        self.registry.close().await;
        self.folder.release();
    }
}
