//! The promises of the store's traits, one named test each, run on every backend.
//! A promise that is not listed under `on_every_backend!` is dead code, which the compiler reports.

mod accounts;
mod alerts;
mod arrivals;
mod backend;
mod bot_hooks;
mod calls;
mod carrying;
pub mod chat;
mod closing;
pub mod conversations;
mod figures;
mod files;
mod fixed;
pub mod fixtures;
mod folders;
mod guests;
mod history;
mod hooks;
mod invitations;
mod lessons;
mod members;
mod messages;
mod moving;
mod notices;
mod outbox;
mod pages;
mod reading;
mod retelling;
mod rooms;
mod rules;
mod salts;
mod saved;
mod secrets;
mod segments;
mod sites;
mod totals;
mod turns;
mod uptimes;

use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::{Embedded, MongoStore, Store};

/// An empty store of one backend, in a namespace of its own.
pub struct World {
    pub store: Store,
    place: Place,
}

/// Where the next process finds the store again.
enum Place {
    Folder(TempDir),
    /// The URI of a database on the server that all tests of this process share.
    Database(String),
}

impl World {
    pub async fn embedded() -> World {
        World::at(Place::Folder(tempfile::tempdir().unwrap())).await
    }

    pub async fn mongodb() -> World {
        World::at(Place::Database(servers::mongodb::shared_uri(&fresh_database()))).await
    }

    /// The store as the next process finds it.
    pub async fn reopened(self) -> World {
        let World { store, place } = self;
        store.close().await;
        World::at(place).await
    }

    async fn at(place: Place) -> World {
        let store = match &place {
            Place::Folder(folder) => Embedded::open(folder.path()).unwrap(),
            Place::Database(uri) => MongoStore::open(uri).await.unwrap(),
        };
        World { store, place }
    }
}

/// The name of a database that no test has had.
pub fn fresh_database() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("watchfire_test_{:x}_{number}", fastrand::u64(..))
}

/// One line a backend.
macro_rules! on_every_backend {
    ($($promise:ident,)*) => {
        $crate::contract::on_backend! { embedded, $($promise,)* }
        $crate::contract::on_backend! { mongodb, $($promise,)* }
    };
}
use on_every_backend;

macro_rules! on_backend {
    ($backend:ident, $($promise:ident,)*) => {
        mod $backend {
            $(#[tokio::test]
            async fn $promise() {
                super::$promise($crate::contract::World::$backend().await).await;
            })*
        }
    };
}
use on_backend;

/// That a call was refused, and how.
macro_rules! assert_refused {
    ($call:expr, $refusal:pat) => {{
        let outcome = $call.await;
        assert!(matches!(outcome, Err($refusal)), "{outcome:?}");
    }};
}
use assert_refused;
