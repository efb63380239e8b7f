//! The address a request came from: the peer's, or what trusted proxies say of it.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

/// Extension on every request: the client's address. Stays in memory; never logged, never stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Networks whose `X-Forwarded-For` is believed. Empty: the peer's own address is the client's.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<Network>);

/// An address range in CIDR notation, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl std::str::FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Network, String> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr =
            address.trim().parse().map_err(|_| format!("`{text}` is not an address or network"))?;
        let bits_max: u8 = if address.is_ipv4() { 32 } else { 128 };
        let canonical = address.to_canonical();
        // An IPv4 address in IPv6's coat has its own bits behind the coat's 96.
        let coat_bits = if canonical == address { 0 } else { 96 };
        let bits = bits.map_or(Some(bits_max), |bits| bits.trim().parse().ok());
        let within = bits.filter(|bits| (coat_bits..=bits_max).contains(bits));
        let bits = within.ok_or_else(|| {
            format!("`{text}`: the prefix length is a number from {coat_bits} to {bits_max}")
        })?;
        Ok(Network { address: canonical, bits: bits - coat_bits })
    }
}

impl Network {
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differ = u32::from(network) ^ u32::from(address);
                self.bits == 0 || differ >> (32 - u32::from(self.bits)) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differ = u128::from(network) ^ u128::from(address);
                self.bits == 0 || differ >> (128 - u32::from(self.bits)) == 0
            }
            _ => false,
        }
    }
}

impl TrustedProxies {
    pub fn new(networks: Vec<Network>) -> TrustedProxies {
        TrustedProxies(networks)
    }

    /// The client's address: walking `X-Forwarded-For` from the right, the first that is no trusted proxy.
    /// Where a hop cannot be read, the proxy that wrote it down: nothing to its left can be believed.
    pub fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> ClientAddress {
        let mut client = peer.ip().to_canonical();
        let forwarded = headers.get_all("x-forwarded-for");
        let hops = forwarded.iter().rev().filter_map(|value| value.to_str().ok());
        for hop in hops.flat_map(|value| value.rsplit(',')) {
            if !self.trusts(client) {
                break;
            }
            let Some(address) = hop_address(hop.trim()) else {
                break;
            };
            client = address;
        }
        ClientAddress(client)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

/// Proxies write `198.51.100.1`, `198.51.100.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse().ok().or_else(|| Some(hop.parse::<SocketAddr>().ok()?.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn networks(texts: &[&str]) -> Vec<Network> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    /// Behind the proxies 10.0.0.0/8 and 2001:db8:f::/48.
    fn check(peer: &str, forwarded: &[&str], expected: &str) {
        let trusted = TrustedProxies::new(networks(&["10.0.0.0/8", "2001:db8:f::/48"]));
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
        let ClientAddress(client) = trusted.client(peer, &headers);
        assert_eq!(client, expected.parse::<IpAddr>().unwrap(), "{peer} {forwarded:?}");
    }

    #[test]
    fn who_is_no_trusted_proxy_cannot_say_who_it_is() {
        check("203.0.113.7", &[], "203.0.113.7");
        check("203.0.113.7", &["198.51.100.1"], "203.0.113.7");
        check("203.0.113.7", &["198.51.100.1, 10.0.0.1"], "203.0.113.7");
        check("2001:db8:e::1", &["198.51.100.1"], "2001:db8:e::1");
    }

    #[test]
    fn a_chain_is_walked_from_the_right_to_the_first_that_is_not_trusted() {
        check("10.0.0.1", &["198.51.100.1"], "198.51.100.1");
        check("10.0.0.1", &["198.51.100.1, 10.0.0.2"], "198.51.100.1");
        check("10.0.0.1", &["198.51.100.1", "10.0.0.2,10.0.0.3"], "198.51.100.1");
        check("10.0.0.1", &["192.0.2.66, 198.51.100.1, 10.0.0.2"], "198.51.100.1");
        check("10.0.0.1", &["192.0.2.66", "198.51.100.1"], "198.51.100.1");
        check("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3");
        check("10.0.0.1", &[], "10.0.0.1");
    }

    #[test]
    fn addresses_are_read_in_every_coat() {
        check("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1");
        check("10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1");
        check("2001:db8:f::1", &["2001:db8::9"], "2001:db8::9");
        check("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1");
        check("10.0.0.1", &["[2001:db8::9]:4711"], "2001:db8::9");
        check("10.0.0.1", &["[2001:db8::9]"], "2001:db8::9");
        check("10.0.0.1", &[" \t198.51.100.1 "], "198.51.100.1");
    }

    #[test]
    fn nothing_left_of_garbage_is_believed() {
        for garbage in ["", "unknown", "198.51.100", "198.51.100.1:x", "for=198.51.100.1", "é", ","] {
            check("10.0.0.1", &[&format!("192.0.2.66, {garbage}")], "10.0.0.1");
        }
        check("10.0.0.1", &["192.0.2.66, x, 10.0.0.2"], "10.0.0.2");
    }

    #[test]
    fn a_network_holds_what_its_prefix_says() {
        let check = |network: &str, address: &str, expected: bool| {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), expected, "{network:?} {address}");
        };
        check("10.0.0.0/8", "10.255.255.255", true);
        check("10.0.0.0/8", "11.0.0.0", false);
        check("10.1.2.3", "10.1.2.3", true);
        check("10.1.2.3", "10.1.2.4", false);
        check("0.0.0.0/0", "203.0.113.1", true);
        check("0.0.0.0/0", "::1", false);
        check("::/0", "2001:db8::1", true);
        check("::/0", "10.0.0.1", false);
        check("2001:db8::/32", "2001:db8:ffff::1", true);
        check("2001:db8::/32", "2001:db9::1", false);
        check("10.0.0.0/8", "::ffff:10.0.0.1", true);
        check("::ffff:10.0.0.0/104", "10.2.0.1", true);
        check("::ffff:10.0.0.0/104", "11.2.0.1", false);
        check("::ffff:10.1.2.3", "10.1.2.3", true);
        check("::ffff:0.0.0.0/96", "203.0.113.1", true);
    }

    #[test]
    fn what_is_no_network_is_refused() {
        let bad =
            ["", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/x", "::/129", "here", "10.0.0/8"];
        for text in bad.into_iter().chain(["::ffff:10.0.0.0/95", "10.0.0.0/8/8"]) {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
