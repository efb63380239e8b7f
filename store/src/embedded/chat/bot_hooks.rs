//! Where bots hear of their rooms, one row each.

use async_trait::async_trait;
use model::BotId;
use model::chat::{BotHook, TurnedOff, Who};
use model::outbox::JobKind;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Chat, json, outbox, value};
use crate::Result;
use crate::chat::BotHooks;
use crate::chat::bot_hooks::{NO_BOT, refuse_oversized_bot_hook};
use crate::embedded::columns::Column;

#[async_trait]
impl BotHooks for Chat {
    async fn put_bot_hook(&self, hook: BotHook) -> Result<()> {
        refuse_oversized_bot_hook(&hook)?;
        self.0.write(move |db| put(db, &hook)).await
    }

    async fn bot_hook(&self, bot: BotId) -> Result<Option<BotHook>> {
        self.0.read(move |db| one(db, bot)).await
    }

    async fn bot_hooks(&self) -> Result<Vec<BotHook>> {
        self.0.read(all).await
    }

    async fn turn_off(&self, bot: BotId, url: &str, off: TurnedOff) -> Result<()> {
        let url = url.to_owned();
        self.0.write(move |db| turn_off(db, bot, &url, off)).await
    }

    async fn remove_bot_hook(&self, bot: BotId) -> Result<()> {
        self.0.write(move |db| remove(db, bot)).await
    }
}

fn put(db: &Connection, hook: &BotHook) -> Result<()> {
    if !db.prepare_cached("SELECT 1 FROM bots WHERE id = ?1")?.exists([hook.bot.column()])? {
        return Err(NO_BOT);
    }
    insert(db, hook)
}

pub fn insert(db: &Connection, hook: &BotHook) -> Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO bot_hooks (bot, value) VALUES (?1, ?2)")?
        .execute(params![hook.bot.column(), json(hook)])?;
    Ok(())
}

fn one(db: &Connection, bot: BotId) -> Result<Option<BotHook>> {
    let mut select = db.prepare_cached("SELECT value FROM bot_hooks WHERE bot = ?1")?;
    Ok(select.query_row([bot.column()], value).optional()?)
}

fn all(db: &Connection) -> Result<Vec<BotHook>> {
    let mut select = db.prepare_cached("SELECT value FROM bot_hooks ORDER BY bot")?;
    let found = select.query_map([], value)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn turn_off(db: &Connection, bot: BotId, url: &str, off: TurnedOff) -> Result<()> {
    match one(db, bot)? {
        Some(hook) if hook.url == url => insert(db, &BotHook { off: Some(off), ..hook }),
        _ => Ok(()),
    }
}

pub fn remove(db: &Connection, bot: BotId) -> Result<()> {
    db.prepare_cached("DELETE FROM bot_hooks WHERE bot = ?1")?.execute([bot.column()])?;
    outbox::forget(db, JobKind::Webhook, Who::Bot(bot))
}
