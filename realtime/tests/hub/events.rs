//! Server-Sent Events and JSON once, as `curl` reads them.

use std::time::Duration;

use realtime::Options;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::house::*;

async fn get(house: &House, path: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    // A client of HTTP/1.0 is sent the body as it is, not in chunks.
    let head = format!("GET {path} HTTP/1.0\r\nHost: x\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    BufReader::new(stream)
}

/// The status and the body of an answer that ends.
async fn fetch(house: &House, path: &str) -> (u16, Value) {
    let mut answer = String::new();
    let mut stream = get(house, path).await;
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap_or(Value::Null))
}

/// The lines of an event, or of a comment. None left: the stream has ended.
async fn next_event(stream: &mut BufReader<TcpStream>) -> Vec<String> {
    let mut event = Vec::new();
    loop {
        let mut line = String::new();
        let read = timeout(PATIENCE, stream.read_line(&mut line)).await.expect("a line comes").unwrap();
        let field = ["event: ", "id: ", "data: ", ": "].iter().any(|name| line.starts_with(name));
        if field {
            event.push(line.trim_end().to_owned());
        }
        let whole = event.last().is_some_and(|last| last.starts_with("data: ") || last.starts_with(": "));
        if whole || read == 0 {
            return event;
        }
    }
}

#[tokio::test]
async fn now_answers_the_snapshot_once() {
    let house = House::open(Options::default()).await;
    house.put(0..4, "/").await;
    let path =
        |topic: &str, rest: &str| format!("/api/watchfire/live/now?token={VIEWER_TOKEN}&topic={topic}{rest}");
    let (status, body) = fetch(&house, &path(&topic(SITE, "now"), "")).await;
    assert_eq!((status, &body["data"]), (200, &json!({ "present": 4 })));
    let (status, body) =
        fetch(&house, &path(&topic(SITE, "live"), "&filter.country=FR&filter.page=%2F")).await;
    assert_eq!((status, &body["data"]["present"]), (200, &json!(2)));
    assert_eq!(body["key"], format!("{}?page=/&country=FR", topic(SITE, "live")));
    for (path, expected, code) in [
        (path("weather", ""), 400, "bad_topic"),
        (path("", ""), 400, "bad_topic"),
        (path(&topic(SITE, "live"), "&filter.city=x"), 400, "bad_filter"),
        (path(&topic(OTHER_SITE, "now"), ""), 404, "not_found"),
        (format!("/api/watchfire/live/now?topic={}", topic(SITE, "now")), 401, "sign_in"),
        (format!("/api/watchfire/live/events?topic={}", topic(SITE, "now")), 401, "sign_in"),
        (format!("/api/watchfire/live/events?share=wrong&topic={}", topic(SITE, "now")), 401, "sign_in"),
    ] {
        let (status, body) = fetch(&house, &path).await;
        assert_eq!((status, &body["error"]["code"]), (expected, &json!(code)), "{path}");
    }
    house.close().await;
}

#[tokio::test]
async fn events_come_with_their_version_as_id() {
    let house = House::open(Options::default()).await;
    house.put(0..2, "/").await;
    let key = topic(SITE, "now");
    let mut stream = get(&house, &format!("/api/watchfire/live/events?share={SHARE}&topic={key}")).await;
    let data = |version: u64, present: u64| {
        format!(r#"data: {{"key":"{key}","version":{version},"data":{{"present":{present}}}}}"#)
    };
    assert_eq!(next_event(&mut stream).await, ["event: snapshot", "id: 1", &data(1, 2)]);
    house.put(2..3, "/").await;
    assert_eq!(next_event(&mut stream).await, ["event: delta", "id: 2", &data(2, 3)]);
    house.store.sites.remove(SITE).await.unwrap();
    house.tell_sites(SITE).await;
    let ended = next_event(&mut stream).await;
    assert_eq!(ended[0], "event: ended");
    assert!(ended[1].contains(r#""code":"deleted""#), "{ended:?}");
    assert!(next_event(&mut stream).await.is_empty(), "the stream ends");
    house.close().await;
}

#[tokio::test]
async fn a_comment_keeps_a_quiet_stream_open() {
    let options = Options { beat: Duration::from_millis(20), ping_beats: 2, ..Options::default() };
    let house = House::open(options).await;
    let path = format!("/api/watchfire/live/events?share={SHARE}&topic={}", topic(SITE, "now"));
    let mut stream = get(&house, &path).await;
    assert_eq!(next_event(&mut stream).await[0], "event: snapshot");
    for _ in 0..5 {
        assert_eq!(next_event(&mut stream).await, [": ping"]);
    }
    house.close().await;
}

#[tokio::test]
async fn a_revoked_share_ends_the_stream() {
    let house = House::open(Options::default()).await;
    let path = format!("/api/watchfire/live/events?share={SHARE}&topic={}", topic(SITE, "now"));
    let mut stream = get(&house, &path).await;
    assert_eq!(next_event(&mut stream).await[0], "event: snapshot");
    house.store.accounts.unshare(SITE, model::ShareId::of(1)).await.unwrap();
    house.tell_rights().await;
    assert!(next_event(&mut stream).await.is_empty());
    house.close().await;
}
