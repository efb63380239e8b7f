//! What a store holds of a kind, as a count and a checksum that is the same in every backend.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{FilePart, Row, SegmentPart};
use crate::history::TailBatch;

/// Of sets it does not matter in which order the rows came; of the tail, in which order each site's batches did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    pub rows: u64,
    pub bytes: u64,
    sum: u128,
    /// A chain of checksums for each site that has a tail, some 30 bytes each.
    chains: BTreeMap<u64, u128>,
}

impl Content {
    pub fn add(&mut self, row: &Row) {
        self.rows += 1;
        let (sum, bytes) = match row {
            Row::Account(row) => of_plain(row),
            Row::SetUp(secret) => of_plain(secret),
            Row::Site(site) => of_plain(site),
            Row::Member(row) => of_plain(row),
            Row::SignIn(row) => of_plain(row),
            Row::Token(row) => of_plain(row),
            Row::Invitation(row) => of_plain(row),
            Row::Share(row) => of_plain(row),
            Row::Saved(row) => of_plain(row),
            Row::Bot(row) => of_plain(row),
            Row::Room(row) => of_plain(row),
            Row::RoomMember(row) => of_plain(row),
            Row::GuestLink(row) => of_plain(row),
            Row::Guest(row) => of_plain(row),
            Row::Ban(row) => of_plain(row),
            Row::Message(row) => of_plain(row),
            Row::Revision(row) => of_plain(row),
            Row::Star(row) => of_plain(row),
            Row::Conversation(row) => of_plain(row),
            Row::Learned(row) => of_plain(row),
            Row::Duty(row) => of_plain(row),
            Row::Rules(row) => of_plain(row),
            Row::RuleMark(row) => of_plain(row),
            Row::Alerts(row) => of_plain(row),
            Row::Hook(row) => of_plain(row),
            Row::Shown(row) => of_plain(row),
            Row::BotHook(hook) => of_plain(hook),
            Row::Fanned(row) => of_plain(row),
            Row::Job(job) => of_plain(job),
            Row::Arrival(row) => of_plain(row),
            Row::Total(row) => of_plain(row),
            Row::Page(row) => of_plain(row),
            Row::PageDay(row) => of_plain(row),
            Row::ServiceDay(row) => of_plain(row),
            Row::Salt(row) => of_plain(row),
            Row::Forgotten(site) => of_plain(site),
            Row::Peak(peak) => of_plain(peak),
            Row::Fold(row) => of_plain(row),
            Row::Part(part) => of_part(part),
            Row::File(part) => of_file(part),
            Row::Batch(batch) => return self.add_batch(batch),
        };
        self.bytes += bytes;
        self.sum = self.sum.wrapping_add(sum);
    }

    fn add_batch(&mut self, batch: &TailBatch) {
        let chain = self.chains.entry(batch.site.value()).or_default();
        let mut hasher = blake3::Hasher::new();
        hasher.update(&chain.to_be_bytes());
        hasher.update(&batch.id.0.to_be_bytes());
        hasher.update(&batch.received.0.to_be_bytes());
        hasher.update(&batch.hits.to_be_bytes());
        hasher.update(&batch.body);
        *chain = first_half(hasher.finalize());
        self.bytes += batch.body.len() as u64;
    }

    pub fn checksum(&self) -> u128 {
        let of_site = |(site, chain): (&u64, &u128)| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&site.to_be_bytes());
            hasher.update(&chain.to_be_bytes());
            first_half(hasher.finalize())
        };
        self.chains.iter().map(of_site).fold(self.sum, u128::wrapping_add)
    }
}

fn of_plain(row: &impl Serialize) -> (u128, u64) {
    let text = serde_json::to_vec(row).expect("a row of plain values encodes");
    (first_half(blake3::hash(&text)), text.len() as u64)
}

fn of_part(part: &SegmentPart) -> (u128, u64) {
    let entry = &part.entry;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&part.site.value().to_be_bytes());
    hasher.update(&entry.id.0.to_be_bytes());
    hasher.update(&entry.day_start.0.to_be_bytes());
    hasher.update(&entry.bytes.to_be_bytes());
    hasher.update(&(entry.head.len() as u64).to_be_bytes());
    hasher.update(&entry.head);
    hasher.update(&part.start.to_be_bytes());
    hasher.update(&part.body);
    (first_half(hasher.finalize()), part.body.len() as u64)
}

fn of_file(part: &FilePart) -> (u128, u64) {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&of_plain(&part.row).0.to_be_bytes());
    hasher.update(&part.start.to_be_bytes());
    hasher.update(&part.body);
    (first_half(hasher.finalize()), part.body.len() as u64)
}

fn first_half(hash: blake3::Hash) -> u128 {
    let half = hash.as_bytes()[..16].try_into();
    u128::from_be_bytes(half.expect("16 of 32 bytes"))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use model::{BatchId, Millis, SiteId};

    use super::*;
    use crate::moving::MemberRow;

    fn batch(id: u128, site: u64) -> Row {
        Row::Batch(TailBatch {
            id: BatchId(id),
            site: SiteId::of(site),
            received: Millis(1),
            hits: 1,
            body: Bytes::from_static(b"hits"),
        })
    }

    fn member(account: i64) -> Row {
        Row::Member(MemberRow { site: 1, account, role: 2 })
    }

    fn checksum(rows: &[Row]) -> u128 {
        let mut content = Content::default();
        rows.iter().for_each(|row| content.add(row));
        content.checksum()
    }

    #[test]
    fn the_order_of_a_set_does_not_matter_and_every_row_does() {
        assert_eq!(checksum(&[member(1), member(2)]), checksum(&[member(2), member(1)]));
        assert_ne!(checksum(&[member(1), member(2)]), checksum(&[member(1), member(3)]));
        assert_ne!(checksum(&[member(1), member(1)]), checksum(&[]), "rows that are twice do not cancel out");
    }

    #[test]
    fn the_order_of_each_sites_tail_matters_and_that_of_sites_does_not() {
        let one = checksum(&[batch(1, 1), batch(2, 1), batch(1, 2)]);
        assert_eq!(one, checksum(&[batch(1, 2), batch(1, 1), batch(2, 1)]));
        assert_ne!(one, checksum(&[batch(2, 1), batch(1, 1), batch(1, 2)]));
        assert_ne!(one, checksum(&[batch(1, 1), batch(2, 1), batch(2, 2)]));
        assert_ne!(checksum(&[batch(1, 1)]), checksum(&[batch(1, 2)]));
    }
}
