//! Access logs into hits: a request that showed a page becomes a pageview, judged and placed as if it came by the door.
//!
//! A hit's id is made of what the line says, the address left out, and of how many equal lines stood before it in the
//! file. So the same line, read again, is the same hit, and from an id nobody can try out addresses.
//! A visitor is a keyed hash of site, address and agent; its salt serves all imports of the site and is destroyed
//! when none was run for `SALT_KEPT`.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use collector::geo::Places;
use collector::ignored::Ignored;
use history::EnrichedHit;
use model::{Arrival, BrowserId, Hit, HitId, HitKind, Millis, Place, Site, SiteId, VisitorId, limits};
use parking_lot::Mutex;
use processor::pipeline::{Known, Pipeline};
use store::Salts;
use store::salts::Salt;

use super::batches::first_128_bits;
use super::ordinals::Ordinals;
use crate::access_log::Line;

/// How long after an import its visitors are known again by the next one.
const SALT_KEPT: Duration = Duration::from_secs(30 * 86_400);
/// Key of the hash of a line. No secret, and no address goes in.
const LINE_CONTEXT: &str = "watchfire 2026-11 hit of an access log";

/// The salt of a site's imports.
pub async fn salt(salts: &dyn Salts, site: SiteId, now: Millis) -> store::Result<Salt> {
    salts.salt(&format!("import {site}"), now.plus(SALT_KEPT)).await
}

/// What a line came to.
#[derive(Debug, PartialEq)]
pub enum Read {
    Hit(Box<EnrichedHit>),
    /// No page that was shown: another method, a failure, a file.
    NoPage,
    /// The site ignores this address or path.
    Ignored,
    /// A hostname that the site does not list.
    Elsewhere,
    /// A moment that lies ahead, or before 1970.
    Misdated,
}

/// What all files of an import share.
pub struct Rules {
    pub site: Site,
    /// Of pages whose line does not say it.
    pub hostname: String,
    pub salt: Salt,
    pub places: Places,
    pub ignored: Ignored,
    pub now: Millis,
}

/// One file under way. Nothing is carried from file to file: whatever else is imported with it, its hits are the same.
pub struct LogFile<'r> {
    rules: &'r Rules,
    known: Arc<Mutex<Known>>,
    pipeline: Pipeline,
    ordinals: Ordinals,
    latest: Millis,
}

impl<'r> LogFile<'r> {
    pub fn new(rules: &'r Rules) -> LogFile<'r> {
        let known = Arc::new(Mutex::new(Known::default()));
        let pipeline = Pipeline::new(known.clone());
        LogFile { rules, known, pipeline, ordinals: Ordinals::default(), latest: Millis(0) }
    }

    pub fn read(&mut self, line: Line) -> Read {
        if !line.is_pageview() {
            return Read::NoPage;
        }
        if line.at.0 < 0 || line.at > self.rules.now {
            return Read::Misdated;
        }
        // Before anything is left out, so that a change of the site's settings changes no id.
        let content = content(&line);
        let ordinal = self.ordinals.next(line.at, content);
        let host = if line.host.is_empty() { &self.rules.hostname } else { &line.host };
        if !line.host.is_empty() && !self.rules.site.takes_hostname(host) {
            return Read::Elsewhere;
        }
        let path = path_of(&line.target);
        let address = line.address.parse::<IpAddr>().ok();
        let ignored = &self.rules.ignored;
        let by_address = address.and_then(|address| ignored.address(address));
        if by_address.or_else(|| ignored.path(path.split('?').next().unwrap_or(path))).is_some() {
            return Read::Ignored;
        }
        let url = format!("http://{host}{path}");
        let hit = Hit {
            id: hit_id(content, ordinal),
            at: line.at,
            url: Cow::Borrowed(cut(&url, limits::URL_BYTES_MAX)),
            kind: HitKind::Pageview {
                referrer: Cow::Borrowed(cut(&line.referrer, limits::REFERRER_BYTES_MAX)),
                title: Cow::Borrowed(""),
                due_ms: None,
            },
        };
        match self.enrich(&line, address, hit) {
            Some(hit) => Read::Hit(Box::new(hit)),
            None => Read::NoPage,
        }
    }

    fn enrich(&mut self, line: &Line, address: Option<IpAddr>, hit: Hit<'_>) -> Option<EnrichedHit> {
        let arrival = Arrival {
            site: self.rules.site.id,
            received: line.at,
            visitor: visitor(&self.rules.salt, self.rules.site.id, &line.address, address, &line.agent),
            visitor_before: None,
            browser: BrowserId::default(),
            agent: Cow::Borrowed(cut(&line.agent, limits::AGENT_BYTES_MAX)),
            language: Cow::Borrowed(""),
            screen: None,
            place: address.map_or_else(Place::default, |address| self.rules.places.of(address)),
            hits: vec![hit],
        };
        self.latest = self.latest.max(line.at);
        self.known.lock().advance(self.latest);
        let mut enriched = None;
        self.pipeline.run(vec![arrival], |_, outcome| enriched = outcome.ok().map(|sighting| sighting.hit));
        enriched
    }
}

/// Path and query of what was requested, which may be a whole address.
fn path_of(target: &str) -> &str {
    let behind_scheme = ["http://", "https://"].iter().find_map(|scheme| target.strip_prefix(scheme));
    let path = match behind_scheme {
        Some(rest) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => target,
    };
    if path.starts_with('/') { path } else { "/" }
}

pub fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

/// All that a line says but the address.
fn content(line: &Line) -> u128 {
    let mut hasher = blake3::Hasher::new_derive_key(LINE_CONTEXT);
    hasher.update(&line.at.0.to_le_bytes()).update(&line.status.to_le_bytes());
    for text in [&line.host, &line.method, &line.target, &line.referrer, &line.agent] {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    first_128_bits(&hasher)
}

fn hit_id(content: u128, ordinal: u32) -> HitId {
    let mut hasher = blake3::Hasher::new_derive_key(LINE_CONTEXT);
    hasher.update(&content.to_le_bytes()).update(&ordinal.to_le_bytes());
    HitId(first_128_bits(&hasher))
}

fn visitor(salt: &Salt, site: SiteId, text: &str, address: Option<IpAddr>, agent: &str) -> VisitorId {
    let mut hasher = blake3::Hasher::new_keyed(salt);
    hasher.update(&site.value().to_le_bytes());
    let mut sender = |kind: u8, bytes: &[u8]| {
        hasher.update(&[kind]).update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    };
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => sender(4, &address.octets()),
        Some(IpAddr::V6(address)) => sender(6, &address.octets()),
        None => sender(0, text.as_bytes()),
    }
    hasher.update(agent.as_bytes());
    VisitorId(first_128_bits(&hasher) as u64)
}

#[cfg(test)]
pub mod tests;
