//! DuckDB and ClickHouse, as PyPI has them, in a folder of their own in the cache; run by `bench/peers/history.py`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;

use super::{Numbers, QUERIES};

/// What is installed, exactly.
const LOCK: &str = include_str!("../../peers/history.lock");
const SCRIPT: &str = include_str!("../../peers/history.py");

#[derive(serde::Deserialize)]
pub struct Peer {
    pub name: String,
    /// With tables of its own for some queries, as nobody has it by default.
    #[serde(rename = "tuned")]
    pub is_tuned: bool,
    /// Milliseconds of each query.
    pub warm: Vec<f64>,
    pub cold: Vec<f64>,
    pub answers: Vec<Numbers>,
    pub bytes: u64,
}

/// Every peer over the segments in `folder`; an error where they cannot be had, or answer otherwise than expected.
pub fn measure(folder: &Path, expected: &[Numbers]) -> anyhow::Result<Vec<Peer>> {
    let python = python()?;
    let script = folder.join("peers.py");
    std::fs::write(&script, SCRIPT)?;
    let output = Command::new(python).arg(&script).arg(folder).stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines().filter(|line| line.starts_with('{'));
    let peers: Vec<Peer> = lines.map(serde_json::from_str).collect::<Result<_, _>>()?;
    anyhow::ensure!(output.status.success(), "the peers' script ended with {}", output.status);
    for peer in &peers {
        for (query, (theirs, ours)) in QUERIES.iter().zip(peer.answers.iter().zip(expected)) {
            anyhow::ensure!(theirs == ours, "{}: {query}: {theirs:?} and {ours:?}", peer.name);
        }
        println!("{}: {:.1} bytes a hit on disk.\n", peer.name, peer.bytes as f64 / expected[0][0] as f64);
    }
    Ok(peers)
}

/// A Python with the peers in it, made once.
fn python() -> anyhow::Result<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = cache.or_else(home).context("neither XDG_CACHE_HOME nor HOME is set")?;
    let folder = cache.join("watchfire/peers-history");
    let (python, lock) = (folder.join("bin/python"), folder.join("lock"));
    if std::fs::read_to_string(&lock).is_ok_and(|installed| installed == LOCK) {
        return Ok(python);
    }
    let run = |command: &mut Command| -> anyhow::Result<()> {
        let output = command.output().context("Python 3 is needed")?;
        anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    };
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let wanted = folder.join("wanted");
    std::fs::write(&wanted, LOCK)?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r"];
    run(Command::new(&python).args(install).arg(&wanted))?;
    std::fs::rename(wanted, lock)?;
    Ok(python)
}
