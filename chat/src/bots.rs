//! Bots: made by the operator, brought into rooms by their members.

use std::time::Duration;

use model::chat::{Bot, BotEvent, BotHook, HookSecret, Retired, Who};
use model::outbox::{Job, JobKind};
use model::rights::Principal;
use model::{BotId, Millis, limits};
use store::accounts::SecretHash;

use crate::{Chat, Refused, Result, random};

/// How long deliveries are signed by the secret before the last one, too.
const RETIRED_LASTS: Duration = Duration::from_secs(86_400);
/// Deliveries that are shown, of those that are over and of those that wait.
const DELIVERIES_SHOWN: usize = 20;

impl Chat {
    pub async fn add_bot(&self, by: &Principal, name: &str, secret: SecretHash) -> Result<Bot> {
        refuse_unless_operator(by)?;
        let name = name.trim();
        if name.is_empty() {
            return Err(Refused::Invalid("a bot has a name"));
        }
        if name.len() > limits::NAME_BYTES_MAX {
            return Err(Refused::Limit { what: "bytes in a name", max: limits::NAME_BYTES_MAX });
        }
        let bot = Bot { id: BotId::of(random()), name: name.to_owned(), created: self.clock.now() };
        self.store.rooms.add_bot(bot.clone(), secret).await?;
        Ok(bot)
    }

    pub async fn bots(&self, by: &Principal) -> Result<Vec<Bot>> {
        refuse_unless_operator(by)?;
        Ok(self.store.rooms.bots().await?)
    }

    pub async fn remove_bot(&self, by: &Principal, id: BotId) -> Result<()> {
        refuse_unless_operator(by)?;
        self.store.rooms.remove_bot(id).await?;
        self.rights_changed().await;
        Ok(())
    }
}

impl Chat {
    /// Where a bot hears of its rooms, and its last deliveries: those that are over, and those that wait. NotFound for no bot.
    pub async fn bot_hook(&self, by: &Principal, bot: BotId) -> Result<(Option<BotHook>, Vec<Job>)> {
        self.known_bot(by, bot).await?;
        let hook = self.store.bot_hooks.bot_hook(bot).await?;
        let jobs = self.store.outbox.jobs_of(JobKind::Webhook, Who::Bot(bot), DELIVERIES_SHOWN).await?;
        Ok((hook, jobs))
    }

    /// Sends a bot's events there from now on. A hook that there is keeps its secret, and is turned on; a new one has `fresh`, and then that is told.
    /// Whether the address may be reached is for callers.
    pub async fn put_bot_hook(
        &self,
        by: &Principal,
        bot: BotId,
        url: String,
        mut events: Vec<BotEvent>,
        fresh: HookSecret,
    ) -> Result<(BotHook, bool)> {
        self.known_bot(by, bot).await?;
        events.sort_by_key(|event| BotEvent::ALL.iter().position(|known| known == event));
        events.dedup();
        if events.is_empty() {
            return Err(Refused::Invalid("a hook hears of something"));
        }
        let known = self.store.bot_hooks.bot_hook(bot).await?;
        let is_new = known.is_none();
        let hook = match known {
            Some(known) => BotHook { url, events, off: None, ..known },
            None => {
                let created = self.clock.now();
                BotHook { bot, url, events, secret: fresh, retired: None, off: None, created }
            }
        };
        self.store.bot_hooks.put_bot_hook(hook.clone()).await?;
        Ok((hook, is_new))
    }

    /// Signs with a new secret, and with the one before it for a day.
    pub async fn renew_bot_hook(&self, by: &Principal, bot: BotId, fresh: HookSecret) -> Result<BotHook> {
        self.known_bot(by, bot).await?;
        let known = self.store.bot_hooks.bot_hook(bot).await?.ok_or(Refused::NotFound)?;
        let until = Millis(self.clock.now().0 + RETIRED_LASTS.as_millis() as i64);
        let retired = Some(Retired { secret: known.secret, until });
        let hook = BotHook { secret: fresh, retired, ..known };
        self.store.bot_hooks.put_bot_hook(hook.clone()).await?;
        Ok(hook)
    }

    /// What waits for it goes, too.
    pub async fn remove_bot_hook(&self, by: &Principal, bot: BotId) -> Result<()> {
        self.known_bot(by, bot).await?;
        Ok(self.store.bot_hooks.remove_bot_hook(bot).await?)
    }

    async fn known_bot(&self, by: &Principal, bot: BotId) -> Result<()> {
        let bots = self.bots(by).await?;
        if bots.iter().any(|known| known.id == bot) { Ok(()) } else { Err(Refused::NotFound) }
    }
}

fn refuse_unless_operator(by: &Principal) -> Result<()> {
    match by {
        Principal::Account { operator: true, .. } => Ok(()),
        Principal::Stranger => Err(Refused::Unknown),
        _ => Err(Refused::Forbidden),
    }
}
