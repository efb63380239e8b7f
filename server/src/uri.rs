//! Addresses of backends: `embedded:./data`, `memory`, `redis://user:password@host/0`, or `file:/run/secrets/redis`, which
//! names the file that holds the address, so that no password stands on a command line.

use std::path::Path;

use anyhow::Context;

/// Bytes of a file that holds an address.
const FILE_BYTES_MAX: u64 = 8 * 1024;

/// The address itself: what `file:` names is read and trimmed.
pub fn resolved(setting: &str, value: &str) -> anyhow::Result<String> {
    let Some(path) = value.strip_prefix("file:") else {
        return Ok(value.to_owned());
    };
    let read = || -> anyhow::Result<String> {
        let bytes = std::fs::metadata(path)?.len();
        anyhow::ensure!(bytes <= FILE_BYTES_MAX, "it has {bytes} bytes, an address at most {FILE_BYTES_MAX}");
        let address = std::fs::read_to_string(Path::new(path))?.trim().to_owned();
        anyhow::ensure!(!address.is_empty(), "it is empty");
        Ok(address)
    };
    read().with_context(|| format!("--{setting}: the address cannot be read from {path}"))
}

/// The part before the first colon, and what is behind it: `memory` is (`memory`, ``).
pub fn scheme(uri: &str) -> (&str, &str) {
    uri.split_once(':').unwrap_or((uri, ""))
}

/// As it may be shown: without the passwords, of which each of several addresses (`redis://…,redis://…`) may have one.
pub fn shown(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else {
        // It may be meant as one.
        return unnamed(uri);
    };
    if let Some((before, next)) = before_another(rest) {
        return format!("{scheme}://{},{}", unnamed(before), shown(next));
    }
    format!("{scheme}://{}", unnamed(rest))
}

/// Splits at the first comma behind which another address begins: `a,redis://b` is (`a`, `redis://b`).
fn before_another(rest: &str) -> Option<(&str, &str)> {
    let (before, _) = rest.split_once("://")?;
    let (before, scheme) = before.rsplit_once(',')?;
    let is_scheme =
        !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+');
    is_scheme.then(|| (before, &rest[before.len() + 1..]))
}

/// What is behind `://`, without the password: from the first colon to the last `@` that is in no option. Rather too
/// much is left out than too little, should a password hold what it may not.
fn unnamed(rest: &str) -> String {
    let path = rest.find('/').unwrap_or(rest.len());
    let options = rest[path..].find('?').map_or(rest.len(), |at| path + at);
    let (address, options) = rest.split_at(options);
    let user = address.rfind('@').and_then(|at| Some((address[..at].split_once(':')?.0, &address[at..])));
    let address = user.map_or_else(|| address.to_owned(), |(user, hosts)| format!("{user}:…{hosts}"));
    let options = options.split('&').map(|option| match option.split_once('=') {
        Some((name, _)) if name.to_ascii_lowercase().contains("pass") => format!("{name}=…"),
        _ => option.to_owned(),
    });
    address + &options.collect::<Vec<_>>().join("&")
}

/// Which database it is: without user, password and options.
pub fn named(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else {
        return uri.to_owned();
    };
    let rest = rest.split('?').next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let hosts = authority.rsplit_once('@').map_or(authority, |(_, hosts)| hosts);
    format!("{scheme}://{hosts}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_stand_in_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "  redis://:geheim@cache:6379/0\n").unwrap();
        let named = format!("file:{}", file.path().display());
        assert_eq!(resolved("live", &named).unwrap(), "redis://:geheim@cache:6379/0");
        assert_eq!(resolved("live", "memory").unwrap(), "memory");
    }

    #[test]
    fn a_file_that_cannot_be_read_or_is_too_long_is_named() {
        let error = |value: &str| format!("{:#}", resolved("live", value).unwrap_err());
        assert!(
            error("file:/nowhere/uri").contains("--live")
                && error("file:/nowhere/uri").contains("/nowhere/uri")
        );
        let file = tempfile::NamedTempFile::new().unwrap();
        let named = format!("file:{}", file.path().display());
        assert!(error(&named).contains("it is empty"), "{}", error(&named));
        std::fs::write(file.path(), "x".repeat(FILE_BYTES_MAX as usize)).unwrap();
        assert!(resolved("live", &named).is_ok());
        std::fs::write(file.path(), "x".repeat(FILE_BYTES_MAX as usize + 1)).unwrap();
        assert!(error(&named).contains("at most 8192"), "{}", error(&named));
    }

    #[test]
    fn a_database_is_named_without_user_and_options() {
        assert_eq!(named("mongodb://wf:geheim@a:1,b:2/watchfire?tls=true"), "mongodb://a:1,b:2/watchfire");
        assert_eq!(named("mongodb://db/watchfire"), "mongodb://db/watchfire");
    }

    #[test]
    fn a_password_is_never_shown() {
        let check = |uri: &str, expected: &str| assert_eq!(shown(uri), expected);
        check("redis://:geheim@cache:6379/0", "redis://:…@cache:6379/0");
        check("amqp://wf:p@ss@a:1,b:2/%2f?x=@", "amqp://wf:…@a:1,b:2/%2f?x=@");
        check("mongodb://db/watchfire", "mongodb://db/watchfire");
        check("amqp://guest@db", "amqp://guest@db");
        check("redis://u:p@a,redis://u:p2@b", "redis://u:…@a,redis://u:…@b");
        check("amqps://u:p@a,b/v?ca=/x@y", "amqps://u:…@a,b/v?ca=/x@y");
        check("rediss://a,rediss://:p@b:1/0?ca=/x@y", "rediss://a,rediss://:…@b:1/0?ca=/x@y");
        check("redis://u:p@a/0,redis://b,redis://:p@c", "redis://u:…@a/0,redis://b,redis://:…@c");
        check("amqp://u:p@a,u:p2@b/v", "amqp://u:…@b/v");
        check("amqp://u:p@a,amqps://u:p2@b/v", "amqp://u:…@a,amqps://u:…@b/v");
        check("mongodb://a,b:1,u:p@c/d", "mongodb://a,b:…@c/d");
        check("redis://u:p/w@a", "redis://u:…@a");
        check("redis://u:p,w@a,redis://b", "redis://u:…@a,redis://b");
        check("redis//u:geheim@a:1/0", "redis//u:…@a:1/0");
        check("u:geheim@a", "u:…@a");
        check("amqp://u:p@a/v?password=geheim&ca=/x", "amqp://u:…@a/v?password=…&ca=/x");
        check(
            "mongodb://a/d?tls=true&tlsCertificateKeyFilePassword=p",
            "mongodb://a/d?tls=true&tlsCertificateKeyFilePassword=…",
        );
        check("embedded:./data", "embedded:./data");
        check("file:/run/secrets/redis", "file:/run/secrets/redis");
    }
}
