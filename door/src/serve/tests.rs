//! The door over loopback, by peers good and bad.

use super::*;
use axum::routing::get;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;

/// Longer than anything here may take.
const AT_MOST: Duration = Duration::from_secs(20);

struct Open {
    address: SocketAddr,
    shutdown: CancellationToken,
    served: JoinHandle<anyhow::Result<()>>,
}

async fn open(options: DoorOptions) -> Open {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let routes = Router::new()
        .route("/", get(async || "here").post(async |body: String| body))
        .route("/panic", get(panics))
        .route("/never", get(std::future::pending::<()>))
        .route("/short", get(async || tokio::time::sleep(Duration::from_millis(200)).await))
        .route("/flood", get(async || vec![b'x'; 64 << 20]))
        .route("/upgrade", get(upgrade))
        .route(
            "/who",
            get(async |request: Request| {
                let crate::ClientAddress(address) = *request.extensions().get().unwrap();
                address.to_string()
            }),
        );
    let served = tokio::spawn(serve(listener, routes, options, shutdown.clone()));
    Open { address, shutdown, served }
}

async fn panics() {
    panic!("as the test asked");
}

/// A socket of another protocol, which stays open for as long as its peer wants.
async fn upgrade(request: Request) -> Response {
    let upgraded = hyper::upgrade::on(request);
    tokio::spawn(async move {
        let mut socket = TokioIo::new(upgraded.await.unwrap());
        let mut echoed = [0; 4];
        socket.read_exact(&mut echoed).await.unwrap();
        socket.write_all(&echoed).await.unwrap();
        std::future::pending::<()>().await;
    });
    (StatusCode::SWITCHING_PROTOCOLS, [("upgrade", "echo"), ("connection", "upgrade")]).into_response()
}

impl Open {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn send(&self, request: &str) -> TcpStream {
        let mut socket = self.connect().await;
        socket.write_all(request.as_bytes()).await.unwrap();
        socket
    }

    async fn end(self) -> Duration {
        let began = Instant::now();
        self.shutdown.cancel();
        tokio::time::timeout(AT_MOST, self.served).await.expect("it ends").unwrap().unwrap();
        began.elapsed()
    }
}

fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")
}

/// What comes next; empty: the server closed.
async fn next(socket: &mut TcpStream) -> String {
    let mut buffer = vec![0; 64 * 1024];
    let read = tokio::time::timeout(AT_MOST, socket.read(&mut buffer)).await.expect("an answer or an end");
    String::from_utf8_lossy(&buffer[..read.unwrap_or(0)]).into_owned()
}

#[tokio::test]
async fn a_head_is_answered_at_its_maximum_and_refused_one_past_it() {
    let door = open(DoorOptions { head_bytes_max: 9_000, ..DoorOptions::default() }).await;
    let head = |bytes: usize| {
        let plain = "GET / HTTP/1.1\r\nhost: x\r\nx-big: \r\n\r\n";
        plain.replace("x-big: ", &format!("x-big: {}", "b".repeat(bytes - plain.len())))
    };
    assert_eq!(head(9_000).len(), 9_000);
    let at_max = next(&mut door.send(&head(9_000)).await).await;
    assert!(at_max.starts_with("HTTP/1.1 200"), "{at_max}");
    let past_max = next(&mut door.send(&head(9_001)).await).await;
    assert!(past_max.starts_with("HTTP/1.1 431"), "{past_max}");
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(101));
    let many = next(&mut door.send(&many).await).await;
    assert!(many.starts_with("HTTP/1.1 431"), "{many}");
    door.end().await;
}

#[tokio::test]
async fn a_head_that_never_ends_is_refused_while_it_comes() {
    let door = open(DoorOptions::default()).await;
    let mut socket = door.send("GET / HTTP/1.1\r\n").await;
    let mut sent = 0;
    while sent < 1 << 20 && socket.write_all(&b"x-more: and more\r\n".repeat(50)).await.is_ok() {
        sent += 50 * 18;
        tokio::task::yield_now().await;
        let answered = tokio::time::timeout(Duration::from_millis(5), socket.readable()).await.is_ok();
        if answered {
            break;
        }
    }
    let answer = next(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer} after {sent}");
    assert!(sent < 256 * 1024, "{sent} bytes were read");
    door.end().await;
}

#[tokio::test]
async fn a_slow_head_and_an_idle_connection_are_closed() {
    let door = open(DoorOptions { head_timeout: Duration::from_millis(300), ..DoorOptions::default() }).await;
    let began = Instant::now();
    let mut never_said_a_word = door.connect().await;
    let mut half = door.send("GET / HTTP/1.1\r\nhost:").await;
    let mut idle = door.send(&request("/")).await;
    assert!(next(&mut idle).await.ends_with("here"));
    for socket in [&mut never_said_a_word, &mut half, &mut idle] {
        let last = next(socket).await;
        assert!(last.is_empty() || last.starts_with("HTTP/1.1 408"), "{last}");
    }
    assert!(began.elapsed() >= Duration::from_millis(300));
    door.end().await;
}

#[tokio::test]
async fn a_connection_waits_until_there_is_room_for_it() {
    let door = open(DoorOptions { connections_max: 1, ..DoorOptions::default() }).await;
    let mut first = door.send(&request("/")).await;
    assert!(next(&mut first).await.ends_with("here"));
    let mut second = door.send(&request("/")).await;
    let mut byte = [0];
    let early = tokio::time::timeout(Duration::from_millis(200), second.read(&mut byte)).await;
    assert!(early.is_err(), "the second was served beside the first");
    drop(first);
    assert!(next(&mut second).await.ends_with("here"));
    door.end().await;
}

#[tokio::test]
async fn a_peer_that_never_reads_is_cut_off_and_frees_its_place() {
    let silent = Duration::from_millis(500);
    let door =
        open(DoorOptions { connections_max: 1, peer_silent_max: silent, ..DoorOptions::default() }).await;
    let _never_reads = door.send(&request("/flood")).await;
    let mut second = door.send(&request("/")).await;
    assert!(next(&mut second).await.ends_with("here"));
    door.end().await;
}

#[tokio::test]
async fn a_panic_ends_its_request_only() {
    let door = open(DoorOptions::default()).await;
    let mut socket = door.send(&request("/panic")).await;
    let answer = next(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 500") && answer.contains("\"internal\""), "{answer}");
    socket.write_all(request("/").as_bytes()).await.unwrap();
    assert!(next(&mut socket).await.ends_with("here"), "the same connection goes on");
    door.end().await;
}

#[tokio::test]
async fn the_peers_address_is_the_clients_unless_its_proxy_is_trusted() {
    let who = async |options: DoorOptions| {
        let door = open(options).await;
        let request = "GET /who HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 198.51.100.1\r\n\r\n";
        let answer = next(&mut door.send(request).await).await;
        door.end().await;
        answer.rsplit("\r\n").next().unwrap().to_owned()
    };
    assert_eq!(who(DoorOptions::default()).await, "127.0.0.1");
    let trusted_proxies = Arc::new(TrustedProxies::new(vec!["127.0.0.1".parse().unwrap()]));
    assert_eq!(who(DoorOptions { trusted_proxies, ..DoorOptions::default() }).await, "198.51.100.1");
}

#[tokio::test]
async fn the_shutdown_lets_open_requests_end_and_takes_no_more() {
    let door = open(DoorOptions::default()).await;
    let mut short = door.send(&request("/short")).await;
    let mut idle = door.send(&request("/")).await;
    assert!(next(&mut idle).await.ends_with("here"));
    let address = door.address;
    let took = door.end().await;
    assert!(next(&mut short).await.starts_with("HTTP/1.1 200"));
    assert!(next(&mut idle).await.is_empty());
    assert!(TcpStream::connect(address).await.is_err());
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn who_was_let_in_before_the_shutdown_is_answered_though_it_asks_after_it() {
    let door = open(DoorOptions::default()).await;
    let mut late = door.connect().await;
    let mut silent = door.connect().await;
    // They were let in: this one came after them.
    assert!(next(&mut door.send(&request("/")).await).await.ends_with("here"));
    door.shutdown.cancel();
    tokio::time::sleep(FIRST_REQUEST_MAX / 5).await;
    late.write_all(request("/").as_bytes()).await.unwrap();
    let answer = next(&mut late).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");
    assert_eq!(next(&mut silent).await, "", "who asks nothing is let go");
    let drain = DoorOptions::default().drain;
    assert!(door.end().await < drain);
}

#[tokio::test]
async fn the_shutdown_cuts_what_does_not_end_and_leaves_upgraded_sockets_to_their_owner() {
    let door = open(DoorOptions { drain: Duration::from_millis(300), ..DoorOptions::default() }).await;
    let mut never = door.send(&request("/never")).await;
    let upgrade = "GET /upgrade HTTP/1.1\r\nhost: x\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\n";
    let mut upgraded = door.send(upgrade).await;
    assert!(next(&mut upgraded).await.starts_with("HTTP/1.1 101"));
    let took = door.end().await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(next(&mut never).await.is_empty());
    upgraded.write_all(b"ping").await.unwrap();
    assert_eq!(next(&mut upgraded).await, "ping");
}
