//! Whether a condition is so, by the numbers of this moment.

use model::Millis;
use model::alert::{Ailing, Cause, Condition, Side};

use crate::cause;
use crate::change::{self, Direction};
use crate::{Counts, Page, Usual, page};

/// What an alert is asked of.
pub struct Reading<'r> {
    pub now: Millis,
    /// Since when the alert asks what it asks.
    pub asked_since: Millis,
    /// Visitors present. None: it is not known just now.
    pub present: Option<u32>,
    pub counts: &'r Counts,
    /// None: nothing is known of past weeks.
    pub usual: Option<&'r Usual>,
    /// Those that are watched. None: it is not known just now.
    pub pages: Option<&'r [Page]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    So,
    /// Near enough to what is asked for to be left as it is.
    Between,
    Not,
    /// Nothing can be said: left as it is.
    Unknown,
}

/// A verdict and the numbers that it is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    pub verdict: Verdict,
    pub value: u32,
    pub minutes: u32,
    pub expected: Option<u32>,
    pub causes: Vec<Cause>,
    pub pages: Vec<Ailing>,
}

impl Judged {
    pub(crate) fn plain(verdict: Verdict, value: u32, minutes: u32) -> Judged {
        Judged { verdict, value, minutes, expected: None, causes: Vec::new(), pages: Vec::new() }
    }
}

/// What a number has to fall back by before it is no longer so: this part of what it is compared with.
const MARGIN: u32 = 10;

pub fn judge(when: &Condition, reading: &Reading<'_>) -> Judged {
    let (counts, now) = (reading.counts, reading.now);
    match when {
        Condition::Visitors { side, than, minutes } => match reading.present {
            Some(present) => Judged::plain(compare(*side, *than, present), present, *minutes),
            None => Judged::plain(Verdict::Unknown, 0, *minutes),
        },
        Condition::Pageviews { side, than, minutes } => {
            counted(reading, *side, *than, *minutes, counts.pageviews(*minutes, now))
        }
        Condition::Events { name, side, than, minutes } => {
            counted(reading, *side, *than, *minutes, counts.events_named(name, *minutes, now))
        }
        Condition::Silence { minutes } => silence(reading, *minutes),
        Condition::Change { more, fewer } => changed(reading, *more, *fewer),
        Condition::Down { page } => page::down(reading.pages, *page),
        Condition::Slow { page, than, minutes } => page::slow(reading.pages, *page, *than, *minutes),
    }
}

pub(crate) fn compare(side: Side, than: u32, value: u32) -> Verdict {
    let margin = than / MARGIN;
    match side {
        Side::Above if value > than => Verdict::So,
        Side::Above if value <= than - margin => Verdict::Not,
        Side::Below if value < than => Verdict::So,
        Side::Below if value >= than + margin => Verdict::Not,
        Side::Above | Side::Below => Verdict::Between,
    }
}

/// Of minutes that are not wholly known it is known that they had at least so many.
fn counted(reading: &Reading<'_>, side: Side, than: u32, minutes: u32, value: u32) -> Judged {
    let verdict = match compare(side, than, value) {
        Verdict::So if side == Side::Above => Verdict::So,
        _ if !reading.counts.knows(minutes, reading.now) => Verdict::Unknown,
        verdict => verdict,
    };
    Judged::plain(verdict, value, minutes)
}

fn silence(reading: &Reading<'_>, minutes: u32) -> Judged {
    let since = reading.counts.last_hit().unwrap_or(reading.counts.known_since());
    let minutes_since = |since: Millis| (reading.now.since(since).as_secs() / 60) as u32;
    // One that was just made has waited for nobody yet.
    let silent = minutes_since(since);
    let verdict =
        if silent.min(minutes_since(reading.asked_since)) >= minutes { Verdict::So } else { Verdict::Not };
    Judged::plain(verdict, silent, minutes)
}

fn changed(reading: &Reading<'_>, more: bool, fewer: bool) -> Judged {
    let Some(usual) = reading.usual else {
        return Judged::plain(Verdict::Unknown, 0, 0);
    };
    let found = change::look(reading.counts, usual, reading.now);
    let is_asked = match found.direction {
        Direction::More => more,
        Direction::Fewer => fewer,
        Direction::None => false,
    };
    let causes = match is_asked && found.verdict == Verdict::So {
        true => cause::of(&reading.counts.keys(found.minutes, reading.now), usual, &found),
        false => Vec::new(),
    };
    Judged {
        verdict: if is_asked || found.verdict == Verdict::Unknown { found.verdict } else { Verdict::Not },
        value: found.value,
        minutes: found.minutes,
        expected: Some(found.expected.round() as u32),
        causes,
        pages: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::VisitorId;

    use super::*;
    use crate::{Seen, SeenKind};

    const NOW: Millis = Millis(1_795_392_000_000);

    fn check(side: Side, than: u32, expected: &[(u32, Verdict)]) {
        for (value, verdict) in expected {
            assert_eq!(compare(side, than, *value), *verdict, "{value} {side:?} {than}");
        }
    }

    #[test]
    fn a_number_is_compared_with_some_room_on_the_way_back() {
        use Verdict::{Between, Not, So};
        check(Side::Above, 100, &[(101, So), (100, Between), (91, Between), (90, Not), (0, Not)]);
        check(Side::Below, 100, &[(99, So), (100, Between), (109, Between), (110, Not)]);
        check(Side::Above, 3, &[(4, So), (3, Not), (0, Not)]);
        check(Side::Above, 0, &[(1, So), (0, Not)]);
        check(Side::Below, 1, &[(0, So), (1, Not)]);
        check(Side::Below, 0, &[(0, Not)]);
    }

    fn counts(known: Duration, hits: &[i64]) -> Counts {
        let mut counts = Counts::new(Millis(NOW.0 - known.as_millis() as i64), None, vec!["error".into()]);
        for (visitor, seconds) in hits.iter().enumerate() {
            let (page, source, country) = ("/".into(), "".into(), "".into());
            let (at, visitor) = (Millis(NOW.0 - seconds * 1_000), VisitorId(visitor as u64));
            counts.see(&Seen { at, visitor, page, source, country, kind: SeenKind::Pageview }, NOW);
        }
        counts
    }

    fn reading(counts: &Counts, present: Option<u32>, asked_since: Millis) -> Reading<'_> {
        Reading { now: NOW, asked_since, present, counts, usual: None, pages: None }
    }

    fn verdict(when: &Condition, counts: &Counts, present: Option<u32>) -> (Verdict, u32) {
        let judged = judge(when, &reading(counts, present, Millis(0)));
        (judged.verdict, judged.value)
    }

    #[test]
    fn of_what_is_not_wholly_known_only_what_is_surely_so_is_said() {
        let hour = Duration::from_secs(3_600);
        let minute = Duration::from_secs(60);
        let pages = |side, than| Condition::Pageviews { side, than, minutes: 5 };
        let (whole, part) = (counts(hour, &[1, 2, 90]), counts(minute, &[1, 2, 30]));
        assert_eq!(verdict(&pages(Side::Above, 2), &whole, None), (Verdict::So, 3));
        assert_eq!(verdict(&pages(Side::Above, 2), &part, None), (Verdict::So, 3));
        assert_eq!(verdict(&pages(Side::Below, 9), &whole, None), (Verdict::So, 3));
        assert_eq!(verdict(&pages(Side::Below, 9), &part, None), (Verdict::Unknown, 3));
        assert_eq!(verdict(&pages(Side::Above, 9), &part, None), (Verdict::Unknown, 3));
        let events = Condition::Events { name: "error".into(), side: Side::Above, than: 0, minutes: 5 };
        assert_eq!(verdict(&events, &whole, None), (Verdict::Not, 0));
        let visitors = Condition::Visitors { side: Side::Above, than: 5, minutes: 0 };
        assert_eq!(verdict(&visitors, &whole, Some(6)), (Verdict::So, 6));
        assert_eq!(verdict(&visitors, &whole, None), (Verdict::Unknown, 0));
        let change = Condition::Change { more: true, fewer: true };
        assert_eq!(verdict(&change, &whole, None).0, Verdict::Unknown, "nothing was learned");
    }

    #[test]
    fn silence_counts_from_when_the_alert_was_made_at_the_earliest() {
        let silent = counts(Duration::from_secs(3_600), &[1_800]);
        let judged = |minutes_ago: i64| {
            let since = Millis(NOW.0 - minutes_ago * 60_000);
            judge(&Condition::Silence { minutes: 5 }, &reading(&silent, None, since))
        };
        assert_eq!((judged(0).verdict, judged(4).verdict), (Verdict::Not, Verdict::Not));
        assert_eq!((judged(5).verdict, judged(5).value), (Verdict::So, 30));
        let later = counts(Duration::from_secs(3_600), &[240]);
        let since = Millis(NOW.0 - 3_600_000);
        let judged = judge(&Condition::Silence { minutes: 5 }, &reading(&later, None, since));
        assert_eq!(judged.verdict, Verdict::Not, "the last hit is later");
    }

    #[test]
    fn silence_is_counted_from_the_last_hit_and_without_one_from_what_is_known() {
        let silence = |minutes| Condition::Silence { minutes };
        let counts_of = |hits| counts(Duration::from_secs(3_600), hits);
        assert_eq!(verdict(&silence(5), &counts_of(&[301]), None), (Verdict::So, 5));
        assert_eq!(verdict(&silence(5), &counts_of(&[299]), None), (Verdict::Not, 4));
        assert_eq!(verdict(&silence(60), &counts_of(&[]), None), (Verdict::So, 60));
        assert_eq!(verdict(&silence(61), &counts_of(&[]), None), (Verdict::Not, 60));
        let long_ago = Counts::new(NOW, Some(Millis(NOW.0 - 86_400_000)), vec![]);
        assert_eq!(verdict(&silence(1_440), &long_ago, None), (Verdict::So, 1_440));
    }
}
