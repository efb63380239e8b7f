//! Three masters in cluster mode, of which one forgets, freezes, dies or gives a slot away: the others' sites do not notice.

use std::time::{Duration, Instant};

use live::redis::ANSWER_MAX;
use live::{Commit, Live, LiveError, Origin, RedisLive};
use model::SiteId;
use servers::Signal;
use servers::redis::Redis;

use crate::fixtures::*;
use crate::redis_faults::{MARGIN, until_ok};
use crate::servers_for_tests::INSTALLATION;

/// Which of three masters has a key.
fn master(nodes: &[Redis], key: &str) -> usize {
    let told = nodes[0].ask(&format!("CLUSTER KEYSLOT {key}")).unwrap();
    let slot: usize = told.lines().next().unwrap()[1..].parse().unwrap();
    (0..3).find(|index| slot < (index + 1) * 16_384 / 3).unwrap()
}

/// One site on each of three masters, by their slots.
async fn on_three() -> (Vec<Redis>, RedisLive, Vec<SiteId>) {
    let nodes = Redis::cluster().unwrap();
    let uris: Vec<_> = nodes.iter().map(Redis::uri).collect();
    let live = RedisLive::open(&uris.join(","), INSTALLATION).unwrap();
    let of = |index| {
        let is_there = |site: &SiteId| master(&nodes, &format!("wf:{{{site}}}:site")) == index;
        (1..).map(SiteId::of).find(is_there).unwrap()
    };
    let sites = (0..3).map(of).collect();
    (nodes, live, sites)
}

#[tokio::test]
async fn of_three_masters_one_that_forgot_everything_is_told_again_and_the_others_are_undisturbed() {
    let (nodes, live, sites) = on_three().await;
    let (ada, bob) = (visitor(1, "/a"), visitor(2, "/b"));
    let came_to = |site, who| Commit { site, ..came(EIGHT, who) };
    live.commit(sites.iter().map(|site| came_to(*site, &ada)).collect()).await.unwrap();
    nodes[0].ask("FLUSHALL").unwrap();
    let applied = live.commit(sites.iter().map(|site| came_to(*site, &bob)).collect()).await.unwrap();
    let told: Vec<_> = applied.iter().map(|one| (one.is_first, one.present)).collect();
    assert_eq!(told, [(true, 1), (false, 2), (false, 2)]);
    live.commit(vec![came_to(sites[0], &ada)]).await.unwrap();
    assert_eq!(live.present(&sites).await.unwrap(), [2, 2, 2]);
}

#[tokio::test]
async fn of_three_masters_one_is_frozen_and_commits_to_sites_of_the_others_are_seen_within_a_second() {
    let (nodes, live, sites) = on_three().await;
    let numbered = |site, number| {
        let origin = Origin { term: 1, number };
        Commit { site, origin, ..came(EIGHT, &visitor(number, "/a")) }
    };
    live.commit(sites.iter().map(|site| numbered(*site, 1)).collect()).await.unwrap();
    let mut watches = vec![live.watch(sites[0]).await.unwrap(), live.watch(sites[1]).await.unwrap()];
    nodes[2].signal(Signal::Stop);
    let late = numbered(sites[2], 2);
    for number in 2..6 {
        let asked = Instant::now();
        // As the processor does: what was not taken is sent again.
        let commits = vec![late.clone(), numbered(sites[0], number), numbered(sites[1], number)];
        let seen = async {
            for watch in &mut watches {
                assert_eq!(watch.changes.recv().await.unwrap().version, number);
            }
            assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
        };
        let (told, ()) = tokio::join!(live.commit(commits), seen);
        let Err(LiveError::Partly { applied, .. }) = told else { panic!("{told:?}") };
        let told: Vec<_> = applied.iter().map(|one| (one.site, u64::from(one.present))).collect();
        assert_eq!(told, [(sites[0], number), (sites[1], number)]);
        assert!(asked.elapsed() < ANSWER_MAX + MARGIN, "{:?}", asked.elapsed());
    }
    assert!(matches!(live.commit(vec![late.clone()]).await, Err(LiveError::Unavailable(_))));
    nodes[2].signal(Signal::Continue);
    let applied = until_ok(|| live.commit(vec![late.clone()])).await;
    assert_eq!(
        (applied[0].version, applied[0].present, applied[0].is_first),
        (2, 2, false),
        "it counts once"
    );
}

#[tokio::test]
async fn a_slot_that_moved_to_another_master_is_found_there() {
    let (nodes, live, sites) = on_three().await;
    assert_eq!(live.present(&sites).await.unwrap(), [0, 0, 0]);
    let key = format!("wf:{{{}}}:site", sites[0]);
    let told = |node: &Redis, asked: &str| node.ask(asked).unwrap().lines().next().unwrap().to_owned();
    let slot = told(&nodes[0], &format!("CLUSTER KEYSLOT {key}"))[1..].to_owned();
    let id = nodes[1].ask("CLUSTER MYID").unwrap().lines().nth(1).unwrap().to_owned();
    for node in [1, 0, 2] {
        nodes[node].ask(&format!("CLUSTER SETSLOT {slot} NODE {id}")).unwrap();
    }
    let commits = sites.iter().map(|site| Commit { site: *site, ..came(EIGHT, &visitor(1, "/a")) });
    assert_eq!(live.commit(commits.collect()).await.unwrap().len(), 3);
    assert_eq!(told(&nodes[1], &format!("EXISTS {key}")), ":1");
    assert_eq!(live.present(&sites).await.unwrap(), [1, 1, 1]);
}

/// No shard can say there which sites it works on.
#[tokio::test]
async fn of_three_masters_the_one_of_a_shard_is_away_and_sites_it_works_on_go_on() {
    let (mut nodes, live, sites) = on_three().await;
    let shard = (0..).find(|shard| master(&nodes, &format!("wf:{{shard-{shard}}}:owner")) == 2).unwrap();
    let came_to = |site, who| Commit { site, shard, ..came(EIGHT, &visitor(who, "/a")) };
    for _ in 0..2 {
        live.commit(vec![came_to(sites[0], 1)]).await.unwrap();
    }
    nodes[2].kill();
    let told = live.commit(vec![came_to(sites[0], 2), came_to(sites[1], 1)]).await;
    let Err(LiveError::Partly { applied, .. }) = told else { panic!("{told:?}") };
    assert_eq!(applied.iter().map(|one| (one.site, one.present)).collect::<Vec<_>>(), [(sites[0], 2)]);
    assert_eq!(live.present(&sites[..2]).await.unwrap(), [2, 0], "another may have the shard by now");
    nodes[2].restart().unwrap();
    assert_eq!(until_ok(|| live.commit(vec![came_to(sites[1], 1)])).await[0].present, 1);
}
