//! The line to the server of a mailbox: with TLS as the system trusts it, or without on this machine.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use async_imap::{Client, Session};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::Mailbox;

/// Reaching and greeting the server; one command.
pub const COMMAND_MAX: Duration = Duration::from_secs(30);

pub trait Line: AsyncRead + AsyncWrite + Unpin + Send + Debug {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + Debug> Line for T {}

pub type Talk = Session<Box<dyn Line>>;

/// Signed in, with the folder open.
pub async fn open(mailbox: &Mailbox) -> anyhow::Result<Talk> {
    timeout(COMMAND_MAX, opened(mailbox)).await.context("no answer in time")?
}

async fn opened(mailbox: &Mailbox) -> anyhow::Result<Talk> {
    let stream =
        TcpStream::connect((mailbox.host.as_str(), mailbox.port)).await.context("it cannot be reached")?;
    let line: Box<dyn Line> = match mailbox.has_tls {
        false => Box::new(stream),
        true => {
            let name = ServerName::try_from(mailbox.host.clone()).context("its name is none")?;
            Box::new(trusted()?.connect(name, stream).await.context("it is not to be trusted")?)
        }
    };
    let mut client = Client::new(line);
    client.read_response().await.context("it does not greet")?.context("it broke off")?;
    // What the server says of whom it does not let in stays there.
    let signed_in = client.login(&mailbox.user, &mailbox.password).await;
    let mut talk = signed_in.map_err(|_| anyhow!("it does not let us in"))?;
    talk.select(&mailbox.folder).await.map_err(|_| anyhow!("it has no such folder"))?;
    Ok(talk)
}

fn trusted() -> anyhow::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth())))
}
