//! One hit with its visit's fields, as exports write it and an import reads it back: `docs/export.md`.

use std::sync::Arc;

use history::hit::Props;
use history::table::{Hit, HitText, Table, Visit, VisitText, hit_id_of};
use history::{EnrichedHit, EnrichedKind, Page};
use jiff::Timestamp;
use model::limits::VISIT_GAP_MAX;
use model::{Agent, BotReason, Device, HitId, Millis, Place, Screen, Source, VisitorId};
use serde_json::{Map, Value};

/// Columns beside the texts, before them.
const NUMBERS: [&str; 10] =
    ["day", "visit", "visitor", "kind", "at", "id", "engaged_ms", "engaged_before_ms", "scroll", "alive_ms"];
const KINDS: [&str; 4] = ["pageview", "event", "identify", "presence"];
/// Signs of life that stand for a row's own: close enough that its visit stays one.
const BEAT_EVERY_MS: i64 = VISIT_GAP_MAX.as_millis() as i64 * 4 / 5;
/// Key of the hash that names such a sign.
const BEAT_CONTEXT: &str = "watchfire 2026-11 sign of life of an exported hit";

/// A row where it stands in a day's table.
pub struct Row<'t> {
    pub day: &'t str,
    pub table: &'t Table,
    /// Its place in the day.
    pub visit_number: usize,
    pub visit: &'t Visit,
    pub hit: &'t Hit,
}

/// The columns of a CSV export, in order; in JSON the keys.
pub fn columns() -> Vec<&'static str> {
    let hit = HitText::ALL.iter().map(|text| text.column());
    let visit = VisitText::ALL.iter().map(|text| text.column());
    NUMBERS.into_iter().chain(hit).chain(visit).collect()
}

/// Every row of a day.
pub fn rows<'t>(day: &'t str, table: &'t Table) -> impl Iterator<Item = Row<'t>> {
    let visits = table.visits.iter().enumerate();
    visits.flat_map(move |(visit_number, visit)| {
        let hits = table.hits_of(visit).iter();
        hits.map(move |hit| Row { day, table, visit_number, visit, hit })
    })
}

impl Row<'_> {
    /// Of each column its text.
    pub fn cells(&self) -> Vec<String> {
        let hit = self.hit;
        let at = Timestamp::from_millisecond(hit.at).unwrap_or_default();
        let numbers = [
            self.day.to_owned(),
            self.visit_number.to_string(),
            self.visit.visitor.to_string(),
            KINDS[hit.kind as usize].to_owned(),
            format!("{at:.3}"),
            format!("{:016x}", hit.id),
            hit.engaged_ms.to_string(),
            hit.engaged_before_ms.to_string(),
            hit.scroll.to_string(),
            hit.alive_ms.to_string(),
        ];
        let word = |number: u32| self.table.words.text(number).to_string();
        let texts = HitText::ALL.iter().map(|text| word(hit.texts[*text as usize]));
        let of_visit = VisitText::ALL.iter().map(|text| word(self.visit.texts[*text as usize]));
        numbers.into_iter().chain(texts).chain(of_visit).collect()
    }

    /// As a JSON object; empty texts and zeros are left out.
    pub fn json(&self) -> Value {
        let mut object = Map::new();
        for (name, cell) in columns().into_iter().zip(self.cells()) {
            let value = match name {
                "props" => serde_json::from_str(&cell).unwrap_or(Value::Null),
                "visit" | "engaged_ms" | "engaged_before_ms" | "scroll" | "alive_ms" => {
                    cell.parse::<u32>().unwrap_or_default().into()
                }
                _ => Value::String(cell),
            };
            let says_nothing = value.is_null() || value == "" || (value == 0 && name != "visit");
            if !says_nothing {
                object.insert(name.to_owned(), value);
            }
        }
        Value::Object(object)
    }
}

/// The hits that fold into the row that this JSON says. None: it says none.
pub fn hits_of(text: &str) -> Option<Vec<EnrichedHit>> {
    let object: Map<String, Value> = serde_json::from_str(text).ok()?;
    let fields = Fields(&object);
    let at = fields.text("at")?.parse::<Timestamp>().ok()?.as_millisecond();
    let short = u64::from_str_radix(fields.text("id").filter(|id| id.len() == 16)?, 16).ok()?;
    let kind = KINDS.iter().position(|kind| Some(*kind) == fields.text("kind"))?;
    let alive_ms = fields.number("alive_ms", u32::MAX)?;
    let id = hit_id_of(short);
    let engaged_ms = fields.number("engaged_ms", u32::MAX)?;
    let engaged_ms = engaged_ms.checked_add(fields.number("engaged_before_ms", u32::MAX)?)?;
    let scroll = fields.number("scroll", 100)? as u8;
    let shared = fields.shared(at)?;
    let mut hits = Vec::new();
    if let Some(kind) = fields.counted(kind)? {
        hits.push(EnrichedHit { id, kind, ..shared.clone() });
    }
    // The last sign has all; those before only keep the visit one.
    let says_more = alive_ms > 0 || engaged_ms > 0 || scroll > 0 || hits.is_empty();
    let steps = if says_more { i64::from(alive_ms) / BEAT_EVERY_MS + 1 } else { 0 };
    let start = if hits.is_empty() && alive_ms > 0 { 0 } else { 1 };
    for step in start..=steps {
        let at = at + i64::from(alive_ms) * step / steps;
        let kind = EnrichedKind::Leave { pageview: id, engaged_ms, scroll };
        hits.push(EnrichedHit {
            id: beat_id(short, at),
            at: Millis(at),
            received: Millis(at),
            kind,
            ..shared.clone()
        });
    }
    Some(hits)
}

fn beat_id(short: u64, at: i64) -> HitId {
    let mut hasher = blake3::Hasher::new_derive_key(BEAT_CONTEXT);
    hasher.update(&short.to_le_bytes()).update(&at.to_le_bytes());
    let mut bits = [0; 16];
    bits.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    HitId(u128::from_le_bytes(bits))
}

struct Fields<'v>(&'v Map<String, Value>);

impl Fields<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    fn shared_text(&self, name: &str) -> Arc<str> {
        Arc::from(self.text(name).unwrap_or_default())
    }

    /// 0 where it is left out; None past its maximum.
    fn number(&self, name: &str, max: u32) -> Option<u32> {
        match self.0.get(name) {
            None => Some(0),
            Some(value) => {
                value.as_u64().and_then(|value| u32::try_from(value).ok()).filter(|value| *value <= max)
            }
        }
    }

    /// None: presence, which counts nothing.
    fn counted(&self, kind: usize) -> Option<Option<EnrichedKind>> {
        Some(match kind {
            0 => Some(EnrichedKind::Pageview { title: self.shared_text("title"), due_ms: None }),
            1 => Some(EnrichedKind::Event {
                name: self.shared_text("name"),
                props: self.props()?,
                pageview: None,
            }),
            2 => Some(EnrichedKind::Identify { identity: self.shared_text("name"), props: self.props()? }),
            _ => None,
        })
    }

    fn props(&self) -> Option<Props> {
        let Some(props) = self.0.get("props") else {
            return Some(Props::new());
        };
        let props = props.as_object()?.iter();
        props.map(|(key, value)| Some((Arc::from(key.as_str()), Arc::from(value.as_str()?)))).collect()
    }

    /// What all hits of the row have in common.
    fn shared(&self, at: i64) -> Option<EnrichedHit> {
        let text = |name: &str| self.shared_text(name);
        let owned = |name: &str| self.text(name).unwrap_or_default().to_owned();
        Some(EnrichedHit {
            id: HitId::default(),
            at: Millis(at),
            received: Millis(at),
            visitor: self.text("visitor")?.parse::<VisitorId>().ok()?,
            page: Arc::new(Page { hostname: text("hostname"), path: text("path"), query: text("query") }),
            source: Arc::new(Source {
                channel: named(self.text("channel")?)?,
                name: text("source"),
                referrer: text("referrer"),
                utm_source: text("utm_source"),
                utm_medium: text("utm_medium"),
                utm_campaign: text("utm_campaign"),
                utm_term: text("utm_term"),
                utm_content: text("utm_content"),
            }),
            agent: Arc::new(Agent {
                browser: text("browser"),
                browser_version: text("browser_version"),
                os: text("os"),
                os_version: text("os_version"),
                device: named::<Device>(self.text("device")?)?,
            }),
            place: Arc::new(Place {
                country: owned("country"),
                region: owned("region"),
                city: owned("city"),
            }),
            language: text("language"),
            screen: self.text("screen").map(screen).unwrap_or(Some(None))?,
            bot: self.text("bot").map(named::<BotReason>).map_or(Some(None), |bot| bot.map(Some))?,
            kind: EnrichedKind::Pageview { title: Arc::from(""), due_ms: None },
        })
    }
}

/// A value by its written form, which is serde's.
fn named<T: serde::de::DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(Value::String(name.to_owned())).ok()
}

fn screen(text: &str) -> Option<Option<Screen>> {
    let (width, height) = text.split_once('x')?;
    Some(Some(Screen { width: width.parse().ok()?, height: height.parse().ok()? }))
}

#[cfg(test)]
mod tests;
