//! Connections to backends, clear or TLS.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

use arc_swap::ArcSwap;
use rustls::client::WantsClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use types::message::HttpTarget;

use crate::error::{Error, ErrorKind};
use crate::names::Names;
use crate::remote::Remote;

/// A connection to a backend.
pub(crate) enum Stream {
    Clear(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Opens connections; holds what TLS needs once it is needed.
#[derive(Default)]
pub(crate) struct Connector {
    roots: OnceLock<Arc<RootCertStore>>,
    tls: OnceLock<TlsConnector>,
    /// By the id of the client certificate that they show.
    with_certificate: ArcSwap<HashMap<String, TlsConnector>>,
}

impl Connector {
    /// Opens a connection. The errors name `target`, which the developer knows, and the address where it is another.
    pub(crate) async fn connect(
        &self,
        names: &Names,
        target: &HttpTarget,
        place: &Remote<'_>,
    ) -> Result<Stream, Error> {
        let unreachable = |error: &dyn fmt::Display| match *place.host == *target.host && place.port == target.port {
            true => Error::new(ErrorKind::Unreachable, target, error),
            false => {
                Error::new(ErrorKind::Unreachable, target, format_args!("at {}:{}: {error}", place.host, place.port))
            }
        };
        let addresses = names.addresses(&place.host, place.port).await.map_err(|error| unreachable(&error))?;
        let tcp = TcpStream::connect(&*addresses).await.map_err(|error| {
            names.doubt(&place.host);
            unreachable(&error)
        })?;
        tcp.set_nodelay(true).map_err(|error| unreachable(&error))?;
        if !place.tls {
            return Ok(Stream::Clear(tcp));
        }
        let name = ServerName::try_from(place.server_name.to_owned()).map_err(|error| unreachable(&error))?;
        let certified = place.client_certificate.and_then(|id| self.with_certificate.load().get(id).cloned());
        let tls = certified.unwrap_or_else(|| self.tls.get_or_init(|| self.without_certificate()).clone());
        Ok(Stream::Tls(Box::new(tls.connect(name, tcp).await.map_err(|error| unreachable(&error))?)))
    }

    pub(crate) fn set_client_certificates<'c>(
        &self,
        certificates: impl Iterator<Item = (&'c str, &'c str, &'c str)>,
    ) -> Result<(), Vec<String>> {
        let mut connectors = HashMap::new();
        let mut unusable = Vec::new();
        for (id, certificate, key) in certificates {
            match self.certified(certificate, key) {
                Ok(connector) => drop(connectors.insert(id.to_owned(), connector)),
                Err(error) => unusable.push(format!("client certificate {id} cannot be used: {error}")),
            }
        }
        self.with_certificate.store(Arc::new(connectors));
        if unusable.is_empty() { Ok(()) } else { Err(unusable) }
    }

    fn certified(&self, certificate: &str, key: &str) -> Result<TlsConnector, String> {
        let chain = CertificateDer::pem_slice_iter(certificate.as_bytes());
        let chain = chain.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| error.to_string())?;
        let config = self.builder().with_client_auth_cert(chain, key).map_err(|error| error.to_string())?;
        Ok(TlsConnector::from(Arc::new(config)))
    }

    fn without_certificate(&self) -> TlsConnector {
        TlsConnector::from(Arc::new(self.builder().with_no_client_auth()))
    }

    // The system's own store (or SSL_CERT_FILE), as every other program of the machine trusts it.
    fn builder(&self) -> ConfigBuilder<ClientConfig, WantsClientCert> {
        let roots = self.roots.get_or_init(|| {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            Arc::new(roots)
        });
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring serves the default protocol versions")
            .with_root_certificates(roots.clone())
    }
}

impl Stream {
    /// What has come on a kept connection, on which nothing should. What TLS has deciphered and nobody has read counts too:
    /// it would pass for the next answer.
    pub(crate) fn look(&mut self) -> Unasked {
        let mut byte = [0];
        if let Stream::Clear(tcp) = self {
            // Costs no system call where nothing came.
            return match tcp.try_read(&mut byte) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Unasked::Nothing,
                Ok(read) if read > 0 => Unasked::Bytes,
                Ok(_) | Err(_) => Unasked::End,
            };
        }
        let mut buffer = ReadBuf::new(&mut byte);
        let mut cx = Context::from_waker(Waker::noop());
        match Pin::new(self).poll_read(&mut cx, &mut buffer) {
            Poll::Pending => Unasked::Nothing,
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => Unasked::Bytes,
            Poll::Ready(_) => Unasked::End,
        }
    }
}

/// What a backend sent on a connection that nobody uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unasked {
    /// The connection can be used.
    Nothing,
    /// It closed the connection, or the connection broke.
    End,
    /// It sends what nobody asked for.
    Bytes,
}

impl Stream {
    /// Acknowledges at once what has come. A hint: where it cannot be given, only time is lost.
    pub(crate) fn acknowledge(&self) {
        #[cfg(target_os = "linux")]
        {
            let tcp = match self {
                Stream::Clear(tcp) => tcp,
                Stream::Tls(tls) => tls.get_ref().0,
            };
            let _ = socket2::SockRef::from(tcp).set_tcp_quickack(true);
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Clear(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Stream::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Clear(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Stream::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Clear(tcp) => Pin::new(tcp).poll_flush(cx),
            Stream::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Clear(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Stream::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
