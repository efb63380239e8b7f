//! Where bots hear of their rooms.

use async_trait::async_trait;
use model::chat::{BotHook, TurnedOff};
use model::{BotId, limits};

use super::rooms::bounded;
use crate::{Result, StoreError};

/// A bot has one at most. They go with their bot, and what waits for it goes with them.
#[async_trait]
pub trait BotHooks: Send + Sync {
    /// In the place of the one there was. NotFound for an unknown bot; Limit past `HOOK_URL_BYTES_MAX` or `HOOK_SECRET_BYTES_MAX`.
    async fn put_bot_hook(&self, hook: BotHook) -> Result<()>;

    async fn bot_hook(&self, bot: BotId) -> Result<Option<BotHook>>;

    /// All of them, by bot.
    async fn bot_hooks(&self) -> Result<Vec<BotHook>>;

    /// Turns it off, where its address is still that one.
    async fn turn_off(&self, bot: BotId, url: &str, off: TurnedOff) -> Result<()>;

    /// Nothing where there is none.
    async fn remove_bot_hook(&self, bot: BotId) -> Result<()>;
}

pub(crate) const NO_BOT: StoreError = StoreError::NotFound("bot");

pub(crate) fn refuse_oversized_bot_hook(hook: &BotHook) -> Result<()> {
    bounded(hook.url.len(), "bytes of an address", limits::HOOK_URL_BYTES_MAX)?;
    bounded(hook.secret.0.len(), "bytes in a secret", limits::HOOK_SECRET_BYTES_MAX)
}
