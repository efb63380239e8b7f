//! Code as HTML in which its words, texts, numbers and remarks are told apart, and what a diff adds and takes away. By marks that most
//! languages share, and by no one's grammar: where it errs a colour is wrong, never a character.

use super::escape;

/// What is marked of one text; the rest of it is plain.
const MARKS_MAX: usize = 2_000;
/// A text between marks; a longer one is plain.
const TEXT_CHARS_MAX: usize = 500;
/// Lines by which a text is judged to be code.
const LINES_JUDGED_MAX: usize = 200;
/// Names behind a fence by which its text is no code.
const NO_CODE: [&str; 5] = ["log", "plain", "plaintext", "text", "txt"];

/// In the order of their letters.
const WORDS: [&str; 138] = [
    "ALTER",
    "AND",
    "AS",
    "BEGIN",
    "BY",
    "COMMIT",
    "CREATE",
    "DELETE",
    "DISTINCT",
    "DROP",
    "FROM",
    "False",
    "GROUP",
    "HAVING",
    "IN",
    "INDEX",
    "INNER",
    "INSERT",
    "INTO",
    "IS",
    "JOIN",
    "LEFT",
    "LIMIT",
    "NOT",
    "NULL",
    "None",
    "ON",
    "OR",
    "ORDER",
    "ROLLBACK",
    "SELECT",
    "SET",
    "TABLE",
    "True",
    "UNION",
    "UPDATE",
    "VALUES",
    "WHERE",
    "abstract",
    "and",
    "as",
    "async",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "def",
    "default",
    "defer",
    "del",
    "delete",
    "do",
    "done",
    "dyn",
    "elif",
    "else",
    "end",
    "enum",
    "esac",
    "except",
    "export",
    "extends",
    "extern",
    "false",
    "fi",
    "final",
    "finally",
    "fn",
    "for",
    "foreach",
    "from",
    "func",
    "function",
    "global",
    "go",
    "goto",
    "if",
    "impl",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "is",
    "lambda",
    "let",
    "loop",
    "match",
    "mod",
    "module",
    "mut",
    "namespace",
    "new",
    "nil",
    "not",
    "null",
    "of",
    "or",
    "package",
    "pass",
    "private",
    "protected",
    "pub",
    "public",
    "raise",
    "require",
    "return",
    "select",
    "self",
    "static",
    "struct",
    "super",
    "switch",
    "then",
    "this",
    "throw",
    "throws",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "union",
    "unless",
    "unsafe",
    "until",
    "use",
    "using",
    "var",
    "void",
    "when",
    "where",
    "while",
    "with",
    "yield",
];

/// Writes a text, marked if it reads as code. `language`: as it stands behind a fence; any one says that it is code.
pub fn write(text: &str, language: &str, out: &mut String) {
    if NO_CODE.contains(&language) {
        escape(text, out);
    } else if text.lines().any(|line| line.starts_with("@@ -")) {
        write_diff(text, out);
    } else if !language.is_empty() || reads_as_code(text) {
        write_code(text, out);
    } else {
        escape(text, out);
    }
}

/// Half of its lines, or more, are such as hardly anybody writes to somebody.
fn reads_as_code(text: &str) -> bool {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).take(LINES_JUDGED_MAX);
    let (mut code, mut all) = (0, 0);
    for line in lines {
        all += 1;
        let ends = line.ends_with(['{', '}', '(', ')', '[', ']', ';', '\\']) || line.ends_with("/>");
        let holds =
            [" = ", "==", "=>", "->", "::", "();", "</", "&&", "\": "].iter().any(|mark| line.contains(mark));
        code += usize::from(ends || holds);
    }
    all > 0 && code * 2 >= all
}

fn write_diff(text: &str, out: &mut String) {
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
        }
        match line.as_bytes().first() {
            Some(b'+') if index < MARKS_MAX => mark("added", line, out),
            Some(b'-') if index < MARKS_MAX => mark("taken", line, out),
            Some(b'@') if index < MARKS_MAX => mark("remark", line, out),
            _ => escape(line, out),
        }
    }
}

fn write_code(text: &str, out: &mut String) {
    let (mut at, mut plain, mut before, mut marks) = (0, 0, '\n', 0);
    while let Some(first) = text[at..].chars().next() {
        let token = token(&text[at..], first, before).filter(|_| marks < MARKS_MAX);
        let Some((kind, bytes)) = token else {
            before = first;
            at += first.len_utf8();
            continue;
        };
        escape(&text[plain..at], out);
        let token = &text[at..at + bytes];
        mark(kind, token, out);
        at += bytes;
        (plain, marks, before) = (at, marks + 1, token.chars().next_back().unwrap_or('\n'));
    }
    escape(&text[plain..], out);
}

fn mark(kind: &str, text: &str, out: &mut String) {
    out.push_str("<span class=\"code-");
    out.push_str(kind);
    out.push_str("\">");
    escape(text, out);
    out.push_str("</span>");
}

/// What begins here, and its bytes; at least one.
fn token(rest: &str, first: char, before: char) -> Option<(&'static str, usize)> {
    let line = || rest.find('\n').unwrap_or(rest.len());
    let up_to =
        |end: &str, from: usize| rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len());
    match first {
        '/' if rest.starts_with("/*") => Some(("remark", up_to("*/", 2))),
        '/' if rest.starts_with("//") && before != ':' => Some(("remark", line())),
        '<' if rest.starts_with("<!--") => Some(("remark", up_to("-->", 4))),
        '#' if before.is_whitespace() && rest[1..].starts_with([' ', '!']) => Some(("remark", line())),
        '-' if before.is_whitespace() && rest.starts_with("-- ") => Some(("remark", line())),
        '"' if rest.starts_with("\"\"\"") => Some(("text", up_to("\"\"\"", 3))),
        '"' | '`' => quoted(rest, first).map(|bytes| ("text", bytes)),
        // Else it is an apostrophe, or the name of a lifetime.
        '\'' if !is_of_word(before) => quoted(rest, first)
            .filter(|bytes| !rest[*bytes..].starts_with(is_of_word))
            .map(|bytes| ("text", bytes)),
        _ if is_of_word(before) || !is_of_word(first) => None,
        '0'..='9' => {
            Some(("number", rest.find(|next| !is_of_word(next) && next != '.').unwrap_or(rest.len())))
        }
        _ => {
            let word = rest.find(|next| !is_of_word(next)).unwrap_or(rest.len());
            WORDS.binary_search(&&rest[..word]).ok().map(|_| ("word", word))
        }
    }
}

/// Bytes up to the same mark again on this line, which no backslash stands before.
fn quoted(rest: &str, mark: char) -> Option<usize> {
    let mut is_escaped = false;
    for (at, character) in rest.char_indices().skip(1).take(TEXT_CHARS_MAX) {
        match character {
            '\n' => return None,
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if character == mark => return Some(at + mark.len_utf8()),
            _ => {}
        }
    }
    None
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str, language: &str) -> String {
        let mut out = String::new();
        write(text, language, &mut out);
        out.replace("<span class=\"code-", "[").replace("</span>", "]").replace("\">", ":")
    }

    fn check(text: &str, expected: &str) {
        assert_eq!(marked(text, "any"), expected);
    }

    #[test]
    fn words_are_in_order() {
        assert!(WORDS.is_sorted());
    }

    #[test]
    fn what_code_is_made_of_is_told_apart() {
        check("let a = 12.5;", "[word:let] a = [number:12.5];");
        check("letter x1 if_", "letter x1 if_");
        check(
            "return \"a \\\" b\" + 'c'",
            "[word:return] [text:&quot;a \\&quot; b&quot;] + [text:&#39;c&#39;]",
        );
        check("fn f<'a, 'b>(x: &'a str)", "[word:fn] f&lt;&#39;a, &#39;b&gt;(x: &amp;&#39;a str)");
        check("it's // so\nx", "it&#39;s [remark:// so]\nx");
        check("get http://x/y", "get http://x/y");
        check("a /* b\nc */ d", "a [remark:/* b\nc */] d");
        check("#include <x>\n# why\n#!/bin/sh", "#include &lt;x&gt;\n[remark:# why]\n[remark:#!/bin/sh]");
        check("SELECT 1 -- one", "[word:SELECT] [number:1] [remark:-- one]");
        check("\"\"\"a\nb\"\"\" c", "[text:&quot;&quot;&quot;a\nb&quot;&quot;&quot;] c");
        check("<!-- <b> --> <b>", "[remark:&lt;!-- &lt;b&gt; --&gt;] &lt;b&gt;");
        check("\"open\nif", "&quot;open\n[word:if]");
        check("für if é", "für [word:if] é");
    }

    #[test]
    fn a_diff_shows_what_is_added_and_taken() {
        assert_eq!(
            marked("@@ -1,2 +1,2 @@\n a\n-if <b>\n+c", ""),
            "[remark:@@ -1,2 +1,2 @@]\n a\n[taken:-if &lt;b&gt;]\n[added:+c]"
        );
    }

    #[test]
    fn what_does_not_read_as_code_is_plain() {
        for plain in ["if this is all for 1", "12:00 INFO started\n12:01 WARN no disk for it", "", "\n\n"] {
            assert_eq!(marked(plain, ""), plain);
        }
        assert_eq!(marked("let a = 1;", "text"), "let a = 1;");
        assert_eq!(marked("if (a) {\n  go();\n}", ""), "[word:if] (a) {\n  [word:go]();\n}");
        assert_eq!(marked("{\"a\": 1}", ""), "{[text:&quot;a&quot;]: [number:1]}");
    }

    #[test]
    fn marks_have_a_maximum_and_no_text_takes_long() {
        let many = "1 ".repeat(MARKS_MAX);
        assert_eq!(marked(&many, "any").matches("[number").count(), MARKS_MAX);
        assert_eq!(marked(&format!("{many}1"), "any").matches("[number").count(), MARKS_MAX);
        let bytes = model::limits::PASTE_BYTES_MAX;
        for part in ["'a", "\"", "`'", "/*", "<!--", "\\'", "// ", "'\\"] {
            let text = part.repeat(bytes / part.len());
            let began = std::time::Instant::now();
            write(&text, "any", &mut String::new());
            assert!(began.elapsed().as_secs() < 2, "{part}");
        }
    }
}
