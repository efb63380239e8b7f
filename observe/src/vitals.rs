//! The few numbers that tell how a process is: traffic, errors, latency and saturation of each service, and of each
//! queue and store behind it. Each is made of two readings of the metrics.

use std::collections::BTreeMap;

use crate::Scrape;
use crate::exposition::Sample;

/// One number, and how it is made.
#[derive(Debug)]
pub struct Vital {
    pub name: &'static str,
    pub made: Made,
    /// How those of several processes become one.
    pub of_all: OfAll,
}

#[derive(Clone, Copy, Debug)]
pub enum Made {
    /// How much these counters grew, a second.
    Rate(&'static [Counter]),
    /// The gauge, all labels together.
    Gauge(&'static str),
    /// The 99th of a hundred of what the histogram took in meanwhile; nothing where it took nothing. Between two
    /// bounds it is taken to lie as far as its rank does.
    P99(&'static str, Only),
}

/// A counter, and which of it.
pub type Counter = (&'static str, Only);

/// All of a metric, or what has this label.
pub type Only = Option<(&'static str, &'static str)>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfAll {
    Sum,
    Max,
}

/// Numbers by name, those that there are.
pub type Numbers = BTreeMap<&'static str, f64>;

const fn rate(name: &'static str, counters: &'static [Counter]) -> Vital {
    Vital { name, made: Made::Rate(counters), of_all: OfAll::Sum }
}

const fn sum(name: &'static str, gauge: &'static str) -> Vital {
    Vital { name, made: Made::Gauge(gauge), of_all: OfAll::Sum }
}

/// A gauge that several processes read of the same thing.
const fn max(name: &'static str, gauge: &'static str) -> Vital {
    Vital { name, made: Made::Gauge(gauge), of_all: OfAll::Max }
}

const fn p99(name: &'static str, histogram: &'static str) -> Vital {
    Vital { name, made: Made::P99(histogram, None), of_all: OfAll::Max }
}

const fn p99_of(name: &'static str, service: &'static str) -> Vital {
    Vital { name, made: Made::P99("watchfire_http_seconds", Some(("service", service))), of_all: OfAll::Max }
}

/// All there are. Names are `what_number`; latencies are in seconds, depths and sizes in bytes where they say so.
pub const VITALS: &[Vital] = &[
    rate("collector_hits", &[("watchfire_hits_total", Some(("outcome", "accepted")))]),
    rate(
        "collector_refused",
        &[("watchfire_hits_total", Some(("outcome", "refused"))), ("watchfire_requests_refused_total", None)],
    ),
    p99_of("collector_p99", "collector"),
    rate("bus_messages", &[("watchfire_bus_messages_total", None)]),
    rate("bus_failures", &[("watchfire_bus_failures_total", None), ("watchfire_bus_full_total", None)]),
    rate("bus_dead_letters", &[("watchfire_bus_dead_letters_total", None)]),
    p99("bus_p99", "watchfire_bus_commit_seconds"),
    max("bus_depth", "watchfire_bus_depth_messages"),
    max("bus_depth_bytes", "watchfire_bus_depth_bytes"),
    sum("bus_spooled_bytes", "watchfire_bus_spooled_bytes"),
    rate("processor_hits", &[("watchfire_processed_hits_total", None)]),
    rate("processor_drops", &[("watchfire_drops_total", None)]),
    p99("processor_lag", "watchfire_processor_delay_seconds"),
    p99("processor_p99", "watchfire_processor_flush_seconds"),
    sum("processor_shards", "watchfire_processor_shards"),
    sum("present", "watchfire_present_visitors"),
    p99("live_p99", "watchfire_live_seconds"),
    rate("live_failures", &[("watchfire_live_failures_total", None)]),
    p99("store_p99", "watchfire_store_seconds"),
    rate("store_failures", &[("watchfire_store_failures_total", None)]),
    rate("history_failures", &[("watchfire_processor_folds_failed_total", None)]),
    sum("realtime_connections", "watchfire_connections"),
    rate("realtime_frames", &[("watchfire_push_frames_total", None)]),
    rate("realtime_lags", &[("watchfire_push_lags_total", None), ("watchfire_mirror_lags_total", None)]),
    p99("realtime_p99", "watchfire_push_seconds"),
    rate("web_requests", &[("watchfire_http_requests_total", Some(("service", "web")))]),
    p99_of("web_p99", "web"),
    rate("outbox_jobs", &[("watchfire_jobs_total", None)]),
    rate("outbox_given_up", &[("watchfire_jobs_total", Some(("outcome", "given_up")))]),
    p99("outbox_p99", "watchfire_job_seconds"),
    sum("outbox_under_way", "watchfire_jobs_under_way"),
    rate("failed", &[("watchfire_http_requests_total", Some(("class", "5xx")))]),
    rate("panics", &[("watchfire_panics_total", None)]),
    rate("cpu", &[("watchfire_process_cpu_seconds", None)]),
    sum("memory_bytes", "watchfire_process_resident_bytes"),
    max("files", "watchfire_process_open_files"),
    max("disk_free_bytes", "watchfire_disk_free_bytes"),
    p99("delay", "watchfire_scheduler_delay_seconds"),
];

/// What is between two readings that lie so many seconds apart. What the process has no metric of is left out.
pub fn numbers(before: &Scrape, after: &Scrape, seconds: f64) -> Numbers {
    let made =
        VITALS.iter().filter_map(|vital| Some((vital.name, made(vital.made, before, after, seconds)?)));
    made.collect()
}

/// The one of that name.
pub fn vital(name: &str) -> Option<&'static Vital> {
    VITALS.iter().find(|vital| vital.name == name)
}

fn made(made: Made, before: &Scrape, after: &Scrape, seconds: f64) -> Option<f64> {
    match made {
        Made::Rate(counters) => {
            let now = counters.iter().filter_map(|counter| total(after, *counter)).reduce(|a, b| a + b)?;
            let then: f64 = counters.iter().filter_map(|counter| total(before, *counter)).sum();
            Some((now - then).max(0.0) / seconds)
        }
        Made::Gauge(name) => total(after, (name, None)),
        Made::P99(name, only) => quantile(0.99, &grown(before, after, name, only)),
    }
}

/// None: there is none of that name.
fn total(scrape: &Scrape, (name, only): Counter) -> Option<f64> {
    let mut found = false;
    let values = scrape.named(name).inspect(|_| found = true).filter(|sample| is_of(sample, only));
    let total = values.map(|sample| sample.value).sum();
    found.then_some(total)
}

fn is_of(sample: &Sample, only: Only) -> bool {
    only.is_none_or(|(label, value)| sample.label(label) == Some(value))
}

/// Upper bounds, and how many came to lie at or under each meanwhile; in their order.
pub fn grown(before: &Scrape, after: &Scrape, name: &str, only: Only) -> Vec<(f64, f64)> {
    let bucket = format!("{name}_bucket");
    let mut grown: Vec<(f64, f64)> = Vec::new();
    let mut add = |scrape: &Scrape, sign: f64| {
        for sample in scrape.named(&bucket).filter(|sample| is_of(sample, only)) {
            let Some(bound) = sample.label("le").and_then(|bound| bound.parse::<f64>().ok()) else {
                continue;
            };
            match grown.iter_mut().find(|(known, _)| *known == bound) {
                Some((_, count)) => *count += sign * sample.value,
                None => grown.push((bound, sign * sample.value)),
            }
        }
    };
    add(after, 1.0);
    add(before, -1.0);
    grown.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    grown
}

/// Where that share of what a histogram holds lies. What is over the highest bound is said to be at it.
pub fn quantile(share: f64, buckets: &[(f64, f64)]) -> Option<f64> {
    let all = buckets.last()?.1;
    if all <= 0.0 {
        return None;
    }
    let rank = share * all;
    let (mut low, mut under) = (0.0, 0.0);
    for &(bound, count) in buckets {
        if count >= rank {
            if bound.is_infinite() {
                return Some(low);
            }
            return Some(low + (bound - low) * (rank - under) / (count - under));
        }
        (low, under) = (bound, count);
    }
    Some(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_of_what_came_meanwhile() {
        let before = Scrape::of("watchfire_hits_total{outcome=\"accepted\"} 100\n");
        let after = Scrape::of(concat!(
            "watchfire_hits_total{outcome=\"accepted\"} 150\n",
            "watchfire_hits_total{outcome=\"refused\"} 5\n",
        ));
        let numbers = numbers(&before, &after, 5.0);
        assert_eq!(numbers["collector_hits"], 10.0);
        assert_eq!(numbers["collector_refused"], 1.0, "what was not there before was 0");
        assert!(!numbers.contains_key("processor_hits"), "no processor runs here");
    }

    #[test]
    fn gauges_of_all_labels_are_one() {
        let now = Scrape::of(
            "watchfire_present_visitors{shard=\"0\"} 3\nwatchfire_present_visitors{shard=\"1\"} 4\n",
        );
        assert_eq!(numbers(&Scrape::default(), &now, 5.0)["present"], 7.0);
    }

    #[test]
    fn a_quantile_is_of_what_came_meanwhile() {
        let name = |bound: &str, count: u32| {
            format!("watchfire_processor_delay_seconds_bucket{{le=\"{bound}\"}} {count}\n")
        };
        let before = Scrape::of(&[name("0.1", 1_000), name("1", 1_000), name("+Inf", 1_000)].concat());
        let after = Scrape::of(&[name("0.1", 1_000), name("1", 1_100), name("+Inf", 1_100)].concat());
        let lag = numbers(&before, &after, 5.0)["processor_lag"];
        assert!((lag - 0.991).abs() < 1e-9, "{lag}");
        assert!(!numbers(&after, &after, 5.0).contains_key("processor_lag"), "nothing came");
    }

    #[test]
    fn what_is_over_every_bound_is_at_the_highest() {
        let buckets = [(0.1, 1.0), (1.0, 1.0), (f64::INFINITY, 50.0)];
        assert_eq!(quantile(0.99, &buckets), Some(1.0));
        assert_eq!(quantile(0.01, &buckets), Some(0.05));
        assert_eq!(quantile(0.5, &[]), None);
    }

    #[test]
    fn names_are_told_apart() {
        let mut names: Vec<_> = VITALS.iter().map(|vital| vital.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), VITALS.len());
        assert!(vital("cpu").is_some() && vital("cpus").is_none());
    }
}
