//! Letters that customers answer: read, without what they quote, and said where they belong. They come by a webhook or are asked of a mailbox.
//! Never decides a right (`chat` does), never believes who a letter says it is from, never logs an address or a word of one.
//!
//! | module | what |
//! |---|---|
//! | `letter` | the bytes of a letter: whom it is for, what it says, why it is not for us |
//! | `refusals` | letters that machines wrote |
//! | `written` | what somebody wrote, without quotes and signatures |
//! | `hypertext` | letters without a plain text |
//! | `hearing` | letters become messages, each once |
//! | `mailbox` | a mailbox that one process of a cluster looks after |

mod hearing;
mod hypertext;
pub mod letter;
pub mod mailbox;
mod refusals;
pub mod written;

pub use hearing::{Became, Hearing, heard_of};
pub use letter::{Letter, NotForUs};
pub use mailbox::Mailbox;

/// Bytes of one letter; of a longer one the beginning is heard.
pub const LETTER_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How much of a longer letter is heard: its words, not its files.
pub const BEGINNING_BYTES: usize = 256 * 1024;
/// Bytes of the head of a letter, and parts that it says, or turns out, to be made of.
pub const HEAD_BYTES_MAX: usize = 128 * 1024;
pub const PARTS_MAX: usize = 1_000;
