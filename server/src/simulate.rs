//! `watchfire simulate`: a week of arrivals against the autoscaler, beside fleets of a fixed size and a plain threshold.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Args;
use flate2::read::MultiGzDecoder;
use model::Millis;
use scale::policy::{Fixed, Threshold};
use scale::simulation::{Outcome, arrivals, run as simulated, week};
use scale::{Autoscaler, Forecast, Policy, Record, Settings};

use crate::access_log::{Format, Line};
use crate::scaling::ScaleOptions;

/// A line of either kind of log.
const LINE_BYTES_MAX: u64 = 4 << 20;
/// Requests or decisions of which arrivals are made at most.
const READ_MAX: usize = 50_000_000;
const WEEK_MINUTES: usize = week::MINUTES;
/// The next number of a decision is a minute away.
const EVERY: f64 = 60.0;

pub const ABOUT: &str = "\
A week of arrivals, minute by minute, against the autoscaler, beside fleets of a fixed size and a plain threshold on CPU: what each costs,
and in how many minutes processing is late. Boots take from half to one and a half times of --boot; with --spot an instance beyond the least
is taken once in three days. The same --seed gives the same.

Without a file it is a week that nobody had, with three surprises, after two without. With --access-log the shape is that of a log's
pageviews (of many sites, each like the one of the log and up to an hour apart from it), with --mean hits a second; with --decisions it
is what a log of `watchfire autoscale` recorded, so that a day can be had again with other settings. Of more than a week the last one is
simulated, and learned from what was before.";

#[derive(Args, Debug)]
pub struct SimulateOptions {
    #[command(flatten)]
    scale: ScaleOptions,

    /// Access logs in any form that `import` reads; gzip is recognised
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "decisions")]
    access_log: Vec<PathBuf>,

    /// A log of `watchfire autoscale`
    #[arg(long, value_name = "FILE")]
    decisions: Option<PathBuf>,

    /// Hits a second, on average; not with --decisions, which tell them
    #[arg(long, value_name = "HITS", default_value_t = 50_000.0, conflicts_with = "decisions")]
    mean: f64,

    /// Of boots and of spot instances that are taken
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Print every decision of the autoscaler that is no waiting
    #[arg(long)]
    explain: bool,
}

/// What comes, and what was learned before it.
struct Scene {
    from: Millis,
    rates: Vec<f64>,
    forecast: Forecast,
    /// Of what was learned from.
    highest_before: Option<f64>,
}

pub fn run(options: &SimulateOptions) -> anyhow::Result<()> {
    let settings = options.scale.settings(EVERY)?;
    ensure!(options.mean.is_finite() && options.mean > 0.0, "--mean is more than zero");
    let scene = scene(options)?;
    let mean = scene.rates.iter().sum::<f64>() / scene.rates.len() as f64;
    let highest = scene.rates.iter().copied().fold(0.0, f64::max);
    println!(
        "{} minutes; hits a second: {mean:.0} on average, {highest:.0} at the highest; an instance processes {:.0}\n",
        scene.rates.len(),
        settings.capacity
    );
    println!(
        "{:<44} {:>9} {:>12} {:>9} {:>6} {:>9}",
        "", "cost", "minutes late", "worst, s", "most", "launched"
    );
    let begin = instances(scene.rates[0], &settings);
    let mut ours = Autoscaler::new(settings.clone(), scene.forecast.clone());
    let told = simulated(&mut ours, &settings, &scene.rates, scene.from, begin, options.seed);
    print_row("autoscale", &told.outcome);
    let without = Settings { forecast: false, ..settings.clone() };
    let mut blind = Autoscaler::new(without, Forecast::default());
    print_row("autoscale, without a forecast", &played(&mut blind, &settings, &scene, begin, options.seed));
    let mut threshold = Threshold::usual(settings.instances_min, settings.instances_max);
    let outcome = played(&mut threshold, &settings, &scene, begin, options.seed);
    print_row("threshold: one more at 70 % CPU, less at 40 %", &outcome);
    if let Some(before) = scene.highest_before {
        let count = instances(before, &settings);
        let outcome = played(&mut Fixed(count), &settings, &scene, count, options.seed);
        print_row(&format!("fixed: {count}, for the highest of before"), &outcome);
    }
    let count = instances(highest, &settings);
    let outcome = played(&mut Fixed(count), &settings, &scene, count, options.seed);
    print_row(&format!("fixed: {count}, by hindsight"), &outcome);
    if options.explain {
        println!();
        for noted in &told.noted {
            let time = jiff::Timestamp::from_millisecond(noted.at.0)?;
            println!("{time:.0}  {} serve  {:?}: {}", noted.serving, noted.act, noted.reason.sentence());
        }
    }
    Ok(())
}

fn played(policy: &mut dyn Policy, settings: &Settings, scene: &Scene, begin: u32, seed: u64) -> Outcome {
    simulated(policy, settings, &scene.rates, scene.from, begin, seed).outcome
}

fn instances(rate: f64, settings: &Settings) -> u32 {
    let needed = (rate / (settings.capacity * settings.busy)).ceil() as u32;
    needed.clamp(settings.instances_min, scale::limits::FLEET_MAX as u32)
}

fn print_row(name: &str, outcome: &Outcome) {
    println!(
        "{name:<44} {:>9.2} {:>12} {:>9.0} {:>6} {:>9}",
        outcome.cost, outcome.minutes_late, outcome.worst_seconds, outcome.most, outcome.launched
    );
}

fn scene(options: &SimulateOptions) -> anyhow::Result<Scene> {
    if let Some(file) = &options.decisions {
        let told = arrivals::of_records(&records(file)?);
        let (from, rates) = told.with_context(|| {
            format!("{} tells of no hits, or of more than a year of them", file.display())
        })?;
        return Ok(parted(from, rates));
    }
    if !options.access_log.is_empty() {
        let mut moments = Vec::new();
        for file in &options.access_log {
            moments_of(file, &mut moments)?;
        }
        let told = arrivals::of_moments(&moments, options.mean);
        let (from, rates) = told.context("the logs have no pageviews, or more than a year of them")?;
        return Ok(parted(from, rates));
    }
    let mut rates = week::week(0, options.mean, false);
    rates.extend(week::week(1, options.mean, false));
    rates.extend(week::week(2, options.mean, true));
    let before = Duration::from_secs(2 * 60 * WEEK_MINUTES as u64);
    Ok(parted(week::FROM.minus(before), rates))
}

/// The last week, and what is learned of those before.
fn parted(from: Millis, mut rates: Vec<f64>) -> Scene {
    let before = rates.len().saturating_sub(WEEK_MINUTES);
    let week = rates.split_off(before);
    let mut forecast = Forecast::default();
    for (minute, rate) in rates.iter().enumerate() {
        forecast.learn(from.plus(Duration::from_secs(60 * minute as u64)), *rate);
    }
    let highest_before = rates.iter().copied().reduce(f64::max);
    Scene { from: from.plus(Duration::from_secs(60 * before as u64)), rates: week, forecast, highest_before }
}

fn records(file: &Path) -> anyhow::Result<Vec<Record>> {
    let mut records = Vec::new();
    each_line(file, |line| {
        let record = Record::read(line);
        records.push(record.with_context(|| format!("line {} is no decision", records.len() + 1))?);
        Ok(records.len() < READ_MAX)
    })?;
    Ok(records)
}

/// Pageviews of a log, which is what a tag would have told; other lines are passed over.
fn moments_of(file: &Path, moments: &mut Vec<Millis>) -> anyhow::Result<()> {
    let (mut format, before) = (None, moments.len());
    each_line(file, |line| {
        format = format.or_else(|| Format::of(line));
        let read = format.and_then(|format: Format| format.read(line));
        moments.extend(read.filter(Line::is_pageview).map(|line| line.at));
        Ok(moments.len() < READ_MAX)
    })?;
    ensure!(moments.len() > before, "{} has no pageviews that could be read", file.display());
    Ok(())
}

/// Until `take` says that there is no room for more, which is an error.
fn each_line(file: &Path, mut take: impl FnMut(&str) -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let mut reader = opened(file).with_context(|| format!("cannot open {}", file.display()))?;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.by_ref().take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut line);
        if read.with_context(|| format!("cannot read {}", file.display()))? == 0 {
            return Ok(());
        }
        ensure!(line.len() as u64 <= LINE_BYTES_MAX, "{}: a line is too long", file.display());
        let text = String::from_utf8_lossy(&line);
        let has_room = take(text.trim_end()).with_context(|| file.display().to_string())?;
        if !has_room {
            bail!("{}: there is more than {READ_MAX} of it", file.display());
        }
    }
}

fn opened(file: &Path) -> anyhow::Result<Box<dyn BufRead>> {
    let mut reader = BufReader::new(File::open(file)?);
    Ok(match reader.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        true => Box::new(BufReader::new(MultiGzDecoder::new(reader))),
        false => Box::new(reader),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use scale::{Act, Decision, Inputs, Reason};

    use super::*;

    fn written(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn of_more_than_a_week_the_last_one_is_simulated_and_the_rest_learned() {
        let mut rates = vec![2.0; 100];
        rates.extend(vec![1.0; WEEK_MINUTES]);
        let scene = parted(Millis(0), rates);
        assert_eq!((scene.from, scene.rates.len()), (Millis(100 * 60_000), WEEK_MINUTES));
        assert_eq!(scene.highest_before, Some(2.0));
        let short = parted(Millis(0), vec![1.0; WEEK_MINUTES]);
        assert_eq!((short.rates.len(), short.highest_before), (WEEK_MINUTES, None));
    }

    #[test]
    fn a_recorded_day_is_had_again() {
        let line = |minute: i64| {
            let decision = Decision { act: Act::Wait, reason: Reason::Enough, needed: 1, would_do: 1 };
            let inputs = Inputs { hits_rate: Some(minute as f64), ..Default::default() };
            Record { at: Millis(minute * 60_000), decision, inputs, fleet: Vec::new() }.line()
        };
        let file = written(&(0..1_440).map(line).collect::<String>());
        let (from, rates) = arrivals::of_records(&records(file.path()).unwrap()).unwrap();
        assert_eq!((from, rates.len(), rates[1_000]), (Millis(0), 1_440, 1_000.0));
        let wrong = written(&(line(0) + "nonsense\n"));
        assert!(format!("{:#}", records(wrong.path()).unwrap_err()).contains("line 2"));
    }

    #[test]
    fn requests_of_a_log_are_read_and_a_log_without_any_is_told() {
        let log = written(
            "192.0.2.1 - - [25/Nov/2013:00:00:01 +0100] \"GET / HTTP/1.1\" 200 5 \"-\" \"x\"\nnonsense\n",
        );
        let mut moments = Vec::new();
        moments_of(log.path(), &mut moments).unwrap();
        assert_eq!(moments, [Millis(1_385_334_001_000)]);
        assert!(moments_of(written("nonsense\n").path(), &mut moments).is_err());
    }

    #[test]
    fn a_line_may_be_so_long_and_no_longer() {
        let long = |bytes: u64| written(&"x".repeat(bytes as usize));
        let read = |file: &tempfile::NamedTempFile| each_line(file.path(), |_| Ok(true)).is_ok();
        assert!(read(&long(LINE_BYTES_MAX)));
        assert!(!read(&long(LINE_BYTES_MAX + 1)));
    }

    /// Real weeks, where there are any: cheaper than both, and late no more often.
    #[test]
    fn of_real_weeks_the_second_is_cheaper_and_no_later_than_fixed_and_threshold() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/logs");
        let folder = std::env::var_os("WATCHFIRE_TEST_LOGS").map_or(folder, PathBuf::from);
        let files = ["site-week-48.log.gz", "site-week-49.log.gz"].map(|name| folder.join(name));
        if !files.iter().all(|file| file.is_file()) {
            println!("no real logs here: nothing is looked at");
            return;
        }
        let mut moments = Vec::new();
        files.iter().for_each(|file| moments_of(file, &mut moments).unwrap());
        let (from, rates) = arrivals::of_moments(&moments, 50_000.0).unwrap();
        let scene = parted(from, rates);
        let settings = Settings { instances_max: 64, ..Settings::default() };
        let begin = instances(scene.rates[0], &settings);
        for seed in 1..=3 {
            let mut ours = Autoscaler::new(settings.clone(), scene.forecast.clone());
            let ours = played(&mut ours, &settings, &scene, begin, seed);
            let count = instances(scene.highest_before.unwrap(), &settings);
            let fixed = played(&mut Fixed(count), &settings, &scene, count, seed);
            let threshold = played(&mut Threshold::usual(2, 64), &settings, &scene, begin, seed);
            println!("ours {ours:?}\nfixed {fixed:?}\nthreshold {threshold:?}");
            for other in [fixed, threshold] {
                assert!(
                    ours.cost < other.cost && ours.minutes_late <= other.minutes_late,
                    "{ours:?} {other:?}"
                );
            }
        }
    }
}
