//! The cluster under fire: servers, processes, and what can be done to them.

use std::path::Path;
use std::time::{Duration, Instant};

use bus::Bus;
use bus::amqp::{AmqpBus, Options};
use servers::Signal;
use servers::mongodb::Mongodb;
use servers::rabbitmq::RabbitMq;
use servers::redis::Redis;
use tokio::time::sleep;
use world::within;

use crate::clients::Load;
use crate::member::{Kind, Member, START_MAX, Servers};
use crate::relay::Flow;
use crate::schedule::{Fault, Server, Size, What};

pub const SHARDS: u16 = 4;
/// So small that it fills in a few seconds.
pub const BUS_BYTES_MAX: u64 = 160_000;
/// Everything works again within this after a fault: a shard may just then have been read again by a processor that
/// lost it.
const RECOVERY_MAX: Duration = START_MAX;
/// Messages that may wait on a bus that works.
const DEPTH_WELL: u64 = 200;
/// How long the bus may take to fill.
const FILL_MAX: Duration = Duration::from_secs(120);
const PROCESSORS: usize = 3;

pub struct Cluster {
    pub rabbitmq: Vec<RabbitMq>,
    pub redis: Redis,
    pub mongodb: Mongodb,
    pub members: Vec<Member>,
}

impl Cluster {
    pub async fn start(folder: &Path, nodes: usize) -> Cluster {
        let servers = tokio::task::spawn_blocking(move || {
            let rabbitmq = match nodes {
                1 => RabbitMq::start().map(|node| vec![node]),
                _ => RabbitMq::cluster(),
            };
            (rabbitmq, Redis::start(), Mongodb::start())
        });
        let (rabbitmq, redis, mongodb) = servers.await.expect("the servers start");
        let rabbitmq = rabbitmq.expect("RabbitMQ starts");
        let redis = redis.expect("Redis starts");
        let mongodb = mongodb.expect("the MongoDB of tests starts");
        let ports = Servers {
            bus: rabbitmq.iter().map(RabbitMq::port).collect(),
            live: redis.port(),
            store: mongodb.port(),
        };
        let (shards, bytes) = (SHARDS.to_string(), BUS_BYTES_MAX.to_string());
        let flags = ["--shards", &shards, "--bus-bytes-max", &bytes, "--visitor-rate", "100000"];
        let mut members = Vec::new();
        for (kind, count) in
            [(Kind::Web, 2), (Kind::Realtime, 2), (Kind::Collector, 2), (Kind::Processor, PROCESSORS)]
        {
            for number in 0..count {
                members.push(Member::start(kind, number, folder, &ports, &flags).await);
            }
        }
        Cluster { rabbitmq, redis, mongodb, members }
    }

    pub fn size(&self) -> Size {
        Size {
            collectors: self.of(Kind::Collector).count(),
            processors: self.of(Kind::Processor).count(),
            realtimes: self.of(Kind::Realtime).count(),
            webs: self.of(Kind::Web).count(),
            nodes: self.rabbitmq.len(),
        }
    }

    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(move |member| member.kind == kind)
    }

    fn member(&mut self, kind: Kind, number: usize) -> &mut Member {
        let mut of_kind = self.members.iter_mut().filter(|member| member.kind == kind);
        of_kind.nth(number).expect("a schedule knows how many there are")
    }

    /// Lets it happen, and makes it good.
    pub async fn suffer(&mut self, fault: Fault, load: &Load) {
        match fault.what {
            What::Kill(kind, number) => {
                let member = self.member(kind, number);
                member.kill();
                sleep(fault.lasts).await;
                member.begin();
                member.is_ready().await;
            }
            What::Freeze(kind, number) => {
                let member = self.member(kind, number);
                member.signal(Signal::Stop);
                sleep(fault.lasts).await;
                member.signal(Signal::Continue);
            }
            What::KillServer(server) => {
                self.kill_server(server);
                sleep(fault.lasts).await;
                self.restart_server(server);
            }
            What::FreezeServer(server) => {
                self.signal_server(server, Signal::Stop);
                sleep(fault.lasts).await;
                self.signal_server(server, Signal::Continue);
            }
            What::Line(kind, number, seam, flow) => {
                let member = self.member(kind, number);
                member.line(seam, flow);
                sleep(fault.lasts).await;
                member.line(seam, Flow::Open);
            }
            What::Fill => self.fill(load).await,
            What::Clock(kind, number, seconds) => {
                self.member(kind, number).turn_clock(seconds);
                sleep(fault.lasts + Duration::from_secs(1)).await;
                self.member(kind, number).turn_clock(0);
            }
            What::Emptied => {
                self.redis.ask("FLUSHALL").expect("Redis answers");
            }
        }
    }

    /// Waits until no collector holds hits back from the bus.
    pub async fn spools_are_empty(&self, bound: Duration) {
        within(bound, "the spools are empty", || async {
            let mut spooled = 0.0;
            for collector in self.of(Kind::Collector) {
                spooled += collector.metric("watchfire_bus_spooled_bytes").await;
            }
            (spooled == 0.0).then_some(())
        })
        .await;
    }

    async fn fill(&mut self, load: &Load) {
        // What a collector spools goes first and in order: as long as that lasts, it takes hits however full the bus is.
        self.spools_are_empty(RECOVERY_MAX).await;
        let processors = self.members.iter_mut().filter(|member| member.kind == Kind::Processor);
        processors.for_each(Member::kill);
        let met = load.full_answers();
        within(FILL_MAX, "the bus is full and says so", || async {
            (load.full_answers() > met + 5).then_some(())
        })
        .await;
        for member in self.members.iter_mut().filter(|member| member.kind == Kind::Processor) {
            member.begin();
        }
    }

    fn kill_server(&mut self, server: Server) {
        match server {
            Server::Node(number) => self.rabbitmq[number].kill(),
            Server::Redis => self.redis.kill(),
            Server::Mongodb => self.mongodb.kill(),
        }
    }

    fn restart_server(&mut self, server: Server) {
        tokio::task::block_in_place(|| match server {
            Server::Node(number) => self.rabbitmq[number].restart(),
            Server::Redis => self.redis.restart(),
            Server::Mongodb => self.mongodb.restart(),
        })
        .unwrap_or_else(|error| panic!("{server:?} does not start again: {error:#}"));
    }

    fn signal_server(&self, server: Server, signal: Signal) {
        match server {
            Server::Node(number) => self.rabbitmq[number].signal(signal),
            Server::Redis => self.redis.signal(signal),
            Server::Mongodb => {
                self.mongodb.process().into_iter().for_each(|process| process.signal(signal));
            }
        }
    }

    /// Waits until every process is ready, the bus drains and hits are taken. How long that took.
    pub async fn recovers(&mut self, load: &Load) -> Duration {
        let began = Instant::now();
        for member in &mut self.members {
            member.is_ready().await;
        }
        let before = load.acknowledged();
        within(RECOVERY_MAX, "hits are taken again", || async {
            (load.acknowledged() > before).then_some(())
        })
        .await;
        let watched = self.bus();
        within(RECOVERY_MAX, "the bus drains again", || async {
            (watched.depth().await.messages < DEPTH_WELL).then_some(())
        })
        .await;
        watched.close().await;
        began.elapsed()
    }

    /// The bus as one more process sees it, without a relay.
    pub fn bus(&self) -> AmqpBus {
        let nodes: Vec<String> =
            self.rabbitmq.iter().map(|node| format!("127.0.0.1:{}", node.port())).collect();
        let options = Options { shards: SHARDS, bytes_max: BUS_BYTES_MAX, ..Default::default() };
        AmqpBus::open(&format!("amqp://guest:guest@{}", nodes.join(",")), options).expect("an address")
    }
}
