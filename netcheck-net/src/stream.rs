//! A connected stream, whatever it runs over.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::lock;

/// How many of the first bytes received are kept as evidence.
const KEPT: usize = 512;

/// Writes go through to a stream's field as they are, several buffers in one system call included.
macro_rules! writes_through {
    ($stream:ty, $field:ident) => {
        impl tokio::io::AsyncWrite for $stream {
            fn poll_write(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                buf: &[u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                std::pin::Pin::new(&mut self.$field).poll_write(cx, buf)
            }

            fn poll_write_vectored(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                bufs: &[std::io::IoSlice<'_>],
            ) -> std::task::Poll<std::io::Result<usize>> {
                std::pin::Pin::new(&mut self.$field).poll_write_vectored(cx, bufs)
            }

            fn is_write_vectored(&self) -> bool {
                self.$field.is_write_vectored()
            }

            fn poll_flush(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                std::pin::Pin::new(&mut self.$field).poll_flush(cx)
            }

            fn poll_shutdown(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                std::pin::Pin::new(&mut self.$field).poll_shutdown(cx)
            }
        }
    };
}
pub(crate) use writes_through;

/// What a stream has to be able to do.
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// A connected stream: TCP, a tunnel through a proxy, or TLS over either.
pub struct Stream {
    io: Box<dyn Io>,
    /// Whether ALPN settled on HTTP/2.
    pub h2: bool,
    /// Whether the connection is reset when it is dropped, where it is TCP without a layer between.
    abort: Abort,
}

/// Whether a connection is reset when it is dropped.
pub type Abort = Arc<AtomicBool>;

/// A TCP connection that may end with a reset: a peer that has not received all that was sent would keep it open, and our
/// own system would send the rest again for minutes.
struct Abortable {
    io: TcpStream,
    abort: Abort,
}

impl Drop for Abortable {
    fn drop(&mut self) {
        if self.abort.load(Ordering::Relaxed) {
            // Where the system refuses, the connection closes in the ordinary way.
            let _ = SockRef::from(&self.io).set_linger(Some(Duration::ZERO));
        }
    }
}

impl AsyncRead for Abortable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

writes_through!(Abortable, io);

impl Stream {
    /// A stream over `io`.
    pub fn new(io: impl Io + 'static) -> Self {
        Stream { io: Box::new(io), h2: false, abort: Abort::default() }
    }

    /// A stream over a TCP connection.
    #[must_use]
    pub fn tcp(io: TcpStream) -> Self {
        let abort = Abort::default();
        let io = Box::new(Abortable { io, abort: Arc::clone(&abort) });
        Stream { io, h2: false, abort }
    }

    /// While this is set, the connection is reset when it is dropped.
    #[must_use]
    pub fn abort(&self) -> Abort {
        Arc::clone(&self.abort)
    }

    /// The same, read in portions: for a library that would read a flood to its end before others get their turn.
    #[must_use]
    pub fn in_portions(self) -> Self {
        let (h2, abort) = (self.h2, self.abort());
        Stream { io: Box::new(Portions::new(self).0), h2, abort }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

writes_through!(Stream, io);

/// The first bytes a tapped stream received.
pub(crate) type First = Arc<Mutex<Vec<u8>>>;

/// A stream that keeps the first bytes it receives, so that a plaintext answer can be shown.
pub(crate) struct Tap {
    io: Stream,
    first: First,
    /// How many of the first bytes were read ahead and are still to be handed on.
    ahead: usize,
}

impl Tap {
    pub(crate) fn new(io: Stream) -> (Tap, First) {
        let first = First::default();
        (Tap { io, first: Arc::clone(&first), ahead: 0 }, first)
    }

    /// Waits for the first bytes, or for the end. A library that reads would keep a buffer for them all the while.
    pub(crate) async fn answered(&mut self) -> io::Result<()> {
        let first = std::future::poll_fn(|cx| {
            let mut bytes = [0; KEPT];
            let mut buf = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut buf))?;
            Poll::Ready(Ok::<_, io::Error>(buf.filled().to_vec()))
        })
        .await?;
        self.ahead = first.len();
        *lock(&self.first) = first;
        Ok(())
    }
}

impl AsyncRead for Tap {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead > 0 {
            let first = lock(&self.first);
            let rest = first.get(first.len().saturating_sub(self.ahead)..).unwrap_or_default();
            let now = rest.len().min(buf.remaining());
            buf.put_slice(&rest[..now]);
            drop(first);
            self.ahead -= now;
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        let mut first = lock(&self.first);
        let room = KEPT.saturating_sub(first.len());
        if room > 0 {
            first.extend(buf.filled().iter().skip(before).take(room));
        }
        drop(first);
        polled
    }
}

writes_through!(Tap, io);

/// How much is read before others get their turn.
const PORTION: usize = 16 << 10;

/// A stream that is read in portions: whoever floods us with what is costly to read must not keep timers and
/// other targets waiting until the flood pauses.
pub(crate) struct Portions {
    io: Stream,
    left: usize,
    ended: Ended,
}

/// Whether a stream has come to its end in good order: libraries above forget how it ended.
pub(crate) type Ended = Arc<AtomicBool>;

impl Portions {
    pub(crate) fn new(io: Stream) -> (Self, Ended) {
        let ended = Ended::default();
        (Portions { io, left: PORTION, ended: Arc::clone(&ended) }, ended)
    }
}

impl AsyncRead for Portions {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left == 0 {
            self.left = PORTION;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        let read = buf.filled().len() - before;
        if matches!(polled, Poll::Ready(Ok(()))) && read == 0 && buf.remaining() > 0 {
            self.ended.store(true, Ordering::Relaxed);
        }
        self.left = if polled.is_pending() { PORTION } else { self.left.saturating_sub(read) };
        polled
    }
}

writes_through!(Portions, io);
