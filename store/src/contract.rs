//! The promises of the store's traits, one named test each, run on every backend.
//! A promise that is not listed under `on_every_backend!` is dead code, which the compiler reports.

mod accounts;
mod backend;
mod fixtures;
mod history;
mod invitations;
mod members;
mod salts;
mod secrets;
mod sites;

use tempfile::TempDir;

use crate::{Embedded, Store};

/// An empty store of one backend, in a namespace of its own.
pub struct World {
    pub store: Store,
    folder: TempDir,
}

impl World {
    pub fn embedded() -> World {
        let folder = tempfile::tempdir().unwrap();
        World { store: Embedded::open(folder.path()).unwrap(), folder }
    }

    /// The store as the next process finds it.
    pub async fn reopened(self) -> World {
        let World { store, folder } = self;
        store.close().await;
        World { store: Embedded::open(folder.path()).unwrap(), folder }
    }
}

/// One line a backend.
macro_rules! on_every_backend {
    ($($promise:ident,)*) => {
        mod embedded {
            $(#[tokio::test]
            async fn $promise() {
                super::$promise(crate::contract::World::embedded()).await;
            })*
        }
    };
}
use on_every_backend;

/// That a call was refused, and how.
macro_rules! assert_refused {
    ($call:expr, $refusal:pat) => {{
        let outcome = $call.await;
        assert!(matches!(outcome, Err($refusal)), "{outcome:?}");
    }};
}
use assert_refused;
