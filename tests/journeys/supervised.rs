//! The program under a service manager as systemd is one: the manager holds the door's socket and is told how things go.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use tempfile::TempDir;
use tokio::net::UnixDatagram;
use tokio::process::{Child, Command};
use tokio::time::timeout;
use world::{Person, Program};

const ASKERS: usize = 16;
const RESTARTS: usize = 4;
/// A debug build that starts; and one that drains.
const TOLD_MAX: Duration = Duration::from_secs(30);
const WATCHDOG: Duration = Duration::from_millis(600);

/// Holds a socket, and hears what the program says of itself.
struct Manager {
    door: TcpListener,
    told: UnixDatagram,
    folder: TempDir,
}

impl Manager {
    fn new() -> Manager {
        let folder = tempfile::tempdir().expect("a folder of our own");
        let told = UnixDatagram::bind(folder.path().join("notify")).expect("a socket to be told at");
        let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        Manager { door, told, folder }
    }

    fn address(&self) -> SocketAddr {
        self.door.local_addr().expect("a bound socket has an address")
    }

    /// Starts the program as systemd does: the socket is its file 3, and the process is named by its own id.
    fn start(&self, sockets: usize) -> Child {
        let door = self.door.as_raw_fd();
        let data: PathBuf = self.folder.path().join("data");
        let mut command = Command::new("sh");
        command
            .args(["-c", "LISTEN_PID=$$ exec \"$0\" \"$@\""])
            .arg(Program::binary())
            .args(["serve", "--listen", "127.0.0.1:1", "--metrics", "127.0.0.1:0", "--log", "warn", "--data"])
            .arg(data)
            .env("LISTEN_FDS", sockets.to_string())
            .env("NOTIFY_SOCKET", self.folder.path().join("notify"))
            .env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // SAFETY: between fork and exec only two system calls are made. The copy past 3 is there for the case that the
        // socket is file 3 already: only a copy stays open through exec.
        unsafe {
            command.pre_exec(move || {
                let copy = libc::fcntl(door, libc::F_DUPFD_CLOEXEC, 10);
                match copy >= 0 && libc::dup2(copy, 3) == 3 {
                    true => Ok(()),
                    false => Err(std::io::Error::last_os_error()),
                }
            });
        }
        command.spawn().expect("the program starts")
    }

    /// Waits until the program says this; what else it says before is passed over.
    async fn hears(&self, awaited: &str) {
        let mut bytes = [0; 256];
        let heard = async {
            loop {
                let length = self.told.recv(&mut bytes).await.expect("a datagram");
                if String::from_utf8_lossy(&bytes[..length]).lines().any(|line| line == awaited) {
                    return;
                }
            }
        };
        timeout(TOLD_MAX, heard).await.unwrap_or_else(|_| panic!("nobody said {awaited}"));
    }

    async fn stop(&self, mut program: Child) {
        signal(&program, libc::SIGTERM);
        self.hears("STOPPING=1").await;
        let ended = timeout(TOLD_MAX, program.wait()).await.expect("it ends").expect("it was ours");
        assert!(ended.success(), "{ended}");
    }
}

fn signal(program: &Child, signal: i32) {
    let pid = program.id().and_then(|id| i32::try_from(id).ok()).expect("the program runs");
    // SAFETY: signals a child of ours that has not been waited for, so the id is still its own.
    unsafe { libc::kill(pid, signal) };
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_while_a_program_restarts_behind_a_held_socket_is_answered() {
    let manager = Manager::new();
    let address = manager.address();
    let mut program = manager.start(1);
    manager.hears("READY=1").await;
    assert_eq!(Person::new(address).get("/readyz").await.status, 200, "it is ready when it says so");
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let askers: Vec<_> = (0..ASKERS).map(|_| tokio::spawn(ask_until(stopped.clone(), address))).collect();
    for _ in 0..RESTARTS {
        tokio::time::sleep(Duration::from_millis(300)).await;
        manager.stop(program).await;
        // Nobody is there now: who comes waits.
        tokio::time::sleep(Duration::from_millis(100)).await;
        program = manager.start(1);
        manager.hears("READY=1").await;
    }
    stop.send(true).expect("askers listen");
    let mut answered = 0;
    for asker in askers {
        answered += asker.await.expect("nobody was refused");
    }
    println!("{answered} connections answered over {RESTARTS} restarts");
    assert!(answered > ASKERS * (RESTARTS + 1));
    manager.stop(program).await;
}

/// Each time by a connection of its own, as one who comes for the first time; how many were answered.
async fn ask_until(stopped: tokio::sync::watch::Receiver<bool>, address: SocketAddr) -> usize {
    let mut answered = 0;
    while !*stopped.borrow() {
        let stranger = Person::new(address);
        let answer = stranger.send(Method::GET, "/readyz", &[("connection", "close")], Bytes::new()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answered += 1;
    }
    answered
}

#[tokio::test]
async fn a_program_beats_while_it_lives_and_not_while_it_is_frozen() {
    let manager = Manager::new();
    let program = manager.start(1);
    manager.hears("READY=1").await;
    for _ in 0..3 {
        manager.hears("WATCHDOG=1").await;
    }
    signal(&program, libc::SIGSTOP);
    let mut bytes = [0; 256];
    // What was said before it was frozen.
    while timeout(WATCHDOG, manager.told.recv(&mut bytes)).await.is_ok() {}
    assert!(timeout(WATCHDOG, manager.told.recv(&mut bytes)).await.is_err(), "it is frozen");
    signal(&program, libc::SIGCONT);
    manager.hears("WATCHDOG=1").await;
    manager.stop(program).await;
}

#[tokio::test]
async fn two_sockets_for_one_door_are_refused_with_a_sentence() {
    let manager = Manager::new();
    let refused = timeout(TOLD_MAX, manager.start(2).wait_with_output()).await;
    let refused = refused.expect("it ends").expect("it was ours");
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("one door takes one"), "{words}");
}
