//! A message in plain letters: compatibility forms, marks and lookalikes unmasked, nothing unseen in it, in lower case;
//! and how much of that had to be undone.

use model::limits::MESSAGE_BYTES_MAX;
use unicode_normalization::char::decompose_compatible;

use crate::limits::PLAIN_BYTES_MAX;
use crate::lookalikes::{Script, is_unseen, plain, script};

/// Letters that a word must have for its case or its script to be a sign.
const LETTERS_MIN: usize = 3;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plain {
    /// In lower case.
    pub text: String,
    /// Words, and those of them all in capitals.
    pub words: usize,
    pub shouted: usize,
    /// Latin words with letters of another script among theirs.
    pub masked: usize,
    /// Characters that nobody sees, inside of words of Latin, Cyrillic and Greek letters.
    pub unseen: usize,
}

impl Plain {
    /// Of at most `MESSAGE_BYTES_MAX` of a text.
    pub(crate) fn of(text: &str) -> Plain {
        let text = cut(text, MESSAGE_BYTES_MAX);
        if text.is_ascii() {
            return Plain { text: text.to_ascii_lowercase(), ..count_words(text) };
        }
        let (decomposed, unseen) = decomposed(text);
        let mut counted = count_words(&decomposed);
        let (unmasked, masked) = unmasked(decomposed);
        counted.text = lower(&unmasked);
        Plain { masked, unseen, ..counted }
    }
}

/// The beginning of a text, to a whole character.
pub(crate) fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

/// Compatibility forms as what they stand for, without accents and what is unseen.
fn decomposed(text: &str) -> (String, usize) {
    let mut all = String::with_capacity(text.len());
    let (mut unseen, mut pending, mut in_word) = (0, 0, false);
    for character in text.chars() {
        if is_unseen(character) {
            // Soft hyphens come with what is copied from pages.
            pending += usize::from(in_word && character != '\u{ad}');
            continue;
        }
        if is_kept(character) {
            all.push(character);
        } else {
            decompose_compatible(character, |part| {
                if !is_accent(part) && !is_unseen(part) {
                    all.push(plain(part).unwrap_or(part));
                }
            });
        }
        in_word = script(character) != Script::None;
        unseen += if in_word { pending } else { 0 };
        pending = 0;
        if all.len() > PLAIN_BYTES_MAX {
            all.truncate(cut(&all, PLAIN_BYTES_MAX).len());
            break;
        }
    }
    (all, unseen)
}

/// What would be taken apart for nothing: syllables of Korean and Japanese are letters of their own.
fn is_kept(character: char) -> bool {
    matches!(character, '\0'..='\u{7f}' | '\u{3041}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
}

fn is_accent(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}')
}

fn count_words(text: &str) -> Plain {
    let mut plain = Plain::default();
    for word in text.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty()) {
        plain.words += 1;
        let shouts = word.len() >= LETTERS_MIN
            && word.chars().all(char::is_uppercase)
            && word.chars().count() >= LETTERS_MIN;
        plain.shouted += usize::from(shouts);
    }
    plain
}

/// Latin letters in place of their lookalikes: in words that have both, and everywhere in a text that has Latin words and whose
/// other letters are nothing but lookalikes.
fn unmasked(text: String) -> (String, usize) {
    let (mut latin, mut genuine, mut lookalikes) = (false, false, false);
    for letter in text.chars() {
        match script(letter) {
            Script::Latin => latin = true,
            Script::Other(Some(_)) => lookalikes = true,
            Script::Other(None) => genuine = true,
            Script::None => {}
        }
    }
    if !(latin && lookalikes) {
        return (text, 0);
    }
    let mut masked = 0;
    let mut all = String::with_capacity(text.len());
    for word in text.split_inclusive(|letter: char| !letter.is_alphabetic()) {
        match masks(word, !genuine) {
            Some(letters) => {
                masked += usize::from(letters >= LETTERS_MIN);
                all.extend(word.chars().map(|letter| match script(letter) {
                    Script::Other(Some(latin)) => latin,
                    _ => letter,
                }));
            }
            None => all.push_str(word),
        }
    }
    (all, masked)
}

/// How many letters a word has that only looks Latin, if it does.
fn masks(word: &str, alone_too: bool) -> Option<usize> {
    let (mut latin, mut lookalikes) = (0, 0);
    for letter in word.chars() {
        match script(letter) {
            Script::Latin => latin += 1,
            Script::Other(Some(_)) => lookalikes += 1,
            Script::Other(None) => return None,
            Script::None => {}
        }
    }
    (lookalikes > 0 && (latin > 0 || alone_too)).then_some(latin + lookalikes)
}

fn lower(text: &str) -> String {
    let mut all = String::with_capacity(text.len());
    for letter in text.chars() {
        all.extend(letter.to_lowercase());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str, masked: usize, unseen: usize) {
        let plain = Plain::of(text);
        assert_eq!((plain.text.as_str(), plain.masked, plain.unseen), (expected, masked, unseen), "{text}");
    }

    #[test]
    fn what_is_masked_is_unmasked() {
        check("Free Casino", "free casino", 0, 0);
        check("Frее Саsinо", "free casino", 2, 0);
        check("ρrіzе", "prize", 1, 0);
        check("СASH now", "cash now", 1, 0);
        // A whole word of lookalikes among Latin ones.
        check("get саѕһ here", "get cash here", 1, 0);
        check("𝓕𝓻𝓮𝓮 𝐜𝐚𝐬𝐢𝐧𝐨 Ｆｒｅｅ ⓕⓡⓔⓔ ꜰʀᴇᴇ", "free casino free free free", 0, 0);
        check("f\u{300}r\u{301}e\u{302}\u{303}e", "free", 0, 0);
        check("ca\u{200b}si\u{200d}no vi\u{2060}agra", "casino viagra", 0, 3);
    }

    #[test]
    fn what_people_write_stays_as_it_is() {
        check("", "", 0, 0);
        check("Привет, где мой заказ? SMS не пришла", "привет, где мои заказ? sms не пришла", 0, 0);
        check("α-Version, 5 μm", "α-version, 5 μm", 0, 0);
        check("Καλημέρα, το email μου", "καλημερα, το email μου", 0, 0);
        check("Straße, garçon, naïve, İstanbul, łódź", "straße, garcon, naive, istanbul, lodz", 0, 0);
        check("Wörter mit weichem Trenn\u{ad}zeichen", "worter mit weichem trennzeichen", 0, 0);
        check("می\u{200c}خواهم 👨\u{200d}👩\u{200d}👧 ❤\u{fe0f}", "میخواهم 👨👩👧 ❤", 0, 0);
        check("が한글です", "が한글です", 0, 0);
    }

    #[test]
    fn shouting_is_counted() {
        let plain = Plain::of("I WON a PRIZE at BT in ÜBER2000");
        assert_eq!((plain.words, plain.shouted), (8, 3));
    }

    #[test]
    fn no_more_than_the_longest_message_is_looked_at() {
        let longest = "é".repeat(MESSAGE_BYTES_MAX / 2);
        assert_eq!(Plain::of(&longest).text.len(), MESSAGE_BYTES_MAX / 2);
        assert_eq!(Plain::of(&format!("{longest}é")).text.len(), MESSAGE_BYTES_MAX / 2);
        let ascii = "a".repeat(MESSAGE_BYTES_MAX);
        assert_eq!(Plain::of(&format!("{ascii}b")).text, ascii);
        // One character that stands for eighteen.
        let growing = "\u{fdfa}".repeat(MESSAGE_BYTES_MAX / 3);
        assert!(Plain::of(&growing).text.len() <= PLAIN_BYTES_MAX);
    }
}
