//! Whose turn it is: where a site gives its conversations in turn, one that is begun is an agent's at once.

use std::collections::HashMap;

use model::chat::{Conversation, Folder};
use model::{AccountId, MessageId, Millis, Role, Site, SiteId, limits};
use parking_lot::Mutex;
use store::StoreError;
use store::chat::duty::Turn;

use crate::{Chat, Result, random};

/// Agents of whom this process remembers that it is written down; past it all are written down again.
const REMEMBERED_MAX: usize = 10_000;

/// When it was written down last that an agent is in a site's inbox.
pub type OnDuty = Mutex<HashMap<(SiteId, AccountId), Millis>>;

impl Chat {
    /// None: the site's conversations are nobody's until somebody takes them.
    pub(super) async fn turn(&self, site: &Site) -> Result<Option<Turn>> {
        if !site.chat.in_turn {
            return Ok(None);
        }
        let members = self.store.accounts.members(site.id).await?.into_iter();
        let agents =
            members.filter(|(_, role)| *role >= Role::Agent).map(|(account, _)| account.id).collect();
        let note = MessageId((u128::from(random()) << 64) | u128::from(random()));
        Ok(Some(Turn { agents, there_since: self.clock.now().minus(limits::ON_DUTY), note }))
    }

    /// One that is open just now, since it is no spam, is somebody's as if it was begun now.
    pub(super) async fn give_on(&self, before: Folder, now: Conversation) -> Result<Conversation> {
        let was_kept_back = matches!(before, Folder::Held | Folder::Spam);
        if !was_kept_back || now.folder() != Folder::Open || now.assignee.is_some() {
            return Ok(now);
        }
        let site = match self.store.sites.site(now.site).await {
            Err(StoreError::NotFound(_)) => return Ok(now),
            site => site?,
        };
        let Some(turn) = self.turn(&site).await? else {
            return Ok(now);
        };
        let given = self.store.conversations.give_turn(now.room, turn, self.clock.now()).await?;
        if given.version != now.version {
            self.announce_conversation(&given).await;
            self.announce(given.notes, 0).await;
        }
        Ok(given)
    }

    /// Writes down now and then who is in the inbox.
    pub(super) async fn on_duty(&self, site: SiteId, agent: AccountId) -> Result<()> {
        let now = self.clock.now();
        {
            let mut known = self.on_duty.lock();
            let is_written = |at: &Millis| *at <= now && now.since(*at) < limits::ON_DUTY_EVERY;
            if known.get(&(site, agent)).is_some_and(is_written) {
                return Ok(());
            }
            if known.len() >= REMEMBERED_MAX {
                known.clear();
            }
            known.insert((site, agent), now);
        }
        Ok(self.store.conversations.on_duty(site, agent, now).await?)
    }
}
