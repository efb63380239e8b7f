//! What happens to messages between the bus and the seams, as a pure path: bytes in, batches and commits out.
//! Never does I/O: `consume` does, and a benchmark can leave it out.

use std::sync::Arc;

use bus::Message;
use history::tail;
use live::{Commit, Mark, Origin};
use model::{BadMessage, BatchId, Millis, SiteId};
use parking_lot::Mutex;
use store::history::TailBatch;

use crate::pipeline::{Known, Pipeline};
use crate::presence::{Presence, Sighting};
use crate::tally::Tally;

/// One shard's steps and presence.
pub struct Work {
    shard: u16,
    pipeline: Pipeline,
    pub presence: Presence,
    /// In which the shard is held; 0: live does not know of it.
    pub term: u64,
    /// Of the newest commits.
    number: u64,
}

/// Messages that went through the steps: to be appended to history first, and then settled.
#[derive(Default)]
pub struct Prepared {
    /// For the tail: each message's share of each site.
    pub batches: Vec<TailBatch>,
    /// Counts of what went through and what was dropped.
    pub tally: Tally,
    /// A batch's each.
    groups: Vec<(SiteId, Vec<Sighting>)>,
}

impl Work {
    /// `known` is shared by all shards of the process.
    pub fn new(shard: u16, known: Arc<Mutex<Known>>) -> Work {
        Work { shard, pipeline: Pipeline::new(known), presence: Presence::new(shard), term: 0, number: 0 }
    }

    /// Takes a message through the steps. What was prepared must be appended, or this work ended with all it
    /// knows: its hits count as seen from here on.
    pub fn prepare(&mut self, message: &Message, prepared: &mut Prepared) -> Result<(), BadMessage> {
        let arrivals = model::hit::read_message(&message.body)?;
        let Prepared { batches, tally, groups } = prepared;
        let first = groups.len();
        self.pipeline.run(arrivals, |site, outcome| match outcome {
            Ok(sighting) => {
                tally.took(&sighting.hit.kind);
                group(groups, first, site).push(sighting);
            }
            Err(reason) => tally.dropped(reason),
        });
        let shares = groups[first..].iter().map(|(site, sightings)| self.batch(message.id, *site, sightings));
        batches.extend(shares);
        Ok(())
    }

    /// Presence takes what was prepared, once its batches are in history.
    pub fn settle(&mut self, prepared: &Prepared, now: Millis) {
        self.presence.tick(now);
        for ((site, sightings), batch) in prepared.groups.iter().zip(&prepared.batches) {
            sightings.iter().for_each(|sighting| self.presence.hit(*site, sighting, now));
            // One that came again has no such hit left: the mark never goes back.
            if sightings.iter().any(|sighting| sighting.hit.kind.counts_once()) {
                self.presence.mark(*site, Mark { batch: batch.id, received: batch.received });
            }
        }
    }

    fn batch(&self, id: BatchId, site: SiteId, sightings: &[Sighting]) -> TailBatch {
        let received = sightings.iter().map(|sighting| sighting.hit.received).max();
        TailBatch {
            id,
            site,
            received: received.expect("a group has a sighting"),
            hits: sightings.len() as u32,
            body: tail::encode(self.shard, sightings.iter().map(|sighting| &sighting.hit)).into(),
        }
    }

    /// What changed since the last call.
    pub fn take_commits(&mut self, now: Millis) -> Vec<Commit> {
        self.number += 1;
        let origin = Origin { term: self.term, number: self.number };
        let mut commits = self.presence.take_commits(now);
        commits.iter_mut().for_each(|commit| commit.origin = origin);
        commits
    }
}

/// The group of a site among those of one message, which are few.
fn group(groups: &mut Vec<(SiteId, Vec<Sighting>)>, first: usize, site: SiteId) -> &mut Vec<Sighting> {
    let found = groups[first..].iter().rposition(|(other, _)| *other == site);
    let index = found.map_or(groups.len(), |index| first + index);
    if index == groups.len() {
        groups.push((site, Vec::new()));
    }
    &mut groups[index].1
}
