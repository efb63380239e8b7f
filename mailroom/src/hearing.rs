//! Letters become what customers say in their conversations, each once, or nothing: whoever sent one is not told which.

use std::sync::Arc;

use bytes::Bytes;
use chat::{Chat, Refused, Replied};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::letter::{Letter, NotForUs};
use crate::{BEGINNING_BYTES, LETTER_BYTES_MAX};

/// Letters that are read at once, in one process.
const AT_ONCE_MAX: usize = 2;

/// Hears letters. Cheap to clone.
#[derive(Clone)]
pub struct Hearing {
    chat: Chat,
    letter: Letter,
    turns: Arc<Semaphore>,
}

/// What became of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    Said,
    Again,
    /// Nothing, and never will.
    Nothing(&'static str),
}

impl Became {
    /// For programs, and for what is counted.
    pub fn name(self) -> &'static str {
        match self {
            Became::Said => "said",
            Became::Again => "again",
            Became::Nothing(why) => why,
        }
    }
}

impl Hearing {
    pub fn new(chat: Chat, letter: Letter) -> Hearing {
        Hearing { chat, letter, turns: Arc::new(Semaphore::new(AT_ONCE_MAX)) }
    }

    /// Returns when it is said and kept. Err: it is to come again later. `bytes`: how many it has, where this is its beginning.
    pub async fn hear(&self, raw: Bytes, bytes: usize) -> anyhow::Result<Became> {
        let _turn = self.turns.acquire().await?;
        let became = self.became(raw, bytes).await?;
        metrics::counter!("watchfire_letters_total", "became" => became.name()).increment(1);
        tracing::info!(bytes, became = became.name(), "a letter was heard");
        Ok(became)
    }

    async fn became(&self, raw: Bytes, bytes: usize) -> anyhow::Result<Became> {
        let torn = (bytes > raw.len()).then_some(bytes);
        let letter = self.letter.clone();
        let reply = match spawn_blocking(move || letter.read(&raw, torn)).await? {
            Ok(reply) => reply,
            Err(not_for_us) => return Ok(Became::Nothing(named(not_for_us))),
        };
        match self.chat.hear_reply(reply).await {
            Ok(Replied::Said) => Ok(Became::Said),
            Ok(Replied::Again) => Ok(Became::Again),
            Ok(Replied::Nobodys) => Ok(Became::Nothing("nobodys")),
            Ok(Replied::TooMany) => Ok(Became::Nothing("too_many")),
            Err(Refused::Unavailable(cause)) => Err(cause),
            Err(refused) => {
                tracing::warn!(code = refused.code(), "a letter was refused");
                Ok(Became::Nothing("refused"))
            }
        }
    }
}

/// How much of a letter of so many bytes is heard.
pub fn heard_of(bytes: usize) -> usize {
    if bytes > LETTER_BYTES_MAX { BEGINNING_BYTES } else { bytes }
}

fn named(not_for_us: NotForUs) -> &'static str {
    match not_for_us {
        NotForUs::Unreadable => "unreadable",
        NotForUs::Head => "head",
        NotForUs::Parts => "parts",
        NotForUs::Machine => "machine",
        NotForUs::Own => "own",
        NotForUs::Nobodys => "nobodys",
        NotForUs::Empty => "empty",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_is_too_long_the_beginning_is_heard() {
        assert_eq!(heard_of(LETTER_BYTES_MAX), LETTER_BYTES_MAX);
        assert_eq!(heard_of(LETTER_BYTES_MAX + 1), BEGINNING_BYTES);
        assert_eq!(heard_of(0), 0);
    }
}
