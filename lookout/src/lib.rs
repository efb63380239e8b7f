//! Looks after alerts: reads what sites' tails and Live have, lets `alert` judge, and keeps what began and what is over, with the jobs that tell of it.
//! One process of a cluster does so for all sites; another one goes on where it ends. Never decides whether something is so, never tells anybody itself.
//!
//! | module | what |
//! |---|---|
//! | `turn` | whose turn it is |
//! | `round` | all sites with alerts, every two seconds |
//! | `post` | one of them: its last hour, its alerts, what is so |
//! | `reading` | hits of the tail, as they are counted |
//! | `pages` | how watched pages are, as patrol keeps it |
//! | `learning` | what is usual, of the site's history |

mod learning;
mod pages;
mod post;
mod reading;
mod round;
mod turn;

use std::sync::Arc;
use std::time::Duration;

use archive::Archive;
use live::Live;
use model::Clock;
use store::Store;
use tokio_util::sync::CancellationToken;

/// How often each alert is judged.
pub const EVERY: Duration = Duration::from_secs(2);
/// How often it is read how the watched pages of a site are.
const PAGES_EVERY: Duration = Duration::from_secs(4);
/// How often all alerts are read anew, where nobody said that some changed.
const READ_EVERY: Duration = Duration::from_secs(30);
/// Sites that are looked at at once.
const AT_ONCE_MAX: usize = 8;

/// What it stands on.
#[derive(Clone)]
pub struct Deps {
    pub store: Store,
    pub archive: Arc<Archive>,
    pub live: Arc<dyn Live>,
    pub clock: Arc<dyn Clock>,
}

/// Until told to end. What fails is tried again.
pub async fn keep(deps: Deps, shutdown: CancellationToken) {
    describe_metrics();
    turn::keep(&deps, &shutdown).await;
}

fn describe_metrics() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
    describe_counter!("watchfire_alerts_total", "Alerts that turned, by whether they began or ended");
    describe_gauge!("watchfire_alerted_sites", "Sites whose alerts this process looks after");
    describe_histogram!(
        "watchfire_alert_round_seconds",
        Unit::Seconds,
        "How long a round of all alerts took"
    );
}
