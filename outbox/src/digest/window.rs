//! When a digest begins and ends. Hours and days of UTC: whoever reads it is nowhere known to be, and a day of mail ends in the morning of Europe.

use std::time::Duration;

use model::Millis;
use model::notice::Digest;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// When a day of mail ends.
const DAY_ENDS: i64 = 6 * HOUR;
/// What was said just before the end is made jobs of by then.
pub const DUE_AFTER: Duration = Duration::from_secs(60);

/// From a moment up to before another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    pub start: Millis,
    pub end: Millis,
}

impl Window {
    /// The one that a moment lies in. None: there is no mail.
    pub fn of(digest: Digest, at: Millis) -> Option<Window> {
        let (length, begins) = lengths(digest)?;
        let start = Millis((at.0 - begins).div_euclid(length) * length + begins);
        Some(Window { start, end: Millis(start.0 + length) })
    }

    /// The one that ends then.
    pub fn ending(digest: Digest, end: Millis) -> Option<Window> {
        let (length, _) = lengths(digest)?;
        Some(Window { start: Millis(end.0 - length), end })
    }
}

/// How long it is, and when after midnight one begins.
fn lengths(digest: Digest) -> Option<(i64, i64)> {
    match digest {
        Digest::Off => None,
        Digest::Hourly => Some((HOUR, 0)),
        Digest::Daily => Some((DAY, DAY_ENDS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_moment_lies_in_one_window() {
        let day = 20_000 * DAY;
        for (digest, at, start, length) in [
            (Digest::Hourly, day, day, HOUR),
            (Digest::Hourly, day + HOUR - 1, day, HOUR),
            (Digest::Hourly, day + HOUR, day + HOUR, HOUR),
            (Digest::Daily, day + 6 * HOUR - 1, day - 18 * HOUR, DAY),
            (Digest::Daily, day + 6 * HOUR, day + 6 * HOUR, DAY),
            (Digest::Daily, day + 30 * HOUR - 1, day + 6 * HOUR, DAY),
        ] {
            let window = Window { start: Millis(start), end: Millis(start + length) };
            assert_eq!(Window::of(digest, Millis(at)), Some(window), "{digest:?} {at}");
            assert_eq!(Window::ending(digest, window.end), Some(window));
        }
        assert_eq!(Window::of(Digest::Off, Millis(day)), None);
    }
}
