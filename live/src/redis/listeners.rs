//! Who in this process watches a site or subscribes to a topic, and what each has heard so far. Never does I/O.

use std::sync::Arc;

use bytes::Bytes;
use hashbrown::HashMap;
use model::SiteId;
use tokio::sync::broadcast::{Receiver, Sender, channel};

use super::frame::Frame;
use crate::Applied;
use crate::memory::{TOPIC_MESSAGES_MAX, WATCH_COMMITS_MAX, overflow};

/// Frames that may come between a watch's subscription and its snapshot; past them it lags.
const JOINING_FRAMES_MAX: usize = 1_024;

#[derive(Default)]
pub struct Listeners {
    newest_id: u64,
    sites: HashMap<SiteId, Vec<Watcher>>,
    topics: HashMap<String, Topic>,
}

struct Watcher {
    id: u64,
    sender: Sender<Arc<Applied>>,
    heard: Heard,
}

enum Heard {
    /// Its subscription is not confirmed yet: what comes before that, the snapshot will hold.
    Asking,
    /// Its snapshot is not read yet.
    Joining(Vec<Frame>),
    Up {
        epoch: u64,
        version: u64,
    },
    /// Something was missed: the next thing it hears is that.
    Missed,
}

struct Topic {
    sender: Sender<Bytes>,
    newest: Option<u64>,
}

impl Listeners {
    pub fn join(&mut self, site: SiteId) -> (u64, Receiver<Arc<Applied>>) {
        self.newest_id += 1;
        let (sender, receiver) = channel(WATCH_COMMITS_MAX);
        let watcher = Watcher { id: self.newest_id, sender, heard: Heard::Asking };
        self.sites.entry(site).or_default().push(watcher);
        (self.newest_id, receiver)
    }

    /// The server confirmed it: from now on nothing is missed unnoticed.
    pub fn confirmed(&mut self, site: SiteId, id: u64) {
        let watchers = self.sites.entry(site).or_default();
        if let Some(watcher) = watchers.iter_mut().find(|watcher| watcher.id == id) {
            watcher.heard = Heard::Joining(vec![]);
        }
    }

    /// A watch has its snapshot: what came meanwhile follows, without what the snapshot holds.
    pub fn joined(&mut self, site: SiteId, id: u64, epoch: u64, version: u64) {
        let watchers = self.sites.entry(site).or_default();
        let Some(index) = watchers.iter().position(|watcher| watcher.id == id) else {
            return;
        };
        let watcher = &mut watchers[index];
        let heard = std::mem::replace(&mut watcher.heard, Heard::Up { epoch, version });
        let is_open = match heard {
            Heard::Joining(frames) => frames.into_iter().all(|frame| watcher.hear(frame)),
            Heard::Asking | Heard::Up { .. } => true,
            Heard::Missed => watcher.miss(),
        };
        if !is_open {
            watchers.remove(index);
        }
    }

    pub fn leave(&mut self, site: SiteId, id: u64) {
        if let Some(watchers) = self.sites.get_mut(&site) {
            watchers.retain(|watcher| watcher.id != id);
        }
    }

    /// False: nobody watches this site any more.
    pub fn commit(&mut self, site: SiteId, mut frame: impl FnMut() -> anyhow::Result<Frame>) -> bool {
        let Some(watchers) = self.sites.get_mut(&site) else {
            return false;
        };
        watchers.retain_mut(|watcher| match frame() {
            Ok(frame) => watcher.is_wanted() && watcher.hear(frame),
            Err(error) => {
                tracing::warn!(%site, error = format!("{error:#}"), "a commit cannot be read");
                watcher.miss()
            }
        });
        let is_watched = !watchers.is_empty();
        if !is_watched {
            self.sites.remove(&site);
        }
        is_watched
    }

    pub fn subscribe(&mut self, topic: &str) -> Receiver<Bytes> {
        let new = || Topic { sender: channel(TOPIC_MESSAGES_MAX).0, newest: None };
        self.topics.entry_ref(topic).or_insert_with(new).sender.subscribe()
    }

    /// False: nobody subscribes to this topic any more.
    pub fn message(&mut self, topic: &str, message: Bytes) -> bool {
        let Some(known) = self.topics.get_mut(topic) else {
            return false;
        };
        if known.sender.receiver_count() == 0 {
            self.topics.remove(topic);
            return false;
        }
        let Some((number, _)) = message.split_first_chunk::<8>() else {
            return true;
        };
        let number = u64::from_le_bytes(*number);
        if known.newest.is_some_and(|newest| newest + 1 != number) {
            overflow(&known.sender, TOPIC_MESSAGES_MAX, &Bytes::new());
        }
        known.newest = Some(number);
        let _ = known.sender.send(message.slice(8..));
        true
    }

    /// The connection was lost: nobody knows what was said meanwhile.
    pub fn miss_all(&mut self) {
        self.sites.values_mut().for_each(|watchers| watchers.retain_mut(Watcher::miss));
        self.sites.retain(|_, watchers| !watchers.is_empty());
        self.topics.retain(|_, topic| topic.sender.receiver_count() > 0);
        for topic in self.topics.values_mut() {
            topic.newest = None;
            overflow(&topic.sender, TOPIC_MESSAGES_MAX, &Bytes::new());
        }
    }

    pub fn sites(&self) -> Vec<SiteId> {
        self.sites.keys().copied().collect()
    }

    pub fn topics(&self) -> Vec<String> {
        self.topics.keys().cloned().collect()
    }
}

impl Watcher {
    fn is_wanted(&self) -> bool {
        self.sender.receiver_count() > 0
    }

    /// False: this watch is over.
    fn hear(&mut self, frame: Frame) -> bool {
        match (&mut self.heard, frame) {
            (Heard::Joining(frames), frame) if frames.len() < JOINING_FRAMES_MAX => frames.push(frame),
            (Heard::Joining(_), _) => self.heard = Heard::Missed,
            (Heard::Up { epoch, .. }, Frame::Forgotten { epoch: forgotten }) => return *epoch != forgotten,
            (Heard::Up { epoch, version }, Frame::Applied { epoch: of, applied }) => {
                let is_same = *epoch == of || (*epoch == 0 && applied.version == 1);
                if is_same && applied.version <= *version {
                    return true;
                }
                if !is_same || applied.version != *version + 1 {
                    return self.miss();
                }
                (*epoch, *version) = (of, applied.version);
                let _ = self.sender.send(applied);
            }
            (Heard::Asking | Heard::Missed, _) | (_, Frame::Superseded) => {}
        }
        true
    }

    /// Makes the receiver hear `Lagged`, and ends. False, unless it has no snapshot yet.
    fn miss(&mut self) -> bool {
        match self.heard {
            Heard::Asking => return true,
            Heard::Joining(_) => {
                self.heard = Heard::Missed;
                return true;
            }
            Heard::Up { .. } | Heard::Missed => {}
        }
        overflow(&self.sender, WATCH_COMMITS_MAX, &Arc::new(Applied::nothing()));
        false
    }
}
