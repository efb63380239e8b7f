//! What a letter says: room by room what was missed, in text and in HTML, so much at most.

use std::fmt::Write;

/// Rooms of one letter, and lines of one room; of the rest it says how many there are.
pub const ROOMS_SHOWN_MAX: usize = 20;
pub const LINES_SHOWN_MAX: usize = 8;
/// Characters of what somebody said, and of a name.
pub const LINE_CHARS_MAX: usize = 200;
pub const NAME_CHARS_MAX: usize = 80;

/// What was missed in one room.
#[derive(Clone, Debug, PartialEq)]
pub struct Missed {
    pub name: String,
    /// Where it is read.
    pub url: String,
    /// All of them, also those that are not shown.
    pub messages: usize,
    /// There are more than were counted.
    pub has_more: bool,
    /// The first ones: who, and what they said.
    pub lines: Vec<(String, String)>,
}

pub struct Letter<'l> {
    pub rooms: &'l [Missed],
    /// Rooms that something was missed in, also those that are not shown.
    pub rooms_count: usize,
    pub how_often: &'l str,
    pub settings_url: &'l str,
    pub off_url: &'l str,
}

impl Letter<'_> {
    /// One line: names of rooms may be anything.
    pub fn subject(&self) -> String {
        let messages = self.messages().replacen("at least", "At least", 1);
        match self.rooms {
            [one] if self.rooms_count == 1 => format!("{messages} in {}", one_line(&one.name)),
            _ => format!("{messages} in {} rooms", self.rooms_count),
        }
    }

    fn messages(&self) -> String {
        let count: usize = self.rooms.iter().map(|room| room.messages).sum();
        let has_more = self.rooms.iter().any(|room| room.has_more) || self.rooms_count > self.rooms.len();
        counted(count, has_more)
    }

    pub fn text(&self) -> String {
        let mut text = format!("You missed {}.\n", self.messages());
        for room in self.rooms {
            let _ = writeln!(
                text,
                "\n{}: {}\n{}",
                one_line(&room.name),
                counted(room.messages, room.has_more),
                room.url
            );
            for (author, said) in &room.lines {
                let _ = writeln!(text, "  {}: {}", one_line(author), one_line(said));
            }
            if let Some(more) = room.more() {
                let _ = writeln!(text, "  {more}");
            }
        }
        if let Some(more) = self.more_rooms() {
            let _ = writeln!(text, "\n{more}");
        }
        let _ = write!(
            text,
            "\n-- \nYou are mailed {}, where you missed something.\nChange it: {}\nNo more of these: {}\n",
            self.how_often, self.settings_url, self.off_url
        );
        text
    }

    pub fn html(&self) -> String {
        let mut html = format!(
            "<!doctype html><html><head><meta charset=\"utf-8\"></head><body><p>You missed {}.</p>",
            self.messages()
        );
        for room in self.rooms {
            let _ = write!(
                html,
                "<h2><a href=\"{}\">{}</a></h2><p>{}</p><ul>",
                escaped(&room.url),
                escaped(&one_line(&room.name)),
                counted(room.messages, room.has_more)
            );
            for (author, said) in &room.lines {
                let _ = write!(
                    html,
                    "<li><b>{}</b>: {}</li>",
                    escaped(&one_line(author)),
                    escaped(&one_line(said))
                );
            }
            if let Some(more) = room.more() {
                let _ = write!(html, "<li>{more}</li>");
            }
            html.push_str("</ul>");
        }
        if let Some(more) = self.more_rooms() {
            let _ = write!(html, "<p>{more}</p>");
        }
        let _ = write!(
            html,
            "<hr><p>You are mailed {}, where you missed something. <a href=\"{}\">Change it</a> · <a href=\"{}\">No more of these</a></p></body></html>",
            self.how_often,
            escaped(self.settings_url),
            escaped(self.off_url)
        );
        html
    }

    fn more_rooms(&self) -> Option<String> {
        let more = self.rooms_count - self.rooms.len();
        (more > 0).then(|| format!("And something in {more} more room{}.", if more == 1 { "" } else { "s" }))
    }
}

impl Missed {
    fn more(&self) -> Option<String> {
        let more = self.messages - self.lines.len();
        (more > 0 || self.has_more).then(|| format!("… and {} more", counted_alone(more, self.has_more)))
    }
}

fn counted(count: usize, has_more: bool) -> String {
    format!("{} message{}", counted_alone(count, has_more), if count == 1 && !has_more { "" } else { "s" })
}

fn counted_alone(count: usize, has_more: bool) -> String {
    if has_more { format!("at least {count}") } else { count.to_string() }
}

/// Nothing that a name holds begins a line or a header.
pub fn one_line(text: &str) -> String {
    text.split(|character: char| character.is_whitespace() || character.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    chat::markdown::escape(text, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missed(name: &str, messages: usize, lines: usize) -> Missed {
        Missed {
            name: name.into(),
            url: "https://w.example/rooms/RM-1?a=1&b=2".into(),
            messages,
            has_more: false,
            lines: vec![("Ann\r\nBcc: x@example.org".into(), "<b>tea</b> & \"more\"".into()); lines],
        }
    }

    fn letter(rooms: &[Missed], rooms_count: usize) -> Letter<'_> {
        Letter {
            rooms,
            rooms_count,
            how_often: "daily",
            settings_url: "https://w.example/s",
            off_url: "https://w.example/o",
        }
    }

    #[test]
    fn a_letter_counts_what_it_shows_and_what_it_does_not() {
        let one = [missed("Support", 1, 1)];
        assert_eq!(letter(&one, 1).subject(), "1 message in Support");
        let text = letter(&one, 1).text();
        assert!(
            text.starts_with("You missed 1 message.\n\nSupport: 1 message\nhttps://w.example/"),
            "{text}"
        );
        assert!(!text.contains("more room") && !text.contains("… and"), "{text}");
        let two = [missed("Support", 11, LINES_SHOWN_MAX), missed("Tea", 1, 1)];
        let both = letter(&two, 2);
        assert_eq!(both.subject(), "12 messages in 2 rooms");
        assert!(both.text().contains("… and 3 more") && both.html().contains("<li>… and 3 more</li>"));
        let of_three = letter(&two, 3);
        assert_eq!(of_three.subject(), "At least 12 messages in 3 rooms");
        assert!(of_three.text().contains("And something in 1 more room."));
        let full = [Missed { has_more: true, ..missed("Busy", 200, 8) }];
        for shown in [letter(&full, 1).html(), letter(&full, 1).text()] {
            assert!(
                shown.contains("at least 200 messages") && shown.contains("… and at least 192 more"),
                "{shown}"
            );
        }
    }

    #[test]
    fn nothing_that_is_written_becomes_a_header_a_line_or_a_tag() {
        let hostile = [missed("R\r\nSubject: x\u{0}<script>", 1, 1)];
        let letter = letter(&hostile, 1);
        assert_eq!(letter.subject(), "1 message in R Subject: x <script>");
        let (text, html) = (letter.text(), letter.html());
        assert!(text.contains("  Ann Bcc: x@example.org: <b>tea</b> & \"more\"\n"), "{text}");
        assert!(!text.contains('\r') && !text.contains('\u{0}'));
        assert!(html.contains("&lt;b&gt;tea&lt;/b&gt; &amp; &quot;more&quot;"), "{html}");
        assert!(html.contains("href=\"https://w.example/rooms/RM-1?a=1&amp;b=2\""), "{html}");
        assert!(!html.contains("<script") && !html.contains("<b>tea"), "{html}");
    }
}
