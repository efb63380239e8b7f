//! What operators watch: the metrics of the real program, the rules and the dashboard made of them, and where they are pushed.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use model::{SiteId, SystemClock};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpListener, UdpSocket};
use tokio::time::timeout;
use world::{Ground, Person, Program, Tag, eventually};

use crate::crash::set_up;

/// Each process tells how it is every five seconds.
const TOLD_MAX: Duration = Duration::from_secs(30);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn packaged(file: &str) -> String {
    std::fs::read_to_string(root().join("packaging").join(file)).expect("it is packaged")
}

fn promtool(arguments: &[&str]) -> Output {
    Command::new("promtool")
        .args(arguments)
        .current_dir(root().join("packaging/prometheus"))
        .output()
        .expect("promtool is there: `bin/need test`")
}

fn words(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// The names of ours in a text, as a program writes them: without what a histogram's parts add.
fn names(text: &str) -> BTreeSet<String> {
    let parts = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let ours = parts.filter(|part| part.starts_with("watchfire_"));
    ours.map(|name| {
        ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name)
    })
    .map(str::to_owned)
    .collect()
}

/// Somebody on the site, as the tag of their page tells.
fn visitor(owner: &Person, address: SocketAddr, site: SiteId) -> Tag {
    Tag::new(owner.at(address), Arc::new(SystemClock), site, "198.51.100.1", 7)
}

/// The metrics that a source counts or measures.
fn told(source: &str) -> BTreeSet<String> {
    let macros = ["counter!(", "gauge!(", "histogram!("];
    let behind = macros.iter().flat_map(|name| source.split(name).skip(1));
    let quoted = behind.filter_map(|text| text.trim_start().strip_prefix('"')?.split('"').next());
    quoted.map(str::to_owned).collect()
}

/// Every metric that the sources tell.
fn known() -> BTreeSet<String> {
    let mut folders: Vec<PathBuf> = [
        "door",
        "bus",
        "collector",
        "processor",
        "live",
        "store",
        "realtime",
        "outbox",
        "mailroom",
        "lookout",
        "patrol",
        "web",
        "observe",
        "server",
    ]
    .map(|name| root().join(name).join("src"))
    .to_vec();
    let mut known = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of sources") {
            let path = entry.expect("a readable folder").path();
            match path.is_dir() {
                true => folders.push(path),
                false => known.append(&mut told(&std::fs::read_to_string(&path).expect("a source"))),
            }
        }
    }
    known
}

#[test]
fn rules_are_rules_and_fire_when_they_should() {
    for arguments in
        [["check", "rules", "watchfire.rules.yml"], ["test", "rules", "watchfire.rules.test.yml"]]
    {
        let told = promtool(&arguments);
        assert!(told.status.success(), "{}", words(&told));
    }
    let rules = packaged("prometheus/watchfire.rules.yml");
    let tests = packaged("prometheus/watchfire.rules.test.yml");
    for alert in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        let tested =
            tests.split("\n  - name: ").filter(|test| test.contains(&format!("alertname: {alert}\n")));
        let (silent, fires): (Vec<_>, Vec<_>) = tested.partition(|test| test.contains("exp_alerts: []"));
        assert!(!silent.is_empty() && !fires.is_empty(), "{alert} is tested to fire, and not to");
    }
}

#[test]
fn what_is_asked_for_is_told_by_some_service() {
    let known = known();
    let vitals = std::fs::read_to_string(root().join("observe/src/vitals.rs")).expect("a source");
    let (vitals, _tests) = vitals.split_once("#[cfg(test)]").expect("it has tests");
    let operating = std::fs::read_to_string(root().join("docs/operating.md")).expect("a document");
    let rules = packaged("prometheus/watchfire.rules.yml");
    let dashboard = packaged("grafana/watchfire.json");
    for (file, text) in
        [("rules", rules.as_str()), ("dashboard", &dashboard), ("vitals", vitals), ("operating", &operating)]
    {
        let asked = names(text);
        assert!(asked.len() >= 20, "{file} asks for {}", asked.len());
        let unknown: Vec<_> = asked.difference(&known).collect();
        assert!(unknown.is_empty(), "{file} asks for what nobody tells: {unknown:?}");
    }
    let documented = names(&operating);
    let undocumented: Vec<_> = known.difference(&documented).collect();
    assert!(undocumented.is_empty(), "docs/operating.md leaves out {undocumented:?}");
}

#[test]
fn the_dashboard_is_one() {
    let dashboard: Value = serde_json::from_str(&packaged("grafana/watchfire.json")).expect("it is JSON");
    let panels = dashboard["panels"].as_array().expect("it has panels");
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len(), "each has an id of its own");
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let targets = panel["targets"].as_array().expect("a panel shows something");
        assert!(!targets.is_empty() && panel["title"].as_str().is_some_and(|title| !title.is_empty()));
        let right = panel["gridPos"]["x"].as_u64().zip(panel["gridPos"]["w"].as_u64());
        assert!(right.is_some_and(|(x, width)| x + width <= 24), "{panel}");
        for target in targets {
            let expression = target["expr"].as_str().expect("it asks").replace("$__rate_interval", "5m");
            let rule =
                format!("groups: [{{name: t, rules: [{{record: t, expr: {}}}]}}]", Value::from(expression));
            let folder = tempfile::tempdir().expect("a folder of our own");
            let file = folder.path().join("rule.yml");
            std::fs::write(&file, rule).expect("it can be written");
            let told = promtool(&["check", "rules", &file.to_string_lossy()]);
            assert!(told.status.success(), "{}", words(&told));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_are_as_prometheus_likes_them_and_every_role_has_its_signals() {
    let folder = tempfile::tempdir().expect("a folder of our own");
    let program = Program::start(folder.path(), &[]).await;
    let owner = Person::new(program.address);
    let site = set_up(program.set_up_path.as_deref(), &owner).await;
    visitor(&owner, program.address, site).show("/").await;
    let awaited = [
        "watchfire_hits_total",
        "watchfire_http_seconds_count",
        "watchfire_bus_commit_seconds_count",
        "watchfire_processor_delay_seconds_count",
        "watchfire_store_seconds_count",
        "watchfire_process_cpu_seconds",
        "watchfire_scheduler_delay_seconds_count",
    ];
    for name in awaited {
        eventually(name, || async { program.metric(name).await.filter(|value| *value > 0.0) }).await;
    }
    for zero in [
        "watchfire_bus_full_total",
        "watchfire_bus_dead_letters_total",
        "watchfire_panics_total",
        "watchfire_store_failures_total",
    ] {
        assert_eq!(program.metric(zero).await, Some(0.0), "{zero} is told before it first happens");
    }
    let text = Person::new(program.metrics).get("/metrics").await.text();
    let file = folder.path().join("metrics");
    std::fs::write(&file, &text).expect("it can be written");
    let told = Command::new("sh").args(["-c", "promtool check metrics < \"$0\""]).arg(&file).output();
    let told = words(&told.expect("promtool is there: `bin/need test`"));
    let wrong: Vec<_> = told.lines().filter(|line| !line.is_empty()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_are_pushed_to_graphite_and_statsd() {
    let graphite = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let statsd = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
    let folder = tempfile::tempdir().expect("a folder of our own");
    let to = format!("graphite://{}/acme", graphite.local_addr().expect("it has one"));
    let program = Program::start(folder.path(), &["--metrics-push", &to]).await;
    let (stream, _) = timeout(TOLD_MAX, graphite.accept()).await.expect("in time").expect("a connection");
    let mut lines = BufReader::new(stream).lines();
    let heard = async {
        while let Some(line) = lines.next_line().await.expect("a line") {
            if line.starts_with("acme.")
                && line.contains(".collector-processor-realtime-web.watchfire_process_resident_bytes ")
            {
                return line;
            }
        }
        panic!("nothing was said of memory");
    };
    let line = timeout(TOLD_MAX, heard).await.expect("in time");
    let parts: Vec<_> = line.split(' ').collect();
    assert!(parts[1].parse::<f64>().is_ok_and(|bytes| bytes > 1e6), "{line}");
    program.kill().await;

    let to = format!("statsd://{}", statsd.local_addr().expect("it has one"));
    let _program = Program::start(folder.path(), &["--metrics-push", &to]).await;
    let mut datagram = [0; 2_000];
    let length = timeout(TOLD_MAX, statsd.recv(&mut datagram)).await.expect("in time").expect("a datagram");
    let told = String::from_utf8_lossy(&datagram[..length]).into_owned();
    assert!(
        told.lines()
            .all(|line| line.starts_with("watchfire.") && (line.ends_with("|c") || line.ends_with("|g"))),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_process_of_a_cluster_stands_in_the_picture_and_who_dies_is_seen_to() {
    let ground = Ground::start(2).await;
    let mut cluster = ground.cluster(2).await;
    let owner = Person::new(cluster.proxy().address);
    let site = set_up(cluster.set_up_path(), &owner).await;
    visitor(&owner, cluster.proxy().address, site).show("/").await;
    let picture = async || -> Value {
        serde_json::from_str(&owner.get("/api/watchfire/pipeline").await.text()).expect("a picture is JSON")
    };
    let awaited = |what: &'static str, is_so: fn(&Value) -> bool| {
        let picture = &picture;
        world::within(TOLD_MAX, what, move || async move { is_so(&picture().await).then_some(()) })
    };
    awaited("all eight tell how they are", |picture| {
        let processes = picture["processes"].as_array().expect("a list");
        processes.len() == 8 && processes.iter().all(|process| process["is_silent"] == false)
    })
    .await;
    awaited("who is here is known", |picture| picture["now"]["present"] == 1.0).await;
    let of_redis = picture().await["now"]["live_p99"].as_f64();
    assert!(of_redis.is_some_and(|seconds| seconds > 0.0), "Redis is timed");
    cluster.processors.remove(0).kill().await;
    awaited("one is silent, seven are not", |picture| {
        let processes = picture["processes"].as_array().expect("a list");
        let silent: Vec<_> = processes.iter().filter(|process| process["is_silent"] == true).collect();
        silent.len() == 1 && silent[0]["services"][0] == "processor" && processes.len() == 8
    })
    .await;
    let stranger = Person::new(cluster.proxy().address);
    assert_eq!(stranger.get("/api/watchfire/pipeline").await.status, 401);
    cluster.terminate().await;
}
