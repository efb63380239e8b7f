//! Whom to trust about being the broker: those that the system trusts, or those in a file that the address names.

use std::fmt;
use std::io;

use anyhow::{Context, bail, ensure};
use lapin::AsyncTcpStream;
use lapin::tcp::OwnedTLSConfig;
use rustls_connector::rustls_pki_types::{CertificateDer, pem::PemObject};
use rustls_connector::{RustlsConnector, RustlsConnectorConfig};

/// Bytes of the file of certificates that `?ca=` names.
pub const CA_BYTES_MAX: u64 = 1024 * 1024;

/// None: those that the system trusts.
#[derive(Clone, Default)]
pub struct Trust(Option<RustlsConnector>);

impl Trust {
    /// What stands behind the `?` of an address: nothing, or `ca=FILE`, certificates in PEM, which alone are trusted.
    pub fn named(query: &str) -> anyhow::Result<Trust> {
        if query.is_empty() {
            return Ok(Trust(None));
        }
        let Some(path) = query.strip_prefix("ca=").filter(|path| !path.contains('&')) else {
            bail!("the bus' address has an option that is not known: there is ?ca=FILE");
        };
        let connector = connector(path).with_context(|| format!("the certificates of {path}"))?;
        Ok(Trust(Some(connector)))
    }

    pub fn is_named(&self) -> bool {
        self.0.is_some()
    }

    /// The encrypted stream over a plain one, to a host that proved to be `host`.
    pub async fn encrypted<S>(&self, stream: AsyncTcpStream<S>, host: &str) -> io::Result<AsyncTcpStream<S>>
    where
        S: futures_util::AsyncRead + futures_util::AsyncWrite + Send + Unpin + 'static,
    {
        match &self.0 {
            Some(connector) => stream.into_rustls(connector, host).await,
            None => stream.into_tls(host, OwnedTLSConfig::default().as_ref()).await,
        }
    }
}

fn connector(path: &str) -> anyhow::Result<RustlsConnector> {
    let bytes = std::fs::metadata(path)?.len();
    ensure!(bytes <= CA_BYTES_MAX, "it has {bytes} bytes, certificates at most {CA_BYTES_MAX}");
    let pem = std::fs::read(path)?;
    let certificates = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>()?;
    ensure!(!certificates.is_empty(), "there is none in it");
    Ok(RustlsConnectorConfig::default()
        .with_parsable_certificates(certificates)
        .connector_with_no_client_auth()?)
}

impl fmt::Debug for Trust {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.is_named() { "named authorities" } else { "the system's authorities" })
    }
}

#[cfg(test)]
mod tests {
    use servers::certificates::Certified;

    use super::*;

    #[test]
    fn certificates_are_read_up_to_their_maximum() {
        let folder = tempfile::tempdir().unwrap();
        let made = Certified::make(folder.path()).unwrap();
        let named = |path: &std::path::Path| Trust::named(&format!("ca={}", path.display()));
        assert!(named(&made.authority).unwrap().is_named());
        let mut pem = std::fs::read(&made.authority).unwrap();
        pem.resize(CA_BYTES_MAX as usize, b'\n');
        let most = folder.path().join("most.pem");
        std::fs::write(&most, &pem).unwrap();
        assert!(named(&most).is_ok());
        pem.push(b'\n');
        std::fs::write(&most, &pem).unwrap();
        assert!(format!("{:#}", named(&most).unwrap_err()).contains("at most 1048576"));
        assert!(format!("{:#}", named(&made.key).unwrap_err()).contains("there is none in it"));
        assert!(format!("{:#}", Trust::named("ca=/nowhere").unwrap_err()).contains("/nowhere"));
        assert!(Trust::named("heartbeat=5").is_err());
    }
}
