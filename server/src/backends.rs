//! Opens the three seams. The only place that knows which URI scheme is which backend.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use bus::Bus;
use live::Live;
use live::redis::RedisLive;
use store::Store;
use store::mongodb::MongoStore;
use store::moving::{End, House};

use crate::settings::{Service, Settings};
use crate::uri::{named, resolved, scheme};

/// The open seams. Cheap to clone.
#[derive(Clone)]
pub struct Backends {
    pub bus: Arc<dyn Bus>,
    pub live: Arc<dyn Live>,
    pub store: Store,
}

/// Opens what the settings name.
pub async fn open(settings: &Settings) -> anyhow::Result<Backends> {
    Ok(Backends {
        store: store(&settings.store, &settings.data).await?,
        bus: bus(settings).await?,
        live: live(settings)?,
    })
}

/// The bus alone.
pub async fn bus(settings: &Settings) -> anyhow::Result<Arc<dyn Bus>> {
    let uri = resolved("bus", &settings.bus)?;
    match scheme(&uri) {
        ("embedded", folder) => journal(&folder_of(folder, &settings.data).join("bus"), settings),
        ("amqp" | "amqps", _) => broker(&uri, settings).await,
        (other, _) => bail!("--bus: `{other}` is no backend of this program; it has: embedded, amqp, amqps"),
    }
}

/// Who takes hits goes on taking while the broker is away: onto the disk, for a while.
async fn broker(uri: &str, settings: &Settings) -> anyhow::Result<Arc<dyn Bus>> {
    let options = bus::amqp::Options {
        shards: settings.shards,
        prefix: settings.installation.clone(),
        bytes_max: settings.bus_bytes_max,
        ..Default::default()
    };
    let broker = bus::amqp::AmqpBus::open(uri, options).context("--bus")?;
    match broker.check().await {
        Err(refused @ bus::amqp::LinkError::Refused(_)) => return Err(refused).context("--bus"),
        Err(error) => tracing::warn!(error = format!("{error:#}"), "the broker is not there yet"),
        Ok(()) => {}
    }
    if !settings.runs(Service::Collector) {
        return Ok(Arc::new(broker));
    }
    let folder = settings.data.join("spool");
    Ok(Arc::new(bus::spool::Spooled::open(Arc::new(broker), &folder, settings.spool_bytes_max).await?))
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
        ("redis" | "rediss", _) => {
            Ok(Arc::new(RedisLive::open(&uri, &settings.installation).context("--live")?))
        }
        (other, _) => bail!("--live: `{other}` is no backend of this program; it has: memory, redis, rediss"),
    }
}

/// The store alone, as `--store` and `--data` name it.
pub async fn store(uri: &str, data: &Path) -> anyhow::Result<Store> {
    let uri = resolved("store", uri)?;
    let folder = match scheme(&uri) {
        ("embedded", folder) => folder_of(folder, data),
        ("mongodb" | "mongodb+srv", _) => return MongoStore::open(&uri).await.context("--store"),
        (other, _) => bail!("--store: `{other}` is no backend of this program; it has: embedded, mongodb"),
    };
    store::embedded::Embedded::open(&folder)
        .with_context(|| format!("cannot open the store in {}", folder.display()))
}

/// The folder of an embedded store, as `--store` and `--data` name it. None: it is in a database.
pub fn store_folder(uri: &str, data: &Path) -> anyhow::Result<Option<PathBuf>> {
    let uri = resolved("store", uri)?;
    let (scheme, folder) = scheme(&uri);
    Ok((scheme == "embedded").then(|| folder_of(folder, data)))
}

/// The store alone, by its address, whose folder must be there.
pub async fn store_alone(uri: &str) -> anyhow::Result<Store> {
    let uri = resolved("store", uri)?;
    if let ("embedded", folder) = scheme(&uri) {
        let folder = PathBuf::from(folder);
        anyhow::ensure!(
            folder.is_dir(),
            "--store: there is no data folder `{}`; as embedded:./data",
            folder.display()
        );
        return store::embedded::Embedded::open(&folder).with_context(|| {
            format!("--store: cannot open {} (does a server run on it?)", folder.display())
        });
    }
    match scheme(&uri) {
        ("mongodb" | "mongodb+srv", _) => MongoStore::open(&uri).await.context("--store"),
        (other, _) => bail!("--store: `{other}` is no backend of this program; it has: embedded, mongodb"),
    }
}

/// Where an embedded bus, as the settings name it, keeps its journal. None: the bus is a broker.
pub fn journal_of(settings: &Settings) -> anyhow::Result<Option<PathBuf>> {
    journal_folder(&settings.bus, &settings.data)
}

/// As `journal_of`, of `--bus` and `--data`.
pub fn journal_folder(uri: &str, data: &Path) -> anyhow::Result<Option<PathBuf>> {
    let uri = resolved("bus", uri)?;
    let (scheme, folder) = scheme(&uri);
    Ok((scheme == "embedded").then(|| folder_of(folder, data).join("bus")))
}

/// One end of a move.
pub struct MovingEnd {
    pub house: House,
    /// What it is called in a mark: without user, password and options.
    pub name: String,
    /// Where its embedded bus would be.
    pub journal: Option<PathBuf>,
}

/// Opens one end of a move, named by `--from` or `--to`.
pub async fn moving_end(setting: &str, uri: &str, end: End) -> anyhow::Result<MovingEnd> {
    let uri = resolved(setting, uri)?;
    match scheme(&uri) {
        ("embedded", folder) if !folder.is_empty() => {
            let folder = PathBuf::from(folder);
            let house = store::embedded::Embedded::open_for_move(&folder, end)
                .with_context(|| format!("--{setting}: cannot open the store in {}", folder.display()))?;
            let name = format!("embedded:{}", folder.canonicalize()?.display());
            Ok(MovingEnd { house, name, journal: Some(folder.join("bus")) })
        }
        ("embedded", _) => bail!("--{setting}: name the folder, as embedded:./data"),
        ("mongodb" | "mongodb+srv", _) => {
            let opened = MongoStore::open_for_move(&uri, end).await;
            let house = opened.with_context(|| format!("--{setting}: {}", named(&uri)))?;
            Ok(MovingEnd { house, name: named(&uri), journal: None })
        }
        (other, _) => bail!("--{setting}: `{other}` is no store of this program; it has: embedded, mongodb"),
    }
}

fn folder_of(named: &str, data: &Path) -> PathBuf {
    if named.is_empty() { data.to_owned() } else { PathBuf::from(named) }
}

#[cfg(test)]
mod tests {
    use bus::Message;
    use bytes::Bytes;
    use clap::{Args, Command, FromArgMatches};
    use model::{BatchId, SiteId};
    use servers::rabbitmq::RabbitMq;
    use servers::redis::Redis;

    use super::*;

    #[tokio::test]
    async fn live_is_opened_with_tls_as_the_settings_name_it() {
        let server = Redis::start_encrypted().unwrap();
        let (uri, authority) = server.encrypted().unwrap();
        let uri = format!("{uri}?ca={}", authority.display());
        let live = live(&settings(&["--live", &uri])).unwrap();
        assert_eq!(live.present(&[SiteId::of(1)]).await.unwrap(), [0]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_bus_is_opened_with_tls_as_the_settings_name_it() {
        let server = tokio::task::spawn_blocking(RabbitMq::start_encrypted).await.unwrap().unwrap();
        let (uri, authority) = server.encrypted().unwrap();
        let uri = format!("{uri}?ca={}", authority.display());
        let bus = bus(&settings(&["--bus", &uri, "--services", "processor"])).await.unwrap();
        let message = Message { id: BatchId(1), body: Bytes::from_static(b"hits") };
        bus.publish(0, message.clone()).await.unwrap();
        assert_eq!(bus.consume(0).await.unwrap().next(1).await.unwrap()[0].message, message);
        bus.close().await;
    }

    fn settings(flags: &[&str]) -> Settings {
        let command = Settings::augment_args(Command::new("serve"));
        let matches = command.try_get_matches_from([&["serve"], flags].concat()).unwrap();
        Settings::from_arg_matches(&matches).unwrap()
    }
}
