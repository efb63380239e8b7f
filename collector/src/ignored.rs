//! What a site does not want counted: addresses, paths, and browsers that asked not to be.

use std::net::IpAddr;

use axum::http::HeaderMap;
use door::address::Network;
use model::Site;
use model::chat::is_like;

/// Why a hit was taken and dropped on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Address,
    Path,
    OptOut,
}

impl Reason {
    pub fn name(self) -> &'static str {
        match self {
            Reason::Address => "address",
            Reason::Path => "path",
            Reason::OptOut => "opt-out",
        }
    }
}

/// A site's lists, ready to be asked for each hit.
#[derive(Debug)]
pub struct Ignored {
    networks: Vec<Network>,
    paths: Vec<String>,
    honours_opt_out: bool,
}

impl Ignored {
    /// An entry that is no address or network was refused when the site was saved; here it matches nothing.
    pub fn of(site: &Site) -> Ignored {
        Ignored {
            networks: site.ignored_addresses.iter().filter_map(|entry| entry.parse().ok()).collect(),
            paths: site.ignored_paths.clone(),
            honours_opt_out: site.honour_opt_out,
        }
    }

    /// Whether the site ignores this sender.
    pub(crate) fn sender(&self, address: IpAddr, headers: &HeaderMap) -> Option<Reason> {
        if self.honours_opt_out && opted_out(headers) {
            return Some(Reason::OptOut);
        }
        self.address(address)
    }

    /// Whether the site ignores this address.
    pub fn address(&self, address: IpAddr) -> Option<Reason> {
        self.networks.iter().any(|network| network.contains(address)).then_some(Reason::Address)
    }

    /// Whether the site ignores this path.
    pub fn path(&self, path: &str) -> Option<Reason> {
        self.paths.iter().any(|pattern| is_like(pattern, path)).then_some(Reason::Path)
    }
}

fn opted_out(headers: &HeaderMap) -> bool {
    ["dnt", "sec-gpc"].iter().any(|name| headers.get(*name).is_some_and(|value| value == "1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, path: &str, expected: bool) {
        assert_eq!(is_like(pattern, path), expected, "{pattern} {path}");
    }

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        check("/admin", "/admin", true);
        check("/admin", "/admin/", false);
        check("/admin/*", "/admin/", true);
        check("/admin/*", "/admin/users/7", true);
        check("/admin/*", "/administration", false);
        check("*.pdf", "/a/b.pdf", true);
        check("*.pdf", "/a/b.pdf?x", false);
        check("/a/*/c", "/a/b/c", true);
        check("/a/*/c", "/a/c", false);
        check("/a*b*c", "/abbbc", true);
        check("/a*b*c", "/acb", false);
        check("*", "/", true);
        check("", "/", false);
        check("/ab*ba", "/aba", false);
    }

    #[test]
    fn a_pattern_of_many_stars_takes_no_time() {
        let began = std::time::Instant::now();
        check(&"*a".repeat(100), &"a".repeat(2_000), true);
        check(&format!("{}b", "*a".repeat(99)), &"a".repeat(2_000), false);
        // Tried star by star it would be ages.
        assert!(began.elapsed() < std::time::Duration::from_secs(5));
    }
}
