//! A shard's state when its processor starts: loaded from live, or rebuilt from the end of the tail. What the one before
//! appended and did not commit any more stands in the tail behind live's marks, and happens now.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use hashbrown::HashMap;
use history::{EnrichedHit, EnrichedKind, tail};
use live::{Live, Mark};
use model::limits::REBUILD_WINDOW;
use model::{BatchId, BrowserId, Millis, Minute, SiteId};
use parking_lot::Mutex;
use store::History;
use store::history::TailBatch;

use crate::pipeline::Known;
use crate::presence::Sighting;
use crate::seen::Seen;
use crate::work::Work;

/// Batches of the tail read at once.
const PAGE_BATCHES: usize = 256;
/// How closely the chart of visitors follows what is replayed.
const STEP: Duration = Duration::from_secs(1);

/// Reads the rebuild window again; where there were more shards before, the hits of those fall to these in turn. What was
/// seen and which visits are open is learned from all of it; what happens again is all of it where live kept nothing, and
/// otherwise what stands behind the marks.
pub async fn recover(
    shard: u16,
    shards: u16,
    now: Millis,
    known: &Arc<Mutex<Known>>,
    history: &dyn History,
    live: &dyn Live,
) -> anyhow::Result<Work> {
    let mut taken = Work::new(shard, known.clone());
    let work = &mut taken;
    let loaded = live.load(shard).await?;
    work.term = loaded.term;
    let is_rebuilt = loaded.states.is_none();
    if let Some(states) = loaded.states {
        work.presence.restore(states);
    }
    loaded.marks.iter().for_each(|(site, mark)| work.presence.mark(*site, *mark));
    let seen = Seen::default();
    let time = now.minus(REBUILD_WINDOW);
    // One received before will not be met: all that is stands behind it.
    let ahead = loaded.marks.iter().filter(|(_, mark)| mark.received >= time);
    let mut replay = Replay {
        shard,
        shards,
        is_rebuilt,
        ahead: ahead.map(|(site, mark)| (*site, mark.batch)).collect(),
        now,
        time,
        told: time,
        hits: 0,
        known,
        seen,
        live,
        work: &mut *work,
    };
    let mut after = None;
    loop {
        let page = history.tail_since(now.minus(REBUILD_WINDOW), after, PAGE_BATCHES).await?;
        for batch in &page.batches {
            replay.batch(batch).await?;
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    replay.advance(now).await?;
    let hits = replay.hits;
    commit(work, live, now).await?;
    live.recovered(shard, work.term).await?;
    let present = work.presence.visitors().count();
    tracing::info!(shard, is_rebuilt, hits, present, "presence is up to date");
    Ok(taken)
}

/// What live lost since the shard was loaded is told with the next commit.
async fn commit(work: &mut Work, live: &dyn Live, now: Millis) -> anyhow::Result<()> {
    let applied = live.commit(work.take_commits(now)).await?;
    for first in applied.iter().filter(|applied| applied.is_first) {
        work.presence.commit_again(first.site, first.commit.changes.len());
    }
    Ok(())
}

/// The tail going through presence once more.
struct Replay<'r> {
    shard: u16,
    shards: u16,
    is_rebuilt: bool,
    /// Batches that are marked and were not met yet.
    ahead: HashMap<SiteId, BatchId>,
    /// What arrived later than that, by a collector whose clock is ahead, happens when those before it did: what is
    /// alive for a while after it would stay until this process's clock is there too.
    now: Millis,
    /// Presence's time: the newest arrival so far.
    time: Millis,
    /// Up to when live was told, where it is rebuilt.
    told: Millis,
    hits: usize,
    known: &'r Mutex<Known>,
    /// Of this replay alone: the process may know these hits from before it lost the shard.
    seen: Seen,
    live: &'r dyn Live,
    work: &'r mut Work,
}

impl Replay<'_> {
    async fn batch(&mut self, batch: &TailBatch) -> anyhow::Result<()> {
        let read = tail::shard_of(&batch.body).and_then(|shard| {
            (shard % self.shards == self.shard).then(|| tail::decode(&batch.body)).transpose()
        });
        let tail = match read.with_context(|| format!("batch {} of the tail", batch.id)) {
            Ok(Some(tail)) => tail,
            Ok(None) => return Ok(()),
            Err(error) => {
                tracing::error!(shard = self.shard, error = format!("{error:#}"), "left out of live");
                return Ok(());
            }
        };
        self.advance(batch.received).await?;
        self.hits += tail.hits.len();
        let happens = self.is_uncommitted(batch, tail.shard);
        let counts = tail.hits.iter().any(|hit| hit.kind.counts_once());
        tail.hits.into_iter().for_each(|hit| self.hit(batch, hit, happens));
        if happens && counts {
            self.work.presence.mark(batch.site, Mark { batch: batch.id, received: batch.received });
        }
        Ok(())
    }

    /// Whether live may not hold a batch. Behind a mark there may be heartbeats and leaves that it does: they change
    /// nothing by coming again.
    fn is_uncommitted(&mut self, batch: &TailBatch, shard: u16) -> bool {
        let is_behind = match self.ahead.get(&batch.site) {
            Some(marked) if *marked == batch.id => {
                self.ahead.remove(&batch.site);
                false
            }
            Some(_) => false,
            None => true,
        };
        self.is_rebuilt || (is_behind && shard == self.shard)
    }

    /// Time passes as it did: each minute is told with those who were there in it, also where nothing arrived, so
    /// that the chart of the last 30 is there again.
    async fn advance(&mut self, to: Millis) -> anyhow::Result<()> {
        if to <= self.time || to > self.now {
            return Ok(());
        }
        if self.is_rebuilt {
            while self.time.minute() < to.minute() {
                let next = Minute(self.time.minute().0 + 1).start();
                self.tell().await?;
                // Who went in the rest of this minute was not there in the next.
                self.pass(Millis(next.0 - 1));
                self.tell().await?;
                self.time = next;
            }
            if self.time.since(self.told) >= STEP {
                self.tell().await?;
            }
        }
        self.pass(to);
        Ok(())
    }

    fn pass(&mut self, to: Millis) {
        self.time = to;
        self.known.lock().advance(to);
        self.work.presence.tick(to);
    }

    async fn tell(&mut self) -> anyhow::Result<()> {
        commit(self.work, self.live, self.time).await?;
        self.told = self.time;
        Ok(())
    }

    fn hit(&mut self, batch: &TailBatch, hit: EnrichedHit, happens: bool) {
        self.known.lock().relearn(batch.site, &hit);
        if !happens && let EnrichedKind::Leave { pageview, .. } = hit.kind {
            // States do not hold them: what comes late of such a page would make its visitor present again.
            self.work.presence.has_left(pageview);
        }
        let is_first = !hit.kind.counts_once() || self.seen.is_first(batch.site, hit.id);
        if is_first && happens {
            // The browser id is nowhere in history: where it is not plain, pages part again at their next heartbeats.
            let browser = match self.is_rebuilt {
                true => BrowserId(0),
                false => self.work.presence.browser_of(batch.site, hit.visitor),
            };
            let sighting = Sighting { hit, browser, from_path: None };
            self.work.presence.hit(batch.site, &sighting, self.time);
        }
    }
}
