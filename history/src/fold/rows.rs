//! Hits of the tail into rows, rows of a table into lives, and lives into a table.

use std::fmt::Write;

use hashbrown::HashMap;

use super::{Life, Origin};
use crate::hit::Props;
use crate::table::{HIT_TEXTS, Hit, HitText, Kind, Table, VISIT_TEXTS, Visit, VisitText, short_id};
use crate::words::Words;
use crate::{EnrichedHit, EnrichedKind};

/// One hit as a life of its own.
pub(super) fn life_of(hit: &EnrichedHit, words: &mut Words) -> Life {
    let row = row_of(hit, words);
    let is_beat = row.kind == Kind::Presence;
    let origin = Origin { at: row.at, is_beat, kind: row.kind, id: if is_beat { 0 } else { row.id } };
    Life {
        visitor: hit.visitor,
        bot: hit.bot.is_some(),
        first: row.at,
        last: row.at,
        origin,
        texts: visit_texts(hit, words),
        hits: vec![row],
        day: None,
        changed: true,
    }
}

fn visit_texts(hit: &EnrichedHit, words: &mut Words) -> [u32; VISIT_TEXTS] {
    let mut texts = [0; VISIT_TEXTS];
    let (source, agent, place) = (&hit.source, &hit.agent, &hit.place);
    let mut put = |text: VisitText, value: &str| texts[text as usize] = words.number(value);
    put(VisitText::Channel, source.channel.name());
    put(VisitText::Source, &source.name);
    put(VisitText::Referrer, &source.referrer);
    put(VisitText::UtmSource, &source.utm_source);
    put(VisitText::UtmMedium, &source.utm_medium);
    put(VisitText::UtmCampaign, &source.utm_campaign);
    put(VisitText::UtmTerm, &source.utm_term);
    put(VisitText::UtmContent, &source.utm_content);
    put(VisitText::Country, &place.country);
    put(VisitText::Region, &place.region);
    put(VisitText::City, &place.city);
    put(VisitText::Browser, &agent.browser);
    put(VisitText::BrowserVersion, &agent.browser_version);
    put(VisitText::Os, &agent.os);
    put(VisitText::OsVersion, &agent.os_version);
    put(VisitText::Device, agent.device.name());
    put(VisitText::Language, &hit.language);
    if let Some(screen) = hit.screen {
        let mut text = String::with_capacity(11);
        let _ = write!(text, "{}x{}", screen.width, screen.height);
        put(VisitText::Screen, &text);
    }
    texts
}

fn row_of(hit: &EnrichedHit, words: &mut Words) -> Hit {
    let mut texts = [0; HIT_TEXTS];
    texts[HitText::Hostname as usize] = words.number_shared(&hit.page.hostname);
    texts[HitText::Path as usize] = words.number_shared(&hit.page.path);
    texts[HitText::Query as usize] = words.number_shared(&hit.page.query);
    texts[HitText::Bot as usize] = hit.bot.map_or(0, |bot| words.number(bot.name()));
    let mut row = Hit {
        at: hit.at.0,
        kind: Kind::Pageview,
        id: short_id(hit.id),
        texts,
        engaged_ms: 0,
        engaged_before_ms: 0,
        scroll: 0,
        alive_ms: 0,
    };
    let mut named = |name: &str, props: &Props, kind: Kind| {
        row.texts[HitText::Name as usize] = words.number(name);
        row.texts[HitText::Props as usize] = words.number(&props_text(props));
        row.kind = kind;
    };
    match &hit.kind {
        EnrichedKind::Event { name, props, .. } => named(name, props, Kind::Event),
        EnrichedKind::Identify { identity, props } => named(identity, props, Kind::Identify),
        EnrichedKind::Pageview { title, .. } => {
            row.texts[HitText::Title as usize] = words.number_shared(title);
        }
        EnrichedKind::Heartbeat { pageview, engaged_ms, scroll, .. }
        | EnrichedKind::Leave { pageview, engaged_ms, scroll } => {
            row.kind = Kind::Presence;
            row.id = short_id(*pageview);
            row.engaged_ms = *engaged_ms;
            row.scroll = *scroll;
        }
    }
    row
}

/// Props as a segment keeps them: a JSON object, keys in order; of a key that stands twice the last; empty without any.
fn props_text(props: &Props) -> String {
    if props.is_empty() {
        return String::new();
    }
    let props: std::collections::BTreeMap<&str, &str> =
        props.iter().map(|(key, value)| (&**key, &**value)).collect();
    serde_json::to_string(&props).unwrap_or_default()
}

impl Life {
    /// A visit that was folded before. Its rows carry running totals in `engaged_ms` until the fold is done.
    pub(super) fn of_visit(table: &Table, visit: &Visit, words: &[u32], day: u32) -> Life {
        let renumber = |hit: &Hit| Hit {
            texts: hit.texts.map(|text| words[text as usize]),
            engaged_ms: hit.engaged_total(),
            ..hit.clone()
        };
        let hits: Vec<Hit> = table.hits_of(visit).iter().map(renumber).collect();
        let counted = hits.iter().filter(|hit| hit.kind != Kind::Presence && hit.at == visit.first);
        let origin = counted
            .map(|hit| Origin { at: hit.at, is_beat: false, kind: hit.kind, id: hit.id })
            .min()
            .unwrap_or(Origin { at: visit.first, is_beat: true, kind: Kind::Presence, id: 0 });
        Life {
            visitor: visit.visitor,
            bot: table.is_judged_bot(visit),
            first: visit.first,
            last: table.last_of(visit),
            origin,
            texts: visit.texts.map(|text| words[text as usize]),
            hits,
            day: Some(day),
            changed: false,
        }
    }
}

/// Lives of one day, ordered by (bot, visitor, first), as a table with words of its own.
pub(super) fn table_of(lives: Vec<Life>, words: &Words) -> Table {
    let mut table = Table::default();
    let mut numbers: HashMap<u32, u32> = HashMap::new();
    for life in lives {
        let mut renumber =
            |text: u32| *numbers.entry(text).or_insert_with(|| table.words.number_shared(words.text(text)));
        let texts = life.texts.map(&mut renumber);
        let start = table.hits.len() as u32;
        let hits = life.hits.into_iter().map(|hit| Hit { texts: hit.texts.map(&mut renumber), ..hit });
        table.hits.extend(hits);
        let hits = start..table.hits.len() as u32;
        table.visits.push(Visit { visitor: life.visitor, bot: life.bot, first: life.first, texts, hits });
    }
    table
}
