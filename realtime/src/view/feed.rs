//! The feed of hits: the newest, oldest first.

use std::collections::VecDeque;

use live::{FEED_HITS_MAX, FeedHit, FeedKind};
use model::Millis;
use serde::Serialize;

use super::visitors::ShownKey;

/// The newest hits, and those of them that were not told yet.
#[derive(Default)]
pub struct Feed {
    told: VecDeque<FeedHit>,
    fresh: VecDeque<FeedHit>,
    skipped: u64,
}

#[derive(Serialize)]
pub struct Hits<'f> {
    hits: Vec<ShownHit<'f>>,
}

#[derive(Serialize)]
pub struct Delta<'f> {
    hits: Vec<ShownHit<'f>>,
    skipped: u64,
}

#[derive(Serialize)]
struct ShownHit<'f> {
    at: Millis,
    visitor: ShownKey,
    kind: &'static str,
    path: &'f str,
    country: &'f str,
    source: &'f str,
    channel: &'static str,
    name: Option<&'f str>,
}

impl Feed {
    pub fn take(&mut self, hits: &[FeedHit]) {
        self.fresh.extend(hits.iter().cloned());
        while self.fresh.len() > FEED_HITS_MAX {
            self.fresh.pop_front();
            self.skipped += 1;
        }
    }

    pub fn told(&self) -> Hits<'_> {
        Hits { hits: self.told.iter().map(shown).collect() }
    }

    pub fn delta(&mut self) -> Option<Delta<'_>> {
        if self.fresh.is_empty() {
            return None;
        }
        let (count, skipped) = (self.fresh.len(), std::mem::take(&mut self.skipped));
        self.told.append(&mut self.fresh);
        let over = self.told.len().saturating_sub(FEED_HITS_MAX);
        self.told.drain(..over);
        let fresh = self.told.iter().skip(self.told.len() - count);
        Some(Delta { hits: fresh.map(shown).collect(), skipped })
    }
}

fn shown(hit: &FeedHit) -> ShownHit<'_> {
    let (kind, name) = match &hit.kind {
        FeedKind::Pageview => ("pageview", None),
        FeedKind::Leave => ("leave", None),
        FeedKind::Event(name) => ("event", Some(&**name)),
        FeedKind::Identify(identity) => ("identify", Some(&**identity)),
    };
    ShownHit {
        at: hit.at,
        visitor: ShownKey(hit.key),
        kind,
        path: &hit.path,
        country: &hit.country,
        source: &hit.source,
        channel: hit.channel.name(),
        name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{BrowserId, Channel, VisitorId, VisitorKey};

    fn hits(count: usize) -> Vec<FeedHit> {
        let hit = |at: usize| FeedHit {
            at: Millis(at as i64),
            key: VisitorKey { visitor: VisitorId(1), browser: BrowserId(2) },
            kind: FeedKind::Event("add".into()),
            path: "/tea".into(),
            country: "FR".into(),
            source: "Google".into(),
            channel: Channel::Search,
        };
        (0..count).map(hit).collect()
    }

    fn check(taken: &[usize], told: usize, fresh: usize, skipped: u64) {
        let mut feed = Feed::default();
        feed.take(&hits(10));
        feed.delta();
        taken.iter().for_each(|&count| feed.take(&hits(count)));
        let delta = feed.delta().unwrap();
        assert_eq!((delta.hits.len(), delta.skipped), (fresh, skipped), "{taken:?}");
        assert_eq!(feed.told().hits.len(), told, "{taken:?}");
        assert!(feed.delta().is_none());
    }

    #[test]
    fn a_delta_holds_the_newest_and_counts_the_rest() {
        check(&[1], 11, 1, 0);
        check(&[20, 20], 50, 40, 0);
        check(&[50], 50, 50, 0);
        check(&[50, 1], 50, 50, 1);
        check(&[50, 50, 7], 50, 50, 57);
    }

    #[test]
    fn a_hit_is_written_as_the_protocol_says() {
        let mut feed = Feed::default();
        feed.take(&hits(1));
        let expected = r#"{"hits":[{"at":0,"visitor":"0000000000000001-0000000000000002","kind":"event","path":"/tea","country":"FR","source":"Google","channel":"search","name":"add"}],"skipped":0}"#;
        assert_eq!(serde_json::to_string(&feed.delta().unwrap()).unwrap(), expected);
    }
}
