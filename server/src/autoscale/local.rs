//! Processes of this machine: children of the autoscaler, each with doors of its own on the loopback. Told to drain they give up their
//! shards and end by themselves; they end with the autoscaler, too, however it ends.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use model::Millis;
use scale::{Act, Stage};
use tokio::process::{Child, Command};

use super::provider::Seen;

/// The shutdown of a process takes less; one that takes longer is killed, which loses nothing that was acknowledged.
const STOP_MAX: Duration = Duration::from_secs(12);

pub struct Local {
    program: PathBuf,
    data: PathBuf,
    /// Of `watchfire serve`: where bus, live and store are.
    flags: Vec<String>,
    running: BTreeMap<String, Running>,
}

struct Running {
    child: Child,
    /// Of its folder: the lowest that was free.
    number: u32,
    since: Millis,
    door: SocketAddr,
    metrics: SocketAddr,
    is_told: bool,
}

impl Running {
    fn tell(&mut self) {
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok());
        if let Some(pid) = pid {
            // SAFETY: signals a child of ours that has not been waited for, so the id is still its own.
            unsafe { libc::kill(pid, libc::SIGTERM) };
        }
        self.is_told = true;
    }
}

impl Local {
    pub fn new(data: PathBuf, flags: Vec<String>) -> anyhow::Result<Local> {
        let program = std::env::current_exe().context("the program's own file is not known")?;
        Ok(Local { program, data, flags, running: BTreeMap::new() })
    }

    /// Those that ended are gone.
    pub fn fleet(&mut self) -> anyhow::Result<Vec<Seen>> {
        self.running.retain(|id, running| match running.child.try_wait() {
            Ok(None) => true,
            Ok(Some(status)) => {
                if !running.is_told || !status.success() {
                    tracing::warn!(id, %status, "a processor ended");
                }
                false
            }
            Err(error) => {
                tracing::warn!(id, %error, "a processor cannot be waited for");
                true
            }
        });
        Ok(self.running.iter().map(|(id, running)| seen(id, running)).collect())
    }

    pub fn act(&mut self, act: &Act, at: Millis) -> anyhow::Result<()> {
        match act {
            Act::Launch { count, .. } => (0..*count).try_for_each(|_| self.launch(at)),
            Act::Drain { ids } | Act::Terminate { ids } => {
                for id in ids {
                    self.end(id);
                }
                Ok(())
            }
            Act::Wait => Ok(()),
        }
    }

    fn launch(&mut self, at: Millis) -> anyhow::Result<()> {
        let is_free = |number: &u32| !self.running.values().any(|running| running.number == *number);
        let number = (1..).find(is_free).context("no number is free")?;
        let (door, metrics) = (free_address()?, free_address()?);
        let mut command = Command::new(&self.program);
        command
            .args(["serve", "--services", "processor", "--listen", &door.to_string()])
            .args(["--metrics", &metrics.to_string(), "--data"])
            .arg(self.data.join(format!("processor-{number}")))
            .args(&self.flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        // SAFETY: prctl is one system call, which a child may do between fork and exec.
        unsafe { command.pre_exec(ends_with_its_parent) };
        let child = command.spawn().with_context(|| format!("cannot start {}", self.program.display()))?;
        let running = Running { child, number, since: at, door, metrics, is_told: false };
        self.running.insert(format!("processor-{}", metrics.port()), running);
        Ok(())
    }

    /// It drains; who was told before and is still there is killed.
    fn end(&mut self, id: &str) {
        let Some(running) = self.running.get_mut(id) else {
            return;
        };
        if !running.is_told {
            running.tell();
        } else if let Err(error) = running.child.start_kill() {
            tracing::warn!(id, %error, "a processor cannot be killed");
        }
    }

    pub async fn stop(mut self) {
        self.running.values_mut().for_each(Running::tell);
        let end = tokio::time::Instant::now() + STOP_MAX;
        for (id, running) in &mut self.running {
            if tokio::time::timeout_at(end, running.child.wait()).await.is_err() {
                tracing::warn!(id, "a processor did not drain in time and is killed");
                let _gone = running.child.kill().await;
            }
        }
    }
}

fn seen(id: &str, running: &Running) -> Seen {
    Seen {
        id: id.to_owned(),
        since: running.since,
        spot: false,
        noticed: false,
        stage: running.is_told.then_some(Stage::Draining),
        door: Some(running.door),
        metrics: Some(running.metrics),
    }
}

/// A loopback port that was free a moment ago; who finds it taken ends, and is replaced.
fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(listener.local_addr()?)
}

/// It drains where its parent is gone without a word.
fn ends_with_its_parent() -> std::io::Result<()> {
    // SAFETY: takes numbers alone.
    match unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}
