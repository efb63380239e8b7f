//! The user that docs/operating.md has the operator make: it can do everything Watchfire does, and nothing else.

use std::time::Duration;

use bytes::Bytes;
use live::{Commit, Live, LiveError, RedisLive};
use model::{Clock, Peak, SystemClock};
use servers::redis::Redis;

use crate::fixtures::*;
use crate::servers_for_tests::INSTALLATION;

const OPERATING: &str = include_str!("../../../docs/operating.md");
/// Needed at moments that one quiet server does not bring about each time.
const AT_TIMES: [&str; 4] = ["+ping", "+unsubscribe", "+select", "+cluster|slots"];
/// Channels that nobody listens to any more are left within this, and the connection is asked whether it is there.
const PING: Duration = Duration::from_millis(1_500);

/// The command as the documentation writes it, for this installation.
fn line() -> String {
    let begin = OPERATING.find("ACL SETUSER watchfire").expect("the line stands in docs/operating.md");
    let line = OPERATING[begin..].split('`').next().unwrap();
    line.replace("\\|", "|").replace("INSTALLATION", INSTALLATION).replace("PASSWORD", "geheim")
}

fn uri(server: &Redis) -> String {
    format!("redis://watchfire:geheim@127.0.0.1:{}", server.port())
}

/// Every call there is, on every path that sends a command of its own.
async fn everything(server: &Redis, uri: &str) -> Result<(), LiveError> {
    server.ask("FLUSHALL").unwrap();
    server.ask("SCRIPT FLUSH").unwrap();
    let live = RedisLive::open(uri, INSTALLATION).unwrap();
    let (ada, later) = (visitor(1, "/a"), EIGHT.plus(Duration::from_secs(3_600)));
    live.present(&[]).await?;
    let mut topic = live.subscribe("tea").await?;
    live.publish("tea", Bytes::from_static(b"one")).await?;
    assert_eq!(topic.0.recv().await.unwrap(), "one");
    let term = live.load(0).await?;
    live.recovered(0, term.term).await?;
    let mut watch = live.watch(SITE).await?;
    let viewed = Commit { pageviews: vec![(EIGHT.minute(), 1)], ..came(EIGHT, &ada) };
    live.commit(vec![of(&term, 1, viewed)]).await?;
    assert_eq!(watch.changes.recv().await.unwrap().version, 1);
    live.commit(vec![of(&term, 2, came(later, &visitor(2, "/b")))]).await?;
    let days = EIGHT.plus(Duration::from_secs(9 * 24 * 3_600));
    live.commit(vec![of(&term, 3, went(days, &ada)), of(&term, 4, went(days, &visitor(2, "/b")))]).await?;
    live.restore_peaks(&[Peak { site: SITE, hour: EIGHT, count: 5 }]).await?;
    // Once as it stands, and once to be rebuilt.
    let next = live.load(0).await?;
    assert!(next.states.is_some());
    live.recovered(0, next.term).await?;
    live.commit(vec![of(&next, 1, came(days, &ada))]).await?;
    assert_eq!(live.present(&[SITE]).await?, [1]);
    assert_eq!(live.visitor(SITE, ada.key).await?.as_ref(), Some(&ada));
    let other = live.load(1).await?;
    live.commit(vec![of(&other, 1, Commit { shard: 1, ..came(days, &ada) })]).await?;
    assert!(live.load(1).await?.states.is_none());
    live.forget(SITE).await
}

#[tokio::test]
async fn the_documented_user_can_do_everything_that_live_does_and_no_right_is_too_many() {
    let server = Redis::start().unwrap();
    let line = line();
    server.ask(&line).unwrap();
    everything(&server, &format!("{}/1", uri(&server))).await.unwrap();
    let rights = line.split(' ').filter(|word| word.starts_with('+') && !AT_TIMES.contains(word));
    for right in rights {
        server.ask(&format!("ACL SETUSER watchfire -{}", &right[1..])).unwrap();
        assert!(everything(&server, &uri(&server)).await.is_err(), "{right} is not needed");
        server.ask(&format!("ACL SETUSER watchfire {right}")).unwrap();
    }
}

#[tokio::test]
async fn nothing_is_refused_to_the_documented_user() {
    let server = Redis::start().unwrap();
    server.ask(&line()).unwrap();
    let live = RedisLive::open(&uri(&server), INSTALLATION).unwrap();
    drop(live.subscribe("tea").await.unwrap());
    live.publish("tea", Bytes::new()).await.unwrap();
    everything(&server, &uri(&server)).await.unwrap();
    tokio::time::sleep(PING).await;
    assert!(server.ask("ACL LOG").unwrap().starts_with("*0\r\n"), "{}", server.ask("ACL LOG").unwrap());
}

#[tokio::test]
async fn the_documented_user_works_on_a_cluster() {
    let nodes = Redis::cluster().unwrap();
    for node in &nodes {
        node.ask(&line()).unwrap();
    }
    let uris: Vec<_> = nodes.iter().map(uri).collect();
    let live = RedisLive::open(&uris.join(","), INSTALLATION).unwrap();
    let commits = [SITE, OTHER].map(|site| Commit { site, ..came(EIGHT, &visitor(1, "/a")) });
    live.commit(commits.to_vec()).await.unwrap();
    let mut topic = live.subscribe("tea").await.unwrap();
    live.publish("tea", Bytes::from_static(b"one")).await.unwrap();
    assert_eq!(topic.0.recv().await.unwrap(), "one");
    assert_eq!(live.present(&[SITE, OTHER]).await.unwrap(), [1, 1]);
}

#[tokio::test]
async fn the_documented_user_can_do_nothing_else() {
    let server = Redis::start().unwrap();
    server.ask(&line()).unwrap();
    let client = redis::Client::open(uri(&server)).unwrap();
    let mut connection = client.get_connection().unwrap();
    let own = format!("{INSTALLATION}:x");
    let mut refused = |words: &[&str]| {
        let mut command = redis::cmd(words[0]);
        words[1..].iter().for_each(|word| {
            command.arg(*word);
        });
        let told = command.query::<redis::Value>(&mut connection).err().map(|error| error.to_string());
        told.is_some_and(|told| told.contains("permission") || told.contains("script can't"))
    };
    assert!(!refused(&["HSET", &own, "field", "value"]), "its own keys are its own");
    for words in [
        &["FLUSHALL"][..],
        &["FLUSHDB"],
        &["KEYS", "*"],
        &["SCAN", "0"],
        &["CONFIG", "GET", "*"],
        &["ACL", "LIST"],
        &["SCRIPT", "FLUSH"],
        &["SHUTDOWN"],
        &["GET", &own],
        &["HGET", "other", "field"],
        &["HGET", "wfother:x", "field"],
        &["DEL", "other"],
        &["EVAL", "return redis.call('HGET', 'other', 'field')", "0"],
        &["EVAL", "return redis.call('FLUSHALL')", "0"],
        &["PUBLISH", "other", "one"],
        &["SUBSCRIBE", "other"],
        &["PSUBSCRIBE", "*"],
    ] {
        assert!(refused(words), "{words:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_examination_names_each_right_that_is_missing_and_leaves_nothing_behind() {
    let mut server = Redis::start().unwrap();
    server.ask(&line()).unwrap();
    let now = || SystemClock.now();
    let examined = async || live::redis::examine(&uri(&server), INSTALLATION, now()).await.unwrap();
    assert_eq!(examined().await, Vec::<String>::new());
    assert!(server.ask("DBSIZE").unwrap().starts_with(":0"));
    for right in ["zrange", "time", "evalsha", "publish", "incr", "del"] {
        server.ask(&format!("ACL SETUSER watchfire -{right}")).unwrap();
        let found = examined().await;
        assert!(found.len() == 1 && found[0].contains(&format!("may not {right}:")), "{right}: {found:?}");
        server.ask(&format!("ACL SETUSER watchfire +{right}")).unwrap();
    }
    server.ask("ACL SETUSER watchfire resetchannels").unwrap();
    assert!(examined().await[0].contains("may not publish:"));
    server.ask(&line()).unwrap();
    let late = now().plus(Duration::from_secs(60));
    let found = live::redis::examine(&uri(&server), INSTALLATION, late).await.unwrap();
    assert!(found.len() == 1 && found[0].contains("behind"), "{found:?}");
    let wrong = uri(&server).replace("geheim", "falsch");
    let found = live::redis::examine(&wrong, INSTALLATION, now()).await.unwrap();
    assert!(
        found.len() == 1 && found[0].contains("user and password") && !found[0].contains("falsch"),
        "{found:?}"
    );
    let address = uri(&server);
    server.kill();
    let found = live::redis::examine(&address, INSTALLATION, now()).await.unwrap();
    assert!(found.len() == 1 && found[0].contains("see that it runs"), "{found:?}");
}
