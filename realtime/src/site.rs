//! A watched site: its mirror, its topics with their subscribers, and the task that keeps the one current
//! and tells the others. Lock order: a site's state, then a client's.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use live::{Applied, Commit};
use metrics::{counter, histogram};
use model::{BatchId, Clock, Millis, SiteId};
use observe::trace::{self, Stage};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until, timeout};

use crate::client::{Client, offer_all};
use crate::frame::Frame;
use crate::hub::Hub;
use crate::mirror::{Gap, Mirror};
use crate::topic::Topic;
use crate::view::View;

/// Between two tries to reach Live.
const RETRY: Duration = Duration::from_millis(500);

pub struct Watched {
    pub site: SiteId,
    state: Mutex<State>,
    /// The first subscriber came, or the last one left.
    attended: Notify,
}

#[derive(Default)]
struct State {
    /// None until Live answered.
    mirror: Option<Mirror>,
    boards: HashMap<Box<str>, Board>,
    /// Subscriptions, those under way included.
    attendance: usize,
    /// When the commits that were applied but not told yet were made.
    untold: Vec<Millis>,
    /// The newest batch of each shard, and the batches that were applied but not told yet, since when; where somebody hears of traces.
    batches: HashMap<u16, BatchId>,
    traced: Vec<(BatchId, std::time::Instant)>,
}

/// One topic and who watches it.
struct Board {
    topic: Arc<Topic>,
    /// None until there is a mirror.
    view: Option<View>,
    version: u64,
    /// Of this version, once somebody asked for it.
    snapshot: Option<Frame>,
    clients: HashMap<u64, Arc<Client>>,
}

/// As many filtered views of the site are watched already as may be.
#[derive(Debug)]
pub struct TooManyViews;

/// Why a site is no longer followed.
enum Parted {
    /// Commits were missed.
    Lagged,
    /// Live let go of the site.
    Forgotten,
    /// Nobody watches, or the hub stops.
    Done,
}

impl Watched {
    pub fn new(site: SiteId) -> Watched {
        Watched { site, state: Mutex::default(), attended: Notify::new() }
    }

    /// Keeps the site watched until `join` or `excuse`.
    pub fn expect(&self) {
        self.state.lock().attendance += 1;
        self.attended.notify_one();
    }

    /// Undoes `expect`.
    pub fn excuse(&self) {
        self.state.lock().attendance -= 1;
        self.attended.notify_one();
    }

    pub fn is_deserted(&self) -> bool {
        self.state.lock().attendance == 0
    }

    /// Puts an expected client on a topic: it is told `subscribed`, and the snapshot now or when there is one.
    pub fn join(
        &self,
        client: &Arc<Client>,
        number: u16,
        topic: &Arc<Topic>,
        views_max: usize,
    ) -> Result<(), TooManyViews> {
        let mut state = self.state.lock();
        let State { mirror, boards, attendance, .. } = &mut *state;
        let filtered = boards.values().filter(|board| board.topic.filter.is_some()).count();
        if topic.filter.is_some() && filtered >= views_max && !boards.contains_key(&topic.key) {
            drop(state);
            self.excuse();
            return Err(TooManyViews);
        }
        let board = boards.entry_ref(&*topic.key).or_insert_with(|| Board::new(topic, mirror.as_ref()));
        let again = board.clients.insert(client.id, client.clone()).is_some();
        *attendance -= usize::from(again);
        let snapshot = board.snapshot();
        client.act(|connection| connection.subscribed(number, &board.topic, snapshot));
        Ok(())
    }

    pub fn leave(&self, client: &Client, topic: &Topic) {
        let mut state = self.state.lock();
        let Some(board) = state.boards.get_mut(&topic.key) else {
            return;
        };
        if board.clients.remove(&client.id).is_none() {
            return;
        }
        if board.clients.is_empty() {
            state.boards.remove(&topic.key);
        }
        drop(state);
        self.excuse();
    }

    /// A fresh snapshot for a client that fell behind and has read what it had.
    pub fn catch_up(&self, client: &Client, topic: &Topic) {
        let mut state = self.state.lock();
        let Some(board) = state.boards.get_mut(&topic.key) else {
            return;
        };
        if !board.clients.contains_key(&client.id) {
            return;
        }
        if let Some(snapshot) = board.snapshot() {
            client.act(|connection| connection.replace(&board.topic, snapshot));
        }
    }

    /// Follows the site until nobody watches it or the hub stops.
    pub async fn run(self: Arc<Self>, hub: Arc<Hub>) {
        while let Some(changes) = self.begin(&hub).await {
            match self.follow(&hub, changes).await {
                Parted::Lagged => counter!("watchfire_mirror_lags_total").increment(1),
                Parted::Forgotten => {
                    hub.recheck_soon();
                    pause(&hub, RETRY).await;
                }
                Parted::Done => return,
            }
        }
    }

    /// Makes the mirror, anew after a lag, and every view with it. None: nobody waits for it any more.
    async fn begin(&self, hub: &Arc<Hub>) -> Option<Receiver<Arc<Applied>>> {
        loop {
            if hub.shutdown.is_cancelled() || (self.is_deserted() && hub.retire(self)) {
                return None;
            }
            match hub.live.watch(self.site).await {
                Ok(watch) => {
                    self.state.lock().begin(Mirror::of(watch.snapshot, hub.clock.now()));
                    return Some(watch.changes);
                }
                Err(error) => {
                    tracing::warn!(site = %self.site, %error, "site cannot be watched");
                    pause(hub, RETRY).await;
                }
            }
        }
    }

    async fn follow(&self, hub: &Arc<Hub>, mut changes: Receiver<Arc<Applied>>) -> Parted {
        let spacing = hub.options.delta_spacing;
        // What a new mirror found changed is told at once.
        let mut due = Some(Instant::now());
        let mut deserted: Option<Instant> = self.is_deserted().then(|| Instant::now() + hub.options.linger);
        let mut told = Instant::now();
        loop {
            tokio::select! {
                received = changes.recv() => {
                    if let Err(parted) = self.take(received, &mut changes) {
                        return parted;
                    }
                    due.get_or_insert(told + spacing);
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    told = Instant::now();
                    due = None;
                    self.tell(&*hub.clock);
                }
                () = self.attended.notified() => {
                    deserted = self.is_deserted().then(|| Instant::now() + hub.options.linger);
                }
                () = sleep_until(deserted.unwrap_or_else(Instant::now)), if deserted.is_some() => {
                    if hub.retire(self) {
                        return Parted::Done;
                    }
                    deserted = None;
                }
                () = hub.shutdown.cancelled() => return Parted::Done,
            }
        }
    }

    /// Applies a commit and all that came with it.
    fn take(
        &self,
        received: Result<Arc<Applied>, RecvError>,
        changes: &mut Receiver<Arc<Applied>>,
    ) -> Result<(), Parted> {
        let part = |error| match error {
            RecvError::Lagged(_) => Parted::Lagged,
            RecvError::Closed => Parted::Forgotten,
        };
        let mut state = self.state.lock();
        let first = received.map_err(part)?;
        state.apply(&first)?;
        // A lag or an end comes up again at the next turn.
        while !changes.is_empty()
            && let Ok(applied) = changes.try_recv()
        {
            state.apply(&applied)?;
        }
        Ok(())
    }

    /// Sends every topic's delta to its subscribers.
    fn tell(&self, clock: &dyn Clock) {
        let mut state = self.state.lock();
        let State { mirror, boards, untold, traced, .. } = &mut *state;
        let Some(mirror) = mirror else {
            return;
        };
        for board in boards.values_mut() {
            board.tell(mirror);
        }
        let now = clock.now();
        for at in untold.drain(..) {
            histogram!("watchfire_push_seconds").record(now.since(at).as_secs_f64());
        }
        traced.drain(..).for_each(|(batch, began)| trace::tell(Stage::Frame, batch, began, 0, false));
    }
}

impl State {
    fn begin(&mut self, mirror: Mirror) {
        for board in self.boards.values_mut() {
            board.begin(&mirror);
        }
        self.mirror = Some(mirror);
    }

    fn apply(&mut self, applied: &Applied) -> Result<(), Parted> {
        let State { mirror: Some(mirror), boards, untold, .. } = self else {
            return Ok(());
        };
        let fresh = mirror.apply(applied, |before, after| {
            for view in boards.values_mut().filter_map(|board| board.view.as_mut()) {
                view.change(before, after);
            }
        });
        if fresh.map_err(|Gap| Parted::Lagged)? {
            boards
                .values_mut()
                .filter_map(|board| board.view.as_mut())
                .for_each(|view| view.applied(applied));
            untold.push(applied.commit.at);
            self.trace(&applied.commit);
        }
        Ok(())
    }

    /// A commit's mark stays as it is until another batch comes.
    fn trace(&mut self, commit: &Commit) {
        if trace::is_heard()
            && let Some(mark) = commit.mark
            && self.batches.insert(commit.shard, mark.batch) != Some(mark.batch)
        {
            self.traced.push((mark.batch, std::time::Instant::now()));
        }
    }
}

impl Board {
    fn new(topic: &Arc<Topic>, mirror: Option<&Mirror>) -> Board {
        let view = mirror.map(|mirror| View::of(topic, mirror));
        Board { topic: topic.clone(), view, version: 1, snapshot: None, clients: HashMap::new() }
    }

    fn begin(&mut self, mirror: &Mirror) {
        if let Some(view) = &mut self.view {
            return view.restart(mirror);
        }
        self.view = Some(View::of(&self.topic, mirror));
        let snapshot = self.snapshot().expect("there is a view now");
        for client in self.clients.values() {
            client.act(|connection| connection.replace(&self.topic, snapshot.clone()));
        }
    }

    /// What was told last, encoded once a version.
    fn snapshot(&mut self) -> Option<Frame> {
        let view = self.view.as_ref()?;
        let (key, version) = (&self.topic.key, self.version);
        Some(self.snapshot.get_or_insert_with(|| view.snapshot(key, version)).clone())
    }

    fn tell(&mut self, mirror: &Mirror) {
        let Some(view) = &mut self.view else {
            return;
        };
        let Some(delta) = view.delta(mirror, &self.topic.key, self.version + 1) else {
            return;
        };
        self.version += 1;
        self.snapshot = None;
        offer_all(self.clients.values(), &self.topic, &delta);
    }
}

async fn pause(hub: &Hub, length: Duration) {
    // Either way the pause is over.
    let _ = timeout(length, hub.shutdown.cancelled()).await;
}
