//! Equal lines of a file are told apart by how many came before.

use std::collections::{BTreeMap, HashMap};

use model::Millis;

/// Distinct lines that are remembered; past them the oldest go, by their own time.
const LINES_KEPT_MAX: usize = 1_000_000;

/// How often each line's content came so far.
pub struct Ordinals {
    by_time: BTreeMap<Millis, HashMap<u128, u32>>,
    kept: usize,
    kept_max: usize,
}

impl Default for Ordinals {
    fn default() -> Ordinals {
        Ordinals::with(LINES_KEPT_MAX)
    }
}

impl Ordinals {
    fn with(kept_max: usize) -> Ordinals {
        Ordinals { by_time: BTreeMap::new(), kept: 0, kept_max }
    }

    /// 0 for the first one of its content.
    pub fn next(&mut self, at: Millis, content: u128) -> u32 {
        let next = self.by_time.entry(at).or_default().entry(content).or_insert(0);
        let ordinal = *next;
        *next = next.saturating_add(1);
        self.kept += usize::from(ordinal == 0);
        while self.kept > self.kept_max
            && let Some((_, oldest)) = self.by_time.pop_first()
        {
            self.kept -= oldest.len();
        }
        ordinal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_remembered_up_to_the_maximum() {
        let mut ordinals = Ordinals::with(3);
        for second in 0..3 {
            assert_eq!(ordinals.next(Millis(second), 9), 0);
        }
        assert_eq!(ordinals.next(Millis(0), 9), 1, "at the maximum");
        assert_eq!(ordinals.next(Millis(3), 9), 0);
        assert_eq!(ordinals.next(Millis(1), 9), 1, "past it the oldest went");
        assert_eq!(ordinals.next(Millis(0), 9), 0, "and is new");
    }
}
