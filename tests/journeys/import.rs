//! Access logs imported with the real program: exactly what an independent recount counted, once, whatever happens on the way.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use history::fold::Fold;
use history::query::{Bots, Metric, Query};
use history::report::{Control, Library, answer};
use history::zone::Zone;
use history::{Counts, EnrichedHit, Totals};
use model::SiteId;
use serde_json::Value;
use servers::mongodb::Mongodb;
use store::{Embedded, MongoStore, Store};
use tempfile::TempDir;
use tokio::process::Command;
use world::{Person, Program};

use crate::crash::set_up;
use crate::replay::{data, truth};

const LOGS: [&str; 3] = ["site-week-48", "site-week-49", "blog-4-days"];
const STOP_MAX: Duration = Duration::from_secs(10);
const KILLS: usize = 8;

/// A folder with sites in it, as a server left it that was stopped.
pub async fn installation(sites: usize) -> (TempDir, Vec<SiteId>) {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Program::start(folder.path(), &[]).await;
    let owner = Person::new(running.address);
    let mut made = vec![set_up(running.set_up_path.as_deref(), &owner).await];
    while made.len() < sites {
        let fields = [("name", "More"), ("hostnames", "*\nshop.example"), ("time_zone", "Europe/Paris")];
        let location = owner.post("/sites/new", &fields).await.location();
        made.push(location.split('/').nth(2).unwrap_or_default().parse().expect("a site id"));
    }
    assert!(running.terminate(STOP_MAX).await);
    (folder, made)
}

pub fn importer(folder: &Path, site: SiteId, files: &[PathBuf]) -> Command {
    let mut command = Command::new(Program::binary());
    command
        .args(["import", "--site", &site.to_string(), "--data"])
        .arg(folder)
        .args(files)
        .kill_on_drop(true);
    command
}

/// Whether it succeeded, and all it said.
pub async fn imported(mut command: Command) -> (bool, String) {
    let output = command.output().await.expect("the importer runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).expect("it speaks in text"))
}

async fn totals(store: &Store, site: SiteId) -> Totals {
    watchfire::tail::totals(store.history.as_ref(), site).await.expect("the tail can be read")
}

async fn totals_in(folder: &Path, site: SiteId) -> Totals {
    let store = Embedded::open(folder).expect("the store opens");
    let totals = totals(&store, site).await;
    store.close().await;
    totals
}

fn log(data: &Path, name: &str) -> PathBuf {
    data.join(format!("logs/{name}.log.gz"))
}

fn numbers(counts: &Counts) -> [(&'static str, u64); 4] {
    let Counts { pageviews, visitors, visits, bounces, .. } = *counts;
    [("pageviews", pageviews), ("visitors", visitors), ("visits", visits), ("bounces", bounces)]
}

fn equals_the_recount(totals: &Totals, data: &Path, name: &str) {
    let all = truth(data, name);
    for (number_of, number) in numbers(&totals.all) {
        assert_eq!(Some(number), all["all"][number_of].as_u64(), "{number_of} of {name}");
    }
    let people = people_by_the_recount(data, name);
    for (number_of, number) in numbers(&totals.human) {
        // As it stands, it takes for people who says no agent, and some bots with names of their own.
        let naive = all["human"][number_of].as_f64().expect("a number");
        let tolerance = if ["pageviews", "bounces"].contains(&number_of) { 0.15 } else { 0.1 };
        assert!(
            (number as f64 - naive).abs() <= naive * tolerance,
            "{number_of} of people of {name}: {number}, {naive}"
        );
        let by_the_recount = people[number_of].as_f64().expect("a number");
        println!("{number_of} of people of {name}: {number}, by the recount {by_the_recount}");
        // Whoever comes once and goes is a bot more often than others, and the recount knows few of them.
        let tolerance = if number_of == "bounces" { 0.12 } else { 0.05 };
        assert!(
            (number as f64 - by_the_recount).abs() <= by_the_recount * tolerance,
            "{number_of} of people of {name}: {number}, {by_the_recount}"
        );
    }
}

/// The people of a log by the recount's own program, once its pattern knows two that it takes for people, and that show a ninth
/// of the pages of the blog's: who says no agent, and the crawler Ezooms.
fn people_by_the_recount(data: &Path, name: &str) -> Value {
    let program = std::fs::read_to_string(data.join("truth/recount.py")).expect("the recount's program");
    let knowing = program.replace("|monitor'", "|monitor|^-?$|ezooms'");
    assert_ne!(knowing, program, "its pattern ends as it did");
    let folder = tempfile::tempdir().expect("a folder");
    let text = folder.path().join("access.log");
    std::fs::write(&text, unpacked(&log(data, name))).expect("written");
    let output = std::process::Command::new("python3").arg("-c").arg(knowing).arg(&text).output();
    let output = output.expect("python3 is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let counted: Value = serde_json::from_slice(&output.stdout).expect("the recount is JSON");
    counted["human"].clone()
}

fn unpacked(file: &Path) -> Vec<u8> {
    let mut text = Vec::new();
    let file = std::fs::File::open(file).expect("the log");
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(file), &mut text).expect("gzip");
    text
}

/// The same numbers as reports tell them: of what the tail folds into.
async fn reported(folder: &Path, site: SiteId) -> [(&'static str, u64); 4] {
    let store = Embedded::open(folder).expect("the store opens");
    let mut fold = Fold::new(Zone::named("Europe/Paris").expect("a zone"));
    fold.add_hits(&hits(&store, site).await);
    store.close().await;
    let library = Library::new(usize::MAX);
    let days = fold.finish().into_iter().map(|folded| Arc::new(library.hold(&folded.day, folded.table)));
    let metrics = vec![Metric::Visitors, Metric::Pageviews, Metric::BounceRate];
    let query = Query { bots: Bots::With, metrics, ..Query::totals(0, i64::from(u32::MAX) * 1_000) };
    let days: Vec<_> = days.collect();
    let zone = Zone::named("Europe/Paris").expect("a zone");
    let sums = answer(&days, &zone, &query, &Control::plain()).expect("an answer").total;
    [
        ("pageviews", sums.pageviews),
        ("visitors", sums.visitors),
        ("visits", sums.visits),
        ("bounces", sums.bounces),
    ]
}

async fn hits(store: &Store, site: SiteId) -> Vec<EnrichedHit> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.history.tail_of(site, after, 100).await.expect("the tail can be read");
        for batch in &page.batches {
            all.extend(history::tail::decode(&batch.body).expect("a batch of the tail").hits);
        }
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_imported_log_equals_the_recount_and_counts_once() {
    let Some(data) = data() else { return };
    let (folder, sites) = installation(LOGS.len()).await;
    for (site, name) in sites.into_iter().zip(LOGS) {
        let import = || importer(folder.path(), site, &[log(&data, name)]);
        let truth = truth(&data, name);
        let (succeeded, said) = imported(import()).await;
        assert!(succeeded && said.contains(&format!("{} unreadable", truth["unparsed"])), "{said}");
        let first = totals_in(folder.path(), site).await;
        equals_the_recount(&first, &data, name);
        assert_eq!(reported(folder.path(), site).await, numbers(&first.all), "reports say the same");
        for (name, number) in numbers(&first.all) {
            let told = said.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{said}"));
            assert_eq!(told.split_whitespace().nth(1), Some(number.to_string().as_str()), "{said}");
        }
        let (succeeded, said) = imported(import()).await;
        assert!(succeeded, "{said}");
        assert_eq!(totals_in(folder.path(), site).await, first, "a second import adds nothing");
        no_address_is_kept(&data, folder.path(), name);
    }
}

/// Looks for a log's addresses in every file of the folder.
fn no_address_is_kept(data: &Path, folder: &Path, name: &str) {
    let mut text = String::new();
    let packed = std::fs::File::open(log(data, name)).expect("the log");
    std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(packed), &mut text).ok();
    let addresses: Vec<&str> = text.lines().filter_map(|line| line.split(' ').next()).take(20).collect();
    for file in ["tail.db", "watchfire.db"] {
        let bytes = std::fs::read(folder.join(file)).expect("the database");
        for address in addresses.iter().filter(|address| address.len() > 9) {
            let found = bytes.windows(address.len()).any(|window| window == address.as_bytes());
            assert!(!found, "an address of {name} stands in {file}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_killed_again_and_again_counts_each_line_once_and_so_does_a_log_that_grew() {
    let Some(data) = data() else { return };
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let (folder, sites) = installation(2).await;
    let files = LOGS.map(|name| log(&data, name));
    for _ in 0..KILLS {
        let mut command = importer(folder.path(), sites[0], &files);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
        tokio::time::sleep(Duration::from_millis(rng.u64(100..2_000))).await;
        child.kill().await.expect("killed, or ended");
    }
    let (succeeded, said) = imported(importer(folder.path(), sites[0], &files)).await;
    assert!(succeeded, "{said}");
    let killed = totals_in(folder.path(), sites[0]).await;
    let pageviews = |name| truth(&data, name)["all"]["pageviews"].as_u64().expect("a number");
    assert_eq!(killed.all.pageviews, LOGS.map(pageviews).iter().sum::<u64>());
    assert_eq!(killed.duplicates, 0, "what was appended before is the same batches");

    let text = unpacked(&files[0]);
    let grown = folder.path().join("access.log");
    for bytes in [text.len() / 3, text.len() / 2, text.len()] {
        std::fs::write(&grown, &text[..bytes]).expect("written");
        let (succeeded, said) =
            imported(importer(folder.path(), sites[1], std::slice::from_ref(&grown))).await;
        assert!(succeeded, "{said}");
    }
    equals_the_recount(&totals_in(folder.path(), sites[1]).await, &data, LOGS[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_in_use_is_refused_and_a_database_takes_an_import_while_servers_run() {
    let Some(data) = data() else { return };
    let mongodb = tokio::task::spawn_blocking(|| Mongodb::start().expect("the MongoDB of tests starts"));
    let mongodb = mongodb.await.expect("it starts");
    let (folder, uri) = (tempfile::tempdir().expect("a folder"), mongodb.uri("watchfire"));
    let running = Program::start(folder.path(), &["--store", &uri]).await;
    let site = set_up(running.set_up_path.as_deref(), &Person::new(running.address)).await;
    let mut import = importer(folder.path(), site, &[log(&data, LOGS[0])]);
    import.args(["--store", &uri]);
    let (succeeded, said) = imported(import).await;
    assert!(succeeded, "{said}");
    let store = MongoStore::open(&uri).await.expect("the store opens");
    equals_the_recount(&totals(&store, site).await, &data, LOGS[0]);
    store.close().await;
    assert!(running.terminate(STOP_MAX).await);

    let (folder, sites) = installation(1).await;
    let running = Program::start(folder.path(), &[]).await;
    let (succeeded, said) = imported(importer(folder.path(), sites[0], &[log(&data, LOGS[0])])).await;
    assert!(!succeeded && said.contains("stop the server first"), "{said}");
    assert!(running.terminate(STOP_MAX).await);
    let elsewhere = folder.path().join("nothing-here");
    let (succeeded, said) = imported(importer(&elsewhere, sites[0], &[log(&data, LOGS[0])])).await;
    assert!(!succeeded && said.contains("there is no store in") && !elsewhere.exists(), "{said}");
}
