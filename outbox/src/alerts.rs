//! That an alert is so, and that it is over, goes to a program, to mailboxes, to browsers and into a room. Who is told in quiet hours is told when they
//! end, where it is so still; and that it is over hears who heard that it was so.

mod hook;
mod letter;
mod making;
mod people;
mod room;

pub use hook::AlertHooks;
pub use making::{began, ended};
pub use people::{AlertMails, AlertPushes, People};
pub use room::AlertRooms;

use std::time::Duration;

use model::alert::{Alert, Incident, Turn};
use model::outbox::Job;
use model::{IncidentId, Site, SiteId};
use serde::{Deserialize, Serialize};
use store::{Store, StoreError};

use crate::Sent;

/// Between attempts: what is told hours later is of no use.
const WAITS: [Duration; 5] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(3_600),
];
/// Its jobs are due when they are made.
const LOOKS_EVERY: Duration = Duration::from_secs(2);

/// How long it is worth anything to people that an alert turned; they may be left in peace for most of a day.
const LASTS: Duration = Duration::from_secs(2 * 86_400);

/// What a job is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct About {
    site: SiteId,
    incident: IncidentId,
    turn: Turn,
    /// The one browser that it did not reach with the others. None: all of the person's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    browser: Option<String>,
}

/// What is told.
struct Told {
    site: Site,
    alert: Alert,
    incident: Incident,
    turn: Turn,
}

impl Told {
    /// Whose it is and whether it is so.
    fn title(&self) -> String {
        match self.turn {
            Turn::Firing => format!("{}: {}", self.site.name, self.incident.name),
            Turn::Over => format!("{}: {} is over", self.site.name, self.incident.name),
        }
    }

    /// The sentence; one that ends it says what it ends.
    fn said(&self) -> String {
        let told = alert::words::told(&self.incident, self.turn);
        match self.turn {
            Turn::Firing => told,
            Turn::Over => format!("{told} It was: {}", alert::words::what(&self.incident)),
        }
    }

    fn path(&self) -> String {
        format!("/sites/{}/alerts", self.site.id)
    }
}

/// Why there is nothing to be told, or not now.
enum NotNow {
    Pointless,
    Unreadable,
    Unavailable,
}

impl From<StoreError> for NotNow {
    fn from(error: StoreError) -> NotNow {
        match error {
            StoreError::NotFound(_) => NotNow::Pointless,
            _ => NotNow::Unavailable,
        }
    }
}

impl From<NotNow> for Sent {
    fn from(not_now: NotNow) -> Sent {
        match not_now {
            NotNow::Pointless => Sent::Gone,
            NotNow::Unreadable => Sent::GivenUp("this job cannot be read".into()),
            NotNow::Unavailable => Sent::Again("the alert could not be read".into()),
        }
    }
}

fn about(job: &Job) -> Result<About, NotNow> {
    serde_json::from_slice(&job.body).map_err(|_| NotNow::Unreadable)
}

/// As it is kept now; pointless where site, alert or incident are gone.
async fn told(store: &Store, about: &About) -> Result<Told, NotNow> {
    let book = store.alerts.alerts(about.site).await?;
    let incident = book.incidents.into_iter().find(|incident| incident.id == about.incident);
    let incident = incident.ok_or(NotNow::Pointless)?;
    let alert = book.alerts.into_iter().find(|alert| alert.id == incident.alert);
    let alert = alert.ok_or(NotNow::Pointless)?;
    Ok(Told { site: store.sites.site(about.site).await?, alert, incident, turn: about.turn })
}
