//! Hits into bytes: one pass, dictionaries filled on the way.

use model::{BotReason, Channel, Device, HitId};

use super::bytes::{put, put_signed};
use super::dictionary::Dictionary;
use super::{MARK_FLAG, MARK_SCREEN, VERSION};
use crate::hit::Props;
use crate::{EnrichedHit, EnrichedKind};

/// What a hit takes on average, dictionaries left out; a guess that only sizes the buffer.
const HIT_BYTES_GUESS: usize = 56;

/// The bytes of one site's batch, which came by `shard`.
pub fn encode<'h>(
    shard: u16,
    hits: impl IntoIterator<Item = &'h EnrichedHit, IntoIter: ExactSizeIterator>,
) -> Vec<u8> {
    let hits = hits.into_iter();
    let count = hits.len();
    let mut dictionary = Dictionary::default();
    let mut rows = Vec::with_capacity(count * HIT_BYTES_GUESS);
    let mut received = 0;
    for hit in hits {
        put_hit(&mut rows, &mut dictionary, hit, received);
        received = hit.received.0;
    }
    let mut out = Vec::with_capacity(rows.len() + dictionary.bytes() + 16);
    out.push(VERSION);
    out.extend_from_slice(&shard.to_le_bytes());
    dictionary.write(&mut out);
    put(&mut out, count as u64);
    out.extend_from_slice(&rows);
    out
}

fn put_hit(out: &mut Vec<u8>, dictionary: &mut Dictionary, hit: &EnrichedHit, received_before: i64) {
    out.extend_from_slice(&hit.id.0.to_le_bytes());
    put_signed(out, hit.received.0.wrapping_sub(received_before));
    put_signed(out, hit.received.0.wrapping_sub(hit.at.0));
    put(out, dictionary.visitor(hit.visitor));
    put(out, dictionary.page(&hit.page));
    put(out, dictionary.source(&hit.source));
    put(out, dictionary.agent(&hit.agent));
    put(out, dictionary.place(&hit.place));
    put(out, dictionary.text(&hit.language));
    out.push(marks(hit));
    if let Some(screen) = hit.screen {
        put(out, screen.width.into());
        put(out, screen.height.into());
    }
    put_kind(out, dictionary, &hit.kind);
}

fn marks(hit: &EnrichedHit) -> u8 {
    let (kind, flag) = match &hit.kind {
        EnrichedKind::Pageview { due_ms, .. } => (0, due_ms.is_some()),
        EnrichedKind::Heartbeat { active, .. } => (1, *active),
        EnrichedKind::Leave { .. } => (2, false),
        EnrichedKind::Event { pageview, .. } => (3, pageview.is_some()),
        EnrichedKind::Identify { .. } => (4, false),
    };
    let screen = if hit.screen.is_some() { MARK_SCREEN } else { 0 };
    kind | verdict_code(hit.bot) << 3 | screen | if flag { MARK_FLAG } else { 0 }
}

fn put_kind(out: &mut Vec<u8>, dictionary: &mut Dictionary, kind: &EnrichedKind) {
    match kind {
        EnrichedKind::Pageview { title, due_ms } => {
            put(out, dictionary.text(title));
            if let Some(due_ms) = due_ms {
                put(out, (*due_ms).into());
            }
        }
        EnrichedKind::Heartbeat { pageview, engaged_ms, scroll, due_ms, .. } => {
            put_reading(out, *pageview, *engaged_ms, *scroll);
            put(out, (*due_ms).into());
        }
        EnrichedKind::Leave { pageview, engaged_ms, scroll } => {
            put_reading(out, *pageview, *engaged_ms, *scroll)
        }
        EnrichedKind::Event { name, props, pageview } => {
            put(out, dictionary.text(name));
            if let Some(pageview) = pageview {
                out.extend_from_slice(&pageview.0.to_le_bytes());
            }
            put_props(out, dictionary, props);
        }
        EnrichedKind::Identify { identity, props } => {
            put(out, dictionary.text(identity));
            put_props(out, dictionary, props);
        }
    }
}

fn put_reading(out: &mut Vec<u8>, pageview: HitId, engaged_ms: u32, scroll: u8) {
    out.extend_from_slice(&pageview.0.to_le_bytes());
    put(out, engaged_ms.into());
    out.push(scroll);
}

fn put_props(out: &mut Vec<u8>, dictionary: &mut Dictionary, props: &Props) {
    put(out, props.len() as u64);
    for (key, value) in props {
        put(out, dictionary.text(key));
        put(out, dictionary.text(value));
    }
}

// The codes are the format: `decode` reads them back by the same tables.

pub const CHANNELS: [Channel; 10] = [
    Channel::Direct,
    Channel::Search,
    Channel::PaidSearch,
    Channel::Social,
    Channel::PaidSocial,
    Channel::Mail,
    Channel::Paid,
    Channel::AiAssistant,
    Channel::Referral,
    Channel::Campaign,
];
pub const DEVICES: [Device; 4] = [Device::Desktop, Device::Mobile, Device::Tablet, Device::Other];
pub const VERDICTS: [Option<BotReason>; 5] = [
    None,
    Some(BotReason::NamesItself),
    Some(BotReason::NoBrowser),
    Some(BotReason::Automated),
    Some(BotReason::ReferrerSpam),
];

pub fn channel_code(channel: Channel) -> u8 {
    code(&CHANNELS, channel)
}

pub fn device_code(device: Device) -> u8 {
    code(&DEVICES, device)
}

fn verdict_code(bot: Option<BotReason>) -> u8 {
    code(&VERDICTS, bot)
}

fn code<T: PartialEq>(table: &[T], value: T) -> u8 {
    let position = table.iter().position(|known| *known == value);
    position.expect("the table of codes lists every value") as u8
}
