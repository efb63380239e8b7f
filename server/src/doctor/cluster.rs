//! A cluster looked at as a whole: its servers, and the processes that tell of themselves. Each complaint says what to do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use observe::Picture;

use super::Finding;

/// Processes tell of themselves every five seconds: each is heard twice.
pub const LISTENED: Duration = Duration::from_secs(12);
const SERVICES: [&str; 4] = ["collector", "processor", "realtime", "web"];
const CLOCKS_APART_MAX_MS: i64 = 2_000;
/// Free disk of a process's folder: a collector spools there.
const DISK_FREE_MIN: f64 = (1_u64 << 30) as f64;

/// What is to be said of the processes that were heard.
pub fn of_processes(picture: &Picture, version: &str, shards: u16) -> Vec<Finding> {
    let heard: Vec<_> = picture.processes.iter().filter(|process| !process.is_silent).collect();
    let mut findings: Vec<Finding> = SERVICES.iter().map(|service| of_service(picture, service)).collect();
    let mut versions: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for one in &heard {
        versions.entry(&one.process.version).or_default().insert(name(one));
        findings.extend(of_clock(one));
        findings.extend(of_disk(one));
    }
    findings.extend(of_versions(&versions, version));
    findings.extend(of_shards(picture, shards));
    findings
}

fn name(one: &observe::Seen) -> String {
    format!("{} ({})", one.process.host, one.process.services.join(", "))
}

fn of_service(picture: &Picture, service: &str) -> Finding {
    let runs =
        |one: &&observe::Seen| !one.is_silent && one.process.services.iter().any(|name| name == service);
    match picture.processes.iter().filter(runs).count() {
        0 => Finding::Problem(format!(
            "{service}: no process was heard: start one, and see that it reaches Redis (--services {service})"
        )),
        1 => {
            Finding::Warning(format!("{service}: one process alone: start another, so that either may burn"))
        }
        count => Finding::Good(format!("{service}: {count} processes")),
    }
}

fn of_versions(versions: &BTreeMap<&str, BTreeSet<String>>, own: &str) -> Option<Finding> {
    if versions.keys().all(|version| *version == own) {
        return None;
    }
    let told = versions.iter().map(|(version, who)| {
        let who: Vec<&str> = who.iter().map(String::as_str).collect();
        format!("{version} is {}", who.join("; "))
    });
    let told: Vec<String> = told.collect();
    Some(Finding::Warning(format!(
        "versions: this program is {own}, {}: upgrade those that are older, processors first (docs/operating.md)",
        told.join(", ")
    )))
}

fn of_clock(one: &observe::Seen) -> Option<Finding> {
    (one.ahead_ms.abs() > CLOCKS_APART_MAX_MS).then(|| {
        let how = if one.ahead_ms > 0 { "ahead of" } else { "behind" };
        let seconds = one.ahead_ms.unsigned_abs() as f64 / 1_000.0;
        Finding::Problem(format!(
            "clock: that of {} is {seconds:.1} s {how} this machine's: set clocks by NTP (chrony)",
            name(one)
        ))
    })
}

fn of_disk(one: &observe::Seen) -> Option<Finding> {
    let free = one.now.get("disk_free_bytes").copied()?;
    (free < DISK_FREE_MIN).then(|| {
        Finding::Warning(format!(
            "disk: {} has {:.1} GiB free, less than 1 GiB: make room",
            name(one),
            free / DISK_FREE_MIN
        ))
    })
}

fn of_shards(picture: &Picture, shards: u16) -> Option<Finding> {
    let held = picture.now.get("processor_shards").copied()?;
    Some(if held == f64::from(shards) {
        Finding::Good(format!("shards: all {shards} are worked on"))
    } else {
        Finding::Problem(format!(
            "shards: of {shards} that --shards says {held} are worked on: see that --shards is the same everywhere, and the processors' logs"
        ))
    })
}

/// What a server was found to lack.
pub fn of_server(name: &str, problems: Vec<String>) -> Vec<Finding> {
    if problems.is_empty() {
        return vec![Finding::Good(format!("{name}: it answers, and is as it has to be"))];
    }
    problems.into_iter().map(|problem| Finding::Problem(format!("{name}: {problem}"))).collect()
}

#[cfg(test)]
mod tests {
    use model::Millis;
    use observe::{Process, Seen};

    use super::*;

    fn process(host: &str, service: &str) -> Seen {
        Seen {
            process: Process {
                id: host.to_owned(),
                host: host.to_owned(),
                version: "1.0".to_owned(),
                services: vec![service.to_owned()],
                started: Millis(0),
            },
            heard: Millis(0),
            is_silent: false,
            ahead_ms: 0,
            now: BTreeMap::from([("disk_free_bytes", DISK_FREE_MIN)]),
        }
    }

    /// Two of each service, and nothing wrong.
    fn picture() -> Picture {
        let both = |service: &&str| [process("a", service), process("b", service)];
        Picture {
            at: Millis(0),
            now: BTreeMap::from([("processor_shards", 8.0)]),
            hour: BTreeMap::new(),
            processes: SERVICES.iter().flat_map(both).collect(),
        }
    }

    fn complaints(change: impl FnOnce(&mut Picture)) -> Vec<String> {
        let mut picture = picture();
        change(&mut picture);
        let found = of_processes(&picture, "1.0", 8);
        let told = found.into_iter().filter_map(|finding| match finding {
            Finding::Good(_) => None,
            Finding::Warning(text) => Some(format!("warning {text}")),
            Finding::Problem(text) => Some(format!("problem {text}")),
        });
        told.collect()
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Picture), expected: &[&str]) {
        let told = complaints(change);
        let is_told = told.len() == 1 && expected.iter().all(|part| told[0].contains(part));
        assert!(is_told, "{told:?} says not {expected:?} alone");
    }

    #[test]
    fn a_cluster_in_order_is_complained_of_by_nobody() {
        assert_eq!(complaints(|_| ()), Vec::<String>::new());
    }

    #[test]
    fn each_complaint_names_who_and_what_to_do() {
        check(|all| all.processes.truncate(7), &["warning web", "start another"]);
        check(|all| all.processes.truncate(6), &["problem web", "no process"]);
        check(|all| all.processes[6].is_silent = true, &["warning web"]);
        check(
            |all| all.processes[2].process.version = "0.9".into(),
            &["warning versions", "0.9 is a (processor)", "upgrade"],
        );
        check(
            |all| all.processes[0].ahead_ms = -2_001,
            &["problem clock", "a (collector)", "2.0 s behind", "NTP"],
        );
        check(|all| all.processes[0].ahead_ms = 65_000, &["65.0 s ahead"]);
        check(
            |all| {
                all.processes[1].now.insert("disk_free_bytes", DISK_FREE_MIN - 1.0);
            },
            &["warning disk", "b (collector)", "make room"],
        );
        check(
            |all| {
                all.now.insert("processor_shards", 6.0);
            },
            &["problem shards", "of 8", "6 are worked on"],
        );
    }

    #[test]
    fn what_is_at_a_bound_is_no_complaint() {
        let told = complaints(|all| {
            all.processes[0].ahead_ms = CLOCKS_APART_MAX_MS;
            all.processes[1].ahead_ms = -CLOCKS_APART_MAX_MS;
        });
        assert_eq!(told, Vec::<String>::new());
    }
}
