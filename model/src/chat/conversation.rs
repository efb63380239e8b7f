//! Conversations: what a customer and a site's agents have to say to each other, and how far that is.
//! A conversation is two rooms: one that both hear, and one for what only agents say of it.

use serde::{Deserialize, Serialize};

use super::{Fix, Who};
use crate::limits::RETELLING_ASKED_MAX;
use crate::{AccountId, GuestId, Millis, RoomId, SiteId, VisitorKey};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// What the customer hears. It names the conversation.
    pub room: RoomId,
    /// What agents say among themselves.
    pub notes: RoomId,
    pub site: SiteId,
    /// The customer, in the room.
    pub guest: GuestId,
    pub customer: Customer,
    /// Who of the site's visitors they are, as far as their last page said.
    pub visitor: Option<VisitorKey>,
    /// Address and title of the page that they were on last when they said who they are; at most `URL_BYTES_MAX` and `TITLE_BYTES_MAX`.
    pub page: String,
    pub title: String,
    pub state: ConversationState,
    pub verdict: Verdict,
    /// The filter of spam held it, whatever was said of it later.
    #[serde(default)]
    pub was_held: bool,
    /// What is said by this customer is held, and tells nobody.
    pub blocked: bool,
    pub assignee: Option<AccountId>,
    /// In their order; at most `LABELS_MAX` of `NAME_BYTES_MAX`.
    pub labels: Vec<String>,
    /// When it was begun: of a call that was answered, when it was answered.
    pub opened: Millis,
    /// The number of its last message, when and by whom it was said, and how it begins: at most `PREVIEW_BYTES_MAX`.
    pub last: u64,
    pub last_at: Millis,
    pub last_by: Side,
    pub preview: String,
    /// The first thing that the customer said and nobody answered.
    pub waiting_since: Option<Millis>,
    /// When an agent answered first.
    pub first_answer_at: Option<Millis>,
    /// When it was closed last, also where it was opened again.
    pub closed_at: Option<Millis>,
    pub rating: Option<Rating>,
    /// As what the site's filter learned its first message; None: it did not.
    #[serde(default)]
    pub learned: Option<Verdict>,
    /// An agent said something in it, or said that it is no spam: what the customer says is not judged any more.
    #[serde(default)]
    pub is_known: bool,
    /// The number of the last answer that was mailed to the customer.
    #[serde(default)]
    pub mailed: u64,
    #[serde(default)]
    pub replies: Replies,
    /// An agent wrote first, and the customer has said nothing yet: no secret opens it.
    #[serde(default)]
    pub is_call: bool,
    /// The secret of the customer's browser, and letters to them, open it no more.
    #[serde(default)]
    pub is_revoked: bool,
    /// The last commit that says it fixes what this is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
    /// Whether it is told again in a public room, as an agent asked the customer last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retelling: Option<Retelling>,
    /// Grows with each change.
    pub version: u64,
}

/// Who the customer is, as they say, or as the site proved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// Each at most `NAME_BYTES_MAX`, of the e-mail `EMAIL_BYTES_MAX`; empty: unknown.
    pub name: String,
    pub email: String,
    /// The site's own name for them.
    pub identity: String,
    /// The site's secret says so.
    pub proven: bool,
}

impl Customer {
    /// What tells that two conversations are with the same person: only what is proven, or an address that answers went to.
    pub fn mark(&self) -> Option<String> {
        match (self.proven, self.email.is_empty()) {
            (true, _) => Some(format!("id {}", self.identity)),
            (false, false) => Some(format!("mail {}", self.email.to_lowercase())),
            (false, true) => None,
        }
    }
}

/// What the customer answers to letters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replies {
    /// How often the address that letters are answered to was taken back. What was sent to one before is refused.
    pub revoked: u32,
    /// How often the link in letters was taken back with it: those before open the conversation no more.
    #[serde(default)]
    pub links: u32,
    /// The beginning of the hour in which the last one came, and how many came in it; at most `REPLIES_AN_HOUR_MAX`.
    pub hour: Millis,
    pub in_hour: u32,
    /// The `Message-ID` of the last one, which the next letter answers: at most `MESSAGE_ID_BYTES_MAX`; empty: it had none.
    pub last: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConversationState {
    Open,
    /// Open again then, or when the customer says something.
    Snoozed(Millis),
    Closed(Who),
}

/// Whether what was said first is meant for the site at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Ham,
    /// The filter took it for spam; people have not looked yet.
    Held,
    Spam,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Customer,
    Agent,
}

/// What the customer thought of it, once it was closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rating {
    /// 1 to `SCORE_MAX`.
    pub score: u8,
    /// At most `RATING_BYTES_MAX`.
    pub words: String,
}

/// An agent asks whether what was said may be read in a public room, so that others find the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retelling {
    pub room: RoomId,
    /// What it is called there: at most `RETOLD_TITLE_BYTES_MAX`.
    pub title: String,
    pub by: AccountId,
    pub asked: Millis,
    pub answer: Consent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Consent {
    /// Until `RETELLING_ASKED_MAX` has passed.
    Asked,
    Refused,
    /// The agents took the question back.
    Withdrawn,
    /// It is the thread of that message of the room.
    Given(u64),
}

/// Where agents look for a conversation. Each is in one of the first five, by what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Folder {
    Open,
    Snoozed,
    Closed,
    /// Held: nobody looked yet.
    Held,
    Spam,
    /// Of those that are open: one's own, those that are nobody's, those whose customer waits, the longest waiting first.
    Mine,
    Unassigned,
    Waiting,
    /// All but spam and what is held.
    All,
}

impl Folder {
    /// As it is stored, of the first five.
    pub const fn number(self) -> i64 {
        match self {
            Folder::Open | Folder::Mine | Folder::Unassigned | Folder::Waiting | Folder::All => 0,
            Folder::Snoozed => 1,
            Folder::Closed => 2,
            Folder::Held => 3,
            Folder::Spam => 4,
        }
    }
}

impl Conversation {
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, ConversationState::Closed(_))
    }

    /// Its customer is mailed what concerns it, and heard by mail: nobody who is held, spam, blocked or revoked is.
    pub fn takes_letters(&self) -> bool {
        !matches!(self.folder(), Folder::Held | Folder::Spam) && !self.is_revoked
    }

    /// What the customer is asked to allow just now. Nobody is who is held, spam, blocked or revoked.
    pub fn asks_to_retell(&self, now: Millis) -> Option<&Retelling> {
        let asked = self.retelling.as_ref().filter(|asked| asked.answer == Consent::Asked)?;
        (self.takes_letters() && now < asked.asked.plus(RETELLING_ASKED_MAX)).then_some(asked)
    }

    pub fn folder(&self) -> Folder {
        match (self.verdict, self.blocked, self.state) {
            (Verdict::Spam, ..) | (Verdict::Ham, true, _) => Folder::Spam,
            (Verdict::Held, ..) => Folder::Held,
            (Verdict::Ham, false, ConversationState::Open) => Folder::Open,
            (Verdict::Ham, false, ConversationState::Snoozed(_)) => Folder::Snoozed,
            (Verdict::Ham, false, ConversationState::Closed(_)) => Folder::Closed,
        }
    }
}
