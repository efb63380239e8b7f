//! Many dashboards on one site, beside a bare broadcast of frames of the same size and spacing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::load;
use crate::process::{Peer, Watchfire, cpu, resident};

const DASHBOARDS: usize = 5_000;
const MEASURED: Duration = Duration::from_secs(8);

struct Row {
    name: &'static str,
    cpu_micros: f64,
    deliveries: u64,
    bytes: u64,
    memory_each: f64,
}

pub async fn measure() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let peer = Peer::start("broadcast", folder.path()).await?;
    let bare = row("bare axum broadcast", peer.address, "/", &[], peer.pid(), None, None).await?;
    drop(peer);

    let watchfire = Watchfire::start(&[]).await?;
    let subscribe =
        json!({ "subscribe": format!("site/{}/live", watchfire.place.site), "as": 1 }).to_string();
    let address = watchfire.program.address;
    // Some visitors come and go, so that every push has something to say.
    let (site, duration) = (watchfire.place.site, Duration::from_secs(120));
    let traffic = tokio::spawn(load::run(address, site, 1, duration, 100));
    let idle = cpu_of_traffic(&watchfire).await?;
    let headers = watchfire.place.dashboard_headers();
    let ours = row(
        "dashboards of Watchfire",
        address,
        "/api/watchfire/live",
        &headers,
        watchfire.pid(),
        Some(subscribe),
        Some(idle),
    )
    .await?;
    traffic.abort();

    println!("\n## {DASHBOARDS} dashboards on one site\n");
    println!(
        "| server | CPU s a million deliveries | × bare | deliveries/s | bytes each | memory a connection |"
    );
    println!("|---|---|---|---|---|---|");
    for row in [&bare, &ours] {
        println!(
            "| {} | {:.2} | {:.2} | {:.0} | {} | {:.1} KB |",
            row.name,
            row.cpu_micros,
            row.cpu_micros / bare.cpu_micros,
            row.deliveries as f64 / MEASURED.as_secs_f64(),
            row.bytes / row.deliveries.max(1),
            row.memory_each / 1024.0,
        );
    }
    Ok(())
}

/// CPU a second of the traffic itself, with nobody watching: not the broadcast's cost.
async fn cpu_of_traffic(watchfire: &Watchfire) -> anyhow::Result<f64> {
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = cpu(watchfire.pid())?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    Ok((cpu(watchfire.pid())? - before).as_secs_f64() / 4.0)
}

async fn row(
    name: &'static str,
    address: SocketAddr,
    path: &str,
    headers: &[(&'static str, String)],
    pid: u32,
    subscribe: Option<String>,
    other_cpu_a_second: Option<f64>,
) -> anyhow::Result<Row> {
    let memory_before = resident(pid)?;
    let (frames, bytes) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut sockets = Vec::with_capacity(DASHBOARDS);
    for _ in 0..DASHBOARDS {
        let mut request = format!("ws://{address}{path}").into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse()?);
        }
        let small = WebSocketConfig::default().read_buffer_size(2048).write_buffer_size(0);
        let (mut socket, _) =
            tokio_tungstenite::connect_async_with_config(request, Some(small), true).await?;
        if let Some(subscribe) = &subscribe {
            socket.send(Message::text(subscribe.clone())).await?;
        }
        let (frames, bytes) = (frames.clone(), bytes.clone());
        sockets.push(tokio::spawn(async move {
            while let Some(Ok(Message::Text(text))) = socket.next().await {
                frames.fetch_add(1, Ordering::Relaxed);
                bytes.fetch_add(text.len() as u64, Ordering::Relaxed);
                if let Some(ping) = text.strip_prefix("{\"ping\":") {
                    let pong = format!("{{\"pong\":{ping}");
                    let _ = socket.send(Message::text(pong)).await;
                }
            }
        }));
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let memory = resident(pid)?.saturating_sub(memory_before);
    let (cpu_before, frames_before, bytes_before) =
        (cpu(pid)?, frames.load(Ordering::Relaxed), bytes.load(Ordering::Relaxed));
    tokio::time::sleep(MEASURED).await;
    let spent =
        (cpu(pid)? - cpu_before).as_secs_f64() - other_cpu_a_second.unwrap_or(0.0) * MEASURED.as_secs_f64();
    let deliveries = frames.load(Ordering::Relaxed) - frames_before;
    sockets.iter().for_each(|socket| socket.abort());
    Ok(Row {
        name,
        cpu_micros: spent * 1e6 / deliveries.max(1) as f64,
        deliveries,
        bytes: bytes.load(Ordering::Relaxed) - bytes_before,
        memory_each: memory as f64 / DASHBOARDS as f64,
    })
}
