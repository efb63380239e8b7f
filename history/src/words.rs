//! Texts as dense numbers: each distinct text is held once and named by the order it was first seen in.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

/// Texts that are looked up together: one behind the other, each would wait for memory.
const AT_ONCE: usize = 16;

/// Distinct texts, numbered from zero. Number zero is the empty text.
#[derive(Clone, Debug)]
pub struct Words {
    texts: Vec<Arc<str>>,
    /// A text's hash and its number.
    numbers: HashTable<(u64, u32)>,
    /// Drawn anew for each, so that nobody can choose texts that meet in one slot.
    hasher: DefaultHashBuilder,
    bytes: usize,
}

impl Default for Words {
    fn default() -> Words {
        let (texts, numbers, hasher) = (Vec::new(), HashTable::new(), DefaultHashBuilder::default());
        let mut words = Words { texts, numbers, hasher, bytes: 0 };
        words.number("");
        words
    }
}

impl Words {
    /// The number of a text, a new one where it was not seen before.
    pub fn number(&mut self, text: &str) -> u32 {
        let hash = self.hasher.hash_one(text);
        match self.known(hash, text) {
            Some(number) => number,
            None => self.add(hash, Arc::from(text)),
        }
    }

    /// As `number`, without a copy of a text that is shared already.
    pub fn number_shared(&mut self, text: &Arc<str>) -> u32 {
        let hash = self.hasher.hash_one(&**text);
        match self.known(hash, text) {
            Some(number) => number,
            None => self.add(hash, text.clone()),
        }
    }

    /// The number of each text, as `number`; faster for many.
    pub fn number_all(&mut self, texts: &[&str]) -> Vec<u32> {
        let mut numbers = Vec::with_capacity(texts.len());
        for texts in texts.chunks(AT_ONCE) {
            let mut hashes = [0; AT_ONCE];
            hashes.iter_mut().zip(texts).for_each(|(hash, text)| *hash = self.hasher.hash_one(text));
            let hashes = &hashes[..texts.len()];
            let mut likely = [0; AT_ONCE];
            for (likely, &hash) in likely.iter_mut().zip(hashes) {
                *likely = self.numbers.find(hash, |known| known.0 == hash).map_or(0, |known| known.1);
            }
            // Asks for all the texts at once that the comparisons would wait for one by one.
            let first = |number: &u32| self.texts[*number as usize].as_bytes().first().copied();
            std::hint::black_box(likely.iter().filter_map(first).fold(0, |all, byte| all | byte));
            for ((text, &hash), likely) in texts.iter().zip(hashes).zip(likely) {
                let is_it = *self.texts[likely as usize] == **text;
                let known = if is_it { Some(likely) } else { self.known(hash, text) };
                numbers.push(known.unwrap_or_else(|| self.add(hash, Arc::from(*text))));
            }
        }
        numbers
    }

    /// The number of a text that was seen before.
    pub fn find(&self, text: &str) -> Option<u32> {
        self.known(self.hasher.hash_one(text), text)
    }

    fn known(&self, hash: u64, text: &str) -> Option<u32> {
        let is_it = |known: &(u64, u32)| known.0 == hash && *self.texts[known.1 as usize] == *text;
        self.numbers.find(hash, is_it).map(|known| known.1)
    }

    /// The text of a number that this gave out.
    pub fn text(&self, number: u32) -> &Arc<str> {
        &self.texts[number as usize]
    }

    pub fn texts(&self) -> &[Arc<str>] {
        &self.texts
    }

    pub fn count(&self) -> usize {
        self.texts.len()
    }

    /// What the texts and their index take, in bytes, nearly.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn add(&mut self, hash: u64, text: Arc<str>) -> u32 {
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.bytes += text.len() + 64;
        self.texts.push(text);
        self.numbers.insert_unique(hash, (hash, number), |known| known.0);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_numbered_together_as_one_by_one() {
        let texts: Vec<String> = (0..100).map(|number| format!("/{}", number % 70)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).chain(["", "/3", ""]).collect();
        let (mut one, mut all) = (Words::default(), Words::default());
        let expected: Vec<u32> = texts.iter().map(|text| one.number(text)).collect();
        assert_eq!(all.number_all(&texts[..7]), expected[..7]);
        assert_eq!(all.number_all(&texts), expected);
        assert_eq!((all.find("/69"), all.find("/70"), all.find("")), (Some(70), None, Some(0)));
        assert_eq!(all.texts(), one.texts());
    }
}
