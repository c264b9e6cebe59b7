//! A UDP server that answers each datagram as a closure says.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// A UDP server on loopback; dropping it ends it.
pub struct UdpServer {
    /// The port it listens on.
    pub port: u16,
    /// The address and port it listens on.
    pub addr: SocketAddr,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
    stop: Arc<AtomicBool>,
}

impl UdpServer {
    /// Answers each datagram with what `answer` returns for it, on 127.0.0.1.
    #[must_use]
    pub fn new(answer: impl FnMut(&[u8], SocketAddr) -> Vec<Vec<u8>> + Send + 'static) -> UdpServer {
        UdpServer::on((IpAddr::V4(Ipv4Addr::LOCALHOST), 0).into(), answer)
    }

    /// The same on an address and port of choice (port 0 takes any).
    #[must_use]
    pub fn on(
        addr: SocketAddr,
        mut answer: impl FnMut(&[u8], SocketAddr) -> Vec<Vec<u8>> + Send + 'static,
    ) -> UdpServer {
        UdpServer::serve(addr, move |datagram, peer| {
            answer(datagram, peer).into_iter().map(|answer| (answer, peer)).collect()
        })
    }

    /// The same on 127.0.0.1 with a peer for each answer: it may go to the sender of an earlier datagram.
    #[must_use]
    pub fn replying(
        answer: impl FnMut(&[u8], SocketAddr) -> Vec<(Vec<u8>, SocketAddr)> + Send + 'static,
    ) -> UdpServer {
        UdpServer::serve((IpAddr::V4(Ipv4Addr::LOCALHOST), 0).into(), answer)
    }

    fn serve(
        addr: SocketAddr,
        mut answer: impl FnMut(&[u8], SocketAddr) -> Vec<(Vec<u8>, SocketAddr)> + Send + 'static,
    ) -> UdpServer {
        let socket = bind(addr);
        let addr = socket.local_addr().unwrap();
        let (seen, stop) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let (notes, over): (Arc<Mutex<Vec<Vec<u8>>>>, _) = (Arc::clone(&seen), Arc::clone(&stop));
        thread::spawn(move || {
            let mut buffer = [0; 65_536];
            loop {
                // An error here is ICMP that answers one of our own datagrams: of no interest.
                let received = socket.recv_from(&mut buffer);
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let Ok((length, peer)) = received else { continue };
                notes.lock().unwrap().push(buffer[..length].to_vec());
                for (datagram, to) in answer(&buffer[..length], peer) {
                    let _ = socket.send_to(&datagram, to);
                }
            }
        });
        UdpServer { port: addr.port(), addr, seen, stop }
    }

    /// The datagrams received so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Vec<u8>> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for UdpServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let any = if self.addr.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        if let Ok(socket) = UdpSocket::bind(any) {
            let _ = socket.send_to(&[], self.addr);
        }
    }
}

/// A socket on this address. A port of the kernel's choice is one that is free for TCP too: DNS serves both on one.
fn bind(addr: SocketAddr) -> UdpSocket {
    loop {
        let socket = UdpSocket::bind(addr).expect("a free port");
        let own = socket.local_addr().expect("a bound socket has an address");
        if addr.port() != 0 || TcpListener::bind(own).is_ok() {
            return socket;
        }
    }
}
