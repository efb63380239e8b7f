//! Seam 3: what was, and who may. Small traits by idea; their doc comments are the specification.
//! A call that was dropped may still take effect, or not: ask again, or read.
//! Never computes a number of a report and never decides who is present.

pub mod access;
pub mod accounts;
pub mod alerts;
pub mod chat;
#[cfg(test)]
mod contract;
pub mod embedded;
pub mod history;
mod meters;
pub mod mongodb;
pub mod moving;
pub mod notices;
pub mod outbox;
pub mod pages;
pub mod salts;
pub mod saved;
pub mod sites;
pub mod totals;
pub mod uptimes;

pub use crate::mongodb::MongoStore;
pub use access::{Access, Credential, Denied};
pub use accounts::Accounts;
pub use alerts::Alerts;
pub use chat::{BotHooks, Carrying, Conversations, Files, Hooks, Messages, Rooms, Rules};
pub use embedded::Embedded;
pub use history::History;
pub use notices::Notices;
pub use outbox::Outbox;
pub use pages::Pages;
pub use salts::Salts;
pub use saved::Saved;
pub use sites::Sites;
pub use totals::DayTotals;
pub use uptimes::Uptimes;

use std::sync::Arc;

use async_trait::async_trait;

/// One backend's handles. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub history: Arc<dyn History>,
    pub sites: Arc<dyn Sites>,
    pub accounts: Arc<dyn Accounts>,
    pub salts: Arc<dyn Salts>,
    pub saved: Arc<dyn Saved>,
    pub notices: Arc<dyn Notices>,
    pub rooms: Arc<dyn Rooms>,
    pub messages: Arc<dyn Messages>,
    pub files: Arc<dyn Files>,
    pub hooks: Arc<dyn Hooks>,
    pub bot_hooks: Arc<dyn BotHooks>,
    pub carrying: Arc<dyn Carrying>,
    pub conversations: Arc<dyn Conversations>,
    pub rules: Arc<dyn Rules>,
    pub outbox: Arc<dyn Outbox>,
    pub alerts: Arc<dyn Alerts>,
    pub totals: Arc<dyn DayTotals>,
    pub pages: Arc<dyn Pages>,
    pub uptimes: Arc<dyn Uptimes>,
    pub backend: Arc<dyn Backend>,
}

impl Store {
    /// As `Backend::close`.
    pub async fn close(&self) {
        self.backend.close().await;
    }
}

/// What stands behind the handles.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Flushes and stops taking: what was asked for before is done, later calls are `Unavailable`.
    /// Returns when nothing is under way. A second call does nothing.
    async fn close(&self);
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is none, or no longer.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Somebody else was first, or it is there already.
    #[error("{0}")]
    Conflict(&'static str),
    /// A named maximum would be passed.
    #[error("at most {max} {what}")]
    Limit { what: &'static str, max: usize },
    #[error("the store cannot be reached or written: {0:#}")]
    Unavailable(anyhow::Error),
}

pub type Result<T> = std::result::Result<T, StoreError>;
