//! `watchfire autoscale`: reads what processes tell of themselves, lets `scale` decide, writes the decision down, and has it done.

mod command;
mod door;
mod ec2;
mod journal;
mod local;
mod provider;
mod readings;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{bail, ensure};
use clap::parser::ValueSource;
use clap::{Args, FromArgMatches, ValueEnum};
use futures_util::future::join_all;
use model::{Clock, Millis, SystemClock};
use scale::{Autoscaler, Decision, Inputs, Instance, Policy, Record, Stage, limits};
use tokio::time::MissedTickBehavior;

use crate::autoscale::door::Doors;
use crate::autoscale::ec2::{Ec2, Ec2Options};
use crate::autoscale::journal::Journal;
use crate::autoscale::local::Local;
use crate::autoscale::provider::{Provider, Seen};
use crate::autoscale::readings::{Asked, Known, Readings};
use crate::scaling::ScaleOptions;
use crate::serve;
use crate::settings::{self, Settings};

pub const ABOUT: &str = "\
Launches and ends processors of a cluster as load rises and falls. About once a minute it reads the metrics of all processes that it is told
of, decides, writes the decision with all its inputs and its reason to autoscale.jsonl in --data, and does it. docs/autoscale.md says how it
decides, and what each input is.

What stands behind -- are flags of `watchfire serve`, with which processors of this machine are started, as the others of the cluster are:

  watchfire autoscale --provider local --watch 127.0.0.1:9101 -- --config /etc/watchfire/cluster.toml

Instances of elsewhere are a command's: it is called with `list` (and prints them as JSON), `launch COUNT on-demand|spot`, `drain ID…` and
`terminate ID…`.";

/// What was learned of the week is kept so often.
const KEEP_EVERY: Duration = Duration::from_secs(900);
/// What of `serve` is the autoscaler's to say of the processors that it starts.
const OWN: [&str; 4] = ["listen", "metrics", "data", "services"];
/// Processes that are watched at most, beside the instances.
const WATCHED_MAX: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Where {
    /// Processes of this machine
    Local,
    /// What a command looks after
    Command,
    /// Instances of Amazon's EC2
    Ec2,
}

#[derive(Args, Debug)]
pub struct AutoscaleOptions {
    #[command(flatten)]
    scale: ScaleOptions,

    /// Where instances are
    #[arg(long, value_name = "WHERE", value_enum, default_value = "local")]
    provider: Where,

    /// The command that looks after instances
    #[arg(long, value_name = "PROGRAM", required_if_eq("provider", "command"))]
    command: Option<PathBuf>,

    #[command(flatten)]
    ec2: Ec2Options,

    /// Doors of /metrics of the other processes: collectors above all, which tell what comes
    #[arg(long, env = "WATCHFIRE_SCALE_WATCH", value_name = "ADDR:PORT,…", value_delimiter = ',')]
    watch: Vec<SocketAddr>,

    /// Folder of the log of decisions and of what is learned of the week
    #[arg(long, value_name = "FOLDER", default_value = "./autoscale")]
    data: PathBuf,

    /// Seconds between two decisions
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    every: u64,

    /// Bytes of memory that an instance may use
    #[arg(long, value_name = "BYTES")]
    instance_memory: Option<u64>,

    /// Explain each decision with all its inputs, write nothing, and do nothing
    #[arg(long)]
    dry_run: bool,

    /// End after so many decisions
    #[arg(long, value_name = "N")]
    decisions: Option<u64>,

    /// Flags of `watchfire serve`
    #[arg(last = true, value_name = "FLAGS")]
    serve: Vec<String>,
}

pub async fn run(options: AutoscaleOptions) -> anyhow::Result<()> {
    ensure!(options.watch.len() <= WATCHED_MAX, "--watch: at most {WATCHED_MAX} processes");
    let scale_settings = options.scale.settings(options.every as f64)?;
    let serve = serve_settings(&options.serve)?;
    let known = Known {
        shards: Some(serve.shards),
        bus_bytes_max: Some(serve.bus_bytes_max),
        memory: options.instance_memory,
    };
    let journal = (!options.dry_run).then(|| Journal::open(&options.data)).transpose()?;
    let forecast = match &journal {
        Some(journal) => journal.forecast()?,
        None => scale::Forecast::default(),
    };
    let provider = match (options.provider, options.command) {
        (Where::Command, Some(program)) => Provider::Command(command::Command::new(program)),
        (Where::Command, None) => bail!("--command: name the command that looks after instances"),
        (Where::Ec2, _) => Provider::Ec2(Box::new(Ec2::new(options.ec2, Arc::new(SystemClock))?)),
        (Where::Local, _) => Provider::Local(Local::new(options.data.clone(), options.serve.clone())?),
    };
    let work = Work {
        provider,
        journal,
        autoscaler: Autoscaler::new(scale_settings, forecast),
        readings: Readings::default(),
        doors: Doors::new(),
        served: BTreeSet::new(),
        watch: options.watch,
        known,
        clock: Arc::new(SystemClock),
    };
    work.until_signal(Duration::from_secs(options.every), options.decisions).await
}

/// What processors are started with, read as they will read it, so that what is wrong with it is told now.
fn serve_settings(flags: &[String]) -> anyhow::Result<Settings> {
    let command = || clap::Command::new("watchfire autoscale … --").no_binary_name(true);
    let first = <Settings as Args>::augment_args(command()).try_get_matches_from(flags)?;
    let mut described = <Settings as Args>::augment_args(command());
    if let Some(file) = first.get_one::<PathBuf>("config") {
        described = settings::with_file(described, file)?.0;
    }
    let matches = described.try_get_matches_from(flags.iter().map(OsString::from))?;
    for name in OWN {
        if matches.value_source(name) == Some(ValueSource::CommandLine) {
            bail!("--{name} is the autoscaler's to say: leave it out behind --");
        }
    }
    Ok(Settings::from_arg_matches(&matches)?)
}

struct Work {
    provider: Provider,
    /// None: nothing is written, and nothing done.
    journal: Option<Journal>,
    autoscaler: Autoscaler,
    readings: Readings,
    doors: Doors,
    /// Instances that served once: one that gives no answer later is still no new one.
    served: BTreeSet<String>,
    watch: Vec<SocketAddr>,
    known: Known,
    clock: Arc<dyn Clock>,
}

impl Work {
    async fn until_signal(mut self, every: Duration, decisions: Option<u64>) -> anyhow::Result<()> {
        let worked = tokio::select! {
            () = serve::signal() => Ok(()),
            worked = self.work(every, decisions) => worked,
        };
        tracing::info!("stopping");
        self.keep();
        self.provider.stop().await;
        worked
    }

    async fn work(&mut self, every: Duration, decisions: Option<u64>) -> anyhow::Result<()> {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut kept = self.clock.now();
        let mut left = decisions.unwrap_or(u64::MAX);
        while left > 0 {
            ticks.tick().await;
            left -= 1;
            let at = self.clock.now();
            // What cannot be asked now may be the next time: until then nothing is decided.
            match self.provider.fleet().await {
                Ok(seen) => self.decide(seen, at).await?,
                Err(error) => tracing::warn!(error = format!("{error:#}"), "the fleet is not known"),
            }
            if at.since(kept) >= KEEP_EVERY {
                self.keep();
                kept = at;
            }
        }
        Ok(())
    }

    async fn decide(&mut self, mut seen: Vec<Seen>, at: Millis) -> anyhow::Result<()> {
        seen.truncate(limits::FLEET_MAX);
        let fleet = self.staged(&seen).await;
        let asked = self.asked(&seen, &fleet).await;
        let measured = self.readings.measure(asked, &self.known, at);
        let decision = self.autoscaler.decide(&measured, &fleet, at);
        let Some(journal) = &mut self.journal else {
            println!("{}", explained(&decision, self.autoscaler.inputs(), &fleet, at));
            return Ok(());
        };
        tracing::info!("{decision}");
        let inputs = self.autoscaler.inputs().clone();
        journal.append(&Record { at, decision: decision.clone(), inputs, fleet })?;
        if let Err(error) = self.provider.act(&decision.act, &seen, at).await {
            tracing::warn!(error = format!("{error:#}"), "it could not be done");
        }
        Ok(())
    }

    /// Where the provider does not say how far an instance is, its door does.
    async fn staged(&mut self, seen: &[Seen]) -> Vec<Instance> {
        let doors = &self.doors;
        let answers = join_all(seen.iter().map(|one| async move {
            match (one.door, one.metrics) {
                (Some(door), _) => doors.serves(door).await,
                (None, Some(metrics)) => doors.metrics(metrics).await.is_ok(),
                (None, None) => true,
            }
        }));
        let answers = answers.await;
        let newly = seen.iter().zip(&answers).filter(|(_, serves)| **serves).map(|(one, _)| one.id.clone());
        self.served.extend(newly.collect::<Vec<_>>());
        self.served.retain(|id| seen.iter().any(|one| one.id == *id));
        seen.iter().map(|one| self.instance(one)).collect()
    }

    fn instance(&self, seen: &Seen) -> Instance {
        let by_door = if self.served.contains(&seen.id) { Stage::Serving } else { Stage::Starting };
        Instance {
            id: seen.id.clone(),
            since: seen.since,
            stage: seen.stage.unwrap_or(by_door),
            spot: seen.spot,
            noticed: seen.noticed,
        }
    }

    /// Those that start or drain need not answer.
    async fn asked(&self, seen: &[Seen], fleet: &[Instance]) -> Vec<Asked> {
        let serving = seen.iter().zip(fleet).filter(|(_, instance)| instance.stage == Stage::Serving);
        let instances = serving.filter_map(|(one, _)| Some((one.id.clone(), one.metrics?, true)));
        let others = self.watch.iter().map(|door| (door.to_string(), *door, false));
        join_all(instances.chain(others).map(|(name, door, is_instance)| async move {
            let told = match self.doors.metrics(door).await {
                Ok(text) => Some(readings::series(&text)),
                Err(error) => {
                    tracing::warn!(name, error = format!("{error:#}"), "its metrics are not known");
                    None
                }
            };
            Asked { name, is_instance, told }
        }))
        .await
    }

    fn keep(&self) {
        let Some(journal) = &self.journal else {
            return;
        };
        if let Err(error) = journal.keep(self.autoscaler.forecast()) {
            tracing::warn!(error = format!("{error:#}"), "what was learned of the week could not be kept");
        }
    }
}

/// A decision for somebody who reads it: what was looked at, and what came of it.
fn explained(decision: &Decision, inputs: &Inputs, fleet: &[Instance], at: Millis) -> String {
    let time =
        jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| String::new(), |at| format!("{at:.0}"));
    let mut text = format!("{time}  would {decision}\n");
    for (input, value) in Inputs::TABLE.iter().zip(inputs.values()) {
        let value = value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
        text += &format!("  {:<18} {value:>14} {:<16} {}\n", input.name, input.unit, input.what);
    }
    for instance in fleet {
        let kind = if instance.spot { "spot" } else { "" };
        let seconds = instance.age(at).as_secs();
        text += &format!("  {:<24} {:?} for {seconds} s {kind}\n", instance.id, instance.stage);
    }
    text
}

#[cfg(test)]
mod tests {
    use scale::{Act, Reason};

    use super::*;

    fn flags(flags: &[&str]) -> Vec<String> {
        flags.iter().map(|flag| (*flag).to_owned()).collect()
    }

    #[test]
    fn processors_are_told_what_the_others_are_and_not_what_is_the_autoscalers() {
        let read = serve_settings(&flags(&["--shards", "8", "--live", "redis://cache"])).unwrap();
        assert_eq!((read.shards, read.live.as_str()), (8, "redis://cache"));
        for own in [["--listen", "127.0.0.1:1"], ["--services", "web"], ["--data", "x"]] {
            let error = serve_settings(&flags(&own)).unwrap_err().to_string();
            assert!(error.contains(own[0]), "{error}");
        }
        assert!(serve_settings(&flags(&["--shards", "65"])).is_err());
    }

    #[test]
    fn an_explanation_names_every_input_with_its_unit_and_what_is_not_known() {
        let decision = Decision {
            act: Act::Launch { count: 2, spot: false },
            reason: Reason::Rate,
            needed: 4,
            would_do: 5,
        };
        let inputs = Inputs { hits_rate: Some(1.5), ..Default::default() };
        let fleet = [Instance {
            id: "i-1".into(),
            since: Millis(0),
            stage: Stage::Serving,
            spot: true,
            noticed: false,
        }];
        let text = explained(&decision, &inputs, &fleet, Millis(60_000));
        assert!(
            text.starts_with("1970-01-01T00:01:00Z  would launch 2: what comes takes more (4 needed"),
            "{text}"
        );
        assert!(Inputs::TABLE.iter().all(|input| text.contains(input.name)), "{text}");
        assert!(text.contains("1.500 hits/s") && text.contains("– messages/s"), "{text}");
        assert!(text.contains("i-1") && text.contains("Serving for 60 s spot"), "{text}");
    }
}
