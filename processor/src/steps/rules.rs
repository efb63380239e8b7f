//! Ordered patterns from a readable table: the first that matches names the thing and its version.

use anyhow::Context;
use ua_parser::user_agent::{Builder, Extractor, Parser};

/// One table's patterns, compiled. A pattern is tried only where a literal part of it occurs,
/// so that a table of a hundred costs little more than the few that may match.
pub struct Rules(Extractor<'static>);

impl Rules {
    /// Compiles a table: a line is name, pattern and optionally version, separated by tabs; the pattern's
    /// group, if any, is the version. Empty lines and lines that start with `#` say nothing.
    /// An error names the line that does not read.
    pub fn read(table: &'static str) -> anyhow::Result<Rules> {
        let mut builder = Builder::new();
        for line in lines(table) {
            let parser = parser(line).with_context(|| format!("no name and pattern: {line}"))?;
            builder = builder.push(parser).with_context(|| format!("bad pattern: {line}"))?;
        }
        Ok(Rules(builder.build()?))
    }

    /// Name and version of the first pattern that matches; the version is empty where it is not told.
    pub fn find<'a>(&'a self, agent: &'a str) -> Option<(&'a str, &'a str)> {
        let found = self.0.extract(agent)?;
        let std::borrow::Cow::Borrowed(name) = found.family else { return None };
        Some((name, found.major.unwrap_or_default()))
    }
}

/// The lines of a table that say something.
pub fn lines(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn parser(line: &'static str) -> Option<Parser<'static>> {
    let mut fields = line.split('\t');
    let (name, pattern) = (fields.next()?, fields.next()?);
    Some(Parser {
        // The parser reads the version from a pattern's second group; the table's patterns have one.
        regex: format!("({pattern})").into(),
        family_replacement: Some(name.into()),
        v1_replacement: fields.next().map(Into::into),
        ..Parser::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_pattern_that_matches_decides() {
        let rules = Rules::read("# note\n\nA\tabc/(\\d+)\nB\tabc\nC\txyz\t7\n").unwrap();
        assert_eq!(rules.find("abc/12"), Some(("A", "12")));
        assert_eq!(rules.find("abc/x"), Some(("B", "")));
        assert_eq!(rules.find("xyz 3"), Some(("C", "7")));
        assert_eq!(rules.find("ab"), None);
    }

    #[test]
    fn a_line_that_does_not_read_is_named() {
        let error = |table| Rules::read(table).err().map(|error| error.to_string());
        assert_eq!(error("A"), Some("no name and pattern: A".into()));
        assert_eq!(error("A\t("), Some("bad pattern: A\t(".into()));
    }
}
