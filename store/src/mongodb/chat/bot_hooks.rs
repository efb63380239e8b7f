//! Where bots hear of their rooms, a document each.

use async_trait::async_trait;
use model::BotId;
use model::chat::{BotHook, TurnedOff, Who};
use model::outbox::JobKind;
use mongodb::bson::doc;

use super::{BOT_HOOKS, BOTS, Chat, Valued, json, outbox};
use crate::Result;
use crate::chat::BotHooks;
use crate::chat::bot_hooks::{NO_BOT, refuse_oversized_bot_hook};
use crate::mongodb::columns::Column;
use crate::mongodb::schema::V;
use crate::mongodb::step::Step;
use crate::mongodb::transaction::{read, write};

#[async_trait]
impl BotHooks for Chat {
    async fn put_bot_hook(&self, hook: BotHook) -> Result<()> {
        refuse_oversized_bot_hook(&hook)?;
        write!(self, |step| put(step, &hook))
    }

    async fn bot_hook(&self, bot: BotId) -> Result<Option<BotHook>> {
        read!(self, |step| one(step, bot))
    }

    async fn bot_hooks(&self) -> Result<Vec<BotHook>> {
        Valued::all(read!(self, |step| step.all(BOT_HOOKS, doc! {}, doc! { "_id": 1 }))?)
    }

    async fn turn_off(&self, bot: BotId, url: &str, off: TurnedOff) -> Result<()> {
        let url = url.to_owned();
        write!(self, |step| turn_off(step, bot, &url, &off))
    }

    async fn remove_bot_hook(&self, bot: BotId) -> Result<()> {
        read!(self, |step| remove(step, bot))
    }
}

/// Changes the bot's document, so that it is not removed at the same moment.
async fn put(step: &mut Step, hook: &BotHook) -> Result<()> {
    if !step.take_turn(BOTS, doc! { "_id": hook.bot.column() }).await? {
        return Err(NO_BOT);
    }
    write(step, hook).await
}

async fn write(step: &mut Step, hook: &BotHook) -> Result<()> {
    let fields = doc! { "v": V, "value": json(hook) };
    step.put(BOT_HOOKS, doc! { "_id": hook.bot.column() }, doc! { "$set": fields }).await
}

async fn one(step: &mut Step, bot: BotId) -> Result<Option<BotHook>> {
    let found: Option<Valued> = step.one(BOT_HOOKS, doc! { "_id": bot.column() }).await?;
    found.map(Valued::read).transpose()
}

async fn turn_off(step: &mut Step, bot: BotId, url: &str, off: &TurnedOff) -> Result<()> {
    match one(step, bot).await? {
        Some(hook) if hook.url == url => write(step, &BotHook { off: Some(off.clone()), ..hook }).await,
        _ => Ok(()),
    }
}

pub async fn remove(step: &mut Step, bot: BotId) -> Result<()> {
    step.remove(BOT_HOOKS, doc! { "_id": bot.column() }).await?;
    outbox::forget(step, JobKind::Webhook, Who::Bot(bot)).await
}
