//! A telling in the part of Markdown that rooms know. Names are code, which nothing in them ends; links say what has no
//! bracket; so no text of a forge becomes a mark, a link or a mention.

use super::{Line, Piece, Telling};

impl Telling {
    /// The heading, then a list.
    pub fn markdown(&self) -> String {
        let mut out = String::new();
        write(&self.heading, &mut out);
        for line in &self.lines {
            out.push_str("\n- ");
            write(line, &mut out);
        }
        out
    }
}

fn write(line: &Line, out: &mut String) {
    for piece in line {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Person(name) => out.push_str(&format!("**{}**", plain(name))),
            Piece::Name(name) => out.push_str(&format!("`{}`", name.replace('`', "ʼ"))),
            Piece::Link { said, to } => out.push_str(&format!("[{}]({})", plain(said), address(to))),
        }
    }
}

/// Without what would be a mark: those that look the same stand in for them.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        out.push(match character {
            '[' => '(',
            ']' => ')',
            '`' => 'ʼ',
            '*' => '∗',
            '_' => '＿',
            '~' => '∼',
            '@' => '＠',
            ':' => '∶',
            '<' => '‹',
            '>' => '›',
            other => other,
        });
    }
    out
}

/// An address is plain ASCII without quotes; only brackets could end it.
fn address(to: &str) -> String {
    to.replace('(', "%28").replace(')', "%29").replace('\'', "%27").replace('`', "%60").replace('\\', "%5C")
}
