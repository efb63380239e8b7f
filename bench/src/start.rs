//! Start to ready, and memory of a server that nobody uses.

use std::time::{Duration, Instant};

use tokio::process::Command;
use world::Program;

use crate::process::resident;

const STARTS: usize = 5;

pub async fn measure() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut waits = Vec::new();
    let mut idle = 0;
    for _ in 0..STARTS {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        drop(listener);
        let began = Instant::now();
        let mut child = Command::new(Program::binary())
            .args([
                "serve",
                "--listen",
                &address.to_string(),
                "--metrics",
                "127.0.0.1:0",
                "--log",
                "warn",
                "--data",
            ])
            .arg(folder.path())
            .stdout(std::process::Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        while tokio::net::TcpStream::connect(address).await.is_err() {
            anyhow::ensure!(began.elapsed() < Duration::from_secs(30), "the program did not start");
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
        let answer = world::Person::new(address).get("/readyz").await;
        anyhow::ensure!(answer.status == 200, "not ready: {}", answer.text());
        waits.push(began.elapsed());
        tokio::time::sleep(Duration::from_secs(2)).await;
        idle = resident(child.id().expect("the child runs"))?;
        child.kill().await?;
    }
    waits.sort_unstable();
    println!("\n## Start and idle\n");
    println!("| start to ready ms (median of {STARTS}) | idle resident MB |\n|---|---|");
    println!("| {:.0} | {:.1} |", waits[STARTS / 2].as_secs_f64() * 1e3, idle as f64 / 1e6);
    Ok(())
}
