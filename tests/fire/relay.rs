//! A line between one process and one server, which can be cut and stalled.

use std::net::{Ipv4Addr, SocketAddr};

use servers::free_port;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

const BUFFER_BYTES: usize = 16 * 1024;

/// What a line lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    Open,
    /// Nothing passes and nothing is closed: as when packets are dropped. What waits comes later.
    Stalled,
    /// Requests arrive, answers do not: what was asked is done, and nobody knows.
    Mute,
    /// What is connected is closed, and new connections too.
    Cut,
}

/// A running relay; dropping it ends it with its connections.
pub struct Relay {
    pub port: u16,
    flow: watch::Sender<Flow>,
    work: JoinHandle<()>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    There,
    Back,
}

impl Relay {
    pub async fn to(server: u16) -> Relay {
        let port = free_port();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.expect("a free port");
        let (flow, seen) = watch::channel(Flow::Open);
        let work = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(connection(stream, (Ipv4Addr::LOCALHOST, server).into(), seen.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Relay { port, flow, work }
    }

    pub fn set(&self, flow: Flow) {
        self.flow.send_replace(flow);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.work.abort();
    }
}

/// Both ways, until one side closes or the line is cut.
async fn connection(near: TcpStream, server: SocketAddr, flow: watch::Receiver<Flow>) {
    if !lets_pass(&flow, Direction::There).await {
        return;
    }
    let Ok(far) = TcpStream::connect(server).await else { return };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let ((near_out, near_in), (far_out, far_in)) = (near.into_split(), far.into_split());
    tokio::select! {
        () = carry(near_out, far_in, &flow, Direction::There) => {}
        () = carry(far_out, near_in, &flow, Direction::Back) => {}
        () = cut(flow.clone()) => {}
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    flow: &watch::Receiver<Flow>,
    direction: Direction,
) {
    let mut buffer = vec![0; BUFFER_BYTES];
    while let Ok(bytes @ 1..) = from.read(&mut buffer).await {
        if !lets_pass(flow, direction).await || to.write_all(&buffer[..bytes]).await.is_err() {
            return;
        }
    }
}

/// Waits for as long as the line holds this back; false where it is cut.
async fn lets_pass(flow: &watch::Receiver<Flow>, direction: Direction) -> bool {
    let passes = |flow: &Flow| match flow {
        Flow::Open | Flow::Cut => true,
        Flow::Stalled => false,
        Flow::Mute => direction == Direction::There,
    };
    let mut flow = flow.clone();
    flow.wait_for(passes).await.is_ok_and(|flow| *flow != Flow::Cut)
}

async fn cut(mut flow: watch::Receiver<Flow>) {
    // Its sender gone, the relay is too, and this with it.
    drop(flow.wait_for(|flow| *flow == Flow::Cut).await);
}
