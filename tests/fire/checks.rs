//! After the fire: what must be true, whatever happened.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use bus::Bus;
use live::{Live, RedisLive};
use model::{Clock, HitId, SiteId, SystemClock, VisitorId};
use serde_json::Value;
use store::mongodb::MongoStore;
use world::within;

use crate::clients::Book;
use crate::cluster::Cluster;
use crate::dashboards::Dashboard;
use crate::history::{self, Presence, Tail};

/// From the last answer until everything acknowledged is in history, on a busy machine.
const DRAIN_MAX: Duration = Duration::from_secs(60);
/// From then on every dashboard shows the same within this.
const CALM_MAX: Duration = Duration::from_secs(2);
/// No process of a debug build needs more.
const MEMORY_MAX: u64 = 400 << 20;
const TERMINATE_MAX: Duration = Duration::from_secs(10);
/// Problems that are told, and how much of each.
const TOLD_MAX: usize = 20;
const PROBLEM_BYTES_MAX: usize = 1_500;

pub async fn all_is_well(cluster: &mut Cluster, book: &Book, sites: &[SiteId], dashboards: &[Dashboard]) {
    let store = MongoStore::open(&cluster.mongodb.uri("watchfire")).await.expect("the store opens");
    let live = RedisLive::open(&cluster.redis.uri(), "watchfire").expect("an address");
    nothing_is_on_its_way(cluster, book, &store, sites).await;
    let calm = Instant::now();
    let mut problems = every_dashboard_agrees(dashboards, sites, calm).await;
    for &site in sites {
        let tail = history::read(store.history.as_ref(), site).await.expect("the tail can be read");
        problems.extend(tail.problems(site, book));
        problems.extend(live_agrees(&live, site, &tail, dashboards).await);
    }
    problems.extend(dashboards.iter().filter(|dashboard| !dashboard.is_alive()).map(|dashboard| {
        format!("a dashboard on {} of {} was told nonsense", dashboard.topic, dashboard.site)
    }));
    problems.extend(processes_are_well(cluster).await);
    store.close().await;
    problems.truncate(TOLD_MAX);
    problems.iter_mut().for_each(|problem| problem.truncate(problem.floor_char_boundary(PROBLEM_BYTES_MAX)));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    for member in &mut cluster.members {
        let name = member.name.clone();
        assert!(member.terminates(TERMINATE_MAX).await, "{name} does not end in order");
    }
}

/// Queues, spools and dead letters are empty, and history has what was acknowledged.
async fn nothing_is_on_its_way(cluster: &Cluster, book: &Book, store: &store::Store, sites: &[SiteId]) {
    let bus = cluster.bus();
    within(DRAIN_MAX, "the queues are empty", || async { (bus.depth().await.messages == 0).then_some(()) })
        .await;
    let dead = bus.dead_letters(10).await.expect("dead letters can be listed");
    let reasons: Vec<_> = dead.iter().map(|dead| &dead.reason).collect();
    assert!(dead.is_empty(), "dead letters: {reasons:?}");
    bus.close().await;
    cluster.spools_are_empty(DRAIN_MAX).await;
    let promised: HashSet<HitId> =
        book.sent.iter().filter(|(_, sent)| sent.is_acknowledged).map(|(id, _)| *id).collect();
    let began = Instant::now();
    loop {
        let mut missing = promised.clone();
        for site in sites {
            let tail = history::read(store.history.as_ref(), *site).await.expect("the tail can be read");
            tail.ids().iter().for_each(|id| {
                missing.remove(id);
            });
        }
        if missing.is_empty() {
            return;
        }
        assert!(began.elapsed() < DRAIN_MAX, "acknowledged and not in history: {}", told(&missing, book));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn told(missing: &HashSet<HitId>, book: &Book) -> String {
    let of = |id: &HitId| format!("{id} {:?} {:?}", book.sent[id], book.visits[book.sent[id].visit].site);
    let some: Vec<_> = missing.iter().take(TOLD_MAX).map(of).collect();
    format!("{} of {}\n{}", missing.len(), book.sent.len(), some.join("\n"))
}

/// Both hubs show the same of each site, and what they show is whole in itself.
async fn every_dashboard_agrees(dashboards: &[Dashboard], sites: &[SiteId], calm: Instant) -> Vec<String> {
    loop {
        let differences: Vec<String> =
            sites.iter().filter_map(|site| differ(dashboards, *site).err()).collect();
        if differences.is_empty() {
            println!("every dashboard agrees {:?} after calm", calm.elapsed());
            return Vec::new();
        }
        if calm.elapsed() > CALM_MAX {
            return differences;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn differ(dashboards: &[Dashboard], site: SiteId) -> Result<(), String> {
    let shown = |topic: &str| -> Vec<Value> {
        let of_topic = dashboards.iter().filter(|one| one.site == site && one.topic == topic);
        of_topic.map(|dashboard| in_order(dashboard.shows())).collect()
    };
    let (live, visitors) = (shown("live"), shown("visitors"));
    for (topic, shown) in [("live", &live), ("visitors", &visitors)] {
        for other in &shown[1..] {
            let mut differences = Vec::new();
            compare("", &shown[0], other, &mut differences);
            if !differences.is_empty() {
                return Err(format!("{site} {topic} is shown in two ways: {}", differences.join(", ")));
            }
        }
    }
    let list = visitors[0]["visitors"].as_object().ok_or_else(|| format!("{site} is not shown"))?;
    let active = list.values().filter(|visitor| visitor["active"] == true).count();
    let counted = (live[0]["present"].as_u64(), live[0]["active"].as_u64());
    if counted != (Some(list.len() as u64), Some(active as u64)) {
        return Err(format!("{site}: {counted:?} counted, {} and {active} listed", list.len()));
    }
    Ok(())
}

/// Lists by what their entries go by, so that no order matters; without engaged time, which hubs tell now and then.
fn in_order(mut data: Value) -> Value {
    for (list, by) in [("visitors", "key"), ("minutes", "minute")] {
        let Some(entries) = data.get_mut(list).and_then(Value::as_array_mut).map(std::mem::take) else {
            continue;
        };
        // A minute without anything is a gap.
        let is_empty = |entry: &Value| entry["pageviews"] == 0 && entry["visitors"] == 0;
        let by_name = entries.into_iter().filter(|entry| !is_empty(entry)).map(|mut entry| {
            entry.as_object_mut().map(|entry| entry.remove("engaged"));
            (entry[by].to_string(), entry)
        });
        data[list] = Value::Object(by_name.collect());
    }
    data
}

/// Where two values differ, as paths.
fn compare(path: &str, one: &Value, other: &Value, differences: &mut Vec<String>) {
    let (Some(left), Some(right)) = (one.as_object(), other.as_object()) else {
        if one != other {
            differences.push(format!("{path}: {one} and {other}"));
        }
        return;
    };
    let names: HashSet<_> = left.keys().chain(right.keys()).collect();
    for name in names {
        let of = |side: &serde_json::Map<String, Value>| side.get(name).cloned().unwrap_or_default();
        compare(&format!("{path}.{name}"), &of(left), &of(right), differences);
    }
}

/// Counters, states in Redis, what dashboards show and the recount of the tail are one.
async fn live_agrees(live: &RedisLive, site: SiteId, tail: &Tail, dashboards: &[Dashboard]) -> Vec<String> {
    let mut problems = Vec::new();
    let watch = live.watch(site).await.expect("Redis answers");
    let counted = live.present(&[site]).await.expect("Redis answers")[0];
    let states = &watch.snapshot.visitors;
    let shown = dashboards.iter().find(|one| one.site == site && one.topic == "live");
    let shown = shown.and_then(|one| one.shows()["present"].as_u64());
    if (u64::from(counted), Some(u64::from(counted))) != (states.len() as u64, shown) {
        problems.push(format!("{site}: {counted} counted, {} states, {shown:?} shown", states.len()));
    }
    let here: HashSet<VisitorId> = states.iter().map(|visitor| visitor.key.visitor).collect();
    let recounted = tail.presence(SystemClock.now());
    let mut told: HashMap<Presence, usize> = HashMap::new();
    for (visitor, presence) in &recounted {
        *told.entry(*presence).or_default() += 1;
        match presence {
            Presence::Here if !here.contains(visitor) => {
                problems.push(format!("{site}: {visitor:?} is here and in no state"));
            }
            Presence::Gone if here.contains(visitor) => {
                let state = states.iter().find(|state| state.key.visitor == *visitor);
                problems.push(format!("{site}: {visitor:?} is gone and has a state: {state:?}"));
            }
            _ => {}
        }
    }
    problems.extend(
        here.iter()
            .filter(|visitor| !recounted.contains_key(*visitor))
            .map(|visitor| format!("{site}: {visitor:?} has a state and no hit")),
    );
    println!("{site}: {} hits, {counted} present, recounted {told:?}", tail.hits.len());
    problems
}

async fn processes_are_well(cluster: &mut Cluster) -> Vec<String> {
    let mut problems = Vec::new();
    for member in &mut cluster.members {
        member.still_runs();
        let log = std::fs::read_to_string(member.log()).expect("its log can be read");
        problems.extend(
            log.lines()
                .filter(|line| line.contains("panicked"))
                .map(|line| format!("{}: {line}", member.name)),
        );
        if member.metric("watchfire_panics_total").await > 0.0 {
            problems.push(format!("{} caught a panic", member.name));
        }
        let memory = member.memory();
        println!("{}: at most {} MiB", member.name, memory >> 20);
        if memory > MEMORY_MAX {
            problems.push(format!("{} took {memory} bytes of memory", member.name));
        }
    }
    problems
}
