//! A MongoDB for tests: `secantusd-rs`, which speaks MongoDB's protocol over the WiredTiger engine. It stands in for
//! `mongod` here and nowhere else: `bin/need test` puts it into a cache folder, and it runs as a process of its own.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use anyhow::{Context, bail};
use tempfile::TempDir;

use crate::{Process, free_port};

/// A server to use in place of one of our own, as `mongodb://host:port/?options`. What the tests leave in it are
/// databases whose names begin with `watchfire_test_`.
pub const URL_VARIABLE: &str = "WATCHFIRE_TEST_MONGODB_URL";
/// The program to start in place of the cached one.
pub const PROGRAM_VARIABLE: &str = "WATCHFIRE_TEST_MONGOD";
/// As `bin/need` installs it.
const VERSION: &str = "0.5.3-beta.193";
const START_MAX: Duration = Duration::from_secs(30);

/// A server on a loopback port and in a folder of its own. Both end with this value.
pub struct Mongodb {
    /// None while it is killed.
    process: Option<Process>,
    port: u16,
    folder: TempDir,
    durability: Durability,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Durability {
    /// What was acknowledged survives a SIGKILL, as with a real MongoDB.
    Synced,
    /// It does not: for a server that is never killed, much faster.
    Unsynced,
}

impl Mongodb {
    pub fn start() -> anyhow::Result<Mongodb> {
        Mongodb::start_with(Durability::Synced)
    }

    fn start_with(durability: Durability) -> anyhow::Result<Mongodb> {
        let folder = tempfile::tempdir()?;
        let mut server = Mongodb { process: None, port: free_port(), folder, durability };
        server.restart()?;
        Ok(server)
    }

    /// The URI of one of its databases.
    pub fn uri(&self, database: &str) -> String {
        uri(&self.base(), database)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn process(&self) -> Option<&Process> {
        self.process.as_ref()
    }

    /// SIGKILL: nothing is flushed, nothing is said.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again on its port and in its folder, killing it first where it runs.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.kill();
        let mut process = Process::start(command(self.folder.path(), self.port, self.durability)?)?;
        process.listens(self.port, START_MAX)?;
        self.process = Some(process);
        Ok(())
    }

    fn base(&self) -> String {
        format!("mongodb://{}:{}/?directConnection=true", Ipv4Addr::LOCALHOST, self.port)
    }
}

/// The URI of a database of the one server that the tests of this process share.
pub fn shared_uri(database: &str) -> String {
    static BASE: OnceLock<String> = OnceLock::new();
    let base = BASE.get_or_init(|| match std::env::var(URL_VARIABLE) {
        Ok(base) => base,
        Err(_) => start_shared().expect("a MongoDB for tests starts"),
    });
    uri(base, database)
}

/// Ended at the exit of this process: what is static is never dropped, and its folder would stay.
static SHARED: Mutex<Option<Mongodb>> = Mutex::new(None);

fn start_shared() -> anyhow::Result<String> {
    let server = Mongodb::start_with(Durability::Unsynced)?;
    let base = server.base();
    *SHARED.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(server);
    // SAFETY: the function is `extern "C"`, takes nothing, and unwinds never: dropping ends a child and a folder.
    unsafe { libc::atexit(end_shared) };
    Ok(base)
}

extern "C" fn end_shared() {
    if let Ok(mut shared) = SHARED.try_lock() {
        shared.take();
    }
}

/// `base` with `database` as its path.
fn uri(base: &str, database: &str) -> String {
    let (server, options) = base.split_once('?').unwrap_or((base, ""));
    format!("{}/{database}?{options}", server.trim_end_matches('/'))
}

/// The cache is a bound, not a reservation: with 256 MB a transaction of 16 MB never ends, as it may not be evicted.
fn command(folder: &Path, port: u16, durability: Durability) -> anyhow::Result<Command> {
    let log = std::fs::File::create(folder.join("server.log"))?;
    let mut command = Command::new(program()?);
    command
        .args(["--host", "127.0.0.1", "--cache-size", "1G", "--log-file-max", "64MB"])
        .args(["--port", &port.to_string()])
        .arg("--storage-path")
        .arg(folder.join("data"))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    if durability == Durability::Synced {
        command.arg("--sync-on-commit");
    }
    Ok(command)
}

fn program() -> anyhow::Result<PathBuf> {
    if let Some(program) = std::env::var_os(PROGRAM_VARIABLE) {
        return Ok(program.into());
    }
    let cache = match std::env::var_os("XDG_CACHE_HOME") {
        Some(cache) => PathBuf::from(cache),
        None => PathBuf::from(std::env::var_os("HOME").context("HOME is not set")?).join(".cache"),
    };
    let program = cache.join(format!("watchfire/secantus-mdb-{VERSION}/bin/secantusd-rs"));
    if !program.is_file() {
        bail!("{} is not there: run `bin/need test`", program.display());
    }
    Ok(program)
}
