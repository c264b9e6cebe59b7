//! Waiting for a program of others to be ready.
#![expect(clippy::disallowed_methods, reason = "a daemon says in no other way that it listens")]

use std::io;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(10);

/// Waits until something accepts connections here.
///
/// # Errors
/// Nothing did within ten seconds.
pub fn listening(address: SocketAddr) -> io::Result<()> {
    until(&format!("nothing listens on {address}"), || {
        TcpStream::connect_timeout(&address, PAUSE * 10).is_ok()
    })
}

/// Waits until a datagram draws an answer.
///
/// # Errors
/// None came within ten seconds.
pub fn answering(address: SocketAddr, datagram: &[u8]) -> io::Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.connect(address)?;
    socket.set_read_timeout(Some(PAUSE))?;
    until(&format!("nothing answers on UDP {address}"), || {
        socket.send(datagram).is_ok() && socket.recv(&mut [0; 1500]).is_ok()
    })
}

/// Waits until a program of this machine takes datagrams here, which it need not answer.
///
/// # Errors
/// None did within ten seconds.
pub fn taking(address: SocketAddr) -> io::Result<()> {
    until(&format!("nothing takes datagrams on {address}"), || UdpSocket::bind(address).is_err())
}

fn until(error_text: &str, mut ready: impl FnMut() -> bool) -> io::Result<()> {
    let begun = Instant::now();
    while !ready() {
        if begun.elapsed() > PATIENCE {
            return Err(io::Error::other(error_text.to_owned()));
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}
