//! Counts of one flush, told to the metrics at its end: once a flush, not once a hit.

use history::EnrichedKind;
use metrics::counter;

use crate::pipeline::DropReason;

const KINDS: [&str; 5] = ["pageview", "heartbeat", "leave", "event", "identify"];
const REASONS: [DropReason; 3] = [DropReason::Duplicate, DropReason::SiteGone, DropReason::Address];

/// Hits taken by kind, hits dropped by reason.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    pub taken: [u64; KINDS.len()],
    pub dropped: [u64; REASONS.len()],
}

impl Tally {
    pub fn took(&mut self, kind: &EnrichedKind) {
        let kind = match kind {
            EnrichedKind::Pageview { .. } => 0,
            EnrichedKind::Heartbeat { .. } => 1,
            EnrichedKind::Leave { .. } => 2,
            EnrichedKind::Event { .. } => 3,
            EnrichedKind::Identify { .. } => 4,
        };
        self.taken[kind] += 1;
    }

    pub fn dropped(&mut self, reason: DropReason) {
        self.dropped[reason as usize] += 1;
    }

    pub fn tell(&self) {
        for (kind, count) in KINDS.into_iter().zip(self.taken).filter(|(_, count)| *count > 0) {
            counter!("watchfire_processed_hits_total", "kind" => kind).increment(count);
        }
        for (reason, count) in REASONS.into_iter().zip(self.dropped).filter(|(_, count)| *count > 0) {
            counter!("watchfire_drops_total", "reason" => reason.name()).increment(count);
        }
    }
}
