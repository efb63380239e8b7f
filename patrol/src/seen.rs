//! What looks add up to. A page is down from the first of two looks in a row that failed until the first that did not; between two looks that are
//! too far apart nobody knows how it was.

use model::Millis;
use serde::{Deserialize, Serialize};

use crate::days::Days;
use crate::{GAP_MAX, LOOK_MAX, Reason};

/// How a page was at the last look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    pub at: Millis,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<Failed>,
    /// Milliseconds that it took to answer, or to run out of time. None: it failed otherwise, or that was not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u32>,
}

/// Of one look: milliseconds that the answer took, or why it was none.
pub type Sight = Result<u32, Reason>;

/// Looks in a row that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// The first of them.
    pub since: Millis,
    /// Why that one did.
    pub reason: Reason,
    /// There were at least two.
    pub is_down: bool,
}

/// How a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Now {
    Up,
    Down {
        since: Millis,
        reason: Reason,
    },
    /// Nobody looked of late.
    Unknown,
}

impl Seen {
    pub fn now(last: Option<Seen>, now: Millis) -> Now {
        match last.filter(|last| now.since(last.at) <= GAP_MAX) {
            None => Now::Unknown,
            Some(Seen { failed: Some(Failed { since, reason, is_down: true }), .. }) => {
                Now::Down { since, reason }
            }
            Some(_) => Now::Up,
        }
    }
}

impl Days {
    /// Takes in a look that began at a moment. One that began before the last, by a clock that was turned back, begins anew.
    pub fn look(&mut self, at: Millis, outcome: Sight) {
        let before = self.last().filter(|last| at > last.at && at.since(last.at) <= GAP_MAX);
        let known = before.map(|before| (before.at, at));
        let earlier = before.and_then(|before| before.failed);
        let took_ms = match outcome {
            Ok(took_ms) => Some(took_ms),
            Err(Reason::Slow) => Some(LOOK_MAX.as_millis() as u32),
            Err(_) => None,
        };
        let failed = outcome.err().map(|reason| match earlier {
            Some(earlier) => Failed { is_down: true, ..earlier },
            None => Failed { since: at, reason, is_down: false },
        });
        // What was one failure alone is none; the time from the first of two on is down, and that until they end.
        let was_down = earlier.filter(|earlier| earlier.is_down || failed.is_some());
        let down = was_down.zip(known).map(|(failed, (from, to))| (from, to, failed.reason));
        self.add(known, down, Seen { at, failed, took_ms });
    }
}

#[cfg(test)]
mod tests {
    use model::PageId;

    use super::*;
    use crate::days::{DAY_MS, Day};
    use crate::uptime::{PageUptime, uptime};

    const SLOW: Sight = Err(Reason::Slow);
    const BAD: Sight = Err(Reason::Status(503));
    const UP: Sight = Ok(230);
    /// Noon of some day.
    const NOON: i64 = 20_000 * DAY_MS + DAY_MS / 2;

    /// Looks at so many seconds, each as if another process took over from what was kept.
    fn seen(from: i64, looks: &[(i64, Sight)]) -> Days {
        let mut kept: Vec<store::pages::PageDay> = Vec::new();
        for (seconds, outcome) in looks {
            let mut days = Days::read(&kept).unwrap();
            days.look(Millis(from + seconds * 1_000), *outcome);
            for day in days.written(PageId::of(1)).unwrap() {
                kept.retain(|known| known.day != day.day);
                kept.push(day);
            }
        }
        Days::read(&kept).unwrap()
    }

    /// Known and down in seconds of noon, with the outages.
    fn check(looks: &[(i64, Sight)], known_s: i64, outages: &[(i64, i64, Reason)]) {
        let days = seen(NOON, looks);
        let all: PageUptime =
            uptime(&days, (NOON - DAY_MS, NOON + DAY_MS), days.last(), Millis(NOON + DAY_MS));
        let found: Vec<_> = all
            .outages
            .iter()
            .map(|outage| ((outage.from - NOON) / 1_000, (outage.to - NOON) / 1_000, outage.reason))
            .collect();
        assert_eq!(found, outages, "{looks:?}");
        assert_eq!(all.known_ms, known_s * 1_000, "{looks:?}");
        let down: i64 = outages.iter().map(|(from, to, _)| to - from).sum();
        assert_eq!(all.down_ms, down * 1_000, "{looks:?}");
    }

    #[test]
    fn two_failures_in_a_row_are_an_outage_from_the_first_of_them() {
        check(&[(0, UP)], 0, &[]);
        check(&[(0, UP), (30, UP), (60, UP)], 60, &[]);
        check(&[(0, UP), (30, SLOW), (60, UP)], 60, &[]);
        check(&[(0, UP), (30, SLOW), (60, BAD), (90, UP), (120, UP)], 120, &[(30, 90, Reason::Slow)]);
        check(&[(0, BAD), (30, BAD), (60, BAD)], 60, &[(0, 60, Reason::Status(503))]);
        check(&[(0, SLOW), (30, UP), (60, SLOW), (90, UP)], 90, &[]);
        check(
            &[(0, SLOW), (30, SLOW), (60, UP), (90, BAD), (120, BAD), (150, UP)],
            150,
            &[(0, 60, Reason::Slow), (90, 150, Reason::Status(503))],
        );
    }

    #[test]
    fn at_what_time_nobody_looked_is_neither_up_nor_down() {
        check(&[(0, UP), (90, UP)], 90, &[]);
        check(&[(0, UP), (91, UP)], 0, &[]);
        check(&[(0, SLOW), (91, SLOW)], 0, &[]);
        check(&[(0, SLOW), (30, SLOW), (600, SLOW), (630, UP)], 60, &[(0, 30, Reason::Slow)]);
        check(
            &[(0, SLOW), (30, SLOW), (600, BAD), (630, BAD)],
            60,
            &[(0, 30, Reason::Slow), (600, 630, Reason::Status(503))],
        );
        check(&[(0, UP), (30, SLOW), (900, UP), (930, UP)], 60, &[]);
    }

    #[test]
    fn a_clock_that_is_turned_back_begins_anew() {
        check(&[(60, SLOW), (90, SLOW), (0, SLOW), (30, UP)], 60, &[(60, 90, Reason::Slow)]);
        check(&[(30, UP), (30, SLOW)], 0, &[]);
    }

    #[test]
    fn an_outage_over_midnight_is_one() {
        let midnight = 20_001 * DAY_MS;
        let days = seen(midnight, &[(-60, UP), (-30, BAD), (20, BAD), (50, BAD), (80, UP)]);
        let both: Vec<(i64, Day)> = days.all().map(|(begin, day)| (begin, day.clone())).collect();
        assert_eq!(both[0].1.down, [(DAY_MS - 30_000, DAY_MS, Reason::Status(503))]);
        assert_eq!(both[1].1.down, [(0, 80_000, Reason::Status(503))]);
        assert_eq!(both[1].1.known, [(0, 80_000)]);
        let all =
            uptime(&days, (midnight - DAY_MS, midnight + DAY_MS), days.last(), Millis(midnight + DAY_MS));
        assert_eq!(all.outages.len(), 1);
        assert_eq!((all.known_ms, all.down_ms), (140_000, 110_000));
        let second = uptime(&days, (midnight, midnight + DAY_MS), days.last(), Millis(midnight + DAY_MS));
        assert_eq!((second.known_ms, second.down_ms), (80_000, 80_000));
        assert!(second.outages[0].began_before && second.outages[0].from == midnight);
        assert!(!second.outages[0].is_open);
    }

    #[test]
    fn an_outage_that_goes_on_says_so() {
        let looks = [(0, UP), (30, BAD), (60, BAD)];
        let days = seen(NOON, &looks);
        let at =
            |now| uptime(&days, (NOON, NOON + DAY_MS), days.last(), Millis(NOON + now)).outages[0].clone();
        assert!(at(61_000).is_open && !at(151_000).is_open);
        let cut = uptime(&days, (NOON, NOON + 45_000), days.last(), Millis(NOON + 61_000));
        assert_eq!((cut.known_ms, cut.down_ms, cut.outages[0].to), (45_000, 15_000, NOON + 45_000));
        assert_eq!(cut.share(), Some(30.0 / 45.0));
        assert_eq!(uptime(&days, (NOON - DAY_MS, NOON), days.last(), Millis(NOON)).share(), None);
    }

    #[test]
    fn how_a_page_is_now_is_known_for_a_while() {
        let at = |looks: &[(i64, Sight)], seconds: i64| {
            Seen::now(seen(NOON, looks).last(), Millis(NOON + seconds * 1_000))
        };
        assert_eq!(at(&[], 0), Now::Unknown);
        assert_eq!(at(&[(0, UP)], 90), Now::Up);
        assert_eq!(at(&[(0, UP)], 91), Now::Unknown);
        assert_eq!(at(&[(0, UP), (30, SLOW)], 31), Now::Up);
        let down = Now::Down { since: Millis(NOON + 30_000), reason: Reason::Slow };
        assert_eq!(at(&[(0, UP), (30, SLOW), (60, BAD)], 61), down);
        assert_eq!(at(&[(0, UP), (30, SLOW), (60, BAD)], 151), Now::Unknown);
    }

    #[test]
    fn how_long_the_last_look_took_is_kept_and_little_else() {
        let last = |looks: &[(i64, Sight)]| seen(NOON, looks).last().unwrap();
        assert_eq!(last(&[(0, UP), (30, Ok(1_200))]).took_ms, Some(1_200));
        assert_eq!(last(&[(0, UP), (30, SLOW)]).took_ms, Some(10_000));
        assert_eq!(last(&[(0, UP), (30, BAD)]).took_ms, None);
        let (last, kept) = (last(&[(0, UP)]), r#"{"at":1728043200000,"took_ms":230}"#);
        assert_eq!(serde_json::to_string(&last).unwrap(), kept);
        let before: Seen = serde_json::from_str(r#"{"at":1728043200000}"#).unwrap();
        assert_eq!(before, Seen { took_ms: None, ..last });
    }

    #[test]
    fn a_day_of_the_worst_is_kept_in_little() {
        let looks: Vec<_> =
            (0..2_880).map(|look| (look * 30 - 43_200, if look % 3 == 0 { UP } else { BAD })).collect();
        let days = seen_at_once(&looks);
        let rows = days.written(PageId::of(1)).unwrap();
        assert_eq!(rows.len(), 1);
        assert!(rows[0].body.len() < store::pages::PAGE_DAY_BYTES_MAX / 2, "{}", rows[0].body.len());
    }

    fn seen_at_once(looks: &[(i64, Sight)]) -> Days {
        let mut days = Days::read(&[]).unwrap();
        for (seconds, outcome) in looks {
            days.look(Millis(NOON + seconds * 1_000), *outcome);
        }
        days
    }
}
