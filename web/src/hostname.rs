//! Hostnames as people paste them, brought to the one form that hits are compared with.

use model::limits::HOSTNAME_BYTES_MAX;
use url::Url;

/// Bytes of one label between dots (RFC 1035).
const LABEL_BYTES_MAX: usize = 63;

/// `https://Shop.Example:8080/tea` → `shop.example`; `*` and `*.example.org` stay. Err: what is wrong.
pub fn read(pasted: &str) -> Result<String, String> {
    let pasted = pasted.trim();
    if pasted == "*" {
        return Ok(pasted.to_owned());
    }
    let authority = authority(pasted);
    let (star, plain) = match authority.strip_prefix("*.") {
        Some(parent) => ("*.", parent),
        None => ("", authority),
    };
    let host = host(plain).ok_or_else(|| format!("“{}” is not a hostname.", start(pasted)))?;
    let name = format!("{star}{host}");
    if name.len() > HOSTNAME_BYTES_MAX {
        return Err(format!("“{}” is too long: at most {HOSTNAME_BYTES_MAX} bytes.", start(pasted)));
    }
    Ok(name)
}

/// What stands between the scheme and the path.
fn authority(pasted: &str) -> &str {
    let behind_scheme = pasted.split_once("://").map_or(pasted, |(_, rest)| rest);
    behind_scheme.split(['/', '?', '#']).next().unwrap_or_default()
}

/// The host in its written form: lower case, international names in ASCII, no port, no dot at the end.
fn host(authority: &str) -> Option<String> {
    let parsed = Url::parse(&format!("http://{authority}")).ok()?;
    let has_user = !parsed.username().is_empty() || parsed.password().is_some();
    let host = parsed.host_str()?.trim_end_matches('.');
    let is_address = matches!(parsed.host(), Some(url::Host::Ipv4(_) | url::Host::Ipv6(_)));
    let is_name = host.split('.').all(is_label);
    (!has_user && (is_address || is_name)).then(|| host.to_owned())
}

fn is_label(label: &str) -> bool {
    let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    plain && (1..=LABEL_BYTES_MAX).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
}

fn start(pasted: &str) -> String {
    pasted.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pasted: &str, expected: &str) {
        assert_eq!(read(pasted).as_deref(), Ok(expected), "{pasted}");
    }

    #[test]
    fn what_people_paste_becomes_a_hostname() {
        check("shop.example", "shop.example");
        check(" Shop.Example. ", "shop.example");
        check("https://shop.example/tea?x=1#y", "shop.example");
        check("http://localhost:3000/", "localhost");
        check("shop.example:8080", "shop.example");
        check("*", "*");
        check("*.Shop.example", "*.shop.example");
        check("https://*.shop.example/", "*.shop.example");
        check("bücher.example", "xn--bcher-kva.example");
        check("127.0.0.1:80", "127.0.0.1");
        check("[::1]:80", "[::1]");
        check("my_host.example", "my_host.example");
    }

    #[test]
    fn what_is_no_hostname_is_refused() {
        let bad = [
            "",
            "https://",
            "a b",
            "*.*",
            "a.*.b",
            "<script>",
            "a\"b",
            "user@host",
            "-a.b",
            "a..b",
            "mailto:x@y",
        ];
        for pasted in bad {
            assert!(read(pasted).is_err(), "{pasted} {:?}", read(pasted));
        }
    }

    #[test]
    fn a_hostname_is_taken_at_its_limit_and_refused_past_it() {
        let labels = [&"a".repeat(63), &"b".repeat(63), &"c".repeat(63)].map(String::as_str).join(".");
        let longest = format!("{labels}.{}", "d".repeat(HOSTNAME_BYTES_MAX - labels.len() - 1));
        assert_eq!(longest.len(), HOSTNAME_BYTES_MAX);
        check(&longest, &longest);
        assert!(read(&format!("{longest}d")).is_err());
        assert!(read(&format!("{}.example", "a".repeat(LABEL_BYTES_MAX + 1))).is_err());
    }
}
