//! Whether one name is taken for another by whoever reads it.

use unicode_normalization::char::decompose_compatible;

use crate::lookalikes::{Script, is_unseen, plain, script};

/// How a name reads: its letters and digits in lower case without accents, and as they are drawn.
#[derive(Clone, Debug)]
pub struct Looks {
    read: String,
    drawn: String,
}

impl Looks {
    pub fn of(name: &str) -> Looks {
        let (mut read, mut drawn) = (String::new(), String::new());
        for character in name.chars().filter(|character| !is_unseen(*character)) {
            decompose_compatible(character, |part| {
                let part = plain(part).unwrap_or(part);
                read.extend(part.to_lowercase().filter(|letter| letter.is_alphanumeric()));
                drawn.extend(drawing(part).to_lowercase().filter(|letter| letter.is_alphanumeric()));
            });
        }
        Looks { read, drawn }
    }

    /// Of a name without a letter or a digit nothing is said.
    pub fn is_like(&self, other: &Looks) -> bool {
        (!self.read.is_empty() && self.read == other.read)
            || (!self.drawn.is_empty() && self.drawn == other.drawn)
    }
}

/// The Latin letter that this one is drawn as; itself where there is none.
fn drawing(letter: char) -> char {
    match script(letter) {
        Script::Other(Some(latin)) => latin,
        _ => match letter {
            'I' | '1' | '|' | '∣' => 'l',
            '0' => 'o',
            other => other,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_alike_that_read_or_look_the_same() {
        let check = |one: &str, other: &str, expected: bool| {
            let (one_looks, other_looks) = (Looks::of(one), Looks::of(other));
            assert_eq!(one_looks.is_like(&other_looks), expected, "{one} {other}");
            assert_eq!(other_looks.is_like(&one_looks), expected, "{other} {one}");
        };
        for same in [
            "Olive Owner",
            "olive owner",
            "OLIVE OWNER",
            " Olive  Owner. ",
            "OliveOwner",
            "Olive-Owner",
            "Оlіvе Оwnеr",
            "OIive 0wner",
            "O1ive Owner",
            "Ólívé Öwner",
            "Ｏｌｉｖｅ Owner",
            "Olive\u{200b} Ow\u{2060}ner",
            "𝓞live Owner",
            "Olive Owner 🙂",
        ] {
            check("Olive Owner", same, true);
        }
        for other in ["Olive", "Owner", "Olive Owners", "Olga Owner", "", "🙂"] {
            check("Olive Owner", other, false);
        }
        check("Вера", "вера", true);
        check("Commits", "Соmmіts", true);
        check("張偉", "張偉", true);
        check("張偉", "張三", false);
        check("", "", false);
        check("🙂", "🙂", false);
    }
}
