//! Segments in parts, read the same way out of every backend.

use async_trait::async_trait;
use model::SiteId;

use super::{Key, PART_BYTES, Page, Row, SegmentPart};
use crate::Result;
use crate::history::{History, PAGE_BYTES_MAX, SegmentEntry};

/// The shelves of all sites as one.
#[async_trait]
pub trait Shelved: Send + Sync {
    /// The first segment on the shelf of that site and id or behind, by (site, id).
    async fn segment_from(&self, site: i64, id: u128) -> Result<Option<(SiteId, SegmentEntry)>>;
}

/// One page of parts, from behind `after`.
pub async fn parts(
    history: &dyn History,
    shelved: &dyn Shelved,
    after: Option<Key>,
    limit: usize,
) -> Result<Page> {
    let (mut site, mut id, mut start) = match after {
        Some(Key::Part(site, id, start)) => (site, id, start.saturating_add(PART_BYTES as u64)),
        _ => (i64::MIN, 0, 0),
    };
    let (mut rows, mut bytes) = (Vec::new(), 0);
    while rows.len() < limit && bytes < PAGE_BYTES_MAX {
        let Some((of, entry)) = shelved.segment_from(site, id).await? else {
            return Ok(Page { rows, next: None });
        };
        let is_same = (of.value() as i64, entry.id.0) == (site, id);
        if !is_same {
            (site, id, start) = (of.value() as i64, entry.id.0, 0);
        }
        // An empty segment has one part all the same.
        if start > 0 && start >= entry.bytes {
            (site, id) = id.checked_add(1).map_or((site + 1, 0), |id| (site, id));
            start = 0;
            continue;
        }
        let length = (entry.bytes - start).min(PART_BYTES as u64) as usize;
        let body = history.read_segment(of, entry.id, start, length).await?;
        bytes += body.len() + entry.head.len();
        rows.push(Row::Part(SegmentPart { site: of, entry, start, body }));
        start += PART_BYTES as u64;
    }
    let next = rows.last().and_then(Row::key);
    Ok(Page { rows, next })
}
