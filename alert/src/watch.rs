//! From verdicts to a beginning and an end: what lasts long enough began, what has been calm for long enough is over.

use std::time::Duration;

use model::Millis;
use model::alert::Condition;

use crate::Verdict;

/// How long it must not be so before it is over, so that what goes to and fro is told once.
pub const CALM: Duration = Duration::from_secs(60);
/// The same of a change, which is judged by several minutes.
pub const CALM_AFTER_CHANGE: Duration = Duration::from_secs(900);

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Watch {
    is_firing: bool,
    so_since: Option<Millis>,
    not_since: Option<Millis>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    Began,
    Ended,
}

impl Watch {
    /// As it was when this process came to look.
    pub fn resumed(is_firing: bool) -> Watch {
        Watch { is_firing, ..Watch::default() }
    }

    pub fn is_firing(&self) -> bool {
        self.is_firing
    }

    /// What turns at this moment. It has turned only once that is kept: whoever keeps it says so by `turn`.
    pub fn step(&mut self, when: &Condition, verdict: Verdict, now: Millis) -> Option<Turned> {
        let since = |since: &mut Option<Millis>, is: bool| match is {
            true => now.since(*since.get_or_insert(now)),
            false => {
                *since = None;
                Duration::ZERO
            }
        };
        let (is_so, is_not) = (verdict == Verdict::So, verdict == Verdict::Not);
        let (so, not) = (since(&mut self.so_since, is_so), since(&mut self.not_since, is_not));
        match self.is_firing {
            false if is_so && so >= lasting(when) => Some(Turned::Began),
            true if is_not && not >= calm(when) => Some(Turned::Ended),
            _ => None,
        }
    }

    pub fn turn(&mut self, turned: Turned) {
        *self = Watch::resumed(turned == Turned::Began);
    }
}

/// How long it has to be so before it began.
fn lasting(when: &Condition) -> Duration {
    match when {
        Condition::Visitors { minutes, .. } | Condition::Slow { minutes, .. } => {
            Duration::from_secs(u64::from(*minutes) * 60)
        }
        // Of a page two looks say so. The others' minutes are those that are counted.
        Condition::Pageviews { .. }
        | Condition::Events { .. }
        | Condition::Silence { .. }
        | Condition::Down { .. }
        | Condition::Change { .. } => Duration::ZERO,
    }
}

fn calm(when: &Condition) -> Duration {
    match when {
        Condition::Silence { .. } => Duration::ZERO,
        Condition::Change { .. } => CALM_AFTER_CHANGE,
        Condition::Visitors { .. }
        | Condition::Pageviews { .. }
        | Condition::Events { .. }
        | Condition::Down { .. }
        | Condition::Slow { .. } => CALM,
    }
}

#[cfg(test)]
mod tests {
    use model::alert::Side;

    use super::*;

    fn told(when: &Condition, verdicts: &[(i64, Verdict)]) -> Vec<(i64, Turned)> {
        let mut watch = Watch::default();
        let mut told = Vec::new();
        for (second, verdict) in verdicts {
            if let Some(turned) = watch.step(when, *verdict, Millis(second * 1_000)) {
                watch.turn(turned);
                told.push((*second, turned));
            }
        }
        told
    }

    fn visitors(minutes: u32) -> Condition {
        Condition::Visitors { side: Side::Above, than: 5, minutes }
    }

    #[test]
    fn what_goes_to_and_fro_is_told_once() {
        use Verdict::{Between, Not, So, Unknown};
        let verdicts =
            [(0, Not), (2, So), (4, Not), (50, Between), (52, So), (60, Not), (119, Not), (120, Not)];
        assert_eq!(told(&visitors(0), &verdicts), [(2, Turned::Began), (120, Turned::Ended)]);
        let verdicts = [(0, So), (2, Not), (30, Unknown), (62, Not), (121, Not), (122, Not)];
        assert_eq!(told(&visitors(0), &verdicts), [(0, Turned::Began), (122, Turned::Ended)]);
    }

    #[test]
    fn what_has_to_last_is_told_when_it_did() {
        use Verdict::{Between, Not, So};
        let verdicts = [(0, So), (100, So), (110, Not), (120, So), (239, So), (240, So), (241, Between)];
        assert_eq!(told(&visitors(2), &verdicts), [(240, Turned::Began)]);
    }

    #[test]
    fn a_page_is_slow_for_its_minutes_and_down_at_once_and_what_nobody_saw_ends_nothing() {
        use Verdict::{Not, So, Unknown};
        let slow = Condition::Slow { page: None, than: 900, minutes: 2 };
        let verdicts = [(0, So), (60, So), (90, Unknown), (92, So), (210, So), (212, So), (214, So)];
        assert_eq!(told(&slow, &verdicts), [(212, Turned::Began)]);
        let down = Condition::Down { page: None };
        let verdicts =
            [(0, So), (30, Unknown), (500, Unknown), (510, Not), (540, Unknown), (550, Not), (610, Not)];
        assert_eq!(told(&down, &verdicts), [(0, Turned::Began), (610, Turned::Ended)]);
    }

    #[test]
    fn silence_is_over_with_the_first_hit() {
        let verdicts = [(0, Verdict::So), (2, Verdict::So), (4, Verdict::Not)];
        let expected = [(0, Turned::Began), (4, Turned::Ended)];
        assert_eq!(told(&Condition::Silence { minutes: 5 }, &verdicts), expected);
    }

    #[test]
    fn what_is_not_kept_is_asked_again() {
        let mut watch = Watch::default();
        for second in 0..3 {
            assert_eq!(watch.step(&visitors(0), Verdict::So, Millis(second)), Some(Turned::Began));
        }
        watch.turn(Turned::Began);
        assert_eq!(watch.step(&visitors(0), Verdict::So, Millis(4)), None);
        assert!(watch.is_firing());
    }
}
