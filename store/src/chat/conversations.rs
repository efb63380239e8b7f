//! Conversations: each one's two rooms, how far it is, and where agents find it. What becomes of one is decided here, the same for every backend.

use async_trait::async_trait;
use model::chat::{
    Consent, Conversation, ConversationState, Customer, Fix, Folder, Guest, Message, MessageKind, NewMessage,
    Note, Rating, Replies, Room, Side, Verdict, Who,
};
use model::{AccountId, Millis, RoomId, SiteId, VisitorKey, limits};

use super::duty::Turn;
use super::messages::Posted;
use super::retelling::{self, Telling};
use super::rooms::bounded;
use super::rules::Answered;
use crate::accounts::SecretHash;
use crate::{Result, StoreError};

/// The conversations of all sites. Those of unknown rooms are NotFound. A message that is posted in a conversation's room, and its last one
/// that is edited or removed, change the conversation in the same moment, as `said` and `edited` tell. It goes with either of its rooms.
#[async_trait]
pub trait Conversations: Send + Sync {
    /// Opens a conversation with its rooms, its customer and what was said first, all or nothing. Of a secret that opened one before, that
    /// one as it is, and false. Where an agent called the visitor and waits for a word, that conversation is the secret's from now on, with what
    /// is said first, who the customer is and where they are; true. Without a secret it is such a call: of a visitor who has one already that is no spam and not
    /// revoked, their last, as it is, and false. Conflict where an id is taken; Limit past `CONVERSATIONS_MAX` of the site, and past the bytes of any text.
    async fn open_conversation(&self, new: NewConversation) -> Result<(Conversation, bool)>;

    /// By either of its rooms.
    async fn conversation(&self, room: RoomId) -> Result<Conversation>;

    /// As `ConversationChange` says. One that makes no difference makes none. Limit past the bytes or number of anything.
    async fn change_conversation(
        &self,
        room: RoomId,
        change: ConversationChange,
        at: Millis,
    ) -> Result<Conversation>;

    /// Those of a folder, the last said in first; of `Waiting` those who wait longest first. At most `CONVERSATIONS_A_PAGE_MAX`. Of what was said
    /// in the site's conversations a text is looked for in the last `MESSAGES_A_PAGE_MAX` messages that have its words. Limit past `SEARCH_WORDS_MAX`.
    async fn conversations(&self, asked: Asked) -> Result<Vec<Conversation>>;

    async fn count_conversations(&self, site: SiteId, me: AccountId) -> Result<Counts>;

    /// Those of the site with that visitor, as their last page said who they are, the last said in first; at most `EARLIER_MAX`.
    async fn with_visitor(&self, site: SiteId, visitor: VisitorKey) -> Result<Vec<Conversation>>;

    /// Other conversations of the site with the same customer, as `Customer::mark` tells them, the last said in first; at most `EARLIER_MAX`.
    async fn earlier(&self, room: RoomId) -> Result<Vec<Conversation>>;

    /// Of those of the site that were begun from one moment on and before another, what figures are made of, in the order in which they were begun; none of
    /// calls. Limit past `FIGURES_CONVERSATIONS_MAX`.
    async fn figured(&self, site: SiteId, from: Millis, to: Millis) -> Result<Vec<Figured>>;

    /// Opens those that were put off until now; at most `CONVERSATIONS_A_PAGE_MAX` of them, which it names.
    async fn wake(&self, now: Millis) -> Result<Vec<RoomId>>;

    /// An agent is in the site's inbox then.
    async fn on_duty(&self, site: SiteId, agent: AccountId, at: Millis) -> Result<()>;

    /// Gives a conversation that is open and nobody's to whose turn it is, and says so in its notes, all or nothing: of several at once each is
    /// another's. Any other stays as it is.
    async fn give_turn(&self, room: RoomId, turn: Turn, at: Millis) -> Result<Conversation>;

    /// Tells a conversation again as a thread of the public room that its customer was asked about, as they allow it, all or nothing: the title as the words of the agent who
    /// asked, then what was said, in its order: the customer's words as those of a guest who is let in nowhere, the others' as theirs. Sounds, what is removed, files and mentions
    /// are not told. What begins the thread, or None and the conversation as it is where that was allowed before. Conflict where the customer is not asked just that any more, where
    /// the room is not public or is locked, or who asked is no member of it; Limit past `RETOLD_MESSAGES_MAX`.
    async fn retell(&self, room: RoomId, telling: Telling) -> Result<(Conversation, Option<Posted>)>;

    /// What the site's filter learned, and its version: 0, and nothing, where it never did.
    async fn learned(&self, site: SiteId) -> Result<(u64, Vec<u8>)>;

    /// Puts that in the place of a version, as the next one, and keeps with the conversation what was learned of it, all or nothing; false where it is that
    /// version no more, or the conversation was learned as something else meanwhile. Limit past `LEARNED_BYTES_MAX`.
    async fn learn(
        &self,
        site: SiteId,
        version: u64,
        learned: Vec<u8>,
        lesson: Option<Lesson>,
    ) -> Result<bool>;
}

/// As what a conversation's first message was learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lesson {
    pub room: RoomId,
    pub before: Option<Verdict>,
    pub now: Verdict,
}

/// All of a new conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct NewConversation {
    pub conversation: Conversation,
    pub room: Room,
    pub notes: Room,
    pub guest: Guest,
    /// Of the secret that the customer's browser keeps; None: an agent writes first.
    pub secret: Option<SecretHash>,
    pub first: NewMessage,
    /// Whoever's turn it is gets it as it is opened, as `give_turn` tells.
    pub turn: Option<Turn>,
    /// A rule spoke first; of a call that is answered it is not said.
    pub answered: Option<Answered>,
}

/// What figures are made of: of one conversation, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figured {
    pub opened: Millis,
    pub assignee: Option<AccountId>,
    pub first_answer_at: Option<Millis>,
    /// None: it is open.
    pub closed_at: Option<Millis>,
    /// What the customer thought of it.
    pub score: Option<u8>,
    pub verdict: Verdict,
    pub blocked: bool,
    pub was_held: bool,
}

impl Figured {
    pub(crate) fn of(conversation: Conversation) -> Figured {
        Figured {
            closed_at: conversation.closed_at.filter(|_| conversation.is_closed()),
            opened: conversation.opened,
            assignee: conversation.assignee,
            first_answer_at: conversation.first_answer_at,
            score: conversation.rating.map(|rating| rating.score),
            verdict: conversation.verdict,
            blocked: conversation.blocked,
            was_held: conversation.was_held || conversation.verdict == Verdict::Held,
        }
    }

    /// It is no spam, nor held for it.
    pub fn is_served(&self) -> bool {
        self.verdict == Verdict::Ham && !self.blocked
    }

    /// Milliseconds until the first answer.
    pub fn answered_in(&self) -> Option<i64> {
        Some((self.first_answer_at?.0 - self.opened.0).max(0))
    }

    /// Milliseconds until it was closed.
    pub fn resolved_in(&self) -> Option<i64> {
        Some((self.closed_at?.0 - self.opened.0).max(0))
    }
}

pub(crate) fn refuse_figures(count: usize) -> Result<()> {
    bounded(count, "conversations of figures", limits::FIGURES_CONVERSATIONS_MAX)
}

/// Which conversations are asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub site: SiteId,
    pub folder: Folder,
    /// Whose `Mine` is.
    pub me: AccountId,
    pub label: Option<String>,
    /// In what was said, in notes, or in the customer's name, address or identity. Empty: any.
    pub text: String,
    /// The moment that the list is in order of, and the room, of the last one of the page before.
    pub before: Option<(Millis, RoomId)>,
    pub limit: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub open: u64,
    pub mine: u64,
    pub unassigned: u64,
    pub waiting: u64,
    pub snoozed: u64,
    pub closed: u64,
    pub held: u64,
    pub spam: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ConversationChange {
    Assign(Option<AccountId>),
    Close(Who),
    /// Where it was closed, what was said to fix it did not.
    Reopen,
    /// Until then. Conflict where it is closed.
    Snooze(Millis),
    /// In the place of those before; each once.
    Labels(Vec<String>),
    /// As people say.
    Verdict(Verdict),
    /// As the filter says of what the customer is about to say: held, as long as nobody knows better.
    Hold,
    Block(bool),
    /// What is empty stays as it was; a claim takes nothing from what is proven. Another address than before: what was mailed to that one is answered in vain.
    Customer(Customer),
    /// Where the customer is.
    Seen {
        visitor: Option<VisitorKey>,
        page: String,
        title: String,
    },
    /// Conflict where it was never closed.
    Rate(Rating),
    /// Answers up to that one were mailed; never lowered.
    Mailed(u64),
    /// The customer mailed something with that `Message-ID`. Limit past `REPLIES_AN_HOUR_MAX`.
    Replied(String),
    /// What was mailed to the customer until now is answered in vain, and its link opens nothing.
    RevokeReplies,
    /// The customer's secret, and letters to them, open it no more.
    Revoke,
    /// The customer is asked whether it may be told again in that room, in the place of what they were asked before. Conflict where it is told already, and of
    /// calls, spam, and who is revoked; Limit past `RETOLD_TITLE_BYTES_MAX` and `RETOLD_MESSAGES_MAX`.
    AskToRetell {
        room: RoomId,
        title: String,
        by: AccountId,
    },
    /// Nobody asks that any more. Conflict where it was answered.
    WithdrawRetelling,
    /// The customer says no to what was asked then. Conflict where that is not asked any more.
    RefuseRetelling(Millis),
    /// A commit says that it fixes what this is about; said again, it is what it was.
    Fix(Fix),
    /// That commit, where it is the last one that fixes this, is in that release.
    Release {
        commit: String,
        tag: String,
    },
}

const HOUR_MS: i64 = 3_600_000;

pub(crate) const NO_CONVERSATION: StoreError = StoreError::NotFound("conversation");
const TOO_MANY_CONVERSATIONS: StoreError =
    StoreError::Limit { what: "conversations of a site", max: limits::CONVERSATIONS_MAX };

/// Of a site that has so many already.
pub(crate) fn refuse_full(count: usize) -> Result<()> {
    if count >= limits::CONVERSATIONS_MAX { Err(TOO_MANY_CONVERSATIONS) } else { Ok(()) }
}

pub(crate) fn refuse_large(learned: &[u8]) -> Result<()> {
    bounded(learned.len(), "bytes that a filter learned", limits::LEARNED_BYTES_MAX)
}

pub(crate) fn page_of(limit: usize) -> usize {
    limit.clamp(1, limits::CONVERSATIONS_A_PAGE_MAX)
}

/// The moment that lists of the folder are in order of.
pub fn order_of(folder: Folder, conversation: &Conversation) -> Millis {
    match folder {
        Folder::Waiting => conversation.waiting_since.unwrap_or(conversation.last_at),
        _ => conversation.last_at,
    }
}

/// What a message that is posted as the room's `number` makes of the conversation. A customer who speaks opens it again and waits; an agent
/// who answers takes it where it is nobody's, and says that it is no spam.
pub(crate) fn said(conversation: &mut Conversation, new: &NewMessage, number: u64, at: Millis) {
    if matches!(new.kind, MessageKind::Note(_)) || new.room != conversation.room {
        return;
    }
    conversation.version += 1;
    (conversation.last, conversation.last_at) = (number, at);
    conversation.preview = beginning(&new.body);
    match new.author {
        Who::Guest(_) => {
            conversation.is_call = false;
            conversation.last_by = Side::Customer;
            conversation.waiting_since.get_or_insert(at);
            conversation.state = ConversationState::Open;
        }
        Who::Account(_) | Who::Bot(_) => {
            conversation.last_by = Side::Agent;
            conversation.waiting_since = None;
            if !conversation.is_call {
                conversation.first_answer_at.get_or_insert(at);
            }
            if let Who::Account(account) = new.author {
                conversation.is_known = true;
                conversation.assignee.get_or_insert(account);
                if conversation.verdict == Verdict::Held {
                    conversation.verdict = Verdict::Ham;
                }
            }
        }
    }
}

/// What becomes of the conversation where one of its messages is edited or removed: lists show what it says now.
pub(crate) fn edited(conversation: &mut Conversation, message: &Message) {
    let preview = beginning(&message.body);
    let is_last = message.room == conversation.room && message.number == conversation.last;
    if is_last && preview != conversation.preview {
        conversation.version += 1;
        conversation.preview = preview;
    }
}

/// One line of it.
fn beginning(body: &str) -> String {
    let line = body.split_whitespace().collect::<Vec<_>>().join(" ");
    line[..line.floor_char_boundary(limits::PREVIEW_BYTES_MAX)].to_owned()
}

/// Of a visitor's conversations, the last said in first: the call that waits for their first word.
pub fn call_in(conversations: Vec<Conversation>) -> Option<Conversation> {
    conversations.into_iter().find(|one| one.is_call && !one.is_revoked)
}

/// The one of them in which an agent who writes first goes on.
pub(crate) fn going_on(conversations: Vec<Conversation>) -> Option<Conversation> {
    conversations.into_iter().find(|one| one.folder() != Folder::Spam && !one.is_revoked)
}

/// The call, as of who answers it with what would have opened a conversation of their own; their guest, and what they say first.
pub(crate) fn answered(call: &Conversation, new: NewConversation) -> (Conversation, Guest, NewMessage) {
    let NewConversation { conversation, guest, first, .. } = new;
    let mut answered =
        Conversation { customer: known(&call.customer, conversation.customer), ..call.clone() };
    if !conversation.page.is_empty() {
        (answered.page, answered.title) = (conversation.page, conversation.title);
    }
    answered.opened = first.at;
    answered.version += 1;
    let guest = Guest { id: call.guest, room: call.room, ..guest };
    let first = NewMessage { room: call.room, author: Who::Guest(call.guest), ..first };
    (answered, guest, first)
}

/// Whether it is to be given to somebody.
pub(crate) fn is_to_give(conversation: &Conversation) -> bool {
    conversation.assignee.is_none() && conversation.folder() == Folder::Open
}

/// Theirs, and the line of it for the notes.
pub(crate) fn given(
    conversation: &mut Conversation,
    agent: AccountId,
    turn: &Turn,
    at: Millis,
) -> NewMessage {
    conversation.assignee = Some(agent);
    conversation.version += 1;
    NewMessage {
        room: conversation.notes,
        id: turn.note,
        author: Who::Account(agent),
        kind: MessageKind::Note(Note::Turn),
        body: String::new(),
        thread: None,
        mentions: Vec::new(),
        files: Vec::new(),
        at,
    }
}

/// The conversation with what was learned of it. None: it was learned as something else meanwhile.
pub(crate) fn taught(conversation: &Conversation, lesson: Lesson) -> Option<Conversation> {
    (conversation.learned == lesson.before).then(|| Conversation {
        learned: Some(lesson.now),
        version: conversation.version + 1,
        ..conversation.clone()
    })
}

/// None: it makes no difference.
pub(crate) fn change(
    conversation: &Conversation,
    change: ConversationChange,
    at: Millis,
) -> Result<Option<Conversation>> {
    let mut next = conversation.clone();
    match change {
        ConversationChange::Assign(assignee) => next.assignee = assignee,
        ConversationChange::Close(by) => {
            if !matches!(next.state, ConversationState::Closed(_)) {
                next.state = ConversationState::Closed(by);
                next.closed_at = Some(at);
                next.waiting_since = None;
            }
        }
        ConversationChange::Reopen => {
            if next.is_closed() {
                next.fix = None;
            }
            next.state = ConversationState::Open;
        }
        ConversationChange::Snooze(until) => {
            if matches!(next.state, ConversationState::Closed(_)) {
                return Err(StoreError::Conflict("the conversation is closed"));
            }
            next.state = ConversationState::Snoozed(until);
        }
        ConversationChange::Labels(mut labels) => {
            labels.sort();
            labels.dedup();
            next.labels = labels;
        }
        ConversationChange::Verdict(verdict) => {
            next.verdict = verdict;
            next.is_known |= verdict == Verdict::Ham;
        }
        ConversationChange::Hold => {
            let is_answered = next.is_known || next.first_answer_at.is_some();
            if next.verdict == Verdict::Ham && !is_answered {
                (next.verdict, next.was_held) = (Verdict::Held, true);
            }
        }
        ConversationChange::Block(blocked) => next.blocked = blocked,
        ConversationChange::Customer(customer) => {
            next.customer = known(&next.customer, customer);
            let (before, now) = (&conversation.customer.email, &next.customer.email);
            // Who has the mailbox of before is perhaps somebody else.
            if !before.is_empty() && !before.eq_ignore_ascii_case(now) {
                next.replies.revoked = next.replies.revoked.saturating_add(1);
            }
        }
        ConversationChange::Seen { visitor, page, title } => {
            next.visitor = visitor.or(next.visitor);
            if !page.is_empty() {
                (next.page, next.title) = (page, title);
            }
        }
        ConversationChange::Rate(rating) => {
            if next.closed_at.is_none() {
                return Err(StoreError::Conflict("the conversation was never closed"));
            }
            next.rating = Some(rating);
        }
        ConversationChange::Revoke => next.is_revoked = true,
        ConversationChange::AskToRetell { room, title, by } => {
            next = retelling::ask(conversation, room, title, by, at)?;
        }
        ConversationChange::WithdrawRetelling => {
            next = retelling::end(conversation, None, Consent::Withdrawn)?;
        }
        ConversationChange::RefuseRetelling(asked) => {
            next = retelling::end(conversation, Some(asked), Consent::Refused)?;
        }
        ConversationChange::Fix(fix) => {
            if next.fix.as_ref().is_none_or(|known| known.commit.id != fix.commit.id) {
                next.fix = Some(fix);
            }
        }
        ConversationChange::Release { commit, tag } => {
            if let Some(fix) = next.fix.as_mut().filter(|fix| fix.commit.id == commit) {
                fix.release = Some(tag);
            }
        }
        ConversationChange::Mailed(number) => next.mailed = next.mailed.max(number),
        ConversationChange::Replied(id) => next.replies = replied(&next.replies, id, at)?,
        ConversationChange::RevokeReplies => {
            next.replies.revoked = next.replies.revoked.saturating_add(1);
            next.replies.links = next.replies.links.saturating_add(1);
        }
    }
    refuse_oversized(&next)?;
    if next == *conversation {
        return Ok(None);
    }
    next.version += 1;
    Ok(Some(next))
}

/// One that comes again counts once.
fn replied(before: &Replies, last: String, at: Millis) -> Result<Replies> {
    if last == before.last {
        return Ok(before.clone());
    }
    let hour = Millis(at.0 - at.0.rem_euclid(HOUR_MS));
    let count = if hour == before.hour { before.in_hour } else { 0 };
    if count >= limits::REPLIES_AN_HOUR_MAX {
        let (what, max) = ("letters of one customer an hour", limits::REPLIES_AN_HOUR_MAX as usize);
        return Err(StoreError::Limit { what, max });
    }
    Ok(Replies { hour, in_hour: count + 1, last, ..before.clone() })
}

/// What is known of a customer who said something more of themselves.
fn known(before: &Customer, said: Customer) -> Customer {
    let or = |said: String, before: &String| if said.is_empty() { before.clone() } else { said };
    if before.proven && !said.proven {
        let Customer { identity, proven, .. } = before.clone();
        return Customer {
            name: or(before.name.clone(), &said.name),
            email: or(before.email.clone(), &said.email),
            identity,
            proven,
        };
    }
    Customer {
        name: or(said.name, &before.name),
        email: or(said.email, &before.email),
        identity: or(said.identity, &before.identity),
        proven: said.proven,
    }
}

pub(crate) fn refuse_oversized(conversation: &Conversation) -> Result<()> {
    let customer = &conversation.customer;
    bounded(customer.name.len(), "bytes in a name", limits::NAME_BYTES_MAX)?;
    bounded(customer.identity.len(), "bytes in an identity", limits::NAME_BYTES_MAX)?;
    bounded(customer.email.len(), "bytes in an e-mail address", limits::EMAIL_BYTES_MAX)?;
    bounded(conversation.page.len(), "bytes in an address", limits::URL_BYTES_MAX)?;
    bounded(conversation.title.len(), "bytes in a title", limits::TITLE_BYTES_MAX)?;
    bounded(conversation.replies.last.len(), "bytes in the id of a letter", limits::MESSAGE_ID_BYTES_MAX)?;
    bounded(conversation.labels.len(), "labels", limits::LABELS_MAX)?;
    for label in &conversation.labels {
        bounded(label.len(), "bytes in a label", limits::NAME_BYTES_MAX)?;
    }
    if let Some(fix) = &conversation.fix {
        bounded(fix.answer.len(), "bytes in a closing note", limits::CLOSING_NOTE_BYTES_MAX)?;
    }
    if let Some(rating) = &conversation.rating {
        bounded(rating.words.len(), "bytes in what a customer says of it", limits::RATING_BYTES_MAX)?;
        bounded(rating.score.into(), "points", limits::SCORE_MAX.into())?;
    }
    Ok(())
}

/// What a customer is looked for by: name, address and identity, lower case.
pub(crate) fn customer_text(conversation: &Conversation) -> String {
    let Customer { name, email, identity, .. } = &conversation.customer;
    format!("{name} {email} {identity}").to_lowercase()
}

#[cfg(test)]
mod tests;
