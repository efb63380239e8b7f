//! Reads access logs line by line: the combined and common formats of Apache and nginx, and JSON of nginx and Caddy.

mod json;

use jiff::fmt::strtime;
use model::Millis;

/// One request of an access log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub address: String,
    pub at: Millis,
    pub method: String,
    /// Path and query as requested; empty where the request line had none.
    pub target: String,
    pub status: u16,
    /// Empty where the log has `-`.
    pub referrer: String,
    pub agent: String,
    /// The hostname that was asked for, lower case, without port; empty where the log does not say.
    pub host: String,
}

/// How a log writes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `address ident user [time] "request" status bytes "referrer" "agent"`
    Combined,
    /// The same without referrer and agent.
    Common,
    /// A JSON object a line, its keys named as nginx' variables.
    NginxJson,
    /// The JSON that Caddy writes.
    Caddy,
}

impl Format {
    /// None: the line is no request of this format.
    pub fn read(self, text: &str) -> Option<Line> {
        match self {
            Format::Combined => Line::parse(text),
            Format::Common => Line::common(text),
            Format::NginxJson => json::nginx(text),
            Format::Caddy => json::caddy(text),
        }
    }

    /// The format that reads this line, where one does.
    pub fn of(text: &str) -> Option<Format> {
        let known = [Format::Combined, Format::Common, Format::Caddy, Format::NginxJson];
        known.into_iter().find(|format| format.read(text).is_some())
    }
}

impl Line {
    /// `address ident user [time] "request" status bytes "referrer" "agent"`; None for anything else.
    pub fn parse(text: &str) -> Option<Line> {
        let mut rest = text;
        let line = Line::beginning(&mut rest)?;
        let referrer = quoted(&mut rest)?;
        let agent = quoted(&mut rest)?;
        Some(Line {
            referrer: if referrer == "-" { String::new() } else { referrer.to_owned() },
            agent: agent.to_owned(),
            ..line
        })
    }

    /// `address ident user [time] "request" status bytes`, and nothing behind it.
    pub fn common(text: &str) -> Option<Line> {
        let mut rest = text;
        let line = Line::beginning(&mut rest)?;
        rest.trim().is_empty().then_some(line)
    }

    /// What both formats begin with.
    fn beginning(rest: &mut &str) -> Option<Line> {
        let address = word(rest)?;
        word(rest)?;
        word(rest)?;
        let time = bracketed(rest)?;
        let request = quoted(rest)?;
        let status = word(rest)?;
        word(rest)?;
        let mut parts = request.split(' ');
        Some(Line {
            address: address.to_owned(),
            at: moment(time)?,
            method: parts.next().unwrap_or_default().to_owned(),
            target: parts.next().unwrap_or_default().to_owned(),
            status: (status.len() == 3).then(|| status.parse().ok()).flatten()?,
            referrer: String::new(),
            agent: String::new(),
            host: String::new(),
        })
    }

    /// A page that was shown: a GET that succeeded, and no static file.
    pub fn is_pageview(&self) -> bool {
        self.method == "GET" && matches!(self.status, 200 | 304) && !is_static_file(&self.target)
    }
}

/// Endings of files that pages are made of, and of files that are fetched on their own.
const STATIC_ENDINGS: [&str; 21] = [
    "gif", "jpg", "jpeg", "png", "ico", "svg", "css", "js", "woff", "woff2", "ttf", "eot", "map", "mp4",
    "zip", "gz", "pdf", "swf", "webp", "avif", "mjs",
];

fn is_static_file(target: &str) -> bool {
    // A query may itself hold `.png?`, which logs of image proxies show; any such ending counts.
    target.split('?').any(|part| {
        part.rsplit_once('.')
            .is_some_and(|(_, ending)| STATIC_ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(ending)))
    })
}

fn word<'t>(rest: &mut &'t str) -> Option<&'t str> {
    let text = rest.strip_prefix(' ').unwrap_or(rest);
    let end = text.find(' ').unwrap_or(text.len());
    let (found, after) = text.split_at(end);
    *rest = after;
    (!found.is_empty()).then_some(found)
}

fn bracketed<'t>(rest: &mut &'t str) -> Option<&'t str> {
    let text = rest.strip_prefix(" [")?;
    let (found, after) = text.split_once(']')?;
    *rest = after;
    Some(found)
}

/// A quoted field; a backslash protects the character behind it. Returned as written.
fn quoted<'t>(rest: &mut &'t str) -> Option<&'t str> {
    let text = rest.strip_prefix(" \"")?;
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => {
                *rest = &text[index + 1..];
                return Some(&text[..index]);
            }
            _ => {}
        }
    }
    None
}

fn moment(text: &str) -> Option<Millis> {
    let parsed = strtime::parse("%d/%b/%Y:%H:%M:%S %z", text).ok()?;
    Some(Millis(parsed.to_timestamp().ok()?.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(request: &str, status: &str) -> String {
        format!(
            r#"192.0.2.7 - - [17/May/2015:10:05:03 +0200] "{request}" {status} 2326 "-" "Mozilla/5.0 (\"q\")""#
        )
    }

    #[test]
    fn a_line_of_the_combined_format_is_read() {
        let read = Line::parse(&line("GET /tea?x=1 HTTP/1.1", "200")).unwrap();
        assert_eq!(read.address, "192.0.2.7");
        assert_eq!(read.at, Millis(1_431_849_903_000));
        assert_eq!((read.method.as_str(), read.target.as_str(), read.status), ("GET", "/tea?x=1", 200));
        assert_eq!((read.referrer.as_str(), read.agent.as_str()), ("", r#"Mozilla/5.0 (\"q\")"#));
    }

    #[test]
    fn a_line_cut_short_is_none() {
        let whole = line("GET / HTTP/1.1", "200");
        for end in 0..whole.len() {
            assert_eq!(Line::parse(&whole[..end]), None, "{end}");
        }
    }

    #[test]
    fn pages_are_told_from_files_and_failures() {
        let check = |request: &str, status: &str, expected: bool| {
            let read = Line::parse(&line(request, status)).unwrap();
            assert_eq!(read.is_pageview(), expected, "{request} {status}");
        };
        check("GET / HTTP/1.1", "200", true);
        check("GET / HTTP/1.1", "304", true);
        check("GET / HTTP/1.1", "404", false);
        check("POST / HTTP/1.1", "200", false);
        check("HEAD / HTTP/1.1", "200", false);
        check("GET /a.PNG HTTP/1.1", "200", false);
        check("GET /a.css?v=2 HTTP/1.1", "200", false);
        check("GET /a.cssx HTTP/1.1", "200", true);
        check("GET /proxy?image=b.png HTTP/1.1", "200", false);
        check("-", "200", false);
    }
}
