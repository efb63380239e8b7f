//! `rediss://`: who is trusted, over one server and over a cluster; what is asked and what is heard.

use live::{Live, RedisLive};
use servers::redis::Redis;
use tokio::time::timeout;

use crate::fixtures::*;
use crate::redis_faults::CALM_MAX;
use crate::servers_for_tests::INSTALLATION;

/// Commands, and both kinds of what is heard, go through.
async fn works(uri: &str) {
    let live = RedisLive::open(uri, INSTALLATION).unwrap();
    let mut watch = live.watch(SITE).await.unwrap();
    let mut topic = live.subscribe("tea").await.unwrap();
    let elsewhere = live::Commit { site: OTHER, ..came(EIGHT, &visitor(2, "/b")) };
    live.commit(vec![came(EIGHT, &visitor(1, "/a")), elsewhere]).await.unwrap();
    live.publish("tea", bytes::Bytes::from_static(b"one")).await.unwrap();
    assert_eq!(timeout(CALM_MAX, watch.changes.recv()).await.unwrap().unwrap().version, 1);
    assert_eq!(timeout(CALM_MAX, topic.0.recv()).await.unwrap().unwrap(), "one");
    assert_eq!(live.present(&[SITE, OTHER]).await.unwrap(), [1, 1]);
}

/// Rounds of asking.
const TRIES: usize = 10;

/// Neither is anything asked nor heard of servers that prove nothing.
async fn is_refused(uri: &str) {
    let live = RedisLive::open(uri, INSTALLATION).unwrap();
    let mut told = String::new();
    for _ in 0..TRIES {
        told = live.present(&[SITE]).await.unwrap_err().to_string();
        // A busy machine answers nobody in time.
        if !told.contains("timed out") {
            break;
        }
    }
    assert!(told.contains("certificate"), "{told}");
    assert!(live.subscribe("tea").await.is_err());
}

#[tokio::test]
async fn a_server_is_trusted_by_the_authority_that_the_address_names() {
    let server = Redis::start_encrypted().unwrap();
    let (uri, authority) = server.encrypted().unwrap();
    works(&format!("{uri}?ca={}", authority.display())).await;
}

#[tokio::test]
async fn a_server_that_nobody_trusted_signed_for_is_refused() {
    let server = Redis::start_encrypted().unwrap();
    let (uri, authority) = server.encrypted().unwrap();
    is_refused(&uri).await;
    let other = Redis::start_encrypted().unwrap();
    let (_, another) = other.encrypted().unwrap();
    is_refused(&format!("{uri}?ca={}", another.display())).await;
    works(&format!("{uri}?ca={}", authority.display())).await;
}

#[tokio::test]
async fn a_cluster_is_trusted_by_the_authority_that_the_address_names() {
    let nodes = Redis::cluster_encrypted().unwrap();
    let uris: Vec<_> = nodes.iter().map(|node| node.encrypted().unwrap().0).collect();
    let authority = nodes[0].encrypted().unwrap().1;
    works(&format!("{}?ca={}", uris.join(","), authority.display())).await;
    is_refused(&uris.join(",")).await;
}
