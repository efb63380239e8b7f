//! Redis for tests: one server, or three masters in cluster mode. Kept in a folder of its own, on ports of its own.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tempfile::TempDir;

use crate::certificates::Certified;
use crate::{Process, Signal, free_port};

const START_MAX: Duration = Duration::from_secs(10);
const SLOTS: u32 = 16_384;

/// One server. Its data outlives a kill and goes with this.
pub struct Redis {
    port: u16,
    cluster_port: u16,
    folder: TempDir,
    is_cluster: bool,
    /// TLS too: on this port, with these files.
    encrypted: Option<(u16, Certified)>,
    process: Option<Process>,
}

impl Redis {
    pub fn start() -> anyhow::Result<Redis> {
        Redis::begin(TempDir::new()?, false, None)
    }

    /// Serves TLS too, with a certificate of an authority of its own.
    pub fn start_encrypted() -> anyhow::Result<Redis> {
        let folder = TempDir::new()?;
        let certified = Certified::make(folder.path())?;
        Redis::begin(folder, false, Some(certified))
    }

    /// Three masters that share the slots.
    pub fn cluster() -> anyhow::Result<Vec<Redis>> {
        let nodes = (0..3).map(|_| Redis::begin(TempDir::new()?, true, None));
        joined(nodes.collect::<anyhow::Result<_>>()?)
    }

    /// Three masters that serve TLS too, and speak it among themselves, all by one authority.
    pub fn cluster_encrypted() -> anyhow::Result<Vec<Redis>> {
        let folders = (0..3).map(|_| TempDir::new()).collect::<Result<Vec<_>, _>>()?;
        let certified = Certified::make(folders[0].path())?;
        let nodes = folders.into_iter().map(|folder| Redis::begin(folder, true, Some(certified.clone())));
        joined(nodes.collect::<anyhow::Result<_>>()?)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn uri(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn process(&self) -> Option<&Process> {
        self.process.as_ref()
    }

    /// The encrypted address, and the file of the authority (PEM) to trust.
    pub fn encrypted(&self) -> anyhow::Result<(String, &Path)> {
        let (port, certified) = self.encrypted.as_ref().context("this server serves no TLS")?;
        Ok((format!("rediss://localhost:{port}"), &certified.authority))
    }

    pub fn signal(&self, signal: Signal) {
        if let Some(process) = &self.process {
            process.signal(signal);
        }
    }

    /// SIGKILL; `restart` starts it again on the same port and data.
    pub fn kill(&mut self) {
        self.process.take();
    }

    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.kill();
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &self.port.to_string(), "--save", ""]);
        command.args(["--appendonly", "yes", "--appendfsync", "everysec"]);
        if self.is_cluster {
            command.args(["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"]);
            command.args(["--cluster-port", &self.cluster_port.to_string()]);
            command.args(["--cluster-require-full-coverage", "no"]);
        }
        if let Some((port, certified)) = &self.encrypted {
            command.args(["--tls-port", &port.to_string(), "--tls-auth-clients", "no"]);
            command.arg("--tls-ca-cert-file").arg(&certified.authority);
            command.arg("--tls-cert-file").arg(&certified.certificate);
            command.arg("--tls-key-file").arg(&certified.key);
            command.args(["--tls-cluster", if self.is_cluster { "yes" } else { "no" }]);
        }
        command.arg("--dir").arg(self.folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = Process::start(command).context("redis-server (apt-get install redis-server)")?;
        for port in [Some(self.port), self.tls_port()].into_iter().flatten() {
            process.listens(port, START_MAX)?;
        }
        self.process = Some(process);
        Ok(())
    }

    /// The answer to one command, as it is written on the wire.
    pub fn ask(&self, command: &str) -> anyhow::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        ensure!(!answer.starts_with('-'), "{command}: {answer}");
        Ok(answer)
    }

    fn begin(folder: TempDir, is_cluster: bool, certified: Option<Certified>) -> anyhow::Result<Redis> {
        let (port, cluster_port) = (free_port(), free_port());
        let encrypted = certified.map(|certified| (free_port(), certified));
        let mut redis = Redis { port, cluster_port, folder, is_cluster, encrypted, process: None };
        redis.restart()?;
        Ok(redis)
    }

    fn tls_port(&self) -> Option<u16> {
        self.encrypted.as_ref().map(|(port, _)| *port)
    }
}

/// Gives each its slots, and waits until they know each other.
fn joined(nodes: Vec<Redis>) -> anyhow::Result<Vec<Redis>> {
    for (index, node) in (0u32..).zip(&nodes) {
        let (from, to) = (index * SLOTS / 3, (index + 1) * SLOTS / 3 - 1);
        node.ask(&format!("CLUSTER ADDSLOTSRANGE {from} {to}"))?;
        node.ask(&format!("CLUSTER SET-CONFIG-EPOCH {}", index + 1))?;
    }
    let first = &nodes[0];
    for node in &nodes[1..] {
        let port = first.tls_port().unwrap_or(first.port);
        node.ask(&format!("CLUSTER MEET 127.0.0.1 {port} {}", first.cluster_port))?;
    }
    let end = Instant::now() + START_MAX;
    for node in &nodes {
        while !node.ask("CLUSTER INFO")?.contains("cluster_state:ok") {
            ensure!(Instant::now() < end, "the cluster is not complete after {START_MAX:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    Ok(nodes)
}
