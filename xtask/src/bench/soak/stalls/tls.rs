//! A certificate for one gateway, and clients that trust it.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// The host that clients connect to.
const HOST: &str = "127.0.0.1";

/// A certificate and its key in files, which go with this.
pub(super) struct Files {
    folder: PathBuf,
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

impl Drop for Files {
    fn drop(&mut self) {
        // In the system's folder for such things, where it does no harm if it stays.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What clients need to trust it.
#[derive(Clone)]
pub(super) struct Trust(TlsConnector);

impl Trust {
    /// # Errors
    /// When the handshake fails.
    pub(super) async fn connect(&self, tcp: TcpStream) -> anyhow::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(HOST).context("name the gateway")?;
        self.0.connect(name, tcp).await.context("open TLS")
    }
}

/// Makes a certificate.
///
/// # Errors
/// When the files cannot be written.
pub(super) fn make() -> anyhow::Result<(Files, Trust)> {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([HOST.to_owned()]).context("make a certificate")?;
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).context("trust a certificate")?;
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let folder = std::env::temp_dir().join(format!("gatewright-soak-{}", std::process::id()));
    std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    let files = Files { certificate: folder.join("cert.pem"), key: folder.join("key.pem"), folder };
    std::fs::write(&files.certificate, cert.pem()).context("write a certificate")?;
    std::fs::write(&files.key, signing_key.serialize_pem()).context("write a key")?;
    Ok((files, Trust(TlsConnector::from(Arc::new(config)))))
}
