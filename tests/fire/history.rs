//! What the tail says in the end: every hit as it stands there, in the order it was appended.

use std::collections::{HashMap, HashSet};

use history::{EnrichedHit, EnrichedKind};
use model::limits::{DUE_MAX, HEARTBEAT_GRACE};
use model::{BatchId, HitId, Millis, SiteId, VisitorId};
use store::History;

use crate::clients::Book;

const PAGE_BATCHES: usize = 500;

/// One site's tail.
#[derive(Default)]
pub struct Tail {
    pub hits: Vec<EnrichedHit>,
    batches: Vec<BatchId>,
}

/// What the tail says of a visitor at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Presence {
    Here,
    /// It was silent since, and things were late or clocks were wrong around it: both is right.
    Unsure,
    Gone,
}

pub async fn read(history: &dyn History, site: SiteId) -> anyhow::Result<Tail> {
    let (mut tail, mut after) = (Tail::default(), None);
    loop {
        let page = history.tail_of(site, after, PAGE_BATCHES).await?;
        for batch in &page.batches {
            tail.batches.push(batch.id);
            tail.hits.extend(history::tail::decode(&batch.body)?.hits);
        }
        after = page.next;
        if after.is_none() {
            return Ok(tail);
        }
    }
}

impl Tail {
    pub fn ids(&self) -> HashSet<HitId> {
        self.hits.iter().map(|hit| hit.id).collect()
    }

    /// What is wrong with the hits of a site, by what their senders know.
    pub fn problems(&self, site: SiteId, book: &Book) -> Vec<String> {
        let mut problems = Vec::new();
        let mut rows: HashMap<HitId, usize> = HashMap::new();
        self.hits.iter().for_each(|hit| *rows.entry(hit.id).or_default() += 1);
        for (id, sent) in book.sent.iter().filter(|(_, sent)| book.visits[sent.visit].site == site) {
            let rows = rows.remove(id).unwrap_or(0);
            if sent.is_acknowledged && rows == 0 {
                problems.push(format!("acknowledged and lost: {id} of visit {}", sent.visit));
            }
            if rows > sent.sends {
                problems.push(format!("{id} was sent {} times and is there {rows} times", sent.sends));
            }
        }
        problems.extend(rows.keys().map(|id| format!("never sent: {id}")));
        let distinct: HashSet<_> = self.batches.iter().collect();
        if distinct.len() < self.batches.len() {
            problems.push(format!("{} batches, {} distinct", self.batches.len(), distinct.len()));
        }
        problems.extend(self.mixed_up(book));
        problems.extend(self.out_of_order(book));
        problems
    }

    /// A visit is one visitor, and a visitor one visit.
    fn mixed_up(&self, book: &Book) -> Vec<String> {
        let (mut of_visit, mut of_visitor) = (HashMap::new(), HashMap::new());
        let mut problems = Vec::new();
        for hit in &self.hits {
            let Some(sent) = book.sent.get(&hit.id) else { continue };
            if *of_visit.entry(sent.visit).or_insert(hit.visitor) != hit.visitor {
                problems.push(format!("visit {} became another visitor", sent.visit));
            }
            if *of_visitor.entry(hit.visitor).or_insert(sent.visit) != sent.visit {
                problems.push(format!("visitor {} is two visits", hit.visitor));
            }
        }
        problems
    }

    fn out_of_order(&self, book: &Book) -> Vec<String> {
        let mut places: HashMap<HitId, usize> = HashMap::new();
        for (place, hit) in self.hits.iter().enumerate() {
            places.entry(hit.id).or_insert(place);
        }
        let mut problems = Vec::new();
        for (number, visit) in book.visits.iter().enumerate().filter(|(_, visit)| visit.is_sticky) {
            let found: Vec<_> = visit.hits.iter().filter_map(|id| places.get(id)).collect();
            if !found.is_sorted() {
                problems.push(format!("visit {number} is out of order: {found:?}"));
            }
        }
        problems
    }

    /// By the definitions: open pages and their signs of life. Each visitor here has one browser.
    pub fn presence(&self, now: Millis) -> HashMap<VisitorId, Presence> {
        let mut pages: HashMap<VisitorId, HashMap<HitId, Page>> = HashMap::new();
        for hit in &self.hits {
            let (pageview, due) = match &hit.kind {
                EnrichedKind::Pageview { due_ms, .. } => (hit.id, *due_ms),
                EnrichedKind::Heartbeat { pageview, due_ms, .. } => (*pageview, Some(*due_ms)),
                EnrichedKind::Leave { pageview, .. } => (*pageview, None),
                EnrichedKind::Event { pageview, .. } => (pageview.unwrap_or(hit.id), None),
                EnrichedKind::Identify { .. } => continue,
            };
            let page = pages.entry(hit.visitor).or_default().entry(pageview).or_default();
            page.has_left |= matches!(hit.kind, EnrichedKind::Leave { .. });
            if let Some(due) = due {
                let due = std::time::Duration::from_millis(2 * u64::from(due)) + HEARTBEAT_GRACE;
                page.alive_until = page.alive_until.max(hit.at.plus(due));
            }
            // A hit of a page that is not known is taken for one that is due in a minute.
            page.perhaps_until = page.perhaps_until.max(hit.at.plus(2 * DUE_MAX + HEARTBEAT_GRACE));
        }
        pages.into_iter().map(|(visitor, pages)| (visitor, Page::of_all(pages.into_values(), now))).collect()
    }
}

#[derive(Default)]
struct Page {
    has_left: bool,
    alive_until: Millis,
    perhaps_until: Millis,
}

impl Page {
    fn of_all(pages: impl Iterator<Item = Page>, now: Millis) -> Presence {
        let open: Vec<Page> = pages.filter(|page| !page.has_left).collect();
        // The last sign of life of all who are still here is due in a minute.
        let is_here = |page: &Page| page.alive_until.since(now) > std::time::Duration::from_secs(20);
        let is_perhaps = |page: &Page| page.alive_until.max(page.perhaps_until) > now;
        match () {
            () if open.iter().any(is_here) => Presence::Here,
            () if open.iter().any(is_perhaps) => Presence::Unsure,
            () => Presence::Gone,
        }
    }
}
