//! The cluster size on this one machine: a process of each service, RabbitMQ, Redis and MongoDB, all on the same cores.

use std::time::{Duration, Instant};

use anyhow::Context;
use mongodb::bson::doc;
use serde_json::json;
use servers::mongodb::Mongodb;
use servers::rabbitmq::RabbitMq;
use servers::redis::Redis;
use tempfile::TempDir;
use world::Program;

use crate::load;
use crate::memory::{self, VISITORS, arrive, present};
use crate::process::{NO_RATES, Place, Watchfire, cpu, metric};
use crate::push;

const SHARDS: u64 = 4;
/// As many as fit, and so few that about 200 hits share a message.
const HITS_A_REQUEST: [usize; 2] = [100, 4];
const WARM_UP: Duration = Duration::from_secs(2);
const MEASURED: Duration = Duration::from_secs(8);
const DRAINED_MAX: Duration = Duration::from_secs(120);
/// Present visitors of each shard when its processor is killed.
const TAKEN_OVER: u64 = 10_000;

pub async fn measure() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    for hits_each in HITS_A_REQUEST {
        pipeline(&cluster, hits_each).await?;
    }
    println!("\nOf the cluster:");
    push::print(&push::latency(&cluster.place).await?);
    drop(cluster);
    cluster = Cluster::start().await?;
    takeover(&mut cluster).await?;
    redis_memory(&cluster).await
}

struct Cluster {
    place: Place,
    collector: Program,
    processor: Program,
    realtime: Program,
    _web: Program,
    redis: Redis,
    mongodb: Mongodb,
    rabbitmq: RabbitMq,
    flags: Vec<String>,
    folder: TempDir,
}

impl Cluster {
    async fn start() -> anyhow::Result<Cluster> {
        let servers = || anyhow::Ok((RabbitMq::start()?, Redis::start()?, Mongodb::start()?));
        let (rabbitmq, redis, mongodb) = tokio::task::spawn_blocking(servers).await??;
        let named =
            [("--bus", rabbitmq.url()), ("--live", redis.uri()), ("--store", mongodb.uri("watchfire"))];
        let mut flags: Vec<String> =
            named.into_iter().flat_map(|(flag, uri)| [flag.to_owned(), uri]).collect();
        flags.extend(NO_RATES.map(str::to_owned));
        flags.extend(["--shards".into(), SHARDS.to_string()]);
        flags.extend(["--bus-bytes-max".into(), (4u64 << 30).to_string()]);
        let folder = tempfile::tempdir()?;
        let collector = start("collector", &flags, &folder).await;
        let processor = start("processor", &flags, &folder).await;
        let realtime = start("realtime", &flags, &folder).await;
        let web = start("web", &flags, &folder).await;
        let place = Place::set_up(&web, collector.address, realtime.address).await?;
        Ok(Cluster {
            place,
            collector,
            processor,
            realtime,
            _web: web,
            redis,
            mongodb,
            rabbitmq,
            flags,
            folder,
        })
    }

    /// What the servers were asked so far: messages, Redis commands (those inside scripts too), MongoDB operations.
    async fn asked(&self) -> anyhow::Result<[f64; 3]> {
        let messages = metric(&self.collector, "watchfire_bus_messages_total").await;
        let commands = info(&self.redis, "stats", "total_commands_processed")?;
        let client = mongodb::Client::with_uri_str(self.mongodb.uri("admin")).await?;
        let status = client.database("admin").run_command(doc! { "serverStatus": 1 }).await?;
        let network = status.get_document("network").context("serverStatus tells of the network")?;
        Ok([messages, commands, network.get_i64("numRequests")? as f64])
    }

    /// Processor time of each process so far, in seconds.
    fn spent(&self) -> anyhow::Result<Vec<(&'static str, f64)>> {
        let pid = |server: Option<&servers::Process>| server.map(servers::Process::id).context("it runs");
        let pids = [
            ("collector", self.collector.pid()),
            ("processor", self.processor.pid()),
            ("realtime", self.realtime.pid()),
            ("RabbitMQ", pid(self.rabbitmq.process())?),
            ("Redis", pid(self.redis.process())?),
            ("MongoDB of tests", pid(self.mongodb.process())?),
        ];
        pids.into_iter().map(|(name, pid)| Ok((name, cpu(pid)?.as_secs_f64()))).collect()
    }

    async fn processed(&self) -> f64 {
        metric(&self.processor, "watchfire_processed_hits_total").await
    }
}

async fn start(service: &str, flags: &[String], folder: &TempDir) -> Program {
    let mut all: Vec<&str> = flags.iter().map(String::as_str).collect();
    all.extend(["--services", service]);
    Program::start(&folder.path().join(fastrand::u64(..).to_string()), &all).await
}

fn info(redis: &Redis, section: &str, name: &str) -> anyhow::Result<f64> {
    let text = redis.ask(&format!("INFO {section}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    Ok(line.context("Redis tells this")?.trim().parse()?)
}

/// Hits all the way into history and to a watching dashboard, beside the embedded size.
async fn pipeline(cluster: &Cluster, hits_each: usize) -> anyhow::Result<()> {
    let watchfire = Watchfire::start(&["--bus-bytes-max", "17179869184"]).await?;
    let embedded = run(&watchfire.place, hits_each, &[&watchfire.program], &watchfire.program).await?;
    drop(watchfire);
    let before = cluster.asked().await?;
    let (processed, spent) = (cluster.processed().await, cluster.spent()?);
    let paid = [&cluster.collector, &cluster.processor];
    let seen = run(&cluster.place, hits_each, &paid, &cluster.processor).await?;
    let thousands = (cluster.processed().await - processed) / 1_000.0;
    let asked = cluster.asked().await?;
    let [messages, commands, operations] = [0, 1, 2].map(|what| (asked[what] - before[what]) / thousands);

    println!("\n## The cluster size on this machine, {hits_each} hits a request, {SHARDS} shards\n");
    println!(
        "| size | hits/s taken | hits/s all the way | CPU µs a hit (collector + processor) | × embedded |"
    );
    println!("|---|---|---|---|---|");
    for (name, run) in [("embedded", &embedded), ("cluster", &seen)] {
        println!(
            "| {name} | {:.0} | {:.0} | {:.2} | {:.2} |",
            run.taken,
            run.all_the_way,
            run.cpu_micros,
            run.cpu_micros / embedded.cpu_micros
        );
    }
    println!("\n| process | CPU µs a hit |\n|---|---|");
    for ((name, after), (_, before)) in cluster.spent()?.iter().zip(&spent) {
        println!("| {name} | {:.2} |", (after - before) * 1e3 / thousands);
    }
    println!("\n| hits a message | RabbitMQ messages a 1,000 hits | Redis commands | MongoDB operations |");
    println!("|---|---|---|---|");
    println!("| {:.0} | {messages:.1} | {commands:.1} | {operations:.1} |", 1_000.0 / messages);
    Ok(())
}

struct Run {
    taken: f64,
    all_the_way: f64,
    cpu_micros: f64,
}

/// Loads the door while a dashboard watches, then waits until all of it is processed.
async fn run(place: &Place, hits_each: usize, paid: &[&Program], processor: &Program) -> anyhow::Result<Run> {
    let mut push = place.dashboard("live", json!({})).await?;
    let watching = tokio::spawn(async move { while push.frame().await.is_ok() {} });
    let before = metric(processor, "watchfire_processed_hits_total").await;
    let warm = load::run(place.door, place.site, hits_each, WARM_UP, 0).await;
    done(processor, before + warm.hits as f64).await?;
    let spent = || paid.iter().map(|program| cpu(program.pid())).sum::<anyhow::Result<Duration>>();
    let (cpu_before, began) = (spent()?, Instant::now());
    let seen = load::run(place.door, place.site, hits_each, MEASURED, 0).await;
    done(processor, before + (warm.hits + seen.hits) as f64).await?;
    let (hits, elapsed) = (seen.hits as f64, began.elapsed());
    let run = Run {
        taken: hits / seen.elapsed.as_secs_f64(),
        all_the_way: hits / elapsed.as_secs_f64(),
        cpu_micros: (spent()? - cpu_before).as_secs_f64() * 1e6 / hits,
    };
    watching.abort();
    Ok(run)
}

async fn done(processor: &Program, hits: f64) -> anyhow::Result<()> {
    let began = Instant::now();
    while metric(processor, "watchfire_processed_hits_total").await < hits {
        anyhow::ensure!(
            began.elapsed() < DRAINED_MAX,
            "what was taken is not processed after {DRAINED_MAX:?}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// A second processor takes up all shards of one that was killed.
async fn takeover(cluster: &mut Cluster) -> anyhow::Result<()> {
    arrive(&cluster.place, 0..SHARDS * TAKEN_OVER).await?;
    present(&cluster.place, SHARDS * TAKEN_OVER).await?;
    let next = start("processor", &cluster.flags, &cluster.folder).await;
    let killed = std::mem::replace(&mut cluster.processor, next);
    killed.kill().await;
    let began = Instant::now();
    while metric(&cluster.processor, "watchfire_present_visitors").await < (SHARDS * TAKEN_OVER) as f64 {
        anyhow::ensure!(began.elapsed() < DRAINED_MAX, "the shards were not taken over");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    println!("\n## Taking over {SHARDS} shards of {TAKEN_OVER} present visitors each\n");
    println!("| from the kill until all are held ms | loading one shard ms |\n|---|---|");
    let count = metric(&cluster.processor, "watchfire_processor_takeover_seconds_count").await;
    let loads = metric(&cluster.processor, "watchfire_processor_takeover_seconds_sum").await / count;
    println!("| {:.0} | {:.0} |", began.elapsed().as_secs_f64() * 1e3, loads * 1e3);
    Ok(())
}

async fn redis_memory(cluster: &Cluster) -> anyhow::Result<()> {
    let already = SHARDS * TAKEN_OVER;
    let empty = Redis::start().map(|fresh| info(&fresh, "memory", "used_memory"))??;
    arrive(&cluster.place, already..VISITORS).await?;
    present(&cluster.place, memory::VISITORS).await?;
    let held = info(&cluster.redis, "memory", "used_memory")? - empty;
    println!("\n## Redis with {VISITORS} present visitors\n");
    println!("| MB | bytes a visitor |\n|---|---|\n| {:.1} | {:.0} |", held / 1e6, held / VISITORS as f64);
    Ok(())
}
