//! The words that a message is found by, and those that a search asks for: cut the same way for every backend, so that
//! both find the same. Whole words, without regard to case; of scripts without spaces every character and every pair
//! of neighbours.

use model::chat::{Message, MessageKind, Who};
use model::{RoomId, SiteId, limits};

/// Different words of a text, in the order in which they come first, at most `max`.
pub(crate) fn of_text(text: &str, max: usize) -> Vec<String> {
    let mut words = Words { words: Vec::new(), seen: Default::default(), max };
    cut(text, |run| match run {
        Run::Word(word) => words.add(word.to_lowercase()),
        Run::Dense(characters) => {
            characters.iter().for_each(|character| words.add(character.to_string()));
            characters.windows(2).for_each(|pair| words.add(pair.iter().collect()));
        }
    });
    words.words
}

/// Those that a search for a text asks for: of a dense run its pairs, of which one character alone has none.
pub(crate) fn asked(text: &str) -> Vec<String> {
    let mut words = Words { words: Vec::new(), seen: Default::default(), max: limits::SEARCH_WORDS_MAX + 1 };
    cut(text, |run| match run {
        Run::Word(word) => words.add(word.to_lowercase()),
        Run::Dense([one]) => words.add(one.to_string()),
        Run::Dense(characters) => {
            characters.windows(2).for_each(|pair| words.add(pair.iter().collect()));
        }
    });
    words.words
}

/// None: it is not to be found.
pub(crate) fn of_message(message: &Message) -> Option<Vec<String>> {
    let is_told = matches!(message.kind, MessageKind::Note(_) | MessageKind::Sound);
    if is_told || message.unrecorded || message.removed.is_some() {
        return None;
    }
    let names = message.files.iter().map(|file| file.name.as_str());
    let text = std::iter::once(message.body.as_str()).chain(names).collect::<Vec<_>>().join(" ");
    Some(of_text(&text, limits::WORDS_A_MESSAGE_MAX))
}

/// Before what a search is within, where that stands among the words: no letter, so that no text has such a word.
const MARK: char = '\u{E000}';

pub(crate) fn in_room(room: RoomId) -> String {
    format!("{MARK}r{}", room.value())
}

/// In a room of a conversation of that site.
pub(crate) fn in_inbox(site: SiteId) -> String {
    format!("{MARK}i{}", site.value())
}

pub(crate) fn by(author: Who) -> String {
    format!("{MARK}a{}", author.number())
}

pub(crate) fn of_kind(kind: i64) -> String {
    format!("{MARK}k{kind}")
}

/// Of everything that can be found.
pub(crate) fn any() -> String {
    MARK.to_string()
}

struct Words {
    words: Vec<String>,
    seen: std::collections::HashSet<String>,
    max: usize,
}

impl Words {
    fn add(&mut self, mut word: String) {
        word.truncate(word.floor_char_boundary(limits::WORD_BYTES_MAX));
        if self.words.len() < self.max && self.seen.insert(word.clone()) {
            self.words.push(word);
        }
    }
}

enum Run<'t> {
    Word(&'t str),
    Dense(&'t [char]),
}

fn cut(text: &str, mut take: impl FnMut(Run<'_>)) {
    for part in text.split(|character: char| !character.is_alphanumeric()).filter(|part| !part.is_empty()) {
        let mut rest = part;
        while let Some(first) = rest.chars().next() {
            let is_dense = dense(first);
            let end = rest.find(|character| dense(character) != is_dense).unwrap_or(rest.len());
            let (run, behind) = rest.split_at(end);
            match is_dense {
                true => take(Run::Dense(&run.chars().collect::<Vec<_>>())),
                false => take(Run::Word(run)),
            }
            rest = behind;
        }
    }
}

/// Of a script that is written without spaces: Han, kana, Thai, Lao, Khmer, Burmese.
fn dense(character: char) -> bool {
    matches!(character,
        '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' | '\u{3040}'..='\u{30FF}'
        | '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(of_text(text, 100), expected, "{text}");
    }

    #[test]
    fn a_text_has_its_words_each_once() {
        check("", &[]);
        check("  ... !", &[]);
        check("The cart, the CART & the Über-cart.", &["the", "cart", "über"]);
        check("fix #123: `total_price()`", &["fix", "123", "total", "price"]);
        check("東京タワー3階", &["東", "京", "タ", "ワ", "ー", "東京", "京タ", "タワ", "ワー", "3", "階"]);
        check("привет", &["привет"]);
        check("\u{E000}r1 \u{E000}", &["r1"]);
    }

    #[test]
    fn a_search_asks_for_pairs_of_a_dense_run() {
        assert_eq!(asked("東京 Tower"), ["東京", "tower"]);
        assert_eq!(asked("東"), ["東"]);
    }

    #[test]
    fn words_and_their_number_are_bounded() {
        let long = "é".repeat(limits::WORD_BYTES_MAX);
        assert_eq!(of_text(&long, 9), ["é".repeat(limits::WORD_BYTES_MAX / 2)]);
        let many: Vec<String> = (0..50).map(|number| format!("w{number}")).collect();
        assert_eq!(of_text(&many.join(" "), 20), many[..20]);
        assert_eq!(
            asked(&many.join(" ")).len(),
            limits::SEARCH_WORDS_MAX + 1,
            "one more than is allowed is seen"
        );
    }
}
