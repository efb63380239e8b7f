//! Which addresses are reached from here. A name may resolve to anything, and so may an address stand for another one: only what is plainly
//! of the public internet is reached. Ranges of the IANA special-purpose registries (RFC 6890 and what came after).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Where a hook may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// By https, on the public internet.
    Public,
    /// That, and this machine itself, there without TLS, too: for tests, and for programs beside this one.
    PublicAndLoopback,
}

impl Reach {
    pub fn takes(self, address: IpAddr) -> bool {
        is_public(address) || self == Reach::PublicAndLoopback && is_loopback(address)
    }

    /// Why an address that somebody wrote is no hook. What a name stands for is looked at each time.
    pub fn refusal(self, url: &str) -> Option<&'static str> {
        self.refused(url, false)
    }

    /// Why an address that somebody wrote is no page to ask for: as of a hook, but without TLS it may be, since nothing is told there.
    pub fn page_refusal(self, url: &str) -> Option<&'static str> {
        self.refused(url, true)
    }

    fn refused(self, url: &str, is_page: bool) -> Option<&'static str> {
        let Ok(url) = Url::parse(url) else {
            return Some("This is no address.");
        };
        let stated = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Some("The address names no host."),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Some("The address has a name or a password in it; say who you are in its path.");
        }
        let may_be_plain = self == Reach::PublicAndLoopback
            && (stated.is_some_and(is_loopback) || url.host_str() == Some("localhost"));
        match url.scheme() {
            "https" => {}
            "http" if may_be_plain || is_page => {}
            _ if is_page => return Some("A page is reached by https or http."),
            _ => return Some("A hook is reached by https."),
        }
        match stated {
            Some(address) if !self.takes(address) => Some("This address is not of the public internet."),
            _ => None,
        }
    }
}

fn is_loopback(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback(),
        IpAddr::V6(address) => address.is_loopback(),
    }
}

pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        // This network, private, shared by carriers, loopback, link-local.
        [0 | 10 | 127, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 168, ..]
            // Of protocols, for documents, for measuring, of relays that are no more.
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
            // Multicast, reserved, broadcast.
            | [224..=255, ..]
    )
}

/// Only global unicast, and of that nothing that stands for an IPv4 address or is set aside: whatever translates such a one may reach what is not public.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [one, two, three, ..] = address.segments();
    let is_global_unicast = one & 0xE000 == 0x2000;
    // Protocols and Teredo (2001::/23), documents (2001:db8::/32, 3fff::/20), 6to4 (2002::/16).
    let is_set_aside = one == 0x2001 && (two < 0x0200 || two == 0x0DB8)
        || one == 0x2002
        || one == 0x3FFF && two < 0x1000
        // Orchids and AS112 stand for nobody that answers.
        || one == 0x2620 && two == 0x004F && three == 0x8000;
    is_global_unicast && !is_set_aside
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap_or_else(|_| panic!("{text} is no address"))
    }

    #[test]
    fn only_the_public_internet_is_reached() {
        for public in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "203.0.112.255",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2001:4860:4860::8888",
            "2001:200::",
            "2a00:1450::1",
            "2003::1",
            "3ffe::1",
        ] {
            assert!(is_public(address(public)), "{public}");
        }
        for other in [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.0.0",
            "169.254.169.254",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.0",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.0",
            "192.168.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.0",
            "239.255.255.255",
            "240.0.0.0",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::a00:1",
            "100::1",
            "2001::1",
            "2001:0:7f00:1::",
            "2001:1::1",
            "2001:10::1",
            "2001:20::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a00:1::",
            "3fff::1",
            "3fff:fff::1",
            "2620:4f:8000::1",
            "4000::",
            "5f00::1",
            "fc00::1",
            "fd00::1",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
        ] {
            assert!(!is_public(address(other)), "{other}");
            assert!(!Reach::Public.takes(address(other)), "{other}");
        }
        for loopback in ["127.0.0.1", "127.9.9.9", "::1"] {
            assert!(Reach::PublicAndLoopback.takes(address(loopback)), "{loopback}");
        }
        for never in ["10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "fd00::1", "0.0.0.0"] {
            assert!(!Reach::PublicAndLoopback.takes(address(never)), "{never}");
        }
    }

    #[test]
    fn a_page_may_be_without_tls_and_nothing_else_that_a_hook_is_not() {
        for good in ["http://shop.example/", "https://shop.example/", "http://1.1.1.1/"] {
            assert_eq!(Reach::Public.page_refusal(good), None, "{good}");
        }
        for bad in
            ["ftp://shop.example/", "http://127.0.0.1/", "http://10.0.0.1/", "http://me@shop.example/", "x"]
        {
            assert!(Reach::Public.page_refusal(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn an_address_that_is_written_is_looked_at_however_it_is_written() {
        for good in ["https://bots.example/x?y=1", "https://1.1.1.1:8443/", "https://[2606:4700::1]/"] {
            assert_eq!(Reach::Public.refusal(good), None, "{good}");
        }
        for bad in [
            "",
            "x",
            "bots.example",
            "ftp://bots.example/",
            "http://bots.example/",
            "file:///etc/passwd",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://169.254.169.254/latest",
            "https://10.0.0.1/",
            "https://me:you@bots.example/",
            "https://me@bots.example/",
            "http://localhost/",
            "https://",
            "http://127.0.0.1:9/",
            "javascript:alert(1)",
            "data:text/plain,x",
        ] {
            assert!(Reach::Public.refusal(bad).is_some(), "{bad}");
        }
        for here in
            ["http://127.0.0.1:8080/x", "http://localhost:8080/", "http://[::1]:8080/", "https://127.0.0.1/"]
        {
            assert_eq!(Reach::PublicAndLoopback.refusal(here), None, "{here}");
        }
        for bad in
            ["http://bots.example/", "http://10.0.0.1/", "https://10.0.0.1/", "http://127.0.0.1.example/"]
        {
            assert!(Reach::PublicAndLoopback.refusal(bad).is_some(), "{bad}");
        }
    }
}
