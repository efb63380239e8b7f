//! All metrics to a Graphite or StatsD server, for those who run one: every time they are read, in lines of text.
//! What cannot be sent is left out: the next time has newer ones.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use model::Millis;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;
use url::Url;

use crate::Scrape;
use crate::exposition::Sample;
use crate::vitals::{grown, quantile};

/// Lines of one time; what is more is left out.
const LINES_MAX: usize = 20_000;
/// Bytes of a datagram: it fits into a frame of Ethernet.
const DATAGRAM_BYTES_MAX: usize = 1_432;
const SEND_MAX: Duration = Duration::from_secs(3);
const QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)];

/// Where metrics are pushed to: `graphite://HOST:PORT/PREFIX` (TCP, plain text) or `statsd://HOST:PORT/PREFIX` (UDP).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    kind: Kind,
    host: String,
    port: u16,
    prefix: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Graphite,
    Statsd,
}

impl FromStr for Target {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Target> {
        let url =
            Url::parse(text).context("it is graphite://HOST:PORT/PREFIX or statsd://HOST:PORT/PREFIX")?;
        let (kind, port) = match url.scheme() {
            "graphite" => (Kind::Graphite, 2_003),
            "statsd" => (Kind::Statsd, 8_125),
            other => bail!("{other}: metrics are pushed to graphite:// or statsd://"),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).context("it names no host")?;
        ensure!(
            url.username().is_empty() && url.query().is_none() && url.fragment().is_none(),
            "behind the host there is a prefix, and nothing else"
        );
        let prefix = match url.path().trim_matches('/') {
            "" => "watchfire",
            prefix => prefix,
        };
        ensure!(
            prefix.len() <= 100
                && prefix.split('.').all(|part| !part.is_empty() && part.bytes().all(is_plain)),
            "the prefix is of at most 100 letters, digits, - and _, with dots between"
        );
        Ok(Target {
            kind,
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(port),
            prefix: prefix.to_owned(),
        })
    }
}

pub struct Push {
    target: Target,
    /// The prefix, and of which process.
    path: String,
    stream: Option<TcpStream>,
    /// It was said that the target cannot be reached.
    complained: bool,
}

impl Push {
    /// `of`: the host and services of the process, as parts of each name.
    pub fn to(target: Target, of: &[&str]) -> Push {
        let mut path = target.prefix.clone();
        of.iter().for_each(|part| {
            path.push('.');
            path.push_str(&plain(part));
        });
        Push { target, path, stream: None, complained: false }
    }

    pub(crate) async fn send(&mut self, before: &Scrape, after: &Scrape, now: Millis) {
        let lines = lines(self.target.kind, &self.path, before, after, now);
        let sent = match timeout(SEND_MAX, self.deliver(&lines)).await {
            Ok(sent) => sent,
            Err(_) => Err(anyhow::anyhow!("it took longer than {SEND_MAX:?}")),
        };
        match sent {
            Ok(()) => self.complained = false,
            Err(error) => {
                self.stream = None;
                if !self.complained {
                    tracing::warn!("metrics are not pushed to {}: {error:#}", self.target.host);
                }
                self.complained = true;
            }
        }
    }

    async fn deliver(&mut self, lines: &[String]) -> anyhow::Result<()> {
        let address = (self.target.host.as_str(), self.target.port);
        match self.target.kind {
            Kind::Graphite => {
                let stream = match self.stream.take() {
                    Some(stream) => self.stream.insert(stream),
                    None => self.stream.insert(TcpStream::connect(address).await?),
                };
                stream.write_all(lines.concat().as_bytes()).await?;
            }
            Kind::Statsd => {
                let to = tokio::net::lookup_host(address).await?.next().context("the host has no address")?;
                let from: SocketAddr = if to.is_ipv4() { ([0; 4], 0).into() } else { ([0u16; 8], 0).into() };
                let socket = UdpSocket::bind(from).await?;
                for datagram in datagrams(lines) {
                    socket.send_to(datagram.as_bytes(), to).await?;
                }
            }
        }
        Ok(())
    }
}

/// As many whole lines each as fit.
fn datagrams(lines: &[String]) -> Vec<String> {
    let mut datagrams = vec![String::new()];
    for line in lines.iter().filter(|line| line.len() <= DATAGRAM_BYTES_MAX) {
        if datagrams.last().is_some_and(|last| last.len() + line.len() > DATAGRAM_BYTES_MAX) {
            datagrams.push(String::new());
        }
        if let Some(last) = datagrams.last_mut() {
            last.push_str(line);
        }
    }
    datagrams
}

/// Counters (`…_total`): all so far to Graphite, what came meanwhile to StatsD. Histograms: how many, and where half, 95 and
/// 99 of a hundred of what came meanwhile lie. All others as they are.
fn lines(kind: Kind, path: &str, before: &Scrape, after: &Scrape, now: Millis) -> Vec<String> {
    let mut lines = Vec::new();
    let mut add = |name: &str, value: f64, is_count: bool| {
        let mut line = String::new();
        let _ = match kind {
            Kind::Graphite => writeln!(line, "{path}.{name} {value} {}", now.0.div_euclid(1_000)),
            Kind::Statsd => writeln!(line, "{path}.{name}:{value}|{}", if is_count { "c" } else { "g" }),
        };
        // StatsD takes a gauge with a sign for a change of it.
        if lines.len() < LINES_MAX && !(kind == Kind::Statsd && value < 0.0) {
            lines.push(line);
        }
    };
    let mut histograms = BTreeSet::new();
    for sample in &after.samples {
        if let Some(name) = sample.name.strip_suffix("_bucket") {
            histograms.insert(name);
        }
    }
    for sample in &after.samples {
        let histogram =
            |suffix: &str| sample.name.strip_suffix(suffix).filter(|name| histograms.contains(name));
        if histogram("_bucket").is_some() || histogram("_sum").is_some() {
            continue;
        }
        let is_count = sample.name.ends_with("_total") || histogram("_count").is_some();
        let value = match is_count && kind == Kind::Statsd {
            true => sample.value - same(before, sample),
            false => sample.value,
        };
        add(&dotted(&sample.name, sample), value, is_count);
        if let Some(name) = histogram("_count") {
            let buckets = grown_of(before, after, name, sample);
            for (quantile_name, share) in QUANTILES {
                if let Some(value) = quantile(share, &buckets) {
                    add(&format!("{}.{quantile_name}", dotted(name, sample)), value, false);
                }
            }
        }
    }
    lines
}

/// What the same counter was.
fn same(before: &Scrape, sample: &Sample) -> f64 {
    before.named(&sample.name).find(|known| known.labels == sample.labels).map_or(0.0, |known| known.value)
}

/// The buckets of one histogram of maybe several of that name: they have its labels, and their bound.
fn grown_of(before: &Scrape, after: &Scrape, name: &str, of: &Sample) -> Vec<(f64, f64)> {
    let its = |scrape: &Scrape| Scrape {
        samples: scrape
            .samples
            .iter()
            .filter(|sample| of.labels.iter().all(|(key, value)| sample.label(key) == Some(value)))
            .cloned()
            .collect(),
    };
    grown(&its(before), &its(after), name, None)
}

/// `name.value.value`, of the label's values in the order of their names.
fn dotted(name: &str, sample: &Sample) -> String {
    let mut labels: Vec<_> = sample.labels.iter().collect();
    labels.sort();
    let mut dotted = plain(name);
    for (_, value) in labels {
        dotted.push('.');
        dotted.push_str(&plain(value));
    }
    dotted
}

/// Letters that both servers take; an empty part would be none.
fn plain(part: &str) -> String {
    match part.is_empty() {
        true => "_".to_owned(),
        false => part.bytes().map(|byte| if is_plain(byte) { char::from(byte) } else { '_' }).collect(),
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, BufReader};
    use tokio::net::TcpListener;

    use super::*;

    const BEFORE: &str = "hits_total{outcome=\"accepted\"} 10\n";
    const AFTER: &str = concat!(
        "hits_total{outcome=\"accepted\"} 25\npresent{shard=\"0\"} 3\nbelow -2\n",
        "lag_seconds_bucket{le=\"1\"} 4\nlag_seconds_bucket{le=\"+Inf\"} 4\nlag_seconds_sum 2\nlag_seconds_count 4\n",
    );
    const NOW: Millis = Millis(1_700_000_000_999);

    fn lines_of(kind: Kind) -> Vec<String> {
        lines(kind, "w.host", &Scrape::of(BEFORE), &Scrape::of(AFTER), NOW)
    }

    #[test]
    fn graphite_is_told_names_values_and_times() {
        assert_eq!(
            lines_of(Kind::Graphite),
            [
                "w.host.hits_total.accepted 25 1700000000\n",
                "w.host.present.0 3 1700000000\n",
                "w.host.below -2 1700000000\n",
                "w.host.lag_seconds_count 4 1700000000\n",
                "w.host.lag_seconds.p50 0.5 1700000000\n",
                "w.host.lag_seconds.p95 0.95 1700000000\n",
                "w.host.lag_seconds.p99 0.99 1700000000\n",
            ]
        );
    }

    #[test]
    fn statsd_is_told_what_came_meanwhile() {
        assert_eq!(
            lines_of(Kind::Statsd),
            [
                "w.host.hits_total.accepted:15|c\n",
                "w.host.present.0:3|g\n",
                "w.host.lag_seconds_count:4|c\n",
                "w.host.lag_seconds.p50:0.5|g\n",
                "w.host.lag_seconds.p95:0.95|g\n",
                "w.host.lag_seconds.p99:0.99|g\n",
            ]
        );
    }

    #[test]
    fn targets_say_what_is_wrong_with_them() {
        let target = |text: &str| text.parse::<Target>();
        let known = target("statsd://stats.example:9125/acme.web").expect("it is one");
        assert_eq!((known.kind, known.port, known.prefix.as_str()), (Kind::Statsd, 9_125, "acme.web"));
        let plain = target("graphite://[::1]").expect("it is one");
        assert_eq!((plain.host.as_str(), plain.port, plain.prefix.as_str()), ("::1", 2_003, "watchfire"));
        let too_long = format!("graphite://h/{}", "x".repeat(101));
        for wrong in [
            "graphite",
            "http://h",
            "graphite://",
            "statsd://u@h",
            "statsd://h/a..b",
            "statsd://h/a?b",
            &too_long,
        ] {
            assert!(target(wrong).is_err(), "{wrong}");
        }
        assert!(target(&format!("graphite://h/{}", "x".repeat(100))).is_ok());
    }

    #[test]
    fn datagrams_hold_whole_lines() {
        let line = format!("{}\n", "x".repeat(99));
        let datagrams = datagrams(&vec![line.clone(); 15]);
        assert_eq!(datagrams.iter().map(String::len).collect::<Vec<_>>(), [1_400, 100]);
    }

    #[tokio::test]
    async fn a_server_that_went_away_is_told_again_when_it_is_back() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it has one");
        let mut push = Push::to(format!("graphite://{address}/w").parse().expect("a target"), &["one.host"]);
        for _ in 0..2 {
            push.send(&Scrape::of(BEFORE), &Scrape::of(AFTER), NOW).await;
            let (stream, _) = listener.accept().await.expect("it is told");
            let mut first = String::new();
            BufReader::new(stream).read_line(&mut first).await.expect("there is a line");
            assert_eq!(first, "w.one_host.hits_total.accepted 25 1700000000\n");
            // The server closed; the first that is sent after may still seem to arrive.
            push.stream = None;
        }
        drop(listener);
        push.send(&Scrape::of(BEFORE), &Scrape::of(AFTER), NOW).await;
        assert!(push.complained);
    }

    #[tokio::test]
    async fn statsd_gets_datagrams() {
        let server = UdpSocket::bind("127.0.0.1:0").await.expect("a port is free");
        let address = server.local_addr().expect("it has one");
        let mut push = Push::to(format!("statsd://{address}").parse().expect("a target"), &["h"]);
        push.send(&Scrape::of(BEFORE), &Scrape::of(AFTER), NOW).await;
        let mut heard = [0; 2_000];
        let length = server.recv(&mut heard).await.expect("it is told");
        assert!(heard[..length].starts_with(b"watchfire.h.hits_total.accepted:15|c\n"));
    }
}
