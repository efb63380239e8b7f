//! Which shards this process takes, among all that run a processor: each says twice a second that it is there, and all
//! who hear the same deal the same: every processor an even part, and where one comes or goes the others keep nearly all
//! they have. Who hears nobody, not even itself, takes what is free: the bus gives a shard to one consumer at a time,
//! whatever anybody believes here.

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
/// Who was not heard for so long is gone. Where that is wrong it costs nothing: it keeps what it holds, and the bus
/// tells those who ask for it meanwhile that it is taken.
const SILENT_MAX: Duration = Duration::from_millis(1_500);
/// Processors that are told apart at most; further ones are not heard.
const PEERS_MAX: usize = 1_024;

type PeerId = u64;

/// What this process may hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Share {
    /// Nobody is heard: what is free is taken, and what is held is kept.
    #[default]
    Unknown,
    /// These, in order, dealt to so many processors.
    Of { shards: Vec<u16>, processors: usize },
}

impl Share {
    pub fn holds(&self, shard: u16) -> bool {
        match self {
            Share::Unknown => true,
            Share::Of { shards, .. } => shards.contains(&shard),
        }
    }
}

/// Announces this process and listens to the others until the shutdown.
pub struct Sharing {
    live: Arc<dyn Live>,
    /// How many there are.
    shards: u16,
    own: PeerId,
    heard: HashMap<PeerId, Instant>,
    share: watch::Sender<Share>,
}

impl Sharing {
    pub fn new(live: Arc<dyn Live>, shards: u16) -> (Sharing, watch::Receiver<Share>) {
        let (share, shares) = watch::channel(Share::Unknown);
        let mut id = [0; 8];
        getrandom::fill(&mut id).expect("the system gives random numbers");
        (Sharing { live, shards, own: PeerId::from_le_bytes(id), heard: HashMap::new(), share }, shares)
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
            true => {
                let peers: Vec<PeerId> = self.heard.keys().copied().collect();
                let (shards, processors) = (dealt_to(self.own, &peers, self.shards), peers.len());
                Share::Of { shards, processors }
            }
        };
        let told = self.share.send_if_modified(|known| {
            let is_other = *known != share;
            known.clone_from(&share);
            is_other
        });
        if told {
            tracing::info!(?share, "shards are shared anew");
        }
    }
}

/// Each shard goes to the one that wishes for it most, of those who have room: all have the same number but for one.
fn dealt_to(own: PeerId, peers: &[PeerId], shards: u16) -> Vec<u16> {
    let (least, mut with_one_more) = (usize::from(shards) / peers.len(), usize::from(shards) % peers.len());
    let mut loads: Vec<(PeerId, usize)> = peers.iter().map(|peer| (*peer, 0)).collect();
    let mut dealt = Vec::new();
    for shard in 0..shards {
        let has_room = |load: usize| load < least || (load == least && with_one_more > 0);
        let open = loads.iter_mut().filter(|(_, load)| has_room(*load));
        let Some((taker, load)) = open.max_by_key(|(peer, _)| (wish(*peer, shard), *peer)) else {
            return dealt;
        };
        with_one_more -= usize::from(*load == least);
        *load += 1;
        if *taker == own {
            dealt.push(shard);
        }
    }
    dealt
}

/// The same in every process and version: the finalizer of SplitMix64.
fn wish(peer: PeerId, shard: u16) -> u64 {
    let mixed = peer ^ u64::from(shard).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
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
            let (sharing, share) = Sharing::new(live.clone(), SHARDS);
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
        let (mut sharing, share) = Sharing::new(Arc::new(MemoryLive::default()), SHARDS);
        let now = Instant::now();
        sharing.hear(&sharing.own.to_le_bytes(), now);
        sharing.hear(&(sharing.own ^ 1).to_le_bytes(), now);
        assert!(matches!(*share.borrow(), Share::Of { processors: 2, .. }));
        sharing.count(now + SILENT_MAX);
        assert_eq!(*share.borrow(), Share::Unknown);
        assert!((0..SHARDS).all(|shard| share.borrow().holds(shard)));
    }

    #[test]
    fn whoever_stays_keeps_nearly_all_when_another_goes() {
        let (mut kept, mut had) = (0, 0);
        for seed in 0..200_u64 {
            let ids: Vec<PeerId> = (0..4).map(|number| wish(seed, number)).collect();
            for id in &ids[1..] {
                let before = dealt_to(*id, &ids, SHARDS);
                let after = dealt_to(*id, &ids[1..], SHARDS);
                assert_eq!((before.len(), (2..=3).contains(&after.len())), (2, true));
                had += before.len();
                kept += before.iter().filter(|shard| after.contains(shard)).count();
            }
        }
        assert!(kept * 10 > had * 8, "{kept} of {had}");
    }

    #[test]
    fn what_is_no_id_is_not_heard_and_processors_are_bounded() {
        let (mut sharing, _share) = Sharing::new(Arc::new(MemoryLive::default()), SHARDS);
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
