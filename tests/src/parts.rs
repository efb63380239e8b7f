//! The servers that make up a world, all within this process so that they share its clock: one of all services, or as
//! a cluster several of each over real RabbitMQ, Redis and MongoDB, with a plain proxy in front.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use clap::Parser;
use futures_util::future::try_join_all;
use model::Clock;
use servers::mongodb::shared_uri;
use servers::rabbitmq::RabbitMq;
use servers::redis::Redis;
use tokio::sync::OnceCell;
use watchfire::backends;
use watchfire::serve::Server;
use watchfire::settings::Settings;

use crate::ledger::Ledger;
use crate::{Proxy, Upstreams};

/// Names a broker to use instead of one started for the tests.
const AMQP_URL: &str = "WATCHFIRE_TEST_AMQP_URL";

/// What a world is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// One process, one folder, no servers.
    Embedded,
    /// Several processes of each service.
    Cluster,
}

/// The services of a cluster and how many run each, in the order in which they start: what the last of the first
/// prints to set up with is what holds.
pub const CLUSTER: [(&str, usize); 4] = [("web", 2), ("realtime", 2), ("collector", 2), ("processor", 3)];

pub struct Parts {
    parts: Vec<Part>,
    proxy: Option<Proxy>,
    /// Ends after the servers over it.
    _redis: Option<Redis>,
}

struct Part {
    service: &'static str,
    settings: Settings,
    /// None while it is stopped.
    server: Option<Server>,
}

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    settings: Settings,
}

/// Settings as the command line gives them.
fn settings(data: &Path, flags: &[&str]) -> Settings {
    let data = data.to_str().expect("a plain path");
    let fixed = ["serve", "--listen", "127.0.0.1:0", "--trusted-proxies", "127.0.0.1", "--data", data];
    Arguments::parse_from(fixed.iter().chain(flags)).settings
}

impl Parts {
    pub async fn start(
        size: Size,
        folder: &Path,
        flags: &[&str],
        clock: &Arc<dyn Clock>,
        ledger: &Ledger,
    ) -> anyhow::Result<Parts> {
        match size {
            Size::Embedded => {
                let mut part = Part::new("all", settings(folder, flags));
                part.start(clock, ledger).await?;
                Ok(Parts { parts: vec![part], proxy: None, _redis: None })
            }
            Size::Cluster => Parts::start_cluster(folder, flags, clock, ledger).await,
        }
    }

    async fn start_cluster(
        folder: &Path,
        flags: &[&str],
        clock: &Arc<dyn Clock>,
        ledger: &Ledger,
    ) -> anyhow::Result<Parts> {
        let name = fresh_name();
        let redis = Redis::start()?;
        let (bus, live, store) = (broker().await, redis.uri(), database(&name).await);
        let named = ["--bus", &bus, "--live", &live, "--store", &store, "--installation", &name];
        let flags: Vec<&str> = named.iter().chain(&["--shards", "4"]).chain(flags).copied().collect();
        let mut parts = Vec::new();
        for (service, count) in CLUSTER {
            for number in 0..count {
                let of_service = [&flags[..], &["--services", service]].concat();
                let data = folder.join(format!("{service}-{number}"));
                parts.push(Part::new(service, settings(&data, &of_service)));
            }
        }
        let (webs, others) = parts.split_at_mut(CLUSTER[0].1);
        for web in webs {
            web.start(clock, ledger).await?;
        }
        try_join_all(others.iter_mut().map(|part| part.start(clock, ledger))).await?;
        let mut parts = Parts { parts, proxy: None, _redis: Some(redis) };
        let upstreams = Upstreams {
            collectors: parts.addresses("collector"),
            realtimes: parts.addresses("realtime"),
            webs: parts.addresses("web"),
        };
        parts.proxy = Some(Proxy::start(upstreams).await);
        Ok(parts)
    }

    fn addresses(&self, service: &str) -> Vec<SocketAddr> {
        let of_service = self.parts.iter().filter(|part| part.service == service);
        of_service.map(|part| part.settings.listen).collect()
    }

    /// Where people and tags reach all of it.
    pub fn address(&self) -> SocketAddr {
        self.proxy.as_ref().map_or(self.parts[0].settings.listen, |proxy| proxy.address)
    }

    /// Where a process itself listens that takes hits.
    pub fn collector(&self) -> SocketAddr {
        let collectors = self.parts.iter().find(|part| ["all", "collector"].contains(&part.service));
        collectors.expect("every size takes hits").settings.listen
    }

    /// As printed last, by who serves pages.
    pub fn set_up_path(&self) -> Option<String> {
        self.servers().rev().find_map(|server| server.set_up_path.clone())
    }

    /// Those that run, in the order of their start: the last is a processor.
    pub fn servers(&self) -> impl DoubleEndedIterator<Item = &Server> {
        self.parts.iter().filter_map(|part| part.server.as_ref())
    }

    /// Each is stopped in order and started again at its address, one after the other.
    pub async fn restart(&mut self, clock: &Arc<dyn Clock>, ledger: &Ledger) -> anyhow::Result<()> {
        for part in &mut self.parts {
            part.stop().await?;
            part.start(clock, ledger).await?;
        }
        Ok(())
    }

    pub async fn stop(mut self) -> anyhow::Result<()> {
        try_join_all(self.parts.iter_mut().map(Part::stop)).await.map(drop)
    }
}

impl Part {
    fn new(service: &'static str, settings: Settings) -> Part {
        Part { service, settings, server: None }
    }

    async fn start(&mut self, clock: &Arc<dyn Clock>, ledger: &Ledger) -> anyhow::Result<()> {
        let mut backends = backends::open(&self.settings).await?;
        backends.bus = ledger.over(backends.bus);
        let server = Server::over(backends, &self.settings, clock.clone()).await?;
        self.settings.listen = server.address;
        self.server = Some(server);
        Ok(())
    }

    async fn stop(&mut self) -> anyhow::Result<()> {
        match self.server.take() {
            Some(server) => server.stop().await,
            None => Ok(()),
        }
    }
}

/// What queues and a database are named after that no other world has.
fn fresh_name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("watchfire_test_{:x}_{}", fastrand::u64(..), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// The one broker of the tests of this process.
async fn broker() -> String {
    static SHARED: OnceCell<RabbitMq> = OnceCell::const_new();
    let start = || async {
        let started = tokio::task::spawn_blocking(RabbitMq::start).await.expect("no panic");
        started.expect("RabbitMQ starts")
    };
    match std::env::var(AMQP_URL) {
        Ok(url) => url,
        Err(_) => SHARED.get_or_init(start).await.url(),
    }
}

async fn database(name: &str) -> String {
    let name = name.to_owned();
    tokio::task::spawn_blocking(move || shared_uri(&name)).await.expect("the MongoDB of tests starts")
}
