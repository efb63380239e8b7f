//! What a cluster of processes stands on: RabbitMQ, Redis and MongoDB of its own, to be killed and started again.

use std::time::Duration;

use futures_util::future::join_all;
use servers::mongodb::Mongodb;
use servers::rabbitmq::RabbitMq;
use servers::redis::Redis;
use tempfile::TempDir;

use crate::{Program, Proxy, Upstreams};

/// SIGTERM drains within this.
const STOP_MAX: Duration = Duration::from_secs(10);

/// The servers, and what processes are told of them.
pub struct Ground {
    pub rabbitmq: RabbitMq,
    pub redis: Redis,
    pub mongodb: Mongodb,
    folder: TempDir,
    flags: Vec<String>,
}

impl Ground {
    /// `shards` of the bus. Waits for every server to serve.
    pub async fn start(shards: u16) -> Ground {
        tokio::task::spawn_blocking(move || Ground::start_servers(shards)).await.expect("the servers start")
    }

    fn start_servers(shards: u16) -> Ground {
        let rabbitmq = RabbitMq::start().expect("RabbitMQ starts");
        let redis = Redis::start().expect("Redis starts");
        let mongodb = Mongodb::start().expect("the MongoDB of tests starts");
        let named =
            [("--bus", rabbitmq.url()), ("--live", redis.uri()), ("--store", mongodb.uri("watchfire"))];
        let mut flags: Vec<String> =
            named.into_iter().flat_map(|(flag, uri)| [flag.to_owned(), uri]).collect();
        flags.extend(["--shards", &shards.to_string(), "--visitor-rate", "100000"].map(str::to_owned));
        let folder = tempfile::tempdir().expect("a folder of our own");
        Ground { rabbitmq, redis, mongodb, folder, flags }
    }

    /// The broker starts again, after a kill too, while others go on.
    pub async fn restart_rabbitmq(mut self) -> Ground {
        let restarted = tokio::task::spawn_blocking(move || {
            self.rabbitmq.restart().expect("RabbitMQ starts again");
            self
        });
        restarted.await.expect("RabbitMQ starts again")
    }

    /// What every process is told.
    pub fn flags(&self) -> &[String] {
        &self.flags
    }

    /// One more process that runs one service. `name` is its folder.
    pub async fn program(&self, service: &str, name: &str) -> Program {
        let mut flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        flags.extend(["--services", service]);
        Program::start(&self.folder.path().join(name), &flags).await
    }

    /// One that serves pages, and may tell bots on this machine.
    pub async fn web(&self, name: &str) -> Program {
        self.web_with(name, &[]).await
    }

    pub async fn web_with(&self, name: &str, more: &[&str]) -> Program {
        let mut flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        flags.extend(["--services", "web", "--bot-hooks", "loopback"]);
        flags.extend(more);
        Program::start(&self.folder.path().join(name), &flags).await
    }

    /// So many processes of a service, started at once.
    pub async fn programs(&self, service: &str, count: usize) -> Vec<Program> {
        let names: Vec<String> = (0..count).map(|number| format!("{service}-{number}")).collect();
        join_all(names.iter().map(|name| self.program(service, name))).await
    }

    /// Two of each service but processors, of which there are so many; and a proxy in front.
    pub async fn cluster(&self, processors: usize) -> Cluster {
        let mut webs = vec![self.program("web", "web-0").await];
        // Each offers to set up; what the last one printed holds.
        webs.push(self.program("web", "web-1").await);
        let (realtimes, collectors, processors) = tokio::join!(
            self.programs("realtime", 2),
            self.programs("collector", 2),
            self.programs("processor", processors)
        );
        let mut cluster = Cluster { webs, realtimes, collectors, processors, proxy: None };
        cluster.proxy = Some(Proxy::start(cluster.upstreams()).await);
        cluster
    }
}

/// The processes of every service, over one ground.
pub struct Cluster {
    pub webs: Vec<Program>,
    pub realtimes: Vec<Program>,
    pub collectors: Vec<Program>,
    pub processors: Vec<Program>,
    proxy: Option<Proxy>,
}

impl Cluster {
    pub fn upstreams(&self) -> Upstreams {
        let addresses = |programs: &[Program]| programs.iter().map(|program| program.address).collect();
        Upstreams {
            collectors: addresses(&self.collectors),
            realtimes: addresses(&self.realtimes),
            webs: addresses(&self.webs),
        }
    }

    /// In front of all of them.
    pub fn proxy(&self) -> &Proxy {
        self.proxy.as_ref().expect("a cluster is started with its proxy")
    }

    /// Where the owner's account is made, on a first run.
    pub fn set_up_path(&self) -> Option<&str> {
        self.webs.last()?.set_up_path.as_deref()
    }

    /// Ends every process, each within ten seconds.
    pub async fn terminate(self) {
        let Cluster { webs, realtimes, collectors, processors, .. } = self;
        for program in webs.into_iter().chain(realtimes).chain(collectors).chain(processors) {
            assert!(program.terminate(STOP_MAX).await, "SIGTERM drains within {STOP_MAX:?}");
        }
    }
}
