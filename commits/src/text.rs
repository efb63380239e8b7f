//! Texts and links from outside, made harmless and cut to what is kept. Never makes HTML: that is for whoever shows them.

use url::Url;

use crate::limits;

/// What stands at the end of a text that was cut.
const CUT: &str = "…";

/// One line: whatever breaks it is a space, whatever turns its direction or cannot be seen is gone. Cut at `bytes_max`.
pub fn line(text: &str, bytes_max: usize) -> String {
    let mut out = String::new();
    for character in text.chars() {
        // Nothing behind this many bytes can still be kept.
        if out.len() > bytes_max {
            break;
        }
        match character {
            _ if character.is_whitespace() => {
                if !out.is_empty() && !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            _ if is_hidden(character) => {}
            _ => out.push(character),
        }
    }
    out.truncate(out.trim_end().len());
    cut(out, bytes_max)
}

/// Several lines; what cannot be seen is gone. Cut at `MESSAGE_BYTES_MAX`.
pub fn message(text: &str) -> String {
    let mut out = String::new();
    for character in text.trim().chars() {
        if out.len() > limits::MESSAGE_BYTES_MAX {
            break;
        }
        if matches!(character, '\n' | '\t') || !is_hidden(character) {
            out.push(character);
        }
    }
    cut(out, limits::MESSAGE_BYTES_MAX)
}

/// The name of a person, a repository, a branch.
pub fn name(text: &str) -> String {
    line(text, limits::NAME_BYTES_MAX)
}

/// A commit's id as forges write it: letters and digits. None for anything else.
pub fn id(text: &str) -> Option<String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_plain && !text.is_empty() && text.len() <= limits::ID_BYTES_MAX).then(|| text.to_owned())
}

/// An address of http or https that leads where it says, without a user in it. None for anything else.
pub fn link(text: &str) -> Option<String> {
    if text.len() > limits::LINK_BYTES_MAX {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    let is_open = url.username().is_empty() && url.password().is_none();
    let written = String::from(url);
    (is_web && is_open && written.len() <= limits::LINK_BYTES_MAX).then_some(written)
}

fn cut(mut text: String, bytes_max: usize) -> String {
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max.saturating_sub(CUT.len())));
        text.push_str(CUT);
    }
    text
}

/// Controls, and what turns the direction of the text behind it or has no width.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_that_can_be_seen() {
        assert_eq!(line("  Fix\r\n\tthe  till ", 100), "Fix the till");
        assert_eq!(line("ma\u{202E}in\u{0}\u{200B}", 100), "main");
        assert_eq!(line("\u{7}\n", 100), "");
        assert_eq!(line("שלום", 100), "שלום");
    }

    #[test]
    fn a_text_is_cut_behind_its_maximum_and_at_a_character() {
        assert_eq!(name(&"a".repeat(limits::NAME_BYTES_MAX)), "a".repeat(limits::NAME_BYTES_MAX));
        let cut = name(&"a".repeat(limits::NAME_BYTES_MAX + 1));
        assert_eq!(cut, format!("{}…", "a".repeat(limits::NAME_BYTES_MAX - CUT.len())));
        assert!(name(&"é".repeat(limits::NAME_BYTES_MAX)).len() <= limits::NAME_BYTES_MAX);
        assert_eq!(message(&"b\n".repeat(10_000)).len(), limits::MESSAGE_BYTES_MAX);
        assert_eq!(message(" a\n\tb\r\n\u{0}c \n"), "a\n\tb\nc");
    }

    #[test]
    fn an_id_is_letters_and_digits() {
        assert_eq!(id("6113728f"), Some("6113728f".into()));
        assert_eq!(id(&"a".repeat(limits::ID_BYTES_MAX)).map(|id| id.len()), Some(limits::ID_BYTES_MAX));
        for bad in ["", "a b", "../x", "<b>", &"a".repeat(limits::ID_BYTES_MAX + 1)] {
            assert_eq!(id(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_link_leads_into_the_web() {
        assert_eq!(link("https://forge.example/a b"), Some("https://forge.example/a%20b".into()));
        assert_eq!(link("HTTP://forge.example"), Some("http://forge.example/".into()));
        for bad in [
            "",
            "javascript:alert(1)",
            "data:text/html,x",
            "//forge.example/x",
            "https://",
            "https://forge.example@evil.example/",
            "ssh://forge.example/x",
        ] {
            assert_eq!(link(bad), None, "{bad}");
        }
        let fits = format!("https://a/{}", "x".repeat(limits::LINK_BYTES_MAX - 10));
        assert_eq!(link(&fits), Some(fits.clone()));
        assert_eq!(link(&format!("{fits}x")), None);
    }
}
