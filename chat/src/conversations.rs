//! Conversations with customers: opened by what they say first, found and looked after by the agents of the site. Rights are those of the site
//! (`Action::Converse`) and of the conversation's rooms; a customer is known by the secret that their own browser made.

mod calls;
mod duty;
mod identity;
mod judging;
mod retelling;
mod rules;
mod told;
mod transcripts;

use model::chat::rights::RoomAction;
use model::chat::{
    Conversation, ConversationState, Customer, Folder, Guest, MessageKind, NewMessage, Rating, Replies, Room,
    RoomKind, Side, Spoken, Verdict, Who,
};
use model::rights::Principal;
use model::{AccountId, Action, GuestId, MessageId, Millis, RoomId, Site, SiteId, VisitorKey, limits};
use store::StoreError;
use store::accounts::SecretHash;
use store::chat::{Asked, ConversationChange, Counts, NewConversation};

pub use calls::{Call, CalledTo, call_topic};
pub use duty::OnDuty;
pub use identity::{Claim, identify_secret};
pub use retelling::Consented;
pub use rules::{Addressed, spoken_proof};
pub use told::{TellConversation, TellCounts};

use crate::{Chat, Post, Refused, Result, random};

/// What a customer says first, and who they say they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Opening {
    /// Of the secret that their browser made.
    pub secret: SecretHash,
    /// Of the first message: sent again with the same one where no answer came.
    pub id: MessageId,
    pub body: String,
    pub customer: Customer,
    pub visitor: Option<VisitorKey>,
    /// Whom the visitor was known as before the salts changed.
    pub visitor_before: Option<VisitorKey>,
    pub page: String,
    pub title: String,
    /// Keyed hashes of browser and address.
    pub marks: Vec<[u8; 32]>,
    /// What a rule said, which they answer.
    pub spoken: Option<Spoken>,
}

/// Which of the site's conversations an agent asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    pub folder: Folder,
    pub label: Option<String>,
    pub text: String,
    pub before: Option<(Millis, RoomId)>,
}

/// A page of them.
pub struct Inbox {
    pub conversations: Vec<Conversation>,
    pub has_more: bool,
    pub counts: Counts,
}

/// What an agent does to a conversation.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    Assign(Option<AccountId>),
    Close,
    /// With words for the customer, sent again with the same id where no answer came.
    CloseSaying {
        id: MessageId,
        words: String,
    },
    Reopen,
    Snooze(Millis),
    Labels(Vec<String>),
    Verdict(Verdict),
    Block(bool),
    /// What was mailed to the customer until now is answered in vain, and its link opens nothing.
    RevokeReplies,
    /// All of it is mailed to the customer.
    Transcript,
    /// The customer's browser, and letters to them, open it no more.
    Revoke,
    /// Asks the customer whether it may be told again in that room, by that title; None: takes the question back.
    Retell(Option<(RoomId, String)>),
}

impl Chat {
    /// Opens a conversation, once however often it is sent; whether it was opened just now.
    pub async fn open_conversation(&self, site: &Site, opening: Opening) -> Result<(Conversation, bool)> {
        if opening.body.trim().is_empty() {
            return Err(Refused::Invalid("nothing is said"));
        }
        let now = self.clock.now();
        let verdict = self.judged(site, &opening.body).await?;
        self.keep_call(site.id, opening.visitor, opening.visitor_before).await?;
        let mut new = self.new_conversation(site, now);
        new.guest.name = opening.customer.name.clone();
        new.guest.marks = opening.marks;
        new.secret = Some(opening.secret);
        new.turn = self.turn(site).await?;
        new.answered = opening.spoken.map(|spoken| rules::answered(spoken, new.room.id, now));
        new.first = NewMessage { id: opening.id, body: opening.body, ..new.first };
        new.conversation = Conversation {
            customer: opening.customer,
            visitor: opening.visitor,
            page: opening.page,
            title: opening.title,
            verdict,
            was_held: verdict == Verdict::Held,
            ..new.conversation
        };
        let (opened, fresh) = self.store.conversations.open_conversation(new).await?;
        if opened.site != site.id {
            return Err(Refused::NotFound);
        }
        if fresh {
            self.news().tell(opened.room);
            self.announce_conversation(&opened).await;
        }
        Ok((opened, fresh))
    }

    /// Nobody is known, and nothing is said: both are to be filled in.
    fn new_conversation(&self, site: &Site, now: Millis) -> NewConversation {
        let room = self.inbox_room(site, RoomKind::Conversation, now);
        let notes = self.inbox_room(site, RoomKind::Notes, now);
        let guest = Guest {
            id: GuestId::of(random()),
            room: room.id,
            name: String::new(),
            created: now,
            marks: Vec::new(),
            was: None,
            is_revoked: false,
        };
        let first = NewMessage {
            room: room.id,
            id: MessageId(0),
            author: Who::Guest(guest.id),
            kind: MessageKind::Text,
            body: String::new(),
            thread: None,
            mentions: Vec::new(),
            files: Vec::new(),
            at: now,
        };
        let conversation = Conversation {
            room: room.id,
            notes: notes.id,
            site: site.id,
            guest: guest.id,
            customer: Customer::default(),
            visitor: None,
            page: String::new(),
            title: String::new(),
            state: ConversationState::Open,
            verdict: Verdict::Ham,
            was_held: false,
            blocked: false,
            assignee: None,
            labels: Vec::new(),
            opened: now,
            last: 0,
            last_at: now,
            last_by: Side::Customer,
            preview: String::new(),
            waiting_since: None,
            first_answer_at: None,
            closed_at: None,
            rating: None,
            learned: None,
            is_known: false,
            mailed: 0,
            replies: Replies::default(),
            is_call: false,
            is_revoked: false,
            fix: None,
            retelling: None,
            version: 0,
        };
        NewConversation { conversation, room, notes, guest, secret: None, first, turn: None, answered: None }
    }

    fn inbox_room(&self, site: &Site, kind: RoomKind, now: Millis) -> Room {
        Room {
            id: RoomId::of(random()),
            site: Some(site.id),
            kind,
            name: String::new(),
            topic: String::new(),
            zone: site.time_zone.clone(),
            public: false,
            locked: false,
            members_max: limits::ROOM_MEMBERS_MAX,
            created: now,
            by: None,
            last: 0,
            changes: 0,
            last_at: Millis(0),
        }
    }

    /// The customer's own, by the secret of their browser.
    pub async fn my_conversation(&self, by: &Principal, site: SiteId) -> Result<Conversation> {
        let Principal::Guest { room, .. } = by else {
            return Err(Refused::Unknown);
        };
        self.seen(by, *room, RoomAction::Read).await?;
        let mine = self.store.conversations.conversation(*room).await?;
        if mine.site == site { Ok(mine) } else { Err(Refused::Unknown) }
    }

    /// Whether agents may see what that customer types, before it is sent.
    pub async fn previews(&self, by: &Principal, room: RoomId) -> Result<bool> {
        let room = self.seen(by, room, RoomAction::Post).await?.room;
        match (by, room.kind, room.site) {
            (Principal::Guest { .. }, RoomKind::Conversation, Some(site)) => {
                Ok(self.store.sites.site(site).await?.chat.previews)
            }
            _ => Ok(false),
        }
    }

    /// What the customer says of themselves.
    pub async fn introduce(&self, by: &Principal, site: SiteId, customer: Customer) -> Result<Conversation> {
        self.of_customer(by, site, ConversationChange::Customer(customer)).await
    }

    /// Where the customer is, as their page says.
    pub async fn seen_on(
        &self,
        by: &Principal,
        site: SiteId,
        visitor: Option<VisitorKey>,
        page: String,
        title: String,
    ) -> Result<Conversation> {
        self.of_customer(by, site, ConversationChange::Seen { visitor, page, title }).await
    }

    /// What the customer thought of it. Conflict where it was never closed.
    pub async fn rate(&self, by: &Principal, site: SiteId, rating: Rating) -> Result<Conversation> {
        if rating.score == 0 {
            return Err(Refused::Invalid("a score is 1 to 5"));
        }
        self.of_customer(by, site, ConversationChange::Rate(rating)).await
    }

    async fn of_customer(
        &self,
        by: &Principal,
        site: SiteId,
        change: ConversationChange,
    ) -> Result<Conversation> {
        let mine = self.my_conversation(by, site).await?;
        self.change_to(&mine, change).await
    }

    pub(crate) async fn change_to(
        &self,
        before: &Conversation,
        change: ConversationChange,
    ) -> Result<Conversation> {
        let changed =
            self.store.conversations.change_conversation(before.room, change, self.clock.now()).await?;
        self.announce_change(before, &changed).await;
        Ok(changed)
    }

    async fn announce_change(&self, before: &Conversation, changed: &Conversation) {
        if changed.version != before.version {
            self.announce_conversation(changed).await;
        }
        if before.is_closed() != changed.is_closed() || before.retelling != changed.retelling {
            self.announce_end(changed).await;
        }
    }

    /// Tells the customer's pages that it is closed, open again, or that they are asked something of it.
    async fn announce_end(&self, conversation: &Conversation) {
        let state = if conversation.is_closed() { "closed" } else { "open" };
        let announced = serde_json::json!({ "conversation": { "room": conversation.room, "state": state } });
        self.publish(&crate::announce::person_topic(Who::Guest(conversation.guest)), &announced).await;
    }

    /// A page of the inbox, for agents of the site.
    pub async fn inbox(&self, by: &Principal, site: SiteId, question: Question) -> Result<Inbox> {
        let me = self.agent(by, site).await?;
        self.on_duty(site, me).await?;
        self.wake().await?;
        let Question { folder, label, text, before } = question;
        let limit = limits::CONVERSATIONS_A_PAGE_MAX;
        let asked = Asked { site, folder, me, label, text, before, limit };
        let conversations = self.store.conversations.conversations(asked).await?;
        let counts = self.store.conversations.count_conversations(site, me).await?;
        Ok(Inbox { has_more: conversations.len() == limit, conversations, counts })
    }

    /// Those that were put off until now are open again.
    async fn wake(&self) -> Result<()> {
        for room in self.store.conversations.wake(self.clock.now()).await? {
            let woken = self.store.conversations.conversation(room).await?;
            self.announce_conversation(&woken).await;
        }
        Ok(())
    }

    /// One of them, by either of its rooms.
    pub async fn conversation(&self, by: &Principal, site: SiteId, room: RoomId) -> Result<Conversation> {
        self.agent(by, site).await?;
        let found = self.store.conversations.conversation(room).await?;
        if found.site == site { Ok(found) } else { Err(Refused::NotFound) }
    }

    /// Others with the same customer.
    pub async fn earlier(&self, by: &Principal, site: SiteId, room: RoomId) -> Result<Vec<Conversation>> {
        let of = self.conversation(by, site, room).await?;
        Ok(self.store.conversations.earlier(of.room).await?)
    }

    pub async fn look_after(
        &self,
        by: &Principal,
        site: SiteId,
        room: RoomId,
        deed: Deed,
    ) -> Result<Conversation> {
        let me = self.agent(by, site).await?;
        let before = self.conversation(by, site, room).await?;
        let change = match deed {
            Deed::Assign(Some(agent)) => {
                self.refuse_no_agent(agent, site).await?;
                ConversationChange::Assign(Some(agent))
            }
            Deed::Assign(None) => ConversationChange::Assign(None),
            Deed::Close => ConversationChange::Close(Who::Account(me)),
            Deed::CloseSaying { id, words } => {
                let max = limits::CLOSING_NOTE_BYTES_MAX;
                if words.len() > max {
                    return Err(Refused::Limit { what: "bytes in a closing note", max });
                }
                let (kind, thread, files) = (MessageKind::Text, None, Vec::new());
                self.post(by, before.room, Post { id, kind, body: words, thread, files }).await?;
                ConversationChange::Close(Who::Account(me))
            }
            Deed::Reopen => ConversationChange::Reopen,
            Deed::Snooze(until) => {
                let now = self.clock.now();
                if until <= now || until > now.plus(limits::SNOOZE_MAX) {
                    return Err(Refused::Invalid("it is put off until a moment of the next 366 days"));
                }
                ConversationChange::Snooze(until)
            }
            Deed::Labels(labels) => {
                let labels: Vec<String> = labels
                    .iter()
                    .map(|label| label.trim().to_owned())
                    .filter(|label| !label.is_empty())
                    .collect();
                ConversationChange::Labels(labels)
            }
            Deed::Verdict(Verdict::Held) => return Err(Refused::Invalid("people say ham or spam")),
            Deed::Verdict(verdict) => {
                self.correct_filter(&before, verdict).await?;
                ConversationChange::Verdict(verdict)
            }
            Deed::Block(blocked) => ConversationChange::Block(blocked),
            Deed::RevokeReplies => ConversationChange::RevokeReplies,
            Deed::Transcript => {
                self.mail_theirs(&before).await?;
                return Ok(before);
            }
            Deed::Revoke => ConversationChange::Revoke,
            Deed::Retell(Some((room, title))) => self.asking_to_retell(by, site, room, &title).await?,
            Deed::Retell(None) => ConversationChange::WithdrawRetelling,
        };
        let changed = self.change_to(&before, change).await?;
        let is_taken =
            changed.is_revoked != before.is_revoked || changed.replies.links != before.replies.links;
        if is_taken {
            self.rights_changed().await;
        }
        self.give_on(before.folder(), changed).await
    }

    /// Who may be asked to look after a conversation: the site's agents, by name.
    pub async fn agents(&self, by: &Principal, site: SiteId) -> Result<Vec<(AccountId, String)>> {
        self.agent(by, site).await?;
        let members = self.store.accounts.members(site).await?;
        let mut agents: Vec<(AccountId, String)> = members
            .into_iter()
            .filter(|(_, role)| *role >= model::Role::Agent)
            .map(|(account, _)| (account.id, account.name))
            .collect();
        if let Principal::Account { id, operator: true } = by
            && !agents.iter().any(|(agent, _)| agent == id)
        {
            agents.push((*id, self.store.accounts.account(*id).await?.name));
        }
        Ok(agents)
    }

    /// Who asks, where they may converse with the site's customers.
    async fn agent(&self, by: &Principal, site: SiteId) -> Result<AccountId> {
        self.access.authorise(by, site, Action::Converse).await.map_err(|denied| match denied {
            store::Denied::Forbidden => Refused::NotFound,
            other => other.into(),
        })?;
        match by {
            Principal::Account { id, .. } => Ok(*id),
            _ => Err(Refused::Forbidden),
        }
    }

    async fn refuse_no_agent(&self, agent: AccountId, site: SiteId) -> Result<()> {
        match self.answers(agent, site).await? {
            true => Ok(()),
            false => Err(Refused::Invalid("nobody answers here by that id")),
        }
    }

    /// Whether that account is an agent of the site.
    pub(crate) async fn answers(&self, agent: AccountId, site: SiteId) -> Result<bool> {
        let account = match self.store.accounts.account(agent).await {
            Ok(account) => account,
            Err(StoreError::NotFound(_)) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        match self.agent(&Principal::Account { id: agent, operator: account.operator }, site).await {
            Ok(_) => Ok(true),
            Err(Refused::NotFound | Refused::Forbidden) => Ok(false),
            Err(refused) => Err(refused),
        }
    }

    /// Something was said in a room of it.
    pub(crate) async fn announce_said(&self, room: RoomId) {
        match self.store.conversations.conversation(room).await {
            Ok(conversation) => {
                self.announce_conversation(&conversation).await;
                self.announce_call(&conversation).await;
            }
            Err(error) => {
                tracing::warn!(%room, %error, "agents are told of a conversation with its next change")
            }
        }
    }

    async fn announce_conversation(&self, conversation: &Conversation) {
        match self.told_conversations(std::slice::from_ref(conversation)).await {
            Ok(told) => {
                let announced = serde_json::json!({ "conversation": told.first() });
                self.publish(&crate::announce::inbox_topic(conversation.site), &announced).await;
            }
            Err(error) => tracing::warn!(%error, "agents are told of a conversation with its next change"),
        }
    }

    /// Whether the principal may hear of the site's conversations.
    pub async fn may_converse(&self, by: &Principal, site: SiteId) -> Result<()> {
        self.agent(by, site).await.map(drop)
    }
}
