//! `watchfire import rooms`: the rooms of an archive, each as a whole or not at all.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use chat::carry::{Archive, Outcome, Target, unpack};
use clap::Args;
use model::{Clock, SiteId, SystemClock};
use store::{Store, StoreError};

use super::REFUSED;
use crate::backends::StoreOptions;

pub const ABOUT: &str = "\
Import rooms from an archive that `watchfire export rooms`, or the settings of a room, wrote. They go straight to the store: with an \
embedded one stop the server first.

  watchfire import rooms rooms.tar
  watchfire import rooms tea.tar --site WF-8K2MZQ4T --store file:/run/secrets/store

All of the archive is looked through before anything of it is taken. A room that is here already stays as it is; so the same archive \
imports once, however often, and after a crash. Whoever has no account here comes along by name, and may nothing.";

#[derive(Args, Debug)]
pub struct RoomsOptions {
    /// The archive
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Site that rooms become rooms of whose own is not here
    #[arg(long)]
    pub site: Option<SiteId>,

    #[command(flatten)]
    pub store: StoreOptions,
}

pub async fn run(options: RoomsOptions) -> anyhow::Result<()> {
    crate::logs::init("warn", "text")?;
    let named = || format!("{}", options.file.display());
    let archive = Archive::open(&options.file).with_context(named)?;
    let store = options.store.open(REFUSED).await?;
    let imported = import(&store, &archive, options.site).await;
    store.close().await;
    let Outcome { rooms, conversations, messages, files, known } = imported.with_context(named)?;
    println!(
        "{rooms} rooms, {messages} messages, {files} files; {known} rooms were here already; {conversations} conversations with customers, of two rooms each"
    );
    Ok(())
}

async fn import(store: &Store, archive: &Archive, site: Option<SiteId>) -> anyhow::Result<Outcome> {
    if let Some(site) = site {
        let found = store.sites.site(site).await;
        ensure!(!matches!(found, Err(StoreError::NotFound(_))), "there is no site {site} in this store");
        found?;
    }
    let target = Target { store, site, now: SystemClock.now() };
    unpack(archive, &target, |room| eprintln!("{room} is here")).await
}
