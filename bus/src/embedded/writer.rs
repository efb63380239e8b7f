//! The one thread that writes: journal groups, acknowledgements, and the removal of segments that are done with.

use std::fs::File;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};

use super::Shared;
use super::acks::Acks;
use super::journal::Journal;
use super::segment::{HEADER_BYTES, Segment};
use super::state::Waiting;

/// Acknowledgements are written this long after the first of them.
pub const ACKS_GATHER: Duration = Duration::from_millis(200);
/// After a write of acknowledgements that failed.
const ACKS_RETRY: Duration = Duration::from_secs(2);
/// The growing segment is removed too once all in it is acknowledged and it has this many bytes.
const SPENT_BYTES: u64 = 4 << 20;

struct Writer {
    shared: Arc<Shared>,
    journal: Journal,
    acks: Acks,
    _lock: File,
}

/// What the thread was woken for.
enum Work {
    Write(Vec<Waiting>),
    WriteAcks,
    End,
}

pub fn start(
    shared: Arc<Shared>,
    journal: Journal,
    acks: Acks,
    lock: File,
) -> anyhow::Result<JoinHandle<()>> {
    let thread = std::thread::Builder::new().name("bus-journal".into());
    let mut writer = Writer { shared, journal, acks, _lock: lock };
    thread.spawn(move || writer.run()).context("cannot start the journal's thread")
}

impl Writer {
    fn run(&mut self) {
        self.measure();
        loop {
            match self.wait() {
                Work::Write(group) => self.write(group),
                Work::WriteAcks => self.write_acks(),
                Work::End => return self.write_acks(),
            }
        }
    }

    fn wait(&self) -> Work {
        let mut state = self.shared.state.lock();
        loop {
            let acks_due = state.acks_due;
            if acks_due.is_some_and(|due| due <= Instant::now()) {
                return Work::WriteAcks;
            }
            if !state.waiting.is_empty() {
                return Work::Write(state.take_group());
            }
            if state.closing {
                return Work::End;
            }
            match acks_due {
                Some(due) => drop(self.shared.work.wait_until(&mut state, due)),
                None => self.shared.work.wait(&mut state),
            }
        }
    }

    fn write(&mut self, group: Vec<Waiting>) {
        let began = Instant::now();
        let messages = group.iter().map(|waiting| (waiting.shard, &waiting.message));
        let appended = self.journal.append(messages);
        metrics::histogram!("watchfire_bus_commit_seconds").record(began.elapsed());
        match appended {
            Ok(appended) => {
                let mut state = self.shared.state.lock();
                state.commit(&group, appended);
                state.release(&group);
                drop(state);
                metrics::counter!("watchfire_bus_messages_total").increment(group.len() as u64);
                self.answer(group);
            }
            Err(error) => {
                self.shared.state.lock().release(&group);
                metrics::counter!("watchfire_bus_failures_total").increment(1);
                tracing::error!(
                    error = format!("{error:#}"),
                    messages = group.len(),
                    "cannot write the journal"
                );
                refuse(group, &error);
            }
        }
        self.measure();
    }

    fn answer(&self, group: Vec<Waiting>) {
        let mut told = None;
        for waiting in group {
            // A publisher that was dropped hears nothing.
            drop(waiting.answer.send(Ok(())));
            if told != Some(waiting.shard) {
                self.shared.arrivals[usize::from(waiting.shard)].notify_one();
                told = Some(waiting.shard);
            }
        }
    }

    /// Writes how far each shard is acknowledged, then removes the segments that nobody needs.
    fn write_acks(&mut self) {
        let floors = {
            let mut state = self.shared.state.lock();
            state.acks_due = None;
            state.floors()
        };
        if let Err(error) = self.acks.write(&floors) {
            tracing::warn!(%error, "cannot write acknowledgements, these messages may come again");
            self.shared.state.lock().acks_due = Some(Instant::now() + ACKS_RETRY);
            return;
        }
        self.remove_spent(&floors);
        self.measure();
    }

    /// Removes the segments in which every message is acknowledged by `floors`.
    fn remove_spent(&mut self, floors: &[u64]) {
        let growing = self.journal.growing();
        let spent: Vec<Segment> = {
            let mut state = self.shared.state.lock();
            let spent_bytes = if state.closing { HEADER_BYTES } else { SPENT_BYTES };
            let is_spent = |segment: &mut Segment| {
                let stays = Some(segment.first) == growing && segment.bytes < spent_bytes;
                !stays && segment.last.iter().zip(floors).all(|(last, floor)| last <= floor)
            };
            state.segments.extract_if(.., is_spent).collect()
        };
        for segment in spent {
            if Some(segment.first) == growing {
                self.journal.leave_segment();
            }
            if let Err(error) = std::fs::remove_file(&segment.path) {
                tracing::warn!(%error, file = %segment.path.display(), "cannot remove a journal file");
            }
        }
    }

    fn measure(&self) {
        let state = self.shared.state.lock();
        let depth = state.depth(self.shared.options.bytes_max);
        metrics::gauge!("watchfire_bus_depth_bytes").set(depth.bytes as f64);
        metrics::gauge!("watchfire_bus_depth_messages").set(depth.messages as f64);
        metrics::gauge!("watchfire_bus_disk_bytes").set(state.disk_bytes() as f64);
    }
}

/// Whatever ends the thread, a panic too: nobody waits for it any longer.
impl Drop for Writer {
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.shared.state.lock();
            state.closing = true;
            std::mem::take(&mut state.waiting)
        };
        refuse(waiting, &anyhow!("the journal's thread has ended"));
        self.shared.ended.send_replace(true);
        // After the line above: a consumer that is woken must see that it ended.
        self.shared.arrivals.iter().for_each(tokio::sync::Notify::notify_one);
    }
}

fn refuse(group: impl IntoIterator<Item = Waiting>, error: &anyhow::Error) {
    for waiting in group {
        drop(waiting.answer.send(Err(anyhow!("{error:#}"))));
    }
}
