//! A moment as pages show it: exact for machines, in UTC for people (scripts make it local).

use jiff::Timestamp;
use model::Millis;

pub struct Moment {
    /// RFC 3339.
    pub iso: String,
    /// `2026-03-04 10:30 UTC`
    pub text: String,
}

impl From<Millis> for Moment {
    fn from(at: Millis) -> Moment {
        let at = Timestamp::from_millisecond(at.0).unwrap_or_default();
        Moment { iso: at.to_string(), text: at.strftime("%Y-%m-%d %H:%M UTC").to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_the_same_to_people_and_machines() {
        let moment = Moment::from(Millis(1_772_620_200_000));
        assert_eq!(moment.text, "2026-03-04 10:30 UTC");
        assert_eq!(moment.iso, "2026-03-04T10:30:00Z");
    }
}
