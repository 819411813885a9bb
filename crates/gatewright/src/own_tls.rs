//! A certificate for this machine alone, which functions that run here are told to trust.
//!
//! A handler as it runs on AWS makes its `@connections` address of `https://`, `domainName` and `stage`. Where the public
//! address is one of loopback in clear text that would not be answered; with this the same port speaks TLS too, to whoever
//! begins with it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

/// Where certificate authorities of the system are found. Source: what Go's library looks for.
const SYSTEM_BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
];

/// The variables by which programs are told whom to trust: Node's, the Python SDK's, OpenSSL's and Go's.
pub(crate) const VARIABLES: &[&str] = &["NODE_EXTRA_CA_CERTS", "AWS_CA_BUNDLE", "SSL_CERT_FILE"];

/// How the file is called.
const PREFIX: &str = "gatewright-trusted-";

/// Names under which this machine reaches itself.
const NAMES: &[&str] = &["localhost", "*.localhost", "*.execute-api.localhost", "127.0.0.1", "::1"];

/// The certificate, as long as the program runs; its key is nowhere but in memory. It is made when the first function needs it.
pub(crate) struct OwnTls {
    data_dir: Option<PathBuf>,
    made: OnceLock<Made>,
}

struct Made {
    acceptor: TlsAcceptor,
    bundle: PathBuf,
}

impl OwnTls {
    /// None yet.
    pub(crate) fn new(data_dir: Option<&Path>) -> OwnTls {
        // Functions run in other folders.
        let whole = |dir: &Path| std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
        OwnTls { data_dir: data_dir.map(whole), made: OnceLock::new() }
    }

    /// What answers those who begin with TLS, where there is a certificate.
    pub(crate) fn acceptor(&self) -> Option<&TlsAcceptor> {
        self.made.get().map(|made| &made.acceptor)
    }

    /// The file to trust, in the data folder, or where others are for a while: the certificate, and what the system trusts.
    ///
    /// # Errors
    /// A sentence that says what could not be made or written.
    pub(crate) fn bundle(&self) -> Result<&Path, String> {
        if self.made.get().is_none() {
            let made = self.make()?;
            let _ = self.made.set(made);
        }
        self.made
            .get()
            .map(|made| made.bundle.as_path())
            .ok_or_else(|| "a certificate of its own is missing".to_owned())
    }

    fn make(&self) -> Result<Made, String> {
        let (authority, config) = made().map_err(|error| format!("a certificate of its own: {error}"))?;
        let folder = self.data_dir.clone().filter(|folder| folder.is_dir()).unwrap_or_else(std::env::temp_dir);
        remove_old(&folder);
        // By process: a second program on the same folder, which will be refused there, changes nothing for the first.
        let bundle = folder.join(format!("{PREFIX}{}.pem", std::process::id()));
        write(&bundle, &authority).map_err(|error| format!("{}: {error}", bundle.display()))?;
        Ok(Made { acceptor: TlsAcceptor::from(Arc::new(config)), bundle })
    }

    /// Takes the file away.
    pub(crate) fn remove(&self) {
        if let Some(made) = self.made.get() {
            let _ = fs::remove_file(&made.bundle);
        }
    }
}

fn made() -> Result<(String, ServerConfig), Box<dyn std::error::Error>> {
    let name = |params: &mut CertificateParams, text: &str| params.distinguished_name.push(DnType::CommonName, text);
    let authority_key = KeyPair::generate()?;
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    name(&mut authority, "Gatewright, functions of this machine");
    let text = authority.self_signed(&authority_key)?.pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(NAMES.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    name(&mut params, "localhost");
    let certificate = params.signed_by(&key, &issuer)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    Ok((text, config))
}

fn write(path: &Path, authority: &str) -> std::io::Result<()> {
    // Another program's file of this name would be trusted in place of ours.
    let _ = fs::remove_file(path);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(authority.as_bytes())?;
    // Whoever was told to trust a file of their own still does.
    let mut named: Vec<_> = VARIABLES.iter().filter_map(std::env::var_os).map(PathBuf::from).collect();
    named.sort();
    named.dedup();
    for path in &named {
        file.write_all(&fs::read(path).unwrap_or_default())?;
        file.write_all(b"\n")?;
    }
    let system = SYSTEM_BUNDLES.iter().filter(|path| !named.iter().any(|named| named == Path::new(path)));
    let system = system.clone().find_map(|path| fs::read(path).ok());
    file.write_all(&system.unwrap_or_default())
}

// Programs that were killed could not. Where the system does not list processes, nobody knows which those are.
fn remove_old(folder: &Path) {
    if !Path::new("/proc/self").exists() {
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(".pem")?.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
