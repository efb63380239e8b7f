//! What customers say first is judged by the site's filter of spam, which learns from what agents say of it.

use model::chat::{Conversation, Verdict, Who};
use model::{Site, SiteId};
use spam::Learned;
use store::StoreError;
use store::chat::{ConversationChange, Place};

use crate::{Chat, Refused, Result};

/// How often it is tried to be the first to write what was learned.
const TRIES: usize = 8;
/// Messages within which a customer says something first.
const BEGUN_MAX: usize = 50;

impl Chat {
    /// Whether it is held for people to look at. Nothing is lost by it: it waits in a folder of its own.
    pub(super) async fn judged(&self, site: &Site, body: &str) -> Result<Verdict> {
        let (_, learned) = self.learned(site.id).await?;
        let opinion = self.judge.opinion(body, &site.hostnames, &learned);
        Ok(if opinion.held { Verdict::Held } else { Verdict::Ham })
    }

    /// What cannot be read any more counts as nothing learned.
    async fn learned(&self, site: SiteId) -> Result<(u64, Learned)> {
        let (version, bytes) = self.store.conversations.learned(site).await?;
        if bytes.is_empty() {
            return Ok((version, Learned::new()));
        }
        let learned = Learned::from_bytes(&bytes).unwrap_or_else(|error| {
            tracing::warn!(%site, %error, "the filter of spam begins anew");
            Learned::new()
        });
        Ok((version, learned))
    }

    /// The filter learns the conversation's first message as that, in the place of what it was learned as before.
    pub(super) async fn correct_filter(&self, conversation: &Conversation, verdict: Verdict) -> Result<()> {
        if conversation.learned == Some(verdict) {
            return Ok(());
        }
        let begun = self.store.messages.page(conversation.room, Place::After(0), BEGUN_MAX).await?;
        // Somebody may have written to them first.
        let first = begun.iter().find(|message| message.author == Who::Guest(conversation.guest));
        let Some(first) = first.filter(|message| message.removed.is_none()) else {
            return Ok(());
        };
        let hostnames = match self.store.sites.site(conversation.site).await {
            Err(StoreError::NotFound(_)) => return Err(Refused::NotFound),
            site => site?.hostnames,
        };
        let delta = |verdict| self.judge.learn(&first.body, &hostnames, verdict);
        let before = conversation.learned.and_then(named).map(|verdict| -delta(verdict));
        let Some(now) = named(verdict).map(delta) else {
            return Ok(());
        };
        for _ in 0..TRIES {
            let (version, mut learned) = self.learned(conversation.site).await?;
            let added = before.iter().chain([&now]).try_for_each(|delta| learned.add(delta));
            if let Err(full) = added {
                tracing::info!(site = %conversation.site, "{full}");
                return Ok(());
            }
            if self.store.conversations.learn(conversation.site, version, learned.to_bytes()).await? {
                let learned = ConversationChange::Learned(Some(verdict));
                let at = self.clock.now();
                self.store.conversations.change_conversation(conversation.room, learned, at).await?;
                return Ok(());
            }
        }
        Err(Refused::Conflict("others correct the filter at the same moment; say it again"))
    }
}

fn named(verdict: Verdict) -> Option<spam::Verdict> {
    match verdict {
        Verdict::Ham => Some(spam::Verdict::Ham),
        Verdict::Spam => Some(spam::Verdict::Spam),
        Verdict::Held => None,
    }
}
