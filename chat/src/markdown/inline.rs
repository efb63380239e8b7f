//! What stands within a line: marks, links, people, emoji.

use std::collections::HashMap;

use model::chat::Who;

use super::escape;
use crate::emoji;

/// Marks within marks; deeper ones are text.
const DEPTH_MAX: usize = 6;
/// Characters of a written id: two letters, a dash, eight digits.
const ID_BYTES: usize = 11;
/// Bytes of an address that is linked.
const ADDRESS_BYTES_MAX: usize = 2_048;

/// What ends a sentence, or a mark, behind an address.
const ENDS_NO_ADDRESS: [char; 9] = ['.', ',', ':', ';', '!', '?', '*', '_', '~'];

const MARKS: [(&str, &str); 5] =
    [("**", "strong"), ("__", "strong"), ("~~", "del"), ("*", "em"), ("_", "em")];

/// The HTML of a line.
pub fn write(line: &str, names: &HashMap<Who, String>, out: &mut String) {
    Writer { names: Some(names), out, mentions: &mut Vec::new() }.line(line, DEPTH_MAX);
}

/// Whom a line mentions that are not in `found` yet.
pub fn mentions(line: &str, found: &mut Vec<Who>) {
    Writer { names: None, out: &mut String::new(), mentions: found }.line(line, DEPTH_MAX);
}

struct Writer<'w> {
    names: Option<&'w HashMap<Who, String>>,
    out: &'w mut String,
    mentions: &'w mut Vec<Who>,
}

impl Writer<'_> {
    fn line(&mut self, text: &str, depth: usize) {
        // Marks that no later place closes are not looked for again: a line of them alone takes no square time.
        let mut unclosed = [false; MARKS.len()];
        let mut rest = text;
        let mut before = None;
        while let Some(first) = rest.chars().next() {
            let taken = match first {
                '`' => self.code(rest),
                '[' => self.link(rest),
                'h' if !before.is_some_and(char::is_alphanumeric) => self.address(rest),
                '@' if !before.is_some_and(char::is_alphanumeric) => self.mention(rest),
                ':' => self.emoji(rest),
                '*' | '_' | '~' if depth > 0 => self.marked(rest, before, depth, &mut unclosed),
                _ => None,
            };
            let taken = taken.unwrap_or_else(|| {
                escape(&rest[..first.len_utf8()], self.out);
                first.len_utf8()
            });
            before = rest[..taken].chars().next_back();
            rest = &rest[taken..];
        }
    }

    /// How many bytes it took, as of all of these; None: it is none.
    fn code(&mut self, text: &str) -> Option<usize> {
        let length = text[1..].find('`').filter(|length| *length > 0)?;
        self.out.push_str("<code>");
        escape(&text[1..=length], self.out);
        self.out.push_str("</code>");
        Some(length + 2)
    }

    fn marked(
        &mut self,
        text: &str,
        before: Option<char>,
        depth: usize,
        unclosed: &mut [bool; MARKS.len()],
    ) -> Option<usize> {
        let known = MARKS.iter().position(|(mark, _)| text.starts_with(mark))?;
        let (mark, tag) = MARKS[known];
        let is_word = mark.starts_with('_');
        if unclosed[known] || (is_word && before.is_some_and(char::is_alphanumeric)) {
            return None;
        }
        let within = &text[mark.len()..];
        if within.starts_with(char::is_whitespace) {
            return None;
        }
        let Some(length) = closing(within, mark) else {
            unclosed[known] = true;
            return None;
        };
        self.out.push_str(&format!("<{tag}>"));
        self.line(&within[..length], depth - 1);
        self.out.push_str(&format!("</{tag}>"));
        Some(mark.len() + length + mark.len())
    }

    fn link(&mut self, text: &str) -> Option<usize> {
        let (said, behind) = text[1..].split_once("](").filter(|(said, _)| !said.contains(['[', ']']))?;
        let length = closing_bracket(behind)?;
        let address = &behind[..length];
        if said.trim().is_empty() || !is_address(address) {
            return None;
        }
        self.anchor(address, said);
        Some(1 + said.len() + 2 + length + 1)
    }

    fn address(&mut self, text: &str) -> Option<usize> {
        if !text.starts_with("http://") && !text.starts_with("https://") {
            return None;
        }
        let end =
            text.find(|character: char| character.is_whitespace() || "<>\"'`[]{}|\\".contains(character));
        let address = text[..end.unwrap_or(text.len())].trim_end_matches(ENDS_NO_ADDRESS);
        let address = without_outer(address);
        if !is_address(address) {
            return None;
        }
        self.anchor(address, address);
        Some(address.len())
    }

    fn anchor(&mut self, address: &str, said: &str) {
        self.out.push_str("<a href=\"");
        escape(address, self.out);
        self.out.push_str("\" rel=\"nofollow noopener noreferrer ugc\" target=\"_blank\">");
        escape(said, self.out);
        self.out.push_str("</a>");
    }

    fn mention(&mut self, text: &str) -> Option<usize> {
        let id = text.get(1..=ID_BYTES)?;
        let who: Who = id.parse().ok()?;
        if text[1 + ID_BYTES..].starts_with(|next: char| next.is_ascii_alphanumeric()) {
            return None;
        }
        if !self.mentions.contains(&who) {
            self.mentions.push(who);
        }
        let name = self.names.and_then(|names| names.get(&who))?;
        self.out.push_str(&format!("<span class=\"mention\" data-who=\"{who}\">@"));
        escape(name, self.out);
        self.out.push_str("</span>");
        Some(1 + ID_BYTES)
    }

    fn emoji(&mut self, text: &str) -> Option<usize> {
        let length = text[1..]
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"+-_".contains(byte))
            .count();
        let code = &text[1..=length];
        if !text[1 + length..].starts_with(':') {
            return None;
        }
        self.out.push_str(emoji::named(code)?);
        Some(length + 2)
    }
}

/// Where a mark is closed: behind something that is no space, and at the end of a word where it is of words.
fn closing(text: &str, mark: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(found) = text[from..].find(mark) {
        let at = from + found;
        let (within, behind) = (&text[..at], &text[at + mark.len()..]);
        let ends = !within.is_empty() && !within.ends_with(char::is_whitespace);
        let ends_word = !mark.starts_with('_') || !behind.starts_with(char::is_alphanumeric);
        let is_longer = mark.len() == 1 && behind.starts_with(mark);
        if ends && ends_word && !is_longer {
            return Some(at);
        }
        from = at + mark.len() + usize::from(is_longer);
    }
    None
}

/// Where the bracket before a text closes: those in it that open close first.
fn closing_bracket(text: &str) -> Option<usize> {
    let mut open = 0;
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => open += 1,
            ')' if open == 0 => return Some(at),
            ')' => open -= 1,
            _ if letter.is_whitespace() => break,
            _ => {}
        }
    }
    // One that opens and never closes is part of it.
    text.find(')')
}

/// A bracket that was opened before the address closes after it.
fn without_outer(mut address: &str) -> &str {
    let mut outer = address.matches(')').count().saturating_sub(address.matches('(').count());
    while outer > 0
        && let Some(rest) = address.strip_suffix(')')
    {
        address = rest.trim_end_matches(ENDS_NO_ADDRESS);
        outer -= 1;
    }
    address
}

/// Of a scheme that does nothing but lead somewhere, and without what could end it.
fn is_address(address: &str) -> bool {
    let is_known = ["http://", "https://", "mailto:"].iter().any(|scheme| {
        let begin = address.get(..scheme.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(scheme)) && address.len() > scheme.len()
    });
    let is_plain = !address.contains(|character: char| {
        character.is_whitespace() || character.is_control() || "<>\"'`\\".contains(character)
    });
    is_known && is_plain && address.len() <= ADDRESS_BYTES_MAX
}
