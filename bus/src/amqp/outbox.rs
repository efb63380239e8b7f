//! What waits to be published: a bounded queue between the callers and the one task that publishes.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot, watch};

use super::envelope::Letter;
use crate::PublishError;

/// Bytes of publishes that may wait, sent or not, for RabbitMQ's word; more are answered `Full`.
pub const WAITING_BYTES_MAX: usize = 64 << 20;
/// Bytes that a letter counts beside its body.
const LETTER_OVERHEAD_BYTES: usize = 500;

pub struct Outbox {
    state: Mutex<State>,
    /// Tells the task that something waits, or that the outbox closes.
    pub stirred: Notify,
    /// True once the task is done.
    pub ended: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    unsent: VecDeque<Publish>,
    /// Of all that was put and is not answered.
    bytes: usize,
    closing: bool,
}

/// One publish on its way.
pub struct Publish {
    pub letter: Letter,
    pub deadline: Instant,
    pub began: Instant,
    pub answer: oneshot::Sender<Result<(), Refusal>>,
}

/// Why a publish is not on the bus.
pub enum Refusal {
    /// RabbitMQ did not take it: the queue has its maximum of bytes.
    Full,
    Unavailable(anyhow::Error),
}

impl Default for Outbox {
    fn default() -> Outbox {
        Outbox { state: Mutex::default(), stirred: Notify::new(), ended: watch::Sender::new(false) }
    }
}

impl Outbox {
    /// Queues a letter behind the earlier ones.
    pub fn put(
        &self,
        letter: Letter,
        within: Duration,
        full: PublishError,
    ) -> Result<oneshot::Receiver<Result<(), Refusal>>, PublishError> {
        let mut state = self.state.lock();
        if state.closing {
            return Err(PublishError::Unavailable(anyhow!("the bus is closed")));
        }
        let bytes = bytes_of(&letter);
        if state.bytes + bytes > WAITING_BYTES_MAX {
            return Err(full);
        }
        state.bytes += bytes;
        let (answer, answered) = oneshot::channel();
        let began = Instant::now();
        state.unsent.push_back(Publish { letter, deadline: began + within, began, answer });
        drop(state);
        self.stirred.notify_one();
        Ok(answered)
    }

    pub fn take(&self) -> Option<Publish> {
        self.state.lock().unsent.pop_front()
    }

    /// Puts back what was sent and never confirmed, before everything else, in its order.
    pub fn put_back(&self, publishes: impl DoubleEndedIterator<Item = Publish>) {
        let mut state = self.state.lock();
        publishes.rev().for_each(|publish| state.unsent.push_front(publish));
    }

    pub fn is_empty(&self) -> bool {
        self.state.lock().unsent.is_empty()
    }

    /// Nothing waits and nothing more will.
    pub fn is_done(&self) -> bool {
        let state = self.state.lock();
        state.closing && state.unsent.is_empty()
    }

    /// When the oldest of what waits is given up.
    pub fn deadline(&self) -> Option<Instant> {
        self.state.lock().unsent.front().map(|publish| publish.deadline)
    }

    /// Answers what has waited too long, with `why`.
    pub fn give_up_late(&self, why: &str) {
        let now = Instant::now();
        self.give_up(why, |publish| publish.deadline <= now);
    }

    /// Answers everything that waits: trying again is of no use.
    pub fn give_up_all(&self, why: &str) {
        self.give_up(why, |_| true);
    }

    fn give_up(&self, why: &str, ripe: impl Fn(&Publish) -> bool) {
        while let Some(publish) = self.take_if(&ripe) {
            self.answer(publish, Err(Refusal::Unavailable(anyhow!("{why}"))));
        }
    }

    pub fn answer(&self, publish: Publish, outcome: Result<(), Refusal>) {
        self.state.lock().bytes -= bytes_of(&publish.letter);
        let outcome_is = match &outcome {
            Ok(()) => {
                metrics::histogram!("watchfire_bus_commit_seconds").record(publish.began.elapsed());
                metrics::counter!("watchfire_bus_messages_total")
            }
            Err(Refusal::Full) => metrics::counter!("watchfire_bus_full_total"),
            Err(Refusal::Unavailable(_)) => metrics::counter!("watchfire_bus_failures_total"),
        };
        outcome_is.increment(1);
        // A publisher that was dropped hears nothing.
        drop(publish.answer.send(outcome));
    }

    /// Takes nothing more.
    pub fn close(&self) {
        self.state.lock().closing = true;
        self.stirred.notify_one();
    }

    fn take_if(&self, ripe: impl FnOnce(&Publish) -> bool) -> Option<Publish> {
        let mut state = self.state.lock();
        let is_ripe = state.unsent.front().is_some_and(ripe);
        if is_ripe { state.unsent.pop_front() } else { None }
    }
}

pub fn bytes_of(letter: &Letter) -> usize {
    letter.body.len() + LETTER_OVERHEAD_BYTES
}
