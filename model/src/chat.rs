//! The nouns of chat: rooms, who is in them, messages and what becomes of them.
//! Within a room everything that happens has a number: messages count 1, 2, 3 … without a gap, and so do changes,
//! of which posting is one. A message keeps the number of the last change that touched it; whoever knows all up to a
//! change asks for what was touched behind it, and is current.

mod arrival;
mod conversation;
mod file;
mod hook;
mod message;
pub mod rights;
mod room;
mod rule;
mod who;

pub use arrival::{About, Arrival, Arrived, ArrivedBranch, ArrivedCommit, ArrivedTag, NamedCommit};
pub use conversation::{
    Consent, Conversation, ConversationState, Customer, Folder, Rating, Replies, Retelling, Side, Verdict,
};
pub use file::{File, FileType, NewFile, Picture};
pub use hook::{BotEvent, BotHook, Delivery, Hook, HookSecret, Retired, TurnedOff};
pub use message::{
    Author, Change, Closed, Decision, Fix, Message, MessageKind, NewMessage, Note, Reaction, Removal,
    Revised, Revision,
};
pub use room::{Ban, Bot, Guest, GuestLink, Member, Notify, Room, RoomKind, RoomRole, Was};
pub use rule::{Occasion, Past, Rule, Spoken, is_like};
pub use who::{TELLER, Who};
