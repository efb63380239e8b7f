//! A server as a child process: it cannot outlive the tests, whatever ends them.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// A process stops at once, but for what the machine does besides.
const STOP_MAX: Duration = Duration::from_secs(2);

/// A child that is killed when it is dropped, and by the kernel when this process ends in any way.
pub struct Process(Child);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Stop,
    Continue,
    Terminate,
    Kill,
}

impl Process {
    /// Starts it from a thread that lives as long as this process: the kernel ends such children with the
    /// *thread* that started them, and threads of tests end early.
    pub fn start(command: Command) -> anyhow::Result<Process> {
        let (answer, started) = channel();
        keeper().send((command, answer)).context("the thread that starts servers has ended")?;
        Ok(Process(started.recv()??))
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Whether it ended by itself.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().ok().flatten()
    }

    /// Returns once it stands still, where it is told to.
    pub fn signal(&self, signal: Signal) {
        let number = match signal {
            Signal::Stop => libc::SIGSTOP,
            Signal::Continue => libc::SIGCONT,
            Signal::Terminate => libc::SIGTERM,
            Signal::Kill => libc::SIGKILL,
        };
        // SAFETY: a child of ours that has not been waited for: the id is still its own.
        unsafe { libc::kill(self.0.id() as i32, number) };
        let end = Instant::now() + STOP_MAX;
        while signal == Signal::Stop && !self.stands_still() && Instant::now() < end {
            sleep(Duration::from_millis(1));
        }
    }

    /// Each of its threads is stopped, as the kernel tells: a thread on another core runs on for a moment.
    fn stands_still(&self) -> bool {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.0.id()));
        threads.into_iter().flatten().flatten().all(|thread| {
            let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_none_or(|(_, state)| state.starts_with(['T', 'Z', 'X']))
        })
    }

    /// Waits until it accepts connections on a loopback port; an error where it ended, or took too long.
    pub fn listens(&mut self, port: u16, within: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + within;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if let Some(status) = self.0.try_wait()? {
                bail!("the server ended with {status} before it listened");
            }
            if Instant::now() > end {
                bail!("the server does not listen on port {port} after {within:?}");
            }
            sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    pub fn kill(mut self) {
        self.end();
    }

    /// SIGTERM, then waits.
    pub fn terminate(mut self) -> anyhow::Result<ExitStatus> {
        self.signal(Signal::Terminate);
        Ok(self.0.wait()?)
    }

    fn end(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Below those that the kernel gives to outgoing connections: what is killed finds its port free when it comes back.
const PORTS: std::ops::Range<u16> = 10_000..32_000;

/// A loopback port that was free a moment ago, and that this process was not told before.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let places = PORTS.end - PORTS.start;
    // Processes begin at places of their own.
    let begin = (std::process::id().wrapping_mul(7_919) % u32::from(places)) as u16;
    loop {
        let place = NEXT.fetch_add(1, Ordering::Relaxed) % places;
        let port = PORTS.start + (begin + place) % places;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

type Order = (Command, Sender<std::io::Result<Child>>);

fn keeper() -> Sender<Order> {
    static KEEPER: OnceLock<Sender<Order>> = OnceLock::new();
    let start = || {
        let (orders, taken) = channel();
        std::thread::spawn(move || keep(taken));
        orders
    };
    KEEPER.get_or_init(start).clone()
}

fn keep(orders: Receiver<Order>) {
    for (mut command, answer) in orders {
        // SAFETY: prctl is async-signal-safe and touches only the child.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            });
        }
        let _ = answer.send(command.spawn());
    }
}
