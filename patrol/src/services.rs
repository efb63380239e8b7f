//! Whether the services of the installation itself are there. Each half minute one of the processes that show pages looks: a service is up where at
//! least one process that runs it said of late that it is ready. Who was first writes, and the others see that it is written.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use live::Live;
use model::{Clock, Millis};
use observe::Board;
use observe::board::SILENT_AFTER;
use store::uptimes::{SERVICE_DAYS_AT_ONCE_MAX, ServiceDay};
use store::{Store, StoreError};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::days::{Day, Days, day_of};
use crate::{GAP_MAX, LOOK_EVERY, Reason};

/// In the order in which a hit passes them.
pub const SERVICES: [&str; 4] = ["collector", "processor", "realtime", "web"];
/// Days that are kept, today among them.
pub const DAYS_KEPT: u32 = 90;
/// Of which nobody is told more than that it was so.
const NOT_READY: Reason = Reason::Unreachable;
/// A look that comes sooner after the last is another's turn.
const TURN_MIN: Duration = Duration::from_secs(25);
/// What a look and what writing it may take.
const LIVE_MAX: Duration = Duration::from_secs(2);
const WRITE_MAX: Duration = Duration::from_secs(10);
/// Looks that wait for a store that is away, half a day of them; past it the oldest are forgotten.
const WAITING_MAX: usize = 1_440;

/// What watching stands on.
pub struct Watch {
    pub store: Store,
    pub live: Arc<dyn Live>,
    /// What every process told of itself; somebody listens for it.
    pub board: Arc<Board>,
    pub clock: Arc<dyn Clock>,
    /// All services are this process: while it did not run, none did.
    pub is_alone: bool,
}

/// How the services were at one moment, in the order of `SERVICES`. None: nobody can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    pub at: Millis,
    pub up: [Option<bool>; SERVICES.len()],
}

/// Watches until told to end. Begins after so long that every process that runs was heard.
pub async fn keep(watch: Watch, shutdown: CancellationToken) {
    let mut waiting = VecDeque::new();
    let mut pause = SILENT_AFTER;
    while shutdown.run_until_cancelled(sleep(pause)).await.is_some() {
        pause = LOOK_EVERY;
        watch.turn(&mut waiting).await;
    }
}

impl Watch {
    /// Looks, and writes this and what waited to be written.
    pub(crate) async fn turn(&self, waiting: &mut VecDeque<Look>) {
        waiting.push_back(self.look().await);
        if waiting.len() > WAITING_MAX {
            waiting.pop_front();
        }
        match timeout(WRITE_MAX, self.write(waiting.make_contiguous())).await {
            Ok(Ok(())) => waiting.clear(),
            Ok(Err(error)) => tracing::warn!("how the services are is not kept yet: {error:#}"),
            Err(_) => tracing::warn!("how the services are is not kept yet: the store does not answer"),
        }
    }

    async fn look(&self) -> Look {
        let at = self.clock.now();
        let ready = self.board.ready(at);
        let up = match &ready {
            Some(ready) => SERVICES.map(|service| Some(ready.contains(service))),
            None if self.live_is_away().await => SERVICES.map(of_live_away),
            None => [None; SERVICES.len()],
        };
        Look { at, up }
    }

    /// By which processes hear each other.
    async fn live_is_away(&self) -> bool {
        !matches!(timeout(LIVE_MAX, self.live.present(&[])).await, Ok(Ok(_)))
    }

    async fn write(&self, looks: &[Look]) -> anyhow::Result<()> {
        let Some((first, last)) = looks.first().zip(looks.last()) else { return Ok(()) };
        let (first, today) = (day_of(first.at), day_of(last.at));
        let mut kept = self.kept((first.saturating_sub(1), today)).await?;
        if self.is_alone && kept.last().is_none() {
            kept = self.kept((today.saturating_sub(DAYS_KEPT), today)).await?;
        }
        for look in looks {
            kept.take_in(look, self.is_alone);
        }
        let written = kept.written()?;
        let is_new_day = written.iter().any(|day| day.version == 0);
        match self.store.uptimes.put_service_days(written).await {
            // Another was first; what it saw stands.
            Ok(()) | Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
        if is_new_day {
            self.store.uptimes.remove_service_days_before((today + 1).saturating_sub(DAYS_KEPT)).await?;
        }
        Ok(())
    }

    async fn kept(&self, days: (u32, u32)) -> anyhow::Result<Kept> {
        Kept::read(&self.store.uptimes.service_days(days, SERVICE_DAYS_AT_ONCE_MAX).await?)
    }
}

/// Without it nobody but a collector is ready, and nobody hears whether that is.
fn of_live_away(service: &str) -> Option<bool> {
    (service != "collector").then_some(false)
}

/// Days of services as they were read, and as they are to be written.
#[derive(Default)]
pub(crate) struct Kept {
    versions: BTreeMap<u32, u64>,
    services: BTreeMap<String, Days>,
}

impl Kept {
    pub fn read(rows: &[ServiceDay]) -> anyhow::Result<Kept> {
        let mut versions = BTreeMap::new();
        let mut services: BTreeMap<String, Vec<(u32, Day)>> = BTreeMap::new();
        for row in rows {
            versions.insert(row.day, row.version);
            for (service, day) in serde_json::from_str::<BTreeMap<String, Day>>(&row.body)? {
                services.entry(service).or_default().push((row.day, day));
            }
        }
        let services = services.into_iter().map(|(service, days)| (service, Days::of(days))).collect();
        Ok(Kept { versions, services })
    }

    /// None: nobody ever ran it, that is kept.
    pub fn service(&self, service: &str) -> Option<&Days> {
        self.services.get(service)
    }

    /// When anybody looked last.
    pub fn last(&self) -> Option<Millis> {
        self.services.values().filter_map(|days| days.last().map(|seen| seen.at)).max()
    }

    /// One that came too soon after another's changes nothing; one by a clock that was turned back begins anew. A service is known from when it
    /// was up first: what an installation does without is not down.
    pub fn take_in(&mut self, look: &Look, is_alone: bool) {
        if self.last().is_some_and(|last| is_soon(last, look.at)) {
            return;
        }
        for (service, is_up) in SERVICES.into_iter().zip(look.up) {
            let Some(is_up) = is_up.filter(|is_up| *is_up || self.services.contains_key(service)) else {
                continue;
            };
            let days = self.services.entry(service.to_owned()).or_default();
            if is_alone {
                was_away(days, look.at);
            }
            days.look(look.at, if is_up { Ok(0) } else { Err(NOT_READY) });
        }
    }

    /// Every day of which something changed, with all that is known of it.
    pub fn written(self) -> anyhow::Result<Vec<ServiceDay>> {
        let mut changed = BTreeSet::new();
        let mut bodies: BTreeMap<u32, BTreeMap<String, Day>> = BTreeMap::new();
        for (service, days) in self.services {
            for (day, of_day, is_changed) in days.into_days() {
                bodies.entry(day).or_default().insert(service.clone(), of_day);
                changed.extend(is_changed.then_some(day));
            }
        }
        let day = |day: u32| {
            let version = self.versions.get(&day).copied().unwrap_or(0);
            Ok(ServiceDay { day, version, body: serde_json::to_string(&bodies[&day])? })
        };
        changed.into_iter().map(day).collect()
    }
}

fn is_soon(last: Millis, at: Millis) -> bool {
    at.since(last) < TURN_MIN && last.since(at) <= GAP_MAX
}

/// From the last look until now nothing ran that could have been up.
fn was_away(days: &mut Days, now: Millis) {
    let Some(last) = days.last().filter(|last| now.since(last.at) > GAP_MAX) else { return };
    let kept = Duration::from_secs(u64::from(DAYS_KEPT - 1) * 86_400);
    let from = last.at.max(now.minus(kept));
    days.add(
        Some((from, now)),
        Some((from, now, NOT_READY)),
        crate::Seen { at: now, failed: None, took_ms: None },
    );
}

#[cfg(test)]
mod tests;
