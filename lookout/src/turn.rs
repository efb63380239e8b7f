//! Whose turn it is: who took the job that stands for it, as long as they renew it. Who dies has it no longer than the lease.

use std::time::Duration;

use futures_util::FutureExt;
use model::chat::Who;
use model::outbox::{JobKind, NewJob};
use model::{BotId, JobId};
use store::outbox::{Most, Outcome, Taken};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::round::Round;
use crate::{Deps, EVERY};

/// How long the turn is nobody else's, without a word of whoever has it; how often it is renewed, and how often others look whether it is free.
const LEASE: Duration = Duration::from_secs(20);
const RENEW_EVERY: Duration = Duration::from_secs(8);
const LOOK_EVERY: Duration = Duration::from_secs(3);

const THE_LOOKOUT: JobId = JobId(0x6c6f_6f6b_6f75_7400);
const KEEPER: Who = Who::Bot(BotId::of(0x6c6f_6f6b_6f75_7400));

pub async fn keep(deps: &Deps, shutdown: &CancellationToken) {
    let mut is_known = false;
    let mut was_kept = true;
    loop {
        let kept = async {
            if !is_known {
                make_known(deps).await?;
                is_known = true;
            }
            in_turn(deps, shutdown).boxed().await
        };
        match kept.await {
            Ok(()) => was_kept = true,
            Err(error) => {
                // Once: a store that is away stays away for a while.
                if was_kept {
                    tracing::warn!("alerts are not looked after: {error:#}");
                }
                was_kept = false;
            }
        }
        if shutdown.run_until_cancelled(sleep(LOOK_EVERY)).await.is_none() {
            return;
        }
    }
}

async fn make_known(deps: &Deps) -> anyhow::Result<()> {
    let now = deps.clock.now();
    let (id, kind, owner, body) = (THE_LOOKOUT, JobKind::Lookout, KEEPER, Vec::new());
    Ok(deps.store.outbox.add(vec![NewJob { id, kind, owner, body, created: now, due: now }]).await?)
}

/// As long as the turn is ours; nothing where it is somebody else's.
async fn in_turn(deps: &Deps, shutdown: &CancellationToken) -> anyhow::Result<()> {
    let Some(taken) = take(deps).await? else {
        return Ok(());
    };
    let mut lease = Some(taken);
    let looked = look(deps, &mut lease, shutdown).await;
    if let Some(lease) = lease {
        give_back(deps, lease).await?;
    }
    looked
}

async fn look(deps: &Deps, lease: &mut Option<Taken>, shutdown: &CancellationToken) -> anyhow::Result<()> {
    tracing::debug!("alerts are looked after here");
    let mut round = Round::new(deps.clone());
    // By the clock that leases go by.
    let mut renewed = deps.clock.now();
    while !shutdown.is_cancelled() {
        let began = Instant::now();
        // A site that cannot be read holds the turn no longer than the lease: others may take it then, and nothing is told twice.
        if shutdown.run_until_cancelled(round.go()).await.is_none() {
            return Ok(());
        }
        if deps.clock.now().since(renewed) >= RENEW_EVERY {
            if !renew(deps, lease).await? {
                return Ok(());
            }
            renewed = deps.clock.now();
        }
        let rest = EVERY.saturating_sub(began.elapsed());
        if shutdown.run_until_cancelled(round.rest(rest)).await.is_none() {
            return Ok(());
        }
    }
    Ok(())
}

async fn take(deps: &Deps) -> anyhow::Result<Option<Taken>> {
    let now = deps.clock.now();
    let most = Most { jobs: 1, an_owner: 1, but: Vec::new() };
    let taken = deps.store.outbox.take(JobKind::Lookout, now, now.plus(LEASE), most).await?;
    Ok(taken.into_iter().next())
}

async fn give_back(deps: &Deps, lease: Taken) -> anyhow::Result<()> {
    let now = deps.clock.now();
    let later = Outcome::Later { due: now, said: String::new() };
    deps.store.outbox.settle(lease.job.id, lease.lease, now, later).await?;
    Ok(())
}

/// False: somebody else has it.
async fn renew(deps: &Deps, lease: &mut Option<Taken>) -> anyhow::Result<bool> {
    if let Some(lease) = lease.take() {
        give_back(deps, lease).await?;
    }
    *lease = take(deps).await?;
    Ok(lease.is_some())
}
