//! Where the Redis servers are, and whom to trust about it. Never shows the password.

use anyhow::{Context, bail, ensure};
use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, TlsCertificates};

/// Nodes that one address may name.
pub const NODES_MAX: usize = 16;
/// Bytes of the file of certificates that `?ca=` names.
const CA_BYTES_MAX: u64 = 1024 * 1024;

/// Host and port.
pub type Node = (String, u16);

pub struct Address {
    nodes: Vec<ConnectionInfo>,
    /// Those alone are trusted. None: those that the system trusts.
    certificates: Option<TlsCertificates>,
}

impl Address {
    pub fn parse(uri: &str) -> anyhow::Result<Address> {
        let (nodes, query) = uri.split_once('?').unwrap_or((uri, ""));
        let certificates = certificates(query)?;
        let nodes: Vec<_> = nodes.split(',').map(node).collect::<Result<_, _>>()?;
        ensure!(nodes.len() <= NODES_MAX, "live's address names more than {NODES_MAX} nodes");
        let encrypted =
            nodes.iter().filter(|node| matches!(node.addr(), ConnectionAddr::TcpTls { .. })).count();
        ensure!(encrypted == 0 || encrypted == nodes.len(), "live's nodes are all rediss:// or none is");
        ensure!(encrypted > 0 || certificates.is_none(), "?ca= is for rediss://");
        if encrypted > 0 {
            name_crypto();
        }
        Ok(Address { nodes, certificates })
    }

    /// One a node.
    pub fn clients(&self) -> anyhow::Result<Vec<Client>> {
        self.nodes.iter().map(|node| self.open(node.clone())).collect()
    }

    pub fn nodes(&self) -> Vec<Node> {
        self.nodes.iter().filter_map(|node| name(node.addr())).collect()
    }

    /// Another node of the same cluster: it is spoken to as those that the address names.
    pub fn client(&self, node: &Node) -> anyhow::Result<Client> {
        let first = self.nodes.first().context("live's address")?;
        let mut addr = first.addr().clone();
        match &mut addr {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                (*host, *port) = node.clone();
            }
            _ => bail!("live's address is no host and port"),
        }
        self.open(first.clone().set_addr(addr))
    }

    fn open(&self, node: ConnectionInfo) -> anyhow::Result<Client> {
        let client = match &self.certificates {
            Some(certificates) => Client::build_with_tls(node, certificates.clone()),
            None => Client::open(node),
        };
        client.context("live's address")
    }
}

fn name(addr: &ConnectionAddr) -> Option<Node> {
    match addr {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
            Some((host.clone(), *port))
        }
        _ => None,
    }
}

/// TLS panics where a process has not named one kind of crypto. An error: it has, `lapin` names the same.
fn name_crypto() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn node(uri: &str) -> anyhow::Result<ConnectionInfo> {
    let is_known = uri.starts_with("redis://") || uri.starts_with("rediss://");
    // Not the parser's own words: they may repeat the password.
    match uri.into_connection_info() {
        Ok(node) if is_known && !uri.contains('#') => Ok(node),
        _ => bail!("live's address is none: redis://user:password@host:port is, or rediss://…"),
    }
}

fn certificates(query: &str) -> anyhow::Result<Option<TlsCertificates>> {
    if query.is_empty() {
        return Ok(None);
    }
    let Some(path) = query.strip_prefix("ca=").filter(|path| !path.contains('&')) else {
        bail!("live's address has an option that is not known: there is ?ca=FILE");
    };
    let read = || -> anyhow::Result<Vec<u8>> {
        let bytes = std::fs::metadata(path)?.len();
        ensure!(bytes <= CA_BYTES_MAX, "it has {bytes} bytes, certificates at most {CA_BYTES_MAX}");
        Ok(std::fs::read(path)?)
    };
    let root_cert = Some(read().with_context(|| format!("the certificates of {path}"))?);
    Ok(Some(TlsCertificates { client_tls: None, root_cert }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_address_is_refused_without_the_password() {
        let many = vec!["redis://a"; NODES_MAX + 1].join(",");
        for uri in [
            "a",
            "http://u:geheim@a",
            "redis+unix:///a",
            "rediss://:geheim@a/#insecure",
            "redis://:geheim@a:x",
            "redis://a,rediss://b",
            "redis://a?ca=/dev/null",
            "rediss://a?ca=/nowhere",
            "rediss://a?other=1",
            &many,
        ] {
            let refused = format!("{:#}", Address::parse(uri).err().expect(uri));
            assert!(!refused.contains("geheim"), "{refused}");
        }
        let most = vec!["redis://a"; NODES_MAX].join(",");
        assert_eq!(Address::parse(&most).unwrap().clients().unwrap().len(), NODES_MAX);
        assert_eq!(
            Address::parse("rediss://wf:geheim@a,rediss://b:7000").unwrap().clients().unwrap().len(),
            2
        );
    }

    #[test]
    fn certificates_are_read_up_to_their_maximum() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let uri = format!("rediss://a?ca={}", file.path().display());
        assert!(Address::parse(&uri).is_ok());
        file.as_file().set_len(CA_BYTES_MAX).unwrap();
        assert!(Address::parse(&uri).is_ok());
        file.as_file().set_len(CA_BYTES_MAX + 1).unwrap();
        assert!(format!("{:#}", Address::parse(&uri).err().unwrap()).contains("at most 1048576"));
    }
}
