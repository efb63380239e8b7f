//! Rules: when a site speaks to a visitor first, and what it says.

use serde::{Deserialize, Serialize};

use crate::{AccountId, RuleId, SiteId, VisitorId};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    pub id: RuleId,
    /// At most `NAME_BYTES_MAX`.
    pub name: String,
    pub on: bool,
    /// What is said; at most `RULE_WORDS_BYTES_MAX`.
    pub words: String,
    /// Who says it; None: the site.
    pub agent: Option<AccountId>,
    pub when: Occasion,
    /// To how many visitors it was said, and how many of them began a conversation with it.
    #[serde(default)]
    pub shown: u64,
    #[serde(default)]
    pub answered: u64,
}

/// All that is named has to be so; at least one is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Occasion {
    /// The path of the page that they are on; a `*` stands for any run of characters. At most `URL_BYTES_MAX`.
    pub path: Option<String>,
    /// So long they have been on it; at most `RULE_SECONDS_MAX`.
    pub seconds: Option<u32>,
    /// Of what brought them, without regard to case: each at most `NAME_BYTES_MAX`.
    pub campaign: Option<String>,
    pub source: Option<String>,
    /// Two letters, as they count.
    pub country: Option<String>,
    pub past: Option<Past>,
}

/// Whether the visitor had a visit before this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Past {
    New,
    Returning,
}

impl Occasion {
    pub fn is_any(&self) -> bool {
        *self == Occasion::default()
    }
}

/// What a rule said to a visitor, and how it is known that it did: kept nowhere, and believed by its proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    pub site: SiteId,
    pub rule: RuleId,
    pub visitor: VisitorId,
    pub agent: Option<AccountId>,
    pub words: String,
}

/// `*` in a pattern stands for any run of characters. Each part is found at its first place behind the one before, which is enough where parts are
/// plain, and takes linear time a part.
pub fn is_like(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, path, expected) in [
            ("/tea", "/tea", true),
            ("/tea", "/tea/green", false),
            ("/tea*", "/tea/green", true),
            ("*green", "/tea/green", true),
            ("/t*a/*n", "/tea/green", true),
            ("/t*x*n", "/tea/green", false),
            ("*", "", true),
            ("", "/", false),
            ("/aa*aa", "/aaa", false),
        ] {
            assert_eq!(is_like(pattern, path), expected, "{pattern} {path}");
        }
    }
}
