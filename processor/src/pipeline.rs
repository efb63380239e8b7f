//! The steps of a hit, in order: each takes the hit on or drops it with a reason, which is counted.
//!
//! decode → deduplicate → take the address apart → parse the agent → judge bots → source and channel → visit;
//! then history is appended, and presence takes what is left (see `work`).

use std::sync::Arc;

use hashbrown::HashSet;
use history::hit::Props;
use history::{EnrichedHit, EnrichedKind};
use model::limits::SITES_MAX;
use model::{Agent, Arrival, BotReason, Hit, HitKind, Millis, Place, SiteId};
use parking_lot::Mutex;

use crate::pages::Pages;
use crate::presence::Sighting;
use crate::referrers::Referrers;
use crate::seen::Seen;
use crate::sources::Sources;
use crate::steps::agent::AgentParser;
use crate::strings::Strings;
use crate::visits::{Claim, Visits};

/// Distinct places shared at most; past them all are let go and shared anew.
pub const PLACES_MAX: usize = 100_000;

/// Why a hit goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// It was taken before.
    Duplicate,
    /// Its site was deleted while it was on its way.
    SiteGone,
    /// Its address has no hostname.
    Address,
}

impl DropReason {
    /// The label in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            DropReason::Duplicate => "duplicate",
            DropReason::SiteGone => "site_gone",
            DropReason::Address => "address",
        }
    }
}

/// What the shards of a process know together: a hit may come again by another shard, when its sender's
/// address, and so its visitor id, has changed since; and the tables of agents are large and slow to read, so
/// that a shard that is taken over must not wait for tables of its own.
#[derive(Default)]
pub struct Known {
    agents: AgentParser,
    seen: Seen,
    visits: Visits,
    gone: HashSet<SiteId>,
}

/// The steps of one shard, with what they remember.
pub struct Pipeline {
    known: Arc<Mutex<Known>>,
    strings: Strings,
    pages: Pages,
    referrers: Referrers,
    sources: Sources,
    places: HashSet<Arc<Place>>,
}

/// What the hits of one arrival share, enriched.
struct Sender {
    agent: Arc<Agent>,
    bot: Option<BotReason>,
    place: Arc<Place>,
    language: Arc<str>,
}

impl Known {
    /// Lets time pass.
    pub fn advance(&mut self, now: Millis) {
        self.seen.advance(now);
        self.visits.advance(now);
    }

    /// Hits of a deleted site are dropped from now on.
    pub fn forget(&mut self, site: SiteId) {
        // What is on its way arrives within moments: the sites deleted before a whole installation's worth are long over.
        if self.gone.len() >= SITES_MAX {
            self.gone.clear();
        }
        self.gone.insert(site);
    }

    /// Learns from a hit of the tail.
    pub fn relearn(&mut self, site: SiteId, hit: &EnrichedHit) {
        if hit.kind.counts_once() {
            self.seen.is_first(site, hit.id);
        }
        let EnrichedHit { at, visitor, source, bot, .. } = hit;
        self.visits.take(&Claim {
            site,
            visitor: *visitor,
            visitor_before: None,
            at: *at,
            source,
            bot: *bot,
        });
    }
}

impl Pipeline {
    pub fn new(known: Arc<Mutex<Known>>) -> Pipeline {
        Pipeline {
            known,
            strings: Strings::default(),
            pages: Pages::default(),
            referrers: Referrers::default(),
            sources: Sources::default(),
            places: HashSet::new(),
        }
    }

    /// Takes the arrivals of one message through the steps, and hands each outcome on, in order.
    pub fn run(
        &mut self,
        arrivals: Vec<Arrival<'_>>,
        mut outcome: impl FnMut(SiteId, Result<Sighting, DropReason>),
    ) {
        let known = self.known.clone();
        let mut known = known.lock();
        for mut arrival in arrivals {
            let hits = std::mem::take(&mut arrival.hits);
            let sender = self.sender(&mut known, &arrival);
            for hit in hits {
                outcome(arrival.site, self.steps(&mut known, &arrival, &sender, hit));
            }
        }
    }

    fn steps(
        &mut self,
        known: &mut Known,
        arrival: &Arrival<'_>,
        sender: &Sender,
        hit: Hit<'_>,
    ) -> Result<Sighting, DropReason> {
        let site = arrival.site;
        deduplicate(known, site, &hit)?;
        let page = self.pages.page(&hit.url, &mut self.strings).ok_or(DropReason::Address)?;
        let at = hit.at.min(arrival.received);
        let referrer = referrer_of(&hit.kind);
        let from = self.referrers.referrer(referrer, &mut self.strings);
        let (own, foreign) = match from {
            Some(from) if *from.hostname == *page.hostname => (Some(from), None),
            elsewhere => (None, elsewhere),
        };
        let bot = sender.bot.or_else(|| foreign?.bot);
        // Only a pageview says where it came from; anything else comes from the page itself.
        let is_pageview = matches!(hit.kind, HitKind::Pageview { .. });
        let named = match own.is_some() || !is_pageview {
            true if page.query.is_empty() => self.sources.direct(),
            true => self.sources.source(&hit.url, &page, &hit.url),
            false => self.sources.source(&hit.url, &page, referrer),
        };
        let from_path = own.map(|from| from.path.clone());
        let (visitor, visitor_before) = (arrival.visitor, arrival.visitor_before);
        let verdict = known.visits.take(&Claim { site, visitor, visitor_before, at, source: &named, bot });
        let hit = EnrichedHit {
            id: hit.id,
            at,
            received: arrival.received,
            visitor: verdict.visitor,
            page,
            source: verdict.source,
            agent: sender.agent.clone(),
            place: sender.place.clone(),
            language: sender.language.clone(),
            screen: arrival.screen,
            bot: verdict.bot,
            kind: self.kind(hit.kind),
        };
        Ok(Sighting { hit, browser: arrival.browser, from_path })
    }

    fn sender(&mut self, known: &mut Known, arrival: &Arrival<'_>) -> Sender {
        let parsed = known.agents.parse(&arrival.agent);
        Sender {
            agent: parsed.agent.clone(),
            bot: parsed.bot,
            place: self.place(&arrival.place),
            language: self.strings.share(&arrival.language),
        }
    }

    fn place(&mut self, place: &Place) -> Arc<Place> {
        if let Some(known) = self.places.get(place) {
            return known.clone();
        }
        if self.places.len() >= PLACES_MAX {
            self.places.clear();
        }
        let shared = Arc::new(place.clone());
        self.places.insert(shared.clone());
        shared
    }

    fn kind(&mut self, kind: HitKind<'_>) -> EnrichedKind {
        match kind {
            HitKind::Pageview { title, due_ms, .. } => {
                EnrichedKind::Pageview { title: self.strings.share(&title), due_ms }
            }
            HitKind::Heartbeat { pageview, engaged_ms, scroll, active, due_ms } => {
                EnrichedKind::Heartbeat { pageview, engaged_ms, scroll, active, due_ms }
            }
            HitKind::Leave { pageview, engaged_ms, scroll } => {
                EnrichedKind::Leave { pageview, engaged_ms, scroll }
            }
            HitKind::Event { name, props, pageview } => {
                EnrichedKind::Event { name: self.strings.share(&name), props: self.props(props), pageview }
            }
            HitKind::Identify { identity, props } => {
                EnrichedKind::Identify { identity: self.strings.share(&identity), props: self.props(props) }
            }
        }
    }

    fn props(&mut self, props: Vec<(String, String)>) -> Props {
        props.into_iter().map(|(key, value)| (self.strings.share(&key), Arc::from(value))).collect()
    }
}

fn deduplicate(known: &mut Known, site: SiteId, hit: &Hit<'_>) -> Result<(), DropReason> {
    if !known.gone.is_empty() && known.gone.contains(&site) {
        return Err(DropReason::SiteGone);
    }
    let counts = !matches!(hit.kind, HitKind::Heartbeat { .. } | HitKind::Leave { .. });
    if counts && !known.seen.is_first(site, hit.id) {
        return Err(DropReason::Duplicate);
    }
    Ok(())
}

fn referrer_of<'k>(kind: &'k HitKind<'_>) -> &'k str {
    match kind {
        HitKind::Pageview { referrer, .. } => referrer,
        _ => "",
    }
}
