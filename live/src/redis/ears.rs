//! The one connection of this process that listens, shared by all watches and subscriptions. Lost, it comes back by
//! itself, and everybody is told of the gap.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use futures_util::StreamExt;
use parking_lot::Mutex;
use redis::Client;
use redis::aio::{PubSubSink, PubSubStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::master::ANSWER_MAX;
use super::scripts::{Channel, Names};
use super::{frame, listeners::Listeners};
use crate::LiveError;

/// Subscriptions that wait to be made.
const ORDERS_MAX: usize = 1_024;
/// How often a silent connection is asked whether it is there.
const PING: Duration = Duration::from_secs(1);
const RETRY_MIN_MS: u64 = 20;
const RETRY_MAX_MS: u64 = 1_000;

pub struct Ears {
    pub listeners: Arc<Mutex<Listeners>>,
    orders: mpsc::Sender<Order>,
    task: tokio::task::JoinHandle<()>,
}

struct Order {
    channel: String,
    done: oneshot::Sender<()>,
}

impl Ears {
    /// Begins to listen, at whichever of the servers answers. Within a tokio runtime.
    pub fn open(clients: Vec<Client>, names: Names) -> Ears {
        let listeners = Arc::new(Mutex::new(Listeners::default()));
        let (orders, taken) = mpsc::channel(ORDERS_MAX);
        let task = tokio::spawn(keep_listening(clients, names, listeners.clone(), taken));
        Ears { listeners, orders, task }
    }

    /// Returns once the server confirmed it: what is published from then on is heard.
    pub async fn listen(&self, channel: String) -> Result<(), LiveError> {
        let (done, confirmed) = oneshot::channel();
        let asked = async {
            self.orders.send(Order { channel, done }).await.context("nobody listens any more")?;
            confirmed.await.context("the connection was lost")
        };
        let asked = timeout(ANSWER_MAX, asked).await;
        asked.map_err(anyhow::Error::from).flatten().map_err(LiveError::Unavailable)
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn keep_listening(
    clients: Vec<Client>,
    names: Names,
    listeners: Arc<Mutex<Listeners>>,
    mut orders: mpsc::Receiver<Order>,
) {
    let mut failures = 0u32;
    for client in clients.iter().cycle() {
        let connected = connect(client, &names, &listeners).await;
        match connected {
            Ok((sink, stream)) => {
                failures = 0;
                match follow(sink, stream, &names, &listeners, &mut orders).await {
                    Ok(()) => return,
                    Err(error) => tracing::warn!(error = format!("{error:#}"), "live is not heard"),
                }
            }
            Err(error) => tracing::debug!(error = format!("{error:#}"), "live is still not heard"),
        }
        let longest = (RETRY_MIN_MS << failures.min(8)).min(RETRY_MAX_MS);
        failures = failures.saturating_add(1);
        tokio::time::sleep(Duration::from_millis(fastrand::u64(RETRY_MIN_MS / 2..=longest))).await;
    }
}

/// Takes up every channel again, and then tells everybody that there was a gap.
async fn connect(
    client: &Client,
    names: &Names,
    listeners: &Mutex<Listeners>,
) -> anyhow::Result<(PubSubSink, PubSubStream)> {
    let connected = timeout(ANSWER_MAX, client.get_async_pubsub()).await??;
    let (mut sink, stream) = connected.split();
    let (sites, topics) = {
        let listeners = listeners.lock();
        (listeners.sites(), listeners.topics())
    };
    let mut channels: Vec<_> = sites.into_iter().map(|site| names.commits_channel(site)).collect();
    channels.extend(topics.iter().map(|topic| names.topic_channel(topic)));
    if !channels.is_empty() {
        timeout(ANSWER_MAX, sink.subscribe(channels)).await??;
    }
    listeners.lock().miss_all();
    Ok((sink, stream))
}

async fn follow(
    mut sink: PubSubSink,
    mut stream: PubSubStream,
    names: &Names,
    listeners: &Mutex<Listeners>,
    orders: &mut mpsc::Receiver<Order>,
) -> anyhow::Result<()> {
    let mut ping = tokio::time::interval(PING);
    loop {
        tokio::select! {
            message = stream.next() => {
                let message = message.context("the connection was closed")?;
                let channel = message.get_channel_name();
                let body = Bytes::copy_from_slice(message.get_payload_bytes());
                if !hear(names, &mut listeners.lock(), channel, body) {
                    timeout(ANSWER_MAX, sink.unsubscribe(channel)).await??;
                }
            }
            order = orders.recv() => {
                let Some(order) = order else { return Ok(()) };
                timeout(ANSWER_MAX, sink.subscribe(&order.channel)).await??;
                let _ = order.done.send(());
            }
            _ = ping.tick() => {
                timeout(ANSWER_MAX, sink.ping::<redis::Value>()).await??;
            }
        }
    }
}

/// False: nobody listens to this channel any more.
fn hear(names: &Names, listeners: &mut Listeners, channel: &str, body: Bytes) -> bool {
    match names.read(channel) {
        Some(Channel::Topic(topic)) => listeners.message(topic, body),
        Some(Channel::Commits(site)) => listeners.commit(site, || frame::read(site, &body)),
        None => false,
    }
}
