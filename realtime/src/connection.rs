//! A connection as a state machine without I/O: messages in, requests and frames out. Subscriptions, limits,
//! pings, and the outbox of a reader that may be slow. Never looks at a right.

mod allowance;
mod message;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use model::Millis;
use serde_json::value::RawValue;

use crate::frame::{self, Frame, FrameKind};
use crate::options::{
    BACKLOG_BYTES_MAX, BACKLOG_FRAMES_MAX, MISSED_PINGS_MAX, Options, ROOM_BACKLOG_FRAMES_MAX,
    SUBSCRIPTIONS_MAX,
};
use crate::topic::{Filter, Of, Topic};

use allowance::Allowance;
use message::Message;

pub struct Connection {
    subscriptions: Vec<Subscription>,
    outbox: VecDeque<Queued>,
    phase: Phase,
    /// The socket took frames that are not written yet.
    unsent: bool,
    /// Beats since something waited and nothing was written.
    stalled: u32,
    /// Beats since the close frame was queued.
    closing: u32,
    /// None: this client is not pinged by messages (events).
    pings: Option<Pings>,
    allowance: Allowance,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Open,
    /// The close frame is the last one to be sent.
    Closing,
    /// To be cut without another word.
    Dead,
}

/// One number of the client's, and the topic it stands for; several may stand for the same.
struct Subscription {
    number: u16,
    topic: Arc<Topic>,
    /// Deltas were dropped: the topic is silent until a fresh snapshot.
    behind: bool,
}

struct Queued {
    frame: Frame,
    topic: Option<Tag>,
}

/// A topic by where it lies in memory, so that queueing a frame counts no reference. It cannot name another one:
/// what is queued of a topic goes with its last subscription, which holds the topic there.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Tag(usize);

impl Tag {
    fn of(topic: &Arc<Topic>) -> Tag {
        Tag(Arc::as_ptr(topic) as usize)
    }
}

#[derive(Default)]
struct Pings {
    unanswered: Option<u64>,
    missed: u8,
}

/// What a message asks of the hub.
#[derive(Debug, PartialEq)]
pub enum Request {
    Nothing,
    Subscribe {
        number: u16,
        topic: Arc<Topic>,
    },
    /// The last subscription of the topic is gone.
    Leave(Arc<Topic>),
}

/// What became of a delta.
#[derive(Debug, PartialEq, Eq)]
pub enum Offered {
    Queued,
    /// Dropped, with everything of the topic that waited; it is behind from now on.
    FellBehind,
    /// Dropped: it is behind already, or not subscribed.
    Passed,
}

impl Connection {
    pub fn new(pinged: bool, now: Millis) -> Connection {
        Connection {
            subscriptions: Vec::new(),
            outbox: VecDeque::new(),
            phase: Phase::Open,
            unsent: false,
            stalled: 0,
            closing: 0,
            pings: pinged.then(Pings::default),
            allowance: Allowance::full(now),
        }
    }

    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Something to write, or to do, that the socket does not know of.
    pub fn has_work(&self) -> bool {
        !self.outbox.is_empty() || self.phase == Phase::Dead
    }
}

/// What the client has to say.
impl Connection {
    pub fn receive(&mut self, text: &str, now: Millis) -> Request {
        if self.phase != Phase::Open || !self.spend(now) {
            return Request::Nothing;
        }
        match Message::read(text) {
            Some(Message::Subscribe { topic, filter, number }) => self.ask(&topic, filter, number),
            Some(Message::Unsubscribe(number)) => self.unsubscribe(number),
            Some(Message::Pong(number)) => {
                self.pong(number);
                Request::Nothing
            }
            None => {
                self.close(4400, "this message is not in the protocol");
                Request::Nothing
            }
        }
    }

    pub fn receive_binary(&mut self) {
        self.close(4400, "messages are text");
    }

    /// A ping or pong of the WebSocket protocol itself.
    pub fn receive_control(&mut self, now: Millis) {
        self.spend(now);
    }

    fn spend(&mut self, now: Millis) -> bool {
        let within = self.allowance.spend(now);
        if !within {
            self.close(4429, "too many messages: 350 at once, 10 a second after that");
        }
        within
    }

    fn ask(&mut self, topic: &str, filter: Option<&RawValue>, number: u16) -> Request {
        if self.subscriptions.iter().any(|known| known.number == number) {
            self.refuse(number, "as_in_use", "This number is another subscription's; unsubscribe it first.");
            return Request::Nothing;
        }
        if self.subscriptions.len() >= SUBSCRIPTIONS_MAX {
            self.close(4429, "too many subscriptions: 300 at most");
            return Request::Nothing;
        }
        let filter = filter.map_or(Ok(Filter::default()), |json| Filter::from_json(json.get()));
        match filter.and_then(|filter| Topic::parse(topic, filter)) {
            Ok(topic) => Request::Subscribe { number, topic },
            Err(bad) => {
                self.refuse(number, bad.code(), &bad.to_string());
                Request::Nothing
            }
        }
    }

    fn unsubscribe(&mut self, number: u16) -> Request {
        let Some(index) = self.subscriptions.iter().position(|known| known.number == number) else {
            return Request::Nothing;
        };
        let gone = self.subscriptions.remove(index);
        match self.subscription(&gone.topic) {
            Some(other) => {
                other.behind |= gone.behind;
                Request::Nothing
            }
            None => {
                self.drop_queued(&gone.topic);
                Request::Leave(gone.topic)
            }
        }
    }

    fn pong(&mut self, number: u64) {
        if let Some(pings) = &mut self.pings
            && pings.unanswered == Some(number)
        {
            *pings = Pings::default();
        }
    }
}

/// What the hub has to say.
impl Connection {
    pub fn greet(&mut self, hello: Frame) {
        self.push(hello, None);
    }

    pub fn refuse(&mut self, number: u16, code: &str, message: &str) {
        self.push(frame::refused(number, code, message), None);
    }

    /// The subscription stands: its answer, and the snapshot where there is one already.
    pub fn subscribed(&mut self, number: u16, topic: &Arc<Topic>, snapshot: Option<Frame>) {
        self.subscriptions.push(Subscription { number, topic: topic.clone(), behind: false });
        if self.pings.is_some() {
            self.push(frame::subscribed(number, &topic.key), None);
        }
        if let Some(snapshot) = snapshot {
            self.replace(topic, snapshot);
        }
    }

    /// A fresh snapshot: what waited of the topic is out of date.
    pub fn replace(&mut self, topic: &Arc<Topic>, snapshot: Frame) {
        if let Some(subscription) = self.subscription(topic) {
            subscription.behind = false;
            self.drop_queued(topic);
            self.push(snapshot, Some(topic));
        }
    }

    pub fn offer(&mut self, topic: &Arc<Topic>, delta: &Frame) -> Offered {
        match self.subscription(topic) {
            Some(subscription) if !subscription.behind => {}
            _ => return Offered::Passed,
        }
        if self.has_room(topic, delta) {
            self.push(delta.clone(), Some(topic));
            return Offered::Queued;
        }
        self.drop_queued(topic);
        let subscription = self.subscription(topic).expect("it was found above");
        subscription.behind = true;
        Offered::FellBehind
    }

    fn has_room(&self, topic: &Arc<Topic>, delta: &Frame) -> bool {
        let tag = Some(Tag::of(topic));
        let waiting = self.outbox.iter().filter(|queued| queued.frame.kind == FrameKind::Delta);
        let (mut frames, mut bytes, mut all) = (0, 0, 0);
        for queued in waiting {
            all += 1;
            bytes += queued.frame.wire().len();
            frames += usize::from(queued.topic == tag);
        }
        let frames_max = match topic.of {
            Of::Site(_) => BACKLOG_FRAMES_MAX,
            Of::Room(_) | Of::People(_) | Of::Person(_) | Of::Inbox(_) => ROOM_BACKLOG_FRAMES_MAX,
        };
        all == 0 || (frames < frames_max && bytes + delta.wire().len() <= BACKLOG_BYTES_MAX)
    }

    /// Ends the subscriptions of every topic that `lost` names; those topics, each once.
    pub fn end(&mut self, lost: impl Fn(&Topic) -> bool, code: &str, message: &str) -> Vec<Arc<Topic>> {
        let mut ended: Vec<Arc<Topic>> = Vec::new();
        self.subscriptions.retain(|known| {
            let lost = lost(&known.topic);
            if lost && !ended.iter().any(|topic| Arc::ptr_eq(topic, &known.topic)) {
                ended.push(known.topic.clone());
            }
            !lost
        });
        for topic in &ended {
            self.drop_queued(topic);
            self.push(frame::ended(&topic.key, code, message), None);
        }
        ended
    }

    /// Drops the snapshots and deltas that wait, and closes with this code and reason. A second call does nothing.
    pub fn close(&mut self, code: u16, reason: &'static str) {
        if self.phase == Phase::Open {
            self.outbox.retain(|queued| queued.topic.is_none());
            self.push(frame::close(code, reason), None);
            self.phase = Phase::Closing;
        }
    }

    pub fn cut(&mut self) {
        self.phase = Phase::Dead;
    }

    /// One beat passed; `ping`: this connection's turn.
    pub fn beat(&mut self, ping: Option<(u64, &Frame)>, options: &Options) {
        let waits = self.unsent || !self.outbox.is_empty();
        self.stalled = if waits { self.stalled + 1 } else { 0 };
        self.closing += u32::from(self.phase == Phase::Closing);
        if self.stalled >= options.stall_beats || self.closing >= options.close_beats {
            self.cut();
        } else if let Some((number, frame)) = ping {
            self.ping(number, frame);
        }
    }

    fn ping(&mut self, number: u64, frame: &Frame) {
        if let Some(pings) = &mut self.pings {
            pings.missed += u8::from(pings.unanswered.is_some());
            if pings.missed >= MISSED_PINGS_MAX {
                return self.close(4408, "pings were not answered");
            }
            pings.unanswered = Some(number);
        }
        self.push(frame.clone(), None);
    }
}

/// What the socket does.
impl Connection {
    /// The socket's report: whether it wrote something since, and whether it still holds unwritten frames.
    pub fn wrote(&mut self, progress: bool, unsent: bool) {
        if progress {
            self.stalled = 0;
        }
        self.unsent = unsent;
    }

    /// The next frame to write.
    pub fn next(&mut self) -> Option<Frame> {
        Some(self.outbox.pop_front()?.frame)
    }

    /// Topics that fell behind, once everything before was taken.
    pub fn behind(&self) -> Vec<Arc<Topic>> {
        if !self.outbox.is_empty() || self.unsent || self.phase != Phase::Open {
            return Vec::new();
        }
        let behind = self.subscriptions.iter().filter(|known| known.behind);
        behind.map(|known| known.topic.clone()).collect()
    }
}

impl Connection {
    /// Every topic of the connection; one that two numbers stand for comes twice.
    pub fn topics(&self) -> impl Iterator<Item = &Arc<Topic>> {
        self.subscriptions.iter().map(|known| &known.topic)
    }

    /// The first subscription of a topic: it keeps whether the topic is behind.
    fn subscription(&mut self, topic: &Arc<Topic>) -> Option<&mut Subscription> {
        self.subscriptions.iter_mut().find(|known| Arc::ptr_eq(&known.topic, topic))
    }

    fn push(&mut self, frame: Frame, topic: Option<&Arc<Topic>>) {
        if self.phase == Phase::Open {
            self.outbox.push_back(Queued { frame, topic: topic.map(Tag::of) });
        }
    }

    fn drop_queued(&mut self, topic: &Arc<Topic>) {
        let tag = Some(Tag::of(topic));
        self.outbox.retain(|queued| queued.topic != tag);
    }
}
