//! A client's socket before it becomes a connection: clear, or under TLS.

use std::io;
use std::net::Shutdown;
use std::pin::Pin;
#[cfg(test)]
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio_rustls::server::TlsStream;

use crate::session::Session;
#[cfg(test)]
use crate::simulation::line::Line;

/// A socket that a request came on.
pub enum Socket {
    /// Without TLS.
    Clear(TcpStream),
    /// With TLS, its handshake over.
    Tls(Box<TlsStream<TcpStream>>),
    /// None at all.
    #[cfg(test)]
    Simulated(Line),
}

impl Socket {
    /// Both halves and the session, with what was deciphered and not yet read.
    pub(crate) fn into_parts(self) -> (Reader, Writer, Option<Session>, Vec<u8>) {
        match self {
            Socket::Clear(tcp) => {
                let (reader, writer) = tcp.into_split();
                (Reader::Tcp(reader), Writer::Tcp(writer), None, Vec::new())
            }
            Socket::Tls(stream) => {
                let (tcp, connection) = stream.into_inner();
                let (reader, writer) = tcp.into_split();
                let (session, clear) = Session::new(connection);
                (Reader::Tcp(reader), Writer::Tcp(writer), Some(session), clear)
            }
            #[cfg(test)]
            Socket::Simulated(line) => (Reader::Simulated, Writer::Simulated(Arc::new(line)), None, Vec::new()),
        }
    }
}

/// The side of a connection's socket that is read.
pub(crate) enum Reader {
    Tcp(OwnedReadHalf),
    /// The writer's line.
    #[cfg(test)]
    Simulated,
}

impl Reader {
    /// Reads once. `_writer` is the other side of the same socket.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
        _writer: &Writer,
    ) -> Poll<io::Result<()>> {
        match self {
            Reader::Tcp(half) => Pin::new(half).poll_read(cx, buf),
            #[cfg(test)]
            Reader::Simulated => match _writer {
                Writer::Simulated(line) => line.poll_read_once(cx, buf),
                Writer::Tcp(_) | Writer::Elsewhere => Poll::Ready(Err(elsewhere())),
            },
        }
    }
}

/// The side of a connection's socket that is written to.
pub(crate) enum Writer {
    Tcp(OwnedWriteHalf),
    #[cfg(test)]
    Simulated(Arc<Line>),
    /// Somebody else's now.
    Elsewhere,
}

impl Writer {
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Writer::Tcp(half) => half.try_write(bytes),
            #[cfg(test)]
            Writer::Simulated(line) => line.try_write(bytes),
            Writer::Elsewhere => Err(elsewhere()),
        }
    }

    pub(crate) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Writer::Tcp(half) => half.as_ref().poll_write_ready(cx),
            #[cfg(test)]
            Writer::Simulated(line) => line.poll_write_ready(cx).map(Ok),
            Writer::Elsewhere => Poll::Ready(Err(elsewhere())),
        }
    }

    pub(crate) fn shut_down(&self, how: Shutdown) -> io::Result<()> {
        match self {
            Writer::Tcp(half) => socket2::SockRef::from(half.as_ref()).shutdown(how),
            #[cfg(test)]
            Writer::Simulated(line) => {
                line.shut_down(how);
                Ok(())
            }
            Writer::Elsewhere => Err(elsewhere()),
        }
    }

    /// A second handle of the same socket.
    pub(crate) fn duplicate(&self) -> io::Result<std::net::TcpStream> {
        match self {
            Writer::Tcp(half) => Ok(socket2::SockRef::from(half.as_ref()).try_clone()?.into()),
            #[cfg(test)]
            Writer::Simulated(_) => Err(io::ErrorKind::Unsupported.into()),
            Writer::Elsewhere => Err(elsewhere()),
        }
    }

    /// Gives this handle back without ending the socket, which somebody else has too.
    pub(crate) fn forget(&mut self) {
        if let Writer::Tcp(half) = std::mem::replace(self, Writer::Elsewhere) {
            half.forget();
        }
    }
}

fn elsewhere() -> io::Error {
    io::ErrorKind::NotConnected.into()
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Clear(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Socket::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
            #[cfg(test)]
            Socket::Simulated(line) => Pin::new(line).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Clear(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Socket::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
            #[cfg(test)]
            Socket::Simulated(line) => Pin::new(line).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Clear(tcp) => Pin::new(tcp).poll_write_vectored(cx, parts),
            Socket::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, parts),
            #[cfg(test)]
            Socket::Simulated(line) => Pin::new(line).poll_write_vectored(cx, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Socket::Clear(tcp) => tcp.is_write_vectored(),
            Socket::Tls(tls) => tls.is_write_vectored(),
            #[cfg(test)]
            Socket::Simulated(line) => line.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Clear(tcp) => Pin::new(tcp).poll_flush(cx),
            Socket::Tls(tls) => Pin::new(tls).poll_flush(cx),
            #[cfg(test)]
            Socket::Simulated(line) => Pin::new(line).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Clear(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Socket::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
            #[cfg(test)]
            Socket::Simulated(line) => Pin::new(line).poll_shutdown(cx),
        }
    }
}
