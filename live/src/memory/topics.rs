//! Topics within one process.

use bytes::Bytes;
use hashbrown::HashMap;
use parking_lot::Mutex;
use tokio::sync::broadcast::{Sender, channel};

use super::TOPIC_MESSAGES_MAX;
use crate::Subscription;

/// Topics that somebody listens to.
#[derive(Default)]
pub struct Topics(Mutex<HashMap<String, Sender<Bytes>>>);

impl Topics {
    pub fn publish(&self, topic: &str, message: Bytes) {
        let mut topics = self.0.lock();
        let Some(sender) = topics.get(topic) else {
            return;
        };
        if sender.send(message).is_err() {
            topics.remove(topic);
        }
    }

    pub fn subscribe(&self, topic: &str) -> Subscription {
        let mut topics = self.0.lock();
        let sender = topics.entry_ref(topic).or_insert_with(|| channel(TOPIC_MESSAGES_MAX).0);
        Subscription(sender.subscribe())
    }
}
