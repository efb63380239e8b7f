//! RabbitMQ as one private node, or three in one cluster: their own port mapper, cookie, ports and folders; no plugins,
//! so that a node starts in seconds.

use std::fs::Permissions;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tempfile::TempDir;

use crate::certificates::Certified;
use crate::{Process, Signal, free_port};

/// Debian's package. Not `/usr/sbin/rabbitmq-server`: that one forces its own user and folders.
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const CONTROL: &str = "/usr/lib/rabbitmq/bin/rabbitmqctl";
/// What a client says first.
const GREETING: &[u8; 8] = b"AMQP\x00\x00\x09\x01";
/// Its folders' names; the id of the process that made it follows.
const FOLDER: &str = "watchfire-rabbitmq-";
/// One node of a cluster takes up to half a minute on a quiet machine, and was seen to take more than one on a busy one.
const START_TIME_MAX: Duration = Duration::from_secs(180);
/// Three nodes that find each other take about 34 s on a quiet machine.
const CLUSTER_START_MAX: Duration = Duration::from_secs(300);
const CLUSTER_NODES: usize = 3;
const ERLANG_ARGUMENTS: &str =
    "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none";

/// One node. Its data outlives a kill and goes with this.
pub struct RabbitMq {
    /// Its name in Erlang.
    name: String,
    /// None while it is killed.
    process: Option<Process>,
    port: u16,
    tls_port: Option<u16>,
    distribution_port: u16,
    mapper_port: u16,
    folder: TempDir,
    /// Ends after the last node.
    _mapper: Arc<Process>,
}

impl RabbitMq {
    /// Returns once it greets clients.
    pub fn start() -> anyhow::Result<RabbitMq> {
        RabbitMq::start_with(None)
    }

    /// Serves TLS too, with a certificate of its own authority for `localhost`.
    pub fn start_encrypted() -> anyhow::Result<RabbitMq> {
        RabbitMq::start_with(Some(free_port()))
    }

    /// Three nodes of one cluster.
    pub fn cluster() -> anyhow::Result<Vec<RabbitMq>> {
        let mapper_port = free_port();
        let mapper = Arc::new(start_mapper(mapper_port)?);
        let names = (0..CLUSTER_NODES).map(|number| format!("watchfire-{number}@localhost"));
        let nodes = names.map(|name| RabbitMq::prepare(name, None, mapper_port, Arc::clone(&mapper)));
        let mut nodes = nodes.collect::<anyhow::Result<Vec<_>>>()?;
        let peers = (1..).zip(&nodes).map(|(number, node)| {
            format!("cluster_formation.classic_config.nodes.{number} = {}\n", node.name)
        });
        let settings = format!(
            "cluster_formation.peer_discovery_backend = classic_config\n{}",
            peers.collect::<String>()
        );
        // All at once: each waits for the others.
        for node in &mut nodes {
            append(&node.folder.path().join("rabbitmq.conf"), &settings)?;
            node.process = Some(node.begin()?);
        }
        for node in &mut nodes {
            node.serves(CLUSTER_START_MAX)?;
        }
        Ok(nodes)
    }

    fn start_with(tls_port: Option<u16>) -> anyhow::Result<RabbitMq> {
        let mapper_port = free_port();
        let mapper = Arc::new(start_mapper(mapper_port)?);
        let mut server = RabbitMq::prepare("watchfire@localhost".to_owned(), tls_port, mapper_port, mapper)?;
        server.restart()?;
        Ok(server)
    }

    fn prepare(
        name: String,
        tls_port: Option<u16>,
        mapper_port: u16,
        mapper: Arc<Process>,
    ) -> anyhow::Result<RabbitMq> {
        sweep();
        let folder =
            tempfile::Builder::new().prefix(&format!("{FOLDER}{}-", std::process::id())).tempdir()?;
        let (port, distribution_port) = (free_port(), free_port());
        write_settings(folder.path(), port)?;
        if let Some(port) = tls_port {
            encrypt(folder.path(), port)?;
        }
        let process = None;
        let node = RabbitMq {
            name,
            process,
            port,
            tls_port,
            distribution_port,
            mapper_port,
            folder,
            _mapper: mapper,
        };
        Ok(node)
    }

    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The encrypted address, and the file of the authority's certificate (PEM) to trust.
    pub fn encrypted(&self) -> anyhow::Result<(String, PathBuf)> {
        let port = self.tls_port.context("this broker serves no TLS")?;
        Ok((format!("amqps://guest:guest@localhost:{port}"), self.folder.path().join("authority.pem")))
    }

    /// What an operator tells it with `rabbitmqctl`.
    pub fn control(&self, words: &[&str]) -> anyhow::Result<String> {
        let output =
            self.command_of(CONTROL).args(["-n", &self.name]).args(words).stdout(Stdio::piped()).output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        anyhow::ensure!(output.status.success(), "rabbitmqctl {words:?}: {said}");
        Ok(said)
    }

    /// SIGKILL: what it did not have on disk is lost.
    pub fn kill(&mut self) {
        self.process.take().into_iter().for_each(Process::kill);
    }

    /// Starts it again on the same port and files.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.kill();
        self.process = Some(self.begin()?);
        self.serves(START_TIME_MAX)
    }

    pub fn signal(&self, signal: Signal) {
        if let Some(process) = &self.process {
            process.signal(signal);
        }
    }

    pub fn process(&self) -> Option<&Process> {
        self.process.as_ref()
    }

    /// Where it writes its logs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn begin(&self) -> anyhow::Result<Process> {
        Process::start(self.command()).context("cannot start rabbitmq-server")
    }

    fn serves(&mut self, within: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + within;
        let process = self.process.as_mut().context("the node was not started")?;
        // Its listeners open one after the other.
        for port in [Some(self.port), self.tls_port].into_iter().flatten() {
            process.listens(port, within)?;
        }
        self.greets(end)
    }

    /// Its port opens a moment before it serves.
    fn greets(&self, end: Instant) -> anyhow::Result<()> {
        while let Err(error) = greet(self.port) {
            if Instant::now() > end {
                bail!("RabbitMQ does not greet: {error}");
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn command(&self) -> Command {
        self.command_of(SERVER)
    }

    fn command_of(&self, program: &str) -> Command {
        let at = |name: &str| self.folder.path().join(name);
        let mut command = Command::new(program);
        command
            .env("HOME", self.folder.path())
            .env("ERL_EPMD_PORT", self.mapper_port.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODENAME", &self.name)
            .env("RABBITMQ_NODE_PORT", self.port.to_string())
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_DIST_PORT", self.distribution_port.to_string())
            .env("RABBITMQ_MNESIA_BASE", at("data"))
            .env("RABBITMQ_LOG_BASE", at("logs"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", at("plugins"))
            .env("RABBITMQ_CONFIG_FILE", at("rabbitmq.conf"))
            .env("RABBITMQ_ADVANCED_CONFIG_FILE", at("advanced.config"))
            .env("RABBITMQ_CONF_ENV_FILE", at("environment"))
            .env("RABBITMQ_GENERATED_CONFIG_DIR", at("generated"))
            .env("RABBITMQ_PID_FILE", at("pid"))
            // The node replaces the shell that starts it, so that it is our child and dies with us.
            .env("RUNNING_UNDER_SYSTEMD", "true")
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", ERLANG_ARGUMENTS)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }
}

/// Removes the folders of tests that ended without removing them: one server serves many tests, to the last.
fn sweep() {
    let entries = std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let owner =
            name.to_str().and_then(|name| name.strip_prefix(FOLDER)?.split('-').next()?.parse::<u32>().ok());
        if owner.is_some_and(|owner| !Path::new(&format!("/proc/{owner}")).exists()) {
            // Another run may be removing it too.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// The node must not start a port mapper by itself: that one would outlive it.
fn start_mapper(port: u16) -> anyhow::Result<Process> {
    let mut command = Command::new("epmd");
    command.args(["-address", "127.0.0.1", "-port", &port.to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut mapper = Process::start(command).context("cannot start epmd")?;
    mapper.listens(port, START_TIME_MAX)?;
    Ok(mapper)
}

fn write_settings(folder: &Path, port: u16) -> anyhow::Result<()> {
    let settings = format!(
        "listeners.tcp.1 = 127.0.0.1:{port}\n\
         vm_memory_high_watermark.absolute = 2GB\n\
         disk_free_limit.absolute = 50MB\n\
         log.console = false\n"
    );
    std::fs::write(folder.join("rabbitmq.conf"), settings)?;
    std::fs::write(folder.join("environment"), "")?;
    std::fs::write(folder.join("advanced.config"), "[].\n")?;
    std::fs::write(folder.join("plugins"), "[].\n")?;
    let cookie = folder.join(".erlang.cookie");
    std::fs::write(&cookie, "watchfire")?;
    std::fs::set_permissions(cookie, Permissions::from_mode(0o400))?;
    Ok(())
}

/// Has TLS served on this port.
fn encrypt(folder: &Path, port: u16) -> anyhow::Result<()> {
    let Certified { authority, certificate, key } = Certified::make(folder)?;
    let settings = format!(
        "listeners.ssl.1 = 127.0.0.1:{port}\n\
         ssl_options.cacertfile = {}\n\
         ssl_options.certfile = {}\n\
         ssl_options.keyfile = {}\n\
         ssl_options.verify = verify_none\n",
        authority.display(),
        certificate.display(),
        key.display()
    );
    append(&folder.join("rabbitmq.conf"), &settings)
}

fn append(file: &Path, settings: &str) -> anyhow::Result<()> {
    let mut file = std::fs::File::options().append(true).open(file)?;
    Ok(file.write_all(settings.as_bytes())?)
}

fn greet(port: u16) -> std::io::Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(GREETING)?;
    stream.read_exact(&mut [0; 8])
}
