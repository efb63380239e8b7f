//! Profiles as JSON says them.

use std::collections::BTreeMap;

use history::report::people::{Found, Person, Profile, Summary, TrailHit, TrailVisit, VisitTexts};
use history::table::{Kind, VisitText};
use model::Millis;
use serde::Serialize;

#[derive(Serialize)]
pub struct ListSaid {
    at: i64,
    people: Vec<PersonSaid>,
    /// On all pages.
    count: usize,
    offset: usize,
    /// The `offset` of the next page; null at the end.
    next: Option<usize>,
}

#[derive(Serialize)]
struct PersonSaid {
    identity: String,
    properties: BTreeMap<String, String>,
    #[serde(flatten)]
    summary: SummarySaid,
}

#[derive(Serialize)]
struct SummarySaid {
    first: i64,
    last: i64,
    visits: u64,
    pageviews: u64,
    events: u64,
    engaged_ms: u64,
    /// Of the first visit.
    origin: BTreeMap<&'static str, String>,
    /// Of the latest.
    latest: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
pub struct ProfileSaid {
    at: i64,
    identities: Vec<String>,
    visitors: Vec<String>,
    properties: BTreeMap<String, String>,
    #[serde(flatten)]
    summary: SummarySaid,
    trail: Vec<VisitSaid>,
    offset: usize,
    next: Option<usize>,
}

#[derive(Serialize)]
struct VisitSaid {
    visitor: String,
    bot: bool,
    first: i64,
    last: i64,
    pageviews: u64,
    events: u64,
    engaged_ms: u64,
    origin: BTreeMap<&'static str, String>,
    hits: Vec<HitSaid>,
    hits_left: usize,
}

#[derive(Serialize)]
struct HitSaid {
    at: i64,
    kind: &'static str,
    hostname: String,
    path: String,
    query: String,
    title: String,
    name: String,
    properties: BTreeMap<String, String>,
    engaged_ms: u32,
    scroll: u8,
}

impl ListSaid {
    pub fn of(at: Millis, offset: usize, found: Found) -> ListSaid {
        let next = next(offset, found.people.len(), found.count);
        let people = found.people.into_iter().map(PersonSaid::from).collect();
        ListSaid { at: at.0, people, count: found.count, offset, next }
    }
}

/// Where the page behind one begins.
pub fn next(offset: usize, shown: usize, count: usize) -> Option<usize> {
    (shown > 0 && offset + shown < count).then_some(offset + shown)
}

/// Properties of a hit; none where its text is no object.
pub fn properties(text: &str) -> BTreeMap<String, String> {
    serde_json::from_str(text).unwrap_or_default()
}

const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Pageview => "pageview",
        Kind::Event => "event",
        Kind::Identify => "identify",
        Kind::Presence => "presence",
    }
}

impl From<Person> for PersonSaid {
    fn from(person: Person) -> PersonSaid {
        PersonSaid {
            identity: person.identity.to_string(),
            properties: person.properties.0,
            summary: SummarySaid::of(&person.summary),
        }
    }
}

impl SummarySaid {
    fn of(summary: &Summary) -> SummarySaid {
        SummarySaid {
            first: summary.first,
            last: summary.last,
            visits: summary.visits,
            pageviews: summary.pageviews,
            events: summary.events,
            engaged_ms: summary.engaged_ms,
            origin: texts(&summary.origin),
            latest: texts(&summary.latest),
        }
    }
}

fn texts(texts: &VisitTexts) -> BTreeMap<&'static str, String> {
    VisitText::ALL.iter().map(|&text| (text.column(), texts.text(text).to_string())).collect()
}

impl ProfileSaid {
    pub fn of(at: Millis, offset: usize, profile: Profile) -> ProfileSaid {
        ProfileSaid {
            at: at.0,
            identities: profile.identities.iter().map(|identity| identity.to_string()).collect(),
            visitors: profile.visitors.iter().map(|visitor| visitor.to_string()).collect(),
            properties: profile.properties.0,
            next: next(offset, profile.visits.len(), profile.summary.visits as usize),
            summary: SummarySaid::of(&profile.summary),
            trail: profile.visits.into_iter().map(VisitSaid::from).collect(),
            offset,
        }
    }
}

impl From<TrailVisit> for VisitSaid {
    fn from(visit: TrailVisit) -> VisitSaid {
        VisitSaid {
            visitor: visit.visitor.to_string(),
            bot: visit.is_bot,
            first: visit.first,
            last: visit.last,
            pageviews: visit.pageviews,
            events: visit.events,
            engaged_ms: visit.engaged_ms,
            origin: texts(&visit.texts),
            hits: visit.hits.into_iter().map(HitSaid::from).collect(),
            hits_left: visit.hits_left,
        }
    }
}

impl From<TrailHit> for HitSaid {
    fn from(hit: TrailHit) -> HitSaid {
        HitSaid {
            at: hit.at,
            kind: kind_name(hit.kind),
            hostname: hit.hostname.to_string(),
            path: hit.path.to_string(),
            query: hit.query.to_string(),
            title: hit.title.to_string(),
            name: hit.name.to_string(),
            properties: properties(&hit.props),
            engaged_ms: hit.engaged_ms,
            scroll: hit.scroll,
        }
    }
}
