//! Texts as dense numbers: each distinct text is held once and named by the order it was first seen in.

use std::sync::Arc;

use hashbrown::HashMap;

/// Distinct texts, numbered from zero. Number zero is the empty text.
#[derive(Clone, Debug)]
pub struct Words {
    texts: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
    bytes: usize,
}

impl Default for Words {
    fn default() -> Words {
        let mut words = Words { texts: Vec::new(), numbers: HashMap::new(), bytes: 0 };
        words.number("");
        words
    }
}

impl Words {
    /// The number of a text, a new one where it was not seen before.
    pub fn number(&mut self, text: &str) -> u32 {
        match self.numbers.get(text) {
            Some(&number) => number,
            None => self.add(Arc::from(text)),
        }
    }

    /// As `number`, without a copy of a text that is shared already.
    pub fn number_shared(&mut self, text: &Arc<str>) -> u32 {
        match self.numbers.get(text) {
            Some(&number) => number,
            None => self.add(text.clone()),
        }
    }

    /// The number of a text that was seen before.
    pub fn find(&self, text: &str) -> Option<u32> {
        self.numbers.get(text).copied()
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

    fn add(&mut self, text: Arc<str>) -> u32 {
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.bytes += text.len() + 64;
        self.texts.push(text.clone());
        self.numbers.insert(text, number);
        number
    }
}
