//! How the services are and were, as anybody may read it: by service and day, and what it was that they were down. Names no process.

use model::Millis;
use store::uptimes::{SERVICE_DAYS_AT_ONCE_MAX, ServiceDay};
use store::{StoreError, Uptimes};

use crate::Now;
use crate::days::{DAY_MS, Days, day_of};
use crate::services::{DAYS_KEPT, Kept, SERVICES};
use crate::uptime::uptime;

/// Incidents that are told, the latest.
pub const INCIDENTS_MAX: usize = 50;

#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    pub at: Millis,
    /// Those that are known, in the order in which a hit passes them.
    pub services: Vec<OfService>,
    /// The latest first.
    pub incidents: Vec<Incident>,
    /// Earlier ones of these days.
    pub incidents_more: usize,
}

/// How all are together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overall {
    Up,
    /// At least one service is.
    Down,
    /// Nobody looked of late, or of one at least.
    Unknown,
}

#[derive(Clone, Debug, PartialEq)]
pub struct OfService {
    pub service: &'static str,
    pub now: Overall,
    /// Of all these days: how long it is known how it was, and how long of that it was down.
    pub known_ms: i64,
    pub down_ms: i64,
    /// `DAYS_KEPT` of them, the oldest first.
    pub days: Vec<OfDay>,
}

/// A day of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfDay {
    pub begin: Millis,
    pub known_ms: i64,
    pub down_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    pub service: &'static str,
    pub from: Millis,
    /// Where it goes on: when it was seen last.
    pub to: Millis,
    pub is_open: bool,
}

impl Standing {
    pub fn overall(&self) -> Overall {
        let all = |now| self.services.iter().all(|service| service.now == now);
        match self.services.iter().any(|service| service.now == Overall::Down) {
            true => Overall::Down,
            false if !self.services.is_empty() && all(Overall::Up) => Overall::Up,
            false => Overall::Unknown,
        }
    }
}

/// 0 to 1, of the time that is known. None: none is.
pub fn share(known_ms: i64, down_ms: i64) -> Option<f64> {
    (known_ms > 0).then(|| (known_ms - down_ms) as f64 / known_ms as f64)
}

/// What is kept says.
pub async fn read(uptimes: &dyn Uptimes, now: Millis) -> Result<Standing, StoreError> {
    let today = day_of(now);
    let days = uptimes.service_days((first_day(today), today), SERVICE_DAYS_AT_ONCE_MAX).await?;
    standing(&days, now).map_err(StoreError::Unavailable)
}

fn first_day(today: u32) -> u32 {
    (today + 1).saturating_sub(DAYS_KEPT)
}

fn standing(rows: &[ServiceDay], now: Millis) -> anyhow::Result<Standing> {
    let kept = Kept::read(rows)?;
    let mut standing = Standing { at: now, services: Vec::new(), incidents: Vec::new(), incidents_more: 0 };
    for service in SERVICES {
        if let Some(days) = kept.service(service) {
            add(&mut standing, service, days);
        }
    }
    standing.incidents.sort_by_key(|incident| std::cmp::Reverse((incident.from, incident.to)));
    standing.incidents_more = standing.incidents.len().saturating_sub(INCIDENTS_MAX);
    standing.incidents.truncate(INCIDENTS_MAX);
    Ok(standing)
}

fn add(standing: &mut Standing, service: &'static str, days: &Days) {
    let now = standing.at;
    let first = i64::from(first_day(day_of(now))) * DAY_MS;
    let all = uptime(days, (first, now.0), days.last(), now);
    let of_day = |number: u32| {
        let begin = first + i64::from(number) * DAY_MS;
        let day = days.only(day_of(Millis(begin)));
        let of_day = uptime(&day, (begin, begin + DAY_MS), None, now);
        OfDay { begin: Millis(begin), known_ms: of_day.known_ms, down_ms: of_day.down_ms }
    };
    standing.services.push(OfService {
        service,
        now: match all.now {
            Now::Up => Overall::Up,
            Now::Down { .. } => Overall::Down,
            Now::Unknown => Overall::Unknown,
        },
        known_ms: all.known_ms,
        down_ms: all.down_ms,
        days: (0..DAYS_KEPT).map(of_day).collect(),
    });
    let incidents = all.outages.iter().map(|outage| Incident {
        service,
        from: Millis(outage.from),
        to: Millis(outage.to),
        is_open: outage.is_open,
    });
    standing.incidents.extend(incidents);
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::services::Look;

    /// Noon of some day.
    const NOON: i64 = 20_000 * DAY_MS + DAY_MS / 2;

    /// Looks at so many seconds of noon at collector and web, each by another process.
    fn after(looks: &[(i64, [Option<bool>; 2])], is_alone: bool) -> Vec<ServiceDay> {
        let mut kept: VecDeque<ServiceDay> = VecDeque::new();
        for (seconds, [collector, web]) in looks {
            let mut days = Kept::read(kept.make_contiguous()).unwrap();
            let look = Look { at: Millis(NOON + seconds * 1_000), up: [*collector, None, None, *web] };
            days.take_in(&look, is_alone);
            for day in days.written().unwrap() {
                kept.retain(|known| known.day != day.day);
                kept.push_back(day);
            }
        }
        kept.into()
    }

    fn at(looks: &[(i64, [Option<bool>; 2])], is_alone: bool, seconds: i64) -> Standing {
        standing(&after(looks, is_alone), Millis(NOON + seconds * 1_000)).unwrap()
    }

    const UP: [Option<bool>; 2] = [Some(true), Some(true)];
    const WEB_DOWN: [Option<bool>; 2] = [Some(true), Some(false)];

    #[test]
    fn a_first_day_is_known_from_its_first_look() {
        let nothing = at(&[], false, 0);
        assert_eq!((nothing.overall(), nothing.services.len()), (Overall::Unknown, 0));
        let first = at(&[(0, UP), (30, UP)], false, 31);
        assert_eq!(first.overall(), Overall::Up);
        let names: Vec<_> = first.services.iter().map(|service| service.service).collect();
        assert_eq!(names, ["collector", "web"]);
        let web = &first.services[1];
        assert_eq!((web.known_ms, web.down_ms, web.days.len()), (30_000, 0, DAYS_KEPT as usize));
        assert_eq!(web.days[89].begin, Millis(NOON - DAY_MS / 2));
        assert_eq!(web.days[88].known_ms, 0);
        assert_eq!(web.days[89].known_ms, 30_000);
        assert_eq!(at(&[(0, UP), (30, UP)], false, 121).overall(), Overall::Unknown);
    }

    #[test]
    fn one_that_is_down_is_so_from_the_first_of_two_looks_until_it_is_over() {
        let looks = [(0, UP), (30, WEB_DOWN), (60, WEB_DOWN), (90, UP), (120, UP)];
        let open = at(&looks[..3], false, 61);
        assert_eq!(open.overall(), Overall::Down);
        assert!(open.incidents[0].is_open && open.services[0].now == Overall::Up);
        let over = at(&looks, false, 121);
        assert_eq!(over.overall(), Overall::Up);
        let (from, to) = (Millis(NOON + 30_000), Millis(NOON + 90_000));
        assert_eq!(over.incidents, [Incident { service: "web", from, to, is_open: false }]);
        let web = &over.services[1];
        assert_eq!((web.known_ms, web.down_ms), (120_000, 60_000));
        assert_eq!(share(web.known_ms, web.down_ms), Some(0.5));
        assert_eq!(share(0, 0), None);
    }

    #[test]
    fn while_nobody_watched_is_unknown_in_a_cluster_and_down_where_all_is_one_program() {
        let looks = [(0, UP), (30, UP), (630, UP), (660, UP)];
        let cluster = &at(&looks, false, 661).services[1];
        assert_eq!((cluster.known_ms, cluster.down_ms), (60_000, 0));
        let alone = at(&looks, true, 661);
        assert_eq!((alone.services[1].known_ms, alone.services[1].down_ms), (660_000, 600_000));
        let (from, to) = (Millis(NOON + 30_000), Millis(NOON + 630_000));
        assert_eq!(alone.incidents.len(), 2);
        assert_eq!(alone.incidents[1], Incident { service: "web", from, to, is_open: false });
        assert_eq!(alone.overall(), Overall::Up);
        let soon = at(&[(0, UP), (30, UP), (120, UP)], true, 121);
        assert_eq!((soon.incidents.len(), soon.services[1].down_ms), (0, 0), "90 seconds are no gap");
    }

    #[test]
    fn what_was_away_for_longer_than_is_kept_was_away_for_all_that_is_shown() {
        let year = 365 * 86_400;
        let all = at(&[(0, UP), (30, UP), (year, UP), (year + 30, UP)], true, year + 31);
        let web = &all.services[1];
        assert_eq!(web.down_ms, i64::from(DAYS_KEPT - 1) * DAY_MS);
        assert_eq!(web.known_ms, web.down_ms + 30_000);
        assert_eq!(all.incidents.len(), 2);
    }

    #[test]
    fn a_look_too_soon_after_anothers_changes_nothing_and_a_clock_turned_back_begins_anew() {
        let looks = [(0, UP), (24, WEB_DOWN), (30, UP), (40, WEB_DOWN), (60, UP)];
        assert_eq!(at(&looks, false, 61).incidents, []);
        assert_eq!(at(&looks, false, 61).services[1].known_ms, 60_000);
        let back = at(&[(1_000, UP), (1_030, UP), (0, UP), (30, UP)], false, 31);
        assert_eq!(back.overall(), Overall::Up);
    }

    #[test]
    fn a_service_that_was_never_up_is_none_and_what_nobody_can_tell_is_unknown() {
        let looks = [(0, [Some(true), Some(false)]), (30, [Some(true), Some(false)])];
        assert_eq!(at(&looks, false, 31).services.len(), 1);
        let untold = at(&[(0, UP), (30, UP), (60, [None, Some(true)]), (90, UP)], false, 130);
        assert_eq!(untold.services[0].known_ms, 90_000, "two looks 60 seconds apart say what was between");
        let long = [
            (0, UP),
            (30, UP),
            (60, [None, Some(true)]),
            (90, [None, Some(true)]),
            (130, [None, Some(true)]),
        ];
        let long = at(&long, false, 131);
        assert_eq!((long.services[0].known_ms, long.services[0].now), (30_000, Overall::Unknown));
        assert_eq!((long.services[1].known_ms, long.overall()), (130_000, Overall::Unknown));
    }

    #[test]
    fn incidents_have_a_maximum_and_the_latest_are_told() {
        let mut looks = Vec::new();
        for number in 0..=INCIDENTS_MAX as i64 {
            for (seconds, look) in [(0, UP), (30, WEB_DOWN), (60, WEB_DOWN), (90, UP)] {
                looks.push((number * 120 + seconds, look));
            }
        }
        let all = at(&looks, false, 51 * 120);
        assert_eq!((all.incidents.len(), all.incidents_more), (INCIDENTS_MAX, 1));
        assert_eq!(all.incidents[0].from, Millis(NOON + (50 * 120 + 30) * 1_000));
        let fewer = at(&looks[4..], false, 51 * 120);
        assert_eq!((fewer.incidents.len(), fewer.incidents_more), (INCIDENTS_MAX, 0));
    }

    #[test]
    fn a_day_of_the_worst_is_kept_in_little() {
        let mut kept = Kept::default();
        let begin = 20_000 * DAY_MS;
        for look in 0..2_880 {
            let up = Some(look % 3 == 0);
            kept.take_in(&Look { at: Millis(begin + look * 30_000), up: [up; 4] }, false);
        }
        let rows = kept.written().unwrap();
        assert_eq!(rows.len(), 1);
        assert!(rows[0].body.len() < store::uptimes::SERVICE_DAY_BYTES_MAX / 2, "{}", rows[0].body.len());
    }
}
