//! TLS of the public address: one certificate for everybody, those of custom domain names, and what clients must show.
//!
//! All of it comes from files, which are read again when they change. What is wrong is said and not taken: what was there
//! before stays in force. Connections that are open go on as they were made.

mod client;
mod watched;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use gateway::Gateway;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::signal::unix::Signal;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::choices::{LogLevel, TlsMin};
use crate::logs::Log;
use crate::small_files;
use watched::Watched;

pub(crate) use client::shown;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How many refused handshakes a second the log tells.
const TOLD_A_SECOND: u64 = 10;
/// The longest file of certificates, in bytes: a trust store of all public authorities has a quarter of it.
const PEM_BYTES_MAX: u64 = 1024 * 1024;

/// A certificate's two files: `[certificates."ws.example.com"]`, or an ARN in place of the name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PemFiles {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

/// Where certificates are found, and what clients have to bring.
#[derive(Clone, Debug, Default)]
pub(crate) struct Certificates {
    /// For names without one of their own.
    pub(crate) default: Option<PemFiles>,
    /// By domain name or certificate ARN.
    pub(crate) by_name: BTreeMap<String, PemFiles>,
    /// The oldest version of TLS.
    pub(crate) min: TlsMin,
    /// Whose certificates clients show; none where they are not asked.
    pub(crate) clients: Option<Clients>,
}

/// What clients show of themselves.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    /// The certificates of those who issue theirs.
    pub(crate) ca: PathBuf,
    /// Whether a client without one is refused.
    pub(crate) must_show: bool,
}

impl Certificates {
    /// Whether there are any, so that the public address speaks TLS.
    pub(crate) fn any(&self) -> bool {
        self.default.is_some() || !self.by_name.is_empty()
    }
}

/// TLS of the public address.
pub(crate) struct Tls {
    /// Sessions that were begun under another one are not taken up again: what a client had to show may have changed.
    in_force: ArcSwap<ServerConfig>,
    files: Mutex<Files>,
    gateway: Arc<Gateway>,
    log: Log,
    /// The second since `begun`, and how many refusals the log told in it.
    told: Mutex<(u64, u64)>,
    begun: Instant,
}

/// What was read of the files.
struct Files {
    default: Option<Watched<Arc<CertifiedKey>>>,
    /// By domain name or certificate ARN, in small letters.
    by_name: Vec<(String, Watched<Arc<CertifiedKey>>)>,
    clients: Option<(Watched<Arc<RootCertStore>>, bool)>,
    min: TlsMin,
}

impl Tls {
    /// Reads the files; `None` where no certificate is set.
    ///
    /// # Errors
    /// One sentence that names the setting, the file and what is wrong with it.
    pub(crate) fn open(settings: &Certificates, gateway: &Arc<Gateway>, log: &Log) -> Result<Option<Tls>, String> {
        let files = Files::open(settings)?;
        if !settings.any() {
            return Ok(None);
        }
        let in_force = ArcSwap::new(files.server_config(gateway)?);
        let (files, told, begun) = (Mutex::new(files), Mutex::default(), Instant::now());
        Ok(Some(Tls { in_force, files, gateway: gateway.clone(), log: log.clone(), told, begun }))
    }

    /// Makes the handshake of a socket, with what is in force now; none where it fails. What the client was to show, or
    /// cannot speak, is said in the log, since the client is told next to nothing.
    pub(crate) async fn accept(&self, tcp: TcpStream, from: IpAddr) -> Option<TlsStream<TcpStream>> {
        match TlsAcceptor::from(self.in_force.load_full()).accept(tcp).await {
            Ok(stream) => Some(stream),
            Err(error) => {
                if let Some(why) = fault(&error)
                    && self.tells_now()
                {
                    let text = format!("a client from {from} is refused in the TLS handshake: {why}");
                    self.log.say(LogLevel::Warn, text);
                }
                None
            }
        }
    }

    // Anybody can cause it.
    fn tells_now(&self) -> bool {
        let second = self.begun.elapsed().as_secs();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        *told = if told.0 == second { (second, told.1 + 1) } else { (second, 1) };
        told.1 <= TOLD_A_SECOND
    }

    /// Reads the files again when they change, and when the program is told to. Never returns.
    pub(crate) async fn follow(self: Arc<Self>, mut hang_ups: Signal) {
        loop {
            let asked = tokio::select! {
                asked = hang_ups.recv() => asked.is_some(),
                () = tokio::time::sleep(LOOK_EVERY) => false,
            };
            let tls = self.clone();
            // What goes wrong with a look does not end the next.
            let _ = tokio::task::spawn_blocking(move || tls.look(asked)).await;
        }
    }

    fn look(&self, asked: bool) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let read = files.look(asked, &self.log);
        if read.is_empty() {
            return;
        }
        match files.server_config(&self.gateway) {
            Ok(config) => {
                self.in_force.store(config);
                self.log.say(LogLevel::Info, format!("certificates are read again: {}", read.join(", ")));
            }
            Err(error) => self.log.say(LogLevel::Error, format!("{error}; what was read before stays in force")),
        }
    }
}

impl Files {
    fn open(settings: &Certificates) -> Result<Files, String> {
        let pair = |setting: String, PemFiles { cert, key }: &PemFiles| {
            let files = vec![cert.clone(), key.clone()];
            let (cert, key) = (cert.clone(), key.clone());
            Watched::open(files, move || pair(&setting, &cert, &key))
        };
        let default = settings.default.as_ref().map(|files| pair("tls-cert".to_owned(), files)).transpose()?;
        let named = settings.by_name.iter();
        let named =
            named.map(|(name, files)| Ok((name.to_ascii_lowercase(), pair(format!("certificates.{name}"), files)?)));
        let by_name = named.collect::<Result<_, String>>()?;
        let trusted = |Clients { ca, must_show }: &Clients| {
            let from = ca.clone();
            let watched = Watched::open(vec![ca.clone()], move || trusted(&from));
            watched.map(|watched| (watched, *must_show))
        };
        let clients = settings.clients.as_ref().map(trusted).transpose()?;
        Ok(Files { default, by_name, clients, min: settings.min })
    }

    // The settings whose files hold something new.
    fn look(&mut self, asked: bool, log: &Log) -> Vec<String> {
        let mut read = Vec::new();
        if self.default.as_mut().is_some_and(|pair| pair.look(asked, log)) {
            read.push("tls-cert".to_owned());
        }
        for (name, pair) in &mut self.by_name {
            if pair.look(asked, log) {
                read.push(format!("certificates.{name}"));
            }
        }
        if self.clients.as_mut().is_some_and(|(trusted, _)| trusted.look(asked, log)) {
            read.push("tls-client-ca".to_owned());
        }
        read
    }

    fn server_config(&self, gateway: &Arc<Gateway>) -> Result<Arc<ServerConfig>, String> {
        let resolver = Resolver {
            default: self.default.as_ref().map(|pair| pair.value().clone()),
            by_name: self.by_name.iter().map(|(name, pair)| (name.clone(), pair.value().clone())).collect(),
            gateway: gateway.clone(),
        };
        let versions = match self.min {
            TlsMin::Tls12 => &[&TLS13, &TLS12][..],
            TlsMin::Tls13 => &[&TLS13],
        };
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(versions)
            .map_err(|error| format!("tls-min: {error}"))?;
        let builder = match &self.clients {
            None => builder.with_no_client_auth(),
            Some((trusted, must_show)) => {
                let verifier = WebPkiClientVerifier::builder_with_provider(trusted.value().clone(), provider);
                let verifier = if *must_show { verifier } else { verifier.allow_unauthenticated() };
                builder.with_client_cert_verifier(verifier.build().map_err(|error| format!("tls-client-ca: {error}"))?)
            }
        };
        Ok(Arc::new(builder.with_cert_resolver(Arc::new(resolver))))
    }
}

// What a client did wrong; none for one that hung up, or spoke no TLS at all.
fn fault(error: &std::io::Error) -> Option<&rustls::Error> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let is_told = matches!(
        error,
        rustls::Error::NoCertificatesPresented
            | rustls::Error::InvalidCertificate(_)
            | rustls::Error::PeerIncompatible(_)
    );
    is_told.then_some(error)
}

// What is wrong with the file of a setting.
fn wrong(setting: &str, path: &Path, why: &dyn fmt::Display) -> String {
    format!("{setting}: {}: {why}", path.display())
}

fn chain(setting: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = small_files::read(path, PEM_BYTES_MAX).map_err(|error| wrong(setting, path, &error))?;
    let chain = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| wrong(setting, path, &error))?;
    match chain.is_empty() {
        true => Err(wrong(setting, path, &"it holds no certificate (PEM)")),
        false => Ok(chain),
    }
}

fn pair(setting: &str, cert: &Path, key: &Path) -> Result<Arc<CertifiedKey>, String> {
    let chain = chain(setting, cert)?;
    let wrong_key = |error: &dyn fmt::Display| wrong(setting, key, error);
    let bytes = small_files::read(key, PEM_BYTES_MAX).map_err(|error| wrong_key(&error))?;
    let private = PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| wrong_key(&error))?;
    let certified = CertifiedKey::from_der(chain, private, &ring::default_provider());
    certified.map(Arc::new).map_err(|error| wrong_key(&error))
}

fn trusted(path: &Path) -> Result<Arc<RootCertStore>, String> {
    const SETTING: &str = "tls-client-ca";
    let mut store = RootCertStore::empty();
    for certificate in chain(SETTING, path)? {
        store.add(certificate).map_err(|error| wrong(SETTING, path, &error))?;
    }
    Ok(Arc::new(store))
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
