//! What a topic has told its subscribers, and what changed since: the snapshot and the next delta. Pure.
//! A snapshot is of what was told last, so that it and the deltas after it always fit.

mod feed;
mod live;
#[cfg(test)]
mod tests;
mod visitors;

use std::sync::Arc;

use ::live::Applied;
use model::Visitor;
use serde::Serialize;

use crate::frame::{self, Frame};
use crate::mirror::Mirror;
use crate::topic::{Kind, Topic};

use feed::Feed;
use live::LiveView;
use visitors::VisitorsView;

pub enum View {
    Now { told: u32 },
    Live(Box<LiveView>),
    Visitors(VisitorsView),
    Hits(Feed),
}

#[derive(Serialize)]
struct Present {
    present: u32,
}

impl View {
    pub fn of(topic: &Topic, mirror: &Mirror) -> View {
        match topic.kind {
            Kind::Now => View::Now { told: mirror.present },
            Kind::Live => View::Live(Box::new(LiveView::of(topic.filter.clone(), mirror))),
            Kind::Visitors => View::Visitors(VisitorsView::of(topic.filter.clone(), mirror)),
            Kind::Hits => View::Hits(Feed::default()),
        }
    }

    /// A visitor came, changed or went.
    pub fn change(&mut self, before: Option<&Arc<Visitor>>, after: Option<&Arc<Visitor>>) {
        match self {
            View::Now { .. } | View::Hits(_) => {}
            View::Live(view) => view.change(before.map(|state| &**state), after.map(|state| &**state)),
            View::Visitors(view) => view.change(before, after),
        }
    }

    /// A commit happened; its changes were told by `change`.
    pub fn applied(&mut self, applied: &Applied) {
        if let View::Hits(feed) = self {
            feed.take(&applied.commit.feed);
        }
    }

    /// The mirror was made anew: commits were missed. What was told stands; the next delta makes up for it.
    pub fn restart(&mut self, mirror: &Mirror) {
        match self {
            View::Now { .. } | View::Hits(_) => {}
            View::Live(view) => view.restart(mirror),
            View::Visitors(view) => view.restart(mirror),
        }
    }

    pub fn snapshot(&self, key: &str, version: u64) -> Frame {
        match self {
            View::Now { told } => frame::snapshot(key, version, &Present { present: *told }),
            View::Live(view) => frame::snapshot(key, version, view.told()),
            View::Visitors(view) => frame::snapshot(key, version, &view.told()),
            View::Hits(feed) => frame::snapshot(key, version, &feed.told()),
        }
    }

    /// What changed since the last delta, and with it told. None: nothing that shows.
    pub fn delta(&mut self, mirror: &Mirror, key: &str, version: u64) -> Option<Frame> {
        match self {
            View::Now { told } => {
                if *told == mirror.present {
                    return None;
                }
                *told = mirror.present;
                Some(frame::delta(key, version, &Present { present: *told }))
            }
            View::Live(view) => view.delta(mirror).map(|delta| frame::delta(key, version, &delta)),
            View::Visitors(view) => view.delta().map(|delta| frame::delta(key, version, &delta)),
            View::Hits(feed) => feed.delta().map(|delta| frame::delta(key, version, &delta)),
        }
    }
}
