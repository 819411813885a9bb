//! The certificates of the public address: one for everybody, and those of custom domain names.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gateway::Gateway;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use serde::Deserialize;
use tokio_rustls::TlsAcceptor;

/// A certificate's two files: `[certificates."ws.example.com"]`, or an ARN in place of the name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PemFiles {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

/// Where certificates are found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Certificates {
    /// For names without one of their own.
    pub(crate) default: Option<PemFiles>,
    /// By domain name or certificate ARN.
    pub(crate) by_name: BTreeMap<String, PemFiles>,
}

impl Certificates {
    /// Whether there are any, so that the public address speaks TLS.
    pub(crate) fn any(&self) -> bool {
        self.default.is_some() || !self.by_name.is_empty()
    }
}

/// What makes TLS of the public address; `None` where no certificate is set.
///
/// # Errors
/// One sentence that names the setting, the file and what is wrong with it.
pub(crate) fn acceptor(settings: &Certificates, gateway: &Arc<Gateway>) -> Result<Option<TlsAcceptor>, String> {
    let default = settings.default.as_ref().map(|files| load("tls-cert", files)).transpose()?;
    let load_named = |(name, files): (&String, &PemFiles)| {
        let key = load(&format!("certificates.{name}"), files)?;
        Ok((name.to_ascii_lowercase(), key))
    };
    let by_name = settings.by_name.iter().map(load_named).collect::<Result<HashMap<_, _>, String>>()?;
    if !settings.any() {
        return Ok(None);
    }
    let resolver = Resolver { default, by_name, gateway: gateway.clone() };
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("tls-cert: {error}"))?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}

fn load(setting: &str, files: &PemFiles) -> Result<Arc<CertifiedKey>, String> {
    let wrong = |path: &Path, error: &dyn fmt::Display| format!("{setting}: {}: {error}", path.display());
    let chain = CertificateDer::pem_file_iter(&files.cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| wrong(&files.cert, &error))?;
    if chain.is_empty() {
        return Err(wrong(&files.cert, &"it holds no certificate (PEM)"));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| wrong(&files.key, &error))?;
    let certified = CertifiedKey::from_der(chain, key, &ring::default_provider());
    certified.map(Arc::new).map_err(|error| wrong(&files.key, &error))
}

/// Chooses by the name that a client asks for: a certificate set for the name, or for the ARN that the custom domain
/// name has, or the one for everybody.
struct Resolver {
    default: Option<Arc<CertifiedKey>>,
    by_name: HashMap<String, Arc<CertifiedKey>>,
    gateway: Arc<Gateway>,
}

impl Resolver {
    fn named(&self, name: &str) -> Option<&Arc<CertifiedKey>> {
        let name = name.to_ascii_lowercase();
        let wildcard = || self.by_name.get(&format!("*.{}", name.split_once('.')?.1));
        let by_arn = || self.by_name.get(&self.gateway.certificate_of(&name)?.to_ascii_lowercase());
        self.by_name.get(&name).or_else(by_arn).or_else(wildcard)
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        hello.server_name().and_then(|name| self.named(name)).or(self.default.as_ref()).cloned()
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}
