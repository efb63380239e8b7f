//! The tag, and the door that it knocks on: hits come in by HTTP and leave as messages on the bus.
//! Never looks at presence or history, and never lets an address out of its memory.

mod answers;
mod directory;
mod gather;
pub mod geo;
mod groups;
mod hits;
pub mod ignored;
mod options;
mod pixel;
mod rates;
mod request;
mod routes;
mod senders;
mod tag;

use std::sync::Arc;

use bus::Bus;
use live::{Live, RIGHTS_TOPIC, SITES_TOPIC};
use metrics::Counter;
use model::Clock;
use store::{Access, Salts, Sites, StoreError};
use tokio::net::TcpListener;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use directory::Directory;
use door::identity::Identity;
use gather::Gather;
use geo::Places;
use options::SITES_AGAIN_AFTER;
use rates::Rates;
use senders::Senders;

pub use options::Options;
pub use routes::ROUTES;

#[derive(Clone)]
pub struct Deps {
    pub bus: Arc<dyn Bus>,
    pub sites: Arc<dyn Sites>,
    pub salts: Arc<dyn Salts>,
    pub access: Access,
    pub live: Arc<dyn Live>,
    pub clock: Arc<dyn Clock>,
}

/// Routes and background work, for a server that merges several services on one listener.
pub struct Service {
    pub routes: axum::Router,
    /// Ends soon after the shutdown began, with everything gathered published.
    pub work: JoinHandle<anyhow::Result<()>>,
}

/// What a request needs.
pub(crate) struct Collector {
    clock: Arc<dyn Clock>,
    directory: Directory,
    identity: Identity,
    places: Places,
    rates: Rates,
    senders: Senders,
    gather: Gather,
    counts: Counts,
}

/// Hits by outcome. Looked up once, for each request counts.
struct Counts {
    accepted: Counter,
    refused: Counter,
    ignored: Counter,
}

/// Loads the sites and is ready to take hits, whether live can be reached yet or not.
pub async fn start(options: Options, deps: Deps, shutdown: CancellationToken) -> anyhow::Result<Service> {
    describe_metrics();
    let collector = Arc::new(Collector {
        clock: deps.clock.clone(),
        directory: Directory::load(deps.sites, options.lookups_a_second_max).await?,
        identity: Identity::new(deps.salts),
        places: Places::open(options.geoip.as_deref())?,
        rates: Rates::new(&options),
        senders: Senders::new(deps.access),
        gather: Gather::new(deps.bus.shards(), options.waiting_bytes_max),
        counts: Counts::new(),
    });
    let routes = routes::routes(collector.clone());
    let work = tokio::spawn(work(collector, deps.bus, deps.live, shutdown));
    Ok(Service { routes, work })
}

/// Alone on its own listener.
pub async fn run(
    options: Options,
    deps: Deps,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let door = options.door.clone();
    let stop_gathering = CancellationToken::new();
    let service = start(options, deps, stop_gathering.clone()).await?;
    let served = door::serve(listener, service.routes, door, shutdown).await;
    stop_gathering.cancel();
    service.work.await??;
    served
}

/// Publishes what gathers and follows what changes, until the shutdown; then publishes the rest.
async fn work(
    collector: Arc<Collector>,
    bus: Arc<dyn Bus>,
    live: Arc<dyn Live>,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    tokio::join!(
        collector.gather.publish_all(bus.as_ref(), shutdown.clone()),
        collector.follow_sites(&*live, &shutdown),
        collector.follow_rights(&*live, &shutdown),
        collector.identity.destroy_expired(collector.clock.as_ref(), &shutdown),
    );
    Ok(())
}

impl Collector {
    /// Hits are taken by the sites as they were read at the start, until changes of them can be heard.
    async fn follow_sites(&self, live: &dyn Live, shutdown: &CancellationToken) {
        let Some(mut changed) = shutdown.run_until_cancelled(live::hear(live, SITES_TOPIC)).await else {
            return;
        };
        // What changed since they were read was not heard.
        let mut is_stale = Collector::read_again(self.directory.refresh_all()).await;
        loop {
            let site = tokio::select! {
                message = changed.0.recv() => match message {
                    Ok(message) => std::str::from_utf8(&message).ok().and_then(|text| text.parse().ok()),
                    Err(RecvError::Lagged(_)) => None,
                    Err(RecvError::Closed) => return,
                },
                () = tokio::time::sleep(SITES_AGAIN_AFTER), if is_stale => None,
                () = shutdown.cancelled() => return,
            };
            is_stale = match site {
                Some(site) if !is_stale => Collector::read_again(self.directory.refresh(site)).await,
                _ => Collector::read_again(self.directory.refresh_all()).await,
            };
        }
    }

    /// Whether it failed.
    async fn read_again(read: impl Future<Output = Result<(), StoreError>>) -> bool {
        let read = read.await;
        if let Err(error) = &read {
            tracing::warn!(%error, "sites not read again; tried again in a moment");
        }
        read.is_err()
    }

    async fn follow_rights(&self, live: &dyn Live, shutdown: &CancellationToken) {
        let Some(mut changed) = shutdown.run_until_cancelled(live::hear(live, RIGHTS_TOPIC)).await else {
            return;
        };
        self.senders.forget();
        loop {
            let message = tokio::select! {
                message = changed.0.recv() => message,
                () = shutdown.cancelled() => return,
            };
            self.senders.forget();
            if matches!(message, Err(RecvError::Closed)) {
                return;
            }
        }
    }
}

impl Counts {
    fn new() -> Counts {
        let of = |outcome: &'static str| metrics::counter!("watchfire_hits_total", "outcome" => outcome);
        Counts { accepted: of("accepted"), refused: of("refused"), ignored: of("ignored") }
    }
}

fn describe_metrics() {
    use metrics::{Unit, describe_counter, describe_histogram};
    describe_counter!("watchfire_hits_total", "Hits by outcome: accepted, refused, ignored");
    describe_counter!("watchfire_hits_refused_total", "Hits that are no good, by code");
    describe_counter!("watchfire_hits_ignored_total", "Hits dropped as their site wishes, by reason");
    describe_counter!("watchfire_requests_refused_total", "Requests of which nothing was taken, by code");
    describe_histogram!("watchfire_collector_batch_hits", "Hits that share a message");
    describe_histogram!(
        "watchfire_collector_publish_seconds",
        Unit::Seconds,
        "From handing a message to the bus until it is durable"
    );
}

#[cfg(test)]
mod tests;
