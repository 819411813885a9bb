//! A socket in memory: two bounded streams of bytes, without the operating system.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much waits in one direction: few frames.
const BYTES_MAX: usize = 4096;

/// One end of a socket.
pub struct Line {
    incoming: Arc<Mutex<Stream>>,
    outgoing: Arc<Mutex<Stream>>,
    /// Broken when it is dropped, and not only closed.
    resets: Mutex<bool>,
}

#[derive(Default)]
struct Stream {
    bytes: VecDeque<u8>,
    /// Nothing more will be written.
    is_ended: bool,
    /// Nobody reads any more.
    is_unread: bool,
    is_reset: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Stream {
    fn wake(&mut self) {
        [self.reader.take(), self.writer.take()].into_iter().flatten().for_each(Waker::wake);
    }

    fn may_read(&self) -> bool {
        self.is_reset || self.is_ended || !self.bytes.is_empty()
    }

    fn may_write(&self) -> bool {
        self.is_reset || self.is_ended || self.is_unread || self.bytes.len() < BYTES_MAX
    }
}

fn lock(stream: &Mutex<Stream>) -> MutexGuard<'_, Stream> {
    stream.lock().unwrap()
}

impl Line {
    /// Both ends of a socket.
    pub(crate) fn pair() -> (Line, Line) {
        let (one, other) = (Arc::<Mutex<Stream>>::default(), Arc::<Mutex<Stream>>::default());
        let end = |incoming: &Arc<Mutex<Stream>>, outgoing: &Arc<Mutex<Stream>>| Line {
            incoming: incoming.clone(),
            outgoing: outgoing.clone(),
            resets: Mutex::default(),
        };
        (end(&one, &other), end(&other, &one))
    }

    pub(crate) async fn readable(&self) -> io::Result<()> {
        poll_fn(|cx| self.poll_read_ready(cx)).await;
        Ok(())
    }

    pub(crate) async fn writable(&self) -> io::Result<()> {
        poll_fn(|cx| self.poll_write_ready(cx)).await;
        Ok(())
    }

    fn poll_read_ready(&self, cx: &Context<'_>) -> Poll<()> {
        let mut stream = lock(&self.incoming);
        if stream.may_read() {
            return Poll::Ready(());
        }
        stream.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    pub(crate) fn poll_write_ready(&self, cx: &Context<'_>) -> Poll<()> {
        let mut stream = lock(&self.outgoing);
        if stream.may_write() {
            return Poll::Ready(());
        }
        stream.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    fn read(&self, room: usize, mut take: impl FnMut(&[u8])) -> io::Result<usize> {
        let mut stream = lock(&self.incoming);
        if stream.is_reset {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        if !stream.may_read() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = stream.bytes.len().min(room);
        take(&stream.bytes.drain(..count).collect::<Vec<_>>());
        if count > 0 {
            stream.wake();
        }
        Ok(count)
    }

    pub(crate) fn try_read(&self, bytes: &mut Vec<u8>) -> io::Result<usize> {
        self.read(usize::MAX, |part| bytes.extend(part))
    }

    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut stream = lock(&self.outgoing);
        if stream.is_reset || stream.is_ended || stream.is_unread {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let count = bytes.len().min(BYTES_MAX.saturating_sub(stream.bytes.len()));
        if count == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        stream.bytes.extend(&bytes[..count]);
        stream.wake();
        Ok(count)
    }

    /// Nothing more will be written.
    pub(crate) async fn shutdown(&mut self) -> io::Result<()> {
        self.shut_down(Shutdown::Write);
        Ok(())
    }

    pub(crate) fn shut_down(&self, how: Shutdown) {
        let mut outgoing = lock(&self.outgoing);
        outgoing.is_ended = true;
        outgoing.wake();
        drop(outgoing);
        if how == Shutdown::Both {
            let mut incoming = lock(&self.incoming);
            incoming.is_unread = true;
            incoming.wake();
        }
    }

    /// Is reset when it is dropped.
    pub(crate) fn reset(&self) -> io::Result<()> {
        *self.resets.lock().unwrap() = true;
        Ok(())
    }

    /// Reads once.
    pub(crate) fn poll_read_once(&self, cx: &Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        std::task::ready!(self.poll_read_ready(cx));
        let room = buf.remaining();
        Poll::Ready(self.read(room, |part| buf.put_slice(part)).map(drop))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !*self.resets.lock().unwrap() {
            return self.shut_down(Shutdown::Both);
        }
        for stream in [&self.incoming, &self.outgoing] {
            let mut stream = lock(stream);
            stream.is_reset = true;
            stream.bytes.clear();
            stream.wake();
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_read_once(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        std::task::ready!(self.poll_write_ready(cx));
        Poll::Ready(self.try_write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shut_down(Shutdown::Write);
        Poll::Ready(Ok(()))
    }
}
