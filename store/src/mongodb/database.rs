//! The connection to one database: what its URI may say, and what holds whatever it says.

use std::time::Duration;

use anyhow::{Context, bail};
use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongodb::options::{Acknowledgment, ClientOptions, ReadConcern, SelectionCriteria, WriteConcern};

use super::gate::Gate;
use super::holder::Holder;

/// How long a server is looked for before a call is `Unavailable`: a new primary is elected in that time as a rule.
/// `serverSelectionTimeoutMS` in the URI says otherwise.
pub const SERVER_SELECTION_MAX: Duration = Duration::from_secs(10);
/// `connectTimeoutMS` says otherwise.
pub const CONNECT_MAX: Duration = Duration::from_secs(5);
/// Connections to one server. `maxPoolSize` says otherwise.
pub const CONNECTIONS_MAX: u32 = 32;
/// How often a server's state is asked for. `heartbeatFrequencyMS` says otherwise.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// How long a write waits for a majority of the servers before it fails.
const MAJORITY_MAX: Duration = Duration::from_secs(10);

pub struct Database {
    pub mongo: mongodb::Database,
    pub gate: Gate,
    pub holder: Holder,
}

impl Database {
    /// Reaches the server once, to say now what would fail later.
    pub async fn connect(uri: &str) -> anyhow::Result<Database> {
        Database::with(options(uri).await?).await
    }

    pub async fn with(options: ClientOptions) -> anyhow::Result<Database> {
        let Some(name) = options.default_database.clone() else {
            bail!("the URI names no database: write mongodb://host/watchfire");
        };
        let mongo = Client::with_options(options)?.database(&name);
        refuse_without_transactions(&mongo).await?;
        Ok(Database { mongo, gate: Gate::open(), holder: Holder::default() })
    }
}

/// Durable on a majority of the servers, whatever the URI says: an acknowledgement is a promise.
pub fn majority() -> WriteConcern {
    WriteConcern::builder().w(Acknowledgment::Majority).journal(true).w_timeout(MAJORITY_MAX).build()
}

pub async fn options(uri: &str) -> anyhow::Result<ClientOptions> {
    let mut options = ClientOptions::parse(uri).await.context("not a URI of MongoDB")?;
    options.app_name.get_or_insert_with(|| "watchfire".into());
    options.server_selection_timeout.get_or_insert(SERVER_SELECTION_MAX);
    options.connect_timeout.get_or_insert(CONNECT_MAX);
    options.max_pool_size.get_or_insert(CONNECTIONS_MAX);
    options.heartbeat_freq.get_or_insert(HEARTBEAT);
    options.write_concern = Some(majority());
    options.read_concern = Some(ReadConcern::majority());
    options.selection_criteria =
        Some(SelectionCriteria::ReadPreference(mongodb::options::ReadPreference::Primary));
    options.retry_writes = Some(true);
    options.retry_reads = Some(true);
    Ok(options)
}

async fn refuse_without_transactions(mongo: &mongodb::Database) -> anyhow::Result<()> {
    let hello: Document =
        mongo.run_command(doc! { "hello": 1 }).await.context("MongoDB cannot be reached")?;
    let of_many = hello.contains_key("setName") || hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid");
    if hello.get_bool("isreplicaset").unwrap_or(false) {
        bail!(
            "this MongoDB is to be of a replica set that nobody has initiated: run `rs.initiate()` in mongosh, once"
        );
    }
    if !of_many {
        bail!(
            "this MongoDB runs standalone, without transactions: start it as a replica set (one server is enough, \
             `--replSet rs0` and `rs.initiate()`)"
        );
    }
    Ok(())
}
