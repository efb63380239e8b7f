//! Rooms and what is said in them. What decides nothing but what is stored: who may, and what a text looks like, is for
//! callers. A room's changes happen one after the other: whoever saw one has seen all before it.

pub mod bot_hooks;
pub mod carrying;
pub mod change;
pub mod conversations;
pub mod duty;
pub mod files;
pub mod hooks;
pub mod messages;
pub mod retelling;
pub mod rooms;
pub mod rules;
pub mod words;

pub use bot_hooks::BotHooks;
pub use carrying::Carrying;
pub use conversations::{
    Asked, ConversationChange, Conversations, Counts, Figured, Lesson, NewConversation, call_in,
};
pub use files::{Expected, Files};
pub use hooks::{CommitMark, HookChange, Hooks, Shown};
pub use messages::{Messages, Place, Posted, Search};
pub use retelling::Telling;
pub use rooms::{Entry, RoomChange, Rooms, mark_of};
pub use rules::{Answered, RuleMark, Rules, Saying, rule_mark};
