//! Bytes into hits. Any bytes: it never panics, and allocates no more than a small multiple of its input.

use std::sync::Arc;

use model::{Agent, HitId, Millis, Place, Screen, Source, VisitorId};

use super::bytes::Bytes;
use super::encode::{CHANNELS, DEVICES, VERDICTS};
use super::{BadTail, MARK_FLAG, MARK_SCREEN, Tail, VERSION};
use crate::hit::Props;
use crate::{EnrichedHit, EnrichedKind, Page};

/// The least bytes a hit takes: what its count is checked against.
const HIT_BYTES_MIN: usize = 26;

/// Reads a whole batch.
pub fn decode(body: &[u8]) -> Result<Tail, BadTail> {
    let mut bytes = Bytes(body);
    let shard = header(&mut bytes)?;
    let dictionary = Dictionary::read(&mut bytes)?;
    let mut received = 0;
    let hits = list(&mut bytes, HIT_BYTES_MIN, |bytes| {
        let hit = hit(bytes, &dictionary, received)?;
        received = hit.received.0;
        Ok(hit)
    })?;
    if !bytes.0.is_empty() {
        return Err(BadTail::Malformed("something follows the last hit"));
    }
    Ok(Tail { shard, hits })
}

/// The shard that a batch came by, without reading the rest of it.
pub fn shard_of(body: &[u8]) -> Result<u16, BadTail> {
    header(&mut Bytes(body))
}

fn header(bytes: &mut Bytes<'_>) -> Result<u16, BadTail> {
    match bytes.byte()? {
        VERSION => Ok(u16::from_le_bytes(bytes.fixed()?)),
        other => Err(BadTail::Version(other)),
    }
}

fn list<'b, T>(
    bytes: &mut Bytes<'b>,
    bytes_min: usize,
    mut read: impl FnMut(&mut Bytes<'b>) -> Result<T, BadTail>,
) -> Result<Vec<T>, BadTail> {
    let count = bytes.count(bytes_min)?;
    let mut items = Vec::with_capacity(count);
    for _ in 0..count {
        items.push(read(bytes)?);
    }
    Ok(items)
}

struct Dictionary {
    strings: Vec<Arc<str>>,
    pages: Vec<Arc<Page>>,
    sources: Vec<Arc<Source>>,
    agents: Vec<Arc<Agent>>,
    places: Vec<Arc<Place>>,
    visitors: Vec<VisitorId>,
}

impl Dictionary {
    fn read(bytes: &mut Bytes<'_>) -> Result<Dictionary, BadTail> {
        let strings = list(bytes, 1, string)?;
        let texts = &strings;
        Ok(Dictionary {
            pages: list(bytes, 3, |bytes| page(bytes, texts))?,
            sources: list(bytes, 8, |bytes| source(bytes, texts))?,
            agents: list(bytes, 5, |bytes| agent(bytes, texts))?,
            places: list(bytes, 3, |bytes| place(bytes, texts))?,
            visitors: list(bytes, 8, |bytes| Ok(VisitorId(u64::from_le_bytes(bytes.fixed()?))))?,
            strings,
        })
    }
}

fn string(bytes: &mut Bytes<'_>) -> Result<Arc<str>, BadTail> {
    let length = bytes.count(1)?;
    let text = std::str::from_utf8(bytes.take(length)?);
    text.map(Arc::from).map_err(|_| BadTail::Malformed("a string is not UTF-8"))
}

/// One of a dictionary's entries, by the index that comes next.
fn one<T: Clone>(bytes: &mut Bytes<'_>, entries: &[T]) -> Result<T, BadTail> {
    let index = usize::try_from(bytes.number()?).unwrap_or(usize::MAX);
    entries.get(index).cloned().ok_or(BadTail::Malformed("an index has no entry"))
}

/// One of a table's values, by the code that comes next.
fn coded<T: Copy>(code: u8, table: &[T]) -> Result<T, BadTail> {
    table.get(usize::from(code)).copied().ok_or(BadTail::Malformed("a code has no meaning"))
}

fn page(bytes: &mut Bytes<'_>, texts: &[Arc<str>]) -> Result<Arc<Page>, BadTail> {
    Ok(Arc::new(Page { hostname: one(bytes, texts)?, path: one(bytes, texts)?, query: one(bytes, texts)? }))
}

fn source(bytes: &mut Bytes<'_>, texts: &[Arc<str>]) -> Result<Arc<Source>, BadTail> {
    Ok(Arc::new(Source {
        channel: coded(bytes.byte()?, &CHANNELS)?,
        name: one(bytes, texts)?,
        referrer: one(bytes, texts)?,
        utm_source: one(bytes, texts)?,
        utm_medium: one(bytes, texts)?,
        utm_campaign: one(bytes, texts)?,
        utm_term: one(bytes, texts)?,
        utm_content: one(bytes, texts)?,
    }))
}

fn agent(bytes: &mut Bytes<'_>, texts: &[Arc<str>]) -> Result<Arc<Agent>, BadTail> {
    Ok(Arc::new(Agent {
        device: coded(bytes.byte()?, &DEVICES)?,
        browser: one(bytes, texts)?,
        browser_version: one(bytes, texts)?,
        os: one(bytes, texts)?,
        os_version: one(bytes, texts)?,
    }))
}

fn place(bytes: &mut Bytes<'_>, texts: &[Arc<str>]) -> Result<Arc<Place>, BadTail> {
    let mut text = || one(bytes, texts).map(|text| String::from(&*text));
    Ok(Arc::new(Place { country: text()?, region: text()?, city: text()? }))
}

fn hit(bytes: &mut Bytes<'_>, dictionary: &Dictionary, received_before: i64) -> Result<EnrichedHit, BadTail> {
    let id = hit_id(bytes)?;
    let received = received_before.wrapping_add(bytes.signed()?);
    let at = received.wrapping_sub(bytes.signed()?);
    let visitor = one(bytes, &dictionary.visitors)?;
    let page = one(bytes, &dictionary.pages)?;
    let source = one(bytes, &dictionary.sources)?;
    let agent = one(bytes, &dictionary.agents)?;
    let place = one(bytes, &dictionary.places)?;
    let language = one(bytes, &dictionary.strings)?;
    let marks = bytes.byte()?;
    let screen = (marks & MARK_SCREEN != 0).then(|| screen(bytes)).transpose()?;
    Ok(EnrichedHit {
        id,
        at: Millis(at),
        received: Millis(received),
        visitor,
        page,
        source,
        agent,
        place,
        language,
        screen,
        bot: coded(marks >> 3 & 7, &VERDICTS)?,
        kind: kind(bytes, marks, &dictionary.strings)?,
    })
}

fn hit_id(bytes: &mut Bytes<'_>) -> Result<HitId, BadTail> {
    Ok(HitId(u128::from_le_bytes(bytes.fixed()?)))
}

fn screen(bytes: &mut Bytes<'_>) -> Result<Screen, BadTail> {
    let mut side = || u16::try_from(bytes.number()?).map_err(|_| BadTail::Malformed("a screen is too large"));
    Ok(Screen { width: side()?, height: side()? })
}

fn kind(bytes: &mut Bytes<'_>, marks: u8, texts: &[Arc<str>]) -> Result<EnrichedKind, BadTail> {
    let flag = marks & MARK_FLAG != 0;
    match marks & 7 {
        0 => Ok(EnrichedKind::Pageview {
            title: one(bytes, texts)?,
            due_ms: flag.then(|| bytes.small()).transpose()?,
        }),
        1 => Ok(EnrichedKind::Heartbeat {
            pageview: hit_id(bytes)?,
            engaged_ms: bytes.small()?,
            scroll: bytes.byte()?,
            active: flag,
            due_ms: bytes.small()?,
        }),
        2 => Ok(EnrichedKind::Leave {
            pageview: hit_id(bytes)?,
            engaged_ms: bytes.small()?,
            scroll: bytes.byte()?,
        }),
        3 => Ok(EnrichedKind::Event {
            name: one(bytes, texts)?,
            pageview: flag.then(|| hit_id(bytes)).transpose()?,
            props: props(bytes, texts)?,
        }),
        4 => Ok(EnrichedKind::Identify { identity: one(bytes, texts)?, props: props(bytes, texts)? }),
        _ => Err(BadTail::Malformed("a kind has no meaning")),
    }
}

fn props(bytes: &mut Bytes<'_>, texts: &[Arc<str>]) -> Result<Props, BadTail> {
    list(bytes, 2, |bytes| Ok((one(bytes, texts)?, one(bytes, texts)?)))
}
