//! What the tag sends, as the collector accepted it and the bus carries it.
//! An [`Arrival`] is one sender's hits of one request; a bus message is arrivals, one after another.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{BrowserId, HitId, Millis, SiteId, VisitorId};

/// The hits of one request that share a sender. No address: it never left the collector's memory.
/// Texts are borrowed: on the way in from the request's body, on the way out from the message's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arrival<'a> {
    pub site: SiteId,
    pub received: Millis,
    pub visitor: VisitorId,
    /// The same sender under the salt of the day before, so that a visit may cross the change.
    /// None where the id does not change by day (a first-party id).
    pub visitor_before: Option<VisitorId>,
    pub browser: BrowserId,
    /// The User-Agent header, cut to `AGENT_BYTES_MAX`.
    #[serde(borrow)]
    pub agent: Cow<'a, str>,
    /// The first language of Accept-Language, lower case, region kept (`pt-br`); empty: unknown.
    #[serde(borrow)]
    pub language: Cow<'a, str>,
    pub screen: Option<Screen>,
    pub place: Place,
    #[serde(borrow)]
    pub hits: Vec<Hit<'a>>,
}

/// One hit: sent once or many times, counted once by its id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit<'a> {
    pub id: HitId,
    /// When it happened, by the server's clock: the sender's clock error is taken out on arrival.
    pub at: Millis,
    /// The page's full address (scheme, host, path, query), at most `URL_BYTES_MAX`.
    /// Every kind carries it, so that presence can be rebuilt from any hit.
    #[serde(borrow)]
    pub url: Cow<'a, str>,
    #[serde(borrow)]
    pub kind: HitKind<'a>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum HitKind<'a> {
    Pageview {
        #[serde(borrow)]
        referrer: Cow<'a, str>,
        #[serde(borrow)]
        title: Cow<'a, str>,
        /// When the next sign of life is due, in milliseconds; None: this sender never beats.
        due_ms: Option<u32>,
    },
    Heartbeat {
        /// The pageview it belongs to, by hit id.
        pageview: HitId,
        /// Engaged time since the pageview began, in milliseconds: a running total, never a difference.
        engaged_ms: u32,
        /// Deepest point shown so far, percent of the page's height, 0–100.
        scroll: u8,
        /// Visible, focused, and input within the last 15 s.
        active: bool,
        due_ms: u32,
    },
    Leave {
        pageview: HitId,
        engaged_ms: u32,
        scroll: u8,
    },
    Event {
        #[serde(borrow)]
        name: Cow<'a, str>,
        props: Vec<(String, String)>,
        /// The pageview it happened on, where the sender knows.
        pageview: Option<HitId>,
    },
    Identify {
        /// The site's own name for this visitor.
        #[serde(borrow)]
        identity: Cow<'a, str>,
        props: Vec<(String, String)>,
    },
}

/// Screen size in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Screen {
    pub width: u16,
    pub height: u16,
}

/// Where an address is, as far as the geographic file tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// ISO 3166-1 alpha-2, upper case; empty: unknown.
    pub country: String,
    pub region: String,
    pub city: String,
}

/// The first byte of every bus message; a consumer refuses one it does not know.
const MESSAGE_VERSION: u8 = 1;

/// A bus message that cannot be read; it goes to the dead letters with this reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadMessage {
    #[error("the message is empty")]
    Empty,
    #[error("message version {0} is not known to this program")]
    Version(u8),
    #[error("the message does not decode")]
    Malformed,
}

/// Starts a bus message body: write arrivals behind it with [`append_arrival`].
pub fn begin_message(body: &mut Vec<u8>) {
    body.clear();
    body.push(MESSAGE_VERSION);
}

/// Appends one arrival to a message body.
pub fn append_arrival(body: &mut Vec<u8>, arrival: &Arrival<'_>) {
    let written = postcard::to_extend(arrival, std::mem::take(body));
    *body = written.expect("an arrival always encodes into memory");
}

/// Reads every arrival of a message body, in order.
pub fn read_message(body: &[u8]) -> Result<Vec<Arrival<'_>>, BadMessage> {
    let Some((&version, mut rest)) = body.split_first() else {
        return Err(BadMessage::Empty);
    };
    if version != MESSAGE_VERSION {
        return Err(BadMessage::Version(version));
    }
    let mut arrivals = Vec::new();
    while !rest.is_empty() {
        let (arrival, after) = postcard::take_from_bytes(rest).map_err(|_| BadMessage::Malformed)?;
        arrivals.push(arrival);
        rest = after;
    }
    Ok(arrivals)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrival(url: &str) -> Arrival<'_> {
        Arrival {
            site: SiteId::of(7),
            received: Millis(1_000),
            visitor: VisitorId(1),
            visitor_before: Some(VisitorId(2)),
            browser: BrowserId(3),
            agent: "agent".into(),
            language: "en".into(),
            screen: Some(Screen { width: 1440, height: 900 }),
            place: Place { country: "FR".into(), ..Place::default() },
            hits: vec![Hit {
                id: HitId(9),
                at: Millis(900),
                url: url.into(),
                kind: HitKind::Pageview { referrer: "".into(), title: "t".into(), due_ms: Some(15_000) },
            }],
        }
    }

    #[test]
    fn a_message_reads_back_what_was_appended() {
        let (first, second) = (arrival("https://a.example/"), arrival("https://a.example/b"));
        let mut body = Vec::new();
        begin_message(&mut body);
        append_arrival(&mut body, &first);
        append_arrival(&mut body, &second);
        let read = read_message(&body).unwrap();
        assert!(matches!(read[0].hits[0].url, Cow::Borrowed(_)) && matches!(read[0].agent, Cow::Borrowed(_)));
        assert_eq!(read, vec![first, second]);
    }

    #[test]
    fn a_message_that_is_not_ours_is_named_bad() {
        assert_eq!(read_message(&[]), Err(BadMessage::Empty));
        assert_eq!(read_message(&[9, 1]), Err(BadMessage::Version(9)));
        assert_eq!(read_message(&[1, 255, 255, 255]), Err(BadMessage::Malformed));
    }
}
