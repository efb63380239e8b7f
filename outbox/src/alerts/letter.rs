//! What the letter of an alert says, in text and in HTML.

use crate::digest::letter::{escaped, one_line};

pub struct Letter<'l> {
    pub title: &'l str,
    pub said: &'l str,
    /// Where the site's alerts are.
    pub url: &'l str,
}

impl Letter<'_> {
    pub fn subject(&self) -> String {
        one_line(self.title)
    }

    pub fn text(&self) -> String {
        let (said, url) = (one_line(self.said), self.url);
        format!("{said}\n\n{url}\n\n-- \nYou asked to be told of this alert. Change it: {url}\n")
    }

    pub fn html(&self) -> String {
        let (title, said, url) =
            (escaped(&one_line(self.title)), escaped(&one_line(self.said)), escaped(self.url));
        format!(
            "<!doctype html><html><head><meta charset=\"utf-8\"></head><body><h2>{title}</h2><p>{said}</p>\
             <p><a href=\"{url}\">The site's alerts</a></p>\
             <hr><p>You asked to be told of this alert. <a href=\"{url}\">Change it</a></p></body></html>"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_named_becomes_a_header_a_line_or_a_tag() {
        let letter = Letter {
            title: "The\r\nBcc: x@example.org",
            said: "page <b>/a</b>\n-- \n& more",
            url: "https://w.example/sites/WF-1/alerts",
        };
        assert_eq!(letter.subject(), "The Bcc: x@example.org");
        assert!(letter.text().starts_with("page <b>/a</b> -- & more\n\nhttps://"), "{}", letter.text());
        assert!(letter.html().contains("&lt;b&gt;/a&lt;/b&gt; -- &amp; more"), "{}", letter.html());
    }
}
