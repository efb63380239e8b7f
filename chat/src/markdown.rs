//! What people write, as HTML that is safe to show: a small part of Markdown, and nothing of HTML itself.
//!
//! Blocks: paragraphs, whose line breaks stay, fenced code (see `code`), quotes, lists. Within them: `code`, **strong**, *emphasis*,
//! ~~struck~~, links to http, https and mailto, addresses as they stand, `:emoji:`, and people as `@AC-…`. Whatever is none of these is text.
//! Every character of the text goes through `escape`, every tag is written here; so nothing that is typed becomes a tag.

mod code;
mod inline;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use model::chat::Who;

/// Quotes in quotes and lists in quotes; deeper ones are text.
const DEPTH_MAX: usize = 4;

/// The HTML of a text; people by the names they have, others as they are written.
pub fn html(text: &str, names: &HashMap<Who, String>) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 4 + 16);
    let lines: Vec<&str> = text.lines().collect();
    blocks(&lines, names, DEPTH_MAX, &mut out);
    out
}

/// A text as it reads, without its marks and line breaks: for where no HTML is shown.
pub fn words(text: &str, names: &HashMap<Who, String>) -> String {
    let html = html(text, names);
    let mut bare = String::with_capacity(html.len());
    let mut rest = html.as_str();
    // What is typed has no `<` of its own here: each begins a tag of ours.
    while let Some((before, tag)) = rest.split_once('<') {
        bare.push_str(before);
        let Some((tag, behind)) = tag.split_once('>') else { break };
        if matches!(tag, "br" | "/p" | "/li" | "/pre" | "/blockquote") {
            bare.push(' ');
        }
        rest = behind;
    }
    bare.push_str(rest);
    for (entity, character) in
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
    {
        bare = bare.replace(entity, character);
    }
    bare.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The HTML of a paste: its characters, and marks where it reads as code.
pub fn paste(text: &str) -> String {
    let mut out = String::from("<pre><code>");
    code::write(text, "", &mut out);
    out.push_str("</code></pre>");
    out
}

/// Whom a text mentions, each once, in its order; not those in code.
pub fn mentions(text: &str) -> Vec<Who> {
    let mut found = Vec::new();
    let mut in_fence = false;
    for line in text.lines() {
        if is_fence(line) {
            in_fence = !in_fence;
        } else if !in_fence {
            inline::mentions(line, &mut found);
        }
    }
    found
}

/// Text as it stands in HTML, also within a quoted attribute.
pub fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(character),
            // No browser shows these, and some of them it takes for something else.
            control if control.is_control() => out.push('\u{FFFD}'),
            other => out.push(other),
        }
    }
}

fn is_fence(line: &str) -> bool {
    line.trim_start().starts_with("```")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Paragraph,
    Quote,
    List,
    Numbered,
}

fn blocks(lines: &[&str], names: &HashMap<Who, String>, depth: usize, out: &mut String) {
    let mut rest = lines;
    while let Some(first) = rest.first() {
        if first.trim().is_empty() {
            rest = &rest[1..];
        } else if is_fence(first) {
            rest = fence(rest, out);
        } else {
            let block = block_of(first, depth);
            let same =
                |line: &&&str| !line.trim().is_empty() && !is_fence(line) && block_of(line, depth) == block;
            let (these, behind) = rest.split_at(rest.iter().take_while(same).count());
            write_block(block, these, names, depth, out);
            rest = behind;
        }
    }
}

fn block_of(line: &str, depth: usize) -> Block {
    match () {
        () if depth == 0 => Block::Paragraph,
        () if quoted(line).is_some() => Block::Quote,
        () if listed(line).is_some() => Block::List,
        () if numbered(line).is_some() => Block::Numbered,
        () => Block::Paragraph,
    }
}

fn quoted(line: &str) -> Option<&str> {
    let behind = line.strip_prefix('>')?;
    Some(behind.strip_prefix(' ').unwrap_or(behind))
}

fn listed(line: &str) -> Option<&str> {
    let line = line.trim_start();
    line.strip_prefix("- ").or_else(|| line.strip_prefix("* "))
}

fn numbered(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    if !(1..=3).contains(&digits) {
        return None;
    }
    line[digits..].strip_prefix(". ")
}

fn write_block(block: Block, lines: &[&str], names: &HashMap<Who, String>, depth: usize, out: &mut String) {
    let list = |tag: &str, item: fn(&str) -> Option<&str>, out: &mut String| {
        out.push_str(&format!("<{tag}>"));
        for line in lines.iter().filter_map(|line| item(line)) {
            out.push_str("<li>");
            inline::write(line, names, out);
            out.push_str("</li>");
        }
        out.push_str(&format!("</{tag}>"));
    };
    match block {
        Block::Quote => {
            let within: Vec<&str> = lines.iter().filter_map(|line| quoted(line)).collect();
            out.push_str("<blockquote>");
            blocks(&within, names, depth - 1, out);
            out.push_str("</blockquote>");
        }
        Block::List => list("ul", listed, out),
        Block::Numbered => list("ol", numbered, out),
        Block::Paragraph => {
            out.push_str("<p>");
            for (index, line) in lines.iter().enumerate() {
                if index > 0 {
                    out.push_str("<br>");
                }
                inline::write(line, names, out);
            }
            out.push_str("</p>");
        }
    }
}

/// Up to the closing fence, or to the end where there is none. What is behind it.
fn fence<'l, 't>(lines: &'l [&'t str], out: &mut String) -> &'l [&'t str] {
    let within = &lines[1..];
    let end = within.iter().position(|line| is_fence(line));
    let code = &within[..end.unwrap_or(within.len())];
    let language = lines[0].trim_start().trim_start_matches('`').trim();
    out.push_str("<pre><code>");
    code::write(&code.join("\n"), language, out);
    out.push_str("</code></pre>");
    match end {
        Some(end) => &within[end + 1..],
        None => &[],
    }
}
