//! What a difference came from: of pages, sources and countries each the one that has the largest part of it.

use std::collections::HashSet;
use std::sync::Arc;

use model::alert::{By, Cause};
use model::limits;

use crate::Usual;
use crate::change::Change;
use crate::counts::Keys;

/// What is less of the difference than this, in hundredths, is no cause of it.
const PERCENT_MIN: u8 = 25;

/// Of the visits of that time, by what they began with; the largest part first.
pub fn of(keys: &Keys, usual: &Usual, change: &Change) -> Vec<Cause> {
    let difference = f64::from(change.value) - change.expected;
    let mut known: HashSet<(By, Arc<str>)> = keys.keys().cloned().collect();
    known.extend(usual.shares().map(|(key, _)| key.clone()));
    let mut causes: Vec<Cause> = Vec::new();
    for by in By::ALL {
        let of_it = known.iter().filter(|(known, _)| *known == by);
        let parts = of_it.map(|key| {
            let visits = f64::from(keys.get(key).copied().unwrap_or(0));
            (visits - change.expected * usual.share(by, &key.1), &key.1)
        });
        // The same each time, where two have as much.
        let largest = parts.max_by(|(one, a), (two, b)| {
            let (one, two) = (one * difference.signum(), two * difference.signum());
            one.total_cmp(&two).then_with(|| b.cmp(a))
        });
        causes.extend(largest.and_then(|(part, key)| cause(by, key, part, difference)));
    }
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.percent));
    causes.truncate(limits::CAUSES_MAX);
    causes
}

fn cause(by: By, key: &str, part: f64, difference: f64) -> Option<Cause> {
    let percent = (100.0 * part / difference).clamp(0.0, 100.0).round() as u8;
    let key = key[..key.floor_char_boundary(limits::CAUSE_BYTES_MAX)].to_owned();
    (percent >= PERCENT_MIN).then(|| Cause { by, key, more: part.round() as i64, percent })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use jiff::tz::TimeZone;
    use model::Millis;

    use super::*;
    use crate::Verdict;
    use crate::change::Direction;
    use crate::usual::Hour;

    fn usual(shares: &[(By, &str, f64)]) -> Usual {
        let hour = |number: i64| Hour { start: Millis(number * 3_600_000), visits: 60 };
        let hours: Vec<Hour> = (0..168).map(hour).collect();
        let shares = shares.iter().map(|(by, key, share)| ((*by, Arc::from(*key)), *share));
        Usual::of(&hours, TimeZone::UTC).unwrap().with_shares(shares.collect())
    }

    fn check(counted: &[(By, &str, u32)], value: u32, expected: f64, causes: &[(By, &str, i64, u8)]) {
        let usual = usual(&[
            (By::Page, "/", 0.8),
            (By::Page, "/a", 0.2),
            (By::Source, "", 0.5),
            (By::Source, "Search", 0.5),
        ]);
        let keys: Keys = counted
            .iter()
            .map(|(by, key, count)| ((*by, Arc::from(*key)), *count))
            .collect::<HashMap<_, _>>();
        let direction = if f64::from(value) > expected { Direction::More } else { Direction::Fewer };
        let change = Change { verdict: Verdict::So, direction, minutes: 5, value, expected };
        let found = of(&keys, &usual, &change);
        let found: Vec<_> =
            found.iter().map(|cause| (cause.by, cause.key.as_str(), cause.more, cause.percent)).collect();
        assert_eq!(found, causes);
    }

    #[test]
    fn the_largest_part_of_the_difference_is_its_cause() {
        let counted = [
            (By::Page, "/", 85),
            (By::Page, "/launch", 90),
            (By::Source, "News", 88),
            (By::Source, "Search", 50),
            (By::Country, "FR", 20),
            (By::Country, "US", 30),
        ];
        let causes =
            [(By::Page, "/launch", 90, 90), (By::Source, "News", 88, 88), (By::Country, "US", 30, 30)];
        check(&counted, 200, 100.0, &causes);
        let few = [(By::Page, "/", 5), (By::Page, "/a", 19), (By::Source, "", 24), (By::Country, "FR", 24)];
        check(&few, 24, 100.0, &[(By::Page, "/", -75, 99), (By::Source, "Search", -50, 66)]);
        let nowhere: Vec<_> = (0..100).map(|_| (By::Page, "/", 1)).collect();
        check(&nowhere[..1], 200, 100.0, &[]);
    }

    #[test]
    fn a_long_key_is_cut() {
        let long = "é".repeat(limits::CAUSE_BYTES_MAX);
        let found = cause(By::Page, &long, 90.0, 100.0).unwrap();
        assert_eq!(found.key.len(), limits::CAUSE_BYTES_MAX);
        assert_eq!(cause(By::Page, "/", 24.0, 100.0), None);
    }
}
