//! The one task that publishes: many letters under way at once, each answered when RabbitMQ confirms it. What was
//! under way when a connection was lost is sent again over the next one, in its order, until its time is up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::anyhow;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{Channel, Confirmation};
use tokio::time::{sleep, sleep_until};

use super::backoff::Backoff;
use super::envelope::Letter;
use super::link::{Dialer, Link, LinkError};
use super::outbox::{Outbox, Publish, Refusal, bytes_of};

/// Letters sent and not yet confirmed.
pub const WINDOW: usize = 128;
/// Their bytes; one letter is always sent.
pub const WINDOW_BYTES_MAX: usize = 16 << 20;

pub struct Publisher {
    outbox: Arc<Outbox>,
    dialer: Arc<Dialer>,
}

/// Why a connection is published over no longer.
enum Over {
    Done,
    Lost(anyhow::Error),
}

/// Letters under way, by the order they were sent in.
#[derive(Default)]
struct Window {
    sent: BTreeMap<u64, Publish>,
    bytes: usize,
    next: u64,
}

impl Publisher {
    pub fn start(outbox: Arc<Outbox>, dialer: Arc<Dialer>) -> tokio::task::JoinHandle<()> {
        let publisher = Publisher { outbox, dialer };
        tokio::spawn(publisher.run())
    }

    /// Publishes until the outbox is closed and empty.
    async fn run(self) {
        let _end = End(Arc::clone(&self.outbox));
        let mut backoff = Backoff::default();
        while self.wait_for_work().await {
            let link = match self.dial().await {
                Ok(link) => link,
                Err(error) => {
                    let is_refused = matches!(error, LinkError::Refused(_));
                    let error = format!("{error:#}");
                    tracing::warn!(%error, "the bus cannot be published to; trying again");
                    if is_refused {
                        self.outbox.give_up_all(&error);
                    }
                    self.wait(&mut backoff, &error).await;
                    continue;
                }
            };
            let mut window = Window::default();
            match self.publish_over(&link, &mut window, &mut backoff).await {
                Over::Done => return link.close().await,
                Over::Lost(error) => {
                    let error = format!("{error:#}");
                    tracing::warn!(%error, under_way = window.sent.len(), "the bus' connection is lost");
                    link.cut();
                    self.outbox.put_back(std::mem::take(&mut window.sent).into_values());
                    self.wait(&mut backoff, &error).await;
                }
            }
        }
    }

    /// False: nothing more will come.
    async fn wait_for_work(&self) -> bool {
        loop {
            if self.outbox.is_done() {
                return false;
            }
            if !self.outbox.is_empty() {
                return true;
            }
            self.outbox.stirred.notified().await;
        }
    }

    /// What becomes too old meanwhile is answered.
    async fn dial(&self) -> Result<Link, LinkError> {
        let mut dialling = std::pin::pin!(self.dialer.dial());
        loop {
            tokio::select! {
                dialled = &mut dialling => return dialled,
                () = reached(self.outbox.deadline()) => self.outbox.give_up_late("no connection in time"),
            }
        }
    }

    /// Waits before the next try; what becomes too old meanwhile is answered.
    async fn wait(&self, backoff: &mut Backoff, error: &str) {
        let until = Instant::now() + backoff.wait();
        loop {
            self.outbox.give_up_late(error);
            let next = self.outbox.deadline().map_or(until, |deadline| deadline.min(until));
            if next <= Instant::now() {
                return;
            }
            reached(Some(next)).await;
        }
    }

    async fn publish_over(&self, link: &Link, window: &mut Window, backoff: &mut Backoff) -> Over {
        let channel = match confirming(link).await {
            Ok(channel) => channel,
            Err(error) => return Over::Lost(error.into()),
        };
        let mut confirms = FuturesUnordered::new();
        loop {
            while window.has_room()
                && let Some(publish) = self.outbox.take()
            {
                let (number, letter) = window.add(publish);
                let mut confirm = Box::pin(send(&channel, number, letter));
                // The first poll queues the frames: in this order, whichever is confirmed first.
                match (&mut confirm).now_or_never() {
                    Some((number, outcome)) => {
                        if let Err(lost) = self.settle(window, number, outcome) {
                            return Over::Lost(lost);
                        }
                    }
                    None => confirms.push(confirm),
                }
            }
            if window.sent.is_empty() && self.outbox.is_done() {
                return Over::Done;
            }
            tokio::select! {
                Some((number, outcome)) = confirms.next() => match self.settle(window, number, outcome) {
                    Ok(()) => backoff.forget(),
                    Err(lost) => return Over::Lost(lost),
                },
                () = self.outbox.stirred.notified(), if window.has_room() => {}
                () = reached(window.deadline()) => return Over::Lost(anyhow!("RabbitMQ did not confirm in time")),
                () = gone(link), if window.sent.is_empty() => return Over::Lost(anyhow!("it ended")),
            }
        }
    }

    /// Answers one publish; an error: the connection is lost, and the publish still under way.
    fn settle(
        &self,
        window: &mut Window,
        number: u64,
        outcome: lapin::Result<Confirmation>,
    ) -> anyhow::Result<()> {
        let outcome = match outcome? {
            Confirmation::Ack(None) => Ok(()),
            Confirmation::Ack(Some(_)) | Confirmation::NotRequested => {
                anyhow::bail!("RabbitMQ returned a message: its queue is gone")
            }
            Confirmation::Nack(_) => Err(Refusal::Full),
        };
        if let Some(publish) = window.remove(number) {
            self.outbox.answer(publish, outcome);
        }
        Ok(())
    }
}

async fn confirming(link: &Link) -> lapin::Result<Channel> {
    let channel = link.channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok(channel)
}

/// Mandatory: a letter to a queue that is gone comes back instead of being confirmed and dropped.
async fn send(channel: &Channel, number: u64, letter: Letter) -> (u64, lapin::Result<Confirmation>) {
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let sent = async {
        let Letter { queue, properties, body } = letter;
        channel.basic_publish("".into(), queue.into(), options, &body, properties).await?.await
    };
    (number, sent.await)
}

async fn reached(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

/// Returns when a connection that nothing is sent over has ended.
async fn gone(link: &Link) {
    while link.is_up() {
        sleep(super::LOOK_EVERY).await;
    }
}

impl Window {
    fn has_room(&self) -> bool {
        self.sent.is_empty() || (self.sent.len() < WINDOW && self.bytes < WINDOW_BYTES_MAX)
    }

    fn add(&mut self, publish: Publish) -> (u64, Letter) {
        let (number, letter) = (self.next, publish.letter.clone());
        self.next += 1;
        self.bytes += bytes_of(&letter);
        self.sent.insert(number, publish);
        (number, letter)
    }

    fn remove(&mut self, number: u64) -> Option<Publish> {
        let publish = self.sent.remove(&number)?;
        self.bytes -= bytes_of(&publish.letter);
        Some(publish)
    }

    /// When the oldest is given up.
    fn deadline(&self) -> Option<Instant> {
        self.sent.values().next().map(|publish| publish.deadline)
    }
}

/// Whatever ends the task, a panic too: nobody waits for it any longer.
struct End(Arc<Outbox>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.close();
        while let Some(publish) = self.0.take() {
            self.0.answer(publish, Err(Refusal::Unavailable(anyhow!("the bus is closed"))));
        }
        self.0.ended.send_replace(true);
    }
}
