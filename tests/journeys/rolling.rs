//! A rolling upgrade, rehearsed with one binary: each process of a cluster ends and starts again, one after the other,
//! under load, behind a proxy that asks the next one once.

use std::time::Duration;

use fastrand::Rng;
use store::mongodb::MongoStore;
use world::{Ground, Person, Program};

use crate::cluster::every_dashboard_shows_the_same;
use crate::crash::set_up;
use crate::load::Load;
use crate::sharing::each_is_in_history;

const STOP_MAX: Duration = Duration::from_secs(10);
const ASKERS: usize = 16;
const STOPS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_process_restarted_in_turn_refuses_no_request_and_keeps_every_hit_once() {
    let ground = Ground::start(4).await;
    let mut cluster = ground.cluster(3).await;
    let proxy = cluster.proxy().address;
    let owner = Person::new(proxy);
    let site = set_up(cluster.set_up_path(), &owner).await;
    let load = Load::start(vec![proxy], site, &mut Rng::new());
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let page = format!("/sites/{site}");
    let now = format!("/api/watchfire/live/now?topic=site/{site}/live");
    let reader = tokio::spawn(read_until(stopped, owner.at(proxy), vec![page, now]));

    for part in [&mut cluster.processors, &mut cluster.collectors, &mut cluster.realtimes, &mut cluster.webs]
    {
        restart_in_turn(part).await;
    }
    let promised = load.stop().await;
    // An error means that the reader ended: joining it tells why.
    let _ = stop.send(());
    let pages = reader.await.expect("no page was refused");
    println!("{} hits acknowledged, {pages} pages and snapshots read", promised.acknowledged.len());
    assert!(promised.refused.is_empty(), "{:?}", promised.refused);
    let store = MongoStore::open(&ground.mongodb.uri("watchfire")).await.expect("the store opens");
    let again = each_is_in_history(&store, site, &promised).await;
    println!("{again} of them twice, from requests that the proxy sent twice");
    every_dashboard_shows_the_same(&owner, &cluster.realtimes, site, promised.addresses.len()).await;
    store.close().await;
    cluster.terminate().await;
}

/// The door closes before anything else stops: whoever was let in is answered as ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_a_server_that_stops_is_answered_or_not_let_in() {
    let folder = tempfile::tempdir().expect("a folder of our own");
    let mut program = Program::start(folder.path(), &[]).await;
    let owner = Person::new(program.address);
    let site = set_up(program.set_up_path.as_deref(), &owner).await;
    let page = format!("/api/watchfire/live/now?topic=site/{site}/live");
    let askers: Vec<_> =
        (0..ASKERS).map(|_| tokio::spawn(ask_for_ever(owner.at(program.address), page.clone()))).collect();
    for _ in 0..STOPS {
        tokio::time::sleep(Duration::from_millis(300)).await;
        program = program.restarted(STOP_MAX).await;
    }
    for asker in askers {
        asker.abort();
        assert!(asker.await.expect_err("it asks for ever").is_cancelled(), "somebody was refused");
    }
    assert!(program.terminate(STOP_MAX).await);
}

async fn ask_for_ever(person: Person, page: String) {
    loop {
        match person.try_send(hyper::Method::GET, &page, &[], bytes::Bytes::new()).await {
            Ok(answer) => assert_eq!(answer.status, 200, "{}", answer.text()),
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

async fn restart_in_turn(programs: &mut Vec<Program>) {
    for program in std::mem::take(programs) {
        programs.push(program.restarted(STOP_MAX).await);
    }
}

/// Asks for pages in turn; how many. Each must be served.
async fn read_until(
    mut stopped: tokio::sync::oneshot::Receiver<()>,
    person: Person,
    pages: Vec<String>,
) -> usize {
    for (read, page) in pages.iter().cycle().enumerate() {
        if stopped.try_recv().is_ok() {
            return read;
        }
        let answer = person.get(page).await;
        assert_eq!(answer.status, 200, "{page}: {}", answer.text());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    0
}
