//! Metrics of all processes as inputs: what grew since the reading before, summed; percentiles of that time alone.

use std::collections::BTreeMap;
use std::time::Duration;

use model::Millis;
use scale::Inputs;

/// Series of one process that are looked at; further ones are passed over.
const SERIES_MAX: usize = 20_000;
const PERCENTILE: f64 = 0.95;

/// Values of one process, by their name and labels as they were told.
pub type Series = BTreeMap<String, f64>;

/// In Prometheus' text format. What is no finite number is passed over.
pub fn series(text: &str) -> Series {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let told = lines.filter_map(|line| {
        let (name, value) = line.rsplit_once(' ')?;
        let value = value.parse().ok().filter(|value: &f64| value.is_finite())?;
        Some((name.to_owned(), value))
    });
    told.take(SERIES_MAX).collect()
}

/// One process that was asked.
pub struct Asked {
    pub name: String,
    /// It is one of those that are launched and ended, and serves.
    pub is_instance: bool,
    /// None: no answer.
    pub told: Option<Series>,
}

/// Remembers what was told before.
#[derive(Default)]
pub struct Readings {
    before: BTreeMap<String, Series>,
    at: Option<Millis>,
}

/// What is known from elsewhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    pub shards: Option<u16>,
    pub bus_bytes_max: Option<u64>,
    /// Bytes of memory that an instance has.
    pub memory: Option<u64>,
}

impl Readings {
    /// Rates are none at the first time, and of processes that are asked for the first time.
    pub fn measure(&mut self, asked: Vec<Asked>, known: &Known, at: Millis) -> Inputs {
        let passed = self.at.replace(at).map(|before| at.since(before)).filter(|passed| !passed.is_zero());
        let before = std::mem::take(&mut self.before);
        let now = Now { asked: &asked, before: &before, passed };
        let inputs = now.inputs(known);
        let told = asked.into_iter().filter_map(|one| Some((one.name, one.told?)));
        self.before = told.collect();
        inputs
    }
}

struct Now<'a> {
    asked: &'a [Asked],
    before: &'a BTreeMap<String, Series>,
    passed: Option<Duration>,
}

impl Now<'_> {
    fn inputs(&self, known: &Known) -> Inputs {
        let share = |value: Option<f64>, of: Option<f64>| Some(value? / of.filter(|of| *of > 0.0)?);
        let queue_bytes = self.highest("watchfire_bus_depth_bytes");
        let cpus = self.cpus();
        Inputs {
            queue_messages: self.highest("watchfire_bus_depth_messages"),
            queue_bytes,
            queue_fill: share(queue_bytes, known.bus_bytes_max.map(|bytes| bytes as f64)),
            hits_a_message: share(
                self.grown("watchfire_collector_batch_hits_sum", ""),
                self.grown("watchfire_collector_batch_hits_count", ""),
            ),
            spooled_bytes: self.sum("watchfire_bus_spooled_bytes"),
            publish_failures: self.rate("watchfire_bus_failures_total", ""),
            publish_seconds: self.percentile("watchfire_collector_publish_seconds"),
            dead_letters: self.rate("watchfire_bus_dead_letters_total", ""),
            hits_rate: self.rate("watchfire_hits_total", "outcome=\"accepted\""),
            refused_rate: self.rate("watchfire_requests_refused_total", ""),
            processed_rate: self.rate("watchfire_processed_hits_total", ""),
            drops_rate: self.rate("watchfire_drops_total", ""),
            present_visitors: self.sum("watchfire_present_visitors"),
            processing_seconds: self.percentile("watchfire_processor_delay_seconds"),
            flush_seconds: self.percentile("watchfire_processor_flush_seconds"),
            takeover_seconds: self.percentile("watchfire_processor_takeover_seconds"),
            push_seconds: self.percentile("watchfire_push_seconds"),
            connections: self.sum("watchfire_connections"),
            cpu_mean: (!cpus.is_empty()).then(|| cpus.iter().sum::<f64>() / cpus.len() as f64),
            cpu_highest: cpus.iter().copied().reduce(f64::max),
            memory_highest: share(self.largest(), known.memory.map(|bytes| bytes as f64)),
            unreachable: Some(self.asked.iter().filter(|one| one.told.is_none()).count() as f64),
            shards: known.shards.map(f64::from),
            shards_held: self.sum("watchfire_processor_shards"),
            ..Inputs::default()
        }
    }

    /// Each value of a metric whose labels have this among them.
    fn values<'b>(
        &'b self,
        name: &'b str,
        label: &'b str,
    ) -> impl Iterator<Item = (&'b Asked, &'b str, f64)> {
        self.asked.iter().flat_map(move |one| {
            let of_name = one.told.iter().flatten().filter(move |(key, _)| is_of(key, name, label));
            of_name.map(move |(key, value)| (one, key.as_str(), *value))
        })
    }

    fn sum(&self, name: &str) -> Option<f64> {
        self.values(name, "").map(|(_, _, value)| value).reduce(|sum, value| sum + value)
    }

    fn highest(&self, name: &str) -> Option<f64> {
        self.values(name, "").map(|(_, _, value)| value).reduce(f64::max)
    }

    /// How much one value grew. A counter that fell began anew; one that was not there was zero.
    fn growth(&self, one: &Asked, key: &str, value: f64) -> Option<f64> {
        let before = self.before.get(&one.name)?.get(key).copied().unwrap_or_default();
        Some(if value >= before { value - before } else { value })
    }

    fn grown(&self, name: &str, label: &str) -> Option<f64> {
        let grown = self.values(name, label).filter_map(|(one, key, value)| self.growth(one, key, value));
        grown.reduce(|sum, value| sum + value)
    }

    /// A counter nobody tells of yet is one that has not begun: where a process was asked before, it is zero.
    fn rate(&self, name: &str, label: &str) -> Option<f64> {
        let is_known = self.asked.iter().any(|one| one.told.is_some() && self.before.contains_key(&one.name));
        let seconds = self.passed?.as_secs_f64();
        is_known.then(|| self.grown(name, label).unwrap_or_default() / seconds)
    }

    /// The upper bound of the bucket that it falls into. None: nothing was recorded.
    fn percentile(&self, name: &str) -> Option<f64> {
        let mut buckets: Vec<(f64, f64)> = Vec::new();
        let bucket = format!("{name}_bucket");
        for (one, key, value) in self.values(&bucket, "") {
            let (Some(bound), Some(grown)) = (bound_of(key), self.growth(one, key, value)) else {
                continue;
            };
            match buckets.iter_mut().find(|(known, _)| *known == bound) {
                Some((_, count)) => *count += grown,
                None => buckets.push((bound, grown)),
            }
        }
        buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
        let all = buckets.last().map(|(_, count)| *count).filter(|count| *count > 0.0)?;
        let found = buckets.iter().position(|(_, count)| *count >= PERCENTILE * all)?;
        // Past the last bound all that is known is that it is more than that.
        let within = if buckets[found].0.is_finite() { found } else { found.checked_sub(1)? };
        Some(buckets[within].0)
    }

    /// Of each instance, the share of its cores.
    fn cpus(&self) -> Vec<f64> {
        let Some(seconds) = self.passed.map(|passed| passed.as_secs_f64()) else {
            return Vec::new();
        };
        let spent = self.values("watchfire_process_cpu_seconds", "").filter(|(one, _, _)| one.is_instance);
        let shares = spent.filter_map(|(one, key, value)| {
            let cores = one.told.as_ref()?.get("watchfire_process_cores")?.max(1.0);
            Some(self.growth(one, key, value)? / seconds / cores)
        });
        shares.collect()
    }

    fn largest(&self) -> Option<f64> {
        let used = self.values("watchfire_process_resident_bytes", "").filter(|(one, _, _)| one.is_instance);
        used.map(|(_, _, value)| value).reduce(f64::max)
    }
}

fn is_of(key: &str, name: &str, label: &str) -> bool {
    let Some(rest) = key.strip_prefix(name) else {
        return false;
    };
    (rest.is_empty() || rest.starts_with('{')) && rest.contains(label)
}

fn bound_of(key: &str) -> Option<f64> {
    let told = key.split("le=\"").nth(1)?.split('"').next()?;
    if told == "+Inf" { Some(f64::INFINITY) } else { told.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: &str, text: &str) -> Asked {
        Asked { name: name.to_owned(), is_instance: name.starts_with('p'), told: Some(series(text)) }
    }

    const KNOWN: Known = Known { shards: Some(8), bus_bytes_max: Some(1_000), memory: Some(2_000) };

    #[test]
    fn counters_become_rates_over_all_processes_and_gauges_sums() {
        let mut readings = Readings::default();
        let first = vec![
            asked(
                "c1",
                "# HELP x\nwatchfire_hits_total{outcome=\"accepted\"} 100\nwatchfire_hits_total{outcome=\"refused\"} 9",
            ),
            asked("c2", "watchfire_hits_total{outcome=\"accepted\"} 1000"),
            asked("p1", "watchfire_process_cpu_seconds 5\nwatchfire_process_cores 2"),
        ];
        let inputs = readings.measure(first, &KNOWN, Millis(0));
        assert_eq!((inputs.hits_rate, inputs.cpu_mean, inputs.unreachable), (None, None, Some(0.0)));
        let second = vec![
            asked(
                "c1",
                "watchfire_hits_total{outcome=\"accepted\"} 400\nwatchfire_hits_total{outcome=\"refused\"} 99\nwatchfire_bus_depth_messages 3",
            ),
            // It began anew.
            asked(
                "c2",
                "watchfire_hits_total{outcome=\"accepted\"} 300\nwatchfire_bus_depth_messages 7\nwatchfire_bus_depth_bytes 500",
            ),
            asked(
                "p1",
                "watchfire_process_cpu_seconds 65\nwatchfire_process_cores 2\nwatchfire_process_resident_bytes 1000\nwatchfire_processor_shards 3",
            ),
            asked(
                "p2",
                "watchfire_process_cpu_seconds 900\nwatchfire_process_cores 2\nwatchfire_process_resident_bytes 500\nwatchfire_processor_shards 5",
            ),
            Asked { name: "p3".into(), is_instance: true, told: None },
        ];
        let inputs = readings.measure(second, &KNOWN, Millis(60_000));
        assert_eq!(inputs.hits_rate, Some(10.0));
        assert_eq!((inputs.queue_messages, inputs.queue_fill), (Some(7.0), Some(0.5)));
        assert_eq!((inputs.cpu_mean, inputs.memory_highest), (Some(0.5), Some(0.5)));
        assert_eq!(
            (inputs.shards, inputs.shards_held, inputs.unreachable),
            (Some(8.0), Some(8.0), Some(1.0))
        );
        assert_eq!(inputs.dead_letters, Some(0.0), "a counter that nobody tells of has not begun");
    }

    #[test]
    fn a_percentile_is_of_the_time_since_the_reading_before() {
        let told = |fast: u32, slow: u32, all: u32| {
            format!(
                "x_bucket{{le=\"0.1\"}} {fast}\nx_bucket{{le=\"1\"}} {slow}\nx_bucket{{le=\"+Inf\"}} {all}"
            )
        };
        let check = |before: String, now: String, expected: Option<f64>| {
            let before = BTreeMap::from([("p".to_owned(), series(&before))]);
            let asked = [asked("p", &now)];
            let now = Now { asked: &asked, before: &before, passed: Some(Duration::from_secs(1)) };
            assert_eq!(now.percentile("x"), expected);
        };
        check(told(100, 100, 100), told(100, 100, 100), None);
        check(told(0, 100, 100), told(95, 200, 200), Some(0.1));
        check(told(0, 100, 100), told(94, 200, 200), Some(1.0));
        check(told(0, 0, 0), told(95, 100, 100), Some(0.1));
        check(told(0, 0, 0), told(0, 0, 100), Some(1.0));
    }

    #[test]
    fn what_is_no_number_is_passed_over_and_series_are_bounded() {
        assert_eq!(series("a NaN\nb +Inf\nc 1e3\nd\n"), Series::from([("c".to_owned(), 1_000.0)]));
        let lines = |count: usize| (0..count).map(|number| format!("a{number} 1\n")).collect::<String>();
        assert_eq!(series(&lines(SERIES_MAX)).len(), SERIES_MAX);
        assert_eq!(series(&lines(SERIES_MAX + 1)).len(), SERIES_MAX);
    }

    #[test]
    fn a_metric_is_told_from_those_that_begin_like_it() {
        assert!(is_of("a", "a", "") && is_of("a{x=\"1\"}", "a", "x=\"1\""));
        assert!(!is_of("ab", "a", "") && !is_of("a{x=\"1\"}", "a", "x=\"2\""));
    }
}
