//! Addresses taken apart, each once: hostname, path and query, with strings shared.

use std::sync::Arc;

use history::Page;

use crate::remembered::Remembered;
use crate::strings::Strings;

/// Bytes of addresses remembered at most; past them all are forgotten and learned anew.
pub const ADDRESS_BYTES_MAX: usize = 8 << 20;

/// Addresses seen lately.
pub struct Pages(Remembered<Option<Arc<Page>>>);

impl Default for Pages {
    fn default() -> Pages {
        Pages(Remembered::new(ADDRESS_BYTES_MAX))
    }
}

/// An address in its parts; each may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address<'u> {
    /// Without user and port, in the case it came in.
    pub hostname: &'u str,
    pub path: &'u str,
    pub query: &'u str,
    /// Behind the `#`, where it is a route (`/…` or `!…`): some sites keep their pages there.
    pub route: Option<&'u str>,
}

impl Pages {
    /// The page of an address. None: it has no hostname.
    pub fn page(&mut self, url: &str, strings: &mut Strings) -> Option<Arc<Page>> {
        self.0.of(url, || Some(Arc::new(page_of(Address::of(url)?, strings))))
    }
}

fn page_of(address: Address<'_>, strings: &mut Strings) -> Page {
    let hostname = strings.share(&address.hostname.to_ascii_lowercase());
    let path = if address.path.is_empty() { "/" } else { address.path };
    let path = match address.route {
        Some(route) => strings.share(&format!("{path}#{route}")),
        None => strings.share(path),
    };
    Page { hostname, path, query: strings.share(address.query) }
}

impl<'u> Address<'u> {
    /// The parts of an `http` or `https` address as browsers write it. None: it is no such address.
    pub fn of(url: &'u str) -> Option<Address<'u>> {
        let (scheme, rest) = url.split_once("://")?;
        if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
            return None;
        }
        let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let hostname = hostname(authority);
        let route = fragment.split_once('?').map_or(fragment, |(route, _)| route);
        let route = route.starts_with(['/', '!']).then_some(route);
        (!hostname.is_empty()).then_some(Address { hostname, path, query, route })
    }
}

fn hostname(authority: &str) -> &str {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match host.rsplit_once(':') {
        // An IPv6 address has colons of its own, within brackets.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, hostname: &str, path: &str, query: &str) {
        let page = Pages::default().page(url, &mut Strings::default()).expect(url);
        assert_eq!((&*page.hostname, &*page.path, &*page.query), (hostname, path, query), "{url}");
    }

    #[test]
    fn addresses_are_taken_apart() {
        check("https://shop.example/tea?utm_source=news", "shop.example", "/tea", "utm_source=news");
        check("https://shop.example", "shop.example", "/", "");
        check("https://Shop.Example:8443/", "shop.example", "/", "");
        check("http://shop.example?a=1?b=2", "shop.example", "/", "a=1?b=2");
        check("http://ada@shop.example/x", "shop.example", "/x", "");
        check("http://[::1]:8080/x", "[::1]", "/x", "");
        check("http://[::1]/x", "[::1]", "/x", "");
        check("https://shop.example/tea#reviews", "shop.example", "/tea", "");
        check("https://shop.example/app#/cart?x=1", "shop.example", "/app#/cart", "");
        check("https://shop.example/app?y=2#!/cart", "shop.example", "/app#!/cart", "y=2");
    }

    #[test]
    fn what_is_no_address_has_no_page() {
        for url in ["", "/tea", "ftp://shop.example/", "https://", "https:///tea", "javascript:alert(1)"] {
            assert_eq!(Address::of(url), None, "{url}");
        }
    }

    #[test]
    fn an_address_is_taken_apart_once() {
        let (mut pages, mut strings) = (Pages::default(), Strings::default());
        let mut page = |url| pages.page(url, &mut strings).unwrap();
        assert!(Arc::ptr_eq(&page("https://a.example/x"), &page("https://a.example/x")));
        assert!(Arc::ptr_eq(&page("https://a.example/x").path, &page("https://b.example/x?q").path));
    }
}
