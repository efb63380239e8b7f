//! One process of the cluster: killed, frozen and started again at the same address and on the same folder, with lines
//! of its own to every server and a clock of its own.

use std::fmt;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use servers::{Process, Signal, free_port};
use world::{Person, Program, within};

use crate::relay::{Flow, Relay};

/// Debian's package `faketime`: the clock of a process is what a file says, and no code of ours knows.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
/// How long a start may take: a debug build on a busy machine. A processor that finds itself alone reads the whole tail
/// again for each shard, a row for nearly each request of the load: after eight minutes of it that was seen to take a
/// minute beside two compilers. How fast shards change hands is the bar of `journeys/sharing.rs` and the bench.
pub const START_MAX: Duration = Duration::from_secs(180);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Collector,
    Processor,
    Realtime,
    Web,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::Collector, Kind::Processor, Kind::Realtime, Kind::Web];
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Kind::Collector => "collector",
            Kind::Processor => "processor",
            Kind::Realtime => "realtime",
            Kind::Web => "web",
        })
    }
}

/// A line's far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seam {
    Bus,
    Live,
    Store,
}

/// Ports of the servers.
pub struct Servers {
    /// The nodes of RabbitMQ.
    pub bus: Vec<u16>,
    pub live: u16,
    pub store: u16,
}

pub struct Member {
    pub kind: Kind,
    pub name: String,
    pub address: SocketAddr,
    pub metrics: SocketAddr,
    /// Its data, its clock's file and its log.
    pub folder: PathBuf,
    flags: Vec<String>,
    bus: Vec<Relay>,
    live: Relay,
    store: Relay,
    /// None while it is killed.
    process: Option<Process>,
}

impl Member {
    /// Started and ready. `flags` are beside those that name servers.
    pub async fn start(
        kind: Kind,
        number: usize,
        folder: &Path,
        servers: &Servers,
        flags: &[&str],
    ) -> Member {
        let name = format!("{kind}-{number}");
        let mut bus = Vec::new();
        for port in &servers.bus {
            bus.push(Relay::to(*port).await);
        }
        let (live, store) = (Relay::to(servers.live).await, Relay::to(servers.store).await);
        let nodes: Vec<String> = bus.iter().map(|relay| format!("127.0.0.1:{}", relay.port)).collect();
        let named = [
            ("--services", kind.to_string()),
            ("--bus", format!("amqp://guest:guest@{}", nodes.join(","))),
            ("--live", format!("redis://127.0.0.1:{}", live.port)),
            ("--store", format!("mongodb://127.0.0.1:{}/watchfire?directConnection=true", store.port)),
        ];
        let named = named.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]);
        let flags = named.chain(flags.iter().map(|flag| flag.to_string())).collect();
        let address = || (Ipv4Addr::LOCALHOST, free_port()).into();
        let folder = folder.join(&name);
        std::fs::create_dir_all(&folder).expect("a folder of our own");
        let (address, metrics) = (address(), address());
        let mut member =
            Member { kind, name, address, metrics, folder, flags, bus, live, store, process: None };
        member.turn_clock(0);
        member.begin();
        member.is_ready().await;
        member
    }

    /// Starts the process; `is_ready` waits for it.
    pub fn begin(&mut self) {
        let log = File::options().create(true).append(true).open(self.log()).expect("a log of our own");
        let mut command = Command::new(Program::binary());
        command
            .args(["serve", "--listen", &self.address.to_string(), "--metrics", &self.metrics.to_string()])
            .arg("--data")
            .arg(self.folder.join("data"))
            .args(["--trusted-proxies", "127.0.0.1", "--log", "info"])
            .args(&self.flags)
            .env("LD_PRELOAD", FAKETIME)
            .env("FAKETIME_TIMESTAMP_FILE", self.clock())
            .env("FAKETIME_CACHE_DURATION", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("FAKETIME_DONT_RESET", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log);
        self.process = Some(Process::start(command).expect("the program starts"));
    }

    pub async fn is_ready(&mut self) {
        let person = Person::new(self.address);
        let name = self.name.clone();
        let process = self.process.as_mut();
        let process = std::sync::Mutex::new(process.expect("it was started"));
        within(START_MAX, &format!("{name} is ready"), || async {
            let ended = process.lock().expect("no panic while held").ended();
            assert!(ended.is_none(), "{name} ended by itself: {ended:?}");
            let asked = person.try_send(Method::GET, "/readyz", &[], Bytes::new());
            let answer = tokio::time::timeout(Duration::from_secs(2), asked).await;
            answer.is_ok_and(|answer| answer.is_ok_and(|answer| answer.status == 200)).then_some(())
        })
        .await;
    }

    /// SIGKILL. It must have been running: nothing may end by itself.
    pub fn kill(&mut self) {
        self.still_runs();
        self.process.take().into_iter().for_each(Process::kill);
    }

    pub fn still_runs(&mut self) {
        if let Some(process) = &mut self.process {
            let ended = process.ended();
            assert!(ended.is_none(), "{} ended by itself: {ended:?}", self.name);
        }
    }

    pub fn signal(&self, signal: Signal) {
        self.process.as_ref().expect("it runs").signal(signal);
    }

    /// SIGTERM; whether it ended with success within `bound`.
    pub async fn terminates(&mut self, bound: Duration) -> bool {
        let Some(mut process) = self.process.take() else { return false };
        process.signal(Signal::Terminate);
        let waited = async {
            loop {
                if let Some(status) = process.ended() {
                    return status.success();
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(bound, waited).await.unwrap_or(false)
    }

    /// Its line to a server; to all nodes of RabbitMQ.
    pub fn line(&self, seam: Seam, flow: Flow) {
        match seam {
            Seam::Bus => self.bus.iter().for_each(|relay| relay.set(flow)),
            Seam::Live => self.live.set(flow),
            Seam::Store => self.store.set(flow),
        }
    }

    /// Puts its clock so many seconds off, within a second.
    pub fn turn_clock(&self, seconds: i64) {
        // Renamed into place: the process never reads half of it.
        let fresh = self.clock().with_extension("fresh");
        std::fs::write(&fresh, format!("{seconds:+}\n")).expect("its clock can be written");
        std::fs::rename(fresh, self.clock()).expect("its clock can be written");
    }

    /// The highest that its memory was since it was started, in bytes.
    pub fn memory(&self) -> u64 {
        let process = self.process.as_ref().expect("it runs").id();
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
        kilobytes.unwrap_or_default() * 1024
    }

    /// A metric's sum over its labels; none: it was never told.
    pub async fn metric(&self, name: &str) -> f64 {
        let text = Person::new(self.metrics).get("/metrics").await.text();
        let of = |line: &str| {
            let rest = line.strip_prefix(name)?;
            rest.starts_with([' ', '{']).then(|| rest.rsplit(' ').next()?.parse::<f64>().ok())?
        };
        text.lines().filter_map(of).sum()
    }

    pub fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn clock(&self) -> PathBuf {
        self.folder.join("clock")
    }
}
