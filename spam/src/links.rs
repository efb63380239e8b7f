//! Links in a message, whether or not they are written with `https://`: which part is the host, and what kind of host that is.

use std::net::Ipv4Addr;
use std::ops::Range;

use crate::limits::HOST_BYTES_MAX;
use crate::lookalikes::is_unspaced;

const BEGINNINGS: [&str; 4] = ["https://", "http://", "hxxp://", "www."];
const BEGINNING_BYTES_MIN: usize = 4;
/// Tries at finding links in what has no spaces; what is behind them is words.
const LINKS_A_PIECE_MAX: usize = 10;
/// Endings by which a name without `https://` is known to be a host. No endings of files or of usual words.
const ENDINGS: [&str; 57] = [
    "com", "net", "org", "info", "biz", "edu", "gov", "eu", "uk", "de", "fr", "nl", "pl", "ru", "su", "ua",
    "cn", "jp", "kr", "br", "au", "ca", "ch", "io", "co", "tv", "cc", "ws", "tk", "ml", "ga", "cf", "gq",
    "xyz", "top", "club", "online", "site", "shop", "store", "click", "link", "live", "win", "bid", "loan",
    "vip", "icu", "buzz", "bet", "casino", "fun", "space", "website", "рф", "中国", "biz",
];
/// Endings that cost next to nothing, or that name the trade.
const CHEAP_ENDINGS: [&str; 28] = [
    "tk", "ml", "ga", "cf", "gq", "xyz", "top", "club", "click", "win", "bid", "loan", "vip", "icu", "buzz",
    "bet", "casino", "cyou", "cfd", "sbs", "rest", "monster", "quest", "su", "work", "date", "stream",
    "porn",
];
/// Services whose links do not say where they lead.
const SHORTENERS: [&str; 31] = [
    "bit.ly",
    "tinyurl.com",
    "goo.gl",
    "t.co",
    "ow.ly",
    "is.gd",
    "v.gd",
    "buff.ly",
    "rebrand.ly",
    "cutt.ly",
    "shorturl.at",
    "rb.gy",
    "t.ly",
    "s.id",
    "tiny.cc",
    "bl.ink",
    "lnkd.in",
    "adf.ly",
    "shorte.st",
    "ouo.io",
    "clck.ru",
    "vk.cc",
    "qps.ru",
    "u.to",
    "x.co",
    "soo.gd",
    "tr.im",
    "t.cn",
    "url.cn",
    "dwz.cn",
    "linktr.ee",
];
/// Where strangers ask to be written to instead.
const MESSENGERS: [&str; 11] = [
    "t.me",
    "telegram.me",
    "telegram.dog",
    "wa.me",
    "wa.link",
    "chat.whatsapp.com",
    "api.whatsapp.com",
    "discord.gg",
    "m.me",
    "line.me",
    "join.skype.com",
];
/// What stands around a link or a word and is no part of it.
pub(crate) const AROUND: &[char] = &[
    '(', ')', '[', ']', '{', '}', '<', '>', '"', '\'', '`', '*', '_', ',', '.', ';', ':', '!', '?', '“', '”',
    '‘', '’', '«', '»', '、', '。', '「', '」', '~', '=',
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// Of the text that was asked about: all of it, and its host.
    pub whole: Range<usize>,
    pub host: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostKind {
    Usual,
    Shortener,
    Messenger,
    Cheap,
    /// A public address in place of a name.
    Address,
    /// This very computer, or one of a private network.
    Private,
}

/// The links of a piece of text without spaces, in their order, at most `LINKS_A_PIECE_MAX`. The text is in lower case.
pub(crate) fn links(piece: &str) -> Vec<Link> {
    let mut found = Vec::new();
    if !piece.bytes().any(|byte| byte == b'.' || byte == b':') {
        return found;
    }
    let mut from = 0;
    for _ in 0..LINKS_A_PIECE_MAX {
        let Some(at) = BEGINNINGS.iter().filter_map(|begin| begun(&piece[from..], begin)).min() else {
            break;
        };
        match written_out(piece, from + at) {
            Some(link) => {
                from = link.whole.end;
                found.push(link);
            }
            None => from += at + BEGINNING_BYTES_MIN,
        }
    }
    if from == 0 {
        found.extend(bare(piece));
    }
    found
}

/// Whether a piece is an address of mail.
pub(crate) fn is_mail(piece: &str) -> bool {
    if !piece.bytes().any(|byte| byte == b'@') {
        return false;
    }
    let piece = piece.trim_matches(AROUND);
    let Some((name, host)) = piece.rsplit_once('@') else { return false };
    !name.is_empty() && !name.contains('/') && host.contains('.') && is_hostname(host)
}

/// Whether a host is one of the site's own, or below one.
pub(crate) fn is_own(host: &str, hostnames: &[String]) -> bool {
    let host = host.strip_prefix("www.").unwrap_or(host);
    hostnames.iter().any(|own| {
        let own = own.strip_prefix("www.").unwrap_or(own);
        let (Some(at), false) = (host.len().checked_sub(own.len()), own.is_empty()) else { return false };
        host.is_char_boundary(at)
            && host[at..].eq_ignore_ascii_case(own)
            && (at == 0 || host.as_bytes()[at - 1] == b'.')
    })
}

pub(crate) fn kind(host: &str) -> HostKind {
    let host = host.strip_prefix("www.").unwrap_or(host);
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        let is_private = address.is_private() || address.is_loopback() || address.is_link_local();
        return if is_private || address.is_unspecified() { HostKind::Private } else { HostKind::Address };
    }
    let ending = host.rsplit('.').next().unwrap_or_default();
    if !host.contains('.') || matches!(ending, "local" | "localhost" | "internal" | "test" | "example") {
        HostKind::Private
    } else if SHORTENERS.contains(&host) {
        HostKind::Shortener
    } else if MESSENGERS.contains(&host) {
        HostKind::Messenger
    } else if CHEAP_ENDINGS.contains(&ending) {
        HostKind::Cheap
    } else {
        HostKind::Usual
    }
}

fn begun(text: &str, begin: &str) -> Option<usize> {
    let is_word = |at: usize| text[..at].ends_with(|before: char| before.is_ascii_alphanumeric());
    // `www.` within a word or a longer link is no beginning.
    text.match_indices(begin).map(|(at, _)| at).find(|&at| begin != "www." || !is_word(at))
}

fn written_out(piece: &str, at: usize) -> Option<Link> {
    let rest = &piece[at..];
    let scheme = rest.find("://").filter(|&end| end <= 5).map_or(0, |end| end + 3);
    let more = BEGINNINGS[..2].iter().filter_map(|begin| rest[scheme..].find(begin)).min();
    let is_end = |letter: char| matches!(letter, '<' | '>' | '"' | '`' | ')' | ']') || is_unspaced(letter);
    let end =
        rest[scheme..].find(is_end).into_iter().chain(more).min().map_or(rest.len(), |end| end + scheme);
    let host_end = rest[scheme..end].find(['/', '?', '#', '\\']).map_or(end, |after| after + scheme);
    // `https://who@host:port`
    let begin = rest[scheme..host_end].rfind('@').map_or(scheme, |sign| scheme + sign + 1);
    let host = rest[begin..host_end].split(':').next().unwrap_or_default().trim_end_matches(AROUND);
    let is_host = is_hostname(host) && host != "www";
    is_host.then(|| Link { whole: at..at + end, host: at + begin..at + begin + host.len() })
}

/// A link without its beginning: `shop.example.com/sale`.
fn bare(piece: &str) -> Option<Link> {
    let start = piece.len() - piece.trim_start_matches(AROUND).len();
    let trimmed = piece[start..].trim_end_matches(AROUND);
    let host = &trimmed[..trimmed.find(['/', '?', '#', ':']).unwrap_or(trimmed.len())];
    let (name, ending) = host.rsplit_once('.')?;
    let has_path = trimmed[host.len()..].starts_with('/') && ending.len() == 2;
    let is_known =
        ENDINGS.contains(&ending) || matches!(kind(host), HostKind::Shortener | HostKind::Messenger);
    let is_link = (is_known || has_path && ending.bytes().all(|byte| byte.is_ascii_lowercase()))
        && !name.is_empty()
        && is_hostname(host)
        && name.contains(char::is_alphabetic);
    is_link.then(|| Link { whole: start..start + trimmed.len(), host: start..start + host.len() })
}

fn is_hostname(host: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_'))
    };
    host.len() <= HOST_BYTES_MAX && host.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(piece: &str, hosts: &[&str]) {
        let found: Vec<&str> = links(piece).into_iter().map(|link| &piece[link.host]).collect();
        assert_eq!(found, hosts, "{piece}");
    }

    #[test]
    fn links_are_found_however_they_are_written() {
        check("https://shop.example.com/a?b=c", &["shop.example.com"]);
        check("(http://example.com).", &["example.com"]);
        check("www.example.com,", &["www.example.com"]);
        check("here:https://user@example.com:8080/x", &["example.com"]);
        check("[this](https://example.com/x)", &["example.com"]);
        check("http://a.comhttp://b.com/http", &["a.com", "b.com"]);
        check("http://http://a.com", &["a.com"]);
        check("点击http://example.com看", &["example.com"]);
        check("example.com", &["example.com"]);
        check("example.com/sale!", &["example.com"]);
        check("bit.ly/3abc", &["bit.ly"]);
        check("<t.me/somebody>", &["t.me"]);
        check("example.it/x", &["example.it"]);
        check("казино.рф", &["казино.рф"]);
        check("http://203.0.113.9/x", &["203.0.113.9"]);
        check("http://localhost:3000/", &["localhost"]);
    }

    #[test]
    fn what_only_looks_like_a_link_is_none() {
        for piece in [
            "",
            ".",
            "...",
            "thanks.it",
            "e.g.",
            "main.rs",
            "readme.md",
            "file.py",
            "script.sh",
            "com.shop.Basket",
            "1.2.com.5",
            "v1.2.3",
            "10.99",
            "ada@example.com",
            "http://",
            "https:///",
            "www.",
            "10.com",
            "and/or",
            "node.js",
            "a..com",
        ] {
            check(piece, &[]);
        }
    }

    #[test]
    fn a_host_has_a_kind() {
        for (host, expected) in [
            ("example.com", HostKind::Usual),
            ("www.bit.ly", HostKind::Shortener),
            ("bit.ly.example.com", HostKind::Usual),
            ("wa.me", HostKind::Messenger),
            ("prizes.xyz", HostKind::Cheap),
            ("203.0.113.9", HostKind::Address),
            ("192.168.0.9", HostKind::Private),
            ("127.0.0.1", HostKind::Private),
            ("localhost", HostKind::Private),
            ("db.internal", HostKind::Private),
        ] {
            assert_eq!(kind(host), expected, "{host}");
        }
    }

    #[test]
    fn own_hosts_are_known() {
        let own = ["Example.com".to_owned(), "www.shop.test".to_owned(), String::new()];
        for host in ["example.com", "www.example.com", "a.b.example.com", "shop.test"] {
            assert!(is_own(host, &own), "{host}");
        }
        for host in ["notexample.com", "example.com.evil.top", "example", "com", "é.com"] {
            assert!(!is_own(host, &own), "{host}");
        }
    }

    #[test]
    fn mail_is_no_link() {
        assert!(is_mail("ada@example.com,") && is_mail("<ada.b+c@mail.example.co.uk>"));
        assert!(!is_mail("@ada") && !is_mail("ada@") && !is_mail("a@b") && !is_mail("example.com"));
    }

    #[test]
    fn a_piece_has_so_many_links() {
        let links = |count: usize| "http://a.com".repeat(count);
        check(&links(LINKS_A_PIECE_MAX), &["a.com"; LINKS_A_PIECE_MAX]);
        check(&links(LINKS_A_PIECE_MAX + 1), &["a.com"; LINKS_A_PIECE_MAX]);
    }

    #[test]
    fn a_host_has_a_longest_name() {
        let name = |bytes: usize| format!("http://{}.com", "a".repeat(bytes - 4));
        check(&name(HOST_BYTES_MAX), &[&name(HOST_BYTES_MAX)[7..]]);
        check(&name(HOST_BYTES_MAX + 1), &[]);
    }
}
