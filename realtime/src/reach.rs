//! Whether Live can be reached, and the watched sites in it. What cannot be reached stands still: its dashboards are let go, and
//! none is let in again until it can, so that each says so.

use std::sync::atomic::Ordering;

use futures_util::future::join_all;
use hashbrown::{HashMap, HashSet};
use model::SiteId;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::hub::Hub;
use crate::options::{REACH_EVERY, REACH_WAIT_MAX};
use crate::topic::Of;

/// One answer that stays out may be the network's.
const MISSED_MAX: u32 = 2;

/// Try again later, as RFC 6455's registry has it.
const AWAY: (u16, &str) = (1013, "live state cannot be reached");

/// Looks until the hub stops.
pub async fn keep(hub: &Hub) -> anyhow::Result<()> {
    let looking = async {
        let mut looks = interval(REACH_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut missed, mut missed_sites) = (0, HashMap::new());
        loop {
            looks.tick().await;
            let lost = look(hub).await;
            missed = if lost.all { missed + 1 } else { 0 };
            missed_sites =
                lost.sites.iter().map(|site| (*site, missed_sites.get(site).unwrap_or(&0) + 1)).collect();
            let away =
                missed_sites.iter().filter(|(_, missed)| **missed >= MISSED_MAX).map(|(site, _)| *site);
            tell(hub, missed >= MISSED_MAX, away.collect());
        }
    };
    hub.shutdown.run_until_cancelled(looking).await;
    Ok(())
}

struct Lost {
    all: bool,
    sites: Vec<SiteId>,
}

/// Asks for all at once, and one by one where that fails: of several masters one may be away.
async fn look(hub: &Hub) -> Lost {
    let mut sites: HashSet<SiteId> = hub.watched_sites().into_iter().collect();
    sites.extend(hub.away.lock().iter());
    let sites: Vec<SiteId> = sites.into_iter().collect();
    if answers(hub, &sites).await {
        return Lost { all: false, sites: Vec::new() };
    }
    let each = join_all(sites.iter().map(|site| answers(hub, std::slice::from_ref(site)))).await;
    let lost = sites.iter().zip(&each).filter(|(_, answers)| !**answers).map(|(site, _)| *site).collect();
    Lost { all: !each.contains(&true) && !answers(hub, &[]).await, sites: lost }
}

async fn answers(hub: &Hub, sites: &[SiteId]) -> bool {
    matches!(timeout(REACH_WAIT_MAX, hub.live.present(sites)).await, Ok(Ok(_)))
}

fn tell(hub: &Hub, is_away: bool, away: HashSet<SiteId>) {
    if hub.is_away.swap(is_away, Ordering::SeqCst) != is_away {
        tracing::warn!(is_away, "live state: dashboards are told");
    }
    // Before anybody is let go, so that nobody comes back in between.
    hub.away.lock().clone_from(&away);
    if !is_away && away.is_empty() {
        return;
    }
    for client in hub.clients() {
        client.act(|connection| {
            let stands_still = |of: Of| matches!(of, Of::Site(site) if away.contains(&site));
            if is_away || connection.topics().any(|topic| stands_still(topic.of)) {
                connection.close(AWAY.0, AWAY.1);
            }
        });
    }
}
