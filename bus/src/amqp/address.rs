//! Where the broker's nodes are: `amqp://user:password@host:port,host:port/vhost`, and whom to trust about it. Never
//! shows the password.

use std::fmt;

use anyhow::{Context, bail, ensure};
use lapin::uri::{AMQPScheme, AMQPUri};

use super::trust::Trust;

/// Nodes that one address may name.
pub const NODES_MAX: usize = 16;

/// The nodes of one broker, at least one: what differs is host and port.
#[derive(Clone)]
pub struct Address {
    nodes: Vec<AMQPUri>,
    pub trust: Trust,
}

impl Address {
    /// `amqp://` or, encrypted, `amqps://`. Without a vhost, and with an empty one, it is `/`; without a port 5672
    /// or 5671; without a user `guest`. Special characters of user, password and vhost are percent-encoded.
    /// `?ca=FILE` behind `amqps`: authorities (PEM) to trust instead of the system's.
    pub fn parse(uri: &str) -> anyhow::Result<Address> {
        let (uri, query) = uri.split_once('?').unwrap_or((uri, ""));
        let trust = Trust::named(query)?;
        let (scheme, rest) = uri.split_once("://").context("the bus' address has no scheme")?;
        let hosts_end = rest.find('/').unwrap_or(rest.len());
        let hosts_start = rest[..hosts_end].rfind('@').map_or(0, |at| at + 1);
        let (user, hosts, path) = (&rest[..hosts_start], &rest[hosts_start..hosts_end], &rest[hosts_end..]);
        let shape = format!("{scheme}://{user}host{path}");
        // Not the parser's own words: they may repeat the password.
        let Ok(mut shape) = shape.parse::<AMQPUri>() else {
            bail!("the bus' address is none: amqp://user:password@host:port,host:port/vhost is");
        };
        if shape.vhost.is_empty() {
            shape.vhost = "/".to_owned();
        }
        let nodes: Vec<AMQPUri> =
            hosts.split(',').map(|host| node(&shape, host)).collect::<Result<_, _>>()?;
        ensure!(nodes.len() <= NODES_MAX, "the bus' address names more than {NODES_MAX} nodes");
        ensure!(shape.scheme == AMQPScheme::AMQPS || !trust.is_named(), "?ca= is for amqps://");
        Ok(Address { nodes, trust })
    }

    pub fn nodes(&self) -> &[AMQPUri] {
        &self.nodes
    }
}

fn node(shape: &AMQPUri, host: &str) -> anyhow::Result<AMQPUri> {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => {
            (name, port.parse().with_context(|| format!("`{port}` is no port"))?)
        }
        _ => (host, shape.scheme.default_port()),
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    ensure!(!name.is_empty(), "the bus' address has a node without a host");
    let mut node = shape.clone();
    (node.authority.host, node.authority.port) = (name.to_owned(), port);
    Ok(node)
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, node) in self.nodes.iter().enumerate() {
            let between = if index > 0 { "," } else { "" };
            write!(out, "{between}{}:{}", node.authority.host, node.authority.port)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(uri: &str, expected: &[(&str, u16, &str)]) {
        let address = Address::parse(uri).unwrap();
        let told: Vec<_> = address
            .nodes()
            .iter()
            .map(|node| (&*node.authority.host, node.authority.port, &*node.vhost))
            .collect();
        assert_eq!(told, expected, "{uri}");
    }

    #[test]
    fn hosts_ports_and_vhosts() {
        check("amqp://localhost", &[("localhost", 5672, "/")]);
        check("amqp://localhost/", &[("localhost", 5672, "/")]);
        check("amqps://a", &[("a", 5671, "/")]);
        check(
            "amqp://u:p@a:1,b,10.0.0.3:3/hits",
            &[("a", 1, "hits"), ("b", 5672, "hits"), ("10.0.0.3", 3, "hits")],
        );
        check("amqp://u:p@[::1]:7,[::2]/%2f", &[("::1", 7, "/"), ("::2", 5672, "/")]);
    }

    #[test]
    fn a_user_and_a_password_are_decoded_and_never_shown() {
        let address = Address::parse("amqp://wat%40ch:s%2Fcret@a,b").unwrap();
        let user = &address.nodes()[1].authority.userinfo;
        assert_eq!((&*user.username, &*user.password), ("wat@ch", "s/cret"));
        assert_eq!(address.to_string(), "a:5672,b:5672");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let ca = servers::certificates::Certified::make(folder.path()).unwrap().authority;
        let plain = format!("amqp://a?ca={}", ca.display());
        assert!(Address::parse(&plain.replace("amqp:", "amqps:")).unwrap().trust.is_named());
        assert!(format!("{:#}", Address::parse(&plain).err().unwrap()).contains("for amqps"));
        let many = format!("amqp://{}", vec!["a"; NODES_MAX + 1].join(","));
        for uri in [
            "localhost",
            "http://a",
            "amqp://",
            "amqp://a,,b",
            "amqp://a:x",
            "amqp://a:70000",
            "amqps://a?ca=/nowhere",
            "amqp://a?heartbeat=5",
            &many,
        ] {
            assert!(Address::parse(uri).is_err(), "{uri}");
        }
        let refused = format!("{:#}", Address::parse("http://u:secret@a").err().unwrap());
        assert!(!refused.contains("secret"), "{refused}");
        assert!(Address::parse(&format!("amqp://{}", vec!["a"; NODES_MAX].join(","))).is_ok());
    }
}
