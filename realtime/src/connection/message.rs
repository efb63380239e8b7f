//! What a client may say, read from JSON.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A message as the client wrote it: exactly one of three.
pub enum Message<'t> {
    Subscribe { topic: Cow<'t, str>, filter: Option<&'t RawValue>, number: u16 },
    Unsubscribe(u16),
    Pong(u64),
}

impl Message<'_> {
    /// None: not in the protocol. A topic and a filter are read later, since they are refused, not closed for.
    pub fn read(text: &str) -> Option<Message<'_>> {
        #[derive(Deserialize)]
        struct Written<'t> {
            #[serde(borrow)]
            subscribe: Option<Cow<'t, str>>,
            #[serde(borrow)]
            filter: Option<&'t RawValue>,
            #[serde(rename = "as")]
            number: Option<u16>,
            unsubscribe: Option<u16>,
            pong: Option<u64>,
        }
        let written: Written<'_> = serde_json::from_str(text).ok()?;
        match (written.subscribe, written.unsubscribe, written.pong) {
            (Some(topic), None, None) => {
                Some(Message::Subscribe { topic, filter: written.filter, number: written.number? })
            }
            (None, Some(number), None) => Some(Message::Unsubscribe(number)),
            (None, None, Some(number)) => Some(Message::Pong(number)),
            _ => None,
        }
    }
}
