//! What was found out about a text, kept by the text, and found out anew once too many bytes of texts are held.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// Values by text. A lookup hashes the text once and allocates nothing.
pub struct Remembered<V> {
    known: HashTable<(Box<str>, V)>,
    hasher: DefaultHashBuilder,
    bytes: usize,
    bytes_max: usize,
}

impl<V: Clone> Remembered<V> {
    /// Holds at most `bytes_max` bytes of texts; the text that would be past it makes all others forgotten.
    pub fn new(bytes_max: usize) -> Remembered<V> {
        Remembered { known: HashTable::new(), hasher: DefaultHashBuilder::default(), bytes: 0, bytes_max }
    }

    /// The value of a text, found out where it is not remembered.
    pub fn of(&mut self, text: &str, find_out: impl FnOnce() -> V) -> V {
        let hash = self.hasher.hash_one(text);
        if let Some((_, value)) = self.known.find(hash, |(known, _)| **known == *text) {
            return value.clone();
        }
        let value = find_out();
        if self.bytes + text.len() > self.bytes_max {
            (self.known, self.bytes) = (HashTable::new(), 0);
        }
        self.bytes += text.len();
        let hasher = &self.hasher;
        self.known.insert_unique(hash, (text.into(), value.clone()), |(text, _)| hasher.hash_one(&**text));
        value
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.known.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_out_once() {
        let mut lengths = Remembered::new(100);
        assert_eq!(lengths.of("tea", || 3), 3);
        assert_eq!(lengths.of("tea", || panic!("it is remembered")), 3);
        assert_eq!(lengths.of("coffee", || 6), 6);
    }

    #[test]
    fn texts_are_bounded_by_bytes() {
        let mut known = Remembered::new(10);
        known.of("12345", || ());
        known.of("67890", || ());
        assert_eq!((known.len(), known.bytes), (2, 10), "at the maximum");
        known.of("x", || ());
        assert_eq!((known.len(), known.bytes), (1, 1), "past it");
    }
}
