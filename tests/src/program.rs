//! The built program as a process of its own, to be killed at any moment.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::{Person, within};

/// How long a start may take; a debug build that replays its tail is slow.
const START_MAX: Duration = Duration::from_secs(30);

pub struct Program {
    pub address: SocketAddr,
    pub metrics: SocketAddr,
    /// Printed on a first run.
    pub set_up_path: Option<String>,
    data: PathBuf,
    flags: Vec<String>,
    /// Whose certificates it trusts, in the place of the system's.
    authority: Option<PathBuf>,
    child: Child,
}

impl Program {
    /// The binary that was built beside these tests (in `target/*`, tests being in `target/*/deps`).
    pub fn binary() -> PathBuf {
        let here = std::env::current_exe().expect("a program knows its own path");
        let built = here.ancestors().skip(1).take(2).map(|folder| folder.join("watchfire"));
        built.into_iter().find(|path| path.is_file()).expect("run `cargo build -p watchfire` first")
    }

    /// Starts on this folder and waits until it is ready.
    pub async fn start(data: &Path, flags: &[&str]) -> Program {
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        Program::start_at(free_address(), free_address(), data.to_owned(), flags, None).await
    }

    /// As `start`, where the system trusts that authority and no other.
    pub async fn start_trusting(data: &Path, flags: &[&str], authority: &Path) -> Program {
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let authority = Some(authority.to_owned());
        Program::start_at(free_address(), free_address(), data.to_owned(), flags, authority).await
    }

    async fn start_at(
        address: SocketAddr,
        metrics: SocketAddr,
        data: PathBuf,
        flags: Vec<String>,
        authority: Option<PathBuf>,
    ) -> Program {
        let mut child = Command::new(Program::binary())
            .args(["serve", "--listen", &address.to_string(), "--metrics", &metrics.to_string(), "--data"])
            .arg(&data)
            .args(["--trusted-proxies", "127.0.0.1", "--log", "warn"])
            .args(&flags)
            .envs(authority.iter().map(|authority| ("SSL_CERT_FILE", authority)))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let stdout = child.stdout.take().expect("stdout is piped");
        let (told, mut words) = tokio::sync::mpsc::channel(1);
        tokio::spawn(async move {
            let mut lines = BufReader::new(stdout).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let set_up_path = line.find("/setup/").map(|at| line[at..].trim().to_owned());
                if set_up_path.is_some() || line.contains("Watchfire is at") {
                    let _ = told.try_send(set_up_path);
                }
            }
        });
        let mut program = Program { address, metrics, set_up_path: None, data, flags, authority, child };
        program.ready().await;
        let greeting = tokio::time::timeout(START_MAX, words.recv()).await;
        program.set_up_path = greeting.expect("the program greets").flatten();
        program
    }

    async fn ready(&self) {
        let person = Person::new(self.address);
        within(START_MAX, "the program is ready", || async {
            let answer = person.try_send(hyper::Method::GET, "/readyz", &[], bytes::Bytes::new()).await;
            answer.is_ok_and(|answer| answer.status == 200).then_some(())
        })
        .await;
    }

    /// What the program tells of one metric, its labels summed. None: nothing yet.
    pub async fn metric(&self, name: &str) -> Option<f64> {
        let text = Person::new(self.metrics).get("/metrics").await.text();
        let told = text.lines().filter_map(|line| {
            let (found, value) = line.rsplit_once(' ')?;
            (found.split('{').next() == Some(name)).then(|| value.parse::<f64>().ok())?
        });
        told.reduce(|sum, value| sum + value)
    }

    pub fn pid(&self) -> u32 {
        self.child.id().expect("the program runs")
    }

    /// `kill -9`: nothing is flushed, nobody is told.
    pub async fn kill(mut self) {
        self.end().await;
    }

    async fn end(&mut self) {
        self.child.kill().await.expect("the program was running");
    }

    /// As `kill`, without waiting for the end; `replaced` starts it again.
    pub fn kill_now(&mut self) {
        self.child.start_kill().expect("the program was running");
    }

    /// `kill -9`, and another on the same folder and addresses.
    pub async fn replaced(mut self) -> Program {
        self.end().await;
        Program::start_at(self.address, self.metrics, self.data, self.flags, self.authority).await
    }

    /// SIGTERM, and another on the same folder and addresses once it ended, with success within `bound`.
    pub async fn restarted(mut self, bound: Duration) -> Program {
        assert!(self.stop(bound).await, "SIGTERM drains within {bound:?}");
        Program::start_at(self.address, self.metrics, self.data, self.flags, self.authority).await
    }

    /// SIGTERM, and whether it ended with success within `bound`.
    pub async fn terminate(mut self, bound: Duration) -> bool {
        self.stop(bound).await
    }

    async fn stop(&mut self, bound: Duration) -> bool {
        let pid = i32::try_from(self.pid()).expect("a process id fits");
        // SAFETY: signals a child of ours that has not been waited for, so the id is still its own.
        unsafe { libc::kill(pid, libc::SIGTERM) };
        let ended = tokio::time::timeout(bound, self.child.wait()).await;
        matches!(ended, Ok(Ok(status)) if status.success())
    }
}

/// A loopback port that was free a moment ago.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("a bound socket has an address")
}
