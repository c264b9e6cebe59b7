//! What answers the benchmarks: a listener, and TLS servers with a word of RTMP or WebSocket.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;

use netcheck_lab::pki::{Authority, Leaf};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tungstenite::handshake::derive_accept_key;

/// More than the tools have in flight.
const THREADS: usize = 64;

/// Accepts and closes, on every address of this machine, until the process ends.
///
/// # Errors
/// No socket.
pub(crate) fn plain() -> Result<u16, String> {
    let (listener, port) = listener()?;
    thread::spawn(move || while listener.accept().is_ok() {});
    Ok(port)
}

/// Accepts, keeps each connection and says nothing, until the process ends.
///
/// # Errors
/// No socket.
pub(crate) fn silent() -> Result<u16, String> {
    let (listener, port) = listener()?;
    thread::spawn(move || {
        let mut kept = Vec::new();
        while let Ok((stream, _)) = listener.accept() {
            kept.push(stream);
        }
    });
    Ok(port)
}

/// A resolver that knows no name and says so at once (NXDOMAIN, RFC 1035 section 4.1.1), until the process ends.
///
/// # Errors
/// Port 53 is not ours to take.
pub(crate) fn resolver() -> Result<String, String> {
    const ADDRESS: &str = "127.53.53.53";
    let socket = UdpSocket::bind((ADDRESS, 53)).map_err(|why| format!("a resolver at {ADDRESS}: {why}"))?;
    thread::spawn(move || {
        let mut message = [0; 512];
        while let Ok((length, peer)) = socket.recv_from(&mut message) {
            if length >= 12 {
                (message[2], message[3]) = (message[2] | 0x80, 0x83);
                // A client that has gone is no matter.
                let _ = socket.send_to(&message[..length], peer);
            }
        }
    });
    Ok(ADDRESS.to_owned())
}

/// A TLS server that does `then` on each connection, until the process ends: a thread for each that is in flight.
///
/// # Errors
/// No socket.
pub(crate) fn secure(
    config: &Arc<ServerConfig>,
    then: fn(&mut StreamOwned<ServerConnection, TcpStream>) -> std::io::Result<()>,
) -> Result<u16, String> {
    let (listener, port) = listener()?;
    let listener = Arc::new(listener);
    for _ in 0..THREADS {
        let (listener, config) = (Arc::clone(&listener), Arc::clone(config));
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let Ok(server) = ServerConnection::new(Arc::clone(&config)) else { continue };
                let _ = stream.set_nodelay(true);
                // A client that leaves is no reason to stop.
                let _ = then(&mut StreamOwned::new(server, stream));
            }
        });
    }
    Ok(port)
}

/// Shakes hands and waits for the client to leave.
pub(crate) fn handshake(stream: &mut StreamOwned<ServerConnection, TcpStream>) -> std::io::Result<()> {
    stream.read(&mut [0; 16]).map(drop)
}

/// Answers C0 and C1 with S0, S1 and S2 (Adobe RTMP 1.0, section 5.2), and waits for C2 and the end.
pub(crate) fn rtmp(stream: &mut StreamOwned<ServerConnection, TcpStream>) -> std::io::Result<()> {
    let mut hello = [0; 1537];
    stream.read_exact(&mut hello)?;
    let mut answer = vec![3];
    answer.extend([0; 8]);
    answer.extend([7; 1528]);
    answer.extend(&hello[1..]);
    stream.write_all(&answer)?;
    while stream.read(&mut hello)? > 0 {}
    Ok(())
}

/// Answers the upgrade of RFC 6455 section 4, and a close frame with a close frame.
pub(crate) fn websocket(stream: &mut StreamOwned<ServerConnection, TcpStream>) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    while !request.ends_with(b"\r\n\r\n") {
        let length = stream.read(&mut piece)?;
        request.extend(&piece[..length]);
        if length == 0 || request.len() > 1 << 16 {
            return Ok(());
        }
    }
    let text = String::from_utf8_lossy(&request);
    let key = text.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap_or_default();
    let accept = derive_accept_key(key.trim().as_bytes());
    write!(
        stream,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    )?;
    // A ping (0x9) is answered by a pong with the same payload, a close by a close; frames of a client are masked.
    loop {
        let mut head = [0; 6];
        stream.read_exact(&mut head)?;
        let length = usize::from(head[1] & 0x7f);
        let mut payload = vec![0; length.min(125)];
        stream.read_exact(&mut payload)?;
        payload.iter_mut().zip(head[2..].iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        let opcode = if head[0] & 0xf == 9 { 10 } else { head[0] & 0xf };
        let mut frame = vec![0x80 | opcode, head[1] & 0x7f];
        frame.extend(payload);
        stream.write_all(&frame)?;
        if opcode == 8 {
            return Ok(());
        }
    }
}

/// Answers any request as a web server does.
pub(crate) fn http(stream: &mut StreamOwned<ServerConnection, TcpStream>) -> std::io::Result<()> {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request)?;
    stream
        .write_all(b"HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")?;
    stream.conn.send_close_notify();
    stream.flush()
}

/// An authority, a leaf of it for every address used here, and the server's side of both.
pub(crate) fn certificates() -> (Authority, Leaf, Arc<ServerConfig>) {
    let authority = Authority::new("Bench Root");
    let leaf = authority.leaf(&["bench.example", "*.bench.example", "127.0.0.1"]);
    let mut config = ServerConfig::clone(&leaf.server_config(&[]));
    config.send_tls13_tickets = 2;
    (authority, leaf, Arc::new(config))
}

fn listener() -> Result<(TcpListener, u16), String> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).map_err(|why| why.to_string())?;
    // The standard library lets 128 wait: more are in flight here, and a SYN that is dropped costs a second.
    rustix::net::listen(&listener, 4096).map_err(|why| why.to_string())?;
    let port = listener.local_addr().map_err(|why| why.to_string())?.port();
    Ok((listener, port))
}
