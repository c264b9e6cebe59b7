//! Servers on 127.0.0.1 whose behaviour is known: one port each, as long as the program runs.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

/// How long a server waits for its client: more than any tool's own timeout.
const PATIENCE: Duration = Duration::from_secs(30);
/// The bytes of C1, S1, C2 and S2 (RTMP 1.0, section 5.2).
const RTMP_BLOCK: usize = 1536;
/// The magic cookie (RFC 8489, section 5).
const STUN_COOKIE: [u8; 4] = 0x2112_A442_u32.to_be_bytes();
/// A TLS record (RFC 8446, section 5.1) with the fatal alert internal_error.
const TLS_ALERT: [u8; 7] = [21, 3, 3, 0, 2, 2, 80];

/// What a server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// Accepts connections and sends nothing.
    Silent,
    /// Nothing listens.
    Closed,
    /// Answers a ClientHello with a fatal alert.
    TlsAlert,
    /// Answers an HTTP request with 404.
    HttpNotFound,
    /// Completes the RTMP handshake.
    Rtmp,
    /// Answers SMTP commands and offers no STARTTLS.
    SmtpWithoutTls,
    /// Answers STUN Binding requests over UDP.
    Stun,
}

impl Service {
    const ALL: [Service; 7] = [
        Service::Silent,
        Service::Closed,
        Service::TlsAlert,
        Service::HttpNotFound,
        Service::Rtmp,
        Service::SmtpWithoutTls,
        Service::Stun,
    ];

    /// The words in the line of a step.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Service::Silent => "open port",
            Service::Closed => "closed port",
            Service::TlsAlert => "TLS alert",
            Service::HttpNotFound => "HTTP 404",
            Service::Rtmp => "RTMP handshake",
            Service::SmtpWithoutTls => "SMTP without STARTTLS",
            Service::Stun => "STUN Binding",
        }
    }

    /// What is done with a connection.
    fn serve(self, stream: &mut TcpStream) -> io::Result<()> {
        match self {
            Service::TlsAlert => {
                read_some(stream)?;
                stream.write_all(&TLS_ALERT)
            }
            Service::HttpNotFound => {
                read_some(stream)?;
                stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            }
            Service::Rtmp => {
                let mut hello = [0; 1 + RTMP_BLOCK];
                stream.read_exact(&mut hello)?;
                stream.write_all(&[3])?;
                stream.write_all(&[0; RTMP_BLOCK])?;
                stream.write_all(&hello[1..])
            }
            Service::SmtpWithoutTls => {
                stream.write_all(b"220 localhost ESMTP\r\n")?;
                while read_some(stream)? > 0 {
                    stream.write_all(b"250 localhost\r\n")?;
                }
                Ok(())
            }
            Service::Silent | Service::Closed | Service::Stun => Ok(()),
        }
    }
}

/// The address of each service.
#[derive(Debug)]
pub(super) struct Servers(Vec<(Service, SocketAddr)>);

impl Servers {
    /// Starts all of them.
    ///
    /// # Errors
    /// This machine does not let the program listen on 127.0.0.1.
    pub(super) fn start() -> Result<Servers, String> {
        let started: io::Result<Vec<_>> =
            Service::ALL.into_iter().map(|service| Ok((service, start(service)?))).collect();
        started.map(Servers).map_err(|why| format!("a server cannot be started on 127.0.0.1: {why}"))
    }

    /// Where a service listens.
    pub(super) fn address(&self, service: Service) -> String {
        let found = self.0.iter().find(|(known, _)| *known == service);
        found.map(|(_, address)| address.to_string()).unwrap_or_default()
    }
}

fn start(service: Service) -> io::Result<SocketAddr> {
    if service == Service::Stun {
        return start_stun();
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    // Dropped: the port that the system just gave out is free, and it gives out others first.
    if service == Service::Closed {
        return Ok(address);
    }
    thread::Builder::new().spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let served = stream.set_read_timeout(Some(PATIENCE)).and_then(|()| service.serve(&mut stream));
            // The client closes first, so that nothing it has not read yet is lost to a reset.
            let _ = served.and_then(|()| io::copy(&mut stream, &mut io::sink()));
        }
    })?;
    Ok(address)
}

fn read_some(stream: &mut TcpStream) -> io::Result<usize> {
    stream.read(&mut [0; 4096])
}

#[expect(
    clippy::disallowed_methods,
    reason = "a server on loopback: it answers and sends nothing of its own"
)]
fn start_stun() -> io::Result<SocketAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = socket.local_addr()?;
    thread::Builder::new().spawn(move || {
        let mut packet = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut packet) {
            if let Some(response) = binding_response(packet.get(..length).unwrap_or_default(), from) {
                let _ = socket.send_to(&response, from);
            }
        }
    })?;
    Ok(address)
}

/// The success response to a Binding request, with XOR-MAPPED-ADDRESS (RFC 8489, section 14.2).
fn binding_response(request: &[u8], from: SocketAddr) -> Option<Vec<u8>> {
    let (SocketAddr::V4(from), Some([0, 1])) = (from, request.get(..2)) else { return None };
    let mut response = vec![1, 1, 0, 12];
    response.extend(request.get(4..20)?);
    response.extend([0, 0x20, 0, 8, 0, 1]);
    response.extend(from.port().to_be_bytes().iter().zip(STUN_COOKIE).map(|(byte, key)| byte ^ key));
    response.extend(from.ip().octets().iter().zip(STUN_COOKIE).map(|(byte, key)| byte ^ key));
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binding_response_has_the_example_address_of_rfc_5769() {
        let mut request = vec![0, 1, 0, 0];
        request.extend(STUN_COOKIE);
        request.extend([0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae]);
        let response = binding_response(&request, "192.0.2.1:32853".parse().unwrap()).unwrap();
        assert_eq!(response[20..], [0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43]);
        assert_eq!(binding_response(&request[..19], "192.0.2.1:32853".parse().unwrap()), None);
    }
}
