//! A connection to one of the broker's nodes, with the queues made sure of. Can be cut at once, whatever it waits for.

use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lapin::tcp::AMQPUriTcpExt;
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{AsyncTcpStream, Channel, Connection, ConnectionProperties, ErrorKind};
use parking_lot::Mutex;
use tokio::time::timeout;

use super::address::Address;
use super::topology::Topology;

/// One node must have answered, with all queues declared, within this.
pub const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// A goodbye that takes longer is not waited for.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(2);
/// Seconds between signs of life; who gives none for two of these is taken for dead, on both sides.
const HEARTBEAT_SECONDS: u16 = 5;

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// No node answered; a later try may work.
    #[error("RabbitMQ at {nodes} cannot be reached: {}", reasons(cause))]
    Unreachable { nodes: String, cause: anyhow::Error },
    /// The broker said no, and goes on saying so until somebody changes something.
    #[error("{0}")]
    Refused(String),
}

/// Why, each reason once: the client's own error repeats what is behind it.
fn reasons(cause: &anyhow::Error) -> String {
    let mut said = String::new();
    for reason in cause.chain().map(ToString::to_string) {
        if !said.contains(&reason) {
            let between = if said.is_empty() { "" } else { ": " };
            said = format!("{said}{between}{reason}");
        }
    }
    said
}

/// Makes links to whichever node answers.
pub struct Dialer {
    address: Address,
    topology: Topology,
    /// The node to try first: the one that answered last.
    first: AtomicUsize,
}

/// A live link. Dropping it cuts the connection without a goodbye.
pub struct Link {
    connection: Connection,
    cord: Cord,
}

/// The connection's socket, to cut it by: the client's own goodbye waits for a broker that may be frozen.
#[derive(Clone, Default)]
struct Cord(Arc<Mutex<Socket>>);

#[derive(Default)]
enum Socket {
    #[default]
    Unopened,
    Open(TcpStream),
    Cut,
}

/// Cuts the connection unless it succeeds, also where it is dropped half way.
struct Attempt(Option<Cord>);

impl Dialer {
    pub fn new(address: Address, topology: Topology) -> Dialer {
        Dialer { address, topology, first: AtomicUsize::new(0) }
    }

    /// Tries each node once.
    pub async fn dial(&self) -> Result<Link, LinkError> {
        let nodes = self.address.nodes();
        let first = self.first.load(Ordering::Relaxed);
        let mut failed = None;
        for step in 0..nodes.len() {
            let index = (first + step) % nodes.len();
            match self.reach(&nodes[index]).await {
                Ok(link) => {
                    self.first.store(index, Ordering::Relaxed);
                    return Ok(link);
                }
                Err(error) => failed = Some(error),
            }
        }
        Err(failed.unwrap_or_else(|| self.unreachable(anyhow::anyhow!("no node is named"))))
    }

    /// A link to each node that answers, with its vhost, and a sentence for each that does not. Nothing is declared.
    pub async fn greet_each(&self) -> (Vec<(Link, String)>, Vec<String>) {
        let (mut links, mut problems) = (Vec::new(), Vec::new());
        for node in self.address.nodes() {
            match self.greet(node).await {
                Ok(link) => links.push((link, node.vhost.clone())),
                Err(LinkError::Refused(said)) => problems.push(said),
                Err(LinkError::Unreachable { cause, .. }) => problems.push(format!(
                    "RabbitMQ at {}:{} cannot be reached ({}): see that it runs, and that nothing is in between",
                    node.authority.host,
                    node.authority.port,
                    reasons(&cause)
                )),
            }
        }
        (links, problems)
    }

    async fn greet(&self, node: &AMQPUri) -> Result<Link, LinkError> {
        let attempt = Attempt(Some(Cord::default()));
        let late = |_| Err(self.unreachable(anyhow::anyhow!("no answer within {CONNECT_TIME_MAX:?}")));
        let connected = timeout(CONNECT_TIME_MAX, self.connect(node, attempt.cord()));
        let connection = connected.await.unwrap_or_else(late)?;
        let link = Link { connection, cord: attempt.cord() };
        attempt.succeed();
        Ok(link)
    }

    async fn reach(&self, node: &AMQPUri) -> Result<Link, LinkError> {
        // Whatever ends this wait: the client's thread would wait for the broker's answer for ever.
        let attempt = Attempt(Some(Cord::default()));
        let reached = timeout(CONNECT_TIME_MAX, async {
            let connection = self.connect(node, attempt.cord()).await?;
            let link = Link { connection, cord: attempt.cord() };
            self.topology.declare(&link, &node.vhost).await?;
            Ok(link)
        });
        let late = |_| Err(self.unreachable(anyhow::anyhow!("no answer within {CONNECT_TIME_MAX:?}")));
        let link = reached.await.unwrap_or_else(late)?;
        attempt.succeed();
        Ok(link)
    }

    async fn connect(&self, node: &AMQPUri, cord: Cord) -> Result<Connection, LinkError> {
        let mut node = node.clone();
        node.query.heartbeat = Some(HEARTBEAT_SECONDS);
        let properties = ConnectionProperties::default().with_connection_name("watchfire".into());
        let trust = self.address.trust.clone();
        let runtime = lapin::runtime::default_runtime().map_err(|error| self.failed(error))?;
        let connection = Connection::connector(
            node,
            runtime,
            async move |node: AMQPUri, runtime| {
                let plain = AMQPUri { scheme: AMQPScheme::AMQP, ..node.clone() };
                let stream = plain.connect_async(&runtime).await?;
                if let AsyncTcpStream::Plain(socket) = &stream {
                    cord.hold(socket.get_ref().as_fd().try_clone_to_owned()?.into());
                }
                match node.scheme {
                    AMQPScheme::AMQP => Ok(stream),
                    AMQPScheme::AMQPS => Ok(trust.encrypted(stream, &node.authority.host).await?),
                }
            },
            properties,
        );
        connection.await.map_err(|error| self.failed(error))
    }

    fn failed(&self, error: lapin::Error) -> LinkError {
        match error.kind() {
            ErrorKind::ProtocolError(said) if is_refusal(said.get_id()) => LinkError::Refused(format!(
                "RabbitMQ at {} refuses the user or the vhost: {}",
                self.address,
                said.get_message()
            )),
            _ => self.unreachable(error.into()),
        }
    }

    fn unreachable(&self, cause: anyhow::Error) -> LinkError {
        LinkError::Unreachable { nodes: self.address.to_string(), cause }
    }
}

/// ACCESS_REFUSED and NOT_ALLOWED, as AMQP 0-9-1 numbers them.
fn is_refusal(code: u16) -> bool {
    matches!(code, 403 | 530)
}

impl Link {
    pub async fn channel(&self) -> lapin::Result<Channel> {
        self.connection.create_channel().await
    }

    pub fn is_up(&self) -> bool {
        self.connection.status().connected()
    }

    /// Says goodbye, so that everything sent before is heard.
    pub async fn close(&self) {
        let goodbye = self.connection.close(200, "closed".into());
        match timeout(CLOSE_TIME_MAX, goodbye).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the bus' connection was gone before its goodbye"),
            Err(_) => tracing::warn!("RabbitMQ did not answer a goodbye, the connection is cut"),
        }
        self.cut();
    }

    /// Ends it now; whatever waits for an answer fails.
    pub fn cut(&self) {
        self.cord.cut();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.cut();
    }
}

impl Cord {
    fn hold(&self, socket: TcpStream) {
        let mut held = self.0.lock();
        match *held {
            Socket::Cut => shut(&socket),
            _ => *held = Socket::Open(socket),
        }
    }

    fn cut(&self) {
        if let Socket::Open(socket) = std::mem::replace(&mut *self.0.lock(), Socket::Cut) {
            shut(&socket);
        }
    }
}

/// It may be closed already.
fn shut(socket: &TcpStream) {
    drop(socket.shutdown(Shutdown::Both));
}

impl Attempt {
    fn cord(&self) -> Cord {
        self.0.clone().unwrap_or_default()
    }

    fn succeed(mut self) {
        self.0 = None;
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.0.iter().for_each(Cord::cut);
    }
}
