//! Bots: made by the operator, brought into rooms by their members.

use model::chat::Bot;
use model::rights::Principal;
use model::{BotId, limits};
use store::accounts::SecretHash;

use crate::{Chat, Refused, Result, random};

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

fn refuse_unless_operator(by: &Principal) -> Result<()> {
    match by {
        Principal::Account { operator: true, .. } => Ok(()),
        Principal::Stranger => Err(Refused::Unknown),
        _ => Err(Refused::Forbidden),
    }
}
