//! Alerts of sites and what came of them: one row a site. That an alert is so, or is over, is kept in one step with the jobs that tell of it, so that each
//! is told once, whoever dies meanwhile and however many look.

use async_trait::async_trait;
use model::alert::{Alert, Condition, Incident, Quiet};
use model::outbox::NewJob;
use model::{AccountId, AlertId, IncidentId, Millis, SiteId, limits};
use serde::{Deserialize, Serialize};

use crate::chat::rooms::bounded;
use crate::{Result, StoreError};

/// Alerts and incidents of all sites.
#[async_trait]
pub trait Alerts: Send + Sync {
    /// Alerts in the order in which they were made, incidents the newest first.
    async fn alerts(&self, site: SiteId) -> Result<AlertBook>;

    /// Sites that have alerts, with them, by id from behind one; `SITES_A_PAGE` at most.
    async fn alerted(&self, after: Option<SiteId>) -> Result<Vec<(SiteId, AlertBook)>>;

    /// Adds an alert, or puts it in the place of the one with its id, which keeps who wants to be told by it. Where that is about something else from
    /// now on, or off, what it was about is over at `at`, and nobody is told. It asks since
    /// `at` where it is new, about something else, or was off. Limit past `ALERTS_MAX` of the site, and past the bytes or number of anything.
    async fn put_alert(&self, site: SiteId, alert: Alert, at: Millis) -> Result<()>;

    /// Whether somebody is told by this alert, by mail and in browsers. NotFound where the site has none with that id, Limit past `ALERT_PEOPLE_MAX`.
    async fn tell_by(&self, site: SiteId, alert: AlertId, who: AccountId, ways: Ways) -> Result<()>;

    /// With it goes what is so of it, of which nobody is told. NotFound where the site has none with that id.
    async fn remove_alert(&self, site: SiteId, alert: AlertId, at: Millis) -> Result<()>;

    /// Keeps that an alert is so, and adds the jobs that tell of it: both or neither. False, and nothing changed, where it is so already, is off, gone, or
    /// is about something else by now. Of a site the last `INCIDENTS_KEPT_MAX` are kept; jobs as `Outbox::add`.
    async fn begin_incident(&self, site: SiteId, incident: Incident, jobs: Vec<NewJob>) -> Result<bool>;

    /// Keeps that it is over, and adds the jobs, in the same way. False where it is over, or not known.
    async fn end_incident(&self, site: SiteId, id: IncidentId, at: Millis, jobs: Vec<NewJob>)
    -> Result<bool>;
}

/// By which ways somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ways {
    pub mail: bool,
    pub push: bool,
}

/// One row a site.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AlertBook {
    pub alerts: Vec<Alert>,
    /// The newest first.
    pub incidents: Vec<Incident>,
}

/// Sites of one page.
pub const SITES_A_PAGE: usize = 200;

pub(crate) const NO_ALERT: StoreError = StoreError::NotFound("alert");

impl AlertBook {
    /// What is so of an alert.
    pub fn firing(&self, alert: AlertId) -> Option<&Incident> {
        self.incidents.iter().find(|incident| incident.alert == alert && incident.over.is_none())
    }

    pub(crate) fn put(&mut self, alert: Alert, at: Millis) -> Result<()> {
        refuse_oversized(&alert)?;
        let Some(known) = self.alerts.iter_mut().find(|known| known.id == alert.id) else {
            bounded(self.alerts.len() + 1, "alerts of a site", limits::ALERTS_MAX)?;
            self.alerts.push(Alert { asked_since: at, ..alert });
            return Ok(());
        };
        let is_another = known.when != alert.when || !alert.on;
        let asked_since = if is_another || !known.on { at } else { known.asked_since };
        let (id, mail, push) = (alert.id, known.mail.clone(), known.push.clone());
        *known = Alert { asked_since, mail, push, ..alert };
        if is_another {
            self.hush(id, at);
        }
        Ok(())
    }

    pub(crate) fn tell_by(&mut self, id: AlertId, who: AccountId, ways: Ways) -> Result<()> {
        let alert = self.alerts.iter_mut().find(|alert| alert.id == id).ok_or(NO_ALERT)?;
        for (people, is_told) in [(&mut alert.mail, ways.mail), (&mut alert.push, ways.push)] {
            people.retain(|one| *one != who);
            if is_told {
                bounded(people.len() + 1, "people that an alert tells", limits::ALERT_PEOPLE_MAX)?;
                people.push(who);
            }
        }
        Ok(())
    }

    pub(crate) fn remove(&mut self, id: AlertId, at: Millis) -> Result<()> {
        let before = self.alerts.len();
        self.alerts.retain(|alert| alert.id != id);
        if self.alerts.len() == before {
            return Err(NO_ALERT);
        }
        self.hush(id, at);
        Ok(())
    }

    fn hush(&mut self, id: AlertId, at: Millis) {
        for incident in self.incidents.iter_mut().filter(|incident| incident.alert == id) {
            incident.over.get_or_insert(at);
        }
    }

    /// False: nothing began.
    pub(crate) fn begin(&mut self, incident: Incident) -> bool {
        let alert = self.alerts.iter().find(|alert| alert.id == incident.alert);
        let is_meant = alert.is_some_and(|alert| alert.on && alert.when == incident.when);
        let is_known = self.incidents.iter().any(|known| known.id == incident.id);
        if !is_meant || is_known || self.firing(incident.alert).is_some() {
            return false;
        }
        self.incidents.insert(0, incident);
        // What is so is never forgotten: there are fewer alerts than incidents that are kept.
        while self.incidents.len() > limits::INCIDENTS_KEPT_MAX {
            match self.incidents.iter().rposition(|incident| incident.over.is_some()) {
                Some(oldest) => drop(self.incidents.remove(oldest)),
                None => break,
            }
        }
        true
    }

    /// False: nothing ended.
    pub(crate) fn end(&mut self, id: IncidentId, at: Millis) -> bool {
        let open = self.incidents.iter_mut().find(|incident| incident.id == id && incident.over.is_none());
        open.map(|incident| incident.over = Some(at)).is_some()
    }
}

fn refuse_oversized(alert: &Alert) -> Result<()> {
    bounded(alert.name.len(), "bytes in a name", limits::NAME_BYTES_MAX)?;
    bounded(alert.mail.len(), "people that an alert mails", limits::ALERT_PEOPLE_MAX)?;
    bounded(alert.push.len(), "people that an alert tells in browsers", limits::ALERT_PEOPLE_MAX)?;
    if let Some(hook) = &alert.webhook {
        bounded(hook.url.len(), "bytes in the address of a webhook", limits::HOOK_URL_BYTES_MAX)?;
        bounded(hook.secret.0.len(), "bytes in the secret of a webhook", limits::HOOK_SECRET_BYTES_MAX)?;
    }
    if let Some(Quiet { from, to }) = alert.quiet {
        bounded(usize::from(from.max(to)), "minutes of a day", 1_439)?;
    }
    let back = |than: u32, minutes: u32| {
        bounded(than as usize, "in what an alert compares with", limits::ALERT_NUMBER_MAX as usize)?;
        bounded(minutes as usize, "minutes that an alert looks back", limits::ALERT_MINUTES_MAX as usize)
    };
    match &alert.when {
        Condition::Visitors { than, minutes, .. } | Condition::Pageviews { than, minutes, .. } => {
            back(*than, *minutes)
        }
        Condition::Events { name, than, minutes, .. } => {
            bounded(name.len(), "bytes in the name of an event", limits::EVENT_NAME_BYTES_MAX)?;
            back(*than, *minutes)
        }
        Condition::Silence { minutes } => {
            bounded(*minutes as usize, "minutes of silence", limits::ALERT_SILENCE_MINUTES_MAX as usize)
        }
        Condition::Change { .. } | Condition::Down { .. } => Ok(()),
        Condition::Slow { than, minutes, .. } => {
            bounded(
                *than as usize,
                "milliseconds before a page is slow",
                limits::ALERT_SLOW_MS_MAX as usize,
            )?;
            bounded(*minutes as usize, "minutes that a page is slow", limits::ALERT_MINUTES_MAX as usize)
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use model::alert::{AlertHook, Side};
    use model::chat::HookSecret;

    use super::*;
    use crate::contract::fixtures::NOW;

    pub fn alert(number: u64) -> Alert {
        Alert {
            id: AlertId::of(number),
            name: format!("alert {number}"),
            on: true,
            when: Condition::Visitors { side: Side::Above, than: number as u32, minutes: 0 },
            asked_since: NOW,
            quiet: Some(Quiet { from: 1_320, to: 420 }),
            mail: Vec::new(),
            push: Vec::new(),
            webhook: None,
            room: None,
        }
    }

    pub fn incident(number: u64, of: &Alert, began: Millis) -> Incident {
        Incident {
            id: IncidentId::of(number),
            alert: of.id,
            name: of.name.clone(),
            when: of.when.clone(),
            began,
            value: 9,
            minutes: 0,
            expected: Some(3),
            causes: Vec::new(),
            pages: Vec::new(),
            told: began,
            over: None,
        }
    }

    #[test]
    fn so_many_incidents_are_kept_and_what_is_so_is_one_of_them() {
        let mut book = AlertBook { alerts: vec![alert(1), alert(2)], incidents: Vec::new() };
        assert!(book.begin(incident(1, &alert(2), Millis(1))));
        for number in 2..=limits::INCIDENTS_KEPT_MAX as u64 + 5 {
            assert!(book.begin(incident(number, &alert(1), Millis(number as i64))));
            assert!(book.end(IncidentId::of(number), Millis(number as i64)));
        }
        assert_eq!(book.incidents.len(), limits::INCIDENTS_KEPT_MAX);
        assert_eq!(book.firing(AlertId::of(2)).map(|incident| incident.id), Some(IncidentId::of(1)));
        assert_eq!(book.incidents[0].id, IncidentId::of(limits::INCIDENTS_KEPT_MAX as u64 + 5));
    }

    #[test]
    fn each_text_and_number_of_an_alert_has_its_maximum() {
        type Fill = fn(&mut Alert, usize);
        let fills: [(Fill, usize); 14] = [
            (|alert, count| alert.name = "n".repeat(count), limits::NAME_BYTES_MAX),
            (|alert, count| alert.mail = vec![AccountId::of(1); count], limits::ALERT_PEOPLE_MAX),
            (|alert, count| alert.push = vec![AccountId::of(1); count], limits::ALERT_PEOPLE_MAX),
            (|alert, count| alert.webhook = Some(hooked(count, 1)), limits::HOOK_URL_BYTES_MAX),
            (|alert, count| alert.webhook = Some(hooked(1, count)), limits::HOOK_SECRET_BYTES_MAX),
            (|alert, count| alert.quiet = Some(Quiet { from: count as u16, to: 0 }), 1_439),
            (|alert, count| alert.quiet = Some(Quiet { from: 0, to: count as u16 }), 1_439),
            (|alert, count| alert.when = visitors(count, 0), limits::ALERT_NUMBER_MAX as usize),
            (|alert, count| alert.when = visitors(1, count), limits::ALERT_MINUTES_MAX as usize),
            (|alert, count| alert.when = events(count, 1), limits::EVENT_NAME_BYTES_MAX),
            (|alert, count| alert.when = events(1, count), limits::ALERT_MINUTES_MAX as usize),
            (|alert, count| alert.when = silence(count), limits::ALERT_SILENCE_MINUTES_MAX as usize),
            (|alert, count| alert.when = slow(count, 1), limits::ALERT_SLOW_MS_MAX as usize),
            (|alert, count| alert.when = slow(1, count), limits::ALERT_MINUTES_MAX as usize),
        ];
        for (fill, most) in fills {
            let mut filled = alert(1);
            fill(&mut filled, most);
            assert!(AlertBook::default().put(filled.clone(), Millis(0)).is_ok());
            fill(&mut filled, most + 1);
            let refused = AlertBook::default().put(filled, Millis(0));
            assert!(matches!(refused, Err(StoreError::Limit { max, .. }) if max == most), "{refused:?}");
        }
    }

    fn hooked(url: usize, secret: usize) -> AlertHook {
        AlertHook { url: "u".repeat(url), secret: HookSecret("s".repeat(secret)) }
    }

    fn visitors(than: usize, minutes: usize) -> Condition {
        Condition::Visitors { side: Side::Above, than: than as u32, minutes: minutes as u32 }
    }

    fn events(name: usize, minutes: usize) -> Condition {
        Condition::Events { name: "e".repeat(name), side: Side::Above, than: 1, minutes: minutes as u32 }
    }

    fn slow(than: usize, minutes: usize) -> Condition {
        Condition::Slow { page: None, than: than as u32, minutes: minutes as u32 }
    }

    fn silence(minutes: usize) -> Condition {
        Condition::Silence { minutes: minutes as u32 }
    }
}
