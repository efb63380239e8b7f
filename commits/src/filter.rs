//! Which repositories and branches a room wants to hear of: patterns with `*` for any characters and `?` for one.

use crate::limits::{PATTERN_BYTES_MAX, PATTERNS_MAX};

/// Patterns by spaces or commas; `!` before one takes away what it matches. Without any that takes, all is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    takes: Vec<String>,
    leaves: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFilter {
    #[error("at most {max} patterns")]
    Patterns { max: usize },
    #[error("a pattern has at most {max} bytes")]
    Long { max: usize },
    #[error("`!` stands before a pattern")]
    Empty,
}

impl Filter {
    pub fn of(text: &str) -> Result<Filter, BadFilter> {
        let mut filter = Filter::default();
        for (index, word) in
            text.split([',', ' ', '\n', '\t', '\r']).filter(|word| !word.is_empty()).enumerate()
        {
            if index == PATTERNS_MAX {
                return Err(BadFilter::Patterns { max: PATTERNS_MAX });
            }
            let (patterns, pattern) = match word.strip_prefix('!') {
                Some("") => return Err(BadFilter::Empty),
                Some(pattern) => (&mut filter.leaves, pattern),
                None => (&mut filter.takes, word),
            };
            if pattern.len() > PATTERN_BYTES_MAX {
                return Err(BadFilter::Long { max: PATTERN_BYTES_MAX });
            }
            patterns.push(pattern.to_lowercase());
        }
        Ok(filter)
    }

    /// Whether every name passes.
    pub fn passes_all(&self) -> bool {
        self.leaves.is_empty() && (self.takes.is_empty() || self.takes.iter().any(|pattern| pattern == "*"))
    }

    /// Whether a name passes, in either case of its letters.
    pub fn passes(&self, name: &str) -> bool {
        let name: Vec<char> = name.to_lowercase().chars().collect();
        let matched = |pattern: &String| matches(pattern, &name);
        (self.takes.is_empty() || self.takes.iter().any(matched)) && !self.leaves.iter().any(matched)
    }
}

/// At most pattern times name steps: only the last star is ever taken back to.
fn matches(pattern: &str, name: &[char]) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let (mut at, mut name_at) = (0, 0);
    let mut star = None;
    while name_at < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, name_at));
                at += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == name[name_at] => {
                at += 1;
                name_at += 1;
            }
            _ => match star {
                Some((star_at, from)) => {
                    star = Some((star_at, from + 1));
                    at = star_at + 1;
                    name_at = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&rest| rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(filter: &str, passes: &[&str], stays: &[&str]) {
        let filter = Filter::of(filter).unwrap();
        for name in passes {
            assert!(filter.passes(name), "{filter:?} {name}");
        }
        for name in stays {
            assert!(!filter.passes(name), "{filter:?} {name}");
        }
    }

    #[test]
    fn patterns_take_and_leave() {
        check("", &["main", ""], &[]);
        check("main", &["main", "Main"], &["main2", "amain", ""]);
        check("main, release/*", &["main", "release/1", "release/a/b", "release/"], &["release", "dev"]);
        check("!wip/*", &["main"], &["wip/x"]);
        check("* !*/tmp", &["a/b"], &["a/tmp"]);
        check("v?.*", &["v1.0", "vé.x"], &["v10.0", "v1"]);
        check("*a*b*", &["ab", "xaxbx", "aab"], &["ba", "a"]);
        check("**", &["", "x"], &[]);
    }

    #[test]
    fn a_filter_may_pass_all() {
        for (text, all) in [("", true), ("main *", true), ("main", false), ("!wip", false), ("* !wip", false)]
        {
            assert_eq!(Filter::of(text).unwrap().passes_all(), all, "{text}");
        }
    }

    #[test]
    fn a_filter_has_maxima() {
        let patterns = |count: usize| "a ".repeat(count);
        assert!(Filter::of(&patterns(PATTERNS_MAX)).is_ok());
        assert_eq!(Filter::of(&patterns(PATTERNS_MAX + 1)), Err(BadFilter::Patterns { max: PATTERNS_MAX }));
        assert!(Filter::of(&"a".repeat(PATTERN_BYTES_MAX)).is_ok());
        let long = format!("!{}", "a".repeat(PATTERN_BYTES_MAX + 1));
        assert_eq!(Filter::of(&long), Err(BadFilter::Long { max: PATTERN_BYTES_MAX }));
        assert_eq!(Filter::of("a !"), Err(BadFilter::Empty));
    }

    #[test]
    fn a_pattern_of_stars_takes_no_square_of_squares() {
        let filter = Filter::of(&"*a".repeat(PATTERN_BYTES_MAX / 2)).unwrap();
        let name = format!("{}b", "a".repeat(5_000));
        let started = std::time::Instant::now();
        assert!(!filter.passes(&name));
        assert!(started.elapsed().as_secs() < 2);
    }
}
