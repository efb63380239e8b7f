//! Emoji by their shortcodes: `:tada:` is 🎉.

const CODES: &str = include_str!("emoji.tsv");
/// Bytes of the longest code.
const CODE_BYTES_MAX: usize = 20;

/// The emoji of a code, without its colons.
pub fn named(code: &str) -> Option<&'static str> {
    if code.len() > CODE_BYTES_MAX {
        return None;
    }
    let mut known = CODES.lines().filter_map(|line| line.split_once('\t'));
    known.find(|(name, _)| *name == code).map(|(_, emoji)| emoji)
}

/// All, by name: for who offers them.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    CODES.lines().filter_map(|line| line.split_once('\t'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::limits::EMOJI_BYTES_MAX;

    #[test]
    fn every_code_is_there_once_and_can_be_reacted_with() {
        let mut names = std::collections::HashSet::new();
        for (name, emoji) in all() {
            assert!(names.insert(name) && name.len() <= CODE_BYTES_MAX, "{name}");
            assert!(
                name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-_".contains(&byte)),
                "{name}"
            );
            assert!((1..=EMOJI_BYTES_MAX).contains(&emoji.len()) && !emoji.is_ascii(), "{name}");
            assert_eq!(named(name), Some(emoji));
        }
        assert_eq!(named("tada"), Some("🎉"));
        assert_eq!(named("no such"), None);
    }
}
