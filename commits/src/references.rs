//! Which conversations a message is about: `#123`, a customer's as `RM-8K2MZQ4T`, a permalink of ours, a trailer `Conversation: 123`;
//! and whether it says that it settles them: `fixes`, `closes` or `resolves` before it.

use model::RoomId;

use crate::limits::{LINK_BYTES_MAX, REFERENCES_MAX};

/// Said before a reference, these settle it.
const CLOSING: [&str; 9] =
    ["fix", "fixes", "fixed", "close", "closes", "closed", "resolve", "resolves", "resolved"];
const TRAILER: &str = "conversation:";
/// Digits of a conversation's number.
const DIGITS_MAX: usize = 12;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub to: Target,
    pub closes: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `#123`
    Number(u64),
    /// `RM-8K2MZQ4T`
    Room(RoomId),
    /// A page of ours, by what stands behind the base address: `rooms/RM-…/12`.
    Page(String),
}

/// What a message refers to, each once, in its order, at most `REFERENCES_MAX`. `base` is the address of this installation,
/// without a slash at its end.
pub fn references(message: &str, base: &str) -> Vec<Reference> {
    let mut found = Vec::new();
    for line in message.lines() {
        let trailer = line.get(..TRAILER.len()).filter(|begin| begin.eq_ignore_ascii_case(TRAILER));
        match trailer {
            Some(_) => of_trailer(&line[TRAILER.len()..], base, &mut found),
            None => of_line(line, base, &mut found),
        }
    }
    found
}

fn of_trailer(value: &str, base: &str, found: &mut Vec<Reference>) {
    for word in value.split([',', ' ']).filter(|word| !word.is_empty()) {
        let bare = word.strip_prefix('#').unwrap_or(word);
        let to = page(word, base).or_else(|| room(bare)).or_else(|| number(bare).map(Target::Number));
        if let Some(to) = to {
            add(found, Reference { to, closes: false });
        }
    }
}

/// Words in turn; what closes goes on over `,`, `and` and `&` from reference to reference. The number of a `pull request` or
/// `merge request` is the forge's own.
fn of_line(line: &str, base: &str, found: &mut Vec<Reference>) {
    let (mut closes, mut is_request) = (false, false);
    for word in line.split_whitespace() {
        let bare = word.trim_matches(|character: char| "()[]{}<>\"'`*_,.;:!?".contains(character));
        let numbered = || bare.strip_prefix('#').and_then(number).map(Target::Number);
        let named = || room(bare.strip_prefix('#').unwrap_or(bare));
        let to = page(bare, base).or_else(named).or_else(numbered);
        match to {
            Some(_) if is_request => {}
            Some(to) => {
                add(found, Reference { to, closes });
                closes &= !word.ends_with(['.', ';', '!', '?']);
            }
            None if matches!(word, "," | "&" | "and") => {}
            None => closes = CLOSING.iter().any(|verb| bare.eq_ignore_ascii_case(verb)),
        }
        is_request = bare.eq_ignore_ascii_case("request");
    }
}

fn number(digits: &str) -> Option<u64> {
    let is_plain =
        (1..=DIGITS_MAX).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain { digits.parse().ok().filter(|number| *number > 0) } else { None }
}

fn room(word: &str) -> Option<Target> {
    word.parse().ok().map(Target::Room)
}

fn page(word: &str, base: &str) -> Option<Target> {
    let path = word.strip_prefix(base).filter(|_| !base.is_empty())?.strip_prefix('/')?;
    let is_kept = !path.is_empty() && word.len() <= LINK_BYTES_MAX;
    is_kept.then(|| Target::Page(path.to_owned()))
}

fn add(found: &mut Vec<Reference>, reference: Reference) {
    match found.iter().position(|known| known.to == reference.to) {
        Some(known) => found[known].closes |= reference.closes,
        None if found.len() < REFERENCES_MAX => found.push(reference),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://watchfire.example";

    /// Written as `12` or, where it closes, `!12`.
    fn check(message: &str, expected: &[&str]) {
        let found: Vec<String> = references(message, BASE)
            .into_iter()
            .map(|Reference { to, closes }| {
                let to = match to {
                    Target::Number(number) => number.to_string(),
                    Target::Room(room) => room.to_string(),
                    Target::Page(path) => path,
                };
                format!("{}{to}", if closes { "!" } else { "" })
            })
            .collect();
        assert_eq!(found, expected, "{message}");
    }

    #[test]
    fn a_number_is_a_conversation() {
        check("Fix the till (#12), see #7 and \"#8\".", &["12", "7", "8"]);
        check("#12", &["12"]);
        check("Merge pull request #12 from acme/till, fixes #3", &["!3"]);
        check("Again #12 #12\n\n#12", &["12"]);
        for none in
            ["acme/shop#12", "&#12;", "#12a", "a#12", "#", "#0", "#-1", "C#", "#1234567890123", "##12"]
        {
            check(none, &[]);
        }
    }

    #[test]
    fn a_verb_before_it_closes() {
        for verb in CLOSING {
            check(&format!("{verb} #3"), &["!3"]);
            check(&format!("This {}: #3", verb.to_uppercase()), &["!3"]);
        }
        check("Fixes #1, #2 and #3. See #4", &["!1", "!2", "!3", "4"]);
        check("see #1, fixes #1", &["!1"]);
        check("fixes the till of #1", &["1"]);
        check("prefix #1", &["1"]);
        check("Fixes\n#1", &["1"]);
    }

    #[test]
    fn a_trailer_names_conversations_without_a_sign() {
        check("Till\n\nConversation: 12\nConversation: #7, 8\nReviewed-by: 9", &["12", "7", "8"]);
        check("conversation: https://watchfire.example/rooms/RM-1/5", &["rooms/RM-1/5"]);
        check("Conversation: none", &[]);
        check("A Conversation: 12", &[]);
    }

    #[test]
    fn a_room_is_a_conversation_with_a_customer() {
        check(
            "Fixes RM-8K2MZQ4T, #RM-8K2MZQ4V. See RM-8K2MZQ4W",
            &["!RM-8K2MZQ4T", "!RM-8K2MZQ4V", "RM-8K2MZQ4W"],
        );
        check("Conversation: RM-8K2MZQ4T, #RM-8K2MZQ4V", &["RM-8K2MZQ4T", "RM-8K2MZQ4V"]);
        for none in
            ["RM-8K2MZQ4", "RM-8K2MZQ4TT", "WF-8K2MZQ4T", "RM8K2MZQ4T", "##RM-8K2MZQ4T", "FRM-8K2MZQ4T"]
        {
            check(none, &[]);
        }
    }

    #[test]
    fn a_permalink_is_one_of_ours() {
        check("closes https://watchfire.example/rooms/RM-1/5.", &["!rooms/RM-1/5"]);
        check("(https://watchfire.example/rooms/RM-1/5)", &["rooms/RM-1/5"]);
        for none in [
            "https://watchfire.example.evil/rooms/1",
            "https://watchfire.example/",
            "https://other.example/rooms/1",
        ] {
            check(none, &[]);
        }
        assert_eq!(references("/rooms/1", ""), []);
    }

    #[test]
    fn references_have_a_maximum() {
        let message = |count: usize| (1..=count).map(|number| format!("#{number} ")).collect::<String>();
        assert_eq!(references(&message(REFERENCES_MAX), BASE).len(), REFERENCES_MAX);
        assert_eq!(references(&message(REFERENCES_MAX + 1), BASE).len(), REFERENCES_MAX);
    }
}
