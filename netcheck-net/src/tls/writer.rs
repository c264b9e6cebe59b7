//! The client's first records on their way out: a browser's ClientHello gets its bytes here.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::browser::as_browser_sends;
use crate::stream::Tap;
use netcheck_record::scheme::HelloKind;

/// A record's header: type, version, length.
const HEADER: usize = 5;
const HANDSHAKE: u8 = 22;
const CHANGE_CIPHER_SPEC: u8 = 20;

/// A stream whose first records pass through here.
pub(super) struct HelloWriter<S> {
    io: S,
    kind: HelloKind,
    /// Part of a record.
    partial: Vec<u8>,
    /// What is ready and not yet written.
    ready: Vec<u8>,
    /// No ClientHello can follow.
    done: bool,
}

impl HelloWriter<Tap> {
    /// Writes the ClientHello.
    pub(super) async fn begin(&mut self, record: Vec<u8>) -> io::Result<()> {
        self.write_all(&record).await?;
        self.flush().await
    }

    /// Waits for the first bytes of an answer, or for its end.
    pub(super) async fn answered(&mut self) -> io::Result<()> {
        self.io.answered().await
    }
}

/// The record of a ClientHello as it is sent.
pub(super) fn as_sent(record: Vec<u8>, kind: HelloKind) -> Vec<u8> {
    let dressed = match kind {
        HelloKind::Browser => record.get(HEADER..).and_then(as_browser_sends),
        HelloKind::Small => None,
    };
    let Some(message) = dressed else { return record };
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&record[..3], &length, &message].concat()
}

impl<S> HelloWriter<S> {
    /// A writer that changes the ClientHello to `kind`.
    pub(super) fn new(io: S, kind: HelloKind) -> Self {
        HelloWriter { io, kind, partial: Vec::new(), ready: Vec::new(), done: false }
    }

    /// Moves whole records to `ready`.
    fn sort(&mut self) {
        while let Some(record) = first_record(&self.partial) {
            let record: Vec<u8> = self.partial.drain(..record).collect();
            self.done =
                !matches!((record[0], record.get(HEADER)), (HANDSHAKE, Some(1)) | (CHANGE_CIPHER_SPEC, _));
            let is_hello = !self.done && record[0] == HANDSHAKE;
            self.ready.extend(if is_hello { as_sent(record, self.kind) } else { record });
            if self.done {
                self.ready.append(&mut self.partial);
            }
        }
        if self.partial.is_empty() {
            self.partial = Vec::new();
        }
    }
}

fn first_record(bytes: &[u8]) -> Option<usize> {
    let [_, _, _, a, b] = *bytes.first_chunk::<HEADER>()?;
    let whole = HEADER + usize::from(u16::from_be_bytes([a, b]));
    (bytes.len() >= whole).then_some(whole)
}

impl<S: AsyncWrite + Unpin> HelloWriter<S> {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.ready.is_empty() {
            let written = ready!(Pin::new(&mut self.io).poll_write(cx, &self.ready))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.ready.drain(..written);
        }
        // Thousands of handshakes may wait for a silent server: what is written is not kept.
        self.ready = Vec::new();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HelloWriter<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HelloWriter<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_ready(cx))?;
        if self.done {
            return Pin::new(&mut self.io).poll_write(cx, buf);
        }
        self.partial.extend(buf);
        self.sort();
        if let Poll::Ready(written) = self.poll_ready(cx) {
            written?;
        }
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_ready(cx))?;
        if self.done {
            return Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        }
        let whole: Vec<u8> = bufs.iter().flat_map(|buf| buf.iter().copied()).collect();
        self.poll_write(cx, &whole)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_ready(cx))?;
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_ready(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
