//! `watchfire doctor`: what every setting is and where it came from, whether this machine suits, and what a cluster's servers and
//! processes lack.

mod cluster;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use model::{Clock, SystemClock};
use observe::Board;
use observe::process::Disk;
use tokio_util::sync::CancellationToken;

use crate::backends;
use crate::settings::{Settings, Sources};
use crate::uri;

/// Below this much free disk the doctor warns.
const DISK_FREE_MIN: u64 = 1 << 30;
/// 2025-01-01: a clock before it was never set.
const CLOCK_MIN_MILLIS: i64 = 1_735_689_600_000;

enum Finding {
    Good(String),
    Warning(String),
    Problem(String),
}

/// Prints settings and findings; fails with exit code 1 when something would keep the server from running.
pub async fn run(settings: Settings, sources: Sources) -> anyhow::Result<ExitCode> {
    println!("Settings");
    for (name, (value, source)) in &sources {
        let is_secret = name == "mail-hook" && !value.starts_with("file:");
        let value = match value.as_str() {
            "" => "–".to_owned(),
            _ if is_secret => "…".to_owned(),
            value => uri::shown(value),
        };
        println!("  {name:<18} {value:<28} {source}");
    }
    println!("\nChecks");
    let mut findings = vec![
        port("listen", settings.listen),
        port("metrics", settings.metrics),
        folder(&settings.data),
        disk(&settings.data),
        clock(),
        open_files(settings.connections_max),
        geoip(settings.geoip.as_deref()),
    ];
    findings.extend(of_servers(&settings).await);
    findings.extend(of_processes(&settings).await);
    let mut problems = 0;
    for finding in findings {
        let (mark, text) = match finding {
            Finding::Good(text) => ("ok      ", text),
            Finding::Warning(text) => ("warning ", text),
            Finding::Problem(text) => {
                problems += 1;
                ("PROBLEM ", text)
            }
        };
        println!("  {mark} {text}");
    }
    Ok(if problems == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Of the servers that a cluster stands on; nothing, where there is none.
async fn of_servers(settings: &Settings) -> Vec<Finding> {
    match backends::examined(settings, SystemClock.now()).await {
        Ok(examined) => {
            examined.into_iter().flat_map(|(name, problems)| cluster::of_server(name, problems)).collect()
        }
        Err(error) => vec![Finding::Problem(format!("{error:#}"))],
    }
}

/// Of the processes of a cluster: they are listened to for a while.
async fn of_processes(settings: &Settings) -> Vec<Finding> {
    match backends::live_is_shared(settings) {
        Ok(true) => {}
        // What cannot be read was said of the servers.
        Ok(false) | Err(_) => return Vec::new(),
    }
    let live = match backends::live(settings).await {
        Ok(live) => live,
        Err(error) => return vec![Finding::Problem(format!("{error:#}"))],
    };
    let board = Board::default();
    let clock = Arc::new(SystemClock);
    let over = CancellationToken::new();
    let listening = board.listen(live, clock, over.clone());
    let _over = tokio::time::timeout(cluster::LISTENED, listening).await;
    let picture = board.picture(SystemClock.now());
    cluster::of_processes(&picture, env!("CARGO_PKG_VERSION"), settings.shards)
}

fn port(name: &str, address: SocketAddr) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => Finding::Good(format!("{name}: {address} is free")),
        Err(error) => Finding::Problem(format!(
            "{name}: {address} cannot be opened ({error}); choose another with --{name}, or stop what uses it"
        )),
    }
}

fn folder(data: &Path) -> Finding {
    let probe = data.join(".doctor");
    let existed = data.exists();
    let written = std::fs::create_dir_all(data).and_then(|()| std::fs::write(&probe, b"ok"));
    let _ = std::fs::remove_file(&probe);
    if !existed {
        let _ = std::fs::remove_dir(data);
    }
    match written {
        Ok(()) => Finding::Good(format!("data: {} can be written", data.display())),
        Err(error) => Finding::Problem(format!("data: {} cannot be written ({error})", data.display())),
    }
}

fn disk(data: &Path) -> Finding {
    let existing = data.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let Some(free) = Disk::of(existing).map(|disk| disk.free_bytes) else {
        return Finding::Warning("disk: cannot be asked for its free space".into());
    };
    let words = format!("disk: {:.1} GiB free", free as f64 / (1u64 << 30) as f64);
    if free < DISK_FREE_MIN {
        Finding::Warning(format!("{words}, less than 1 GiB"))
    } else {
        Finding::Good(words)
    }
}

fn clock() -> Finding {
    let now = SystemClock.now();
    match jiff::Timestamp::from_millisecond(now.0) {
        Ok(time) if now.0 > CLOCK_MIN_MILLIS => Finding::Good(format!("clock: {time:.0}")),
        _ => Finding::Problem("clock: it was never set; visits would land in the wrong days".into()),
    }
}

fn open_files(connections_max: u32) -> Finding {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid rlimit for the call to fill.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } != 0 {
        return Finding::Warning("open files: the limit cannot be asked for".into());
    }
    // Dashboards are bounded by the same number, and counted apart.
    let needed = 2 * u64::from(connections_max) + 200;
    if limit.rlim_max < needed {
        return Finding::Warning(format!(
            "open files: at most {}, for {connections_max} connections and as many dashboards it takes {needed} (ulimit -Hn)",
            limit.rlim_max
        ));
    }
    Finding::Good(format!("open files: up to {}", limit.rlim_max))
}

fn geoip(file: Option<&Path>) -> Finding {
    let Some(file) = file else {
        return Finding::Good("places: countries by the built-in table".into());
    };
    match std::fs::metadata(file) {
        Ok(found) if found.is_file() => Finding::Good(format!("places: {}", file.display())),
        Ok(_) => Finding::Problem(format!("places: {} is no file", file.display())),
        Err(error) => Finding::Problem(format!("places: {} cannot be read ({error})", file.display())),
    }
}
