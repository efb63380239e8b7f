//! Open visits by visitor: which visitor a hit counts for across the salt's change, and what its visit's source is.

use std::sync::Arc;

use model::limits::{REBUILD_WINDOW, VISIT_GAP_MAX};
use model::{BotReason, Channel, Millis, SiteId, Source, VisitorId};

use crate::recent::Recent;

/// Visitors of all sites that were heard from within the rebuild window, at most; past it the longest silent
/// third is forgotten early: such a visit may begin anew in the live view. History reads visits off by itself.
pub const VISITS_MAX: usize = 3_000_000;

/// The visits that a hit may still belong to.
pub struct Visits(Recent<(SiteId, VisitorId), Visit>);

struct Visit {
    last: Millis,
    /// From the first hit to the last.
    lasted_ms: u32,
    /// Some hit of it was judged a bot's.
    bot: Option<BotReason>,
    /// Of the first hit.
    source: Arc<Source>,
}

/// What a hit says that its visit is decided by.
pub struct Claim<'h> {
    pub site: SiteId,
    pub visitor: VisitorId,
    pub visitor_before: Option<VisitorId>,
    pub at: Millis,
    /// What the hit itself names.
    pub source: &'h Arc<Source>,
    /// What the hit itself was judged.
    pub bot: Option<BotReason>,
}

/// What a hit's visit says about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Whom it counts for: the visitor before the salt's change, while that one's visit is open.
    pub visitor: VisitorId,
    /// What the hit names itself, else the source of the visit.
    pub source: Arc<Source>,
    /// What the hit was judged itself, else what the visit was.
    pub bot: Option<BotReason>,
}

impl Visit {
    fn begin(claim: &Claim<'_>) -> Visit {
        Visit { last: claim.at, lasted_ms: 0, bot: claim.bot, source: claim.source.clone() }
    }

    fn first(&self) -> Millis {
        Millis(self.last.0 - i64::from(self.lasted_ms))
    }

    fn is_open_at(&self, at: Millis) -> bool {
        at.since(self.last) <= VISIT_GAP_MAX && self.first().since(at) <= VISIT_GAP_MAX
    }

    fn join(&mut self, claim: &Claim<'_>) {
        let first = self.first();
        if claim.at < first {
            self.source = claim.source.clone();
        }
        self.last = claim.at.max(self.last);
        let lasted_ms = self.last.since(claim.at.min(first)).as_millis();
        self.lasted_ms = lasted_ms.try_into().unwrap_or(u32::MAX);
        self.bot = self.bot.or(claim.bot);
    }
}

impl Default for Visits {
    fn default() -> Visits {
        Visits(Recent::new(REBUILD_WINDOW, VISITS_MAX))
    }
}

impl Visits {
    pub fn advance(&mut self, now: Millis) {
        self.0.advance(now);
    }

    /// Takes a hit into its visit.
    pub fn take(&mut self, claim: &Claim<'_>) -> Verdict {
        let open_before = claim.visitor_before.filter(|&before| {
            let visit = self.0.get(&(claim.site, before));
            visit.is_some_and(|visit| visit.is_open_at(claim.at))
        });
        let visitor = open_before.unwrap_or(claim.visitor);
        let by_itself = Verdict { visitor, source: claim.source.clone(), bot: claim.bot };
        let key = (claim.site, visitor);
        let Some(visit) = self.0.get_mut(&key) else {
            self.0.insert(key, Visit::begin(claim));
            return by_itself;
        };
        if !visit.is_open_at(claim.at) {
            // A hit of a visit long past changes nothing about the one that is open.
            if claim.at > visit.last {
                *visit = Visit::begin(claim);
            }
            return by_itself;
        }
        visit.join(claim);
        let names_none = claim.source.channel == Channel::Direct;
        let source = if names_none { visit.source.clone() } else { by_itself.source };
        Verdict { visitor, source, bot: visit.bot }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;
    const OLD: VisitorId = VisitorId(1);
    const NEW: VisitorId = VisitorId(2);

    fn take(
        visits: &mut Visits,
        visitor: VisitorId,
        before: Option<VisitorId>,
        minute: i64,
        from: &str,
    ) -> (VisitorId, String) {
        let mut source = Source::direct();
        if !from.is_empty() {
            source = Source { channel: Channel::Search, name: Arc::from(from), ..source };
        }
        let at = Millis(minute * MINUTE);
        let source = Arc::new(source);
        let claim =
            Claim { site: SiteId::of(1), visitor, visitor_before: before, at, source: &source, bot: None };
        let verdict = visits.take(&claim);
        (verdict.visitor, verdict.source.name.to_string())
    }

    #[test]
    fn a_visit_that_crosses_the_salts_change_stays_with_its_visitor() {
        let visits = &mut Visits::default();
        assert_eq!(take(visits, OLD, None, 0, "Google"), (OLD, "Google".into()));
        assert_eq!(take(visits, NEW, Some(OLD), 5, ""), (OLD, "Google".into()));
        assert_eq!(take(visits, NEW, Some(OLD), 35, ""), (OLD, "Google".into()));
        assert_eq!(take(visits, NEW, Some(OLD), 66, ""), (NEW, "Direct".into()));
        assert_eq!(take(visits, NEW, Some(OLD), 40, ""), (OLD, "Google".into()), "a late hit");
    }

    #[test]
    fn the_first_hit_decides_the_source_of_a_visit() {
        let visits = &mut Visits::default();
        assert_eq!(take(visits, OLD, None, 10, "").1, "Direct");
        assert_eq!(take(visits, OLD, None, 12, "Bing").1, "Bing");
        assert_eq!(take(visits, OLD, None, 13, "").1, "Direct");
        assert_eq!(take(visits, OLD, None, 9, "Google").1, "Google", "an earlier hit that came later");
        assert_eq!(take(visits, OLD, None, 14, "").1, "Google");
        assert_eq!(take(visits, OLD, None, 45, "").1, "Direct", "31 minutes silent");
    }

    #[test]
    fn a_hit_of_a_visit_long_past_leaves_the_open_one_alone() {
        let visits = &mut Visits::default();
        take(visits, OLD, None, 100, "Google");
        assert_eq!(take(visits, OLD, None, 5, "").1, "Direct");
        assert_eq!(take(visits, OLD, None, 101, "").1, "Google");
    }

    #[test]
    fn a_visit_once_judged_a_bots_stays_so() {
        let visits = &mut Visits::default();
        let mut judged = |minute: i64, bot| {
            let (at, source) = (Millis(minute * MINUTE), &Arc::new(Source::direct()));
            let claim = Claim { site: SiteId::of(1), visitor: OLD, visitor_before: None, at, source, bot };
            visits.take(&claim).bot
        };
        let spam = Some(BotReason::ReferrerSpam);
        assert_eq!([judged(0, spam), judged(1, None), judged(40, None)], [spam, spam, None]);
    }
}
