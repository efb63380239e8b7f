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
        let (address, bits) = text.split_once('/').unwrap_or((text, ""));
        let address: IpAddr =
            address.trim().parse().map_err(|_| format!("`{text}` is not an address or network"))?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            "" => bits_max,
            bits => bits.parse().ok().filter(|bits| *bits <= bits_max).ok_or_else(|| {
                format!("`{text}`: the prefix length is a number from 0 to {bits_max}")
            })?,
        };
        Ok(Network { address: address.to_canonical(), bits })
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
    pub fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> ClientAddress {
        let mut client = peer.ip().to_canonical();
        let forwarded = headers.get_all("x-forwarded-for");
        let hops = forwarded.iter().rev().filter_map(|value| value.to_str().ok());
        for hop in hops.flat_map(|value| value.rsplit(',')) {
            if !self.trusts(client) {
                break;
            }
            let Ok(address) = hop.trim().parse::<IpAddr>() else {
                break;
            };
            client = address.to_canonical();
        }
        ClientAddress(client)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}
