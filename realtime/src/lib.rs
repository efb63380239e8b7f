//! The hub: tells dashboards over WebSocket and Server-Sent Events who is on their sites now, and people what is said in their rooms.
//! Never decides who is present, never decides a right, never keeps anything over a restart.
//!
//! | module | what |
//! |---|---|
//! | `routes`, `socket`, `events` | the doors: handshake, WebSocket, Server-Sent Events and JSON once |
//! | `connection`, `client` | one client: a state machine without I/O, and its waking |
//! | `hub`, `site` | all clients and sites; one site's topics and subscribers |
//! | `following`, `room` | topics of chat; a room's changes, told once to all who follow it |
//! | `mirror`, `view` | a site as last committed; what a topic told and what changed since. Pure |
//! | `rights`, `reach` | rights looked up again; whether Live can be reached |
//! | `topic`, `frame` | names and bytes |

mod client;
mod connection;
mod events;
mod following;
mod frame;
mod hub;
mod mirror;
pub mod options;
mod reach;
mod refused;
mod rights;
mod room;
mod routes;
mod site;
mod socket;
mod topic;
mod view;

use std::sync::Arc;
use std::time::Duration;

use chat::Chat;
use live::Live;
use model::Clock;
use store::{Access, Sites};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

pub use options::Options;

use hub::Hub;

/// Connections that were cut need no longer than this to notice.
const CUT_WAIT: Duration = Duration::from_millis(300);

pub struct Deps {
    pub live: Arc<dyn Live>,
    pub access: Access,
    pub sites: Arc<dyn Sites>,
    pub chat: Chat,
    pub clock: Arc<dyn Clock>,
}

/// Routes and background work, for a server that merges several services on one listener.
pub struct Service {
    pub routes: axum::Router,
    /// Ends within 2 s of the shutdown, with every connection closed.
    pub work: JoinHandle<anyhow::Result<()>>,
}

pub async fn start(options: Options, deps: Deps, shutdown: CancellationToken) -> anyhow::Result<Service> {
    describe_metrics();
    let hub = Arc::new(Hub::new(options, deps, shutdown));
    let routes = routes::routes(hub.clone());
    let work = tokio::spawn(work(hub));
    Ok(Service { routes, work })
}

/// Alone on its own listener.
pub async fn run(
    options: Options,
    deps: Deps,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let service = start(options, deps, shutdown.clone()).await?;
    door::serve(listener, service.routes, door::DoorOptions::default(), shutdown.clone()).await?;
    shutdown.cancel();
    service.work.await?
}

async fn work(hub: Arc<Hub>) -> anyhow::Result<()> {
    let kept = tokio::try_join!(rights::keep(hub.clone()), reach::keep(&hub), beat(&hub));
    hub.shutdown.cancel();
    hub.close_all(1001, "the server stops");
    hub.tasks.close();
    if timeout(hub.options.farewell, hub.tasks.wait()).await.is_err() {
        hub.cut_all();
        if timeout(CUT_WAIT, hub.tasks.wait()).await.is_err() {
            tracing::warn!(open = hub.tasks.len(), "connections left behind at the end of the shutdown");
        }
    }
    kept.map(|_| ())
}

async fn beat(hub: &Hub) -> anyhow::Result<()> {
    let mut beats = interval(hub.options.beat);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 1.. {
        tokio::select! {
            _ = beats.tick() => hub.beat(number),
            () = hub.shutdown.cancelled() => break,
        }
    }
    Ok(())
}

fn describe_metrics() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
    describe_gauge!("watchfire_connections", "Dashboards connected, by WebSocket or events");
    describe_gauge!("watchfire_subscriptions", "Topics that connections are subscribed to");
    describe_gauge!("watchfire_mirrors", "Sites watched by somebody");
    describe_counter!("watchfire_push_frames_total", "Deltas handed to connections");
    describe_counter!("watchfire_push_bytes_total", Unit::Bytes, "Their bytes");
    describe_counter!("watchfire_push_lags_total", "Times a slow reader lost its backlog to a snapshot");
    describe_counter!(
        "watchfire_room_gaps_total",
        "Times what happened in a room was read, since nobody announced it"
    );
    describe_counter!("watchfire_mirror_lags_total", "Times a mirror fell behind its site and was made anew");
    describe_histogram!(
        "watchfire_push_seconds",
        Unit::Seconds,
        "From a commit to its delta in the outboxes"
    );
}
