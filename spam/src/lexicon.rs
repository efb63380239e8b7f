//! The words that this program knows from the start: `words.tsv`, written from what spam is in general, and `common.txt`, the words
//! that every text has and that say little alone.

use hashbrown::{HashMap, HashSet};

use crate::feature::{id_of_pair, id_of_word};
use crate::lookalikes::is_unspaced;
use crate::plain::Plain;

const WORDS: &str = include_str!("words.tsv");
const COMMON: &str = include_str!("common.txt");

pub(crate) struct Lexicon {
    weights: HashMap<u64, f32>,
    common: HashSet<u64>,
}

impl Lexicon {
    pub(crate) fn read() -> Lexicon {
        let mut weights = HashMap::new();
        for (weight, phrase) in entries() {
            let phrase = Plain::of(phrase).text;
            for (id, part) in ids(&phrase) {
                weights.insert(id, weight * part);
            }
        }
        let common = COMMON.split_whitespace().map(|word| id_of_word(&Plain::of(word).text)).collect();
        Lexicon { weights, common }
    }

    /// What a word or pair is worth; a plural is worth what its singular is.
    pub(crate) fn weight(&self, id: u64, word: &str) -> f32 {
        let of = |id: u64| self.weights.get(&id).copied();
        let singular =
            || word.strip_suffix('s').filter(|word| word.len() > 2).and_then(|word| of(id_of_word(word)));
        of(id).or_else(singular).unwrap_or_default()
    }

    pub(crate) fn exact(&self, id: u64) -> f32 {
        self.weights.get(&id).copied().unwrap_or_default()
    }

    /// Whether a word is one that every text has.
    pub(crate) fn is_common(&self, id: u64) -> bool {
        self.common.contains(&id)
    }
}

/// Weights and phrases, as they stand in the table.
fn entries() -> impl Iterator<Item = (f32, &'static str)> {
    let lines = WORDS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.flat_map(|line| {
        let (weight, phrases) = line.split_once('\t').unwrap_or_default();
        let weight = weight.parse().unwrap_or_default();
        phrases.split(',').map(move |phrase| (weight, phrase.trim()))
    })
}

/// A phrase of one or two words; one without spaces by its neighbours, each a part of it.
fn ids(phrase: &str) -> Vec<(u64, f32)> {
    if let Some((first, second)) = phrase.split_once(' ') {
        return vec![(id_of_pair(first, second), 1.0)];
    }
    if !phrase.contains(is_unspaced) {
        return vec![(id_of_word(phrase), 1.0)];
    }
    let letters: Vec<char> = phrase.chars().collect();
    let part = 1.0 / (letters.len() - 1).max(1) as f32;
    letters.windows(2).map(|pair| (id_of_word(&String::from_iter(pair)), part)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        let mut seen = HashSet::new();
        for (weight, phrase) in entries() {
            assert!(weight != 0.0 && (-1.5..=3.0).contains(&weight), "{phrase} has {weight}");
            assert!(
                !phrase.is_empty() && phrase.split(' ').count() <= 2,
                "'{phrase}' is not one or two words"
            );
            assert!(seen.insert(phrase), "{phrase} stands twice");
        }
        assert!(seen.len() > 300);
    }

    #[test]
    fn words_pairs_and_plurals_are_found() {
        let lexicon = Lexicon::read();
        assert!(lexicon.weight(id_of_word("casino"), "casino") > 1.0);
        assert!(lexicon.weight(id_of_word("casinos"), "casinos") > 1.0);
        assert!(lexicon.weight(id_of_pair("guest", "post"), "") > 1.0);
        assert!(lexicon.weight(id_of_word("博彩"), "博彩") > 1.0);
        assert_eq!(lexicon.weight(id_of_word("umbrella"), "umbrella"), 0.0);
        assert!(lexicon.is_common(id_of_word("the")) && !lexicon.is_common(id_of_word("casino")));
    }
}
