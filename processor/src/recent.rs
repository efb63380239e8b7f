//! A map that forgets: entries not written for a while fall away, and it never holds more than its maximum.

use std::hash::Hash;
use std::time::Duration;

use hashbrown::HashMap;
use model::Millis;

/// Parts of the span kept; the oldest goes as a whole, so that forgetting costs nothing a hit.
const GENERATIONS: usize = 3;

/// Entries live at least `span` and at most half as long again after they were last written, unless more than
/// `len_max` come in that time: then the oldest third goes early.
pub struct Recent<K, V> {
    /// The newest first.
    generations: [HashMap<K, V>; GENERATIONS],
    began: Millis,
    span: Duration,
    len_max: usize,
}

impl<K: Eq + Hash, V> Recent<K, V> {
    pub fn new(span: Duration, len_max: usize) -> Recent<K, V> {
        let generations = std::array::from_fn(|_| HashMap::new());
        Recent { generations, began: Millis(0), span, len_max }
    }

    /// Lets time pass.
    pub fn advance(&mut self, now: Millis) {
        let parts = now.since(self.began).as_millis() / (self.span / (GENERATIONS as u32 - 1)).as_millis();
        if parts > 0 {
            (0..parts.min(GENERATIONS as u128)).for_each(|_| self.forget_oldest());
            self.began = now;
        }
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        self.generations.iter().find_map(|generation| generation.get(key))
    }

    /// An entry to write to; it counts as written now.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V>
    where
        K: Clone,
    {
        if !self.generations[0].contains_key(key) {
            let older = &mut self.generations[1..];
            let value = older.iter_mut().find_map(|generation| generation.remove(key))?;
            self.insert(key.clone(), value);
        }
        self.generations[0].get_mut(key)
    }

    /// Writes an entry; a key must not be written twice without asking for it between.
    pub fn insert(&mut self, key: K, value: V) {
        if self.generations[0].len() >= self.len_max / GENERATIONS {
            self.forget_oldest();
        }
        self.generations[0].insert(key, value);
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.generations.iter().map(HashMap::len).sum()
    }

    fn forget_oldest(&mut self) {
        self.generations.rotate_right(1);
        self.generations[0] = HashMap::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Duration = Duration::from_secs(60);

    fn at(seconds: i64) -> Millis {
        Millis(1_000_000 + seconds * 1_000)
    }

    #[test]
    fn an_entry_lives_for_the_span_and_not_much_longer() {
        let mut recent = Recent::new(SPAN, 300);
        recent.advance(at(0));
        recent.insert("a", 1);
        for seconds in 1..=60 {
            recent.advance(at(seconds));
            assert_eq!(recent.get(&"a"), Some(&1), "after {seconds} s");
        }
        (61..=90).for_each(|seconds| recent.advance(at(seconds)));
        assert_eq!(recent.get(&"a"), None);
    }

    #[test]
    fn after_a_long_silence_nothing_is_left() {
        let mut recent = Recent::new(SPAN, 300);
        recent.advance(at(0));
        recent.insert("a", 1);
        recent.advance(at(1_000));
        assert_eq!(recent.len(), 0);
    }

    #[test]
    fn writing_keeps_an_entry() {
        let mut recent = Recent::new(SPAN, 300);
        recent.advance(at(0));
        recent.insert("a", 1);
        for seconds in 0..300 {
            recent.advance(at(seconds));
            *recent.get_mut(&"a").unwrap() += 1;
        }
        assert_eq!(recent.get(&"a"), Some(&301));
        assert_eq!(recent.len(), 1);
    }

    #[test]
    fn at_the_maximum_all_are_kept_and_one_more_pushes_the_oldest_third_out() {
        let mut recent = Recent::new(SPAN, 300);
        (0..300).for_each(|key| recent.insert(key, ()));
        assert_eq!(recent.len(), 300);
        recent.insert(300, ());
        assert_eq!((recent.len(), recent.get(&99), recent.get(&100)), (201, None, Some(&())));
    }
}
