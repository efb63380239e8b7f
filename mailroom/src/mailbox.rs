//! A mailbox that letters are answered to, asked by IMAP (RFC 3501, IDLE of RFC 2177). One process of a cluster looks after it, by a lease that the store
//! keeps; a letter is marked as read when what it says is kept, and never before, so that whoever is killed leaves it to the next one.

mod keeping;
mod line;

pub use keeping::keep;

use std::fmt;

use anyhow::{Context, bail, ensure};
use url::{Host, Url};

/// Where it is, and who may.
#[derive(Clone)]
pub struct Mailbox {
    host: String,
    port: u16,
    has_tls: bool,
    user: String,
    password: String,
    folder: String,
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Mailbox(at {}:{})", self.host, self.port)
    }
}

const INBOX: &str = "INBOX";
const TLS_PORT: u16 = 993;
const BARE_PORT: u16 = 143;

impl Mailbox {
    /// `imaps://USER:PASSWORD@HOST/FOLDER`, or `imap://…` where that is this machine: a password goes nowhere as it is.
    pub fn of(text: &str) -> anyhow::Result<Mailbox> {
        // What cannot be read may hold a password: it is not repeated.
        let url = Url::parse(text).ok().context("this is no address of a mailbox")?;
        let has_tls = match url.scheme() {
            "imaps" => true,
            "imap" => false,
            _ => bail!("a mailbox is named as imaps://USER:PASSWORD@HOST/FOLDER"),
        };
        let host = match url.host().context("the address of the mailbox names no host")? {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        let is_here =
            host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        ensure!(has_tls || is_here, "the password would go over the network as it is: use imaps://");
        let (user, password) = (decoded(url.username())?, decoded(url.password().unwrap_or_default())?);
        ensure!(
            !user.is_empty() && !password.is_empty(),
            "the address of the mailbox has no user or no password"
        );
        let folder = decoded(url.path().trim_matches('/'))?;
        ensure!(
            !folder.contains(|letter: char| letter.is_control()),
            "the folder of the mailbox has a character that is no letter"
        );
        let port = url.port().unwrap_or(if has_tls { TLS_PORT } else { BARE_PORT });
        let folder = if folder.is_empty() { INBOX.to_owned() } else { folder };
        Ok(Mailbox { host, port, has_tls, user, password, folder })
    }
}

/// Of `%40` an `@`.
fn decoded(text: &str) -> anyhow::Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match (first, digits.and_then(|two| u8::from_str_radix(two, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).ok().context("the address of the mailbox is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_is_named_by_an_address() {
        let of = |text: &str| Mailbox::of(text).unwrap();
        let full = of("imaps://replies%40shop.example:p%2Fw@mail.example:1993/Answers%20here");
        assert_eq!((full.host.as_str(), full.port, full.has_tls), ("mail.example", 1993, true));
        assert_eq!((full.user.as_str(), full.password.as_str()), ("replies@shop.example", "p/w"));
        assert_eq!(full.folder, "Answers here");
        let short = of("imaps://u:p@mail.example");
        assert_eq!((short.port, short.folder.as_str()), (993, "INBOX"));
        assert_eq!(of("imap://u:p@127.0.0.1").port, 143);
        assert_eq!(of("imap://u:p@[::1]:1143/").host, "::1");
        assert!(!format!("{full:?}").contains("p/w") && !format!("{full:?}").contains("replies"));
    }

    #[test]
    fn what_is_no_mailbox_is_refused_and_not_repeated() {
        for bad in [
            "",
            "u:geheim@mail.example",
            "https://u:geheim@mail.example",
            "imap://u:geheim@mail.example",
            "imap://u:geheim@10.0.0.1",
            "imaps://mail.example",
            "imaps://u@mail.example",
            "imaps://:geheim@mail.example",
            "imaps://u:geheim@mail.example/a%0d%0ab",
            "imaps://u:geheim@mail.example/%ff",
        ] {
            let refused = format!("{:#}", Mailbox::of(bad).unwrap_err());
            assert!(!refused.contains("geheim"), "{refused}");
        }
    }
}
