//! The resolver: one zone over UDP and TCP on one port.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use hickory_proto::op::Message;

use super::Zone;
use super::zone::key;

/// A resolver over UDP and TCP on one port; dropping it ends it.
pub struct DnsServer {
    /// Where to ask it.
    pub addr: SocketAddr,
    queries: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
}

impl DnsServer {
    /// Serves the zone on a free port of 127.0.0.1.
    #[must_use]
    pub fn start(zone: Zone) -> DnsServer {
        DnsServer::start_on((IpAddr::V4(Ipv4Addr::LOCALHOST), 0).into(), zone)
    }

    /// Serves the zone on an address and port of choice (port 0 takes any).
    #[must_use]
    pub fn start_on(addr: SocketAddr, zone: Zone) -> DnsServer {
        let (udp, tcp) = bind(addr);
        let addr = udp.local_addr().unwrap();
        let server = DnsServer { addr, queries: Arc::default(), stop: Arc::default() };
        let zone =
            Arc::new(Asked { zone, queries: Arc::clone(&server.queries), stop: Arc::clone(&server.stop) });
        let same = Arc::clone(&zone);
        thread::spawn(move || same.datagrams(&udp));
        thread::spawn(move || zone.connections(&tcp));
        server
    }

    /// What it was asked so far, in order: `name TYPE`.
    #[must_use]
    pub fn queries(&self) -> Vec<String> {
        self.queries.lock().unwrap().clone()
    }
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect_timeout(&self.addr, Duration::from_secs(1));
        let any = if self.addr.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        if let Ok(socket) = UdpSocket::bind(any) {
            let _ = socket.send_to(&[], self.addr);
        }
    }
}

/// The same port for both, whichever is free.
fn bind(addr: SocketAddr) -> (UdpSocket, TcpListener) {
    for _ in 0..100 {
        let tcp = TcpListener::bind(addr).expect("a free port");
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()) {
            return (udp, tcp);
        }
    }
    panic!("no port free for both UDP and TCP");
}

/// A zone that notes what it is asked.
struct Asked {
    zone: Zone,
    queries: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
}

impl Asked {
    fn answer(&self, question: &[u8], datagram: bool) -> Option<Vec<u8>> {
        if let Some(asked) = Message::from_vec(question).ok()?.queries.first() {
            let text = format!("{} {}", key(&asked.name().to_ascii()), asked.query_type());
            self.queries.lock().unwrap().push(text);
        }
        self.zone.answer(question, datagram)
    }

    fn over(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    fn datagrams(&self, socket: &UdpSocket) {
        let mut buffer = [0; 4096];
        loop {
            let received = socket.recv_from(&mut buffer);
            if self.over() {
                return;
            }
            if let Ok((length, peer)) = received
                && let Some(reply) = self.answer(&buffer[..length], true)
            {
                let _ = socket.send_to(&reply, peer);
            }
        }
    }

    fn connections(self: Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.over() {
                return;
            }
            let Ok(stream) = stream else { continue };
            let zone = Arc::clone(&self);
            thread::spawn(move || zone.messages(stream));
        }
    }

    fn messages(&self, mut stream: TcpStream) {
        let mut length = [0; 2];
        while stream.read_exact(&mut length).is_ok() {
            let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
            if stream.read_exact(&mut question).is_err() {
                return;
            }
            // Silence: the connection stands, nothing comes.
            let Some(reply) = self.answer(&question, false) else { continue };
            let framed = [&u16::try_from(reply.len()).unwrap().to_be_bytes()[..], &reply].concat();
            if stream.write_all(&framed).is_err() {
                return;
            }
        }
    }
}
