//! `watchfire deadletters`: the messages that could not be processed, to be looked at, put back or dropped.

mod printed;

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use bus::{Bus, DeadLetter, Fate};
use clap::{Args, Subcommand};
use model::{BatchId, Clock, SystemClock};

use crate::backends;
use crate::settings::{Service, Settings};

pub const ABOUT: &str = "\
Look at the messages that could not be processed; put them back, or drop them.

A message that a processor cannot read, or that RabbitMQ delivered again and again in vain, is set aside with its \
reason, so that those behind it go on. Nothing here happens by itself: look, then decide.

  watchfire deadletters list                 which there are, and why
  watchfire deadletters show ID              what is in one: a JSON line a hit, or its bytes
  watchfire deadletters requeue ID           to the end of its shard, as after an upgrade
  watchfire deadletters drop ID              gone for good

With the embedded bus, stop the server first: the folder is one process's at a time. With RabbitMQ leave everything \
running, and give --bus, --installation, --shards and --bus-bytes-max as the servers have them, or their --config.";

/// Letters that one run looks at: a bus keeps no more.
const LETTERS_MAX: usize = 1_000;

#[derive(Args, Debug)]
pub struct DeadLetterOptions {
    #[command(subcommand)]
    task: Task,

    /// Settings from this TOML file, as of `watchfire serve`
    #[arg(long, env = "WATCHFIRE_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,

    /// Hits on their way: embedded (a journal in the data folder), or amqp://USER:PASSWORD@HOST/VHOST (RabbitMQ),
    /// or file:PATH of a file that holds the address
    #[arg(long, env = "WATCHFIRE_BUS", value_name = "URI", default_value = "embedded", global = true)]
    bus: String,

    /// Folder that holds everything
    #[arg(long, env = "WATCHFIRE_DATA", value_name = "FOLDER", default_value = "./data", global = true)]
    data: PathBuf,

    /// What queues are named after
    #[arg(
        long,
        env = "WATCHFIRE_INSTALLATION",
        value_name = "NAME",
        default_value = "watchfire",
        global = true
    )]
    installation: String,

    /// Shards of the bus
    #[arg(long, env = "WATCHFIRE_SHARDS", value_name = "N", default_value_t = 1, global = true,
          value_parser = clap::value_parser!(u16).range(1..=64))]
    shards: u16,

    /// Bytes the bus holds at most
    #[arg(long, env = "WATCHFIRE_BUS_BYTES_MAX", value_name = "BYTES", default_value_t = 1 << 30, global = true)]
    bus_bytes_max: u64,
}

#[derive(Subcommand, Debug)]
enum Task {
    /// Which there are, oldest first: shard, id, hits, age, reason
    List {
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 100,
              value_parser = clap::value_parser!(u16).range(1..=LETTERS_MAX as i64))]
        limit: u16,
        /// A JSON line each
        #[arg(long)]
        json: bool,
    },
    /// What is in one: a JSON line a hit; the bytes as hexadecimal digits where they cannot be read
    Show {
        /// As `list` prints it
        id: BatchId,
    },
    /// Back to the end of its shard, to be processed again
    Requeue(Which),
    /// Gone for good
    Drop {
        #[command(flatten)]
        which: Which,
        /// Do it: asked for with --all
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Which {
    /// As `list` prints it
    id: Option<BatchId>,
    /// All there are
    #[arg(long)]
    all: bool,
}

pub async fn run(options: DeadLetterOptions) -> anyhow::Result<()> {
    if let Task::Drop { which: Which { all: true, .. }, yes: false } = options.task {
        bail!("this drops every dead letter for good: say `watchfire deadletters drop --all --yes`");
    }
    let (bus, is_journal) = open(&options).await?;
    let done = act(bus.as_ref(), &options.task, is_journal).await;
    bus.close().await;
    done
}

/// Without a spool, which is a collector's.
async fn open(options: &DeadLetterOptions) -> anyhow::Result<(Arc<dyn Bus>, bool)> {
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let settings = Settings {
        bus: options.bus.clone(),
        installation: options.installation.clone(),
        shards: options.shards,
        bus_bytes_max: options.bus_bytes_max,
        services: vec![Service::Processor],
        ..Settings::with_data(&options.data, nowhere)
    };
    let journal = backends::journal_of(&settings)?;
    if let Some(folder) = &journal {
        ensure!(folder.is_dir(), "there is no bus in {}", folder.display());
    }
    Ok((backends::bus(&settings).await?, journal.is_some()))
}

async fn act(bus: &dyn Bus, task: &Task, is_journal: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let now = SystemClock.now();
    match task {
        Task::List { limit, json } => {
            let letters = bus.dead_letters(usize::from(*limit)).await?;
            match json {
                true => printed::list_json(&mut out, &letters)?,
                false => printed::list(&mut out, &letters, now)?,
            }
        }
        Task::Show { id } => {
            let letters = bus.dead_letters(LETTERS_MAX).await?;
            let letter = letters.iter().find(|letter| letter.message.id == *id);
            printed::show(&mut out, letter.with_context(|| none(*id))?)?;
        }
        Task::Requeue(which) => {
            let count = sort(bus, which, Fate::Requeue).await?;
            let when = if is_journal { "when the server is started" } else { "now" };
            writeln!(out, "{} back on the bus, to be processed {when}.", letters(count))?;
        }
        Task::Drop { which, .. } => {
            writeln!(out, "{} dropped.", letters(sort(bus, which, Fate::Drop).await?))?;
        }
    }
    Ok(out.flush()?)
}

async fn sort(bus: &dyn Bus, which: &Which, fate: Fate) -> anyhow::Result<usize> {
    let wanted = which.id;
    let mut decide = |letter: &DeadLetter| match wanted {
        Some(id) if letter.message.id != id => Fate::Keep,
        _ => fate,
    };
    let sorted = bus.sort_dead_letters(LETTERS_MAX, &mut decide).await;
    let sorted = sorted.with_context(|| format!("not all is done, on a bus of {} shards", bus.shards()))?;
    match wanted {
        Some(id) if sorted == 0 => bail!(none(id)),
        _ => Ok(sorted),
    }
}

fn none(id: BatchId) -> String {
    format!("there is no dead letter {id}; `watchfire deadletters list` tells which there are")
}

fn letters(count: usize) -> String {
    match count {
        1 => "1 dead letter is".to_owned(),
        count => format!("{count} dead letters are"),
    }
}
