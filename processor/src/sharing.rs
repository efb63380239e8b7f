//! Which shards this process takes, among all that run a processor: each says twice a second that it is there, and
//! shard n belongs to the processor of rank n among those heard, in the order of their ids. Who hears nobody, not even
//! itself, takes what is free: the bus gives a shard to one consumer at a time, whatever anybody believes here.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hashbrown::HashMap;
use live::{Live, Subscription};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Topic: a processor is there. Message: its id.
const TOPIC: &str = "processors";
const SAY_EVERY: Duration = Duration::from_millis(500);
/// Who was not heard for so long is gone.
const SILENT_MAX: Duration = Duration::from_millis(2_500);
/// Processors that are told apart at most; further ones are not heard.
const PEERS_MAX: usize = 1_024;

type PeerId = u64;

/// What this process may hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Share {
    /// Nobody is heard: what is free is taken, and what is held is kept.
    #[default]
    Unknown,
    /// The process is number `rank`, from 0, of so many.
    Of { rank: u16, processors: u16 },
}

impl Share {
    pub fn holds(self, shard: u16) -> bool {
        match self {
            Share::Unknown => true,
            Share::Of { rank, processors } => shard % processors == rank,
        }
    }
}

/// Announces this process and listens to the others until the shutdown.
pub struct Sharing {
    live: Arc<dyn Live>,
    own: PeerId,
    heard: HashMap<PeerId, Instant>,
    share: watch::Sender<Share>,
}

impl Sharing {
    pub fn new(live: Arc<dyn Live>) -> (Sharing, watch::Receiver<Share>) {
        let (share, shares) = watch::channel(Share::Unknown);
        let mut id = [0; 8];
        getrandom::fill(&mut id).expect("the system gives random numbers");
        (Sharing { live, own: PeerId::from_le_bytes(id), heard: HashMap::new(), share }, shares)
    }

    pub async fn run(mut self, shutdown: CancellationToken) {
        let work = async {
            loop {
                if let Ok(peers) = self.live.subscribe(TOPIC).await {
                    self.listen(peers).await;
                }
                self.count(Instant::now());
                tokio::time::sleep(SAY_EVERY).await;
            }
        };
        shutdown.run_until_cancelled(work).await;
    }

    /// Until the subscription ends.
    async fn listen(&mut self, mut peers: Subscription) {
        let mut say = tokio::time::interval(SAY_EVERY);
        loop {
            tokio::select! {
                _ = say.tick() => {
                    let id = Bytes::copy_from_slice(&self.own.to_le_bytes());
                    // A failure shows: this process does not hear itself.
                    let _ = self.live.publish(TOPIC, id).await;
                    self.count(Instant::now());
                }
                message = peers.0.recv() => match message {
                    Ok(message) => self.hear(&message, Instant::now()),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                },
            }
        }
    }

    fn hear(&mut self, message: &[u8], now: Instant) {
        let Ok(id) = message.try_into().map(PeerId::from_le_bytes) else {
            return;
        };
        if self.heard.len() < PEERS_MAX || self.heard.contains_key(&id) {
            let is_new = self.heard.insert(id, now).is_none();
            if is_new {
                self.count(now);
            }
        }
    }

    fn count(&mut self, now: Instant) {
        self.heard.retain(|_, heard| now.duration_since(*heard) < SILENT_MAX);
        let share = match self.heard.contains_key(&self.own) {
            false => Share::Unknown,
            true => Share::Of {
                rank: self.heard.keys().filter(|id| **id < self.own).count() as u16,
                processors: self.heard.len() as u16,
            },
        };
        let told = self.share.send_if_modified(|known| std::mem::replace(known, share) != share);
        if told {
            tracing::info!(?share, "shards are shared anew");
        }
    }
}

#[cfg(test)]
mod tests {
    use live::MemoryLive;

    use super::*;

    const SHARDS: u16 = 8;

    /// The shards that each holds.
    fn held(shares: &[watch::Receiver<Share>]) -> Vec<Vec<u16>> {
        let of = |share: &watch::Receiver<Share>| {
            (0..SHARDS).filter(|shard| share.borrow().holds(*shard)).collect()
        };
        shares.iter().map(of).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn each_shard_is_held_once_and_moves_when_somebody_comes_or_goes() {
        let live: Arc<dyn Live> = Arc::new(MemoryLive::default());
        let (mut shares, mut stops) = (Vec::new(), Vec::new());
        for processors in 1..=3 {
            let (sharing, share) = Sharing::new(live.clone());
            assert_eq!(*share.borrow(), Share::Unknown);
            let stop = CancellationToken::new();
            tokio::spawn(sharing.run(stop.clone()));
            shares.push(share);
            stops.push(stop);
            tokio::time::sleep(2 * SAY_EVERY).await;
            check(&held(&shares), processors);
        }
        stops.remove(1).cancel();
        shares.remove(1);
        tokio::time::sleep(SILENT_MAX + SAY_EVERY).await;
        check(&held(&shares), 2);
    }

    #[track_caller]
    fn check(held: &[Vec<u16>], processors: usize) {
        let mut all: Vec<u16> = held.iter().flatten().copied().collect();
        all.sort_unstable();
        assert_eq!(all, (0..SHARDS).collect::<Vec<_>>(), "{held:?}");
        let fair = usize::from(SHARDS).div_ceil(processors);
        assert!(held.iter().all(|held| held.len() <= fair), "{held:?}");
    }

    #[test]
    fn who_does_not_hear_itself_keeps_what_it_has() {
        let (mut sharing, share) = Sharing::new(Arc::new(MemoryLive::default()));
        let now = Instant::now();
        sharing.hear(&sharing.own.to_le_bytes(), now);
        sharing.hear(&(sharing.own ^ 1).to_le_bytes(), now);
        assert!(matches!(*share.borrow(), Share::Of { processors: 2, .. }));
        sharing.count(now + SILENT_MAX);
        assert_eq!(*share.borrow(), Share::Unknown);
        assert!((0..SHARDS).all(|shard| share.borrow().holds(shard)));
    }

    #[test]
    fn what_is_no_id_is_not_heard_and_processors_are_bounded() {
        let (mut sharing, _share) = Sharing::new(Arc::new(MemoryLive::default()));
        let now = Instant::now();
        sharing.hear(b"", now);
        sharing.hear(b"123456789", now);
        assert!(sharing.heard.is_empty());
        for id in 0..=PEERS_MAX as u64 {
            sharing.hear(&id.to_le_bytes(), now);
        }
        assert_eq!(sharing.heard.len(), PEERS_MAX);
    }
}
