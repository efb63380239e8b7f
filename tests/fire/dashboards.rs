//! Dashboards that stay open through everything: each comes back when its socket is lost, as the page does.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::SiteId;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use world::Push;

const RECONNECT: Duration = Duration::from_millis(300);

/// One topic of one site at one hub.
pub struct Dashboard {
    pub site: SiteId,
    pub topic: &'static str,
    shown: Arc<Mutex<Value>>,
    work: JoinHandle<()>,
}

impl Dashboard {
    pub fn open(hub: SocketAddr, site: SiteId, topic: &'static str, cookie: &str) -> Dashboard {
        let shown = Arc::new(Mutex::new(Value::Null));
        let headers = vec![("cookie", cookie.to_owned()), ("origin", format!("http://{hub}"))];
        let work = tokio::spawn(watch(hub, format!("site/{site}/{topic}"), headers, shown.clone()));
        Dashboard { site, topic, shown, work }
    }

    /// What it shows now; null while it shows nothing.
    pub fn shows(&self) -> Value {
        self.shown.lock().expect("no panic while held").clone()
    }

    /// A delta that did not follow the one before would have ended it.
    pub fn is_alive(&self) -> bool {
        !self.work.is_finished()
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        self.work.abort();
    }
}

async fn watch(
    hub: SocketAddr,
    topic: String,
    headers: Vec<(&'static str, String)>,
    shown: Arc<Mutex<Value>>,
) {
    loop {
        if let Ok(mut push) = Push::dial(hub, "", &headers).await {
            follow(&mut push, &topic, &shown).await;
        }
        *shown.lock().expect("no panic while held") = Value::Null;
        sleep(RECONNECT).await;
    }
}

/// Until the socket or the subscription is lost.
async fn follow(push: &mut Push, topic: &str, shown: &Mutex<Value>) {
    if push.try_say(json!({ "subscribe": topic, "as": 1 })).await.is_err() {
        return;
    }
    while let Ok(frame) = push.frame().await {
        if frame.get("refused").is_some() || frame.get("ended").is_some() {
            return;
        }
        if push.apply(&frame) {
            shown.lock().expect("no panic while held").clone_from(&push.data);
        }
    }
}
