//! Bots hear of their rooms: what is said there, where they are named, that they came into one. Signed as Standard Webhooks define,
//! <https://www.standardwebhooks.com>. What the receiver answers is posted by the bot, once however often it is asked.

mod rule;
mod sender;

pub use rule::Webhooks;
pub use sender::Deliveries;
pub(crate) use sender::{moment, signed};

use model::RoomId;
use model::chat::BotEvent;
use serde::{Deserialize, Serialize};

/// What a job is about: no more than where it is, so that what is removed meanwhile is sent to nobody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    pub event: BotEvent,
    pub room: RoomId,
    /// Of the message.
    pub number: u64,
}
