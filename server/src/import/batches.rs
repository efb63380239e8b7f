//! Gathers hits of an import into batches of the tail. Which hits share a batch, and what it is called, follows from the
//! hits alone: what is imported again makes the same batches, and those change nothing.

use anyhow::Context;
use bytes::Bytes;
use history::EnrichedHit;
use model::{BatchId, Millis, SiteId};
use store::History;
use store::history::TailBatch;

/// Hits of one batch.
pub const BATCH_HITS_MAX: usize = 500;
/// Batches appended at once.
const APPEND_BATCHES_MAX: usize = 16;
/// Key of the hash that names a batch.
const BATCH_CONTEXT: &str = "watchfire 2026-11 batch of an import";
/// Imported hits came by no shard; presence is rebuilt from what is younger than 35 minutes.
const SHARD: u16 = 0;

pub struct Batches<'s> {
    history: &'s dyn History,
    site: SiteId,
    hits: Vec<EnrichedHit>,
    batches: Vec<TailBatch>,
}

impl<'s> Batches<'s> {
    pub fn new(history: &'s dyn History, site: SiteId) -> Batches<'s> {
        Batches { history, site, hits: Vec::new(), batches: Vec::new() }
    }

    pub async fn add(&mut self, hit: EnrichedHit) -> anyhow::Result<()> {
        self.hits.push(hit);
        if self.hits.len() == BATCH_HITS_MAX {
            self.close_batch();
        }
        if self.batches.len() == APPEND_BATCHES_MAX { self.append().await } else { Ok(()) }
    }

    /// A file has ended: the next one's hits go into batches of their own. Durable when it returns.
    pub async fn end(&mut self) -> anyhow::Result<()> {
        if !self.hits.is_empty() {
            self.close_batch();
        }
        self.append().await
    }

    fn close_batch(&mut self) {
        let hits = std::mem::take(&mut self.hits);
        let received = hits.iter().map(|hit| hit.received).max().unwrap_or(Millis(0));
        self.batches.push(TailBatch {
            id: batch_id(&hits),
            site: self.site,
            received,
            hits: hits.len() as u32,
            body: Bytes::from(history::tail::encode(SHARD, &hits)),
        });
    }

    async fn append(&mut self) -> anyhow::Result<()> {
        if self.batches.is_empty() {
            return Ok(());
        }
        let batches = std::mem::take(&mut self.batches);
        self.history.append(batches).await.context("cannot append to history; run the same import again")
    }
}

fn batch_id(hits: &[EnrichedHit]) -> BatchId {
    let mut hasher = blake3::Hasher::new_derive_key(BATCH_CONTEXT);
    for hit in hits {
        hasher.update(&hit.id.0.to_le_bytes());
    }
    BatchId(first_128_bits(&hasher))
}

pub fn first_128_bits(hasher: &blake3::Hasher) -> u128 {
    let mut bits = [0; 16];
    bits.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    u128::from_le_bytes(bits)
}
