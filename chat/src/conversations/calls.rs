//! Calls: an agent writes to a visitor first. The visitor's page hears of it, keeps nothing, and reads what was said by being that visitor; from
//! their first word on it is a conversation as any other, and their secret's alone.

use model::chat::{Conversation, MessageKind, NewMessage, Who};
use model::rights::Principal;
use model::{MessageId, Site, SiteId, VisitorKey};
use serde_json::value::RawValue;
use store::chat::{ConversationChange, call_in};

use crate::announce::MISSED_MAX;
use crate::{Chat, Post, Refused, Result};

/// What an agent says to a visitor first.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub visitor: VisitorKey,
    /// Sent again with the same one where no answer came.
    pub id: MessageId,
    pub body: String,
}

/// What the page of a visitor who was called is told.
pub struct CalledTo {
    /// The last change of it.
    pub change: u64,
    /// How far they read.
    pub read: u64,
    /// The last of what was said, and by whom.
    pub data: Box<RawValue>,
}

/// The topic of a site's visitors who are called. Message: whose key it is.
pub fn call_topic(site: SiteId) -> String {
    format!("calls/{site}")
}

impl Chat {
    /// Writes to a visitor who is on the site, once however often it is sent: into the conversation that there is, or a new one; whether that was
    /// opened just now.
    pub async fn call(&self, by: &Principal, site: &Site, call: Call) -> Result<(Conversation, bool)> {
        let me = self.agent(by, site.id).await?;
        if call.body.trim().is_empty() {
            return Err(Refused::Invalid("nothing is said"));
        }
        if !site.chat.on {
            return Err(Refused::Conflict("the chat of the site is off"));
        }
        self.refuse_gone(site.id, call.visitor).await?;
        let mut new = self.new_conversation(site, self.clock.now());
        new.conversation.visitor = Some(call.visitor);
        new.conversation.is_call = true;
        new.first =
            NewMessage { id: call.id, author: Who::Account(me), body: call.body.clone(), ..new.first };
        let (opened, fresh) = self.store.conversations.open_conversation(new).await?;
        if fresh {
            self.news().tell(opened.room);
            self.announce_said(opened.room).await;
            return Ok((opened, true));
        }
        let (kind, thread, files) = (MessageKind::Text, None, Vec::new());
        self.post(by, opened.room, Post { id: call.id, kind, body: call.body, thread, files }).await?;
        let now = self.store.conversations.conversation(opened.room).await?;
        let now = if now.is_closed() { self.change_to(&now, ConversationChange::Reopen).await? } else { now };
        Ok((now, false))
    }

    /// Of another site is the same to it as gone.
    async fn refuse_gone(&self, site: SiteId, visitor: VisitorKey) -> Result<()> {
        let watch = self.live.watch(site).await.map_err(|error| Refused::Unavailable(error.into()))?;
        match watch.snapshot.visitors.iter().find(|present| present.key == visitor) {
            None => Err(Refused::Conflict("this visitor is no longer on the site")),
            Some(present) if present.bot.is_some() => Err(Refused::Conflict("this visitor is a bot")),
            Some(_) => Ok(()),
        }
    }

    /// What a visitor was called with and did not answer yet.
    pub async fn called_with(
        &self,
        site: SiteId,
        visitor: VisitorKey,
        before: Option<VisitorKey>,
    ) -> Result<Option<CalledTo>> {
        self.keep_call(site, Some(visitor), before).await?;
        let Some(call) = self.call_of(site, visitor).await? else {
            return Ok(None);
        };
        let last = self.missed(call.room, None).await?.change;
        let missed = self.missed(call.room, Some(last.saturating_sub(MISSED_MAX as u64))).await?;
        let me = self.store.rooms.member(call.room, Who::Guest(call.guest)).await?;
        let read = me.map_or(0, |me| me.read);
        Ok(Some(CalledTo { change: missed.change, read, data: missed.data }))
    }

    /// How far the visitor read what they were called with.
    pub async fn read_call(&self, site: SiteId, visitor: VisitorKey, number: u64) -> Result<()> {
        match self.call_of(site, visitor).await? {
            None => Err(Refused::NotFound),
            Some(call) => {
                let read = self.store.rooms.read_to(call.room, Who::Guest(call.guest), number);
                Ok(read.await.map(drop)?)
            }
        }
    }

    async fn call_of(&self, site: SiteId, visitor: VisitorKey) -> Result<Option<Conversation>> {
        Ok(call_in(self.store.conversations.with_visitor(site, visitor).await?))
    }

    /// A visitor is known by another key since the salts changed: so is their call.
    pub(super) async fn keep_call(
        &self,
        site: SiteId,
        visitor: Option<VisitorKey>,
        before: Option<VisitorKey>,
    ) -> Result<()> {
        let Some(before) = before.filter(|_| visitor.is_some()) else {
            return Ok(());
        };
        let Some(call) = self.call_of(site, before).await? else {
            return Ok(());
        };
        let seen = ConversationChange::Seen { visitor, page: String::new(), title: String::new() };
        match self.change_to(&call, seen).await {
            Err(Refused::NotFound) => Ok(()),
            changed => changed.map(drop),
        }
    }

    /// Tells the visitor's pages.
    pub(super) async fn announce_call(&self, conversation: &Conversation) {
        if let Some(visitor) = conversation.visitor.filter(|_| conversation.is_call) {
            self.publish(&call_topic(conversation.site), &visitor.to_string()).await;
        }
    }
}
