//! The first flight of a QUIC handshake as bytes, to be sent with a TTL of our choosing: quinn makes it for a socket that sends
//! nothing.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use netcheck_common::clock::within;
use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, ClientConfig, Endpoint, EndpointConfig, TokioRuntime, UdpPoller};

/// How long quinn has to write it. It is sent again, by the same bytes' rules, only after a second.
const MOMENT: Duration = Duration::from_millis(20);
/// No client's first flight is longer.
const MOST: usize = 4;

/// A socket that keeps what it is to send.
#[derive(Default)]
struct Kept(Mutex<Vec<Vec<u8>>>);

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

/// Always ready.
#[derive(Debug)]
struct Ready;

impl UdpPoller for Ready {
    fn poll_writable(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncUdpSocket for Kept {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Ready)
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MOST {
            kept.push(transmit.contents.to_vec());
        }
        Ok(())
    }

    fn poll_recv(
        &self,
        _: &mut Context<'_>,
        _: &mut [IoSliceMut<'_>],
        _: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 0], 0)))
    }
}

/// The datagrams with which a handshake with `to` under this name begins; none where it cannot be begun.
pub async fn flight(config: ClientConfig, to: SocketAddr, name: &str) -> Vec<Vec<u8>> {
    let kept = Arc::new(Kept::default());
    let socket = Arc::clone(&kept) as Arc<dyn AsyncUdpSocket>;
    let endpoint =
        Endpoint::new_with_abstract_socket(EndpointConfig::default(), None, socket, Arc::new(TokioRuntime));
    let Ok(endpoint) = endpoint else { return Vec::new() };
    if let Ok(connecting) = endpoint.connect_with(config, to, name) {
        // No answer can come.
        within(MOMENT, connecting).await;
    }
    std::mem::take(&mut *kept.0.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use quinn::crypto::rustls::QuicClientConfig;

    use super::*;
    use crate::versions;

    /// The first flight towards 192.0.2.1 as a.test.
    pub fn first_flight() -> Vec<Vec<u8>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let tls = rustls::ClientConfig::builder_with_provider(provider)
                .with_protocol_versions(&[&rustls::version::TLS13])
                .expect("TLS 1.3")
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
            let crypto = QuicClientConfig::try_from(tls).expect("a cipher suite of QUIC's");
            flight(ClientConfig::new(Arc::new(crypto)), SocketAddr::from(([192, 0, 2, 1], 443)), "a.test")
                .await
        })
    }

    #[test]
    fn the_first_flight_is_whole_initials_and_nothing_is_sent() {
        let flight = first_flight();
        assert!(!flight.is_empty());
        assert!(flight.iter().all(|one| one.len() >= versions::LENGTH && versions::is_handshake(one)));
    }
}

#[cfg(test)]
#[path = "rfc9001_tests.rs"]
mod rfc9001;
