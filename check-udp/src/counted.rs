//! quinn's socket, with a count of what came from the peer: quinn itself is silent about datagrams it can make nothing of.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};

use crate::versions;

/// A socket that counts the datagrams of one peer.
pub struct Counted {
    socket: Arc<dyn AsyncUdpSocket>,
    peer: SocketAddr,
    parts: AtomicU32,
    unrelated: AtomicU32,
}

impl Counted {
    /// Counts what comes from `peer`.
    pub fn new(socket: Arc<dyn AsyncUdpSocket>, peer: SocketAddr) -> Arc<Self> {
        Arc::new(Counted { socket, peer, parts: AtomicU32::new(0), unrelated: AtomicU32::new(0) })
    }

    /// How many have come so far that look like a part of a handshake.
    pub fn parts(&self) -> u32 {
        self.parts.load(Ordering::Relaxed)
    }

    /// How many have come so far that do not.
    pub fn unrelated(&self) -> u32 {
        self.unrelated.load(Ordering::Relaxed)
    }

    fn note(&self, datagram: &[u8]) {
        let counter = if versions::is_handshake(datagram) { &self.parts } else { &self.unrelated };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counted").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl AsyncUdpSocket for Counted {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.socket).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.socket.try_send(transmit)
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let polled = self.socket.poll_recv(context, buffers, meta);
        if let Poll::Ready(Ok(filled)) = &polled {
            let received = buffers.iter().zip(meta.iter()).take(*filled);
            for (buffer, one) in received.filter(|(_, one)| one.addr == self.peer) {
                // Several of equal length may come as one.
                let bytes = buffer.get(..one.len).unwrap_or_default();
                bytes.chunks(one.stride.max(1)).for_each(|datagram| self.note(datagram));
            }
        }
        polled
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.socket.max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.socket.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.socket.may_fragment()
    }
}
