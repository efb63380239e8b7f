//! Senders that mean no good, or cannot do better: mutated, endless, stalling.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use fastrand::Rng;
use futures_util::stream;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::world::{Ask, SITE, World, pageview};
use crate::Options;

const MUTATIONS: usize = 2_000;
/// Every status of the protocol's table.
const STATUSES: [u16; 9] = [200, 202, 400, 403, 404, 408, 413, 429, 503];

#[tokio::test]
async fn mutated_requests_get_an_answer_of_the_table_and_no_panic() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let world = World::start().await;
    let mut taken = 0;
    for round in 0..MUTATIONS {
        let ask = mutated(&world, &mut rng);
        let answer = world.ask(ask).await;
        let status = answer.status.as_u16();
        assert!(STATUSES.contains(&status), "{status}, seed {seed}, round {round}");
        taken += usize::from(status == 202);
    }
    assert!(taken > 0, "nothing was good enough to go further in, seed {seed}");
    for arrival in world.arrivals().await {
        assert_eq!(arrival.site, SITE);
    }
    world.end().await;
}

fn mutated(world: &World, rng: &mut Rng) -> Ask {
    let more = json!({ "title": "Tea", "referrer": "https://n.example/", "props": { "a": 1.5, "b": "c" }, "name": "n" });
    let hits = (0..rng.u128(1..4)).map(|id| pageview(id, more.clone())).collect();
    let mut body = world.request(hits).to_string().into_bytes();
    for _ in 0..rng.usize(0..6) {
        mutate(&mut body, rng);
    }
    let ask = match rng.u8(0..8) {
        0 => Ask::get(&format!("/v1/p.gif?site={SITE}&url={}", escaped(&body))),
        _ => Ask::body(body),
    };
    let headers = [
        "user-agent",
        "accept-language",
        "host",
        "referer",
        "authorization",
        "cookie",
        "content-length",
        "dnt",
    ];
    let noise: Vec<u8> = (0..rng.usize(0..20)).map(|_| rng.u8(0x20..0x7f) | (rng.u8(0..2) << 7)).collect();
    let noise: Vec<u8> = noise.into_iter().filter(|byte| *byte != 0x7f).collect();
    ask.with(headers[rng.usize(0..headers.len())], noise)
}

fn mutate(body: &mut Vec<u8>, rng: &mut Rng) {
    let at = rng.usize(0..body.len());
    match rng.u8(0..6) {
        0 => body[at] ^= 1 << rng.u8(0..8),
        1 => body.truncate(at.max(1)),
        2 => body[at] = rng.u8(0x80..),
        3 => drop(body.splice(at..at, b"[{\"a\":".repeat(rng.usize(1..500)))),
        4 => body[at] = b"{}[]\",:\\0e-"[rng.usize(0..11)],
        _ => {
            let copy = body[at..].to_vec();
            body.extend(copy);
        }
    }
    body.truncate(70_000);
}

fn escaped(body: &[u8]) -> String {
    body.iter().take(300).map(|byte| format!("%{byte:02x}")).collect()
}

#[tokio::test]
async fn a_body_that_does_not_come_is_408_after_its_time_and_one_that_never_ends_is_413() {
    let world = World::start().await;
    tokio::time::pause();
    let stalls = stream::unfold((), |()| async {
        std::future::pending::<()>().await;
        Some((Ok::<_, std::io::Error>(Bytes::new()), ()))
    });
    let began = tokio::time::Instant::now();
    let answer = world.ask(Ask::body(Body::from_stream(stalls))).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (408, "slow_body"));
    assert_eq!(began.elapsed().as_secs(), 10);
    let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 1_000])));
    let answer = world.ask(Ask::body(Body::from_stream(endless))).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (413, "body_too_large"));
    let broken = stream::iter([Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("cut"))]);
    let answer = world.ask(Ask::body(Body::from_stream(broken))).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "malformed"));
    tokio::time::resume();
    world.end().await;
}

/// The collector on its own listener, spoken to by hand.
#[tokio::test]
async fn over_a_socket_a_large_body_is_refused_unread_and_the_shutdown_drains() {
    let world = World::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let served = tokio::spawn(crate::run(Options::default(), world.deps(), listener, shutdown.clone()));
    let talk = async |head: String, body: &[u8]| {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.write_all(body).await.unwrap();
        let mut answer = vec![0; 4_096];
        let read = tokio::time::timeout(Duration::from_secs(5), socket.read(&mut answer)).await;
        answer.truncate(read.expect("an answer in time").unwrap());
        String::from_utf8(answer).unwrap()
    };
    let head = |bytes: usize| format!("POST /v1/hits HTTP/1.1\r\nhost: x\r\ncontent-length: {bytes}\r\n\r\n");
    let unsent = talk(head(10_000_000), b"").await;
    assert!(unsent.starts_with("HTTP/1.1 413") && unsent.contains("body_too_large"), "{unsent}");
    let sent = talk(head(100_000), &[b' '; 100_000]).await;
    assert!(sent.starts_with("HTTP/1.1 413"), "{sent}");
    let good = world.request(vec![pageview(1, json!({}))]).to_string();
    let taken = talk(head(good.len()), good.as_bytes()).await;
    assert!(taken.starts_with("HTTP/1.1 202") && taken.ends_with("{\"accepted\":1}"), "{taken}");
    shutdown.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(5), served).await;
    ended.expect("it ends in time").unwrap().unwrap();
    assert_eq!(world.arrivals().await.len(), 1);
    world.end().await;
}
