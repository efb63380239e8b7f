//! What one topic of chat is told: a room as it changes, what its people are doing, or what concerns one person.
//! A room's deltas are numbered by its changes and have no gap: where an announcement did not come, what it was about is read.
//! The snapshot says only how the room is and how many changes it had; whoever knows fewer reads them by HTTP.
//! Lock order: the state, then a client's.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chat::announce::{Announced, Missed};
use hashbrown::HashMap;
use live::Subscription;
use metrics::counter;
use parking_lot::Mutex;
use serde_json::value::RawValue;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{Instant, sleep_until, timeout};

use crate::client::{Client, offer_all};
use crate::frame::{self, Frame};
use crate::hub::Hub;
use crate::topic::{Of, Topic};

/// Between two tries to read what was missed.
const RETRY: Duration = Duration::from_millis(500);
/// A frame to each takes the kernels of both sides about so long. What is said meanwhile goes out together, so that a
/// crowd that is talked to without a pause hears sooner, and not later and later.
const ROUND_A_CLIENT: Duration = Duration::from_micros(6);
const ROUND_MAX: Duration = Duration::from_millis(100);

pub struct Followed {
    pub topic: Arc<Topic>,
    state: Mutex<State>,
    /// The first subscriber came, or the last one left.
    attended: Notify,
}

#[derive(Default)]
struct State {
    /// None until it was read once.
    told: Option<Told>,
    clients: HashMap<u64, Arc<Client>>,
    /// Subscriptions, those under way included.
    attendance: usize,
}

/// What everybody was told.
struct Told {
    /// Of a room the number of its last change; else of the last thing that was told.
    version: u64,
    /// Encoded once, for all who come at this version.
    snapshot: Frame,
}

impl Followed {
    pub fn new(topic: &Arc<Topic>) -> Followed {
        Followed { topic: topic.clone(), state: Mutex::default(), attended: Notify::new() }
    }

    /// Keeps the topic followed until `join`.
    pub fn expect(&self) {
        self.state.lock().attendance += 1;
        self.attended.notify_one();
    }

    pub fn is_deserted(&self) -> bool {
        self.state.lock().attendance == 0
    }

    /// Puts an expected client on the topic: it is told `subscribed`, and the snapshot now or when there is one.
    pub fn join(&self, client: &Arc<Client>, number: u16) {
        let mut state = self.state.lock();
        let again = state.clients.insert(client.id, client.clone()).is_some();
        state.attendance -= usize::from(again);
        let snapshot = state.told.as_ref().map(|told| told.snapshot.clone());
        client.act(|connection| connection.subscribed(number, &self.topic, snapshot));
    }

    pub fn leave(&self, client: &Client) {
        let mut state = self.state.lock();
        if state.clients.remove(&client.id).is_some() {
            state.attendance -= 1;
            self.attended.notify_one();
        }
    }

    /// A fresh snapshot for a client that fell behind and has read what it had.
    pub fn catch_up(&self, client: &Client) {
        let state = self.state.lock();
        if let (Some(told), true) = (&state.told, state.clients.contains_key(&client.id)) {
            client.act(|connection| connection.replace(&self.topic, told.snapshot.clone()));
        }
    }

    /// Follows the topic until nobody does or the hub stops.
    pub async fn run(self: Arc<Self>, hub: Arc<Hub>) {
        let followed = async {
            let mut heard = live::hear(&*hub.live, &self.topic.of.heard()).await;
            self.begin(&hub).await;
            self.follow(&hub, &mut heard).await;
        };
        hub.shutdown.run_until_cancelled(followed).await;
    }

    /// Reads how it is now: what was announced before was not heard.
    async fn begin(&self, hub: &Hub) {
        let Of::Room(_) = self.topic.of else {
            return self.show(0, &nothing());
        };
        self.make_up(hub, None).await;
    }

    async fn follow(&self, hub: &Arc<Hub>, heard: &mut Subscription) {
        let deserted = || self.is_deserted().then(|| Instant::now() + hub.options.linger);
        let (mut leaving, mut is_heard) = (deserted(), true);
        // Should the last announcement be lost, nobody would ask.
        let mut look = Instant::now() + hub.options.recheck;
        let mut next_round = Instant::now();
        loop {
            tokio::select! {
                first = next_of(heard, next_round), if is_heard => {
                    is_heard = self.hear_all(hub, heard, first).await;
                    next_round = Instant::now() + self.round();
                }
                () = sleep_until(look) => {
                    look = Instant::now() + hub.options.recheck;
                    self.make_up(hub, self.known()).await;
                }
                () = self.attended.notified() => leaving = deserted(),
                () = sleep_until(leaving.unwrap_or_else(Instant::now)), if leaving.is_some() => {
                    if hub.let_go(self) {
                        return;
                    }
                    leaving = None;
                }
            }
        }
    }

    /// What was heard first, and all that is there by now. False: there will be no more, since live ends with the process.
    async fn hear_all(&self, hub: &Hub, heard: &mut Subscription, first: Result<Bytes, RecvError>) -> bool {
        let mut next = first;
        loop {
            match next {
                Ok(message) => self.hear(hub, &message).await,
                Err(RecvError::Lagged(_)) => {
                    self.say_missed();
                    self.make_up(hub, self.known()).await;
                }
                Err(RecvError::Closed) => return false,
            }
            next = match heard.0.try_recv() {
                Ok(message) => Ok(message),
                Err(TryRecvError::Lagged(missed)) => Err(RecvError::Lagged(missed)),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Closed) => return false,
            };
        }
    }

    /// How long it takes until all who listen were told of something.
    fn round(&self) -> Duration {
        let clients = self.state.lock().clients.len();
        (ROUND_A_CLIENT * u32::try_from(clients).unwrap_or(u32::MAX)).min(ROUND_MAX)
    }

    fn known(&self) -> Option<u64> {
        self.state.lock().told.as_ref().map(|told| told.version)
    }

    async fn hear(&self, hub: &Hub, message: &[u8]) {
        let Of::Room(_) = self.topic.of else {
            match serde_json::from_slice::<&RawValue>(message) {
                Ok(data) => {
                    let version = self.known().unwrap_or(0) + 1;
                    self.tell(version, data);
                    self.show(version, &nothing());
                }
                Err(error) => tracing::warn!(%error, "an announcement cannot be read"),
            }
            return;
        };
        match serde_json::from_slice::<Announced>(message) {
            Ok(Announced::Changed { after, change, data, room }) => match self.known() {
                Some(known) if change <= known => {}
                Some(known) if after == known => {
                    self.tell(change, &data);
                    self.show(change, &room);
                }
                // It leaves something out, or has something that was told: read what is behind, and no more.
                known => self.make_up(hub, known).await,
            },
            Err(error) => tracing::warn!(%error, "an announcement cannot be read"),
        }
    }

    /// Of a site's conversations: that not all was told, and the list is to be read again.
    fn say_missed(&self) {
        if let Of::Inbox(_) = self.topic.of {
            let version = self.known().unwrap_or(0) + 1;
            let missed =
                serde_json::value::to_raw_value(&serde_json::json!({ "missed": true })).expect("it encodes");
            self.tell(version, &missed);
            self.show(version, &nothing());
        }
    }

    /// Tells what is stored behind `known`, page by page; None: nothing was told yet, and only how the room is counts.
    async fn make_up(&self, hub: &Hub, known: Option<u64>) {
        let Of::Room(room) = self.topic.of else {
            return;
        };
        let mut known = known;
        loop {
            match hub.chat.missed(room, known).await {
                Ok(Missed { change, is_all, data, room }) => {
                    if known.is_some_and(|known| known < change) {
                        counter!("watchfire_room_gaps_total").increment(1);
                        self.tell(change, &data);
                    }
                    if known != Some(change) {
                        self.show(change, &room);
                    }
                    known = Some(change);
                    if is_all {
                        return;
                    }
                }
                // It is no more: rights are looked up again, and end it.
                Err(chat::Refused::NotFound) => return,
                Err(error) => {
                    tracing::warn!(%room, %error, "a room cannot be read");
                    // Either way the pause is over.
                    let _ = timeout(RETRY, hub.shutdown.cancelled()).await;
                    if hub.shutdown.is_cancelled() || self.is_deserted() {
                        return;
                    }
                }
            }
        }
    }

    /// How it is at a version: for who comes, and for who waited for the first one.
    fn show(&self, version: u64, data: &RawValue) {
        let snapshot = frame::snapshot(&self.topic.key, version, &data);
        let mut state = self.state.lock();
        let is_first = state.told.is_none();
        if is_first {
            for client in state.clients.values() {
                client.act(|connection| connection.replace(&self.topic, snapshot.clone()));
            }
        }
        state.told = Some(Told { version, snapshot });
    }

    /// Encoded once, whoever listens.
    fn tell(&self, version: u64, data: &RawValue) {
        let delta = frame::delta(&self.topic.key, version, &data);
        let mut state = self.state.lock();
        if let Some(told) = &mut state.told {
            told.version = version;
        }
        offer_all(state.clients.values(), &self.topic, &delta);
    }
}

async fn next_of(heard: &mut Subscription, not_before: Instant) -> Result<Bytes, RecvError> {
    sleep_until(not_before).await;
    heard.0.recv().await
}

/// What happens just now is over when somebody comes.
fn nothing() -> Box<RawValue> {
    RawValue::from_string("{}".into()).expect("this is JSON")
}
