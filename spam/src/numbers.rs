//! Numbers that a message asks to be called or written to, and amounts of money.

/// Digits of a number that can be called, and of one that only takes texts.
const CALLED: std::ops::RangeInclusive<usize> = 9..=13;
const SHORT: std::ops::RangeInclusive<usize> = 5..=6;
/// Said before a number, these ask to call it or write to it.
const CALLING: [&str; 16] = [
    "call",
    "ring",
    "dial",
    "phone",
    "tel",
    "telephone",
    "text",
    "txt",
    "sms",
    "whatsapp",
    "landline",
    "anrufen",
    "llame",
    "appelez",
    "звоните",
    "телефон",
];
const TEXTING: [&str; 7] = ["text", "txt", "send", "reply", "sms", "word", "msg"];
const CURRENCIES: &[char] = &['$', '£', '€', '₹', '¥', '₽', '₿', '₦'];
/// Words between the asking and the number.
const DISTANCE: usize = 5;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// A number that somebody could be called at.
    pub called: bool,
    /// One that the message asks to call or to write to.
    pub asked: bool,
    /// One that costs: 0900, 0871, 1-900 and their like.
    pub premium: bool,
    /// One of five or six digits that the message asks to send a text to.
    pub short: bool,
    pub money: bool,
    /// `£££`
    pub money_drawn: bool,
}

impl Numbers {
    /// Of one line, in lower case.
    pub(crate) fn read(&mut self, line: &str) {
        self.money_drawn |= line.contains("$$$") || line.contains("£££") || line.contains("€€€");
        if !line.bytes().any(|byte| byte.is_ascii_digit()) {
            return;
        }
        let pieces: Vec<&str> = line.split_whitespace().collect();
        let has_digit = |piece: &&str| piece.bytes().any(|byte| byte.is_ascii_digit());
        for (at, piece) in pieces.iter().enumerate().filter(|(_, piece)| has_digit(piece)) {
            let before = &pieces[at.saturating_sub(DISTANCE)..at];
            self.money |= is_money(piece, pieces.get(at + 1).copied().unwrap_or_default());
            self.short |= is_short(piece, before);
            let starts =
                number(piece).is_some() && before.last().is_none_or(|before| number(before).is_none());
            if starts {
                self.called(&pieces[at..], before);
            }
        }
    }

    /// A number may be written in groups.
    fn called(&mut self, pieces: &[&str], before: &[&str]) {
        let mut digits = String::new();
        for group in pieces.iter().map_while(|piece| number(piece)) {
            digits.extend(group.chars().filter(char::is_ascii_digit));
            if digits.len() > *CALLED.end() {
                break;
            }
        }
        if !CALLED.contains(&digits.len()) || is_date(pieces[0]) {
            return;
        }
        self.called = true;
        self.premium |= is_premium(&digits);
        self.asked |= asks(before, &CALLING);
    }
}

/// The digits and what parts them, of a piece that has nothing else: `+44`, `(0)20`, `7946-0018`.
fn number(piece: &str) -> Option<&str> {
    let bare = piece.trim_matches([',', '.', ';', '!', '?', ':', '"', '\'', '*']);
    let is_number = bare.contains(|letter: char| letter.is_ascii_digit())
        && bare.chars().all(|letter| letter.is_ascii_digit() || "+-.()/".contains(letter));
    is_number.then_some(bare)
}

/// Groups of a day: `2024-05-01`, `01.05.2024`, `1/5/24`.
fn is_date(piece: &str) -> bool {
    let groups: Vec<&str> = piece.split(['-', '.', '/']).filter(|group| !group.is_empty()).collect();
    groups.len() == 3 && groups.iter().filter(|group| group.len() <= 2).count() >= 2
}

/// Of countries whose numbers say that they cost.
fn is_premium(digits: &str) -> bool {
    let national = digits.strip_prefix("44").or_else(|| digits.strip_prefix("0044"));
    let british = match national {
        Some(rest) => digits.len() == 12 && (rest.starts_with('9') || rest.starts_with("87")),
        None => digits.len() == 11 && (digits.starts_with("09") || digits.starts_with("087")),
    };
    british || digits.len() == 11 && digits.starts_with("1900") || digits.starts_with("0900")
}

/// Whether these words ask for it, and not for the other way round: `call me on 020 …`.
fn asks(before: &[&str], words: &[&str]) -> bool {
    let bare = |word: &&str| word.trim_matches(|letter: char| !letter.is_alphanumeric()).to_owned();
    let before: Vec<String> = before.iter().map(bare).collect();
    let Some(at) = before.iter().rposition(|word| words.contains(&word.as_str())) else { return false };
    !before[at..].iter().any(|word| word == "me" || word == "my")
        && !before[..at].iter().any(|word| word == "my")
}

fn is_short(piece: &str, before: &[&str]) -> bool {
    let digits = piece.trim_matches(|letter: char| !letter.is_ascii_digit());
    let leads = before
        .last()
        .is_some_and(|word| matches!(*word, "to" | "2" | "on" | "no" | "no." | "an" | "al" | "au"));
    SHORT.contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && leads
        && asks(before, &TEXTING)
}

/// Of a piece with a digit, and the one behind it.
fn is_money(piece: &str, after: &str) -> bool {
    let named = ["usd", "eur", "gbp", "dollars", "euros", "pounds", "euro", "рублей", "руб"];
    piece.contains(CURRENCIES) || named.contains(&after.trim_matches(|letter: char| !letter.is_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Numbers) {
        let mut numbers = Numbers::default();
        numbers.read(line);
        assert_eq!(numbers, expected, "{line}");
    }

    #[test]
    fn numbers_are_told_apart() {
        let none = Numbers::default();
        let called = Numbers { called: true, ..none };
        check("my number is +44 20 7946 0018", called);
        check("please call me on 020 7946 0018", called);
        check("call 020 7946 0018 now", Numbers { asked: true, ..called });
        check("just ring (020) 7946-0018!", Numbers { asked: true, ..called });
        check("call 09011234567", Numbers { asked: true, premium: true, ..called });
        check("text win to 80123", Numbers { short: true, ..none });
        check("send yes to 80123 today", Numbers { short: true, ..none });
        check("i want to move to 80123 munich", none);
        check("you win £1000", Numbers { money: true, ..none });
        check("500 euros", Numbers { money: true, ..none });
        check("£££ for you", Numbers { money_drawn: true, ..none });
    }

    #[test]
    fn other_numbers_are_none() {
        for line in [
            "on 2024-05-01 12:00:01",
            "order 12345",
            "card 4929 1234 5678 9012",
            "version 1.2.3",
            "01.05.2024 10",
            "",
            "call me",
        ] {
            check(line, Numbers::default());
        }
    }
}
