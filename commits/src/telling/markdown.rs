//! A telling in the part of Markdown that rooms know. Names are code, which nothing in them ends; links say what has no
//! bracket; so no text of a forge becomes a mark, a link or a mention.

use super::{Line, Piece, Telling};

const ITEM: &str = "\n- ";
/// In the place of lines that there is no room for.
const CUT: &str = "\n- …";

impl Telling {
    /// The heading, which is there whatever the maximum, then a list. Lines past it are left out, with a mark.
    pub fn markdown(&self, bytes_max: usize) -> String {
        let mut out = written(&self.heading);
        for (index, line) in self.lines.iter().enumerate() {
            let line = written(line);
            let is_last = index + 1 == self.lines.len();
            let room = if is_last { 0 } else { CUT.len() };
            if out.len() + ITEM.len() + line.len() + room > bytes_max {
                out.push_str(CUT);
                break;
            }
            out.push_str(ITEM);
            out.push_str(&line);
        }
        out
    }
}

fn written(line: &Line) -> String {
    let mut out = String::new();
    for piece in line {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Person(name) => out.push_str(&format!("**{}**", plain(name))),
            Piece::Name(name) => out.push_str(&format!("`{}`", name.replace('`', "ʼ"))),
            Piece::Link { said, to } => out.push_str(&format!("[{}]({})", plain(said), address(to))),
        }
    }
    out
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
