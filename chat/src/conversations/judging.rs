//! What customers say before an agent answered is judged by the site's filter of spam, which learns from what agents say of it, and from what they answer.

use model::chat::{Conversation, MessageKind, Verdict, Who};
use model::{RoomId, Site, SiteId};
use spam::Learned;
use store::StoreError;
use store::chat::{ConversationChange, Lesson, Place};

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

    /// What a customer is about to say in a conversation that no agent answered yet: where it looks like spam, the conversation is held before it is said.
    pub(crate) async fn hold_if_spam(&self, room: RoomId, kind: MessageKind, body: &str) -> Result<()> {
        if !matches!(kind, MessageKind::Text | MessageKind::Paste) || body.trim().is_empty() {
            return Ok(());
        }
        let before = self.store.conversations.conversation(room).await?;
        if before.verdict != Verdict::Ham || before.is_known || before.first_answer_at.is_some() {
            return Ok(());
        }
        let site = match self.store.sites.site(before.site).await {
            Err(StoreError::NotFound(_)) => return Err(Refused::NotFound),
            site => site?,
        };
        if self.judged(&site, body).await? == Verdict::Held {
            self.change_to(&before, ConversationChange::Hold).await?;
        }
        Ok(())
    }

    /// The filter learns what an agent answered as no spam: once, and where nobody said what it is.
    pub async fn learn_answered(&self, room: RoomId) -> Result<()> {
        let answered = self.store.conversations.conversation(room).await?;
        if answered.verdict != Verdict::Ham || !answered.is_known || answered.learned.is_some() {
            return Ok(());
        }
        self.teach(&answered, Verdict::Ham, false).await
    }

    /// The filter learns the conversation's first message as that, in the place of what it was learned as before.
    pub(super) async fn correct_filter(&self, conversation: &Conversation, verdict: Verdict) -> Result<()> {
        self.teach(conversation, verdict, true).await
    }

    /// `corrects`: also where it was learned as something else.
    async fn teach(&self, conversation: &Conversation, verdict: Verdict, corrects: bool) -> Result<()> {
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
        let Some(now) = named(verdict).map(delta) else {
            return Ok(());
        };
        let (site, room) = (conversation.site, conversation.room);
        for _ in 0..TRIES {
            let before = self.store.conversations.conversation(room).await?.learned;
            if before == Some(verdict) || before.is_some() && !corrects {
                return Ok(());
            }
            let (version, mut learned) = self.learned(site).await?;
            let taken_back = before.and_then(named).map(|before| -delta(before));
            let added = taken_back.iter().chain([&now]).try_for_each(|delta| learned.add(delta));
            if let Err(full) = added {
                tracing::info!(%site, "{full}");
                return Ok(());
            }
            let lesson = Lesson { room, before, now: verdict };
            if self.store.conversations.learn(site, version, learned.to_bytes(), Some(lesson)).await? {
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
