//! What agents answer goes to customers by mail, where they gave an address and did not read it on the page: one letter for all that was said
//! in one go, with a link by which they go on with the same conversation.

mod letter;
mod rule;
mod sender;
mod transcript;

pub use rule::Answers;
pub(crate) use rule::is_answer;
pub use sender::Answering;
pub use transcript::Transcripts;

use std::time::Duration;

use model::RoomId;
use serde::{Deserialize, Serialize};

/// What is read on the page within this is mailed to nobody; answers that follow each other faster are one letter.
pub const MAILED_AFTER: Duration = Duration::from_secs(60);

/// What a job is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct About {
    room: RoomId,
    /// Of the answer.
    number: u64,
}
