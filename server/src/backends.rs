//! Opens the three seams. The only place that knows which URI scheme is which backend.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use bus::Bus;
use live::Live;
use store::Store;

use crate::settings::Settings;
use crate::uri::{resolved, scheme};

/// The open seams. Cheap to clone.
#[derive(Clone)]
pub struct Backends {
    pub bus: Arc<dyn Bus>,
    pub live: Arc<dyn Live>,
    pub store: Store,
}

/// Opens what the settings name.
pub async fn open(settings: &Settings) -> anyhow::Result<Backends> {
    Ok(Backends { store: store(settings)?, bus: bus(settings)?, live: live(settings)? })
}

fn bus(settings: &Settings) -> anyhow::Result<Arc<dyn Bus>> {
    let uri = resolved("bus", &settings.bus)?;
    match scheme(&uri) {
        ("embedded", folder) => journal(&folder_of(folder, &settings.data).join("bus"), settings),
        ("amqp" | "amqps", _) => {
            let options = bus::amqp::Options {
                shards: settings.shards,
                prefix: settings.installation.clone(),
                bytes_max: settings.bus_bytes_max,
                ..Default::default()
            };
            Ok(Arc::new(bus::amqp::AmqpBus::open(&uri, options).context("--bus")?))
        }
        (other, _) => bail!("--bus: `{other}` is no backend of this program; it has: embedded, amqp, amqps"),
    }
}

fn journal(folder: &Path, settings: &Settings) -> anyhow::Result<Arc<dyn Bus>> {
    let options = bus::embedded::Options {
        shards: settings.shards,
        bytes_max: settings.bus_bytes_max,
        ..Default::default()
    };
    let bus = bus::embedded::EmbeddedBus::open(folder, options)
        .with_context(|| format!("cannot open the bus in {}", folder.display()))?;
    Ok(Arc::new(bus))
}

fn live(settings: &Settings) -> anyhow::Result<Arc<dyn Live>> {
    let uri = resolved("live", &settings.live)?;
    match scheme(&uri) {
        ("memory", _) => Ok(Arc::new(live::memory::MemoryLive::default())),
        (other, _) => bail!("--live: `{other}` is no backend of this program; it has: memory"),
    }
}

fn store(settings: &Settings) -> anyhow::Result<Store> {
    let uri = resolved("store", &settings.store)?;
    let folder = match scheme(&uri) {
        ("embedded", folder) => folder_of(folder, &settings.data),
        (other, _) => bail!("--store: `{other}` is no backend of this program; it has: embedded"),
    };
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the data folder {}", folder.display()))?;
    store::embedded::Embedded::open(&folder)
        .with_context(|| format!("cannot open the store in {}", folder.display()))
}

fn folder_of(named: &str, data: &Path) -> PathBuf {
    if named.is_empty() { data.to_owned() } else { PathBuf::from(named) }
}
