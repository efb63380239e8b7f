//! What a connected dashboard costs in memory: every heap byte of hub and runtime, counted by the allocator.
//! Its own binary, since other tests would be counted along.

#![allow(clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicIsize, Ordering};

#[path = "hub/house.rs"]
#[allow(dead_code)]
mod house;
#[path = "hub/line.rs"]
mod line;

use house::*;

/// Of one idle dashboard on the live topic of a site with many pages.
const CONNECTION_BYTES_MAX: isize = 6 * 1024;
const CONNECTIONS: isize = 500;

struct Counting;

static HELD: AtomicIsize = AtomicIsize::new(0);

// SAFETY: every call is the system allocator's; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size() as isize, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Connects and subscribes with a plain socket, which allocates nothing that lasts; reads until the snapshot and
/// one delta have come.
fn watch(address: std::net::SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "GET /api/watchfire/live?share={SHARE} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let message = format!(r#"{{"subscribe": "{}", "as": 1}}"#, topic(SITE, "live"));
    // A mask of zeros leaves the text as it is.
    stream.write_all(&[0x81, 0x80 | message.len() as u8, 0, 0, 0, 0]).unwrap();
    stream.write_all(message.as_bytes()).unwrap();
    read_until(&mut stream, b"\"snapshot\"");
    stream
}

fn read_until(stream: &mut TcpStream, wanted: &[u8]) {
    let (mut seen, mut chunk) = (Vec::new(), [0; 16 * 1024]);
    while !seen.windows(wanted.len()).any(|window| window == wanted) {
        let read = stream.read(&mut chunk).unwrap();
        assert!(read > 0, "the hub closed");
        seen.extend_from_slice(&chunk[..read]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_dashboard_takes_little_memory() {
    let house = House::open(realtime::Options::default()).await;
    for page in 0..100 {
        house.put(page..page + 1, &format!("/a/page/with/an/ordinary/name/{page}")).await;
    }
    let address = house.address;
    let connect = |count: isize| async move {
        tokio::task::spawn_blocking(move || (0..count).map(|_| watch(address)).collect::<Vec<_>>())
            .await
            .unwrap()
    };
    let first = connect(8).await;
    let before = HELD.load(Ordering::Relaxed);
    let mut dashboards = connect(CONNECTIONS).await;
    house.put(100..101, "/one/more").await;
    tokio::task::spawn_blocking(move || {
        dashboards.iter_mut().for_each(|stream| read_until(stream, b"\"delta\""));
        let each = (HELD.load(Ordering::Relaxed) - before) / CONNECTIONS;
        println!("{each} bytes a connection");
        assert!(each < CONNECTION_BYTES_MAX, "{each} bytes a connection");
        assert!(each > 500, "{each} bytes a connection: nothing was measured");
    })
    .await
    .unwrap();
    drop(first);
    house.close().await;
}
