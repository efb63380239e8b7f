//! A TCP proxy before the broker that can cut every connection, or refuse new ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

pub struct Proxy {
    url: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    cut: Notify,
    refuses: AtomicBool,
    connections: AtomicUsize,
}

impl Proxy {
    /// Before the broker at `amqp://user:password@host:port`.
    pub async fn to(url: &str) -> Proxy {
        let (user, broker) = url.split_once('@').unwrap();
        let (broker, listener) = (broker.to_owned(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let url = format!("{user}@{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::default());
        tokio::spawn(Arc::clone(&shared).accept(listener, broker));
        Proxy { url, shared }
    }

    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Ends every connection of now.
    pub fn cut(&self) {
        self.shared.cut.notify_waiters();
    }

    pub fn refuse(&self, refuses: bool) {
        self.shared.refuses.store(refuses, Ordering::Relaxed);
        self.cut();
    }

    /// Connections that were let through.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }
}

impl Shared {
    async fn accept(self: Arc<Shared>, listener: TcpListener, broker: String) {
        while let Ok((client, _)) = listener.accept().await {
            if self.refuses.load(Ordering::Relaxed) {
                continue;
            }
            self.connections.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(Arc::clone(&self).carry(client, broker.clone()));
        }
    }

    async fn carry(self: Arc<Shared>, mut client: TcpStream, broker: String) {
        let cut = self.cut.notified();
        let Ok(mut server) = TcpStream::connect(broker).await else {
            return;
        };
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut server) => {}
            () = cut => {}
        }
    }
}
