//! What is written to Redis and read back: states and commits, each with a version in front.

use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use model::{BatchId, BrowserId, Millis, Minute, Peak, SiteId, Visitor, VisitorId, VisitorKey};
use serde::{Deserialize, Serialize};

use crate::{Applied, Change, Commit, FeedHit, Mark, Origin};

const STATE_VERSION: u8 = 1;
/// Version, flags (bit 0: a bot), shard (2 bytes), alive until (8): the part that scripts read. Little endian.
const STATE_HEAD: usize = 12;

/// A state as it stands in the hash of a site.
pub fn state(shard: u16, visitor: &Visitor) -> anyhow::Result<Vec<u8>> {
    let mut bytes = vec![STATE_VERSION, u8::from(visitor.bot.is_some())];
    bytes.extend(shard.to_le_bytes());
    bytes.extend(visitor.alive_until.0.to_le_bytes());
    Ok(postcard::to_extend(visitor, bytes)?)
}

pub fn visitor(state: &[u8]) -> anyhow::Result<Arc<Visitor>> {
    let version = state.first().context("an empty state")?;
    ensure!(*version == STATE_VERSION, "state version {version} is not known to this program");
    let body = state.get(STATE_HEAD..).context("a short state")?;
    Ok(Arc::new(postcard::from_bytes(body)?))
}

pub fn key(key: VisitorKey) -> Vec<u8> {
    [key.visitor.0.to_le_bytes(), key.browser.0.to_le_bytes()].concat()
}

/// A mark as it stands in the hash of a site: `-`, or the batch's id and when it was received.
pub fn mark(mark: Option<Mark>) -> String {
    mark.map_or_else(|| "-".to_owned(), |mark| format!("{:032x} {}", mark.batch.0, mark.received.0))
}

pub fn read_mark(text: &str) -> anyhow::Result<Option<Mark>> {
    if text == "-" {
        return Ok(None);
    }
    let (batch, received) = text.split_once(' ').context("a short mark")?;
    let batch = BatchId(u128::from_str_radix(batch, 16)?);
    Ok(Some(Mark { batch, received: Millis(received.parse()?) }))
}

/// What a commit says besides its changes.
#[derive(Serialize, Deserialize)]
pub struct Said {
    at: Millis,
    shard: u16,
    pageviews: Vec<(Minute, u32)>,
    feed: Vec<FeedHit>,
}

pub fn said(commit: &Commit) -> anyhow::Result<Vec<u8>> {
    let Commit { at, shard, .. } = *commit;
    let (pageviews, feed) = (commit.pageviews.clone(), commit.feed.clone());
    let said = postcard::to_stdvec(&Said { at, shard, pageviews, feed })?;
    // Behind it, where programs before this one do not look.
    Ok(match commit.mark {
        Some(mark) => postcard::to_extend(&(mark.batch.0, mark.received.0), said)?,
        None => said,
    })
}

/// What a site's channel carries.
pub enum Frame {
    /// The incarnation of a site that was forgotten.
    Forgotten {
        epoch: u64,
    },
    Applied {
        epoch: u64,
        applied: Arc<Applied>,
    },
    /// Only an answer: the commit was of an older term than the shard's at the site.
    Superseded,
}

pub fn read(site: SiteId, bytes: &[u8]) -> anyhow::Result<Frame> {
    let mut rest = Rest(bytes);
    match rest.number::<1>()?[0] {
        0 => Ok(Frame::Forgotten { epoch: u64::from_le_bytes(rest.number()?) }),
        1 => {
            let epoch = u64::from_le_bytes(rest.number()?);
            Ok(Frame::Applied { epoch, applied: Arc::new(applied(site, rest)?) })
        }
        2 => Ok(Frame::Superseded),
        other => bail!("frame kind {other} is not known to this program"),
    }
}

fn applied(site: SiteId, mut rest: Rest<'_>) -> anyhow::Result<Applied> {
    let version = u64::from_le_bytes(rest.number()?);
    let present = u32::from_le_bytes(rest.number()?);
    let hour = Millis(i64::from_le_bytes(rest.number()?));
    let count = u32::from_le_bytes(rest.number()?);
    let is_first = rest.number::<1>()?[0] == 1;
    let (Said { at, shard, pageviews, feed }, behind) = postcard::take_from_bytes(rest.text()?)?;
    let mark = match behind {
        [] => None,
        mark => Some(postcard::from_bytes(mark)?),
    };
    let mark = mark.map(|(batch, received)| Mark { batch: BatchId(batch), received: Millis(received) });
    let changes = u32::from_le_bytes(rest.number()?);
    let changes = (0..changes).map(|_| change(&mut rest)).collect::<anyhow::Result<_>>()?;
    let origin = Origin::default();
    let commit = Arc::new(Commit { site, shard, origin, mark, at, changes, pageviews, feed });
    Ok(Applied { site, version, present, peak: Peak { site, hour, count }, is_first, commit })
}

fn change(rest: &mut Rest<'_>) -> anyhow::Result<Change> {
    let visitor_id = VisitorId(u64::from_le_bytes(rest.number()?));
    let key = VisitorKey { visitor: visitor_id, browser: BrowserId(u64::from_le_bytes(rest.number()?)) };
    let mut state = || -> anyhow::Result<Option<Arc<Visitor>>> {
        let bytes = rest.text()?;
        // One that a newer program wrote is left out of snapshots too: nobody counts it here.
        Ok(if bytes.is_empty() { None } else { visitor(bytes).ok() })
    };
    Ok(Change { key, before: state()?, after: state()? })
}

/// The part of a frame not read yet.
struct Rest<'b>(&'b [u8]);

impl<'b> Rest<'b> {
    fn take(&mut self, bytes: usize) -> anyhow::Result<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes).context("a short frame")?;
        self.0 = rest;
        Ok(taken)
    }

    fn number<const BYTES: usize>(&mut self) -> anyhow::Result<[u8; BYTES]> {
        Ok(self.take(BYTES)?.try_into()?)
    }

    /// Four bytes of length, then as many.
    fn text(&mut self) -> anyhow::Result<&'b [u8]> {
        let length = u32::from_le_bytes(self.number()?);
        self.take(length as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a commit is published, and its only part that tells of marks.
    fn published(said: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; 8 + 4 + 8 + 4 + 1];
        frame.extend((said.len() as u32).to_le_bytes());
        frame.extend(said);
        frame.extend(0_u32.to_le_bytes());
        frame
    }

    #[test]
    fn programs_with_and_without_marks_read_each_other() {
        let mark = Mark { batch: BatchId(u128::MAX - 7), received: Millis(-5) };
        let marked = Commit {
            site: SiteId::of(1),
            shard: 3,
            origin: Origin::default(),
            mark: Some(mark),
            at: Millis(9),
            changes: vec![],
            pageviews: vec![(Minute(4), 2)],
            feed: vec![],
        };
        let with = said(&marked).expect("it encodes");
        let without = said(&Commit { mark: None, ..marked.clone() }).expect("it encodes");
        // One of the version before reads what it knows, and no further.
        let old: Said = postcard::from_bytes(&with).expect("it reads the newer one's");
        assert_eq!((old.at, old.shard, old.pageviews), (Millis(9), 3, marked.pageviews.clone()));
        for (bytes, expected) in [(with, Some(mark)), (without, None)] {
            let read = applied(marked.site, Rest(&published(&bytes))).expect("it is read");
            assert_eq!((read.commit.mark, &read.commit.pageviews), (expected, &marked.pageviews));
        }
    }
}
