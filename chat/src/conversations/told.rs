//! How a conversation looks to agents, in JSON.

use std::collections::BTreeSet;

use model::chat::{Consent, Conversation, ConversationState, Fix, Rating, Side, Verdict, Who};
use model::{AccountId, Millis, RoomId, SiteId};
use serde::Serialize;
use store::StoreError;
use store::chat::Counts;

use crate::told::named;
use crate::{Chat, Result};

#[derive(Serialize)]
pub struct TellConversation {
    pub room: RoomId,
    pub notes: RoomId,
    pub site: SiteId,
    pub name: String,
    pub email: String,
    pub identity: String,
    pub proven: bool,
    /// As `key` of the topic of visitors.
    pub visitor: Option<String>,
    /// `open`, `snoozed`, `closed`.
    pub state: &'static str,
    pub until: Option<Millis>,
    pub assignee: Option<AccountId>,
    pub assignee_name: String,
    pub labels: Vec<String>,
    pub verdict: Verdict,
    pub blocked: bool,
    pub page: String,
    pub title: String,
    pub opened: Millis,
    pub last: u64,
    pub last_at: Millis,
    pub last_by: Side,
    pub preview: String,
    pub waiting_since: Option<Millis>,
    pub first_answer_at: Option<Millis>,
    pub closed_at: Option<Millis>,
    pub rating: Option<Rating>,
    /// An agent wrote first, and the customer has said nothing yet.
    pub is_call: bool,
    /// The customer's browser opens it no more.
    pub is_revoked: bool,
    /// The commit that says it fixes what this is about, with words for the customer, and the release that has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retelling: Option<TellRetelling>,
    pub version: u64,
}

/// What the customer was asked last, and said: whether it may be told again in a public room.
#[derive(Serialize)]
pub struct TellRetelling {
    pub room: RoomId,
    /// What the room is called; empty: it is gone.
    pub name: String,
    pub title: String,
    /// `asked`, `refused`, `given`, or `ended`: they did not answer.
    pub state: &'static str,
    /// The message that it is the thread of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
}

#[derive(Serialize)]
pub struct TellCounts {
    pub open: u64,
    pub mine: u64,
    pub unassigned: u64,
    pub waiting: u64,
    pub snoozed: u64,
    pub closed: u64,
    pub held: u64,
    pub spam: u64,
}

impl From<Counts> for TellCounts {
    fn from(counts: Counts) -> TellCounts {
        let Counts { open, mine, unassigned, waiting, snoozed, closed, held, spam } = counts;
        TellCounts { open, mine, unassigned, waiting, snoozed, closed, held, spam }
    }
}

impl Chat {
    pub async fn told_conversations(&self, conversations: &[Conversation]) -> Result<Vec<TellConversation>> {
        let people: BTreeSet<Who> =
            conversations.iter().filter_map(|one| one.assignee).map(Who::Account).collect();
        let names = self.names(people).await?;
        let mut all = Vec::with_capacity(conversations.len());
        for one in conversations {
            let assignee_name = one.assignee.map(|agent| named(Who::Account(agent), &names).to_owned());
            let retelling = self.told_retelling(one).await?;
            all.push(told(one, assignee_name.unwrap_or_default(), retelling));
        }
        Ok(all)
    }

    async fn told_retelling(&self, one: &Conversation) -> Result<Option<TellRetelling>> {
        let Some(of) = &one.retelling else {
            return Ok(None);
        };
        let (state, number) = match of.answer {
            Consent::Asked if one.asks_to_retell(self.clock.now()).is_some() => ("asked", None),
            Consent::Asked => ("ended", None),
            Consent::Refused => ("refused", None),
            Consent::Given(number) => ("given", Some(number)),
            Consent::Withdrawn => return Ok(None),
        };
        let name = match self.store.rooms.room(of.room).await {
            Ok(room) => room.name,
            Err(StoreError::NotFound(_)) => String::new(),
            Err(error) => return Err(error.into()),
        };
        Ok(Some(TellRetelling { room: of.room, name, title: of.title.clone(), state, number }))
    }
}

fn told(one: &Conversation, assignee_name: String, retelling: Option<TellRetelling>) -> TellConversation {
    let (state, until) = match one.state {
        ConversationState::Open => ("open", None),
        ConversationState::Snoozed(until) => ("snoozed", Some(until)),
        ConversationState::Closed(_) => ("closed", None),
    };
    let customer = one.customer.clone();
    TellConversation {
        room: one.room,
        notes: one.notes,
        site: one.site,
        name: customer.name,
        email: customer.email,
        identity: customer.identity,
        proven: customer.proven,
        visitor: one.visitor.map(|key| key.to_string()),
        state,
        until,
        assignee: one.assignee,
        assignee_name,
        labels: one.labels.clone(),
        verdict: one.verdict,
        blocked: one.blocked,
        page: one.page.clone(),
        title: one.title.clone(),
        opened: one.opened,
        last: one.last,
        last_at: one.last_at,
        last_by: one.last_by,
        preview: one.preview.clone(),
        waiting_since: one.waiting_since,
        first_answer_at: one.first_answer_at,
        closed_at: one.closed_at,
        rating: one.rating.clone(),
        is_call: one.is_call,
        is_revoked: one.is_revoked,
        fix: one.fix.clone(),
        retelling,
        version: one.version,
    }
}
