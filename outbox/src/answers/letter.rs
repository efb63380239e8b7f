//! What a letter to a customer says, in text and in HTML.

use std::fmt::Write;

use chat::ANSWER_ABOVE;

use crate::digest::letter::{escaped, one_line};

/// One answer: who, and what they said.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub author: String,
    pub said: String,
}

pub struct Letter<'l> {
    /// The site's name.
    pub site: &'l str,
    pub lines: &'l [Line],
    /// Where the conversation goes on.
    pub url: &'l str,
    /// The letter itself can be answered.
    pub takes_answers: bool,
}

impl Letter<'_> {
    /// The same for each letter of a conversation: mail programs keep them together.
    pub fn subject(&self) -> String {
        format!("{} answered you", one_line(self.site))
    }

    pub fn text(&self) -> String {
        let mut text = String::new();
        if self.takes_answers {
            text.push_str(&answer_above(self.site));
        }
        for Line { author, said } in self.lines {
            let _ = writeln!(text, "{}:\n{}\n", one_line(author), one_line(said));
        }
        let _ = write!(
            text,
            "{}: {}\n\n-- \nYou wrote to {} on its site.\n",
            self.link(),
            self.url,
            one_line(self.site)
        );
        text
    }

    pub fn html(&self) -> String {
        let mut html = String::from("<!doctype html><html><head><meta charset=\"utf-8\"></head><body>");
        if self.takes_answers {
            html.push_str(&answer_above_html(self.site));
        }
        for Line { author, said } in self.lines {
            let _ =
                write!(html, "<p><b>{}</b><br>{}</p>", escaped(&one_line(author)), escaped(&one_line(said)));
        }
        let _ = write!(
            html,
            "<p><a href=\"{}\">{}</a></p><hr><p>You wrote to {} on its site.</p></body></html>",
            escaped(self.url),
            self.link(),
            escaped(&one_line(self.site))
        );
        html
    }

    fn link(&self) -> &'static str {
        if self.takes_answers { "Or answer here" } else { "Answer here" }
    }
}

/// At the top of a letter that can be answered.
pub fn answer_above(site: &str) -> String {
    format!("--- {ANSWER_ABOVE}; it goes to {}. ---\n\n", one_line(site))
}

pub fn answer_above_html(site: &str) -> String {
    format!("<p style=\"color:#6b7280\">--- {ANSWER_ABOVE}; it goes to {}. ---</p>", escaped(&one_line(site)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_written_becomes_a_header_a_line_or_a_tag() {
        let lines =
            [Line { author: "Ann\r\nBcc: x@example.org".into(), said: "<b>tea</b>\n-- \n& more".into() }];
        let letter = Letter {
            site: "The\r\nShop",
            lines: &lines,
            url: "https://w.example/chat/WF-1#wfl_x?a&b",
            takes_answers: false,
        };
        assert_eq!(letter.subject(), "The Shop answered you");
        assert!(
            letter
                .text()
                .starts_with("Ann Bcc: x@example.org:\n<b>tea</b> -- & more\n\nAnswer here: https://"),
            "{}",
            letter.text()
        );
        let html = letter.html();
        assert!(
            html.contains("&lt;b&gt;tea&lt;/b&gt; -- &amp; more") && html.contains("wfl_x?a&amp;b"),
            "{html}"
        );
        let letter = Letter { takes_answers: true, ..letter };
        let begin = "--- Write your answer above this line; it goes to The Shop. ---\n\nAnn Bcc";
        assert!(letter.text().starts_with(begin), "{}", letter.text());
        assert!(
            letter.html().contains("--- Write your answer above this line; it goes to The Shop. ---</p>")
        );
    }
}
