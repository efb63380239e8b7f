//! A dashboard's socket: subscribes, applies snapshots and deltas, and shows what it would draw.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Map, Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// How long a push may take in a test before it counts as missing.
const PATIENCE: Duration = Duration::from_secs(15);

/// One socket with one subscription.
pub struct Push {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// What the dashboard shows: the last snapshot with every delta after it.
    pub data: Value,
    pub version: u64,
}

impl Push {
    /// Connects with headers (`cookie`, `authorization`, `origin`); the HTTP status where refused.
    pub async fn connect(
        server: SocketAddr,
        query: &str,
        headers: &[(&'static str, String)],
    ) -> Result<Push, u16> {
        match Push::dial(server, query, headers).await {
            Ok(push) => Ok(push),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// As `connect`, where the server may not be there.
    pub async fn dial(
        server: SocketAddr,
        query: &str,
        headers: &[(&'static str, String)],
    ) -> Result<Push, Error> {
        let mut request = format!("ws://{server}/api/watchfire/live{query}").into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header value"));
        }
        let (socket, _) = tokio_tungstenite::connect_async(request).await?;
        Ok(Push { socket, data: Value::Null, version: 0 })
    }

    pub async fn say(&mut self, message: Value) {
        self.try_say(message).await.expect("the socket takes a frame");
    }

    pub async fn try_say(&mut self, message: Value) -> Result<(), Error> {
        self.socket.send(Message::text(message.to_string())).await
    }

    /// Subscribes and waits for the snapshot; the code where refused.
    pub async fn subscribe(&mut self, topic: &str, filter: Value) -> Result<(), String> {
        self.say(json!({ "subscribe": topic, "filter": filter, "as": 1 })).await;
        loop {
            let frame = self.frame().await.expect("the socket stays open");
            if let Some(refused) = frame.get("refused") {
                return Err(refused["code"].as_str().unwrap_or_default().to_owned());
            }
            if self.apply(&frame) {
                return Ok(());
            }
        }
    }

    /// Waits until what is shown satisfies `shown`.
    pub async fn until(&mut self, what: &str, shown: impl Fn(&Value) -> bool) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while !shown(&self.data) {
                let frame = self.frame().await.expect("the socket stays open");
                self.apply(&frame);
            }
        });
        assert!(waited.await.is_ok(), "not pushed: {what}; shown: {}", self.data);
    }

    /// Takes whatever arrives for a while.
    pub async fn listen(&mut self, duration: Duration) {
        let _ = tokio::time::timeout(duration, async {
            while let Ok(frame) = self.frame().await {
                self.apply(&frame);
            }
        })
        .await;
    }

    /// The next frame; answers pings. An error carries the close code.
    pub async fn frame(&mut self) -> anyhow::Result<Value> {
        loop {
            match self.socket.next().await.context("closed")?? {
                Message::Text(text) => {
                    let frame: Value = serde_json::from_str(&text)?;
                    if let Some(ping) = frame.get("ping") {
                        self.try_say(json!({ "pong": ping })).await?;
                        continue;
                    }
                    return Ok(frame);
                }
                Message::Close(Some(close)) => bail!("closed with {}", u16::from(close.code)),
                Message::Close(None) => bail!("closed"),
                _ => {}
            }
        }
    }

    /// Applies a snapshot or delta as a dashboard does; false for other frames.
    pub fn apply(&mut self, frame: &Value) -> bool {
        if let Some(snapshot) = frame.get("snapshot") {
            self.version = snapshot["version"].as_u64().expect("a version");
            self.data = snapshot["data"].clone();
            return true;
        }
        let Some(delta) = frame.get("delta") else { return false };
        let version = delta["version"].as_u64().expect("a version");
        assert_eq!(version, self.version + 1, "no version is skipped in silence");
        self.version = version;
        self.merge(&delta["data"]);
        true
    }

    fn merge(&mut self, delta: &Value) {
        let is_list = self.data.get("visitors").is_some();
        let data = self.data.as_object_mut().expect("a snapshot came first");
        for (name, value) in delta.as_object().expect("a delta is an object") {
            match name.as_str() {
                "rows" => merge_rows(data, value),
                "minutes" => merge_minutes(data, value),
                "set" | "gone" if is_list => merge_visitors(data, name, value),
                _ => {
                    data.insert(name.clone(), value.clone());
                }
            }
        }
    }
}

fn merge_rows(data: &mut Map<String, Value>, changed: &Value) {
    let rows = data["rows"].as_object_mut().expect("rows are an object");
    for (dimension, keys) in changed.as_object().expect("rows are an object") {
        let shown = rows.entry(dimension).or_insert_with(|| json!({}));
        let shown = shown.as_object_mut().expect("a dimension is an object");
        for (key, count) in keys.as_object().expect("a dimension is an object") {
            if count.is_null() {
                shown.remove(key);
            } else {
                shown.insert(key.clone(), count.clone());
            }
        }
    }
}

fn merge_minutes(data: &mut Map<String, Value>, changed: &Value) {
    let minutes = data["minutes"].as_array_mut().expect("minutes are a list");
    for minute in changed.as_array().expect("minutes are a list") {
        minutes.retain(|known| known["minute"] != minute["minute"]);
        minutes.push(minute.clone());
    }
}

fn merge_visitors(data: &mut Map<String, Value>, what: &str, changed: &Value) {
    let visitors = data["visitors"].as_array_mut().expect("visitors are a list");
    for change in changed.as_array().expect("a list") {
        let key = if what == "set" { &change["key"] } else { change };
        visitors.retain(|known| known["key"] != *key);
        if what == "set" {
            visitors.push(change.clone());
        }
    }
}
