//! Opens the three seams. The only place that knows which URI scheme is which backend.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use bus::Bus;
use clap::{Args, ValueEnum};
use live::Live;
use live::redis::RedisLive;
use model::Millis;
use store::Store;
use store::mongodb::MongoStore;
use store::moving::{End, House};

use crate::settings::{Service, Settings};
use crate::uri::{named, resolved, scheme, shown};

/// The open seams. Cheap to clone.
#[derive(Clone)]
pub struct Backends {
    pub bus: Arc<dyn Bus>,
    pub live: Arc<dyn Live>,
    pub store: Store,
}

/// Opens what the settings name.
pub async fn open(settings: &Settings) -> anyhow::Result<Backends> {
    check_shared(settings)?;
    Ok(Backends {
        store: store(&settings.store, &settings.data).await?,
        bus: bus(settings).await?,
        live: live(settings).await?,
    })
}

/// A process of some services meets the others in the three backends, and nowhere else.
fn check_shared(settings: &Settings) -> anyhow::Result<()> {
    if Service::value_variants().iter().all(|service| settings.runs(*service)) {
        return Ok(());
    }
    for (name, value) in [("bus", &settings.bus), ("live", &settings.live), ("store", &settings.store)] {
        let uri = resolved(name, value)?;
        let scheme = scheme(&uri).0;
        if matches!(scheme, "embedded" | "memory") {
            bail!(
                "--{name}: `{scheme}` is this process's own, and a process of some --services needs others: name a server"
            );
        }
    }
    Ok(())
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
    let broker = bus::amqp::AmqpBus::open(uri, broker_options(settings)).context("--bus")?;
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

fn broker_options(settings: &Settings) -> bus::amqp::Options {
    bus::amqp::Options {
        shards: settings.shards,
        prefix: settings.installation.clone(),
        bytes_max: settings.bus_bytes_max,
        ..Default::default()
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

/// Whether others reach what this process knows of who is here.
pub fn live_is_shared(settings: &Settings) -> anyhow::Result<bool> {
    Ok(scheme(&resolved("live", &settings.live)?).0 != "memory")
}

/// What is wrong with each server that the settings name, and what to do; nothing of backends that are this process's own.
/// Nothing is made of what is missing.
pub async fn examined(settings: &Settings, now: Millis) -> anyhow::Result<Vec<(&'static str, Vec<String>)>> {
    let mut examined = Vec::new();
    let uri = resolved("bus", &settings.bus)?;
    if let ("amqp" | "amqps", _) = scheme(&uri) {
        let broker = bus::amqp::AmqpBus::open(&uri, broker_options(settings)).context("--bus")?;
        examined.push(("RabbitMQ", broker.examine().await));
        broker.close().await;
    }
    let uri = resolved("live", &settings.live)?;
    if let ("redis" | "rediss", _) = scheme(&uri) {
        let found = live::redis::examine(&uri, &settings.installation, now).await.context("--live")?;
        examined.push(("Redis", found));
    }
    let uri = resolved("store", &settings.store)?;
    if let ("mongodb" | "mongodb+srv", _) = scheme(&uri) {
        examined.push(("MongoDB", MongoStore::examine(&uri, now).await));
    }
    Ok(examined)
}

/// Live alone.
pub async fn live(settings: &Settings) -> anyhow::Result<Arc<dyn Live>> {
    let uri = resolved("live", &settings.live)?;
    match scheme(&uri) {
        ("memory", _) => Ok(Arc::new(live::memory::MemoryLive::default())),
        ("redis" | "rediss", _) => {
            let live = RedisLive::open(&uri, &settings.installation).context("--live")?;
            match live.check().await {
                Err(refused @ live::redis::LinkError::Refused(_)) => {
                    return Err(refused).with_context(|| format!("--live {}", shown(&uri)));
                }
                Err(error) => tracing::warn!(live = shown(&uri), %error, "live state is not there yet"),
                Ok(()) => {}
            }
            Ok(Arc::new(live))
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

/// Where a command that works on a store of its own finds it.
#[derive(Args, Debug)]
pub struct StoreOptions {
    /// Folder that holds everything
    #[arg(long, env = "WATCHFIRE_DATA", value_name = "FOLDER", default_value = "./data")]
    pub data: PathBuf,

    /// The store: embedded, mongodb://USER:PASSWORD@HOST/DATABASE, or file:PATH of a file that holds the address
    #[arg(long, env = "WATCHFIRE_STORE", value_name = "URI", default_value = "embedded")]
    pub store: String,
}

impl StoreOptions {
    /// The store that is there: an embedded one is not made. `refused` says what to do where it cannot be opened.
    pub async fn open(&self, refused: &'static str) -> anyhow::Result<Store> {
        if let Some(folder) = store_folder(&self.store, &self.data)? {
            anyhow::ensure!(
                folder.join("watchfire.db").is_file(),
                "there is no store in {}",
                folder.display()
            );
        }
        store(&self.store, &self.data).await.context(refused)
    }
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
        let live = live(&settings(&["--live", &uri])).await.unwrap();
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

    #[tokio::test]
    async fn a_wrong_password_of_live_is_named_at_once_and_never_repeated() {
        let server = Redis::start().unwrap();
        let uri = server.uri().replace("redis://", "redis://somebody:geheim@");
        let refused = format!("{:#}", live(&settings(&["--live", &uri])).await.err().unwrap());
        assert!(refused.contains("--live redis://somebody:…@") && refused.contains("refuses"), "{refused}");
        assert!(!refused.contains("geheim"), "{refused}");
    }

    #[tokio::test]
    async fn a_process_of_some_services_needs_backends_that_others_reach() {
        let servers = ["--live", "redis://a", "--store", "mongodb://a/b", "--bus", "amqp://a"];
        let checked = |flags: &[&str]| check_shared(&settings(flags)).map_err(|error| error.to_string());
        assert_eq!(checked(&[]), Ok(()));
        let alone = [&servers[..], &["--services", "collector"]].concat();
        assert_eq!(checked(&alone), Ok(()));
        for (place, flag) in [(1, "--live"), (3, "--store"), (5, "--bus")] {
            let mut own = alone.clone();
            own[place] = if flag == "--live" { "memory" } else { "embedded" };
            let refused = checked(&own).unwrap_err();
            assert!(refused.starts_with(flag), "{refused}");
        }
    }

    fn settings(flags: &[&str]) -> Settings {
        let command = Settings::augment_args(Command::new("serve"));
        let matches = command.try_get_matches_from([&["serve"], flags].concat()).unwrap();
        Settings::from_arg_matches(&matches).unwrap()
    }
}
