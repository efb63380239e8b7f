//! Letters that have no plain text: what mail programs put around what they quote is taken away by what they call it, the rest becomes text.

use mail_parser::decoders::html::html_to_text;

use crate::written::written;

/// Where what is quoted begins, as programs mark it: Gmail, Outlook, Apple Mail and Thunderbird, Yahoo, Proton, Zoho, and those of China.
const QUOTES: &[&str] = &[
    "<blockquote",
    "class=\"gmail_quote",
    "class=gmail_quote",
    "class=\"moz-cite-prefix",
    "id=\"divrplyfwdmsg",
    "id=divrplyfwdmsg",
    "id=\"appendonsend",
    "id=\"mail-editor-reference-message-container",
    "class=\"yahoo_quoted",
    "class=\"protonmail_quote",
    "class=\"zmail_extra",
    "id=\"isreplycontent",
    "class=\"ntes-mailmaster-quote",
    "border:none;border-top:solid #",
];
/// Elements that begin a line.
const LINES: &[&str] = &["<div", "<p", "<li", "<tr", "<h1", "<h2", "<h3", "<blockquote", "<hr"];

/// What was written; all of it where nothing would be left.
pub fn written_in(html: &str) -> String {
    let own = written(&plain(before_quotes(html)));
    if own.is_empty() { written(&plain(html)) } else { own }
}

pub fn plain(html: &str) -> String {
    html_to_text(&with_lines(html))
}

/// Of an element that is marked so all from where it begins.
fn before_quotes(html: &str) -> &str {
    // The same length, as no letter but those of ASCII changes.
    let small = html.to_ascii_lowercase();
    let first = QUOTES.iter().filter_map(|quote| small.find(quote)).min();
    let Some(first) = first else {
        return html;
    };
    let begin =
        if small[first..].starts_with('<') { first } else { small[..first].rfind('<').unwrap_or(first) };
    &html[..begin]
}

/// Which the library does not break lines at.
fn with_lines(html: &str) -> String {
    let small = html.to_ascii_lowercase();
    let mut lines = String::with_capacity(html.len() + html.len() / 8);
    for (at, letter) in html.char_indices() {
        let is_element = |name: &str| {
            small[at..]
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(['>', ' ', '\n', '\r', '\t', '/']))
        };
        if letter == '<' && LINES.iter().any(|name| is_element(name)) {
            lines.push_str("<br>");
        }
        lines.push(letter);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(html: &str, expected: &str) {
        assert_eq!(written_in(html), expected, "{html}");
    }

    #[test]
    fn of_letters_without_a_text_what_was_written_is_read() {
        check("<p>Hello</p>", "Hello");
        check(
            "<div dir=\"ltr\">It still leaks.<div><br></div><div>Ann</div></div>",
            "It still leaks.\n\nAnn",
        );
        check(
            "<div dir=\"ltr\">It leaks.</div><br><div class=\"gmail_quote gmail_quote_container\"><div dir=\"ltr\" class=\"gmail_attr\">On Mon, Mar 3, 2025 at 10:00 AM The Shop &lt;<a href=\"mailto:shop@x.example\">shop@x.example</a>&gt; wrote:<br></div><blockquote class=\"gmail_quote\">It comes.</blockquote></div>",
            "It leaks.",
        );
        check(
            "<html><head><style>p { margin: 0 }</style></head><body><div class=\"elementToProof\">Yes &amp; no.</div><div id=\"appendonsend\"></div><hr style=\"display:inline-block;width:98%\"><div id=\"divRplyFwdMsg\" dir=\"ltr\"><b>From:</b> The Shop</div></body></html>",
            "Yes & no.",
        );
        check(
            "<div class=\"WordSection1\"><p class=\"MsoNormal\">Danke!</p><div><div style='border:none;border-top:solid #E1E1E1 1.0pt'><p><b>Von:</b> The Shop</p></div></div></div>",
            "Danke!",
        );
        check(
            "<body>Merci<blockquote type=\"cite\"><div>On Mar 3, 2025, at 10:00, Shop wrote:</div></blockquote></body>",
            "Merci",
        );
        // Nothing but a quote: better all of it than nothing.
        check("<blockquote>only this</blockquote>", "only this");
        check("<script>alert(1)</script><p>x</p>", "x");
        check("", "");
        check("<", "");
        check("<div", "");
        check("日本<div>語</div>", "日本\n語");
    }
}
