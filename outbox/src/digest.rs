//! People are mailed what they missed in rooms: one letter an hour or a day, never one a message. Only who asked for it, and nothing that they read by then
//! or may not read any more.
//!
//! A message makes the job of its window for each who wants to be told of it; of one that is there already it makes nothing. The letter of a window is the same
//! however often it is sent, and so is its `Message-ID`: sent again because whoever sent it died before that was kept, it is known as one.

pub(crate) mod letter;
mod mailer;
mod off;
mod rule;
mod sender;
mod window;

pub use mailer::Mailer;
pub(crate) use mailer::Sheet;
pub use off::Off;
pub use rule::Digests;
pub use sender::Mailing;

use model::Millis;
use model::notice::Digest;
use serde::{Deserialize, Serialize};

/// What a job is about.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct About {
    digest: Digest,
    /// Of the window.
    end: Millis,
}
