//! Listeners that keep the first bytes of whoever calls and answer nothing.

use std::collections::HashMap;
use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::NAME;
use super::hello::Offer;
use crate::world::faults::initial;

/// How long the rest of a ClientHello is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
const RECORD: usize = 5;

type Flights = Arc<Mutex<HashMap<(SocketAddr, Vec<u8>), Vec<Vec<u8>>>>>;

/// What has been captured and not yet taken.
pub(super) struct Capture {
    tcp: Arc<Mutex<Vec<Offer>>>,
    quic: Flights,
}

impl Capture {
    /// Listens on TCP and UDP 443 of the loopback address.
    pub(super) fn start() -> io::Result<Capture> {
        let capture = Capture { tcp: Arc::default(), quic: Arc::default() };
        let (listener, tcp) = (TcpListener::bind("127.0.0.1:443")?, Arc::clone(&capture.tcp));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let tcp = Arc::clone(&tcp);
                thread::spawn(move || {
                    if let Some(offer) = record(stream) {
                        tcp.lock().unwrap_or_else(PoisonError::into_inner).push(offer);
                    }
                });
            }
        });
        let (socket, quic) = (UdpSocket::bind("127.0.0.1:443")?, Arc::clone(&capture.quic));
        thread::spawn(move || {
            let mut buffer = [0; 2048];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let datagram = &buffer[..length];
                if let Some(id) = initial::destination(datagram) {
                    let mut quic = quic.lock().unwrap_or_else(PoisonError::into_inner);
                    quic.entry((from, id.to_vec())).or_default().push(datagram.to_vec());
                }
            }
        });
        Ok(capture)
    }

    /// The ClientHellos over TCP that ask for the name.
    pub(super) fn take_tcp(&self) -> Vec<Offer> {
        let all = std::mem::take(&mut *self.tcp.lock().unwrap_or_else(PoisonError::into_inner));
        all.into_iter().filter(|offer| offer.name == NAME).collect()
    }

    /// The ClientHellos over QUIC that ask for the name.
    pub(super) fn take_quic(&self) -> Vec<Offer> {
        let all = std::mem::take(&mut *self.quic.lock().unwrap_or_else(PoisonError::into_inner));
        let offers = all.values().filter_map(|flight| Offer::read(&initial::client_hello(flight)?));
        offers.filter(|offer| offer.name == NAME).collect()
    }
}

fn record(mut stream: TcpStream) -> Option<Offer> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut header = [0; RECORD];
    stream.read_exact(&mut header).ok()?;
    let mut message = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
    stream.read_exact(&mut message).ok()?;
    (header[0] == 22).then(|| Offer::read(&message))?
}
