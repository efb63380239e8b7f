//! What a service manager (systemd) hands over, and is told: the door's socket, so that a restart refuses nobody; that
//! the program serves, that it stops, and that it is alive. Never needs one: without it all of this does nothing.

use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use anyhow::{Context, ensure};
use sd_notify::NotifyState;
use socket2::SockRef;
use tokio::net::TcpListener;

/// Beats within the time that the service manager waits for one: a late one is not the end.
const BEATS_A_TIMEOUT: u32 = 3;

/// The socket that the service manager holds for the door (`LISTEN_FDS`, one at most). None: it holds none.
///
/// Called once a process: who calls has the socket from then on.
pub fn door() -> anyhow::Result<Option<TcpListener>> {
    let mut held = sd_notify::listen_fds().context("LISTEN_PID or LISTEN_FDS cannot be read")?;
    let count = held.len();
    ensure!(count <= 1, "{count} sockets were handed over; one door takes one (ListenStream= once)");
    held.next().map(listening).transpose()
}

fn listening(held: RawFd) -> anyhow::Result<TcpListener> {
    // SAFETY: the service manager opened it for us, and nobody else in this process has taken it.
    let socket = unsafe { OwnedFd::from_raw_fd(held) };
    listener(socket)
        .context("the socket that was handed over is no door: it must listen for TCP (ListenStream=)")
}

fn listener(socket: OwnedFd) -> anyhow::Result<TcpListener> {
    ensure!(SockRef::from(&socket).is_listener()?, "it does not listen");
    let listener = std::net::TcpListener::from(socket);
    listener.local_addr().context("it has no address of TCP")?;
    listener.set_nonblocking(true)?;
    Ok(TcpListener::from_std(listener)?)
}

/// It serves.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// It drains.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Says that the program is alive for as long as the service manager wants to hear it; for ever. As a task of the
/// runtime that serves it falls silent where that runtime stands still.
pub async fn beat() {
    match sd_notify::watchdog_enabled() {
        Some(timeout) => beat_every(timeout / BEATS_A_TIMEOUT, || tell(&[NotifyState::Watchdog])).await,
        None => std::future::pending().await,
    }
}

async fn beat_every(pause: Duration, beat: impl Fn()) {
    loop {
        beat();
        tokio::time::sleep(pause).await;
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_socket_that_listens_becomes_a_listener_at_its_address() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        assert_eq!(listener(OwnedFd::from(socket)).unwrap().local_addr().unwrap(), address);
    }

    #[tokio::test]
    async fn a_socket_that_is_no_door_is_refused() {
        let datagrams = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!(listener(OwnedFd::from(datagrams)).is_err());
        let folder = tempfile::tempdir().unwrap();
        let local = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
        assert!(listener(OwnedFd::from(local)).is_err());
        let (connected, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        assert!(listener(OwnedFd::from(connected)).is_err());
    }

    #[test]
    fn a_runtime_that_stands_still_does_not_beat() {
        let beats = Arc::new(AtomicUsize::new(0));
        let counted = beats.clone();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
        runtime.spawn(beat_every(Duration::from_millis(1), move || {
            counted.fetch_add(1, Ordering::SeqCst);
        }));
        while beats.load(Ordering::SeqCst) < 3 {
            std::thread::sleep(Duration::from_millis(1));
        }
        let (blocks, blocked) = std::sync::mpsc::channel();
        let (let_go, wait) = std::sync::mpsc::channel::<()>();
        runtime.spawn(async move {
            blocks.send(()).unwrap();
            let _ = wait.recv();
        });
        blocked.recv().unwrap();
        let before = beats.load(Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(beats.load(Ordering::SeqCst), before);
        drop(let_go);
        while beats.load(Ordering::SeqCst) == before {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
