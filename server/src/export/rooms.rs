//! `watchfire export rooms`: rooms with all that was said in them and sent to them, as an archive.

use std::os::fd::AsFd;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use chat::carry::{Own, Packed, pack};
use clap::{ArgGroup, Args};
use model::RoomId;
use tokio::fs::File;
use tokio::io::{AsyncWrite, AsyncWriteExt, BufWriter};

use super::{REFUSED, unfinished};
use crate::backends::StoreOptions;

pub const ABOUT: &str = "\
Export rooms as a tar archive: a file of JSON lines a room, the files that were sent to it, and a manifest. With an embedded store stop \
the server first, or restore a backup and export that; with MongoDB it runs on, and each room is as it was at one moment.

  watchfire export rooms --all --out rooms.tar
  watchfire export rooms --room RM-8K2MZQ4T --out tea.tar

`watchfire import rooms` reads it back, here or elsewhere. No password, token or secret is in it, and \
no address but those that customers left.";

#[derive(Args, Debug)]
#[command(group(ArgGroup::new("which").required(true).args(["room", "all"])))]
pub struct RoomsOptions {
    /// One room
    #[arg(long, value_name = "ROOM")]
    pub room: Option<RoomId>,

    /// All rooms, direct ones and those of conversations with customers too
    #[arg(long)]
    pub all: bool,

    /// File to write, which is not there yet; without it, stdout
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    #[command(flatten)]
    pub store: StoreOptions,
}

pub async fn run(options: RoomsOptions) -> anyhow::Result<()> {
    crate::logs::init("warn", "text")?;
    if let Some(out) = &options.out {
        ensure!(!out.exists(), "{} is there already", out.display());
    }
    let store = options.store.open(REFUSED).await?;
    let packed = written(&store, &options).await;
    store.close().await;
    let Packed { rooms, conversations, messages, files } = packed?;
    eprintln!(
        "{rooms} rooms, {messages} messages, {files} files; {conversations} conversations with customers, of two rooms each"
    );
    Ok(())
}

async fn written(store: &store::Store, options: &RoomsOptions) -> anyhow::Result<Packed> {
    let Some(path) = &options.out else {
        let stdout = std::io::stdout().as_fd().try_clone_to_owned()?;
        return into(store, options, File::from_std(stdout.into())).await;
    };
    let beside = unfinished(path);
    let mut file = private(&beside).await.with_context(|| format!("cannot write {}", beside.display()))?;
    let packed = into(store, options, &mut file).await;
    if let Err(error) = packed {
        let _ = std::fs::remove_file(&beside);
        return Err(error);
    }
    file.sync_all().await?;
    std::fs::rename(&beside, path).with_context(|| format!("cannot name {}", path.display()))?;
    packed
}

/// What people say to each other stands in it.
async fn private(path: &std::path::Path) -> std::io::Result<File> {
    tokio::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).await
}

async fn into(
    store: &store::Store,
    options: &RoomsOptions,
    out: impl AsyncWrite + Unpin + Send,
) -> anyhow::Result<Packed> {
    let mut out = BufWriter::with_capacity(256 * 1024, out);
    let packed = pack(store, options.room, Own::Kept, &mut out).await?;
    out.flush().await?;
    Ok(packed)
}
