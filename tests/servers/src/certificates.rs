//! An authority of a test's own, and a certificate by it for servers on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::bail;

/// Makes both. Good for `localhost` and `127.0.0.1`.
const MAKE: &str = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=authority \
     -keyout authority.key -out authority.pem && \
     openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost \
     -keyout server.key -out server.csr && \
     printf 'subjectAltName=DNS:localhost,IP:127.0.0.1' > server.ext && \
     openssl x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 \
     -extfile server.ext -out server.pem";

/// Files (PEM).
#[derive(Clone)]
pub struct Certified {
    /// The authority's certificate: what clients are to trust.
    pub authority: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Certified {
    /// In this folder.
    pub fn make(folder: &Path) -> anyhow::Result<Certified> {
        let made = Command::new("sh").args(["-c", MAKE]).current_dir(folder).output()?;
        if !made.status.success() {
            bail!("openssl: {}", String::from_utf8_lossy(&made.stderr));
        }
        let [authority, certificate, key] =
            ["authority.pem", "server.pem", "server.key"].map(|name| folder.join(name));
        Ok(Certified { authority, certificate, key })
    }
}
